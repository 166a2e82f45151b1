//! The plain routes of the older Meeting (Go), driven as its document shows them.

use meeting::config::Key;
use meeting::protocol::time::Timestamp;
use sea_orm::{ConnectionTrait as _, Database};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::databases::older_meeting;
use super::support::{PASSWORD, Server, soon};

/// The document's own example: signed with a key that everyone can read, and without an end.
const DOCUMENTED_TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpZCI6MSwibmFtZSI6InJvb3QifQ.\
    kiFY5je3Hy_l7r41ku-eQ5PHZnsvBJ5StGP2d7bfpB0";
const BEGIN: i64 = 1_767_225_600_000;
const END: i64 = BEGIN + 3_600_000;

pub async fn legacy_server() -> Server {
    Server::with(&[(Key::NoRateLimit, "on"), (Key::LegacyApi, "on")]).await
}

/// One request on a connection of its own: its status, its head and its body.
async fn raw(server: &Server, request: &str, lines: &str, body: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "{request} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n{lines}\r\n",
        server.address,
        body.len()
    );
    // A server that refuses a body closes before it has read all of it.
    let _ = stream.write_all((head + body).as_bytes()).await;
    let mut answer = Vec::new();
    let _ = soon(stream.read_to_end(&mut answer)).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), body.to_owned())
}

/// One request with a bare token in `Authorization`, which is answered with HTTP 200 and an envelope.
async fn call(server: &Server, token: &str, request: &str, body: Value) -> Value {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let lines = format!("Authorization: {token}\r\n");
    let (status, head, body) = raw(server, request, &lines, &body).await;
    assert_eq!(status, 200, "{request}: {body}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");
    assert!(!head.contains("access-control"), "{head}");
    serde_json::from_str(&body).unwrap()
}

pub async fn login(server: &Server, username: &str, password: &str) -> String {
    let account = json!({ "username": username, "password": password });
    let answer = call(server, "", "POST /user/login", account).await;
    assert_eq!(answer["code"], 200, "{answer}");
    answer["data"]["token"].as_str().unwrap().to_owned()
}

/// Ada and Bo, who have accounts, and their tokens.
async fn ada_and_bo(server: &Server) -> [String; 2] {
    server.account("ada").await;
    server.account("bo").await;
    [
        login(server, "ada", PASSWORD).await,
        login(server, "bo", PASSWORD).await,
    ]
}

async fn create(server: &Server, token: &str, form: Value) -> Value {
    call(server, token, "POST /auth/meeting/create", form).await
}

async fn edit(server: &Server, token: &str, form: Value) -> Value {
    call(server, token, "PUT /auth/meeting/edit", form).await
}

async fn delete(server: &Server, token: &str, identity: &str) -> Value {
    let request = format!("DELETE /auth/meeting/delete?identity={identity}");
    call(server, token, &request, Value::Null).await
}

async fn list(server: &Server, token: &str, query: &str) -> Value {
    let request = format!("GET /auth/meeting/list{query}");
    call(server, token, &request, Value::Null).await
}

/// The meeting that was made, whole.
async fn made(server: &Server, token: &str) -> String {
    let form = json!({ "name": "qianyu", "begin_at": BEGIN, "end_at": END });
    let answer = create(server, token, form).await;
    answer["data"]["identity"].as_str().unwrap().to_owned()
}

fn assert_refused(answer: &Value, sentence: &str) {
    assert_eq!(answer["code"], -1, "{answer}");
    let told = answer["msg"].as_str().unwrap();
    assert!(told.contains(sentence), "{answer}");
}

#[tokio::test]
async fn without_the_flag_there_is_nothing() {
    let server = Server::start().await;
    for request in [
        "POST /user/login",
        "GET /auth/meeting/list",
        "POST /auth/meeting/create",
        "PUT /auth/meeting/edit",
        "DELETE /auth/meeting/delete",
        "GET /ws/p2p/room/user",
    ] {
        assert_eq!(raw(&server, request, "", "").await.0, 404, "{request}");
    }
}

