//! One stream that carries layers in itself: everybody gets those that fit, in an order that decodes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;

use crate::media::room::request::Request;
use crate::media::simulation::World;
use crate::media::simulation::client::{SSRC, VP9};
use crate::meeting::media::MediaEvent;
use crate::protocol::ids::{ParticipantId, TrackId};
use crate::protocol::object::{Slot, Source};
use crate::protocol::request::Tile;

const FRAME: Duration = Duration::from_millis(50);
const TICKS: u32 = 4500;
const BYTES: usize = 1000;
const SPATIAL: u8 = 3;
/// The temporal layers of four pictures in a row.
const TEMPORAL: [u8; 4] = [0, 2, 1, 2];
/// Which picture each of them is made from: so many before it.
const REFERENCE: [u32; 4] = [4, 1, 2, 1];

/// Ada sends VP9 in three spatial and three temporal layers; Bo and Cy watch it.
struct Show {
    world: World,
    viewers: [(ParticipantId, usize); 2],
    up: usize,
    track: TrackId,
    number: u32,
    sequence: u16,
    keys: BTreeSet<u32>,
}

/// A packet as a viewer received it.
#[derive(Debug, Clone, Copy)]
struct Got {
    sequence: u16,
    marker: bool,
    picture: u16,
    number: u32,
    spatial: u8,
    index: u8,
}

impl Show {
    fn new() -> Self {
        let mut world = World::new();
        let (ada, bo, cy) = (world.admit(), world.admit(), world.admit());
        let up = world.client();
        world.clients[up].add_vp9(SSRC);
        world.offer(&ada, up, 1, &[Source::Camera], |sdp| sdp);
        let viewers = [bo, cy].map(|viewer| {
            let down = world.receive(&viewer);
            (viewer, down)
        });
        let track = world.start_camera(&ada);
        world.run(Duration::from_millis(600));
        Self {
            world,
            viewers,
            up,
            track,
            number: 0,
            sequence: 65_000,
            keys: BTreeSet::new(),
        }
    }

    fn talk(&mut self, pictures: u32) {
        for _ in 0..pictures {
            let asked = std::mem::take(&mut self.world.clients[self.up].asked);
            self.picture(self.number == 0 || !asked.is_empty());
            self.number += 1;
            self.world.run(FRAME);
        }
    }

    /// A spatial layer is one packet, two and four; of a keyframe each has two more.
    fn picture(&mut self, is_key: bool) {
        if is_key {
            // The pattern begins anew with it.
            self.number = self.number.next_multiple_of(4);
            self.keys.insert(self.number);
        }
        for spatial in 0..SPATIAL {
            let packets = (1 << spatial) + if is_key { 2 } else { 0 };
            for index in 0..packets {
                let ends = index + 1 == packets;
                let payload = self.payload(spatial, is_key, (index, ends));
                self.sequence = self.sequence.wrapping_add(1);
                let header = rtc::rtp::Header {
                    version: 2,
                    payload_type: VP9,
                    marker: ends && spatial + 1 == SPATIAL,
                    sequence_number: self.sequence,
                    timestamp: self.number.wrapping_mul(TICKS),
                    ssrc: SSRC,
                    ..Default::default()
                };
                let now = self.world.now;
                self.world.clients[self.up].send_packet(header, payload, now);
            }
        }
    }

    fn payload(&self, spatial: u8, is_key: bool, (index, ends): (u8, bool)) -> Bytes {
        let temporal = TEMPORAL[self.number as usize % 4];
        let tells = is_key && spatial == 0 && index == 0;
        let bit = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        let mut bytes =
            vec![0xa0 | bit(!is_key, 0x40) | bit(index == 0, 8) | bit(ends, 4) | bit(tells, 2)];
        bytes.extend_from_slice(&(self.number as u16 | 0x8000).to_be_bytes());
        let is_switch = self.number % 4 != 3;
        bytes.push(temporal << 5 | bit(is_switch, 0x10) | spatial << 1 | bit(spatial > 0, 1));
        bytes.push((self.number / 4) as u8);
        if tells {
            bytes.push((SPATIAL - 1) << 5 | 0x10);
            for size in [(320_u16, 180_u16), (640, 360), (1280, 720)] {
                bytes.extend_from_slice(&size.0.to_be_bytes());
                bytes.extend_from_slice(&size.1.to_be_bytes());
            }
        }
        bytes.resize(BYTES - 6, 0);
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(&[spatial, index]);
        Bytes::from(bytes)
    }

