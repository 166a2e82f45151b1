//! The handle of a running room: how others send it commands, and how long they wait.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::direct::Direct;
use super::outbox::Outbox;
use super::start::{Entered, Origin};
use crate::budgets::{Bucket, Buckets, rooms as budgets};
use crate::media::RoomMedia;
use crate::meeting::command::{Join, Signal};
use crate::meeting::media::MediaEvent;
use crate::meeting::{Command, Reply};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::{ParticipantId, UserId};
use crate::protocol::object::Topology;

/// When a room is this far behind, further commands wait in turn, each for up to [`PATIENCE`].
const INBOX_CAPACITY: usize = budgets::INBOX.size();

/// How long a caller waits in total: for a place in the inbox and for the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The same for commands that must not fail, such as leaving.
const LONGEST_PATIENCE: Duration = Duration::from_secs(10);

/// When to try a busy room again, in milliseconds.
const BUSY_RETRY_MS: u64 = 1_000;

/// When a participant who sends others too much may send on, in milliseconds.
const RELAY_RETRY_MS: u64 = 1_000;

/// A message to a room's task.
pub(super) enum Message {
    /// A command, and the caller that waits for the answer.
    Call {
        command: Command,
        reply: oneshot::Sender<Decision>,
    },
    /// A person joins. Their events go to `outbox` from then on.
    Join {
        join: Box<Join>,
        outbox: Outbox,
        reply: oneshot::Sender<Result<Entered, ErrorCode>>,
    },
    /// A command that nobody waits for.
    Tell(Command),
    /// A report of the media worker. Nobody waits.
    Media(MediaEvent),
    /// A room sends this to itself to tell the core the time.
    Tick,
    /// The server goes down. The meeting is saved for the last time, and no governing change happens after that.
    Seal(oneshot::Sender<()>),
    /// A panic for tests.
    #[cfg(test)]
    Panic,
}

/// The answer of a room to a command that reached it.
pub type Decision = Result<Reply, ErrorCode>;

/// Why a command got no answer of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The room refused.
    #[error("the room refused: {}", .0.as_str())]
    Refused(ErrorCode),
    /// It is busy and did not answer in time. A command that reached it may still be carried out, but a join is not.
    #[error("the room did not answer in time")]
    Busy,
    /// The room has ended.
    #[error("the room has closed")]
    Gone,
}

impl From<CallError> for WireError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(code @ ErrorCode::RateLimited) => {
                WireError::from(code).retry_after(RELAY_RETRY_MS)
            }
            CallError::Busy | CallError::Refused(ErrorCode::ServerBusy) => {
                WireError::from(ErrorCode::ServerBusy).retry_after(BUSY_RETRY_MS)
            }
            CallError::Refused(code) => code.into(),
            CallError::Gone => ErrorCode::RoomNotJoined.into(),
        }
    }
}

/// What the participants may still say to everybody: an amount for all of them, and a share for each.
struct Talk {
    together: Bucket,
    shares: Buckets<UserId>,
}

impl Talk {
    fn new(now: Instant) -> Self {
        let (burst, rate) = (&budgets::TALK_BURST, &budgets::TALK);
        Self {
            together: Bucket::new(burst, rate, now),
            shares: Buckets::new(&budgets::TALK_SHARE_BURST, &budgets::TALK_SHARE),
        }
    }

    /// A participant who has used up their share waits, and the others do not. Refused attempts count too, so repeating
    /// them does not help.
    fn spend(&mut self, who: &UserId, bytes: u64, now: Instant) -> Result<(), Duration> {
        self.shares.spend(who.clone(), bytes, now)?;
        self.together.spend(bytes, now)
    }
}

/// The address of a running room.
#[derive(Clone)]
pub struct RoomHandle {
    inbox: mpsc::Sender<Message>,
    head_count: Arc<AtomicU32>,
    media: Option<RoomMedia>,
    origin: Origin,
    talk: Arc<Mutex<Talk>>,
    direct: Arc<Direct>,
}

impl RoomHandle {
    pub(super) fn new(
        inbox: mpsc::Sender<Message>,
        head_count: Arc<AtomicU32>,
        media: Option<RoomMedia>,
        origin: Origin,
        direct: Arc<Direct>,
    ) -> Self {
        Self {
            inbox,
            head_count,
            media,
            origin,
            talk: Arc::new(Mutex::new(Talk::new(Instant::now()))),
            direct,
        }
    }

    /// Delivers a message to another participant, on the direct way if the room need not be asked.
    ///
    /// # Errors
    /// As [`RoomHandle::call`].
    pub async fn relay(
        &self,
        from: &ParticipantId,
        to: ParticipantId,
        signal: Signal,
    ) -> Result<(), CallError> {
        let relayed = match self.media.is_none() && !signal.is_for_files() {
            true => self.direct.relay(from, &to, signal),
            false => Err(signal),
        };
        match relayed {
            Ok(done) => done.map_err(CallError::Refused),
            Err(signal) => {
                let from = from.clone();
                let command = Command::Signal { from, to, signal };
                self.call(command).await.map(drop)
            }
        }
    }

