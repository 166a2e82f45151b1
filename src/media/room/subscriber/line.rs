//! The line of one down connection: what is sent on it and what came of that. From this follow the repairs, the packets
//! that wait and how much is sent at all.
//!
//! The room asks [`Line::limit`] and shares that out. Where a subscriber gets less than they asked for, the room asks
//! [`Line::take_probe`] whether the line is to be probed. The model behind it is in [`bwe`](crate::media::bwe).

use std::time::{Duration, Instant};

use crate::media::bwe::breaker::Breaker;
use crate::media::bwe::estimator::Estimator;
use crate::media::bwe::pacer::Pacer;
use crate::media::bwe::rate::{Bitrate, Meter};
use crate::media::bwe::repair_budget::RepairBudget;
use crate::media::room::quality::Tally;
use crate::media::room::subscriber::slot::Waiting;
use crate::media::rtp::rtcp::transport::{Fate, TransportFeedback};
use crate::protocol::object::MediaKind;

/// A client that gave no transport-wide feedback for this long gives none: its receiver reports must do.
const FEEDBACK_SILENT_AFTER: Duration = Duration::from_secs(3);
/// A line that has lost a packet is expected to lose more for so long.
const LOSSY_FOR: Duration = Duration::from_secs(30);
/// After a pause no more of a still is sent at once than is due in this time,
const STILLS_BURST: Duration = Duration::from_millis(25);
/// and of pictures no more than in one turn of the pacer.
const BURST: Duration = Duration::from_millis(5);

/// One connection's line.
pub(in crate::media) struct Line {
    estimator: Estimator,
    breaker: Breaker,
    /// When transport-wide feedback last came.
    feedback_at: Option<Instant>,
    /// When a loss was last told of.
    lost_at: Option<Instant>,
    pub repairs: RepairBudget,
    /// Stills on their way.
    pub pacer: Pacer<Waiting>,
    /// What else waits: pictures in bursts that the line would queue.
    pub bursts: Pacer<Waiting>,
    /// Packets of a slot that were sent before it was held back, to probe the line with.
    pub train: Option<(usize, Vec<Waiting>)>,
    padding: Option<Padding>,
    /// What is sent for the first time.
    sent: Meter,
    sounds: Meter,
}

/// What the line is probed with: packets of a slot, over and over.
pub(super) struct Padding {
    pub slot: usize,
    pub packets: Vec<Waiting>,
    pub next: usize,
}

impl Line {
    pub fn new(now: Instant) -> Self {
        Self {
            estimator: Estimator::new(now),
            breaker: Breaker::default(),
            feedback_at: None,
            lost_at: None,
            repairs: RepairBudget::new(now),
            pacer: Pacer::new(STILLS_BURST, now),
            bursts: Pacer::new(BURST, now),
            train: None,
            padding: None,
            sent: Meter::default(),
            sounds: Meter::default(),
        }
    }

    /// What the line carries; `None` while nothing speaks against it.
    pub fn limit(&self, _now: Instant) -> Option<Bitrate> {
        self.estimator.limit()
    }

    /// Whether more may be sent than now, if the limit allows it.
    pub fn may_grow(&self, now: Instant) -> bool {
        self.estimator.may_try(now)
    }

    /// More is sent from now on.
    pub fn tried(&mut self, now: Instant) {
        self.estimator.tried(now);
    }

    /// Whether the line is to be probed now, and with how many bytes.
    pub fn take_probe(&mut self, now: Instant) -> Option<u64> {
        self.estimator.take_probe(now)
    }

    /// The line cannot be probed, so that only a try can tell.
    pub fn try_unprobed(&mut self, now: Instant) {
        self.estimator.try_unprobed(now);
    }

    /// Nothing is held back.
    pub fn at_ease(&mut self, now: Instant) {
        self.estimator.at_ease(now);
    }

    /// The number that a packet of so many bytes is to carry for transport-wide feedback.
    pub fn stamp(&mut self, bytes: usize, now: Instant) -> u16 {
        self.estimator.stamp(bytes, now)
    }

    /// A packet carries no such number.
    pub fn note_unnumbered(&mut self, bytes: usize, now: Instant) {
        self.estimator.note_unnumbered(bytes, now);
    }

