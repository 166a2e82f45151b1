//! What is opened, what is refused, and that no nonce is used twice.

use std::collections::HashSet;

use super::*;

const BOTH: [Profile; 2] = [Profile::Gcm, Profile::CounterMode];
const PLI: [u8; 12] = [0x81, 206, 0, 2, 0, 0, 0, 5, 0, 0, 0, 6];

fn packet(number: u16, ssrc: u32) -> Vec<u8> {
    // With a CSRC and an extension of one word.
    let mut packet = vec![0x91, 96];
    packet.extend(number.to_be_bytes());
    packet.extend([0, 0, 0, 7]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend([1, 1, 1, 1, 0xbe, 0xde, 0, 1, 0x10, 9, 0, 0]);
    packet.extend([number as u8; 100]);
    packet
}

fn cipher(profile: Profile) -> Cipher {
    let exported: Vec<u8> = (0..profile.exported_bytes() as u8).collect();
    ciphers(profile, &exported).unwrap().0
}

fn pair(profile: Profile) -> (Outbound, Inbound) {
    let outbound = Outbound::new(cipher(profile));
    (outbound, Inbound::new(cipher(profile)))
}

fn sealed(outbound: &mut Outbound, number: u16, ssrc: u32) -> Option<Vec<u8>> {
    // Something stands before it in the arena.
    let mut arena = vec![1, 2, 3];
    arena.extend(packet(number, ssrc));
    outbound.seal_rtp(&mut arena, 3).then(|| arena.split_off(3))
}

#[test]
fn whatever_is_sealed_is_opened_once() {
    for profile in BOTH {
        let (mut outbound, mut inbound) = pair(profile);
        for index in 60_000..200_000_u64 {
            let mut bytes = sealed(&mut outbound, index as u16, 5).unwrap();
            let mut again = bytes.clone();
            let plain = packet(index as u16, 5);
            assert_eq!(inbound.open_rtp(&mut bytes), Some((plain.len(), index)));
            assert_eq!(bytes[..plain.len()], plain);
            assert_eq!(inbound.open_rtp(&mut again), None, "a replay");
        }
    }
}

#[test]
fn a_forged_packet_of_any_number_changes_nothing() {
    for profile in BOTH {
        let (mut outbound, mut inbound) = pair(profile);
        let forged = |number: u16, ssrc: u32| {
            let mut forged = packet(number, ssrc);
            forged.resize(forged.len() + profile.tag_bytes(), 0);
            forged
        };
        for ssrc in 0..10_000 {
            assert_eq!(inbound.open_rtp(&mut forged(40_000, ssrc)), None);
        }
        assert_eq!(inbound.streams(), 0, "nothing is kept of strangers");
        for number in 10_000..12_000_u16 {
            for far in [number, number ^ 0x8000, number.wrapping_add(30_000), 0] {
                assert_eq!(inbound.open_rtp(&mut forged(far, 5)), None);
            }
            let mut genuine = sealed(&mut outbound, number, 5).unwrap();
            assert!(inbound.open_rtp(&mut genuine).is_some(), "{number}");
        }
        assert_eq!(inbound.streams(), 1);
    }
}

#[test]
fn no_bit_of_a_packet_may_change() {
    for profile in BOTH {
        let (mut outbound, mut inbound) = pair(profile);
        let genuine = sealed(&mut outbound, 7, 5).unwrap();
        for bit in 0..genuine.len() * 8 {
            let mut bent = genuine.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(inbound.open_rtp(&mut bent), None, "bit {bit}");
        }
        for end in 0..genuine.len() {
            assert_eq!(inbound.open_rtp(&mut genuine[..end].to_vec()), None);
        }
        assert!(inbound.open_rtp(&mut genuine.clone()).is_some());
    }
}

#[test]
fn no_bit_of_a_report_may_change() {
    for profile in BOTH {
        let (mut outbound, mut inbound) = pair(profile);
        let mut genuine = PLI.to_vec();
        assert!(outbound.seal_rtcp(&mut genuine, 0));
        for bit in 0..genuine.len() * 8 {
            let mut bent = genuine.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(inbound.open_rtcp(&mut bent), None, "bit {bit}");
        }
        for end in 0..genuine.len() {
            assert_eq!(inbound.open_rtcp(&mut genuine[..end].to_vec()), None);
        }
        assert_eq!(inbound.streams(), 0);
        let mut again = genuine.clone();
        assert_eq!(inbound.open_rtcp(&mut genuine), Some(PLI.len()));
        assert_eq!(genuine[..PLI.len()], PLI);
        assert_eq!(inbound.open_rtcp(&mut again), None, "a replay");
    }
}

#[test]
fn a_forged_index_of_a_report_mutes_nobody() {
    for profile in BOTH {
        let (mut outbound, mut inbound) = pair(profile);
        let mut forged = PLI.to_vec();
        assert!(cipher(profile).seal_rtcp(&mut forged, 0, 1 << 30));
        forged[9] ^= 1;
        assert_eq!(inbound.open_rtcp(&mut forged), None);
        for _ in 0..3_000 {
            let mut genuine = PLI.to_vec();
            assert!(outbound.seal_rtcp(&mut genuine, 0));
            assert_eq!(inbound.open_rtcp(&mut genuine), Some(PLI.len()));
        }
    }
}

#[test]
fn an_authentic_peer_has_so_many_streams_and_no_more() {
    let (mut outbound, mut inbound) = pair(Profile::Gcm);
    for ssrc in 0..1_000 {
        let mut bytes = sealed(&mut outbound, 1, ssrc).unwrap();
        let opened = inbound.open_rtp(&mut bytes).is_some();
        assert_eq!(opened, (ssrc as usize) < STREAMS.size());
    }
    let mut known = sealed(&mut outbound, 2, 0).unwrap();
    assert!(inbound.open_rtp(&mut known).is_some());
}

/// RFC 3711 §B.3.
#[test]
fn keys_are_derived_as_the_standard_says() {
    let master = [
        0xe1, 0xf9, 0x7a, 0x0d, 0x3e, 0x01, 0x8b, 0xe0, 0xd6, 0x4f, 0xa3, 0x2c, 0x06, 0xde, 0x41,
        0x39,
    ];
    let salt = [
        0x0e, 0xc6, 0x75, 0xad, 0x49, 0x8a, 0xfe, 0xeb, 0xb6, 0x96, 0x0b, 0x3a, 0xab, 0xe6,
    ];
    let derived = super::cipher::derive(&master, &salt, 0);
    assert_eq!(
        derived[..16],
        [
            0xc6, 0x1e, 0x7a, 0x93, 0x74, 0x4f, 0x39, 0xee, 0x10, 0x73, 0x4a, 0xfe, 0x3f, 0xf7,
            0xa0, 0x87
        ]
    );
    assert_eq!(
        super::cipher::derive(&master, &salt, 2)[..14],
        [
            0x30, 0xcb, 0xbc, 0x08, 0x86, 0x3d, 0x8c, 0x85, 0xd4, 0x9d, 0xb3, 0x4a, 0x9a, 0xe1
        ]
    );
    assert_eq!(
        super::cipher::derive(&master, &salt, 1)[..20],
        [
            0xce, 0xbe, 0x32, 0x1f, 0x6f, 0xf7, 0x71, 0x6b, 0x6f, 0xd4, 0xab, 0x49, 0xaf, 0x25,
            0x6a, 0x15, 0x6d, 0x38, 0xba, 0xa4
        ]
    );
}

/// Numbers as a forwarder may come to use them: in order, repeated for a retransmission, jumping when the source
/// restarts or is changed, late, wrapping. For all of them no stream's index is sealed twice, and the other side opens
/// all that was sealed.
#[test]
fn no_nonce_is_used_twice_whatever_numbers_are_asked_for() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |limit: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % limit
    };
    for profile in BOTH {
        let (mut outbound, mut inbound) = pair(profile);
        let mut used = HashSet::new();
        let mut next = [random(1 << 12) as u16, random(1 << 12) as u16, 65_530];
        let (mut sent, mut refused) = (0, 0);
        for _ in 0..60_000 {
            let stream = random(3) as usize;
            let number = match random(20) {
                0 => next[stream].wrapping_sub(1 + random(1_500) as u16),
                1 => random(1 << 16) as u16,
                2 => next[stream].wrapping_add(random(40) as u16),
                3 => next[stream].wrapping_sub(1),
                _ => next[stream],
            };
            match sealed(&mut outbound, number, stream as u32) {
                Some(mut bytes) => {
                    sent += 1;
                    next[stream] = next[stream].wrapping_add(1);
                    let (_, index) = inbound.open_rtp(&mut bytes).unwrap();
                    assert_eq!(index as u16, number);
                    assert!(used.insert((stream, index)), "{stream}: {index} twice");
                }
                None => {
                    refused += 1;
                    next[stream] = next[stream].wrapping_add(1);
                }
            }
        }
        assert!(sent > 20_000 && refused > 1_000, "{sent} and {refused}");
    }
}

#[test]
fn what_is_sealed_again_is_the_same_datagram() {
    for profile in BOTH {
        let (mut outbound, _) = pair(profile);
        let first: Vec<_> = (65_000..66_100)
            .map(|index| sealed(&mut outbound, index as u16, 5).unwrap())
            .collect();
        let mut again = |index: u32| {
            let mut bytes = packet(index as u16, 5);
            outbound.seal_rtp_again(&mut bytes, 0).then_some(bytes)
        };
        for index in [66_099, 65_536, 65_535, 65_200] {
            assert_eq!(again(index).as_ref(), first.get(index as usize - 65_000));
        }
        assert_eq!(again(66_100), None, "never sealed");
        assert_eq!(again(65_010), None, "too long ago to tell");
    }
}
