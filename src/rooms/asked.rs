//! Commands to a room, and the callers that wait for answers.

use tokio::sync::oneshot;

use super::audience::Audience;
use super::handle::Decision;
use super::outbox::Outbox;
use super::start::Entered;
use crate::meeting::command::Join;
use crate::meeting::durability::Durability;
use crate::meeting::media::MediaEvent;
use crate::meeting::{Command, Reply};
use crate::protocol::error::ErrorCode;
use crate::protocol::ids::ParticipantId;

/// A command, and the caller that waits for its result.
pub(super) struct Asked {
    pub command: Command,
    pub by: Asker,
    pub durability: Durability,
}

/// What remains of a command after it was carried out.
pub(super) struct CarriedOut {
    pub by: Asker,
    pub durability: Durability,
    /// The command reported that the media of the room failed.
    pub media_failed: bool,
}

impl Asked {
    /// Splits off what is needed after the command was carried out.
    pub fn parts(self) -> (Command, CarriedOut) {
        let media_failed = matches!(&self.command, Command::Media(MediaEvent::Failed));
        let done = CarriedOut {
            by: self.by,
            durability: self.durability,
            media_failed,
        };
        (self.command, done)
    }
}

/// The caller that waits for the answer.
pub(super) enum Asker {
    Nobody,
    Caller(oneshot::Sender<Decision>),
    Newcomer {
        participant: ParticipantId,
        outbox: Outbox,
        reply: oneshot::Sender<Result<Entered, ErrorCode>>,
    },
}

impl Asker {
    /// A person who wants to join. None if they have waited too long and gave up.
    pub fn newcomer(
        join: Join,
        outbox: Outbox,
        reply: oneshot::Sender<Result<Entered, ErrorCode>>,
    ) -> Option<(Command, Self)> {
        if reply.is_closed() {
            return None;
        }
        let by = Self::Newcomer {
            participant: join.participant.clone(),
            outbox,
            reply,
        };
        Some((Command::Join(join), by))
    }

    /// Sends the answer. A person who has joined, or waits, gets events from now on.
    pub fn answer(self, answer: Decision, audience: &mut Audience) {
        match self {
            Self::Nobody => {}
            Self::Caller(reply) => {
                if reply.send(answer).is_err() {
                    tracing::debug!("the session of an answered command is gone");
                }
            }
            Self::Newcomer {
                participant,
                outbox,
                reply,
            } => {
                let entered = enter(&participant, outbox, answer, audience);
                let is_in = entered.is_ok();
                if reply.send(entered).is_err() && is_in {
                    audience.has_lost(participant);
                }
            }
        }
    }
}

fn enter(
    participant: &ParticipantId,
    outbox: Outbox,
    answer: Decision,
    audience: &mut Audience,
) -> Result<Entered, ErrorCode> {
    match answer {
        Ok(Reply::View(view)) => {
            audience.enter(participant.clone(), outbox);
            Ok(Entered::In(view))
        }
        Ok(Reply::Waiting) => {
            audience.wait(participant.clone(), outbox);
            Ok(Entered::Waiting)
        }
        Ok(other) => {
            tracing::error!(
                ?other,
                "a join was answered with something else: this is a fault in the server"
            );
            audience.has_lost(participant.clone());
            Err(ErrorCode::ServerInternal)
        }
        Err(code) => Err(code),
    }
}
