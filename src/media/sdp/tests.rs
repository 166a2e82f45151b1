use super::*;

const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n\
    a=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\na=mid:0\r\n\
    a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on\r\na=sendonly\r\n\
    a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96 97 102\r\na=mid:1\r\na=sendonly\r\na=rtpmap:96 VP8/90000\r\n\
    a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:102 H264/90000\r\n\
    a=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n";

#[test]
fn what_forwarding_must_know_is_read() {
    let description = Description::parse(OFFER).unwrap();
    assert_eq!(description.origin.ufrag, "abcd");
    assert!(description.has_candidates && !description.is_lite);
    let lite = OFFER.replace("a=group", "a=ice-lite\r\na=group");
    assert!(Description::parse(&lite).unwrap().is_lite);
    let [audio, video] = description.sections.as_slice() else {
        panic!("two m-lines")
    };
    assert_eq!(
        (audio.kind, audio.codecs.len(), audio.codecs[0].clock_rate),
        (MediaKind::Audio, 1, 48_000)
    );
    assert_eq!(
        audio.extension("urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
        Some(1)
    );
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

#[test]
fn candidates_are_cut_out() {
    let kept = without_candidates(OFFER);
    assert!(!kept.contains("candidate"));
    assert_eq!(
        Description::parse(&kept).unwrap().sections,
        Description::parse(OFFER).unwrap().sections
    );
}

#[test]
fn an_m_line_without_a_direction_has_the_sessions_or_sends_and_receives() {
    assert_eq!(with_directions(OFFER), OFFER);
    let bare = OFFER.replace("a=sendonly\r\n", "");
    let of_session =
        |direction: &str| bare.replace("a=group", &format!("a={direction}\r\na=group"));
    let count = |sdp: &str, direction: &str| {
        with_directions(sdp)
            .matches(&format!("a={direction}\r\n"))
            .count()
    };
    assert_eq!(count(&bare, "sendrecv"), 2);
    assert_eq!(count(&of_session("recvonly"), "recvonly"), 3);
    assert_eq!(count(&of_session("sendonly"), "sendrecv"), 0);
    let sends = |sdp: &str| {
        let description = Description::parse(sdp).unwrap();
        description.sections.iter().all(|section| section.sends)
    };
    assert!(sends(&bare) && sends(&with_directions(&bare)));
    for direction in ["recvonly", "inactive"] {
        let silent = of_session(direction);
        assert!(!sends(&silent) && !sends(&with_directions(&silent)));
    }
    let but_one = of_session("inactive").replace("a=mid:", "a=sendrecv\r\na=mid:");
    assert!(sends(&but_one));
}

#[test]
fn a_version_stands_in_the_origin() {
    let told = with_version(OFFER, 7);
    assert_eq!(told, OFFER.replace("o=- 1 2 IN", "o=- 1 7 IN"));
    assert_eq!(with_version("v=0\r\no=x\r\n", 7), "v=0\r\no=x\r\n");
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
fn candidates_stand_in_every_m_line_once() {
    let offer = OFFER.replace(
        "a=candidate:1 1",
        "a=candidate:1 2 udp 1 127.0.0.1 9 typ host\r\na=candidate:1 1",
    );
    let spread = with_candidates_everywhere(&offer);
    let audio = spread.find("m=audio").unwrap();
    let video = spread.find("m=video").unwrap();
    for part in [&spread[audio..video], &spread[video..]] {
        assert_eq!(
            part.matches("a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n")
                .count(),
            1
        );
        assert_eq!(part.matches("a=candidate").count(), 1);
        assert!(part.ends_with("a=end-of-candidates\r\n"));
    }
    assert_eq!(with_candidates_everywhere(&spread), spread);
    let sections = |sdp: &str| Description::parse(sdp).unwrap().sections;
    assert_eq!(sections(&spread), sections(OFFER));
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
        let described = Description::parse(&offer).unwrap();
        let foreign = &described.foreign;
        assert_eq!((foreign.len(), foreign[0].index), (1, index));
        assert_eq!(without_foreign(&offer, foreign), OFFER);
        let told = with_refusals(OFFER, foreign);
        assert_eq!(told, format!("{before}{refused}{after}"));
    }
    assert_eq!(without_foreign(OFFER, &[]), OFFER);
    assert_eq!(with_refusals(OFFER, &[]), OFFER);
}

#[test]
fn hostile_descriptions_are_refused() {
    let many_sections: String = (0..33)
        .map(|n| format!("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:{n}\r\n"))
        .collect();
    let many_candidates: String = (0..65)
        .map(|n| format!("a=candidate:1 1 udp 1 1.1.1.{n} 9 typ host\r\n"))
        .collect();
    let table = [
        String::new(),
        "v=0".to_owned(),
        "x".repeat(300_000),
        format!("v=0\r\n{}", "x".repeat(300_000)),
        format!("v=0\r\na={}", "x".repeat(5000)),
        format!("{OFFER}{many_sections}"),
        format!("{OFFER}{}", many_candidates),
        format!("{OFFER}{}", "a=x\r\n".repeat(9000)),
        format!("{OFFER}{}", "a=ssrc:1 cname:a\r\n".repeat(100)),
        format!("{OFFER}{}", "a=rid:q send\r\n".repeat(20)),
        OFFER.replace("a=mid:1", "a=mid:0"),
        OFFER.replace("a=mid:1\r\n", ""),
        OFFER.replace("a=mid:1", "a=mid:seventeen-letters"),
        OFFER.replace("a=ice-ufrag:abcd\r\n", ""),
        OFFER.replace("abcd", "a b"),
        OFFER.replace("a=ice-pwd:0123456789012345678901\r\n", ""),
        OFFER.replace("a=fingerprint:sha-256 AA:BB\r\n", ""),
        OFFER.replace("sha-256 AA:BB", "x"),
        OFFER.replace("m=video", "m=application data"),
        OFFER.replace("m=video", "m=sound/picture"),
        OFFER.replace("m=video", "m="),
        format!("{OFFER}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"),
        format!("{OFFER}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\n"),
        format!("{OFFER}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:a b\r\n"),
        OFFER.replace("m=video 9", "m=video 99999"),
        OFFER.replace("UDP/TLS/RTP/SAVPF 96", "RTP/AVP 96"),
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
