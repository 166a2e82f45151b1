//! Finds room on the line without a picture that pays for it: for a moment more is sent than it is known to carry, made
//! up of packets that were sent already, and the arrivals tell whether it came through as fast.
//!
//! A cluster is all that is sent in that moment, media as well, at up to twice the estimate. On a full line it stands
//! in the queue for about its own length, so it is short. Where arrivals come in bunches, or a shaper lets short bursts
//! pass, it has to be longer to tell anything.
//!
//! Pure: deliveries and the time in; a bitrate out.

use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use crate::media::bwe::rate::Bitrate;
use crate::media::bwe::send_history::Delivery;

/// A cluster lasts so long (libwebrtc: 15 ms at least, with a pacer as exact),
const SHORTEST: Duration = Duration::from_millis(20);
/// twice as long after each one that told nothing, but no longer.
const LONGEST: Duration = Duration::from_millis(160);
/// It has at least so many bytes, or its packets would be too few to measure by (libwebrtc: five), and no more.
const LEAST: u64 = 4_000;
const MOST: u64 = 40_000;
/// It is sent at so much of the estimate, and faster where the one before has found room.
const SPEED_PERCENT: u64 = 150;
const NEXT_SPEED_PERCENT: u64 = 200;
/// What is more than this share of the estimate is news: then the next one follows soon.
const NEWS_PERCENT: u64 = 110;
const NEXT_WAIT: Duration = Duration::from_millis(500);
/// Where there was no room the next one waits half as long again, from this
const FIRST_WAIT: Duration = Duration::from_millis(1500);
/// to this: a line that widens is used within seconds.
const LONGEST_WAIT: Duration = Duration::from_secs(4);
/// What was not told of by now will not be.
const TOLD_WITHIN: Duration = Duration::from_millis(1500);
/// Fewer arrivals say nothing, nor does less than this share of what was sent.
const FEW: usize = 4;
const ENOUGH_PERCENT: usize = 60;
/// What arrives so much faster than it was sent was held up and came in a bunch (libwebrtc's bound).
const BUNCHED_PERCENT: u64 = 200;
/// So do arrivals of which most are no farther apart than the first of these, and then a pause of the second.
const TOGETHER: Duration = Duration::from_millis(3);
const BUNCH: Duration = Duration::from_millis(20);
/// What arrives slower than this share of the speed has filled the line (libwebrtc),
const FULL_PERCENT: u64 = 90;
/// of which so much is counted on (libwebrtc).
const COUNTED_ON_PERCENT: u64 = 95;

/// What a cluster found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Found {
    /// What the line carries,
    pub rate: Bitrate,
    /// at least, as all came through as fast as it was sent.
    pub is_open: bool,
}

/// Packets of a cluster that arrived: when they were sent, when they came, and their bytes.
type Arrival = (Instant, Duration, usize);

#[derive(Debug)]
struct Cluster {
    id: NonZeroU16,
    speed: Bitrate,
    bytes: u64,
    began: Instant,
    /// When its last packet was sent; `None` while there are more to come.
    ended: Option<Instant>,
    sent: u64,
    packets: usize,
    reported: usize,
    arrived: Vec<Arrival>,
}

/// The probes of one connection.
#[derive(Debug)]
pub(in crate::media) struct Prober {
    cluster: Option<Cluster>,
    /// The number of the last one.
    clusters: NonZeroU16,
    length: Duration,
    wait: Duration,
    next_at: Instant,
    /// Whether the last one has found room, and there was no congestion since.
    is_open: bool,
}

impl Prober {
    pub fn new(now: Instant) -> Self {
        Self {
            cluster: None,
            clusters: NonZeroU16::MAX,
            length: SHORTEST,
            wait: FIRST_WAIT,
            next_at: now,
            is_open: false,
        }
    }

    /// There is congestion: nothing is to be found before the queue is drained.
    pub fn congested(&mut self, has_try_failed: bool, now: Instant) {
        self.cluster = None;
        self.wait = FIRST_WAIT;
        self.next_at = now + FIRST_WAIT;
        // What the last one found was not there: it was too short to see that.
        if std::mem::take(&mut self.is_open) && has_try_failed {
            self.length = (self.length * 2).min(LONGEST);
        }
    }

    /// How many bytes the next probe of a line that carries `estimate` needs, if it is time for one.
    pub fn needs(&self, estimate: Bitrate, now: Instant) -> Option<u64> {
        let is_time = self.cluster.is_none() && now >= self.next_at;
        let bytes = self.speed(estimate).bytes_in(self.length);
        is_time.then(|| bytes.clamp(LEAST, MOST))
    }

