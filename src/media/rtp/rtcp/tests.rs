use std::time::Duration;

use super::write::Writer;
use super::*;

#[test]
fn a_compound_is_read_in_order() {
    let block = Block {
        ssrc: 9,
        fraction_lost: 12,
        lost: -3,
        highest: 70_000,
        jitter: 5,
        last_report: 6,
        delay: 7,
    };
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    writer.sender_report(1, 0x0102_0304_0506_0708, 77, 4, 400, &[block]);
    writer.receiver_report(2, &[block, Block { lost: 5, ..block }]);
    writer.name(1, "server");
    writer.picture_loss(1, 44);
    writer.full_intra(1, 45, 3);
    writer.nack(1, 46, [7, 8, 24, 30]);
    writer.reference_time(1, 0x0a0b_0c0d_0000_0000);
    writer.goodbye(&[1, 2]);
    let compound = Compound::parse(&bytes).unwrap();
    let mut reported = compound.iter();
    let Some(Report::Sender {
        ssrc,
        ntp,
        rtp,
        blocks,
    }) = reported.next()
    else {
        panic!("a sender report");
    };
    assert_eq!((ssrc, ntp, rtp), (1, 0x0102_0304_0506_0708, 77));
    assert_eq!(blocks.iter().collect::<Vec<_>>(), [block]);
    let Some(Report::Receiver { blocks }) = reported.next() else {
        panic!("a receiver report");
    };
    let lost: Vec<_> = blocks.iter().map(|block| block.lost).collect();
    assert_eq!(lost, [-3, 5]);
    assert_eq!(reported.next(), Some(Report::PictureLoss { media: 44 }));
    let Some(Report::FullIntra(asked)) = reported.next() else {
        panic!("a full intra request");
    };
    assert_eq!(asked.iter().collect::<Vec<_>>(), [45]);
    let Some(Report::Nack { media: 46, lost }) = reported.next() else {
        panic!("a NACK");
    };
    assert_eq!(lost.iter().collect::<Vec<_>>(), [7, 8, 24, 30]);
    let Some(Report::Goodbye { ssrcs }) = reported.next() else {
        panic!("a goodbye");
    };
    assert_eq!(ssrcs.iter().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(reported.next(), None);
}

#[test]
fn the_last_reference_times_are_found_behind_other_blocks() {
    let bytes = [
        0x80, 207, 0, 8, 0, 0, 0, 5, // an extended report of 5
        4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, // a reference time
        5, 0, 0, 3, 0, 0, 0, 1, 0, 0, 9, 9, 0, 1, 0, 0, // and the last one
    ];
    let reported: Vec<_> = Compound::parse(&bytes).unwrap().iter().collect();
    let [Report::LastReferences(last)] = reported[..] else {
        panic!("{reported:?}");
    };
    assert_eq!(last.iter().collect::<Vec<_>>(), [(0x0909, 0x1_0000)]);
}

#[test]
fn the_round_trip_is_what_is_left_of_the_time() {
    let second = 0x1_0000;
    let trip = |now, last, delay| round_trip(now, last, delay);
    assert_eq!(
        trip(10 * second, 9 * second, second / 2),
        Some(Duration::from_millis(500))
    );
    assert_eq!(
        trip(second / 2, u32::MAX - second / 2 + 1, second / 4),
        Some(Duration::from_millis(750))
    );
    assert_eq!(trip(second, second, 3), Some(Duration::ZERO));
    assert_eq!(trip(second, 0, 0), None);
}

#[test]
fn lengths_that_do_not_agree_refuse_the_whole() {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    writer.receiver_report(1, &[]);
    writer.picture_loss(1, 44);
    for end in 1..bytes.len() {
        let whole = end == 8;
        assert_eq!(Compound::parse(&bytes[..end]).is_some(), whole, "{end}");
    }
    assert_eq!(Compound::parse(&[]), None);
    let mut padded = bytes.clone();
    padded[0] |= 0x20;
    assert_eq!(Compound::parse(&padded), None, "not the last");
    let mut padded = bytes.clone();
    padded[8] |= 0x20;
    padded[11] += 1;
    padded.extend_from_slice(&[0, 0, 0, 4]);
    let reported: Vec<_> = Compound::parse(&padded).unwrap().iter().collect();
    let [Report::Receiver { .. }, Report::PictureLoss { media: 44 }] = reported[..] else {
        panic!("{reported:?}");
    };
    padded[23] = 0;
    assert_eq!(Compound::parse(&padded), None);
}

#[test]
fn what_says_more_than_it_has_is_passed_over() {
    // Three blocks are announced and none is there; a NACK without a stream; a REMB.
    let bytes = [
        0x83, 201, 0, 1, 0, 0, 0, 1, 0x81, 205, 0, 1, 0, 0, 0, 1, 0x8f, 206, 0, 4, 0, 0, 0, 1, 0,
        0, 0, 0, b'R', b'E', b'M', b'B', 0, 0, 0, 0,
    ];
    assert_eq!(Compound::parse(&bytes).unwrap().iter().count(), 0);
}

#[test]
fn mutations_are_read_or_refused() {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    writer.sender_report(1, 2, 3, 4, 5, &[Block::default()]);
    writer.name(1, "server");
    writer.nack(1, 46, [7, 8, 24, 30]);
    writer.full_intra(1, 45, 3);
    writer.reference_time(1, 3);
    writer.goodbye(&[1, 2]);
    for place in 0..bytes.len() {
        for value in 0..=255 {
            let mut changed = bytes.clone();
            changed[place] = value;
            touch(&changed);
        }
        touch(&bytes[place..]);
        touch(&bytes[..place]);
    }
    // Every kind and count with bodies of every length.
    for kind in 200..=207 {
        for count in 0..32 {
            for words in 0..16_u8 {
                let mut packet = vec![0x80 | count, kind, 0, words];
                packet.extend(vec![0xff; 4 * usize::from(words)]);
                touch(&packet);
                packet[4..].fill(1);
                touch(&packet);
            }
        }
    }
}

fn touch(bytes: &[u8]) {
    let Some(compound) = Compound::parse(bytes) else {
        return;
    };
    for report in compound.iter() {
        let count = match report {
            Report::Sender { blocks, .. } | Report::Receiver { blocks } => blocks.iter().count(),
            Report::Goodbye { ssrcs } => ssrcs.iter().count(),
            Report::Nack { lost, .. } => lost.iter().count() / 17,
            Report::PictureLoss { .. } => 1,
            Report::FullIntra(asked) => asked.iter().count(),
            Report::Transport(feedback) => feedback.iter().count() / 8_192,
            Report::LastReferences(last) => last.iter().count(),
        };
        assert!(count <= bytes.len());
    }
}
