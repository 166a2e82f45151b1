//! Plans what each row of imweb becomes, or why it is left out, from the rows alone.
//!
//! Ids are compared without case and without spaces at their ends, as its MySQL does, but with accents. Equal ids with
//! two spellings in one table may be two people. Its own tables exclude that.

use std::collections::{HashMap, HashSet};

use chrono::{NaiveDateTime, TimeDelta};
use serde::Serialize;

use super::ids::{Key, Refusal, Spellings, id, is_spelled_so, legible, spellings};
use super::source::{Join, Login, Status, Tables};
use crate::protocol::object::Role;
use crate::protocol::text::{DisplayName, InvalidText, RoomName};
use crate::protocol::time::Timestamp;

/// The status of a host.
const HOST: &str = "主持人";
/// The status of everybody else.
const MEMBER: &str = "成员";

/// Why a row was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// An id is absent, empty, too long or unreadable.
    BadId,
    /// Another row spells the same id differently, so they may be two people.
    SpelledOtherwise,
    /// The name is absent or empty.
    EmptyName,
    /// The name is longer than names are here.
    LongName,
    /// The time is absent, or no time.
    BadTime,
    /// The meeting was created before, by somebody else or in another row.
    DuplicateMeeting,
    /// The same person joined the same meeting in another row.
    DuplicateJoin,
    /// Another row has the status of the person.
    DuplicateStatus,
    /// The meeting that was joined never existed.
    NoSuchMeeting,
    /// The joined meeting was left out itself.
    MeetingSkipped,
    /// Nobody of this id joined a meeting.
    NoSuchJoin,
    /// The person's join was left out itself.
    JoinSkipped,
    /// The status is neither 主持人 nor 成员.
    UnknownRole,
    /// Its room or its account was deleted here since.
    DeletedHere,
}

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Its table.
    pub table: &'static str,
    /// Its id there, cleaned for reading.
    pub row: String,
    /// Why, for programs.
    pub reason: Skip,
    /// Why, in words.
    pub detail: String,
}

#[derive(Debug)]
pub(super) struct PlannedPerson {
    pub(super) id: String,
    pub(super) display_name: DisplayName,
    pub(super) since: Timestamp,
}

#[derive(Debug)]
pub(super) struct PlannedRoom {
    pub(super) key: Key,
    pub(super) meeting: String,
    pub(super) name: RoomName,
    pub(super) owner: Key,
    pub(super) created_at: Timestamp,
    /// In order of joining.
    pub(super) memberships: Vec<PlannedMembership>,
}

#[derive(Debug)]
pub(super) struct PlannedMembership {
    pub(super) person: Key,
    pub(super) display_name: DisplayName,
    pub(super) role: Role,
    pub(super) joined_at: Timestamp,
}

#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) rooms: Vec<PlannedRoom>,
    pub(super) people: HashMap<Key, PlannedPerson>,
    pub(super) skipped: Vec<Skipped>,
    places: HashMap<Key, usize>,
    utc_offset: TimeDelta,
}

impl Plan {
    pub(super) fn make(tables: Tables, utc_offset_minutes: i32) -> Self {
        let mut plan = Self {
            utc_offset: TimeDelta::minutes(i64::from(utc_offset_minutes)),
            ..Self::default()
        };
        let lost_meetings = plan.take_logins(tables.logins);
        let mut joins = tables.joins;
        joins.sort_by(|one, other| (&one.joined, &one.person).cmp(&(&other.joined, &other.person)));
        let joiners = spellings(joins.iter().map(|join| &join.person));
        let roles = plan.take_statuses(&tables.statuses, &joiners);
        let taken = plan.take_joins(joins, &joiners, &roles, &lost_meetings);
        plan.skip_idle_statuses(&tables.statuses, &joiners, &taken);
        plan
    }

    fn skip(&mut self, table: &'static str, row: &Option<String>, reason: Skip, detail: String) {
        self.skipped.push(Skipped {
            table,
            row: legible(row),
            reason,
            detail,
        });
    }

