//! The users who are kept out of a room.

use super::room::{find, may};
use super::{people, room_view, stored};
use crate::meeting::permissions::Action;
use crate::meeting::{Command, Reply};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::object::{Ban, BanLength};
use crate::protocol::request::{Bans, Empty, RoomBans, RoomUnban};
use crate::protocol::time::Timestamp;
use crate::rooms::CallError;
use crate::sessions::services::Rooms;
use crate::sessions::state::Asker;
use crate::store::{RoomKey, Store, StoredBan};

/// `room.bans`: the bans of the meeting, also while nobody is in it, and the permanent ones. Users who were refused at
/// the door are listed too.
pub async fn list(rooms: &Rooms, asker: Asker<'_>, data: RoomBans) -> Result<Bans, WireError> {
    let room = find(rooms, asker, &data.identity).await?;
    may(asker, &room, Action::Ban).await?;
    if let Some(handle) = rooms.registry.find(&room.identity) {
        match handle.call(Command::Bans).await {
            Ok(Reply::Bans(bans)) => return Ok(Bans { bans }),
            Err(CallError::Gone) => {}
            Ok(_) => return Err(ErrorCode::ServerInternal.into()),
            Err(error) => return Err(error.into()),
        }
    }
    let mut resting = room_view::load(rooms, room.key).await?.room;
    rooms.registry.recall(&room.identity, &mut resting);
    match resting.handle(Command::Bans, Timestamp::now()).reply {
        Ok(Reply::Bans(bans)) => Ok(Bans { bans }),
        _ => Err(ErrorCode::ServerInternal.into()),
    }
}

/// `room.unban`: lifts a ban and a refusal at the door alike. It succeeds also for a user who is not kept out.
pub async fn lift(rooms: &Rooms, asker: Asker<'_>, data: RoomUnban) -> Result<Empty, WireError> {
    let room = find(rooms, asker, &data.identity).await?;
    may(asker, &room, Action::Ban).await?;
    let lifted = rooms.store.unban(room.key, &data.user).await;
    lifted.map_err(stored)?;
    rooms.registry.unban(&room.identity, data.user).await?;
    Ok(Empty {})
}

/// The bans that are for good, the newest last.
///
/// # Errors
/// When the database cannot answer.
pub async fn load(store: &Store, room: RoomKey) -> Result<Vec<Ban>, WireError> {
    let bans = store.bans(room).await.map_err(stored)?;
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
