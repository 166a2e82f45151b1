//! Random operations of those who govern, and of those who wait: what must hold whatever happens.
//!
//! Beside [`model`](super::model), which says what exactly a room of members looks like, this says only what must never
//! be otherwise. A failing seed prints itself; `MEETING_SEED` runs that one alone.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::command::{Command, Join, Switch};
use super::effect::{CloseReason, Effect, Reply};
use super::room::Room;
use super::snapshot::tests::Twin;
use super::state::chat::Chat;
use super::stories::{address, at, edited, facts, membership, newcomer, user};
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{Event, LeaveReason};
use crate::protocol::ids::{ParticipantId, TrackId, UserId};
use crate::protocol::object::{
    self, BanLength, Participant, Permissions, Role, Source, UserKind, WhoWaits,
};
use crate::protocol::request::{Everyone, Target, Targets};
use crate::protocol::time::Timestamp;

const PEOPLE: [&str; 7] = ["ada", "bo", "cy", "dee", "eve", "gus", "gwen"];
const CAPACITY: u32 = 5;
/// How long a meeting that has emptied is kept, in seconds: by hand, apart from the rule.
const KEPT: i64 = 1_800;
/// How long somebody who vanished comes back past the door, in seconds: likewise.
const WELCOME_BACK: i64 = 60;

/// The last of them have no account.
fn person(index: usize) -> Join {
    let mut join = newcomer(PEOPLE[index], PEOPLE[index]);
    if PEOPLE[index].starts_with('g') {
        join.user.kind = UserKind::Guest;
        join.address = address(9);
    }
    join
}

/// What the shell keeps: whose outboxes are where.
#[derive(Default)]
struct Shell {
    inside: BTreeMap<ParticipantId, UserId>,
    waiting: BTreeMap<ParticipantId, UserId>,
    banned: BTreeSet<UserId>,
    denied: BTreeSet<UserId>,
    /// When those vanished who were in, in seconds.
    away: BTreeMap<UserId, i64>,
    /// Since when nobody is in, in seconds.
    empty_since: Option<i64>,
    version: u64,
    permissions: Permissions,
    /// How people come in now.
    door: Door,
    /// What each who waits was told last: whether somebody is in who may let in.
    told: BTreeMap<ParticipantId, bool>,
    /// When each member came in who has just done so, and what they then came in with switched off.
    fresh: BTreeMap<ParticipantId, (Timestamp, Vec<Source>)>,
    ids: u32,
}

/// What the room says of coming in.
#[derive(Debug, Clone, Copy)]
struct Door {
    waiting: WhoWaits,
    guests: bool,
    start_muted: bool,
    start_camera_off: bool,
}

impl Default for Door {
    fn default() -> Self {
        Self {
            waiting: WhoWaits::Everyone,
            guests: true,
            start_muted: false,
            start_camera_off: false,
        }
    }
}

fn one_run(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let start = object::Room {
        max_participants: CAPACITY,
        waiting: WhoWaits::Everyone,
        topology: object::Topology::P2p,
        ..facts()
    };
    let mut facts = start.clone();
    let mut room = Room::new(start, None, Chat::default(), Vec::new());
    let mut now = 0;
    let mut shell = Shell {
        version: 1,
        ..Shell::default()
    };
    let mut twin = Twin::new(seed);
    for step in 0..300 {
        now += 1;
        if shell.inside.is_empty() && random.random_bool(0.3) {
            now += random.random_range(0..2 * KEPT);
        }
        if shell.empty_since.is_some_and(|since| since + KEPT <= now) {
            shell.banned.clear();
            shell.denied.clear();
        }
        // The room's clock strikes when it asked for it, as in its shell.
        if room.next_deadline().is_some_and(|at_| at_ <= at(now)) {
            let outcome = room.handle(Command::Tick, at(now));
            twin.follow(&Command::Tick, at(now), &outcome, "a tick");
            for effect in &outcome.effects {
                shell.carry_out(effect, "a tick");
            }
        }
        if room.is_empty() && random.random_bool(0.5) {
            let memory = room.memory();
            twin.forget();
            let is_open = facts.waiting == WhoWaits::Nobody && facts.guests;
            if !facts.locked && is_open {
                shell.away.clear();
            }
            room = Room::new(facts.clone(), None, Chat::default(), Vec::new());
            if let Some(memory) = memory {
                room.recall(memory, at(now));
            }
        }
        let command = shell.command(&mut random);
        if let Command::Edited { facts: edited, .. } = &command {
            facts = (**edited).clone();
        }
        let before = roster(&mut room);
        twin.look_at(&room);
        let outcome = room.handle(command.clone(), at(now));
        let context = format!("MEETING_SEED={seed}, step {step}: {command:?}");
        twin.follow(&command, at(now), &outcome, &context);
        if outcome.reply.is_err() {
            assert_eq!(outcome.effects, [], "{context}: refused without effect");
        }
        shell.passes_the_door(&command, &outcome.reply, now, &context);
        shell.starts(&command, &outcome.reply, now, &context);
        shell.comes_back(&command, &outcome.reply, now, &context);
        shell.newcomer(&command, &outcome.reply, &context);
        for effect in &outcome.effects {
            shell.carry_out(effect, &context);
        }
        let after = roster(&mut room);
        shell.compare(&room, &after, &context);
        touched_by_who_may(&command, &before, &after, &context);
        governed(&before, &after, &context);
        match after.is_empty() {
            true if before.is_empty() => {}
            true => shell.empty_since = Some(now),
            false => shell.empty_since = None,
        }
    }
}

