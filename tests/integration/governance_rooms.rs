//! What lasts of how meetings are governed: invite links, bans, attendance, what was taken back, what rooms decide.

use meeting::config::Key;
use serde_json::{Value, json};

use super::support::{Client, PASSWORD, Server};

/// Makes an invite and gives its answer.
async fn invite(host: &mut Client, room: &str, settings: Value) -> Value {
    let mut data = settings;
    data["identity"] = json!(room);
    host.ok("invite.create", data).await
}

fn by(room: &str, made: &Value) -> Value {
    json!({ "identity": room, "invite": made["token"] })
}

#[tokio::test]
async fn an_invite_comes_in_past_password_and_waiting_room_in_its_role() {
    let server = Server::start().await;
    let (mut ada, room) = server
        .meeting(json!({ "password": "sesame", "lobby": true }))
        .await;
    let made = invite(
        &mut ada,
        &room,
        json!({ "role": "cohost", "name": "Speakers" }),
    )
    .await;
    assert!(made["token"].as_str().unwrap().len() >= 22);
    assert_eq!(made["invite"]["uses"], 0);
    assert_ne!(made["invite"]["id"], made["token"]);
    let mut bo = server.guest("Bo").await;
    assert_eq!(
        bo.refused("room.join", json!({ "identity": room })).await,
        "room.password_required"
    );
    let joined = bo.ok("room.join", by(&room, &made)).await;
    assert_eq!(joined["self"]["role"], "cohost");
    bo.ok("room.leave", json!({})).await;
    bo.ok("room.join", by(&room, &made)).await;
    let listed = ada.ok("invite.list", json!({ "identity": room })).await;
    assert_eq!(
        listed["invites"][0]["uses"], 1,
        "who comes again counts once"
    );
    assert_eq!(listed["invites"][0]["name"], "Speakers");
    assert!(!listed.to_string().contains(made["token"].as_str().unwrap()));
}

#[tokio::test]
async fn an_invite_that_does_not_work_says_so_and_takes_nobody_in() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let once = invite(&mut ada, &room, json!({ "max_uses": 1 })).await;
    let mut bo = server.guest("Bo").await;
    bo.ok("room.join", by(&room, &once)).await;
    let mut cy = server.guest("Cy").await;
    for token in [
        &once["token"],
        &json!("AAAAAAAAAAAAAAAAAAAAAA"),
        &json!("nonsense"),
    ] {
        let error = cy
            .error("room.join", json!({ "identity": room, "invite": token }))
            .await;
        assert_eq!(error["code"], "room.denied");
        assert!(
            error["message"].as_str().unwrap().contains("invite link"),
            "{error}"
        );
    }
    let open = invite(&mut ada, &room, json!({})).await;
    let other = ada.create(json!({ "name": "Other" })).await;
    assert_eq!(
        cy.refused("room.join", by(&other, &open)).await,
        "room.denied"
    );
    let elsewhere = json!({ "identity": other, "invite": open["invite"]["id"] });
    assert_eq!(
        ada.error("invite.revoke", elsewhere).await["field"],
        "data.invite"
    );
    let revoke = json!({ "identity": room, "invite": open["invite"]["id"] });
    ada.ok("invite.revoke", revoke).await;
    assert_eq!(
        cy.refused("room.join", by(&room, &open)).await,
        "room.denied"
    );
    let listed = ada.ok("invite.list", json!({ "identity": room })).await;
    assert_eq!(
        listed["invites"],
        json!([]),
        "neither the used up nor the revoked one"
    );
    for (field, wrong) in [
        ("expires_at", json!("2001-01-01T00:00:00Z")),
        ("max_uses", json!(0)),
        ("max_uses", json!(10_001)),
    ] {
        let error = ada
            .error("invite.create", json!({ "identity": room, field: wrong }))
            .await;
        assert_eq!(error["field"], format!("data.{field}"));
    }
}

