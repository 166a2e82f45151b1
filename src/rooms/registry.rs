//! The address book: which room runs where.

use std::future::Future;
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::sync::Notify;

use super::actor::{Actor, CallError, Inbox, RoomHandle};
use super::outbox::Outbox;
use crate::media::Media;
use crate::meeting::command::Join;
use crate::meeting::effect::{History, View};
use crate::meeting::{Command, Reply, Room};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::RoomIdentity;
use crate::protocol::object::Topology;
use crate::protocol::time::Timestamp;

/// Where a room's attendance is written down; must not wait.
pub type HistorySink = Box<dyn FnMut(History) + Send>;

/// The running rooms of this node.
#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
}

struct Shared {
    rooms: DashMap<RoomIdentity, RoomHandle>,
    media: Media,
    closed_one: Notify,
}

/// How much is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Live {
    /// Rooms with somebody in them.
    pub rooms: usize,
    /// People in rooms.
    pub participants: usize,
}

/// A room as it is loaded to be run.
pub struct Start {
    /// The empty room.
    pub room: Room,
    /// How its media travels.
    pub topology: Topology,
    /// Where its attendance is written down.
    pub history: HistorySink,
}

/// Where a join has led.
pub enum Entered {
    /// Into the room.
    In(Box<View>),
    /// To its door: to be let in, or not.
    Waiting,
}

impl Registry {
    /// An empty address book over these media workers.
    pub fn new(media: Media) -> Self {
        let shared = Shared {
            rooms: DashMap::new(),
            media,
            closed_one: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Finds a running room.
    pub fn find(&self, identity: &RoomIdentity) -> Option<RoomHandle> {
        self.shared
            .rooms
            .get(identity)
            .map(|entry| entry.value().clone())
    }

    /// The rooms that run now.
    pub fn running(&self) -> Vec<(RoomIdentity, RoomHandle)> {
        let rooms = self.shared.rooms.iter();
        rooms
            .map(|entry| (entry.key().clone(), entry.value().clone()))
            .collect()
    }

    /// How many are in a room.
    pub fn head_count(&self, identity: &RoomIdentity) -> u32 {
        self.find(identity).map_or(0, |room| room.head_count())
    }

    /// How much is going on on this node.
    pub fn live(&self) -> Live {
        self.shared
            .rooms
            .iter()
            .fold(Live::default(), |live, entry| Live {
                rooms: live.rooms + 1,
                participants: live.participants + entry.value().head_count() as usize,
            })
    }

    /// Takes somebody into a room or lets them wait at its door; it is loaded and started if it does not run.
    ///
    /// # Errors
    /// What the room refuses with, `server.busy`, or what `load` failed with.
    pub async fn join<L, F>(
        &self,
        identity: &RoomIdentity,
        join: Join,
        outbox: Outbox,
        load: L,
    ) -> Result<(RoomHandle, Entered), WireError>
    where
        L: Fn() -> F,
        F: Future<Output = Result<Start, WireError>>,
    {
        // A room that closes just now answers `Gone`; its successor is started at the second try.
        for _ in 0..2 {
            let handle = match self.find(identity) {
                Some(handle) => handle,
                None => self.start(identity, load().await?),
            };
            let newcomer = Some((join.participant.clone(), outbox.clone()));
            match handle.send(Command::Join(join.clone()), newcomer).await {
                Ok(Reply::View(view)) => return Ok((handle, Entered::In(view))),
                Ok(Reply::Waiting) => return Ok((handle, Entered::Waiting)),
                Ok(other) => {
                    unreachable!("a join is answered with a view or a wait, not {other:?}")
                }
                Err(CallError::Gone) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(WireError::from(ErrorCode::ServerBusy).retry_after(100))
    }

    /// Whether somebody would be taken into a room now, or might wait at its door: for those who would leave another for it.
    ///
    /// # Errors
    /// As [`Registry::join`].
    pub async fn knock<F>(
        &self,
        identity: &RoomIdentity,
        join: &Join,
        load: impl Fn() -> F,
    ) -> Result<(), WireError>
    where
        F: Future<Output = Result<Start, WireError>>,
    {
        let knock = Command::Knock(Box::new(join.clone()));
        let answer = match self.find(identity) {
            Some(handle) => handle.call(knock).await,
            None => {
                let outcome = load().await?.room.handle(knock, Timestamp::now());
                outcome.reply.map_err(CallError::Refused)
            }
        };
        match answer {
            // A room that closes just now is started anew by the join.
            Ok(_) | Err(CallError::Gone) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Starts a room's task, unless somebody else did meanwhile.
    fn start(&self, identity: &RoomIdentity, start: Start) -> RoomHandle {
        let entry = match self.shared.rooms.entry(identity.clone()) {
            Entry::Occupied(entry) => return entry.get().clone(),
            Entry::Vacant(entry) => entry,
        };
        let inbox = Inbox::new();
        let media = match start.topology {
            Topology::Sfu => Some(self.shared.media.open_room(inbox.media_sink())),
            Topology::P2p => None,
        };
        let (actor, handle) = Actor::new(start.room, inbox, media, start.history);
        entry.insert(handle.clone());
        let (shared, identity, own) = (self.shared.clone(), identity.clone(), handle.clone());
        tokio::spawn(async move {
            let forgetful = shared.clone();
            let forget = move || {
                // Only its own entry: a successor may stand there already.
                forgetful
                    .rooms
                    .remove_if(&identity, |_, listed| listed.is_same(&own));
            };
            actor.run(forget).await;
            shared.closed_one.notify_waiters();
        });
        handle
    }

    /// Waits until no room runs any more: for ordered shutdown, after the sessions have left.
    pub async fn emptied(&self) {
        loop {
            let closed = self.shared.closed_one.notified();
            if self.shared.rooms.is_empty() {
                return;
            }
            closed.await;
        }
    }
}
