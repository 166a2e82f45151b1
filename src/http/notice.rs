//! What a person reads who follows a link to something that is not there or is refused: the page, with a notice.
//!
//! Programs, scripts and pictures keep the status with a sentence of plain text. A browser that navigates asks for HTML.
//! It gets the page under the same status. The page shows the notice in the language and the colours that the person
//! has chosen.

use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, VARY};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::Page;

/// Which notice the page shows. A handler adds it to its answer where the status does not tell enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// Nothing is at this address.
    Nowhere,
    /// No room is.
    NoRoom,
    /// The room has no planned time.
    NoTime,
    /// Too many requests came.
    TooOften,
    /// The server cannot answer now.
    Busy,
}

impl Notice {
    /// The notice for a status. None if the answer stays as it is.
    fn of(status: StatusCode) -> Option<Self> {
        Some(match status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Self::Nowhere,
            StatusCode::TOO_MANY_REQUESTS => Self::TooOften,
            StatusCode::SERVICE_UNAVAILABLE => Self::Busy,
            _ => return None,
        })
    }

    /// Its name in the page (`notice.…` in `static/js/i18n`). None if the page finds it by the address alone.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Nowhere => None,
            Self::NoRoom => Some("notFound"),
            Self::NoTime => Some("noTime"),
            Self::TooOften => Some("tooOften"),
            Self::Busy => Some("busy"),
        }
    }
}

/// Replaces a refusal in plain text by the page if a browser navigates there.
pub(super) async fn show(State(page): State<Page>, request: Request, next: Next) -> Response {
    let is_reading = [Method::GET, Method::HEAD].contains(request.method());
    let asked = (is_reading && takes_pages(request.headers())).then(|| request.headers().clone());
    let refusal = next.run(request).await;
    let status = refusal.status();
    let (Some(asked), Some(of_status)) = (asked, Notice::of(status)) else {
        return refusal;
    };
    if !is_plain(&refusal) {
        return refusal;
    }
    let notice = refusal.extensions().get().copied().unwrap_or(of_status);
    let mut response = page.notice(notice, status, &asked).await;
    let headers = response.headers_mut();
    for name in [ALLOW, CACHE_CONTROL, RETRY_AFTER] {
        if let Some(value) = refusal.headers().get(&name) {
            headers.insert(name, value.clone());
        }
    }
    headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
    response
}

/// A sentence, or nothing at all.
fn is_plain(response: &Response) -> bool {
    match response.headers().get(CONTENT_TYPE) {
        Some(kind) => kind.as_bytes().starts_with(b"text/plain"),
        None => response.body().size_hint().exact() == Some(0),
    }
}

/// Whether a browser navigates there. Scripts, styles and pictures are not requested as HTML.
fn takes_pages(asked: &HeaderMap) -> bool {
    asked
        .get_all(ACCEPT)
        .iter()
        .flat_map(|line| line.to_str().unwrap_or_default().split(','))
        .filter_map(|entry| entry.split(';').next())
        .any(|kind| kind.trim().eq_ignore_ascii_case("text/html"))
}
