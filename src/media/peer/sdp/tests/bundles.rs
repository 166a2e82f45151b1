//! Which m-lines share a transport, and what is said of those that have none.

use super::*;
use crate::budgets::media::{BUNDLES, TRANSPORTS};

#[test]
fn port_0_with_bundle_only_in_a_bundle_is_no_rejection() {
    let closed = OFFER.replace("m=video 9", "m=video 0");
    let bundle_only = closed.replace("a=mid:1", "a=bundle-only\r\na=mid:1");
    assert_eq!(declined(&bundle_only), []);
    assert_eq!(taken(&bundle_only).section("1").unwrap().codecs.len(), 2);
    let given_up = [(Some("1".to_owned()), Why::GivenUp)];
    assert_eq!(declined(&closed), given_up);
    // Outside of the bundle it says nothing.
    let outside = bundle_only.replace("BUNDLE 0 1", "BUNDLE 0");
    assert_eq!(declined(&outside), given_up);
    let answer = answered(&taken(&closed));
    assert!(
        answer.contains("m=video 0 UDP/TLS/RTP/SAVPF 96 97 102\r\n"),
        "{answer}"
    );
}

#[test]
fn one_m_line_needs_no_bundle_and_of_several_without_one_the_first_is_taken() {
    let loose = OFFER.replace("a=group:BUNDLE 0 1\r\n", "");
    let video = Some("1".to_owned());
    assert_eq!(declined(&loose), [(video.clone(), Why::Unbundled)]);
    let single = &loose[..loose.find("m=video").unwrap()];
    assert_eq!(declined(single), []);
    let answer = answered(&taken(single));
    assert!(!answer.contains("a=group"), "{answer}");
    // What is given up, or cannot be forwarded, is not the first.
    let others = loose.replace("opus", "PCMU")
        + "a=ice-ufrag:other\r\na=ice-pwd:the-other-ones-password\r\n\
        a=fingerprint:sha-256 "
        + PRINT
        + "\r\n";
    assert_eq!(declined(&others), [(Some("0".to_owned()), Why::NoEncoding)]);
    assert_eq!(taken(&others).origin.ufrag, "other");
    // Another bundle is another transport, if it describes one of its own.
    let two = OFFER.replace("BUNDLE 0 1", "BUNDLE 0\r\na=group:BUNDLE 1");
    assert_eq!(declined(&two), [(video, Why::Unbundled)]);
    // One may use the same credentials for all of them (RFC 8839 §5.4).
    let same = own_transport(&loose, "abcd");
    assert_eq!(declined(&same), []);
}

/// The offer, whose last m-line describes a transport.
fn own_transport(sdp: &str, ufrag: &str) -> String {
    format!(
        "{sdp}a=ice-ufrag:{ufrag}\r\na=ice-pwd:another-password-another\r\na=setup:passive\r\n\
         a=fingerprint:sha-256 {PRINT}\r\n"
    )
}

#[test]
fn what_is_not_bundled_has_a_transport_of_its_own() {
    for (groups, bundles) in [
        ("", 0),
        ("a=group:BUNDLE 0\r\na=group:BUNDLE 1\r\n", 2),
        ("a=group:BUNDLE 1\r\n", 1),
    ] {
        let sdp = OFFER.replace("a=group:BUNDLE 0 1\r\n", groups);
        let offer = taken(&own_transport(&sdp, "efgh"));
        assert_eq!(offer.declined, []);
        let parts: Vec<_> = offer.parts().collect();
        let ufrags = parts.iter().map(|part| part.origin.ufrag.as_str());
        assert_eq!(ufrags.collect::<Vec<_>>(), ["abcd", "efgh"]);
        let setups = parts.iter().map(|part| part.setup);
        let said = [Some(Setup::Actpass), Some(Setup::Passive)];
        assert_eq!(setups.collect::<Vec<_>>(), said);
        assert!(offer.section("0").is_some() && offer.section("1").is_some());
        let answer = end(3, Setup::Passive, |first| {
            let second = End {
                ufrag: "second",
                setup: Setup::Active,
                ..first
            };
            first.answer(&offer, &[(second, parts[1])])
        });
        let lines: Vec<&str> = answer.split("\r\nm=").collect();
        assert_eq!(lines[0].matches("a=group:BUNDLE").count(), bundles);
        for (line, ufrag, setup) in [(1, "ours", "passive"), (2, "second", "active")] {
            assert!(
                lines[line].contains(&format!("a=ice-ufrag:{ufrag}\r\n")),
                "{answer}"
            );
            assert!(
                lines[line].contains(&format!("a=setup:{setup}\r\n")),
                "{answer}"
            );
        }
        assert!(lines[1].starts_with("audio 9 ") && lines[2].starts_with("video 9 "));
    }
}

