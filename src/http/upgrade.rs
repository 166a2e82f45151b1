//! The WebSocket handshake (RFC 6455 §4.2): who may open a socket, and how one is opened.

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::header::{
    CONNECTION, HOST, HeaderName, ORIGIN, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::ahead::Ahead;
use super::door::Secured;
use super::frames::{FrameLimit, Metered};
use super::peer::{PeerInfo, RemoteAddress, is_trusted};
use super::sockets::SocketRefusal;
use super::{Access, Gate, HttpState};
use crate::config::Origin;
use crate::protocol::SUBPROTOCOL;
use crate::supervise;

/// An open socket after the handshake.
pub type UpgradedSocket = WebSocketStream<Metered<Ahead<TokioIo<Upgraded>>>>;

/// Requests are small and rare, and are read [ahead](Ahead) into a shared buffer; so much is copied from there at once.
/// The default of the library, 128 KiB per socket, would be most of the memory of a session.
const READ_BUFFER_BYTES: usize = 512;
/// A larger frame is sent at once. Smaller ones are gathered until the session flushes.
const WRITE_BUFFER_BYTES: usize = 8 * 1024;
const VERSION: HeaderValue = HeaderValue::from_static("13");
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// Why a socket is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UpgradeRefusal {
    /// Something other than GET.
    #[error("open a WebSocket with GET")]
    Method,
    /// A plain request.
    #[error("this address speaks WebSocket only")]
    NotWebSocket,
    /// Another version of the WebSocket protocol.
    #[error("only version 13 of the WebSocket protocol is spoken here")]
    Version,
    /// No 16 bytes in base64.
    #[error("Sec-WebSocket-Key is missing or is not 16 bytes in base64")]
    Key,
    /// A page from elsewhere.
    #[error("pages of this origin may not connect")]
    Origin,
    /// Sub-protocols, but not ours.
    #[error("none of the offered sub-protocols is spoken here")]
    Subprotocol,
    /// Too many open sockets.
    #[error(transparent)]
    Sockets(#[from] SocketRefusal),
}

impl IntoResponse for UpgradeRefusal {
    fn into_response(self) -> Response {
        let message = format!("{self}\n");
        match self {
            Self::Method => {
                (StatusCode::METHOD_NOT_ALLOWED, [("allow", "GET")], message).into_response()
            }
            Self::NotWebSocket => (
                StatusCode::UPGRADE_REQUIRED,
                [(CONNECTION, "upgrade"), (UPGRADE, "websocket")],
                message,
            )
                .into_response(),
            Self::Version => (
                StatusCode::UPGRADE_REQUIRED,
                [
                    (SEC_WEBSOCKET_VERSION, VERSION),
                    (UPGRADE, HeaderValue::from_static("websocket")),
                ],
                message,
            )
                .into_response(),
            Self::Key | Self::Subprotocol => (StatusCode::BAD_REQUEST, message).into_response(),
            Self::Origin => (StatusCode::FORBIDDEN, message).into_response(),
            Self::Sockets(refusal) => {
                let status = match refusal {
                    SocketRefusal::Total => StatusCode::SERVICE_UNAVAILABLE,
                    SocketRefusal::Client => StatusCode::TOO_MANY_REQUESTS,
                };
                (status, [(RETRY_AFTER, RETRY_AFTER_SECONDS)], message).into_response()
            }
        }
    }
}

/// The parts of a valid handshake.
#[derive(Debug, PartialEq, Eq)]
struct Handshake {
    accept: String,
    subprotocol: Option<&'static str>,
}

/// Opens a WebSocket of `meeting.v1` and hands it to the session.
pub async fn upgrade(
    State(state): State<HttpState>,
    Extension(remote): Extension<RemoteAddress>,
    request: Request,
) -> Result<Response, UpgradeRefusal> {
    let session = state.session;
    open(
        &state.gate,
        SUBPROTOCOL,
        remote,
        request,
        move |socket, peer| session(socket, peer),
    )
}

/// Opens a WebSocket whose clients offer `subprotocol` or none, and gives it to `session` in a task of its own.
///
/// # Errors
/// Why it is not opened.
pub fn open<F>(
    gate: &Gate,
    subprotocol: &'static str,
    remote: RemoteAddress,
    mut request: Request,
    session: impl FnOnce(UpgradedSocket, PeerInfo) -> F + Send + 'static,
) -> Result<Response, UpgradeRefusal>
where
    F: Future<Output = ()> + Send,
{
    let (method, headers) = (request.method(), request.headers());
    let handshake = check(method, headers, remote, &gate.access, subprotocol)?;
    // A page without TLS may come from anybody, even under the name of this server.
    if request.extensions().get::<Secured>().is_some() && !origin_is_secure(headers) {
        return Err(UpgradeRefusal::Origin);
    }
    let on_upgrade = request
        .extensions_mut()
        .remove::<OnUpgrade>()
        .ok_or(UpgradeRefusal::NotWebSocket)?;
    let peer = PeerInfo::find(remote, request.headers(), &gate.access.trusted_proxies);
    let permit = gate.sockets.try_admit(peer)?;
    let (message_bytes, frames) = (gate.message_bytes, gate.frames);
    // The wrapper around a task takes several times its size, so it gets a pointer.
    let task = async move {
        // The socket's place in the count is given back when its session is over.
        let _permit = permit;
        // In a box, so that the session has no place for it beside its own.
        let opening = async move {
            let socket = upgraded(on_upgrade, message_bytes, frames).await?;
            Some(session(socket, peer))
        };
        if let Some(session) = Box::pin(opening).await {
            session.await;
        }
    };
    supervise::spawn("socket", Box::pin(task));
    Ok(accepted(&handshake))
}

/// The open socket. None if the client left during the handshake.
async fn upgraded(
    on_upgrade: OnUpgrade,
    message_bytes: usize,
    frames: FrameLimit,
) -> Option<UpgradedSocket> {
    let upgraded = match on_upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => {
            tracing::debug!(%error, "The client left during the handshake.");
            return None;
        }
    };
    let io = Metered::new(Ahead::new(TokioIo::new(upgraded)), frames);
    let config = socket_config(message_bytes);
    Some(WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await)
}

