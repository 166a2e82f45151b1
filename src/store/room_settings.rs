//! The settings of rooms, and edits of them.

use super::{PasswordHash, StoreError, StoredRoom};
use crate::meeting::schedule;
use crate::protocol::object::{HistoryAccess, Permissions, PermissionsChange, Topology, WhoWaits};
use crate::protocol::patch::Patch;
use crate::protocol::text::RoomName;
use crate::protocol::time::Timestamp;
use crate::protocol::time_zone::TimeZone;

/// The default capacity of a room.
pub const DEFAULT_CAPACITY: u32 = 100;
/// By default, a meeting opens this long before its begin, in milliseconds.
pub const DEFAULT_EARLY_MS: u64 = 600_000;

/// The settings of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomSettings {
    /// The name.
    pub name: RoomName,
    /// When it is planned to begin.
    pub begin_at: Option<Timestamp>,
    /// When it is planned to end; after `begin_at`.
    pub end_at: Option<Timestamp>,
    /// Of the password that newcomers must know.
    pub password: Option<PasswordHash>,
    /// The room is locked for newcomers.
    pub locked: bool,
    /// Who waits until a host lets them in.
    pub waiting: WhoWaits,
    /// Guests come in as well.
    pub guests: bool,
    /// Members come in muted.
    pub start_muted: bool,
    /// Members come in with their camera off.
    pub start_camera_off: bool,
    /// How media travels.
    pub topology: Topology,
    /// The most participants at one time.
    pub max_participants: u32,
    /// What members may do.
    pub permissions: Permissions,
    /// What newcomers may read of the chat.
    pub history: HistoryAccess,
    /// The number is shown to nobody and finds nothing.
    pub hide_number: bool,
    /// How long before its beginning people may come in, in milliseconds.
    pub early_ms: u64,
    /// The meeting ends at its planned end, even if people are in it.
    pub ends_on_time: bool,
    /// The recurrence rule of the meeting (RFC 5545 §3.3.10), checked by [`schedule::check`].
    pub recurrence: Option<String>,
    /// The time zone of `recurrence`. None means UTC.
    pub time_zone: Option<TimeZone>,
    /// False: once its meeting is over, it is over for good.
    pub permanent: bool,
}

impl RoomSettings {
    /// The default settings.
    pub fn new(name: RoomName) -> Self {
        Self {
            name,
            begin_at: None,
            end_at: None,
            password: None,
            locked: false,
            waiting: WhoWaits::default(),
            guests: true,
            start_muted: false,
            start_camera_off: false,
            topology: Topology::default(),
            max_participants: DEFAULT_CAPACITY,
            permissions: Permissions::default(),
            history: HistoryAccess::default(),
            hide_number: false,
            early_ms: DEFAULT_EARLY_MS,
            ends_on_time: false,
            recurrence: None,
            time_zone: None,
            permanent: true,
        }
    }
}

/// An edit: `None` and [`Patch::Keep`] leave a field as it is.
///
/// Setting `begin_at`, `end_at` or `recurrence` plans the meeting anew. A room that was ended opens again, unless it is
/// for one meeting only.
#[derive(Debug, Clone, Default)]
pub struct RoomEdit {
    /// A new name.
    pub name: Option<RoomName>,
    /// A new beginning.
    pub begin_at: Patch<Timestamp>,
    /// A new end.
    pub end_at: Patch<Timestamp>,
    /// A new password.
    pub password: Patch<PasswordHash>,
    /// The room is locked for newcomers.
    pub locked: Option<bool>,
    /// Who waits until a host lets them in.
    pub waiting: Option<WhoWaits>,
    /// Guests come in as well.
    pub guests: Option<bool>,
    /// Members come in muted.
    pub start_muted: Option<bool>,
    /// Members come in with their camera off.
    pub start_camera_off: Option<bool>,
    /// How media travels.
    pub topology: Option<Topology>,
    /// The most participants at one time.
    pub max_participants: Option<u32>,
    /// The change of the permissions of members, applied to those that hold at the time of the edit.
    pub permissions: Patch<PermissionsChange>,
    /// What newcomers may read of the chat.
    pub history: Option<HistoryAccess>,
    /// The number is shown to nobody and finds nothing.
    pub hide_number: Option<bool>,
    /// How long before its beginning people may come in, in milliseconds.
    pub early_ms: Option<u64>,
    /// The meeting ends at its planned end.
    pub ends_on_time: Option<bool>,
    /// The recurrence rule of the meeting.
    pub recurrence: Patch<String>,
    /// The time zone of the rule.
    pub time_zone: Patch<TimeZone>,
    /// False: once its meeting is over, it is over for good.
    pub permanent: Option<bool>,
}

impl RoomEdit {
    /// Whether it changes the times. A room that was taken over may end before it begins, and can still be renamed.
    pub(super) fn plans(&self) -> bool {
        self.begin_at != Patch::Keep
            || self.end_at != Patch::Keep
            || self.recurrence != Patch::Keep
            || self.time_zone != Patch::Keep
    }

    /// The room as it is then.
    pub(super) fn apply(self, mut room: StoredRoom) -> StoredRoom {
        let is_planned_anew = matches!(self.begin_at, Patch::Set(_))
            || matches!(self.end_at, Patch::Set(_))
            || matches!(self.recurrence, Patch::Set(_));
        let settings = &mut room.settings;
        self.begin_at.apply(&mut settings.begin_at);
        self.end_at.apply(&mut settings.end_at);
        self.password.apply(&mut settings.password);
        set(&mut settings.name, self.name);
        set(&mut settings.locked, self.locked);
        set(&mut settings.waiting, self.waiting);
        set(&mut settings.guests, self.guests);
        set(&mut settings.start_muted, self.start_muted);
        set(&mut settings.start_camera_off, self.start_camera_off);
        set(&mut settings.topology, self.topology);
        set(&mut settings.max_participants, self.max_participants);
        match self.permissions {
            Patch::Keep => {}
            Patch::Clear => settings.permissions = Permissions::default(),
            Patch::Set(change) => settings.permissions = change.applied_to(settings.permissions),
        }
        set(&mut settings.history, self.history);
        set(&mut settings.hide_number, self.hide_number);
        set(&mut settings.early_ms, self.early_ms);
        set(&mut settings.ends_on_time, self.ends_on_time);
        self.recurrence.apply(&mut settings.recurrence);
        self.time_zone.apply(&mut settings.time_zone);
        set(&mut settings.permanent, self.permanent);
        if is_planned_anew && settings.permanent {
            room.ended_at = None;
        }
        room
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// Checks that the times fit together, and puts the rule into its stored form.
pub(super) fn check(settings: &mut RoomSettings) -> Result<(), StoreError> {
    match (settings.begin_at, settings.end_at) {
        (Some(begin), Some(end)) if end <= begin => return Err(StoreError::EndsBeforeBegin),
        _ => {}
    }
    let zone = settings.time_zone.unwrap_or_default();
    if let Some(rule) = &mut settings.recurrence {
        *rule = schedule::check(settings.begin_at, settings.end_at, zone, rule)?;
    }
    Ok(())
}
