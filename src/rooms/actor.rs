//! One room's task: takes messages in order, asks the core, carries out the effects.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::outbox::{Outbox, OutboxItem};
use super::registry::{HistorySink, Origin};
use crate::media::RoomMedia;
use crate::meeting::media::{MediaCommand, MediaEvent};
use crate::meeting::pause::Memory;
use crate::meeting::{Command, Effect, Outcome, Reply, Room};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::frame::EncodedEvent;
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::Topology;
use crate::protocol::time::Timestamp;

/// How long a room sleeps at most before it looks at the clock on the wall again, which may have been set.
const LONGEST_SLEEP: Duration = Duration::from_secs(600);

/// A room this far behind answers `server.busy`.
const INBOX_CAPACITY: usize = 512;

/// After how long an inbox that is full is worth another try, in milliseconds.
const BUSY_RETRY_MS: u64 = 200;

/// How often commands are offered again to a media worker whose inbox was full.
const MEDIA_RETRY: Duration = Duration::from_millis(10);

/// How often the end of the room is offered to a media worker.
const MEDIA_CLOSE_TRIES: usize = 500;

/// A message to a room's task.
pub(super) enum Message {
    /// A command, and who waits for the answer.
    Call(Call),
    /// The media worker reports; nobody waits.
    Media(MediaEvent),
    /// The core is to be told the time: what a room sends itself.
    Tick,
}

/// A command, and who waits for the answer.
pub(super) struct Call {
    pub(super) command: Command,
    /// Where what the newcomer is told goes; only with a join.
    pub(super) newcomer: Option<(ParticipantId, Outbox)>,
    pub(super) reply: oneshot::Sender<Decision>,
}

/// What a room answers to a command that reached it.
pub type Decision = Result<Reply, ErrorCode>;

/// Why a command did not get an answer of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The room refused.
    #[error("the room refused: {}", .0.as_str())]
    Refused(ErrorCode),
    /// Its inbox is full.
    #[error("the room's inbox is full")]
    Busy,
    /// Nobody is in it any more.
    #[error("the room has closed")]
    Gone,
}

impl From<CallError> for WireError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(code) => code.into(),
            CallError::Busy => WireError::from(ErrorCode::ServerBusy).retry_after(BUSY_RETRY_MS),
            CallError::Gone => ErrorCode::RoomNotJoined.into(),
        }
    }
}

/// The address of a running room.
#[derive(Clone)]
pub struct RoomHandle {
    inbox: mpsc::Sender<Message>,
    head_count: Arc<AtomicU32>,
    media: Option<RoomMedia>,
    origin: Origin,
}

impl RoomHandle {
    /// Sends a command and waits for the room's answer.
    ///
    /// # Errors
    /// [`CallError`]; only `Refused` comes from the room itself.
    pub async fn call(&self, command: Command) -> Result<Reply, CallError> {
        self.send(command, None).await
    }

    /// The same for a join: `outbox` gets what the newcomer is told from then on.
    pub(super) async fn send(
        &self,
        command: Command,
        newcomer: Option<(ParticipantId, Outbox)>,
    ) -> Result<Reply, CallError> {
        let (reply, answer) = oneshot::channel();
        let call = Message::Call(Call {
            command,
            newcomer,
            reply,
        });
        self.inbox.try_send(call).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CallError::Busy,
            mpsc::error::TrySendError::Closed(_) => CallError::Gone,
        })?;
        answer
            .await
            .map_err(|_| CallError::Gone)?
            .map_err(CallError::Refused)
    }

    /// The same, but waits for room in the inbox: for what must not fail, such as leaving.
    pub async fn call_surely(&self, command: Command) -> Result<Reply, CallError> {
        let (reply, answer) = oneshot::channel();
        let call = Message::Call(Call {
            command,
            newcomer: None,
            reply,
        });
        self.inbox.send(call).await.map_err(|_| CallError::Gone)?;
        answer
            .await
            .map_err(|_| CallError::Gone)?
            .map_err(CallError::Refused)
    }

    /// How many are in.
    pub fn head_count(&self) -> u32 {
        self.head_count.load(Ordering::Relaxed)
    }

    /// The room's share of the media plane; none when media goes from peer to peer.
    pub fn media(&self) -> Option<&RoomMedia> {
        self.media.as_ref()
    }

    /// How its media travels, whatever was edited since it began.
    pub fn topology(&self) -> Topology {
        match self.media {
            Some(_) => Topology::Sfu,
            None => Topology::P2p,
        }
    }

    /// Where it was loaded from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Whether both are the address of one and the same run of a room.
    pub fn is_same(&self, other: &Self) -> bool {
        self.inbox.same_channel(&other.inbox)
    }
}

/// A room's inbox, made before its task so that the media worker can be told where to report.
pub(super) struct Inbox {
    sender: mpsc::Sender<Message>,
    receiver: mpsc::Receiver<Message>,
}

impl Inbox {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(INBOX_CAPACITY);
        Self { sender, receiver }
    }

    /// Where the media worker reports. It does not keep the room alive, and gets back what finds no room.
    pub(super) fn media_sink(&self) -> crate::media::EventSink {
        media_sink(self.sender.downgrade())
    }
}

