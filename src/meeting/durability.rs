//! How soon the effect of a command must be saved, so that a restart of the server does not undo it.
//!
//! The server saves these before it answers: roles, bans, refusals, admissions, the spotlight, the timer, hands and
//! names. After a restart everything that was answered is still there. While the database is away, commands that govern
//! the meeting are refused. Hands, names and people who come back do not wait for the database. Joining, leaving and
//! muting are saved a moment later, because clients that are still there report them anew. Data that the database holds
//! by itself is not saved again: settings, permanent bans, the chat, and the end of a meeting.

use super::command::{Command, Join};
use super::room::Room;
use crate::protocol::object::BanLength;

/// How soon it must be saved, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// The command changed nothing that must outlive the server.
    Nothing,
    /// Within a second.
    Soon,
    /// Before the answer, if the database can be written. Otherwise as soon as possible, and the meeting goes on
    /// meanwhile.
    WhenPossible,
    /// Before the answer. A command that cannot be saved is refused.
    BeforeAnswer,
}

impl Room {
    /// How soon the effect of `command` must be saved, if it is carried out.
    pub fn durability(&self, command: &Command) -> Durability {
        match command {
            Command::Join(join) => self.durability_of_coming(join),
            Command::Update { changes, .. } => {
                match changes.hand.is_some() || changes.display_name.is_some() {
                    true => Durability::WhenPossible,
                    false => Durability::Soon,
                }
            }
            // The client gets a new token by it, which must be known after a restart.
            Command::Attach { .. } => Durability::WhenPossible,
            // The ban is stored already. When the room is taken up, banned people are taken out.
            Command::Remove {
                ban: Some(BanLength::Forever),
                ..
            } => Durability::Soon,
            Command::AskUnmute { .. }
            | Command::LowerHand { .. }
            | Command::Rename { .. }
            | Command::SetRole { .. }
            | Command::Remove { .. }
            | Command::Unban { .. }
            | Command::Admit { .. }
            | Command::Deny { .. }
            | Command::Spotlight { .. }
            | Command::SetTimer { .. } => Durability::BeforeAnswer,
            Command::Leave { .. }
            | Command::Detach { .. }
            | Command::Away { .. }
            | Command::End { .. }
            | Command::Close { .. }
            | Command::Delete { .. }
            | Command::Edited { .. }
            | Command::Renamed { .. }
            | Command::Mute { .. }
            | Command::SetSource { .. }
            | Command::Tick => Durability::Soon,
            Command::Knock(_)
            | Command::Look { .. }
            | Command::Roster
            | Command::Authorise { .. }
            | Command::Post(_)
            | Command::PostAgain(_)
            | Command::Deleted { .. }
            | Command::Readable { .. }
            | Command::ConsiderBan { .. }
            | Command::Bans
            | Command::React { .. }
            | Command::Signal { .. }
            | Command::Negotiated { .. }
            | Command::Media(_) => Durability::Nothing,
        }
    }

    /// A join with an invite, or while the waiting room is on, is saved before the answer: a client cannot repeat it. A
    /// person who just walks in is saved soon after. Their client would walk in again.
    fn durability_of_coming(&self, join: &Join) -> Durability {
        let by_invite = join.pass || join.role.is_some();
        match by_invite || self.facts.waiting.is_on() {
            true => Durability::BeforeAnswer,
            false => Durability::Soon,
        }
    }
}
