//! Descriptions as well-known stacks write them: structure, order and spelling are theirs, all else is made up. Each
//! passes the reader and is answered; the table says what must come of it.

use std::net::IpAddr;
use std::time::Instant;

use crate::budgets::media::LINES_OVER_TIME;
use crate::media::peer::candidate;
use crate::media::peer::codec::is_forwarded;
use crate::media::peer::reach::Reach;
use crate::media::peer::sdp::{Description, Setup};
use crate::media::room::publisher::{self, check_sources};
use crate::protocol::object::{Source, SourceMid};

/// What is expected of one m-line: its mid, whether it is answered, and the encodings of the answer in order.
type Line<'a> = (&'a str, &'a [&'a str]);

struct Dialect {
    name: &'static str,
    offer: &'static str,
    /// The m-lines that carry something, in order.
    taken: &'static [Line<'static>],
    /// The mids of those that are answered with port 0.
    declined: &'static [&'static str],
}

macro_rules! dialect {
    ($name:literal, $taken:expr, $declined:expr) => {
        Dialect {
            name: $name,
            offer: include_str!(concat!($name, ".sdp")),
            taken: $taken,
            declined: $declined,
        }
    };
}

const OPUS: &[&str] = &["opus"];

fn dialects() -> Vec<Dialect> {
    vec![
        dialect!(
            "chromium",
            &[("0", OPUS), ("1", &["VP8", "VP9", "H264", "AV1"])],
            &["2"]
        ),
        dialect!(
            "firefox_max_bundle",
            &[("0", OPUS), ("1", &["VP8", "VP9", "H264"])],
            &["2"]
        ),
        dialect!(
            "safari",
            &[("0", OPUS), ("1", &["H264", "VP8", "AV1"])],
            &[]
        ),
        dialect!(
            "ios_safari",
            &[("0", OPUS), ("1", &["H264", "VP8", "AV1"])],
            &[]
        ),
        dialect!(
            "android_webview",
            &[("audio", OPUS), ("video", &["VP8", "VP9"])],
            &[]
        ),
        dialect!("obs_whip", &[("0", OPUS), ("1", &["H264"])], &[]),
        dialect!(
            "libdatachannel",
            &[("audio", OPUS), ("video", &["VP8"])],
            &[]
        ),
        dialect!(
            "gstreamer_max_bundle",
            &[("video0", &["VP8"]), ("audio1", OPUS)],
            &[]
        ),
        dialect!(
            "gstreamer_balanced",
            &[("video0", &["VP8"]), ("audio1", OPUS)],
            &[]
        ),
        dialect!(
            "gstreamer_no_bundle",
            &[("video0", &["VP8"]), ("audio1", OPUS)],
            &[]
        ),
        dialect!(
            "pion",
            &[("0", &["VP8", "H264", "AV1", "VP9"]), ("1", OPUS)],
            &[]
        ),
        dialect!("aiortc", &[("0", OPUS), ("1", &["VP8", "H264"])], &[]),
        dialect!("werift", &[("0", OPUS), ("1", &["VP8", "H264"])], &[]),
        dialect!(
            "str0m",
            &[("Zq7", OPUS), ("kB2", &["VP8", "H264"])],
            &["dC9"]
        ),
        dialect!("ffmpeg_whip", &[("0", OPUS), ("1", &["H264"])], &[]),
    ]
}

/// The offer with these ends of line, the answer, and what is read of it.
fn answered(offer: &str) -> (Description, String, Description) {
    let read =
        Description::offer(offer, is_forwarded).unwrap_or_else(|why| panic!("{why}: {offer}"));
    let reach = Reach::new(0, &[IpAddr::from([192, 0, 2, 1]).into()], 5000, &[]);
    let opened = publisher::open(&read, &reach, Instant::now());
    let (_, answer) = opened.unwrap_or_else(|why| panic!("{why}: {offer}"));
    let back = Description::parse(&answer).unwrap();
    (read, answer, back)
}

/// Where an m-line's name stands in a description, by its place.
fn mids(sdp: &str) -> Vec<Option<&str>> {
    let lines = sdp.split("\nm=").skip(1);
    lines
        .map(|line| {
            line.lines()
                .find_map(|line| line.strip_prefix("a=mid:"))
                .map(str::trim)
        })
        .collect()
}

