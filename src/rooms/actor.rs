//! One room's task: takes messages in order, asks the core, carries out the effects.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::handle::{Inbox, Message, RoomHandle, media_sink};
use super::outbox::{Outbox, OutboxItem, Pushed};
use super::start::{Clock, Entered, HistorySink, Origin};
use crate::budgets::{Buckets, rooms as budgets};
use crate::media::RoomMedia;
use crate::meeting::command::Join;
use crate::meeting::effect::CloseReason;
use crate::meeting::media::{MediaCommand, MediaEvent};
use crate::meeting::state::pause::Memory;
use crate::meeting::{Command, Effect, Outcome, Reply, Room};
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{Event, LeaveReason};
use crate::protocol::frame::EncodedEvent;
use crate::protocol::ids::ParticipantId;
use crate::supervise;

/// How long a room that waits for a time on the wall sleeps before it looks again: that clock may have been set.
const CLOCK_CHECK: Duration = Duration::from_secs(1);

/// How long a room sleeps at most before it looks whether all of its sessions are still there.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// How often commands are offered again to a media worker whose inbox was full.
const MEDIA_RETRY: Duration = Duration::from_millis(10);

/// How often the end of the room is offered to a media worker.
const MEDIA_CLOSE_ATTEMPTS: usize = 500;

/// A room's task.
pub(super) struct Actor {
    room: Room,
    inbox: mpsc::Receiver<Message>,
    /// Where the media worker reports.
    reports: mpsc::WeakSender<Message>,
    head_count: Arc<AtomicU32>,
    /// Of those who are in: what is told to everyone goes to these.
    outboxes: HashMap<ParticipantId, Outbox>,
    /// Of those who wait to be let in.
    waiting: HashMap<ParticipantId, Outbox>,
    media: Option<RoomMedia>,
    /// Commands that the media worker had no room for, in order. Its length is bounded by what people can do while
    /// one worker turn lasts: every entry came through the bounded inbox.
    media_backlog: VecDeque<MediaCommand>,
    history: HistorySink,
    /// What people sent each other lately, by who sends and who gets it.
    pairs: Buckets<(ParticipantId, ParticipantId)>,
    /// Whose sessions are gone, as was seen when they were to be told something.
    lost: Vec<ParticipantId>,
    clock: Clock,
}

impl Actor {
    pub(super) fn new(
        room: Room,
        inbox: Inbox,
        media: Option<RoomMedia>,
        history: HistorySink,
        origin: Origin,
        clock: Clock,
    ) -> (Self, RoomHandle) {
        let head_count = Arc::new(AtomicU32::new(0));
        let reports = inbox.sender.downgrade();
        let handle = RoomHandle::new(inbox.sender, head_count.clone(), media.clone(), origin);
        let actor = Self {
            room,
            inbox: inbox.receiver,
            reports,
            head_count,
            outboxes: HashMap::new(),
            waiting: HashMap::new(),
            media,
            media_backlog: VecDeque::new(),
            history,
            pairs: Buckets::new(&budgets::PAIR_BURST, &budgets::PAIR),
            lost: Vec::new(),
            clock,
        };
        (actor, handle)
    }

    /// Runs until nobody is in and nobody waits. `forget` takes the room out of the address book before the last messages
    /// are refused, and keeps what is to be remembered of its meeting.
    ///
    /// A room that fails sends everybody away, who may come back at once into a new run of it.
    pub(super) async fn run(mut self, forget: impl FnOnce(Option<Memory>)) {
        if supervise::caught("room", self.serve()).await.is_err() {
            self.fail();
        }
        let memory = supervise::caught_now("room", || self.room.memory());
        forget(memory.unwrap_or(None));
        self.inbox.close();
        // Dropping what still waits makes its callers see `Gone`, and try once more.
        while self.inbox.recv().await.is_some() {}
        self.close_media().await;
    }

    async fn serve(&mut self) {
        let mut entered = false;
        while let Some(message) = self.next().await {
            // Somebody is about to come in when a room starts: what is asked before that does not end it.
            entered |= matches!(&message, Message::Join { .. });
            self.take(message);
            self.part_with_the_lost();
            // Whoever is about to come in already finds it running.
            if entered && self.room.is_empty() && self.inbox.is_empty() {
                break;
            }
        }
    }

