//! Two of our own peers with a link between them that loses, forges and repeats. The simulation has a foreign client.

use std::net::SocketAddr;

use super::super::ice::stun;
use super::*;

const OURS: ([u8; 4], u16) = ([192, 0, 2, 1], 9_000);
const CLIENT: ([u8; 4], u16) = ([198, 51, 100, 7], 4_000);
const PLI: [u8; 12] = [0x81, 206, 0, 2, 0, 0, 0, 5, 0, 0, 0, 6];

fn way(remote: ([u8; 4], u16)) -> Path {
    Path::udp(SocketAddr::from(OURS), SocketAddr::from(remote))
}

fn check(to: &Peer, nominate: bool) -> Vec<u8> {
    let Credentials {
        ufrag, password, ..
    } = to.credentials();
    let check = stun::Writer::new(stun::BINDING_REQUEST, &[7; 12])
        .attribute(0x0006, format!("{ufrag}:them").as_bytes())
        .attribute(0x802a, &[1; 8]);
    let check = match nominate {
        true => check.attribute(0x0025, &[]),
        false => check,
    };
    check.sign(&stun::key(password))
}

fn rtp(number: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend(number.to_be_bytes());
    packet.extend([0, 0, 0, 7, 0, 0, 0, 5]);
    packet.extend([number as u8; 50]);
    packet
}

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A server's peer, and a client that is one of ours as well.
struct Pair {
    now: Instant,
    server: Peer,
    client: Peer,
    /// Where the client is.
    at: ([u8; 4], u16),
    /// Sent so far, by both.
    sent: usize,
}

impl Pair {
    /// The server has this role in DTLS; both know each other's path.
    fn new(role: DtlsRole) -> Self {
        let mut pair = Self::unmet();
        pair.describe(role);
        pair
    }

    fn unmet() -> Self {
        let (now, identity) = (Instant::now(), Identity::of_process().unwrap());
        let mut pair = Self {
            now,
            server: Peer::new(identity, Credentials::random(0), now),
            client: Peer::new(identity, Credentials::random(0), now),
            at: CLIENT,
            sent: 0,
        };
        pair.check(true);
        pair
    }

    fn describe(&mut self, role: DtlsRole) {
        let named = [Identity::of_process().unwrap().fingerprint().clone()];
        let other = match role {
            DtlsRole::Server => DtlsRole::Client,
            DtlsRole::Client => DtlsRole::Server,
        };
        self.client.set_remote(&named, other, self.now);
        self.server.set_remote(&named, role, self.now);
    }

    /// Each gets a check of the other's, and its answer is thrown away.
    fn check(&mut self, nominate: bool) {
        let mut to_server = check(&self.server, nominate);
        let mut to_client = check(&self.client, nominate);
        self.server.receive(way(self.at), &mut to_server, self.now);
        self.client.receive(way(OURS), &mut to_client, self.now);
    }

    /// Carries what both have to send, unless it is lost. Whether there was anything.
    fn carry(&mut self, mut lost: impl FnMut(usize) -> bool) -> bool {
        let (mut to_client, mut to_server) = (Arena::default(), Arena::default());
        self.server.poll_transmit(&mut to_client);
        self.client.poll_transmit(&mut to_server);
        for (_, datagram) in to_client.iter() {
            self.sent += 1;
            if !lost(self.sent) {
                self.client
                    .receive(way(OURS), &mut datagram.to_vec(), self.now);
            }
        }
        for (_, datagram) in to_server.iter() {
            self.sent += 1;
            if !lost(self.sent) {
                self.server
                    .receive(way(self.at), &mut datagram.to_vec(), self.now);
            }
        }
        !to_client.is_empty() || !to_server.is_empty()
    }

    fn are_connected(&self) -> bool {
        self.server.is_connected() && self.client.is_connected()
    }

    /// Goes on until both are connected, or for so long; how long it took.
    fn connect(
        &mut self,
        longest: Duration,
        mut lost: impl FnMut(usize) -> bool,
    ) -> Option<Duration> {
        let began = self.now;
        while !self.are_connected() && self.now < began + longest {
            while self.carry(&mut lost) {
                self.now += Duration::from_millis(20);
            }
            if self.are_connected() {
                break;
            }
            let due = [self.server.due(), self.client.due()];
            let due = due.into_iter().flatten().min().unwrap_or(self.now);
            self.now = due.max(self.now + Duration::from_millis(5));
            self.check(false);
            self.server.handle_timeout(self.now);
            self.client.handle_timeout(self.now);
        }
        self.are_connected().then(|| self.now - began)
    }

