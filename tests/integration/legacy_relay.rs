//! The older Meeting's relay, `/ws/p2p/{room}/{user}`: what it passes on, and to whom it does not.

mod door;
mod endings;
mod script;

use std::collections::BTreeMap;

use meeting::config::Key;
use serde_json::{Value, json};

use self::script::*;
use super::legacy::legacy_server;
use super::support::{Server, soon};

#[tokio::test]
async fn a_call_between_two_scripts_passes_as_it_is_and_from_who_they_are() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (mut bo, bo_is) = watch.script(&server, "bo").await;
    let (mut cy, cy_is) = watch.script(&server, "cy").await;
    bo.settle().await;
    cy.settle().await;
    let room = watch.room.clone();
    let candidate = json!({
        "candidate": "candidate:1 1 udp 2122260223 127.0.0.1 50000 typ host",
        "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "ab",
    });
    let said = [
        ("bo", "offer_sdp", json!({ "type": "offer", "sdp": SDP })),
        ("bo", "offer_candidate", candidate.clone()),
        ("cy", "answer_sdp", json!({ "type": "answer", "sdp": SDP })),
        ("cy", "answer_candidate", candidate.clone()),
        ("bo", "answer_candidate", json!("candidate:1")),
        ("bo", "offer_sdp", json!(SDP)),
    ];
    for (name, key, value) in said {
        let (from, to, is) = match name {
            "bo" => (&mut bo, &mut cy, &bo_is),
            _ => (&mut cy, &mut bo, &cy_is),
        };
        from.say(key, value.clone()).await;
        let expected = json!({
            "user_identity": is["user"]["id"],
            "room_identity": room,
            "key": key,
            "value": value,
        });
        assert_eq!(to.hear().await, expected);
    }
    // Nothing came back to its sender, or it would have been heard before what follows.
    bo.say("offer_sdp", json!("last of bo")).await;
    cy.say("answer_sdp", json!("last of cy")).await;
    assert_eq!(cy.hear().await["value"], "last of bo");
    assert_eq!(bo.hear().await["value"], "last of cy");
}

/// Tokens of new accounts. Making them takes long, and a client that is in a room meanwhile must answer pings.
async fn tokens(server: &Server, names: &[&str]) -> Vec<String> {
    let mut tokens = Vec::new();
    for name in names {
        tokens.push(account(server, name).await.1);
    }
    tokens
}

/// Scripts that speak for these tokens in one room and know of each other, by their users. The owner of the room has
/// left it: only scripts are there, as in the older program.
async fn scripts(server: &Server, watch: &mut Watch, tokens: &[String]) -> Vec<(Script, String)> {
    let mut scripts = Vec::new();
    for token in tokens {
        let script = Script::open(server, &watch.room, "claimed", token).await;
        let joined = watch.client.event("participant.joined").await;
        let user = joined["participant"]["user"]["id"].as_str().unwrap();
        scripts.push((script, user.to_owned()));
    }
    for (script, _) in &mut scripts {
        script.settle().await;
    }
    watch.client.ok("room.leave", json!({})).await;
    scripts
}

/// Who said what, in order.
type Said = BTreeMap<String, Vec<Value>>;

/// What each of them hears, all at once, until each has heard `count` frames.
async fn heard(scripts: &mut [(Script, String)], count: usize) -> Vec<Said> {
    let listening = scripts.iter_mut().map(async |(script, _)| {
        let mut said = Said::new();
        for _ in 0..count {
            let mut frame = script.hear().await;
            let from = frame["user_identity"].as_str().unwrap().to_owned();
            said.entry(from).or_default().push(frame["value"].take());
        }
        said
    });
    soon(futures_util::future::join_all(listening)).await
}

#[tokio::test]
async fn of_three_each_hears_both_others_and_never_itself() {
    // With the limits of speed that every server has.
    let server = Server::with(&[(Key::LegacyApi, "on")]).await;
    let strangers = tokens(&server, &["gus", "hal"]).await;
    let three = tokens(&server, &["bo", "cy", "dee"]).await;
    let mut watch = Watch::new(&server, json!({})).await;
    let elsewhere = watch.client.create(json!({ "name": "Elsewhere" })).await;
    let mut three = scripts(&server, &mut watch, &three).await;
    watch.room = elsewhere;
    watch.client.join(&watch.room).await;
    let mut strangers = scripts(&server, &mut watch, &strangers).await;
    // Each says 35 frames at once, which are 70 to the two others: more than a burst, and none is lost. Nor is what
    // follows, when one has left and the other's session has still to catch its breath.
    const SAID: usize = 35;
    let told: Vec<Value> = (0..SAID).map(|n| json!(format!("candidate:{n}"))).collect();
    for (script, _) in &mut three {
        for value in &told {
            script.say("offer_candidate", value.clone()).await;
        }
    }
    let ids: Vec<String> = three.iter().map(|(_, user)| user.clone()).collect();
    for (said, own) in heard(&mut three, 2 * SAID).await.iter().zip(&ids) {
        let others = ids.iter().filter(|id| *id != own);
        let expected: Said = others.map(|id| (id.clone(), told.clone())).collect();
        assert_eq!(
            *said, expected,
            "all of it, in order, and nothing of its own"
        );
    }
    // One leaves; the others go on, and nothing of it all was for another room.
    let (mut gone, _) = three.remove(0);
    soon(gone.socket.close(None)).await.unwrap();
    for (speaker, listener, value) in [(0, 1, "on we go"), (1, 0, "so we do")] {
        three[speaker].0.say("offer_sdp", json!(value)).await;
        let frame = three[listener].0.hear().await;
        let from = frame["user_identity"].as_str().unwrap();
        assert_eq!(
            (&frame["value"], from),
            (&json!(value), ids[speaker + 1].as_str())
        );
    }
    for (stranger, _) in &mut strangers {
        stranger.settle().await;
    }
}

