//! Which packets went out on a connection when, by their transport-wide sequence numbers
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01), until the receiver says how they arrived.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::budgets;

const CAPACITY: usize = budgets::media::UNACKNOWLEDGED.size();
/// What was not told of by now will not be.
const FORGET_AFTER: Duration = Duration::from_secs(3);

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Delivery {
    pub sent: Instant,
    /// On the receiver's clock; `None` for one that was lost.
    pub arrived: Option<Duration>,
    pub bytes: usize,
    /// The probe that it belonged to.
    pub probe: Option<u32>,
}

/// A packet whose arrival is not known yet.
#[derive(Debug, Clone, Copy)]
struct Pending {
    sent: Instant,
    bytes: usize,
    probe: Option<u32>,
    is_reported: bool,
}

/// The packets of one connection.
#[derive(Debug, Default)]
pub(in crate::media) struct SendHistory {
    /// The number of the first of those that are remembered.
    first: u16,
    packets: VecDeque<Pending>,
}

impl SendHistory {
    /// Remembers a packet; gives the number that it is to carry.
    pub fn stamp(&mut self, bytes: usize, probe: Option<u32>, now: Instant) -> u16 {
        let is_full = self.packets.len() >= CAPACITY;
        let is_over = |oldest: &mut Pending| {
            oldest.is_reported || now.saturating_duration_since(oldest.sent) > FORGET_AFTER
        };
        let mut forgotten = usize::from(is_full && self.packets.pop_front().is_some());
        while self.packets.pop_front_if(is_over).is_some() {
            forgotten += 1;
        }
        self.first = self.first.wrapping_add(forgotten as u16);
        let number = self.first.wrapping_add(self.packets.len() as u16);
        self.packets.push_back(Pending {
            sent: now,
            bytes,
            probe,
            is_reported: false,
        });
        number
    }

    /// Whether a report about so many packets can be honest.
    pub fn may_report(&self, count: u16) -> bool {
        usize::from(count) <= CAPACITY
    }

    /// What became of the packet of this number, the first time that it is told.
    pub fn acknowledge(&mut self, number: u16, arrived: Option<Duration>) -> Option<Delivery> {
        let index = usize::from(number.wrapping_sub(self.first));
        let pending = self.packets.get_mut(index)?;
        if std::mem::replace(&mut pending.is_reported, true) {
            return None;
        }
        Some(Delivery {
            sent: pending.sent,
            arrived,
            bytes: pending.bytes,
            probe: pending.probe,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_on_over_the_wrap_and_are_told_once() {
        let (mut history, now) = (SendHistory::default(), Instant::now());
        for expected in 0..70_000u32 {
            let bytes = expected as usize;
            assert_eq!(history.stamp(bytes, None, now), expected as u16);
        }
        let arrived = Some(Duration::from_millis(3));
        let delivery = history.acknowledge(69_999u32 as u16, arrived).unwrap();
        assert_eq!((delivery.bytes, delivery.arrived), (69_999, arrived));
        assert_eq!(history.acknowledge(69_999u32 as u16, arrived), None);
        let oldest = 70_000 - CAPACITY as u32;
        assert!(history.acknowledge(oldest as u16, None).is_some());
        assert_eq!(history.acknowledge((oldest - 1) as u16, None), None);
        assert_eq!(history.acknowledge(70_000u32 as u16, None), None);
    }

    #[test]
    fn what_is_told_of_or_too_old_is_forgotten() {
        let (mut history, start) = (SendHistory::default(), Instant::now());
        for number in 0..1000u16 {
            let now = start + Duration::from_millis(u64::from(number) * 10);
            assert_eq!(history.stamp(100, None, now), number);
            if number >= 10 {
                let reported = history.acknowledge(number - 10, Some(Duration::ZERO));
                assert!(reported.is_some(), "{number}");
            }
            assert!(history.packets.len() <= 11, "{}", history.packets.len());
        }
        let late = start + Duration::from_secs(60);
        assert_eq!(history.stamp(100, None, late), 1000);
        assert_eq!(history.packets.len(), 1);
    }
}
