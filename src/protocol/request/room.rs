//! Rooms: making, finding, entering, governing them from outside.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::never_null;
use crate::protocol::ids::{InviteId, ParticipantId, RoomIdentity, UserId};
use crate::protocol::object::{
    Action, Attendance, Ban, ChatMessage, HistoryAccess, IceServer, Invite, Participant,
    Permissions, PermissionsChange, Role, Room, Timer, Topology, Waiting, WhoWaits,
};
use crate::protocol::patch::Patch;
use crate::protocol::text::{DisplayName, Password, RoomName};
use crate::protocol::time::Timestamp;
use crate::protocol::time_zone::TimeZone;

shapes! {
    /// Data of `room.create`.
    struct RoomCreate {
        /// What it is called.
        name: RoomName,
        /// When it begins.
        #[serde(default)] #[ts(optional = nullable)]
        begin_at: Option<Timestamp>,
        /// When it ends; after `begin_at`.
        #[serde(default)] #[ts(optional = nullable)]
        end_at: Option<Timestamp>,
        /// What newcomers must know.
        #[serde(default)] #[ts(optional = nullable)]
        password: Option<Password>,
        /// Everyone waits, or nobody; `waiting` goes before it.
        #[serde(default)] #[ts(optional = nullable)]
        lobby: Option<bool>,
        /// Who waits until a host lets them in; nobody when left out.
        #[serde(default)] #[ts(optional = nullable)]
        waiting: Option<WhoWaits>,
        /// False: accounts only. True when left out.
        #[serde(default)] #[ts(optional = nullable)]
        guests: Option<bool>,
        /// Members come in muted.
        #[serde(default)] #[ts(optional = nullable)]
        start_muted: Option<bool>,
        /// Members come in with their camera off.
        #[serde(default)] #[ts(optional = nullable)]
        start_camera_off: Option<bool>,
        /// Nobody comes in.
        #[serde(default)] #[ts(optional = nullable)]
        locked: Option<bool>,
        /// 1 to 1000.
        #[serde(default)] #[ts(optional = nullable)]
        max_participants: Option<u32>,
        /// How media travels.
        #[serde(default)] #[ts(optional = nullable)]
        topology: Option<Topology>,
        /// What members may do.
        #[serde(default)] #[ts(optional = nullable)]
        permissions: Option<PermissionsChange>,
        /// What newcomers may read of the chat.
        #[serde(default)] #[ts(optional = nullable)]
        history: Option<HistoryAccess>,
        /// The number is shown to nobody and finds nothing.
        #[serde(default)] #[ts(optional = nullable)]
        hide_number: Option<bool>,
        /// How long before `begin_at` people may come in; at most a day, 10 minutes when left out.
        #[serde(default)] #[ts(optional = nullable, type = "number")]
        early_ms: Option<u64>,
        /// The meeting ends at `end_at`, whoever is in it.
        #[serde(default)] #[ts(optional = nullable)]
        ends_on_time: Option<bool>,
        /// How the meeting comes again: a recurrence rule (RFC 5545 §3.3.10); needs `begin_at` and `end_at`.
        #[serde(default)] #[ts(optional = nullable)]
        recurrence: Option<String>,
        /// On whose clocks `recurrence` is counted: an IANA name such as `Europe/Berlin`; UTC when left out.
        #[serde(default)] #[ts(optional = nullable)]
        time_zone: Option<TimeZone>,
        /// False: once its meeting is over, it is over for good. True when left out.
        #[serde(default)] #[ts(optional = nullable)]
        permanent: Option<bool>,
    }
    /// Data of `room.edit`: absent is unchanged, null is cleared: what has a default goes back to it.
    struct RoomEdit {
        /// Which room.
        identity: String,
        /// The version that the edit was made from.
        #[serde(default)] #[ts(optional = nullable, type = "number")]
        version: Option<u64>,
        /// A new name.
        #[serde(default, deserialize_with = "never_null")] #[ts(optional)]
        name: Option<RoomName>,
        /// A new beginning.
        #[serde(default)] #[ts(as = "Option<Timestamp>", optional = nullable)]
        begin_at: Patch<Timestamp>,
        /// A new end.
        #[serde(default)] #[ts(as = "Option<Timestamp>", optional = nullable)]
        end_at: Patch<Timestamp>,
        /// A new password.
        #[serde(default)] #[ts(as = "Option<Password>", optional = nullable)]
        password: Patch<Password>,
        /// Everyone waits, or nobody; `waiting` goes before it.
        #[serde(default)] #[ts(as = "Option<bool>", optional = nullable)]
        lobby: Patch<bool>,
        /// Who waits until a host lets them in. Those who wait and need not any more are let in.
        #[serde(default)] #[ts(as = "Option<WhoWaits>", optional = nullable)]
        waiting: Patch<WhoWaits>,
        /// False: accounts only. Guests who are in stay; those who wait are sent away.
        #[serde(default)] #[ts(as = "Option<bool>", optional = nullable)]
        guests: Patch<bool>,
        /// Members come in muted.
        #[serde(default)] #[ts(as = "Option<bool>", optional = nullable)]
        start_muted: Patch<bool>,
        /// Members come in with their camera off.
        #[serde(default)] #[ts(as = "Option<bool>", optional = nullable)]
        start_camera_off: Patch<bool>,
        /// Nobody comes in.
        #[serde(default)] #[ts(as = "Option<bool>", optional = nullable)]
        locked: Patch<bool>,
        /// 1 to 1000.
        #[serde(default)] #[ts(as = "Option<u32>", optional = nullable)]
        max_participants: Patch<u32>,
        /// How media travels, from the next meeting on.
        #[serde(default)] #[ts(as = "Option<Topology>", optional = nullable)]
        topology: Patch<Topology>,
        /// What members may do.
        #[serde(default)] #[ts(as = "Option<PermissionsChange>", optional = nullable)]
        permissions: Patch<PermissionsChange>,
        /// What newcomers may read of the chat.
        #[serde(default)] #[ts(as = "Option<HistoryAccess>", optional = nullable)]
        history: Patch<HistoryAccess>,
        /// The number is shown to nobody and finds nothing.
        #[serde(default)] #[ts(as = "Option<bool>", optional = nullable)]
        hide_number: Patch<bool>,
        /// How long before `begin_at` people may come in; at most a day.
        #[serde(default)] #[ts(optional = nullable, type = "number")]
        early_ms: Patch<u64>,
        /// The meeting ends at `end_at`, whoever is in it.
        #[serde(default)] #[ts(as = "Option<bool>", optional = nullable)]
        ends_on_time: Patch<bool>,
        /// How the meeting comes again: a recurrence rule (RFC 5545 §3.3.10).
        #[serde(default)] #[ts(as = "Option<String>", optional = nullable)]
        recurrence: Patch<String>,
        /// On whose clocks `recurrence` is counted: an IANA name.
        #[serde(default)] #[ts(as = "Option<TimeZone>", optional = nullable)]
        time_zone: Patch<TimeZone>,
        /// False: once its meeting is over, it is over for good.
        #[serde(default)] #[ts(as = "Option<bool>", optional = nullable)]
        permanent: Patch<bool>,
    }
    /// Data of `room.delete`.
    struct RoomDelete {
        /// Which room.
        identity: String,
    }
    /// Data of `room.list`.
    struct RoomList {
        /// From 1.
        #[serde(default = "first_page")] #[ts(optional, as = "Option<u32>")]
        page: u32,
        /// 1 to 100.
        #[serde(default = "default_size")] #[ts(optional, as = "Option<u32>")]
        size: u32,
        /// Part of the name; `%` and `_` mean themselves.
        #[serde(default)] #[ts(optional = nullable)]
        keyword: Option<String>,
        /// Which rooms.
        #[serde(default)] #[ts(optional, as = "Option<Scope>")]
        scope: Scope,
    }
    /// Data of `room.get`.
    struct RoomGet {
        /// The room's identity or number.
        identity: String,
    }
    /// Data of `room.roster`.
    struct RoomRoster {
        /// The room's identity.
        identity: String,
    }
    /// Data of `room.join`.
    struct RoomJoin {
        /// The room's identity or number.
        identity: String,
        /// The room's password. A wrong one with a number answers `room.not_found`, as the number of no room does.
        #[serde(default)] #[ts(optional = nullable)]
        password: Option<Password>,
        /// What to be called in this meeting.
        #[serde(default)] #[ts(optional = nullable)]
        display_name: Option<DisplayName>,
        /// The token of an invite link: comes in without password and waiting, in the role that it gives.
        #[serde(default)] #[ts(optional = nullable)]
        invite: Option<String>,
    }
    /// Data of `room.attendance`.
    struct RoomAttendance {
        /// The room's identity.
        identity: String,
        /// From 1.
        #[serde(default = "first_page")] #[ts(optional, as = "Option<u32>")]
        page: u32,
        /// 1 to 1000.
        #[serde(default = "default_attendance")] #[ts(optional, as = "Option<u32>")]
        size: u32,
    }
    /// Data of `room.bans`.
    struct RoomBans {
        /// The room's identity.
        identity: String,
    }
    /// Data of `room.unban`, which lifts a ban as well as a refusal at the door.
    struct RoomUnban {
        /// The room's identity.
        identity: String,
        /// Who may come, or knock, again.
        user: UserId,
    }
    /// Data of `invite.create`.
    struct InviteCreate {
        /// The room's identity.
        identity: String,
        /// What whoever follows the link becomes; a member when left out. Never more than oneself is.
        #[serde(default)] #[ts(optional = nullable)]
        role: Option<Role>,
        /// What the link is for, for those who manage links.
        #[serde(default)] #[ts(optional = nullable)]
        name: Option<RoomName>,
        /// Until when it works.
        #[serde(default)] #[ts(optional = nullable)]
        expires_at: Option<Timestamp>,
        /// How many people it lets in: 1 to 10000. One person who comes again counts once.
        #[serde(default)] #[ts(optional = nullable)]
        max_uses: Option<u32>,
    }
    /// Data of `invite.list`.
    struct InviteList {
        /// The room's identity.
        identity: String,
    }
    /// Data of `invite.revoke`.
    struct InviteRevoke {
        /// The room's identity.
        identity: String,
        /// Which invite.
        invite: InviteId,
    }
    /// Data of `check.begin`.
    struct CheckBegin {}
    /// Data of `room.leave`.
    struct RoomLeave {}
    /// Data of `room.end`.
    struct RoomEnd {}
}

