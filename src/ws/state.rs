//! What a session is, between two requests.

use std::net::IpAddr;

use crate::protocol::ids::{ParticipantId, RoomIdentity, SessionId};
use crate::protocol::object::User;
use crate::protocol::time::Timestamp;
use crate::rooms::{Outbox, RoomHandle};

/// A session: whose it is and where it is.
pub struct SessionState {
    /// Its id, as `hello` named it.
    pub id: SessionId,
    /// Where its socket comes from; for limits only, never for logs.
    pub address: IpAddr,
    /// Where its room writes.
    pub outbox: Outbox,
    /// Who it is, once it has said so.
    pub login: Option<Login>,
    /// Where it is.
    pub stay: Option<Stay>,
}

/// Who a session is.
#[derive(Debug, Clone)]
pub struct Login {
    /// As others see them.
    pub user: User,
    /// The token's own id, by which it is revoked.
    pub jti: String,
    /// When the token expires.
    pub expires_at: Timestamp,
}

/// A session's stay in a room.
#[derive(Clone)]
pub struct Stay {
    /// Which room.
    pub room: RoomIdentity,
    /// As whom.
    pub participant: ParticipantId,
    /// How to reach it.
    pub handle: RoomHandle,
}