impl Shell {
    fn command(&mut self, random: &mut StdRng) -> Command {
        self.ids += 1;
        let id = format!("{}", self.ids);
        let (by, whom) = (self.anybody(random), self.anybody(random));
        let everyone = random.random_bool(0.3);
        let who = match everyone {
            true => Targets::Everyone(Everyone::All),
            false => Targets::These(vec![self.anybody(random)]),
        };
        let target = match everyone {
            true => Target::Everyone(Everyone::All),
            false => Target::One(whom.clone()),
        };
        let roles = [Role::Host, Role::Cohost, Role::Member];
        match random.random_range(0..31) {
            0..=6 => {
                let mut join = person(random.random_range(0..PEOPLE.len()));
                join.participant = membership(&id);
                join.pass = random.random_bool(0.2);
                if random.random_bool(0.1) {
                    join.role = Some(roles[random.random_range(0..3)]);
                }
                Command::Join(join)
            }
            7 => Command::Leave { participant: whom },
            28 => Command::Detach { participant: whom },
            29..=30 => Command::Attach {
                participant: whom,
                address: person(random.random_range(0..PEOPLE.len())).address,
                anew: random.random_bool(0.3),
                look: true,
            },
            8..=9 => Command::Away {
                participant: whom,
                reason: LeaveReason::Lost,
            },
            10..=12 => Command::Admit { by, who },
            13 => Command::Deny { by, who },
            14..=16 => Command::SetRole {
                by,
                whom,
                role: roles[random.random_range(0..3)],
            },
            17..=18 => Command::Remove {
                by,
                whom,
                ban: random.random_bool(0.4).then_some(BanLength::Meeting),
            },
            19 => Command::Unban {
                user: user(PEOPLE[random.random_range(0..PEOPLE.len())]).id,
            },
            20 => Command::Mute {
                by,
                whom: target,
                source: Source::Microphone,
            },
            21 => Command::LowerHand { by, whom: target },
            22 => Command::Spotlight {
                by,
                whom: vec![whom],
            },
            23..=26 => Command::SetSource {
                participant: whom,
                source: Source::ALL[random.random_range(0..Source::ALL.len())],
                switch: Switch::On {
                    track: TrackId::try_from(format!("t-{id}")).unwrap(),
                    muted: random.random_bool(0.3),
                },
            },
            _ => {
                self.version += 1;
                let permissions = Permissions {
                    unmute: random.random_bool(0.5),
                    camera: random.random_bool(0.5),
                    screen: random.random_bool(0.5),
                    ..Permissions::default()
                };
                self.permissions = permissions;
                let waiting = [WhoWaits::Nobody, WhoWaits::Guests, WhoWaits::Everyone];
                self.door = Door {
                    waiting: waiting[random.random_range(0..3)],
                    guests: random.random_bool(0.8),
                    start_muted: random.random_bool(0.5),
                    start_camera_off: random.random_bool(0.5),
                };
                let door = self.door;
                edited(object::Room {
                    permissions,
                    max_participants: CAPACITY,
                    waiting: door.waiting,
                    guests: door.guests,
                    start_muted: door.start_muted,
                    start_camera_off: door.start_camera_off,
                    locked: random.random_bool(0.2),
                    version: self.version,
                    topology: object::Topology::P2p,
                    ..facts()
                })
            }
        }
    }

