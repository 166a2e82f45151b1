//! Together in a room: what one changes, tracks, chat, signals, and how fast.

use meeting::config::Key;
use serde_json::{Value, json};

use super::support::Server;

#[tokio::test]
async fn what_one_changes_of_oneself_everyone_sees() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({ "topology": "p2p" })).await;
    let mut bo = server.member("Bo", &room).await;
    let changed = bo
        .ok(
            "participant.update",
            json!({ "display_name": "Bo B.", "hand": true }),
        )
        .await;
    let me = &changed["participant"];
    assert_eq!(me["display_name"], "Bo B.");
    assert!(me["hand_raised_at"].is_string());
    for client in [&mut ada, &mut bo] {
        assert_eq!(
            client.event("participant.updated").await["participant"],
            *me
        );
    }
    let lowered = bo.ok("participant.update", json!({ "hand": false })).await;
    assert_eq!(lowered["participant"]["hand_raised_at"], Value::Null);
    assert_eq!(lowered["participant"]["display_name"], "Bo B.");
    let said = bo
        .ok(
            "participant.update",
            json!({ "audio": true, "video": true }),
        )
        .await["participant"]
        .take();
    assert_eq!(
        (&said["audio"], &said["video"], &said["tracks"]),
        (&json!(true), &json!(true), &json!([])),
        "between peers a client may send without telling of its tracks"
    );
    ada.ok(
        "room.edit",
        json!({ "identity": room, "permissions": { "rename": false } }),
    )
    .await;
    let rename = json!({ "display_name": "Eve", "hand": true });
    assert_eq!(
        bo.refused("participant.update", rename).await,
        "perm.denied"
    );
    ada.ok("participant.update", json!({ "display_name": "Ada L." }))
        .await;
}

#[tokio::test]
async fn tracks_begin_are_muted_and_end_before_everyones_eyes() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({ "topology": "p2p" })).await;
    let mut bo = server.member("Bo", &room).await;
    ada.event("participant.joined").await;
    let track = bo
        .ok(
            "media.source",
            json!({ "source": "microphone", "active": true }),
        )
        .await["track"]
        .take();
    let expected = json!({ "id": track["id"], "participant": bo.membership(), "kind": "audio", "source": "microphone",
        "muted": false, "codec": null, "layers": [] });
    assert_eq!(track, expected);
    assert_eq!(ada.event("media.track.published").await["track"], track);
    assert_eq!(
        ada.event("participant.updated").await["participant"]["audio"],
        true
    );
    let again = bo
        .ok(
            "media.source",
            json!({ "source": "microphone", "active": true }),
        )
        .await;
    assert_eq!(again["track"], track, "it runs already");
    let muted = bo.ok("participant.update", json!({ "audio": false })).await["participant"].take();
    assert_eq!(
        (&muted["audio"], &muted["tracks"][0]["muted"]),
        (&json!(false), &json!(true))
    );
    let told = ada.event("media.track.muted").await;
    assert_eq!(
        told,
        json!({ "track": track["id"], "participant": bo.membership(), "muted": true, "by": null })
    );
    assert_eq!(ada.event("participant.updated").await["participant"], muted);
    bo.ok("participant.update", json!({ "audio": true })).await;
    assert_eq!(ada.event("media.track.muted").await["muted"], false);
    let late = server.member("Late", &room).await;
    assert_eq!(late.joined["participants"][1]["tracks"], json!([track]));
    let stopped = bo
        .ok(
            "media.source",
            json!({ "source": "microphone", "active": false }),
        )
        .await;
    assert_eq!(stopped["track"], Value::Null);
    let told = ada.event("media.track.unpublished").await;
    assert_eq!(
        told,
        json!({ "track": track["id"], "participant": bo.membership() })
    );
    let quiet = bo
        .ok(
            "media.source",
            json!({ "source": "camera", "active": true, "muted": true }),
        )
        .await;
    assert_eq!(quiet["track"]["muted"], true);
    let me = bo.ok("participant.update", json!({})).await["participant"].take();
    assert_eq!((&me["video"], &me["audio"]), (&json!(false), &json!(false)));
}

