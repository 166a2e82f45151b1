//! Letting in, and sending away, who waits.

use super::asking;
use crate::meeting::Command;
use crate::protocol::error::WireError;
use crate::protocol::request::{Empty, LobbyAdmit, LobbyDeny};
use crate::sessions::state::SessionState;

/// `lobby.admit`
pub async fn admit(state: &SessionState, data: LobbyAdmit) -> Result<Empty, WireError> {
    let who = data.participants;
    asking::command(state, |by| Command::Admit { by, who }).await
}

/// `lobby.deny`
pub async fn deny(state: &SessionState, data: LobbyDeny) -> Result<Empty, WireError> {
    let who = data.participants;
    asking::command(state, |by| Command::Deny { by, who }).await
}
