//! What a session is, between two requests.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::spending::Spending;
use crate::meeting::Command;
use crate::network::Network;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::event::LeaveReason;
use crate::protocol::ids::{ParticipantId, RoomIdentity, SessionId};
use crate::protocol::object::User;
use crate::protocol::time::Timestamp;
use crate::rooms::{Outbox, RoomHandle};
use crate::store::{RoomKey, UserKey};

/// A session: whose it is and where it is.
pub struct SessionState {
    /// Its id, as `hello` named it.
    pub id: SessionId,
    /// Where its socket comes from; for limits only, never for logs.
    pub address: Network,
    /// Where its room writes.
    pub outbox: Outbox,
    /// Ends it when its login is revoked.
    pub revoked: Arc<Notify>,
    /// Who it is, once it has said so.
    pub login: Option<Login>,
    /// Where it is.
    pub membership: Option<Membership>,
    /// At whose door it waits. Whoever waits is in no room: all that needs one is refused as if they did not.
    pub waiting: Option<Membership>,
    /// What it may still send others.
    pub spending: Spending,
}

/// Who a session is.
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

/// A session's membership in a room.
#[derive(Clone)]
pub struct Membership {
    /// Which room.
    pub room: RoomIdentity,
    /// Its row.
    pub key: RoomKey,
    /// As whom.
    pub participant: ParticipantId,
    /// How to reach it.
    pub handle: RoomHandle,
    /// Where it writes.
    pub outbox: Outbox,
}

/// Where somebody who has just come to a room is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In it.
    Inside,
    /// At its door.
    Door,
}

impl SessionState {
    /// Of a session from `address` that is nobody yet, and nowhere.
    pub fn new(id: SessionId, address: Network, outbox: Outbox) -> Self {
        Self {
            id,
            address,
            outbox,
            revoked: Arc::default(),
            login: None,
            membership: None,
            waiting: None,
            spending: Spending::new(Instant::now()),
        }
    }

    /// Who it is.
    ///
    /// # Errors
    /// `auth.required` before a login.
    pub fn login(&self) -> Result<&Login, WireError> {
        self.login
            .as_ref()
            .ok_or_else(|| ErrorCode::AuthRequired.into())
    }

    /// Where it is.
    ///
    /// # Errors
    /// `room.not_joined` when it is nowhere.
    pub fn membership(&self) -> Result<&Membership, WireError> {
        self.membership
            .as_ref()
            .ok_or_else(|| ErrorCode::RoomNotJoined.into())
    }

    /// Takes note that the room has let it in, if it still waits as `participant`.
    pub fn admit(&mut self, participant: &ParticipantId) -> bool {
        let is_meant = |membership: &mut Membership| membership.participant == *participant;
        match self.waiting.take_if(is_meant) {
            Some(membership) => {
                self.membership = Some(membership);
                true
            }
            // It may have found out by itself, asking again.
            None => self.membership.as_mut().is_some_and(is_meant),
        }
    }

    /// Forgets a membership, or a wait, that the room has ended.
    pub fn release(&mut self, participant: &ParticipantId) {
        let is_meant = |membership: &mut Membership| membership.participant == *participant;
        self.membership.take_if(is_meant);
        self.waiting.take_if(is_meant);
    }

    /// Takes note that it has come to another room, and leaves the one before without waiting for it: nothing is told of
    /// that any more, and the answer to the join goes out before the new room's first event.
    pub fn move_to(&mut self, membership: Membership, place: Place) {
        let before = [self.membership.take(), self.waiting.take()];
        for before in before.into_iter().flatten() {
            before.outbox.leave();
            let participant = before.participant;
            before.handle.tell(Command::Leave { participant });
        }
        match place {
            Place::Inside => self.membership = Some(membership),
            Place::Door => self.waiting = Some(membership),
        }
    }

    /// Leaves the room it is in or at whose door it waits, if there is one.
    pub async fn leave(&mut self) {
        self.depart(|participant| Command::Leave { participant })
            .await;
    }

    /// The same for a session that ends without having left: its user may be back in a moment.
    pub async fn vanish(&mut self, reason: LeaveReason) {
        let away = |participant| Command::Away {
            participant,
            reason,
        };
        self.depart(away).await;
    }

    async fn depart(&mut self, how: impl Fn(ParticipantId) -> Command) {
        let memberships = [self.membership.take(), self.waiting.take()];
        for membership in memberships.into_iter().flatten() {
            // A refusal means that the room has let go of this membership already.
            let gone = membership
                .handle
                .call_surely(how(membership.participant))
                .await;
            if gone.is_err() {
                tracing::debug!(room.id = %membership.room, "the room was left before");
            }
        }
    }
}

/// A session that ends in order has left before. One whose task failed leaves no ghost behind.
impl Drop for SessionState {
    fn drop(&mut self) {
        for membership in [self.membership.take(), self.waiting.take()]
            .into_iter()
            .flatten()
        {
            membership.handle.tell(Command::Away {
                participant: membership.participant,
                reason: LeaveReason::Lost,
            });
        }
    }
}