/// The configuration of a socket whose messages have at most `message_bytes`.
pub fn socket_config(message_bytes: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(Some(message_bytes))
        .max_frame_size(Some(message_bytes))
}

fn accepted(handshake: &Handshake) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    // Base64 is always a sound header value.
    if let Ok(accept) = HeaderValue::from_str(&handshake.accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(subprotocol) = handshake.subprotocol {
        headers.insert(
            SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(subprotocol),
        );
    }
    response
}

fn check(
    method: &Method,
    headers: &HeaderMap,
    remote: RemoteAddress,
    access: &Access,
    subprotocol: &'static str,
) -> Result<Handshake, UpgradeRefusal> {
    if method != Method::GET {
        return Err(UpgradeRefusal::Method);
    }
    if !has_token(headers, CONNECTION, "upgrade") || !has_token(headers, UPGRADE, "websocket") {
        return Err(UpgradeRefusal::NotWebSocket);
    }
    if headers.get(SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
        return Err(UpgradeRefusal::Version);
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).ok_or(UpgradeRefusal::Key)?;
    if !STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16) {
        return Err(UpgradeRefusal::Key);
    }
    if !origin_is_welcome(headers, remote, access) {
        return Err(UpgradeRefusal::Origin);
    }
    Ok(Handshake {
        accept: derive_accept_key(key.as_bytes()),
        subprotocol: choose_subprotocol(headers, subprotocol)?,
    })
}

/// The entries of a header with a comma-separated list, over all of its lines.
pub fn entries(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .iter()
        .flat_map(|line| line.to_str().unwrap_or_default().split(','))
        .map(str::trim)
}

fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    entries(headers, name).any(|entry| entry.eq_ignore_ascii_case(token))
}

fn choose_subprotocol(
    headers: &HeaderMap,
    ours: &'static str,
) -> Result<Option<&'static str>, UpgradeRefusal> {
    if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        return Ok(None);
    }
    if entries(headers, SEC_WEBSOCKET_PROTOCOL).any(|offered| offered == ours) {
        return Ok(Some(ours));
    }
    Err(UpgradeRefusal::Subprotocol)
}

fn origin_is_secure(headers: &HeaderMap) -> bool {
    headers.get(ORIGIN).is_none_or(|origin| {
        let origin = origin.to_str().ok().and_then(|raw| Origin::parse(raw).ok());
        origin.is_some_and(|origin| origin.is_secure())
    })
}

