//! Handshake messages put together from their fragments: in any order, overlapping, repeated, cut anew.

use super::DtlsRole;
use super::record::{
    CERTIFICATE, CERTIFICATE_REQUEST, CERTIFICATE_VERIFY, CLIENT_HELLO, CLIENT_KEY_EXCHANGE,
    Fragment, HELLO_VERIFY_REQUEST, NEW_SESSION_TICKET, SERVER_HELLO, SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE,
};
use crate::budgets::media::{DTLS_BYTES, DTLS_FRAGMENTS, DTLS_MESSAGE, DTLS_MESSAGES};

/// Messages that may be begun before the one that is next is whole. A server's longest flight has five.
const MOST_AHEAD: u16 = 5;

/// What became of a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It belongs to a message that was whole before: the other side repeats itself.
    Old,
    /// It may have made a message whole.
    Kept,
    /// The other side sends no such fragment here, or it is more than is kept.
    Refused,
}

/// A whole message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub kind: u8,
    pub sequence: u16,
    pub bytes: Vec<u8>,
}

/// The messages of the other side, each given out once and in order.
#[derive(Default)]
pub(super) struct Assembly {
    /// The number of the message that is next.
    next: u16,
    parts: Vec<Part>,
    /// Bytes of the messages that were given out.
    given: usize,
}

/// A message that is not whole yet.
struct Part {
    sequence: u16,
    kind: u8,
    bytes: Vec<u8>,
    /// What there is of it: sorted, apart from each other.
    have: Vec<(usize, usize)>,
}

impl Assembly {
    /// How many messages were given out.
    pub fn count(&self) -> u16 {
        self.next
    }

    /// Takes a fragment of a message to this end of the association.
    pub fn take(&mut self, fragment: &Fragment<'_>, us: DtlsRole) -> Taken {
        if fragment.sequence < self.next {
            return Taken::Old;
        }
        let in_turn = fragment.sequence - self.next < MOST_AHEAD
            && usize::from(fragment.sequence) < DTLS_MESSAGES.size();
        if !in_turn || !is_expected(fragment, us) || fragment.length > DTLS_MESSAGE.size() {
            return Taken::Refused;
        }
        // One forged fragment must not spoil a message for good: a fragment that contradicts the message begins it
        // anew.
        self.parts.retain(|part| {
            part.sequence != fragment.sequence
                || (part.kind == fragment.kind && part.bytes.len() == fragment.length)
        });
        let place = self
            .parts
            .iter()
            .position(|part| part.sequence == fragment.sequence);
        let place = match place {
            Some(place) => place,
            None if self.held() + fragment.length > DTLS_BYTES.size() => return Taken::Refused,
            None => {
                self.parts.push(Part {
                    sequence: fragment.sequence,
                    kind: fragment.kind,
                    bytes: vec![0; fragment.length],
                    have: Vec::new(),
                });
                self.parts.len() - 1
            }
        };
        if self.parts[place].add(fragment) {
            Taken::Kept
        } else {
            Taken::Refused
        }
    }

    /// The next message, once it is whole.
    pub fn next_message(&mut self) -> Option<Message> {
        let is_next = |part: &Part| part.sequence == self.next && part.is_whole();
        let place = self.parts.iter().position(is_next)?;
        let part = self.parts.swap_remove(place);
        self.next += 1;
        self.given += part.bytes.len();
        Some(Message {
            kind: part.kind,
            sequence: part.sequence,
            bytes: part.bytes,
        })
    }

    /// What the other side has cost, in bytes of messages: here, and in the crate, which keeps what it was given.
    pub fn held(&self) -> usize {
        let waiting: usize = self.parts.iter().map(|part| part.bytes.len()).sum();
        self.given + waiting
    }
}

/// Whether the other side says such a thing at this place (RFC 6347 §4.2.4).
fn is_expected(fragment: &Fragment<'_>, us: DtlsRole) -> bool {
    if (fragment.length == 0) != (fragment.kind == SERVER_HELLO_DONE) {
        return false;
    }
    match (us, fragment.sequence) {
        // A hello, perhaps a second one with a cookie, then a flight with the certificate.
        (DtlsRole::Server, 0) => fragment.kind == CLIENT_HELLO,
        (DtlsRole::Server, 1) => matches!(
            fragment.kind,
            CLIENT_HELLO | CERTIFICATE | CLIENT_KEY_EXCHANGE
        ),
        (DtlsRole::Server, _) => matches!(
            fragment.kind,
            CERTIFICATE | CLIENT_KEY_EXCHANGE | CERTIFICATE_VERIFY
        ),
        // Perhaps a cookie, then a hello and all that belongs to it.
        (DtlsRole::Client, 0) => matches!(fragment.kind, HELLO_VERIFY_REQUEST | SERVER_HELLO),
        (DtlsRole::Client, _) => matches!(
            fragment.kind,
            SERVER_HELLO
                | CERTIFICATE
                | SERVER_KEY_EXCHANGE
                | CERTIFICATE_REQUEST
                | SERVER_HELLO_DONE
                | NEW_SESSION_TICKET
        ),
    }
}

impl Part {
    /// Whether it was added; not where it would leave more gaps than are kept.
    fn add(&mut self, fragment: &Fragment<'_>) -> bool {
        let (mut start, mut end) = (fragment.offset, fragment.offset + fragment.bytes.len());
        let before = self.have.partition_point(|(_, to)| *to < start);
        let after = self.have.partition_point(|(from, _)| *from <= end);
        if before == after && self.have.len() >= DTLS_FRAGMENTS.size() {
            return false;
        }
        self.bytes[start..end].copy_from_slice(fragment.bytes);
        if before < after {
            start = start.min(self.have[before].0);
            end = end.max(self.have[after - 1].1);
        }
        self.have.splice(before..after, [(start, end)]);
        true
    }

    fn is_whole(&self) -> bool {
        self.have == [(0, self.bytes.len())]
    }
}
