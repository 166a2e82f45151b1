//! HTTP: the page, the upgrade to a WebSocket, health, avatars and calendar files.
//!
//! Owns the requests of a browser before it speaks `meeting.v1`, and who may make them. It does not know what happens
//! on an open socket: the socket is handed to the [`SessionRunner`]. Read on in [`upgrade`] for the handshake, in
//! [`page`] for files, in [`notice`] for what a person reads who goes astray, in [`docs`] for the documentation, in [`headers`] for security headers, in [`serve`](serve())
//! for the connections, in [`door`] for the other protocols on the same port, and in [`in_the_clear`] for requests
//! without TLS.

pub mod ahead;
pub mod avatar;
pub mod calendar;
pub mod check;
pub mod connections;
pub mod docs;
pub mod door;
pub mod frames;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
pub mod handshakes;
pub mod headers;
mod heads;
mod in_the_clear;
pub mod kind;
mod notice;
pub mod other;
pub mod page;
pub mod peer;
pub mod plain;
pub mod prefix;
pub mod prefixed;
pub mod redirect;
pub mod serve;
pub mod sockets;
mod stream;
pub mod traffic;
mod two;
pub mod upgrade;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router, middleware};
use futures_util::future::BoxFuture;
use ipnet::IpNet;
use serde::Serialize;

use crate::budgets::http as budgets;
use crate::config::{ListenConfig, Origin, PublicUrl};
use crate::protocol::ids::RoomIdentity;
use crate::protocol::object::Room;

pub use calendar::{Calendars, NoCalendar};
pub use check::CheckReports;
pub use connections::Connections;
pub use door::{Door, Secured};
pub use frames::FrameLimit;
pub use handshakes::Handshakes;
pub use other::{BoxedStream, Duplex, OtherStreams, Way};
pub use page::Page;
pub use peer::PeerInfo;
pub use plain::PlainLimits;
pub use serve::serve;
pub use sockets::{Sharing, SocketLimits, Sockets};
pub use traffic::Traffic;
pub use upgrade::UpgradedSocket;

/// Carries one open socket from its first frame to its end.
pub type SessionRunner =
    Arc<dyn Fn(UpgradedSocket, PeerInfo) -> BoxFuture<'static, ()> + Send + Sync>;

/// Tells how the server is.
pub type HealthProbe = Arc<dyn Fn() -> BoxFuture<'static, Health> + Send + Sync>;

/// Finds the current state of a room by its identity.
pub type RoomProbe =
    Arc<dyn Fn(RoomIdentity) -> BoxFuture<'static, Result<Option<Room>, NoCalendar>> + Send + Sync>;

/// The state of the routes. It is cloned per connection, so everything in it is shared or small.
#[derive(Clone)]
pub struct HttpState {
    /// The rules for every socket.
    pub gate: Gate,
    /// Serves an open socket.
    pub session: SessionRunner,
    /// Answers `/healthz`.
    pub health: HealthProbe,
    /// Finds rooms for calendar files.
    pub rooms: RoomProbe,
    /// The public address, for links that leave the server.
    pub public_url: Option<PublicUrl>,
    /// The page's files.
    pub page: Page,
    /// The limits of costly requests per address.
    pub plain: PlainLimits,
    /// The calendar files that were made last.
    pub calendars: Calendars,
    /// The results of connection checks.
    pub check_reports: CheckReports,
}

/// The rules for every WebSocket, independent of its protocol. Clones share the count.
#[derive(Debug, Clone)]
pub struct Gate {
    /// The sites and proxies.
    pub access: Arc<Access>,
    /// The count of open sockets, and its limits.
    pub sockets: Sockets,
    /// The largest message a client may send, in bytes: `limits.message_bytes`.
    pub message_bytes: usize,
    /// Whether a socket's frames are counted.
    pub frames: FrameLimit,
    /// The limits of plain HTTP per network.
    pub traffic: Traffic,
}

/// The sites whose pages may connect, and the proxies that are trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Origins beside the server's own host.
    pub origins: Vec<Origin>,
    /// The proxies whose X-Forwarded-For and X-Forwarded-Host are trusted.
    pub trusted_proxies: Vec<IpNet>,
}

impl From<&ListenConfig> for Access {
    fn from(listen: &ListenConfig) -> Self {
        let own = listen.public_url.iter().map(|url| &url.origin);
        let origins = own.chain(&listen.allowed_origins);
        Self {
            origins: origins.cloned().collect(),
            trusted_proxies: listen.trusted_proxies.clone(),
        }
    }
}

