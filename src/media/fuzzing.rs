//! What a stranger sends to the media threads, as functions of bytes.

use std::time::{Duration, Instant};

use super::peer::ice::stun as messages;
use super::peer::{candidate as candidates, dtls, sdp};
use super::rtp::dependency::{Descriptors, activate};
use super::rtp::encoding::Encoding;
use super::rtp::keyframe::begins_keyframe;
use super::rtp::packet::{ExtensionSet, View};
use super::rtp::part::Part;
use super::rtp::rtcp::{Compound, Report};
use super::rtp::size;

/// A session description.
pub(crate) fn description(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = sdp::Description::parse(text);
    }
}

/// An ICE candidate.
pub(crate) fn candidate(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = candidates::check(text);
    }
}

/// Datagrams of one connection, each after its length in two bytes.
pub(crate) fn dtls_guard(bytes: &[u8]) {
    let mut now = Instant::now();
    let mut guard = dtls::Guard::new(dtls::DtlsRole::Server, now);
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
        let (datagram, after) = after.split_at(length);
        let admitted = guard.admit(datagram, now);
        // The admitted records are no longer than all that came.
        assert!(admitted.records.len() <= bytes.len() * 2 + 64);
        now += Duration::from_millis(20);
        rest = after;
    }
}

/// A STUN message.
pub(crate) fn stun(bytes: &[u8]) {
    if let Some(message) = messages::Message::parse(bytes) {
        let nobodys = messages::key("nobody has this password");
        assert!(!message.is_signed_by(&nobodys));
    }
}

/// An RTP packet: what is read of it is written anew, and reads the same.
pub(crate) fn rtp(bytes: &[u8]) {
    let Some(view) = View::parse(bytes) else {
        return;
    };
    for encoding in [
        Encoding::Opus,
        Encoding::Vp8,
        Encoding::Vp9,
        Encoding::H264,
        Encoding::Av1,
        Encoding::Other,
    ] {
        let _ = begins_keyframe(encoding, view.payload);
        let _ = size::of_keyframe(encoding, view.payload);
        let _ = Part::of(encoding, view.payload);
        let _ = Part::sizes(encoding, view.payload);
    }
    let mut descriptors = Descriptors::default();
    for (_, value) in view.extensions.iter() {
        let told = descriptors.read(value, view.header.timestamp);
        if let Some(told) = told {
            let active = told.targets.within(1, 1);
            let mut again = [0; 2 * u8::MAX as usize];
            let length = activate(value, active, &mut again).unwrap_or_default();
            assert!(length <= value.len() + 5);
        }
    }
    let extensions = view.extensions.iter().count();
    assert!(extensions <= bytes.len());
    let mut again = Vec::new();
    view.header.write(&ExtensionSet::default(), &mut again);
    again.extend_from_slice(view.payload);
    let read = View::parse(&again).map(|read| (read.header, read.payload));
    assert_eq!(read, Some((view.header, view.payload)));
}

/// A compound RTCP packet.
pub(crate) fn rtcp(bytes: &[u8]) {
    let Some(compound) = Compound::parse(bytes) else {
        return;
    };
    for report in compound.iter() {
        let listed = match report {
            Report::Sender { blocks, .. } | Report::Receiver { blocks } => blocks.iter().count(),
            Report::FullIntra(asked) => asked.iter().count(),
            Report::Nack { lost, .. } => lost.iter().count() / 17,
            Report::Goodbye { ssrcs } => ssrcs.iter().count(),
            Report::LastReferences(times) => times.iter().count(),
            _ => 0,
        };
        assert!(listed <= bytes.len());
    }
}
