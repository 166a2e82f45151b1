//! A [`Peer`] as a room holds it: a panic inside it ends it alone, and it asks for a new one to take its place.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::arena::Arena;
use super::dtls::DtlsRole;
use super::ice::Credentials;
use super::identity::Identity;
use super::path::Path;
use super::sdp::Fingerprint;
use super::transport::{Peer, PeerEvent, Received};
pub(in crate::media) use crate::media::error::Refused;

const NO_KEY: &str = "The server cannot make a key.";

/// One connection of a client's.
pub(in crate::media) struct Connection {
    peer: Peer,
    panicked: bool,
}

impl Connection {
    /// A connection of this thread's that nobody has found yet.
    pub fn new(thread: usize, now: Instant) -> Result<Self, Refused> {
        let identity = Identity::of_process().ok_or(Refused::because(NO_KEY))?;
        Ok(Self {
            peer: Peer::new(identity, Credentials::random(thread), now),
            panicked: false,
        })
    }

    /// Runs something in the peer; none where there is a panic, or was one before.
    fn within<'a, T>(&'a mut self, run: impl FnOnce(&'a mut Peer) -> T) -> Option<T> {
        if self.panicked {
            return None;
        }
        let peer = &mut self.peer;
        let outcome = catch_unwind(AssertUnwindSafe(|| run(peer)));
        if outcome.is_err() {
            self.panicked = true;
            tracing::error!("a media connection panicked and is closed");
        }
        outcome.ok()
    }

    /// The ICE credentials for the next description of ours.
    pub fn credentials(&self) -> &Credentials {
        self.peer.credentials()
    }

    /// Begins an ICE restart; see [`Peer::restart_ice`].
    pub fn restart_ice(&mut self, now: Instant) {
        let credentials = self.credentials().successor();
        let _ = self.within(|peer| peer.restart_ice(credentials, now));
    }

    /// See [`Peer::set_remote`].
    pub fn set_remote(&mut self, named: &[Fingerprint], role: DtlsRole, now: Instant) {
        let _ = self.within(|peer| peer.set_remote(named, role, now));
    }

    /// See [`Peer::dtls_role`].
    pub fn dtls_role(&self) -> Option<DtlsRole> {
        self.peer.dtls_role()
    }

    /// The fingerprint in descriptions of ours.
    pub fn fingerprint(&self) -> &'static Fingerprint {
        self.peer.fingerprint()
    }

    /// See [`Peer::ufrags`].
    pub fn ufrags(&self) -> impl Iterator<Item = &str> {
        self.peer.ufrags()
    }

    /// See [`Peer::take_stale_ufrags`].
    pub fn take_stale_ufrags(&mut self) -> Vec<String> {
        self.peer.take_stale_ufrags()
    }

    /// See [`Peer::receive`].
    pub fn receive<'a>(
        &mut self,
        path: Path,
        datagram: &'a mut [u8],
        now: Instant,
    ) -> Received<'a> {
        let received = self.within(|peer| peer.receive(path, datagram, now));
        received.unwrap_or(Received::Nothing)
    }

    /// See [`Peer::vouch`].
    pub fn vouch(&mut self, path: Path, packet: &[u8], now: Instant) -> bool {
        let vouched = self.within(|peer| peer.vouch(path, packet, now));
        vouched.unwrap_or(false)
    }

    /// When [`Connection::handle_timeout`] wants to be called, if at all.
    pub fn due(&self) -> Option<Instant> {
        self.peer.due().filter(|_| !self.panicked)
    }

    /// Does what is due by now.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = self.within(|peer| peer.handle_timeout(now));
    }

    /// See [`Peer::poll_event`].
    pub fn poll_event(&mut self) -> Option<PeerEvent> {
        self.peer.poll_event()
    }

    /// See [`Peer::poll_transmit`].
    pub fn poll_transmit(&mut self, out: &mut Arena) {
        let _ = self.within(|peer| peer.poll_transmit(out));
    }

    /// See [`Peer::send_rtp`].
    pub fn send_rtp(&mut self, out: &mut Arena, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        let sent = self.within(|peer| peer.send_rtp(out, write));
        sent.unwrap_or(false)
    }

    /// See [`Peer::resend_rtp`].
    pub fn resend_rtp(&mut self, out: &mut Arena, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        let sent = self.within(|peer| peer.resend_rtp(out, write));
        sent.unwrap_or(false)
    }

    /// See [`Peer::send_rtcp`].
    pub fn send_rtcp(&mut self, out: &mut Arena, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        let sent = self.within(|peer| peer.send_rtcp(out, write));
        sent.unwrap_or(false)
    }

    /// The paths that the client has proven.
    pub fn paths(&self) -> impl Iterator<Item = Path> {
        self.peer.paths()
    }

    /// See [`Peer::take_proven`].
    pub fn take_proven(&mut self) -> Vec<Path> {
        self.peer.take_proven()
    }

    /// See [`Peer::take_dropped`].
    pub fn take_dropped(&mut self) -> Vec<Path> {
        self.peer.take_dropped()
    }

    /// See [`Peer::remove_path`].
    pub fn remove_path(&mut self, path: Path) {
        self.peer.remove_path(path);
    }

    /// See [`Peer::heard_at`].
    pub fn heard_at(&self) -> Instant {
        self.peer.heard_at()
    }

    /// See [`Peer::round_trip`].
    pub fn round_trip(&self) -> Option<Duration> {
        self.peer.round_trip()
    }

    /// See [`Peer::note_round_trip`].
    pub fn note_round_trip(&mut self, latest: Duration) {
        self.peer.note_round_trip(latest);
    }

    /// Whether media may flow.
    pub fn is_connected(&self) -> bool {
        self.peer.is_connected() && !self.panicked
    }

    /// Whether it broke here, and the other side knows nothing of it.
    pub fn has_panicked(&self) -> bool {
        self.panicked
    }

    /// Whether nothing more is to be expected of it.
    pub fn is_over(&self, now: Instant) -> bool {
        self.panicked || self.peer.is_over(now)
    }

    /// Says goodbye.
    pub fn close(&mut self, out: &mut Arena) {
        let _ = self.within(|peer| peer.close(out));
    }

    /// Panics inside.
    #[cfg(test)]
    pub fn break_down(&mut self) {
        let ended = self.within(|_| -> () { panic!("a test's fault") });
        assert!(ended.is_none());
    }
}
