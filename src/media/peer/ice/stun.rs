//! STUN (RFC 8489), as far as an ICE agent that only answers needs it: a request is read where it lies, an answer is
//! written.
//!
//! Nothing in a [`Message`] is true before [`Message::is_signed_by`] has said so.

use std::net::{IpAddr, SocketAddr};

use ring::hmac;
use subtle::ConstantTimeEq as _;

/// Message types (RFC 8489 §5): Binding, as request, success and error.
pub(in crate::media) const BINDING_REQUEST: u16 = 0x0001;
pub(in crate::media) const BINDING_SUCCESS: u16 = 0x0101;
pub(in crate::media) const BINDING_ERROR: u16 = 0x0111;

/// Errors that an agent answers (RFC 8489 §14.8, RFC 8445 §7.3.1.1).
pub(super) const UNKNOWN_ATTRIBUTE: (u16, &str) = (420, "Unknown Attribute");
pub(super) const ROLE_CONFLICT: (u16, &str) = (487, "Role Conflict");

/// The fixed value in every header (RFC 8489 §5).
const MAGIC_COOKIE: u32 = 0x2112_a442;
const HEADER_BYTES: usize = 20;
const INTEGRITY_BYTES: usize = 20;
/// XORed onto the checksum, so that it is told from another protocol's (RFC 8489 §14.7).
const FINGERPRINT_MASK: u32 = 0x5354_554e;

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLED: u16 = 0x8029;
/// An agent may skip attributes from here on when it does not know them (RFC 8489 §14).
const OPTIONAL: u16 = 0x8000;

/// What an answer has in common with its request.
pub(super) type Transaction = [u8; 12];

/// A message whose frame is sound.
pub(in crate::media) struct Message<'a> {
    bytes: &'a [u8],
    /// The message type.
    pub kind: u16,
    /// By which its answer is known.
    pub transaction: Transaction,
    /// The connection it is for: the part before the colon of the user name (RFC 8445 §7.2.2).
    pub ufrag: Option<&'a str>,
    /// Of the sender's candidate, the same in all its checks from one address of its own (RFC 8445 §7.1.1).
    pub priority: Option<u32>,
    /// The sender nominates the pair.
    pub nominates: bool,
    /// The sender wants to be the controlled agent.
    pub controlled: bool,
    /// The first attribute that must be known and is not.
    pub unknown: Option<u16>,
    integrity_at: Option<usize>,
}

impl<'a> Message<'a> {
    /// Reads a datagram; `None` for what is no STUN message, or was damaged on its way.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let whole = bytes.len() == HEADER_BYTES + length && length.is_multiple_of(4);
        if header[0] & 0xc0 != 0 || header[4..8] != MAGIC_COOKIE.to_be_bytes() || !whole {
            return None;
        }
        let mut message = Self {
            bytes,
            kind: u16::from_be_bytes([header[0], header[1]]),
            transaction: header[8..].try_into().ok()?,
            ufrag: None,
            priority: None,
            nominates: false,
            controlled: false,
            unknown: None,
            integrity_at: None,
        };
        let mut at = HEADER_BYTES;
        while at < bytes.len() {
            let head: &[u8; 4] = bytes.get(at..)?.first_chunk()?;
            let kind = u16::from_be_bytes([head[0], head[1]]);
            let size = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let value = bytes.get(at + 4..at + 4 + size)?;
            message.attribute(kind, value, at)?;
            at += 4 + size.next_multiple_of(4);
        }
        Some(message)
    }

    /// Takes an attribute; `None` if the message is out of shape for it.
    fn attribute(&mut self, kind: u16, value: &'a [u8], at: usize) -> Option<()> {
        // MESSAGE-INTEGRITY covers what stands before it; behind it only FINGERPRINT counts (RFC 8489 §14.5).
        if self.integrity_at.is_some() && kind != FINGERPRINT {
            return Some(());
        }
        match kind {
            USERNAME => {
                let (ours, _) = std::str::from_utf8(value).ok()?.split_once(':')?;
                self.ufrag = Some(ours);
            }
            MESSAGE_INTEGRITY => {
                self.integrity_at = (value.len() == INTEGRITY_BYTES).then_some(at);
                self.integrity_at?;
            }
            USE_CANDIDATE => self.nominates = true,
            ICE_CONTROLLED => self.controlled = true,
            FINGERPRINT => {
                let is_last = at + 8 == self.bytes.len();
                let sum = crc32(&self.bytes[..at]) ^ FINGERPRINT_MASK;
                (is_last && value == sum.to_be_bytes()).then_some(())?;
            }
            PRIORITY => {
                let value: [u8; 4] = value.try_into().ok()?;
                self.priority = Some(u32::from_be_bytes(value));
            }
            XOR_MAPPED_ADDRESS | ERROR_CODE | UNKNOWN_ATTRIBUTES => {}
            OPTIONAL.. => {}
            _ => {
                self.unknown.get_or_insert(kind);
            }
        }
        Some(())
    }

    /// Whether MESSAGE-INTEGRITY is there and right (RFC 8489 §14.5).
    pub fn is_signed_by(&self, key: &hmac::Key) -> bool {
        let Some(at) = self.integrity_at else {
            return false;
        };
        // The length counts to the end of MESSAGE-INTEGRITY, also when more follows.
        let length = (at + 4 + INTEGRITY_BYTES - HEADER_BYTES) as u16;
        let mut context = hmac::Context::with_key(key);
        context.update(&self.bytes[..2]);
        context.update(&length.to_be_bytes());
        context.update(&self.bytes[4..at]);
        let reported = &self.bytes[at + 4..at + 4 + INTEGRITY_BYTES];
        context.sign().as_ref().ct_eq(reported).into()
    }
}

