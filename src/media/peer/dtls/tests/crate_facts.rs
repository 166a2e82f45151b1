//! Why the guard is there: what the crate does without it. When one of these fails, a part of the guard can go.

use std::time::{Duration, Instant};

use super::super::record::CLIENT_HELLO;
use super::{End, PEER, fragment};

fn carry(from: &mut End, to: &mut End, now: Instant) {
    for datagram in from.take() {
        to.read(datagram, now);
    }
}

fn completes(client: &mut End, server: &mut End, now: Instant) -> bool {
    for _ in 0..8 {
        carry(client, server, now);
        carry(server, client, now);
    }
    client.complete && server.complete
}

#[test]
fn alone_it_completes_a_handshake() {
    let now = Instant::now();
    assert!(completes(&mut End::client(now), &mut End::server(), now));
}

#[test]
fn alone_one_forged_record_number_ends_a_handshake() {
    let now = Instant::now();
    let (mut client, mut server) = (End::client(now), End::server());
    let mut forged = fragment(CLIENT_HELLO, 9, 1, 0, b"x");
    forged[5..11].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]);
    server.read(forged[..].into(), now);
    assert!(!completes(&mut client, &mut server, now));
}

#[test]
fn alone_it_does_not_answer_a_repeated_flight_and_puts_its_timer_out() {
    let now = Instant::now();
    let (mut client, mut server) = (End::client(now), End::server());
    carry(&mut client, &mut server, now);
    carry(&mut server, &mut client, now);
    carry(&mut client, &mut server, now);
    assert!(!server.take().is_empty(), "its flight is lost");
    assert!(server.endpoint.poll_timeout(&PEER).is_some());
    let later = now + Duration::from_secs(3);
    client.endpoint.handle_timeout(PEER, later).unwrap();
    carry(&mut client, &mut server, later);
    assert!(server.take().is_empty());
    assert_eq!(server.endpoint.poll_timeout(&PEER), None);
}
