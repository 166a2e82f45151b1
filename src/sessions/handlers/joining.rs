//! Coming into a room, and going.

use super::{check, invites, kept, room, room_view, stored};
use crate::auth::{PasswordError, StoredHash};
use crate::meeting::command::Join;
use crate::meeting::effect::View;
use crate::meeting::permissions::Rank;
use crate::meeting::{Command, Reply, schedule};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::{ParticipantId, RoomIdentity};
use crate::protocol::object::{HistoryAccess, Role};
use crate::protocol::request::{Empty, Joined, RoomJoin};
use crate::protocol::text::{DisplayName, Password};
use crate::protocol::time::Timestamp;
use crate::rooms::{CallError, Entered};
use crate::sessions::services::Services;
use crate::sessions::state::{Login, Membership, Place, SessionState};
use crate::store::{InviteUse, StoredRoom};

/// `room.join`
pub async fn join(
    services: &Services,
    state: &mut SessionState,
    data: RoomJoin,
) -> Result<Joined, WireError> {
    let login = state.login()?.clone();
    if let Some(room) = services
        .checks()
        .find(&data.identity, &login.user.id, Timestamp::now())
    {
        return check::join(services, state, room, data).await;
    }
    let room = seek(services, state, &data).await?;
    match look(state, &room.identity).await {
        Ok(Some(view)) => return Ok(room_view::joined(view)),
        Ok(None) => {}
        // An invite lets past the waiting room, also whoever waits in it already.
        Err(error) if error.code == ErrorCode::RoomWaiting && data.invite.is_some() => {}
        Err(error) => return Err(error),
    }
    let is_owner = login.account == Some(room.owner.key);
    if is_owner || data.password.is_none() {
        room::was_found(services, state, &data.identity);
    }
    let invite = match &data.invite {
        Some(token) if !is_owner => Some(invites::follow(services, state, &room, token).await?),
        _ => None,
    };
    let entered = if is_owner || invite.is_some() {
        enter(services, state, &room, data.display_name, invite.as_ref()).await
    } else {
        check_password(services, state, &room, &data).await?;
        enter(services, state, &room, data.display_name, None).await
    };
    if let (Err(_), Some(invite)) = (&entered, &invite) {
        invites::release(services, invite).await;
    }
    // Nothing is awaited from here on when somebody came in: the answer goes out before the room's next event.
    let (membership, entered) = entered.map_err(|error| refused(&room, error))?;
    match entered {
        Entered::In(view) => {
            state.move_to(membership, Place::Inside);
            Ok(room_view::joined(*view))
        }
        Entered::Waiting => {
            state.move_to(membership, Place::Door);
            Err(ErrorCode::RoomWaiting.into())
        }
    }
}

