//! Finds the token of a client of the older program: in a header, never in the address.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};

use crate::http::upgrade::entries;

/// The sub-protocol of the relay's socket. Browsers cannot set headers on a WebSocket, so a page offers this one and its
/// token after it: `new WebSocket(url, ['meeting.legacy', token])`. The token is never sent back.
pub const SUBPROTOCOL: &str = "meeting.legacy";

/// The token in `Authorization`: bare, as the older program took it, or after `Bearer` (RFC 6750 §2.1).
pub fn of_request(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let token = match value.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim(),
        _ => value,
    };
    (!token.is_empty()).then(|| token.to_owned())
}

/// The token of a handshake: from `Authorization`, or the protocol that is offered beside [`SUBPROTOCOL`].
pub fn of_handshake(headers: &HeaderMap) -> Option<String> {
    let offered = || {
        entries(headers, SEC_WEBSOCKET_PROTOCOL)
            .find(|entry| !entry.is_empty() && *entry != SUBPROTOCOL)
            .map(str::to_owned)
    };
    of_request(headers).or_else(offered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_token_stands_bare_or_after_bearer() {
        for (value, token) in [
            ("a.b.c", Some("a.b.c")),
            ("Bearer a.b.c", Some("a.b.c")),
            ("bearer  a.b.c ", Some("a.b.c")),
            ("", None),
            ("Bearer ", Some("Bearer")),
        ] {
            let found = of_request(&headers(&[("authorization", value)]));
            assert_eq!(found.as_deref(), token, "{value:?}");
        }
    }

    #[test]
    fn a_page_offers_its_token_as_a_sub_protocol() {
        for (offered, token) in [
            ("meeting.legacy, a.b.c", Some("a.b.c")),
            ("a.b.c,meeting.legacy", Some("a.b.c")),
            ("meeting.legacy", None),
        ] {
            let found = of_handshake(&headers(&[("sec-websocket-protocol", offered)]));
            assert_eq!(found.as_deref(), token, "{offered}");
        }
        let both = headers(&[
            ("authorization", "from.the.header"),
            ("sec-websocket-protocol", "meeting.legacy, a.b.c"),
        ]);
        assert_eq!(of_handshake(&both).as_deref(), Some("from.the.header"));
    }
}
