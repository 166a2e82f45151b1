//! What is remembered of a meeting that has emptied, and when it is over.
//!
//! An empty meeting is kept for a while in case somebody comes back. Meanwhile bans, refusals and roles stay as they
//! are. The meeting is over, and forgotten, when a host or the operator ends it, when it ends on time, when its room is
//! deleted, or when nobody came back for [`KEPT_MS`].
//!
//! So a banned person cannot come in just because the last host has left. The memory is bounded. A room with nothing to
//! remember keeps none.

use super::admission::WELCOME_BACK_MS;
use super::room::Room;
use super::state::meeting::Meeting;
use super::state::pause::{Memory, Pause};
use super::state::recent::Recent;
use crate::protocol::ids::UserId;
use crate::protocol::time::Timestamp;

/// How long an empty meeting is kept, in milliseconds.
pub const KEPT_MS: i64 = 30 * 60 * 1_000;

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
            pause: Some(Pause::new(now, until)),
            ..Meeting::default()
        };
        self.plan(now);
    }

    /// When the meeting is over unless somebody comes back. None while somebody is in.
    pub(super) fn kept_until(&self) -> Option<Timestamp> {
        self.meeting.pause.map(Pause::until)
    }

    /// Forgets the meeting if nobody came back in time.
    pub(super) fn forget_if_due(&mut self, now: Timestamp) {
        if self.kept_until().is_some_and(|until| until <= now) {
            self.forget(now);
        }
    }

    /// The meeting is over: its roles, its bans and the rest of its state are forgotten.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.meeting = Meeting::default();
        self.bans.end_meeting();
        self.plan(now);
    }

    /// What to remember of the meeting when the room stops running. None if there is nothing.
    pub fn memory(&self) -> Option<Memory> {
        // Those who vanished need not be known again where everybody may walk in.
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

    /// Restores what an earlier run remembered. The room must be new and empty. A meeting that is over is not restored.
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
