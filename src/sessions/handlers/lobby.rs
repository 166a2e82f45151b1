//! Letting waiting users in, and sending them away.

use super::asking;
use crate::meeting::Command;
use crate::protocol::error::WireError;
use crate::protocol::request::{Empty, LobbyAdmit, LobbyDeny};
use crate::sessions::location::Location;

/// `lobby.admit`
pub async fn admit(location: &Location, data: LobbyAdmit) -> Result<Empty, WireError> {
    let who = data.participants;
    asking::command(location, |by| Command::Admit { by, who }).await
}

/// `lobby.deny`
pub async fn deny(location: &Location, data: LobbyDeny) -> Result<Empty, WireError> {
    let who = data.participants;
    asking::command(location, |by| Command::Deny { by, who }).await
}