#[tokio::test]
async fn a_meeting_is_made_listed_edited_and_deleted() {
    let server = legacy_server().await;
    let [ada, _] = ada_and_bo(&server).await;
    let form = json!({ "name": "qianyu", "begin_at": BEGIN, "end_at": END });
    let created = create(&server, &ada, form).await;
    let identity = created["data"]["identity"].as_str().unwrap();
    let expected = json!({ "code": 200, "msg": "ok", "data": { "identity": identity } });
    assert_eq!(created, expected);
    let entry = |name: &str| {
        json!({
            "identity": identity,
            "name": name,
            "begin_at": "2026-01-01T00:00:00.000Z",
            "end_at": "2026-01-01T01:00:00.000Z",
        })
    };
    let listed = list(&server, &ada, "?name=qian&page=1&size=20").await;
    let expected = json!({ "code": 200, "data": { "count": 1, "list": [entry("qianyu")] } });
    assert_eq!(listed, expected);

    let form = json!({ "identity": identity, "name": "千羽1024" });
    let edited = edit(&server, &ada, form).await;
    assert_eq!(edited, json!({ "code": 200, "msg": "ok" }));
    let listed = list(&server, &ada, "?keyword=%E5%8D%83%E7%BE%BD").await;
    let entries = &listed["data"]["list"];
    assert_eq!(*entries, json!([entry("千羽1024")]), "the times stay");

    // The document sends the same form again, as a body.
    let form = json!({ "identity": identity, "name": "千羽1024" });
    let deleted = call(&server, &ada, "DELETE /auth/meeting/delete", form).await;
    assert_eq!(deleted, json!({ "code": 200, "msg": "ok" }));
    let listed = list(&server, &ada, "").await;
    assert_eq!(listed["data"], json!({ "count": 0, "list": [] }));
}

#[tokio::test]
async fn an_edit_changes_what_it_names_alone() {
    let server = legacy_server().await;
    let [ada, _] = ada_and_bo(&server).await;
    let identity = made(&server, &ada).await;
    let form = json!({ "identity": identity, "end_at": END + 1_000 });
    assert_eq!(edit(&server, &ada, form).await["code"], 200);
    let listed = list(&server, &ada, "").await;
    assert_eq!(listed["data"]["list"][0]["name"], "qianyu");
    assert_eq!(
        listed["data"]["list"][0]["end_at"],
        "2026-01-01T01:00:01.000Z"
    );
    let form = json!({ "identity": identity, "begin_at": null, "end_at": null });
    assert_eq!(edit(&server, &ada, form).await["code"], 200);
    let listed = list(&server, &ada, "").await;
    assert_eq!(listed["data"]["list"][0]["begin_at"], Value::Null);
}

#[tokio::test]
async fn what_the_older_program_let_through_is_refused_with_a_sentence() {
    let server = legacy_server().await;
    let [ada, _] = ada_and_bo(&server).await;
    let identity = made(&server, &ada).await;
    // The document's own example.
    let seconds = json!({ "name": "qianyu", "begin_at": 1_724_766_216, "end_at": 1_724_766_216 });
    for (form, sentence) in [
        (seconds, "milliseconds since 1970, not seconds"),
        (
            json!({ "name": "x", "begin_at": END, "end_at": BEGIN }),
            "end_at: must be after begin_at",
        ),
        (
            json!({ "name": "x", "begin_at": BEGIN, "end_at": BEGIN }),
            "end_at: must be after begin_at",
        ),
        (json!({ "name": "" }), "name: must not be empty"),
        (json!({ "name": " \u{200b} " }), "name: must not be empty"),
        (
            json!({ "name": "x".repeat(65) }),
            "name: must be at most 64 characters",
        ),
        (json!({ "begin_at": BEGIN }), "name: is missing"),
        (
            json!({ "name": "x", "begin_at": "soon" }),
            "begin_at: invalid type",
        ),
        (json!(["x", BEGIN, END]), "not a JSON object"),
        (Value::Null, "not a JSON object"),
    ] {
        assert_refused(&create(&server, &ada, form).await, sentence);
    }
    for (form, sentence) in [
        (
            json!({ "identity": identity, "begin_at": 0 }),
            "not seconds",
        ),
        (
            json!({ "identity": identity, "end_at": BEGIN - 1 }),
            "end_at: must be after begin_at",
        ),
        (
            json!({ "identity": identity, "name": "" }),
            "name: must not be empty",
        ),
        (json!({ "name": "x" }), "identity: is missing"),
    ] {
        assert_refused(&edit(&server, &ada, form).await, sentence);
    }
    for query in [
        "?page=0",
        "?size=0",
        "?size=1000000000",
        "?size=101",
        "?page=-1",
        "?page=x",
    ] {
        assert_refused(&list(&server, &ada, query).await, "");
    }
    let listed = list(&server, &ada, "").await;
    assert_eq!(listed["data"]["count"], 1, "nothing of it was made");
    assert_eq!(listed["data"]["list"][0]["name"], "qianyu");
}

