//! How people come in, over real sockets: who waits, who may come at all, what those who wait know, and with what one
//! comes in.

use meeting::config::Key;
use serde_json::{Value, json};

use super::support::{Client, Server};

/// What somebody is told who joins: `in`, or the code of the refusal.
async fn tried(client: &mut Client, join: Value) -> String {
    let answer = client.ask("room.join", join).await;
    match answer["type"].as_str() {
        Some("ok") => "in".to_owned(),
        _ => answer["error"]["code"].as_str().unwrap().to_owned(),
    }
}

async fn edit(ada: &mut Client, room: &str, mut change: Value) -> Value {
    change["identity"] = json!(room);
    ada.ok("room.edit", change).await["room"].take()
}

#[tokio::test]
async fn every_level_of_the_door_holds_for_accounts_and_guests() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let levels = [
        (json!({}), ["in", "in"], json!(["nobody", true, false])),
        (
            json!({ "waiting": "guests" }),
            ["in", "room.waiting"],
            json!(["guests", true, true]),
        ),
        (
            json!({ "waiting": "everyone" }),
            ["room.waiting", "room.waiting"],
            json!(["everyone", true, true]),
        ),
        (
            json!({ "lobby": true }),
            ["room.waiting", "room.waiting"],
            json!(["everyone", true, true]),
        ),
        // A client that knows both fields uses the newer one.
        (
            json!({ "lobby": true, "waiting": "guests" }),
            ["in", "room.waiting"],
            json!(["guests", true, true]),
        ),
        (
            json!({ "guests": false }),
            ["in", "room.accounts_only"],
            json!(["nobody", false, false]),
        ),
        (
            json!({ "guests": false, "waiting": "everyone" }),
            ["room.waiting", "room.accounts_only"],
            json!(["everyone", false, true]),
        ),
    ];
    for (number, (settings, answers, shown)) in levels.into_iter().enumerate() {
        let mut made = settings.clone();
        made["name"] = json!("Hall");
        let room = ada.create(made).await;
        let got = ada.ok("room.get", json!({ "identity": room })).await["room"].take();
        let told = json!([got["waiting"], got["guests"], got["lobby"]]);
        assert_eq!(told, shown, "{settings}");
        // The same holds for a room that was made otherwise and edited.
        let edited = ada.create(json!({ "name": "Edited" })).await;
        edit(&mut ada, &edited, settings.clone()).await;
        for room in [&room, &edited] {
            let mut account = server.account(&format!("cy-{number}-{}", &room[..4])).await;
            let mut guest = server.guest("Gus").await;
            let join = || json!({ "identity": room });
            let one = tried(&mut account, join()).await;
            let other = tried(&mut guest, join()).await;
            assert_eq!([one, other], answers, "{settings}");
        }
    }
}

#[tokio::test]
async fn a_client_that_knows_the_waiting_room_alone_switches_it_as_before() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({ "waiting": "guests" })).await;
    for (change, waiting, lobby) in [
        (json!({ "lobby": true }), "everyone", true),
        (json!({ "lobby": false }), "nobody", false),
        (json!({ "waiting": "guests" }), "guests", true),
        (json!({ "name": "Other" }), "guests", true),
        (json!({ "lobby": null }), "nobody", false),
        (
            json!({ "waiting": "everyone", "lobby": false }),
            "everyone",
            true,
        ),
        (json!({ "waiting": null }), "nobody", false),
    ] {
        let edited = edit(&mut ada, &room, change.clone()).await;
        assert_eq!(edited["waiting"], waiting, "{change}");
        assert_eq!(edited["lobby"], lobby, "{change}");
    }
    for wrong in [json!("all"), json!(true), json!(1)] {
        let change = json!({ "identity": room, "waiting": wrong });
        assert_eq!(
            ada.error("room.edit", change).await["field"],
            "data.waiting"
        );
    }
}

#[tokio::test]
async fn a_change_of_the_door_reaches_those_who_wait_and_keeps_those_who_are_in() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({ "waiting": "everyone" })).await;
    let (mut cy, mut gus) = (server.account("cy").await, server.guest("Gus").await);
    let join = || json!({ "identity": room });
    for one in [&mut cy, &mut gus] {
        assert_eq!(tried(one, join()).await, "room.waiting");
    }
    edit(&mut ada, &room, json!({ "waiting": "guests" })).await;
    cy.event("lobby.admitted").await;
    edit(&mut ada, &room, json!({ "guests": false })).await;
    let denied = gus.event("lobby.denied").await;
    assert_eq!(denied["reason"], "accounts_only");
    assert_eq!(tried(&mut gus, join()).await, "room.accounts_only");
    let open = json!({ "guests": true, "waiting": "nobody" });
    edit(&mut ada, &room, open).await;
    assert_eq!(tried(&mut gus, join()).await, "in");
    let shut = json!({ "guests": false, "waiting": "everyone" });
    edit(&mut ada, &room, shut).await;
    gus.ok("participant.update", json!({ "hand": true })).await;
    let in_it = ada.ok("room.roster", join()).await["participants"].take();
    assert_eq!(in_it.as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn who_is_in_stays_hidden_from_those_who_cannot_walk_in() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({ "waiting": "guests" })).await;
    let (mut cy, mut gus) = (server.account("cy").await, server.guest("Gus").await);
    let roster = || json!({ "identity": room });
    cy.ok("room.roster", roster()).await;
    assert_eq!(gus.refused("room.roster", roster()).await, "perm.denied");
    edit(
        &mut ada,
        &room,
        json!({ "waiting": "nobody", "guests": false }),
    )
    .await;
    cy.ok("room.roster", roster()).await;
    assert_eq!(gus.refused("room.roster", roster()).await, "perm.denied");
    edit(&mut ada, &room, json!({ "guests": true })).await;
    gus.ok("room.roster", roster()).await;
}

