//! Which packets went out on a connection when, by their transport-wide sequence numbers
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01), until the receiver says how they arrived.

use std::collections::VecDeque;
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use crate::budgets;

const CAPACITY: usize = budgets::media::UNACKNOWLEDGED.size();
/// What was not told of by now will not be.
const FORGET_AFTER: Duration = Duration::from_secs(3);
/// Times are counted from an origin that is set anew before they grow beyond this, long before 32 bits are full.
const ORIGIN_HOLDS: Duration = Duration::from_secs(30 * 60);

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Delivery {
    pub sent: Instant,
    /// On the receiver's clock; `None` for one that was lost.
    pub arrived: Option<Duration>,
    pub bytes: usize,
    /// The probe that it belonged to.
    pub probe: Option<NonZeroU16>,
}

/// A packet whose arrival is not known yet. A client that never tells of arrivals has seconds of packets here, so each
/// is small.
#[derive(Debug, Clone, Copy)]
struct Pending {
    /// In microseconds since the origin.
    sent: u32,
    /// `None` once it was told of.
    bytes: Option<NonZeroU16>,
    probe: Option<NonZeroU16>,
}

/// The packets of one connection.
#[derive(Debug, Default)]
pub(in crate::media) struct SendHistory {
    /// The number of the first of those that are remembered.
    first: u16,
    /// What their times are counted from.
    origin: Option<Instant>,
    packets: VecDeque<Pending>,
}

impl SendHistory {
    /// Remembers a packet; gives the number that it is to carry.
    pub fn stamp(&mut self, bytes: usize, probe: Option<NonZeroU16>, now: Instant) -> u16 {
        self.forget(now);
        let number = self.first.wrapping_add(self.packets.len() as u16);
        let sent = self.micros(now);
        let bytes = u16::try_from(bytes).unwrap_or(u16::MAX);
        self.packets.push_back(Pending {
            sent,
            bytes: Some(NonZeroU16::new(bytes).unwrap_or(NonZeroU16::MIN)),
            probe,
        });
        number
    }

    /// Makes room for one: the first of those that are told of or too old leave.
    fn forget(&mut self, now: Instant) {
        let is_full = self.packets.len() >= CAPACITY;
        let mut forgotten = usize::from(is_full && self.packets.pop_front().is_some());
        let origin = self.origin.unwrap_or(now);
        let is_over = |oldest: &mut Pending| {
            let sent = origin + Duration::from_micros(oldest.sent.into());
            oldest.bytes.is_none() || now.saturating_duration_since(sent) > FORGET_AFTER
        };
        while self.packets.pop_front_if(is_over).is_some() {
            forgotten += 1;
        }
        self.first = self.first.wrapping_add(forgotten as u16);
    }

    /// The time as it is kept. What is remembered is a few seconds old at most.
    fn micros(&mut self, now: Instant) -> u32 {
        let mut origin = *self.origin.get_or_insert(now);
        if now.saturating_duration_since(origin) >= ORIGIN_HOLDS {
            let oldest = self.packets.front().map(|packet| packet.sent);
            let moved = oldest.map(|oldest| Duration::from_micros(oldest.into()));
            origin = moved.map_or(now, |moved| origin + moved);
            for packet in &mut self.packets {
                packet.sent = packet.sent.saturating_sub(oldest.unwrap_or_default());
            }
            self.origin = Some(origin);
        }
        now.saturating_duration_since(origin).as_micros() as u32
    }

    /// Whether a report about so many packets can be honest.
    pub fn may_report(&self, count: u16) -> bool {
        usize::from(count) <= CAPACITY
    }

    /// What became of the packet of this number, the first time that it is told.
    pub fn acknowledge(&mut self, number: u16, arrived: Option<Duration>) -> Option<Delivery> {
        let index = usize::from(number.wrapping_sub(self.first));
        let pending = self.packets.get_mut(index)?;
        Some(Delivery {
            bytes: usize::from(pending.bytes.take()?.get()),
            sent: self.origin? + Duration::from_micros(pending.sent.into()),
            arrived,
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
            let bytes = expected as usize % 1_500;
            assert_eq!(history.stamp(bytes, None, now), expected as u16);
        }
        let arrived = Some(Duration::from_millis(3));
        let delivery = history.acknowledge(69_999u32 as u16, arrived).unwrap();
        assert_eq!(
            (delivery.bytes, delivery.arrived),
            (69_999 % 1_500, arrived)
        );
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

    #[test]
    fn times_are_told_as_they_were_however_long_the_connection_lasts() {
        let (mut history, start) = (SendHistory::default(), Instant::now());
        let mut last = None;
        for step in 0..100_000u64 {
            let now = start + Duration::from_micros(step * 100_003);
            let number = history.stamp(1_200, NonZeroU16::new(7), now);
            if let Some((number, sent)) = last.replace((number, now)) {
                let delivery = history.acknowledge(number, None).unwrap();
                assert_eq!((delivery.sent, delivery.bytes), (sent, 1_200), "{step}");
                assert_eq!(delivery.probe, NonZeroU16::new(7));
            }
        }
        assert!(history.packets.len() <= 2);
    }

    #[test]
    fn what_is_never_told_of_takes_little() {
        assert_eq!(size_of::<Pending>(), 8);
    }
}
