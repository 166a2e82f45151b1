//! Rooms: making, changing, finding, joining, leaving, ending.

use super::{asking, kept, room_settings, room_view, stored};
use crate::auth::PasswordError;
use crate::meeting::bans::AddressKey;
use crate::meeting::command::{Join, PasswordEdit};
use crate::meeting::effect::View;
use crate::meeting::permissions::Action;
use crate::meeting::{Command, Reply, schedule};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::event::LeaveReason;
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::Participant;
use crate::protocol::patch::Patch;
use crate::protocol::request::{
    Empty, Joined, RoomAnswer, RoomCreate, RoomDelete, RoomEdit, RoomGet, RoomJoin, RoomList,
    RoomPage, RoomRoster, Roster, Scope,
};
use crate::protocol::text::{DisplayName, Password};
use crate::protocol::time::Timestamp;
use crate::rooms::{CallError, Entered};
use crate::store::{RoomFilter, RoomScope, StoredRoom, UserKey, is_room_number};
use crate::ws::services::Services;
use crate::ws::state::{Login, SessionState, Stay};

/// The largest page of a list.
const MAX_PAGE: u32 = 100;

/// `room.create`
pub async fn create(
    services: &Services,
    state: &SessionState,
    data: RoomCreate,
) -> Result<RoomAnswer, WireError> {
    let owner = account(state)?;
    let settings = room_settings::of_new(services, data).await?;
    let room = services
        .store
        .create_room(owner, settings, Timestamp::now())
        .await
        .map_err(stored)?;
    Ok(RoomAnswer {
        room: room_view::seen(services, &room),
    })
}

/// `room.edit`
pub async fn edit(
    services: &Services,
    state: &SessionState,
    data: RoomEdit,
) -> Result<RoomAnswer, WireError> {
    let room = find(services, state, &data.identity).await?;
    may_edit(state, &room, asking::edit_action(&data)).await?;
    let version = data.version;
    let edit = room_settings::of_edit(services, data, &room.settings).await?;
    let password = match &edit.password {
        Patch::Keep => PasswordEdit::Kept,
        Patch::Clear | Patch::Set(_) => PasswordEdit::Changed,
    };
    let edited = services
        .store
        .edit_room(room.key, version, edit, Timestamp::now())
        .await
        .map_err(stored)?;
    asking::tell_of_edit(services, &edited, password).await?;
    Ok(RoomAnswer {
        room: room_view::seen(services, &edited),
    })
}

/// `room.delete`
pub async fn delete(
    services: &Services,
    state: &SessionState,
    data: RoomDelete,
) -> Result<Empty, WireError> {
    let room = own(services, state, &data.identity).await?;
    services
        .store
        .delete_room(room.key, Timestamp::now())
        .await
        .map_err(stored)?;
    if let Some(handle) = services.registry.find(&room.identity) {
        let by = state
            .stay
            .as_ref()
            .filter(|stay| stay.room == room.identity)
            .map(|stay| stay.participant.clone());
        asking::gone_is_fine(handle.call_surely(Command::Delete { by }).await)?;
    }
    Ok(Empty {})
}

/// `room.list`
pub async fn list(
    services: &Services,
    state: &SessionState,
    data: RoomList,
) -> Result<RoomPage, WireError> {
    let login = state.login()?;
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
            });
        }
    };
    let filter = RoomFilter {
        scope,
        keyword: data.keyword,
        page: data.page,
        size: data.size,
    };
    let page = services.store.list_rooms(&filter).await.map_err(stored)?;
    let rooms = page
        .rooms
        .iter()
        .map(|room| room_view::seen(services, room))
        .collect();
    Ok(RoomPage {
        rooms,
        total: page.total,
    })
}

/// `room.get`
pub async fn get(
    services: &Services,
    state: &SessionState,
    data: RoomGet,
) -> Result<RoomAnswer, WireError> {
    let room = find(services, state, &data.identity).await?;
    Ok(RoomAnswer {
        room: room_view::seen(services, &room),
    })
}

/// `room.roster`: for its owner, for whoever is in it, and for everyone who could simply walk in.
pub async fn roster(
    services: &Services,
    state: &SessionState,
    data: RoomRoster,
) -> Result<Roster, WireError> {
    let login = state.login()?;
    let room = find(services, state, &data.identity).await?;
    let is_here =
        |stay: &Option<Stay>| stay.as_ref().is_some_and(|stay| stay.room == room.identity);
    let is_in = is_here(&state.stay);
    if is_here(&state.waiting) {
        return Err(ErrorCode::PermDenied.into());
    }
    let settings = &room.settings;
    let is_closed = settings.locked || settings.lobby || settings.password.is_some();
    if is_closed && !is_in && login.account != Some(room.owner.key) {
        return Err(ErrorCode::PermDenied.into());
    }
    Ok(Roster {
        participants: people_in(services, &room).await?,
    })
}

async fn people_in(services: &Services, room: &StoredRoom) -> Result<Vec<Participant>, WireError> {
    let Some(handle) = services.registry.find(&room.identity) else {
        return Ok(Vec::new());
    };
    match handle.call(Command::Roster).await {
        Ok(Reply::Roster(participants)) => Ok(participants),
        Err(CallError::Gone) => Ok(Vec::new()),
        Ok(_) => Err(ErrorCode::ServerInternal.into()),
        Err(error) => Err(error.into()),
    }
}