#[tokio::test]
async fn lock_and_capacity_hold_for_invites_and_who_is_refused_is_not_counted() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({ "max_participants": 1 })).await;
    let made = invite(&mut ada, &room, json!({ "max_uses": 1 })).await;
    let mut bo = server.guest("Bo").await;
    assert_eq!(bo.refused("room.join", by(&room, &made)).await, "room.full");
    ada.ok(
        "room.edit",
        json!({ "identity": room, "max_participants": 9, "locked": true }),
    )
    .await;
    assert_eq!(
        bo.refused("room.join", by(&room, &made)).await,
        "room.locked"
    );
    ada.ok("room.edit", json!({ "identity": room, "locked": false }))
        .await;
    let mut cy = server.guest("Cy").await;
    cy.ok("room.join", by(&room, &made)).await;
    assert_eq!(
        bo.refused("room.join", by(&room, &made)).await,
        "room.denied"
    );
}

#[tokio::test]
async fn of_many_who_follow_a_link_at_once_no_more_come_in_than_it_is_for() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({ "password": "sesame" })).await;
    let made = invite(&mut ada, &room, json!({ "max_uses": 3 })).await;
    let mut guests = Vec::new();
    for n in 0..8 {
        guests.push(server.guest(&format!("Guest {n}")).await);
    }
    let tries = guests
        .iter_mut()
        .map(|guest| guest.ask("room.join", by(&room, &made)));
    let answers = futures_util::future::join_all(tries).await;
    let came = answers
        .iter()
        .filter(|answer| answer["type"] == "ok")
        .count();
    assert_eq!(came, 3, "{answers:?}");
}

#[tokio::test]
async fn hosts_invite_from_inside_and_nobody_else() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let host = invite(&mut ada, &room, json!({ "role": "host" })).await;
    let cohost = invite(&mut ada, &room, json!({ "role": "cohost" })).await;
    let mut bo = server.guest("Bo").await;
    let joined = bo.ok("room.join", by(&room, &host)).await;
    assert_eq!(joined["self"]["role"], "host");
    let theirs = invite(&mut bo, &room, json!({ "role": "cohost" })).await;
    assert_eq!(theirs["invite"]["created_by"], bo.login["user"]["id"]);
    let mut cy = server.guest("Cy").await;
    cy.ok("room.join", by(&room, &cohost)).await;
    let mut member = server.member("Dee", &room).await;
    bo.ok("room.leave", json!({})).await;
    for outsider in [&mut cy, &mut member, &mut bo] {
        for (kind, data) in [
            ("invite.create", json!({ "identity": room })),
            ("invite.list", json!({ "identity": room })),
            (
                "invite.revoke",
                json!({ "identity": room, "invite": host["invite"]["id"] }),
            ),
            ("room.bans", json!({ "identity": room })),
            ("room.unban", json!({ "identity": room, "user": "u" })),
            ("room.attendance", json!({ "identity": room })),
        ] {
            assert_eq!(outsider.refused(kind, data).await, "perm.denied", "{kind}");
        }
    }
    ada.ok("room.leave", json!({})).await;
    let listed = ada.ok("invite.list", json!({ "identity": room })).await;
    assert_eq!(
        listed["invites"].as_array().unwrap().len(),
        3,
        "the owner from anywhere"
    );
}

#[tokio::test]
async fn tries_of_invites_are_limited() {
    let server = Server::with(&[]).await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let made = invite(&mut ada, &room, json!({})).await;
    // From several sockets of one address, as each is limited in its requests as well.
    let mut codes = Vec::new();
    for n in 0..7 {
        let mut guest = server.guest(&format!("Guest {n}")).await;
        for _ in 0..10 {
            let wrong = json!({ "identity": room, "invite": "AAAAAAAAAAAAAAAAAAAAAA" });
            codes.push(guest.refused("room.join", wrong).await);
        }
    }
    assert!(codes.contains(&"rate.limited".to_owned()), "{codes:?}");
    assert_eq!(codes[0], "room.denied");
    drop(made);
}

