//! What ends a script, and what does not.

use futures_util::StreamExt as _;
use meeting::config::Key;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::script::*;
use crate::legacy::legacy_server;
use crate::support::{Server, soon};

#[tokio::test]
async fn a_script_that_goes_or_breaks_off_is_gone_at_once() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    for (name, closes) in [("bo", true), ("cy", false)] {
        let (mut script, is) = watch.script(&server, name).await;
        if closes {
            let code = CloseCode::Normal;
            let reason = "done".into();
            let frame = Some(CloseFrame { code, reason });
            soon(script.socket.close(frame)).await.unwrap();
            assert_eq!(script.closed().await, 1000, "the close is answered");
        } else {
            drop(script);
        }
        let left = watch.client.event("participant.left").await;
        assert_eq!(left["participant"], is["id"], "{name}");
    }
    // The dead hold nothing up.
    let (mut dee, _) = watch.script(&server, "dee").await;
    dee.say("offer_sdp", json!(SDP)).await;
    assert_eq!(watch.client.event("signal.offer").await["sdp"], SDP);
    watch.client.close().await;
}

#[tokio::test]
async fn a_script_that_answers_no_ping_is_let_go() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    // It is there, and reads nothing.
    let (dead, is) = watch.script(&server, "bo").await;
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    // Ada's own client answers the pings while it waits here.
    let left = tokio::time::timeout(std::time::Duration::from_secs(100), async {
        loop {
            let frame = watch.client.socket.next().await.unwrap().unwrap();
            if let Message::Text(text) = frame {
                break serde_json::from_str::<Value>(&text).unwrap();
            }
        }
    });
    let left = left.await.unwrap();
    assert_eq!(left["type"], "participant.left");
    assert_eq!(left["data"]["participant"], is["id"]);
    // Two pings, and the time for a third.
    assert!((44..=46).contains(&before.elapsed().as_secs()));
    drop(dead);
}

#[tokio::test]
async fn a_script_that_reads_nothing_is_let_go_and_the_others_go_on() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (deaf, is) = watch.script(&server, "bo").await;
    let (mut cy, _) = watch.script(&server, "cy").await;
    // Far more than the sockets' buffers, the pipe and the outbox hold together.
    let sdp = "x".repeat(200_000);
    for _ in 0..400 {
        let offer = json!({ "to": is["id"], "sdp": sdp });
        if watch.client.ask("signal.offer", offer).await["type"] == "error" {
            break;
        }
    }
    tokio::time::pause();
    let left = watch.client.event("participant.left").await;
    tokio::time::resume();
    assert_eq!(left["participant"], is["id"]);
    cy.say("offer_sdp", json!("on we go")).await;
    assert_eq!(watch.client.event("signal.offer").await["sdp"], "on we go");
    drop(deaf);
}

#[tokio::test]
async fn a_room_that_ends_or_a_log_out_closes_the_socket() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (mut bo, _) = watch.script(&server, "bo").await;
    let mut session = server.connect().await;
    let (_, token) = account(&server, "cy").await;
    let mut cy = Script::open(&server, &watch.room, "cy", &token).await;
    watch.client.event("participant.joined").await;
    session.ok("auth.token", json!({ "token": token })).await;
    session.ok("auth.logout", json!({})).await;
    assert_eq!(cy.closed().await, 4401);
    watch.client.ok("room.end", json!({})).await;
    assert_eq!(bo.closed().await, 4404);
}

#[tokio::test]
async fn a_bad_frame_is_told_and_the_socket_memberships_until_there_are_too_many() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (mut bo, _) = watch.script(&server, "bo").await;
    let bad: [(Message, &str); 5] = [
        ("not json".into(), "not a JSON object"),
        (
            "{\"key\":\"sdp\",\"value\":\"x\"}".into(),
            "unknown variant `sdp`",
        ),
        (
            "{\"key\":\"offer_sdp\",\"value\":7}".into(),
            "must be a session description",
        ),
        (
            json!({ "type": "room.end", "id": 99 }).to_string().into(),
            "key: is missing",
        ),
        (Message::binary(vec![1]), "Frames are text"),
    ];
    for (frame, sentence) in bad {
        bo.send(frame).await;
        let told = bo.hear().await;
        assert_eq!(told["code"], -1, "{told}");
        assert!(told["msg"].as_str().unwrap().contains(sentence), "{told}");
    }
    bo.say("offer_sdp", json!(SDP)).await;
    assert_eq!(watch.client.event("signal.offer").await["sdp"], SDP);
    for _ in 5..10 {
        bo.send("{}").await;
        assert_eq!(bo.hear().await["code"], -1);
    }
    bo.send("{}").await;
    assert_eq!(bo.closed().await, 4400);
}

#[tokio::test]
async fn size_and_speed_have_the_limits_of_the_web_socket() {
    let server = Server::with(&[(Key::LegacyApi, "on")]).await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (mut bo, _) = watch.script(&server, "bo").await;
    for _ in 0..200 {
        bo.say("offer_candidate", json!("candidate:1")).await;
    }
    let refused = bo.hear().await;
    assert_eq!(refused["code"], -1, "{refused}");
    assert!(
        refused["data"]["retry_after_ms"].as_u64() > Some(0),
        "{refused}"
    );
    let (mut cy, _) = watch.script(&server, "cy").await;
    cy.say("offer_sdp", json!("x".repeat(256 * 1024))).await;
    let told = cy.hear().await;
    assert!(told["msg"].as_str().unwrap().contains("larger"), "{told}");
    assert_eq!(cy.closed().await, 1009);
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (mut bo, _) = watch.script(&server, "bo").await;
    let (running, _data) = server.stop();
    assert_eq!(bo.closed().await, 1001);
    drop((bo, watch));
    soon(running).await.unwrap();
}
