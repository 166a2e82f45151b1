//! `meeting room`: rooms, beside a running server or without one.

use std::cmp::Reverse;

use serde::Serialize;

use super::Failure;
use super::output::{self, Format, Row};
use crate::protocol::ids::{RoomIdentity, UserId};
use crate::protocol::object::{HistoryAccess, Permissions, Role, Topology, WhoWaits};
use crate::protocol::text::{DisplayName, RoomName, Username};
use crate::protocol::time::Timestamp;
use crate::protocol::time_zone::TimeZone;
use crate::store::{Member, Store, StoreError, StoredRoom, is_room_number};

/// How many rooms one query reads.
const ROOMS_AT_ONCE: u64 = 500;

/// A room as it is printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedRoom {
    number: String,
    identity: RoomIdentity,
    owner: Username,
    created_at: Timestamp,
    ended_at: Option<Timestamp>,
    name: RoomName,
}

impl From<StoredRoom> for ListedRoom {
    fn from(room: StoredRoom) -> Self {
        Self {
            number: room.number,
            identity: room.identity,
            owner: room.owner.username,
            created_at: room.created_at,
            ended_at: room.ended_at,
            name: room.settings.name,
        }
    }
}

impl Row for ListedRoom {
    const HEADINGS: &'static [&'static str] =
        &["NUMBER", "IDENTITY", "CREATED", "ENDED", "OWNER", "NAME"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.number.clone(),
            self.identity.to_string(),
            self.created_at.to_string(),
            self.ended_at.map_or("-".to_owned(), |at| at.to_string()),
            self.owner.to_string(),
            self.name.to_string(),
        ]
    }
}

/// A room as it is printed alone.
#[derive(Debug, Serialize)]
struct ShownRoom {
    #[serde(flatten)]
    listed: ListedRoom,
    begin_at: Option<Timestamp>,
    end_at: Option<Timestamp>,
    has_password: bool,
    locked: bool,
    lobby: bool,
    waiting: WhoWaits,
    guests: bool,
    start_muted: bool,
    start_camera_off: bool,
    topology: Topology,
    max_participants: u32,
    permissions: Permissions,
    history: HistoryAccess,
    hide_number: bool,
    early_ms: u64,
    ends_on_time: bool,
    recurrence: Option<String>,
    time_zone: Option<TimeZone>,
    permanent: bool,
    version: u64,
    /// How many people are in it now.
    head_count: usize,
    members: Vec<ShownMember>,
}

/// A person who has been in a room, as they are printed.
#[derive(Debug, Serialize)]
struct ShownMember {
    user: UserId,
    display_name: DisplayName,
    role: Role,
    is_in: bool,
    first_joined_at: Option<Timestamp>,
    /// Scripts know it by this name.
    #[serde(rename = "stays")]
    visits: u64,
}

impl From<Member> for ShownMember {
    fn from(member: Member) -> Self {
        Self {
            user: member.user,
            display_name: member.display_name,
            role: member.role,
            is_in: member.is_in,
            first_joined_at: member.first_joined_at,
            visits: member.memberships,
        }
    }
}

impl Row for ShownMember {
    const HEADINGS: &'static [&'static str] =
        &["USER", "ROLE", "IN", "FIRST JOINED", "VISITS", "NAME"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.user.to_string(),
            role_name(self.role).to_owned(),
            yes_or_no(self.is_in).to_owned(),
            self.first_joined_at
                .map_or("-".to_owned(), |at| at.to_string()),
            self.visits.to_string(),
            self.display_name.to_string(),
        ]
    }
}

/// A role as it is printed and travels.
pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Host => "host",
        Role::Cohost => "cohost",
        Role::Member => "member",
    }
}

/// The printed name of a waiting-room setting. It is the wire name.
fn waiting_name(waiting: WhoWaits) -> &'static str {
    match waiting {
        WhoWaits::Nobody => "nobody",
        WhoWaits::Guests => "guests",
        WhoWaits::Everyone => "everyone",
    }
}

fn yes_or_no(answer: bool) -> &'static str {
    if answer { "yes" } else { "no" }
}

