//! DTLS on its way through the guard, in both directions.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::{Connection, Transmit};

impl Connection {
    /// Takes a DTLS datagram, from an address that ICE has proven alone.
    pub(super) fn shake(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8], now: Instant) {
        if !self.addresses.contains(&from) {
            return;
        }
        // The crate drops what comes before it has a pair, and the guard would take it for read.
        if !self.paired {
            self.hold(from, to, bytes);
            return;
        }
        self.shaken = Some((self.known_as(to), from));
        let admitted = self.guard.admit(bytes, now);
        if !admitted.records.is_empty() {
            let told = self.guard.told(now);
            let _ = self.read(from, to, admitted.records, told);
        } else if admitted.repeat {
            let flight = self.guard.again(now).to_vec();
            self.repeat(flight);
        }
    }

    /// Sends our flight again, if it is due.
    pub(super) fn repeat_overdue(&mut self, now: Instant) {
        let flight = self.guard.overdue(now).map(<[Bytes]>::to_vec);
        self.repeat(flight.unwrap_or_default());
    }

    fn repeat(&mut self, flight: Vec<Bytes>) {
        let Some((from, to)) = self.shaken else {
            return;
        };
        let transmits = flight.into_iter().map(|datagram| Transmit {
            from,
            to,
            bytes: BytesMut::from(&datagram[..]),
        });
        self.repeats.extend(transmits);
    }
}