    /// A packet is sent for the first time.
    pub fn note_sent(&mut self, kind: MediaKind, bytes: usize, now: Instant) {
        self.repairs.earn(bytes, now);
        self.sent.add(bytes, now);
        if kind == MediaKind::Audio {
            self.sounds.add(bytes, now);
        }
    }

    /// Whether a packet of a picture has to wait for those before it.
    pub fn must_wait(&mut self, now: Instant) -> bool {
        self.bursts.set_rate(self.estimator.pace(now));
        !self.bursts.is_free(now)
    }

    /// Whether something waits to be sent soon.
    pub fn is_pacing(&self) -> bool {
        !self.bursts.is_empty() || !self.pacer.is_empty() || self.estimator.is_probing()
    }

    /// What the sounds take.
    pub fn sounds(&mut self, now: Instant) -> Bitrate {
        self.sounds.rate(now).unwrap_or_default()
    }

    /// Begins a probe of so many bytes with these packets of a slot.
    pub fn begin_probe(&mut self, slot: usize, packets: Vec<Waiting>, bytes: u64, now: Instant) {
        self.estimator.begin_probe(bytes, now);
        self.padding = Some(Padding {
            slot,
            packets,
            next: 0,
        });
    }

    /// What the line is probed with, if more of it is due now; to be put back.
    pub(super) fn take_padding(&mut self, now: Instant) -> Option<Padding> {
        if !self.estimator.is_probing() {
            self.padding = None;
        } else if self.padding.is_none() {
            self.estimator.end_probe(now);
        }
        self.padding.take_if(|_| self.estimator.is_padding_due(now))
    }

    /// Whether more of a probe is due.
    pub fn is_padding_due(&self, now: Instant) -> bool {
        self.estimator.is_padding_due(now)
    }

    pub(super) fn put_back(&mut self, padding: Padding) {
        self.padding = Some(padding);
    }

    /// A slot carries something else: what waits of the old track is not for the viewer of the new one.
    pub fn forget(&mut self, slot: usize) {
        drop((self.pacer.take(slot), self.bursts.take(slot)));
        self.train.take_if(|(of, _)| *of == slot);
        self.padding.take_if(|padding| padding.slot == slot);
    }

    /// Other numbers are agreed upon: what was sent cannot be sent again.
    pub fn forget_trains(&mut self) {
        (self.train, self.padding) = (None, None);
    }

    /// Whether packets were lost on it lately.
    pub fn is_lossy(&self, now: Instant) -> bool {
        let lost_at = self.lost_at;
        lost_at.is_some_and(|at| now.saturating_duration_since(at) < LOSSY_FOR)
    }

    /// The client says which packets came, and when.
    pub fn note_feedback(&mut self, feedback: &TransportFeedback<'_>, now: Instant) {
        if feedback.iter().any(|(_, fate)| fate == Fate::Lost) {
            self.lost_at = Some(now);
        }
        let reported = feedback.iter().filter_map(|(number, fate)| match fate {
            Fate::Lost => Some((number, None)),
            Fate::Came(at) => Some((number, Some(at))),
            // One that came at no time says nothing of the line.
            Fate::CameSometime => None,
        });
        if self.estimator.report(feedback.count(), reported, now) {
            note_narrow();
        }
        self.feedback_at = Some(now);
    }

    /// The client says how many packets it missed.
    pub fn note_reports(&mut self, tally: Tally, now: Instant) {
        if tally.lost > 0 {
            self.lost_at = Some(now);
        }
        let is_silent = self
            .feedback_at
            .is_none_or(|at| now.saturating_duration_since(at) > FEEDBACK_SILENT_AFTER);
        if !is_silent {
            self.breaker = Breaker::default();
            return;
        }
        let sent = self.sent.rate(now).unwrap_or_default();
        let arrives = self.breaker.take(tally.expected, tally.lost, sent);
        if arrives.is_some_and(|arrives| self.estimator.cut(arrives, now)) {
            note_narrow();
        }
    }
}

fn note_narrow() {
    tracing::debug!("a subscriber's line is narrower than what it is sent");
}