    /// Begins a cluster of so many bytes.
    pub fn begin(&mut self, estimate: Bitrate, bytes: u64, now: Instant) {
        self.clusters = self.clusters.checked_add(1).unwrap_or(NonZeroU16::MIN);
        self.cluster = Some(Cluster {
            id: self.clusters,
            speed: self.speed(estimate),
            bytes,
            began: now,
            ended: None,
            sent: 0,
            packets: 0,
            reported: 0,
            arrived: Vec::new(),
        });
    }

    fn speed(&self, estimate: Bitrate) -> Bitrate {
        estimate.percent(if self.is_open {
            NEXT_SPEED_PERCENT
        } else {
            SPEED_PERCENT
        })
    }

    /// There was nothing to probe with.
    pub fn put_off(&mut self, now: Instant) {
        self.next_at = now + FIRST_WAIT;
    }

    /// Whether a cluster is being sent.
    pub fn is_sending(&self) -> bool {
        let cluster = self.cluster.as_ref();
        cluster.is_some_and(|cluster| cluster.ended.is_none())
    }

    /// Whether another packet of the cluster is due, so that it keeps its speed.
    pub fn is_due(&self, now: Instant) -> bool {
        let cluster = self.cluster.as_ref();
        let sending = cluster.filter(|cluster| cluster.ended.is_none());
        sending.is_some_and(|cluster| {
            let passed = now.saturating_duration_since(cluster.began);
            cluster.sent <= cluster.speed.bytes_in(passed)
        })
    }

    /// There is nothing more to send it with.
    pub fn end(&mut self, now: Instant) {
        if let Some(cluster) = &mut self.cluster {
            cluster.ended.get_or_insert(now);
        }
    }

    /// A packet of any kind is sent. Gives the cluster that it belongs to.
    pub fn note_sent(&mut self, bytes: usize, now: Instant) -> Option<NonZeroU16> {
        let cluster = self.cluster.as_mut()?;
        if cluster.ended.is_some() {
            return None;
        }
        cluster.sent += bytes as u64;
        cluster.packets += 1;
        if cluster.sent >= cluster.bytes && now > cluster.began {
            cluster.ended = Some(now);
        }
        Some(cluster.id)
    }

    /// Takes what became of a packet.
    pub fn note(&mut self, delivery: &Delivery) {
        let cluster = self.cluster.as_mut();
        let Some(cluster) = cluster.filter(|cluster| delivery.probe == Some(cluster.id)) else {
            return;
        };
        cluster.reported += 1;
        if let Some(at) = delivery.arrived {
            cluster.arrived.push((delivery.sent, at, delivery.bytes));
        }
    }

    /// What a cluster has found that all is told of, or that has waited long enough; `estimate` is what is known.
    pub fn conclude(&mut self, estimate: Bitrate, now: Instant) -> Option<Found> {
        let cluster = self.cluster.as_mut()?;
        let ended = cluster.ended?;
        let is_late = now.saturating_duration_since(ended) > TOLD_WITHIN;
        if cluster.reported < cluster.packets && !is_late {
            return None;
        }
        let found = cluster.found();
        self.cluster = None;
        self.is_open |= found.is_some_and(|found| found.is_open);
        match found {
            Some(found) if found.is_open => {
                // There may be more: that is asked at once.
                (self.wait, self.next_at) = (FIRST_WAIT, now);
            }
            Some(found) if found.rate > estimate.percent(NEWS_PERCENT) => {
                (self.wait, self.next_at) = (FIRST_WAIT, now + NEXT_WAIT);
            }
            Some(_) => {
                self.next_at = now + self.wait;
                self.wait = (self.wait * 3 / 2).min(LONGEST_WAIT);
            }
            None => {
                self.length = (self.length * 2).min(LONGEST);
                self.next_at = now + FIRST_WAIT;
            }
        }
        found
    }
}

impl Cluster {
    fn found(&mut self) -> Option<Found> {
        let enough = self.arrived.len() * 100 >= self.packets * ENOUGH_PERCENT;
        if self.arrived.len() < FEW || !enough {
            return None;
        }
        self.arrived.sort_unstable_by_key(|(_, at, _)| *at);
        let began = self.arrived.iter().map(|(sent, ..)| *sent).min()?;
        let ended = self.arrived.iter().map(|(sent, ..)| *sent).max()?;
        // What was sent at the end only says when that was.
        let sent: usize = self
            .arrived
            .iter()
            .filter(|(sent, ..)| *sent < ended)
            .map(|(.., bytes)| bytes)
            .sum();
        let sent = Bitrate::of(sent as u64, ended.saturating_duration_since(began));
        let (came, is_bunched) = self.came()?;
        if is_bunched || came > sent.percent(BUNCHED_PERCENT) || sent == Bitrate::default() {
            return None;
        }
        let is_open = came >= sent.percent(FULL_PERCENT);
        let rate = if is_open {
            sent.min(came)
        } else {
            came.percent(COUNTED_ON_PERCENT)
        };
        Some(Found { rate, is_open })
    }