#[test]
fn each_is_answered_line_by_line() {
    for Dialect {
        name,
        offer,
        taken,
        declined,
    } in dialects()
    {
        for end in ["\n", "\r\n"] {
            let offer = offer.replace('\n', end);
            let (read, answer, back) = answered(&offer);
            assert_eq!(
                mids(&answer),
                mids(&offer),
                "{name}: every m-line has its place"
            );
            let got: Vec<(&str, Vec<&str>)> = back
                .sections
                .iter()
                .map(|section| {
                    let mut names: Vec<&str> = section
                        .codecs
                        .iter()
                        .map(|codec| codec.name.as_str())
                        .collect();
                    names.dedup();
                    let mut seen = Vec::new();
                    names.retain(|name| {
                        !seen.contains(name) && {
                            seen.push(*name);
                            true
                        }
                    });
                    (section.mid.as_str(), names)
                })
                .collect();
            let want: Vec<(&str, Vec<&str>)> = taken
                .iter()
                .map(|(mid, names)| (*mid, names.to_vec()))
                .collect();
            assert_eq!(got, want, "{name}\n{answer}");
            let refused: Vec<&str> = back
                .declined
                .iter()
                .filter_map(|one| one.mid.as_deref())
                .collect();
            assert_eq!(refused, declined, "{name}");
            for section in &back.sections {
                let asked = read.section(&section.mid).unwrap();
                assert!(section.receives && !section.sends, "{name}: a=recvonly");
                // An answer has no payload type or extension that was not offered.
                for codec in &section.codecs {
                    let known = asked
                        .codecs
                        .iter()
                        .find(|one| one.payload_type == codec.payload_type);
                    let known = known.unwrap_or_else(|| panic!("{name}: {codec:?}"));
                    assert_eq!(
                        (&known.name, known.repair),
                        (&codec.name, codec.repair),
                        "{name}"
                    );
                }
                for (id, uri) in &section.extensions {
                    let asked = asked.extensions.iter().find(|(_, other)| other == uri);
                    assert_eq!(asked.map(|(id, _)| id), Some(id), "{name}: {uri}");
                }
            }
            let setup = match offer.contains("a=setup:passive") {
                true => "a=setup:active",
                false => "a=setup:passive",
            };
            assert_eq!(
                answer.matches("a=setup:").count(),
                answer.matches(setup).count(),
                "{name}"
            );
            assert_eq!(
                answer.contains("a=group:"),
                offer.contains("a=group:BUNDLE"),
                "{name}"
            );
        }
    }
}

/// As str0m and ffmpeg offer: the offerer says that it waits, so the other side must begin.
#[test]
fn each_may_leave_the_handshakes_beginning_to_us() {
    for Dialect { name, offer, .. } in dialects() {
        let offer = offer.replace("a=setup:actpass", "a=setup:passive");
        let (read, answer, _) = answered(&offer);
        assert_eq!(read.setup, Some(Setup::Passive), "{name}");
        let says = |setup: &str| answer.contains(&format!("a=setup:{setup}\r\n"));
        assert!(says("active") && !says("passive"), "{name}: {answer}");
    }
}

#[test]
fn each_may_name_its_sources() {
    for Dialect {
        name, offer, taken, ..
    } in dialects()
    {
        let read = Description::offer(offer, is_forwarded).unwrap();
        let sources: Vec<SourceMid> = taken
            .iter()
            .map(|(mid, names)| SourceMid {
                mid: (*mid).to_owned(),
                source: if *names == OPUS {
                    Source::Microphone
                } else {
                    Source::Camera
                },
            })
            .collect();
        assert_eq!(check_sources(&read, &sources), Ok(()), "{name}");
    }
}

#[test]
fn each_ones_candidates_are_candidates() {
    for Dialect { name, offer, .. } in dialects() {
        for line in offer.lines().filter_map(|line| line.strip_prefix("a=")) {
            if line.starts_with("candidate:") {
                assert_eq!(candidate::check(line), Ok(()), "{name}: {line}");
            }
        }
    }
}

#[test]
fn simulcast_is_answered_layer_by_layer() {
    for (name, layers) in [
        ("chromium", ["q", "h", "f"]),
        ("firefox_max_bundle", ["hi", "mid", "lo"]),
    ] {
        let dialects = dialects();
        let dialect = dialects.iter().find(|one| one.name == name).unwrap();
        let (_, answer, _) = answered(dialect.offer);
        for layer in layers {
            assert!(
                answer.contains(&format!("a=rid:{layer} recv\r\n")),
                "{answer}"
            );
        }
        assert!(
            answer.contains(&format!("a=simulcast:recv {}\r\n", layers.join(";"))),
            "{answer}"
        );
    }
}

