//! Between the rows of rooms and [`StoredRoom`].

use entity::room_basic::{ActiveModel, Model};
use entity::user_basic;
use sea_orm::ActiveValue::Set;

use super::names::search_key;
use super::row::{column, made, name, named, parsed, stamp};
use super::{PasswordHash, RoomKey, RoomSettings, StoreError, StoredRoom, StoredUser};
use crate::protocol::text::RoomName;

/// A version as its column takes it.
pub(super) fn signed(version: u64) -> Result<i64, StoreError> {
    i64::try_from(version).map_err(|_| StoreError::Corrupt("room version"))
}

/// The settings of a room as columns.
pub(super) fn columns(settings: &RoomSettings) -> Result<ActiveModel, StoreError> {
    let permissions = serde_json::to_string(&settings.permissions)
        .map_err(|_| StoreError::Corrupt("permissions"))?;
    let max_participants = i32::try_from(settings.max_participants)
        .map_err(|_| StoreError::Corrupt("room max_participants"))?;
    let early_ms =
        i64::try_from(settings.early_ms).map_err(|_| StoreError::Corrupt("room early_ms"))?;
    Ok(ActiveModel {
        name: Set(settings.name.as_str().to_owned()),
        name_key: Set(Some(search_key(settings.name.as_str()))),
        begin_at: Set(settings.begin_at.map(column)),
        end_at: Set(settings.end_at.map(column)),
        password: Set(settings
            .password
            .as_ref()
            .map(|hash| hash.reveal().to_owned())),
        locked: Set(settings.locked),
        // Older servers on this database read this column.
        lobby: Set(settings.waiting.is_on()),
        waiting: Set(name(&settings.waiting)?),
        guests: Set(settings.guests),
        start_muted: Set(settings.start_muted),
        start_camera_off: Set(settings.start_camera_off),
        topology: Set(name(&settings.topology)?),
        max_participants: Set(max_participants),
        permissions: Set(permissions),
        history: Set(name(&settings.history)?),
        hide_number: Set(settings.hide_number),
        early_ms: Set(early_ms),
        ends_on_time: Set(settings.ends_on_time),
        recurrence: Set(settings.recurrence.clone()),
        time_zone: Set(settings.time_zone.map(|zone| zone.name().to_owned())),
        permanent: Set(settings.permanent),
        ..Default::default()
    })
}

/// The room of a row and the row of its owner. None if the owner is missing.
pub(super) fn room_with_owner(
    rows: (Model, Option<user_basic::Model>),
) -> Result<Option<StoredRoom>, StoreError> {
    let (row, owner) = rows;
    owner.map(|owner| room(row, owner.try_into()?)).transpose()
}

/// The room of a row.
pub(super) fn room(row: Model, owner: StoredUser) -> Result<StoredRoom, StoreError> {
    let number = row.number.ok_or(StoreError::Corrupt("room number"))?;
    Ok(StoredRoom {
        key: RoomKey(row.id.0),
        identity: parsed(row.identity, "room identity")?,
        owner,
        settings: RoomSettings {
            name: shown_name(&row.name, &number)?,
            begin_at: row.begin_at.map(stamp),
            end_at: row.end_at.map(stamp),
            password: row.password.map(PasswordHash::new),
            locked: row.locked,
            waiting: named(&row.waiting, "room waiting")?,
            guests: row.guests,
            start_muted: row.start_muted,
            start_camera_off: row.start_camera_off,
            topology: named(&row.topology, "room topology")?,
            max_participants: u32::try_from(row.max_participants)
                .map_err(|_| StoreError::Corrupt("room max_participants"))?,
            permissions: serde_json::from_str(&row.permissions)
                .map_err(|_| StoreError::Corrupt("room permissions"))?,
            history: named(&row.history, "room history")?,
            hide_number: row.hide_number,
            early_ms: u64::try_from(row.early_ms)
                .map_err(|_| StoreError::Corrupt("room early_ms"))?,
            ends_on_time: row.ends_on_time,
            recurrence: row.recurrence,
            time_zone: (row.time_zone)
                .map(|zone| parsed(zone, "room time zone"))
                .transpose()?,
            permanent: row.permanent,
        },
        version: u64::try_from(row.version).map_err(|_| StoreError::Corrupt("room version"))?,
        ended_at: row.ended_at.map(stamp),
        created_at: made(row.created_at),
        number,
    })
}

/// The name, cut if it is too long. Tables that were taken over also have empty names.
pub(super) fn shown_name(name: &str, number: &str) -> Result<RoomName, StoreError> {
    let shown = RoomName::cut(name).or_else(|| RoomName::cut(number));
    shown.ok_or(StoreError::Corrupt("room name"))
}
