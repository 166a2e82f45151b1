//! Rooms: made, found, listed, changed and deleted.

use serde_json::{Value, json};

use super::support::{Client, Server, names};

#[tokio::test]
async fn a_room_is_made_with_sound_defaults_and_found_by_identity_and_number() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let made = ada
        .ok("room.create", json!({ "name": " Weekly\u{202e} review " }))
        .await;
    let room = &made["room"];
    let expected = json!({
        "identity": room["identity"], "number": room["number"], "name": "Weekly review", "begin_at": null,
        "end_at": null, "owner": ada.login["user"], "state": "open", "locked": false, "has_password": false,
        "lobby": false, "waiting": "nobody", "guests": true, "start_muted": false, "start_camera_off": false,
        "topology": "sfu", "max_participants": 100, "participants": 0,
        "permissions": { "unmute": true, "camera": true, "screen": true, "chat": true, "private_chat": true, "files": true,
            "rename": true, "react": true },
        "history": "all", "hide_number": false, "early_ms": 600_000, "ends_on_time": false, "recurrence": null,
        "time_zone": null,
        "next": null, "permanent": true, "version": room["version"], "created_at": room["created_at"],
    });
    assert_eq!(*room, expected);
    let number = room["number"].as_str().unwrap();
    assert!(
        number.len() == 9 && number.bytes().all(|byte| byte.is_ascii_digit()),
        "{number}"
    );
    let identity = room["identity"].as_str().unwrap();
    assert!(identity.len() >= 16, "{identity} carries 96 bits or more");
    let mut bo = server.guest("Bo").await;
    let spaced = format!("{} {} {}", &number[..3], &number[3..6], &number[6..]);
    for key in [identity, number, &spaced] {
        assert_eq!(
            bo.ok("room.get", json!({ "identity": key })).await["room"],
            *room,
            "{key}"
        );
    }
}

#[tokio::test]
async fn a_room_takes_every_setting_and_its_state_follows_the_clock() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let settings = json!({ "name": "Later", "begin_at": "2099-01-01T10:00:00+01:00", "end_at": "2099-01-01T10:00:00Z",
        "password": "sesame", "lobby": true, "locked": true, "max_participants": 7, "topology": "p2p",
        "permissions": { "chat": false } });
    let room = ada.ok("room.create", settings).await["room"].take();
    assert_eq!(room["begin_at"], "2099-01-01T09:00:00.000Z");
    assert_eq!(room["state"], "scheduled");
    for (field, value) in [
        ("has_password", json!(true)),
        ("lobby", json!(true)),
        ("locked", json!(true)),
        ("max_participants", json!(7)),
        ("topology", json!("p2p")),
    ] {
        assert_eq!(room[field], value, "{field}");
    }
    assert_eq!(room["permissions"]["chat"], false);
    assert_eq!(room["permissions"]["react"], true);
    assert!(!room.to_string().contains("sesame"));
    let past = json!({ "name": "Past", "begin_at": "2001-01-01T09:00:00Z", "end_at": "2001-01-01T10:00:00Z" });
    assert_eq!(ada.ok("room.create", past).await["room"]["state"], "ended");
    for end in ["2099-01-01T09:00:00Z", "2099-01-01T08:00:00Z"] {
        let backwards =
            json!({ "name": "Back", "begin_at": "2099-01-01T09:00:00Z", "end_at": end });
        let error = ada.error("room.create", backwards).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("protocol.bad_field"), &json!("data.end_at"))
        );
    }
}

#[tokio::test]
async fn guests_make_no_rooms() {
    let server = Server::start().await;
    let mut bo = server.guest("Bo").await;
    assert_eq!(
        bo.refused("room.create", json!({ "name": "Mine" })).await,
        "perm.denied"
    );
    assert_eq!(
        bo.ok("room.list", json!({})).await,
        json!({ "rooms": [], "total": 0 })
    );
}

