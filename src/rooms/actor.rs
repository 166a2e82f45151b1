//! The task of one room: takes messages in order, calls the core, and carries out the effects.
//!
//! A command that governs the meeting is answered after it is saved. Meanwhile the room takes no other command.
//! Messages that arrived with it or right after it are carried out with it, so that one commit serves all of them, and
//! nobody hears of them before. If it cannot be saved, it is undone: the room returns to its old state, and the other
//! messages are carried out on that.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::asked::{Asked, Asker, CarriedOut};
use super::audience::Audience;
use super::direct::Direct;
use super::handle::{Inbox, Message, RoomHandle};
use super::media_line::{MEDIA_RETRY, MediaLine};
use super::outbox::OutboxItem;
use super::saving::{Saved, Saving};
use super::start::{Clock, HistorySink, Origin, Survivors};
use crate::media::RoomMedia;
use crate::meeting::durability::Durability;
use crate::meeting::effect::{CloseReason, View};
use crate::meeting::snapshot::SnapshotError;
use crate::meeting::state::pause::Memory;
use crate::meeting::{Command, Effect, Outcome, Reply, Room};
use crate::protocol::error::ErrorCode;
use crate::protocol::event::LeaveReason;
use crate::supervise;
use crate::turn::RoomAccess;

/// How long a room that waits for a wall-clock time sleeps before it looks again. The clock may have been set.
const CLOCK_CHECK: Duration = Duration::from_secs(1);

/// How long a room sleeps at most before it checks that all of its sessions are still there.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The parts of the task of a room.
pub(super) struct Parts {
    pub room: Room,
    pub inbox: Inbox,
    pub media: Option<RoomMedia>,
    pub relay: RoomAccess,
    pub history: HistorySink,
    pub origin: Origin,
    pub saving: Saving,
    pub clock: Clock,
}

/// A room's task.
pub(super) struct Actor {
    room: Room,
    inbox: mpsc::Receiver<Message>,
    /// A message that arrived during a save and is not part of it.
    next: Option<Message>,
    head_count: Arc<AtomicU32>,
    audience: Audience,
    media: MediaLine,
    history: HistorySink,
    saving: Saving,
    /// A person has joined, or was in when the room was taken up.
    entered: bool,
    clock: Clock,
}

/// How the task of a room ends.
pub(super) struct Ending {
    /// What to remember of its meeting.
    pub memory: Option<Memory>,
    /// It was already saved for the last time.
    pub is_sealed: bool,
}

impl Actor {
    pub(super) fn new(parts: Parts) -> (Self, RoomHandle) {
        let head_count = Arc::new(AtomicU32::new(0));
        let reports = parts.inbox.sender.downgrade();
        let media = parts.media;
        let sender = parts.inbox.sender;
        let direct = Arc::new(Direct::new());
        let (count, way) = (head_count.clone(), direct.clone());
        let goes_straight = parts.origin == Origin::Store;
        let handle = RoomHandle::new(sender, count, media.clone(), parts.origin, way);
        let actor = Self {
            room: parts.room,
            inbox: parts.inbox.receiver,
            next: None,
            head_count,
            audience: Audience::new(direct),
            media: MediaLine::new(media, parts.relay, goes_straight, reports),
            history: parts.history,
            saving: parts.saving,
            entered: false,
            clock: parts.clock,
        };
        (actor, handle)
    }

    /// Goes on with the participants from before a restart.
    pub(super) fn take_up(&mut self, survivors: Survivors) {
        self.entered = true;
        self.count();
        let Survivors {
            effects,
            inside,
            waiting,
            absent,
            until,
        } = survivors;
        for (participant, outbox) in inside {
            self.audience.enter(participant, outbox);
        }
        for (participant, outbox) in waiting {
            self.audience.wait(participant, outbox);
        }
        self.audience.await_until(absent, until);
        self.apply(effects);
        self.audience.open_direct();
        self.saving.has_changed();
    }

    /// Runs until nobody is in and nobody waits. `forget` removes the room from the address book before the last
    /// messages are refused, and keeps the memory of its meeting.
    ///
    /// A room that fails sends everybody away. They may come back at once into a new run of it.
    pub(super) async fn run(mut self, forget: impl FnOnce(Ending)) {
        if supervise::caught("room", self.serve()).await.is_err() {
            self.fail();
        }
        let memory = supervise::caught_now("room", || self.room.memory());
        forget(Ending {
            memory: memory.unwrap_or(None),
            is_sealed: self.saving.is_sealed(),
        });
        self.inbox.close();
        // Dropping the remaining messages makes their callers see `Gone` and try again.
        while self.inbox.recv().await.is_some() {}
        self.media.close().await;
    }

