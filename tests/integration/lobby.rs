//! The waiting room over real sockets: what who waits gets to know, and how they come in.

use meeting::config::Key;
use serde_json::{Value, json};

use super::support::{Client, Server};

/// Ada's meeting with a waiting room, and Bo at its door.
async fn at_the_door() -> (Server, Client, Client, String) {
    let server = Server::start().await;
    let (ada, bo, room) = at_the_door_of(&server).await;
    (server, ada, bo, room)
}

async fn at_the_door_of(server: &Server) -> (Client, Client, String) {
    let (mut ada, room) = server.meeting(json!({ "lobby": true })).await;
    let mut bo = server.guest("Bo").await;
    let join = json!({ "identity": room });
    assert_eq!(bo.refused("room.join", join).await, "room.waiting");
    let waiting = ada.event("lobby.waiting").await;
    assert_eq!(waiting["participant"]["display_name"], "Bo");
    bo.joined = json!({ "self": { "id": waiting["participant"]["id"] } });
    (ada, bo, room)
}

async fn admit(ada: &mut Client, who: Value) {
    ada.ok("lobby.admit", json!({ "participants": who })).await;
}

#[tokio::test]
async fn who_waits_gets_nothing_by_any_request() {
    let (_server, mut ada, mut bo, room) = at_the_door().await;
    ada.ok("chat.send", json!({ "text": "among us" })).await;
    ada.ok("participant.update", json!({ "hand": true })).await;
    ada.ok("timer.set", json!({ "duration_ms": 60_000 })).await;
    let (me, host) = (bo.membership(), ada.membership());
    for (kind, data) in [
        ("room.end", json!({})),
        ("participant.update", json!({ "hand": true })),
        (
            "participant.mute",
            json!({ "participant": host, "source": "camera" }),
        ),
        ("participant.ask_unmute", json!({ "participant": host })),
        ("participant.lower_hand", json!({ "participant": "all" })),
        (
            "participant.rename",
            json!({ "participant": me, "display_name": "Ada" }),
        ),
        (
            "participant.set_role",
            json!({ "participant": me, "role": "host" }),
        ),
        ("participant.remove", json!({ "participant": host })),
        ("lobby.admit", json!({ "participants": "all" })),
        ("lobby.admit", json!({ "participants": [me] })),
        ("lobby.deny", json!({ "participants": "all" })),
        ("reaction.send", json!({ "emoji": "👍" })),
        ("spotlight.set", json!({ "participants": [me] })),
        ("timer.set", json!({ "duration_ms": null })),
        ("chat.send", json!({ "text": "hello?" })),
        ("chat.send", json!({ "text": "hello?", "to": host })),
        ("chat.history", json!({})),
        ("signal.offer", json!({ "to": host, "sdp": "" })),
        ("signal.answer", json!({ "to": host, "sdp": "" })),
        ("signal.candidate", json!({ "to": host, "candidate": null })),
        (
            "media.publish",
            json!({ "revision": 1, "sdp": "", "sources": [] }),
        ),
        (
            "media.source",
            json!({ "source": "microphone", "active": true }),
        ),
        ("media.receive", json!({})),
        ("media.answer", json!({ "revision": 1, "sdp": "" })),
        ("media.view", json!({ "tiles": [] })),
        (
            "media.candidate",
            json!({ "connection": "up", "candidate": null }),
        ),
        ("media.restart", json!({ "connection": "down" })),
    ] {
        assert_eq!(bo.refused(kind, data).await, "room.not_joined", "{kind}");
    }
    for (kind, data) in [
        ("room.roster", json!({ "identity": room })),
        ("room.edit", json!({ "identity": room, "lobby": false })),
        ("room.delete", json!({ "identity": room })),
    ] {
        assert_eq!(bo.refused(kind, data).await, "perm.denied", "{kind}");
    }
    // A client that waits asks again and again, and is told the same.
    let error = bo.error("room.join", json!({ "identity": room })).await;
    assert_eq!(error["code"], "room.waiting");
    assert_eq!(
        error.as_object().unwrap().len(),
        3,
        "code, sentence, and when to try again: {error}"
    );
    let seen = bo.ok("room.get", json!({ "identity": room })).await;
    assert_eq!(seen["room"]["participants"], 1);
    // Had the room told anything, it would have come before this answer and its number would be missing below.
    bo.ok("ping", json!({})).await;
    admit(&mut ada, json!([me])).await;
    let admitted = bo.event("lobby.admitted").await;
    assert_eq!(admitted["self"]["id"], me);
    assert_eq!(
        bo.events().await,
        ["lobby.updated"],
        "before lobby.admitted only whether a host is there"
    );
}

