//! A session between two requests: its client and login, its place, and what it may still spend.

use tokio::time::Instant;

use super::location::Location;
use super::refusals::Refusals;
use super::session::State;
use super::spending::Spending;
use crate::network::Network;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::{ParticipantId, SessionId};
use crate::protocol::object::User;
use crate::protocol::time::Timestamp;
use crate::rooms::Outbox;
use crate::store::UserKey;

/// A session. Each handler is given the parts that it needs.
pub struct SessionState {
    /// The client that sends the requests, also before a login.
    pub client: Client,
    /// Its login, once there is one.
    pub login: Option<Login>,
    /// Where it is.
    pub location: Location,
    /// What it may still send others.
    pub spending: Spending,
    /// What is logged of its refused media requests.
    pub refusals: Refusals,
}

/// The client that sends requests.
#[derive(Debug, Clone)]
pub struct Client {
    /// The session's id, as `hello` named it.
    pub session: SessionId,
    /// Where its socket comes from; for limits only, never for logs.
    pub address: Network,
    /// The number of the socket that it opened first; a later one's is higher.
    pub socket: u64,
}

/// The login of a session.
#[derive(Debug, Clone)]
pub struct Login {
    /// As others see them.
    pub user: User,
    /// Their account; none for a guest.
    pub account: Option<UserKey>,
    /// The log-in's id, by which its tokens are revoked.
    pub jti: String,
    /// When it began: no token of it is good for longer than a log-in lasts.
    pub logged_in_at: Timestamp,
}

/// The user who asks, their address and their place.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    /// Their login.
    pub login: &'a Login,
    /// Where their socket comes from.
    pub address: Network,
    /// Where they are.
    pub location: &'a Location,
}

impl SessionState {
    /// Of a client without a login, in no room.
    pub fn new(client: Client, outbox: Outbox, now: Instant) -> Self {
        Self {
            client,
            login: None,
            location: Location::new(outbox),
            spending: Spending::new(now),
            refusals: Refusals::default(),
        }
    }

    /// Its login.
    ///
    /// # Errors
    /// `auth.required` before a login.
    pub fn login(&self) -> Result<&Login, WireError> {
        self.login
            .as_ref()
            .ok_or_else(|| ErrorCode::AuthRequired.into())
    }

    /// The same with where it is.
    ///
    /// # Errors
    /// `auth.required` before a login.
    pub fn asker(&self) -> Result<Asker<'_>, WireError> {
        Ok(Asker {
            login: self.login()?,
            address: self.client.address,
            location: &self.location,
        })
    }
}

impl State for Box<SessionState> {
    fn user(&self) -> Option<&User> {
        self.login.as_ref().map(|login| &login.user)
    }

    fn is_nowhere(&self) -> bool {
        self.location.is_nowhere()
    }

    fn participant(&self) -> Option<&ParticipantId> {
        self.location.participant()
    }

    fn is_inside(&self, participant: &ParticipantId) -> bool {
        let inside = self.location.inside();
        inside.is_some_and(|membership| membership.participant == *participant)
    }

    fn admit(&mut self, participant: &ParticipantId) -> bool {
        self.location.admit(participant)
    }

    fn release(&mut self, participant: &ParticipantId) {
        self.location.release(participant);
    }
}
