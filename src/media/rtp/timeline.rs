//! The clock of a slot, which one source after the other goes by.
//!
//! Receivers learn from sender reports where a stream's clock stands on the sender's wall clock, and bring sound and
//! picture together by it. They draw a line through the last reports (libwebrtc through 20), and a jump would bend it
//! for as long. So a slot has one line for as long as it lives: at a switch the new source begins where the line is
//! at the instant when its packet was captured. Within a source the timestamps are the source's, and the line follows
//! what the source's reports tell: clocks drift.
//!
//! A source that has reported nothing yet is taken to be captured when it comes. What its first report tells then moves
//! the line by the packet's delay. What cannot be is not believed: a line never is further from when packets come than
//! [`SLACK`].

use std::time::{Duration, Instant};

use super::clock::{Coming, Pair};

/// How far from when packets come their sender's clock may place them.
const SLACK: Duration = Duration::from_secs(1);
/// A new line is not told before its source has reported, for so long. Browsers report sounds every 5 seconds.
const PATIENCE: Duration = Duration::from_secs(6);
/// Without reports the line goes by when packets come, by so much of a second for each report of ours.
const CREEP: u32 = 1000;

/// One slot's.
#[derive(Debug)]
pub struct Timeline {
    clock_rate: u32,
    /// How far the first timestamp of a source is from the last one of another at least.
    least: u16,
    /// The newest timestamp sent, and when.
    newest: u32,
    sent_at: Option<Instant>,
    line: Option<Pair>,
    /// Nobody was told of the line yet.
    is_new: bool,
}

impl Timeline {
    /// One that begins after this timestamp.
    pub fn new(clock_rate: u32, least: u16, timestamp: u32) -> Self {
        Self {
            clock_rate,
            least,
            newest: timestamp,
            sent_at: None,
            line: None,
            is_new: false,
        }
    }

    /// Notes the newest timestamp.
    pub fn note(&mut self, timestamp: u32, now: Instant) {
        (self.newest, self.sent_at) = (timestamp, Some(now));
    }

    /// The timestamp of a source's first packet, whose own is `own`.
    pub fn begin(&mut self, own: u32, coming: &Coming) -> u32 {
        let gap = self.gap(coming.now).max(self.least.into());
        let guessed = self.newest.wrapping_add(gap as u32);
        let captured = self.captured(own, coming);
        let lined = self.line.map(|line| line.rtp_at(captured, self.clock_rate));
        match lined.filter(|lined| self.is_near(*lined, guessed)) {
            Some(lined) => {
                // Never at or before what was sent, which may be longer ago than timestamps can tell.
                let beside = i64::from(lined.wrapping_sub(guessed) as i32);
                let is_later = gap as i64 + beside >= i64::from(self.least);
                let first = self.newest.wrapping_add(self.least.into());
                if is_later { lined } else { first }
            }
            None => {
                self.line = Some(Pair {
                    ntp: captured,
                    rtp: guessed,
                });
                self.is_new = true;
                guessed
            }
        }
    }

    /// Where the slot's clock stands at `ntp`, which is our wall clock at `now`, to be told; `source` is where the
    /// source's does, and `offset` how far the slot's is ahead of it.
    pub fn tell(
        &mut self,
        source: Option<Pair>,
        offset: u32,
        ntp: u64,
        now: Instant,
    ) -> Option<u32> {
        self.sent_at?;
        let line = self.line?;
        let guessed = self.newest.wrapping_add(self.gap(now) as u32);
        let reported = source.map(|pair| pair.rtp_at(ntp, self.clock_rate).wrapping_add(offset));
        let reported = reported.filter(|reported| self.is_near(*reported, guessed));
        let waits = ntp.wrapping_sub(line.ntp) >> 32 < PATIENCE.as_secs();
        if reported.is_none() && self.is_new && waits {
            return None;
        }
        let told =
            reported.unwrap_or_else(|| self.crept(line.rtp_at(ntp, self.clock_rate), guessed));
        self.is_new = false;
        self.line = Some(Pair { ntp, rtp: told });
        Some(told)
    }

    /// A step from where the line is to where packets come.
    fn crept(&self, lined: u32, guessed: u32) -> u32 {
        if !self.is_near(lined, guessed) {
            return guessed;
        }
        let most = (self.clock_rate / CREEP) as i32;
        let apart = guessed.wrapping_sub(lined) as i32;
        lined.wrapping_add(apart.clamp(-most, most) as u32)
    }

    /// When a packet was captured, on our wall clock: what its sender tells, if it can be.
    fn captured(&self, own: u32, coming: &Coming) -> u64 {
        let told = coming.clock.map(|clock| clock.ntp_at(own, self.clock_rate));
        let is_near = |told: &u64| told.wrapping_sub(coming.ntp) as i64;
        let told = told.filter(|told| is_near(told).unsigned_abs() <= SLACK.as_secs() << 32);
        told.unwrap_or(coming.ntp)
    }

    /// How much of its clock has passed since the newest timestamp was sent.
    fn gap(&self, now: Instant) -> u64 {
        let passed = self
            .sent_at
            .map_or(0.0, |at| now.saturating_duration_since(at).as_secs_f64());
        (passed * f64::from(self.clock_rate)) as u64
    }

    fn is_near(&self, one: u32, other: u32) -> bool {
        let apart = one.wrapping_sub(other) as i32;
        u64::from(apart.unsigned_abs()) <= u64::from(self.clock_rate) * SLACK.as_secs()
    }
}

#[cfg(test)]
mod tests;
