//! The port of http beside https: nothing but the way to the other.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};

use super::traffic;
use super::{Access, Gate, headers};
use crate::config::Origin;

/// Sends everybody to the same path at `origin`, whatever host they asked for: a wrong Host leads nobody elsewhere.
pub fn router(origin: Origin, gate: Gate) -> Router {
    // Nobody's word is taken here for where a request comes from.
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
    // What was sent in the clear once should not be sent again by a habit that browsers keep.
    let status = match *request.method() {
        Method::GET | Method::HEAD => StatusCode::PERMANENT_REDIRECT,
        _ => StatusCode::TEMPORARY_REDIRECT,
    };
    (status, [(LOCATION, at(&origin, request.uri()))]).into_response()
}

/// The same path there.
pub(super) fn at(origin: &Origin, uri: &Uri) -> String {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    // Of `OPTIONS *` there is no path (RFC 9112 §3.2.4).
    let path = if path.starts_with('/') { path } else { "/" };
    format!("{origin}{path}")
}
