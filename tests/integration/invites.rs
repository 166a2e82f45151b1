//! Invite links.

use serde_json::{Value, json};

use super::support::{Client, Server};

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
    let attempts = guests
        .iter_mut()
        .map(|guest| guest.ask("room.join", by(&room, &made)));
    let answers = futures_util::future::join_all(attempts).await;
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
async fn attempts_of_invites_are_limited() {
    let server = Server::with(&[]).await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let made = invite(&mut ada, &room, json!({})).await;
    // From several sockets of one address, as each is limited in its requests as well.
    let mut codes = Vec::new();
    for n in 0..7 {
        let mut guest = server.guest(&format!("Guest {n}")).await;
        for _ in 0..55 {
            let wrong = json!({ "identity": room, "invite": "AAAAAAAAAAAAAAAAAAAAAA" });
            codes.push(guest.refused("room.join", wrong).await);
        }
    }
    assert!(codes.contains(&"rate.limited".to_owned()), "{codes:?}");
    assert_eq!(codes[0], "room.denied");
    drop(made);
}
