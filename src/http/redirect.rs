//! The http port beside https. It only redirects.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};

use super::traffic;
use super::{Access, Gate, headers};
use crate::config::Origin;

/// Redirects everybody to the same path at `origin`. The Host of the request is ignored, so a wrong one leads nowhere
/// else.
pub fn router(origin: Origin, gate: Gate) -> Router {
    // No proxy is trusted here for the address of a client.
    let gate = Gate {
        access: Access::default().into(),
        ..gate
    };
    Router::new()
        .fallback(redirect)
        .with_state(origin)
        .layer(middleware::from_fn_with_state(gate, traffic::limit))
        .layer(middleware::map_response(headers::secure))
}

async fn redirect(State(origin): State<Origin>, request: Request) -> Response {
    // Browsers must not keep a habit of sending this body in the clear.
    let status = match *request.method() {
        Method::GET | Method::HEAD => StatusCode::PERMANENT_REDIRECT,
        _ => StatusCode::TEMPORARY_REDIRECT,
    };
    (status, [(LOCATION, at(&origin, request.uri()))]).into_response()
}

/// The same path there.
pub(super) fn at(origin: &Origin, uri: &Uri) -> String {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    // `OPTIONS *` has no path (RFC 9112 §3.2.4).
    let path = if path.starts_with('/') { path } else { "/" };
    format!("{origin}{path}")
}