    fn anybody(&self, random: &mut StdRng) -> ParticipantId {
        let known: Vec<&ParticipantId> = self.inside.keys().chain(self.waiting.keys()).collect();
        if known.is_empty() || random.random_bool(0.1) {
            return membership("nobody");
        }
        known[random.random_range(0..known.len())].clone()
    }

    /// Accounts and guests come in, wait or are refused as the door says, by hand: those who have no role, no pass, and
    /// were not in a moment ago.
    fn passes_the_door(
        &mut self,
        command: &Command,
        reply: &Result<Reply, ErrorCode>,
        now: i64,
        context: &str,
    ) {
        let Command::Join(join) = command else {
            return;
        };
        let user = &join.user.id;
        let vanished = self.away.get(user);
        let is_back = vanished.is_some_and(|at| now < at + WELCOME_BACK);
        let is_known = is_back || self.inside.values().any(|inside| inside == user);
        let is_guest = join.user.kind == UserKind::Guest;
        let Door {
            waiting, guests, ..
        } = self.door;
        match reply {
            Ok(Reply::Waiting) => {
                // Guests may be suspected where nobody waits.
                assert!(
                    is_guest || waiting == WhoWaits::Everyone,
                    "{context}: an account waits"
                );
                assert!(guests || !is_guest, "{context}: waits for nothing");
            }
            Ok(Reply::View(view)) if view.me.role == Role::Member && !is_known => {
                assert!(guests || !is_guest, "{context}: a guest among accounts");
                let is_held = match waiting {
                    WhoWaits::Nobody => false,
                    WhoWaits::Guests => is_guest,
                    WhoWaits::Everyone => true,
                };
                assert!(join.pass || !is_held, "{context}: came in past the door");
                self.comes_in(&view.me);
            }
            Err(ErrorCode::RoomAccountsOnly) => {
                assert!(is_guest && !guests && !is_known, "{context}: refused");
            }
            _ => {}
        }
    }

    /// Takes note of a member who came in just now, and was not in a moment ago.
    fn comes_in(&mut self, me: &Participant) {
        let mut off = Vec::new();
        if self.door.start_muted {
            off.push(Source::Microphone);
        }
        if self.door.start_camera_off {
            off.push(Source::Camera);
        }
        self.fresh.insert(me.id.clone(), (me.joined_at, off));
    }

    /// What a member brings along begins as the room says, and anything else as it was asked for.
    fn starts(
        &mut self,
        command: &Command,
        reply: &Result<Reply, ErrorCode>,
        now: i64,
        context: &str,
    ) {
        let (
            Command::SetSource {
                participant,
                source,
                switch: Switch::On { muted, .. },
            },
            Ok(Reply::Track(Some(track))),
        ) = (command, reply)
        else {
            return;
        };
        let mut begins_off = false;
        if let Some((since, off)) = self.fresh.get_mut(participant) {
            begins_off = off.contains(source) && at(now) < since.plus_millis(10_000);
            off.retain(|off| off != source);
        }
        assert_eq!(track.muted, *muted || begins_off, "{context}: {track:?}");
    }

    /// Whoever was in a moment ago and vanished neither waits nor stands before a lock.
    fn comes_back(
        &mut self,
        command: &Command,
        reply: &Result<Reply, ErrorCode>,
        now: i64,
        context: &str,
    ) {
        match (command, reply) {
            (Command::Join(join), reply) => {
                let user = &join.user.id;
                let is_back = self
                    .away
                    .get(user)
                    .is_some_and(|at| now < at + WELCOME_BACK);
                let held_up = matches!(reply, Ok(Reply::Waiting) | Err(ErrorCode::RoomLocked));
                assert!(!is_back || !held_up, "{context}: not let back in");
                if matches!(reply, Ok(Reply::View(_))) {
                    self.away.remove(user);
                }
            }
            (Command::Away { participant, .. }, Ok(_)) => {
                if let Some(user) = self.inside.get(participant) {
                    self.away.insert(user.clone(), now);
                }
            }
            _ => {}
        }
    }