#[tokio::test]
async fn who_is_let_in_is_in() {
    let (_server, mut ada, mut bo, room) = at_the_door().await;
    ada.ok("chat.send", json!({ "text": "welcome" })).await;
    admit(&mut ada, json!("all")).await;
    let admitted = bo.event("lobby.admitted").await;
    assert_eq!(admitted["room"]["identity"], room);
    assert_eq!(admitted["participants"].as_array().unwrap().len(), 2);
    assert_eq!(admitted["chat"][0]["text"], "welcome");
    assert_eq!(admitted["actions"][0], "unmute");
    assert_eq!(admitted["self"]["role"], "member");
    let left = ada.event("lobby.left").await;
    assert_eq!(
        left,
        json!({ "participant": bo.membership(), "reason": "admitted" })
    );
    let joined = ada.event("participant.joined").await;
    assert_eq!(joined["participant"], admitted["self"]);
    let again = bo.join(&room).await;
    assert_eq!(
        again["self"], admitted["self"],
        "asking again shows the room"
    );
    bo.ok("chat.send", json!({ "text": "thank you" })).await;
    let message = ada.event("chat.message").await;
    assert_eq!(message["message"]["text"], "welcome");
}

#[tokio::test]
async fn asking_while_being_let_in_is_answered_either_way() {
    let (_server, mut ada, mut bo, room) = at_the_door().await;
    let id = bo.next_id();
    let request = json!({ "type": "room.join", "id": id, "data": { "identity": room } });
    let (me, all) = (bo.membership(), json!("all"));
    tokio::join!(bo.send(request.to_string()), admit(&mut ada, all));
    let reply = bo.reply().await;
    match reply["error"]["code"].as_str() {
        None => assert_eq!(reply["data"]["self"]["id"], me),
        Some(code) => assert_eq!(code, "room.waiting"),
    }
    let admitted = bo.event("lobby.admitted").await;
    assert_eq!(admitted["self"]["id"], me);
    bo.ok("chat.send", json!({ "text": "in" })).await;
}

#[tokio::test]
async fn guessed_ids_let_nobody_in() {
    let (server, mut ada, mut bo, room) = at_the_door().await;
    let guessed = json!({ "participants": [bo.membership(), "p-guessed"] });
    assert_eq!(
        ada.refused("lobby.admit", guessed).await,
        "participant.not_found"
    );
    // Those who wait in another room are not this one's.
    let mut eve = server.account("eve").await;
    let hers = eve.create(json!({ "name": "Hers" })).await;
    eve.join(&hers).await;
    let theirs = json!({ "participants": [bo.membership()] });
    assert_eq!(
        eve.refused("lobby.admit", theirs).await,
        "participant.not_found"
    );
    assert_eq!(
        bo.refused("room.join", json!({ "identity": room })).await,
        "room.waiting"
    );
}

#[tokio::test]
async fn those_who_wait_go_on_waiting_when_the_host_comes() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let room = ada.create(json!({ "name": "Early", "lobby": true })).await;
    let join = json!({ "identity": room });
    let mut bo = server.guest("Bo").await;
    assert_eq!(bo.refused("room.join", join.clone()).await, "room.waiting");
    let seen = ada.ok("room.get", join.clone()).await;
    assert_eq!(seen["room"]["participants"], 0, "nobody is in");
    let joined = ada.join(&room).await;
    assert_eq!(joined["lobby"][0]["display_name"], "Bo");
    assert_eq!(joined["participants"].as_array().unwrap().len(), 1);
    assert_eq!(bo.refused("room.join", join).await, "room.waiting");
    admit(&mut ada, json!("all")).await;
    bo.event("lobby.admitted").await;
}

