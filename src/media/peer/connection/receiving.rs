//! What arrives: which addresses and streams are heard, and what the crate would answer too late or drop.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::sansio::Protocol as _;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};

use super::streams::Protected;
use super::{BUSY, Connection};
use crate::budgets::media::HELD;
use crate::media::peer::identity::Identity;
use crate::media::peer::stun::{self, Datagram};

/// Addresses that may try to prove themselves between two ICE restarts; more are ignored. A client has a handful.
const MAX_TRIES: usize = 64;
/// A nomination that found no answer is not looked at again after this time: the client has long repeated it.
const KEEP_NOMINATION: Duration = Duration::from_secs(1);

/// A check that nominates its pair and was not answered.
///
/// The crate answers such a check only once a check of its own has succeeded on the pair, though an answer is always
/// due (RFC 8445 §7.3.1). A client whose first check nominates would wait for its timer to repeat it, half a second
/// with some. So the check is kept, and looked at again when the crate's own has been answered.
pub(super) struct Nomination {
    from: SocketAddr,
    to: SocketAddr,
    pub(super) bytes: BytesMut,
    at: Instant,
}

/// A datagram that came before ICE has found its pair. While it restarts the client sends on the old pair
/// (RFC 8445 §9), but the crate has forgotten that one and would drop it.
pub(super) struct Held {
    from: SocketAddr,
    to: SocketAddr,
    bytes: BytesMut,
}

impl Connection {
    /// Takes a datagram. Only checks may come from addresses that have not proven themselves.
    pub(in crate::media) fn receive(
        &mut self,
        from: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
        now: Instant,
    ) {
        self.at = now;
        match Datagram::classify(bytes) {
            Some(Datagram::Check { ufrag }) => {
                if self.is_signed(ufrag, bytes)
                    && (self.addresses.contains(&from) || self.may_try(from))
                {
                    self.check(from, to, bytes, now);
                }
            }
            Some(Datagram::Stun) if self.addresses.contains(&from) || self.may_try(from) => {
                self.check(from, to, bytes, now);
            }
            Some(Datagram::Dtls) => {
                self.shake(from, to, bytes, now);
                self.tend(now);
            }
            Some(Datagram::Rtp) if self.restarting => self.hold(from, to, bytes),
            Some(Datagram::Rtp) => self.hear(from, to, bytes, now),
            Some(Datagram::Stun) | None => {}
        }
    }

    /// Whether a check carries the password that only the session's client was told. The crate looks at other things
    /// first, and answers some of what is not signed.
    fn is_signed(&self, ufrag: &str, check: &[u8]) -> bool {
        let place = self.ufrags.iter().position(|known| known == ufrag);
        let password = place.and_then(|place| self.passwords.get(place));
        let identity = Identity::of_process();
        password.zip(identity).is_some_and(|(password, identity)| {
            stun::is_signed(check, password, &identity.provider)
        })
    }

    fn check(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8], now: Instant) {
        let understood = self.read(from, to, BytesMut::from(bytes), now).is_some();
        if understood && stun::is_nomination(bytes) {
            let bytes = BytesMut::from(bytes);
            let at = now;
            self.nomination = Some(Nomination {
                from,
                to,
                bytes,
                at,
            });
        } else if understood && stun::is_success(bytes) {
            self.measure(bytes, now);
            self.nominate_again(from, now);
        }
        // Checks that this one triggers wait for nothing.
        self.tend(now);
    }

    /// Takes a packet of media. Before the handshake is done nobody can have sealed one.
    fn hear(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8], now: Instant) {
        let Some(trailer) = self.trailer else { return };
        let Some(packet) = Protected::parse(bytes, trailer) else {
            return;
        };
        if !self.streams.admit(&packet, now) {
            return;
        }
        let before = self.witness.count();
        let _ = self.read(from, to, BytesMut::from(bytes), now);
        if self.witness.count() != before {
            self.streams.hear(&packet);
        }
        self.due = self.due.min(now + BUSY);
    }

    pub(super) fn read(
        &mut self,
        from: SocketAddr,
        to: SocketAddr,
        message: BytesMut,
        now: Instant,
    ) -> Option<()> {
        let transport = TransportContext {
            local_addr: self.known_as(to),
            peer_addr: from,
            ecn: None,
            transport_protocol: TransportProtocol::UDP,
        };
        let datagram = TaggedBytesMut {
            now,
            transport,
            message,
        };
        self.within(|pc| pc.handle_read(datagram).ok())
    }

    pub(super) fn hold(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        if self.held.len() >= HELD.size() {
            self.held.pop_front();
        }
        let bytes = BytesMut::from(bytes);
        self.held.push_back(Held { from, to, bytes });
    }

    /// ICE has found its pair: what came meanwhile is read.
    pub(super) fn resume(&mut self, now: Instant) {
        self.restarting = false;
        self.paired = true;
        for held in std::mem::take(&mut self.held) {
            self.receive(held.from, held.to, &held.bytes, now);
        }
    }

    /// The client has answered a check of the crate's: now the crate answers the client's, if it has not.
    fn nominate_again(&mut self, from: SocketAddr, now: Instant) {
        let Some(kept) = self.nomination.take_if(|kept| kept.from == from) else {
            return;
        };
        if now.saturating_duration_since(kept.at) < KEEP_NOMINATION {
            let _ = self.read(kept.from, kept.to, kept.bytes, now);
        }
    }

    /// A check of ours was answered: the way there and back took this long (RFC 7675 §5.1 has one every few seconds).
    fn measure(&mut self, answer: &[u8], now: Instant) {
        let transaction = stun::transaction(answer);
        let place = self
            .checks
            .iter()
            .position(|(sent, _)| Some(sent.as_slice()) == transaction);
        if let Some((_, sent)) = place.and_then(|place| self.checks.remove(place)) {
            let latest = now.saturating_duration_since(sent);
            // A single late one is an accident, two are a state.
            let smooth = self.round_trip.map_or(latest, |known| (known + latest) / 2);
            self.round_trip = Some(smooth);
        }
    }

    /// How long the way to the client and back takes, once it was measured.
    pub(in crate::media) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    fn may_try(&mut self, from: SocketAddr) -> bool {
        if self.tries.contains(&from) {
            return true;
        }
        let room = self.tries.len() < MAX_TRIES;
        if room {
            self.tries.push(from);
        }
        room
    }

    /// The candidate by which the client knows the address that it reached. Behind a port-forwarding NAT the packet
    /// arrives at another one than it was sent to.
    pub(super) fn known_as(&self, to: SocketAddr) -> SocketAddr {
        let exact = self.local.iter().find(|address| **address == to);
        let family = self
            .local
            .iter()
            .find(|address| address.is_ipv4() == to.is_ipv4());
        exact.or(family).copied().unwrap_or(to)
    }
}
