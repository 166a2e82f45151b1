//! One WebRTC peer: the ICE, DTLS and SRTP of one transport that all its m-lines share. It knows no room and no
//! description.
//!
//! Pure: datagrams and the time in, packets and datagrams out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::arena::Arena;
use super::dtls::{Association, DtlsRole, Outcome};
use super::ice::{Agent, Credentials};
use super::identity::Identity;
use super::path::Path;
use super::sdp::Fingerprint;
use super::srtp::{Inbound, Outbound};
use crate::budgets::media::HELD;

/// From the first datagram of a handshake. A handshake that has not ended by then does not end any more.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// A peer that stays failed for this long is given up: its client did not restart ICE.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(60);
/// Answers to checks that wait to be sent. They are sent with each turn; a turn reads a few hundred datagrams.
const MOST_ANSWERS: usize = 32;

/// What a datagram had in it.
#[derive(Debug)]
pub(in crate::media) enum Received<'a> {
    /// An RTP packet, authentic and opened.
    Rtp(&'a mut [u8]),
    /// A compound RTCP packet, authentic and opened.
    Rtcp(&'a [u8]),
    /// Nothing for the room.
    Nothing,
}

/// What happened to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum PeerEvent {
    /// Media may flow; once more after [`PeerEvent::Failed`].
    Connected,
    /// Media goes by another path than before. What was on the old one may be lost.
    Moved,
    /// It no longer agrees to be sent to, or never came up. It may come back.
    Failed,
    /// It is over.
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Connecting,
    Connected,
    /// Since when.
    Failed(Instant),
    Closed,
}

struct Keys {
    inbound: Inbound,
    outbound: Outbound,
}

/// One peer.
pub(in crate::media) struct Peer {
    identity: &'static Identity,
    ice: Agent,
    /// The peer that its first description promised, and which end of DTLS we are. That holds for as long as there is
    /// the association (RFC 8842 §4).
    remote: Option<(DtlsRole, Vec<Fingerprint>)>,
    /// There once both are known: the expected peer, and a path to it.
    association: Option<Association>,
    /// Hellos that overtook the description.
    early: VecDeque<Vec<u8>>,
    shaking_since: Option<Instant>,
    keys: Option<Box<Keys>>,
    state: State,
    answers: Vec<(Path, Vec<u8>)>,
    events: VecDeque<PeerEvent>,
    heard_at: Instant,
    round_trip: Option<Duration>,
    /// When a flight of the handshake left that was not answered yet.
    flight_at: Option<Instant>,
    /// When something last was done.
    at: Instant,
}

impl Peer {
    /// A peer that nobody has found yet.
    pub fn new(identity: &'static Identity, credentials: Credentials, now: Instant) -> Self {
        Self {
            identity,
            ice: Agent::new(credentials, now),
            remote: None,
            association: None,
            early: VecDeque::new(),
            shaking_since: None,
            keys: None,
            state: State::Connecting,
            answers: Vec::new(),
            events: VecDeque::new(),
            heard_at: now,
            round_trip: None,
            flight_at: None,
            at: now,
        }
    }