    /// What is known of the meeting may be half changed. Everybody in it is taken out, as far as that is possible, so that
    /// attendance ends and bans are remembered, and every session is let go to come back.
    fn fail(&mut self) {
        let outboxes = self.outboxes.drain().chain(self.waiting.drain());
        for (participant, outbox) in outboxes.collect::<Vec<_>>() {
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
            outbox.push(OutboxItem::Released {
                participant,
                close: Some(CloseReason::Failed),
            });
            if gone.is_err() {
                tracing::debug!("somebody could not be taken out of the room that failed");
            }
        }
        self.head_count.store(0, Ordering::Relaxed);
    }

    async fn next(&mut self) -> Option<Message> {
        loop {
            let wait = if !self.media_backlog.is_empty() {
                MEDIA_RETRY
            } else {
                match self.until_deadline() {
                    Some(wait) => wait.min(CLOCK_CHECK),
                    None => LONGEST_SLEEP,
                }
            };
            // The inbox goes first, so that a deadline never overtakes what came before it.
            match tokio::time::timeout(wait, self.inbox.recv()).await {
                Ok(message) => return message,
                Err(_) => self.flush_media(),
            }
            let is_due = self.until_deadline() == Some(Duration::ZERO);
            if is_due || self.look_for_the_lost() {
                return Some(Message::Tick);
            }
        }
    }

    /// How long it is until the core wants to be told the time; none when it does not.
    fn until_deadline(&self) -> Option<Duration> {
        let deadline = self.room.next_deadline()?.unix_millis();
        let millis = deadline - (self.clock)().unix_millis();
        Some(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
    }

    fn count(&self) {
        self.head_count
            .store(self.room.head_count(), Ordering::Relaxed);
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Media(event) => {
                if event == MediaEvent::Failed {
                    self.begin_media_anew();
                }
                self.carry_out(Command::Media(event));
            }
            Message::Tick => {
                self.carry_out(Command::Tick);
            }
            Message::Tell(command) => {
                self.carry_out(command);
            }
            Message::Call { command, reply } => {
                if let Some(code) = self.refuses(&command) {
                    // Nobody waits for it any more.
                    let _ = reply.send(Err(code));
                    return;
                }
                let outcome = self.handle(command);
                // The answer goes first: whoever sees an event of this command can see its answer already.
                if reply.send(outcome.reply).is_err() {
                    tracing::debug!("the session of an answered command is gone");
                }
                self.apply(outcome.effects);
            }
            Message::Join {
                join,
                outbox,
                reply,
            } => self.join(*join, outbox, reply),
            #[cfg(test)]
            Message::Panic => panic!("as the test wants"),
        }
    }

    fn handle(&mut self, command: Command) -> Outcome {
        let outcome = self.room.handle(command, (self.clock)());
        self.count();
        outcome
    }

    fn carry_out(&mut self, command: Command) {
        let outcome = self.handle(command);
        self.apply(outcome.effects);
    }

    fn join(
        &mut self,
        join: Join,
        outbox: Outbox,
        reply: oneshot::Sender<Result<Entered, ErrorCode>>,
    ) {
        if reply.is_closed() {
            // It waited longer than the one who asked: they do not want to be in any more.
            return;
        }
        let participant = join.participant.clone();
        let outcome = self.handle(Command::Join(join));
        let decision = match outcome.reply {
            Ok(Reply::View(view)) => {
                self.outboxes.insert(participant.clone(), outbox);
                Ok(Entered::In(view))
            }
            Ok(Reply::Waiting) => {
                self.waiting.insert(participant.clone(), outbox);
                Ok(Entered::Waiting)
            }
            Ok(other) => {
                tracing::error!(
                    ?other,
                    "a join was answered with something else: this is a fault in the server"
                );
                self.lost.push(participant.clone());
                Err(ErrorCode::ServerInternal)
            }
            Err(code) => Err(code),
        };
        let is_in = decision.is_ok();
        if reply.send(decision).is_err() && is_in {
            self.lost.push(participant);
        }
        self.apply(outcome.effects);
    }

    /// Why something that one sends another is not relayed: it is too much for the one who gets it. Whether it may be sent
    /// at all, the core says.
    fn refuses(&mut self, command: &Command) -> Option<ErrorCode> {
        let Command::Signal { from, to, signal } = command else {
            return None;
        };
        let outbox = self.outboxes.get(to)?;
        if !self.outboxes.contains_key(from) {
            return None;
        }
        let (bytes, now) = (signal.bytes(), Instant::now());
        if !outbox.has_place_for_relayed(bytes) {
            return Some(ErrorCode::RateLimited);
        }
        let pair = (from.clone(), to.clone());
        let spent = self.pairs.spend(pair, bytes as u64, now);
        spent.is_err().then_some(ErrorCode::RateLimited)
    }

