//! Datagrams made to hurt.

use std::time::Instant;

use super::super::record::{
    ALERT, CERTIFICATE, CHANGE_CIPHER_SPEC, CLIENT_HELLO, HANDSHAKE, HEADER_BYTES,
};
use super::{DtlsRole, Guard, Pair, fragment, passed, record};
use crate::budgets::media::{
    DTLS_ALERTS, DTLS_BYTES, DTLS_FRAGMENTS, DTLS_MESSAGE, DTLS_MESSAGES, DTLS_RECORDS,
    DTLS_SEALED, DTLS_SEALED_BYTES,
};

/// 28,000 fragments of one byte each, the first of them last: the crate's reassembly calls itself once for each.
fn one_byte_fragments(length: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..560).map(move |datagram| {
        let offsets = (0..50).map(|place| 1 + datagram * 50 + place);
        let records = offsets.map(|offset| fragment(CLIENT_HELLO, 0, length, offset, b"x"));
        records.flatten().collect()
    })
}

#[test]
fn a_flood_of_fragments_overflows_nothing_and_the_handshake_goes_on() {
    let mut pair = Pair::new();
    let mut attacked = false;
    pair.shake(|pair| {
        if std::mem::replace(&mut attacked, true) {
            return;
        }
        for length in [0xff_ffff, 0x7fff, 0x3ff0] {
            for datagram in one_byte_fragments(length) {
                assert!(pair.arrive(&datagram).is_empty());
                assert!(pair.guard.assembly.held() <= DTLS_BYTES.size());
            }
            assert!(
                pair.arrive(&fragment(CLIENT_HELLO, 0, length, 0, b"x"))
                    .is_empty()
            );
        }
    });
    assert!(pair.client.complete && pair.server.complete);
}

#[test]
fn messages_and_fragments_beyond_every_bound_reach_nothing() {
    let mut guard = Guard::new(DtlsRole::Server, Instant::now());
    let too_long = fragment(CLIENT_HELLO, 0, DTLS_MESSAGE.size() + 1, 0, &[0; 100]);
    assert!(passed(&mut guard, &too_long).is_empty());
    for (length, offset, bytes) in [
        (10, 9, &b"ab"[..]),
        (10, 11, b"a"),
        (10, 3, b""),
        (0, 0, b""),
    ] {
        assert!(
            passed(
                &mut guard,
                &fragment(CLIENT_HELLO, 0, length, offset, bytes)
            )
            .is_empty()
        );
    }
    assert_eq!(guard.assembly.held(), 0);
    // More gaps than are kept; the message is not lost for it.
    for gap in 0..DTLS_FRAGMENTS.size() + 10 {
        passed(&mut guard, &fragment(CLIENT_HELLO, 0, 400, gap * 2, b"x"));
    }
    let whole = passed(&mut guard, &fragment(CLIENT_HELLO, 0, 400, 0, &[7; 400]));
    assert_eq!(whole.len(), HEADER_BYTES + 12 + 400);
    // What a client does not say there would only use a number up.
    for kind in [0, 2, 4, 11, 12, 14, 20, 255] {
        let mut guard = Guard::new(DtlsRole::Server, Instant::now());
        assert!(passed(&mut guard, &fragment(kind, 0, 1, 0, b"x")).is_empty());
    }
    // Long messages, then many.
    let mut bytes = 0;
    for sequence in 1..100 {
        let length = DTLS_MESSAGE.size();
        for (offset, end) in [(0, 9_000), (9_000, length)] {
            let part = vec![1; end - offset];
            bytes += passed(
                &mut guard,
                &fragment(CERTIFICATE, sequence, length, offset, &part),
            )
            .len();
        }
    }
    assert!(bytes <= DTLS_BYTES.size() && guard.assembly.held() <= DTLS_BYTES.size());
    let mut guard = Guard::new(DtlsRole::Server, Instant::now());
    let mut count = 0;
    for sequence in 0..1_000 {
        let kind = if sequence == 0 {
            CLIENT_HELLO
        } else {
            CERTIFICATE
        };
        count += usize::from(!passed(&mut guard, &fragment(kind, sequence, 1, 0, b"x")).is_empty());
    }
    assert_eq!(count, DTLS_MESSAGES.size());
}

