//! Packets that wait to be sent at an even pace: a keyframe in one piece would fill the queue of a narrow line, and
//! sound would have to wait behind it.
//!
//! Pure: packets and the time in, those that are due out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::budgets;
use crate::media::bwe::rate::Bitrate;

const CAPACITY: usize = budgets::media::PACED.size();
/// The packets that wait, of all slots.
#[derive(Debug)]
pub(in crate::media) struct Pacer<T> {
    waiting: VecDeque<(usize, usize, T)>,
    /// `None`: everything is due.
    rate: Option<Bitrate>,
    /// After a pause no more than what is due in this time is sent at once.
    burst: Duration,
    /// Bytes that were sent beyond what was due, or less.
    ahead: i64,
    at: Instant,
}

impl<T> Pacer<T> {
    pub fn new(burst: Duration, now: Instant) -> Self {
        Self {
            waiting: VecDeque::new(),
            rate: Some(Bitrate::default()),
            burst,
            ahead: 0,
            at: now,
        }
    }

    /// From now on they are sent at this rate, or at once.
    pub fn set_rate(&mut self, rate: impl Into<Option<Bitrate>>) {
        self.rate = rate.into();
    }

    /// Whether there is room for another packet.
    pub fn has_room(&self) -> bool {
        self.waiting.len() < CAPACITY
    }

    /// Whether something of this slot waits.
    pub fn holds(&self, slot: usize) -> bool {
        self.waiting.iter().any(|(of, ..)| *of == slot)
    }

    /// Whether anything waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether a packet may be sent now past those that wait, as there are none, and their pace allows it.
    pub fn is_free(&mut self, now: Instant) -> bool {
        self.pass(now);
        self.waiting.is_empty() && self.ahead <= 0
    }

    /// So many bytes are sent without having waited.
    pub fn spend(&mut self, bytes: usize) {
        if self.rate.is_some() {
            self.ahead = self.ahead.saturating_add(bytes as i64);
        }
    }

    /// Takes a packet of so many bytes.
    pub fn push(&mut self, slot: usize, bytes: usize, packet: T) {
        self.waiting.push_back((slot, bytes, packet));
    }

    /// The next packet that is due by now, and its slot.
    pub fn pop(&mut self, now: Instant) -> Option<(usize, T)> {
        self.pass(now);
        if self.ahead > 0 {
            return None;
        }
        self.pop_undue()
    }

    /// The next packet, whether it is due or not.
    pub fn pop_undue(&mut self) -> Option<(usize, T)> {
        let (slot, bytes, packet) = self.waiting.pop_front()?;
        self.spend(bytes);
        Some((slot, packet))
    }

    fn pass(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at);
        self.at = self.at.max(now);
        let Some(rate) = self.rate else {
            self.ahead = 0;
            return;
        };
        let due = |time| i64::try_from(rate.bytes_in(time)).unwrap_or(i64::MAX);
        let ahead = self.ahead.saturating_sub(due(passed));
        self.ahead = ahead.max(-due(self.burst));
    }

    /// Everything that waits of a slot, to be sent at once or forgotten.
    pub fn take(&mut self, slot: usize) -> Vec<(usize, T)> {
        let (of_slot, others) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(of, ..)| *of == slot);
        self.waiting = others;
        let of_slot: VecDeque<(usize, usize, T)> = of_slot;
        of_slot
            .into_iter()
            .map(|(of, _, packet)| (of, packet))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BURST: Duration = Duration::from_millis(25);

    #[test]
    fn packets_leave_in_order_and_at_the_rate() {
        let start = Instant::now();
        let mut pacer = Pacer::new(BURST, start);
        pacer.set_rate(Bitrate::kbps(800));
        for number in 0..50 {
            pacer.push(number % 2, 1000, number);
        }
        assert!(pacer.holds(1) && !pacer.holds(2));
        let mut left = Vec::new();
        let mut by_half = 0;
        for ms in (0..=500).step_by(20) {
            while let Some((_, number)) = pacer.pop(start + Duration::from_millis(ms)) {
                left.push(number);
            }
            if ms <= 240 {
                by_half = left.len();
            }
        }
        assert_eq!(left, (0..50).collect::<Vec<_>>());
        assert!((24..=27).contains(&by_half), "{by_half}");
    }

    #[test]
    fn a_pause_saves_up_no_burst_and_a_slot_can_be_taken_out() {
        let start = Instant::now();
        let mut pacer = Pacer::new(BURST, start);
        pacer.set_rate(Bitrate::kbps(800));
        let later = start + Duration::from_secs(60);
        assert!(pacer.pop(later).is_none());
        for number in 0..CAPACITY {
            assert!(pacer.has_room());
            pacer.push(number % 4, 1000, number);
        }
        assert!(!pacer.has_room());
        let burst = std::iter::from_fn(|| pacer.pop(later)).count();
        assert!(burst <= 4, "{burst}");
        let of_third = pacer.take(3);
        assert_eq!(of_third.len(), CAPACITY / 4 - usize::from(burst == 4));
        assert!(!pacer.holds(3) && pacer.holds(2));
    }

    #[test]
    fn what_goes_past_them_is_paid_for_as_well() {
        let start = Instant::now();
        let mut pacer = Pacer::new(BURST, start);
        pacer.set_rate(Bitrate::kbps(800));
        assert!(pacer.is_free(start));
        pacer.spend(1000);
        assert!(!pacer.is_free(start + Duration::from_millis(9)));
        assert!(pacer.is_free(start + Duration::from_millis(10)));
        pacer.push(0, 1000, ());
        assert!(!pacer.is_free(start + Duration::from_millis(10)));
    }

    #[test]
    fn without_a_rate_everything_is_due_and_costs_nothing() {
        let start = Instant::now();
        let mut pacer = Pacer::new(BURST, start);
        pacer.set_rate(None);
        for number in 0..50 {
            pacer.push(0, 1000, number);
            pacer.spend(1000);
        }
        assert_eq!(std::iter::from_fn(|| pacer.pop(start)).count(), 50);
        pacer.set_rate(Bitrate::kbps(800));
        assert!(pacer.is_free(start));
    }
}
