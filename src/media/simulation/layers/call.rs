//! Ada's camera in layers, and two viewers.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::BytesMut;

use crate::media::peer::sdp::Description;
use crate::media::room::request::Request;
use crate::media::simulation::World;
use crate::meeting::media::MediaEvent;
use crate::protocol::ids::{ParticipantId, TrackId};
use crate::protocol::object::Source;
use crate::protocol::request::Tile;

const FRAME: Duration = Duration::from_millis(50);
/// Ticks of a frame.
pub(in crate::media::simulation) const TICKS: u32 = 4500;
const BYTES: usize = 1000;
pub(in crate::media::simulation) const QUEUE: Duration = Duration::from_millis(300);

/// One layer of Ada's camera.
pub(in crate::media::simulation) struct Layer {
    pub rid: &'static str,
    pub ssrc: u32,
    pub height: u16,
    /// Packets of a frame that is no keyframe.
    pub packets: u8,
    pub is_sent: bool,
    pub wants_keyframe: bool,
    pub sequence: u16,
    /// What its timestamps and its picture ids begin with.
    pub base: u32,
    /// Where it stands in the [`PATTERN`], and its TL0PICIDX.
    pub step: usize,
    pub tl0: u8,
}

/// A picture of a stream with three temporal layers.
pub(in crate::media::simulation) struct Step {
    pub temporal: u8,
    /// It depends on the slowest layer alone.
    pub is_sync: bool,
    /// How far back the pictures are that it is made from.
    pub references: &'static [u32],
}

const fn step(temporal: u8, is_sync: bool, references: &'static [u32]) -> Step {
    Step {
        temporal,
        is_sync,
        references,
    }
}

/// Eight pictures in a row, as Chromium makes them: only the first ones of a faster layer are switching points.
pub(in crate::media::simulation) const PATTERN: [Step; 8] = [
    step(0, false, &[4]),
    step(2, true, &[1]),
    step(1, true, &[2]),
    step(2, false, &[1, 2]),
    step(0, false, &[4]),
    step(2, false, &[1, 2]),
    step(1, false, &[2, 4]),
    step(2, false, &[1, 2]),
];

/// The smallest takes about 165 kbit/s, the others three and nine times that.
pub(in crate::media::simulation) fn layer(rid: &'static str, ssrc: u32, size: u8) -> Layer {
    Layer {
        rid,
        ssrc,
        height: 180 << size,
        packets: 3_u8.pow(size.into()),
        is_sent: true,
        wants_keyframe: true,
        sequence: 65_000 + 100 * u16::from(size),
        base: u32::from(size) * 1_000_000_007,
        step: 0,
        tl0: 0,
    }
}

pub(in crate::media::simulation) fn three() -> Vec<Layer> {
    vec![
        layer("q", 1000, 0),
        layer("h", 2000, 1),
        layer("f", 3000, 2),
    ]
}

/// Ada sends a camera in layers; Bo and Cy watch it.
pub(in crate::media::simulation) struct Call {
    pub world: World,
    pub viewers: [(ParticipantId, usize); 2],
    pub ada: ParticipantId,
    pub up: usize,
    pub track: TrackId,
    pub layers: Vec<Layer>,
    pub frame: u32,
    /// The newest frame that was counted at each.
    pub counted: [u32; 2],
    /// The ids of the header extensions that name m-line and layer.
    pub ids: (u8, u8),
    pub named: bool,
    /// Whether the layers have temporal layers in them.
    pub is_temporal: bool,
}

/// A packet as a viewer received it.
#[derive(Debug, Clone, Copy)]
pub(in crate::media::simulation) struct Got {
    pub sequence: u16,
    pub timestamp: u32,
    pub picture: u16,
    pub tl0: u8,
    pub is_key: bool,
    /// Where it stands in the pattern.
    pub step: usize,
    /// Which layer, which frame of it, and how many packets it has.
    pub layer: u8,
    pub frame: u32,
    pub packets: u8,
}

