//! Into a room and out of it, and what each is told of the others.

use meeting::config::Key;
use serde_json::{Value, json};

use super::support::{Server, names};

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
    assert_eq!(joined["chat"], json!([]));
    let relays = joined["ice_servers"].as_array().map(Vec::len);
    assert_eq!(relays, Some(1), "the server's own");
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
    assert_eq!(
        left,
        json!({ "participant": bo.membership(), "reason": "left" })
    );
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
    let server = Server::with(&[(Key::NoRateLimit, "on"), (Key::ResumeMs, "100")]).await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let lost = server.member("Lost", &room).await;
    let membership = lost.membership();
    drop(lost);
    let waited_for = ada.event("participant.updated").await["participant"].take();
    assert_eq!(waited_for["id"], membership);
    assert_eq!(waited_for["connection"], "reconnecting");
    assert_eq!(
        ada.event("participant.left").await,
        json!({ "participant": membership, "reason": "lost" })
    );
    let closed = server.member("Closed", &room).await;
    let membership = closed.membership();
    closed.close().await;
    assert_eq!(
        ada.event("participant.left").await,
        json!({ "participant": membership, "reason": "left" })
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
async fn a_join_that_is_sent_again_after_one_has_left_tells_nothing_of_the_others() {
    let server = Server::start().await;
    let (_ada, room) = server.meeting(json!({})).await;
    let mut bo = server.account("bo").await;
    let first = bo.ask("room.join", json!({ "identity": room })).await;
    assert_eq!(first["data"]["participants"].as_array().unwrap().len(), 2);
    bo.ok("room.leave", json!({})).await;
    let again = json!({ "type": "room.join", "id": first["re"], "data": { "identity": room } });
    bo.send(again.to_string()).await;
    let mut expected = first.clone();
    expected["data"]["participants"] = json!([first["data"]["self"]]);
    expected["data"]["ice_servers"] = json!([]);
    assert_eq!(bo.reply().await, expected);
    assert_eq!(bo.refused("room.leave", json!({})).await, "room.not_joined");
}

#[tokio::test]
async fn joining_another_room_leaves_the_first() {
    let server = Server::start().await;
    let (mut ada, first) = server.meeting(json!({})).await;
    let mut cy = server.account("cy").await;
    let second = cy.create(json!({ "name": "Elsewhere" })).await;
    cy.join(&second).await;
    let mut bo = server.member("Bo", &first).await;
    let membership = bo.membership();
    bo.join(&second).await;
    assert_eq!(
        ada.event("participant.left").await,
        json!({ "participant": membership, "reason": "left" })
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
    assert_ne!(new.membership(), old.membership());
    assert_eq!(old.closed().await, 4409);
    assert_eq!(old.event("session.replaced").await, json!({}));
    let left = ada.event("participant.left").await;
    assert_eq!(
        left,
        json!({ "participant": old.membership(), "reason": "replaced" })
    );
    assert_eq!(
        ada.event("participant.joined").await["participant"]["id"],
        new.membership()
    );
    assert_eq!(names(&new.joined["participants"]), ["ada", "Bo"]);
    assert_eq!(new.events().await, [""; 0]);
    let mut again = server.again("ada").await;
    let joined = again.join(&room).await;
    assert_eq!(joined["self"]["role"], "host");
    assert_eq!(ada.closed().await, 4409);
}

#[tokio::test]
async fn somebody_who_logs_in_as_somebody_else_does_not_inherit_the_membership() {
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
async fn a_password_is_asked_for_checked_and_its_attempts_are_limited() {
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
    for _ in 0..55 {
        last = bo.error("room.join", join(json!("guess"))).await;
        if last["code"] == "rate.limited" {
            break;
        }
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
    let mut cy = server.guest("Cy").await;
    cy.ok(
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
