//! A line that carries less than what its subscriber would get.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};

use super::World;
use super::client::SSRC;
use crate::media::room::request::Request;
use crate::meeting::media::MediaEvent;
use crate::protocol::ids::{ParticipantId, TrackId};
use crate::protocol::object::{MediaKind, Source};
use crate::protocol::request::Tile;

const VOICE: u32 = 815;
const QUEUE: Duration = Duration::from_millis(300);

/// A stream of pictures that Ada sends.
struct Picture {
    ssrc: u32,
    every_ms: u64,
    /// Packets of a frame that is no keyframe, of 1,100 bytes each.
    packets: u8,
    sequence: u16,
    frame: u32,
    wants_keyframe: bool,
}

/// 1.58 Mbit/s, and a tenth more on the wire.
const CAMERA: Picture = Picture {
    ssrc: SSRC,
    every_ms: 50,
    packets: 9,
    sequence: 0,
    frame: 0,
    wants_keyframe: false,
};

/// Ada sends pictures and a voice; Bo and Cy get all.
struct Call {
    world: World,
    bo: ParticipantId,
    up: usize,
    /// Bo's and Cy's connections.
    down: [usize; 2],
    tracks: Vec<TrackId>,
    pictures: Vec<Picture>,
    ms: u64,
    voice: u16,
    keyframes: usize,
    /// The newest frames that were counted of each, by stream.
    counted: [Vec<u32>; 2],
}

/// What a viewer received between two moments.
#[derive(Debug)]
struct Received {
    /// Packets of sound.
    voices: usize,
    /// Complete pictures.
    frames: usize,
}

impl Call {
    /// With a camera of 1.7 Mbit/s.
    fn new() -> Self {
        Self::of(vec![CAMERA], |sdp| sdp)
    }

    /// With a camera, and after it a screen; Bo's answer is changed on its way.
    fn of(pictures: Vec<Picture>, change: impl FnOnce(String) -> String) -> Self {
        let mut world = World::new();
        let (ada, bo, cy) = (world.admit(), world.admit(), world.admit());
        let up = world.client();
        let ssrcs = std::iter::once(VOICE).chain(pictures.iter().map(|picture| picture.ssrc));
        let sources = [Source::Microphone, Source::Camera, Source::Screen];
        let sources = &sources[..=pictures.len()];
        for (source, ssrc) in sources.iter().zip(ssrcs) {
            world.clients[up].add_source(*source, ssrc);
        }
        world.offer(&ada, up, 1, sources, |sdp| sdp);
        let slots = pictures.len() as u32;
        let first = world.client();
        let offer = world.ask(&bo, |reply| Request::Receive {
            audio_slots: 1,
            video_slots: slots,
            reply,
        });
        world.answer_as(&bo, first, offer, change);
        let down = [first, world.receive_slots(&cy, 1, slots)];
        let tracks = sources.iter().map(|source| world.start(&ada, *source));
        let tracks = tracks.collect();
        world.run(Duration::from_millis(600));
        Self {
            world,
            bo,
            up,
            down,
            tracks,
            pictures,
            ms: 0,
            voice: 0,
            keyframes: 0,
            counted: [const { Vec::new() }; 2],
        }
    }

    fn talk(&mut self, seconds: u64) {
        for _ in 0..seconds * 100 {
            if std::mem::take(&mut self.world.clients[self.up].keyframe_asked) {
                for picture in &mut self.pictures {
                    picture.wants_keyframe = true;
                }
            }
            for index in 0..self.pictures.len() {
                if self.ms.is_multiple_of(self.pictures[index].every_ms) {
                    self.send_frame(index);
                }
            }
            if self.ms.is_multiple_of(20) {
                self.send_voice();
            }
            self.ms += 10;
            self.world.run(Duration::from_millis(10));
        }
    }

    /// Each packet says how many the frame has. A keyframe has four times as many.
    fn send_frame(&mut self, index: usize) {
        let picture = &mut self.pictures[index];
        let is_key = std::mem::take(&mut picture.wants_keyframe);
        self.keyframes += usize::from(is_key);
        let packets = picture.packets * if is_key { 4 } else { 1 };
        picture.frame += 1;
        for index in 0..packets {
            picture.sequence = picture.sequence.wrapping_add(1);
            let header = rtc::rtp::Header {
                version: 2,
                payload_type: 96,
                marker: index + 1 == packets,
                sequence_number: picture.sequence,
                timestamp: picture.frame.wrapping_mul(4500),
                ssrc: picture.ssrc,
                ..Default::default()
            };
            let mut payload = BytesMut::zeroed(1100);
            payload[0] = if index == 0 { 0x10 } else { 0x00 };
            payload[1] = u8::from(!is_key);
            payload[2..6].copy_from_slice(&picture.frame.to_be_bytes());
            payload[6] = packets;
            payload[7] = picture.ssrc as u8;
            let now = self.world.now;
            self.world.clients[self.up].send_packet(header, payload.freeze(), now);
        }
    }

