//! How many people the media threads have room for, and how quality steps down when there are more. Pure: measurements
//! and the time in, a [`Step`] out.
//!
//! [`Step`] declares in what order quality is given up. Sound and screens are never touched, and nobody is refused
//! because of it.

use std::time::{Duration, Instant};

/// A thread should be busy for no more than this share of its time, in per cent: queues grow quickly above.
const FULL_PERCENT: u32 = 80;
/// From here on quality steps down,
const DOWN_PERCENT: u32 = 90;
/// and below this it steps back up. A step gives back a third or more of the work, so that it must stay well below.
const UP_PERCENT: u32 = 55;
/// The load must be too high for so long, in a row,
const DOWN_AFTER: Duration = Duration::from_secs(3);
/// and low for so long, before a step is taken.
const UP_AFTER: Duration = Duration::from_secs(20);

/// What is given up, in rising order. Each step includes the ones before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(in crate::media) enum Step {
    /// Nothing.
    #[default]
    Everything,
    /// The largest layer of every camera that has more than one.
    NoLargest,
    /// All but the smallest layer of those who did not speak lately.
    SmallOthers,
    /// The cameras of those who did not speak lately.
    SpeakersOnly,
}

impl Step {
    const ALL: [Self; 4] = [
        Self::Everything,
        Self::NoLargest,
        Self::SmallOthers,
        Self::SpeakersOnly,
    ];

    fn next(self) -> Self {
        let next = Self::ALL.get(self as usize + 1);
        next.copied().unwrap_or(self)
    }

    fn before(self) -> Self {
        let before = (self as usize).checked_sub(1);
        before.map_or(self, |place| Self::ALL[place])
    }

    /// How many of a camera's layers may be sent on, from the smallest; at least one unless the camera is left out.
    pub fn layers(self, count: usize, spoke: bool) -> usize {
        let fewer = count.saturating_sub(1).max(1);
        match (self, spoke) {
            (Self::Everything, _) => count,
            (Self::NoLargest, _) | (Self::SmallOthers | Self::SpeakersOnly, true) => fewer,
            (Self::SmallOthers, false) => 1,
            (Self::SpeakersOnly, false) => 0,
        }
    }
}

/// What a thread was seen to do, in per cent of the time that it had: over 100 cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Load(pub u32);

/// What became of a thread's time.
#[derive(Debug, Clone, Copy)]
pub(in crate::media) struct Spent {
    /// So much passed;
    pub passed: Duration,
    /// so much of it the thread ran on a CPU,
    pub worked: Duration,
    /// and so much it had nothing to do. The rest it waited for a CPU.
    pub idle: Duration,
}

/// With less than this of a core, in per cent, other programs keep a thread from working. Its delay then says nothing
/// of its load.
const OWN_PERCENT: u128 = 25;

impl Load {
    /// The share of its time that the thread needed.
    ///
    /// What it waited for a CPU counts as neither work nor rest: other programs may have taken it, and then no quality
    /// need be given up. The work alone would not do either: where the threads of this process need more than the
    /// machine has, or than its container may use, each of them gets less than a core and never rests.
    pub fn of(spent: &Spent) -> Self {
        let micros = |time: Duration| time.as_micros();
        let (passed, worked) = (micros(spent.passed).max(1), micros(spent.worked));
        let rest = micros(spent.idle).min(passed.saturating_sub(worked));
        let had = if worked * 100 < passed * OWN_PERCENT {
            passed
        } else {
            worked + rest
        };
        Self(u32::try_from(worked * 100 / had).unwrap_or(u32::MAX))
    }
}

/// Decides when to step.
#[derive(Debug, Default)]
pub(in crate::media) struct Stepper {
    step: Step,
    /// Since when the load is too high, or low.
    high_since: Option<Instant>,
    low_since: Option<Instant>,
}

impl Stepper {
    /// Takes a measurement of the last second or so; gives the step that holds from now on.
    pub fn note(&mut self, load: Load, now: Instant) -> Step {
        let since = |held: Option<Instant>, holds: bool| holds.then(|| held.unwrap_or(now));
        self.high_since = since(self.high_since, load.0 >= DOWN_PERCENT);
        self.low_since = since(self.low_since, load.0 < UP_PERCENT);
        let long = |since: Option<Instant>, least| {
            since.is_some_and(|at| now.saturating_duration_since(at) >= least)
        };
        if long(self.high_since, DOWN_AFTER) {
            self.step = self.step.next();
            self.high_since = None;
        } else if long(self.low_since, UP_AFTER) {
            self.step = self.step.before();
            self.low_since = None;
        }
        self.step
    }
}

/// The assumed cost of one person, as long as nothing better was measured. So many packets a second are sent to them
/// (six pictures of 500 kbit/s, and three voices). Each costs as much as it took at the start, and half as much again
/// for what is received, looked up and written for it.
const PACKETS_PER_SECOND: u64 = 500;
const AROUND_PERCENT: u64 = 150;
/// With fewer people or less load than this, a thread's load does not tell the cost of one person.
const ENOUGH_PEOPLE: u32 = 5;
const ENOUGH_PERCENT: u32 = 10;