    async fn serve(&mut self) {
        while let Some(message) = self.next().await {
            // A room starts because somebody is about to join. Earlier messages do not end it.
            self.entered |= matches!(&message, Message::Join { .. });
            self.take(message).await;
            self.part_with_the_lost();
            if self.saving.due_in() == Some(Duration::ZERO) {
                self.save_soon();
            }
            // A person who is about to join finds it running.
            let is_idle = self.inbox.is_empty() && self.next.is_none();
            if self.entered && self.room.is_empty() && is_idle {
                break;
            }
        }
    }

    /// The state of the meeting may be half changed. Everybody is taken out as far as possible, so that attendance ends
    /// and bans are remembered, and every session is released to come back.
    fn fail(&mut self) {
        for (participant, outbox) in self.audience.dissolve() {
            let away = Command::Away {
                participant: participant.clone(),
                reason: LeaveReason::Lost,
            };
            let now = (self.clock)();
            let gone = supervise::caught_now("room", || {
                for effect in self.room.handle(away, now).effects {
                    if let Effect::History(line) = effect {
                        (self.history)(line);
                    }
                }
            });
            if let Some(outbox) = outbox {
                outbox.push(OutboxItem::Released {
                    participant,
                    close: Some(CloseReason::Failed),
                });
            }
            if gone.is_err() {
                tracing::debug!("somebody could not be taken out of the room that failed");
            }
        }
        self.head_count.store(0, Ordering::Relaxed);
    }

    async fn next(&mut self) -> Option<Message> {
        if let Some(next) = self.next.take() {
            return Some(next);
        }
        loop {
            // The inbox goes first, so that a deadline never overtakes earlier messages.
            match tokio::time::timeout(self.longest_sleep(), self.inbox.recv()).await {
                Ok(message) => return message,
                Err(_) => self.media.flush(),
            }
            if self.saving.due_in() == Some(Duration::ZERO) {
                self.save_soon();
            }
            let is_due = self.until_deadline() == Some(Duration::ZERO);
            if is_due || self.audience.look_for_the_lost() {
                return Some(Message::Tick);
            }
        }
    }

    /// How long the room may sleep.
    fn longest_sleep(&self) -> Duration {
        if self.media.is_behind() {
            return MEDIA_RETRY;
        }
        let deadline = self.until_deadline().map(|wait| wait.min(CLOCK_CHECK));
        let awaited = self.audience.awaited_until();
        let awaited = awaited.map(|until| until.saturating_duration_since(Instant::now()));
        let wakings = [deadline, awaited, self.saving.due_in()];
        let wakings = wakings.into_iter().flatten();
        wakings.fold(LONGEST_SLEEP, Duration::min)
    }

