//! Messages of STUN and TURN as bytes (RFC 8489 §5, RFC 8656 §18): one reader, one writer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// The magic cookie after the type and the length of every message.
pub(super) const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
pub(super) const HEADER_BYTES: usize = 20;
const INTEGRITY_BYTES: usize = 20;

/// Methods (RFC 8489 §18.2, RFC 8656 §17).
pub(super) mod method {
    pub const BINDING: u16 = 0x001;
    pub const ALLOCATE: u16 = 0x003;
    pub const REFRESH: u16 = 0x004;
    pub const SEND: u16 = 0x006;
    pub const DATA: u16 = 0x007;
    pub const CREATE_PERMISSION: u16 = 0x008;
    pub const CHANNEL_BIND: u16 = 0x009;
}

/// Attributes (RFC 8489 §18.3, RFC 8656 §18).
pub(super) mod attribute {
    pub const USERNAME: u16 = 0x0006;
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub const ERROR_CODE: u16 = 0x0009;
    pub const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
    pub const CHANNEL_NUMBER: u16 = 0x000c;
    pub const LIFETIME: u16 = 0x000d;
    pub const XOR_PEER_ADDRESS: u16 = 0x0012;
    pub const DATA: u16 = 0x0013;
    pub const REALM: u16 = 0x0014;
    pub const NONCE: u16 = 0x0015;
    pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    pub const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
    pub const EVEN_PORT: u16 = 0x0018;
    pub const REQUESTED_TRANSPORT: u16 = 0x0019;
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub const RESERVATION_TOKEN: u16 = 0x0022;
    pub const ADDITIONAL_ADDRESS_FAMILY: u16 = 0x8000;
    pub const ADDRESS_ERROR_CODE: u16 = 0x8001;
}

/// The class of a message (RFC 8489 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Request = 0,
    Indication = 1,
    Success = 2,
    Error = 3,
}

/// The type of a message: the bits of the class lie between those of the method.
fn kind_of(method: u16, class: Class) -> u16 {
    let class = class as u16;
    (method & 0xf)
        | ((method & 0x70) << 1)
        | ((method & 0xf80) << 2)
        | ((class & 1) << 4)
        | ((class & 2) << 7)
}

/// One well-formed message. Nothing in it is trusted yet.
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    pub method: u16,
    pub class: Class,
    pub transaction: [u8; 12],
    integrity_at: Option<usize>,
}

