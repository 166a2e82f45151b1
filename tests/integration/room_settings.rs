//! What rooms decide, and when they are planned for.

use serde_json::{Value, json};

use super::support::Server;

#[tokio::test]
async fn a_room_takes_every_decision_and_refuses_what_is_none() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let asked = json!({ "name": "Planned", "begin_at": "2099-03-02T09:00:00Z", "end_at": "2099-03-02T10:00:00Z",
        "history": "joined", "hide_number": true, "early_ms": 0, "ends_on_time": true,
        "recurrence": "FREQ=WEEKLY;BYDAY=MO", "time_zone": "Europe/Berlin", "permanent": false });
    let room = ada.ok("room.create", asked.clone()).await["room"].take();
    for field in [
        "history",
        "hide_number",
        "early_ms",
        "ends_on_time",
        "recurrence",
        "time_zone",
        "permanent",
    ] {
        assert_eq!(room[field], asked[field], "{field}");
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
