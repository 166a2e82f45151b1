//! How meetings, rooms and the server itself end, and what is there after a restart.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use meeting::config::Key;
use serde_json::{Value, json};

use super::support::{Client, PASSWORD, Server, names, soon};

#[tokio::test]
async fn the_end_of_a_meeting_is_told_and_closes_all_sockets_but_the_hosts() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    assert_eq!(bo.refused("room.end", json!({})).await, "perm.denied");
    assert_eq!(ada.ok("room.end", json!({})).await, json!({}));
    let ended = json!({ "identity": room, "reason": "host" });
    assert_eq!(bo.closed().await, 4404);
    assert_eq!(bo.event("room.ended").await, ended, "the event comes first");
    assert_eq!(ada.event("room.ended").await, ended);
    assert_eq!(
        ada.refused("chat.send", json!({ "text": "x" })).await,
        "room.not_joined"
    );
    let seen = ada.ok("room.get", json!({ "identity": room })).await["room"].take();
    assert_eq!(
        (&seen["state"], &seen["participants"]),
        (&json!("ended"), &json!(0))
    );
    let mut cy = server.guest("Cy").await;
    assert_eq!(
        cy.refused("room.join", json!({ "identity": room })).await,
        "room.ended"
    );
    // The owner takes it up again, and then the others may come.
    ada.join(&room).await;
    assert_eq!(cy.join(&room).await["room"]["state"], "live");
}

#[tokio::test]
async fn a_room_that_is_deleted_closes_the_sockets_of_everyone_inside() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    ada.ok("room.delete", json!({ "identity": room })).await;
    assert_eq!(bo.closed().await, 4404);
    assert_eq!(bo.event("room.deleted").await, json!({ "identity": room }));
    assert_eq!(ada.event("room.deleted").await, json!({ "identity": room }));
    assert_eq!(
        ada.refused("room.join", json!({ "identity": room })).await,
        "room.not_found"
    );
    // From outside of the room it works as well.
    let other = ada.create(json!({ "name": "Other" })).await;
    let mut cy = server.member("Cy", &other).await;
    ada.ok("room.delete", json!({ "identity": other })).await;
    assert_eq!(cy.closed().await, 4404);
    assert_eq!(ada.ok("room.list", json!({})).await["total"], 0);
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_says_that_it_goes_away() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    let mut idle = server.connect().await;
    let before = chrono::Utc::now();
    let (running, _data) = server.stop();
    for client in [&mut ada, &mut bo, &mut idle] {
        assert_eq!(client.closed().await, 1001);
        let draining = client.event("server.draining").await;
        let deadline = draining["deadline"].as_str().unwrap();
        let deadline = chrono::DateTime::parse_from_rfc3339(deadline).unwrap();
        let wait = (deadline.to_utc() - before).num_milliseconds();
        // Times travel in whole milliseconds, cut off.
        assert!((4_999..10_000).contains(&wait), "{wait} ms");
    }
    soon(running).await.unwrap();
}

#[tokio::test]
async fn after_a_restart_accounts_rooms_chat_and_log_ins_are_there() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({ "password": "sesame" })).await;
    let mut bo = server.guest("Bo").await;
    let join = json!({ "identity": room, "password": "sesame" });
    bo.joined = bo.ok("room.join", join).await;
    bo.ok("chat.send", json!({ "text": "remember me" })).await;
    let secret = ada
        .ok(
            "chat.send",
            json!({ "text": "between us", "to": bo.membership() }),
        )
        .await;
    let number = ada.joined["room"]["number"].clone();
    let mut revoked = server.guest("Gone").await;
    revoked.ok("auth.logout", json!({})).await;
    let (running, data) = server.stop();
    soon(running).await.unwrap();

    let server = Server::in_directory(data, &[(Key::NoRateLimit, "on")]).await;
    let mut again = server.connect().await;
    let back = again
        .ok("auth.token", json!({ "token": ada.token() }))
        .await;
    assert_eq!(back["user"], ada.login["user"]);
    let gone = json!({ "token": revoked.token() });
    assert_eq!(
        server.connect().await.refused("auth.token", gone).await,
        "auth.token_invalid"
    );
    let listed = again.ok("room.list", json!({})).await;
    assert_eq!(
        (&listed["total"], &listed["rooms"][0]["identity"]),
        (&json!(1), &json!(room))
    );
    assert_eq!(listed["rooms"][0]["number"], number);
    let joined = again.join(&room).await;
    assert_eq!(joined["chat"][0]["text"], "remember me");
    assert_eq!(joined["chat"][1], secret["message"]);
    assert_eq!(
        names(&joined["participants"]),
        ["Bo", "ada"],
        "people who were in are awaited"
    );
    let mut guest = server.connect().await;
    guest.ok("auth.token", json!({ "token": bo.token() })).await;
    assert_eq!(
        guest
            .refused("room.join", json!({ "identity": room }))
            .await,
        "room.password_required"
    );
    let joined = guest
        .ok(
            "room.join",
            json!({ "identity": room, "password": "sesame" }),
        )
        .await;
    assert_eq!(
        joined["chat"].as_array().unwrap().len(),
        2,
        "the same guest, so also what was for them"
    );
    let login = json!({ "username": "ada", "password": PASSWORD });
    server.connect().await.ok("auth.login", login).await;
}

