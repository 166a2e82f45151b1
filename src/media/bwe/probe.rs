//! What the line carries, measured without filling it: a few packets sent together arrive one behind the other, as fast
//! as the narrowest part of the way lets them through (packet-train dispersion).
//!
//! Pure: deliveries in, a bitrate out.

use std::time::Duration;

use crate::media::bwe::rate::Bitrate;
use crate::media::bwe::send_history::Delivery;

/// Fewer say nothing: one that was held up would count for too much.
const FEW: usize = 3;

/// One probe on its way.
#[derive(Debug)]
pub(in crate::media) struct Probe {
    id: u32,
    awaited: usize,
    arrived: Vec<(Duration, usize)>,
}

impl Probe {
    /// One of so many packets.
    pub fn new(id: u32, packets: usize) -> Self {
        Self {
            id,
            awaited: packets,
            arrived: Vec::with_capacity(packets),
        }
    }

    /// Takes what became of a packet; at the last one, says what was measured.
    pub fn take(&mut self, delivery: &Delivery) -> Option<Bitrate> {
        if delivery.probe != Some(self.id) || self.awaited == 0 {
            return None;
        }
        self.awaited -= 1;
        let arrived = delivery.arrived.map(|at| (at, delivery.bytes));
        self.arrived.extend(arrived);
        (self.awaited == 0).then(|| self.measured()).flatten()
    }

    fn measured(&mut self) -> Option<Bitrate> {
        if self.arrived.len() < FEW {
            return None;
        }
        self.arrived.sort_unstable();
        let (first, last) = (self.arrived.first()?.0, self.arrived.last()?.0);
        // The first one only says when it began.
        let bytes: usize = self.arrived[1..].iter().map(|(_, bytes)| bytes).sum();
        Some(Bitrate::of(bytes as u64, last.saturating_sub(first)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn delivery(probe: u32, arrived: Option<u64>) -> Delivery {
        Delivery {
            sent: Instant::now(),
            arrived: arrived.map(Duration::from_millis),
            bytes: 1250,
            probe: Some(probe),
        }
    }

    #[test]
    fn the_spread_of_a_train_is_the_rate_of_the_line() {
        let mut probe = Probe::new(7, 5);
        assert_eq!(probe.take(&delivery(6, Some(90))), None);
        for ms in [100, 110, 120, 130] {
            assert_eq!(probe.take(&delivery(7, Some(ms))), None);
        }
        assert_eq!(
            probe.take(&delivery(7, Some(140))),
            Some(Bitrate::kbps(1000))
        );
        assert_eq!(probe.take(&delivery(7, Some(150))), None);
    }

    #[test]
    fn losses_leave_the_measure_as_it_is_until_too_few_are_left() {
        let outcome = |arrivals: [Option<u64>; 5]| {
            let mut probe = Probe::new(1, 5);
            let told = arrivals.map(|arrived| probe.take(&delivery(1, arrived)));
            told[4]
        };
        let lossy = outcome([Some(100), None, Some(110), Some(120), None]);
        assert_eq!(lossy, Some(Bitrate::kbps(1000)));
        assert_eq!(outcome([Some(100), None, Some(110), None, None]), None);
    }
}
