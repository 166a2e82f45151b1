//! Limits on TLS handshakes, per network: over time, and at once. Each handshake costs a signature.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::door::Unheard;
use crate::allowance::{Allowance, Rate};
use crate::budgets::http as budgets;
use crate::network::Network;

/// A network that is a little too fast waits at most this long. Beyond that it is refused.
const PATIENCE: Duration = Duration::from_secs(5);

/// The budgets of handshakes. Clones share the counts.
#[derive(Clone)]
pub struct Handshakes(Arc<Counts>);

struct Counts {
    /// None if rate limits are off.
    rate: Option<Allowance<Network>>,
    /// The handshakes under way of each network that has any.
    under_way: Mutex<HashMap<Network, Weak<Semaphore>>>,
}

/// One handshake under way, until this is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Handshakes {
    /// As the table of budgets says.
    pub fn limited() -> Self {
        let rate = Rate::of(&budgets::HANDSHAKES_BURST, &budgets::HANDSHAKES);
        Self::with(Some(Allowance::new(rate)))
    }

    /// Without a limit over time, for tests and load runs. The limit at one time stays.
    pub fn unlimited() -> Self {
        Self::with(None)
    }

    fn with(rate: Option<Allowance<Network>>) -> Self {
        Self(Arc::new(Counts {
            rate,
            under_way: Mutex::default(),
        }))
    }

    /// Waits for one's turn.
    ///
    /// # Errors
    /// [`Unheard::TooMany`]
    pub(super) async fn wait(&self, network: Network) -> Result<Turn, Unheard> {
        if let Some(rate) = &self.0.rate {
            let wait = rate.spend_ahead(&network, 1, Instant::now(), PATIENCE);
            let wait = wait.map_err(|_| Unheard::TooMany)?;
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
        }
        let places = self.places(network);
        let permit = places.acquire_owned().await;
        // Nobody closes it.
        let permit = permit.map_err(|_| Unheard::TooMany)?;
        Ok(Turn { _permit: permit })
    }

    /// The places of a network. They are kept while somebody holds one or waits for one.
    fn places(&self, network: Network) -> Arc<Semaphore> {
        // No panic can leave the map half changed.
        let all = self.0.under_way.lock();
        let mut all = all.unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = all.get(&network).and_then(Weak::upgrade) {
            return places;
        }
        all.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(budgets::HANDSHAKES_AT_ONCE.size()));
        all.insert(network, Arc::downgrade(&places));
        places
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn network(number: u8) -> Network {
        Network::of(std::net::Ipv4Addr::new(192, 0, 2, number).into())
    }

    #[tokio::test]
    async fn one_network_waits_for_its_own_handshakes_and_nobody_else_does() {
        let handshakes = Handshakes::unlimited();
        let mut turns = Vec::new();
        for _ in 0..budgets::HANDSHAKES_AT_ONCE.most {
            turns.push(handshakes.wait(network(1)).await.unwrap());
        }
        let mut next = std::pin::pin!(handshakes.wait(network(1)));
        assert!(next.as_mut().now_or_never().is_none());
        let other = handshakes.wait(network(2)).await.unwrap();
        turns.pop();
        let next = next.await.unwrap();
        drop((turns, next, other));
        let third = handshakes.wait(network(3)).await.unwrap();
        let known = handshakes.0.under_way.lock().unwrap().len();
        assert_eq!(known, 1, "a network without one is forgotten");
        drop(third);
    }

    #[tokio::test(start_paused = true)]
    async fn handshakes_of_one_network_are_held_back_and_then_refused() {
        let handshakes = Handshakes::limited();
        // The burst passes at once. Later ones wait, and are refused beyond the patience.
        let began = tokio::time::Instant::now();
        for _ in 0..budgets::HANDSHAKES_BURST.most {
            handshakes.wait(network(1)).await.unwrap();
        }
        assert!(began.elapsed().is_zero(), "the burst is held back");
        let waiting: Vec<_> = (0..2 * budgets::HANDSHAKES.most * PATIENCE.as_secs())
            .map(|_| {
                let handshakes = handshakes.clone();
                tokio::spawn(async move { handshakes.wait(network(1)).await.is_ok() })
            })
            .collect();
        let mut passed = 0;
        for one in waiting {
            passed += u64::from(one.await.unwrap());
        }
        let patience = budgets::HANDSHAKES.most * PATIENCE.as_secs();
        assert!(passed.abs_diff(patience) <= patience / 10, "{passed}");
        assert!(handshakes.wait(network(2)).await.is_ok());
    }
}
