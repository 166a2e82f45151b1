//! What a stranger sends to the media threads, as functions of bytes.

use std::time::{Duration, Instant};

use super::peer::{candidate as candidates, dtls, sdp};

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
        // Whatever is admitted is no longer than all that came.
        assert!(admitted.records.len() <= bytes.len() * 2 + 64);
        now += Duration::from_millis(20);
        rest = after;
    }
}
