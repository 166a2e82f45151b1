//! What is remembered of a meeting that has emptied, and when it is over.
//!
//! A meeting that empties is kept for a while in case somebody comes back: who is kept out stays out meanwhile, who was
//! sent away from the door is not heard again, and roles stay what they were. It is over, and forgotten, when a host or
//! the operator ends it, when it ends on time, when its room is deleted, or when nobody came back for [`KEPT_MS`].

use super::admission::WELCOME_BACK_MS;
use super::bans::Bans;
use super::recent::Recent;
use super::roles::Roles;
use super::room::{Meeting, Room};
use crate::protocol::ids::UserId;
use crate::protocol::object::Timer;
use crate::protocol::time::Timestamp;

/// How long a meeting that has emptied is kept, in milliseconds.
pub const KEPT_MS: i64 = 30 * 60 * 1_000;

/// Since when nobody is in, and when the meeting is over unless somebody comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pause {
    since: Timestamp,
    until: Timestamp,
}

/// What outlives the run of a room while its meeting is kept: no person's membership, only what governs the next one.
#[derive(Debug, Clone)]
pub struct Memory {
    pause: Pause,
    owner: UserId,
    roles: Roles,
    bans: Bans,
    timer: Option<Timer>,
    away: Recent<Timestamp>,
}

impl Memory {
    /// When it is to be forgotten.
    pub fn until(&self) -> Timestamp {
        self.pause.until
    }

    /// Whose room it is of.
    pub fn owner(&self) -> &UserId {
        &self.owner
    }

    /// How many people it holds something of; at least one.
    pub fn weight(&self) -> usize {
        let people = self.roles.len() + self.bans.len() + self.away.len();
        people.max(1)
    }

    /// Lets somebody in again.
    pub fn unban(&mut self, user: &UserId) {
        self.bans.remove(user);
    }

    /// Whether the meeting was over at `ended`, when somebody ended it.
    pub fn is_ended_by(&self, ended: Timestamp) -> bool {
        ended >= self.pause.since
    }

    fn is_empty(&self) -> bool {
        let timer = self.timer.as_ref();
        self.away.len() == 0
            && self.roles.is_empty()
            && self.bans.is_empty()
            && timer.is_none_or(|timer| timer.ends_at <= self.pause.since)
    }
}

impl Room {
    /// Everyone is gone, `last` the last of them.
    pub(super) fn pause(&mut self, last: &UserId, now: Timestamp) {
        let kept = now.plus_millis(KEPT_MS);
        let end = self.planned_end().filter(|end| *end > now);
        let until = match end.filter(|_| self.facts.ends_on_time) {
            Some(end) => end.min(kept),
            None => kept,
        };
        let mut before = std::mem::take(&mut self.meeting);
        before.roles.pause(last);
        before
            .away
            .retain(|at| now < at.plus_millis(WELCOME_BACK_MS));
        self.meeting = Meeting {
            roles: before.roles,
            timer: before.timer,
            away: before.away,
            pause: Some(Pause { since: now, until }),
            ..Meeting::default()
        };
        self.plan(now);
    }

    /// When the meeting is over unless somebody comes back; none while somebody is in.
    pub(super) fn kept_until(&self) -> Option<Timestamp> {
        self.meeting.pause.map(|pause| pause.until)
    }

    /// Forgets the meeting if nobody came back in time.
    pub(super) fn forget_if_due(&mut self, now: Timestamp) {
        if self.kept_until().is_some_and(|until| until <= now) {
            self.forget(now);
        }
    }

    /// The meeting is over: what it gave and took is nobody's any more.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.meeting = Meeting::default();
        self.bans.end_meeting();
        self.plan(now);
    }

    /// What is to be remembered of the meeting when the room stops running; none when there is nothing.
    pub fn memory(&self) -> Option<Memory> {
        // Where everybody may walk in, nobody needs to be known again.
        let door = &self.facts;
        let away = match door.locked || door.waiting.is_on() || !door.guests {
            true => self.meeting.away.clone(),
            false => Recent::default(),
        };
        let memory = Memory {
            pause: self.meeting.pause?,
            owner: self.facts.owner.id.clone(),
            roles: self.meeting.roles.clone(),
            bans: self.bans.of_meeting(),
            timer: self.meeting.timer.clone(),
            away,
        };
        (!memory.is_empty()).then_some(memory)
    }

    /// Takes up what an earlier run remembered, into a room in which nobody has been yet. What is over is not.
    pub fn recall(&mut self, memory: Memory, now: Timestamp) {
        let was_ended = self.ended.is_some_and(|at| memory.is_ended_by(at));
        if memory.until() <= now || was_ended {
            return;
        }
        self.bans.recall(memory.bans);
        self.meeting = Meeting {
            roles: memory.roles,
            timer: memory.timer,
            away: memory.away,
            pause: Some(memory.pause),
            ..Meeting::default()
        };
        self.plan(now);
    }
}