fn media_sink(inbox: mpsc::WeakSender<Message>) -> crate::media::EventSink {
    Box::new(move |event| {
        let Some(inbox) = inbox.upgrade() else {
            return Ok(());
        };
        match inbox.try_send(Message::Media(event)) {
            Err(mpsc::error::TrySendError::Full(Message::Media(event))) => Err(event),
            // A room that is gone has nobody left to tell.
            Ok(()) | Err(_) => Ok(()),
        }
    })
}

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
}

impl Actor {
    pub(super) fn new(
        room: Room,
        inbox: Inbox,
        media: Option<RoomMedia>,
        history: HistorySink,
        origin: Origin,
    ) -> (Self, RoomHandle) {
        let head_count = Arc::new(AtomicU32::new(0));
        let reports = inbox.sender.downgrade();
        let handle = RoomHandle {
            inbox: inbox.sender,
            head_count: head_count.clone(),
            media: media.clone(),
            origin,
        };
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
        };
        (actor, handle)
    }

    /// Runs until nobody is in and nobody waits. `forget` takes the room out of the address book before the last messages
    /// are refused, and keeps what is to be remembered of its meeting.
    pub(super) async fn run(mut self, forget: impl FnOnce(Option<Memory>)) {
        let mut entered = false;
        while let Some(message) = self.next().await {
            // Somebody is about to come in when a room starts: what is asked before that does not end it.
            entered |= matches!(&message, Message::Call(call) if call.newcomer.is_some());
            self.take(message);
            if entered && self.room.is_empty() {
                break;
            }
        }
        forget(self.room.memory());
        self.inbox.close();
        // Dropping what still waits makes its callers see `Gone`, and try once more.
        while self.inbox.recv().await.is_some() {}
        self.close_media().await;
    }

    async fn next(&mut self) -> Option<Message> {
        loop {
            let until_deadline = self.until_deadline();
            let wait = if self.media_backlog.is_empty() {
                until_deadline.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP)
            } else {
                MEDIA_RETRY
            };
            // The inbox goes first, so that a deadline never overtakes what came before it.
            match tokio::time::timeout(wait, self.inbox.recv()).await {
                Ok(message) => return message,
                Err(_) => self.flush_media(),
            }
            if self.until_deadline() == Some(Duration::ZERO) {
                return Some(Message::Tick);
            }
        }
    }

    /// How long it is until the core wants to be told the time; none when it does not.
    fn until_deadline(&self) -> Option<Duration> {
        let deadline = self.room.next_deadline()?.unix_millis();
        let millis = deadline - Timestamp::now().unix_millis();
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
                let outcome = self.room.handle(Command::Media(event), Timestamp::now());
                self.apply(outcome.effects);
            }
            Message::Tick => {
                let outcome = self.room.handle(Command::Tick, Timestamp::now());
                self.count();
                self.apply(outcome.effects);
            }
            Message::Call(Call {
                command,
                newcomer,
                reply,
            }) => {
                let Outcome {
                    reply: decision,
                    effects,
                } = self.room.handle(command, Timestamp::now());
                if let (Ok(reply), Some((participant, outbox))) = (&decision, newcomer) {
                    let place = match reply {
                        Reply::Waiting => &mut self.waiting,
                        _ => &mut self.outboxes,
                    };
                    place.insert(participant, outbox);
                }
                self.count();
                // The answer goes first: whoever sees an event of this command can see its answer already.
                if reply.send(decision).is_err() {
                    tracing::debug!("the session of an answered command is gone");
                }
                self.apply(effects);
            }
        }
    }

    fn apply(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Tell { to, event } => {
                    if let Some(outbox) = self.outboxes.get(&to) {
                        outbox.push(OutboxItem::Event(EncodedEvent::new(&event)));
                    }
                }
                Effect::TellWaiting { to, event } => {
                    if let Some(outbox) = self.waiting.get(&to) {
                        outbox.push(OutboxItem::Event(EncodedEvent::new(&event)));
                    }
                }
                Effect::Broadcast { except, event } => {
                    let event = EncodedEvent::new(&event);
                    for (_, outbox) in self
                        .outboxes
                        .iter()
                        .filter(|(id, _)| Some(*id) != except.as_ref())
                    {
                        outbox.push(OutboxItem::Event(event.clone()));
                    }
                }
                Effect::Release { participant, close } => {
                    if let Some(outbox) = self.outboxes.remove(&participant) {
                        outbox.push(OutboxItem::Released { participant, close });
                    }
                }
                Effect::Admit { participant, view } => {
                    if let Some(outbox) = self.waiting.remove(&participant) {
                        let id = participant.clone();
                        outbox.push(OutboxItem::Admitted {
                            participant: id,
                            view,
                        });
                        self.outboxes.insert(participant, outbox);
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
        for _ in 0..MEDIA_CLOSE_TRIES {
            if self.media_backlog.is_empty() {
                return;
            }
            tokio::time::sleep(MEDIA_RETRY).await;
            self.flush_media();
        }
    }
}