    fn send_voice(&mut self) {
        self.voice = self.voice.wrapping_add(1);
        let header = rtc::rtp::Header {
            version: 2,
            payload_type: 111,
            sequence_number: self.voice,
            timestamp: u32::from(self.voice) * 960,
            ssrc: VOICE,
            ..Default::default()
        };
        let mut payload = BytesMut::zeroed(98);
        payload.put_u16(self.voice);
        let now = self.world.now;
        self.world.clients[self.up].send_packet(header, Bytes::from(payload), now);
    }

    fn address(&self, who: usize) -> SocketAddr {
        self.world.clients[self.down[who]].address
    }

    /// How many kbit/s were sent to a viewer during so many seconds.
    fn sent_kbps(&mut self, who: usize, seconds: u64) -> u64 {
        let address = self.address(who);
        self.world.bytes.insert(address, 0);
        self.talk(seconds);
        self.world.bytes[&address] as u64 * 8 / 1000 / seconds
    }

    /// What a viewer received since this was last asked. Of pictures it is those of the first stream.
    fn take_received(&mut self, who: usize) -> Received {
        self.take_received_of(who, 0)
    }

    fn take_received_of(&mut self, who: usize, picture: usize) -> Received {
        // What is on its way arrives.
        self.world.run(QUEUE * 2);
        let packets = std::mem::take(&mut self.world.clients[self.down[who]].received);
        let mut voices = BTreeSet::new();
        let mut frames: BTreeMap<u32, (u8, BTreeSet<u16>)> = BTreeMap::new();
        for packet in &packets {
            let payload = &packet.payload;
            if packet.header.payload_type == 111 {
                voices.insert(u16::from_be_bytes([payload[98], payload[99]]));
            } else if packet.header.payload_type == 96
                && payload[7] == self.pictures[picture].ssrc as u8
            {
                let frame = u32::from_be_bytes([payload[2], payload[3], payload[4], payload[5]]);
                let (of, seen) = frames.entry(frame).or_default();
                *of = payload[6];
                seen.insert(packet.header.sequence_number);
            }
        }
        // Older packets come again, to probe the line with.
        let newest = self.pictures.iter().map(|picture| picture.frame).collect();
        let before = std::mem::replace(&mut self.counted[who], newest);
        let before = before.get(picture).copied().unwrap_or_default();
        let complete = |(frame, (of, seen)): &(&u32, &(u8, BTreeSet<u16>))| {
            **frame > before && seen.len() >= usize::from(*of)
        };
        Received {
            voices: voices.len(),
            frames: frames.iter().filter(complete).count(),
        }
    }

    /// The reasons that Bo was told of the picture, in order.
    fn reasons(&self) -> Vec<Option<String>> {
        let events = self.world.events.lock().unwrap();
        let reported = events.iter().filter_map(|event| match event {
            MediaEvent::Slots { to, slots } if *to == self.bo => Some(&slots.slots),
            _ => None,
        });
        let pictures = reported
            .flatten()
            .filter(|slot| slot.kind == MediaKind::Video && slot.track.is_some());
        pictures.map(|slot| slot.reason.clone()).collect()
    }
}

fn bandwidth() -> Option<String> {
    Some("bandwidth".to_owned())
}

#[test]
fn a_narrow_line_keeps_its_sound_and_gets_no_more_than_it_carries() {
    let mut call = Call::new();
    call.talk(5);
    assert!(call.take_received(0).frames >= 95);
    call.take_received(1);
    let (down, keyframes) = (call.down[0], call.keyframes);
    call.world.narrow(down, 1000, QUEUE);
    call.talk(3);
    // Before it is found out, a few words may be lost.
    assert!(call.take_received(0).voices >= 135);
    assert_eq!(call.reasons().last(), Some(&bandwidth()));
    let sent = call.sent_kbps(0, 30);
    let received = call.take_received(0);
    println!("{sent} kbit/s, {received:?}, {} keyframes", call.keyframes);
    assert!(sent <= 1300, "{sent} kbit/s");
    assert!(received.voices >= 1485, "{} of 1500", received.voices);
    assert!(
        (6..=12).contains(&received.frames),
        "{} stills",
        received.frames
    );
    // The other viewer notices nothing. The sender need not make keyframes more often than for the stills.
    let other = call.take_received(1);
    assert!(other.frames >= 655 && other.voices >= 1645, "{other:?}");
    let keyframes = call.keyframes - keyframes;
    assert!(keyframes <= 11, "{keyframes} keyframes");
    // It does not try again and again what does not fit.
    assert_eq!(call.reasons(), [None, bandwidth()]);
}

#[test]
fn the_picture_comes_back_when_the_line_widens() {
    let mut call = Call::new();
    call.talk(3);
    let down = call.down[0];
    call.world.narrow(down, 1000, QUEUE);
    call.talk(6);
    assert_eq!(call.reasons().last(), Some(&bandwidth()));
    call.world.widen(down);
    call.talk(6);
    assert_eq!(call.reasons().last(), Some(&None));
    call.take_received(0);
    call.talk(10);
    let received = call.take_received(0);
    assert!(
        received.frames >= 195 && received.voices >= 495,
        "{received:?}"
    );
    assert_eq!(call.reasons(), [None, bandwidth(), None]);
}

