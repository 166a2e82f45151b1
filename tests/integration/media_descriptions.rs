//! Descriptions made to hurt: each is answered soon, and everybody goes on.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::media::offer;
use super::support::{Client, Server};

/// The largest takes some milliseconds; this only tells work that grows with the square of the lines from work that
/// does not.
const SOON: Duration = Duration::from_secs(20);
const LINES: usize = 10_000;

fn publish(sdp: &str) -> Value {
    let sources = json!([{ "mid": "0", "source": "microphone" }]);
    json!({ "revision": 1, "sdp": sdp, "sources": sources })
}

/// Ways to spoil a good description, by what they are.
fn hostile(good: &str) -> Vec<(&'static str, String)> {
    let line = |start: &str| {
        let line = good.lines().find(|line| line.starts_with(start));
        format!("{}\r\n", line.expect("the line is there"))
    };
    let without = |start: &str| {
        let kept = good.lines().filter(|line| !line.starts_with(start));
        kept.map(|line| format!("{line}\r\n")).collect::<String>()
    };
    let many = |line: &str| format!("{good}{}", line.repeat(LINES));
    let head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
    vec![
        ("m-lines", many("m=audio 9 RTP/AVP 0\r\n")),
        (
            "m-lines alone",
            format!("{head}{}", "m=audio 9 RTP/AVP 0\r\n".repeat(LINES)),
        ),
        ("empty m-lines", many("m=\r\n")),
        ("data channels", many("m=x 9 y\r\na=mid:1\r\n")),
        ("the same candidate", many("a=candidate:1\r\n")),
        ("lines", many("a=x\r\n")),
        ("groups", many("a=group:BUNDLE\r\n")),
        (
            "a line of 200 kB",
            format!("{good}a=x:{}\r\n", "x".repeat(200_000)),
        ),
        ("one line", format!("v=0{}", "x".repeat(200_000))),
        ("a line that never ends", format!("{good}a=fmtp:")),
        ("no ufrag", without("a=ice-ufrag:")),
        ("no pwd", without("a=ice-pwd:")),
        ("no fingerprint", without("a=fingerprint:")),
        ("no mid", without("a=mid:")),
        ("no m-line", without("m=")),
        (
            "one mid for two",
            good.replace("a=mid:1\r\n", "a=mid:0\r\n"),
        ),
        (
            "two mids",
            good.replace("a=mid:0\r\n", "a=mid:0\r\na=mid:0\r\n"),
        ),
        (
            "a rid without a name",
            good.replace("a=mid:0\r\n", "a=mid:0\r\na=rid:\r\n"),
        ),
        (
            "a rid that is none",
            good.replace("a=mid:0\r\n", "a=mid:0\r\na=rid:a/b send\r\n"),
        ),
        (
            "nine rids",
            good.replace(
                "a=mid:0\r\n",
                &format!("a=mid:0\r\n{}", "a=rid:q send\r\n".repeat(9)),
            ),
        ),
        (
            "no port",
            good.replace(&line("m=audio"), "m=audio UDP/TLS/RTP/SAVPF 111\r\n"),
        ),
    ]
}

/// Each is refused as a bad description, soon, and the socket takes the next.
async fn all_refused(client: &mut Client, kind: &str, good: &str, data: impl Fn(&str) -> Value) {
    for (what, sdp) in hostile(good) {
        let asked = Instant::now();
        let code = client.refused(kind, data(&sdp)).await;
        assert_eq!(code, "media.bad_sdp", "{kind}: {what}");
        assert!(
            asked.elapsed() < SOON,
            "{kind}: {what}: {:?}",
            asked.elapsed()
        );
    }
    client.ok("ping", json!({})).await;
}

#[tokio::test]
async fn an_offer_made_to_hurt_is_refused_soon_and_a_good_one_taken_after_it() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let good = offer();
    all_refused(&mut ada, "media.publish", &good, publish).await;
    let bo = server.member("Bo", &room).await;
    assert_eq!(bo.joined["room"]["participants"], 2);
    // More candidates than anybody can have are passed over.
    let candidates: String = (1..4_000)
        .map(|port| format!("a=candidate:1 1 udp 1 192.0.2.1 {port} typ host\r\n"))
        .collect();
    let many = publish(&format!("{good}{candidates}"));
    assert_eq!(ada.ok("media.publish", many).await["revision"], 1);
}

#[tokio::test]
async fn an_answer_made_to_hurt_is_refused_soon_and_a_good_one_taken_after_it() {
    let server = Server::start().await;
    let (mut ada, _room) = server.meeting(json!({})).await;
    let slots = json!({ "audio_slots": 1, "video_slots": 1 });
    let down = ada.ok("media.receive", slots).await;
    let good = down["sdp"].as_str().unwrap();
    let good = good
        .replace("a=setup:actpass", "a=setup:active")
        .replace("a=ice-lite\r\n", "")
        .replace("a=sendonly", "a=recvonly");
    let answer = |sdp: &str| json!({ "revision": 1, "sdp": sdp });
    all_refused(&mut ada, "media.answer", &good, answer).await;
    let more = format!("{good}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:9\r\n");
    assert_eq!(
        ada.refused("media.answer", answer(&more)).await,
        "media.bad_sdp",
        "an m-line that was not offered"
    );
    assert_eq!(ada.ok("media.answer", answer(&good)).await, json!({}));
}

