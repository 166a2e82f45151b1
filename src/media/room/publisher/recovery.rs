//! Sounds that were lost on their way here, recovered from the packet behind them (RFC 2198). Listeners who take sound
//! redundantly find them there by themselves; to the others they are sent as packets of their own, before the one that
//! brought them.

use std::time::Duration;

use super::stream::Stream;
use crate::media::rtp::history::Incoming;
use crate::media::rtp::red;

/// Browsers repeat one or two sounds. No packet becomes more than so many others besides.
const MOST: usize = 2;
/// What is older cannot be played any more.
const YOUNG: Duration = Duration::from_millis(120);

/// A sound that came in the packet behind its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Recovered<'a> {
    /// Its own packet's, extended.
    pub sequence: u64,
    pub timestamp: u32,
    pub payload: &'a [u8],
}

/// What one packet recovered, the oldest first.
pub(in crate::media) type Recoveries<'a> = [Option<Recovered<'a>>; MOST];

impl Stream {
    /// Takes a new packet of sound, whose newest sound begins there if it is redundant. Which of those before it are
    /// missing and recovered by it.
    ///
    /// Nothing names the packets that the others were sent in first. Senders repeat those right before: so it is by
    /// their place, and their age has to fit between the packets on both sides.
    pub fn recover<'a>(
        &mut self,
        packet: &Incoming<'a>,
        newest: Option<usize>,
        clock_rate: u32,
    ) -> Recoveries<'a> {
        let mut recovered = [None; MOST];
        let (sequence, timestamp) = (packet.sequence, packet.timestamp);
        let Some((before, then)) = self.newest.replace((sequence, timestamp)) else {
            return recovered;
        };
        if sequence < before {
            // One that comes late.
            self.newest = Some((before, then));
            return recovered;
        }
        let Some(newest) = newest.filter(|_| sequence - before > 1) else {
            return recovered;
        };
        let most = clock_rate / 1000 * YOUNG.as_millis() as u32;
        let end = timestamp.wrapping_sub(then).min(most + 1);
        let mut younger = 0;
        let others = (before + 1..sequence).rev();
        let others = others.zip(red::earlier(packet.payload, newest)).take(MOST);
        for ((missing, (age, payload)), place) in others.zip(recovered.iter_mut().rev()) {
            if age <= younger || age >= end {
                break;
            }
            younger = age;
            if !payload.is_empty() && self.window.recover(missing) {
                *place = Some(Recovered {
                    sequence: missing,
                    timestamp: timestamp.wrapping_sub(age),
                    payload,
                });
            }
        }
        recovered
    }
}