    fn newcomer(&mut self, command: &Command, reply: &Result<Reply, ErrorCode>, context: &str) {
        match (command, reply) {
            (Command::Join(join), Ok(reply)) => {
                let is_owner = join.user.id == user("ada").id;
                let is_banned = self.banned.contains(&join.user.id);
                assert!(is_owner || !is_banned, "{context}: a banned person came in");
                let is_denied = self.denied.contains(&join.user.id);
                let place = match reply {
                    Reply::Waiting if is_denied => panic!("{context}: denied is denied"),
                    Reply::Waiting => &mut self.waiting,
                    _ => &mut self.inside,
                };
                place.insert(join.participant.clone(), join.user.id.clone());
            }
            (Command::Unban { user }, Ok(_)) => {
                self.banned.remove(user);
                self.denied.remove(user);
            }
            (Command::Deny { who, .. }, Ok(_)) => {
                let who = match who {
                    Targets::Everyone(_) => self.waiting.keys().cloned().collect(),
                    Targets::These(these) => these.clone(),
                };
                let users = who.iter().filter_map(|id| self.waiting.get(id));
                self.denied.extend(users.cloned());
            }
            (
                Command::Remove {
                    whom, ban: None, ..
                },
                Ok(_),
            ) => {
                self.denied.extend(self.waiting.get(whom).cloned());
            }
            (
                Command::Remove {
                    whom, ban: Some(_), ..
                },
                Ok(_),
            ) => {
                let user = self.inside.get(whom).or_else(|| self.waiting.get(whom));
                self.banned.extend(user.cloned());
            }
            _ => {}
        }
    }

    fn carry_out(&mut self, effect: &Effect, context: &str) {
        match effect {
            Effect::Tell { to, event } => {
                let waits = to.iter().any(|to| self.waiting.contains_key(to));
                assert!(!waits, "{context}: who waits was told {}", event.kind());
                let is_in = to.iter().all(|to| self.inside.contains_key(to));
                assert!(is_in, "{context}: a stranger was told");
            }
            Effect::TellWaiting { to, event } => {
                let Event::LobbyUpdated(told) = &**event else {
                    panic!("{context}: who waits was told {}", event.kind());
                };
                for to in to {
                    assert!(self.waiting.contains_key(to), "{context}: {to} waits not");
                    self.told.insert(to.clone(), told.hosted);
                }
            }
            Effect::Broadcast { event, .. } => {
                let is_of_the_door = event.kind().starts_with("lobby.");
                assert!(!is_of_the_door, "{context}: everyone was told of the door");
            }
            Effect::Release { participant, close } => {
                assert!(self.inside.remove(participant).is_some(), "{context}");
                assert_ne!(
                    *close,
                    Some(CloseReason::Ended),
                    "{context}: nobody ends it"
                );
            }
            Effect::Admit { participant, view } => {
                let user = self.waiting.remove(participant);
                let user = user.unwrap_or_else(|| panic!("{context}: nobody waited"));
                self.told.remove(participant);
                if view.me.role == Role::Member {
                    self.comes_in(&view.me);
                }
                assert_eq!(view.me.id, *participant, "{context}: the same id");
                self.inside.insert(participant.clone(), user);
            }
            Effect::Show { participant, view } => {
                assert!(self.inside.contains_key(participant), "{context}");
                assert_eq!(view.me.id, *participant, "{context}: their own view");
            }
            Effect::SendAway {
                participant, event, ..
            } => {
                assert!(self.waiting.remove(participant).is_some(), "{context}");
                self.told.remove(participant);
                let is_fit = event.as_ref().is_none_or(|event| {
                    matches!(**event, Event::LobbyDenied(_) | Event::SessionReplaced(_))
                });
                assert!(is_fit, "{context}: who waits was told {event:?}");
            }
            Effect::Media(_) | Effect::History(_) => {}
        }
    }

