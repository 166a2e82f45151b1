//! Entering and leaving a room.

use super::{check, invites, kept, room, room_view, stored};
use crate::auth::{PasswordError, StoredHash};
use crate::meeting::command::Join;
use crate::meeting::effect::View;
use crate::meeting::permissions::Rank;
use crate::meeting::{Command, Reply, schedule};
use crate::network::Network;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::{ParticipantId, RoomIdentity};
use crate::protocol::object::{HistoryAccess, Role};
use crate::protocol::request::{Empty, Joined, RoomJoin};
use crate::protocol::text::{DisplayName, Password};
use crate::protocol::time::Timestamp;
use crate::rooms::{CallError, Entered};
use crate::sessions::location::{Location, Membership, Place};
use crate::sessions::services::Rooms;
use crate::sessions::state::{Asker, SessionState};
use crate::store::{InviteUse, StoredRoom};

/// `room.join`
pub async fn join(
    rooms: &Rooms,
    state: &mut SessionState,
    data: RoomJoin,
) -> Result<Joined, WireError> {
    let login = state.login()?.clone();
    if let Some(room) = rooms
        .checks
        .find(&data.identity, &login.user.id, Timestamp::now())
    {
        return check::join(&rooms.registry, state, room, data).await;
    }
    let room = seek(rooms, state.client.address, &data).await?;
    match look(&mut state.location, &room.identity).await {
        Ok(Some(view)) => return Ok(room_view::joined(view)),
        Ok(None) => {}
        // An invite lets its user past the waiting room, also one who waits in it already.
        Err(error) if error.code == ErrorCode::RoomWaiting && data.invite.is_some() => {}
        Err(error) => return Err(error),
    }
    let is_owner = login.account == Some(room.owner.key);
    if is_owner || data.password.is_none() {
        room::was_found(rooms, state.client.address, &data.identity);
    }
    let invite = match &data.invite {
        Some(token) if !is_owner => {
            Some(invites::follow(rooms, state.asker()?, &room, token).await?)
        }
        _ => None,
    };
    let entered = if is_owner || invite.is_some() {
        enter(rooms, state, &room, data.display_name, invite.as_ref()).await
    } else {
        check_password(rooms, state.client.address, &room, &data).await?;
        enter(rooms, state, &room, data.display_name, None).await
    };
    if let (Err(_), Some(invite)) = (&entered, &invite) {
        invites::release(&rooms.store, invite).await;
    }
    // Nothing is awaited from here on when the user came in: the answer goes out before the room's next event.
    let (membership, entered) = entered.map_err(|error| refused(&room, error))?;
    match entered {
        Entered::In(view) => {
            state.location.move_to(membership, Place::Inside);
            Ok(room_view::joined(*view))
        }
        Entered::Waiting => {
            state.location.move_to(membership, Place::Door);
            Err(ErrorCode::RoomWaiting.into())
        }
    }
}

/// Takes a user who has shown that they may come to the room's door. They leave their present room only when this one
/// has taken them. A refused user stays where they are, for any reason of refusal.
async fn enter(
    rooms: &Rooms,
    state: &mut SessionState,
    room: &StoredRoom,
    display_name: Option<DisplayName>,
    invite: Option<&InviteUse>,
) -> Result<(Membership, Entered), WireError> {
    let login = state.login()?.clone();
    let mut join = newcomer(state.asker()?, display_name);
    let known = rooms.store.known_in(room.key, &login.user.id);
    let known = known.await.map_err(stored)?;
    join.role = higher(known.imported_role, invite.map(|used| used.role));
    join.pass = invite.is_some();
    if room.settings.history == HistoryAccess::Joined {
        join.first_joined_at = known.first_joined_at;
    }
    if let Some(ended) = room.ended_at {
        rooms.registry.ended(&room.identity, ended);
    }
    let load = || room_view::load(rooms, room.key);
    let is_owner = login.account == Some(room.owner.key);
    let reopens = is_owner && room.ended_at.is_some() && room.settings.permanent;
    let waits_here = state.location.at_door_of(&room.identity).is_some();
    if reopens || waits_here {
        // Nothing is changed for a user who would be refused.
        rooms.registry.knock(&room.identity, &join, load).await?;
    }
    if reopens {
        let reopened = rooms.store.reopen_room(room.key, Timestamp::now());
        reopened.await.map_err(stored)?;
    }
    if waits_here {
        // At the same door the join would count as a newer session of the same user.
        state.location.leave().await;
    }
    let participant = join.participant.clone();
    let outbox = state.location.outbox();
    let (handle, entered) = rooms
        .registry
        .join(&room.identity, join, outbox.clone(), load)
        .await?;
    let membership = Membership {
        room: room.identity.clone(),
        key: room.key,
        participant,
        handle,
        outbox,
    };
    Ok((membership, entered))
}