    /// Looks for sessions that ended without a word, as one does that failed.
    fn look_for_the_lost(&mut self) -> bool {
        let outboxes = self.outboxes.iter().chain(&self.waiting);
        let lost = outboxes.filter(|(_, outbox)| outbox.is_closed());
        let lost: Vec<_> = lost.map(|(id, _)| id.clone()).collect();
        self.lost.extend(lost);
        !self.lost.is_empty()
    }

    fn part_with_the_lost(&mut self) {
        while let Some(participant) = self.lost.pop() {
            self.waiting.remove(&participant);
            self.outboxes.remove(&participant);
            self.carry_out(Command::Away {
                participant,
                reason: LeaveReason::Lost,
            });
        }
    }

    fn apply(&mut self, effects: Vec<Effect>) {
        let mut released = HashSet::new();
        for effect in effects {
            match effect {
                Effect::Tell { to, event } => {
                    tell(&self.outboxes, &to, &event, &mut self.lost);
                }
                Effect::TellWaiting { to, event } => {
                    tell(&self.waiting, &to, &event, &mut self.lost);
                }
                Effect::Broadcast { except, event } => {
                    let event = EncodedEvent::new(&event);
                    for (id, outbox) in self
                        .outboxes
                        .iter()
                        .filter(|(id, _)| Some(*id) != except.as_ref())
                    {
                        if outbox.push(OutboxItem::Event(event.clone())) == Pushed::Closed {
                            self.lost.push(id.clone());
                        }
                    }
                }
                Effect::Release { participant, close } => {
                    released.insert(participant.clone());
                    if let Some(outbox) = self.outboxes.remove(&participant) {
                        outbox.push(OutboxItem::Released { participant, close });
                    }
                }
                Effect::Admit { participant, view } => {
                    if let Some(outbox) = self.waiting.remove(&participant) {
                        let id = participant.clone();
                        let admitted = OutboxItem::Admitted {
                            participant: id.clone(),
                            view,
                        };
                        if outbox.push(admitted) == Pushed::Closed {
                            self.lost.push(id);
                        }
                        self.outboxes.insert(participant, outbox);
                    }
                }
                Effect::Show { participant, view } => {
                    if let Some(outbox) = self.outboxes.get(&participant) {
                        let id = participant.clone();
                        if outbox.push(OutboxItem::View { participant, view }) == Pushed::Closed {
                            self.lost.push(id);
                        }
                    }
                }
                Effect::SendAway {
                    participant,
                    event,
                    close,
                } => {
                    if let Some(outbox) = self.waiting.remove(&participant) {
                        if let Some(event) = event {
                            outbox.push(OutboxItem::Event(EncodedEvent::new(&event)));
                        }
                        outbox.push(OutboxItem::Released { participant, close });
                    }
                }
                Effect::Media(command) => {
                    self.media_backlog.push_back(command);
                    self.flush_media();
                }
                Effect::History(line) => (self.history)(line),
            }
        }
        if !released.is_empty() {
            self.pairs
                .retain(|(from, to)| !released.contains(from) && !released.contains(to));
        }
    }

    /// The media worker lost the room. It gets a new one; the core then tells it everything.
    fn begin_media_anew(&mut self) {
        let Some(media) = &self.media else { return };
        tracing::warn!("a room's media was lost and begins anew");
        media.begin_anew(media_sink(self.reports.clone()));
        self.media_backlog.clear();
    }

    fn flush_media(&mut self) {
        let Some(media) = &self.media else {
            self.media_backlog.clear();
            return;
        };
        while let Some(command) = self.media_backlog.pop_front() {
            if let Err(command) = media.try_command(command) {
                self.media_backlog.push_front(command);
                return;
            }
        }
    }

    /// Tells the worker that the room is over. Should the worker not take it in time, dropping the last handle says it.
    async fn close_media(&mut self) {
        self.media_backlog.push_back(MediaCommand::Close);
        self.flush_media();
        for _ in 0..MEDIA_CLOSE_ATTEMPTS {
            if self.media_backlog.is_empty() {
                return;
            }
            tokio::time::sleep(MEDIA_RETRY).await;
            self.flush_media();
        }
    }
}

/// Tells each of `to` what is rendered once for all of them.
fn tell(
    outboxes: &HashMap<ParticipantId, Outbox>,
    to: &[ParticipantId],
    event: &Event,
    lost: &mut Vec<ParticipantId>,
) {
    let event = EncodedEvent::new(event);
    for id in to {
        if let Some(outbox) = outboxes.get(id)
            && outbox.push(OutboxItem::Event(event.clone())) == Pushed::Closed
        {
            lost.push(id.clone());
        }
    }
}
