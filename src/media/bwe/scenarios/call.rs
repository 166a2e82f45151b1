//! One subscriber's call: the sender, the receiver with its feedback, and the link between them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::link::{Chance, Link, Way};
use crate::media::bwe::estimator::Estimator;
use crate::media::bwe::pacer::Pacer;
use crate::media::bwe::rate::Bitrate;
use crate::media::bwe::repair_budget::RepairBudget;

/// kbit/s of the camera's layers.
const LAYERS: [u64; 3] = [150, 500, 1700];
const VOICE_BYTES: usize = 100;
const VOICE_KBPS: u64 = 40;
const PACKET: usize = 1200;
/// A browser tells of arrivals this often.
const REPORT_MS: u64 = 50;
const TICK_MS: u64 = 20;
const PACE_MS: u64 = 5;

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Sends {
    /// The largest layer that fits.
    Layers,
    /// What the limit allows, up to 6 Mbit/s, as many cameras would.
    Elastic,
    /// The largest layer that fits, with five frames a second.
    SlowLayers,
}

impl Sends {
    fn frame_ms(self) -> u64 {
        match self {
            Self::Layers | Self::Elastic => 50,
            Self::SlowLayers => 200,
        }
    }
}

/// What is known of a packet on its way.
struct Packet {
    bytes: usize,
    arrives: Option<f64>,
    is_media: bool,
}

struct Report {
    at: f64,
    reported: Vec<(u16, Option<Duration>)>,
}

pub(super) struct Call {
    start: Instant,
    ms: u64,
    sends: Sends,
    pub link: Link,
    chance: Chance,
    estimator: Estimator,
    pacer: Pacer<()>,
    repairs: RepairBudget,
    /// Packets by extended number, until they are told of.
    packets: BTreeMap<u64, Packet>,
    next_number: u64,
    next_reported: u64,
    reports: Vec<Report>,
    /// When lost packets are sent again, and their bytes.
    again: Vec<(f64, usize)>,
    layer: Option<usize>,
    keyframe: bool,
    padding: u64,
    /// Each millisecond: the layer.
    layers: Vec<Option<usize>>,
    limits: Vec<Option<Bitrate>>,
    /// (sent at, bytes, came through) of media.
    sent: Vec<(u64, usize, bool)>,
}

impl Call {
    pub fn new(way: Way, sends: Sends, seed: u64) -> Self {
        let start = Instant::now();
        Self {
            start,
            ms: 0,
            sends,
            link: Link::new(way, seed + 1),
            chance: Chance::new(seed + 101),
            estimator: Estimator::new(start),
            pacer: Pacer::new(Duration::from_millis(PACE_MS), start),
            repairs: RepairBudget::new(start),
            packets: BTreeMap::new(),
            next_number: 0,
            next_reported: 0,
            reports: Vec::new(),
            again: Vec::new(),
            layer: Some(2),
            keyframe: true,
            padding: 0,
            layers: Vec::new(),
            limits: Vec::new(),
            sent: Vec::new(),
        }
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_millis(self.ms)
    }

    pub fn run(&mut self, to_ms: u64) {
        while self.ms < to_ms {
            self.link.pass(self.ms);
            if self.ms.is_multiple_of(20) {
                self.send(VOICE_BYTES, true);
                self.pacer.spend(VOICE_BYTES);
            }
            if self.ms.is_multiple_of(self.sends.frame_ms()) {
                self.send_frame();
            }
            self.repair();
            if self.ms.is_multiple_of(PACE_MS) {
                self.pace();
            }
            if self.ms.is_multiple_of(TICK_MS) {
                self.share_out();
            }
            if self.ms.is_multiple_of(REPORT_MS) {
                self.tell();
            }
            self.hear();
            self.layers.push(self.layer);
            self.limits.push(self.estimator.limit());
            self.ms += 1;
        }
    }

    fn send(&mut self, bytes: usize, is_media: bool) {
        let now = self.now();
        let number = self.estimator.stamp(bytes, now);
        assert_eq!(number, self.next_number as u16);
        if is_media {
            self.repairs.earn(bytes, now);
        }
        let arrives = self.link.send(self.ms, bytes);
        self.sent
            .push((self.ms, bytes, is_media && arrives.is_some()));
        let packet = Packet {
            bytes,
            arrives,
            is_media,
        };
        self.packets.insert(self.next_number, packet);
        self.next_number += 1;
    }

    fn frame_bytes(&mut self) -> usize {
        let kbps = match (self.sends, self.layer, self.estimator.limit()) {
            (Sends::Layers | Sends::SlowLayers, Some(layer), _) => LAYERS[layer],
            (Sends::Layers | Sends::SlowLayers, None, _) => return 0,
            (Sends::Elastic, _, None) => 6000,
            (Sends::Elastic, _, Some(limit)) => {
                let bytes = limit.percent(90).bytes_in(Duration::from_secs(1));
                (bytes / 125).saturating_sub(VOICE_KBPS).min(6000)
            }
        };
        let key = std::mem::take(&mut self.keyframe) && self.sends != Sends::Elastic;
        // No two frames are alike.
        let bytes = kbps * self.sends.frame_ms() / 8 * (70 + self.chance.below(61)) / 100;
        bytes as usize * if key { 4 } else { 1 }
    }

    fn send_frame(&mut self) {
        let mut left = self.frame_bytes();
        while left > 0 {
            let bytes = left.min(PACKET);
            left -= bytes;
            let now = self.now();
            let rate = self.estimator.pace(now);
            self.pacer.set_rate(rate);
            if self.pacer.is_free(now) {
                self.send(bytes, true);
                self.pacer.spend(bytes);
            } else {
                self.pacer.push(bytes, bytes, ());
            }
        }
    }

