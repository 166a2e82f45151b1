//! Limits of plain HTTP per network: requests, bytes of answers, and costly requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Gate;
use super::connections::Held;
use super::peer::{PeerInfo, RemoteAddress};
use crate::allowance::{Allowance, Rate};
use crate::budgets::http as budgets;
use crate::network::Network;

/// A network that is a little too fast is slowed down, by at most this much, and not refused. A page with one refused
/// file does not start.
const PATIENCE: Duration = Duration::from_secs(5);
/// The approximate size of the head of an answer.
const HEAD_BYTES: u64 = 1_024;

/// The budgets of plain HTTP, or none. Clones share the counts.
#[derive(Debug, Clone, Default)]
pub struct Traffic(Option<Arc<Allowances>>);

#[derive(Debug)]
struct Allowances {
    requests: Allowance<Network>,
    bytes: Allowance<Network>,
    look_ups: Allowance<Network>,
}

/// When to come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this address has asked for more than its share; come again in {} s", .0.as_secs() + 1)]
pub struct TooMuch(pub Duration);

impl IntoResponse for TooMuch {
    fn into_response(self) -> Response {
        let seconds = self.0.as_secs() + 1;
        let headers = [(RETRY_AFTER, seconds.to_string())];
        let message = format!("{self}\n");
        (StatusCode::TOO_MANY_REQUESTS, headers, message).into_response()
    }
}

impl Traffic {
    /// As the table of budgets says.
    pub fn limited() -> Self {
        use budgets::*;
        let whole = |burst, rate| Allowance::new(Rate::of(burst, rate));
        Self(Some(Arc::new(Allowances {
            requests: whole(&REQUESTS_BURST, &REQUESTS),
            bytes: whole(&BYTES_BURST, &BYTES),
            look_ups: whole(&LOOK_UPS_BURST, &LOOK_UPS),
        })))
    }

    /// No limits: for tests and load runs.
    pub fn unlimited() -> Self {
        Self(None)
    }

    /// Counts one request. Returns for how long to delay it.
    ///
    /// # Errors
    /// [`TooMuch`].
    fn request(&self, network: Network, now: Instant) -> Result<Duration, TooMuch> {
        let Some(limits) = &self.0 else {
            return Ok(Duration::ZERO);
        };
        let wait = limits.requests.spend_ahead(&network, 1, now, PATIENCE);
        wait.map_err(TooMuch)
    }

    /// Counts an answer. Returns for how long to delay it.
    ///
    /// # Errors
    /// [`TooMuch`].
    fn answer(&self, network: Network, bytes: u64, now: Instant) -> Result<Duration, TooMuch> {
        let Some(limits) = &self.0 else {
            return Ok(Duration::ZERO);
        };
        let wait = limits.bytes.spend_ahead(&network, bytes, now, PATIENCE);
        wait.map_err(TooMuch)
    }

    /// Counts a costly request.
    ///
    /// # Errors
    /// [`TooMuch`].
    pub fn look_up(&self, network: Network) -> Result<(), TooMuch> {
        let Some(limits) = &self.0 else { return Ok(()) };
        let spent = limits.look_ups.spend(&network, 1, Instant::now());
        spent.map_err(TooMuch)
    }
}

/// Applies the limits of its network to every request, on every route.
pub async fn limit(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    let Some(network) = network_of(&gate, &request) else {
        return next.run(request).await;
    };
    if let Some(held) = extensions.get::<Held>() {
        held.belongs_to(network);
    }
    match gate.traffic.request(network, Instant::now()) {
        Ok(wait) => hold_back(wait).await,
        Err(refusal) => return refusal.into_response(),
    }
    let response = next.run(request).await;
    let body = response.body().size_hint();
    let bytes = body.exact().unwrap_or(body.lower()) + HEAD_BYTES;
    match gate.traffic.answer(network, bytes, Instant::now()) {
        Ok(wait) => {
            hold_back(wait).await;
            response
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// Applies the limit of costly requests to one route.
pub async fn limit_look_ups(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    if let Some(network) = network_of(&gate, &request)
        && let Err(refusal) = gate.traffic.look_up(network)
    {
        return refusal.into_response();
    }
    next.run(request).await
}

/// The network of a request. None if the server did not add the address.
fn network_of(gate: &Gate, request: &Request) -> Option<Network> {
    let remote = request.extensions().get::<RemoteAddress>()?;
    let proxies = &gate.access.trusted_proxies;
    Some(PeerInfo::find(*remote, request.headers(), proxies).network())
}

async fn hold_back(wait: Duration) {
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(number: u8) -> Network {
        Network::of(std::net::Ipv4Addr::new(192, 0, 2, number).into())
    }

    /// How often a request passes at once, and how often after a delay.
    fn let_through(mut spend: impl FnMut() -> Result<Duration, TooMuch>) -> (u64, u64) {
        let (mut at_once, mut held_back) = (0, 0);
        loop {
            match spend() {
                Ok(Duration::ZERO) => at_once += 1,
                Ok(wait) => {
                    assert!(wait <= PATIENCE);
                    held_back += 1;
                }
                Err(_) => return (at_once, held_back),
            }
        }
    }

    #[test]
    fn requests_and_bytes_of_one_address_are_held_back_and_then_refused() {
        let (traffic, now) = (Traffic::limited(), Instant::now());
        let requests = let_through(|| traffic.request(network(1), now));
        let patience = budgets::REQUESTS.most * PATIENCE.as_secs();
        assert_eq!(requests, (budgets::REQUESTS_BURST.most, patience));
        const FILE: u64 = 1 << 20;
        let (at_once, held_back) = let_through(|| traffic.answer(network(1), FILE, now));
        assert_eq!(at_once, budgets::BYTES_BURST.most / FILE);
        let patience = budgets::BYTES.most / FILE * PATIENCE.as_secs();
        assert!(held_back.abs_diff(patience) <= 3, "{held_back}");
        let other = traffic.request(network(2), now);
        assert_eq!(other, Ok(Duration::ZERO));
    }

    #[test]
    fn look_ups_of_one_address_are_limited() {
        let traffic = Traffic::limited();
        let passed = (0..1_000).take_while(|_| traffic.look_up(network(1)).is_ok());
        let passed = passed.count() as u64;
        let burst = budgets::LOOK_UPS_BURST.most;
        assert!((burst..=burst + 20).contains(&passed), "{passed}");
        assert!(traffic.look_up(network(2)).is_ok());
    }
}
