//! Media requests that cannot work: each has its answer, and the room goes on.

use serde_json::{Value, json};

use super::support::Server;

const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

fn publish(revision: u64, sdp: &str) -> Value {
    json!({ "revision": revision, "sdp": sdp, "sources": [{ "mid": "0", "source": "microphone" }] })
}

#[tokio::test]
async fn between_peers_the_server_negotiates_nothing() {
    let server = Server::start().await;
    let (mut ada, _room) = server.meeting(json!({ "topology": "p2p" })).await;
    for (kind, data) in [
        ("media.publish", publish(1, HEAD)),
        ("media.receive", json!({})),
        ("media.answer", json!({ "revision": 1, "sdp": HEAD })),
        ("media.view", json!({ "tiles": [] })),
        (
            "media.candidate",
            json!({ "connection": "up", "candidate": null }),
        ),
        ("media.restart", json!({ "connection": "down" })),
    ] {
        assert_eq!(ada.refused(kind, data).await, "media.unsupported", "{kind}");
    }
    let camera = json!({ "source": "camera", "active": true });
    assert_eq!(
        ada.ok("media.source", camera).await["track"]["source"],
        "camera"
    );
}

#[tokio::test]
async fn descriptions_that_are_none_are_refused_and_the_room_goes_on() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let lines = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n".repeat(7_000);
    let numbered: String = (0..2_500)
        .map(|mid| format!("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:{mid}\r\na=sendonly\r\n"))
        .collect();
    let long_line = format!("{HEAD}a={}\r\n", "x".repeat(200_000));
    let unprotected =
        format!("{HEAD}m=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\n");
    for sdp in [
        "",
        "x",
        "v=0",
        "{}",
        HEAD,
        "\r\n\r\n",
        "v=0\r\nm=",
        &"\u{0}".repeat(1_000),
        &unprotected,
        &format!("{HEAD}{lines}"),
        &format!("{HEAD}{numbered}"),
        &long_line,
    ] {
        let shown: String = sdp.chars().take(40).collect();
        let code = ada.refused("media.publish", publish(1, sdp)).await;
        assert!(
            ["media.bad_sdp", "media.limit", "media.unsupported"].contains(&code.as_str()),
            "{shown}: {code}"
        );
    }
    let bo = server.member("Bo", &room).await;
    assert_eq!(bo.joined["room"]["participants"], 2);
}

#[tokio::test]
async fn a_source_that_was_not_negotiated_cannot_start() {
    let server = Server::start().await;
    let (mut ada, _room) = server.meeting(json!({})).await;
    let camera = json!({ "source": "camera", "active": true });
    assert_eq!(
        ada.refused("media.source", camera).await,
        "media.unsupported"
    );
    let stop = json!({ "source": "camera", "active": false });
    assert_eq!(ada.ok("media.source", stop).await["track"], Value::Null);
}

#[tokio::test]
async fn answers_come_after_offers_and_name_their_revision() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let offer = ada
        .ok(
            "media.receive",
            json!({ "audio_slots": 1, "video_slots": 2 }),
        )
        .await;
    assert_eq!(offer["revision"], 1);
    assert_eq!(offer["slots"].as_array().unwrap().len(), 3);
    for slot in offer["slots"].as_array().unwrap() {
        assert_eq!(
            (&slot["track"], &slot["layer"], &slot["reason"]),
            (&Value::Null, &Value::Null, &Value::Null)
        );
    }
    assert!(offer["sdp"].as_str().unwrap().starts_with("v=0\r\n"));
    let sdp = offer["sdp"].as_str().unwrap();
    let answer = sdp
        .replace("a=setup:actpass", "a=setup:active")
        .replace("a=sendonly", "a=recvonly");
    for revision in [0, 2, 9_000_000_000_u64] {
        let stale = json!({ "revision": revision, "sdp": answer });
        assert_eq!(
            ada.refused("media.answer", stale).await,
            "media.stale",
            "{revision}"
        );
    }
    // What is out of date is not read at all.
    for revision in [0, 2] {
        let stale = json!({ "revision": revision, "sdp": "garbage" });
        assert_eq!(ada.refused("media.answer", stale).await, "media.stale");
    }
    assert_eq!(
        ada.refused("media.publish", publish(0, "garbage")).await,
        "media.stale"
    );
    for revision in [1_u64 << 53, u64::MAX] {
        let error = ada
            .error("media.publish", publish(revision, "garbage"))
            .await;
        assert_eq!(error["code"], "protocol.bad_field");
        assert_eq!(error["field"], "data.revision");
    }
    let garbage = json!({ "revision": 1, "sdp": "garbage" });
    assert_eq!(ada.refused("media.answer", garbage).await, "media.bad_sdp");
    let early = json!({ "revision": 1, "sdp": answer });
    let mut bo = server.guest("Bo").await;
    bo.join(&room).await;
    assert_eq!(bo.refused("media.answer", early).await, "media.stale");
}

#[tokio::test]
async fn candidates_that_are_none_are_refused_and_those_before_the_offer_kept() {
    let server = Server::start().await;
    let (mut ada, _room) = server.meeting(json!({})).await;
    let candidate = |candidate: Value| json!({ "connection": "up", "candidate": candidate });
    for garbage in [
        "garbage",
        "candidate:",
        "candidate:1 1 udp 1 127.0.0.1 65536 typ host",
        "candidate:1 1 udp 1 224.0.0.1 50000 typ host",
    ] {
        let code = ada
            .refused("media.candidate", candidate(json!(garbage)))
            .await;
        assert_eq!(code, "media.bad_sdp", "{garbage}");
    }
    let good = "candidate:1 1 udp 2122260223 127.0.0.1 50000 typ host";
    for candidate in [
        candidate(json!(good)),
        candidate(json!("candidate:1 1 udp 1 7f3e.local 50000 typ host")),
        candidate(json!(
            "candidate:1 1 tcp 1 127.0.0.1 9 typ host tcptype active"
        )),
        candidate(json!("")),
        candidate(json!({ "candidate": good, "sdpMid": "0" })),
        candidate(Value::Null),
    ] {
        assert_eq!(ada.ok("media.candidate", candidate).await, json!({}));
    }
    assert_eq!(
        ada.error("media.candidate", candidate(json!(7))).await["field"],
        "data.candidate"
    );
}

#[tokio::test]
async fn more_slots_than_there_can_be_are_refused() {
    let server = Server::start().await;
    let (mut ada, _room) = server.meeting(json!({})).await;
    let code = ada
        .refused(
            "media.receive",
            json!({ "audio_slots": 4_000_000_000_u32, "video_slots": 4_000_000_000_u32 }),
        )
        .await;
    assert_eq!(code, "media.limit");
    let tiles: Vec<Value> = (0..2_000)
        .map(|at| json!({ "track": format!("t{at}"), "width": 1, "height": 1 }))
        .collect();
    let code = ada.ask("media.view", json!({ "tiles": tiles })).await["type"].take();
    assert!(["ok", "error"].contains(&code.as_str().unwrap()));
    ada.ok("ping", json!({})).await;
}
