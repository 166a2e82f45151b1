//! What passes the guard, and what does not.

mod attacks;
mod crate_facts;
mod mutations;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, HandshakeConfig};
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;

use super::record::{CERTIFICATE, CLIENT_HELLO, HANDSHAKE};
use super::{DtlsRole, Guard};
use crate::media::peer::identity::Identity;

const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5000);

/// One record.
fn record(kind: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 9];
    record.extend_from_slice(&(body.len() as u16).to_be_bytes());
    record.extend_from_slice(body);
    record
}

/// One fragment in a record of its own.
fn fragment(kind: u8, sequence: u16, length: usize, offset: usize, bytes: &[u8]) -> Vec<u8> {
    let u24 = |number: usize| (number as u32).to_be_bytes()[1..].to_vec();
    let mut body = vec![kind];
    body.extend(u24(length));
    body.extend(sequence.to_be_bytes());
    body.extend(u24(offset));
    body.extend(u24(bytes.len()));
    body.extend_from_slice(bytes);
    record(HANDSHAKE, 0, &body)
}

/// What the guard lets through of a datagram.
fn passed(guard: &mut Guard, datagram: &[u8]) -> BytesMut {
    guard.admit(datagram, Instant::now()).records
}

/// The crate's end of a handshake.
struct End {
    endpoint: Endpoint,
    complete: bool,
}

impl End {
    fn server() -> Self {
        Self {
            endpoint: Endpoint::new(PEER, TransportProtocol::UDP, Some(config(false))),
            complete: false,
        }
    }

    fn client(now: Instant) -> Self {
        let mut endpoint = Endpoint::new(PEER, TransportProtocol::UDP, None);
        endpoint.connect(now, PEER, config(true), None).unwrap();
        Self {
            endpoint,
            complete: false,
        }
    }

    fn read(&mut self, bytes: BytesMut, now: Instant) {
        let events = self.endpoint.read(now, PEER, None, bytes);
        self.complete |= events
            .unwrap_or_default()
            .iter()
            .any(|event| matches!(event, EndpointEvent::HandshakeComplete));
    }

    fn take(&mut self) -> Vec<BytesMut> {
        std::iter::from_fn(|| self.endpoint.poll_transmit())
            .map(|transmit| transmit.message)
            .collect()
    }
}

fn config(is_client: bool) -> Arc<HandshakeConfig> {
    let identity = Identity::of_process().unwrap();
    let builder = ConfigBuilder::default()
        .with_crypto_provider(Arc::clone(&identity.provider))
        .with_certificates(vec![identity.certificate.clone()])
        .with_srtp_protection_profiles(vec![SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm])
        .with_client_auth(ClientAuthType::RequireAnyClientCert)
        .with_insecure_skip_verify(true);
    Arc::new(builder.build(is_client, Some(PEER)).unwrap())
}

/// A client, and a server behind its guard.
struct Pair {
    now: Instant,
    client: End,
    server: End,
    guard: Guard,
}

impl Pair {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            now,
            client: End::client(now),
            server: End::server(),
            guard: Guard::new(DtlsRole::Server, now),
        }
    }

    /// A datagram reaches the server; what it answers.
    fn arrive(&mut self, datagram: &[u8]) -> Vec<BytesMut> {
        let admitted = self.guard.admit(datagram, self.now);
        if admitted.repeat {
            let flight = self.guard.again(self.now).iter();
            return flight
                .map(|datagram| BytesMut::from(&datagram[..]))
                .collect();
        }
        if !admitted.records.is_empty() {
            self.server.read(admitted.records, self.now);
        }
        let sent = self.server.take();
        for datagram in &sent {
            self.guard.sent(datagram, self.now);
        }
        sent
    }

    /// Goes on to the end, with `attack` on the server before each datagram of the client's; what it sent.
    fn shake(&mut self, mut attack: impl FnMut(&mut Self)) -> Vec<BytesMut> {
        let mut sent = Vec::new();
        for _ in 0..8 {
            for datagram in self.client.take() {
                attack(self);
                for answer in self.arrive(&datagram) {
                    self.client.read(answer, self.now);
                }
                sent.push(datagram);
            }
        }
        sent
    }
}

