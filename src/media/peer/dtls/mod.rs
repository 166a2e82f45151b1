//! What stands between a client's DTLS datagrams and the crate: nothing reaches it that could hurt it, and no lost
//! datagram stops a handshake.
//!
//! The crate's reassembly calls itself once per fragment, sums up everything for each fragment, and keeps records
//! of the next epoch without limit: one client could overflow the stack of a media thread, its memory or its
//! processor. A record number that nobody authenticated moves its replay window. Any handshake record puts its
//! timer out, also one that repeats what it has: then it never sends its flight again, and the handshake stands
//! still for ever.
//!
//! So the [`Guard`] gives the crate whole messages, in order, each once, with numbers of its own; and it keeps our
//! last flight and sends it again itself (RFC 6347 §4.2.4).
//!
//! It sends the very same datagrams, on time and when asked. A peer that has them already takes them for replays, so
//! nothing that it has put in motion is disturbed. As server the crate's timer is never let run out. As client it goes
//! on beside ours: a server that is done repeats its last flight only when it is sent a new Finished, which the crate
//! alone can seal.
//!
//! The [`Association`] around it chooses how packets will be protected, and gives keys out only when the other side has
//! the certificate that its description names.
//!
//! Pure: datagrams and the time in, datagrams out.

mod assembly;
mod association;
mod hello;
mod record;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use self::assembly::{Assembly, Taken};
pub(in crate::media) use self::association::DtlsRole;
pub(super) use self::association::{Association, Outcome};
use self::record::{
    ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE, HELLO_VERIFY_REQUEST, NUMBER, Record, records,
};
use crate::budgets::media::{DTLS_ALERTS, DTLS_RECORDS, DTLS_SEALED, DTLS_SEALED_BYTES};

/// When a flight is sent again for the first time without being asked; then after twice the time, and so on.
const FIRST_PATIENCE: Duration = Duration::from_millis(200);
const LONGEST_PATIENCE: Duration = Duration::from_secs(5);
/// A client repeats a flight in several datagrams; it is answered once.
const ECHO: Duration = Duration::from_millis(40);
/// So many times. A client that still repeats itself is answered less often, as an attacker may have forged its
/// address.
const QUICK_REPEATS: usize = 16;
const SLOW_ECHO: Duration = Duration::from_secs(1);
/// The crate arms its flight timer with a second more than the time that it is told with a datagram. As server it
/// is told one at which the timer never runs out: it would give the handshake up after eight seconds.
const NEVER: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);
/// Our longest flight is below 2 KiB; what is longer is not kept.
const LONGEST_FLIGHT: usize = 16 * 1024;
/// The other side has keys at the earliest when it has sent three messages: a client two hellos and a key exchange, a
/// server its hello, its certificate and its key exchange.
const FIRST_SEALED: u16 = 3;

/// What became of a datagram.
#[derive(Debug, Default)]
pub(in crate::media) struct Admitted {
    /// What the crate is to read; nothing when empty.
    pub records: BytesMut,
    /// Our last flight is to be sent again: the client repeats its own.
    pub repeat: bool,
}

/// The guard of one connection.
pub(in crate::media) struct Guard {
    role: DtlsRole,
    assembly: Assembly,
    /// Records in the clear that the crate was given; each gets the next number.
    numbers: u64,
    /// ChangeCipherSpec and sealed handshake records that the crate was given. What is in them cannot be seen, so
    /// their number and size bound it.
    sealed: usize,
    alerts: usize,
    flight: Flight,
    /// The other side's Finished has been verified. A server sends its own then; a client is told so.
    complete: bool,
    /// We have given up, or said goodbye.
    over: bool,
}

/// What we sent last, and when.
struct Flight {
    datagrams: Vec<Bytes>,
    bytes: usize,
    /// The crate was given something since: what it sends next is another flight.
    answered: bool,
    at: Instant,
    patience: Duration,
    repeats: usize,
    /// Whether it is sent again on time. A HelloVerifyRequest is not: it must cost the server nothing that waits
    /// (RFC 6347 §4.2.1).
    timed: bool,
}

impl Guard {
    /// The guard of a new association, in which we have this role.
    pub fn new(role: DtlsRole, now: Instant) -> Self {
        Self {
            role,
            assembly: Assembly::default(),
            numbers: 0,
            sealed: 0,
            alerts: 0,
            flight: Flight {
                datagrams: Vec::new(),
                bytes: 0,
                answered: true,
                at: now,
                patience: FIRST_PATIENCE,
                repeats: 0,
                timed: false,
            },
            complete: false,
            over: false,
        }
    }

    /// Notes that the handshake is done.
    pub fn complete(&mut self) {
        self.complete = true;
        self.flight.timed = false;
    }

    /// The time that the crate is given with each input.
    pub fn clock(&self, now: Instant) -> Instant {
        match self.role {
            DtlsRole::Server => now + NEVER,
            DtlsRole::Client => now,
        }
    }