impl Call {
    pub fn new() -> Self {
        Self::of(three(), |sdp| sdp)
    }

    /// One with temporal layers in each layer.
    pub fn temporal() -> Self {
        Self {
            is_temporal: true,
            ..Self::new()
        }
    }

    pub fn of(layers: Vec<Layer>, change: impl FnOnce(String) -> String) -> Self {
        let mut world = World::new();
        let (ada, bo, cy) = (world.admit(), world.admit(), world.admit());
        let up = world.client();
        let names: Vec<_> = layers.iter().map(|one| (one.rid, one.ssrc)).collect();
        world.clients[up].add_simulcast(&names);
        world.offer(&ada, up, 1, &[Source::Camera], change);
        let answer = &world.clients[up].pc.remote_description().unwrap().sdp;
        let rids: Vec<&str> = names.iter().map(|(rid, _)| *rid).collect();
        let simulcast = format!("a=simulcast:recv {}\r\n", rids.join(";"));
        assert!(answer.contains(&simulcast), "{answer}");
        let answer = Description::parse(answer).unwrap();
        let id = |name: &str| {
            let mut extensions = answer.sections[0].extensions.iter();
            extensions.find(|(_, uri)| uri.ends_with(name)).unwrap().0
        };
        let ids = (id("sdes:mid"), id("sdes:rtp-stream-id"));
        let viewers = [bo, cy].map(|viewer| {
            let down = world.receive(&viewer);
            (viewer, down)
        });
        let track = world.start_camera(&ada);
        world.run(Duration::from_millis(600));
        Self {
            world,
            viewers,
            ada,
            up,
            track,
            layers,
            frame: 0,
            counted: [0; 2],
            ids,
            named: true,
            is_temporal: false,
        }
    }

    pub fn talk(&mut self, seconds: u32) {
        self.talk_frames(seconds * 20);
    }

    pub fn talk_frames(&mut self, frames: u32) {
        for _ in 0..frames {
            let asked = std::mem::take(&mut self.world.clients[self.up].asked);
            self.frame += 1;
            for place in 0..self.layers.len() {
                let layer = &mut self.layers[place];
                layer.wants_keyframe |= asked.contains(&layer.ssrc);
                if layer.is_sent {
                    self.send_frame(place);
                }
            }
            self.world.run(FRAME);
        }
    }