/// What people send each other is theirs: it is passed on as it is, in bounded time and memory, or refused for its size.
#[tokio::test]
async fn between_peers_a_description_is_passed_on_unless_it_is_too_large() {
    const MOST: usize = 32 * 1024;
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({ "topology": "p2p" })).await;
    let mut bo = server.member("Bo", &room).await;
    let mut cy = server.member("Cy", &room).await;
    for (what, sdp) in hostile(&offer()) {
        let asked = Instant::now();
        for kind in ["signal.offer", "signal.answer"] {
            let data = json!({ "to": bo.membership(), "sdp": sdp });
            if sdp.len() > MOST {
                assert_eq!(ada.error(kind, data).await["field"], "data.sdp", "{what}");
            } else {
                ada.ok(kind, data).await;
                assert_eq!(bo.event(kind).await["sdp"], sdp, "{what}");
            }
        }
        assert!(asked.elapsed() < SOON, "{what}: {:?}", asked.elapsed());
    }
    let text = json!({ "text": "still here" });
    cy.ok("chat.send", text).await;
    assert_eq!(
        bo.event("chat.message").await["message"]["text"],
        "still here"
    );
}

/// An offer of a microphone and a camera, changed, with its sources and the numbers in use.
fn both(revision: u64, sdp: &str) -> Value {
    let sources = json!([
        { "mid": "0", "source": "microphone" },
        { "mid": "1", "source": "camera" },
    ]);
    json!({ "revision": revision, "sdp": sdp, "sources": sources })
}

#[tokio::test]
async fn a_source_whose_m_line_is_refused_cannot_run_and_nobody_sees_it_on() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    let telephone = offer().replace("opus/48000/2", "PCMU/8000");
    let published = ada.ok("media.publish", both(1, &telephone)).await;
    let answer = published["sdp"].as_str().unwrap();
    assert!(
        answer.contains("m=audio 0 ") && answer.contains("m=video 9 "),
        "{answer}"
    );
    assert_eq!(published["refused"][0]["source"], "microphone");
    let reason = published["refused"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("encoding"), "{reason}");
    let start = |source: &str| json!({ "source": source, "active": true });
    let error = ada.error("media.source", start("microphone")).await;
    assert_eq!(error["code"], "media.unsupported");
    assert!(
        error["message"].as_str().unwrap().contains("m-line"),
        "{error}"
    );
    ada.ok("media.source", start("camera")).await;
    assert_eq!(
        bo.event("media.track.published").await["track"]["source"],
        "camera"
    );
    let roster = bo.ok("room.roster", json!({ "identity": room })).await;
    assert!(!roster.to_string().contains("\"microphone\""), "{roster}");
    // Where none of the sources can run, the offer is refused.
    let neither = telephone
        .replace("VP8", "X")
        .replace("VP9", "X")
        .replace("H264", "X")
        .replace("AV1", "X");
    assert_eq!(
        ada.refused("media.publish", both(2, &neither)).await,
        "media.unsupported"
    );
}

#[tokio::test]
async fn every_refusal_of_a_description_says_what_is_wrong_with_it() {
    let server = Server::start().await;
    let (mut ada, _room) = server.meeting(json!({})).await;
    let good = offer();
    let print = good
        .lines()
        .find(|line| line.starts_with("a=fingerprint:"))
        .unwrap();
    let table = [
        (
            good.replace(print, "a=fingerprint:sha-256 (null)"),
            "hexadecimal",
        ),
        (good.replace(print, "a=fingerprint:md5 AB:CD"), "sha-256"),
        (
            good.replace(print, "a=fingerprint:sha-256 AB"),
            "hexadecimal",
        ),
        (good.replace("a=ice-ufrag:", "a=x:"), "a=ice-ufrag"),
        (good.replace("a=ice-pwd:", "a=x:"), "a=ice-pwd"),
        (good.replace("a=mid:", "a=x:"), "a=mid"),
        (good.replace("a=sendonly", "a=recvonly"), "send"),
        (good.replace("m=audio 9", "m=audio 0"), "port 0"),
        ("v=0\r\n".to_owned(), "m-line"),
    ];
    for (sdp, word) in table {
        let error = ada.error("media.publish", both(1, &sdp)).await;
        assert_eq!(error["code"], "media.bad_sdp", "{word}");
        assert!(
            error["message"].as_str().unwrap().contains(word),
            "{word}: {error}"
        );
    }
    let down = ada
        .error("media.restart", json!({ "connection": "down" }))
        .await;
    assert!(
        down["message"].as_str().unwrap().contains("media.receive"),
        "{down}"
    );
    let slots = json!({ "audio_slots": 9, "video_slots": 1 });
    let limit = ada.error("media.receive", slots).await;
    assert!(limit["message"].as_str().unwrap().contains('8'), "{limit}");
}
