//! The settings of a room, between the wire and the store.

use crate::network::Network;
use crate::protocol::error::WireError;
use crate::protocol::object::{HistoryAccess, Topology, WhoWaits};
use crate::protocol::patch::Patch;
use crate::protocol::request::{RoomCreate, RoomEdit};
use crate::protocol::text::Password;
use crate::sessions::services::Rooms;
use crate::store::{self, DEFAULT_CAPACITY, DEFAULT_EARLY_MS, PasswordHash, RoomSettings};

/// How many people a room can take at most.
const MAX_CAPACITY: u32 = 1_000;
/// How long before its beginning a meeting can be open at most: a day, in milliseconds.
const MAX_EARLY_MS: u64 = 86_400_000;

/// The settings of a new room.
///
/// # Errors
/// `protocol.bad_field`; `rate.limited` when many rooms were given passwords from here; `server.busy` when too many
/// passwords are hashed already.
pub async fn of_new(
    rooms: &Rooms,
    address: Network,
    data: RoomCreate,
) -> Result<RoomSettings, WireError> {
    check(data.max_participants, data.early_ms)?;
    let password = match data.password {
        Some(password) => hashed(rooms, address, &password).await?,
        None => None,
    };
    let usual = RoomSettings::new(data.name);
    Ok(RoomSettings {
        begin_at: data.begin_at,
        end_at: data.end_at,
        password,
        locked: data.locked.unwrap_or(usual.locked),
        waiting: data
            .waiting
            .or(data.lobby.map(WhoWaits::from))
            .unwrap_or(usual.waiting),
        guests: data.guests.unwrap_or(usual.guests),
        start_muted: data.start_muted.unwrap_or(usual.start_muted),
        start_camera_off: data.start_camera_off.unwrap_or(usual.start_camera_off),
        topology: data.topology.unwrap_or(usual.topology),
        max_participants: data.max_participants.unwrap_or(usual.max_participants),
        permissions: data
            .permissions
            .unwrap_or_default()
            .applied_to(usual.permissions),
        history: data.history.unwrap_or(usual.history),
        hide_number: data.hide_number.unwrap_or(usual.hide_number),
        early_ms: data.early_ms.unwrap_or(usual.early_ms),
        ends_on_time: data.ends_on_time.unwrap_or(usual.ends_on_time),
        recurrence: data.recurrence,
        time_zone: data.time_zone,
        permanent: data.permanent.unwrap_or(usual.permanent),
        ..usual
    })
}

/// What an edit changes.
///
/// # Errors
/// As [`of_new`].
pub async fn of_edit(
    rooms: &Rooms,
    address: Network,
    data: RoomEdit,
) -> Result<store::RoomEdit, WireError> {
    let max_participants = data.max_participants.or_default(DEFAULT_CAPACITY);
    let early_ms = data.early_ms.or_default(DEFAULT_EARLY_MS);
    check(max_participants, early_ms)?;
    let password = match data.password {
        Patch::Keep => Patch::Keep,
        Patch::Clear => Patch::Clear,
        Patch::Set(password) => hashed(rooms, address, &password)
            .await?
            .map_or(Patch::Clear, Patch::Set),
    };
    Ok(store::RoomEdit {
        name: data.name,
        begin_at: data.begin_at,
        end_at: data.end_at,
        password,
        locked: data.locked.or_default(false),
        waiting: match data.waiting {
            // A client that knows only `lobby`.
            Patch::Keep => data.lobby.map(WhoWaits::from),
            waiting => waiting,
        }
        .or_default(WhoWaits::default()),
        guests: data.guests.or_default(true),
        start_muted: data.start_muted.or_default(false),
        start_camera_off: data.start_camera_off.or_default(false),
        topology: data.topology.or_default(Topology::default()),
        max_participants,
        permissions: data.permissions,
        history: data.history.or_default(HistoryAccess::default()),
        hide_number: data.hide_number.or_default(false),
        early_ms,
        ends_on_time: data.ends_on_time.or_default(false),
        recurrence: data.recurrence,
        time_zone: data.time_zone,
        permanent: data.permanent.or_default(true),
    })
}

fn check(max_participants: Option<u32>, early_ms: Option<u64>) -> Result<(), WireError> {
    if max_participants.is_some_and(|asked| !(1..=MAX_CAPACITY).contains(&asked)) {
        return Err(WireError::bad_field(
            "data.max_participants",
            "must be from 1 to 1000",
        ));
    }
    if early_ms.is_some_and(|asked| asked > MAX_EARLY_MS) {
        return Err(WireError::bad_field(
            "data.early_ms",
            "must be at most 86400000",
        ));
    }
    Ok(())
}

/// The hash of a room's password. An empty password counts as none.
async fn hashed(
    rooms: &Rooms,
    address: Network,
    password: &Password,
) -> Result<Option<PasswordHash>, WireError> {
    if password.reveal().is_empty() {
        return Ok(None);
    }
    if password.is_too_long() {
        return Err(WireError::bad_field(
            "data.password",
            "must be at most 1024 bytes long",
        ));
    }
    rooms
        .attempts
        .check_setting_room_password(address)
        .map_err(|after| after.wire())?;
    let hash = rooms
        .passwords
        .hash(address, password)
        .await
        .map_err(|error| error.wire())?;
    Ok(Some(PasswordHash::new(hash)))
}