#[test]
fn there_are_so_many_transports_and_no_more() {
    let mut sdp = OFFER.replace("a=group:BUNDLE 0 1\r\n", "");
    sdp.truncate(sdp.find("m=video").unwrap());
    let line = sdp.find("m=audio").unwrap();
    let audio = sdp.split_off(line);
    for place in 0..=TRANSPORTS.size() {
        sdp += &audio
            .replace("a=mid:0", &format!("a=mid:line{place}"))
            .replace("abcd", &format!("ufrag{place}"));
    }
    let offer = taken(&sdp);
    assert_eq!(offer.parts().count(), TRANSPORTS.size());
    let last = Some(format!("line{}", TRANSPORTS.size()));
    assert_eq!(declined(&sdp), [(last, Why::TooManyTransports)]);
}

#[test]
fn only_the_first_bundles_count() {
    let bundles = "a=group:BUNDLE x\r\n".repeat(BUNDLES.size());
    let late = OFFER.replace(
        "a=group:BUNDLE 0 1\r\n",
        &format!("{bundles}a=group:BUNDLE 0 1\r\n"),
    );
    assert_eq!(declined(&late), [(Some("1".to_owned()), Why::Unbundled)]);
}

#[test]
fn one_bundle_has_one_certificate_wherever_it_is_named() {
    let line = format!("a=fingerprint:sha-256 {PRINT}\r\n");
    let other = line.replace("00:11", "00:12");
    let in_both = |second: &str| OFFER.replace("a=mid:1\r\n", &format!("a=mid:1\r\n{second}"));
    assert!(taken(&in_both(&line)).declined.is_empty());
    assert!(refused_with(&in_both(&other)).contains("certificates"));
    let of_session = OFFER
        .replace(&line, "")
        .replace("a=group", &format!("{line}a=group"));
    assert_eq!(
        taken(&of_session).origin.fingerprints,
        taken(OFFER).origin.fingerprints
    );
    // The m-line's own counts more than the session's.
    let both = OFFER.replace("a=group", &format!("{other}a=group"));
    assert_eq!(
        taken(&both).origin.fingerprints,
        taken(OFFER).origin.fingerprints
    );
    // Without a bundle the fingerprint of the other m-line counts for none.
    let loose = in_both(&other).replace("a=group:BUNDLE 0 1\r\n", "");
    assert_eq!(
        taken(&loose).origin.fingerprints,
        taken(OFFER).origin.fingerprints
    );
}

#[test]
fn what_is_refused_of_a_bundle_still_says_where_the_bundle_is() {
    // The first m-line has the bundle's address, and no encoding that is forwarded.
    let sdp = OFFER
        .replace("opus", "PCMA")
        .replace("m=video 9", "m=video 0");
    let sdp = sdp.replace("a=mid:1", "a=bundle-only\r\na=mid:1");
    assert_eq!(declined(&sdp), [(Some("0".to_owned()), Why::NoEncoding)]);
    assert_eq!(taken(&sdp).origin.ufrag, "abcd");
}