/// Keeps pages of other sites from opening sockets for a visitor. Native clients send no Origin.
fn origin_is_welcome(headers: &HeaderMap, remote: RemoteAddress, access: &Access) -> bool {
    let mut lines = headers.get_all(ORIGIN).iter();
    let Some(first) = lines.next() else {
        return true;
    };
    if lines.next().is_some() {
        return false;
    }
    let Some(origin) = first.to_str().ok().and_then(|raw| Origin::parse(raw).ok()) else {
        return false;
    };
    if access.origins.contains(&origin) {
        return true;
    }
    let is_host = |name: HeaderName| {
        let mut lines = headers.get_all(name).iter();
        match (
            lines.next().and_then(|host| host.to_str().ok()),
            lines.next(),
        ) {
            (Some(host), None) => origin.is_host(host),
            _ => false,
        }
    };
    let behind_proxy = is_trusted(&access.trusted_proxies, remote.0.ip().to_canonical());
    is_host(HOST) || behind_proxy && is_host(HeaderName::from_static("x-forwarded-host"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REMOTE: &str = "192.0.2.1:4000";
    const SOUND: &[(&str, &str)] = &[
        ("host", "meet.example:8080"),
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn checked(
        lines: &[(&'static str, &str)],
        access: &Access,
    ) -> Result<Handshake, UpgradeRefusal> {
        let remote = RemoteAddress(REMOTE.parse().unwrap());
        check(&Method::GET, &headers(lines), remote, access, SUBPROTOCOL)
    }

    /// The valid handshake with `line` in place of the header of that name.
    fn with(line: (&'static str, &str)) -> Result<Handshake, UpgradeRefusal> {
        let kept = SOUND.iter().filter(|(name, _)| *name != line.0);
        let lines: Vec<_> = kept.copied().chain([line]).collect();
        checked(&lines, &Access::default())
    }

    #[test]
    fn the_sample_of_rfc_6455_is_answered_as_there() {
        let handshake = checked(SOUND, &Access::default()).unwrap();
        assert_eq!(handshake.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(handshake.subprotocol, None);
    }

    #[test]
    fn an_unsound_handshake_is_refused_by_what_is_wrong() {
        use UpgradeRefusal::{Key, NotWebSocket, Origin, Subprotocol, Version};
        let table = [
            (("connection", "keep-alive"), NotWebSocket),
            (("upgrade", "h2c"), NotWebSocket),
            (("sec-websocket-version", "8"), Version),
            (("sec-websocket-key", "dG9vIHNob3J0"), Key),
            (("sec-websocket-key", "not base64 at all!!!!!!!"), Key),
            (("sec-websocket-protocol", "chat"), Subprotocol),
            (("sec-websocket-protocol", ""), Subprotocol),
            (("sec-websocket-protocol", "MEETING.V1"), Subprotocol),
            (("origin", "https://evil.example"), Origin),
        ];
        for (line, refusal) in table {
            assert_eq!(with(line), Err(refusal), "{line:?}");
        }
        let remote = RemoteAddress(REMOTE.parse().unwrap());
        let (sound, access) = (headers(SOUND), Access::default());
        let posted = check(&Method::POST, &sound, remote, &access, SUBPROTOCOL);
        assert_eq!(posted, Err(UpgradeRefusal::Method));
    }

    #[test]
    fn our_sub_protocol_is_chosen_from_any_place_in_the_list() {
        for offered in ["meeting.v1", "chat, meeting.v1", " meeting.v1 ,x"] {
            let chosen = with(("sec-websocket-protocol", offered))
                .unwrap()
                .subprotocol;
            assert_eq!(chosen, Some("meeting.v1"), "{offered}");
        }
    }

    #[test]
    fn only_own_and_listed_origins_may_connect() {
        let open = Access {
            origins: vec![Origin::parse("https://pages.example").unwrap()],
            trusted_proxies: Vec::new(),
        };
        let behind_proxy = Access {
            origins: Vec::new(),
            trusted_proxies: vec!["192.0.2.0/24".parse().unwrap()],
        };
        let own = Access::default();
        let forwarded = ("x-forwarded-host", "public.example");
        type Lines = [(&'static str, &'static str)];
        let table: &[(&Access, &Lines, bool)] = &[
            (&own, &[], true),
            (&own, &[("origin", "http://meet.example:8080")], true),
            (&own, &[("origin", "http://MEET.example:8080")], true),
            (&own, &[("origin", "http://meet.example")], false),
            (&own, &[("origin", "http://meet.example.evil:8080")], false),
            (&own, &[("origin", "null")], false),
            (&own, &[("origin", "")], false),
            (
                &own,
                &[
                    ("origin", "http://meet.example:8080"),
                    ("origin", "http://evil.example"),
                ],
                false,
            ),
            (&own, &[("origin", "https://pages.example")], false),
            (&open, &[("origin", "https://pages.example")], true),
            (&open, &[("origin", "http://pages.example")], false),
            (
                &own,
                &[("origin", "https://public.example"), forwarded],
                false,
            ),
            (
                &behind_proxy,
                &[("origin", "https://public.example"), forwarded],
                true,
            ),
            (
                &behind_proxy,
                &[("origin", "https://other.example"), forwarded],
                false,
            ),
        ];
        for (access, more, welcome) in table {
            let lines: Vec<_> = SOUND.iter().chain(*more).copied().collect();
            let outcome = checked(&lines, access);
            assert_eq!(outcome.is_ok(), *welcome, "{access:?} {more:?}");
        }
    }
}