    fn compare(&self, room: &Room, after: &[Participant], context: &str) {
        let is: BTreeSet<&ParticipantId> = after.iter().map(|person| &person.id).collect();
        assert_eq!(is, self.inside.keys().collect(), "{context}: who is in");
        let users: BTreeSet<&UserId> = self.inside.values().chain(self.waiting.values()).collect();
        let known = self.inside.len() + self.waiting.len();
        assert_eq!(users.len(), known, "{context}: nobody is there twice");
        assert_eq!(room.is_empty(), known == 0, "{context}");
        let owns = |person: &Participant| person.user.id == user("ada").id;
        // The owner comes in on top.
        let places = CAPACITY as usize + usize::from(after.iter().any(owns));
        assert!(after.len() <= places, "{context}: too many");
        let hosted = after.iter().any(|person| person.role != Role::Member);
        let told = self.waiting.keys().map(|id| (id.clone(), hosted));
        assert_eq!(self.told, told.collect(), "{context}: who waits knows");
        let is_guest = |user: &&UserId| user.as_str().starts_with("u-g");
        let waits = self.waiting.values().find(is_guest);
        assert!(
            self.door.guests || waits.is_none(),
            "{context}: {waits:?} waits for nothing"
        );
        for person in after {
            let is_owner = owns(person);
            assert!(!is_owner || person.role == Role::Host, "{context}");
            self.sends_what_may_be_sent(person, context);
        }
    }

    /// By hand, apart from the table.
    fn sends_what_may_be_sent(&self, person: &Participant, context: &str) {
        let Permissions {
            unmute,
            camera,
            screen,
            ..
        } = self.permissions;
        for track in &person.tracks {
            let members_may = match track.source {
                Source::Microphone => true,
                Source::Camera => camera,
                Source::Screen => screen,
                Source::ScreenAudio => screen && unmute,
            };
            let is_member = person.role == Role::Member;
            assert!(members_may || !is_member, "{context}: {track:?} runs");
        }
    }
}

fn roster(room: &mut Room) -> Vec<Participant> {
    match room.handle(Command::Roster, at(0)).reply {
        Ok(Reply::Roster(people)) => people,
        other => panic!("a roster, not {other:?}"),
    }
}

fn find<'a>(people: &'a [Participant], id: &ParticipantId) -> Option<&'a Participant> {
    people.iter().find(|person| person.id == *id)
}

/// A host is less than the owner, and so on down.
fn height(person: &Participant) -> u8 {
    match person.role {
        _ if person.user.id == user("ada").id => 3,
        Role::Host => 2,
        Role::Cohost => 1,
        Role::Member => 0,
    }
}

/// Nobody loses their role or place by the hand of their equals or of those below them.
fn touched_by_who_may(
    command: &Command,
    before: &[Participant],
    after: &[Participant],
    context: &str,
) {
    let (Command::SetRole { by, whom, .. } | Command::Remove { by, whom, .. }) = command else {
        return;
    };
    let Some(target) = find(before, whom) else {
        return;
    };
    let is_touched = find(after, whom).is_none_or(|now| now.role != target.role);
    if is_touched && by != whom {
        let by = find(before, by).unwrap_or_else(|| panic!("{context}: by a stranger"));
        assert!(height(by) > height(target), "{context}");
    }
}

/// Where there was a host there still is one, if anybody with an account was in beside them.
fn governed(before: &[Participant], after: &[Participant], context: &str) {
    let has_host = |people: &[Participant]| people.iter().any(|person| person.role == Role::Host);
    let is_account = |person: &Participant| person.user.kind == UserKind::Account;
    if has_host(before) && !has_host(after) {
        // Only who has just stepped down is passed over.
        // Nor does it fall to who came in just now, to the place that got free.
        let was_in = |person: &&Participant| find(before, &person.id).is_some();
        let left = after.iter().filter(was_in);
        let left: Vec<&Participant> = left.filter(|person| is_account(person)).collect();
        let stepped_down = |person: &&Participant| {
            find(before, &person.id).is_some_and(|was| was.role == Role::Host)
        };
        assert!(left.iter().all(stepped_down), "{context}: nobody governs");
    }
}

#[test]
fn whatever_happens_who_waits_hears_nothing_and_somebody_governs() {
    if let Ok(seed) = std::env::var("MEETING_SEED") {
        return one_run(seed.parse().unwrap());
    }
    (0..400).for_each(one_run);
}