    /// Sends a command and waits for the answer of the room, in turn with all others, within a time limit.
    ///
    /// # Errors
    /// [`CallError`]; only `Refused` comes from the room itself.
    pub async fn call(&self, command: Command) -> Result<Reply, CallError> {
        self.ask(PATIENCE, |reply| Message::Call { command, reply })
            .await
    }

    /// The same with a longer wait, for commands that must not fail, such as leaving.
    ///
    /// # Errors
    /// As [`RoomHandle::call`].
    pub async fn call_surely(&self, command: Command) -> Result<Reply, CallError> {
        self.ask(LONGEST_PATIENCE, |reply| Message::Call { command, reply })
            .await
    }

    /// Sends a command whose answer does not matter, without waiting.
    pub fn tell(&self, command: Command) {
        let Err(mpsc::error::TrySendError::Full(message)) =
            self.inbox.try_send(Message::Tell(command))
        else {
            return;
        };
        // Outside of the runtime nobody can carry it out.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let inbox = self.inbox.clone();
            runtime.spawn(async move {
                let sent = tokio::time::timeout(LONGEST_PATIENCE, inbox.send(message)).await;
                if !matches!(sent, Ok(Ok(()))) {
                    tracing::debug!("a room that is too busy or gone was not told");
                }
            });
        }
    }

    /// Lets a person join or wait. Their events go to `outbox` from then on. A cancelled join leaves nobody in.
    pub(super) async fn join(&self, join: Join, outbox: Outbox) -> Result<Entered, CallError> {
        let join = Box::new(join);
        self.ask(PATIENCE, |reply| Message::Join {
            join,
            outbox,
            reply,
        })
        .await
    }

    async fn ask<T>(
        &self,
        patience: Duration,
        message: impl FnOnce(oneshot::Sender<Result<T, ErrorCode>>) -> Message,
    ) -> Result<T, CallError> {
        let asked = async {
            let place = self.inbox.reserve().await.map_err(|_| CallError::Gone)?;
            let (reply, answer) = oneshot::channel();
            place.send(message(reply));
            answer
                .await
                .map_err(|_| CallError::Gone)?
                .map_err(CallError::Refused)
        };
        let answered = tokio::time::timeout(patience, asked).await;
        answered.unwrap_or(Err(CallError::Busy))
    }

    /// Saves the meeting for the last time: the server goes down.
    pub(super) async fn seal(&self) {
        let (done, sealed) = oneshot::channel();
        if self.inbox.send(Message::Seal(done)).await.is_ok() {
            // A room that has ended meanwhile has already saved its state.
            let _ = sealed.await;
        }
    }

    /// Counts a message to everybody against the amount of the participants.
    ///
    /// # Errors
    /// The time after which there is enough again.
    pub fn say(&self, who: &UserId, bytes: u64) -> Result<(), Duration> {
        let mut talk = self.talk.lock().unwrap_or_else(PoisonError::into_inner);
        talk.spend(who, bytes, Instant::now())
    }

    /// Whether it has ended, or failed.
    pub(super) fn is_closed(&self) -> bool {
        self.inbox.is_closed()
    }

    /// How many are in.
    pub fn head_count(&self) -> u32 {
        self.head_count.load(Ordering::Relaxed)
    }

    /// The media of the room. None in a peer-to-peer room.
    pub fn media(&self) -> Option<&RoomMedia> {
        self.media.as_ref()
    }

    /// Its topology, which edits do not change while it runs.
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

    /// Whether both lead to the same run of a room.
    pub fn is_same(&self, other: &Self) -> bool {
        self.inbox.same_channel(&other.inbox)
    }

    #[cfg(test)]
    pub(super) async fn send(&self, message: Message) {
        assert!(self.inbox.send(message).await.is_ok());
    }
}

/// The inbox of a room. It is made before the task, so that the media worker knows where to report.
pub(super) struct Inbox {
    pub sender: mpsc::Sender<Message>,
    pub receiver: mpsc::Receiver<Message>,
}

impl Inbox {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(INBOX_CAPACITY);
        Self { sender, receiver }
    }

    /// Where the media worker reports. It does not keep the room alive. Events that find no place are returned.
    pub(super) fn media_sink(&self) -> crate::media::EventSink {
        media_sink(self.sender.downgrade())
    }
}

/// Where a media worker reports to the room of this inbox.
pub(super) fn media_sink(inbox: mpsc::WeakSender<Message>) -> crate::media::EventSink {
    Box::new(move |event| {
        let Some(inbox) = inbox.upgrade() else {
            return Ok(());
        };
        match inbox.try_send(Message::Media(event)) {
            Err(mpsc::error::TrySendError::Full(Message::Media(event))) => Err(event),
            // A room that is gone needs no reports.
            Ok(()) | Err(_) => Ok(()),
        }
    })
}