    /// The fingerprint by which descriptions of ours name our certificate.
    pub fn fingerprint(&self) -> &'static Fingerprint {
        self.identity.fingerprint()
    }

    /// The ICE credentials for the next description of ours.
    pub fn credentials(&self) -> &Credentials {
        self.ice.credentials()
    }

    /// Begins an ICE restart. Media goes on, and the old credentials hold until the new ones are used.
    pub fn restart_ice(&mut self, credentials: Credentials, now: Instant) {
        self.ice.restart(credentials, now);
        if let State::Failed(_) = self.state {
            self.state = State::Connecting;
        }
    }

    /// The user name fragments by which checks find this peer: one, and during a restart two.
    pub fn ufrags(&self) -> impl Iterator<Item = &str> {
        self.ice.ufrags()
    }

    /// Those that no longer do.
    pub fn take_stale_ufrags(&mut self) -> Vec<String> {
        self.ice.take_stale_ufrags()
    }

    /// Takes from the peer's first description its fingerprints and which end of DTLS we are. A later description
    /// changes nothing.
    pub fn set_remote(&mut self, named: &[Fingerprint], role: DtlsRole, now: Instant) {
        self.at = now;
        if self.remote.is_none() {
            self.remote = Some((role, named.to_vec()));
            self.begin_handshake(now);
        }
    }

    /// Which end of DTLS we are, once that is known. All descriptions of ours say the same.
    pub fn dtls_role(&self) -> Option<DtlsRole> {
        self.remote.as_ref().map(|(role, _)| *role)
    }

    /// As client we begin as soon as we know the peer and a path to it.
    fn begin_handshake(&mut self, now: Instant) {
        let (Some((role, named)), None) = (&self.remote, &self.association) else {
            return;
        };
        if self.ice.selected().is_none() {
            return;
        }
        if *role == DtlsRole::Client {
            self.shaking_since = Some(now);
        }
        self.association = Some(Association::new(self.identity, *role, named.clone(), now));
        for datagram in std::mem::take(&mut self.early) {
            self.shake(&datagram, now);
        }
    }

    /// Takes a datagram that came by this path. It is opened where it lies.
    pub fn receive<'a>(
        &mut self,
        path: Path,
        datagram: &'a mut [u8],
        now: Instant,
    ) -> Received<'a> {
        self.at = now;
        if self.state == State::Closed {
            return Received::Nothing;
        }
        // RFC 7983 §7.
        match datagram.first() {
            Some(0..=3) => self.check(path, datagram, now),
            Some(20..=63) if self.ice.knows(path) => self.shake(datagram, now),
            Some(128..=191) if self.ice.knows(path) => return self.open(path, datagram, now),
            _ => {}
        }
        Received::Nothing
    }

    fn check(&mut self, path: Path, datagram: &[u8], now: Instant) {
        if self.answers.len() >= MOST_ANSWERS {
            return;
        }
        let before = self.ice.selected();
        let Some(answer) = self.ice.check(path, datagram, now) else {
            return;
        };
        if self.state == State::Connected && self.ice.selected() != before {
            self.events.push_back(PeerEvent::Moved);
        }
        self.answers.push((path, answer));
        self.heard_at = now;
        self.begin_handshake(now);
        if matches!(self.state, State::Connecting | State::Failed(_))
            && self.keys.is_some()
            && now < self.ice.consent_until()
        {
            self.connect();
        }
    }

    fn shake(&mut self, datagram: &[u8], now: Instant) {
        let Some(association) = &mut self.association else {
            if self.early.len() < HELD.size() {
                self.early.push_back(datagram.to_vec());
            }
            return;
        };
        self.shaking_since.get_or_insert(now);
        // A flight is answered at once, so the quickest answer tells the round trip time, until something better does.
        if let Some(sent) = self.flight_at.take().filter(|_| self.keys.is_none()) {
            let way = now.saturating_duration_since(sent);
            self.round_trip = Some(self.round_trip.map_or(way, |known| known.min(way)));
        }
        let outcome = association.read(datagram, now);
        self.note(outcome);
    }

    fn open<'a>(&mut self, path: Path, packet: &'a mut [u8], now: Instant) -> Received<'a> {
        let Some(keys) = &mut self.keys else {
            return Received::Nothing;
        };
        let received = match is_rtcp(packet) {
            true => match keys.inbound.open_rtcp(packet) {
                Some(length) => Received::Rtcp(&packet[..length]),
                None => return Received::Nothing,
            },
            false => match keys.inbound.open_rtp(packet) {
                Some((length, _)) => Received::Rtp(&mut packet[..length]),
                None => return Received::Nothing,
            },
        };
        if self.ice.heard_media(path, now) && self.state == State::Connected {
            self.events.push_back(PeerEvent::Moved);
        }
        self.heard_at = now;
        received
    }

    /// Whether this packet, which came by an unknown path, is the peer's. Then the path is proven. A NAT that gives a
    /// client another port does not tell it, and its next check may be seconds away.
    pub fn vouch(&mut self, path: Path, packet: &[u8], now: Instant) -> bool {
        let keys = self.keys.as_mut().filter(|_| self.state != State::Closed);
        let vouched = keys.is_some_and(|keys| keys.inbound.would_open(packet, is_rtcp(packet)));
        if vouched {
            self.ice.vouch(path, now);
        }
        vouched
    }

    fn note(&mut self, outcome: Option<Outcome>) {
        match outcome {
            Some(Outcome::Ready { inbound, outbound }) => {
                self.keys = Some(Box::new(Keys {
                    inbound: Inbound::new(inbound),
                    outbound: Outbound::new(outbound),
                }));
                self.connect();
            }
            Some(Outcome::Closed(why)) => {
                tracing::info!("a media connection is closed: {why}");
                self.end();
            }
            None => {}
        }
    }

    fn connect(&mut self) {
        self.state = State::Connected;
        self.events.push_back(PeerEvent::Connected);
    }

    fn end(&mut self) {
        self.state = State::Closed;
        self.answers.clear();
        self.events.push_back(PeerEvent::Closed);
    }

    /// When [`Peer::handle_timeout`] wants to be called, if at all.
    pub fn due(&self) -> Option<Instant> {
        let consent = match self.state {
            State::Connecting | State::Connected => Some(self.ice.consent_until()),
            State::Failed(_) => None,
            State::Closed => return None,
        };
        let handshake = self.handshake_until();
        let association = self.association.as_ref().and_then(Association::due);
        let all = [consent, handshake, association];
        all.into_iter().flatten().min()
    }

    fn handshake_until(&self) -> Option<Instant> {
        let is_shaking = self.state == State::Connecting && self.keys.is_none();
        self.shaking_since
            .filter(|_| is_shaking)
            .map(|since| since + HANDSHAKE)
    }

    /// Does what is due by now.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.at = now;
        let association = self.association.as_mut();
        let outcome = association.and_then(|association| association.handle_timeout(now));
        self.note(outcome);
        let in_time = now < self.ice.consent_until()
            && self.handshake_until().is_none_or(|until| now < until);
        if !in_time && matches!(self.state, State::Connecting | State::Connected) {
            self.state = State::Failed(now);
            self.events.push_back(PeerEvent::Failed);
        }
    }

    /// What happened since the last call.
    pub fn poll_event(&mut self) -> Option<PeerEvent> {
        self.events.pop_front()
    }

    /// Gives what waits to be sent: answers to checks, each by the path of its check, and DTLS.
    pub fn poll_transmit(&mut self, out: &mut Arena) {
        for (path, answer) in self.answers.drain(..) {
            out.push(path, |bytes| bytes.extend_from_slice(&answer));
        }
        let (Some(path), Some(association)) = (self.ice.selected(), &mut self.association) else {
            return;
        };
        while let Some(datagram) = association.next_transmit(self.at) {
            self.flight_at.get_or_insert(self.at);
            out.push(path, |bytes| bytes.extend_from_slice(&datagram));
        }
    }

    /// Sends the RTP packet that `write` appends, sealed where it stands. Returns whether it was sent. It is not sent
    /// before the peer is connected, nor with a number that its stream had before, nor with one more than 1,024 behind
    /// the highest.
    pub fn send_rtp(&mut self, out: &mut Arena, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        self.seal(out, write, |keys, bytes, start| {
            keys.outbound.seal_rtp(bytes, start)
        })
    }

    /// Sends an RTP packet again that was sent before and is the same in every byte. Returns whether it was sent.
    pub fn resend_rtp(&mut self, out: &mut Arena, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        self.seal(out, write, |keys, bytes, start| {
            keys.outbound.seal_rtp_again(bytes, start)
        })
    }

    /// Sends the compound RTCP packet that `write` appends. Returns whether it was sent.
    pub fn send_rtcp(&mut self, out: &mut Arena, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        self.seal(out, write, |keys, bytes, start| {
            keys.outbound.seal_rtcp(bytes, start)
        })
    }

    fn seal(
        &mut self,
        out: &mut Arena,
        write: impl FnOnce(&mut Vec<u8>),
        seal: impl FnOnce(&mut Keys, &mut Vec<u8>, usize) -> bool,
    ) -> bool {
        let (State::Connected, Some(path), Some(keys)) =
            (self.state, self.ice.selected(), &mut self.keys)
        else {
            return false;
        };
        let mut sealed = false;
        out.push(path, |bytes| {
            let start = bytes.len();
            write(bytes);
            sealed = bytes.len() > start && seal(keys, bytes, start);
            if !sealed {
                bytes.truncate(start);
            }
        });
        sealed
    }

    /// Where media goes.
    #[cfg(test)]
    pub fn path(&self) -> Option<Path> {
        self.ice.selected()
    }

    /// The paths that this peer has proven.
    pub fn paths(&self) -> impl Iterator<Item = Path> {
        self.ice.paths()
    }

    /// The paths that are new since the last call.
    pub fn take_proven(&mut self) -> Vec<Path> {
        self.ice.take_fresh()
    }

    /// The paths that made room for others since the last call.
    pub fn take_dropped(&mut self) -> Vec<Path> {
        self.ice.take_dropped()
    }

    /// Gives up a path that belongs to another peer.
    pub fn remove_path(&mut self, path: Path) {
        self.ice.remove(path);
    }

    /// When something authentic came last.
    pub fn heard_at(&self) -> Instant {
        self.heard_at
    }

    /// The round trip time, once it was measured.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// Takes a measurement of it. A single late one is an accident, two are a state.
    pub fn note_round_trip(&mut self, latest: Duration) {
        let smooth = self.round_trip.map_or(latest, |known| (known + latest) / 2);
        self.round_trip = Some(smooth);
    }

    /// Whether media may flow.
    pub fn is_connected(&self) -> bool {
        self.state == State::Connected
    }

    /// Whether nothing more is to be expected of it.
    pub fn is_over(&self, now: Instant) -> bool {
        match self.state {
            State::Connecting | State::Connected => false,
            State::Failed(since) => now.saturating_duration_since(since) >= GIVEN_UP_AFTER,
            State::Closed => true,
        }
    }

    /// Says goodbye.
    pub fn close(&mut self, out: &mut Arena) {
        if let Some(association) = &mut self.association {
            association.close(self.at);
        }
        self.poll_transmit(out);
        self.state = State::Closed;
    }
}

/// RFC 5761 §4: these second bytes are RTCP's packet types.
fn is_rtcp(packet: &[u8]) -> bool {
    matches!(packet.get(1), Some(192..=223))
}

#[cfg(test)]
mod tests;
