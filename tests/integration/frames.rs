//! Frames that are none, too many of them, and clients that do not keep up.

use futures_util::SinkExt as _;
use meeting::config::Key;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::support::{Client, PATIENCE, Server, names, soon};

const LIMITED: &[(Key, &str)] = &[];

/// Sends one frame and gives what answers it: `re`, the code and the field.
async fn answer(client: &mut Client, text: &str) -> (Value, String, Option<String>) {
    client.send(text.to_owned()).await;
    let reply = client.reply().await;
    assert_eq!(reply["type"], "error", "{reply}");
    let error = &reply["error"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    (
        reply["re"].clone(),
        text(&error["code"]).unwrap(),
        text(&error["field"]),
    )
}

#[tokio::test]
async fn frames_that_are_no_requests_are_refused_and_the_socket_goes_on() {
    let server = Server::start().await;
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let table = [
        ("", Value::Null, "protocol.bad_json", None),
        ("hello", Value::Null, "protocol.bad_json", None),
        ("[]", Value::Null, "protocol.bad_json", None),
        ("null", Value::Null, "protocol.bad_json", None),
        (
            r#"{"type":"ping","id":1"#,
            Value::Null,
            "protocol.bad_json",
            None,
        ),
        (
            r#"{"type":"ping","type":"room.end","id":1}"#,
            Value::Null,
            "protocol.bad_json",
            None,
        ),
        (&deep, Value::Null, "protocol.bad_json", None),
        (
            &format!(r#"{{"type":"ping","id":1,"data":[{deep}}}"#),
            Value::Null,
            "protocol.bad_json",
            None,
        ),
        (
            &format!(r#"{{"type":{deep},"id":1}}"#),
            json!(1),
            "protocol.bad_field",
            Some("type"),
        ),
        (
            &format!(r#"{{"type":"ping","id":{deep}}}"#),
            Value::Null,
            "protocol.bad_field",
            Some("id"),
        ),
        (
            r#"{"type":"ping"}"#,
            Value::Null,
            "protocol.bad_field",
            Some("id"),
        ),
        (
            r#"{"type":"ping","id":null}"#,
            Value::Null,
            "protocol.bad_field",
            Some("id"),
        ),
        (
            r#"{"type":"ping","id":"7"}"#,
            Value::Null,
            "protocol.bad_field",
            Some("id"),
        ),
        (
            r#"{"type":"ping","id":-1}"#,
            Value::Null,
            "protocol.bad_field",
            Some("id"),
        ),
        (
            r#"{"type":"ping","id":0}"#,
            Value::Null,
            "protocol.bad_field",
            Some("id"),
        ),
        (
            r#"{"type":"ping","id":1e3}"#,
            Value::Null,
            "protocol.bad_field",
            Some("id"),
        ),
        (
            r#"{"type":"ping","id":9007199254740992}"#,
            Value::Null,
            "protocol.bad_field",
            Some("id"),
        ),
        (r#"{"id":7}"#, json!(7), "protocol.bad_field", Some("type")),
        (
            r#"{"type":null,"id":7}"#,
            json!(7),
            "protocol.bad_field",
            Some("type"),
        ),
    ];
    // So few on one socket that it is not closed for them.
    for rows in table.chunks(9) {
        let mut bo = server.guest("Bo").await;
        for (text, re, code, field) in rows {
            let expected = (re.clone(), (*code).to_owned(), field.map(str::to_owned));
            let shown: String = text.chars().take(60).collect();
            assert_eq!(answer(&mut bo, text).await, expected, "{shown}");
        }
        bo.ok("ping", json!({})).await;
    }
}

#[tokio::test]
async fn however_deep_a_request_nests_it_is_answered_once_and_by_its_id() {
    let server = Server::start().await;
    let mut bo = server.guest("Bo").await;
    for levels in [32, 33, 127, 128, 129, 20_000, 100_000] {
        let deep = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let id = bo.next_id();
        let unknown = [
            format!(r#"{{"type":"ping","id":{id},"data":{{"x":{deep}}}}}"#),
            format!(r#"{{"x":{deep},"type":"ping","id":{}}}"#, bo.next_id()),
        ];
        for (text, id) in unknown.into_iter().zip(id..) {
            bo.send(text).await;
            let reply = bo.reply().await;
            assert_eq!((&reply["type"], &reply["re"]), (&json!("ok"), &json!(id)));
        }
        for (kind, field) in [
            ("room.join", "identity"),
            ("lobby.admit", "participants"),
            ("room.create", "permissions"),
        ] {
            let id = bo.next_id();
            let data = format!(r#"{{"name":"x","{field}":{deep}}}"#);
            let text = format!(r#"{{"type":"{kind}","id":{id},"data":{data}}}"#);
            let expected = (
                json!(id),
                "protocol.bad_field".to_owned(),
                Some(format!("data.{field}")),
            );
            assert_eq!(answer(&mut bo, &text).await, expected, "{levels}");
        }
    }
    bo.ok("ping", json!({})).await;
}

#[tokio::test]
async fn requests_with_wrong_data_name_the_field() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let table = [
        (r#""type":"room.create""#, "data.name"),
        (r#""type":"room.create","data":null"#, "data.name"),
        (r#""type":"room.create","data":{"name":7}"#, "data.name"),
        (r#""type":"room.create","data":{"name":" "}"#, "data.name"),
        (
            r#""type":"room.create","data":{"name":"\ud800"}"#,
            "data.name",
        ),
        (
            r#""type":"room.create","data":{"name":"x","lobby":"no"}"#,
            "data.lobby",
        ),
        (
            r#""type":"room.create","data":{"name":"x","max_participants":0}"#,
            "data.max_participants",
        ),
        (
            r#""type":"room.create","data":{"name":"x","max_participants":1001}"#,
            "data.max_participants",
        ),
        (
            r#""type":"room.create","data":{"name":"x","max_participants":-1}"#,
            "data.max_participants",
        ),
        (
            r#""type":"room.create","data":{"name":"x","max_participants":1e999}"#,
            "data.max_participants",
        ),
        (
            r#""type":"room.create","data":{"name":"x","topology":"ring"}"#,
            "data.topology",
        ),
        (
            r#""type":"room.create","data":{"name":"x","begin_at":1700000000}"#,
            "data.begin_at",
        ),
        (
            r#""type":"room.create","data":{"name":"x","permissions":{"chat":1}}"#,
            "data.permissions.chat",
        ),
        (r#""type":"room.list","data":{"page":0}"#, "data.page"),
        (r#""type":"room.list","data":{"size":0}"#, "data.size"),
        (r#""type":"room.list","data":{"size":101}"#, "data.size"),
        (r#""type":"room.list","data":{"scope":"all"}"#, "data.scope"),
        (
            r#""type":"media.view","data":{"tiles":[{"track":"t","width":1,"height":"x"}]}"#,
            "data.tiles[0].height",
        ),
        (
            r#""type":"signal.offer","data":{"to":"","sdp":""}"#,
            "data.to",
        ),
        (
            r#""type":"media.candidate","data":{"connection":"sideways","candidate":null}"#,
            "data.connection",
        ),
    ];
    for (rest, field) in table {
        let id = ada.next_id();
        let text = format!(r#"{{"id":{id},{rest}}}"#);
        let expected = (
            json!(id),
            "protocol.bad_field".to_owned(),
            Some(field.to_owned()),
        );
        assert_eq!(answer(&mut ada, &text).await, expected, "{rest}");
    }
    assert_eq!(
        ada.refused("no.such", json!({})).await,
        "protocol.unknown_type"
    );
    assert_eq!(ada.refused("", json!({})).await, "protocol.unknown_type");
    ada.ok(
        "ping",
        json!({ "client_time": 7, "more": { "is": "ignored" } }),
    )
    .await;
    assert_eq!(
        ada.ok("room.list", json!({})).await["total"],
        0,
        "nothing was made meanwhile"
    );
}

#[tokio::test]
async fn binary_frames_are_refused_and_the_socket_goes_on() {
    let server = Server::start().await;
    let mut bo = server.guest("Bo").await;
    bo.send(Message::Binary(vec![0, 1, 2].into())).await;
    let reply = bo.reply().await;
    assert_eq!(
        (&reply["re"], &reply["error"]["code"]),
        (&Value::Null, &json!("protocol.binary"))
    );
    bo.ok("ping", json!({})).await;
}

#[tokio::test]
async fn a_request_whose_data_is_ill_typed_is_refused_and_no_abuse() {
    let server = Server::start().await;
    let mut bo = server.guest("Bo").await;
    for data in ["[]", "\"x\"", "5", "true"].into_iter().cycle().take(20) {
        let id = bo.next_id();
        bo.send(format!(
            r#"{{"type":"participant.mute","id":{id},"data":{data}}}"#
        ))
        .await;
        let reply = bo.reply().await;
        assert_eq!(reply["re"], id);
        assert_eq!(
            (&reply["error"]["code"], &reply["error"]["field"]),
            (&json!("protocol.bad_field"), &json!("data"))
        );
    }
    bo.ok("ping", json!({})).await;
}

#[tokio::test]
async fn eleven_bad_frames_in_a_minute_end_the_session() {
    let server = Server::start().await;
    let mut bo = server.guest("Bo").await;
    for at in 0..10 {
        let bad = if at % 2 == 0 {
            Message::text("{")
        } else {
            Message::Binary(vec![7].into())
        };
        bo.send(bad).await;
        assert_eq!(bo.reply().await["type"], "error");
    }
    bo.ok("ping", json!({})).await;
    bo.send("{".to_owned()).await;
    assert_eq!(bo.closed().await, 4400);
}

#[tokio::test]
async fn a_frame_that_is_too_large_is_told_so_and_ends_the_session() {
    let server = Server::start().await;
    let limit = 256 * 1024;
    let mut bo = server.guest("Bo").await;
    let ping = |size: usize, id: u64| {
        let frame = format!(r#"{{"type":"ping","id":{id},"data":{{"client_time":""}}}}"#);
        let filled = "x".repeat(size - frame.len());
        frame.replace(r#""""#, &format!("\"{filled}\""))
    };
    let id = bo.next_id();
    bo.send(ping(limit, id)).await;
    assert_eq!(bo.reply().await["type"], "ok");
    for size in [limit + 1, 3 * 1024 * 1024] {
        let mut bo = server.guest("Bo").await;
        // The server may stop reading in the middle of the frame.
        let _ = soon(bo.socket.send(ping(size, 9).into())).await;
        let reply = bo.reply().await;
        assert_eq!(reply["error"]["code"], "protocol.too_large", "{size}");
        assert_eq!(reply["re"], Value::Null);
        assert_eq!(bo.closed().await, 1009, "{size}");
    }
    bo.ok("ping", json!({})).await;
}

#[tokio::test]
async fn text_that_is_not_utf_8_ends_the_session_as_rfc_6455_says() {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    let server = Server::start().await;
    let mut bo = server.guest("Bo").await;
    let frame = Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true);
    bo.send(Message::Frame(frame)).await;
    assert_eq!(bo.closed().await, 1007);
}

#[tokio::test]
async fn two_thousand_requests_at_once_are_all_answered_and_nobody_else_notices() {
    let server = Server::with(LIMITED).await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    ada.event("participant.joined").await;
    for id in 10_001..=12_000 {
        let request = json!({ "type": "ping", "id": id }).to_string();
        soon(bo.socket.feed(request.into())).await.unwrap();
    }
    soon(bo.socket.flush()).await.unwrap();
    ada.ok("chat.send", json!({ "text": "still here" })).await;
    let mut refused = 0;
    for id in 10_001..=12_000 {
        let reply = bo.reply().await;
        assert_eq!(reply["re"], id);
        if reply["type"] == "error" {
            assert_eq!(reply["error"]["code"], "rate.limited");
            assert!(reply["error"]["retry_after_ms"].as_u64().unwrap() > 0);
            refused += 1;
        }
    }
    assert!((1..2_000).contains(&refused), "{refused} were refused");
    bo.event("chat.message").await;
    ada.ok("ping", json!({})).await;
}

#[tokio::test]
async fn repeating_requests_and_pinging_without_end_are_floods_too() {
    let server = Server::with(LIMITED).await;
    let mut bo = server.guest("Bo").await;
    let first = json!({ "type": "ping", "id": 1_000 }).to_string();
    // What the client cannot send any more, and answers that it does not read, do not matter here.
    for _ in 0..6_000 {
        if soon(bo.socket.feed(first.clone().into())).await.is_err() {
            break;
        }
    }
    let _ = soon(bo.socket.flush()).await;
    assert_eq!(bo.closed().await, 4429);
    let mut cy = server.guest("Cy").await;
    for _ in 0..6_000 {
        if soon(cy.socket.feed(Message::Ping(Vec::new().into())))
            .await
            .is_err()
        {
            break;
        }
    }
    let _ = soon(cy.socket.flush()).await;
    assert_eq!(cy.closed().await, 4429);
}

#[tokio::test]
async fn a_clients_close_is_answered() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let frame = CloseFrame {
        code: CloseCode::Normal,
        reason: "done".into(),
    };
    ada.socket.close(Some(frame)).await.unwrap();
    assert_eq!(ada.closed().await, 1000);
}

/// Stops tokio's clock until what is returned is dropped, or until so much time has passed that something is wrong.
fn stop_the_clock() -> std::sync::mpsc::SyncSender<()> {
    tokio::time::pause();
    let (go_on, stopped) = std::sync::mpsc::sync_channel(1);
    // A paused clock moves by itself when there is nothing to do, but not while a blocking task runs.
    tokio::task::spawn_blocking(move || stopped.recv_timeout(PATIENCE));
    go_on
}

#[tokio::test]
async fn who_reads_nothing_is_let_go_at_once_and_the_others_go_on() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut deaf = server.member("Deaf", &room).await;
    let mut bo = server.member("Bo", &room).await;
    let stopped = stop_the_clock();
    let before = tokio::time::Instant::now();
    // Far more than the sockets' buffers and the outbox hold together.
    let text = "字".repeat(4_000);
    loop {
        let message = json!({ "to": deaf.membership(), "text": text });
        ada.ok("chat.send", message).await;
        if ada.has_heard("participant.updated") {
            break;
        }
    }
    for one in [&mut ada, &mut bo] {
        let away = one.event("participant.updated").await["participant"].take();
        assert_eq!(away["id"], deaf.membership());
        assert_eq!(away["connection"], "reconnecting");
    }
    assert_eq!(deaf.closed().await, 4408, "once they read");
    assert!(before.elapsed().is_zero(), "nobody waited for them");
    // What did not fit is lost to them, so that they are shown the room instead.
    let (mut deaf, answer) = deaf.lose().back(&server).await;
    assert_eq!(answer["view"]["self"]["connection"], "online");
    assert_eq!(
        names(&answer["view"]["participants"]),
        ["ada", "Deaf", "Bo"]
    );
    deaf.ok("participant.update", json!({ "hand": true })).await;
    drop(stopped);
    tokio::time::resume();
    ada.ok("chat.send", json!({ "text": "on we go" })).await;
    assert_eq!(
        bo.event("chat.message").await["message"]["text"],
        "on we go"
    );
}

/// The next event, while the clock stands: the client answers the pings as it waits here.
async fn next_event(client: &mut Client) -> Value {
    let event = tokio::time::timeout(std::time::Duration::from_secs(100), async {
        loop {
            let frame = futures_util::StreamExt::next(&mut client.socket)
                .await
                .unwrap()
                .unwrap();
            if let Message::Text(text) = frame {
                break serde_json::from_str::<Value>(&text).unwrap();
            }
        }
    });
    event.await.unwrap()
}

#[tokio::test]
async fn who_answers_no_ping_is_let_go() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let dead = server.member("Dead", &room).await;
    ada.event("participant.joined").await;
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    let away = next_event(&mut ada).await;
    assert_eq!(away["type"], "participant.updated");
    let person = &away["data"]["participant"];
    assert_eq!(person["id"], dead.membership());
    assert_eq!(person["connection"], "reconnecting");
    // Two pings, and the time for a third.
    assert!((44..=45).contains(&before.elapsed().as_secs()));
    let left = next_event(&mut ada).await;
    assert_eq!(left["type"], "participant.left");
    assert_eq!(
        left["data"],
        json!({ "participant": dead.membership(), "reason": "lost" })
    );
    assert!((74..=75).contains(&before.elapsed().as_secs()));
}
