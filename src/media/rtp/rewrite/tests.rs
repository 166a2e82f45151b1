use std::time::Duration;

use super::*;
use crate::media::rtp::encoding::Encoding;
use crate::media::rtp::extensions::ExtensionIds;
use crate::media::rtp::outgoing::Outgoing;
use crate::media::rtp::packet::{ExtensionSet, Extensions, Header, View};

/// A slot of pictures that begins after these.
fn slot_after(sequence: u16, timestamp: u32) -> Rewriter {
    Rewriter::new(sequence, Timeline::new(90_000, 1, timestamp))
}

/// A packet that comes so long after the start, from a sender that has told nothing of its clock.
fn coming(start: Instant, ms: u64) -> Coming {
    Coming {
        now: start + Duration::from_millis(ms),
        ntp: (3_900_000_000 << 32) + (ms << 32) / 1000,
        clock: None,
    }
}

fn source(sequence: u64, timestamp: u32, payload: &[u8], encoding: Encoding) -> Incoming<'_> {
    Incoming {
        sequence,
        timestamp,
        marker: false,
        encoding,
        extensions: Extensions::default(),
        ids: ExtensionIds::none(),
        payload,
    }
}

/// What the subscriber gets as the payload.
fn payload(source: &Incoming<'_>, fit: Fit) -> Vec<u8> {
    let outgoing = Outgoing {
        packet: source,
        offsets: fit.offsets,
        header: Header {
            marker: false,
            payload_type: 96,
            sequence: fit.sequence,
            timestamp: 0,
            ssrc: 1,
        },
        active: None,
        ids: &ExtensionIds::default(),
        mixes: false,
        stamp: None,
        original: None,
    };
    let mut bytes = Vec::new();
    outgoing.write(&mut bytes);
    View::parse(&bytes).unwrap().payload.to_vec()
}

/// A VP8 payload with a 15-bit picture id and a TL0PICIDX.
fn vp8(picture: u16, tl0: u8) -> Vec<u8> {
    let [high, low] = (picture | 0x8000).to_be_bytes();
    vec![0x90, 0xe0, high, low, tl0, 0x20, 0x00, 0xaa]
}

#[test]
fn a_switch_is_seamless_even_over_the_wrap() {
    let start = Instant::now();
    let mut slot = slot_after(65_533, u32::MAX - 10);
    let send = |slot: &mut Rewriter, sequence, timestamp: u32, at_ms| {
        let coming = coming(start, at_ms);
        let fit = slot.rewrite(&source(sequence, timestamp, b"x", Encoding::H264), &coming)?;
        Some((fit.sequence, timestamp.wrapping_add(fit.offsets.timestamp)))
    };
    let first = send(&mut slot, 70_000, 5, 0).unwrap();
    assert_eq!(first, (65_534, u32::MAX - 9));
    assert_eq!(send(&mut slot, 70_002, 3005, 33).unwrap().0, 0);
    // A late packet finds its place; one from before the switch does not.
    assert_eq!(send(&mut slot, 70_001, 3005, 34).unwrap().0, 65_535);
    assert_eq!(send(&mut slot, 69_999, 5, 34), None);
    slot.release();
    let switched = send(&mut slot, 12, 4_000_000, 133).unwrap();
    // 133 ms at 90 kHz after the first packet's.
    assert_eq!(switched, (1, (u32::MAX - 9).wrapping_add(11_970)));
    assert_eq!(
        send(&mut slot, 13, 4_003_000, 166).unwrap().1,
        switched.1.wrapping_add(3000)
    );
}

#[test]
fn vp8_picture_counters_go_on_over_a_switch() {
    let coming = coming(Instant::now(), 0);
    let mut slot = slot_after(0, 0);
    let send = |slot: &mut Rewriter, sequence, sent: &[u8]| {
        let source = source(sequence, 0, sent, Encoding::Vp8);
        payload(&source, slot.rewrite(&source, &coming).unwrap())
    };
    assert_eq!(send(&mut slot, 1, &vp8(0x7ffe, 200)), vp8(0x7ffe, 200));
    assert_eq!(send(&mut slot, 2, &vp8(0x7fff, 201)), vp8(0x7fff, 201));
    slot.release();
    assert_eq!(send(&mut slot, 1, &vp8(500, 7)), vp8(0, 202));
    assert_eq!(send(&mut slot, 2, &vp8(501, 8)), vp8(1, 203));
    // Seven bits stay seven bits.
    slot.release();
    assert_eq!(send(&mut slot, 9, &[0x90, 0x80, 0x7f, 0x00])[2], 2);
}