#[tokio::test]
async fn who_waits_hears_whether_a_host_is_there_and_nothing_else() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let room = ada
        .create(json!({ "name": "Class", "waiting": "guests" }))
        .await;
    let mut gus = server.guest("Gus").await;
    let join = json!({ "identity": room });
    assert_eq!(tried(&mut gus, join.clone()).await, "room.waiting");
    let hosted = |hosted: bool| json!({ "hosted": hosted, "reconnecting": false });
    assert_eq!(gus.event("lobby.updated").await, hosted(false));
    // A guest who was let in governs nothing.
    let invite = ada.ok("invite.create", join.clone()).await["token"].take();
    let mut gwen = server.guest("Gwen").await;
    let by_link = json!({ "identity": room, "invite": invite });
    assert_eq!(tried(&mut gwen, by_link).await, "in");
    gwen.ok("participant.update", json!({ "hand": true })).await;
    ada.join(&room).await;
    assert_eq!(ada.joined["lobby"][0]["display_name"], "Gus");
    assert_eq!(gus.event("lobby.updated").await, hosted(true));
    ada.ok("room.leave", json!({})).await;
    assert_eq!(gus.event("lobby.updated").await, hosted(false));
    // It was all: the next thing that comes is the answer to this.
    let answer = gus.ask("ping", json!({})).await;
    assert_eq!(answer["type"], "ok");
    assert!(gus.heard_nothing(), "who waits hears of the door alone");
}

#[tokio::test]
async fn an_account_gets_past_the_door_by_signing_in_on_the_same_socket() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    server.account("cy").await;
    let room = ada
        .create(json!({ "name": "Class", "guests": false }))
        .await;
    let mut client = server.guest("Cy").await;
    let join = json!({ "identity": room });
    assert_eq!(tried(&mut client, join.clone()).await, "room.accounts_only");
    let login = json!({ "username": "cy", "password": super::support::PASSWORD });
    client.ok("auth.login", login).await;
    assert_eq!(tried(&mut client, join).await, "in");
}

#[tokio::test]
async fn a_server_without_guests_has_none_whatever_a_room_says() {
    let settings = [(Key::NoRateLimit, "on"), (Key::Guests, "off")];
    let server = Server::with(&settings).await;
    let mut ada = server.account("ada").await;
    ada.create(json!({ "name": "Open", "guests": true })).await;
    let mut gus = server.connect().await;
    let name = json!({ "display_name": "Gus" });
    assert_eq!(gus.refused("auth.guest", name).await, "auth.guest_disabled");
}

#[tokio::test]
async fn a_restart_keeps_the_door_as_it_was() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let asked = json!({ "name": "Class", "waiting": "guests", "guests": false, "start_muted": true,
        "start_camera_off": true, "permissions": { "camera": false } });
    let room = ada.create(asked.clone()).await;
    let (running, data) = server.stop();
    drop(ada);
    running.await.unwrap();
    let server = Server::in_directory(data, &[(Key::NoRateLimit, "on")]).await;
    let mut gus = server.guest("Gus").await;
    let got = gus.ok("room.get", json!({ "identity": room })).await["room"].take();
    for field in ["waiting", "guests", "start_muted", "start_camera_off"] {
        assert_eq!(got[field], asked[field], "{field}");
    }
    assert_eq!(got["permissions"]["camera"], false);
    assert_eq!(got["permissions"]["unmute"], true);
}

#[tokio::test]
async fn a_cohost_sets_the_door_and_a_member_does_not() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut cora = server.account("cora").await;
    cora.join(&room).await;
    let changes = [
        json!({ "identity": room, "waiting": "guests" }),
        json!({ "identity": room, "guests": false }),
        json!({ "identity": room, "start_muted": true }),
        json!({ "identity": room, "start_camera_off": true }),
        json!({ "identity": room, "permissions": { "camera": false } }),
    ];
    for change in &changes {
        assert_eq!(
            cora.refused("room.edit", change.clone()).await,
            "perm.denied"
        );
    }
    let role = json!({ "participant": cora.membership(), "role": "cohost" });
    ada.ok("participant.set_role", role).await;
    for change in changes {
        cora.ok("room.edit", change).await;
    }
}

#[tokio::test]
async fn a_member_begins_muted_and_a_host_does_not() {
    let server = Server::start().await;
    let quiet = json!({ "topology": "p2p", "start_muted": true, "start_camera_off": true });
    let (mut ada, room) = server.meeting(quiet).await;
    let mut gus = server.member("Gus", &room).await;
    let begin = |source: &str| json!({ "source": source, "active": true });
    for source in ["microphone", "camera"] {
        let mine = ada.ok("media.source", begin(source)).await;
        assert_eq!(mine["track"]["muted"], false, "{source}");
        let theirs = gus.ok("media.source", begin(source)).await;
        assert_eq!(theirs["track"]["muted"], true, "{source}");
        // Pressed once, it is theirs.
        let pressed = gus.ok("media.source", begin(source)).await;
        assert_eq!(pressed["track"]["muted"], false, "{source}");
    }
}