    fn view(&mut self, viewer: usize, height: u32) {
        let tile = Tile {
            track: self.track.clone(),
            width: height / 9 * 16,
            height,
            priority: 0,
        };
        let viewer = self.viewers[viewer].0.clone();
        let tiles = vec![tile];
        self.world
            .ask(&viewer, |reply| Request::View { tiles, reply });
    }

    /// What a viewer received since picture `from`, by number; each once.
    fn received(&mut self, viewer: usize, from: u32) -> Vec<Got> {
        self.world.run(Duration::from_millis(200));
        let received = &self.world.clients[self.viewers[viewer].1].received;
        let mut got: Vec<Got> = received.iter().map(read).collect();
        let first = got.first().map_or(0, |got| got.sequence);
        let ahead = |got: &Got| got.sequence.wrapping_sub(first) as i16;
        got.sort_by_key(ahead);
        got.dedup_by_key(|got| got.sequence);
        got.retain(|got| got.number >= from);
        got
    }

    fn last_slot(&self, viewer: usize) -> Slot {
        let events = self.world.events.lock().unwrap();
        let mut told = events.iter().rev().filter_map(|event| match event {
            MediaEvent::Slots { to, slots } if *to == self.viewers[viewer].0 => slots.slots.last(),
            _ => None,
        });
        told.next().expect("it was told").clone()
    }

    /// Checks that the viewer sees one stream without a gap, in which each picture ends with a marker and has all that
    /// it is made from. Returns the spatial layers of each picture.
    fn decode(&self, got: &[Got]) -> BTreeMap<u32, u8> {
        for pair in got.windows(2) {
            assert_eq!(
                pair[1].sequence,
                pair[0].sequence.wrapping_add(1),
                "{pair:?}"
            );
            let passed = pair[1].number - pair[0].number;
            let counted = pair[1].picture.wrapping_sub(pair[0].picture) & 0x7fff;
            assert_eq!(u32::from(counted), passed, "{pair:?}");
            assert_eq!(pair[0].marker, passed > 0, "{pair:?}");
        }
        let mut packets: BTreeMap<(u32, u8), u8> = BTreeMap::new();
        for got in got {
            *packets.entry((got.number, got.spatial)).or_default() += 1;
        }
        let first = got.first().map_or(0, |got| got.number);
        let mut pictures = BTreeMap::new();
        for ((number, spatial), count) in &packets {
            let is_key = self.keys.contains(number);
            let whole = (1 << spatial) + if is_key { 2 } else { 0 };
            assert_eq!(*count, whole, "picture {number}, layer {spatial}");
            if *spatial > 0 {
                assert!(packets.contains_key(&(*number, spatial - 1)), "{number}");
            }
            let reference = number.saturating_sub(REFERENCE[*number as usize % 4]);
            if !is_key && reference >= first {
                let is_there = packets.contains_key(&(reference, *spatial));
                assert!(is_there, "{number} of {spatial} is made from {reference}");
            }
            pictures.insert(*number, *spatial);
        }
        pictures
    }
}

fn read(packet: &rtc::rtp::Packet) -> Got {
    let payload = &packet.payload;
    let [.., a, b, c, d, spatial, index] = payload[..] else {
        panic!("an empty packet came")
    };
    Got {
        sequence: packet.header.sequence_number,
        marker: packet.header.marker,
        picture: u16::from_be_bytes([payload[1] & 0x7f, payload[2]]),
        number: u32::from_be_bytes([a, b, c, d]),
        spatial,
        index,
    }
}

fn layers(pictures: &BTreeMap<u32, u8>) -> BTreeSet<u8> {
    pictures.values().copied().collect()
}

