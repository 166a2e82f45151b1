//! The command line beside a running server: what it does takes effect there.

use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use super::launch::{meeting, refusal};
use super::support::{PASSWORD, Server, soon};

/// Runs a command on the server's data in a process of its own, with `input` as its standard input.
async fn command(server: &Server, line: &str, input: &'static str) -> Output {
    let mut command = meeting(line.split(' '));
    command.arg("--data-dir").arg(server.data.path());
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let run = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        // A command that asks for nothing does not read its input.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    });
    soon(run).await.unwrap()
}

/// What a command prints as JSON, which must work.
async fn printed(server: &Server, line: &str) -> Value {
    let output = command(server, line, "a better password\n").await;
    assert_eq!(output.status.code(), Some(0), "{line}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn a_meeting_ended_by_the_operator_is_over_for_everyone() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    let ended = printed(&server, &format!("room end {room} --json")).await;
    assert_eq!(ended["identity"], room);
    assert!(ended["ended_at"].is_string(), "{ended}");
    let told = json!({ "identity": room, "reason": "operator" });
    for client in [&mut ada, &mut bo] {
        assert_eq!(client.closed().await, 4404);
        assert_eq!(client.event("room.ended").await, told);
    }
    let mut cy = server.account("cy").await;
    let join = json!({ "identity": room });
    assert_eq!(cy.refused("room.join", join.clone()).await, "room.ended");

    // Only its owner takes it up again, and it is not ended a second time for it.
    let mut ada = server.connect().await;
    let login = json!({ "username": "ada", "password": PASSWORD });
    ada.ok("auth.login", login).await;
    ada.ok("room.join", join).await;
    printed(&server, "user disable cy --json").await;
    assert_eq!(cy.closed().await, 4401, "the server has looked again");
    assert_eq!(ada.events().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_room_deleted_by_the_operator_closes_the_sockets_of_everyone_inside() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let shown = printed(&server, &format!("room show {room} --json")).await;
    assert_eq!(shown["owner"], "ada");
    let number = shown["number"].as_str().unwrap();
    let deleted = printed(&server, &format!("room delete {number} --json")).await;
    assert_eq!(deleted["identity"], room);
    assert_eq!(ada.closed().await, 4404);
    assert_eq!(ada.event("room.deleted").await, json!({ "identity": room }));
    assert_eq!(printed(&server, "room list --json").await, json!([]));
    for line in ["show", "end", "delete", "attendance"] {
        let line = format!("room {line} {room}");
        let refused = refusal(command(&server, &line, "").await);
        let sentence = format!("error: there is no room {room}.");
        assert_eq!(refused, (Some(1), sentence));
    }
}

#[tokio::test]
async fn a_room_edited_in_the_database_is_edited_for_everyone_inside() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let url = format!("sqlite://{}/meeting.sqlite", server.data.path().display());
    let db = sea_orm::Database::connect(url).await.unwrap();
    let edit = "UPDATE room_basic SET name = 'Renamed', version = version + 1";
    sea_orm::ConnectionTrait::execute_unprepared(&db, edit)
        .await
        .unwrap();
    let updated = ada.event("room.updated").await;
    assert_eq!(updated["room"]["name"], "Renamed");
    // What the room was told by its own people it is not told again.
    let edit = json!({ "identity": room, "name": "Renamed again" });
    ada.ok("room.edit", edit).await;
    let mut cy = server.account("cy").await;
    printed(&server, "user disable cy --json").await;
    assert_eq!(cy.closed().await, 4401);
    assert_eq!(ada.events().await, ["room.updated"]);
}

#[tokio::test]
async fn a_disabled_account_is_out_and_cannot_come_back() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.account("bo").await;
    bo.join(&room).await;
    let mut cy = server.member("Cy", &room).await;
    let login = json!({ "username": "bo", "password": PASSWORD });
    let mut second = server.connect().await;
    second.ok("auth.login", login.clone()).await;

    let disabled = printed(&server, "user disable bo --json").await;
    assert!(disabled["disabled_at"].is_string(), "{disabled}");
    assert_eq!(bo.closed().await, 4401);
    assert_eq!(second.closed().await, 4401);
    let left = ada.event("participant.left").await;
    assert_eq!(left["participant"], bo.membership());
    let again = printed(&server, "user disable BO --json").await;
    assert_eq!(again, disabled, "the first time counts");

    let mut bo2 = server.connect().await;
    let token = json!({ "token": bo.token() });
    assert_eq!(
        bo2.refused("auth.login", login.clone()).await,
        "auth.bad_credentials"
    );
    assert_eq!(
        bo2.refused("auth.token", token.clone()).await,
        "auth.token_invalid"
    );
    // Nobody else has noticed anything.
    for client in [&mut ada, &mut cy] {
        client.ok("ping", json!({})).await;
    }
    let enabled = printed(&server, "user enable bo --json").await;
    assert_eq!(enabled["disabled_at"], Value::Null);
    bo2.ok("auth.login", login).await;
    bo2.ok("auth.token", token).await;
}