/// Takes whoever has shown that they may come to the room's door. They leave the room they are in when this one has taken
/// them: whoever is refused, for whatever reason, stays where they are.
async fn enter(
    services: &Services,
    state: &mut SessionState,
    room: &StoredRoom,
    display_name: Option<DisplayName>,
    invite: Option<&InviteUse>,
) -> Result<(Membership, Entered), WireError> {
    let login = state.login()?.clone();
    let mut join = newcomer(state, &login, display_name);
    let imported = services.store.imported_role(room.key, &login.user.id);
    join.role = higher(
        imported.await.map_err(stored)?,
        invite.map(|used| used.role),
    );
    join.pass = invite.is_some();
    if room.settings.history == HistoryAccess::Joined {
        let first = services.store.first_joined_at(room.key, &login.user.id);
        join.first_joined_at = first.await.map_err(stored)?;
    }
    if let Some(ended) = room.ended_at {
        services.registry.ended(&room.identity, ended);
    }
    let load = || room_view::load(services, room.key);
    let is_owner = login.account == Some(room.owner.key);
    let reopens = is_owner && room.ended_at.is_some() && room.settings.permanent;
    let waits_here = state.waiting.as_ref();
    let waits_here = waits_here.is_some_and(|membership| membership.room == room.identity);
    if reopens || waits_here {
        // Nothing is changed for somebody who would be refused.
        services.registry.knock(&room.identity, &join, load).await?;
    }
    if reopens {
        let reopened = services.store.reopen_room(room.key, Timestamp::now());
        reopened.await.map_err(stored)?;
    }
    if waits_here {
        // To its door they would be a newer session of their own.
        state.leave().await;
    }
    let participant = join.participant.clone();
    let outbox = state.outbox.for_membership();
    let (handle, entered) = services
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

/// The room as somebody sees it who is in it already; none for whoever is not.
///
/// # Errors
/// `room.waiting` for somebody who waits at its door.
pub(super) async fn look(
    state: &mut SessionState,
    room: &RoomIdentity,
) -> Result<Option<View>, WireError> {
    let memberships = [&state.membership, &state.waiting];
    let here = memberships
        .into_iter()
        .flatten()
        .find(|membership| membership.room == *room);
    let Some(membership) = here.cloned() else {
        return Ok(None);
    };
    let participant = membership.participant;
    let look = Command::Look {
        participant: participant.clone(),
    };
    match membership.handle.call(look).await {
        Ok(Reply::View(view)) => {
            // Perhaps it has just been let in, and did not hear of it yet.
            state.admit(&participant);
            Ok(Some(*view))
        }
        // It has just ended; this is a new join then.
        Err(CallError::Gone | CallError::Refused(ErrorCode::RoomNotJoined)) => {
            state.release(&participant);
            Ok(None)
        }
        Ok(_) => Err(ErrorCode::ServerInternal.into()),
        Err(error) => Err(error.into()),
    }
}

/// Somebody as they knock at a room.
pub(super) fn newcomer(
    state: &SessionState,
    login: &Login,
    display_name: Option<DisplayName>,
) -> Join {
    let display_name = display_name.unwrap_or_else(|| login.user.display_name.clone());
    Join {
        participant: ParticipantId::random(),
        user: login.user.clone(),
        display_name,
        role: None,
        pass: false,
        address: state.address,
        first_joined_at: None,
    }
}

/// Whoever comes too early is told when to come again.
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

/// The room to join. Whoever joins by a number and gives a password learns only whether the two belong together: an
/// unknown number costs what a wrong password costs, attempts and time, and is answered alike.
async fn seek(
    services: &Services,
    state: &SessionState,
    data: &RoomJoin,
) -> Result<StoredRoom, WireError> {
    if let Some(room) = room::seek(services, state, &data.identity).await? {
        return Ok(room);
    }
    if let (Some(number), Some(given)) = (room::number(&data.identity), &data.password) {
        let nobodys = RoomIdentity::try_from(number).map_err(|_| ErrorCode::RoomNotFound)?;
        try_password(services, state, &nobodys, given, None).await?;
    }
    Err(ErrorCode::RoomNotFound.into())
}

/// Checks a room's password.
async fn check_password(
    services: &Services,
    state: &SessionState,
    room: &StoredRoom,
    data: &RoomJoin,
) -> Result<(), WireError> {
    let hash = room.settings.password.as_ref();
    if let Some(hash) = hash {
        let Some(given) = &data.password else {
            return Err(ErrorCode::RoomPasswordRequired.into());
        };
        let hash = Some(kept(hash));
        if !try_password(services, state, &room.identity, given, hash).await? {
            return Err(match room::number(&data.identity) {
                Some(_) => ErrorCode::RoomNotFound.into(),
                None => ErrorCode::RoomPasswordWrong.into(),
            });
        }
    }
    if data.password.is_some() {
        room::was_found(services, state, &data.identity);
    }
    Ok(())
}

/// Whether the password is the room's; attempts are limited per room and address, and per address over all rooms.
async fn try_password(
    services: &Services,
    state: &SessionState,
    room: &RoomIdentity,
    given: &Password,
    hash: Option<StoredHash<'_>>,
) -> Result<bool, WireError> {
    let attempts = &services.attempts;
    attempts
        .check_room_password(state.address, room)
        .map_err(|after| after.wire())?;
    let verdict = services
        .room_passwords
        .verify(state.address, given, hash)
        .await;
    match verdict {
        Ok(()) => {
            attempts.room_password_was_right(state.address, room);
            Ok(true)
        }
        Err(PasswordError::Wrong) => Ok(false),
        Err(error) => Err(error.wire()),
    }
}

/// `room.leave`; whoever waits stops waiting.
pub async fn leave(state: &mut SessionState) -> Result<Empty, WireError> {
    if state.waiting.is_none() {
        state.membership()?;
    }
    state.leave().await;
    Ok(Empty {})
}