#[tokio::test]
async fn nothing_and_what_belongs_to_others_cannot_be_edited_or_deleted() {
    let server = legacy_server().await;
    let [ada, bo] = ada_and_bo(&server).await;
    let identity = made(&server, &ada).await;
    for target in ["76bcb1b6-b142-40d3-b71a-4a0310c41246", "", "a%00b"] {
        assert_refused(
            &delete(&server, &ada, target).await,
            "There is no such room",
        );
        let form = json!({ "identity": target, "name": "x" });
        assert_refused(&edit(&server, &ada, form).await, "There is no such room");
    }
    let nothing = call(&server, &ada, "DELETE /auth/meeting/delete", Value::Null).await;
    assert_refused(&nothing, "identity: is missing");
    for form in [
        json!({ "identity": identity }),
        json!({ "identity": identity, "name": null }),
    ] {
        assert_refused(
            &edit(&server, &ada, form).await,
            "name, begin_at or end_at: is missing",
        );
    }
    let page = list(&server, &ada, "?page=-1").await;
    assert_refused(&page, "page: invalid digit");
    assert!(
        page["msg"].as_str().unwrap().starts_with("page: "),
        "{page}"
    );
    assert_refused(
        &delete(&server, &bo, &identity).await,
        "Only the room's owner may do this",
    );
    let form = json!({ "identity": identity, "name": "mine" });
    assert_refused(
        &edit(&server, &bo, form).await,
        "Only the room's owner may do this",
    );
    assert_eq!(list(&server, &bo, "").await["data"]["count"], 0);
    let listed = list(&server, &ada, "").await;
    assert_eq!(listed["data"]["list"][0]["name"], "qianyu");
    assert_eq!(delete(&server, &ada, &identity).await["code"], 200);
    assert_refused(
        &delete(&server, &ada, &identity).await,
        "There is no such room",
    );
}

#[tokio::test]
async fn a_wrong_password_is_told_like_an_unknown_name() {
    let server = legacy_server().await;
    server.account("ada").await;
    let mut told = Vec::new();
    for (name, password) in [("ada", "wrong"), ("nobody", PASSWORD), ("", "")] {
        let account = json!({ "username": name, "password": password });
        let answer = call(&server, "", "POST /user/login", account).await;
        assert_refused(&answer, "The user name or the password is wrong.");
        told.push(answer);
    }
    assert_eq!(told[0], told[1]);
    let form = call(
        &server,
        "",
        "POST /user/login",
        json!({ "username": "ada" }),
    )
    .await;
    assert_refused(&form, "password: is missing");
}

