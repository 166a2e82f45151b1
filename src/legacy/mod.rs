//! The routes of the older Meeting (Go), for scripts that have not moved yet. They are served only with `--legacy-api`.
//!
//! Owns formats and nothing else: envelopes, header tokens, Unix milliseconds, relay frames. All rules are those of the
//! WebSocket: a plain request is a [`Visit`](crate::sessions::Visit) that calls the handlers of `/ws`, and a relay
//! socket is a client of a session of `meeting.v1` within the process. What the older program wrongly allowed is
//! refused here: see [`millis`], [`token`] and [`relay`]. It stands beside [`http`](crate::http), whose gate it uses,
//! below `app`.

mod asked;
mod clients;
mod envelope;
mod frames;
mod link;
mod meetings;
mod millis;
mod relay;
mod token;

use axum::Router;
use axum::extract::{Extension, Path, Request, State};
use axum::response::Response;
use axum::routing::{any, delete, get, post, put};

use crate::http::peer::RemoteAddress;
use crate::http::upgrade::{self, UpgradeRefusal};
use crate::http::{Gate, PeerInfo};
use crate::sessions::Services;
use clients::Clients;
use relay::Knock;

/// The state of the routes. Clones share it.
#[derive(Clone)]
struct Legacy {
    gate: Gate,
    services: Services,
    clients: Clients,
}

/// The routes of the older program, except `/ping`, which the server has anyway.
pub fn router(gate: Gate, services: Services) -> Router {
    Router::new()
        .route("/user/login", post(meetings::login))
        .route("/auth/meeting/list", get(meetings::list))
        .route("/auth/meeting/create", post(meetings::create))
        .route("/auth/meeting/edit", put(meetings::edit))
        .route("/auth/meeting/delete", delete(meetings::delete))
        .route("/ws/p2p/{room}/{claimed}", any(relay_socket))
        .with_state(Legacy {
            gate,
            services,
            clients: Clients::default(),
        })
}

/// Opens the socket of the relay. The user in the address is ignored.
async fn relay_socket(
    State(legacy): State<Legacy>,
    Extension(remote): Extension<RemoteAddress>,
    Path((room, _claimed)): Path<(String, String)>,
    request: Request,
) -> Result<Response, UpgradeRefusal> {
    let knock = Knock {
        room,
        token: token::of_handshake(request.headers()),
    };
    let gate = legacy.gate.clone();
    let session = move |socket, peer: PeerInfo| relay::run(socket, peer.network(), knock, legacy);
    upgrade::open(&gate, token::SUBPROTOCOL, remote, request, session)
}
