//! Rooms: making, changing, finding, joining, leaving, ending.

use super::joining::newcomer;
use super::{asking, room_settings, room_view, stored};
use crate::meeting::command::PasswordEdit;
use crate::meeting::permissions::Action;
use crate::meeting::{Command, Reply};
use crate::network::Network;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::UserId;
use crate::protocol::object::{Participant, UserKind};
use crate::protocol::patch::Patch;
use crate::protocol::request::{
    Empty, RoomAnswer, RoomCreate, RoomDelete, RoomEdit, RoomGet, RoomList, RoomPage, RoomRoster,
    Roster, Scope, Visit,
};
use crate::protocol::time::Timestamp;
use crate::rooms::CallError;
use crate::sessions::location::Location;
use crate::sessions::services::Rooms;
use crate::sessions::state::{Asker, Login};
use crate::store::{RoomFilter, RoomKey, RoomScope, Store, StoredRoom, UserKey, is_room_number};

/// The largest page of a list.
const MAX_PAGE: u32 = 100;

/// `room.create`
pub async fn create(
    rooms: &Rooms,
    asker: Asker<'_>,
    data: RoomCreate,
) -> Result<RoomAnswer, WireError> {
    let owner = account(asker.login)?;
    let settings = room_settings::of_new(rooms, asker.address, data).await?;
    let room = rooms
        .store
        .create_room(owner, settings, Timestamp::now())
        .await
        .map_err(stored)?;
    Ok(RoomAnswer {
        room: room_view::seen(&rooms.registry, &room),
    })
}

/// `room.edit`
pub async fn edit(
    rooms: &Rooms,
    asker: Asker<'_>,
    data: RoomEdit,
) -> Result<RoomAnswer, WireError> {
    let room = find(rooms, asker, &data.identity).await?;
    may(asker, &room, asking::edit_action(&data)).await?;
    let version = data.version;
    let edit = room_settings::of_edit(rooms, asker.address, data).await?;
    let password = match &edit.password {
        // A removed password turns nobody away: users who wait behind it have given more than is asked for now.
        Patch::Keep | Patch::Clear => PasswordEdit::Kept,
        Patch::Set(_) => PasswordEdit::Changed,
    };
    let edited = rooms
        .store
        .edit_room(room.key, version, edit, Timestamp::now())
        .await
        .map_err(stored)?;
    asking::tell_of_edit(&rooms.registry, &edited, password).await?;
    Ok(RoomAnswer {
        room: room_view::seen(&rooms.registry, &edited),
    })
}

/// `room.delete`
pub async fn delete(rooms: &Rooms, asker: Asker<'_>, data: RoomDelete) -> Result<Empty, WireError> {
    let room = own(rooms, asker, &data.identity).await?;
    rooms
        .store
        .delete_room(room.key, Timestamp::now())
        .await
        .map_err(stored)?;
    rooms.registry.ended(&room.identity, Timestamp::now());
    if let Some(handle) = rooms.registry.changed(&room.identity) {
        let here = asker.location.inside_of(&room.identity);
        let by = here.map(|membership| membership.participant.clone());
        asking::gone_is_fine(handle.call_surely(Command::Delete { by }).await)?;
    }
    Ok(Empty {})
}

/// `room.list`
pub async fn list(rooms: &Rooms, asker: Asker<'_>, data: RoomList) -> Result<RoomPage, WireError> {
    let login = asker.login;
    if data.page == 0 {
        return Err(WireError::bad_field("data.page", "must be 1 or more"));
    }
    if !(1..=MAX_PAGE).contains(&data.size) {
        return Err(WireError::bad_field("data.size", "must be from 1 to 100"));
    }
    let scope = match (data.scope, login.account) {
        (Scope::Mine, Some(account)) => RoomScope::OwnedBy(account),
        (Scope::Joined, _) => RoomScope::JoinedBy(login.user.id.clone()),
        // Guests own nothing, and no room is listed for everyone.
        (Scope::Mine, None) | (Scope::Public, _) => {
            return Ok(RoomPage {
                rooms: Vec::new(),
                total: 0,
                visits: Vec::new(),
            });
        }
    };
    let filter = RoomFilter {
        scope,
        keyword: data.keyword,
        page: data.page,
        size: data.size,
    };
    let page = rooms.store.list_rooms(&filter).await.map_err(stored)?;
    let total = page.total;
    let visits = match filter.scope {
        RoomScope::JoinedBy(user) => visits(rooms, &user, &page.rooms).await?,
        RoomScope::OwnedBy(_) => Vec::new(),
    };
    let rooms = room_view::seen_all(rooms, page.rooms).await?;
    Ok(RoomPage {
        rooms,
        total,
        visits,
    })
}

/// When a participant was last in each of these rooms.
async fn visits(
    rooms: &Rooms,
    user: &UserId,
    found: &[StoredRoom],
) -> Result<Vec<Visit>, WireError> {
    let keys: Vec<RoomKey> = found.iter().map(|room| room.key).collect();
    let last = rooms.store.last_memberships(user, &keys).await;
    let mut last = last.map_err(stored)?;
    let visit = |room: &StoredRoom| {
        let membership = last.remove(&room.key)?;
        Some(Visit {
            room: room.identity.clone(),
            role: membership.role,
            joined_at: membership.joined_at,
            left_at: membership.left.map(|(at, _)| at),
        })
    };
    Ok(found.iter().filter_map(visit).collect())
}

/// `room.get`
pub async fn get(rooms: &Rooms, asker: Asker<'_>, data: RoomGet) -> Result<RoomAnswer, WireError> {
    let room = find(rooms, asker, &data.identity).await?;
    Ok(RoomAnswer {
        room: room_view::seen(&rooms.registry, &room),
    })
}