#[test]
fn a_small_tile_gets_fewer_bytes_that_decode() {
    let mut show = Show::new();
    show.view(0, 180);
    show.view(1, 1080);
    show.talk(40);
    let from = show.number;
    show.talk(60);
    let (small, large) = (show.received(0, from), show.received(1, from));
    let pictures = [show.decode(&small), show.decode(&large)];
    assert_eq!(pictures.each_ref().map(BTreeMap::len), [60, 60]);
    let expected = [BTreeSet::from([0]), BTreeSet::from([2])];
    assert_eq!(pictures.each_ref().map(layers), expected);
    assert!(
        small.len() * 6 < large.len(),
        "{} {}",
        small.len(),
        large.len()
    );
    let told = [0, 1].map(|viewer| show.last_slot(viewer).layer.unwrap());
    assert_eq!(told, ["S0T2", "S2"]);
    assert_eq!(show.last_slot(0).reason, None);
}

#[test]
fn a_tile_that_grows_gets_more_from_a_keyframe_on_and_less_at_once() {
    let mut show = Show::new();
    show.view(0, 180);
    show.talk(40);
    let from = show.number;
    show.talk(10);
    let keys = show.keys.len();
    for (height, layer) in [(720, 2), (180, 0), (360, 1), (180, 0)] {
        show.view(0, height);
        let grown = show.number;
        show.talk(30);
        let got = show.received(0, from);
        let pictures = show.decode(&got);
        let since = pictures.range(grown..);
        let changed = since.clone().find(|(_, spatial)| **spatial == layer);
        let changed = *changed.expect("the tile has what fits").0;
        if layer == 0 {
            assert!(changed <= grown + 2, "{changed} {grown}");
        } else {
            assert!(show.keys.contains(&changed), "{changed}");
        }
        let after = pictures.range(changed + 1..).map(|(_, spatial)| *spatial);
        assert_eq!(after.collect::<BTreeSet<_>>(), BTreeSet::from([layer]));
    }
    assert_eq!(show.keys.len(), keys + 2, "one keyframe each time it grew");
}

#[test]
fn on_a_narrow_line_pictures_come_more_seldom_before_they_stop() {
    let mut show = Show::new();
    show.view(0, 720);
    show.talk(60);
    // The smallest layer takes 160 kbit/s, a quarter of its pictures 40.
    show.world
        .narrow(show.viewers[0].1, 130, Duration::from_millis(300));
    show.talk(400);
    let slot = show.last_slot(0);
    assert_eq!(slot.reason.as_deref(), Some("bandwidth"));
    assert!(
        ["S0T0", "S0T1"].map(Some).contains(&slot.layer.as_deref()),
        "{slot:?}"
    );
    show.world.widen(show.viewers[0].1);
    show.talk(600);
    assert_eq!(show.last_slot(0).layer.as_deref(), Some("S2"));
    let from = show.number - 40;
    let got = show.received(0, from);
    assert_eq!(layers(&show.decode(&got)), BTreeSet::from([2]));
}

#[test]
fn what_is_lost_or_late_on_either_way_leaves_one_stream() {
    let mut show = Show::new();
    show.view(0, 360);
    show.talk(40);
    let from = show.number;
    show.world.loss_percent = 5;
    for height in [180, 720, 360, 180, 720, 360] {
        show.view(0, height);
        show.talk(30);
    }
    show.world.loss_percent = 0;
    show.talk(20);
    show.world.run(Duration::from_millis(200));
    let received = &show.world.clients[show.viewers[0].1].received;
    let numbers: BTreeSet<u16> = received
        .iter()
        .map(|one| one.header.sequence_number)
        .collect();
    let got: Vec<Got> = {
        let whole = received.iter().filter(|one| !one.payload.is_empty());
        whole.map(read).filter(|got| got.number >= from).collect()
    };
    let first = got.first().unwrap().sequence;
    let last = got
        .iter()
        .map(|got| got.sequence.wrapping_sub(first) as i16)
        .max();
    let last = u16::try_from(last.unwrap()).unwrap();
    let missing = (0..last).filter(|ahead| !numbers.contains(&first.wrapping_add(*ahead)));
    let missing = missing.count();
    assert!(missing * 100 < usize::from(last), "{missing} of {last}");
    // No number stands for two packets.
    let mut known: BTreeMap<u16, (u32, u8, u8)> = BTreeMap::new();
    for got in &got {
        let this = (got.number, got.spatial, got.index);
        let before = known.insert(got.sequence, this);
        assert!(
            before.is_none_or(|before| before == this),
            "{got:?} {before:?}"
        );
    }
}
