//! Handshakes bent at random, by a fixed seed. What comes of them is well-formed and bounded, and the crate survives
//! it.

use std::time::Duration;

use bytes::BytesMut;

use super::super::record::{HANDSHAKE, NUMBER, fragments, records};
use super::{DtlsRole, End, Guard, Pair};
use crate::budgets::media::{DTLS_BYTES, DTLS_SEALED};

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    /// Bends a datagram in one to four places.
    fn bend(&mut self, corpus: &[BytesMut]) -> Vec<u8> {
        let mut bytes = corpus[self.below(corpus.len())].to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(9) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][self.below(5)],
                2 => bytes.truncate(at.max(1)),
                3 => bytes.insert(at, self.below(256) as u8),
                // The headers of the first record and its first fragment.
                4 => bytes[at.min(24)] = self.below(256) as u8,
                5 => {
                    let other = &corpus[self.below(corpus.len())];
                    let from = self.below(other.len());
                    bytes.splice(at.., other[from..].iter().copied());
                }
                6 => {
                    let twice = bytes.clone();
                    bytes.extend(twice);
                    bytes.truncate(2048);
                }
                // The epoch, the message's number, its offset.
                7 => {
                    let place = [4, 18, 21, 24][self.below(4)];
                    bytes[place.min(at)] ^= 1;
                }
                _ => {
                    bytes.drain(..at);
                    bytes.push(0);
                }
            }
        }
        bytes
    }
}

/// What an honest client sends.
fn corpus() -> Vec<BytesMut> {
    Pair::new().shake(|_| {})
}

#[test]
fn whatever_comes_what_passes_is_whole_in_order_and_bounded() {
    let corpus = corpus();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let now = std::time::Instant::now();
    for _ in 0..400 {
        let mut guard = Guard::new(DtlsRole::Server, now);
        let (mut number, mut message, mut sealed, mut bytes) = (0_u64, 0_u16, 0, 0);
        for step in 0..100 {
            let datagram = match random.below(3) {
                0 => corpus[step % corpus.len()].to_vec(),
                _ => random.bend(&corpus),
            };
            let passed = guard.admit(&datagram, now).records;
            let mut length = 0;
            for record in records(&passed) {
                length += record.bytes.len();
                if record.epoch == 0 {
                    let mut told = [0; 8];
                    told[2..].copy_from_slice(&record.bytes[NUMBER]);
                    assert_eq!(u64::from_be_bytes(told), number);
                    number += 1;
                }
                if (record.epoch, record.kind) != (0, HANDSHAKE) {
                    sealed += 1;
                    continue;
                }
                let found: Vec<_> = fragments(record.body).collect();
                let [whole] = found[..] else {
                    panic!("{} fragments in one record", found.len());
                };
                assert_eq!((whole.offset, whole.bytes.len()), (0, whole.length));
                assert_eq!(whole.sequence, message);
                message += 1;
                bytes += whole.length;
            }
            assert_eq!(length, passed.len(), "nothing between the records");
            assert!(guard.assembly.held() <= DTLS_BYTES.size());
        }
        assert!(bytes <= DTLS_BYTES.size() && sealed <= DTLS_SEALED.size());
    }
}

#[test]
fn the_crate_survives_bent_handshakes() {
    let corpus = corpus();
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..60 {
        let mut pair = Pair::new();
        for _ in 0..20 {
            pair.now += Duration::from_millis(20);
            let datagram = random.bend(&corpus);
            pair.arrive(&datagram);
        }
        // The server may believe any of that. It still holds nothing that hurts it, and serves a new client.
        assert!(pair.guard.assembly.held() <= DTLS_BYTES.size());
    }
    let mut pair = Pair::new();
    pair.server = End::server();
    pair.shake(|_| {});
    assert!(pair.server.complete);
}