#[test]
fn a_handshake_passes_the_guard() {
    let mut pair = Pair::new();
    let sent = pair.shake(|_| {});
    assert!(pair.client.complete && pair.server.complete && pair.guard.complete);
    assert!(sent.len() >= 3);
}

#[test]
fn fragments_in_any_order_make_one_message() {
    let mut guard = Guard::new(DtlsRole::Server, Instant::now());
    let body: Vec<u8> = (0..100).collect();
    let part = |from: usize, to: usize| fragment(CLIENT_HELLO, 0, 100, from, &body[from..to]);
    assert!(passed(&mut guard, &part(60, 100)).is_empty());
    assert!(passed(&mut guard, &part(0, 40)).is_empty());
    // One that contradicts them is forged, or they are: it begins anew, so that the client's next try does.
    assert!(passed(&mut guard, &fragment(CLIENT_HELLO, 0, 90, 0, &body[..9])).is_empty());
    assert!(passed(&mut guard, &part(30, 70)).is_empty());
    assert!(passed(&mut guard, &part(60, 100)).is_empty());
    let whole = passed(&mut guard, &part(0, 40));
    assert_eq!(whole[25..], body);
    assert_eq!(whole[5..11], [0; 6], "numbered by us");
    // Two messages in one record, the later one first.
    let second = fragment(CLIENT_HELLO, 1, 4, 0, b"abcd");
    let mut both = fragment(CERTIFICATE, 2, 2, 0, b"ef")[13..].to_vec();
    both.extend_from_slice(&second[13..]);
    let passed = passed(&mut guard, &record(HANDSHAKE, 0, &both));
    assert_eq!((&passed[25..29], &passed[54..]), (&b"abcd"[..], &b"ef"[..]));
}

#[test]
fn a_repeated_flight_is_answered_by_ours_and_not_too_often() {
    let mut pair = Pair::new();
    let hello = pair.client.take().remove(0);
    let answer = pair.arrive(&hello);
    assert_eq!(answer.len(), 1);
    assert!(pair.arrive(&hello).is_empty(), "at once");
    pair.now += Duration::from_millis(50);
    assert_eq!(pair.arrive(&hello), answer);
    let mut answered = 0;
    for _ in 0..1_000 {
        pair.now += Duration::from_millis(10);
        answered += pair.arrive(&hello).len();
    }
    assert!((20..=30).contains(&answered), "{answered} in ten seconds");
}

#[test]
fn our_flight_is_sent_again_on_time_until_it_is_answered() {
    let mut pair = Pair::new();
    let hello = pair.client.take().remove(0);
    let cookie = pair.arrive(&hello).remove(0);
    assert_eq!(pair.guard.due(), None, "a cookie costs nothing that waits");
    pair.client.read(cookie, pair.now);
    let hello = pair.client.take().remove(0);
    let flight = pair.arrive(&hello);
    let mut times = Vec::new();
    for _ in 0..20_000 {
        pair.now += Duration::from_millis(1);
        if let Some(again) = pair.guard.overdue(pair.now) {
            assert_eq!(again, &flight);
            times.push(pair.now);
        }
    }
    let gaps: Vec<_> = times
        .windows(2)
        .map(|two| (two[1] - two[0]).as_millis())
        .collect();
    assert_eq!(gaps, [400, 800, 1_600, 3_200, 5_000, 5_000]);
    pair.client.read(flight[0].clone(), pair.now);
    let sent = pair.shake(|_| {});
    assert!(pair.server.complete && !sent.is_empty());
    assert_eq!(pair.guard.due(), None);
}
