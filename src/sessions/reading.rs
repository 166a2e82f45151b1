//! What the sessions of one network read together: lists and histories. An answer may be ten thousand times as large as
//! its request, and another session costs whoever asks nothing: so the bytes are counted for all of them, and a network
//! that has read more than its share waits before it is answered again. What comes with a join is bounded by the speed
//! of joins.

use std::time::Duration;

use tokio::time::Instant;

use super::limits::too_fast;
use crate::allowance::{Allowance, Rate};
use crate::budgets::ws as budgets;
use crate::network::Network;
use crate::protocol::Request;
use crate::protocol::error::WireError;

/// Whoever is a little too fast is made slower rather than refused.
const PATIENCE: Duration = Duration::from_secs(5);
/// What an answer counts for before it is known, and at least: so those who wait together do not go on together.
const AT_LEAST: u64 = 16 * 1024;

/// What each network has read; none when limits are off.
pub struct Reading(Option<Allowance<Network>>);

impl Reading {
    /// Nobody has read anything.
    pub fn new(is_limited: bool) -> Self {
        let rate = || Rate {
            burst: budgets::LISTS_BURST.in_force() as u64,
            period: Duration::from_secs(1) / budgets::LISTS.in_force() as u32,
        };
        Self(is_limited.then(|| Allowance::new(rate())))
    }

    /// Waits until `network` may read on.
    ///
    /// # Errors
    /// `rate.limited` when that is too long; nothing is done then.
    pub async fn admit(&self, network: Network) -> Result<(), WireError> {
        let Some(read) = &self.0 else { return Ok(()) };
        let now = Instant::now().into_std();
        let wait = read.spend_ahead(&network, AT_LEAST, now, PATIENCE);
        let wait = wait.map_err(too_fast)?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    /// Takes the answer to what was admitted into account.
    pub fn note(&self, network: Network, bytes: usize) {
        let more = (bytes as u64).saturating_sub(AT_LEAST);
        if let Some(read) = &self.0 {
            read.owe(&network, more, Instant::now().into_std());
        }
    }
}

/// Whether the answer grows with what others have written, or with how many they are.
pub fn reads_much(request: &Request) -> bool {
    matches!(
        request,
        Request::ChatHistory(_)
            | Request::InviteList(_)
            | Request::RoomAttendance(_)
            | Request::RoomBans(_)
            | Request::RoomGet(_)
            | Request::RoomList(_)
            | Request::RoomRoster(_)
    )
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::protocol::error::ErrorCode;

    const ANSWER: usize = 1 << 20;

    fn network(number: u8) -> Network {
        Network::of(std::net::Ipv4Addr::new(192, 0, 2, number).into())
    }

    /// Whether an answer is had at once.
    fn reads(reading: &Reading, number: u8) -> bool {
        let admitted = reading.admit(network(number)).now_or_never();
        let is_answered = matches!(admitted, Some(Ok(())));
        if is_answered {
            reading.note(network(number), ANSWER);
        }
        is_answered
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_network_reads_is_bounded_by_its_bytes_over_all_its_sessions() {
        let reading = Reading::new(true);
        let answers = (0..10_000).take_while(|_| reads(&reading, 1)).count();
        let fit = budgets::LISTS_BURST.size() / ANSWER;
        assert!((fit - 1..=fit + 1).contains(&answers), "{answers}");
        assert!(reads(&reading, 2), "nobody else is meant");

        // It is made slower, and in the long run gets what is its own.
        let began = Instant::now();
        for _ in 0..100 {
            reading.admit(network(1)).await.unwrap();
            reading.note(network(1), ANSWER);
        }
        let took = began.elapsed().as_secs_f64();
        let expected = (100 * ANSWER) as f64 / budgets::LISTS.most as f64;
        assert!(
            (took / expected - 1.0).abs() < 0.1,
            "{took} s, {expected} s"
        );

        // Far beyond it is told when to come again, and is not refused then.
        reading.note(network(1), 10 * budgets::LISTS.size());
        let refused = reading.admit(network(1)).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::RateLimited);
        let wait = refused.retry_after_ms.unwrap();
        assert!((4_000..7_000).contains(&wait), "{wait}");
        tokio::time::sleep(Duration::from_millis(wait)).await;
        reading.admit(network(1)).await.unwrap();
    }

    #[tokio::test]
    async fn without_limits_everything_may_be_read() {
        let reading = Reading::new(false);
        for _ in 0..1_000 {
            assert!(reads(&reading, 1));
        }
    }
}