#[tokio::test]
async fn a_ban_for_good_outlasts_the_meeting_and_the_server_until_it_is_lifted() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.account("bo").await;
    let joined = bo.join(&room).await;
    let id = joined["self"]["id"].clone();
    ada.ok(
        "participant.remove",
        json!({ "participant": id, "ban": "forever" }),
    )
    .await;
    assert_eq!(bo.closed().await, 4403);
    let mut cy = server.guest("Cy").await;
    let joined = cy.join(&room).await;
    let cy_id = joined["self"]["id"].clone();
    ada.ok(
        "participant.remove",
        json!({ "participant": cy_id, "ban": true }),
    )
    .await;
    let bans = ada.ok("room.bans", json!({ "identity": room })).await;
    let lengths: Vec<_> = bans["bans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ban| &ban["until"])
        .collect();
    assert_eq!(
        lengths,
        ["meeting", "forever"],
        "those of the meeting are told too"
    );
    assert_eq!(bans["bans"][1]["user"]["username"], "bo");
    assert_eq!(bans["bans"][1]["by"], ada.login["user"]["id"]);
    ada.ok("room.leave", json!({})).await;
    ada.close().await;
    let (running, data) = server.stop();
    running.await.unwrap();

    let server = Server::in_directory(data, &[(Key::NoRateLimit, "on")]).await;
    let mut bo = log_in(&server, "bo").await;
    let joined = bo.refused("room.join", json!({ "identity": room })).await;
    assert_eq!(joined, "room.banned");
    let mut ada = log_in(&server, "ada").await;
    let bans = ada.ok("room.bans", json!({ "identity": room })).await;
    assert_eq!(bans["bans"].as_array().unwrap().len(), 1);
    let user = bans["bans"][0]["user"]["id"].clone();
    ada.join(&room).await;
    for _ in 0..2 {
        ada.ok("room.unban", json!({ "identity": room, "user": user }))
            .await;
    }
    let bans = ada.ok("room.bans", json!({ "identity": room })).await;
    assert_eq!(bans["bans"], json!([]));
    bo.join(&room).await;
}

async fn log_in(server: &Server, name: &str) -> Client {
    let mut client = server.connect().await;
    let login = json!({ "username": name, "password": PASSWORD });
    client.login = client.ok("auth.login", login).await;
    client
}

#[tokio::test]
async fn attendance_tells_who_was_in_and_counts_those_who_are_until_now() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    bo.ok("room.leave", json!({})).await;
    server.services.history.flush().await;
    let page = ada.ok("room.attendance", json!({ "identity": room })).await;
    assert_eq!(page["total"], 2);
    let [bo_stay, ada_stay] = [&page["attendance"][0], &page["attendance"][1]];
    assert_eq!(bo_stay["display_name"], "Bo");
    assert_eq!(
        (&bo_stay["role"], &bo_stay["reason"]),
        (&json!("member"), &json!("left"))
    );
    assert_eq!(bo_stay["user"], bo.login["user"]);
    assert!(bo_stay["left_at"].is_string());
    assert_eq!(ada_stay["user"], ada.login["user"]);
    assert_eq!(
        (&ada_stay["role"], &ada_stay["left_at"]),
        (&json!("host"), &Value::Null)
    );
    let earlier = ada_stay["duration_ms"].as_u64().unwrap();
    let one = json!({ "identity": room, "page": 2, "size": 1 });
    loop {
        let page = ada.ok("room.attendance", one.clone()).await;
        assert_eq!(
            (&page["total"], &page["attendance"][0]["role"]),
            (&json!(2), &json!("host"))
        );
        if page["attendance"][0]["duration_ms"].as_u64().unwrap() > earlier {
            break;
        }
    }
    for (field, wrong) in [("page", 0), ("size", 0), ("size", 1001)] {
        let wrong = json!({ "identity": room, field: wrong });
        let error = ada.error("room.attendance", wrong).await;
        assert_eq!(error["field"], format!("data.{field}"));
    }
}