/// The higher of two roles.
fn higher(one: Option<Role>, other: Option<Role>) -> Option<Role> {
    let rank = |role: &Role| Rank::of(*role, false);
    one.into_iter().chain(other).max_by_key(rank)
}

/// The room as its participant sees it; none for a user who is not in it.
///
/// # Errors
/// `room.waiting` for a user who waits at its door.
pub(super) async fn look(
    location: &mut Location,
    room: &RoomIdentity,
) -> Result<Option<View>, WireError> {
    let Some(membership) = location.at(room).cloned() else {
        return Ok(None);
    };
    let participant = membership.participant;
    let look = Command::Look {
        participant: participant.clone(),
    };
    match membership.handle.call(look).await {
        Ok(Reply::View(view)) => {
            // Perhaps the room has just let the participant in, and the session did not hear of it yet.
            location.admit(&participant);
            Ok(Some(*view))
        }
        // The room, or this membership, has just ended: this is a new join then.
        Err(CallError::Gone | CallError::Refused(ErrorCode::RoomNotJoined)) => {
            location.release(&participant);
            Ok(None)
        }
        Ok(_) => Err(ErrorCode::ServerInternal.into()),
        Err(error) => Err(error.into()),
    }
}

/// The join of a user who comes to a room.
pub(super) fn newcomer(asker: Asker<'_>, display_name: Option<DisplayName>) -> Join {
    let login = asker.login;
    let display_name = display_name.unwrap_or_else(|| login.user.display_name.clone());
    Join {
        participant: ParticipantId::random(),
        user: login.user.clone(),
        display_name,
        role: None,
        pass: false,
        address: asker.address,
        first_joined_at: None,
    }
}

/// Tells a user who comes too early when to come again.
fn refused(room: &StoredRoom, error: WireError) -> WireError {
    if error.code != ErrorCode::RoomNotStarted {
        return error;
    }
    let now = Timestamp::now();
    match schedule::opens_at(&room_view::facts(room), now) {
        Some(opens) => {
            let wait = opens.unix_millis() - now.unix_millis();
            error.retry_after(u64::try_from(wait).unwrap_or(0))
        }
        None => error,
    }
}

/// The room to join. A user who joins by a number and gives a password learns only whether the two belong together. An
/// unknown number costs the same attempts and time as a wrong password, and gets the same answer.
async fn seek(rooms: &Rooms, address: Network, data: &RoomJoin) -> Result<StoredRoom, WireError> {
    if let Some(room) = room::seek(rooms, address, &data.identity).await? {
        return Ok(room);
    }
    if let (Some(number), Some(given)) = (room::number(&data.identity), &data.password) {
        let nobodys = RoomIdentity::try_from(number).map_err(|_| ErrorCode::RoomNotFound)?;
        try_password(rooms, address, &nobodys, given, None).await?;
    }
    Err(ErrorCode::RoomNotFound.into())
}

/// Checks a room's password.
async fn check_password(
    rooms: &Rooms,
    address: Network,
    room: &StoredRoom,
    data: &RoomJoin,
) -> Result<(), WireError> {
    let hash = room.settings.password.as_ref();
    if let Some(hash) = hash {
        let Some(given) = &data.password else {
            return Err(ErrorCode::RoomPasswordRequired.into());
        };
        let hash = Some(kept(hash));
        if !try_password(rooms, address, &room.identity, given, hash).await? {
            return Err(match room::number(&data.identity) {
                Some(_) => ErrorCode::RoomNotFound.into(),
                None => ErrorCode::RoomPasswordWrong.into(),
            });
        }
    }
    if data.password.is_some() {
        room::was_found(rooms, address, &data.identity);
    }
    Ok(())
}

/// Whether the password is the room's; attempts are limited per room and address, and per address over all rooms.
async fn try_password(
    rooms: &Rooms,
    address: Network,
    room: &RoomIdentity,
    given: &Password,
    hash: Option<StoredHash<'_>>,
) -> Result<bool, WireError> {
    let attempts = &rooms.attempts;
    attempts
        .check_room_password(address, room)
        .map_err(|after| after.wire())?;
    let verdict = rooms.passwords.verify(address, given, hash).await;
    match verdict {
        Ok(()) => {
            attempts.room_password_was_right(address, room);
            Ok(true)
        }
        Err(PasswordError::Wrong) => Ok(false),
        Err(error) => Err(error.wire()),
    }
}

/// `room.leave`; a user who waits stops waiting.
pub async fn leave(location: &mut Location) -> Result<Empty, WireError> {
    if location.is_nowhere() {
        return Err(ErrorCode::RoomNotJoined.into());
    }
    location.leave().await;
    Ok(Empty {})
}
