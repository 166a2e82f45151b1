//! Sound that carries earlier sound once more, to listeners who lose some of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;

use super::World;
use super::line::Weather;
use crate::media::room::request::Request;
use crate::protocol::object::Source;

const VOICE: u32 = 815;
const PLAIN: u8 = 111;
const REDUNDANT: u8 = 63;

/// Ada talks for some seconds, each packet with the one before it.
fn talk(world: &mut World, ada: usize, number: &mut u16, seconds: u64) {
    for _ in 0..seconds * 50 {
        *number += 1;
        let header = rtc::rtp::Header {
            version: 2,
            payload_type: REDUNDANT,
            sequence_number: *number,
            timestamp: u32::from(*number) * 960,
            ssrc: VOICE,
            ..Default::default()
        };
        let mut payload = vec![0x80 | PLAIN, 0x0f, 0x00, 0x02, PLAIN];
        payload.extend_from_slice(&(*number - 1).to_be_bytes());
        payload.extend_from_slice(&number.to_be_bytes());
        let now = world.now;
        world.clients[ada].send_packet(header, Bytes::from(payload), now);
        world.run(Duration::from_millis(20));
    }
}

/// What a listener has heard since this was last asked, and how many of the packets were redundant.
fn take_heard(world: &mut World, who: usize) -> (BTreeSet<u16>, usize) {
    let packets = std::mem::take(&mut world.clients[who].received);
    let sound = |bytes: &[u8]| u16::from_be_bytes([bytes[0], bytes[1]]);
    let (mut heard, mut redundant) = (BTreeSet::new(), 0);
    for packet in &packets {
        if packet.header.payload_type == REDUNDANT {
            redundant += 1;
            heard.insert(sound(&packet.payload[5..]));
            heard.insert(sound(&packet.payload[7..]));
        } else {
            assert_eq!(packet.payload.len(), 2, "the newest alone");
            heard.insert(sound(&packet.payload));
        }
    }
    (heard, redundant)
}

/// An encoder that hears of losses writes each sound into the next packet, too (in-band FEC).
#[test]
fn a_sender_hears_of_losses_that_nothing_else_repairs() {
    let mut world = World::new();
    let [ada, bo, cy] = three(&mut world);
    let mut number = 0;
    let mut told = |world: &mut World, losses: [u32; 2], seconds| {
        for (who, percent) in [bo, cy].into_iter().zip(losses) {
            world.losses.insert(world.clients[who].address, percent);
        }
        talk(world, ada, &mut number, seconds);
        let (share, all) = world.clients[ada].told_lost[&VOICE];
        assert_eq!(all, 0, "nothing is lost on the way in");
        share
    };
    assert_eq!(told(&mut world, [0, 0], 5), 0);
    assert_eq!(told(&mut world, [30, 0], 10), 0, "that is sent redundantly");
    let share = told(&mut world, [0, 30], 10);
    assert!((50..=77).contains(&share), "{share} of 256");
    assert_eq!(told(&mut world, [0, 0], 60), 0);
}

#[test]
fn sound_survives_a_loss_of_a_third_where_both_ends_can_repeat_it() {
    for seed in [1, 0x2545_f491, 0x9e37_79b9] {
        survives_a_loss_of_a_third(World::seeded(seed));
    }
}

/// Ada is heard by Bo, who takes sound that is sent redundantly, and by Cy, who does not.
fn three(world: &mut World) -> [usize; 3] {
    let people = [world.admit(), world.admit(), world.admit()];
    let ada = world.client();
    world.clients[ada].add_source(Source::Microphone, VOICE);
    world.offer(&people[0], ada, 1, &[Source::Microphone], |sdp| sdp);
    let bo = world.receive_slots(&people[1], 1, 0);
    let cy = world.client();
    let offer = world.ask(&people[2], |reply| Request::Receive {
        audio_slots: 1,
        video_slots: 0,
        reply,
    });
    world.answer_as(&people[2], cy, offer, |sdp| {
        let kept = sdp.lines().filter(|line| !line.contains(":63 "));
        kept.map(|line| format!("{}\r\n", line.replace(" 63", "")))
            .collect()
    });
    world.start(&people[0], Source::Microphone);
    world.run(Duration::from_millis(600));
    [ada, bo, cy]
}

/// What is lost on the way in comes with the packet behind it. Some listeners look there themselves; the others get it as
/// the packet that it was.
#[test]
fn what_a_sender_loses_reaches_those_who_take_no_redundant_sound() {
    for seed in [1, 0x2545_f491, 0x9e37_79b9] {
        for percent in [15, 30] {
            is_recovered(World::seeded(seed), percent);
        }
    }
}