    fn connected(role: DtlsRole) -> Self {
        let mut pair = Self::new(role);
        pair.connect(Duration::from_secs(1), |_| false).unwrap();
        pair
    }

    /// What the client sends, as it is on the wire.
    fn sealed(&mut self, number: u16) -> Vec<u8> {
        let mut arena = Arena::default();
        let write = |bytes: &mut Vec<u8>| bytes.extend(rtp(number));
        assert!(self.client.send_rtp(&mut arena, write));
        arena.iter().next().unwrap().1.to_vec()
    }

    /// Whether the server hears that from there.
    fn hears(&mut self, from: ([u8; 4], u16), datagram: &[u8]) -> bool {
        let mut bytes = datagram.to_vec();
        let received = self.server.receive(way(from), &mut bytes, self.now);
        !matches!(received, Received::Nothing)
    }
}

const BOTH: [DtlsRole; 2] = [DtlsRole::Server, DtlsRole::Client];

#[test]
fn two_peers_connect_and_hear_each_other() {
    for role in BOTH {
        let mut pair = Pair::connected(role);
        assert_eq!(pair.server.poll_event(), Some(PeerEvent::Connected));
        assert_eq!(pair.server.poll_event(), None);
        let mut sealed = pair.sealed(9);
        let plain = rtp(9);
        match pair.server.receive(way(CLIENT), &mut sealed, pair.now) {
            Received::Rtp(packet) => assert_eq!(&*packet, &plain[..]),
            other => panic!("{other:?}"),
        }
        let mut arena = Arena::default();
        let write = |bytes: &mut Vec<u8>| bytes.extend(PLI);
        assert!(pair.server.send_rtcp(&mut arena, write));
        let (path, datagram) = arena.iter().next().unwrap();
        assert_eq!(path, way(CLIENT));
        match pair
            .client
            .receive(way(OURS), &mut datagram.to_vec(), pair.now)
        {
            Received::Rtcp(compound) => assert_eq!(compound, PLI),
            other => panic!("{other:?}"),
        };
    }
}

#[test]
fn what_cannot_be_sealed_leaves_nothing_behind() {
    let mut pair = Pair::new(DtlsRole::Server);
    let mut arena = Arena::default();
    let write = |bytes: &mut Vec<u8>| bytes.extend(rtp(9));
    assert!(!pair.server.send_rtp(&mut arena, write), "not connected");
    let mut pair = Pair::connected(DtlsRole::Server);
    assert!(!pair.server.resend_rtp(&mut arena, write), "never sent");
    assert!(!pair.server.send_rtp(&mut arena, |bytes| bytes.push(0x80)));
    assert!(!pair.server.send_rtcp(&mut arena, |bytes| bytes.push(0x80)));
    assert!(!pair.server.send_rtp(&mut arena, |_| {}));
    assert!(arena.is_empty());
    assert!(pair.server.send_rtp(&mut arena, write));
    assert!(!pair.server.send_rtp(&mut arena, write), "a number twice");
    assert!(pair.server.resend_rtp(&mut arena, write));
    let sent: Vec<_> = arena.iter().map(|(_, bytes)| bytes.to_vec()).collect();
    assert_eq!(sent[0], sent[1]);
}

#[test]
fn of_200_handshakes_all_end_when_a_fifth_of_the_datagrams_is_lost() {
    for role in BOTH {
        let mut slowest = Duration::ZERO;
        for seed in 1..=200 {
            let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
            let mut pair = Pair::new(role);
            let took = pair.connect(Duration::from_secs(25), |_| random.below(5) == 0);
            slowest = slowest.max(took.unwrap_or_else(|| panic!("{role:?}, seed {seed}")));
        }
        assert!(slowest < Duration::from_secs(20), "{slowest:?}");
    }
}

#[test]
fn the_loss_of_any_one_datagram_costs_a_moment() {
    for role in BOTH {
        let mut whole = Pair::connected(role);
        while whole.carry(|_| false) {}
        for one in 1..=whole.sent {
            let took = Pair::new(role).connect(Duration::from_secs(9), |sent| sent == one);
            let moment = Duration::from_millis(700);
            assert!(took.is_some_and(|took| took < moment), "{one}: {took:?}");
        }
    }
}