    /// How fast it came, and whether that was in bunches too few to tell.
    fn came(&self) -> Option<(Bitrate, bool)> {
        let (first, last) = (self.arrived.first()?.1, self.arrived.last()?.1);
        // What arrived first only says when it began; of those that were held up with it, half.
        let is_first = |one: &&Arrival| one.1.saturating_sub(first) <= TOGETHER;
        let firsts = self.arrived.iter().take_while(is_first);
        let began = firsts.clone().last()?.1;
        let before: usize = firsts.skip(1).map(|(.., bytes)| bytes).sum();
        let after: usize = self
            .arrived
            .iter()
            .skip_while(is_first)
            .map(|(.., bytes)| bytes)
            .sum();
        let bytes = after
            + if last.saturating_sub(began) >= BUNCH {
                before / 2
            } else {
                0
            };
        let spread = last.saturating_sub(began);
        let gaps = self.arrived.windows(2);
        let gap = gaps.map(|pair| pair[1].1.saturating_sub(pair[0].1)).max()?;
        let is_bunched =
            spread.is_zero() || (gap >= BUNCH && gap * 10 >= last.saturating_sub(first) * 6);
        Some((Bitrate::of(bytes as u64, spread), is_bunched))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MBIT: Bitrate = Bitrate::kbps(1000);

    /// A cluster at 1.5 Mbit/s through a line of `kbps`; packet by packet, those that `arrives` says.
    fn found(kbps: u64, arrives: impl Fn(usize, Duration) -> Option<Duration>) -> Option<Found> {
        let start = Instant::now();
        let mut prober = Prober::new(start);
        let bytes = prober.needs(MBIT, start).unwrap();
        assert_eq!(bytes, 4_000);
        prober.begin(MBIT, bytes, start);
        assert_eq!(prober.needs(MBIT, start), None);
        let (mut sent, mut free_at) = (Vec::new(), Duration::ZERO);
        for ms in (0..100).step_by(5) {
            let now = start + Duration::from_millis(ms);
            while prober.is_due(now) {
                let probe = prober.note_sent(625, now);
                let spent = Duration::from_micros(625 * 8_000 / kbps);
                free_at = free_at.max(Duration::from_millis(ms)) + spent;
                let arrived = arrives(sent.len(), Duration::from_millis(30) + free_at);
                sent.push(Delivery {
                    sent: now,
                    arrived,
                    bytes: 625,
                    probe,
                });
            }
        }
        assert!(!prober.is_sending());
        for delivery in &sent {
            assert_eq!(prober.conclude(MBIT, start), None);
            prober.note(delivery);
        }
        prober.conclude(MBIT, start)
    }

    #[test]
    fn what_comes_through_as_fast_is_there_and_more_may_be() {
        let found = found(20_000, |_, at| Some(at)).unwrap();
        assert!(found.is_open, "{found:?}");
        let near = MBIT.percent(120)..=MBIT.percent(160);
        assert!(near.contains(&found.rate), "{found:?}");
    }

    #[test]
    fn the_spread_of_the_arrivals_is_the_rate_of_a_narrow_line() {
        let found = found(800, |_, at| Some(at)).unwrap();
        assert!(!found.is_open, "{found:?}");
        let near = Bitrate::kbps(720)..=Bitrate::kbps(800);
        assert!(near.contains(&found.rate), "{found:?}");
    }

    #[test]
    fn bunches_and_too_many_losses_say_nothing() {
        let bunch = Some(Duration::from_millis(80));
        assert_eq!(found(20_000, |_, _| bunch), None);
        assert_eq!(found(20_000, |n, at| (n % 2 == 0).then_some(at)), None);
    }

    #[test]
    fn what_tells_nothing_is_repeated_longer_and_what_finds_no_room_more_seldom() {
        let start = Instant::now();
        let mut prober = Prober::new(start);
        let mut now = start;
        let mut needs = Vec::new();
        for _ in 0..5 {
            needs.push(prober.needs(MBIT, now).unwrap());
            prober.begin(MBIT, 1000, now);
            prober.end(now);
            now += Duration::from_secs(2);
            assert_eq!(prober.conclude(MBIT, now), None);
            now += Duration::from_secs(2);
        }
        assert_eq!(needs, [4_000, 7_500, 15_000, 30_000, 30_000]);
    }
}