fn is_recovered(mut world: World, percent: u32) {
    let [ada, bo, cy] = three(&mut world);
    let mut number = 0;
    talk(&mut world, ada, &mut number, 2);
    take_heard(&mut world, bo);
    take_heard(&mut world, cy);
    world.losses.insert(super::SERVER.into(), percent);
    let before = world.media[&world.clients[bo].address];
    talk(&mut world, ada, &mut number, 20);
    let (share, _) = world.clients[ada].told_lost[&VOICE];
    let told = u32::from(share) * 100 / 256;
    assert!(told + 15 > percent, "{told} % of {percent}");
    // Two in a row stay lost.
    let least = 1000 - 1000 * percent * percent / 10_000 - 35;
    let (heard, redundant) = take_heard(&mut world, bo);
    assert!(redundant >= 650 && heard.len() >= least as usize);
    let sent = world.media[&world.clients[bo].address] - before;
    assert!(sent <= redundant + 20, "nothing besides: {sent}");
    let heard = plain(&mut world, cy);
    let times: BTreeSet<u32> = heard.values().map(|(time, _)| *time).collect();
    assert_eq!(times.len(), heard.len(), "each with its own time");
    assert!(heard.len() >= least as usize, "{} of 1000", heard.len());
    for (one, next) in heard.values().zip(heard.values().skip(1)) {
        assert_eq!(next.0 - one.0, u32::from(next.1 - one.1) * 960);
    }
}

/// Packets that come late, or twice, after their sounds were recovered.
#[test]
fn what_was_recovered_is_not_sent_again() {
    for seed in [1, 0x2545_f491, 0x9e37_79b9] {
        let mut world = World::seeded(seed);
        let [ada, _, cy] = three(&mut world);
        world.weather = Some(Weather {
            loss: 5,
            in_a_row: 1,
            jitter: Duration::ZERO,
            late: 20,
            doubled: 20,
        });
        let mut number = 0;
        let sent = world.media.get(&world.clients[cy].address).copied();
        talk(&mut world, ada, &mut number, 20);
        world.weather = None;
        world.run(Duration::from_millis(200));
        let sent = world.media[&world.clients[cy].address] - sent.unwrap_or_default();
        assert!((960..=1000).contains(&sent), "{sent} of 1000");
        let (share, lost) = world.clients[ada].told_lost[&VOICE];
        assert!(
            share < 40 && lost < 90,
            "what came late is not lost: {lost}"
        );
    }
}

/// The packets of a listener who takes no redundant sound: by their number, their timestamps and sounds.
fn plain(world: &mut World, who: usize) -> BTreeMap<u16, (u32, u16)> {
    let packets = std::mem::take(&mut world.clients[who].received);
    let count = packets.len();
    let by_number = packets.into_iter().map(|packet| {
        assert_eq!(
            (packet.header.payload_type, packet.payload.len()),
            (PLAIN, 2)
        );
        let sound = u16::from_be_bytes([packet.payload[0], packet.payload[1]]);
        (
            packet.header.sequence_number,
            (packet.header.timestamp, sound),
        )
    });
    let by_number: BTreeMap<_, _> = by_number.collect();
    assert_eq!(by_number.len(), count, "each once");
    by_number
}

fn survives_a_loss_of_a_third(mut world: World) {
    let [ada, bo, cy] = three(&mut world);
    let mut number = 0;
    talk(&mut world, ada, &mut number, 5);
    for who in [bo, cy] {
        let (heard, redundant) = take_heard(&mut world, who);
        assert!(heard.len() >= 245, "{}", heard.len());
        assert_eq!(redundant, 0, "who loses nothing goes without");
    }
    for who in [bo, cy] {
        world.losses.insert(world.clients[who].address, 30);
    }
    // It takes a while until the losses are known.
    talk(&mut world, ada, &mut number, 3);
    take_heard(&mut world, bo);
    take_heard(&mut world, cy);
    talk(&mut world, ada, &mut number, 20);
    let (heard, redundant) = take_heard(&mut world, bo);
    assert!(redundant >= 650, "{redundant}");
    assert!(
        (880..=950).contains(&heard.len()),
        "{} of 1000",
        heard.len()
    );
    let (heard, redundant) = take_heard(&mut world, cy);
    assert_eq!(redundant, 0);
    assert!(
        (650..=750).contains(&heard.len()),
        "{} of 1000",
        heard.len()
    );
}
