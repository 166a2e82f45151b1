//! In a room together: joining, leaving, chat, signals and what each is told of the others.

use meeting::config::Key;
use serde_json::{Value, json};

use super::support::{PASSWORD, Server, names};

#[tokio::test]
async fn who_joins_is_told_everything_and_the_others_are_told_of_them() {
    let server = Server::start().await;
    let (mut ada, room) = server
        .meeting(json!({ "permissions": { "chat": false } }))
        .await;
    let mut bo = server.guest("Bo").await;
    let data = json!({ "identity": room, "display_name": "Bo in Basel" });
    let joined = bo.ok("room.join", data).await;
    assert_eq!(joined["room"]["identity"], room);
    assert_eq!(
        (&joined["room"]["state"], &joined["room"]["participants"]),
        (&json!("live"), &json!(2))
    );
    let me = &joined["self"];
    let expected = json!({
        "id": me["id"], "user": bo.login["user"], "display_name": "Bo in Basel", "role": "member",
        "joined_at": me["joined_at"], "hand_raised_at": null, "connection": "online", "audio": false,
        "video": false, "tracks": [],
    });
    assert_eq!(*me, expected);
    assert_eq!(names(&joined["participants"]), ["ada", "Bo in Basel"]);
    assert_eq!(joined["participants"][0]["role"], "host");
    assert_eq!(joined["permissions"]["chat"], false);
    assert_eq!(joined["permissions"]["react"], true);
    assert_eq!(
        (&joined["ice_servers"], &joined["chat"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(ada.joined["permissions"]["chat"], true, "a host may");
    assert_eq!(ada.event("participant.joined").await["participant"], *me);
}

#[tokio::test]
async fn joining_by_number_works_too() {
    let server = Server::start().await;
    let (ada, room) = server.meeting(json!({})).await;
    let mut bo = server.guest("Bo").await;
    let number = &ada.joined["room"]["number"];
    let joined = bo.ok("room.join", json!({ "identity": number })).await;
    assert_eq!(joined["room"]["identity"], room);
}

#[tokio::test]
async fn outside_of_a_room_there_is_nothing_to_do_in_one() {
    let server = Server::start().await;
    let mut bo = server.guest("Bo").await;
    for (kind, data) in [
        ("room.leave", json!({})),
        ("room.end", json!({})),
        ("participant.update", json!({ "hand": true })),
        ("chat.send", json!({ "text": "x" })),
        ("chat.history", json!({})),
        ("signal.offer", json!({ "to": "p", "sdp": "" })),
        ("signal.candidate", json!({ "to": "p", "candidate": null })),
        (
            "media.publish",
            json!({ "revision": 1, "sdp": "", "sources": [] }),
        ),
        (
            "media.source",
            json!({ "source": "camera", "active": true }),
        ),
        ("media.receive", json!({})),
        ("media.answer", json!({ "revision": 1, "sdp": "" })),
        ("media.view", json!({ "tiles": [] })),
        (
            "media.candidate",
            json!({ "connection": "up", "candidate": null }),
        ),
        ("media.restart", json!({ "connection": "up" })),
    ] {
        assert_eq!(bo.refused(kind, data).await, "room.not_joined", "{kind}");
    }
}

#[tokio::test]
async fn leaving_is_announced_to_the_rest_alone() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    bo.ok("room.leave", json!({})).await;
    let left = ada.event("participant.left").await;
    assert_eq!(left, json!({ "participant": bo.stay(), "reason": "left" }));
    assert_eq!(bo.refused("room.leave", json!({})).await, "room.not_joined");
    bo.join(&room).await;
    assert_eq!(
        bo.events().await,
        [""; 0],
        "one's own coming and going is no news"
    );
}

#[tokio::test]
async fn a_socket_that_is_lost_and_one_that_is_closed_leave_for_different_reasons() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let lost = server.member("Lost", &room).await;
    let stay = lost.stay();
    drop(lost);
    assert_eq!(
        ada.event("participant.left").await,
        json!({ "participant": stay, "reason": "lost" })
    );
    let closed = server.member("Closed", &room).await;
    let stay = closed.stay();
    closed.close().await;
    assert_eq!(
        ada.event("participant.left").await,
        json!({ "participant": stay, "reason": "left" })
    );
}

#[tokio::test]
async fn joining_twice_shows_the_room_again_and_is_not_announced() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    ada.event("participant.joined").await;
    let first = bo.joined.clone();
    assert_eq!(bo.join(&room).await, first);
    assert_eq!(ada.events().await, [""; 0]);
}