#[test]
fn vp9_picture_counters_go_on_over_a_switch() {
    let coming = coming(Instant::now(), 0);
    let mut slot = slot_after(0, 0);
    let send = |slot: &mut Rewriter, sent: &[u8]| {
        let source = source(5, 0, sent, Encoding::Vp9);
        payload(&source, slot.rewrite(&source, &coming).unwrap())
    };
    send(&mut slot, &[0xa8, 0x80, 0x10, 0x00, 0x09, 0xff]);
    slot.release();
    assert_eq!(
        send(&mut slot, &[0xa8, 0x81, 0x00, 0x00, 0x50, 0xff])[..5],
        [0xa8, 0x80, 0x11, 0x00, 0x0a]
    );
}

#[test]
fn frame_numbers_go_on_over_a_switch() {
    let coming = coming(Instant::now(), 0);
    let mut slot = slot_after(0, 0);
    let ids = ExtensionIds::of([(7, Extension::Dependencies.uri())]);
    let send = |slot: &mut Rewriter, sequence: u64, number: u16| {
        let [high, low] = number.to_be_bytes();
        let descriptor = [0xc0, high, low];
        let mut set = ExtensionSet::default();
        set.push(7, &descriptor);
        let mut bytes = Vec::new();
        let header = Header {
            marker: false,
            payload_type: 96,
            sequence: 0,
            timestamp: 0,
            ssrc: 1,
        };
        header.write(&set, &mut bytes);
        let source = Incoming {
            extensions: View::parse(&bytes).unwrap().extensions,
            ids,
            ..source(sequence, 0, b"x", Encoding::Av1)
        };
        let fit = slot.rewrite(&source, &coming).unwrap();
        number.wrapping_add(fit.offsets.frame)
    };
    assert_eq!(send(&mut slot, 1, 65_535), 65_535);
    assert_eq!(send(&mut slot, 2, 0), 0);
    slot.release();
    assert_eq!(send(&mut slot, 1, 700), 1);
    assert_eq!(send(&mut slot, 3, 702), 3);
}

#[test]
fn what_is_left_out_leaves_no_gap() {
    let coming = coming(Instant::now(), 0);
    let mut slot = slot_after(9, 0);
    let send = |slot: &mut Rewriter, sequence| {
        let fit = slot.rewrite(&source(sequence, 0, b"x", Encoding::Vp9), &coming)?;
        Some(fit.sequence)
    };
    let skip = |slot: &mut Rewriter, sequence| slot.skip(&source(sequence, 0, b"x", Encoding::Vp9));
    assert!(skip(&mut slot, 99), "nothing is carried yet");
    assert_eq!(send(&mut slot, 100), Some(10));
    assert!(skip(&mut slot, 101) && skip(&mut slot, 103));
    assert!(skip(&mut slot, 98), "it came before the first");
    assert_eq!(send(&mut slot, 104), Some(12));
    assert_eq!(send(&mut slot, 102), Some(11), "a late one has its place");
    assert!(skip(&mut slot, 106) && skip(&mut slot, 107));
    assert!(skip(&mut slot, 105), "no number was kept for it");
    assert_eq!(send(&mut slot, 109), Some(14));
    assert!(!skip(&mut slot, 108), "a number was kept for it");
    assert_eq!(send(&mut slot, 108), Some(13));
    slot.release();
    assert_eq!(send(&mut slot, 109), Some(15), "another source counts anew");
}

#[test]
fn pictures_that_are_left_out_leave_no_gap_in_the_ids() {
    let now = coming(Instant::now(), 0);
    let mut slot = slot_after(9, 0);
    let mut sent = Vec::new();
    // Each second picture is of the slowest layer, in two packets each, over the end of the ids.
    for (sequence, picture) in (0..200_u64).map(|place| (100 + place, (32_700 + place / 2) as u16))
    {
        let payload = vp8(picture & 0x7fff, (picture / 2) as u8);
        let packet = source(sequence, picture.into(), &payload, Encoding::Vp8);
        if picture % 2 == 1 {
            assert!(slot.skip(&packet));
            continue;
        }
        let fit = slot.rewrite(&packet, &now).unwrap();
        let Some([_, _, high, low, tl0]) = self::payload(&packet, fit).first_chunk().copied()
        else {
            panic!("it is cut off")
        };
        sent.push((fit.sequence, u16::from_be_bytes([high & 0x7f, low]), tl0));
    }
    for pair in sent.chunks_exact(2).collect::<Vec<_>>().windows(2) {
        let [(sequence, picture, tl0), last] = *pair[0] else {
            unreachable!()
        };
        assert_eq!(last, (sequence + 1, picture, tl0));
        assert_eq!(
            pair[1][0],
            (sequence + 2, (picture + 1) & 0x7fff, tl0.wrapping_add(1))
        );
    }
    // Another stream goes on with the next.
    let last = *sent.last().unwrap();
    slot.release();
    let payload = vp8(7, 9);
    let packet = source(1, 0, &payload, Encoding::Vp8);
    let fit = slot.rewrite(&packet, &now).unwrap();
    let next = self::payload(&packet, fit);
    assert_eq!(
        u16::from_be_bytes([next[2] & 0x7f, next[3]]),
        (last.1 + 1) & 0x7fff
    );
}
