//! Which packets went out on a connection when, by their transport-wide sequence numbers
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01), until the receiver says how they arrived.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// So many are remembered: more than a second of what one connection ever sends. The oldest give way.
const CAPACITY: usize = 4096;

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delivery {
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
    is_told: bool,
}

/// The packets of one connection.
#[derive(Debug, Default)]
pub(super) struct SendHistory {
    /// The number of the first of those that are remembered.
    first: u16,
    packets: VecDeque<Pending>,
}

impl SendHistory {
    /// Remembers a packet; gives the number that it is to carry.
    pub fn stamp(&mut self, bytes: usize, probe: Option<u32>, now: Instant) -> u16 {
        if self.packets.len() >= CAPACITY {
            self.packets.pop_front();
            self.first = self.first.wrapping_add(1);
        }
        let number = self.first.wrapping_add(self.packets.len() as u16);
        self.packets.push_back(Pending {
            sent: now,
            bytes,
            probe,
            is_told: false,
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
        if std::mem::replace(&mut pending.is_told, true) {
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
}