#[tokio::test]
async fn a_crowd_of_scripts_hears_every_frame_once() {
    let server = legacy_server().await;
    let names = ["bo", "cy", "dee", "eve", "fay", "gus"];
    let tokens = tokens(&server, &names).await;
    let mut watch = Watch::new(&server, json!({})).await;
    let mut crowd = scripts(&server, &mut watch, &tokens).await;
    for round in ["first", "second", "third"] {
        for (script, _) in &mut crowd {
            script.say("offer_sdp", json!(round)).await;
            script.say("offer_candidate", json!("candidate:1")).await;
        }
        let expected = vec![json!(round), json!("candidate:1")];
        let others = crowd.len() - 1;
        for said in heard(&mut crowd, 2 * others).await {
            assert_eq!(said.len(), others);
            assert!(said.values().all(|said| *said == expected), "{said:?}");
        }
        // The next round has one less, who just vanished.
        drop(crowd.pop());
    }
}

#[tokio::test]
async fn a_script_and_a_client_of_our_own_call_each_other() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({ "topology": "p2p" })).await;
    let (mut bo, bo_is) = watch.script(&server, "bo").await;
    let ada = &mut watch.client;

    bo.say("offer_sdp", json!({ "type": "offer", "sdp": SDP }))
        .await;
    let offered = ada.event("signal.offer").await;
    let expected = json!({ "from": bo_is["id"], "connection": null, "sdp": SDP });
    assert_eq!(offered, expected);
    let candidate = json!({ "candidate": "candidate:1", "sdpMid": "0", "sdpMLineIndex": 0 });
    bo.say("offer_candidate", candidate.clone()).await;
    let came = ada.event("signal.candidate").await;
    assert_eq!(came["candidate"]["candidate"], "candidate:1");

    let (ada_id, to) = (ada.login["user"]["id"].clone(), bo_is["id"].clone());
    ada.ok(
        "signal.candidate",
        json!({ "to": to, "candidate": candidate }),
    )
    .await;
    ada.ok("signal.candidate", json!({ "to": to, "candidate": null }))
        .await;
    ada.ok("signal.answer", json!({ "to": to, "sdp": SDP }))
        .await;
    let early = bo.hear().await;
    assert_eq!(early["key"], "answer_candidate", "bo has offered");
    assert_eq!(early["value"]["sdpMid"], "0", "{early}");
    let answered = bo.hear().await;
    assert_eq!(answered["key"], "answer_sdp");
    assert_eq!(answered["value"], json!({ "type": "answer", "sdp": SDP }));
    assert_eq!(answered["user_identity"], ada_id);

    ada.ok("signal.offer", json!({ "to": to, "sdp": SDP }))
        .await;
    ada.ok(
        "signal.candidate",
        json!({ "to": to, "candidate": candidate }),
    )
    .await;
    let offered = bo.hear().await;
    assert_eq!(offered["key"], "offer_sdp");
    assert_eq!(offered["value"], json!({ "type": "offer", "sdp": SDP }));
    assert_eq!(bo.hear().await["key"], "offer_candidate");
}

#[tokio::test]
async fn a_frame_stays_in_its_room_whatever_it_says() {
    let server = legacy_server().await;
    let mut watch = Watch::new(&server, json!({})).await;
    let (mut bo, bo_is) = watch.script(&server, "bo").await;
    let mut cy = server.account("cy").await;
    let elsewhere = cy.create(json!({ "name": "Elsewhere" })).await;
    cy.join(&elsewhere).await;
    let ada_id = &watch.client.login["user"]["id"];
    let frame = json!({
        "user_identity": ada_id, "room_identity": elsewhere, "key": "offer_sdp", "value": SDP,
    });
    bo.send(frame.to_string()).await;
    let offered = watch.client.event("signal.offer").await;
    assert_eq!(offered["from"], bo_is["id"]);
    assert_eq!(cy.events().await, [] as [&str; 0]);
}