impl<'a> Message<'a> {
    /// Reads a datagram. `None` if it is no STUN message.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let is_whole = bytes.len() == HEADER_BYTES + length && length.is_multiple_of(4);
        if header[0] & 0xc0 != 0 || header[4..8] != MAGIC_COOKIE || !is_whole {
            return None;
        }
        let kind = u16::from_be_bytes([header[0], header[1]]);
        let class = match ((kind >> 4) & 1) | ((kind >> 7) & 2) {
            0 => Class::Request,
            1 => Class::Indication,
            2 => Class::Success,
            _ => Class::Error,
        };
        let mut message = Self {
            bytes,
            method: (kind & 0xf) | ((kind >> 1) & 0x70) | ((kind >> 2) & 0xf80),
            class,
            transaction: header[8..].try_into().ok()?,
            integrity_at: None,
        };
        let mut at = HEADER_BYTES;
        while at < bytes.len() {
            let (kind, value) = message.at(at)?;
            if kind == attribute::MESSAGE_INTEGRITY && message.integrity_at.is_none() {
                (value.len() == INTEGRITY_BYTES).then_some(())?;
                message.integrity_at = Some(at);
            }
            at = value.end.next_multiple_of(4);
        }
        Some(message)
    }

    /// The attribute that begins here.
    fn at(&self, at: usize) -> Option<(u16, Range<usize>)> {
        let head: &[u8; 4] = self.bytes.get(at..)?.first_chunk()?;
        let size = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let end = at + 4 + size;
        (end.next_multiple_of(4) <= self.bytes.len()).then_some(())?;
        Some((u16::from_be_bytes([head[0], head[1]]), at + 4..end))
    }

    /// The valid attributes. Those behind MESSAGE-INTEGRITY are ignored (RFC 8489 §14.5).
    fn attributes(&self) -> impl Iterator<Item = (u16, Range<usize>)> {
        let end = self.integrity_at.unwrap_or(self.bytes.len());
        let mut at = HEADER_BYTES;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let found = self.at(at)?;
            at = found.1.end.next_multiple_of(4);
            Some(found)
        })
    }

    /// Where the value of the first attribute of this type lies.
    pub fn place(&self, wanted: u16) -> Option<Range<usize>> {
        self.attributes()
            .find(|(kind, _)| *kind == wanted)
            .map(|(_, place)| place)
    }

    /// The value of the first attribute of this type.
    pub fn value(&self, wanted: u16) -> Option<&'a [u8]> {
        self.bytes.get(self.place(wanted)?)
    }

    /// As text.
    pub fn text(&self, wanted: u16) -> Option<&'a str> {
        std::str::from_utf8(self.value(wanted)?).ok()
    }

    /// A number of 32 bits. Another length is an error of the sender.
    pub fn number(&self, wanted: u16) -> Result<Option<u32>, ()> {
        let Some(value) = self.value(wanted) else {
            return Ok(None);
        };
        let value: [u8; 4] = value.try_into().map_err(drop)?;
        Ok(Some(u32::from_be_bytes(value)))
    }

    /// All XOR-PEER-ADDRESS attributes, in order (RFC 8656 §18.3). `None` for a malformed one.
    pub fn peers(&self) -> impl Iterator<Item = Option<SocketAddr>> {
        self.attributes()
            .filter(|(kind, _)| *kind == attribute::XOR_PEER_ADDRESS)
            .map(|(_, place)| unmask(&self.bytes[place], &self.transaction))
    }

    /// An address under its mask.
    #[cfg(test)]
    pub fn address(&self, wanted: u16) -> Option<SocketAddr> {
        unmask(self.value(wanted)?, &self.transaction)
    }

    /// The first attribute that must be understood and is not in `known`.
    pub fn unknown(&self, known: &[u16]) -> Option<u16> {
        self.attributes()
            .map(|(kind, _)| kind)
            .find(|kind| *kind < 0x8000 && !known.contains(kind))
    }

    /// Whether MESSAGE-INTEGRITY is there.
    pub fn is_signed(&self) -> bool {
        self.integrity_at.is_some()
    }

    /// Whether MESSAGE-INTEGRITY is right (RFC 8489 §14.5). The comparison takes constant time.
    pub fn is_signed_by(&self, key: &[u8]) -> bool {
        let Some(at) = self.integrity_at else {
            return false;
        };
        let length = (at + 4 + INTEGRITY_BYTES - HEADER_BYTES) as u16;
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key) else {
            return false;
        };
        mac.update(&self.bytes[..2]);
        mac.update(&length.to_be_bytes());
        mac.update(&self.bytes[4..at]);
        mac.verify_slice(&self.bytes[at + 4..at + 4 + INTEGRITY_BYTES])
            .is_ok()
    }
}

/// The mask of an address: the cookie, and for IPv6 also the transaction id (RFC 8489 §14.2).
fn mask(transaction: &[u8; 12]) -> [u8; 16] {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&MAGIC_COOKIE);
    mask[4..].copy_from_slice(transaction);
    mask
}