/// `room.roster`: for the room's owner, for its participants, and for everyone who could simply walk in.
pub async fn roster(
    rooms: &Rooms,
    asker: Asker<'_>,
    data: RoomRoster,
) -> Result<Roster, WireError> {
    let login = asker.login;
    let room = find(rooms, asker, &data.identity).await?;
    let is_in = asker.location.inside_of(&room.identity).is_some();
    if asker.location.at_door_of(&room.identity).is_some() {
        let why = "A person who waits to be let in does not see who is inside.";
        return Err(WireError::with_message(ErrorCode::PermDenied, why));
    }
    let settings = &room.settings;
    let kind = login.user.kind;
    let is_held = settings.waiting.holds(kind) || !settings.guests && kind == UserKind::Guest;
    let is_closed = settings.locked || is_held || settings.password.is_some();
    let is_outside = !is_in && login.account != Some(room.owner.key);
    if is_outside && (is_closed || is_kept_out(rooms, asker, &room).await?) {
        let why = "Only its owner and who is in it see who is in this room.";
        return Err(WireError::with_message(ErrorCode::PermDenied, why));
    }
    Ok(Roster {
        participants: people_in(rooms, &room).await?,
    })
}

/// Whether a room that is open to others keeps this session's user out, or would let them wait.
async fn is_kept_out(
    rooms: &Rooms,
    asker: Asker<'_>,
    room: &StoredRoom,
) -> Result<bool, WireError> {
    let Some(handle) = rooms.registry.find(&room.identity) else {
        return Ok(false);
    };
    let join = newcomer(asker, None);
    match handle.call(Command::Knock(Box::new(join))).await {
        Ok(Reply::Waiting)
        | Err(CallError::Refused(ErrorCode::RoomBanned | ErrorCode::RoomDenied)) => Ok(true),
        Ok(_) | Err(CallError::Gone | CallError::Refused(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn people_in(rooms: &Rooms, room: &StoredRoom) -> Result<Vec<Participant>, WireError> {
    let Some(handle) = rooms.registry.find(&room.identity) else {
        return Ok(Vec::new());
    };
    match handle.call(Command::Roster).await {
        Ok(Reply::Roster(participants)) => Ok(participants),
        Err(CallError::Gone) => Ok(Vec::new()),
        Ok(_) => Err(ErrorCode::ServerInternal.into()),
        Err(error) => Err(error.into()),
    }
}

/// `room.end`
pub async fn end(store: &Store, location: &Location) -> Result<Empty, WireError> {
    let membership = location.membership()?;
    let by = asking::authorised(membership, Action::End).await?.id;
    store
        .end_room(membership.key, Timestamp::now())
        .await
        .map_err(stored)?;
    membership.handle.call_surely(Command::End { by }).await?;
    Ok(Empty {})
}

/// Finds a room by its identity, or by its number: wrong attempts by number are limited per address.
///
/// # Errors
/// `room.not_found`, `rate.limited`.
pub(super) async fn find(
    rooms: &Rooms,
    asker: Asker<'_>,
    raw: &str,
) -> Result<StoredRoom, WireError> {
    let room = seek(rooms, asker.address, raw).await?;
    let room = room.ok_or(ErrorCode::RoomNotFound)?;
    was_found(rooms, asker.address, raw);
    Ok(room)
}

/// The same for a user who has not shown yet that they may know of the room. A try by number counts as wrong until
/// [`was_found`].
///
/// # Errors
/// `rate.limited`.
pub(super) async fn seek(
    rooms: &Rooms,
    address: Network,
    raw: &str,
) -> Result<Option<StoredRoom>, WireError> {
    let number = number(raw);
    if number.is_some() {
        rooms
            .attempts
            .check_number(address)
            .map_err(|after| after.wire())?;
    }
    let key = number.as_deref().unwrap_or(raw);
    rooms.store.find_room(key).await.map_err(stored)
}

/// The session may know that there is a room at `raw`.
pub(super) fn was_found(rooms: &Rooms, address: Network, raw: &str) {
    if number(raw).is_some() {
        rooms.attempts.number_was_right(address);
    }
}

/// The number that is meant, as people write it in groups; none when it is no number.
pub(super) fn number(raw: &str) -> Option<String> {
    let compact: String = raw.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    is_room_number(&compact).then_some(compact)
}

/// Whether the session may do something with a room: its owner from anywhere, others while they are in it.
///
/// # Errors
/// `perm.denied`, `server.busy`.
pub(super) async fn may(
    asker: Asker<'_>,
    room: &StoredRoom,
    action: Action,
) -> Result<(), WireError> {
    if asker.login.account == Some(room.owner.key) {
        return Ok(());
    }
    let here = asker.location.inside_of(&room.identity);
    let outside = || {
        let why = "Only the room's owner may do this from outside.";
        WireError::with_message(ErrorCode::PermDenied, why)
    };
    asking::authorised(here.ok_or_else(outside)?, action).await?;
    Ok(())
}

/// Finds a room that belongs to the session's account.
async fn own(rooms: &Rooms, asker: Asker<'_>, identity: &str) -> Result<StoredRoom, WireError> {
    let login = asker.login;
    let room = find(rooms, asker, identity).await?;
    if login.account == Some(room.owner.key) {
        Ok(room)
    } else {
        let why = "Only the room's owner may do this.";
        Err(WireError::with_message(ErrorCode::PermDenied, why))
    }
}

/// The session's account: guests have none, and own nothing that outlives them.
fn account(login: &Login) -> Result<UserKey, WireError> {
    let denied = || {
        WireError::with_message(
            ErrorCode::PermDenied,
            "Guests cannot make rooms; log in first.",
        )
    };
    login.account.ok_or_else(denied)
}
