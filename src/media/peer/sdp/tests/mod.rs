mod bundles;
mod pairs;
mod simulcast;

use std::net::SocketAddr;

use super::*;
use crate::budgets::media::FINGERPRINTS;
use crate::media::peer::codec::{self, is_forwarded};
use crate::media::peer::reach::Reach;
use crate::media::rtp::extensions::Extension;

const PRINT: &str = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";
const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n\
    a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:\
    00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\na=setup:actpass\r\na=mid:0\r\n\
    a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on\r\na=sendonly\r\n\
    a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96 97 102\r\na=mid:1\r\na=sendonly\r\na=rtpmap:96 VP8/90000\r\n\
    a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:102 H264/90000\r\n\
    a=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n";

#[test]
fn what_forwarding_must_know_is_read() {
    let description = Description::parse(OFFER).unwrap();
    assert_eq!(description.origin.ufrag, "abcd");
    assert!(!description.is_lite);
    let lite = OFFER.replace("a=group", "a=ice-lite\r\na=group");
    assert!(Description::parse(&lite).unwrap().is_lite);
    let [audio, video] = description.sections.as_slice() else {
        panic!("two m-lines")
    };
    assert_eq!(
        (audio.kind, audio.codecs.len(), audio.codecs[0].clock_rate),
        (MediaKind::Audio, 1, 48_000)
    );
    assert_eq!(audio.extension_ids().get(Extension::AudioLevel), Some(1));
    assert_eq!(
        (video.codecs[0].name.as_str(), video.codecs[0].repair),
        ("VP8", Some(97))
    );
    assert_eq!(
        video.codecs[1].parameter("profile-level-id"),
        Some("42e01f")
    );
    assert_eq!(video.codecs[1].repair, None);
}

#[test]
fn one_certificate_may_serve_many_connections() {
    let first = "o=- 1 2 IN";
    let stream = |ssrc: u32| format!("a=mid:0\r\na=ssrc:{ssrc} cname:a");
    let with = |session: &str, ufrag: &str, mid: &str| {
        let sdp = OFFER.replace(first, session).replace("abcd", ufrag);
        let sdp = sdp.replace("a=mid:0", mid);
        Description::parse(&sdp).unwrap().origin
    };
    let known = with(first, "abcd", &stream(7));
    let bare = with(first, "abcd", "a=mid:0");
    let stranger = OFFER.replace("AA:BB", "AA:CC");
    let stranger = Description::parse(&stranger).unwrap().origin;
    // Changed again, restarted, restarted without naming its streams.
    assert!(known.is_same(&with("o=- 1 3 IN", "abcd", &stream(8))));
    assert!(known.is_same(&with("o=- 9 3 IN", "efgh", &stream(7))));
    assert!(known.is_same(&with("o=- 1 3 IN", "efgh", "a=mid:0")));
    assert!(bare.is_same(&with("o=- 1 3 IN", "efgh", &stream(8))));
    // Other streams, another session, another certificate.
    assert!(!known.is_same(&with("o=- 1 3 IN", "efgh", &stream(8))));
    assert!(!bare.is_same(&with("o=- 2 3 IN", "efgh", "a=mid:0")));
    assert!(!bare.is_same(&stranger));
}

/// An offer of ours or of a client, as it is taken.
fn taken(sdp: &str) -> Description {
    Description::offer(sdp, is_forwarded).unwrap()
}

fn refused(sdp: &str) -> MediaError {
    Description::offer(sdp, is_forwarded).unwrap_err()
}

/// The reasons why m-lines carry nothing, by the mid.
fn declined(sdp: &str) -> Vec<(Option<String>, Why)> {
    let declined = taken(sdp).declined.into_iter();
    declined.map(|one| (one.mid, one.why)).collect()
}

const ADDRESSES: [([u8; 4], u16); 2] = [([192, 0, 2, 1], 5000), ([192, 0, 2, 2], 5000)];

/// Our answer.
fn answered(offer: &Description) -> String {
    end(3, Setup::Passive, |end| end.answer(offer, &[]))
}

