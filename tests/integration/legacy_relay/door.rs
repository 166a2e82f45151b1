//! Who comes in at the relay's door.

use meeting::protocol::time::Timestamp;
use serde_json::json;
use tokio_tungstenite::tungstenite;

use super::script::*;
use crate::legacy::{legacy_server, login};
use crate::support::PASSWORD;

#[tokio::test]
async fn nobody_comes_in_without_a_token_of_ours() {
    let server = legacy_server().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let expected = (401, 4401);
    for headers in [
        &[][..],
        &[("authorization", "nonsense")],
        &[("sec-websocket-protocol", "meeting.legacy")],
        &[("sec-websocket-protocol", "meeting.legacy, a.b.c")],
    ] {
        let (script, _) = handshake(&server, &room, "ada", headers).await.unwrap();
        let (code, _, close) = script.turned_away().await;
        assert_eq!((code, close), expected, "{headers:?}");
    }
    assert_eq!(
        ada.events().await,
        [] as [&str; 0],
        "nobody was told of them"
    );
}

#[tokio::test]
async fn a_page_offers_its_token_beside_the_sub_protocol_and_never_gets_it_back() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (_, token) = account(&server, "bo").await;
    let offered = format!("meeting.legacy, {token}");
    let headers = [("sec-websocket-protocol", offered.as_str())];
    let (_bo, response) = handshake(&server, &watch.room, "bo", &headers)
        .await
        .unwrap();
    assert_eq!(
        response.headers()["sec-websocket-protocol"],
        "meeting.legacy"
    );
    watch.client.event("participant.joined").await;
    let headers = [
        ("authorization", token.as_str()),
        ("sec-websocket-protocol", "chat"),
    ];
    let refused = handshake(&server, &watch.room, "bo", &headers).await.err();
    assert!(matches!(refused, Some(tungstenite::Error::Http(answer)) if answer.status() == 400));
}

#[tokio::test]
async fn pages_of_other_origins_do_not_connect() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (_, token) = account(&server, "bo").await;
    let own = format!("http://{}", server.address);
    for (origin, status) in [("https://elsewhere.example", Some(403)), (&own, None)] {
        let headers = [("authorization", token.as_str()), ("origin", origin)];
        let refused = match handshake(&server, &watch.room, "bo", &headers).await {
            Err(tungstenite::Error::Http(answer)) => Some(answer.status().as_u16()),
            other => other.map(|_| None).unwrap(),
        };
        assert_eq!(refused, status, "{origin}");
    }
    watch.client.event("participant.joined").await;
}

#[tokio::test]
async fn a_room_takes_a_script_in_by_its_own_rules() {
    let server = legacy_server().await;
    let mut ada = server.account("ada").await;
    let (_, bo) = account(&server, "bo").await;
    let past = Timestamp::now().plus_millis(-60_000);
    let long_past = past.plus_millis(-60_000);
    let table = [
        (json!({ "password": "sesame" }), "asks for a password", 4403),
        (json!({ "locked": true }), "is locked", 4403),
        (json!({ "max_participants": 1 }), "is full", 4403),
        (
            json!({ "begin_at": long_past, "end_at": past }),
            "has ended",
            4404,
        ),
    ];
    for (mut settings, sentence, close) in table {
        settings["name"] = json!("Room");
        let room = ada.create(settings).await;
        if sentence == "is full" {
            ada.join(&room).await;
        }
        let script = Script::open(&server, &room, "ada", &bo).await;
        let (code, told, closed) = script.turned_away().await;
        assert!(told.contains(sentence), "{told}");
        assert_eq!((code, closed), (-1, close), "{sentence}");
    }
    let script = Script::open(&server, "no-such-room", "bo", &bo).await;
    let (code, told, closed) = script.turned_away().await;
    assert_eq!(
        (code, told.as_str(), closed),
        (-1, "There is no such room.", 4404)
    );
    // The owner needs none of it.
    let room = json!({ "name": "Room", "password": "sesame", "locked": true });
    let room = ada.create(room).await;
    let _script = Script::open(&server, &room, "x", &ada.token()).await;
    let mut other = server.account("dee").await;
    while other.ok("room.get", json!({ "identity": room })).await["room"]["participants"] != 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_script_waits_at_the_door_until_somebody_lets_it_in() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({ "lobby": true })).await;
    let mut scripts = Vec::new();
    for name in ["bo", "cy"] {
        let (_, token) = account(&server, name).await;
        let mut script = Script::open(&server, &watch.room, "ada", &token).await;
        let told = script.hear().await;
        assert!(
            told["msg"].as_str().unwrap().contains("will let you in"),
            "{told}"
        );
        let waiting = watch.client.event("lobby.waiting").await;
        assert_eq!(waiting["participant"]["display_name"], name);
        scripts.push((script, waiting["participant"]["id"].clone()));
    }
    let [(mut bo, bo_id), (cy, cy_id)] = <[_; 2]>::try_from(scripts).ok().unwrap();
    // What it sends meanwhile goes nowhere.
    bo.say("offer_sdp", json!("too early")).await;
    let told = bo.hear().await;
    assert!(
        told["msg"].as_str().unwrap().contains("will let you in"),
        "{told}"
    );

    let ada = &mut watch.client;
    ada.ok("lobby.admit", json!({ "participants": [bo_id] }))
        .await;
    let joined = ada.event("participant.joined").await;
    assert_eq!(joined["participant"]["id"], bo_id);
    ada.ok("signal.offer", json!({ "to": bo_id, "sdp": "v=0" }))
        .await;
    assert_eq!(bo.hear().await["value"]["sdp"], "v=0");
    bo.say("answer_sdp", json!("v=0 mine")).await;
    assert_eq!(ada.event("signal.answer").await["sdp"], "v=0 mine");

    ada.ok("lobby.deny", json!({ "participants": [cy_id] }))
        .await;
    let (code, told, closed) = cy.turned_away().await;
    assert_eq!((code, closed), (-1, 4403), "{told}");
    let (_, dee) = account(&server, "dee").await;
    let mut dee = Script::open(&server, &watch.room, "x", &dee).await;
    dee.hear().await;
    let waiting = watch.client.event("lobby.waiting").await["participant"]["id"].take();
    drop(dee);
    for (who, reason) in [(bo_id, "admitted"), (cy_id, "denied"), (waiting, "left")] {
        let left = watch.client.event("lobby.left").await;
        assert_eq!(left, json!({ "participant": who, "reason": reason }));
    }
    let (_, eve) = account(&server, "eve").await;
    let mut eve = Script::open(&server, &watch.room, "x", &eve).await;
    eve.hear().await;
    watch.client.ok("room.end", json!({})).await;
    let (_, told, closed) = eve.turned_away().await;
    assert_eq!((told.as_str(), closed), ("This meeting has ended.", 4404));
}

#[tokio::test]
async fn a_second_log_in_replaces_the_first() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (mut first, is) = watch.script(&server, "bo").await;
    let token = login(&server, "bo", PASSWORD).await;
    let mut second = Script::open(&server, &watch.room, "another-name", &token).await;
    assert_eq!(first.closed().await, 4409);
    let left = watch.client.event("participant.left").await;
    assert_eq!(
        left,
        json!({ "participant": is["id"], "reason": "replaced" })
    );
    let joined = watch.client.event("participant.joined").await;
    second.say("offer_sdp", json!(SDP)).await;
    let offered = watch.client.event("signal.offer").await;
    assert_eq!(offered["from"], joined["participant"]["id"]);
}
