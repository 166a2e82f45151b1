//! The door of a running room: how others ask it, and how long they wait for it.

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

/// A room this far behind lets further commands wait in turn, each as long as [`PATIENCE`].
const INBOX_CAPACITY: usize = budgets::INBOX.size();

/// How long a caller waits for a room: for a place in its inbox and for the answer together.
const PATIENCE: Duration = Duration::from_secs(5);

/// The same for what must not fail, such as leaving.
const LONGEST_PATIENCE: Duration = Duration::from_secs(10);

/// After how long a room that was too busy is worth another try, in milliseconds.
const BUSY_RETRY_MS: u64 = 1_000;

/// After how long whoever sends others too much may send on, in milliseconds.
const RELAY_RETRY_MS: u64 = 1_000;

/// A message to a room's task.
pub(super) enum Message {
    /// A command, and who waits for the answer.
    Call {
        command: Command,
        reply: oneshot::Sender<Decision>,
    },
    /// Somebody comes in, and hears what they are told in `outbox` from then on.
    Join {
        join: Box<Join>,
        outbox: Outbox,
        reply: oneshot::Sender<Result<Entered, ErrorCode>>,
    },
    /// A command that nobody waits for.
    Tell(Command),
    /// The media worker reports; nobody waits.
    Media(MediaEvent),
    /// The core is to be told the time: what a room sends itself.
    Tick,
    /// The server goes down: the meeting is saved for the last time, and nothing that governs it changes any more.
    Seal(oneshot::Sender<()>),
    /// A fault, as tests make one.
    #[cfg(test)]
    Panic,
}

/// What a room answers to a command that reached it.
pub type Decision = Result<Reply, ErrorCode>;

/// Why a command did not get an answer of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The room refused.
    #[error("the room refused: {}", .0.as_str())]
    Refused(ErrorCode),
    /// It has too much to do, and did not answer in time. A command that had reached it may be carried out yet, but no join
    /// is.
    #[error("the room did not answer in time")]
    Busy,
    /// Nobody is in it any more.
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

/// What a room's people may still say to everyone: all of them together, and each of them a share of it.
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

    /// Whoever has used up their share waits; the others do not. What the room refuses is taken from the share all the
    /// same: who tries again and again waits for it.
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

    /// Gives another participant what one sends them: on the short way where nothing has to be asked.
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

    /// Sends a command and waits for the room's answer, in turn with all others and not for ever.
    ///
    /// # Errors
    /// [`CallError`]; only `Refused` comes from the room itself.
    pub async fn call(&self, command: Command) -> Result<Reply, CallError> {
        self.ask(PATIENCE, |reply| Message::Call { command, reply })
            .await
    }

    /// The same, but waits longer: for what must not fail, such as leaving.
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
        // Outside of the runtime nobody is left who could carry it out.
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

    /// Takes somebody in, or lets them wait: `outbox` gets what they are told from then on. One that is given up is not in.
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
            // A room that has ended meanwhile has said what holds.
            let _ = sealed.await;
        }
    }

    /// Takes what somebody says to everyone from what the room's people may say.
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

    #[cfg(test)]
    pub(super) async fn send(&self, message: Message) {
        assert!(self.inbox.send(message).await.is_ok());
    }
}

/// A room's inbox, made before its task so that the media worker can be told where to report.
pub(super) struct Inbox {
    pub sender: mpsc::Sender<Message>,
    pub receiver: mpsc::Receiver<Message>,
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

/// Where a media worker reports to the room of this inbox.
pub(super) fn media_sink(inbox: mpsc::WeakSender<Message>) -> crate::media::EventSink {
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