#[tokio::test]
async fn joining_another_room_leaves_the_first() {
    let server = Server::start().await;
    let (mut ada, first) = server.meeting(json!({})).await;
    let mut cy = server.account("cy").await;
    let second = cy.create(json!({ "name": "Elsewhere" })).await;
    cy.join(&second).await;
    let mut bo = server.member("Bo", &first).await;
    let stay = bo.stay();
    bo.join(&second).await;
    assert_eq!(
        ada.event("participant.left").await,
        json!({ "participant": stay, "reason": "left" })
    );
    assert_eq!(names(&bo.joined["participants"]), ["cy", "Bo"]);
    ada.ok("chat.send", json!({ "text": "for those who stayed" }))
        .await;
    assert_eq!(bo.events().await, [""; 0]);
}

#[tokio::test]
async fn who_is_refused_elsewhere_stays_where_they_are() {
    let server = Server::start().await;
    let (mut ada, first) = server.meeting(json!({})).await;
    let mut cy = server.account("cy").await;
    let locked = cy.create(json!({ "name": "Locked", "locked": true })).await;
    let full = cy
        .create(json!({ "name": "Full", "max_participants": 1 }))
        .await;
    cy.join(&full).await;
    let mut bo = server.member("Bo", &first).await;
    ada.event("participant.joined").await;
    assert_eq!(
        bo.refused("room.join", json!({ "identity": locked })).await,
        "room.locked"
    );
    assert_eq!(
        bo.refused("room.join", json!({ "identity": full })).await,
        "room.full"
    );
    bo.ok("chat.send", json!({ "text": "still here" })).await;
    assert_eq!(ada.events().await, ["chat.message"]);
}

#[tokio::test]
async fn a_newer_session_of_the_same_person_takes_the_place_of_the_older() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({ "max_participants": 2 })).await;
    let mut old = server.member("Bo", &room).await;
    ada.event("participant.joined").await;
    let mut new = server.connect().await;
    new.ok("auth.token", json!({ "token": old.token() })).await;
    new.join(&room).await;
    assert_ne!(new.stay(), old.stay());
    assert_eq!(old.closed().await, 4409);
    assert_eq!(old.event("session.replaced").await, json!({}));
    let left = ada.event("participant.left").await;
    assert_eq!(
        left,
        json!({ "participant": old.stay(), "reason": "replaced" })
    );
    assert_eq!(
        ada.event("participant.joined").await["participant"]["id"],
        new.stay()
    );
    assert_eq!(names(&new.joined["participants"]), ["ada", "Bo"]);
    assert_eq!(new.events().await, [""; 0]);
    let mut again = server.connect().await;
    again
        .ok(
            "auth.login",
            json!({ "username": "ada", "password": PASSWORD }),
        )
        .await;
    let joined = again.join(&room).await;
    assert_eq!(joined["self"]["role"], "host");
    assert_eq!(ada.closed().await, 4409);
}

#[tokio::test]
async fn somebody_who_logs_in_as_somebody_else_does_not_inherit_the_stay() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    bo.ok("auth.guest", json!({ "display_name": "Other" }))
        .await;
    assert_eq!(ada.event("participant.left").await["reason"], "left");
    assert_eq!(
        bo.refused("chat.send", json!({ "text": "x" })).await,
        "room.not_joined"
    );
}