#[tokio::test]
async fn a_message_is_taken_back_by_its_author_or_by_those_who_keep_order() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    let mut cy = server.member("Cy", &room).await;
    let mut said = Vec::new();
    for text in ["one", "two", "three"] {
        let sent = bo.ok("chat.send", json!({ "text": text })).await;
        said.push(sent["message"]["id"].clone());
    }
    let private = json!({ "text": "psst", "to": cy.stay() });
    let private = bo.ok("chat.send", private).await["message"]["id"].clone();
    let delete = |id: &Value| json!({ "message": id });
    assert_eq!(
        cy.refused("chat.delete", delete(&said[0])).await,
        "perm.denied"
    );
    bo.ok("chat.delete", delete(&said[0])).await;
    ada.ok("chat.delete", delete(&said[1])).await;
    assert_eq!(cy.event("chat.deleted").await["message"], said[0]);
    assert_eq!(cy.event("chat.deleted").await["message"], said[1]);
    for unreadable in [&private, &json!("nothing"), &said[0]] {
        let error = ada.error("chat.delete", delete(unreadable)).await;
        assert_eq!(error["field"], "data.message", "{unreadable}");
    }
    bo.ok("chat.delete", delete(&private)).await;
    assert_eq!(cy.event("chat.deleted").await["message"], private);
    let kinds = ada.events().await;
    let deleted = kinds.iter().filter(|kind| *kind == "chat.deleted").count();
    assert_eq!(deleted, 2, "who could not read it is not told: {kinds:?}");
    let history = cy.ok("chat.history", json!({})).await;
    let texts: Vec<_> = history["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| &m["text"])
        .collect();
    assert_eq!(texts, ["three"]);
    let mut dee = server.guest("Dee").await;
    let joined = dee.join(&room).await;
    assert_eq!(joined["chat"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn newcomers_read_what_was_written_since_they_came_first() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({ "history": "joined" })).await;
    let texts = |messages: &Value| -> Vec<String> {
        let messages = messages.as_array().unwrap().iter();
        messages
            .map(|m| m["text"].as_str().unwrap().to_owned())
            .collect()
    };
    ada.ok("chat.send", json!({ "text": "before" })).await;
    let mut bo = server.guest("Bo").await;
    let joined = bo.join(&room).await;
    assert!(texts(&joined["chat"]).is_empty());
    ada.ok("chat.send", json!({ "text": "while in" })).await;
    bo.ok("room.leave", json!({})).await;
    ada.ok("chat.send", json!({ "text": "while away" })).await;
    server.services.history.flush().await;
    let joined = bo.join(&room).await;
    assert_eq!(texts(&joined["chat"]), ["while in", "while away"]);
    let history = bo.ok("chat.history", json!({})).await;
    assert_eq!(texts(&history["messages"]), ["while in", "while away"]);
    assert_eq!(history["more"], false);
}

#[tokio::test]
async fn a_room_takes_every_decision_and_refuses_what_is_none() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let wished = json!({ "name": "Planned", "begin_at": "2099-03-02T09:00:00Z", "end_at": "2099-03-02T10:00:00Z",
        "history": "joined", "hide_number": true, "early_ms": 0, "ends_on_time": true,
        "recurrence": "FREQ=WEEKLY;BYDAY=MO", "time_zone": "Europe/Berlin", "permanent": false });
    let room = ada.ok("room.create", wished.clone()).await["room"].take();
    for field in [
        "history",
        "hide_number",
        "early_ms",
        "ends_on_time",
        "recurrence",
        "time_zone",
        "permanent",
    ] {
        assert_eq!(room[field], wished[field], "{field}");
    }
    assert_eq!(room["number"], Value::Null);
    let next =
        json!({ "begin_at": "2099-03-02T09:00:00.000Z", "end_at": "2099-03-02T10:00:00.000Z" });
    assert_eq!(room["next"], next);
    let identity = room["identity"].clone();
    let cleared = json!({ "identity": identity, "history": null, "hide_number": null, "early_ms": null,
        "ends_on_time": null, "recurrence": null, "time_zone": null, "permanent": null });
    let room = ada.ok("room.edit", cleared).await["room"].take();
    for (field, default) in [
        ("history", json!("all")),
        ("hide_number", json!(false)),
        ("early_ms", json!(600_000)),
        ("ends_on_time", json!(false)),
        ("recurrence", Value::Null),
        ("time_zone", Value::Null),
        ("permanent", json!(true)),
    ] {
        assert_eq!(room[field], default, "{field}");
    }
    assert!(room["number"].is_string());
    for (field, wrong) in [
        ("early_ms", json!(86_400_001)),
        ("recurrence", json!("FREQ=SECONDLY")),
        ("recurrence", json!("FREQ=WEEKLY;BYDAY=TU")),
        ("recurrence", json!("FREQ=DAILY\r\nATTACH:x")),
        ("time_zone", json!("Europe/Atlantis")),
        ("time_zone", json!("europe/berlin")),
        ("time_zone", json!("")),
        ("time_zone", json!(60)),
        ("history", json!("none")),
    ] {
        let mut edit = json!({ "identity": identity });
        edit[field] = wrong.clone();
        let error = ada.error("room.edit", edit).await;
        assert_eq!(error["field"], format!("data.{field}"), "{wrong}");
        let mut create = json!({ "name": "Wrong", "begin_at": "2099-03-02T09:00:00Z", "end_at": "2099-03-02T10:00:00Z" });
        create[field] = wrong.clone();
        let error = ada.error("room.create", create).await;
        assert_eq!(error["field"], format!("data.{field}"), "{wrong}");
    }
    let timeless = json!({ "name": "Timeless", "recurrence": "FREQ=DAILY" });
    assert_eq!(
        ada.error("room.create", timeless).await["field"],
        "data.recurrence"
    );
}

