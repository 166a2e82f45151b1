//! Where a session is: in a room, at the door of one, or nowhere.

use super::session::TakeUp;
use super::session::link::Standing;
use crate::meeting::{Command, Reply};
use crate::network::Network;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::event::LeaveReason;
use crate::protocol::ids::{ParticipantId, RoomIdentity};
use crate::rooms::{CallError, Outbox, RoomLink};
use crate::store::RoomKey;

/// A session's membership in a room.
#[derive(Clone)]
pub struct Membership {
    /// Which room.
    pub room: RoomIdentity,
    /// Its row.
    pub key: RoomKey,
    /// The session's participant in that room.
    pub participant: ParticipantId,
    /// How to reach it.
    pub handle: RoomLink,
    /// Where it writes.
    pub outbox: Outbox,
}

/// Where a user is who has just come to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In it.
    Inside,
    /// At its door.
    Door,
}

/// Where a session is. A session that waits at a door is in no room: requests that need a room are refused as if it did
/// not wait.
pub struct Location {
    outbox: Outbox,
    // In boxes: most resting sessions are nowhere, and no session is at both.
    inside: Option<Box<Membership>>,
    at_door: Option<Box<Membership>>,
}

impl Location {
    /// Nowhere. What rooms will tell is written to `outbox`.
    pub fn new(outbox: Outbox) -> Self {
        Self {
            outbox,
            inside: None,
            at_door: None,
        }
    }

    /// Where it was before a restart.
    pub fn restored(membership: Membership, place: Place) -> Self {
        let mut location = Self::new(membership.outbox.clone());
        location.move_to(membership, place);
        location
    }

    /// The room that it is in.
    ///
    /// # Errors
    /// `room.not_joined` when it is in none.
    pub fn membership(&self) -> Result<&Membership, WireError> {
        self.inside().ok_or_else(|| ErrorCode::RoomNotJoined.into())
    }

    /// The room that it is in, if there is one.
    pub fn inside(&self) -> Option<&Membership> {
        self.inside.as_deref()
    }

    /// Its membership in this room.
    pub fn inside_of(&self, room: &RoomIdentity) -> Option<&Membership> {
        self.inside().filter(|membership| membership.room == *room)
    }

    /// Its membership as it waits at this room's door.
    pub fn at_door_of(&self, room: &RoomIdentity) -> Option<&Membership> {
        let waiting = self.at_door.as_deref();
        waiting.filter(|membership| membership.room == *room)
    }

    /// Its membership in this room, or at its door.
    pub fn at(&self, room: &RoomIdentity) -> Option<&Membership> {
        self.inside_of(room).or_else(|| self.at_door_of(room))
    }

    /// Its participant in the room that it is in, or at the door where it waits.
    pub fn participant(&self) -> Option<&ParticipantId> {
        let membership = self.inside.as_ref().or(self.at_door.as_ref());
        membership.map(|membership| &membership.participant)
    }

    /// Whether it is in no room and waits at no door.
    pub fn is_nowhere(&self) -> bool {
        self.inside.is_none() && self.at_door.is_none()
    }

    /// Where a room writes for a membership that begins.
    pub fn outbox(&self) -> Outbox {
        self.outbox.for_membership()
    }

    /// Takes note that the room has let it in, if it still waits as `participant`.
    pub fn admit(&mut self, participant: &ParticipantId) -> bool {
        let is_meant = |membership: &mut Box<Membership>| membership.participant == *participant;
        match self.at_door.take_if(is_meant) {
            Some(membership) => {
                self.inside = Some(membership);
                true
            }
            // The client may have found out by itself, by asking again.
            None => self.inside.as_mut().is_some_and(is_meant),
        }
    }

    /// Forgets a membership, or a wait, that the room has ended.
    pub fn release(&mut self, participant: &ParticipantId) {
        let is_meant = |membership: &mut Box<Membership>| membership.participant == *participant;
        self.inside.take_if(is_meant);
        self.at_door.take_if(is_meant);
    }

    /// Takes note that it has come to another room, and leaves the former one without waiting for it. Nothing of the
    /// former room is told any more. The answer to the join goes out before the new room's first event.
    pub fn move_to(&mut self, membership: Membership, place: Place) {
        for before in self.take() {
            before.outbox.leave();
            let participant = before.participant;
            before.handle.tell(Command::Leave { participant });
        }
        let membership = Some(Box::new(membership));
        match place {
            Place::Inside => self.inside = membership,
            Place::Door => self.at_door = membership,
        }
    }

    /// Tells the room it is in that its socket is gone, and that it may get another.
    pub async fn lose_socket(&self) {
        for membership in [&self.inside, &self.at_door].into_iter().flatten() {
            let participant = membership.participant.clone();
            let detach = Command::Detach { participant };
            // A refusal means that the room has let go of this membership already.
            if membership.handle.call_surely(detach).await.is_err() {
                tracing::debug!(room.id = %membership.room, "the room was left before");
            }
        }
    }

    /// Tells the room it is in, or at whose door it waits, that there is a socket again.
    ///
    /// # Errors
    /// `session.gone` when they are not taken from there, `server.busy`.
    pub async fn take_up(&mut self, address: Network, how: TakeUp) -> Result<Standing, WireError> {
        let Some(membership) = self.inside.as_ref().or(self.at_door.as_ref()).cloned() else {
            return Ok(Standing::Nowhere);
        };
        let participant = membership.participant;
        let attach = Command::Attach {
            participant: participant.clone(),
            address,
            anew: how.anew,
            look: how.look,
        };
        match membership.handle.call_surely(attach).await {
            Ok(Reply::Waiting) => Ok(Standing::Door(membership.room)),
            Ok(Reply::TurnedAway) => {
                self.release(&participant);
                Err(ErrorCode::SessionGone.into())
            }
            Ok(_) => {
                // Perhaps the room has just let the participant in, and the session did not hear of it yet.
                self.admit(&participant);
                Ok(Standing::Inside(participant))
            }
            Err(CallError::Gone | CallError::Refused(_)) => {
                self.release(&participant);
                Ok(Standing::Nowhere)
            }
            Err(CallError::Busy) => Err(CallError::Busy.into()),
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
        for membership in self.take() {
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

    fn take(&mut self) -> impl Iterator<Item = Box<Membership>> + use<> {
        [self.inside.take(), self.at_door.take()]
            .into_iter()
            .flatten()
    }
}

/// A session that ends in order has left before. One whose task failed leaves no ghost behind.
impl Drop for Location {
    fn drop(&mut self) {
        for membership in self.take() {
            membership.handle.tell(Command::Away {
                participant: membership.participant,
                reason: LeaveReason::Lost,
            });
        }
    }
}
