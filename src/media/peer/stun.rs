//! Telling datagrams apart (RFC 7983) and reading a STUN request's user name (RFC 8489), on untrusted bytes.

use std::net::SocketAddr;
use std::sync::Arc;

use rtc::crypto::RTCCryptoProvider;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::Message;

/// The fixed value in every STUN header (RFC 8489 §5).
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const HEADER_BYTES: usize = 20;
const USERNAME: u16 = 0x0006;
const USE_CANDIDATE: u16 = 0x0025;
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];

/// What a datagram is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum Datagram<'a> {
    /// A STUN binding request with the user name fragment of the connection that it is for.
    Check {
        /// Ours: what stands before the colon (RFC 8445 §7.2.2).
        ufrag: &'a str,
    },
    /// Another STUN message: an answer to a check of ours.
    Stun,
    /// DTLS.
    Dtls,
    /// RTP or RTCP, protected.
    Rtp,
}

impl<'a> Datagram<'a> {
    /// What these bytes are; `None` for anything that has no business here.
    pub fn classify(bytes: &'a [u8]) -> Option<Self> {
        match bytes.first()? {
            0..=3 => Self::stun(bytes),
            20..=63 => Some(Self::Dtls),
            128..=191 => Some(Self::Rtp),
            _ => None,
        }
    }

    fn stun(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() < HEADER_BYTES || bytes[4..8] != MAGIC_COOKIE {
            return None;
        }
        let kind = u16::from_be_bytes([bytes[0], bytes[1]]);
        match kind {
            0x0001 => user_name(bytes).map(|ufrag| Self::Check { ufrag }),
            _ => Some(Self::Stun),
        }
    }
}

/// Whether these bytes are STUN.
pub(in crate::media) fn is_stun(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(0..=3))
}

/// Whether these bytes are DTLS (RFC 7983 §7).
pub(in crate::media) fn is_dtls(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(20..=63))
}

/// Whether this message carries the right MESSAGE-INTEGRITY (RFC 8489 §14.5) for that password.
pub(in crate::media) fn is_signed(
    bytes: &[u8],
    password: &str,
    provider: &Arc<dyn RTCCryptoProvider>,
) -> bool {
    let mut message = Message::new();
    message.unmarshal_binary(bytes).is_ok()
        && MessageIntegrity::check(&mut message, password.as_bytes(), provider.crypto()).is_ok()
}

/// Whether these bytes are a check.
pub(in crate::media) fn is_request(bytes: &[u8]) -> bool {
    bytes.starts_with(&BINDING_REQUEST)
}

/// Whether these bytes are a check that nominates its pair (RFC 8445 §7.2.2).
pub(in crate::media) fn is_nomination(bytes: &[u8]) -> bool {
    is_request(bytes) && attribute(bytes, USE_CANDIDATE).is_some()
}

/// Whether these bytes are a good answer to a check.
pub(in crate::media) fn is_success(bytes: &[u8]) -> bool {
    bytes.starts_with(&BINDING_SUCCESS)
}

/// What an answer has in common with its request (RFC 8489 §5).
pub(in crate::media) fn transaction(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(8..HEADER_BYTES)
}

fn user_name(bytes: &[u8]) -> Option<&str> {
    let value = attribute(bytes, USERNAME)?;
    let (ours, _) = std::str::from_utf8(value).ok()?.split_once(':')?;
    Some(ours)
}

/// The value of the first attribute of that kind (RFC 8489 §14).
fn attribute(bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut rest = bytes.get(HEADER_BYTES..)?;
    while rest.len() >= 4 {
        let kind = u16::from_be_bytes([rest[0], rest[1]]);
        let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        let value = rest.get(4..4 + length)?;
        if kind == wanted {
            return Some(value);
        }
        rest = rest.get(4 + length.next_multiple_of(4)..)?;
    }
    None
}

/// Whether a datagram from this address may be looked at, and answered: unicast, and not from a port below 1024,
/// behind which other services listen that a forged source could make us disturb.
pub(in crate::media) fn may_be_peer(address: SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    let metadata = ip == std::net::IpAddr::from([169, 254, 169, 254]);
    let broadcast = ip == std::net::IpAddr::from([255, 255, 255, 255]);
    address.port() >= 1024 && !ip.is_unspecified() && !ip.is_multicast() && !metadata && !broadcast
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(user: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 1, 0, 0];
        bytes.extend(MAGIC_COOKIE);
        bytes.extend([7; 12]);
        // An attribute before it, of a length that needs padding.
        bytes.extend([0x80, 0x22, 0, 3, 1, 2, 3, 0]);
        bytes.extend([0, 6]);
        bytes.extend(u16::try_from(user.len()).unwrap().to_be_bytes());
        bytes.extend(user);
        bytes
    }

    #[test]
    fn a_check_names_the_connection_it_is_for() {
        assert_eq!(
            Datagram::classify(&request(b"ours:theirs")),
            Some(Datagram::Check { ufrag: "ours" })
        );
    }

    #[test]
    fn a_nomination_is_a_request_that_says_so() {
        let mut check = request(b"ours:theirs!");
        assert!(!is_nomination(&check));
        check.extend([0, 0x25, 0, 0]);
        assert!(is_nomination(&check) && !is_success(&check));
        assert_eq!(transaction(&check), Some(&[7; 12][..]));
        check[0] = 1;
        assert!(!is_nomination(&check) && is_success(&check));
        assert_eq!(transaction(&check[..19]), None);
    }

    #[test]
    fn garbage_is_nothing() {
        for user in [&b"no colon"[..], &[0xff, b':', 1], b""] {
            assert_eq!(Datagram::classify(&request(user)), None);
        }
        let whole = request(b"ours:theirs");
        for end in 0..whole.len() {
            assert_eq!(Datagram::classify(&whole[..end]), None, "cut at {end}");
        }
        for first in 0..=255u8 {
            for length in 0..40 {
                let _ = Datagram::classify(&vec![first; length]);
            }
        }
        let mut lying = request(b"ours:theirs");
        lying[30] = 0xff;
        assert_eq!(Datagram::classify(&lying), None);
    }

    #[test]
    fn the_rest_is_told_apart_by_its_first_byte() {
        assert_eq!(Datagram::classify(&[22, 254, 253]), Some(Datagram::Dtls));
        assert_eq!(Datagram::classify(&[0x80, 96]), Some(Datagram::Rtp));
        assert_eq!(Datagram::classify(&[64]), None);
    }

    #[test]
    fn addresses_that_could_not_be_a_clients_are_ignored() {
        for address in [
            "0.0.0.0:5000",
            "224.0.0.1:5000",
            "255.255.255.255:5000",
            "169.254.169.254:5000",
            "[::ffff:169.254.169.254]:5000",
            "[::]:5000",
            "[ff02::1]:5000",
            "192.0.2.1:53",
            "192.0.2.1:0",
        ] {
            assert!(!may_be_peer(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1:5000",
            "192.0.2.1:1024",
            "[::1]:5000",
            "10.0.0.1:60000",
        ] {
            assert!(may_be_peer(address.parse().unwrap()), "{address}");
        }
    }
}