#[tokio::test]
async fn a_hidden_number_finds_nothing() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let room = ada.ok("room.create", json!({ "name": "Hall" })).await["room"].take();
    let number = room["number"].clone();
    let hide = json!({ "identity": room["identity"], "hide_number": true });
    assert_eq!(
        ada.ok("room.edit", hide).await["room"]["number"],
        Value::Null
    );
    for kind in ["room.get", "room.join"] {
        assert_eq!(
            ada.refused(kind, json!({ "identity": number })).await,
            "room.not_found"
        );
    }
    let joined = ada.join(room["identity"].as_str().unwrap()).await;
    assert_eq!(joined["room"]["number"], Value::Null);
    let show = json!({ "identity": room["identity"], "hide_number": false });
    assert_eq!(
        ada.ok("room.edit", show).await["room"]["number"],
        number,
        "it is the same"
    );
}

#[tokio::test]
async fn a_room_that_comes_again_is_planned_for_its_next_time() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let daily = json!({ "name": "Daily", "begin_at": "2024-01-01T09:00:00Z", "end_at": "2024-01-01T09:30:00Z",
        "recurrence": "FREQ=YEARLY" });
    let room = ada.ok("room.create", daily).await["room"].take();
    assert!(
        room["next"]["begin_at"]
            .as_str()
            .unwrap()
            .ends_with("-01-01T09:00:00.000Z")
    );
    assert!(room["next"]["begin_at"].as_str().unwrap() > "2026");
    assert_eq!(
        room["begin_at"], "2024-01-01T09:00:00.000Z",
        "the first stays what it was"
    );
    assert_ne!(room["state"], "ended");
    let over = json!({ "identity": room["identity"], "recurrence": "FREQ=YEARLY;COUNT=1" });
    let room = ada.ok("room.edit", over).await["room"].take();
    assert_eq!(
        (&room["next"], &room["state"]),
        (&Value::Null, &json!("ended"))
    );
}