#[tokio::test]
async fn a_person_who_is_denied_is_told_and_may_not_knock_again() {
    let (_server, mut ada, mut bo, room) = at_the_door().await;
    let deny = json!({ "participants": [bo.membership()] });
    ada.ok("lobby.deny", deny).await;
    let denied = bo.event("lobby.denied").await;
    assert_eq!(denied, json!({ "reason": "denied" }));
    let join = json!({ "identity": room });
    assert_eq!(bo.refused("room.join", join).await, "room.denied");
    assert_eq!(bo.refused("room.leave", json!({})).await, "room.not_joined");
    bo.ok("ping", json!({})).await;
}

#[tokio::test]
async fn a_host_lets_somebody_knock_again_who_was_denied_and_nobody_else_does() {
    let (server, mut ada, mut bo, room) = at_the_door().await;
    let mut cora = server.account("cora").await;
    let join = || json!({ "identity": room });
    assert_eq!(cora.refused("room.join", join()).await, "room.waiting");
    let waits = ada.event("lobby.waiting").await["participant"]["id"].take();
    admit(&mut ada, json!([waits])).await;
    let role = json!({ "participant": waits, "role": "cohost" });
    ada.ok("participant.set_role", role).await;
    let deny = json!({ "participants": [bo.membership()] });
    ada.ok("lobby.deny", deny).await;
    bo.event("lobby.denied").await;
    let unban = json!({ "identity": room, "user": bo.login["user"]["id"] });
    for (kind, data) in [("room.bans", join()), ("room.unban", unban.clone())] {
        assert_eq!(cora.refused(kind, data.clone()).await, "perm.denied");
        assert_eq!(bo.refused(kind, data).await, "perm.denied");
    }
    assert_eq!(bo.refused("room.join", join()).await, "room.denied");
    let kept_out = ada.ok("room.bans", join()).await["bans"].take();
    let [denial] = kept_out.as_array().unwrap().as_slice() else {
        panic!("Bo alone, not {kept_out}")
    };
    assert_eq!(denial["user"]["id"], bo.login["user"]["id"]);
    assert_eq!(denial["by"], ada.login["user"]["id"]);
    assert_eq!(denial["until"], "meeting");
    ada.ok("room.unban", unban).await;
    assert_eq!(ada.ok("room.bans", join()).await["bans"], json!([]));
    assert_eq!(bo.refused("room.join", join()).await, "room.waiting");
    admit(&mut ada, json!("all")).await;
    bo.event("lobby.admitted").await;
}

#[tokio::test]
async fn who_stops_waiting_or_is_lost_is_at_the_door_no_more() {
    let settings = [(Key::NoRateLimit, "on"), (Key::ResumeMs, "100")];
    let server = Server::with(&settings).await;
    let (mut ada, mut bo, room) = at_the_door_of(&server).await;
    bo.ok("room.leave", json!({})).await;
    let gone = json!({ "participant": bo.membership(), "reason": "left" });
    assert_eq!(ada.event("lobby.left").await, gone);
    let mut cy = server.guest("Cy").await;
    let join = json!({ "identity": room });
    assert_eq!(cy.refused("room.join", join.clone()).await, "room.waiting");
    let id = ada.event("lobby.waiting").await["participant"]["id"].take();
    drop(cy);
    let left = ada.event("lobby.left").await;
    assert_eq!(left, json!({ "participant": id, "reason": "left" }));
    // Waiting at one door is given up for another.
    assert_eq!(bo.refused("room.join", join).await, "room.waiting");
    let mut eve = server.account("eve").await;
    let open = eve.create(json!({ "name": "Open" })).await;
    bo.join(&open).await;
    assert_eq!(ada.event("lobby.left").await["reason"], "left");
}