/// How many people one thread has room for, by what a packet took at the start, or better by its load.
pub(in crate::media) fn seats_of_thread(packet: Duration, load: Load, people: u32) -> u32 {
    if people >= ENOUGH_PEOPLE && load.0 >= ENOUGH_PERCENT {
        return people.saturating_mul(FULL_PERCENT) / load.0;
    }
    let nanos = u64::try_from(packet.as_nanos()).unwrap_or(u64::MAX).max(1);
    let each = nanos.saturating_mul(PACKETS_PER_SECOND * AROUND_PERCENT / 100);
    let second = 1_000_000_000 * u64::from(FULL_PERCENT) / 100;
    u32::try_from(second / each.max(1)).unwrap_or(u32::MAX)
}

/// How many people the server has room for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seats {
    /// How many at full quality, with those who are here.
    pub total: u32,
    /// How many more may come before quality steps down.
    pub free: u32,
    /// How many steps the quality is down now, on the thread where it is down the most.
    pub steps_down: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Watch(Stepper, Instant);

    impl Watch {
        fn seconds(&mut self, seconds: u32, percent: u32) -> Step {
            for _ in 0..seconds {
                self.1 += Duration::from_secs(1);
                self.0.note(Load(percent), self.1);
            }
            self.0.step
        }
    }

    fn watch() -> Watch {
        Watch(Stepper::default(), Instant::now())
    }

    #[test]
    fn what_others_take_of_the_cpu_is_not_load() {
        let load = |worked, idle| {
            let millis = Duration::from_millis;
            let load = Load::of(&Spent {
                passed: millis(1_000),
                worked: millis(worked),
                idle: millis(idle),
            });
            load.0
        };
        // Alone on a core: what it worked.
        assert_eq!(
            [0, 100, 300, 950].map(|one| load(one, 1_000 - one)),
            [0, 10, 30, 95]
        );
        // Others take most of it: nearly no rest, but little work.
        assert_eq!([load(100, 0), load(240, 10)], [10, 24]);
        assert_eq!(load(300, 100), 75);
        // It never rests, and has no whole core: more than it can do.
        assert_eq!([load(500, 0), load(650, 30)], [100, 95]);
        // Asking costs time that counts as both; and clocks differ a little.
        assert_eq!([load(900, 200), load(1_010, 0)], [90, 100]);
    }

    #[test]
    fn overload_steps_down_in_the_declared_order_and_no_further() {
        let mut watch = watch();
        let mut seen = vec![watch.seconds(1, 95)];
        for _ in 0..20 {
            let step = watch.seconds(1, 95);
            if seen.last() != Some(&step) {
                seen.push(step);
            }
        }
        assert_eq!(seen, Step::ALL);
    }

    #[test]
    fn a_short_peak_changes_nothing() {
        let mut watch = watch();
        for _ in 0..10 {
            assert_eq!(watch.seconds(3, 100), Step::Everything);
            assert_eq!(watch.seconds(1, 80), Step::Everything);
        }
    }

    #[test]
    fn it_steps_back_up_slowly_and_not_while_the_load_is_between() {
        let mut watch = watch();
        assert_eq!(watch.seconds(8, 100), Step::SmallOthers);
        assert_eq!(watch.seconds(60, 70), Step::SmallOthers);
        assert_eq!(watch.seconds(20, 40), Step::SmallOthers);
        assert_eq!(watch.seconds(1, 40), Step::NoLargest);
        assert_eq!(watch.seconds(1, 60), Step::NoLargest);
        assert_eq!(watch.seconds(20, 40), Step::NoLargest, "counted anew");
        assert_eq!(watch.seconds(1, 40), Step::Everything);
        assert_eq!(watch.seconds(60, 0), Step::Everything);
    }

    #[test]
    fn what_is_left_of_a_camera_falls_from_step_to_step() {
        for count in 1..=3 {
            for spoke in [true, false] {
                let left = Step::ALL.map(|step| step.layers(count, spoke));
                assert!(left.is_sorted_by(|one, next| one >= next), "{left:?}");
                assert_eq!(left[0], count);
            }
        }
        assert_eq!(Step::ALL.map(|step| step.layers(3, true)), [3, 2, 2, 2]);
        assert_eq!(Step::ALL.map(|step| step.layers(3, false)), [3, 2, 1, 0]);
        assert_eq!(Step::ALL.map(|step| step.layers(1, false)), [1, 1, 1, 0]);
    }

    #[test]
    fn seats_follow_the_packet_first_and_the_load_later() {
        let packet = Duration::from_micros(4);
        assert_eq!(seats_of_thread(packet, Load(0), 0), 266);
        assert_eq!(seats_of_thread(packet, Load(50), 2), 266, "too few to tell");
        assert_eq!(seats_of_thread(packet, Load(40), 60), 120);
        assert_eq!(
            seats_of_thread(packet, Load(100), 60),
            48,
            "fewer than are here"
        );
        assert_eq!(seats_of_thread(Duration::ZERO, Load(0), 0), 1_066_666);
    }
}
