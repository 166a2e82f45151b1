//! How soon what a command did must be saved, so that a restart of the server does not undo it.
//!
//! The server saves before it answers: roles, bans, refusals, admissions, the spotlight, the timer, hands and names. So
//! whatever was answered is there after a restart. While the database is away, commands that govern are refused; hands,
//! names and people who come back do not wait for it. Comings, goings and mutes are saved a moment later, because those
//! who are there tell them anew. What the database holds by itself is not saved again: settings, bans for good, the chat,
//! the end of a meeting.

use super::command::{Command, Join};
use super::room::Room;
use crate::protocol::object::BanLength;

/// How soon it must be saved, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Nothing of the room's state changed that is to outlive the server.
    Nothing,
    /// Within a second.
    Soon,
    /// Before it is answered, if the database can be written; else as soon as it can. The meeting goes on meanwhile.
    WhenPossible,
    /// Before it is answered; what cannot be saved is refused.
    BeforeAnswer,
}

impl Room {
    /// How soon what `command` does here must be saved, if it is carried out.
    pub fn durability(&self, command: &Command) -> Durability {
        match command {
            Command::Join(join) => self.durability_of_coming(join),
            Command::Update { changes, .. } => {
                match changes.hand.is_some() || changes.display_name.is_some() {
                    true => Durability::WhenPossible,
                    false => Durability::Soon,
                }
            }
            // The token that the client gets by it must be known after a restart.
            Command::Attach { .. } => Durability::WhenPossible,
            // It is stored already, and whoever is banned is taken out when the room is taken up.
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

    /// An invite that was used, and a place at the door, are facts; who walks in by an open door is there and says so.
    fn durability_of_coming(&self, join: &Join) -> Durability {
        let by_invite = join.pass || join.role.is_some();
        match by_invite || self.facts.waiting.is_on() {
            true => Durability::BeforeAnswer,
            false => Durability::Soon,
        }
    }
}