#[tokio::test]
async fn an_edit_changes_what_it_names_and_clears_what_is_null() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let settings = json!({ "name": "Before", "begin_at": "2099-01-01T09:00:00Z", "end_at": "2099-01-01T10:00:00Z",
        "password": "sesame", "max_participants": 7 });
    let room = ada.ok("room.create", settings).await["room"].take();
    let identity = &room["identity"];
    let edited = ada
        .ok(
            "room.edit",
            json!({ "identity": identity, "name": "After" }),
        )
        .await["room"]
        .take();
    let mut expected = room.clone();
    expected["name"] = json!("After");
    expected["version"] = json!(room["version"].as_u64().unwrap() + 1);
    assert_eq!(edited, expected, "what is absent stays");
    assert_eq!(
        ada.error("room.edit", json!({ "identity": identity, "name": null }))
            .await["field"],
        "data.name"
    );
    let clear = json!({ "identity": identity, "begin_at": null, "end_at": null, "password": null,
        "max_participants": null, "locked": null, "permissions": null });
    let cleared = ada.ok("room.edit", clear).await["room"].take();
    assert_eq!(cleared["begin_at"], Value::Null);
    assert_eq!(cleared["end_at"], Value::Null);
    assert_eq!(cleared["has_password"], false);
    assert_eq!(
        cleared["max_participants"], 100,
        "what has a default goes back to it"
    );
    for muted in ["chat", "screen"] {
        let change = json!({ "identity": identity, "permissions": { muted: false } });
        ada.ok("room.edit", change).await;
    }
    let room = ada.ok("room.get", json!({ "identity": identity })).await["room"].take();
    let permissions = &room["permissions"];
    assert_eq!(
        (
            &permissions["chat"],
            &permissions["screen"],
            &permissions["react"]
        ),
        (&json!(false), &json!(false), &json!(true)),
        "a permission that is not named stays"
    );
    let backwards = json!({ "identity": identity, "begin_at": "2099-01-02T00:00:00Z", "end_at": "2099-01-01T00:00:00Z" });
    assert_eq!(
        ada.error("room.edit", backwards).await["field"],
        "data.end_at"
    );
    let begin = json!({ "identity": identity, "begin_at": "2099-01-02T00:00:00Z" });
    ada.ok("room.edit", begin).await;
    let before_begin = json!({ "identity": identity, "end_at": "2099-01-01T00:00:00Z" });
    assert_eq!(
        ada.error("room.edit", before_begin).await["field"],
        "data.end_at",
        "also against what stays"
    );
}

#[tokio::test]
async fn an_edit_of_an_older_version_is_a_conflict() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let room = ada.ok("room.create", json!({ "name": "One" })).await["room"].take();
    let edit = |name: &str| json!({ "identity": room["identity"], "version": room["version"], "name": name });
    let edited = ada.ok("room.edit", edit("Two")).await;
    assert_eq!(
        ada.refused("room.edit", edit("Three")).await,
        "room.conflict"
    );
    let now = ada
        .ok("room.get", json!({ "identity": room["identity"] }))
        .await;
    assert_eq!(now, edited);
}

#[tokio::test]
async fn only_the_owner_edits_and_deletes() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let room = ada.create(json!({ "name": "Hers" })).await;
    for mut other in [server.account("mallory").await, server.guest("Bo").await] {
        let edit = json!({ "identity": room, "name": "Mine", "password": "mine" });
        assert_eq!(other.refused("room.edit", edit).await, "perm.denied");
        assert_eq!(
            other
                .refused("room.delete", json!({ "identity": room }))
                .await,
            "perm.denied"
        );
        assert_eq!(other.ok("room.list", json!({})).await["total"], 0);
    }
    assert_eq!(
        ada.ok("room.get", json!({ "identity": room })).await["room"]["name"],
        "Hers"
    );
    assert_eq!(
        ada.ok("room.delete", json!({ "identity": room })).await,
        json!({})
    );
    is_not_found(&mut ada, &room).await;
}

async fn is_not_found(client: &mut Client, key: &str) {
    for kind in [
        "room.get",
        "room.roster",
        "room.join",
        "room.edit",
        "room.delete",
    ] {
        let code = client.refused(kind, json!({ "identity": key })).await;
        assert_eq!(code, "room.not_found", "{kind} {key}");
    }
}

