//! The circuit breaker by receiver reports (RFC 8083 §4.3), for clients that give no transport-wide feedback.

use crate::media::bwe::rate::Bitrate;

/// Receiver reports are judged over so many packets.
const ENOUGH: u64 = 300;
/// Up to this loss repair helps; beyond it, it makes things worse.
const MOST_LOST_PERCENT: u64 = 25;

/// One connection's breaker.
#[derive(Debug, Default)]
pub(in crate::media) struct Breaker {
    expected: u64,
    lost: u64,
}

impl Breaker {
    /// The client says that so many more packets were expected, and so many of them lost, while so much is sent.
    /// Gives what arrives where that is too little.
    pub fn take(&mut self, expected: u64, lost: u64, sent: Bitrate) -> Option<Bitrate> {
        self.expected += expected;
        self.lost += lost;
        if self.expected < ENOUGH {
            return None;
        }
        let percent = (self.lost * 100 / self.expected).min(100);
        *self = Self::default();
        (percent >= MOST_LOST_PERCENT).then(|| sent.percent(100 - percent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_trips_by_many_packets_and_tells_what_arrives() {
        let (mut breaker, sent) = (Breaker::default(), Bitrate::kbps(1000));
        assert_eq!(breaker.take(200, 200, sent), None);
        assert_eq!(breaker.take(200, 0, sent), Some(Bitrate::kbps(500)));
        assert_eq!(breaker.take(100, 100, sent), None, "it begins anew");
        assert_eq!(breaker.take(301, 0, sent), None, "less than a quarter");
    }
}
