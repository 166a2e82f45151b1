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
        /// The room's name.
        name: RoomName,
        /// When the meeting is planned to begin.
        #[serde(default)] #[ts(optional = nullable)]
        begin_at: Option<Timestamp>,
        /// When it is planned to end: after `begin_at`.
        #[serde(default)] #[ts(optional = nullable)]
        end_at: Option<Timestamp>,
        /// The password that newcomers must know. None when left out.
        #[serde(default)] #[ts(optional = nullable)]
        password: Option<Password>,
        /// True: everybody waits. False: nobody does. `waiting` counts more.
        #[serde(default)] #[ts(optional = nullable)]
        lobby: Option<bool>,
        /// Who waits until a host lets them in. Nobody when left out.
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
        /// True: nobody new comes in.
        #[serde(default)] #[ts(optional = nullable)]
        locked: Option<bool>,
        /// How many people may be in at once: 1 to 1000.
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
        /// True: the number is shown to nobody, and finds nothing.
        #[serde(default)] #[ts(optional = nullable)]
        hide_number: Option<bool>,
        /// How long before `begin_at` people may come in: at most a day. 10 minutes when left out.
        #[serde(default)] #[ts(optional = nullable, type = "number")]
        early_ms: Option<u64>,
        /// True: the meeting ends at `end_at`, even while people are in it.
        #[serde(default)] #[ts(optional = nullable)]
        ends_on_time: Option<bool>,
        /// How the meeting comes again: a recurrence rule (RFC 5545 §3.3.10). It needs `begin_at` and `end_at`.
        #[serde(default)] #[ts(optional = nullable)]
        recurrence: Option<String>,
        /// On whose clocks `recurrence` is counted: an IANA name such as `Europe/Berlin`. UTC when left out.
        #[serde(default)] #[ts(optional = nullable)]
        time_zone: Option<TimeZone>,
        /// False: once its meeting is over, the room never opens again. True when left out.
        #[serde(default)] #[ts(optional = nullable)]
        permanent: Option<bool>,
    }
    /// Data of `room.edit`: absent is unchanged, null is cleared: what has a default goes back to it.
    struct RoomEdit {
        /// The room's identity or number.
        identity: String,
        /// The version that the edit was made from. An older one is refused with `room.conflict`.
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
        /// True: everybody waits. False: nobody does. `waiting` counts more.
        #[serde(default)] #[ts(as = "Option<bool>", optional = nullable)]
        lobby: Patch<bool>,
        /// Who waits until a host lets them in. Those who wait and need not wait any more are let in.
        #[serde(default)] #[ts(as = "Option<WhoWaits>", optional = nullable)]
        waiting: Patch<WhoWaits>,
        /// False: accounts only. Guests who are in stay. Guests who wait are sent away.
        #[serde(default)] #[ts(as = "Option<bool>", optional = nullable)]
        guests: Patch<bool>,
        /// Members come in muted.
        #[serde(default)] #[ts(as = "Option<bool>", optional = nullable)]
        start_muted: Patch<bool>,
        /// Members come in with their camera off.
        #[serde(default)] #[ts(as = "Option<bool>", optional = nullable)]
        start_camera_off: Patch<bool>,
        /// True: nobody new comes in.
        #[serde(default)] #[ts(as = "Option<bool>", optional = nullable)]
        locked: Patch<bool>,
        /// How many people may be in at once: 1 to 1000.
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
        /// True: the number is shown to nobody, and finds nothing.
        #[serde(default)] #[ts(as = "Option<bool>", optional = nullable)]
        hide_number: Patch<bool>,
        /// How long before `begin_at` people may come in; at most a day.
        #[serde(default)] #[ts(optional = nullable, type = "number")]
        early_ms: Patch<u64>,
        /// True: the meeting ends at `end_at`, even while people are in it.
        #[serde(default)] #[ts(as = "Option<bool>", optional = nullable)]
        ends_on_time: Patch<bool>,
        /// How the meeting comes again: a recurrence rule (RFC 5545 §3.3.10).
        #[serde(default)] #[ts(as = "Option<String>", optional = nullable)]
        recurrence: Patch<String>,
        /// On whose clocks `recurrence` is counted: an IANA name.
        #[serde(default)] #[ts(as = "Option<TimeZone>", optional = nullable)]
        time_zone: Patch<TimeZone>,
        /// False: once its meeting is over, the room never opens again.
        #[serde(default)] #[ts(as = "Option<bool>", optional = nullable)]
        permanent: Patch<bool>,
    }
    /// Data of `room.delete`.
    struct RoomDelete {
        /// The room's identity or number.
        identity: String,
    }
    /// Data of `room.list`.
    struct RoomList {
        /// The page, from 1.
        #[serde(default = "first_page")] #[ts(optional, as = "Option<u32>")]
        page: u32,
        /// Rooms on a page: 1 to 100.
        #[serde(default = "default_size")] #[ts(optional, as = "Option<u32>")]
        size: u32,
        /// A part of the name. `%` and `_` mean themselves.
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
        /// The room's password. A wrong one together with a number is refused with `room.not_found`, like the number
        /// of no room.
        #[serde(default)] #[ts(optional = nullable)]
        password: Option<Password>,
        /// Your name in this meeting. The name of your account or log-in when left out.
        #[serde(default)] #[ts(optional = nullable)]
        display_name: Option<DisplayName>,
        /// The token of an invite link. It lets you in without the password and past the waiting room, in the role
        /// that the link gives.
        #[serde(default)] #[ts(optional = nullable)]
        invite: Option<String>,
    }
    /// Data of `room.attendance`.
    struct RoomAttendance {
        /// The room's identity.
        identity: String,
        /// The page, from 1.
        #[serde(default = "first_page")] #[ts(optional, as = "Option<u32>")]
        page: u32,
        /// Entries on a page: 1 to 1000.
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
        /// The person who may come in, or knock, again.
        user: UserId,
    }
    /// Data of `invite.create`.
    struct InviteCreate {
        /// The room's identity.
        identity: String,
        /// The role of those who follow the link: `member` when left out. It cannot be higher than your own.
        #[serde(default)] #[ts(optional = nullable)]
        role: Option<Role>,
        /// A name for the link, for those who manage links.
        #[serde(default)] #[ts(optional = nullable)]
        name: Option<RoomName>,
        /// When the link stops working.
        #[serde(default)] #[ts(optional = nullable)]
        expires_at: Option<Timestamp>,
        /// How many people the link lets in: 1 to 10000. One person who comes again counts once.
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
        /// The invite's id.
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
        /// The room as it is now.
        room: Room,
    }
    /// Answer to `room.list`.
    struct RoomPage {
        /// The rooms of this page, the newest first.
        rooms: Vec<Room>,
        /// How many rooms there are on all pages.
        #[ts(type = "number")]
        total: u64,
        /// When one was last in those of them that one has been in, and as what. Only for the scope `joined`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")] #[schemars(default)] #[ts(optional, as = "Option<Vec<Visit>>")]
        visits: Vec<Visit>,
    }
    /// One's last membership in a room.
    struct Visit {
        /// The room.
        room: RoomIdentity,
        /// As what one came in.
        role: Role,
        /// When. Null where an older system did not write it.
        joined_at: Option<Timestamp>,
        /// When one left. Null while one is in.
        left_at: Option<Timestamp>,
    }
    /// Answer to `room.roster`.
    struct Roster {
        /// The participants in the order of joining.
        participants: Vec<Participant>,
    }
    /// Answer to `room.join`.
    struct Joined {
        /// The room.
        room: Room,
        /// You in the room.
        #[serde(rename = "self")]
        me: Participant,
        /// Everybody in the order of joining, you too.
        participants: Vec<Participant>,
        /// What you may do, as far as the room's permissions decide it.
        permissions: Permissions,
        /// Everything that you may do now.
        actions: Vec<Action>,
        /// Who waits to be let in. Empty when you may not let people in.
        lobby: Vec<Waiting>,
        /// Who is shown large to everybody.
        spotlight: Vec<ParticipantId>,
        /// The timer that runs.
        timer: Option<Timer>,
        /// STUN and TURN servers for each connection. Their credentials are good for an hour, while one is in.
        ice_servers: Vec<IceServer>,
        /// The last messages, the oldest first.
        chat: Vec<ChatMessage>,
    }
    /// Answer to `room.attendance`.
    struct AttendancePage {
        /// The entries of this page, the newest first.
        attendance: Vec<Attendance>,
        /// How many entries there are on all pages.
        #[ts(type = "number")]
        total: u64,
    }
    /// Answer to `room.bans`.
    struct Bans {
        /// The bans, the newest first.
        bans: Vec<Ban>,
    }
    /// Answer to `invite.create`.
    struct InviteMade {
        /// The invite.
        invite: Invite,
        /// What the link carries: `/r/<identity>#invite=<token>`. It is shown this once.
        token: String,
    }
    /// Answer to `invite.list`.
    struct Invites {
        /// The invites that still work, the newest first.
        invites: Vec<Invite>,
    }
    /// Answer to `check.begin`.
    struct CheckRoom {
        /// A room for you alone, for two minutes. Join it from two sessions, publish from one and receive in the
        /// other.
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