#[tokio::test]
async fn only_our_own_tokens_open_what_is_behind_auth() {
    let server = legacy_server().await;
    let [ada, _] = ada_and_bo(&server).await;
    assert_eq!(
        list(&server, &format!("Bearer {ada}"), "").await["code"],
        200
    );
    let mut forged = ada.clone();
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    for token in ["", "nonsense", DOCUMENTED_TOKEN, &forged] {
        for request in [
            "GET /auth/meeting/list",
            "POST /auth/meeting/create",
            "PUT /auth/meeting/edit",
            "DELETE /auth/meeting/delete?identity=x",
        ] {
            let answer = call(&server, token, request, Value::Null).await;
            assert_eq!(answer["code"], 401, "{request}: {answer}");
            assert!(answer["msg"].is_string() && answer.get("data").is_none());
        }
    }
    let (_, _, body) = raw(&server, "GET /auth/meeting/list", "", "").await;
    assert!(body.contains(r#""code":401"#), "{body}");
}

#[tokio::test]
async fn a_token_ends_with_its_log_in() {
    let server = legacy_server().await;
    let mut ada = server.account("ada").await;
    let token = ada.token();
    assert_eq!(list(&server, &token, "").await["code"], 200);
    ada.ok("auth.logout", json!({})).await;
    assert_eq!(list(&server, &token, "").await["code"], 401);
    // No request leaves a session behind.
    assert_eq!(server.services.directory().count(), 0);
}

#[tokio::test]
async fn attempts_at_passwords_are_counted_with_those_of_the_web_socket() {
    let server = Server::with(&[(Key::LegacyApi, "on")]).await;
    let wrong = json!({ "username": "ada", "password": "wrong" });
    let mut socket = server.connect().await;
    for _ in 0..5 {
        let code = socket.refused("auth.login", wrong.clone()).await;
        assert_eq!(code, "auth.bad_credentials");
        let answer = call(&server, "", "POST /user/login", wrong.clone()).await;
        assert_refused(&answer, "password is wrong");
    }
    let answer = call(&server, "", "POST /user/login", wrong.clone()).await;
    assert_refused(&answer, "Too many requests");
    assert!(
        answer["data"]["retry_after_ms"].as_u64() > Some(0),
        "{answer}"
    );
    assert_eq!(socket.refused("auth.login", wrong).await, "rate.limited");
}

#[tokio::test]
async fn a_flood_of_requests_is_told_to_wait() {
    let server = Server::with(&[(Key::LegacyApi, "on")]).await;
    let first = list(&server, "nonsense", "").await;
    assert_eq!(first["code"], 401, "{first}");
    for _ in 0..20 {
        let asked = (0..500).map(|_| list(&server, "nonsense", ""));
        let answers = futures_util::future::join_all(asked).await;
        let refused = answers.iter().find(|answer| answer["code"] == -1);
        if let Some(refused) = refused {
            assert_refused(refused, "Too many requests");
            assert!(refused["data"]["retry_after_ms"].as_u64() > Some(0));
            return;
        }
    }
    panic!("nothing was refused");
}

#[tokio::test]
async fn a_meeting_made_here_is_one_of_the_web_sockets_too() {
    let server = legacy_server().await;
    let [token, _] = ada_and_bo(&server).await;
    let identity = made(&server, &token).await;
    let mut ada = server.connect().await;
    ada.ok("auth.token", json!({ "token": token })).await;
    let begin = Timestamp::from_unix_millis(BEGIN).unwrap();
    let joined = ada.join(&identity).await;
    assert_eq!(joined["room"]["begin_at"], json!(begin));
    let form = json!({ "identity": identity, "name": "renamed" });
    edit(&server, &token, form).await;
    let updated = ada.event("room.updated").await;
    assert_eq!(updated["room"]["name"], "renamed");
    delete(&server, &token, &identity).await;
    assert_eq!(ada.event("room.deleted").await["identity"], *identity);
    assert_eq!(ada.closed().await, 4404);
}

#[tokio::test]
async fn a_body_that_is_too_large_or_not_text_is_refused() {
    let server = legacy_server().await;
    let large = json!({ "username": "x".repeat(300 * 1024), "password": "x" });
    let (status, _, body) = raw(&server, "POST /user/login", "", &large.to_string()).await;
    assert_eq!(status, 200);
    assert!(body.contains("has more than 262144 bytes"), "{body}");
    let (_, _, body) = raw(&server, "POST /user/login", "", "username=root").await;
    assert!(body.contains("not a JSON object"), "{body}");
}

/// The rows that the document's own example would have made, and one of somebody else.
const OLDER_ROWS: [&str; 3] = [
    "INSERT INTO user_basic (username, password) VALUES ('小明', MD5('123456'))",
    "INSERT INTO room_basic (identity, name, begin_at, end_at, create_id) VALUES \
     ('4e51c192-7b13-415f-8d88-341115c959ca', 'pom', '1970-01-21 07:06:06', '1970-01-21 07:06:06', 1)",
    "INSERT INTO room_basic (identity, name, begin_at, end_at, create_id) VALUES \
     ('752a4f40-451d-4b51-86ec-dc9301826085', '周会 🎉', '2024-08-27 13:43:36', '2024-08-27 14:43:36', 2)",
];

#[tokio::test]
async fn a_database_of_the_older_meeting_is_served_by_its_own_routes() {
    let url = older_meeting(&OLDER_ROWS).await;
    let settings = [(Key::LegacyApi, "on"), (Key::DatabaseUrl, url.as_str())];
    let server = Server::with(&settings).await;
    let wrong = json!({ "username": "root", "password": "123456" });
    assert_refused(&call(&server, "", "POST /user/login", wrong).await, "wrong");
    let mut root = login(&server, "root", "1233456").await;
    for _ in 0..2 {
        // By md5 the first time, by argon2id from then on.
        root = login(&server, "root", "1233456").await;
    }
    let listed = list(&server, &root, "?name=pom&page=1&size=20").await;
    let expected = json!([{
        "identity": "4e51c192-7b13-415f-8d88-341115c959ca",
        "name": "pom",
        "begin_at": "1970-01-21T07:06:06.000Z",
        "end_at": "1970-01-21T07:06:06.000Z",
    }]);
    assert_eq!(listed["data"]["list"], expected, "{listed}");
    assert_eq!(listed["data"]["count"], 1, "{listed}");

    let identity = "4e51c192-7b13-415f-8d88-341115c959ca";
    let form = json!({ "identity": identity, "name": "千羽1024" });
    assert_eq!(edit(&server, &root, form).await["code"], 200);
    let form = json!({ "identity": identity, "begin_at": BEGIN, "end_at": END });
    assert_eq!(edit(&server, &root, form).await["code"], 200);
    let listed = list(&server, &root, "").await;
    assert_eq!(listed["data"]["list"][0]["name"], "千羽1024");
    assert_eq!(
        listed["data"]["list"][0]["begin_at"],
        "2026-01-01T00:00:00.000Z"
    );

    let others = "752a4f40-451d-4b51-86ec-dc9301826085";
    assert_refused(
        &delete(&server, &root, others).await,
        "Only the room's owner may do this",
    );
    assert_eq!(delete(&server, &root, identity).await["code"], 200);
    assert_eq!(list(&server, &root, "").await["data"]["count"], 0);
    let created = create(&server, &root, json!({ "name": "qianyu 🎉" })).await;
    assert_eq!(created["code"], 200, "{created}");

    let ming = login(&server, "小明", "123456").await;
    let listed = list(&server, &ming, "?keyword=%E5%91%A8").await;
    assert_eq!(listed["data"]["list"][0]["name"], "周会 🎉", "{listed}");
}

#[tokio::test]
async fn the_databases_own_words_membership_in_the_log() {
    let url = older_meeting(&OLDER_ROWS).await;
    let settings = [(Key::LegacyApi, "on"), (Key::DatabaseUrl, url.as_str())];
    let server = Server::with(&settings).await;
    let root = login(&server, "root", "1233456").await;
    let db = Database::connect(&url).await.unwrap();
    let gone = "RENAME TABLE room_basic TO elsewhere";
    db.execute_unprepared(gone).await.unwrap();
    let answer = list(&server, &root, "").await;
    let expected = json!({ "code": -1, "msg": "Something went wrong on the server." });
    assert_eq!(answer, expected);
}
