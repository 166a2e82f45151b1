//! One SSRC that arrives on an m-line.

use std::time::{Duration, Instant};

use super::line::Line;
use crate::media::rtp::clock::Pair;
use crate::media::rtp::dependency::Descriptors;
use crate::media::rtp::missing::Missing;
use crate::media::rtp::reception::Reception;
use crate::media::rtp::rtcp::Block;
use crate::media::rtp::sequence::SequenceWindow;

/// A sender report's clock pair (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Report {
    /// The sender's wall clock and the stream's.
    pub pair: Pair,
    /// Of the sender's wall clock, if it is believed.
    pub epoch: Option<u32>,
    /// When it came.
    pub at: Instant,
}

/// One stream.
pub(super) struct Stream {
    pub ssrc: u32,
    pub line: usize,
    pub rid: Option<String>,
    /// The place of its layer among those of its m-line.
    pub layer: usize,
    pub heard_at: Instant,
    pub report: Option<Report>,
    /// The highest number that came first, before repair.
    pub highest: Option<u16>,
    /// When one was found missing.
    pub lost_at: Option<Instant>,
    pub descriptors: Descriptors,
    /// The newest packet of a sound, and its timestamp.
    pub(super) newest: Option<(u64, u32)>,
    pub(super) window: SequenceWindow,
    missing: Missing,
    reception: Reception,
}

impl Stream {
    pub fn new(ssrc: u32, line: usize, now: Instant) -> Self {
        Self {
            ssrc,
            line,
            rid: None,
            layer: 0,
            heard_at: now,
            report: None,
            highest: None,
            lost_at: None,
            descriptors: Descriptors::default(),
            newest: None,
            window: SequenceWindow::default(),
            missing: Missing::default(),
            reception: Reception::default(),
        }
    }

    /// The highest number that came first is this one now.
    pub fn note_highest(&mut self, highest: u16, now: Instant) {
        let is_gap = |before: u16| highest.wrapping_sub(before) > 1;
        if self.highest.is_some_and(is_gap) {
            self.lost_at = Some(now);
        }
        self.highest = Some(highest);
    }

    /// Finds its layer among those of its m-line.
    pub fn find_layer(&mut self, line: &Line) {
        let named = self.rid.as_ref().and_then(|rid| line.place(rid.as_bytes()));
        if named.is_none() {
            self.rid = None;
        }
        self.layer = named.unwrap_or_else(|| line.place_of_unnamed(self.ssrc));
    }

    /// A packet came, itself or as a repair. Its extended number, if it is new; and how long it took since it was asked
    /// for, if that can be told.
    pub fn accept(&mut self, sequence: u16, now: Instant) -> Option<(u64, Option<Duration>)> {
        let sequence = self.window.accept(sequence)?;
        self.heard_at = now;
        Some((sequence, self.missing.arrived(sequence, now)))
    }

    /// The extended number of a packet that was recovered before it came itself, once.
    pub fn take_recovered(&mut self, sequence: u16) -> Option<u64> {
        self.window.take_recovered(sequence)
    }

    /// It came itself.
    pub fn note_reception(&mut self, sequence: u64, timestamp: u32, clock_rate: u32, now: Instant) {
        self.reception.note(sequence, timestamp, clock_rate, now);
    }

    /// What is missing and to be asked for now.
    pub fn due(&mut self, round_trip: Option<Duration>, now: Instant) -> Vec<u16> {
        if self.missing.is_empty() {
            return Vec::new();
        }
        self.missing.due(round_trip, now).collect()
    }

    /// Whether this packet was asked for, and has not come yet.
    pub fn awaits(&self, sequence: u16) -> bool {
        self.missing.awaits(sequence)
    }

    /// Whether this packet may have been asked for lately.
    pub fn is_near(&self, sequence: u16) -> bool {
        self.missing.is_near(sequence)
    }

    /// What its sender is told of how it arrives.
    pub fn block(&mut self, now: Instant) -> Option<Block> {
        let last = self
            .report
            .map(|report| ((report.pair.ntp >> 16) as u32, report.at));
        self.reception.block(self.ssrc, last, now)
    }
}
