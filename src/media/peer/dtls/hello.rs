//! What a ClientHello offers (RFC 5246 §7.4.1.2), before DTLS has read it.

use super::record::{CLIENT_HELLO, FRAGMENT_HEADER_BYTES, HANDSHAKE, records};

/// The extension of RFC 5764 §4.1.1.
const USE_SRTP: u16 = 14;
/// Version and random.
const FIXED_BYTES: usize = 34;

/// Whether the hello that these records begin with, in one fragment, offers this SRTP protection profile.
pub(super) fn offers(datagram: &[u8], profile: u16) -> bool {
    let first = records(datagram).next();
    let hello =
        first.filter(|first| first.kind == HANDSHAKE && first.body.first() == Some(&CLIENT_HELLO));
    let hello = hello.and_then(|hello| hello.body.get(FRAGMENT_HEADER_BYTES..));
    let profiles = hello.and_then(profiles).unwrap_or_default();
    profiles
        .chunks_exact(2)
        .any(|one| one == profile.to_be_bytes())
}

/// The list in the hello's `use_srtp`.
fn profiles(hello: &[u8]) -> Option<&[u8]> {
    let mut rest = hello.get(FIXED_BYTES..)?;
    // Session, cookie, cipher suites, compression methods.
    for prefix in [1, 1, 2, 1] {
        vector(&mut rest, prefix)?;
    }
    let mut extensions = vector(&mut rest, 2)?;
    while !extensions.is_empty() {
        let (kind, behind) = extensions.split_first_chunk()?;
        extensions = behind;
        let mut body = vector(&mut extensions, 2)?;
        if u16::from_be_bytes(*kind) == USE_SRTP {
            return vector(&mut body, 2);
        }
    }
    None
}

/// Takes what a length of so many bytes precedes (RFC 5246 §4.3).
fn vector<'a>(rest: &mut &'a [u8], prefix: usize) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_at_checked(prefix)?;
    let length = length
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let (taken, behind) = behind.split_at_checked(length)?;
    *rest = behind;
    Some(taken)
}