#[tokio::test]
async fn a_session_about_to_be_ended_gets_no_new_token() {
    let server = Server::start().await;
    server.account("ada").await;
    let login = json!({ "username": "ada", "password": PASSWORD });
    let store = &server.services.store();
    let ada = store.find_user_by_name("ada").await.unwrap().unwrap();
    let now = meeting::protocol::time::Timestamp::now;
    // The server may look just between the two: then the session is gone before it can ask.
    for _ in 0..10 {
        let mut client = server.connect().await;
        client.ok("auth.login", login.clone()).await;
        store
            .set_user_disabled(ada.key, Some(now()), now())
            .await
            .unwrap();
        let id = client.next_id();
        let refresh = json!({ "type": "auth.refresh", "id": id, "data": {} });
        client.send(refresh.to_string()).await;
        let answer = client.reply_or_close().await;
        store.set_user_disabled(ada.key, None, now()).await.unwrap();
        match answer {
            Ok(reply) => {
                assert_eq!(reply["error"]["code"], "auth.token_invalid", "{reply}");
                return;
            }
            Err(code) => assert_eq!(code, 4401),
        }
    }
    panic!("the server cannot look ten times within milliseconds");
}

#[tokio::test]
async fn a_new_password_set_by_the_operator_ends_every_session_of_the_account() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let mut bo = server.account("bo").await;
    let token = json!({ "token": ada.token() });
    let set = printed(&server, "user passwd ada --password-stdin --json").await;
    assert_eq!(set["username"], "ada");
    assert_eq!(ada.closed().await, 4401);
    bo.ok("ping", json!({})).await;
    let mut ada = server.connect().await;
    assert_eq!(ada.refused("auth.token", token).await, "auth.token_invalid");
    let login = |password: &str| json!({ "username": "ada", "password": password });
    assert_eq!(
        ada.refused("auth.login", login(PASSWORD)).await,
        "auth.bad_credentials"
    );
    ada.ok("auth.login", login("a better password")).await;

    // A person who changes it themselves stays logged in, with the token's successor.
    let change =
        json!({ "current_password": "a better password", "new_password": "an even better one" });
    ada.ok("account.update", change).await;
    printed(&server, "user disable bo --json").await;
    assert_eq!(bo.closed().await, 4401, "the server has looked again");
    let token = ada.ok("auth.refresh", json!({})).await["token"].take();
    ada.ok("auth.token", json!({ "token": token })).await;
}

#[tokio::test]
async fn a_deleted_account_is_gone_with_its_rooms() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    let refused = command(&server, "user delete ada", "").await;
    let (code, sentence) = refusal(refused);
    assert_eq!(code, Some(2), "{sentence}");
    assert!(sentence.contains("--yes"), "{sentence}");
    ada.ok("ping", json!({})).await;

    let deleted = printed(&server, "user delete ada --yes --json").await;
    assert_eq!(
        (&deleted["username"], &deleted["rooms_deleted"]),
        (&json!("ada"), &json!(1))
    );
    let code = ada.closed().await;
    assert!(matches!(code, 4401 | 4404), "{code}");
    assert_eq!(bo.closed().await, 4404);
    assert_eq!(bo.event("room.deleted").await, json!({ "identity": room }));
    let again = refusal(command(&server, "user delete ada --yes", "").await);
    assert_eq!(
        again,
        (Some(1), "error: there is no account ada.".to_owned())
    );
    let mut other = server.connect().await;
    let token = json!({ "token": ada.token() });
    assert_eq!(
        other.refused("auth.token", token).await,
        "auth.token_invalid"
    );
    let made = printed(&server, "user add ada --password-stdin --json").await;
    assert_ne!(made["id"], ada.login["user"]["id"], "the name is free");
}

