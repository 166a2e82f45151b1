//! Which share of the packets is lost, and when that is congestion.
//!
//! Radio loses packets by chance, and sending less does not mend that; a short queue loses them because too much is
//! sent. GCC lowers its rate above 10 % of loss in both cases (draft-ietf-rmcat-gcc-02 §6) and so starves on a lossy
//! line; libwebrtc's later estimator learns an inherent loss. Here a loss alone is congestion only where repair cannot
//! mend it any more, and only if sending less was seen to help: a loss that stays after a cut is the line's own.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::media::bwe::send_history::Delivery;

/// Losses are counted over this time and so many packets: long enough that chance makes no 25 % of 15 % (five standard
/// deviations).
const WINDOW: Duration = Duration::from_secs(2);
const WINDOW_PACKETS: usize = 200;
/// but not over more than this.
const LONGEST_WINDOW: Duration = Duration::from_secs(5);
/// Fewer packets say nothing of losses.
const ENOUGH: usize = 40;
/// Up to this loss repair helps; beyond it, it makes things worse.
const MOST_PERCENT: usize = 25;
/// A loss that is so much more than the line's own is news.
const MORE_PERCENT: usize = 10;
/// A loss that a cut has left so much of is the line's own.
const UNMENDED_PERCENT: usize = 70;

/// While nothing at all arrives for so long, there is no line: the address has changed, or the radio was away. A line
/// that is too narrow always carries something, and at 100 kbit/s a packet each 100 ms.
const AWAY: Duration = Duration::from_millis(250);

/// Packets that were lost one after another.
#[derive(Debug)]
struct Run {
    /// When the first was sent.
    since: Instant,
    packets: usize,
}

/// The losses of one connection.
#[derive(Debug, Default)]
pub(in crate::media) struct Losses {
    /// Those since the last arrival. They count once it is known that the line was there.
    run: Option<Run>,
    /// When packets were told of, and whether they were lost.
    reported: VecDeque<(Instant, bool)>,
    lost: usize,
    /// The line's own, in per cent.
    inherent: usize,
    /// Per cent before the last cut, and when that was, until it is known what came of it.
    cut: Option<(usize, Instant)>,
}

impl Losses {
    /// A packet was told of, in the order of sending.
    pub fn note(&mut self, delivery: &Delivery, now: Instant) {
        if delivery.arrived.is_none() {
            let run = self.run.get_or_insert(Run {
                since: delivery.sent,
                packets: 0,
            });
            run.packets += 1;
            return;
        }
        let run = self.run.take().filter(|run| {
            let lasted = delivery.sent.saturating_duration_since(run.since);
            lasted < AWAY
        });
        let lost = run.map_or(0, |run| run.packets);
        self.reported.extend(std::iter::repeat_n((now, true), lost));
        self.reported.push_back((now, false));
        self.lost += lost;
    }

    /// Forgets what is too old; learns what a cut has done.
    pub fn pass(&mut self, now: Instant) {
        loop {
            let is_many = self.reported.len() > WINDOW_PACKETS;
            let is_old = |one: &mut (Instant, bool)| {
                let age = now.saturating_duration_since(one.0);
                age > LONGEST_WINDOW || (is_many && age > WINDOW)
            };
            let Some((_, was_lost)) = self.reported.pop_front_if(is_old) else {
                break;
            };
            self.lost -= usize::from(was_lost);
        }
        let Some(percent) = self.percent() else {
            return;
        };
        if percent * 2 < self.inherent {
            self.inherent = percent;
        }
        if let Some((before, at)) = self.cut
            && now.saturating_duration_since(at) >= WINDOW
        {
            self.cut = None;
            if percent * 100 >= before * UNMENDED_PERCENT {
                self.inherent = percent;
            }
        }
    }

    /// How many of a hundred were lost; `None` while there are too few to tell.
    pub fn percent(&self) -> Option<usize> {
        (self.reported.len() >= ENOUGH).then(|| self.lost * 100 / self.reported.len())
    }

    /// Whether at least so many of a hundred were lost.
    pub fn reach(&self, percent: usize) -> bool {
        self.percent().is_some_and(|lost| lost >= percent)
    }

    /// Whether so much is lost that less is to be sent.
    pub fn are_too_many(&self) -> bool {
        self.cut.is_none() && self.reach(MOST_PERCENT.max(self.inherent + MORE_PERCENT))
    }

    /// Less is sent from now on: what was lost until now says nothing any more.
    pub fn note_cut(&mut self, now: Instant) {
        if self.are_too_many() {
            self.cut = self.percent().map(|before| (before, now));
        }
        self.reported.clear();
        self.lost = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(is_lost: bool, sent: Instant) -> Delivery {
        Delivery {
            sent,
            arrived: (!is_lost).then_some(Duration::ZERO),
            bytes: 100,
            probe: None,
        }
    }

    /// A hundred packets a second, of which so many of a hundred are lost; how often less had to be sent.
    fn cuts(losses: &mut Losses, from: Instant, seconds: u64, percent: u64) -> usize {
        let mut cuts = 0;
        for packet in 0..seconds * 100 {
            let now = from + Duration::from_millis(packet * 10);
            losses.note(&delivery(packet * percent % 100 < percent, now), now);
            losses.pass(now);
            if losses.are_too_many() {
                losses.note_cut(now);
                cuts += 1;
            }
        }
        cuts
    }

    #[test]
    fn a_loss_that_sending_less_does_not_mend_is_the_lines_own() {
        let (mut losses, start) = (Losses::default(), Instant::now());
        assert_eq!(cuts(&mut losses, start, 20, 30), 1);
        let later = start + Duration::from_secs(20);
        assert_eq!(cuts(&mut losses, later, 20, 50), 1, "more than that is not");
        let later = start + Duration::from_secs(40);
        assert_eq!(cuts(&mut losses, later, 20, 0), 0);
        let later = start + Duration::from_secs(60);
        assert_eq!(cuts(&mut losses, later, 20, 30), 1, "it was forgotten");
    }

    #[test]
    fn what_repair_can_mend_is_left_alone() {
        let (mut losses, start) = (Losses::default(), Instant::now());
        assert_eq!(cuts(&mut losses, start, 60, 15), 0);
        assert!(losses.reach(14) && !losses.reach(17));
    }

    #[test]
    fn losses_of_a_line_that_was_away_are_none_of_a_narrow_one() {
        let start = Instant::now();
        for (away_ms, lost) in [(200, 20), (300, 0), (2_000, 0)] {
            let mut losses = Losses::default();
            let send = |losses: &mut Losses, ms: std::ops::Range<u64>, is_lost| {
                for ms in ms.step_by(10) {
                    let sent = start + Duration::from_millis(ms);
                    losses.note(&delivery(is_lost, sent), sent);
                }
            };
            send(&mut losses, 0..800, false);
            send(&mut losses, 800..800 + away_ms, true);
            assert_eq!(losses.lost, 0, "nothing can be known yet");
            send(&mut losses, 800 + away_ms..1_000 + away_ms, false);
            assert_eq!(losses.lost, lost, "{away_ms}");
        }
    }
}
