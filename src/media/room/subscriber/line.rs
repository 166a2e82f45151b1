//! What one down connection's line carries: what is sent on it and what came of that, and what follows for repairs,
//! for stills and for how much is sent at all.

use std::time::{Duration, Instant};

use crate::media::bwe::breaker::Breaker;
use crate::media::bwe::congestion::LineMonitor;
use crate::media::bwe::pacer::Pacer;
use crate::media::bwe::probe::Probe;
use crate::media::bwe::rate::{Bitrate, Meter};
use crate::media::bwe::repair_budget::RepairBudget;
use crate::media::bwe::send_history::SendHistory;
use crate::media::room::quality::Tally;
use crate::media::room::subscriber::slot::Waiting;
use crate::media::rtp::rtcp::transport::{Fate, TransportFeedback};
use crate::protocol::object::MediaKind;

/// A client that gave no transport-wide feedback for this long gives none: its receiver reports must do.
const FEEDBACK_SILENT_AFTER: Duration = Duration::from_secs(3);
/// Receiver reports are judged over so many packets.
const ENOUGH_REPORTED: u64 = 300;
/// Up to this loss repair helps; beyond it, it makes things worse.
const MOST_LOST_PERCENT: u64 = 25;

/// One connection's line.
pub(in crate::media) struct Line {
    history: SendHistory,
    monitor: LineMonitor,
    probe: Option<Probe>,
    probes: u32,
    /// When transport-wide feedback last came.
    feedback_at: Option<Instant>,
    reported: Tally,
    breaker: Breaker,
    pub repairs: RepairBudget,
    /// Stills on their way.
    pub pacer: Pacer<Waiting>,
    /// Packets of a slot that were sent before it was held back, to probe the line with.
    pub train: Option<(usize, Vec<Waiting>)>,
    sent: Meter,
    sounds: Meter,
}

impl Line {
    pub fn new(now: Instant) -> Self {
        Self {
            history: SendHistory::default(),
            monitor: LineMonitor::default(),
            probe: None,
            probes: 0,
            feedback_at: None,
            reported: Tally::default(),
            breaker: Breaker::new(now),
            repairs: RepairBudget::new(now),
            pacer: Pacer::new(now),
            train: None,
            sent: Meter::default(),
            sounds: Meter::default(),
        }
    }

    /// The number that a packet of so many bytes, maybe of a probe, is to carry for transport-wide feedback.
    pub fn stamp(&mut self, bytes: usize, probe: Option<u32>, now: Instant) -> u16 {
        self.history.stamp(bytes, probe, now)
    }

    /// A packet is sent for the first time.
    pub fn note_sent(&mut self, kind: MediaKind, bytes: usize, now: Instant) {
        self.repairs.earn(bytes, now);
        self.sent.add(bytes, now);
        if kind == MediaKind::Audio {
            self.sounds.add(bytes, now);
        }
    }

    /// What the line carries, as far as that is known to be too little.
    pub fn limit(&self, _now: Instant) -> Option<Bitrate> {
        self.breaker.limit()
    }

    /// Whether more may be sent than now, if the limit allows it.
    pub fn may_grow(&self, now: Instant) -> bool {
        self.breaker.may_try(now)
    }

    /// More is sent from now on.
    pub fn tried(&mut self, now: Instant) {
        self.breaker.tried(now);
    }

    /// Whether the line is to be probed now, and with how many bytes.
    pub fn take_probe(&mut self, now: Instant) -> Option<u64> {
        self.breaker.take_probe(now)
    }

    /// The line cannot be probed, so that only a try can tell.
    pub fn try_unprobed(&mut self, now: Instant) {
        self.breaker.try_unprobed(now);
    }

    /// Nothing is held back.
    pub fn at_ease(&mut self, now: Instant) {
        self.breaker.at_ease(now);
    }

    /// What the sounds take.
    pub fn sounds(&mut self, now: Instant) -> Bitrate {
        self.sounds.rate(now).unwrap_or_default()
    }

    /// Begins a probe of so many packets; gives its number.
    pub fn begin_probe(&mut self, packets: usize) -> u32 {
        self.probes = self.probes.wrapping_add(1);
        self.probe = Some(Probe::new(self.probes, packets));
        self.probes
    }

    /// The client says which packets came, and when.
    pub fn note_feedback(&mut self, feedback: &TransportFeedback<'_>, now: Instant) {
        if !self.history.may_report(feedback.count()) {
            return;
        }
        self.feedback_at = Some(now);
        let told = feedback.iter().filter_map(|(number, fate)| {
            let arrived = match fate {
                Fate::Lost => None,
                Fate::Came(at) => Some(at),
                // One that came at no time says nothing of the line.
                Fate::CameSometime => return None,
            };
            self.history.acknowledge(number, arrived)
        });
        let deliveries: Vec<_> = told.collect();
        for delivery in &deliveries {
            let found = self.probe.as_mut().and_then(|probe| probe.take(delivery));
            if let Some(found) = found {
                self.breaker.probed(found);
            }
        }
        if let Some(congested) = self.monitor.take(&deliveries, now) {
            self.trip(congested.delivered, now);
        }
    }

    /// The client says how many packets it missed (RFC 8083 §4.3): all there is of clients without transport-wide
    /// feedback.
    pub fn note_reports(&mut self, tally: Tally, now: Instant) {
        let is_silent = self
            .feedback_at
            .is_none_or(|at| now.saturating_duration_since(at) > FEEDBACK_SILENT_AFTER);
        if !is_silent {
            self.reported = Tally::default();
            return;
        }
        self.reported += tally;
        let Tally { expected, lost } = self.reported;
        if expected < ENOUGH_REPORTED {
            return;
        }
        self.reported = Tally::default();
        let percent = (lost * 100 / expected).min(100);
        if percent >= MOST_LOST_PERCENT {
            let sent = self.sent.rate(now).unwrap_or_default();
            self.trip(sent.percent(100 - percent), now);
        }
    }

    fn trip(&mut self, delivered: Bitrate, now: Instant) {
        if self.breaker.trip(delivered, now) {
            tracing::debug!("a subscriber's line is narrower than what it is sent");
        }
    }
}