    pub fn send_frame(&mut self, place: usize) {
        let (frame, now) = (self.frame, self.world.now);
        let layer = &mut self.layers[place];
        let is_key = std::mem::take(&mut layer.wants_keyframe);
        let packets = layer.packets * if is_key { 3 } else { 1 };
        layer.step = match is_key || !self.is_temporal {
            true => 0,
            false => (layer.step + 1) % PATTERN.len(),
        };
        let step = &PATTERN[layer.step];
        layer.tl0 = layer.tl0.wrapping_add(u8::from(step.temporal == 0));
        let [high, low] = (layer.base as u16).wrapping_add(frame as u16).to_be_bytes();
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
            if self.named {
                let (mid, rid) = self.ids;
                header.set_extension(mid, "0".into()).unwrap();
                header.set_extension(rid, layer.rid.into()).unwrap();
            }
            let mut payload = BytesMut::zeroed(BYTES);
            payload[0] = if index == 0 { 0x90 } else { 0x80 };
            payload[1] = 0xe0;
            payload[2] = high | 0x80;
            payload[3] = low;
            payload[4] = layer.tl0;
            payload[5] = step.temporal << 6 | u8::from(step.is_sync) << 5;
            payload[6] = u8::from(!is_key);
            payload[9..12].copy_from_slice(&[0x9d, 0x01, 0x2a]);
            payload[12..14].copy_from_slice(&(layer.height / 9 * 16).to_le_bytes());
            payload[14..16].copy_from_slice(&layer.height.to_le_bytes());
            payload[16..20].copy_from_slice(&frame.to_be_bytes());
            payload[20..23].copy_from_slice(&[place as u8, packets, layer.step as u8]);
            self.world.clients[self.up].send_packet(header, payload.freeze(), now);
        }
    }

    /// Shows the camera in a tile of this height.
    pub fn view(&mut self, viewer: usize, height: u32) {
        let tile = Tile {
            track: self.track.clone(),
            width: height / 9 * 16,
            height,
            priority: 0,
        };
        self.view_tiles(viewer, vec![tile]);
    }

    pub fn view_tiles(&mut self, viewer: usize, tiles: Vec<Tile>) {
        let viewer = self.viewers[viewer].0.clone();
        self.world
            .ask(&viewer, |reply| Request::View { tiles, reply });
    }

    /// What a viewer received since this was last asked, once what is on its way has arrived, by number.
    pub fn take_received(&mut self, viewer: usize) -> Vec<Got> {
        self.world.run(QUEUE * 2);
        let down = &mut self.world.clients[self.viewers[viewer].1];
        let received = std::mem::take(&mut down.received).into_iter();
        // One that came late and is left out keeps its number.
        let received = received.filter(|packet| !packet.payload.is_empty());
        let got = received.map(|packet| {
            let payload = &packet.payload;
            let number = [payload[16], payload[17], payload[18], payload[19]];
            Got {
                sequence: packet.header.sequence_number,
                timestamp: packet.header.timestamp,
                picture: u16::from_be_bytes([payload[2] & 0x7f, payload[3]]),
                tl0: payload[4],
                is_key: payload[6] == 0,
                step: payload[22].into(),
                layer: payload[20],
                frame: u32::from_be_bytes(number),
                packets: payload[21],
            }
        });
        // Older packets come again, to probe the line with.
        let before = std::mem::replace(&mut self.counted[viewer], self.frame);
        let by_number: BTreeMap<i16, Got> = {
            let got: Vec<Got> = got.filter(|got| got.frame > before).collect();
            let first = got.first().map_or(0, |got| got.sequence);
            let ahead = |got: &Got| got.sequence.wrapping_sub(first) as i16;
            got.iter().map(|got| (ahead(got), *got)).collect()
        };
        by_number.into_values().collect()
    }

    /// Which layers a viewer was last told of their slot, and why.
    pub fn reported(&self, viewer: usize) -> Vec<(Option<String>, Option<String>)> {
        let events = self.world.events.lock().unwrap();
        let reported = events.iter().filter_map(|event| match event {
            MediaEvent::Slots { to, slots } if *to == self.viewers[viewer].0 => Some(&slots.slots),
            _ => None,
        });
        let pictures = reported.flatten().filter(|slot| slot.track.is_some());
        pictures
            .map(|slot| (slot.layer.clone(), slot.reason.clone()))
            .collect()
    }

    pub fn last_reported(&self, viewer: usize) -> (String, String) {
        let (layer, reason) = self.reported(viewer).pop().expect("it was reported");
        (layer.unwrap_or_default(), reason.unwrap_or_default())
    }

    /// What Ada was told that is watched, in order.
    pub fn demands(&self) -> Vec<String> {
        let events = self.world.events.lock().unwrap();
        let demands = events.iter().filter_map(|event| match event {
            MediaEvent::Demand { track, layers } if *track == self.track => Some(layers.join(" ")),
            _ => None,
        });
        demands.collect()
    }

    /// What everybody was last told of the camera's layers.
    pub fn format(&self) -> Vec<(String, u32, u64)> {
        let events = self.world.events.lock().unwrap();
        let mut formats = events.iter().rev().filter_map(|event| match event {
            MediaEvent::Format { track, layers, .. } if *track == self.track => Some(layers),
            _ => None,
        });
        let layers = formats.next().expect("it was reported").iter();
        layers
            .map(|layer| (layer.rid.clone(), layer.height, layer.bitrate))
            .collect()
    }
}