#[tokio::test]
async fn a_message_to_everyone_reaches_its_sender_too() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    let data = json!({ "text": " Hello,\n<b>all</b>\u{202e} ", "client_id": "c-17" });
    let sent = bo.ok("chat.send", data).await["message"].take();
    let expected = json!({ "id": sent["id"], "participant": bo.membership(), "user": bo.login["user"],
        "display_name": "Bo", "to": null, "text": "Hello,\n<b>all</b>", "client_id": "c-17", "sent_at": sent["sent_at"] });
    assert_eq!(sent, expected);
    for client in [&mut ada, &mut bo] {
        assert_eq!(client.event("chat.message").await["message"], sent);
    }
}

#[tokio::test]
async fn a_private_message_reaches_the_two_alone_in_history_too() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    let mut cy = server.member("Cy", &room).await;
    let sent = ada
        .ok(
            "chat.send",
            json!({ "text": "psst", "to": bo.membership() }),
        )
        .await["message"]
        .take();
    assert_eq!(sent["to"], bo.membership());
    for client in [&mut ada, &mut bo] {
        assert_eq!(client.event("chat.message").await["message"], sent);
        assert_eq!(
            client.ok("chat.history", json!({})).await["messages"],
            json!([sent])
        );
    }
    assert_eq!(cy.events().await, [""; 0]);
    assert_eq!(
        cy.ok("chat.history", json!({})).await,
        json!({ "messages": [], "more": false })
    );
    let late = server.member("Late", &room).await;
    assert_eq!(late.joined["chat"], json!([]));
    // Who comes back as the same person reads it again.
    bo.ok("room.leave", json!({})).await;
    assert_eq!(bo.join(&room).await["chat"], json!([sent]));
    assert_eq!(
        cy.refused("chat.send", json!({ "text": "x", "to": "p-nobody" }))
            .await,
        "participant.not_found"
    );
    ada.ok(
        "room.edit",
        json!({ "identity": room, "permissions": { "private_chat": false } }),
    )
    .await;
    assert_eq!(
        cy.refused("chat.send", json!({ "text": "x", "to": ada.membership() }))
            .await,
        "perm.denied"
    );
    cy.ok("chat.send", json!({ "text": "aloud" })).await;
}

#[tokio::test]
async fn a_message_has_4000_characters_at_most() {
    let server = Server::start().await;
    let (mut ada, _room) = server.meeting(json!({})).await;
    let longest = "会".repeat(4_000);
    let sent = ada.ok("chat.send", json!({ "text": longest })).await;
    assert_eq!(sent["message"]["text"], longest);
    for text in [
        format!("{longest}x"),
        String::new(),
        " \n\u{200f}".to_owned(),
    ] {
        assert_eq!(
            ada.error("chat.send", json!({ "text": text })).await["field"],
            "data.text"
        );
    }
    let long_id = json!({ "text": "x", "client_id": "c".repeat(65) });
    assert_eq!(
        ada.error("chat.send", long_id).await["field"],
        "data.client_id"
    );
}

#[tokio::test]
async fn who_comes_late_reads_the_last_fifty_and_turns_the_pages_back() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    for number in 1..=120 {
        ada.ok("chat.send", json!({ "text": format!("{number}") }))
            .await;
    }
    let mut late = server.member("Late", &room).await;
    let texts = |messages: &Value| -> Vec<u32> {
        let messages = messages.as_array().unwrap().iter();
        messages
            .map(|message| message["text"].as_str().unwrap().parse().unwrap())
            .collect()
    };
    assert_eq!(texts(&late.joined["chat"]), (71..=120).collect::<Vec<_>>());
    let before = late.joined["chat"][0]["id"].clone();
    let page = late.ok("chat.history", json!({ "before": before })).await;
    assert_eq!(texts(&page["messages"]), (21..=70).collect::<Vec<_>>());
    assert_eq!(page["more"], true);
    let page = late
        .ok(
            "chat.history",
            json!({ "before": page["messages"][0]["id"], "limit": 200 }),
        )
        .await;
    assert_eq!(texts(&page["messages"]), (1..=20).collect::<Vec<_>>());
    assert_eq!(page["more"], false);
    for limit in [0, 201] {
        assert_eq!(
            late.error("chat.history", json!({ "limit": limit })).await["field"],
            "data.limit"
        );
    }
}