fn end<T>(version: u64, setup: Setup, write: impl FnOnce(End<'_>) -> T) -> T {
    let fingerprint = taken(OFFER).origin.fingerprints.remove(0);
    let reach = Reach {
        thread: 0,
        udp: ADDRESSES.map(SocketAddr::from).into(),
        tcp: [SocketAddr::from(([192, 0, 2, 1], 443))].into(),
    };
    write(End {
        ufrag: "ours",
        password: "our-password-our-password",
        fingerprint: &fingerprint,
        reach: &reach,
        setup,
        session: 77,
        version,
    })
}

#[test]
fn an_answer_says_who_we_are_in_every_m_line() {
    let answer = answered(&taken(OFFER));
    let head = "v=0\r\no=- 77 3 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n";
    assert!(answer.starts_with(head), "{answer}");
    let parts: Vec<&str> = answer.split("\r\nm=").skip(1).collect();
    assert_eq!(parts.len(), 2);
    for part in parts {
        for line in [
            "a=ice-ufrag:ours",
            "a=ice-pwd:our-password-our-password",
            &format!("a=fingerprint:sha-256 {PRINT}"),
            "a=setup:passive",
            "a=rtcp-mux",
            "a=recvonly",
            "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host",
            "a=candidate:2 1 udp 2130706175 192.0.2.2 5000 typ host",
            "a=candidate:3 1 tcp 1520435199 192.0.2.1 443 typ host tcptype passive",
            "a=end-of-candidates",
        ] {
            assert_eq!(part.matches(line).count(), 1, "{line}: {part}");
        }
        // The client's own are not told it again.
        assert!(!part.contains("127.0.0.1") && !part.contains("abcd"));
    }
    let back = Description::parse(&answer).unwrap();
    assert!(back.is_lite);
    assert_eq!(back.sections[1].codecs, taken(OFFER).sections[1].codecs);
}

#[test]
fn feedback_is_answered_as_far_as_it_is_offered() {
    let with = |lines: &str| {
        let sdp = OFFER.replace("a=mid:1\r\n", &format!("a=mid:1\r\n{lines}"));
        let answer = answered(&taken(&sdp));
        let lines = answer.lines().filter(|line| line.starts_with("a=rtcp-"));
        lines.map(|line| line[7..].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(with(""), ["mux", "mux"]);
    let offered = "a=rtcp-rsize\r\na=rtcp-fb:96 nack PLI\r\na=rtcp-fb:96 goog-remb\r\n\
        a=rtcp-fb:* transport-cc\r\na=rtcp-fb:97 nack\r\n";
    assert_eq!(
        with(offered),
        [
            "mux",
            "mux",
            "rsize",
            "fb:96 nack pli",
            "fb:96 transport-cc",
            "fb:102 transport-cc"
        ]
    );
}

#[test]
fn an_offer_of_ours_has_its_slots_and_is_read_again() {
    let slot = |mid, kind, ssrc| Slot {
        mid,
        kind,
        ssrc,
        repair_ssrc: ssrc + 1,
        pair: 0,
        taken: &[],
    };
    let slots = [
        slot("0", MediaKind::Video, 10),
        slot("1", MediaKind::Audio, 20),
    ];
    let offer = end(1, Setup::Actpass, |end| end.offer(slots.into_iter()));
    let read = Description::offer(&offer, is_forwarded).unwrap();
    assert_eq!(read.setup, Some(Setup::Actpass));
    assert!(read.mixes_extensions && read.declined.is_empty());
    for (section, slot) in read.sections.iter().zip(slots) {
        assert_eq!((section.mid.as_str(), section.kind), (slot.mid, slot.kind));
        assert!(section.sends && !section.receives);
        assert_eq!(section.codecs, codec::offered(slot.kind));
        assert_eq!(section.streams.media().collect::<Vec<_>>(), [slot.ssrc]);
        let ids = section.extension_ids();
        assert_eq!(ids.get(Extension::TransportNumber), Some(3));
        assert_eq!(ids.get(Extension::Mid), None);
    }
    assert_eq!(read.sections[0].streams.repairs, [(11, 10)]);
    // One id means one thing in a bundle (RFC 8285 §5).
    let mut ids: Vec<_> = read
        .sections
        .iter()
        .flat_map(|section| section.extensions.clone())
        .collect();
    ids.sort();
    ids.dedup();
    let numbers: HashSet<u8> = ids.iter().map(|(id, _)| *id).collect();
    assert_eq!(numbers.len(), ids.len());
}

#[test]
fn an_m_line_without_a_direction_has_the_sessions_or_sends_and_receives() {
    let bare = OFFER.replace("a=sendonly\r\n", "");
    let of_session =
        |direction: &str| bare.replace("a=group", &format!("a={direction}\r\na=group"));
    let sends = |sdp: &str| {
        let description = Description::parse(sdp).unwrap();
        let answer = answered(&description);
        let sends = description.sections.iter().all(|section| section.sends);
        let reported = match sends {
            true => "a=recvonly\r\n",
            false => "a=inactive\r\n",
        };
        assert_eq!(answer.matches(reported).count(), 2, "{answer}");
        sends
    };
    assert!(sends(&bare));
    assert!(sends(&of_session("sendonly")) && sends(&of_session("sendrecv")));
    assert!(!sends(&of_session("recvonly")) && !sends(&of_session("inactive")));
    let but_one = of_session("inactive").replace("a=mid:", "a=sendrecv\r\na=mid:");
    assert!(sends(&but_one));
}

#[test]
fn only_m_lines_that_are_used_need_a_mid() {
    let nameless = OFFER.replace("a=mid:1\r\n", "");
    assert_eq!(declined(&nameless), [(None, Why::NoMid)]);
    let given_up = nameless.replace("m=video 9", "m=video 0");
    assert_eq!(declined(&given_up), [(None, Why::GivenUp)]);
    let answer = answered(&taken(&given_up));
    let refused = answer.split("m=video").nth(1).unwrap();
    assert!(
        refused.starts_with(" 0 ") && !refused.contains("a=mid"),
        "{refused}"
    );
    let none = nameless.replace("a=mid:0\r\n", "");
    assert_eq!(
        refused_with(&none),
        "The m-line has no a=mid, by which a source names it."
    );
}

fn refused_with(sdp: &str) -> String {
    refused(sdp).to_string()
}

#[test]
fn names_of_m_lines_may_be_long() {
    for length in [16, 17, 36, 255] {
        let mid = "m".repeat(length);
        let sdp = OFFER
            .replace("a=mid:1", &format!("a=mid:{mid}"))
            .replace("BUNDLE 0 1", &format!("BUNDLE 0 {mid}"));
        assert!(taken(&sdp).section(&mid).is_some());
    }
}

#[test]
fn candidates_are_as_many_as_they_are() {
    let many: String = (0..2_000)
        .map(|n| format!("a=candidate:{n} 1 udp 1 192.0.2.1 {n} typ host\r\n"))
        .collect();
    assert_eq!(declined(&format!("{OFFER}{many}")), []);
}

#[test]
fn payload_types_of_their_own_need_no_rtpmap() {
    let lines = "111 63 9 0 8 13 101\r\na=rtpmap:101 telephone-event/8000";
    let sdp = OFFER.replace("111 63\r\n", &format!("{lines}\r\n"));
    let codecs = taken(&sdp).section("0").unwrap().codecs.clone();
    let names: Vec<_> = codecs
        .iter()
        .map(|codec| (codec.name.as_str(), codec.clock_rate))
        .collect();
    assert_eq!(
        names,
        [
            ("opus", 48_000),
            ("G722", 8_000),
            ("PCMU", 8_000),
            ("PCMA", 8_000)
        ]
    );
    // One that must be mapped and is not is passed over.
    assert_eq!(
        taken(&OFFER.replace("111 63", "111 63 77"))
            .section("0")
            .unwrap()
            .codecs
            .len(),
        1
    );
    let text = answered(&taken(&sdp));
    assert!(
        text.contains("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"),
        "{text}"
    );
    // The names are PCMU's alone here: nothing of it can be forwarded.
    let telephone = OFFER.replace("SAVPF 111 63", "SAVPF 0 8");
    assert_eq!(
        declined(&telephone),
        [(Some("0".to_owned()), Why::NoEncoding)]
    );
}

#[test]
fn a_protocol_that_means_dtls_is_taken_and_answered_as_it_is_written() {
    for (proto, taken_as) in [
        ("RTP/AVP", true),
        ("RTP/SAVPF", true),
        ("UDP/TLS/RTP/SAVP", true),
        ("TCP/DTLS/RTP/SAVPF", true),
        ("UDP/TLS/UDPTL", false),
        ("udp", false),
    ] {
        let sdp = OFFER.replace("m=video 9 UDP/TLS/RTP/SAVPF", &format!("m=video 9 {proto}"));
        let offer = taken(&sdp);
        assert_eq!(offer.section("1").is_some(), taken_as, "{proto}");
        let answer = answered(&offer);
        let port = if taken_as { 9 } else { 0 };
        assert!(
            answer.contains(&format!("m=video {port} {proto} 96 ")),
            "{answer}"
        );
    }
}

#[test]
fn an_encoding_is_spelt_as_it_is_registered() {
    for (written, name) in [("vp8", "VP8"), ("h264", "H264"), ("X-Own", "X-Own")] {
        let offer = OFFER.replace("VP8", written);
        let description = Description::parse(&offer).unwrap();
        assert_eq!(description.sections[1].codecs[0].name, name);
    }
}

#[test]
fn what_is_neither_sound_nor_picture_is_answered_with_port_0() {
    let channel =
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:data\r\na=sctp-port:5000\r\n";
    let refused = "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n\
        c=IN IP4 0.0.0.0\r\na=inactive\r\na=mid:data\r\n";
    let video = OFFER.find("m=video").unwrap();
    for (place, index) in [
        (OFFER.find("m=audio").unwrap(), 0),
        (video, 1),
        (OFFER.len(), 2),
    ] {
        let (before, after) = OFFER.split_at(place);
        let offer = format!("{before}{channel}{after}");
        let offer = offer.replace("BUNDLE 0 1", "BUNDLE 0 data 1");
        let described = taken(&offer);
        let declined = &described.declined;
        assert_eq!((declined.len(), declined[0].index), (1, index));
        let reported = answered(&described);
        let lines: Vec<&str> = reported
            .match_indices("m=")
            .map(|(at, _)| &reported[at..])
            .collect();
        assert!(lines[index].starts_with(refused), "{reported}");
        assert_eq!(lines.len(), 3);
    }
}

#[test]
fn a_certificate_is_named_by_a_hash_that_holds() {
    let with = |lines: &[&str]| {
        let lines = lines.iter().map(|line| format!("a=fingerprint:{line}\r\n"));
        let lines: String = lines.collect();
        OFFER.replace(&format!("a=fingerprint:sha-256 {PRINT}\r\n"), &lines)
    };
    let hex = |bytes: usize| vec!["AB"; bytes].join(":");
    let (sha256, sha384, sha512) = (
        format!("sha-256 {PRINT}"),
        format!("SHA-384 {}", hex(48)),
        format!("sha-512 {}", hex(64).to_lowercase()),
    );
    let weak =
        ["sha-1", "sha-224", "md5", "md2", "sha-3"].map(|name| format!("{name} {}", hex(20)));
    for bad in weak.iter().map(String::as_str).chain([
        "sha-256 (null)",
        "sha-256",
        "sha-256 ",
        "sha-256 AB",
        "sha-384 AB:CD",
        "(null)",
        "",
        PRINT,
        &format!("sha-256 {}", hex(31)),
        &format!("sha-256 {}", hex(33)),
        &format!("sha-256 {}", hex(31) + ":+1"),
        &format!("sha-256 {}", hex(31) + ":1"),
        &format!("sha-256 {}", hex(32).replace(':', "")),
    ]) {
        let refusal = refused(&with(&[bad]));
        assert!(
            matches!(&refusal, MediaError::BadSdp(why) if why.to_string().contains("fingerprint")),
            "{bad}: {refusal}"
        );
        // A usable one beside it is enough, before or after.
        for both in [[bad, &sha256], [&sha256, bad]] {
            assert_eq!(taken(&with(&both)).origin.fingerprints.len(), 1, "{bad}");
        }
    }
    assert!(refused_with(&with(&[])).contains("a=fingerprint"));
    let strongest = |lines: &[&str]| {
        let prints = taken(&with(lines)).origin.fingerprints;
        prints
            .iter()
            .map(|one| (one.hash, one.bytes.len()))
            .collect::<Vec<_>>()
    };
    use super::transport::HashFunction::{Sha256, Sha384, Sha512};
    assert_eq!(strongest(&[&sha256]), [(Sha256, 32)]);
    assert_eq!(strongest(&[&sha384, &sha256]), [(Sha384, 48)]);
    assert_eq!(strongest(&[&sha256, &sha512, &sha384]), [(Sha512, 64)]);
    assert_eq!(
        strongest(&[&sha256, &format!("sha-256 {}", hex(32))]).len(),
        2
    );
}

#[test]
fn only_the_first_fingerprints_count() {
    let line = format!("a=fingerprint:sha-256 {PRINT}\r\n");
    let stronger = format!("a=fingerprint:sha-512 {}\r\n", ["AB"; 64].join(":"));
    let sdp = OFFER.replace(
        &line,
        &format!("{}{stronger}", line.repeat(FINGERPRINTS.size())),
    );
    let prints = taken(&sdp).origin.fingerprints;
    assert_eq!(
        (prints.len(), prints[0].bytes.len()),
        (FINGERPRINTS.size(), 32)
    );
}

#[test]
fn hostile_descriptions_are_refused() {
    let many_sections: String = (0..33)
        .map(|n| format!("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:{n}\r\n"))
        .collect();
    let table = [
        String::new(),
        "v=0".to_owned(),
        "x".repeat(300_000),
        format!("v=0\r\n{}", "x".repeat(300_000)),
        format!("v=0\r\na={}", "x".repeat(5000)),
        format!("{OFFER}{many_sections}"),
        format!("{OFFER}{}", "a=x\r\n".repeat(9000)),
        format!("{OFFER}{}", "a=ssrc:1 cname:a\r\n".repeat(100)),
        format!("{OFFER}{}", "a=rid:q send\r\n".repeat(20)),
        OFFER.replace("a=mid:1", "a=mid:0"),
        OFFER.replace("a=mid:1", &format!("a=mid:{}", "m".repeat(256))),
        format!("{OFFER}{}", "a=extmap:3 urn:x\r\n".repeat(65)),
        format!("{OFFER}{}", "a=fmtp:96 x=y\r\n".repeat(129)),
        OFFER.replace("a=ice-ufrag:abcd\r\n", ""),
        OFFER.replace("abcd", "a b"),
        OFFER.replace("a=ice-pwd:0123456789012345678901\r\n", ""),
        OFFER.replace("a=fingerprint:", "a=x:"),
        OFFER.replace("sha-256 ", "x "),
        OFFER.replace("m=video", "m=application data"),
        OFFER.replace("m=video", "m=sound/picture"),
        OFFER.replace("m=video", "m="),
        format!("{OFFER}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\n"),
        format!("{OFFER}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:a b\r\n"),
        OFFER.replace("m=video 9", "m=video 99999"),
        OFFER.replace("SAVPF 96 97 102", "SAVPF 96 97 900"),
        OFFER.replace("a=rtpmap:96 VP8/90000", "a=rtpmap:96 VP8/0"),
        OFFER.replace("a=rtpmap:96 VP8/90000", "a=rtpmap:96"),
        OFFER.replace("a=extmap:1 ", "a=extmap:0 "),
        OFFER.replace("a=extmap:1 ", "a=extmap:"),
    ];
    for sdp in &table {
        assert!(
            Description::parse(sdp).is_err(),
            "{}",
            &sdp[..sdp.len().min(2000)]
        );
    }
}

#[test]
fn no_cut_of_an_offer_panics() {
    for end in 0..OFFER.len() {
        let _ = Description::parse(&OFFER[..end]);
        let _ = Description::parse(&format!("v=0\r\n{}", &OFFER[end..]));
    }
}

#[test]
fn nobody_is_asked_to_leave_their_pictures_lying() {
    let turned = OFFER.replace(
        "a=mid:1\r\n",
        "a=mid:1\r\na=extmap:13 urn:3gpp:video-orientation\r\n",
    );
    assert_ne!(turned, OFFER);
    let answer = answered(&taken(&turned));
    assert!(!answer.contains("video-orientation"), "{answer}");
}
