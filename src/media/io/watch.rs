//! How busy a media thread is, and what is given up in its rooms because of that. The clocks come in as values.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::media::io::shard::State;
use crate::media::seats::{Load, Spent, Stepper};

/// How busy it was is looked at this often.
const GAUGED_EVERY: Duration = Duration::from_secs(1);

/// How busy a worker is. Other threads read it.
#[derive(Debug, Default)]
pub(in crate::media) struct Gauge {
    load: AtomicU32,
    people: AtomicU32,
    step: AtomicU32,
}

impl Gauge {
    /// What it was seen to do lately, for how many people, and how many steps its quality is down.
    pub fn read(&self) -> (Load, u32, u8) {
        let read = |one: &AtomicU32| one.load(Ordering::Relaxed);
        let step = u8::try_from(read(&self.step)).unwrap_or(u8::MAX);
        (Load(read(&self.load)), read(&self.people), step)
    }
}

/// Looks how much of its time a thread works.
pub(in crate::media) struct Watch {
    gauge: Arc<Gauge>,
    stepper: Stepper,
    /// Since when is counted, and how long the thread had worked by then.
    since: Instant,
    worked: Duration,
    idle: Duration,
}

impl Watch {
    /// The watch of a thread that is about to begin.
    pub fn new(gauge: Arc<Gauge>, now: Instant) -> Self {
        Self {
            gauge,
            stepper: Stepper::default(),
            since: now,
            worked: Duration::ZERO,
            idle: Duration::ZERO,
        }
    }

    /// The thread had nothing to do for so long. From time to time that changes what is given up in its rooms. `worked`
    /// tells how long the thread ran on a CPU since it began. It is asked only then, as it is a system call.
    pub fn rested(
        &mut self,
        idle: Duration,
        worked: impl FnOnce() -> Duration,
        state: &mut State,
        now: Instant,
    ) {
        self.idle += idle;
        let passed = now.saturating_duration_since(self.since);
        if passed < GAUGED_EVERY {
            return;
        }
        let worked = worked();
        let load = Load::of(&Spent {
            passed,
            worked: worked.saturating_sub(self.worked),
            idle: self.idle,
        });
        (self.since, self.worked, self.idle) = (now, worked, Duration::ZERO);
        let step = self.stepper.note(load, now);
        state.step(step);
        let people = u32::try_from(state.people()).unwrap_or(u32::MAX);
        self.gauge.load.store(load.0, Ordering::Relaxed);
        self.gauge.people.store(people, Ordering::Relaxed);
        self.gauge.step.store(step as u32, Ordering::Relaxed);
    }
}

/// How long the thread that calls it ran on a CPU since it began.
pub(super) fn worked() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::media::peer::reach::Reach;

    /// A thread that works and rests for so many milliseconds of each second, and waits for a CPU for the others.
    fn gauged(seconds: u32, worked: u64, idle: u64) -> (u32, u8) {
        let mut now = Instant::now();
        let gauge = Arc::new(Gauge::default());
        let mut watch = Watch::new(Arc::clone(&gauge), now);
        let mut state = State::new(Reach::new(0, &[], 0, &[]), now, SystemTime::UNIX_EPOCH);
        let mut spent = Duration::ZERO;
        for _ in 0..seconds * 10 {
            now += Duration::from_millis(100);
            spent += Duration::from_millis(worked / 10);
            let idle = Duration::from_millis(idle / 10);
            watch.rested(idle, || spent, &mut state, now);
        }
        let (load, people, step) = gauge.read();
        assert_eq!(people, 0);
        (load.0, step)
    }

    #[test]
    fn a_thread_that_others_keep_waiting_gives_nothing_up() {
        assert_eq!(gauged(10, 100, 20), (10, 0));
        assert_eq!(gauged(10, 600, 400), (60, 0));
    }

    #[test]
    fn one_that_has_too_much_to_do_steps_down() {
        assert_eq!(gauged(4, 960, 30), (96, 1));
        assert_eq!(gauged(12, 500, 0), (100, 3), "with half a core");
    }

    #[test]
    fn the_time_of_this_thread_alone_is_work() {
        let before = worked();
        let mut turns = 0_u64;
        while worked() - before < Duration::from_millis(20) {
            turns = std::hint::black_box(turns + 1);
        }
        let other = std::thread::spawn(worked).join().unwrap();
        assert!(other < worked() - before, "{other:?}");
    }
}