    /// Looks at a datagram of the other side's.
    pub fn admit(&mut self, datagram: &[u8], now: Instant) -> Admitted {
        let mut admitted = Admitted::default();
        if self.over {
            return admitted;
        }
        let mut old = false;
        for record in records(datagram).take(DTLS_RECORDS.size()) {
            match (record.epoch, record.kind) {
                (0, HANDSHAKE) => old |= self.assemble(&record, &mut admitted.records),
                // It repeats its Finished. Nothing sealed is given to the crate any more: what an
                // authenticated peer seals could hurt it as well.
                (1, HANDSHAKE) if self.complete => old = true,
                (0, CHANGE_CIPHER_SPEC) | (1, HANDSHAKE) => {
                    self.pass_sealed(&record, &mut admitted.records);
                }
                // Goodbye. In the clear anyone could forge one; a peer that gave up falls silent as well.
                (1, ALERT) if self.complete && self.alerts < DTLS_ALERTS.size() => {
                    self.alerts += 1;
                    admitted.records.extend_from_slice(record.bytes);
                }
                // Application data would be a data channel's; there is none.
                _ => {}
            }
        }
        if admitted.records.is_empty() {
            admitted.repeat = old && self.flight.may_echo(now);
        } else if !self.complete {
            self.flight.answered = true;
        }
        admitted
    }

    /// Whether the record repeats something.
    fn assemble(&mut self, record: &Record<'_>, into: &mut BytesMut) -> bool {
        let mut old = false;
        for fragment in record::fragments(record.body) {
            if self.complete {
                return true;
            }
            old |= self.assembly.take(&fragment, self.role) == Taken::Old;
        }
        while let Some(message) = self.assembly.next_message() {
            let number = self.next_number();
            let (kind, sequence) = (message.kind, message.sequence);
            into.extend_from_slice(&record::whole_message(
                kind,
                sequence,
                &message.bytes,
                number,
            ));
        }
        old
    }

    fn pass_sealed(&mut self, record: &Record<'_>, into: &mut BytesMut) {
        let early = self.assembly.count() < FIRST_SEALED;
        let long = record.body.len() > DTLS_SEALED_BYTES.size();
        if self.complete || early || long || self.sealed >= DTLS_SEALED.size() {
            return;
        }
        self.sealed += 1;
        let start = into.len();
        into.extend_from_slice(record.bytes);
        if record.epoch == 0 {
            let number = self.next_number();
            into[start..][NUMBER].copy_from_slice(&number.to_be_bytes()[2..]);
        }
    }

    /// Records in the clear are numbered anew: a forged number would shut the crate's replay window to the rest.
    fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers - 1
    }

    /// Notes a datagram of ours.
    pub fn sent(&mut self, datagram: &[u8], now: Instant) {
        let Some(first) = records(datagram).next() else {
            return;
        };
        if first.kind == ALERT {
            self.over = true;
            self.flight.timed = false;
            return;
        }
        let is_finished = |record: Record<'_>| (record.epoch, record.kind) == (1, HANDSHAKE);
        self.complete |= self.role == DtlsRole::Server && records(datagram).any(is_finished);
        // The crate's own timer repeats what it sends as a client.
        let again = now.saturating_duration_since(self.flight.at) >= ECHO;
        if self.flight.answered || again {
            self.flight = Flight {
                datagrams: Vec::new(),
                bytes: 0,
                answered: false,
                at: now,
                patience: FIRST_PATIENCE,
                repeats: 0,
                timed: first.body.first() != Some(&HELLO_VERIFY_REQUEST),
            };
        }
        self.flight.timed &= !self.complete;
        if self.flight.bytes + datagram.len() <= LONGEST_FLIGHT {
            self.flight.bytes += datagram.len();
            self.flight.datagrams.push(Bytes::copy_from_slice(datagram));
        }
    }

    /// When our flight is due to be sent again.
    pub fn due(&self) -> Option<Instant> {
        (self.flight.timed && !self.over).then(|| self.flight.at + self.flight.patience)
    }

    /// Our flight, to be sent again because it is due.
    pub fn overdue(&mut self, now: Instant) -> Option<&[Bytes]> {
        if self.due().is_none_or(|due| due > now) {
            return None;
        }
        self.flight.patience = LONGEST_PATIENCE.min(self.flight.patience * 2);
        Some(self.again(now))
    }

    /// Our flight, to be sent again as it is.
    pub fn again(&mut self, now: Instant) -> &[Bytes] {
        self.flight.at = now;
        self.flight.repeats += 1;
        &self.flight.datagrams
    }
}

impl Flight {
    fn may_echo(&self, now: Instant) -> bool {
        let gap = if self.repeats < QUICK_REPEATS {
            ECHO
        } else {
            SLOW_ECHO
        };
        !self.datagrams.is_empty() && now.saturating_duration_since(self.at) >= gap
    }
}