answers! {
    /// Answer with one room.
    struct RoomAnswer {
        /// As it is now.
        room: Room,
    }
    /// Answer to `room.list`.
    struct RoomPage {
        /// This page, the newest first.
        rooms: Vec<Room>,
        /// How many there are on all pages.
        #[ts(type = "number")]
        total: u64,
    }
    /// Answer to `room.roster`.
    struct Roster {
        /// In order of joining.
        participants: Vec<Participant>,
    }
    /// Answer to `room.join`.
    struct Joined {
        /// The room.
        room: Room,
        /// Oneself in it.
        #[serde(rename = "self")]
        me: Participant,
        /// Everyone in order of joining, oneself included.
        participants: Vec<Participant>,
        /// What oneself may do, as far as the room's permissions decide it.
        permissions: Permissions,
        /// Everything that oneself may do now.
        actions: Vec<Action>,
        /// Who waits to be let in; empty for those who may not let in.
        lobby: Vec<Waiting>,
        /// Whom everyone is shown large.
        spotlight: Vec<ParticipantId>,
        /// The timer that runs.
        timer: Option<Timer>,
        /// For peer-to-peer connections.
        ice_servers: Vec<IceServer>,
        /// The last messages, oldest first.
        chat: Vec<ChatMessage>,
    }
    /// Answer to `room.attendance`.
    struct AttendancePage {
        /// This page, the newest stay first.
        attendance: Vec<Attendance>,
        /// How many there are on all pages.
        #[ts(type = "number")]
        total: u64,
    }
    /// Answer to `room.bans`.
    struct Bans {
        /// The newest first.
        bans: Vec<Ban>,
    }
    /// Answer to `invite.create`.
    struct InviteMade {
        /// The invite.
        invite: Invite,
        /// What the link carries, `/r/<identity>#invite=<token>`; it is shown this once.
        token: String,
    }
    /// Answer to `invite.list`.
    struct Invites {
        /// Those that still work, the newest first.
        invites: Vec<Invite>,
    }
    /// Answer to `check.begin`.
    struct CheckRoom {
        /// A room for this session's user alone, for two minutes: join it from two sessions, publish from one and
        /// receive in the other.
        identity: RoomIdentity,
    }
}

fn first_page() -> u32 {
    1
}
fn default_size() -> u32 {
    20
}
fn default_attendance() -> u32 {
    100
}

/// Which rooms a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One's own.
    #[default]
    Mine,
    /// Those one has been in.
    Joined,
    /// Those that everyone may find.
    Public,
}