/// The connection that a check is for, before anything of it is believed.
pub(in crate::media) fn ufrag(datagram: &[u8]) -> Option<&str> {
    let message = Message::parse(datagram)?;
    message.ufrag.filter(|_| message.kind == BINDING_REQUEST)
}

/// The key of a short-term credential is the password (RFC 8489 §9.1.1).
pub(in crate::media) fn key(password: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes())
}

/// Writes one message.
pub(in crate::media) struct Writer(Vec<u8>);

impl Writer {
    /// Begins a message of this type.
    pub fn new(kind: u16, transaction: &Transaction) -> Self {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend_from_slice(&kind.to_be_bytes());
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
        bytes.extend_from_slice(transaction);
        Self(bytes)
    }

    /// Where the request came from (RFC 8489 §14.2).
    pub fn mapped_address(self, address: SocketAddr) -> Self {
        let mut mask = [0; 16];
        mask.copy_from_slice(&self.0[4..HEADER_BYTES]);
        let port = address.port() ^ (MAGIC_COOKIE >> 16) as u16;
        let masked = |ip: &[u8]| -> Vec<u8> { ip.iter().zip(mask).map(|(a, b)| a ^ b).collect() };
        let (family, ip) = match address.ip() {
            IpAddr::V4(ip) => (1, masked(&ip.octets())),
            IpAddr::V6(ip) => (2, masked(&ip.octets())),
        };
        let mut value = vec![0, family];
        value.extend_from_slice(&port.to_be_bytes());
        value.extend_from_slice(&ip);
        self.attribute(XOR_MAPPED_ADDRESS, &value)
    }

    /// An error and its reason phrase.
    pub fn error(self, (code, reason): (u16, &str)) -> Self {
        let mut value = vec![0, 0, (code / 100) as u8, (code % 100) as u8];
        value.extend_from_slice(reason.as_bytes());
        self.attribute(ERROR_CODE, &value)
    }

    /// Which attribute was not known.
    pub fn unknown_attribute(self, kind: u16) -> Self {
        self.attribute(UNKNOWN_ATTRIBUTES, &kind.to_be_bytes())
    }