#[test]
fn bursts_are_spread_where_the_line_is_known_and_nowhere_else() {
    let mut call = Call::new();
    call.talk(2);
    let down = call.down[0];
    call.world.narrow(down, 1000, QUEUE);
    call.talk(4);
    call.world.narrow(down, 3000, QUEUE);
    call.talk(8);
    assert_eq!(call.reasons().last(), Some(&None), "the picture is back");
    call.take_received(0);
    call.pictures[0].wants_keyframe = true;
    call.send_frame(0);
    let addresses = [call.address(0), call.address(1)];
    let mut steps: [Vec<usize>; 2] = Default::default();
    for _ in 0..40 {
        let before = addresses.map(|address| call.world.bytes[&address]);
        call.world.step();
        for (who, address) in addresses.iter().enumerate() {
            steps[who].push(call.world.bytes[address] - before[who]);
        }
    }
    let most = steps.each_ref().map(|steps| steps.iter().max().copied());
    let keyframe = 4 * usize::from(CAMERA.packets) * 1100;
    assert!(most[1] >= Some(keyframe), "{most:?}: as it came");
    // At two and a half times 3 Mbit/s.
    assert!(most[0] <= Some(7_000), "{most:?}");
    let busy = steps[0].iter().filter(|bytes| **bytes > 0).count();
    assert!((6..=12).contains(&busy), "{steps:?}");
    assert_eq!(call.take_received(0).frames, 1);
}

#[test]
fn a_line_that_was_narrow_from_the_beginning_has_sound_and_stills() {
    for kbps in [300, 1000] {
        let mut call = Call::new();
        let down = call.down[0];
        call.world.narrow(down, kbps, QUEUE);
        call.talk(5);
        call.take_received(0);
        let sent = call.sent_kbps(0, 20);
        let received = call.take_received(0);
        assert!(sent <= kbps * 13 / 10, "{sent} of {kbps} kbit/s");
        assert!(received.voices >= 985, "{kbps}: {received:?}");
        assert!(received.frames >= 3, "{kbps}: {received:?}");
    }
}

#[test]
fn a_lossy_line_is_repaired_as_before_but_not_for_more_than_a_fifth() {
    let mut call = Call::new();
    call.talk(3);
    call.take_received(0);
    call.world.loss_percent = 5;
    let sent = call.sent_kbps(0, 20);
    let received = call.take_received(0);
    assert!(received.frames >= 380, "{received:?}");
    assert!(sent <= 1750 * 12 / 10 + 64, "{sent} kbit/s");
    assert_eq!(call.reasons(), [None], "nothing is held back");
}

/// Without transport-wide feedback there are only the receiver reports.
#[test]
fn a_client_that_only_reports_losses_is_not_flooded_either() {
    let mut call = Call::of(vec![CAMERA], |sdp| {
        let kept = sdp
            .lines()
            .filter(|line| !line.contains("transport-wide-cc"));
        kept.map(|line| format!("{line}\r\n")).collect()
    });
    let down = call.down[0];
    call.world.narrow(down, 1000, QUEUE);
    call.talk(30);
    call.take_received(0);
    let sent = call.sent_kbps(0, 60);
    let received = call.take_received(0);
    println!("{sent} kbit/s, {received:?}");
    assert!(sent <= 1000, "{sent} kbit/s");
    assert!(received.voices >= 2850, "{received:?}");
}

#[test]
fn what_has_the_highest_priority_goes_on_and_the_rest_gives_way() {
    let camera = Picture {
        packets: 3,
        ..CAMERA
    };
    let screen = Picture {
        ssrc: 77,
        every_ms: 100,
        packets: 5,
        ..CAMERA
    };
    let mut call = Call::of(vec![camera, screen], |sdp| sdp);
    let down = call.down[0];
    call.world.narrow(down, 1000, QUEUE);
    call.talk(5);
    call.take_received(0);
    call.talk(10);
    // Without a request the screen comes first.
    assert!(call.take_received_of(0, 1).frames >= 98);
    let [camera, screen] = [&call.tracks[1], &call.tracks[2]].map(Clone::clone);
    let tile = |track: &TrackId, priority| Tile {
        track: track.clone(),
        width: 640,
        height: 360,
        priority,
    };
    let tiles = vec![tile(&screen, 1), tile(&camera, 2)];
    let bo = call.bo.clone();
    call.world.ask(&bo, |reply| Request::View { tiles, reply });
    call.talk(5);
    call.take_received_of(0, 1);
    call.talk(10);
    let received = call.take_received_of(0, 0);
    assert!(received.frames >= 190, "{received:?}");
    assert!(received.voices >= 495, "{received:?}");
}
