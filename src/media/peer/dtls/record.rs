//! The DTLS record layer and handshake headers (RFC 6347 §4.1, §4.2.2), read from untrusted bytes without copying.

/// Content types (RFC 5246 §6.2.1).
pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;

/// Handshake types (RFC 5246 §7.4, RFC 6347 §4.2.2).
pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const NEW_SESSION_TICKET: u8 = 4;
pub(super) const HELLO_VERIFY_REQUEST: u8 = 3;
pub(super) const CERTIFICATE: u8 = 11;
pub(super) const SERVER_KEY_EXCHANGE: u8 = 12;
pub(super) const CERTIFICATE_REQUEST: u8 = 13;
pub(super) const SERVER_HELLO_DONE: u8 = 14;
pub(super) const CERTIFICATE_VERIFY: u8 = 15;
pub(super) const CLIENT_KEY_EXCHANGE: u8 = 16;

/// A record's header: type, version, epoch, number, length.
pub(super) const HEADER_BYTES: usize = 13;
/// Where the 48-bit number stands in it.
pub(super) const NUMBER: std::ops::Range<usize> = 5..11;
/// A fragment's header: type, length, message number, offset, fragment length.
pub(super) const FRAGMENT_HEADER_BYTES: usize = 12;

/// One record of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record<'a> {
    /// The content type.
    pub kind: u8,
    /// 0 in the clear, 1 once keys are in use.
    pub epoch: u16,
    /// With its header.
    pub bytes: &'a [u8],
    /// Without.
    pub body: &'a [u8],
}

/// The records of a datagram, up to the first that is out of shape: nothing behind it can be found.
pub(super) fn records(datagram: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let header: &[u8; HEADER_BYTES] = rest.first_chunk()?;
        let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
        // DTLS 1.0 and 1.2 both begin with 0xfe.
        if header[1] != 0xfe || length == 0 {
            return None;
        }
        let bytes = rest.get(..HEADER_BYTES + length)?;
        rest = &rest[HEADER_BYTES + length..];
        Some(Record {
            kind: header[0],
            epoch: u16::from_be_bytes([header[3], header[4]]),
            bytes,
            body: &bytes[HEADER_BYTES..],
        })
    })
}

/// A part of a handshake message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fragment<'a> {
    /// The handshake type.
    pub kind: u8,
    /// Of the whole message.
    pub length: usize,
    /// The message's number.
    pub sequence: u16,
    /// Where the part begins.
    pub offset: usize,
    /// The part.
    pub bytes: &'a [u8],
}

/// The fragments in the body of a handshake record, up to the first that is out of shape. What begins and ends
/// within its message is in shape; an empty one only if its message is empty.
pub(super) fn fragments(body: &[u8]) -> impl Iterator<Item = Fragment<'_>> {
    let mut rest = body;
    std::iter::from_fn(move || {
        let header: &[u8; FRAGMENT_HEADER_BYTES] = rest.first_chunk()?;
        let (length, offset, size) = (u24(header, 1), u24(header, 6), u24(header, 9));
        let bytes = rest.get(FRAGMENT_HEADER_BYTES..FRAGMENT_HEADER_BYTES + size)?;
        if (size == 0 && length != 0) || offset + size > length {
            return None;
        }
        rest = &rest[FRAGMENT_HEADER_BYTES + size..];
        Some(Fragment {
            kind: header[0],
            length,
            sequence: u16::from_be_bytes([header[4], header[5]]),
            offset,
            bytes,
        })
    })
}

/// 24 bits, which never overflow when two are added.
fn u24(header: &[u8; FRAGMENT_HEADER_BYTES], at: usize) -> usize {
    usize::from(header[at]) << 16 | usize::from(header[at + 1]) << 8 | usize::from(header[at + 2])
}

/// The record that holds a whole message in one fragment, in the clear, with this record number.
pub(super) fn whole_message(kind: u8, sequence: u16, message: &[u8], number: u64) -> Vec<u8> {
    let length = message.len() as u32;
    let mut record = vec![HANDSHAKE, 0xfe, 0xfd, 0, 0];
    record.extend_from_slice(&number.to_be_bytes()[2..]);
    record.extend_from_slice(&(length as u16 + FRAGMENT_HEADER_BYTES as u16).to_be_bytes());
    record.push(kind);
    record.extend_from_slice(&length.to_be_bytes()[1..]);
    record.extend_from_slice(&sequence.to_be_bytes());
    record.extend_from_slice(&[0; 3]);
    record.extend_from_slice(&length.to_be_bytes()[1..]);
    record.extend_from_slice(message);
    record
}