#[test]
fn a_datagram_of_many_records_is_read_in_part() {
    let mut guard = Guard::new(DtlsRole::Server, Instant::now());
    // Empty records cost the crate a header each; headers of empty messages are summed up for each record.
    let empty: Vec<u8> = (0..150).flat_map(|_| record(HANDSHAKE, 0, &[])).collect();
    assert!(passed(&mut guard, &empty).is_empty());
    let headers: Vec<u8> = (0..80)
        .flat_map(|_| fragment(CLIENT_HELLO, 0, 0, 0, &[]))
        .collect();
    assert!(passed(&mut guard, &headers).is_empty());
    assert_eq!(guard.assembly.held(), 0);
    let mut many: Vec<u8> = (0..DTLS_RECORDS.size())
        .flat_map(|_| record(ALERT, 0, &[2, 40]))
        .collect();
    many.extend(fragment(CLIENT_HELLO, 0, 1, 0, b"x"));
    assert!(passed(&mut guard, &many).is_empty(), "behind too many");
    let last = &many[many.len() - 26..];
    assert!(!passed(&mut guard, last).is_empty());
}

fn with_messages(count: u16) -> Guard {
    let mut guard = Guard::new(DtlsRole::Server, Instant::now());
    for sequence in 0..count {
        let kind = if sequence == 0 {
            CLIENT_HELLO
        } else {
            CERTIFICATE
        };
        assert!(!passed(&mut guard, &fragment(kind, sequence, 1, 0, b"x")).is_empty());
    }
    guard
}

#[test]
fn sealed_records_are_few_and_small() {
    let sealed = record(HANDSHAKE, 1, &[0; 48]);
    let change = record(CHANGE_CIPHER_SPEC, 0, &[1]);
    let mut early = with_messages(2);
    assert!(passed(&mut early, &sealed).is_empty() && passed(&mut early, &change).is_empty());
    let mut guard = with_messages(3);
    let long = record(HANDSHAKE, 1, &vec![0; DTLS_SEALED_BYTES.size() + 1]);
    assert!(passed(&mut guard, &long).is_empty());
    let mut count = 0;
    for _ in 0..10_000 {
        count += usize::from(!passed(&mut guard, &sealed).is_empty());
        count += usize::from(!passed(&mut guard, &change).is_empty());
    }
    assert_eq!(count, DTLS_SEALED.size());
    for epoch in [2, 3, 255] {
        assert!(passed(&mut with_messages(3), &record(HANDSHAKE, epoch, &[0; 48])).is_empty());
    }
}

#[test]
fn after_the_handshake_only_a_goodbye_passes() {
    let mut pair = Pair::new();
    let sent = pair.shake(|_| {});
    assert!(pair.guard.complete);
    let mut hostile = sent.clone();
    hostile.extend(one_byte_fragments(0x3ff0).map(|datagram| datagram[..].into()));
    hostile.push(record(HANDSHAKE, 1, &[0; 48])[..].into());
    hostile.push(record(23, 1, &[0; 48])[..].into());
    hostile.push(record(CHANGE_CIPHER_SPEC, 0, &[1])[..].into());
    hostile.push(record(ALERT, 0, &[2, 40])[..].into());
    for datagram in hostile {
        assert!(passed(&mut pair.guard, &datagram).is_empty());
    }
    pair.client.endpoint.close(pair.now).unwrap();
    let goodbye = pair.client.take().remove(0);
    assert_eq!(pair.guard.admit(&goodbye, pair.now).records, goodbye);
}

#[test]
fn alerts_count_only_when_sealed() {
    let mut pair = Pair::new();
    // Anyone can forge one in the clear, and it would end the handshake.
    pair.shake(|pair| {
        for level in [1, 2] {
            assert!(pair.arrive(&record(ALERT, 0, &[level, 40])).is_empty());
        }
    });
    assert!(pair.client.complete && pair.server.complete);
    let forged = record(ALERT, 1, &[0; 26]);
    let count = (0..1_000).filter(|_| !passed(&mut pair.guard, &forged).is_empty());
    assert_eq!(count.count(), DTLS_ALERTS.size());
}

#[test]
fn a_forged_record_number_ends_no_handshake() {
    let mut pair = Pair::new();
    pair.shake(|pair| {
        let mut forged = record(CHANGE_CIPHER_SPEC, 0, &[1]);
        forged[5..11].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]);
        pair.arrive(&forged);
        let mut forged = fragment(CERTIFICATE, 3, 9, 0, b"x");
        forged[5..11].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xfd]);
        pair.arrive(&forged);
    });
    assert!(pair.client.complete && pair.server.complete);
}
