//! The connection check: a room in memory, which one user joins from two sessions.

use super::joining::{look, newcomer};
use super::{people, room_view};
use crate::meeting::Room;
use crate::meeting::state::chat::Chat;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::UserId;
use crate::protocol::object::{self, HistoryAccess, Permissions, RoomState, Topology, WhoWaits};
use crate::protocol::request::{self, Joined, RoomJoin};
use crate::protocol::text::{DisplayName, RoomName};
use crate::protocol::time::Timestamp;
use crate::rooms::{Entered, Origin, Registry, Start};
use crate::sessions::checks::{CheckRoom, CheckRooms};
use crate::sessions::location::{Membership, Place};
use crate::sessions::state::{Login, SessionState};
use crate::store::RoomKey;

/// One session sends, the other receives.
const SESSIONS: u32 = 2;

/// `check.begin`
pub fn begin(checks: &CheckRooms, login: &Login) -> Result<request::CheckRoom, WireError> {
    let room = checks.begin(&login.user.id, Timestamp::now())?;
    Ok(request::CheckRoom {
        identity: room.identity,
    })
}

/// `room.join` of a check room.
pub async fn join(
    registry: &Registry,
    state: &mut SessionState,
    room: CheckRoom,
    data: RoomJoin,
) -> Result<Joined, WireError> {
    if let Some(view) = look(&mut state.location, &room.identity).await? {
        return Ok(room_view::joined(view));
    }
    let asker = state.asker()?;
    let mut join = newcomer(asker, data.display_name);
    // Each session is a user of its own here, as a second session of the same user would take the first one's place.
    join.user = people::guest(UserId::random(), asker.login.user.display_name.clone());
    let facts = facts(&room)?;
    let load = || {
        let start = start(facts.clone());
        async move { Ok(start) }
    };
    let participant = join.participant.clone();
    let outbox = state.location.outbox();
    let joined = registry.join(&room.identity, join, outbox.clone(), load);
    let (handle, Entered::In(view)) = joined.await? else {
        return Err(ErrorCode::ServerInternal.into());
    };
    let membership = Membership {
        room: room.identity,
        key: RoomKey::NONE,
        participant,
        handle,
        outbox,
    };
    state.location.move_to(membership, Place::Inside);
    Ok(room_view::joined(*view))
}

/// A room without an owner, in which one only sends and receives. Nothing of it is stored.
///
/// # Errors
/// None that can happen.
pub fn facts(room: &CheckRoom) -> Result<object::Room, WireError> {
    let internal = |_| WireError::from(ErrorCode::ServerInternal);
    let nobody = DisplayName::parse("Connection check").map_err(internal)?;
    let permissions = Permissions {
        unmute: true,
        camera: true,
        screen: true,
        chat: false,
        private_chat: false,
        files: false,
        rename: false,
        react: false,
    };
    Ok(object::Room {
        identity: room.identity.clone(),
        number: None,
        name: RoomName::parse("Connection check").map_err(internal)?,
        begin_at: None,
        end_at: Some(room.until),
        owner: people::guest(UserId::random(), nobody),
        state: RoomState::Open,
        locked: false,
        has_password: false,
        lobby: false,
        waiting: WhoWaits::Nobody,
        guests: true,
        start_muted: false,
        start_camera_off: false,
        topology: Topology::Sfu,
        max_participants: SESSIONS,
        participants: 0,
        permissions,
        history: HistoryAccess::Joined,
        hide_number: true,
        early_ms: 0,
        ends_on_time: true,
        recurrence: None,
        time_zone: None,
        next: None,
        permanent: false,
        version: 1,
        created_at: room.since,
    })
}

fn start(facts: object::Room) -> Start {
    Start {
        topology: facts.topology,
        room: Room::new(facts, None, Chat::default(), Vec::new()),
        history: Box::new(|_| {}),
        origin: Origin::Memory,
        safe: None,
    }
}