/// Prints one room with its members.
pub async fn show(store: &Store, identity: &str, format: Format) -> Result<(), Failure> {
    let room = find(store, identity).await?;
    let members = store.members(room.key).await.map_err(cannot_read)?;
    let members: Vec<ShownMember> = members.into_iter().map(Into::into).collect();
    let settings = room.settings.clone();
    let shown = ShownRoom {
        begin_at: settings.begin_at,
        end_at: settings.end_at,
        has_password: settings.password.is_some(),
        locked: settings.locked,
        lobby: settings.waiting.is_on(),
        waiting: settings.waiting,
        guests: settings.guests,
        start_muted: settings.start_muted,
        start_camera_off: settings.start_camera_off,
        topology: settings.topology,
        max_participants: settings.max_participants,
        permissions: settings.permissions,
        history: settings.history,
        hide_number: settings.hide_number,
        early_ms: settings.early_ms,
        ends_on_time: settings.ends_on_time,
        recurrence: settings.recurrence,
        time_zone: settings.time_zone,
        permanent: settings.permanent,
        version: room.version,
        head_count: members.iter().filter(|member| member.is_in).count(),
        members,
        listed: room.into(),
    };
    output::print(&match format {
        Format::Table => told(&shown)?,
        Format::Json => output::json(&shown)?,
    })
}

fn told(room: &ShownRoom) -> Result<String, Failure> {
    let listed = &room.listed;
    let time = |at: Option<Timestamp>| at.map_or("-".to_owned(), |at| at.to_string());
    let facts = [
        ("name", listed.name.to_string()),
        ("number", listed.number.clone()),
        ("identity", listed.identity.to_string()),
        ("owner", listed.owner.to_string()),
        ("created", listed.created_at.to_string()),
        ("begins", time(room.begin_at)),
        ("ends", time(room.end_at)),
        (
            "comes again",
            room.recurrence.as_deref().unwrap_or("-").to_owned(),
        ),
        ("time zone", room.time_zone.unwrap_or_default().to_string()),
        ("ended", time(listed.ended_at)),
        ("password", yes_or_no(room.has_password).to_owned()),
        ("locked", yes_or_no(room.locked).to_owned()),
        ("waiting", waiting_name(room.waiting).to_owned()),
        ("guests", yes_or_no(room.guests).to_owned()),
        ("hidden", yes_or_no(room.hide_number).to_owned()),
        ("permanent", yes_or_no(room.permanent).to_owned()),
        ("takes", room.max_participants.to_string()),
        ("in it now", room.head_count.to_string()),
    ];
    let facts = facts.map(|(name, value)| format!("{name:<11} {value}\n"));
    Ok(facts.concat() + "\n" + &output::render(&room.members, Format::Table)?)
}

/// Ends a meeting, in a running server too. Only the owner can open it again.
pub async fn end(store: &Store, identity: &str, format: Format) -> Result<(), Failure> {
    let mut room = find(store, identity).await?;
    let now = Timestamp::now();
    store
        .close_room(room.key, now)
        .await
        .map_err(|error| Failure::because("cannot end the meeting", &error))?;
    room.ended_at = Some(now);
    print(room, format)
}

/// Deletes a room, in a running server too.
pub async fn delete(store: &Store, identity: &str, format: Format) -> Result<(), Failure> {
    let room = find(store, identity).await?;
    store
        .delete_room(room.key, Timestamp::now())
        .await
        .map_err(|error| Failure::because("cannot delete the room", &error))?;
    output::print(&match format {
        Format::Table => format!("The room {} is deleted.\n", room.settings.name),
        Format::Json => output::json(&serde_json::json!({
            "identity": room.identity,
            "number": room.number,
            "name": room.settings.name,
            "deleted": true,
        }))?,
    })
}

/// Finds a room by its identity or number. People write numbers in groups.
pub async fn find(store: &Store, identity: &str) -> Result<StoredRoom, Failure> {
    let compact: String = identity
        .chars()
        .filter(|c| !matches!(c, ' ' | '-'))
        .collect();
    let key = if is_room_number(&compact) {
        &compact
    } else {
        identity
    };
    let found = store.find_hidden_room(key).await.map_err(cannot_read)?;
    found.ok_or_else(|| Failure::new(format!("there is no room {identity}")))
}

fn print(room: StoredRoom, format: Format) -> Result<(), Failure> {
    let room = ListedRoom::from(room);
    output::print(&match format {
        Format::Table => output::render(&[room], format)?,
        Format::Json => output::json(&room)?,
    })
}

fn cannot_read(error: StoreError) -> Failure {
    Failure::because("cannot read the rooms", &error)
}

/// Prints every room, owner by owner and the newest first.
pub async fn list(store: &Store, format: Format) -> Result<(), Failure> {
    let mut rooms: Vec<StoredRoom> = Vec::new();
    loop {
        let after = rooms.last().map(|room| room.key);
        let more = store.list_every_room(after, ROOMS_AT_ONCE).await;
        let more = more.map_err(cannot_read)?;
        if more.is_empty() {
            break;
        }
        rooms.extend(more);
    }
    rooms.sort_by_key(|room| (room.owner.key, Reverse(room.key)));
    let rooms: Vec<ListedRoom> = rooms.into_iter().map(Into::into).collect();
    output::print(&output::render(&rooms, format)?)
}