    /// The time until the next deadline of the core. None if it has none.
    fn until_deadline(&self) -> Option<Duration> {
        let deadline = self.room.next_deadline()?.unix_millis();
        let millis = deadline - (self.clock)().unix_millis();
        Some(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
    }

    fn count(&self) {
        self.head_count
            .store(self.room.head_count(), Ordering::Relaxed);
    }

    async fn take(&mut self, message: Message) {
        let Some(asked) = self.read(message).await else {
            return;
        };
        if asked.durability >= Durability::WhenPossible && self.saving.is_on() {
            return self.carry_out_surely(asked).await;
        }
        let (command, done) = asked.parts();
        let outcome = self.handle(command);
        self.settle(done, outcome);
    }

    /// The command of a message. None if it is done already, or not wanted any more.
    async fn read(&mut self, message: Message) -> Option<Asked> {
        let (command, by) = match message {
            Message::Seal(done) => {
                let meeting = self.saved();
                self.saving.seal(meeting).await;
                // Nobody waits for it any more.
                let _ = done.send(());
                return None;
            }
            #[cfg(test)]
            Message::Panic => panic!("as the test wants"),
            Message::Call { command, reply } => {
                if let Some(code) = self.audience.refuses(&command) {
                    // Nobody waits for it any more.
                    let _ = reply.send(Err(code));
                    return None;
                }
                (command, Asker::Caller(reply))
            }
            Message::Join {
                join,
                outbox,
                reply,
            } => Asker::newcomer(*join, outbox, reply)?,
            Message::Media(event) => (Command::Media(event), Asker::Nobody),
            Message::Tick => (Command::Tick, Asker::Nobody),
            Message::Tell(command) => (command, Asker::Nobody),
        };
        let durability = self.room.durability(&command);
        Some(Asked {
            command,
            by,
            durability,
        })
    }

    /// Carries out a command that must be saved before its answer, and the messages that came with it.
    async fn carry_out_surely(&mut self, first: Asked) {
        let before = self.room.clone();
        let mut batch = vec![self.attempt(first)];
        while self.next.is_none()
            && let Ok(message) = self.inbox.try_recv()
        {
            match message {
                Message::Seal(_) => self.next = Some(message),
                #[cfg(test)]
                Message::Panic => self.next = Some(message),
                message => {
                    let is_join = matches!(&message, Message::Join { .. });
                    self.entered |= is_join;
                    if let Some(asked) = self.read(message).await {
                        batch.push(self.attempt(asked));
                    }
                }
            }
        }
        let governs = |(asked, outcome): &(Asked, Outcome)| {
            asked.durability >= Durability::WhenPossible && outcome.reply.is_ok()
        };
        let is_kept = match batch.iter().any(governs) {
            true => {
                let meeting = self.saved();
                self.saving.keep_surely(meeting).await.is_ok()
            }
            false => true,
        };
        if !is_kept {
            self.room = before;
        }
        for (asked, outcome) in batch {
            let outcome = match asked.durability {
                _ if is_kept => outcome,
                Durability::BeforeAnswer => Outcome {
                    reply: Err(ErrorCode::ServerBusy),
                    effects: Vec::new(),
                },
                Durability::Nothing | Durability::Soon | Durability::WhenPossible => {
                    self.handle(asked.command.clone())
                }
            };
            let (_, done) = asked.parts();
            self.settle(done, outcome);
        }
    }

    fn attempt(&mut self, asked: Asked) -> (Asked, Outcome) {
        let outcome = self.handle(asked.command.clone());
        (asked, outcome)
    }

    fn handle(&mut self, command: Command) -> Outcome {
        let outcome = self.room.handle(command, (self.clock)());
        self.count();
        outcome
    }

    /// Answers, and carries out the effects. The media worker is told first, because a client may negotiate as soon as
    /// it has its answer, without this task. The answer goes before the other effects, so a client never sees an event
    /// of its command first. The direct way between participants is held meanwhile, so nothing that a client sends
    /// overtakes an event.
    fn settle(&mut self, done: CarriedOut, outcome: Outcome) {
        if done.durability != Durability::Nothing && !outcome.effects.is_empty() {
            self.saving.has_changed();
        }
        if done.media_failed {
            self.media.begin_anew();
        }
        let is_media = |effect: &mut Effect| matches!(effect, Effect::Media(_));
        let mut others = outcome.effects;
        self.audience.hold_direct();
        self.apply(others.extract_if(.., is_media).collect());
        let mut reply = outcome.reply;
        if let Ok(Reply::View(view)) = &mut reply {
            self.complete(view);
        }
        done.by.answer(reply, &mut self.audience);
        self.apply(others);
        self.audience.open_direct();
    }

    /// Adds to a view what the core does not know.
    fn complete(&self, view: &mut View) {
        view.ice_servers = self.media.ice_servers(&view.me.id);
    }

    fn part_with_the_lost(&mut self) {
        while let Some(participant) = self.audience.next_lost() {
            let outcome = self.handle(Command::Away {
                participant,
                reason: LeaveReason::Lost,
            });
            self.audience.hold_direct();
            self.apply(outcome.effects);
            self.audience.open_direct();
            self.saving.has_changed();
        }
    }

    fn apply(&mut self, effects: Vec<Effect>) {
        let mut released = HashSet::new();
        for effect in effects {
            match effect {
                Effect::Tell { to, event } => self.audience.tell(&to, &event),
                Effect::TellWaiting { to, event } => self.audience.tell_waiting(&to, &event),
                Effect::Broadcast { except, event } => {
                    self.audience.broadcast(except.as_ref(), &event);
                }
                Effect::Release { participant, close } => {
                    released.insert(participant.clone());
                    self.audience.release(participant, close);
                }
                Effect::Admit {
                    participant,
                    mut view,
                } => {
                    self.complete(&mut view);
                    self.audience.admit(participant, view);
                }
                Effect::Show {
                    participant,
                    mut view,
                } => {
                    self.complete(&mut view);
                    self.audience.show(participant, view);
                }
                Effect::SendAway {
                    participant,
                    event,
                    close,
                } => self
                    .audience
                    .send_away(participant, event.as_deref(), close),
                Effect::Media(command) => self.media.tell(command),
                Effect::History(line) => (self.history)(line),
            }
        }
        self.audience.forget_pairs(&released);
    }

    /// Saves the meeting in the background. An empty one is saved when the room ends.
    fn save_soon(&mut self) {
        let meeting = self.saved();
        self.saving.keep(meeting);
    }

    fn saved(&self) -> Result<Saved, SnapshotError> {
        Saved::of_room(&self.room, &self.audience.sessions(), (self.clock)())
    }
}