/// The health of the server. The status is 200 when all is well, and 503 when a part is not. Meetings go on meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Everything, in a word.
    pub status: Status,
    /// This server's version.
    pub version: &'static str,
    /// Rooms with somebody in them.
    pub rooms: usize,
    /// People in rooms.
    pub participants: usize,
    /// How many more people may come before quality steps down.
    pub seats: u32,
    /// How many steps it is down now: 0 is full quality, 3 the least.
    pub steps_down: u8,
    /// Whether the database can be written.
    pub database: Part,
    /// Whether every media thread answers.
    pub media: Part,
    /// One sentence for each part that is not well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<&'static str>,
}

/// Everything, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All is well.
    Ok,
    /// Something is missing, and meetings go on.
    Degraded,
}

/// One part of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// It works.
    Ok,
    /// It does not.
    Unavailable,
}

/// The faults of the parts, each in one sentence. None for a part that is well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    /// The database.
    pub database: Option<&'static str>,
    /// The media threads.
    pub media: Option<&'static str>,
}

/// The free capacity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capacity {
    /// How many more people may come before quality steps down.
    pub seats: u32,
    /// How many steps it is down now.
    pub steps_down: u8,
}

impl Health {
    /// Makes the health from its parts and the counts.
    pub fn new(parts: Parts, rooms: usize, participants: usize, capacity: Capacity) -> Self {
        let Parts { database, media } = parts;
        let reasons: Vec<_> = database.into_iter().chain(media).collect();
        let part = |trouble: Option<&str>| match trouble {
            None => Part::Ok,
            Some(_) => Part::Unavailable,
        };
        Self {
            status: match reasons.is_empty() {
                true => Status::Ok,
                false => Status::Degraded,
            },
            version: env!("CARGO_PKG_VERSION"),
            rooms,
            participants,
            seats: capacity.seats,
            steps_down: capacity.steps_down,
            database: part(database),
            media: part(media),
            reasons,
        }
    }
}

/// All routes and those of `further`, at the root and under the path of the public URL. Each request needs a
/// [`peer::RemoteAddress`]; [`serve`](serve()) adds it.
pub fn router(state: HttpState, further: Router) -> Router {
    let gate = state.gate.clone();
    let page = state.page.clone();
    let prefix = page.prefix().clone();
    let at_the_door = state.clone();
    let costly = Router::new()
        .route("/healthz", get(healthz))
        .route("/check/report/{code}", get(check::fetch))
        .layer(middleware::from_fn_with_state(
            gate.clone(),
            traffic::limit_look_ups,
        ));
    let routes = Router::new()
        .route("/", get(page::index))
        .route("/r/{room}", get(page::room))
        .route("/r/{room}/", get(page::room))
        .route("/r/{room}/calendar.ics", get(calendar::calendar))
        .route("/check", get(page::index))
        .route("/check/via", get(check::via))
        .route(
            "/check/report",
            post(check::leave).layer(DefaultBodyLimit::max(budgets::CHECK_REPORT_BYTES.size())),
        )
        .route("/docs", get(docs::to_index))
        .route("/docs/", get(docs::index))
        .route("/docs/{name}", get(docs::document))
        .route("/ws", any(upgrade::upgrade))
        .route("/ping", get(ping))
        .route("/avatars/{file}", get(avatar::avatar))
        .merge(costly)
        .fallback(page::file)
        .with_state(state)
        .merge(further)
        .layer(middleware::from_fn_with_state(page, notice::show));
    Router::new()
        .fallback_service(prefix::under(prefix, routes))
        .layer(middleware::from_fn_with_state(
            at_the_door,
            in_the_clear::turn_away,
        ))
        .layer(middleware::from_fn_with_state(gate, traffic::limit))
        .layer(middleware::map_response(headers::secure))
}

async fn ping() -> Response {
    let body = Json(serde_json::json!({ "message": "pong" }));
    (headers::NO_STORE, body).into_response()
}

async fn healthz(State(state): State<HttpState>) -> Response {
    let health = (state.health)().await;
    let status = match health.status {
        Status::Ok => StatusCode::OK,
        Status::Degraded => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, headers::NO_STORE, Json(health)).into_response()
}