#[tokio::test]
async fn attendance_is_printed_for_people_and_spreadsheets() {
    let server = Server::start().await;
    let (ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("=1+1, \"Bo\"", &room).await;
    bo.ok("room.leave", json!({})).await;
    server.services.history().flush().await;
    let line = |more: &str| format!("room attendance {room}{more}");
    let memberships = printed(&server, &line(" --json")).await;
    assert_eq!(memberships[0]["user"], ada.login["user"]["id"]);
    assert_eq!(
        (&memberships[0]["role"], &memberships[0]["left_at"]),
        (&json!("host"), &Value::Null)
    );
    assert!(memberships[0]["duration_ms"].is_number(), "so far");
    assert_eq!(
        (&memberships[1]["role"], &memberships[1]["reason"]),
        (&json!("member"), &json!("left"))
    );
    assert!(memberships[1]["left_at"].is_string(), "{memberships}");

    let csv = command(&server, &line(" --csv"), "").await;
    let csv = String::from_utf8(csv.stdout).unwrap();
    let lines: Vec<_> = csv.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "user,display_name,role,joined_at,left_at,duration_s,reason"
    );
    assert!(lines[2].contains(",\"'=1+1, \"\"Bo\"\"\",member,"), "{csv}");
    assert!(lines[2].ends_with(",0,left"), "{csv}");
    assert_eq!(lines[3..], [""]);
    let marked = command(&server, &line(" --csv --bom"), "").await;
    assert!(marked.stdout.starts_with("\u{feff}user,".as_bytes()));
    let table = command(&server, &line(""), "").await;
    assert_eq!(table.stdout.split(|byte| *byte == b'\n').count(), 4);

    let shown = printed(&server, &format!("room show {room} --json")).await;
    assert_eq!(shown["head_count"], 1);
    let members = shown["members"].as_array().unwrap();
    let told = members.iter().map(|member| member["is_in"] == true);
    assert_eq!(told.collect::<Vec<_>>(), [true, false]);
}

#[tokio::test]
async fn a_room_is_shown_with_the_clocks_that_it_keeps_to() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let weekly = json!({ "name": "Weekly", "begin_at": "2098-01-06T08:00:00Z", "end_at": "2098-01-06T09:00:00Z",
        "recurrence": "FREQ=WEEKLY", "time_zone": "Europe/Berlin" });
    let room = ada.create(weekly).await;
    let shown = printed(&server, &format!("room show {room} --json")).await;
    assert_eq!(shown["time_zone"], "Europe/Berlin");
    let table = command(&server, &format!("room show {room}"), "").await;
    let table = String::from_utf8(table.stdout).unwrap();
    let lines = table.lines().filter_map(|line| line.split_once("  "));
    let told: Vec<_> = lines.map(|(name, value)| (name, value.trim())).collect();
    assert!(told.contains(&("time zone", "Europe/Berlin")), "{table}");
    assert!(table.contains("comes again FREQ=WEEKLY\n"), "{table}");
}

#[tokio::test]
async fn every_room_is_listed_by_owner_and_found_by_a_hidden_number() {
    let server = Server::start().await;
    let [mut ada, mut bo] = [server.account("ada").await, server.account("bo").await];
    bo.create(json!({ "name": "Third" })).await;
    for name in ["Second", "First"] {
        ada.create(json!({ "name": name })).await;
    }
    bo.create(json!({ "name": "Hidden", "hide_number": true }))
        .await;
    let rooms = printed(&server, "room list --json").await;
    let names = rooms.as_array().unwrap().iter().map(|room| &room["name"]);
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["First", "Second", "Hidden", "Third"]
    );
    let number = rooms[2]["number"].as_str().unwrap();
    let shown = printed(&server, &format!("room show {number} --json")).await;
    assert_eq!(shown["identity"], rooms[2]["identity"]);
    let settings = [
        "hide_number",
        "permanent",
        "ends_on_time",
        "recurrence",
        "time_zone",
    ];
    let settings = settings.map(|name| shown[name].clone());
    assert_eq!(
        settings,
        [
            json!(true),
            json!(true),
            json!(false),
            Value::Null,
            Value::Null
        ]
    );
}
