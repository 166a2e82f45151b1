//! Serving below a path: `https://example.org/meet/`.
//!
//! Some proxies remove the path before they forward a request, and some do not. Both work: an address that begins with
//! the path is routed by the rest.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::uri::PathAndQuery;
use axum::http::{StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

use crate::config::BasePath;

/// `routes` at the root and below `prefix`.
pub fn under(prefix: BasePath, routes: Router) -> Router {
    if prefix.is_root() {
        return routes;
    }
    // This needs a router of its own, because a change of the address after routing would come too late.
    Router::new()
        .fallback_service(routes)
        .layer(middleware::from_fn_with_state(prefix, strip))
}

async fn strip(State(prefix): State<BasePath>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path == prefix.without_slash() {
        // Relative addresses of the page work only with the slash.
        let there = match request.uri().query() {
            Some(query) => format!("{prefix}?{query}"),
            None => prefix.to_string(),
        };
        return (StatusCode::PERMANENT_REDIRECT, [(LOCATION, there)]).into_response();
    }
    if let Some(stripped) = stripped(request.uri(), &prefix) {
        *request.uri_mut() = stripped;
    }
    next.run(request).await
}

/// The address without the prefix. None if it is not below it.
fn stripped(uri: &Uri, prefix: &BasePath) -> Option<Uri> {
    let rest = uri.path().strip_prefix(prefix.as_str())?;
    let path_and_query = match uri.query() {
        Some(query) => format!("/{rest}?{query}"),
        None => format!("/{rest}"),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path_and_query).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_below_the_path_is_stripped() {
        let prefix = BasePath::parse("/meet/now/").unwrap();
        let table = [
            ("/meet/now/", Some("/")),
            ("/meet/now/r/a?b=/meet/now/", Some("/r/a?b=/meet/now/")),
            ("/meet/now/meet/now/", Some("/meet/now/")),
            ("/meet/nowhere", None),
            ("/meet", None),
            ("/r/a", None),
            ("/", None),
        ];
        for (path, expected) in table {
            let uri = stripped(&path.parse().unwrap(), &prefix);
            assert_eq!(
                uri.map(|uri| uri.to_string()).as_deref(),
                expected,
                "{path}"
            );
        }
    }
}
