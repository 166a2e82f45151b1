//! Tells from the first bytes what a connection speaks.
//!
//! One TCP port carries HTTP, TLS, media in frames (RFC 4571) and TURN. A TLS handshake record begins with 22 (RFC 8446
//! §5.1), and no message of the others does. STUN and TURN have a magic cookie (RFC 8489 §5) after the type and the
//! length of the message. In a frame of media it comes two bytes later, after the length of the frame.

/// The magic cookie of STUN.
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// The first byte of a TLS record that belongs to a handshake.
const HANDSHAKE: u8 = 22;
/// The first byte of STUN and of framed media is not larger. Requests of TURN begin with 0, and media begins with a
/// check of about a hundred bytes.
const LARGEST_FIRST: u8 = 3;

/// This many bytes always suffice.
pub const ENOUGH: usize = 10;

/// The protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A handshake of TLS.
    Tls,
    /// Media over TCP (RFC 6544), in frames.
    IceTcp,
    /// TURN over TCP (RFC 8656 §2.1).
    Turn,
    /// HTTP, or something that is refused as such.
    Http,
}

/// The protocol of a connection with these first bytes. None while more are needed. [`ENOUGH`] bytes always suffice.
pub fn classify(first: &[u8]) -> Option<Kind> {
    let byte = *first.first()?;
    if byte == HANDSHAKE {
        return Some(Kind::Tls);
    }
    if byte > LARGEST_FIRST {
        return Some(Kind::Http);
    }
    match (could_be_at(first, 4), could_be_at(first, 6)) {
        (Some(true), _) => Some(Kind::Turn),
        (_, Some(true)) => Some(Kind::IceTcp),
        (Some(false), Some(false)) => Some(Kind::Http),
        (None, _) | (_, None) => None,
    }
}

/// Whether the cookie is at this place. None while it is incomplete.
fn could_be_at(first: &[u8], at: usize) -> Option<bool> {
    let there = first.get(at..).unwrap_or_default();
    let there = &there[..there.len().min(COOKIE.len())];
    if there != &COOKIE[..there.len()] {
        return Some(false);
    }
    (there.len() == COOKIE.len()).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_by_its_first_bytes_and_as_early_as_can_be() {
        let frame = [0, 100, 0, 1, 0, 80, 0x21, 0x12, 0xa4, 0x42];
        let turn = [0, 3, 0, 36, 0x21, 0x12, 0xa4, 0x42, 0, 0];
        // The bytes, how many of them tell, and what they tell.
        let table: &[(&[u8], usize, Kind)] = &[
            (&[22, 3, 1, 2, 0, 1, 0, 1, 0, 0], 1, Kind::Tls),
            (b"GET / HTTP", 1, Kind::Http),
            (b"PRI * HTTP", 1, Kind::Http),
            (b"\r\nGET / HT", 1, Kind::Http),
            (&[0x40, 0, 0, 4, 1, 2, 3, 4, 0, 0], 1, Kind::Http),
            (&frame, 10, Kind::IceTcp),
            (&turn, 8, Kind::Turn),
            (&[0; 10], 7, Kind::Http),
            (
                &[1, 1, 0, 0, 0x21, 0x12, 0x21, 0x12, 0xa4, 0],
                10,
                Kind::Http,
            ),
            (&[0, 3, 0, 36, 0x21, 0x12, 0xa4, 0, 0, 0], 8, Kind::Http),
        ];
        for (bytes, enough, kind) in table {
            for count in 0..*enough {
                assert_eq!(classify(&bytes[..count]), None, "{bytes:?} {count}");
            }
            for count in *enough..=bytes.len() {
                assert_eq!(classify(&bytes[..count]), Some(*kind), "{bytes:?} {count}");
            }
        }
    }

    #[test]
    fn enough_bytes_always_tell() {
        // Every way in which ten bytes can be cookies' bytes or others.
        for pattern in 0..1_u32 << ENOUGH {
            let mut bytes = [0; ENOUGH];
            for (at, byte) in bytes.iter_mut().enumerate().skip(1) {
                if pattern & (1 << at) != 0 {
                    *byte = COOKIE[(at + 2 * (pattern as usize & 1)) % 4];
                }
            }
            assert!(classify(&bytes).is_some(), "{bytes:?}");
        }
    }
}