#[tokio::test]
async fn a_room_that_comes_again_keeps_to_the_clocks_of_its_zone() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    // At nine in Berlin, first in winter, then half a year and thirty years later.
    let mut planned = json!({ "name": "At nine", "begin_at": "2024-01-15T08:00:00Z", "end_at": "2024-01-15T09:00:00Z",
        "recurrence": "FREQ=MONTHLY;INTERVAL=366", "time_zone": "Europe/Berlin" });
    let room = ada.ok("room.create", planned.clone()).await["room"].take();
    let summer =
        json!({ "begin_at": "2054-07-15T07:00:00.000Z", "end_at": "2054-07-15T08:00:00.000Z" });
    assert_eq!(room["next"], summer);
    let identity = room["identity"].clone();
    let edit = |zone: Value| json!({ "identity": identity, "time_zone": zone });
    let universal = ada.ok("room.edit", edit(Value::Null)).await["room"].take();
    assert_eq!(universal["next"]["begin_at"], "2054-07-15T08:00:00.000Z");
    // Tuesday evening in New York is Wednesday in UTC.
    planned["begin_at"] = json!("2098-01-08T01:00:00Z");
    planned["end_at"] = json!("2098-01-08T02:00:00Z");
    planned["recurrence"] = json!("FREQ=WEEKLY;BYDAY=TU");
    assert_eq!(
        ada.error("room.create", planned.clone()).await["field"],
        "data.recurrence"
    );
    planned["time_zone"] = json!("America/New_York");
    let room = ada.ok("room.create", planned).await["room"].take();
    let elsewhere = json!({ "identity": room["identity"], "time_zone": "Asia/Tokyo" });
    assert_eq!(
        ada.error("room.edit", elsewhere).await["field"],
        "data.recurrence"
    );
}

#[tokio::test]
async fn one_tries_the_connection_with_oneself_from_two_sessions() {
    let server = Server::start().await;
    let mut one = server.account("ada").await;
    let mut two = log_in(&server, "ada").await;
    let room = one.ok("check.begin", json!({})).await["identity"].clone();
    let room = room.as_str().unwrap();
    let first = one.join(room).await;
    assert_eq!(first["room"]["topology"], "sfu");
    let second = two.join(room).await;
    assert_eq!(
        second["participants"].as_array().unwrap().len(),
        2,
        "neither replaces the other"
    );
    assert_eq!(
        one.event("participant.joined").await["participant"]["id"],
        second["self"]["id"]
    );
    for kind in ["media.publish", "media.receive"] {
        let answer = one
            .ask(kind, json!({ "revision": 1, "sdp": "", "sources": [] }))
            .await;
        assert_ne!(
            answer["error"]["code"], "room.not_joined",
            "{kind}: {answer}"
        );
    }
    assert_eq!(
        one.refused("chat.send", json!({ "text": "kept?" })).await,
        "perm.denied"
    );
    assert_eq!(
        one.ok("chat.history", json!({})).await["messages"],
        json!([])
    );
    assert_eq!(one.refused("room.end", json!({})).await, "perm.denied");
    let mut third = log_in(&server, "ada").await;
    assert_eq!(
        third
            .refused("room.join", json!({ "identity": room }))
            .await,
        "room.full"
    );
    let mut bo = server.guest("Bo").await;
    for kind in ["room.join", "room.get", "room.roster"] {
        assert_eq!(
            bo.refused(kind, json!({ "identity": room })).await,
            "room.not_found",
            "{kind}"
        );
    }
    for client in [&mut one, &mut two] {
        client.ok("room.leave", json!({})).await;
    }
    server.services.history.flush().await;
    let joined = one.ok("room.list", json!({ "scope": "joined" })).await;
    assert_eq!(joined["total"], 0, "nothing is stored");
    one.ok("check.begin", json!({})).await;
    assert_eq!(
        two.refused("room.join", json!({ "identity": room })).await,
        "room.not_found"
    );
}
