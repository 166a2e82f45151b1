//! What arrives: which addresses and streams are heard, and what the crate would answer too late or drop.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::sansio::Protocol as _;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};

use super::{BUSY, Connection};
use crate::media::stun;

/// Addresses that may try to prove themselves between two ICE restarts; more are ignored. A client has a handful.
const MAX_TRIES: usize = 64;
/// A nomination that found no answer is not looked at again after this time: the client has long repeated it.
const KEEP_NOMINATION: Duration = Duration::from_secs(1);
/// Packets kept while ICE restarts; the oldest give way. A restart takes some round trips, so this is plenty.
const MAX_HELD: usize = 256;
/// Streams (SSRCs) that are looked at; packets of more are dropped. The crate keeps something for each that it ever saw,
/// and an honest client sends a handful. Whoever forges a client's address could use them up, or as well flood it.
const MAX_SSRCS: usize = 256;

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

/// A packet that came while ICE restarts. The client sends on the old pair until the new one is found (RFC 8445 §9),
/// but the crate has forgotten the old one and would drop it.
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
        let is_stun = stun::is_stun(bytes);
        if is_stun && !self.addresses.contains(&from) && !self.may_try(from) {
            return;
        }
        let is_media = matches!(bytes.first(), Some(128..));
        if is_media && !self.may_stream(bytes) {
            return;
        }
        if is_media && self.restarting {
            self.hold(from, to, bytes);
            return;
        }
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
        if is_media {
            self.due = self.due.min(now + BUSY);
        } else {
            // Checks that this one triggers, and handshakes, wait for nothing.
            self.tend(now);
        }
    }

    fn read(
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

    fn hold(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        if self.held.len() >= MAX_HELD {
            self.held.pop_front();
        }
        let bytes = BytesMut::from(bytes);
        self.held.push_back(Held { from, to, bytes });
    }

    /// ICE has found its pair: what came meanwhile is read.
    pub(super) fn resume(&mut self, now: Instant) {
        self.restarting = false;
        for held in std::mem::take(&mut self.held) {
            let _ = self.read(held.from, held.to, held.bytes, now);
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

    fn may_stream(&mut self, bytes: &[u8]) -> bool {
        let Some(ssrc) = sender(bytes) else {
            return false;
        };
        if self.ssrcs.len() < MAX_SSRCS {
            self.ssrcs.insert(ssrc);
        }
        self.ssrcs.contains(&ssrc)
    }

    /// The candidate by which the client knows the address that it reached. Behind a port-forwarding NAT the packet
    /// arrives at another one than it was sent to.
    fn known_as(&self, to: SocketAddr) -> SocketAddr {
        let exact = self.local.iter().find(|address| **address == to);
        let family = self
            .local
            .iter()
            .find(|address| address.is_ipv4() == to.is_ipv4());
        exact.or(family).copied().unwrap_or(to)
    }
}

/// The SSRC of whoever sent this RTP or RTCP packet, which is never encrypted (RFC 3711 §3.1, §3.4).
fn sender(bytes: &[u8]) -> Option<u32> {
    // RFC 5761 §4: these second bytes are RTCP's packet types.
    let at = match bytes.get(1)? {
        192..=223 => 4,
        _ => 8,
    };
    let ssrc = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes(ssrc.try_into().ok()?))
}
