//! How good a participant's connection is, by what is measured on it anyway: the round trip of the reports that are
//! exchanged on it, and the packets lost in either direction, before repair.

use std::ops::AddAssign;
use std::time::{Duration, Instant};

use crate::media::peer::connection::Connection;
use crate::media::room::{Member, Room, Turn};
use crate::meeting::media::MediaEvent;

/// Measured this often: as often as connections are checked.
pub(in crate::media) const REVIEW_EVERY: Duration = Duration::from_secs(2);
/// Told this often when nothing changes.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// What is good and what is fair. From mouth to ear sound should take no more than 150 ms, and 400 ms is the limit
/// (ITU-T G.114). Between two people it takes half of either round trip, so each round trip may be as long.
const GOOD_ROUND_TRIP: Duration = Duration::from_millis(150);
const FAIR_ROUND_TRIP: Duration = Duration::from_millis(400);
/// Senders raise their bitrate below 2 % of loss and lower it above 10 % (draft-ietf-rmcat-gcc-02 §6).
const GOOD_LOSS: f32 = 0.02;
const FAIR_LOSS: f32 = 0.1;

/// Fewer packets than this say nothing: one more or less would be 5 %.
const ENOUGH: u64 = 20;
/// After so many reviews without enough packets nothing is known of losses.
const FORGET_AFTER: u32 = 5;
/// A packet that is overtaken by more packets than this is not taken for a late one, but for a lost one that was sent
/// again as it was. Clients without a repair stream send so (RFC 5681 §3.2 draws the line there too).
const MAX_REORDERED: i16 = 3;
/// Sequence numbers that jump farther begin anew.
const MAX_GAP: i16 = 1000;

/// Packets that should have come, and those of them that did not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) struct Tally {
    pub expected: u64,
    pub lost: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.expected += other.expected;
        self.lost += other.lost;
    }
}

/// What arrives on a connection, counted before losses are repaired.
#[derive(Debug, Default)]
pub(in crate::media) struct Arrivals {
    expected: u64,
    received: u64,
}

impl Arrivals {
    /// Counts a packet that comes after the stream's highest number so far; gives the highest one now.
    pub fn count(&mut self, sequence: u16, highest: Option<u16>) -> u16 {
        let ahead = highest.map_or(1, |highest| sequence.wrapping_sub(highest) as i16);
        let (expected, received, highest) = match ahead {
            1..=MAX_GAP => (ahead as u64, 1, sequence),
            _ if (-MAX_REORDERED..0).contains(&ahead) => (0, 1, highest.unwrap_or(sequence)),
            _ if (-MAX_GAP..=0).contains(&ahead) => (0, 0, highest.unwrap_or(sequence)),
            _ => (1, 1, sequence),
        };
        self.expected += expected;
        self.received += received;
        highest
    }

    /// What was counted since this was last asked.
    pub fn take(&mut self) -> Tally {
        let Self { expected, received } = std::mem::take(self);
        let lost = expected.saturating_sub(received);
        Tally { expected, lost }
    }
}

/// The losses of one direction.
#[derive(Debug, Default)]
struct Loss {
    open: Tally,
    fraction: f32,
    /// Reviews since the fraction was measured.
    age: u32,
}

impl Loss {
    fn review(&mut self, tally: Tally) -> f32 {
        self.open += tally;
        self.age += 1;
        if self.open.expected >= ENOUGH {
            self.fraction = (self.open.lost as f32 / self.open.expected as f32).min(1.0);
            (self.open, self.age) = (Tally::default(), 0);
        } else if self.age >= FORGET_AFTER {
            *self = Self::default();
        }
        self.fraction
    }
}

/// One participant's.
#[derive(Debug, Default)]
pub(in crate::media) struct Quality {
    up: Loss,
    down: Loss,
    reported: Option<(u8, Instant)>,
}

/// What is told of it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Measured {
    score: u8,
    rtt_ms: Option<u32>,
    loss: f32,
}

impl Quality {
    /// Takes what was counted since the last review; gives what is to be told now, if anything.
    fn review(
        &mut self,
        up: Tally,
        down: Tally,
        round_trip: Option<Duration>,
        now: Instant,
    ) -> Option<Measured> {
        let loss = self.up.review(up).max(self.down.review(down));
        let score = score(round_trip, loss);
        let known = self.reported.is_some_and(|(reported, at)| {
            reported == score && now.saturating_duration_since(at) < TELL_EVERY
        });
        if known {
            return None;
        }
        self.reported = Some((score, now));
        let rtt_ms = round_trip.map(|time| u32::try_from(time.as_millis()).unwrap_or(u32::MAX));
        Some(Measured {
            score,
            rtt_ms,
            loss,
        })
    }
}