    /// Plans the rooms. Returns the meetings whose logins were all left out.
    fn take_logins(&mut self, mut logins: Vec<Login>) -> HashSet<Key> {
        logins.sort_by(|one, other| {
            (&one.created, &one.person).cmp(&(&other.created, &other.person))
        });
        let mut lost = HashSet::new();
        let spellings = spellings(logins.iter().map(|login| &login.person));
        for login in logins {
            match is_spelled_so(&login.person, &spellings).and_then(|()| self.read_login(&login)) {
                Ok((owner, person, mut room)) => {
                    if self.places.contains_key(&room.key) {
                        let detail = format!("the meeting {} was created before", room.meeting);
                        self.skip("imweb_login", &login.person, Skip::DuplicateMeeting, detail);
                        continue;
                    }
                    room.owner.clone_from(&owner);
                    self.people.entry(owner).or_insert(person);
                    self.places.insert(room.key.clone(), self.rooms.len());
                    self.rooms.push(room);
                }
                Err((reason, detail)) => {
                    lost.extend(id(&login.meeting, "meeting").map(|(key, _)| key));
                    self.skip("imweb_login", &login.person, reason, detail);
                }
            }
        }
        lost.retain(|key| !self.places.contains_key(key));
        lost
    }

    fn read_login(&self, login: &Login) -> Result<(Key, PlannedPerson, PlannedRoom), Refusal> {
        let (owner, person) = id(&login.person, "person")?;
        let (key, meeting) = id(&login.meeting, "meeting")?;
        let display_name = name(&login.name)?;
        let created_at = self.time(&login.created)?;
        let room_name = RoomName::parse(&meeting)
            .map_err(|_| (Skip::BadId, "the meeting's id cannot be read".to_owned()))?;
        let person = PlannedPerson {
            id: person,
            display_name,
            since: created_at,
        };
        let room = PlannedRoom {
            key,
            meeting,
            name: room_name,
            owner: owner.clone(),
            created_at,
            memberships: Vec::new(),
        };
        Ok((owner, person, room))
    }

    /// The role of each person. Of several rows one that says host counts, or else the first.
    fn take_statuses(&mut self, statuses: &[Status], joiners: &Spellings) -> HashMap<Key, Role> {
        let mut roles: HashMap<Key, Role> = HashMap::new();
        for status in statuses {
            if let Ok((key, role)) = read_status(status, joiners)
                && (role == Role::Host || !roles.contains_key(&key))
            {
                roles.insert(key, role);
            }
        }
        let mut heard = HashSet::new();
        for status in statuses {
            match read_status(status, joiners) {
                Err((reason, detail)) => self.skip("imweb_status", &status.row, reason, detail),
                Ok((key, role)) if joiners.contains_key(&key) => {
                    let counts = roles.get(&key) == Some(&role) && heard.insert(key);
                    if !counts {
                        let detail =
                            format!("another row says what {} is", legible(&status.person));
                        self.skip("imweb_status", &status.row, Skip::DuplicateStatus, detail);
                    }
                }
                // Reported below, once it is known which joins are imported.
                Ok(_) => {}
            }
        }
        roles
    }

    /// Plans the memberships. Returns the people whose join is imported.
    fn take_joins(
        &mut self,
        joins: Vec<Join>,
        joiners: &Spellings,
        roles: &HashMap<Key, Role>,
        lost_meetings: &HashSet<Key>,
    ) -> HashSet<Key> {
        let mut pairs: HashSet<(Key, Key)> = HashSet::new();
        let mut taken = HashSet::new();
        for join in joins {
            let read = || self.read_join(&join, roles, lost_meetings);
            match is_spelled_so(&join.person, joiners).and_then(|()| read()) {
                Ok((place, membership, person)) => {
                    let pair = (self.rooms[place].key.clone(), membership.person.clone());
                    if !pairs.insert(pair) {
                        let detail = format!("{} joined this meeting before", person.id);
                        self.skip("imweb_join", &join.person, Skip::DuplicateJoin, detail);
                        continue;
                    }
                    taken.insert(membership.person.clone());
                    self.people
                        .entry(membership.person.clone())
                        .or_insert(person);
                    self.rooms[place].memberships.push(membership);
                }
                Err((reason, detail)) => self.skip("imweb_join", &join.person, reason, detail),
            }
        }
        taken
    }