#[tokio::test]
async fn lock_password_and_capacity_hold_for_those_who_wait() {
    let server = Server::start().await;
    let (mut ada, room) = server
        .meeting(json!({ "lobby": true, "password": "sesame", "max_participants": 2 }))
        .await;
    let mut people = Vec::new();
    for name in ["Bo", "Cy"] {
        let mut guest = server.guest(name).await;
        let bare = json!({ "identity": room });
        assert_eq!(
            guest.refused("room.join", bare).await,
            "room.password_required"
        );
        let join = json!({ "identity": room, "password": "sesame" });
        assert_eq!(guest.refused("room.join", join).await, "room.waiting");
        let waiting = ada.event("lobby.waiting").await;
        guest.joined = json!({ "self": { "id": waiting["participant"]["id"] } });
        people.push(guest);
    }
    let lock = json!({ "identity": room, "locked": true });
    ada.ok("room.edit", lock).await;
    let one = json!({ "participants": [people[0].membership()] });
    assert_eq!(ada.refused("lobby.admit", one.clone()).await, "room.locked");
    let mut dee = server.guest("Dee").await;
    let join = json!({ "identity": room, "password": "sesame" });
    assert_eq!(dee.refused("room.join", join).await, "room.locked");
    let unlock = json!({ "identity": room, "locked": false });
    ada.ok("room.edit", unlock).await;
    ada.ok("lobby.admit", one).await;
    people[0].event("lobby.admitted").await;
    let second = json!({ "participants": [people[1].membership()] });
    assert_eq!(ada.refused("lobby.admit", second).await, "room.full");
    let change = json!({ "identity": room, "password": "other" });
    ada.ok("room.edit", change).await;
    let denied = people[1].event("lobby.denied").await;
    assert_eq!(denied["reason"], "password");
    let old = json!({ "identity": room, "password": "sesame" });
    assert_eq!(
        people[1].refused("room.join", old).await,
        "room.password_wrong"
    );
    let new = json!({ "identity": room, "password": "other" });
    assert_eq!(people[1].refused("room.join", new).await, "room.waiting");
}

#[tokio::test]
async fn the_end_of_the_meeting_ends_waiting_but_not_the_session() {
    let (_server, mut ada, mut bo, room) = at_the_door().await;
    ada.ok("room.end", json!({})).await;
    assert_eq!(bo.event("lobby.denied").await["reason"], "ended");
    let join = json!({ "identity": room });
    assert_eq!(bo.refused("room.join", join).await, "room.ended");
}

#[tokio::test]
async fn an_invite_lets_in_who_waits_already() {
    let (_server, mut ada, mut bo, room) = at_the_door().await;
    let make = json!({ "identity": room, "role": "cohost" });
    let made = ada.ok("invite.create", make).await;
    let join = |invite: &Value| json!({ "identity": room, "invite": invite });
    let wrong = bo.refused("room.join", join(&json!("nothing"))).await;
    assert_eq!(wrong, "room.denied");
    let still = bo.refused("room.join", json!({ "identity": room })).await;
    assert_eq!(still, "room.waiting", "a wrong one costs no place");
    let joined = bo.ok("room.join", join(&made["token"])).await;
    assert_eq!(joined["self"]["role"], "cohost");
    assert_eq!(joined["lobby"], json!([]));
    assert_eq!(ada.event("lobby.left").await["reason"], "left");
    assert_eq!(
        ada.event("participant.joined").await["participant"]["id"],
        joined["self"]["id"]
    );
}

#[tokio::test]
async fn who_waits_behind_a_password_that_is_taken_away_goes_on_waiting() {
    let server = Server::start().await;
    let settings = json!({ "lobby": true, "password": "open sesame" });
    let (mut ada, room) = server.meeting(settings).await;
    let mut bo = server.guest("Bo").await;
    let join = json!({ "identity": room, "password": "open sesame" });
    assert_eq!(bo.refused("room.join", join).await, "room.waiting");
    let id = ada.event("lobby.waiting").await["participant"]["id"].take();
    let edit = |password: Value| json!({ "identity": room, "password": password });
    ada.ok("room.edit", edit(Value::Null)).await;
    admit(&mut ada, json!([id])).await;
    assert_eq!(bo.event("lobby.admitted").await["self"]["id"], id);
}

#[tokio::test]
async fn guests_from_where_a_banned_guest_was_wait() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bad = server.member("Bad", &room).await;
    let ban = json!({ "participant": bad.membership(), "ban": "meeting" });
    ada.ok("participant.remove", ban).await;
    assert_eq!(bad.closed().await, 4403);
    let mut renamed = server.guest("Good").await;
    let join = json!({ "identity": room });
    let roster = renamed.refused("room.roster", join.clone()).await;
    assert_eq!(roster, "perm.denied", "not before they knocked either");
    assert_eq!(
        renamed.refused("room.join", join.clone()).await,
        "room.waiting"
    );
    let roster = renamed.refused("room.roster", join).await;
    assert_eq!(roster, "perm.denied", "although the room is open to others");
    let mut account = server.account("bo").await;
    account.join(&room).await;
}
