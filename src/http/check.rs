//! The connection check of the page stores its result here, and `meeting doctor` fetches it by a code.
//!
//! It uses plain HTTP, because the result may be that no WebSocket opens. A result contains only words from a fixed
//! list and figures ([`CheckReport`]). It is kept in memory for a while, and it is logged for the operator.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Extension, Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, body::Bytes};
use tokio::time::Instant;

use super::peer::{RemoteAddress, is_trusted};
use super::plain::Plain;
use super::{HttpState, headers};
use crate::budgets::http as budgets;
use crate::protocol::check_report::{CheckReport, Place, ReportCode, Verdict, WayResult};

/// Results are kept for this time: a person needs to tell the code to the operator.
const KEPT_FOR: Duration = Duration::from_secs(3_600);
/// Letters and digits that are not confused when a code is read out.
const LETTERS: &[u8; 31] = b"ABCDEFGHJKMNPQRSTUVWXYZ23456789";
/// The length of a code, without the dash in its middle.
const CODE_LETTERS: usize = 8;

/// The newest results. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct CheckReports(Arc<Mutex<VecDeque<Kept>>>);

#[derive(Debug)]
struct Kept {
    code: String,
    since: Instant,
    report: CheckReport,
}

impl CheckReports {
    /// Keeps a result and returns its code.
    fn keep(&self, report: CheckReport, now: Instant) -> String {
        let code = new_code();
        let mut all = self.lock();
        all.retain(|kept| now.duration_since(kept.since) < KEPT_FOR);
        if all.len() >= budgets::CHECK_REPORTS_KEPT.size() {
            all.pop_front();
        }
        all.push_back(Kept {
            code: code.clone(),
            since: now,
            report,
        });
        code
    }

    /// Finds the result of a code. Case and dashes of the code do not matter.
    fn find(&self, code: &str, now: Instant) -> Option<CheckReport> {
        let is_letter = |letter: &char| letter.is_ascii_alphanumeric();
        let plain: String = code
            .to_ascii_uppercase()
            .chars()
            .filter(is_letter)
            .collect();
        let all = self.lock();
        let kept = all
            .iter()
            .find(|kept| kept.code.replace('-', "") == plain)?;
        (now.duration_since(kept.since) < KEPT_FOR).then(|| kept.report.clone())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_code() -> String {
    let letter = |_| LETTERS[rand::random_range(0..LETTERS.len())] as char;
    let letters: String = (0..CODE_LETTERS).map(letter).collect();
    let (front, back) = letters.split_at(CODE_LETTERS / 2);
    format!("{front}-{back}")
}

/// `POST /check/report`
pub async fn leave(
    State(state): State<HttpState>,
    Extension(remote): Extension<RemoteAddress>,
    asked: HeaderMap,
    body: Bytes,
) -> Response {
    let trusted = &state.gate.access.trusted_proxies;
    if let Err(refused) = state.plain.check(Plain::Report, remote, &asked, trusted) {
        return refused.into_response();
    }
    // The media type forces a page of another site to ask first (CORS), and it is not allowed.
    let kind = asked.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_json = kind.is_some_and(|kind| kind.starts_with("application/json"));
    let report = serde_json::from_slice::<CheckReport>(&body).ok();
    let Some(report) = report.filter(|report| is_json && report.is_sound()) else {
        let words = "This is no report of the connection check.\n";
        return (StatusCode::BAD_REQUEST, headers::NO_STORE, words).into_response();
    };
    let code = state.check_reports.keep(report.clone(), Instant::now());
    tell(&report, &code);
    (
        StatusCode::CREATED,
        headers::NO_STORE,
        Json(ReportCode { code }),
    )
        .into_response()
}

/// Logs a line for the operator, without the address of the client.
fn tell(report: &CheckReport, code: &str) {
    let words = |result| report.ways_that(result).join(", ");
    let (open, closed) = (words(WayResult::Ok), words(WayResult::Failed));
    let verdict = report.verdict;
    let failed = report.failed.as_deref().unwrap_or("none");
    match (report.place, verdict) {
        (Place::Meeting, _) => tracing::warn!(
            code,
            ?verdict,
            open,
            closed,
            failed,
            "somebody's sound and picture find no way in a meeting"
        ),
        (Place::Check, Verdict::Good | Verdict::Weak | Verdict::Sound | Verdict::Guests) => {
            tracing::info!(
                code,
                ?verdict,
                open,
                closed,
                failed,
                "a browser checked its connection"
            );
        }
        (Place::Check, _) => tracing::warn!(
            code,
            ?verdict,
            open,
            closed,
            failed,
            "a browser checked its connection, and it does not suffice"
        ),
    }
}

/// `GET /check/report/{code}`
pub async fn fetch(State(state): State<HttpState>, Path(code): Path<String>) -> Response {
    match state.check_reports.find(&code, Instant::now()) {
        Some(report) => (headers::NO_STORE, Json(report)).into_response(),
        None => (
            StatusCode::NOT_FOUND,
            headers::NO_STORE,
            "There is no report of this code.\n",
        )
            .into_response(),
    }
}

/// `GET /check/via`: whether a proxy sent the address of the client, and whether that proxy is trusted.
pub async fn via(
    State(state): State<HttpState>,
    Extension(remote): Extension<RemoteAddress>,
    asked: HeaderMap,
) -> Response {
    let trusted = &state.gate.access.trusted_proxies;
    let seen = serde_json::json!({
        "forwarded": asked.contains_key("x-forwarded-for"),
        "trusted": is_trusted(trusted, remote.0.ip().to_canonical()),
    });
    (headers::NO_STORE, Json(seen)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(verdict: Verdict) -> CheckReport {
        serde_json::from_value(serde_json::json!({ "place": "check", "verdict": verdict })).unwrap()
    }

    #[test]
    fn a_code_finds_its_report_however_it_is_written_and_for_an_hour() {
        let (reports, now) = (CheckReports::default(), Instant::now());
        let code = reports.keep(report(Verdict::Blocked), now);
        assert_eq!(code.len(), CODE_LETTERS + 1);
        for written in [code.clone(), code.to_lowercase(), code.replace('-', " ")] {
            assert_eq!(reports.find(&written, now), Some(report(Verdict::Blocked)));
        }
        assert_eq!(reports.find("", now), None);
        assert_eq!(reports.find(&code, now + KEPT_FOR), None);
    }

    #[test]
    fn the_oldest_reports_make_room() {
        let (reports, now) = (CheckReports::default(), Instant::now());
        let first = reports.keep(report(Verdict::Good), now);
        for _ in 1..budgets::CHECK_REPORTS_KEPT.most {
            reports.keep(report(Verdict::Weak), now);
        }
        assert!(reports.find(&first, now).is_some());
        let last = reports.keep(report(Verdict::Weak), now);
        assert!(reports.find(&first, now).is_none());
        assert!(reports.find(&last, now).is_some());
    }
}