#[test]
fn transports_with_the_same_credentials_are_known_by_their_m_lines() {
    let offer = include_str!("gstreamer_no_bundle.sdp")
        .replace("SecondTransportXXXX", "FirstTransportXXXXX");
    let reach = Reach::new(0, &[IpAddr::from([192, 0, 2, 1]).into()], 5000, &[]);
    let now = Instant::now();
    let read = Description::offer(&offer, is_forwarded).unwrap();
    let (mut ups, first) = publisher::open(&read, &reach, now).unwrap();
    assert_eq!(ups.len(), 2);
    let again = publisher::renegotiate(&mut ups, &read, &reach, now).unwrap();
    let ufrags = |answer: &str| -> Vec<String> {
        let lines = answer
            .lines()
            .filter(|line| line.starts_with("a=ice-ufrag:"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(ufrags(&again), ufrags(&first));
    assert_eq!((ups.len(), ufrags(&again).len()), (2, 2));
    assert_ne!(ufrags(&again)[0], ufrags(&again)[1]);
}

#[test]
fn transports_are_bounded_over_time_too() {
    let offer = include_str!("gstreamer_no_bundle.sdp");
    let reach = Reach::new(0, &[IpAddr::from([192, 0, 2, 1]).into()], 5000, &[]);
    let now = Instant::now();
    let read = Description::offer(offer, is_forwarded).unwrap();
    let (mut ups, _) = publisher::open(&read, &reach, now).unwrap();
    assert_eq!(ups.len(), 2);
    let mut again = |round: usize| {
        let sdp = offer.replace("a=mid:audio1", &format!("a=mid:audio{round}"));
        let (before, after) = sdp.split_once("m=audio").unwrap();
        let after = after.replace("a=ice-ufrag:", &format!("a=ice-ufrag:{round}"));
        let read = Description::offer(&format!("{before}m=audio{after}"), is_forwarded).unwrap();
        let answered = publisher::renegotiate(&mut ups, &read, &reach, now).map(drop);
        ups.retain(|up| !up.is_given_up());
        answered.map(|()| ups.len())
    };
    for round in 2..16 {
        assert_eq!(again(round), Ok(2));
    }
    let refused = again(16).unwrap_err().to_string();
    assert!(refused.contains("new connection"), "{refused}");
}

#[test]
fn m_lines_are_bounded_over_time_too() {
    let offer = include_str!("werift.sdp");
    let reach = Reach::new(0, &[IpAddr::from([192, 0, 2, 1]).into()], 5000, &[]);
    let now = Instant::now();
    let read = Description::offer(offer, is_forwarded).unwrap();
    let (mut ups, _) = publisher::open(&read, &reach, now).unwrap();
    let mut again = |round: usize| {
        let sdp = offer.replace("a=mid:", &format!("a=mid:{round}-"));
        let sdp = sdp.replace("BUNDLE 0 1", &format!("BUNDLE {round}-0 {round}-1"));
        let read = Description::offer(&sdp, is_forwarded).unwrap();
        publisher::renegotiate(&mut ups, &read, &reach, now).map(drop)
    };
    let most = LINES_OVER_TIME.size() / 2;
    for round in 1..most {
        assert_eq!(again(round), Ok(()));
        assert_eq!(again(round), Ok(()), "they are not counted twice");
    }
    assert!(
        again(most)
            .unwrap_err()
            .to_string()
            .contains("new connection")
    );
}

#[test]
fn m_lines_of_one_kind_may_have_different_encodings() {
    let camera = include_str!("werift.sdp");
    let screen = |formats: &str, map: &str| {
        let (_, video) = camera.split_once("m=video").unwrap();
        let line = format!("m=video{video}")
            .replace("97 98", formats)
            .replace("a=mid:1", "a=mid:2");
        let lines = line
            .lines()
            .filter(|line| !line.starts_with("a=rtcp-fb") && !line.starts_with("a=fmtp"));
        let lines =
            lines.filter(|line| !line.starts_with("a=rtpmap") && !line.starts_with("a=ssrc"));
        let lines: Vec<&str> = lines.collect();
        let offer = camera.replace("BUNDLE 0 1", "BUNDLE 0 1 2");
        let offer = offer
            .replace("97 98", "97")
            .replace("a=rtpmap:98 H264/90000\n", "");
        let offer: Vec<&str> = offer
            .lines()
            .filter(|line| !line.starts_with("a=fmtp:98"))
            .collect();
        format!(
            "{}\n{}\n{map}a=ssrc:121000444 cname:x\n",
            offer.join("\n"),
            lines.join("\n")
        )
    };
    let h264 = "a=rtpmap:98 H264/90000\na=fmtp:98 packetization-mode=1;profile-level-id=42e01f\n";
    let offer = screen("98", h264);
    let (_, answer, back) = answered(&offer);
    let names = |mid: &str| -> Vec<u8> {
        let section = back.section(mid).unwrap_or_else(|| panic!("{answer}"));
        section
            .codecs
            .iter()
            .map(|codec| codec.payload_type)
            .collect()
    };
    assert_eq!((names("1"), names("2")), (vec![97], vec![98]));
    assert!(answer.contains("a=group:BUNDLE 0 1 2\r\n"));
    // One encoding may have two numbers.
    let offer = screen("98", "a=rtpmap:98 VP8/90000\n");
    let (_, answer, _) = answered(&offer);
    assert!(answer.contains("a=rtpmap:97 VP8/90000\r\n"), "{answer}");
    assert!(answer.contains("a=rtpmap:98 VP8/90000\r\n"), "{answer}");
}
