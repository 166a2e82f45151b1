//! What time does to a meeting: reminders, and its end.
//!
//! The core says when it wants to be woken ([`Room::next_deadline`]), and the actor sleeps until then. So all of this
//! is tested without a clock.

use super::effect::{Effect, Reply};
use super::room::{Answer, Room, broadcast};
use super::schedule;
use crate::protocol::event::{EndReason, Event, LobbyDenial, RoomReminder};
use crate::protocol::time::Timestamp;

/// How long before its end a meeting gets reminders, in milliseconds.
const REMINDERS_MS: [i64; 2] = [300_000, 60_000];

impl Room {
    /// When the next [`Command::Tick`](super::Command::Tick) is due. None if nothing happens by itself.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        if self.is_empty() {
            return None;
        }
        let end = self.planned_end();
        if self.roster.is_empty() {
            return end.into_iter().chain(self.kept_until()).min();
        }
        let end = end?;
        let end_itself = self.facts.ends_on_time.then_some(end);
        let deadlines = reminders(end).chain(end_itself).chain(self.meeting.turns);
        deadlines.filter(|at| Some(*at) > self.meeting.ticked).min()
    }

    pub(super) fn tick(&mut self, now: Timestamp, out: &mut Vec<Effect>) -> Answer {
        let before = self.meeting.ticked;
        let has_come = |at: Timestamp| before < Some(at) && at <= now;
        self.meeting.ticked = Some(now);
        let Some(end) = self.planned_end() else {
            return Ok(Reply::Done);
        };
        if self.roster.is_empty() {
            // With a host in it the meeting would run on. Nobody is in, so people who wait are sent away.
            if end <= now {
                self.send_all_away(LobbyDenial::Ended, out);
            }
            return Ok(Reply::Done);
        }
        if self.facts.ends_on_time && has_come(end) {
            return self.over(EndReason::Time, None, now, out);
        }
        if self.meeting.turns.is_some_and(|turns| turns <= now) {
            self.plan(now);
        }
        self.remind(has_come, now, out);
        Ok(Reply::Done)
    }

    fn remind(&self, has_come: impl Fn(Timestamp) -> bool, now: Timestamp, out: &mut Vec<Effect>) {
        let Some(end) = self.planned_end() else {
            return;
        };
        // If the time for both reminders has passed, there is only one.
        if now < end && reminders(end).any(has_come) {
            let remaining = end.unix_millis() - now.unix_millis();
            let reminder = RoomReminder {
                identity: self.facts.identity.clone(),
                ends_at: end,
                remaining_ms: u64::try_from(remaining).unwrap_or(0),
            };
            out.push(broadcast(None, Event::RoomReminder(reminder)));
        }
    }

    /// The first participant joins, and the meeting begins or goes on. Reminders that were due before are not sent.
    pub(super) fn begin(&mut self, now: Timestamp) {
        self.meeting.ticked = Some(now);
        self.meeting.pause = None;
        self.plan(now);
    }

    /// Notes which of the planned meetings this is, and until when.
    pub(super) fn plan(&mut self, now: Timestamp) {
        self.meeting.occurrence = schedule::next(&self.facts, now);
        self.meeting.turns = self.turns();
    }

    /// When this meeting becomes the next planned one, if it goes on past its end.
    fn turns(&self) -> Option<Timestamp> {
        self.facts.recurrence.as_ref()?;
        let end = self.planned_end()?;
        let after = schedule::next(&self.facts, end)?;
        Some(after.begin_at.max(end))
    }

    /// When this meeting is planned to end.
    pub(super) fn planned_end(&self) -> Option<Timestamp> {
        match (&self.facts.recurrence, &self.meeting.occurrence) {
            (None, _) => self.facts.end_at,
            (Some(_), occurrence) => occurrence.as_ref()?.end_at,
        }
    }

    /// Whether the meeting is over. A planned end does not count while a host is in.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        let next = schedule::next(&self.facts, now);
        let was_ended = |at| schedule::is_still_ended(&self.facts, at, next.as_ref());
        self.ended.is_some_and(was_ended)
            || schedule::is_past(&self.facts, next.as_ref(), now) && !self.roster.has_host()
    }

    /// Whether it is too early for those who may not come in early.
    pub(super) fn is_too_early(&self, now: Timestamp) -> bool {
        // A recurring meeting may run past its end like any other.
        let runs_over = self.planned_end().is_some_and(|end| end <= now) && self.roster.has_host();
        schedule::opens_at(&self.facts, now).is_some() && !runs_over
    }
}

fn reminders(end: Timestamp) -> impl Iterator<Item = Timestamp> {
    REMINDERS_MS
        .into_iter()
        .map(move |before| end.plus_millis(-before))
}