    /// Any attribute.
    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        self.0.extend_from_slice(&kind.to_be_bytes());
        self.0
            .extend_from_slice(&(value.len() as u16).to_be_bytes());
        self.0.extend_from_slice(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// The message, signed and with its checksum, which stands last.
    pub fn sign(mut self, key: &hmac::Key) -> Vec<u8> {
        self.set_length(4 + INTEGRITY_BYTES);
        let tag = hmac::sign(key, &self.0);
        let mut signed = self.attribute(MESSAGE_INTEGRITY, tag.as_ref());
        signed.set_length(8);
        let sum = crc32(&signed.0) ^ FINGERPRINT_MASK;
        signed.attribute(FINGERPRINT, &sum.to_be_bytes()).0
    }

    /// The length as it will be with so many bytes more.
    fn set_length(&mut self, more: usize) {
        let length = (self.0.len() - HEADER_BYTES + more) as u16;
        self.0[2..4].copy_from_slice(&length.to_be_bytes());
    }
}

/// The remainders of all bytes by the polynomial of ISO HDLC, which RFC 8489 §14.7 names.
const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            let carry = if remainder & 1 == 1 { 0xedb8_8320 } else { 0 };
            remainder = carry ^ (remainder >> 1);
            bit += 1;
        }
        table[byte] = remainder;
        byte += 1;
    }
    table
};

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, &byte| {
        CRC_TABLE[((sum ^ u32::from(byte)) & 0xff) as usize] ^ (sum >> 8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The request of RFC 5769 §2.1: its user name is `evtj:h6vY`.
    const SAMPLE: [u8; 108] = [
        0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6,
        0x86, 0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74,
        0x65, 0x73, 0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e,
        0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36,
        0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20,
        0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e,
        0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5,
        0x7a, 0x3b, 0xcf,
    ];
    const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

    fn request(user: &str) -> Vec<u8> {
        Writer::new(BINDING_REQUEST, &[7; 12])
            .attribute(0x8022, &[1, 2, 3])
            .attribute(USERNAME, user.as_bytes())
            .sign(&key(PASSWORD))
    }

    #[test]
    fn the_sample_of_the_standard_is_read_and_proven() {
        let message = Message::parse(&SAMPLE).unwrap();
        assert_eq!(
            (message.kind, message.ufrag),
            (BINDING_REQUEST, Some("evtj"))
        );
        assert!(message.controlled && !message.nominates && message.unknown.is_none());
        assert!(message.is_signed_by(&key(PASSWORD)));
        assert!(!message.is_signed_by(&key("another")));
    }

    #[test]
    fn no_bit_may_change() {
        // But for the checksum behind it: by another name it is an attribute that does not count.
        for bit in 0..(SAMPLE.len() - 8) * 8 {
            let mut bent = SAMPLE;
            bent[bit / 8] ^= 1 << (bit % 8);
            let proven =
                Message::parse(&bent).is_some_and(|message| message.is_signed_by(&key(PASSWORD)));
            assert!(!proven, "bit {bit}");
        }
    }

    #[test]
    fn what_follows_the_signature_is_not_believed() {
        let user = "ours:theirs";
        let mut bytes = Writer::new(BINDING_REQUEST, &[7; 12])
            .attribute(USERNAME, user.as_bytes())
            .sign(&key(PASSWORD));
        bytes.truncate(bytes.len() - 8);
        let mut writer = Writer(bytes).attribute(USE_CANDIDATE, &[]);
        writer.set_length(0);
        let message = Message::parse(&writer.0).unwrap();
        assert!(message.is_signed_by(&key(PASSWORD)) && !message.nominates);
    }

    #[test]
    fn garbage_is_nothing() {
        let whole = request("ours:theirs");
        assert_eq!(ufrag(&whole), Some("ours"));
        for end in 0..whole.len() {
            assert_eq!(ufrag(&whole[..end]), None, "cut at {end}");
        }
        for (at, value) in [(23, 0xff), (22, 0xff), (3, 0), (0, 0x40), (4, 0)] {
            let mut lying = whole.clone();
            lying[at] = value;
            assert_eq!(ufrag(&lying), None, "byte {at}");
        }
        assert_eq!(ufrag(&request("no colon")), None);
        let mut answer = request("ours:theirs");
        answer[0] = 1;
        assert_eq!(ufrag(&answer), None);
        for first in 0..=255 {
            for length in 0..64 {
                assert!(Message::parse(&vec![first; length]).is_none());
            }
        }
    }

    #[test]
    fn an_address_is_masked_as_the_standard_says() {
        let transaction: Transaction = SAMPLE[8..20].try_into().unwrap();
        let mapped = |address: &str| {
            let writer = Writer::new(BINDING_SUCCESS, &transaction);
            writer.mapped_address(address.parse().unwrap()).0[24..].to_vec()
        };
        // RFC 5769 §2.2 and §2.3.
        let four = [0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
        assert_eq!(mapped("192.0.2.1:32853"), four);
        let six = [
            0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25,
            0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
        ];
        assert_eq!(mapped("[2001:db8:1234:5678:11:2233:4455:6677]:32853"), six);
    }
}