    fn read_join(
        &self,
        join: &Join,
        roles: &HashMap<Key, Role>,
        lost_meetings: &HashSet<Key>,
    ) -> Result<(usize, PlannedMembership, PlannedPerson), Refusal> {
        let (person, person_id) = id(&join.person, "person")?;
        let (meeting, meeting_id) = id(&join.meeting, "meeting")?;
        let Some(place) = self.places.get(&meeting).copied() else {
            return Err(if lost_meetings.contains(&meeting) {
                let detail = format!("the meeting {meeting_id} was skipped itself");
                (Skip::MeetingSkipped, detail)
            } else {
                let detail = format!("the meeting {meeting_id} was never created");
                (Skip::NoSuchMeeting, detail)
            });
        };
        let display_name = name(&join.name)?;
        let joined_at = self.time(&join.joined)?;
        let by_right = if self.rooms[place].owner == person {
            Role::Host
        } else {
            Role::Member
        };
        let membership = PlannedMembership {
            role: roles.get(&person).copied().unwrap_or(by_right),
            person,
            display_name: display_name.clone(),
            joined_at,
        };
        let person = PlannedPerson {
            id: person_id,
            display_name,
            since: joined_at,
        };
        Ok((place, membership, person))
    }

    /// Reports the statuses of people who are not imported.
    fn skip_idle_statuses(
        &mut self,
        statuses: &[Status],
        joiners: &Spellings,
        taken: &HashSet<Key>,
    ) {
        let mut told = HashSet::new();
        for status in statuses {
            let Ok((key, _)) = read_status(status, joiners) else {
                continue;
            };
            let who = legible(&status.person);
            if !joiners.contains_key(&key) {
                let detail = format!("{who} never joined a meeting");
                self.skip("imweb_status", &status.row, Skip::NoSuchJoin, detail);
            } else if !taken.contains(&key) && told.insert(key) {
                let detail = format!("the join of {who} was skipped itself");
                self.skip("imweb_status", &status.row, Skip::JoinSkipped, detail);
            }
        }
    }

    fn time(&self, raw: &Option<String>) -> Result<Timestamp, Refusal> {
        let bad = || (Skip::BadTime, "its time is no time".to_owned());
        let raw = raw.as_deref().ok_or_else(bad)?.trim();
        let local = NaiveDateTime::parse_from_str(raw, "%Y-%m-%d %H:%M:%S%.f");
        let utc = local
            .map_err(|_| bad())?
            .checked_sub_signed(self.utc_offset)
            .ok_or_else(bad)?
            .and_utc();
        if utc.timestamp() < 0 {
            return Err(bad());
        }
        Ok(utc.into())
    }
}

fn read_status(status: &Status, joiners: &Spellings) -> Result<(Key, Role), Refusal> {
    let (key, _) = id(&status.person, "person")?;
    is_spelled_so(&status.person, joiners)?;
    match status.kind.as_deref().map(str::trim) {
        Some(HOST) => Ok((key, Role::Host)),
        Some(MEMBER) => Ok((key, Role::Member)),
        _ => {
            let detail = format!("'{}' is neither {HOST} nor {MEMBER}", legible(&status.kind));
            Err((Skip::UnknownRole, detail))
        }
    }
}

fn name(raw: &Option<String>) -> Result<DisplayName, Refusal> {
    DisplayName::parse(raw.as_deref().unwrap_or_default()).map_err(|error| match error {
        InvalidText::TooLong(most) => {
            let detail = format!("the name is longer than {most} characters");
            (Skip::LongName, detail)
        }
        InvalidText::Empty | InvalidText::Username => {
            (Skip::EmptyName, "the name is empty".to_owned())
        }
    })
}
