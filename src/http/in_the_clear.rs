//! Requests without TLS on a port that speaks TLS. Only this machine itself is answered. Everybody else is redirected
//! to https.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, HOST, LOCATION, UPGRADE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::peer::{RemoteAddress, is_trusted};
use super::{HttpState, headers, redirect, upgrade};
use crate::config::Origin;

/// Marks a request without TLS on a port that speaks TLS. [`serve`](super::serve()) adds it to each one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InTheClear;

/// What happens to such a request.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It comes from this machine and addresses this machine.
    Answer,
    /// A browser asks for a page and is redirected there.
    Lead(String),
    /// A body was already sent in the clear, or it is a WebSocket, which follows no redirect.
    Refuse,
}

/// Stops requests that others could read on the way.
pub async fn turn_away(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    let (Some(InTheClear), Some(remote)) = (
        extensions.get::<InTheClear>(),
        extensions.get::<RemoteAddress>(),
    ) else {
        return next.run(request).await;
    };
    let trusted = &state.gate.access.trusted_proxies;
    let is_proxy = is_trusted(trusted, remote.0.ip().to_canonical());
    let own = state.public_url.as_ref().map(|url| &url.origin);
    let own = own.filter(|origin| origin.is_secure());
    let asked = (request.method(), request.uri(), request.headers());
    let mut response = match judge(asked, *remote, is_proxy, own) {
        Verdict::Answer => return next.run(request).await,
        Verdict::Lead(to) => (
            StatusCode::PERMANENT_REDIRECT,
            // A cached redirect would keep the browser from http for ever, even when the port has no TLS any more.
            headers::NO_STORE,
            [(LOCATION, to)],
        )
            .into_response(),
        Verdict::Refuse => (
            StatusCode::BAD_REQUEST,
            "this port speaks https: the address begins with https://, a WebSocket's with wss://\n",
        )
            .into_response(),
    };
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn judge(
    (method, uri, headers): (&Method, &Uri, &HeaderMap),
    remote: RemoteAddress,
    is_proxy: bool,
    own: Option<&Origin>,
) -> Verdict {
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    };
    let asked = host.and_then(|host| Origin::parse(&format!("https://{host}")).ok());
    // A program on this machine may forward requests from elsewhere. Those ask for another host name.
    let is_for_here = is_proxy || asked.as_ref().is_some_and(|origin| is_here(origin.host()));
    if remote.0.ip().to_canonical().is_loopback() && is_for_here {
        return Verdict::Answer;
    }
    let opens_socket = upgrade::entries(headers, UPGRADE)
        .any(|protocol| protocol.eq_ignore_ascii_case("websocket"));
    let is_page = [Method::GET, Method::HEAD].contains(method) && !opens_socket;
    match own.or(asked.as_ref()) {
        Some(origin) if is_page => Verdict::Lead(redirect::at(origin, uri)),
        _ => Verdict::Refuse,
    }
}

fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdict on `GET /r/a?b=c` with these headers.
    fn judged(
        remote: &str,
        lines: &[(&'static str, &str)],
        is_proxy: bool,
        own: Option<&str>,
    ) -> Verdict {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let own = own.map(|own| Origin::parse(own).unwrap());
        let uri = Uri::from_static("/r/a?b=c");
        let remote = RemoteAddress(format!("{remote}:4000").parse().unwrap());
        let asked = (&Method::GET, &uri, &headers);
        judge(asked, remote, is_proxy, own.as_ref())
    }

    fn lead(to: &str) -> Verdict {
        Verdict::Lead(format!("{to}/r/a?b=c"))
    }

    #[test]
    fn only_this_machine_is_answered_and_for_itself_alone() {
        for host in ["127.0.0.1:8443", "localhost", "LOCALHOST:1", "[::1]:8443"] {
            for remote in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"] {
                let told = judged(remote, &[("host", host)], false, None);
                assert_eq!(told, Verdict::Answer, "{remote} {host}");
            }
            let told = judged("192.0.2.7", &[("host", host)], true, None);
            assert_ne!(told, Verdict::Answer, "{host}");
        }
        let passed_on = [("host", "meet.example:8443")];
        let told = judged("127.0.0.1", &passed_on, false, None);
        assert_eq!(told, lead("https://meet.example:8443"));
        let told = judged("127.0.0.1", &passed_on, true, None);
        assert_eq!(told, Verdict::Answer);
    }

    #[test]
    fn browsers_are_led_to_the_servers_own_name_or_else_to_the_one_they_asked_for() {
        let asked = [("host", "192.0.2.1:8443")];
        let told = judged("192.0.2.7", &asked, false, None);
        assert_eq!(told, lead("https://192.0.2.1:8443"));
        let own = Some("https://meet.example");
        assert_eq!(
            judged("192.0.2.7", &asked, false, own),
            lead("https://meet.example")
        );
        assert_eq!(
            judged("192.0.2.7", &[], false, own),
            lead("https://meet.example")
        );
    }

    #[test]
    fn what_cannot_be_led_is_refused() {
        let socket = [("host", "meet.example"), ("upgrade", "h2c, WebSocket")];
        let two = [("host", "meet.example"), ("host", "evil.example")];
        let no_host = [("host", "a@b/c")];
        for lines in [&socket[..], &two, &no_host, &[]] {
            let told = judged("192.0.2.7", lines, false, None);
            assert_eq!(told, Verdict::Refuse, "{lines:?}");
        }
    }
}