#[tokio::test]
async fn signals_reach_the_one_they_are_for_and_nobody_else() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({ "topology": "p2p" })).await;
    let mut bo = server.member("Bo", &room).await;
    let mut cy = server.member("Cy", &room).await;
    ada.events().await;
    bo.events().await;
    let candidate = json!({ "candidate": "candidate:1 1 udp 1 192.0.2.7 5 typ host", "sdpMid": "0",
        "sdpMLineIndex": 0, "usernameFragment": null });
    for (kind, content) in [
        ("signal.offer", json!({ "sdp": "v=0\r\n" })),
        (
            "signal.answer",
            json!({ "sdp": "v=0\r\n", "connection": "main" }),
        ),
        ("signal.candidate", json!({ "candidate": candidate })),
        ("signal.candidate", json!({ "candidate": null })),
    ] {
        let mut data = content.clone();
        data["to"] = json!(bo.membership());
        assert_eq!(ada.ok(kind, data).await, json!({}));
        let mut expected = content;
        expected["from"] = json!(ada.membership());
        expected["connection"] = expected["connection"].take();
        assert_eq!(bo.event(kind).await, expected);
    }
    let line =
        json!({ "to": bo.membership(), "candidate": "candidate:1 1 udp 1 192.0.2.7 5 typ host" });
    ada.ok("signal.candidate", line.clone()).await;
    assert_eq!(
        bo.event("signal.candidate").await["candidate"],
        line["candidate"]
    );
    assert_eq!(ada.events().await, [""; 0], "never echoed");
    assert_eq!(cy.events().await, [""; 0]);
}

#[tokio::test]
async fn signals_never_leave_the_room() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    let mut cy = server.account("cy").await;
    let elsewhere = cy.create(json!({ "name": "Elsewhere" })).await;
    cy.join(&elsewhere).await;
    ada.events().await;
    let offer = |to: String| json!({ "to": to, "sdp": "v=0\r\n" });
    for to in [
        cy.membership(),
        ada.membership(),
        "p-nobody".to_owned(),
        "u".repeat(64),
    ] {
        assert_eq!(
            ada.refused("signal.offer", offer(to)).await,
            "signal.not_found"
        );
    }
    let gone = bo.membership();
    bo.ok("room.leave", json!({})).await;
    assert_eq!(
        ada.refused("signal.offer", offer(gone)).await,
        "signal.not_found"
    );
    assert_eq!(cy.events().await, [""; 0]);
    assert_eq!(ada.events().await, ["participant.left"]);
    let long = json!({ "to": "p", "sdp": "", "connection": "c".repeat(65) });
    assert_eq!(
        ada.error("signal.offer", long).await["field"],
        "data.connection"
    );
}

#[tokio::test]
async fn limits_of_speed_hold_for_a_session_and_pass() {
    let server = Server::with(&[(Key::NoRateLimit, "off")]).await;
    let mut bo = server.guest("Bo").await;
    let mut passed = 1;
    let error = loop {
        let mut reply = bo.ask("ping", json!({})).await;
        if reply["type"] == "error" {
            break reply["error"].take();
        }
        passed += 1;
    };
    assert!(passed >= 60, "a burst passes, not only {passed}");
    assert_eq!(error["code"], "rate.limited");
    tokio::time::pause();
    let wait = error["retry_after_ms"].as_u64().unwrap();
    tokio::time::advance(std::time::Duration::from_millis(wait)).await;
    bo.ok("ping", json!({})).await;
}
