//! The part of STUN (RFC 8489) that a client needs: signed requests, and their answers.
//!
//! It shares no code with the server, so that a fault of the server does not hide itself.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const HEADER: usize = 20;
const FINGERPRINT_MASK: u32 = 0x5354_554e;

pub(super) const BINDING: u16 = 0x0001;
pub(super) const ALLOCATE: u16 = 0x0003;
pub(super) const REFRESH: u16 = 0x0004;

const USERNAME: u16 = 0x0006;
const INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const LIFETIME: u16 = 0x000d;
const REALM: u16 = 0x0014;
const NONCE: u16 = 0x0015;
const REQUESTED_TRANSPORT: u16 = 0x0019;
const PRIORITY: u16 = 0x0024;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLING: u16 = 0x802a;

/// The id by which an answer is recognised.
pub(super) type Transaction = [u8; 12];

/// A request that is being written.
pub(super) struct Request(Vec<u8>);

impl Request {
    pub fn new(kind: u16, transaction: &Transaction) -> Self {
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend([0, 0]);
        bytes.extend(COOKIE);
        bytes.extend(transaction);
        Self(bytes)
    }

    fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        self.0.extend(kind.to_be_bytes());
        self.0.extend((value.len() as u16).to_be_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self.length(0)
    }

    /// Sets the length to include so many more bytes.
    fn length(mut self, more: usize) -> Self {
        let length = (self.0.len() - HEADER + more) as u16;
        self.0[2..4].copy_from_slice(&length.to_be_bytes());
        self
    }

    /// An ICE check of the controlling side (RFC 8445 §7.1).
    pub fn check(self, username: &str) -> Self {
        self.attribute(USERNAME, username.as_bytes())
            .attribute(PRIORITY, &1_845_501_695_u32.to_be_bytes())
            .attribute(ICE_CONTROLLING, &rand::random::<[u8; 8]>())
    }

    /// For relaying datagrams (RFC 8656 §14.7).
    pub fn for_datagrams(self) -> Self {
        self.attribute(REQUESTED_TRANSPORT, &[17, 0, 0, 0])
    }

    /// To give an allocation back (RFC 8656 §7.1).
    pub fn for_no_longer(self) -> Self {
        self.attribute(LIFETIME, &[0; 4])
    }

    /// Adds the user name and the challenge of the server (RFC 8489 §9.2).
    pub fn by(self, username: &str, challenge: &Challenge) -> Self {
        self.attribute(USERNAME, username.as_bytes())
            .attribute(REALM, &challenge.realm)
            .attribute(NONCE, &challenge.nonce)
    }

    /// The whole, signed.
    pub fn sign(self, key: &[u8]) -> Vec<u8> {
        let whole = self.length(4 + 20);
        let tag =
            Hmac::<Sha1>::new_from_slice(key).map(|mac| mac.chain_update(&whole.0).finalize());
        let tag = tag.map(|tag| tag.into_bytes().to_vec()).unwrap_or_default();
        whole.attribute(INTEGRITY, &tag).checksum()
    }

    /// The whole, unsigned.
    pub fn plain(self) -> Vec<u8> {
        self.checksum()
    }

    fn checksum(self) -> Vec<u8> {
        let whole = self.length(8);
        let sum = crc32(&whole.0) ^ FINGERPRINT_MASK;
        whole.attribute(FINGERPRINT, &sum.to_be_bytes()).0
    }
}

/// The realm and the nonce that a server asks its client to repeat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Challenge {
    pub realm: Vec<u8>,
    pub nonce: Vec<u8>,
}

/// What a server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Success,
    Error(u16, Challenge),
}

/// Reads the answer to a request. None if it is none.
pub(super) fn answer(bytes: &[u8], kind: u16, transaction: &Transaction) -> Option<Answer> {
    let (head, mut rest) = bytes.split_at_checked(HEADER)?;
    if head[4..8] != COOKIE || head[8..] != transaction[..] {
        return None;
    }
    let told = u16::from_be_bytes([head[0], head[1]]);
    if told == kind | 0x0100 {
        return Some(Answer::Success);
    }
    if told != kind | 0x0110 {
        return None;
    }
    let mut code = 0;
    let mut challenge = Challenge::default();
    while let Some((front, after)) = rest.split_at_checked(4) {
        let length = usize::from(u16::from_be_bytes([front[2], front[3]]));
        let value = after.get(..length)?;
        match u16::from_be_bytes([front[0], front[1]]) {
            ERROR_CODE => code = u16::from(*value.get(2)? & 7) * 100 + u16::from(*value.get(3)?),
            REALM => challenge.realm = value.to_vec(),
            NONCE => challenge.nonce = value.to_vec(),
            _ => {}
        }
        rest = after.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(Answer::Error(code, challenge))
}

/// The length of a message on a stream, from its first bytes (RFC 8489 §6.2.2).
pub(super) fn length(head: &[u8; 4]) -> usize {
    HEADER + usize::from(u16::from_be_bytes([head[2], head[3]]))
}

/// The CRC-32 with the polynomial of ISO HDLC (RFC 8489 §14.7).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| {
            let carry = if sum & 1 == 1 { 0xedb8_8320 } else { 0 };
            carry ^ (sum >> 1)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 §2.2 is signed with this password; its head and transaction are used here with an answer of ours.
    const PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";

    #[test]
    fn a_checksum_is_that_of_the_standard() {
        // The check value of CRC-32/ISO-HDLC.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_request_tells_its_length_and_ends_with_its_checksum() {
        let transaction = [7; 12];
        let bytes = Request::new(BINDING, &transaction)
            .check("ours:theirs")
            .sign(PASSWORD);
        assert_eq!(
            length(&[bytes[0], bytes[1], bytes[2], bytes[3]]),
            bytes.len()
        );
        assert_eq!(
            bytes[bytes.len() - 8..bytes.len() - 6],
            FINGERPRINT.to_be_bytes()
        );
        assert_eq!(
            answer(&bytes, BINDING, &transaction),
            None,
            "a request is no answer"
        );
    }

    #[test]
    fn an_answer_is_one_to_this_request() {
        let transaction = [7; 12];
        let success = Request::new(BINDING | 0x0100, &transaction).plain();
        assert_eq!(
            answer(&success, BINDING, &transaction),
            Some(Answer::Success)
        );
        assert_eq!(answer(&success, BINDING, &[8; 12]), None);
        assert_eq!(answer(&success, ALLOCATE, &transaction), None);
        let refused = Request::new(ALLOCATE | 0x0110, &transaction)
            .attribute(ERROR_CODE, &[0, 0, 4, 1])
            .attribute(REALM, b"meet")
            .attribute(NONCE, b"once!")
            .plain();
        let challenge = Challenge {
            realm: b"meet".to_vec(),
            nonce: b"once!".to_vec(),
        };
        assert_eq!(
            answer(&refused, ALLOCATE, &transaction),
            Some(Answer::Error(401, challenge))
        );
        for cut in 0..refused.len() {
            let _ = answer(&refused[..cut], ALLOCATE, &transaction);
        }
    }
}
