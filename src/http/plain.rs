//! Limits per address on costly requests that need no log-in.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;
use tokio::time::Instant;

use super::headers;
use super::peer::{PeerInfo, RemoteAddress};
use crate::budgets::{Buckets, http as budgets};
use crate::network::Network;

/// The kinds of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    /// A calendar file.
    Calendar,
    /// An avatar.
    Avatar,
    /// A verdict of the connection check is left.
    Report,
}

/// The counts of plain requests per address. None if limits are off. Clones share the counts.
#[derive(Debug, Clone)]
pub struct PlainLimits(Option<Arc<Counts>>);

#[derive(Debug)]
struct Counts {
    calendars: Mutex<Buckets<Network>>,
    avatars: Mutex<Buckets<Network>>,
    reports: Mutex<Buckets<Network>>,
}

impl Default for PlainLimits {
    fn default() -> Self {
        let calendars = Buckets::new(&budgets::CALENDAR_BURST, &budgets::CALENDARS);
        let avatars = Buckets::new(&budgets::AVATAR_BURST, &budgets::AVATARS);
        let reports = Buckets::new(&budgets::CHECK_REPORT_BURST, &budgets::CHECK_REPORTS);
        Self(Some(Arc::new(Counts {
            calendars: Mutex::new(calendars),
            avatars: Mutex::new(avatars),
            reports: Mutex::new(reports),
        })))
    }
}

impl PlainLimits {
    /// No limits: for load tests, and for servers behind something that limits.
    pub fn off() -> Self {
        Self(None)
    }

    /// Counts a request from `remote`.
    ///
    /// # Errors
    /// [`TooMany`]
    pub fn check(
        &self,
        what: Plain,
        remote: RemoteAddress,
        asked: &HeaderMap,
        trusted: &[IpNet],
    ) -> Result<(), TooMany> {
        let Some(counts) = &self.0 else { return Ok(()) };
        let network = PeerInfo::find(remote, asked, trusted).network();
        let counts = match what {
            Plain::Calendar => &counts.calendars,
            Plain::Avatar => &counts.avatars,
            Plain::Report => &counts.reports,
        };
        // A count is whole before anything can panic.
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.spend(network, 1, Instant::now()).map_err(TooMany)
    }
}

/// An address has made too many requests. The next one is answered after this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Too many requests from this address; try again shortly.")]
pub struct TooMany(pub Duration);

impl IntoResponse for TooMany {
    fn into_response(self) -> Response {
        let seconds = self.0.as_secs().saturating_add(1).to_string();
        let mut response = (
            StatusCode::TOO_MANY_REQUESTS,
            headers::NO_STORE,
            format!("{self}\n"),
        )
            .into_response();
        if let Ok(seconds) = seconds.parse() {
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_answered_without_a_log_in_is_bounded_for_each_address() {
        let remote = |raw: &str| RemoteAddress(format!("{raw}:1").parse().unwrap());
        let none = HeaderMap::new();
        for (what, burst) in [
            (Plain::Calendar, &budgets::CALENDAR_BURST),
            (Plain::Avatar, &budgets::AVATAR_BURST),
            (Plain::Report, &budgets::CHECK_REPORT_BURST),
        ] {
            let limits = PlainLimits::default();
            let ask = |raw: &str| limits.check(what, remote(raw), &none, &[]);
            let passed = (0..2 * burst.most).take_while(|_| ask("192.0.2.1").is_ok());
            // Time goes on meanwhile, so a few more may have become free.
            let passed = passed.count() as u64;
            assert!(
                (burst.most..burst.most + burst.most / 2).contains(&passed),
                "{passed}"
            );
            let refused = ask("192.0.2.1").unwrap_err().into_response();
            assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
            assert!(refused.headers().contains_key(RETRY_AFTER));
            assert!(ask("192.0.2.2").is_ok(), "nobody else is meant");
            assert!(
                PlainLimits::off()
                    .check(what, remote("192.0.2.1"), &none, &[])
                    .is_ok()
            );
        }
    }
}
