//! The whole server on each kind of database: killed in the middle of writes, and taking over what others left.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use sea_orm::{ConnectionTrait as _, Database, Statement};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::launch::{meeting, refusal};

/// How long anything may take on a machine that has much else to do.
const DEADLINE: Duration = Duration::from_secs(60);
/// How long one may wait to be told that the database is away.
const BUSY_DEADLINE: Duration = Duration::from_secs(30);
/// How often the server is killed.
const KILLS: usize = 20;
/// After how many answers; one more each time, so that it dies at ever other places.
const ANSWERS_BEFORE_KILL: usize = 5;

/// A process that is killed when the test is over.
pub struct Process(pub Child);

impl Process {
    /// As `kill -9` does it.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `meeting serve`, on a database of any kind.
pub struct Server {
    process: Process,
    address: String,
}

impl Server {
    pub fn start(data: &Path, database: &str) -> Self {
        let mut command = meeting(["serve", "--log", "off", "--listen", "127.0.0.1:0"]);
        command
            .args(["--media-ip", "127.0.0.1", "--media-threads", "1"])
            .args(["--no-rate-limit", "on", "--data-dir"])
            .arg(data)
            .env("MEETING_DATABASE_URL", database)
            .stdout(Stdio::piped());
        let mut process = Process(command.spawn().unwrap());
        let mut line = String::new();
        BufReader::new(process.0.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self::listening(process, &line)
    }

    /// A server that has said where it listens.
    pub fn listening(process: Process, line: &str) -> Self {
        let address = line.trim().strip_prefix("listening on http://").unwrap();
        Self {
            address: address.to_owned(),
            process,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> std::net::SocketAddr {
        self.address.parse().unwrap()
    }

    /// As `kill -9` does it.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Tells it to end, and waits until it has: its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let id = self.process.0.id().to_string();
        let told = std::process::Command::new("kill").arg(&id).status();
        assert!(told.unwrap().success());
        self.process.0.wait().unwrap().code()
    }

    pub async fn connect(&self) -> Client {
        let url = format!("ws://{}/ws", self.address);
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        Client { socket, last_id: 0 }
    }

    pub fn health(&self) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let host = &self.address;
        write!(
            stream,
            "GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

pub struct Client {
    socket: tokio_tungstenite::WebSocketStream<
        tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>,
    >,
    last_id: u64,
}

impl Client {
    async fn send(&mut self, kind: &str, data: Value) -> u64 {
        self.last_id += 1;
        let frame = json!({ "type": kind, "id": self.last_id, "data": data });
        // A server that was killed is noticed when its answer is awaited.
        let _ = self.socket.send(Message::text(frame.to_string())).await;
        self.last_id
    }

    /// The next frame; none once the socket is gone.
    async fn next(&mut self) -> Option<Value> {
        loop {
            let next = tokio::time::timeout(DEADLINE, self.socket.next());
            match next.await.expect("a frame in time") {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Sends a request and gives its reply, whole.
    pub async fn ask(&mut self, kind: &str, data: Value) -> Value {
        let id = self.send(kind, data).await;
        self.until(|frame| frame["re"] == id).await
    }

    /// The data of the reply, which must be good.
    pub async fn ok(&mut self, kind: &str, data: Value) -> Value {
        let reply = self.ask(kind, data).await;
        assert_eq!(reply["type"], "ok", "{kind}: {reply}");
        reply["data"].clone()
    }

    pub async fn is_told_to_come_again(&mut self) {
        let began = Instant::now();
        let refused = self.ask("room.list", json!({})).await;
        assert_eq!(refused["error"]["code"], "server.busy", "{refused}");
        assert!(refused["error"]["retry_after_ms"].as_u64() > Some(0));
        assert!(began.elapsed() < BUSY_DEADLINE, "{:?}", began.elapsed());
    }

    /// The events that have come and were not asked for; what a room tells because of a request that was answered before
    /// is among them.
    pub async fn heard(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        // The first passes through the room, if this client is in one; the second through the session after that.
        for (kind, data) in [("participant.update", json!({})), ("ping", json!({}))] {
            let id = self.send(kind, data).await;
            loop {
                let frame = self.next().await.expect("the socket stays open");
                if frame["re"] == id {
                    break;
                }
                if !matches!(
                    frame["type"].as_str(),
                    Some("speaker.active" | "quality.update")
                ) {
                    events.push(frame);
                }
            }
        }
        events
    }

    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = self.next().await.expect("the socket stays open");
            if wanted(&frame) {
                return frame;
            }
        }
    }
}

/// Waits until `done`, looking again and again.
pub async fn eventually(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    let mut interval = tokio::time::interval(Duration::from_millis(50));
    while !done().await {
        assert!(began.elapsed() < DEADLINE, "{what}: not in time");
        interval.tick().await;
    }
}

/// A new database on the server that `variable` names; `first` is one that is there always.
pub async fn database_on(variable: &str, first: &str) -> String {
    let server = std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} names no server: run the tests by `tests/databases.sh cargo test`")
    });
    let name = format!("test_{:016x}", rand::random::<u64>());
    let admin = Database::connect(format!("{server}{first}")).await.unwrap();
    let create = format!("CREATE DATABASE {name}");
    admin.execute_unprepared(&create).await.unwrap();
    format!("{server}{name}")
}

/// A whole column, as the database itself has it.
pub async fn column(url: &str, query: &str) -> BTreeSet<String> {
    let db = Database::connect(url).await.unwrap();
    let query = Statement::from_string(db.get_database_backend(), query);
    let rows = db.query_all_raw(query).await.unwrap();
    let values = rows.iter().map(|row| row.try_get_by_index(0).unwrap());
    let values = values.collect();
    db.close().await.unwrap();
    values
}

async fn nothing_that_was_answered_is_lost(url: &str) {
    let data = tempfile::tempdir().unwrap();
    let (mut rooms, mut messages) = (BTreeSet::new(), BTreeSet::new());
    let (mut token, mut hall) = (Value::Null, Value::Null);
    for round in 0..KILLS {
        let mut server = Server::start(data.path(), url);
        let mut ada = server.connect().await;
        if round == 0 {
            let account = json!({ "username": "ada", "password": "correct horse" });
            token = ada.ok("auth.register", account).await["token"].clone();
            let room = ada.ok("room.create", json!({ "name": "Hall" })).await;
            hall = room["room"]["identity"].clone();
        } else {
            ada.ok("auth.token", json!({ "token": token })).await;
        }
        ada.ok("room.join", json!({ "identity": hall })).await;
        // Several are always on their way.
        for _ in 0..4 {
            ada.send("room.create", json!({ "name": "周会 🎉" })).await;
            ada.send("chat.send", json!({ "text": "你好 🎉" })).await;
        }
        let mut answers = 0;
        while let Some(frame) = ada.next().await {
            if frame["type"] != "ok" {
                assert_ne!(frame["type"], "error", "{frame}");
                continue;
            }
            answers += 1;
            if let Some(identity) = frame["data"]["room"]["identity"].as_str() {
                rooms.insert(identity.to_owned());
                ada.send("room.create", json!({ "name": "周会 🎉" })).await;
            }
            if let Some(id) = frame["data"]["message"]["id"].as_str() {
                messages.insert(id.to_owned());
                ada.send("chat.send", json!({ "text": "你好 🎉" })).await;
            }
            if answers == ANSWERS_BEFORE_KILL + round {
                // What was answered before it died is still read.
                server.process.kill();
            }
        }
        let kept = column(
            url,
            "SELECT identity FROM room_basic WHERE number IS NOT NULL",
        )
        .await;
        assert!(rooms.is_subset(&kept), "round {round}");
        let kept = column(url, "SELECT identity FROM chat_message").await;
        assert!(messages.is_subset(&kept), "round {round}");
    }
    assert!(rooms.len() > KILLS && messages.len() > KILLS);
    let server = Server::start(data.path(), url);
    let mut ada = server.connect().await;
    ada.ok("auth.token", json!({ "token": token })).await;
    let page = ada.ok("room.list", json!({})).await;
    assert!(page["total"].as_u64().unwrap() as usize > rooms.len());
}

#[tokio::test]
async fn killed_on_sqlite_it_loses_nothing_that_was_answered() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("meeting.sqlite");
    let url = format!("sqlite://{}?mode=rwc", file.display());
    nothing_that_was_answered_is_lost(&url).await;
}

#[tokio::test]
async fn killed_on_mysql_it_loses_nothing_that_was_answered() {
    nothing_that_was_answered_is_lost(&database_on("MEETING_TEST_MYSQL", "").await).await;
}

#[tokio::test]
async fn killed_on_postgres_it_loses_nothing_that_was_answered() {
    let url = database_on("MEETING_TEST_POSTGRES", "postgres").await;
    nothing_that_was_answered_is_lost(&url).await;
}

/// What `meeting` prints as JSON about the database at `url`.
fn printed(url: &str, line: &str) -> Value {
    let mut command = meeting(line.split(' '));
    let output = command.env("MEETING_DATABASE_URL", url).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn servers_are_brought_up_to_date_and_name_their_tool_for_copies() {
    for (url, tool) in [
        (database_on("MEETING_TEST_MYSQL", "").await, "mysqldump"),
        (
            database_on("MEETING_TEST_POSTGRES", "postgres").await,
            "pg_dump",
        ),
    ] {
        let steps = printed(&url, "db migrate --json");
        let status = printed(&url, "db status --json");
        let applied = |step: &Value| step["applied"] == true;
        assert!(status.as_array().unwrap().iter().all(applied), "{status}");
        assert_eq!(
            status.as_array().unwrap().len(),
            steps["migrations"].as_array().unwrap().len()
        );
        let mut backup = meeting(["db", "backup", "/nowhere/copy"]);
        let (code, sentence) = refusal(backup.env("MEETING_DATABASE_URL", &url).output().unwrap());
        assert_eq!(code, Some(1));
        assert!(sentence.contains(tool), "{sentence}");
    }
}

/// A MariaDB database as the older Meeting (Go) left it, with `more` rows, and its URL.
pub async fn older_meeting(more: &[&str]) -> String {
    let url = database_on("MEETING_TEST_MYSQL", "").await;
    let db = Database::connect(&url).await.unwrap();
    let documented = include_str!("../fixtures/older_meeting.sql");
    // MariaDB does not know the collation that the document names.
    let documented = documented.replace("utf8mb4_0900_ai_ci", "utf8mb4_unicode_ci");
    for statement in documented.split(";\n").chain(more.iter().copied()) {
        if !statement.trim().is_empty() {
            db.execute_unprepared(statement).await.unwrap();
        }
    }
    url
}

#[tokio::test]
async fn people_of_the_older_meeting_log_in_and_find_their_rooms() {
    let room = "INSERT INTO room_basic (identity, name, create_id) \
                VALUES ('6a5ad3fd-7fb4-4ef8-bf9f-9b1c1a3c1b0e', '周会 🎉', 1)";
    let url = older_meeting(&[room]).await;
    let planned = printed(&url, "db adopt --dry-run --json");
    assert_eq!(planned["users"], 1, "{planned}");
    assert_eq!(planned["rooms"], 1, "{planned}");

    // The server does the same by itself.
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &url);
    let root = json!({ "username": "root", "password": "1233456" });
    for _ in 0..2 {
        let mut socket = server.connect().await;
        let wrong = json!({ "username": "root", "password": "123456" });
        let refused = socket.ask("auth.login", wrong).await;
        assert_eq!(
            refused["error"]["code"], "auth.bad_credentials",
            "{refused}"
        );
        socket.ok("auth.login", root.clone()).await;
        let page = socket.ok("room.list", json!({ "keyword": "会" })).await;
        assert_eq!(page["rooms"][0]["name"], "周会 🎉", "{page}");
        let hash = column(&url, "SELECT password FROM user_basic").await;
        assert!(hash.first().unwrap().starts_with("$argon2id$"));
    }
}

#[tokio::test]
async fn a_column_in_the_way_is_one_sentence_for_every_command() {
    let url =
        older_meeting(&["ALTER TABLE room_basic ADD COLUMN number int NOT NULL DEFAULT 0"]).await;
    let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()";
    for line in [
        "db adopt --dry-run",
        "db adopt --json",
        "db migrate",
        "user list",
        "serve --listen 127.0.0.1:0",
    ] {
        let mut command = meeting(line.split(' '));
        let (code, sentence) = refusal(command.env("MEETING_DATABASE_URL", &url).output().unwrap());
        assert_eq!(code, Some(1), "{line}: {sentence}");
        assert!(
            sentence.contains("the table room_basic has a column number of the type int"),
            "{line}: {sentence}"
        );
    }
    assert_eq!(column(&url, tables).await.len(), 3, "nothing was added");
}

/// What a command says when it refuses.
fn refused(arguments: &[&str], data: &Path) -> (Option<i32>, String) {
    let mut command = meeting(arguments);
    refusal(command.arg("--data-dir").arg(data).output().unwrap())
}

/// A MariaDB database as imweb left it, with `more` rows, and its URL.
async fn imweb(more: &[&str]) -> String {
    let url = database_on("MEETING_TEST_MYSQL", "").await;
    let db = Database::connect(&url).await.unwrap();
    let name = url.rsplit('/').next().unwrap();
    let charset = format!("ALTER DATABASE {name} CHARACTER SET utf8mb4;\n");
    let documented = charset + include_str!("../fixtures/imweb.sql");
    for statement in documented.split(";\n").chain(more.iter().copied()) {
        if !statement.trim().is_empty() {
            db.execute_unprepared(statement).await.unwrap();
        }
    }
    url
}

/// Gives an account a password by the command line.
fn give_password(url: &str, name: &str, password: &str) {
    let mut passwd = meeting(["user", "passwd", name, "--password-stdin"]);
    passwd.env("MEETING_DATABASE_URL", url);
    let mut child = passwd
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{password}").unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn the_meetings_of_imweb_move_in() {
    let imweb = imweb(&[]).await;
    let data = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/meeting.sqlite", data.path().display());
    let import = format!("import imweb --from {imweb} --json");
    let planned = printed(&url, &format!("{import} --dry-run"));
    assert_eq!(
        planned["taken"],
        json!({ "rooms": 1, "people": 4, "joined": 4 })
    );
    assert_eq!(
        data.path().read_dir().unwrap().count(),
        0,
        "nothing is made"
    );

    // Beside a running server.
    let server = Server::start(data.path(), &url);
    let done = printed(&url, &import);
    assert_eq!(done["taken"], planned["taken"]);
    assert_eq!(done["skipped"].as_array().unwrap().len(), 4);
    let again = printed(&url, &import);
    assert_eq!(again["already"], planned["taken"]);
    assert_eq!(
        again["taken"],
        json!({ "rooms": 0, "people": 0, "joined": 0 })
    );

    let mut host = server.connect().await;
    let login = |password: &str| json!({ "username": "3CK98Y", "password": password });
    for guess in ["", "!"] {
        let refused = host.ask("auth.login", login(guess)).await;
        assert_eq!(refused["error"]["code"], "auth.bad_credentials");
    }
    give_password(&url, "3CK98Y", "correct horse");
    host.ok("auth.login", login("correct horse")).await;
    let page = host.ok("room.list", json!({})).await;
    assert_eq!(page["rooms"][0]["name"], "520");
    assert_eq!(page["rooms"][0]["identity"], done["rooms"][0]["identity"]);
    host.ok(
        "room.join",
        json!({ "identity": done["rooms"][0]["number"] }),
    )
    .await;
}

#[tokio::test]
async fn whom_imweb_made_a_host_sees_who_was_in_from_outside_too() {
    let source = imweb(&[
        "INSERT INTO imweb_status (status_userId, status_type) VALUES ('3CK4HM', '主持人')",
    ]);
    let data = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/meeting.sqlite", data.path().display());
    let import = format!("import imweb --from {} --json", source.await);
    let room = printed(&url, &import)["rooms"][0]["identity"].take();
    let server = Server::start(data.path(), &url);
    let room = json!({ "identity": room });
    let enter = async |name: &str| {
        give_password(&url, name, "correct horse");
        let mut socket = server.connect().await;
        let login = json!({ "username": name, "password": "correct horse" });
        socket.ok("auth.login", login).await;
        socket
    };
    let mut member = enter("3CK4HR").await;
    let refused = member.ask("room.attendance", room.clone()).await;
    assert_eq!(refused["error"]["code"], "perm.denied", "{refused}");
    let mut host = enter("3CK4HM").await;
    let page = host.ok("room.attendance", room.clone()).await;
    assert_eq!(page["total"], 4, "{page}");
    // Who was made a member of the running meeting is one.
    let mut owner = enter("3CK98Y").await;
    owner.ok("room.join", room.clone()).await;
    let joined = host.ok("room.join", room.clone()).await;
    assert_eq!(joined["self"]["role"], "host", "{joined}");
    host.ok("room.attendance", room.clone()).await;
    let demoted = json!({ "participant": joined["self"]["id"], "role": "member" });
    owner.ok("participant.set_role", demoted).await;
    let refused = host.ask("room.attendance", room).await;
    assert_eq!(refused["error"]["code"], "perm.denied", "{refused}");
}

#[tokio::test]
async fn what_cannot_be_imported_is_one_sentence() {
    let data = tempfile::tempdir().unwrap();
    for from in [
        "imweb",
        "postgres://root@localhost/imweb",
        "mysql://root:hunter2@host",
    ] {
        let (code, sentence) = refused(&["import", "imweb", "--from", from], data.path());
        assert_eq!(code, Some(2), "{sentence}");
        assert!(!sentence.contains("hunter2"), "{sentence}");
    }
    let url = "mysql://root:hunter2@127.0.0.1:1/imweb";
    let (code, sentence) = refused(
        &["import", "imweb", "--from", url, "--utc-offset", "8"],
        data.path(),
    );
    assert_eq!(code, Some(2), "{sentence}");
    let (code, sentence) = refused(&["import", "imweb", "--from", url], data.path());
    assert_eq!(code, Some(1), "{sentence}");
    assert!(!sentence.contains("hunter2"), "{sentence}");
    let empty = database_on("MEETING_TEST_MYSQL", "").await;
    let (code, sentence) = refused(&["import", "imweb", "--from", &empty], data.path());
    assert_eq!(code, Some(1));
    assert!(
        sentence.ends_with("has no table imweb_login."),
        "{sentence}"
    );
}
