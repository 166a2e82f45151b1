//! Rooms as they travel, and as the core takes them up.

use std::sync::Arc;

use super::{bans, people, stored};
use crate::meeting::Room;
use crate::meeting::command::Post;
use crate::meeting::effect::{History, View};
use crate::meeting::room::state_of;
use crate::meeting::schedule;
use crate::meeting::state::chat::{Chat, RECENT_MESSAGES};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::RoomIdentity;
use crate::protocol::object::{self, ChatMessage, RoomState, User, UserKind};
use crate::protocol::request::Joined;
use crate::protocol::time::Timestamp;
use crate::rooms::{Origin, Registry, Start};
use crate::sessions::restart::safe;
use crate::sessions::services::Rooms;
use crate::store::{
    Attendance, Membership, RoomKey, Store, StoredMessage, StoredRoom, is_room_number,
};

/// A room with nobody in it.
pub fn facts(room: &StoredRoom) -> object::Room {
    let settings = &room.settings;
    object::Room {
        identity: room.identity.clone(),
        number: (!settings.hide_number).then(|| room.number.clone()),
        name: settings.name.clone(),
        begin_at: settings.begin_at,
        end_at: settings.end_at,
        owner: people::account(&room.owner),
        state: RoomState::Open,
        locked: settings.locked,
        has_password: settings.password.is_some(),
        lobby: settings.waiting.is_on(),
        waiting: settings.waiting,
        guests: settings.guests,
        start_muted: settings.start_muted,
        start_camera_off: settings.start_camera_off,
        topology: settings.topology,
        max_participants: settings.max_participants,
        participants: 0,
        permissions: settings.permissions,
        history: settings.history,
        hide_number: settings.hide_number,
        early_ms: settings.early_ms,
        ends_on_time: settings.ends_on_time,
        recurrence: settings.recurrence.clone(),
        time_zone: settings.time_zone,
        next: None,
        permanent: settings.permanent,
        version: room.version,
        created_at: room.created_at,
    }
}

/// A room as it travels now.
pub fn seen(registry: &Registry, room: &StoredRoom) -> object::Room {
    let facts = facts(room);
    let running = registry.find(&room.identity);
    let participants = running.as_ref().map_or(0, |room| room.head_count());
    let topology = running.map_or(facts.topology, |room| room.topology());
    let now = Timestamp::now();
    let next = schedule::next(&facts, now);
    let was_ended = |at| schedule::is_still_ended(&facts, at, next.as_ref());
    let ended = room.ended_at.is_some_and(was_ended);
    object::Room {
        participants,
        state: state_of(&facts, participants, ended, next.as_ref(), now),
        next,
        topology,
        ..facts
    }
}

/// Many rooms as they travel now. The search for the next meetings of a hundred new rules takes as long as several
/// packets. So it is done off the threads that serve everybody, one list after the other.
///
/// # Errors
/// `server.internal` when a search panics.
pub async fn seen_all(
    rooms: &Rooms,
    found: Vec<StoredRoom>,
) -> Result<Vec<object::Room>, WireError> {
    let turn = Arc::clone(&rooms.lists).acquire_owned().await;
    let registry = rooms.registry.clone();
    let search = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        found.iter().map(|room| seen(&registry, room)).collect()
    });
    search.await.map_err(|_| ErrorCode::ServerInternal.into())
}

/// The room of this identity as it travels now. Numbers, which can be guessed, find nothing here.
///
/// # Errors
/// When the database cannot answer.
pub async fn find_room(
    store: &Store,
    registry: &Registry,
    identity: &RoomIdentity,
) -> Result<Option<object::Room>, WireError> {
    if is_room_number(identity.as_str()) {
        return Ok(None);
    }
    let found = store.find_room(identity.as_str()).await.map_err(stored)?;
    Ok(found.map(|room| seen(registry, &room)))
}

/// Loads what a room needs to run, as it is stored now.
///
/// # Errors
/// `room.not_found` when it was deleted meanwhile, `server.busy`.
pub async fn load(rooms: &Rooms, key: RoomKey) -> Result<Start, WireError> {
    let room = rooms.store.find_room_by_key(key).await;
    let room = room.map_err(stored)?.ok_or(ErrorCode::RoomNotFound)?;
    let limit = u32::try_from(RECENT_MESSAGES).unwrap_or(u32::MAX);
    let page = rooms.store.recent_messages(key, limit).await;
    let page = page.map_err(stored)?;
    let chat = Chat::new(page.messages.into_iter().map(post).collect(), page.more);
    let bans = bans::load(&rooms.store, key).await?;
    let facts = facts(&room);
    let topology = facts.topology;
    let writer = rooms.history.clone();
    let history = Box::new(move |line| writer.record(attendance(key, line)));
    Ok(Start {
        room: Room::new(facts, room.ended_at, chat, bans),
        topology,
        history,
        origin: Origin::Store,
        safe: Some(safe(&rooms.states, key)),
    })
}

/// A room as a user who joins it is told.
pub fn joined(view: View) -> Joined {
    let View {
        room,
        me,
        participants,
        permissions,
        actions,
        lobby,
        spotlight,
        timer,
        ice_servers,
        chat,
    } = view;
    Joined {
        room,
        me,
        participants,
        permissions,
        actions,
        lobby,
        spotlight,
        timer,
        ice_servers,
        chat: chat.messages,
    }
}

/// What is kept of it for a user who asks again how they came in, and has left since.
pub fn in_short(joined: &Joined) -> Joined {
    Joined {
        room: joined.room.clone(),
        me: joined.me.clone(),
        participants: vec![joined.me.clone()],
        permissions: joined.permissions,
        actions: joined.actions.clone(),
        lobby: Vec::new(),
        spotlight: Vec::new(),
        timer: None,
        ice_servers: Vec::new(),
        chat: Vec::new(),
    }
}

/// A stored message as the room keeps it.
pub fn post(message: StoredMessage) -> Post {
    let StoredMessage {
        id,
        participant,
        author,
        display_name,
        to,
        text,
        client_id,
        sent_at,
    } = message;
    let user = match author.kind {
        UserKind::Guest => people::guest(author.id, author.display_name),
        UserKind::Account => {
            let drawn = people::guest(author.id, author.display_name);
            User {
                username: author.username,
                kind: UserKind::Account,
                ..drawn
            }
        }
    };
    let (to, to_user) = to.map(|to| (to.participant, to.user)).unzip();
    Post {
        message: ChatMessage {
            id,
            participant,
            user,
            display_name,
            to,
            text,
            client_id,
            sent_at,
        },
        to_user,
    }
}

fn attendance(room: RoomKey, line: History) -> Attendance {
    match line {
        History::Joined {
            participant,
            user,
            display_name,
            role,
            at,
        } => Attendance::Joined(Membership {
            room,
            participant,
            user: user.id,
            display_name,
            role,
            joined_at: at,
        }),
        History::Left {
            participant,
            reason,
            at,
        } => Attendance::Left {
            participant,
            reason,
            at,
        },
    }
}
