//! The DTLS association of one peer: the crate's endpoint behind the guard, and the keys that come of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_dtls::state::State as Session;
use rtc_shared::TransportProtocol;
use rtc_shared::error::Error;

use super::{Guard, hello};
use crate::media::peer::identity::{Identity, PEER};
use crate::media::peer::sdp::Fingerprint;
use crate::media::peer::srtp::{Cipher, EXPORT_LABEL, Profile, ciphers};

/// Which end of it we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum DtlsRole {
    /// We wait for a hello: towards browsers, which can do more than we and so should choose from what we do.
    Server,
    /// We send one: towards clients that only wait.
    Client,
}

/// What became of it.
pub(in crate::media::peer) enum Outcome {
    /// It is up, with the expected peer. Keys of both directions.
    Ready {
        /// Theirs.
        inbound: Cipher,
        /// Ours.
        outbound: Cipher,
    },
    /// It is over; says why.
    Closed(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No hello was seen, so we have not chosen how to answer.
    Listening,
    Shaking,
    Ready,
    /// The crate forgets a closed association, and would begin another one with the next datagram.
    Closed,
}

/// One association.
pub(in crate::media::peer) struct Association {
    /// Empty while the association rests.
    endpoint: Endpoint,
    /// The session while nothing is to be said: the crate writes it in a few hundred bytes, where an endpoint keeps all
    /// messages of its handshake.
    resting: Option<Box<[u8]>>,
    guard: Guard,
    identity: &'static Identity,
    role: DtlsRole,
    /// What the peer's certificate hashes to, by its description: any of them (RFC 8122 §5).
    named: Vec<Fingerprint>,
    state: State,
    /// Flights that are sent again.
    repeats: VecDeque<BytesMut>,
}

impl Association {
    /// Begins one. As client the first flight is ready to be sent.
    pub fn new(
        identity: &'static Identity,
        role: DtlsRole,
        named: Vec<Fingerprint>,
        now: Instant,
    ) -> Self {
        let mut endpoint = empty();
        let guard = Guard::new(role, now);
        let mut state = State::Listening;
        if role == DtlsRole::Client {
            let config = Arc::clone(&identity.client);
            let begun = endpoint.connect(guard.clock(now), PEER, config, None);
            state = begun.map_or(State::Closed, |()| State::Shaking);
        }
        Self {
            endpoint,
            resting: None,
            guard,
            identity,
            role,
            named,
            state,
            repeats: VecDeque::new(),
        }
    }

    /// Takes a datagram of the peer's.
    pub fn read(&mut self, datagram: &[u8], now: Instant) -> Option<Outcome> {
        if self.state == State::Closed {
            return None;
        }
        let admitted = self.guard.admit(datagram, now);
        if admitted.repeat {
            let flight = self.guard.again(now).iter();
            self.repeats
                .extend(flight.map(|datagram| BytesMut::from(&datagram[..])));
        }
        if admitted.records.is_empty() {
            return None;
        }
        if self.state == State::Listening {
            self.choose(&admitted.records);
        }
        let clock = self.guard.clock(now);
        self.wake(clock);
        let events = self.endpoint.read(clock, PEER, None, admitted.records);
        self.settle(events)
    }

    /// Chooses how packets will be protected, by what the hello offers (RFC 5764 §4.1.1). The hello comes in the clear.
    /// An attacker who changes it could at most make us choose the other good cipher.
    fn choose(&mut self, records: &[u8]) {
        let offers_gcm =
            hello::offers(records, SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm as u16);
        let config = match offers_gcm {
            true => &self.identity.server_gcm,
            false => &self.identity.server_counter_mode,
        };
        self.endpoint.set_server_config(Some(Arc::clone(config)));
        self.state = State::Shaking;
    }

    fn settle(&mut self, events: Result<Vec<EndpointEvent>, Error>) -> Option<Outcome> {
        let Ok(events) = events else {
            // During a handshake: what was read was not the peer's, or is repeated. After it: a record that is not
            // authentic, or the peer gave up.
            let fatal = matches!(events, Err(Error::ErrAlertFatalOrClose));
            let over = fatal && self.state == State::Ready;
            return over.then(|| self.end("the peer gave up"));
        };
        for event in events {
            match event {
                EndpointEvent::HandshakeComplete => return Some(self.complete()),
                EndpointEvent::PeerClosed => return Some(self.end("the peer said goodbye")),
                // There are no data channels.
                _ => {}
            }
        }
        None
    }

    fn complete(&mut self) -> Outcome {
        self.guard.complete();
        let Some(session) = self.endpoint.get_connection_state(PEER) else {
            return self.end("the association was lost");
        };
        let shown = session.peer_certificates.first();
        if !shown.is_some_and(|shown| self.named.iter().any(|one| one.is_of(shown))) {
            return self.end("its certificate is not the one that its description names");
        }
        let Some((inbound, outbound)) = keys(session) else {
            return self.end("no way to protect packets was agreed on");
        };
        self.state = State::Ready;
        Outcome::Ready { inbound, outbound }
    }

    fn end(&mut self, why: &'static str) -> Outcome {
        self.state = State::Closed;
        Outcome::Closed(why)
    }

    /// The next datagram to be sent.
    pub fn next_transmit(&mut self, now: Instant) -> Option<BytesMut> {
        if let Some(datagram) = self.endpoint.poll_transmit() {
            self.guard.sent(&datagram.message, now);
            return Some(datagram.message);
        }
        if self.state == State::Ready && self.resting.is_none() {
            self.rest();
        }
        self.repeats.pop_front()
    }