#[tokio::test]
async fn rooms_that_are_full_locked_or_over_are_closed_to_members_but_not_to_their_owner() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let mut bo = server.guest("Bo").await;
    let past = json!({ "begin_at": "2001-01-01T09:00:00Z", "end_at": "2001-01-01T10:00:00Z" });
    for (mut settings, code) in [
        (json!({ "locked": true }), "room.locked"),
        (json!({ "lobby": true }), "room.waiting"),
        (json!({ "max_participants": 1 }), "room.full"),
        (past, "room.ended"),
    ] {
        settings["name"] = json!(code);
        let room = ada.create(settings).await;
        if code == "room.full" {
            let mut cy = server.member("Cy", &room).await;
            ada.join(&room).await;
            let both = cy.ok("room.roster", json!({ "identity": room })).await;
            assert_eq!(names(&both["participants"]), ["Cy", "ada"]);
        } else {
            let before = bo.refused("room.join", json!({ "identity": room })).await;
            assert_eq!(before, code, "with nobody in it");
        }
        ada.join(&room).await;
        if code == "room.ended" {
            // It may run over its time while a host is in it.
            bo.join(&room).await;
            bo.ok("room.leave", json!({})).await;
        } else {
            assert_eq!(
                bo.refused("room.join", json!({ "identity": room })).await,
                code
            );
        }
    }
}

#[tokio::test]
async fn a_password_is_asked_for_checked_and_its_tries_are_limited() {
    let server = Server::with(&[]).await;
    let (mut ada, room) = server.meeting(json!({ "password": "sesame" })).await;
    let mut bo = server.guest("Bo").await;
    let join = |password: Value| json!({ "identity": room, "password": password });
    assert_eq!(
        bo.refused("room.join", join(Value::Null)).await,
        "room.password_required"
    );
    assert_eq!(
        bo.refused("room.join", join(json!("Sesame"))).await,
        "room.password_wrong"
    );
    assert_eq!(
        bo.refused("room.join", join(json!(""))).await,
        "room.password_wrong"
    );
    let joined = bo.ok("room.join", join(json!("sesame"))).await;
    assert_eq!(joined["room"]["has_password"], true);
    bo.ok("room.leave", json!({})).await;
    let mut last = Value::Null;
    for _ in 0..12 {
        last = bo.error("room.join", join(json!("guess"))).await;
    }
    assert_eq!(last["code"], "rate.limited");
    assert!(last["retry_after_ms"].as_u64().unwrap() > 0);
    assert_eq!(
        bo.refused("room.join", join(json!("sesame"))).await,
        "rate.limited"
    );
    // Another room is another matter.
    let other = ada
        .create(json!({ "name": "Other", "password": "open" }))
        .await;
    bo.ok(
        "room.join",
        json!({ "identity": other, "password": "open" }),
    )
    .await;
}

#[tokio::test]
async fn an_edit_reaches_everyone_inside() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    let edited = ada
        .ok(
            "room.edit",
            json!({ "identity": room, "name": "Renamed", "locked": true }),
        )
        .await;
    let told = bo.event("room.updated").await;
    assert_eq!(told["room"], edited["room"]);
    assert_eq!(
        (&told["room"]["name"], &told["room"]["state"]),
        (&json!("Renamed"), &json!("live"))
    );
    let mut cy = server.guest("Cy").await;
    assert_eq!(
        cy.refused("room.join", json!({ "identity": room })).await,
        "room.locked"
    );
}

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
    let expected = json!({ "id": track["id"], "participant": bo.stay(), "kind": "audio", "source": "microphone",
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
        json!({ "track": track["id"], "participant": bo.stay(), "muted": true, "by": null })
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
        json!({ "track": track["id"], "participant": bo.stay() })
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
    let expected = json!({ "id": sent["id"], "participant": bo.stay(), "user": bo.login["user"],
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
        .ok("chat.send", json!({ "text": "psst", "to": bo.stay() }))
        .await["message"]
        .take();
    assert_eq!(sent["to"], bo.stay());
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
        cy.refused("chat.send", json!({ "text": "x", "to": ada.stay() }))
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
        data["to"] = json!(bo.stay());
        assert_eq!(ada.ok(kind, data).await, json!({}));
        let mut expected = content;
        expected["from"] = json!(ada.stay());
        expected["connection"] = expected["connection"].take();
        assert_eq!(bo.event(kind).await, expected);
    }
    let line = json!({ "to": bo.stay(), "candidate": "candidate:1 1 udp 1 192.0.2.7 5 typ host" });
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
    for to in [cy.stay(), ada.stay(), "p-nobody".to_owned(), "u".repeat(64)] {
        assert_eq!(
            ada.refused("signal.offer", offer(to)).await,
            "signal.not_found"
        );
    }
    let gone = bo.stay();
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