/// A server of its own process; killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The binary itself, logging all it can say.
#[tokio::test]
async fn the_log_tells_no_secrets() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_meeting"));
    for key in Key::ALL {
        command.env_remove(key.variable());
    }
    let flags = "serve --listen 127.0.0.1:0 --media-ip 127.0.0.1 --media-port 0 --log trace";
    command
        .args(flags.split(' '))
        .arg("--data-dir")
        .arg(data.path());
    let stderr = std::fs::File::create(&log).unwrap();
    let mut server = Running(
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap(),
    );
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line
        .trim()
        .strip_prefix("listening on http://")
        .unwrap()
        .parse()
        .unwrap();

    let mut ada = Client::connect(address).await;
    let account = json!({ "username": "ada", "password": "password-of-ada" });
    ada.login = ada.ok("auth.register", account.clone()).await;
    ada.ok("auth.login", account).await;
    ada.refused(
        "auth.login",
        json!({ "username": "ada", "password": "guessed-password" }),
    )
    .await;
    ada.refused("auth.token", json!({ "token": "forged-token" }))
        .await;
    let room = ada
        .create(json!({ "name": "Weekly", "password": "password-of-room", "topology": "p2p" }))
        .await;
    ada.join(&room).await;
    let mut bo = Client::connect(address).await;
    bo.login = bo.ok("auth.guest", json!({ "display_name": "Bo" })).await;
    bo.refused(
        "room.join",
        json!({ "identity": room, "password": "guessed-room-password" }),
    )
    .await;
    bo.joined = bo
        .ok(
            "room.join",
            json!({ "identity": room, "password": "password-of-room" }),
        )
        .await;
    bo.ok("chat.send", json!({ "text": "words-between-people" }))
        .await;
    bo.ok(
        "signal.offer",
        json!({ "to": ada.membership(), "sdp": "words-of-sdp" }),
    )
    .await;
    let candidate = json!({ "to": ada.membership(), "candidate": "candidate:1 1 udp 1 203.0.113.77 5 typ host" });
    bo.ok("signal.candidate", candidate).await;
    let sfu = ada.create(json!({ "name": "Media" })).await;
    ada.join(&sfu).await;
    ada.refused(
        "media.publish",
        json!({ "revision": 1, "sdp": "words-of-sdp", "sources": [] }),
    )
    .await;
    let offer = ada.ok("media.receive", json!({})).await;
    let sdp = offer["sdp"].as_str().unwrap();
    let key = sdp
        .lines()
        .find_map(|line| line.strip_prefix("a=ice-pwd:"))
        .unwrap()
        .to_owned();
    bo.send("{ words-of-garbage".to_owned()).await;
    bo.reply().await;
    let tokens: Vec<Value> = [&ada, &bo]
        .iter()
        .flat_map(|client| {
            [
                client.login["token"].clone(),
                client.login["resume_token"].clone(),
            ]
        })
        .collect();
    bo.close().await;
    // What was logged is written by a thread of its own.
    let logged = async {
        loop {
            let log = std::fs::read_to_string(&log).unwrap();
            if log.contains("session ends") {
                return log;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let log = soon(logged).await;
    drop(server);
    let secret = std::fs::read(data.path().join("secret")).unwrap();
    let secret = String::from_utf8_lossy(&secret).trim().to_owned();
    let words = [
        "password-of-",
        "guessed-",
        "forged-token",
        "words-",
        "203.0.113.77",
        "a=ice-",
        &key,
        &secret,
        "$argon2",
    ];
    for word in words
        .into_iter()
        .chain(tokens.iter().map(|token| token.as_str().unwrap()))
    {
        let line = log.lines().find(|line| line.contains(word));
        assert_eq!(line, None, "{word} is in the log");
    }
}