fn score(round_trip: Option<Duration>, loss: f32) -> u8 {
    let within = |longest, most| round_trip.is_none_or(|time| time <= longest) && loss <= most;
    if within(GOOD_ROUND_TRIP, GOOD_LOSS) {
        3
    } else if within(FAIR_ROUND_TRIP, FAIR_LOSS) {
        2
    } else {
        1
    }
}

impl Room {
    /// Measures everybody's connections; to be called every [`REVIEW_EVERY`].
    pub(in crate::media) fn review_quality(&mut self, turn: &Turn<'_>) {
        for member in self.members.values_mut() {
            let Some(measured) = member.review_quality(turn.now) else {
                continue;
            };
            let Measured {
                score,
                rtt_ms,
                loss,
            } = measured;
            self.outbox.push(MediaEvent::Quality {
                participant: member.id.clone(),
                score,
                rtt_ms,
                loss,
            });
        }
    }
}

impl Member {
    fn review_quality(&mut self, now: Instant) -> Option<Measured> {
        let mut up = Tally::default();
        for sending in &mut self.ups {
            up += sending.arrivals.take();
        }
        let down = self.down.as_mut().map(|down| down.take_tally());
        let ups = self.ups.iter().map(|up| &up.connection);
        let connections = ups.chain(self.down.as_ref().map(|down| &down.connection));
        let connected = connections.filter(|connection| connection.is_connected());
        let round_trips: Vec<_> = connected.map(Connection::round_trip).collect();
        if round_trips.is_empty() {
            return None;
        }
        let round_trip = round_trips.into_iter().flatten().max();
        self.quality
            .review(up, down.unwrap_or_default(), round_trip, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(expected: u64, lost: u64) -> Tally {
        Tally { expected, lost }
    }

    #[test]
    fn gaps_are_losses_and_late_packets_are_none() {
        let mut arrivals = Arrivals::default();
        let mut hear = |sequences: &[u16]| {
            let mut highest = None;
            for sequence in sequences {
                highest = Some(arrivals.count(*sequence, highest));
            }
            arrivals.take()
        };
        assert_eq!(hear(&[]), tally(0, 0));
        assert_eq!(hear(&[7]), tally(1, 0));
        assert_eq!(hear(&[65_534, 65_535, 0, 3]), tally(6, 2));
        assert_eq!(hear(&[1, 4, 3, 2]), tally(4, 0));
        assert_eq!(hear(&[1, 3, 4, 5, 6, 2]), tally(6, 1), "sent again");
        assert_eq!(hear(&[1, 2, 2, 2, 4]), tally(4, 1));
        assert_eq!(hear(&[1, 2, 30_000, 30_001]), tally(4, 0));
    }

    #[test]
    fn the_score_follows_the_worse_of_delay_and_loss() {
        for (millis, loss, expected) in [
            (0, 0.0, 3),
            (150, 0.02, 3),
            (151, 0.0, 2),
            (20, 0.03, 2),
            (400, 0.1, 2),
            (401, 0.0, 1),
            (20, 0.11, 1),
        ] {
            let round_trip = Some(Duration::from_millis(millis));
            assert_eq!(score(round_trip, loss), expected, "{millis} ms, {loss}");
        }
        assert_eq!(score(None, 0.05), 2);
    }

    #[test]
    fn it_is_told_when_it_changes_and_from_time_to_time() {
        let (mut quality, mut now) = (Quality::default(), Instant::now());
        let mut review = |down| {
            now += REVIEW_EVERY;
            let reported = quality.review(Tally::default(), down, None, now);
            reported.map(|reported| (reported.score, reported.loss))
        };
        assert_eq!(review(tally(100, 0)), Some((3, 0.0)));
        assert_eq!(review(tally(100, 1)), None);
        assert_eq!(review(tally(100, 5)), Some((2, 0.05)));
        assert_eq!(review(tally(10, 5)), None, "too few to tell");
        assert_eq!(review(tally(10, 5)), Some((1, 0.5)), "but they add up");
        let silent: Vec<_> = (0..FORGET_AFTER).map(|_| review(tally(0, 0))).collect();
        assert_eq!(silent.last(), Some(&Some((3, 0.0))), "{silent:?}");
        assert!(silent[..4].iter().all(Option::is_none));
        let steady: Vec<_> = (0..10).map(|_| review(tally(100, 0))).collect();
        assert_eq!(steady.iter().flatten().count(), 2, "every 10 s");
    }
}
