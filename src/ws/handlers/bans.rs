//! Who is kept out of a room.

use super::room::{find, may};
use super::{asking, people, stored};
use crate::meeting::permissions::Action;
use crate::meeting::{Command, Reply};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::object::{Ban, BanLength};
use crate::protocol::request::{Bans, Empty, RoomBans, RoomUnban};
use crate::rooms::CallError;
use crate::store::{RoomKey, StoredBan};
use crate::ws::services::Services;
use crate::ws::state::SessionState;

/// `room.bans`: a room that runs knows those of its meeting beside those that are for good.
pub async fn list(
    services: &Services,
    state: &SessionState,
    data: RoomBans,
) -> Result<Bans, WireError> {
    let room = find(services, state, &data.identity).await?;
    may(state, &room, Action::Ban).await?;
    if let Some(handle) = services.registry.find(&room.identity) {
        match handle.call(Command::Bans).await {
            Ok(Reply::Bans(bans)) => return Ok(Bans { bans }),
            Err(CallError::Gone) => {}
            Ok(_) => return Err(ErrorCode::ServerInternal.into()),
            Err(error) => return Err(error.into()),
        }
    }
    let mut bans = load(services, room.key).await?;
    bans.reverse();
    Ok(Bans { bans })
}

/// `room.unban`: whoever is not banned can be let in again as well.
pub async fn lift(
    services: &Services,
    state: &SessionState,
    data: RoomUnban,
) -> Result<Empty, WireError> {
    let room = find(services, state, &data.identity).await?;
    may(state, &room, Action::Ban).await?;
    let lifted = services.store.unban(room.key, &data.user).await;
    lifted.map_err(stored)?;
    if let Some(handle) = services.registry.changed(&room.identity) {
        let user = data.user;
        asking::gone_is_fine(handle.call_surely(Command::Unban { user }).await)?;
    }
    Ok(Empty {})
}

/// The bans that are for good, the newest last.
///
/// # Errors
/// When the database cannot answer.
pub async fn load(services: &Services, room: RoomKey) -> Result<Vec<Ban>, WireError> {
    let bans = services.store.bans(room).await.map_err(stored)?;
    Ok(bans.into_iter().map(seen).collect())
}

fn seen(ban: StoredBan) -> Ban {
    let user = match &ban.account {
        Some(account) => people::account(account),
        None => people::guest(ban.user, ban.display_name.clone()),
    };
    Ban {
        user,
        display_name: ban.display_name,
        until: BanLength::Forever,
        since: ban.since,
        by: ban.by,
    }
}
