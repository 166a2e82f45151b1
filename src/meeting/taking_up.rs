//! Restores a meeting after the server was down.
//!
//! Everybody who was in is in again, and is shown as reconnecting. The shell of the room takes out those who do not
//! come back in time. The downtime counts against nobody. The grace period begins when the room is taken up. The
//! attendance of people who do not come back ends when the server was last known to work. A meeting can be taken up for
//! as long as an empty meeting is kept.
//!
//! Data that the database holds by itself has priority over the snapshot: settings, permanent bans, the chat, and the
//! end of the meeting.

use super::command::{Command, PasswordEdit};
use super::effect::Effect;
use super::pause::KEPT_MS;
use super::permissions::Rank;
use super::room::Room;
use super::state::pause::Memory;
use crate::network::Network;
use crate::protocol::event::{LeaveReason, LobbyDenial};
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::{Connection, Role, User};
use crate::protocol::text::DisplayName;
use crate::protocol::time::Timestamp;

/// A room that was taken up.
#[derive(Debug)]
pub struct TakenUp {
    /// As it goes on.
    pub room: Room,
    /// The effects to carry out first.
    pub effects: Vec<Effect>,
    /// Everybody who is in or waits.
    pub people: Vec<Survivor>,
}

/// A person who was in, or waited, when the server went down.
#[derive(Debug, Clone, PartialEq)]
pub struct Survivor {
    /// Their participant id.
    pub participant: ParticipantId,
    /// The user.
    pub user: User,
    /// The display name.
    pub display_name: DisplayName,
    /// Where they came from.
    pub address: Network,
    /// Their role. None for a person who waits.
    pub role: Option<Role>,
    /// Since when they are in, or wait.
    pub since: Timestamp,
}

impl Room {
    /// Takes up the meeting of `saved` in this room, which was just loaded and is empty. `alive` is when the server was
    /// last known to work. None if that meeting is over.
    pub fn take_up(self, saved: Self, alive: Timestamp, now: Timestamp) -> Option<TakenUp> {
        let is_old = alive.plus_millis(KEPT_MS) <= now;
        // The database was restored from a backup, and is older than this meeting.
        let is_other = self.facts.version < saved.facts.version;
        if is_old || is_other || saved.was_ended_by(self.ended) {
            return None;
        }
        let Self {
            facts,
            chat,
            bans: for_good,
            ..
        } = self;
        let mut room = saved;
        room.chat = chat;
        let of_meeting = std::mem::replace(&mut room.bans, for_good).of_meeting();
        room.bans.recall(of_meeting);
        let mut effects = Vec::new();
        room.roster.each_mut(|person| {
            person.seen.connection = Connection::Reconnecting;
            person.lose_since(alive);
        });
        // The tracks did not change. Only the media thread does not know them.
        room.begin_media_anew(&mut effects);
        room.send_banned_away(now, &mut effects);
        let edited = Command::Edited {
            facts: Box::new(facts),
            password: PasswordEdit::Kept,
        };
        effects.extend(room.handle(edited, now).effects);
        Some(TakenUp {
            people: room.survivors(),
            room,
            effects,
        })
    }

    fn survivors(&self) -> Vec<Survivor> {
        let inside = self.roster.iter().map(|person| Survivor {
            participant: person.seen.id.clone(),
            user: person.seen.user.clone(),
            display_name: person.seen.display_name.clone(),
            address: person.address(),
            role: Some(person.seen.role),
            since: person.seen.joined_at,
        });
        let waiting = self.lobby.iter().map(|visitor| Survivor {
            participant: visitor.waiting.id.clone(),
            user: visitor.waiting.user.clone(),
            display_name: visitor.waiting.display_name.clone(),
            address: visitor.join.address,
            role: None,
            since: visitor.waiting.since,
        });
        inside.chain(waiting).collect()
    }

    /// What to remember of an empty meeting. None if it is over.
    pub fn remembers(&self, memory: Memory, now: Timestamp) -> Option<Memory> {
        let was_ended = self.ended.is_some_and(|at| memory.is_ended_by(at));
        (memory.until() > now && !was_ended).then_some(memory)
    }

    /// Whether the meeting was ended after one of these people had joined. The end is stored before people are sent
    /// away.
    fn was_ended_by(&self, ended: Option<Timestamp>) -> bool {
        let Some(ended) = ended else { return false };
        let inside = self.roster.iter().map(|person| person.seen.joined_at);
        let waiting = self.lobby.iter().map(|visitor| visitor.waiting.since);
        inside.chain(waiting).any(|came| came <= ended)
    }

    /// Takes out people whose ban was stored just before the server went down.
    fn send_banned_away(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let bans = &self.bans;
        let people = self.roster.iter();
        let inside = people.filter(|person| {
            self.rank_of(person) != Rank::Owner && bans.has_banned(&person.seen.user.id)
        });
        let inside: Vec<_> = inside.map(|person| person.seen.id.clone()).collect();
        let visitors = self.lobby.iter();
        let waiting = visitors.filter(|visitor| bans.has_banned(&visitor.waiting.user.id));
        let waiting: Vec<_> = waiting.map(|visitor| visitor.waiting.id.clone()).collect();
        let last = inside.last().and_then(|id| self.roster.find(id));
        let last = last.map(|person| person.seen.user.id.clone());
        for id in inside {
            self.depart(&id, LeaveReason::Removed, None, now, out);
        }
        match last.filter(|_| self.roster.is_empty()) {
            Some(last) => self.pause(&last, now),
            None => self.keep_governed(None, out),
        }
        for id in waiting {
            self.send_away(&id, LobbyDenial::Banned, out);
        }
    }
}