fn unmask(value: &[u8], transaction: &[u8; 12]) -> Option<SocketAddr> {
    let mask = mask(transaction);
    let head: &[u8; 4] = value.first_chunk()?;
    let port = u16::from_be_bytes([head[2] ^ mask[0], head[3] ^ mask[1]]);
    let ip = match (head[1], value.len()) {
        (1, 8) => IpAddr::from(Ipv4Addr::from(std::array::from_fn::<u8, 4, _>(|at| {
            value[4 + at] ^ mask[at]
        }))),
        (2, 20) => IpAddr::from(Ipv6Addr::from(std::array::from_fn::<u8, 16, _>(|at| {
            value[4 + at] ^ mask[at]
        }))),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// Writes one message.
pub(super) struct Writer {
    bytes: Vec<u8>,
    transaction: [u8; 12],
}

impl Writer {
    /// Begins a message.
    pub fn new(method: u16, class: Class, transaction: &[u8; 12]) -> Self {
        let mut bytes = Vec::with_capacity(160);
        bytes.extend_from_slice(&kind_of(method, class).to_be_bytes());
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&MAGIC_COOKIE);
        bytes.extend_from_slice(transaction);
        Self {
            bytes,
            transaction: *transaction,
        }
    }

    /// Any attribute.
    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        self.bytes.extend_from_slice(&kind.to_be_bytes());
        let length = value.len() as u16;
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(value);
        let padded = self.bytes.len().next_multiple_of(4);
        self.bytes.resize(padded, 0);
        self
    }

    /// An address under its mask.
    pub fn address(self, kind: u16, address: SocketAddr) -> Self {
        let mask = mask(&self.transaction);
        let port = address.port().to_be_bytes();
        let (family, ip) = match address.ip() {
            IpAddr::V4(ip) => (1, ip.octets().to_vec()),
            IpAddr::V6(ip) => (2, ip.octets().to_vec()),
        };
        let mut value = vec![0, family, port[0] ^ mask[0], port[1] ^ mask[1]];
        value.extend(ip.iter().zip(mask).map(|(byte, mask)| byte ^ mask));
        self.attribute(kind, &value)
    }

    /// The message as it is.
    pub fn finish(mut self) -> Vec<u8> {
        self.set_length(0);
        self.bytes
    }

    /// The message with its MESSAGE-INTEGRITY.
    pub fn sign(mut self, key: &[u8]) -> Vec<u8> {
        self.set_length(4 + INTEGRITY_BYTES);
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key) else {
            return Vec::new();
        };
        mac.update(&self.bytes);
        let tag = mac.finalize().into_bytes();
        self.attribute(attribute::MESSAGE_INTEGRITY, &tag).bytes
    }

    fn set_length(&mut self, more: usize) {
        let length = (self.bytes.len() - HEADER_BYTES + more) as u16;
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
    }
}

/// The length of the first message of a stream, with its padding (RFC 8489 §6.2.2, RFC 8656 §12.5). `Ok(None)` if more
/// bytes are needed.
///
/// # Errors
/// What begins like no message: nothing after it can be told apart.
pub(super) fn framed(bytes: &[u8]) -> Result<Option<usize>, NotTurn> {
    let Some(head) = bytes.first_chunk::<4>() else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    match head[0] {
        0..=0x3f => match bytes.get(4..8) {
            Some(cookie) if *cookie != MAGIC_COOKIE => Err(NotTurn),
            Some(_) if !length.is_multiple_of(4) => Err(NotTurn),
            Some(_) => Ok(Some(HEADER_BYTES + length)),
            None => Ok(None),
        },
        0x40..=0x4f => Ok(Some(4 + length.next_multiple_of(4))),
        _ => Err(NotTurn),
    }
}

/// The stream contains no TURN messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no stream of TURN messages")]
pub(super) struct NotTurn;

/// Whether a datagram is for the TURN server: ChannelData, or a STUN message of one of its methods. A Binding request
/// without a user name only asks for the address of its sender, and belongs to no ICE agent.
pub fn is_turn(datagram: &[u8]) -> bool {
    match datagram.first() {
        Some(0x40..=0x4f) => true,
        Some(0..=3) => {
            let Some(head) = datagram.first_chunk::<8>() else {
                return false;
            };
            if head[4..] != MAGIC_COOKIE {
                return false;
            }
            let kind = u16::from_be_bytes([head[0], head[1]]);
            let method = (kind & 0xf) | ((kind >> 1) & 0x70) | ((kind >> 2) & 0xf80);
            match method {
                method::ALLOCATE..=method::CHANNEL_BIND => true,
                method::BINDING => Message::parse(datagram).is_some_and(|message| {
                    message.class == Class::Request && message.place(attribute::USERNAME).is_none()
                }),
                _ => false,
            }
        }
        _ => false,
    }
}