/// `room.join`
pub async fn join(
    services: &Services,
    state: &mut SessionState,
    data: RoomJoin,
) -> Result<Joined, WireError> {
    let login = state.login()?.clone();
    let room = find(services, state, &data.identity).await?;
    if let Some(view) = look(state, &room).await? {
        return Ok(room_view::joined(view));
    }
    let is_owner = login.account == Some(room.owner.key);
    if !is_owner {
        check_password(services, state, &room, data.password.as_ref()).await?;
    }
    let join = newcomer(state, &login, data.display_name);
    let load = || room_view::load(services, &room);
    if state.stay.is_some() || state.waiting.is_some() {
        // Who is refused there stays where they are.
        let knocked = services.registry.knock(&room.identity, &join, load).await;
        knocked.map_err(|error| refused(&room, error))?;
        state.leave(LeaveReason::Left).await;
    }
    if is_owner && room.ended_at.is_some() && room_view::facts(&room).permanent {
        services
            .store
            .reopen_room(room.key, Timestamp::now())
            .await
            .map_err(stored)?;
    }
    let participant = join.participant.clone();
    let entered = services
        .registry
        .join(&room.identity, join, state.outbox.clone(), load)
        .await;
    // Nothing is awaited from here on: the answer goes out before the room's next event.
    let (handle, entered) = entered.map_err(|error| refused(&room, error))?;
    let stay = Some(Stay {
        room: room.identity,
        key: room.key,
        participant,
        handle,
    });
    match entered {
        Entered::In(view) => {
            state.stay = stay;
            Ok(room_view::joined(*view))
        }
        Entered::Waiting => {
            state.waiting = stay;
            Err(ErrorCode::RoomWaiting.into())
        }
    }
}

/// The room as somebody sees it who is in it already; none for whoever is not.
///
/// # Errors
/// `room.waiting` for somebody who waits at its door.
async fn look(state: &mut SessionState, room: &StoredRoom) -> Result<Option<View>, WireError> {
    let stays = [&state.stay, &state.waiting];
    let here = stays
        .into_iter()
        .flatten()
        .find(|stay| stay.room == room.identity);
    let Some(stay) = here.cloned() else {
        return Ok(None);
    };
    let participant = stay.participant;
    let look = Command::Look {
        participant: participant.clone(),
    };
    match stay.handle.call(look).await {
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
fn newcomer(state: &SessionState, login: &Login, display_name: Option<DisplayName>) -> Join {
    let display_name = display_name.unwrap_or_else(|| login.user.display_name.clone());
    Join {
        participant: ParticipantId::random(),
        user: login.user.clone(),
        display_name,
        role: None,
        pass: false,
        address: AddressKey::of(state.address),
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

/// Checks a room's password; tries are limited per room and address.
async fn check_password(
    services: &Services,
    state: &SessionState,
    room: &StoredRoom,
    given: Option<&Password>,
) -> Result<(), WireError> {
    let Some(hash) = &room.settings.password else {
        return Ok(());
    };
    let Some(given) = given else {
        return Err(ErrorCode::RoomPasswordRequired.into());
    };
    services
        .tries
        .check_room_password(state.address, &room.identity)
        .map_err(|after| after.wire())?;
    match services
        .room_passwords
        .verify(given, Some(kept(hash)))
        .await
    {
        Ok(_) => Ok(()),
        Err(PasswordError::Wrong) => Err(ErrorCode::RoomPasswordWrong.into()),
        Err(error) => Err(error.wire()),
    }
}

/// `room.leave`; whoever waits stops waiting.
pub async fn leave(state: &mut SessionState) -> Result<Empty, WireError> {
    if state.waiting.is_none() {
        state.stay()?;
    }
    state.leave(LeaveReason::Left).await;
    Ok(Empty {})
}

/// `room.end`
pub async fn end(services: &Services, state: &SessionState) -> Result<Empty, WireError> {
    let stay = state.stay()?;
    let by = asking::authorised(stay, Action::End).await?.id;
    services
        .store
        .end_room(stay.key, Timestamp::now())
        .await
        .map_err(stored)?;
    stay.handle.call_surely(Command::End { by }).await?;
    Ok(Empty {})
}

/// Finds a room by its identity, or by its number: tries by number are limited per address.
async fn find(
    services: &Services,
    state: &SessionState,
    raw: &str,
) -> Result<StoredRoom, WireError> {
    let compact: String = raw.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    let key = if is_room_number(&compact) {
        services
            .tries
            .check_number(state.address)
            .map_err(|after| after.wire())?;
        compact.as_str()
    } else {
        raw
    };
    services
        .store
        .find_room(key)
        .await
        .map_err(stored)?
        .ok_or_else(|| ErrorCode::RoomNotFound.into())
}

/// Whether the session may change the room: its owner from anywhere, others while they are in it.
async fn may_edit(
    state: &SessionState,
    room: &StoredRoom,
    action: Action,
) -> Result<(), WireError> {
    if state.login()?.account == Some(room.owner.key) {
        return Ok(());
    }
    let here = state.stay.as_ref();
    let here = here.filter(|stay| stay.room == room.identity);
    asking::authorised(here.ok_or(ErrorCode::PermDenied)?, action).await?;
    Ok(())
}

/// Finds a room that belongs to the session's account.
async fn own(
    services: &Services,
    state: &SessionState,
    identity: &str,
) -> Result<StoredRoom, WireError> {
    let login = state.login()?;
    let room = find(services, state, identity).await?;
    if login.account == Some(room.owner.key) {
        Ok(room)
    } else {
        Err(ErrorCode::PermDenied.into())
    }
}

/// The session's account: guests have none, and own nothing that outlives them.
fn account(state: &SessionState) -> Result<UserKey, WireError> {
    let denied = || {
        WireError::with_message(
            ErrorCode::PermDenied,
            "Guests cannot make rooms; log in first.",
        )
    };
    state.login()?.account.ok_or_else(denied)
}