    /// Keeps the session alone. What may still come of the other side is a goodbye.
    fn rest(&mut self) {
        let session = self.endpoint.get_connection_state(PEER);
        if let Some(Ok(session)) = session.map(Session::marshal_binary) {
            self.resting = Some(session.into());
            self.endpoint = empty();
        }
    }

    /// Goes on with a session that rested. The crate takes it only as a client's; the session itself says which end it
    /// is.
    fn wake(&mut self, clock: Instant) {
        let Some(bytes) = self.resting.take() else {
            return;
        };
        let mut session = Session::new(Arc::clone(&self.identity.provider), false);
        if session.unmarshal_binary(&bytes).is_ok() {
            let config = Arc::clone(&self.identity.client);
            // It is refused only where there is one already.
            let _ = self.endpoint.connect(clock, PEER, config, Some(session));
        }
    }

    /// When [`Association::handle_timeout`] wants to be called.
    pub fn due(&self) -> Option<Instant> {
        if self.state == State::Closed {
            return None;
        }
        // As server the crate's timer is never let run out.
        let crates = self.endpoint.poll_timeout(&PEER);
        let crates = crates.filter(|_| self.role == DtlsRole::Client);
        [self.guard.due(), crates].into_iter().flatten().min()
    }

    /// Sends a flight again, if it is due.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Outcome> {
        if self.state == State::Closed {
            return None;
        }
        let flight = self.guard.overdue(now).unwrap_or_default().iter();
        self.repeats
            .extend(flight.map(|datagram| BytesMut::from(&datagram[..])));
        if self.role == DtlsRole::Client
            && self.endpoint.handle_timeout(PEER, now).is_err()
            && self.state == State::Shaking
        {
            return Some(self.end("the handshake was not answered"));
        }
        None
    }

    /// Says goodbye.
    pub fn close(&mut self, now: Instant) {
        if self.state != State::Closed {
            self.wake(now);
            let _ = self.endpoint.close(now);
            self.state = State::Closed;
        }
    }
}

fn empty() -> Endpoint {
    Endpoint::new(PEER, TransportProtocol::UDP, None)
}

/// The keys of both directions: theirs and ours.
fn keys(session: &Session) -> Option<(Cipher, Cipher)> {
    let profile = match session.srtp_protection_profile() {
        SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => Profile::Gcm,
        SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80 => Profile::CounterMode,
        _ => return None,
    };
    let exported = session.export_keying_material(EXPORT_LABEL, &[], profile.exported_bytes());
    let (client, server) = ciphers(profile, exported.ok()?.as_ref())?;
    Some(match session.is_client() {
        true => (server, client),
        false => (client, server),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ends that know each other: a client and a server, or both as told.
    struct Pair {
        now: Instant,
        ends: [Association; 2],
    }

    impl Pair {
        fn shaken() -> Self {
            let (now, identity) = (Instant::now(), Identity::of_process().unwrap());
            let named = vec![identity.fingerprint().clone()];
            let end = |role| Association::new(identity, role, named.clone(), now);
            let ends = [DtlsRole::Client, DtlsRole::Server].map(end);
            let mut pair = Self { now, ends };
            let outcomes: Vec<_> = std::iter::repeat_with(|| pair.exchange()).take(8).collect();
            let ready = outcomes.iter().flatten().flatten();
            let ready = ready.filter(|one| matches!(one, Outcome::Ready { .. }));
            assert_eq!(ready.count(), 2);
            pair
        }

        /// What each end sends reaches the other; what comes of it there.
        fn exchange(&mut self) -> [Option<Outcome>; 2] {
            [1, 0].map(|to: usize| {
                let mut outcome = None;
                while let Some(datagram) = self.ends[1 - to].next_transmit(self.now) {
                    let what = self.ends[to].read(&datagram, self.now);
                    outcome = outcome.or(what);
                }
                outcome
            })
        }
    }

    #[test]
    fn a_session_at_rest_keeps_little_and_says_goodbye() {
        for leaving in [0, 1] {
            let mut pair = Pair::shaken();
            for end in &pair.ends {
                let bytes = end.resting.as_ref().map(|session| session.len());
                assert!(bytes.is_some_and(|bytes| bytes < 1_024), "{bytes:?}");
                assert!(end.endpoint.get_connection_state(PEER).is_none());
            }
            pair.ends[leaving].close(pair.now);
            let outcomes = pair.exchange();
            let heard = outcomes.iter().flatten();
            let heard = heard.filter(|one| matches!(one, Outcome::Closed(_)));
            assert_eq!(heard.count(), 1, "{leaving}");
            assert!(pair.ends.iter().all(|end| end.state == State::Closed));
        }
    }

    #[test]
    fn a_forged_goodbye_wakes_a_session_and_ends_nothing() {
        let mut pair = Pair::shaken();
        let alert = [21, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 26];
        let forged = [&alert[..], &[7; 26]].concat();
        assert!(pair.ends[1].read(&forged, pair.now).is_none());
        assert!(pair.ends[1].next_transmit(pair.now).is_none());
        assert!(pair.ends[1].resting.is_some());
        pair.ends[0].close(pair.now);
        let outcomes = pair.exchange();
        assert!(matches!(outcomes[0], Some(Outcome::Closed(_))));
    }
}