    fn repair(&mut self) {
        let due = |again: &mut (f64, usize)| again.0 <= self.ms as f64;
        let due: Vec<_> = self.again.extract_if(.., due).collect();
        for (_, bytes) in due {
            if self.repairs.spend(bytes, self.now()) {
                self.send(bytes, false);
            }
        }
    }

    fn pace(&mut self) {
        while let Some((bytes, ())) = self.pacer.pop(self.now()) {
            self.send(bytes, true);
        }
        while self.estimator.is_padding_due(self.now()) {
            if self.padding == 0 {
                self.estimator.end_probe(self.now());
                break;
            }
            let bytes = self.padding.min(PACKET as u64);
            self.padding -= bytes;
            self.send(bytes as usize, false);
        }
    }

    fn share_out(&mut self) {
        let now = self.now();
        let Some(limit) = self.estimator.limit() else {
            self.turn_to(Some(2));
            return;
        };
        let fits = |layer: &usize, percent| {
            Bitrate::kbps(LAYERS[*layer] + VOICE_KBPS) <= limit.percent(percent)
        };
        let begins = self.estimator.may_try(now);
        let best = (0..LAYERS.len()).rev().find(|layer| {
            let goes_on = Some(*layer) <= self.layer;
            (goes_on && fits(layer, 95)) || (begins && fits(layer, 85))
        });
        if best > self.layer {
            self.estimator.tried(now);
        }
        self.turn_to(best);
        let is_held_back = self.layer != Some(2) || self.sends == Sends::Elastic;
        if !is_held_back {
            self.estimator.at_ease(now);
        } else if let Some(bytes) = self.estimator.take_probe(now) {
            self.padding = bytes;
            self.estimator.begin_probe(bytes, now);
        }
    }

    fn turn_to(&mut self, layer: Option<usize>) {
        self.keyframe |= self.layer != layer;
        self.layer = layer;
    }

    /// The receiver tells of all up to the newest that has come.
    fn tell(&mut self) {
        let now = self.ms as f64;
        let came = |packet: &Packet| packet.arrives.is_some_and(|at| at <= now);
        let newest = self.packets.iter().rev().find(|(_, packet)| came(packet));
        let Some(newest) = newest.map(|(number, _)| *number) else {
            return;
        };
        let mut reported = Vec::new();
        for (number, packet) in self.packets.range(self.next_reported..=newest) {
            let arrived = packet.arrives.filter(|at| *at <= now);
            let arrived = arrived.map(|at| {
                let ticks = (at * 4.0).floor();
                Duration::from_secs_f64(ticks / 4e3)
            });
            reported.push((*number as u16, arrived));
            if arrived.is_none() && packet.is_media {
                self.again
                    .push((now + self.link.way.delay_ms, packet.bytes));
            }
        }
        self.next_reported = newest + 1;
        self.packets = self.packets.split_off(&self.next_reported);
        let at = now + self.link.way.delay_ms;
        self.reports.push(Report { at, reported });
    }

    fn hear(&mut self) {
        let due = |report: &mut Report| report.at <= self.ms as f64;
        let due: Vec<_> = self.reports.extract_if(.., due).collect();
        for report in due {
            let count = report.reported.len() as u16;
            self.estimator
                .report(count, report.reported.into_iter(), self.now());
        }
    }

    /// kbit/s of all media that came through.
    pub fn received_kbps(&self, from: u64, to: u64) -> f64 {
        let sent = self.sent.iter().filter(|one| (from..to).contains(&one.0));
        let bytes: usize = sent.filter(|one| one.2).map(|one| one.1).sum();
        bytes as f64 * 8.0 / (to - from) as f64
    }

    /// How long packets waited in the queue at most, without the slowest five of a hundred.
    pub fn wait_ms(&self, from: u64, to: u64) -> f64 {
        let waits = self.link.waits.iter();
        let mut waits: Vec<f64> = waits
            .filter(|(at, _)| (from..to).contains(at))
            .map(|(_, wait)| *wait)
            .collect();
        waits.sort_by(f64::total_cmp);
        waits[waits.len() * 95 / 100]
    }

    /// Of all packets, dropped by the queue.
    pub fn lost_percent(&self, from: u64, to: u64) -> f64 {
        let all = self.sent.iter().filter(|one| (from..to).contains(&one.0));
        let came = self.link.waits.iter();
        let came = came.filter(|(at, _)| (from..to).contains(at)).count();
        let all = all.count();
        (all - came) as f64 * 100.0 / all as f64
    }

    fn layers(&self, from: u64, to: u64) -> &[Option<usize>] {
        &self.layers[from as usize..to as usize]
    }

    pub fn top_percent(&self, from: u64, to: u64) -> f64 {
        let layers = self.layers(from, to);
        let top = layers.iter().filter(|layer| **layer == Some(2)).count();
        top as f64 * 100.0 / layers.len() as f64
    }

    pub fn switches(&self, from: u64, to: u64) -> usize {
        let pairs = self.layers(from, to).windows(2);
        pairs.filter(|pair| pair[0] != pair[1]).count()
    }

    /// When a layer below so many kbit/s was sent first after this.
    pub fn first_below(&self, kbps: f64, from: u64) -> Option<u64> {
        let layers = self.layers[from as usize..].iter();
        let below = |layer: &Option<usize>| {
            layer.is_none_or(|layer| (LAYERS[layer] + VOICE_KBPS) as f64 <= kbps)
        };
        Some(from + layers.map(below).position(|below| below)? as u64)
    }

    /// When the largest layer was sent first after this.
    pub fn first_top(&self, from: u64) -> Option<u64> {
        let mut layers = self.layers[from as usize..].iter();
        Some(from + layers.position(|layer| *layer == Some(2))? as u64)
    }
}
