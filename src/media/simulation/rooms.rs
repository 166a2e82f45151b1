//! Several rooms whose people share lines and weather: nobody starves, and nobody pays for another room.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;

use super::World;
use super::layers::call::{Layer, QUEUE, TICKS, layer};
use super::line::Weather;
use crate::media::peer::sdp::Description;
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::Source;

const PACKET: usize = 1000;
const VOICE: u32 = 815;
const SEEDS: [u32; 3] = [1, 0x9e37_79b9, 0xdead_beef];

/// One who sends a voice and a camera in layers of 165 and 500 kbit/s and 1.5 Mbit/s, and those who get both.
struct Room {
    up: usize,
    viewers: Vec<usize>,
    layers: Vec<Layer>,
    ids: (u8, u8),
    voice: u16,
}

struct House {
    world: World,
    rooms: Vec<Room>,
    frame: u32,
}

/// What one viewer got between two moments.
#[derive(Debug)]
struct Got {
    /// Packets of sound.
    voices: usize,
    /// Whole pictures of any layer.
    pictures: usize,
    /// Bytes of media.
    bytes: usize,
}

impl House {
    fn new(rooms: u64, viewers: usize, seed: u32) -> Self {
        let mut world = World::seeded(seed);
        for room in 2..=rooms {
            world.open(room);
        }
        let rooms = (1..=rooms).map(|room| Room::new(&mut world, room, viewers));
        let rooms = rooms.collect();
        world.run(Duration::from_millis(600));
        Self {
            world,
            rooms,
            frame: 0,
        }
    }

    fn everybody(&self) -> Vec<usize> {
        let viewers = self.rooms.iter().flat_map(|room| room.viewers.clone());
        viewers.collect()
    }

    fn talk(&mut self, seconds: u32) {
        for ms in (0..seconds * 1000).step_by(10) {
            if ms % 50 == 0 {
                self.frame += 1;
            }
            for room in &mut self.rooms {
                if ms % 50 == 0 {
                    room.send_frame(&mut self.world, self.frame);
                }
                if ms % 20 == 0 {
                    room.send_voice(&mut self.world);
                }
            }
            self.world.run(Duration::from_millis(10));
        }
    }

    /// What everybody got since this was last asked, once what is on its way has arrived.
    fn take(&mut self) -> Vec<Got> {
        self.world.run(QUEUE * 2);
        let viewers = self.everybody().into_iter();
        viewers
            .map(|viewer| {
                let packets = std::mem::take(&mut self.world.clients[viewer].received);
                Got::of(&packets)
            })
            .collect()
    }

    fn sent_to(&self, viewers: &[usize]) -> usize {
        let address = |viewer: &usize| self.world.clients[*viewer].address;
        let addresses: Vec<SocketAddr> = viewers.iter().map(address).collect();
        addresses.iter().map(|to| self.world.bytes[to]).sum()
    }
}

impl Room {
    fn new(world: &mut World, room: u64, viewers: usize) -> Self {
        let ada = world.admit_to(room);
        let viewers: Vec<ParticipantId> = (0..viewers).map(|_| world.admit_to(room)).collect();
        let layers = vec![
            layer("q", 1000, 0),
            layer("h", 2000, 1),
            layer("f", 3000, 2),
        ];
        let names: Vec<_> = layers.iter().map(|one| (one.rid, one.ssrc)).collect();
        let up = world.client();
        world.clients[up].add_source(Source::Microphone, VOICE);
        world.clients[up].add_simulcast(&names);
        world.offer(&ada, up, 1, &[Source::Microphone, Source::Camera], |sdp| {
            sdp
        });
        let answer = &world.clients[up].pc.remote_description().unwrap().sdp;
        let answer = Description::parse(answer).unwrap();
        let id = |name: &str| {
            let mut extensions = answer.sections[1].extensions.iter();
            extensions.find(|(_, uri)| uri.ends_with(name)).unwrap().0
        };
        let ids = (id("sdes:mid"), id("sdes:rtp-stream-id"));
        let viewers = viewers
            .iter()
            .map(|viewer| world.receive_slots(viewer, 1, 1));
        let viewers = viewers.collect();
        for source in [Source::Microphone, Source::Camera] {
            world.start(&ada, source);
        }
        Self {
            up,
            viewers,
            layers,
            ids,
            voice: 0,
        }
    }

