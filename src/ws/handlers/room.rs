//! Rooms: making, changing, finding, joining, leaving, ending.

use super::{kept, room_settings, room_view, stored};
use crate::auth::PasswordError;
use crate::meeting::command::Join;
use crate::meeting::permissions::Action;
use crate::meeting::{Command, Reply};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::event::LeaveReason;
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::Participant;
use crate::protocol::request::{
    Empty, Joined, RoomAnswer, RoomCreate, RoomDelete, RoomEdit, RoomGet, RoomJoin, RoomList,
    RoomPage, RoomRoster, Roster, Scope,
};
use crate::protocol::text::Password;
use crate::protocol::time::Timestamp;
use crate::rooms::CallError;
use crate::store::{RoomFilter, RoomScope, StoredRoom, UserKey, is_room_number};
use crate::ws::services::Services;
use crate::ws::state::{SessionState, Stay};

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
    let room = own(services, state, &data.identity).await?;
    let version = data.version;
    let edit = room_settings::of_edit(services, data, &room.settings).await?;
    let edited = services
        .store
        .edit_room(room.key, version, edit, Timestamp::now())
        .await
        .map_err(stored)?;
    if let Some(handle) = services.registry.find(&edited.identity) {
        let told = handle
            .call_surely(Command::Edited(Box::new(room_view::facts(&edited))))
            .await;
        gone_is_fine(told)?;
    }
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
        gone_is_fine(handle.call_surely(Command::Delete { by }).await)?;
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
    let is_in = state
        .stay
        .as_ref()
        .is_some_and(|stay| stay.room == room.identity);
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
    if let Some(stay) = state.stay.clone().filter(|stay| stay.room == room.identity) {
        match stay
            .handle
            .call(Command::Look {
                participant: stay.participant,
            })
            .await
        {
            Ok(Reply::View(view)) => return Ok(joined(*view)),
            // It has just ended; this is a new join then.
            Err(CallError::Gone | CallError::Refused(ErrorCode::RoomNotJoined)) => {
                state.stay = None
            }
            Ok(_) => return Err(ErrorCode::ServerInternal.into()),
            Err(error) => return Err(error.into()),
        }
    }
    let is_owner = login.account == Some(room.owner.key);
    if !is_owner {
        check_password(services, state, &room, data.password.as_ref()).await?;
    }
    if is_owner && room.ended_at.is_some() {
        services
            .store
            .reopen_room(room.key, Timestamp::now())
            .await
            .map_err(stored)?;
    }
    let load = || room_view::load(services, &room);
    if state.stay.is_some() {
        // Who is refused there stays where they are.
        services
            .registry
            .knock(&room.identity, &login.user, load)
            .await?;
    }
    state.leave(LeaveReason::Left).await;
    let participant = ParticipantId::random();
    let display_name = data
        .display_name
        .unwrap_or_else(|| login.user.display_name.clone());
    let join = Join {
        participant: participant.clone(),
        user: login.user,
        display_name,
    };
    let (handle, view) = services
        .registry
        .join(&room.identity, join, state.outbox.clone(), load)
        .await?;
    // Nothing is awaited from here on: the answer goes out before the room's next event.
    state.stay = Some(Stay {
        room: room.identity.clone(),
        key: room.key,
        participant,
        handle,
    });
    Ok(joined(view))
}

fn joined(view: crate::meeting::effect::View) -> Joined {
    let crate::meeting::effect::View {
        room,
        me,
        participants,
        permissions,
        chat,
    } = view;
    Joined {
        room,
        me,
        participants,
        permissions,
        actions: Vec::new(),
        lobby: Vec::new(),
        spotlight: Vec::new(),
        timer: None,
        ice_servers: Vec::new(),
        chat: chat.messages,
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

/// `room.leave`
pub async fn leave(state: &mut SessionState) -> Result<Empty, WireError> {
    state.stay()?;
    state.leave(LeaveReason::Left).await;
    Ok(Empty {})
}

/// `room.end`
pub async fn end(services: &Services, state: &SessionState) -> Result<Empty, WireError> {
    let stay = state.stay()?;
    let by = stay.participant.clone();
    stay.handle
        .call(Command::Authorise {
            participant: by.clone(),
            action: Action::End,
        })
        .await?;
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

/// A room that closes just now needs not be told.
fn gone_is_fine(told: Result<Reply, CallError>) -> Result<(), WireError> {
    match told {
        Ok(_) | Err(CallError::Gone) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