#[test]
fn a_hello_that_overtakes_the_description_is_not_lost() {
    let mut pair = Pair::unmet();
    let named = [Identity::of_process().unwrap().fingerprint().clone()];
    pair.client.set_remote(&named, DtlsRole::Client, pair.now);
    for _ in 0..100 {
        pair.carry(|_| false);
    }
    pair.server.set_remote(&named, DtlsRole::Server, pair.now);
    let took = pair.connect(Duration::from_millis(150), |_| false);
    assert!(took.is_some(), "without waiting for a repeat");
}

#[test]
fn handshakes_that_overtake_the_description_are_held_up_to_a_bound() {
    let mut pair = Pair::unmet();
    for _ in 0..10_000 {
        assert!(!pair.hears(CLIENT, &[22; 1_200]));
    }
    assert_eq!(pair.server.early.len(), HELD.size());
}

#[test]
fn another_certificate_gets_no_keys() {
    let mut pair = Pair::unmet();
    let (mine, other) = (
        Identity::of_process().unwrap().fingerprint().clone(),
        Fingerprint::of(b"another certificate"),
    );
    pair.client.set_remote(&[mine], DtlsRole::Client, pair.now);
    pair.server.set_remote(&[other], DtlsRole::Server, pair.now);
    let _ = pair.connect(Duration::from_secs(2), |_| false);
    assert_eq!(pair.server.poll_event(), Some(PeerEvent::Closed));
    assert!(pair.server.keys.is_none() && pair.server.is_over(pair.now));
}

#[test]
fn what_is_forged_replayed_or_out_of_shape_changes_nothing() {
    let mut pair = Pair::new(DtlsRole::Server);
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let first = {
        let mut other = Pair::connected(DtlsRole::Server);
        other.sealed(1)
    };
    assert!(!pair.hears(CLIENT, &first), "before there are keys");
    pair.connect(Duration::from_secs(1), |_| false).unwrap();
    assert!(!pair.hears(CLIENT, &first), "with other keys");
    let genuine = pair.sealed(1);
    for _ in 0..20_000 {
        let mut bent = genuine.clone();
        match random.below(4) {
            0 => bent.truncate(random.below(bent.len() as u64) as usize),
            1 => bent.extend([0; 9]),
            2 => {
                let at = 4 + random.below(bent.len() as u64 - 4) as usize;
                bent[at] ^= 1 << random.below(8);
            }
            _ => {
                for at in [2, 3, 8, 9, 10, 11] {
                    bent[at] = random.below(256) as u8;
                }
                bent[20] ^= 1;
            }
        }
        assert!(!pair.hears(CLIENT, &bent));
        bent.iter_mut()
            .for_each(|byte| *byte = random.below(256) as u8);
        assert!(!pair.hears(CLIENT, &bent));
    }
    let keys = pair.server.keys.as_ref().unwrap();
    assert_eq!(keys.inbound.streams(), 0);
    assert!(
        !pair.hears(([203, 0, 113, 9], 9), &genuine),
        "from elsewhere"
    );
    assert!(pair.hears(CLIENT, &genuine));
    assert!(!pair.hears(CLIENT, &genuine), "a replay");
    assert!(pair.server.is_connected());
}

#[test]
fn forged_handshakes_from_a_strange_address_reach_nothing() {
    let mut pair = Pair::new(DtlsRole::Server);
    for datagram in [
        &[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1][..],
        &[20; 60],
    ] {
        for _ in 0..100 {
            assert!(!pair.hears(([203, 0, 113, 9], 9), datagram));
        }
    }
    assert!(pair.server.early.is_empty());
    assert!(pair.connect(Duration::from_secs(1), |_| false).is_some());
}

#[test]
fn a_peer_that_moves_is_heard_and_followed_at_once() {
    let mut pair = Pair::connected(DtlsRole::Server);
    let first = pair.sealed(1);
    assert!(pair.hears(CLIENT, &first));
    let mobile = ([203, 0, 113, 80], 5_000);
    let second = pair.sealed(2);
    assert!(!pair.hears(mobile, &second), "it has not proven itself");
    pair.at = mobile;
    pair.check(true);
    assert!(pair.hears(mobile, &second));
    assert_eq!(pair.server.path(), Some(way(mobile)));
    let events = [pair.server.poll_event(), pair.server.poll_event()];
    let expected = [PeerEvent::Connected, PeerEvent::Moved].map(Some);
    assert_eq!(events, expected);
    assert_eq!(pair.server.take_proven(), [way(CLIENT), way(mobile)]);
    let mut arena = Arena::default();
    pair.server.poll_transmit(&mut arena);
    let answered: Vec<_> = arena.iter().map(|(path, _)| path).collect();
    assert!(answered.contains(&way(mobile)), "where it asked");
    assert!(pair.server.is_connected());
}