    fn send_frame(&mut self, world: &mut World, frame: u32) {
        let (now, client) = (world.now, &mut world.clients[self.up]);
        let asked = std::mem::take(&mut client.asked);
        for (place, layer) in self.layers.iter_mut().enumerate() {
            layer.wants_keyframe |= asked.contains(&layer.ssrc);
            let is_key = std::mem::take(&mut layer.wants_keyframe);
            let packets = layer.packets * if is_key { 3 } else { 1 };
            for index in 0..packets {
                layer.sequence = layer.sequence.wrapping_add(1);
                let mut header = rtc::rtp::Header {
                    version: 2,
                    payload_type: 96,
                    marker: index + 1 == packets,
                    sequence_number: layer.sequence,
                    timestamp: layer.base.wrapping_add(frame * TICKS),
                    ssrc: layer.ssrc,
                    ..Default::default()
                };
                let (mid, rid) = self.ids;
                header.set_extension(mid, "1".into()).unwrap();
                header.set_extension(rid, layer.rid.into()).unwrap();
                let mut payload = BytesMut::zeroed(PACKET);
                payload[0] = if index == 0 { 0x10 } else { 0x00 };
                payload[1] = u8::from(!is_key);
                payload[4..7].copy_from_slice(&[0x9d, 0x01, 0x2a]);
                payload[7..9].copy_from_slice(&(layer.height / 9 * 16).to_le_bytes());
                payload[9..11].copy_from_slice(&layer.height.to_le_bytes());
                payload[16..20].copy_from_slice(&frame.to_be_bytes());
                payload[20..23].copy_from_slice(&[place as u8, packets, index]);
                client.send_packet(header, payload.freeze(), now);
            }
        }
    }

    fn send_voice(&mut self, world: &mut World) {
        self.voice = self.voice.wrapping_add(1);
        let header = rtc::rtp::Header {
            version: 2,
            payload_type: 111,
            sequence_number: self.voice,
            timestamp: u32::from(self.voice) * 960,
            ssrc: VOICE,
            ..Default::default()
        };
        let payload = BytesMut::zeroed(80).freeze();
        let now = world.now;
        world.clients[self.up].send_packet(header, payload, now);
    }
}

impl Got {
    fn of(packets: &[rtc::rtp::Packet]) -> Self {
        let (mut voices, mut parts) = (BTreeSet::new(), BTreeSet::new());
        let mut sizes = BTreeSet::new();
        for packet in packets {
            let payload = &packet.payload;
            if payload.len() < PACKET {
                voices.insert(packet.header.sequence_number);
                continue;
            }
            let frame = u32::from_be_bytes([payload[16], payload[17], payload[18], payload[19]]);
            parts.insert((frame, payload[20], payload[22]));
            sizes.insert((frame, payload[20], payload[21]));
        }
        let whole = sizes.iter().filter(|(frame, layer, size)| {
            (0..*size).all(|index| parts.contains(&(*frame, *layer, index)))
        });
        let whole: BTreeSet<u32> = whole.map(|(frame, ..)| *frame).collect();
        Self {
            voices: voices.len(),
            pictures: whole.len(),
            bytes: parts.len() * PACKET,
        }
    }
}

#[test]
fn rooms_behind_one_narrow_line_share_it() {
    const KBPS: u64 = 2400;
    const SECONDS: u32 = 15;
    let mut house = House::new(3, 1, SEEDS[0]);
    let viewers = house.everybody();
    house.world.share(&viewers, KBPS, QUEUE);
    house.talk(30);
    house.take();
    let before = house.sent_to(&viewers);
    house.talk(SECONDS);
    let sent = house.sent_to(&viewers) - before;
    let got = house.take();
    let carried = KBPS as usize * 1000 / 8 * SECONDS as usize;
    assert!(sent * 10 <= carried * 13, "{sent} bytes of {carried}");
    for got in &got {
        assert!(got.voices >= 730 && got.pictures >= 270, "{got:?}");
    }
    let bytes = got.iter().map(|got| got.bytes);
    let (least, most) = (bytes.clone().min().unwrap(), bytes.max().unwrap());
    assert!(least * 2 >= most, "from {least} to {most} bytes");
}

#[test]
fn a_room_does_not_pay_for_the_line_of_another_one() {
    let mut house = House::new(2, 1, SEEDS[0]);
    let narrow = house.rooms[1].viewers[0];
    house.world.narrow(narrow, 250, QUEUE);
    house.talk(15);
    house.take();
    house.talk(10);
    let got = house.take();
    assert!(got[0].voices >= 499 && got[0].pictures >= 199, "{got:?}");
    assert!(got[0].bytes >= 1_790_000, "{got:?}");
    assert!(got[1].voices >= 490 && got[1].pictures >= 100, "{got:?}");
}

/// Each way loses a twentieth of the sounds, which are not sent again.
#[test]
fn pictures_are_whole_in_every_room_in_bad_weather() {
    let weather = Weather {
        loss: 5,
        in_a_row: 3,
        jitter: Duration::from_millis(30),
        late: 2,
        doubled: 1,
    };
    for seed in SEEDS {
        let mut house = House::new(2, 2, seed);
        house.world.weather = Some(weather);
        house.talk(15);
        house.take();
        house.talk(10);
        for got in house.take() {
            assert!(got.voices >= 425, "seed {seed:#x}: {got:?}");
            assert!(got.pictures >= 195, "seed {seed:#x}: {got:?}");
        }
    }
}