#[tokio::test]
async fn rooms_that_are_not_there_are_not_found_whatever_is_asked() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let deleted = ada.ok("room.create", json!({ "name": "Gone" })).await["room"].take();
    ada.ok("room.delete", json!({ "identity": deleted["identity"] }))
        .await;
    let gone = [
        deleted["identity"].as_str().unwrap(),
        deleted["number"].as_str().unwrap(),
    ];
    for key in [
        "",
        "x",
        "123456789",
        "k3v9Qx0aBcDeFgHiJkLmNo",
        "' OR 1=1 --",
        "%",
        "../..",
        gone[0],
        gone[1],
    ] {
        is_not_found(&mut ada, key).await;
    }
    is_not_found(&mut ada, &"x".repeat(10_000)).await;
}

#[tokio::test]
async fn guessing_at_numbers_is_limited() {
    let server = Server::with(&[]).await;
    let mut bo = server.guest("Bo").await;
    let mut last = Value::Null;
    for number in 100_000_000..100_000_030 {
        last = bo
            .error("room.get", json!({ "identity": number.to_string() }))
            .await;
    }
    assert_eq!(last["code"], "rate.limited");
    assert_eq!(
        bo.refused("room.get", json!({ "identity": "by-identity" }))
            .await,
        "room.not_found"
    );
}

#[tokio::test]
async fn a_list_has_pages_scopes_and_keywords_that_mean_themselves() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    for name in ["100% sure", "100 sure", "a_b", "axb", "Review"] {
        ada.create(json!({ "name": name })).await;
    }
    let mut found = Vec::new();
    for page in 1..=3 {
        let listed = ada
            .ok("room.list", json!({ "page": page, "size": 2 }))
            .await;
        assert_eq!(listed["total"], 5);
        let rooms = listed["rooms"].as_array().unwrap().iter();
        found.push(
            rooms
                .map(|room| room["name"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(
        found.concat(),
        ["Review", "axb", "a_b", "100 sure", "100% sure"],
        "the newest first"
    );
    for (keyword, total) in [
        ("%", 1),
        ("_", 1),
        ("review", 1),
        ("sure", 2),
        ("'", 0),
        ("\\", 0),
        ("", 5),
    ] {
        let listed = ada.ok("room.list", json!({ "keyword": keyword })).await;
        assert_eq!(listed["total"], total, "{keyword:?}");
    }
    let beyond = ada
        .ok(
            "room.list",
            json!({ "page": 4_000_000_000_u32, "size": 100 }),
        )
        .await;
    assert_eq!(beyond, json!({ "rooms": [], "total": 5 }));
    assert_eq!(
        ada.ok("room.list", json!({ "scope": "public" })).await["total"],
        0
    );
    let room = ada.create(json!({ "name": "Visited" })).await;
    let mut bo = server.member("Bo", &room).await;
    bo.ok("room.leave", json!({})).await;
    server.services.history().flush().await;
    let joined = bo.ok("room.list", json!({ "scope": "joined" })).await;
    assert_eq!(joined["rooms"][0]["name"], "Visited");
    assert_eq!(joined["total"], 1);
}

#[tokio::test]
async fn the_roster_shows_who_is_in_and_is_kept_from_those_who_may_not_walk_in() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let _bo = server.member("Bo", &room).await;
    let mut outside = server.guest("Out").await;
    let seen = outside.ok("room.roster", json!({ "identity": room })).await;
    assert_eq!(names(&seen["participants"]), ["ada", "Bo"]);
    assert_eq!(seen["participants"][0]["role"], "host");
    assert_eq!(seen["participants"][1]["role"], "member");
    let get = outside.ok("room.get", json!({ "identity": room })).await["room"].take();
    assert_eq!(
        (&get["participants"], &get["state"]),
        (&json!(2), &json!("live"))
    );
    ada.ok("room.edit", json!({ "identity": room, "locked": true }))
        .await;
    assert_eq!(
        outside
            .refused("room.roster", json!({ "identity": room }))
            .await,
        "perm.denied"
    );
    let seen = ada.ok("room.roster", json!({ "identity": room })).await;
    assert_eq!(names(&seen["participants"]), ["ada", "Bo"]);
}