#[test]
fn a_packet_that_only_the_peer_can_have_sealed_proves_its_way_once() {
    let mut pair = Pair::connected(DtlsRole::Server);
    let first = pair.sealed(1);
    let moved = ([198, 51, 100, 7], 4_001);
    assert!(
        !pair.server.vouch(way(moved), &first, pair.now),
        "no stream"
    );
    assert!(pair.hears(CLIENT, &first));
    assert!(!pair.server.vouch(way(moved), &first, pair.now), "a replay");
    let mut second = pair.sealed(2);
    second[20] ^= 1;
    assert!(!pair.server.vouch(way(moved), &second, pair.now), "forged");
    second[20] ^= 1;
    assert!(pair.server.vouch(way(moved), &second, pair.now));
    assert!(pair.hears(moved, &second), "and is heard then");
    assert_eq!(pair.server.path(), Some(way(CLIENT)), "checks move media");
}

#[test]
fn consent_lapses_and_comes_back_with_the_next_check() {
    let mut pair = Pair::connected(DtlsRole::Server);
    assert_eq!(pair.server.poll_event(), Some(PeerEvent::Connected));
    pair.now += Duration::from_secs(29);
    pair.server.handle_timeout(pair.now);
    assert!(pair.server.is_connected());
    pair.now = pair.server.due().unwrap();
    pair.server.handle_timeout(pair.now);
    assert_eq!(pair.server.poll_event(), Some(PeerEvent::Failed));
    let mut arena = Arena::default();
    let write = |bytes: &mut Vec<u8>| bytes.extend(rtp(9));
    assert!(!pair.server.send_rtp(&mut arena, write));
    let packet = pair.sealed(1);
    assert!(pair.hears(CLIENT, &packet) && !pair.server.is_connected());
    pair.now += GIVEN_UP_AFTER - Duration::from_secs(1);
    assert!(!pair.server.is_over(pair.now));
    pair.check(false);
    assert_eq!(pair.server.poll_event(), Some(PeerEvent::Connected));
    pair.now += Duration::from_secs(31);
    pair.server.handle_timeout(pair.now);
    assert!(pair.server.is_over(pair.now + GIVEN_UP_AFTER));
}

#[test]
fn a_handshake_that_does_not_end_fails() {
    let mut pair = Pair::new(DtlsRole::Server);
    let began = pair.now;
    let took = pair.connect(Duration::from_secs(40), |sent| sent > 3);
    assert_eq!(took, None);
    assert_eq!(pair.server.poll_event(), Some(PeerEvent::Failed));
    assert!(pair.now - began >= HANDSHAKE);
}

#[test]
fn goodbye_is_told_and_heard_and_then_there_is_silence() {
    for role in BOTH {
        let mut pair = Pair::connected(role);
        let mut arena = Arena::default();
        pair.server.poll_transmit(&mut arena);
        arena.clear();
        pair.server.close(&mut arena);
        let (_, goodbye) = arena.iter().next().unwrap();
        pair.client
            .receive(way(OURS), &mut goodbye.to_vec(), pair.now);
        assert!(pair.client.is_over(pair.now) && pair.server.is_over(pair.now));
        let mut answers = Arena::default();
        for _ in 0..3 {
            pair.check(true);
            pair.server.poll_transmit(&mut answers);
        }
        assert!(answers.is_empty() && pair.server.due().is_none());
    }
}

#[test]
fn through_a_restart_media_goes_on_in_both_ways() {
    let mut pair = Pair::connected(DtlsRole::Server);
    let old = check(&pair.server, true);
    pair.server.restart_ice(Credentials::random(0), pair.now);
    assert_eq!(pair.server.ufrags().count(), 2);
    let packet = pair.sealed(1);
    assert!(pair.hears(CLIENT, &packet) && pair.server.is_connected());
    pair.server.receive(way(CLIENT), &mut old.clone(), pair.now);
    pair.check(true);
    assert_eq!(pair.server.ufrags().count(), 1);
    let packet = pair.sealed(2);
    assert!(pair.hears(CLIENT, &packet));
    let mut arena = Arena::default();
    let write = |bytes: &mut Vec<u8>| bytes.extend(rtp(9));
    assert!(pair.server.send_rtp(&mut arena, write));
}
