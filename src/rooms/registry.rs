//! The address book: which room runs where.
//!
//! A room never starts from outdated data. After storing a change, the caller uses [`Registry::changed`] to find the
//! running room. A room that is being loaded is loaded again, and a late edit undoes nothing newer.

mod loading;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use futures_util::future::join_all;
use tokio::sync::Notify;

use self::loading::{Loading, Watch};
use super::actor::{Actor, Ending, Parts};
use super::handle::{CallError, Inbox, RoomHandle};
use super::link::RoomLink;
use super::outbox::Outbox;
use super::remembered::{self, Remembered};
use super::saving::{Safe, Saving};
use super::start::{Clock, Entered, Start, Survivors};
use crate::media::Media;
use crate::meeting::command::Join;
use crate::meeting::state::pause::Memory;
use crate::meeting::{Command, Room};
use crate::protocol::error::WireError;
use crate::protocol::ids::{RoomIdentity, UserId};
use crate::protocol::object::Topology;
use crate::protocol::time::Timestamp;
use crate::supervise;
use crate::turn::{IceServers, Reach};

/// How often a join is tried again if the room is ending. The next run answers then.
const ATTEMPTS: usize = 4;

/// The running rooms of this node.
#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
}

struct Shared {
    rooms: DashMap<RoomIdentity, RoomHandle>,
    /// The rooms that are being loaded.
    loading: DashMap<RoomIdentity, Loading>,
    /// The memories of meetings whose rooms do not run. A memory is given to a room, and taken back, while the entry of
    /// the room in the address book is held.
    remembered: Remembered,
    media: Media,
    ice_servers: IceServers,
    /// The server goes down, and nobody may join.
    is_closing: AtomicBool,
    closed_one: Notify,
    clock: Clock,
}

/// The current load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Live {
    /// The number of occupied rooms.
    pub rooms: usize,
    /// People in rooms.
    pub participants: usize,
}

impl Registry {
    /// An empty address book over these media workers.
    pub fn new(media: Media) -> Self {
        Self::with(media, IceServers::default(), Arc::new(Timestamp::now))
    }

    /// The same with relays.
    pub fn with_ice_servers(media: Media, ice_servers: IceServers) -> Self {
        Self::with(media, ice_servers, Arc::new(Timestamp::now))
    }

    /// The same with a clock of its own.
    pub fn with_clock(media: Media, clock: Clock) -> Self {
        Self::with(media, IceServers::default(), clock)
    }

    fn with(media: Media, ice_servers: IceServers, clock: Clock) -> Self {
        let shared = Shared {
            rooms: DashMap::new(),
            loading: DashMap::new(),
            remembered: Remembered::default(),
            media,
            ice_servers,
            is_closing: AtomicBool::new(false),
            closed_one: Notify::new(),
            clock,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Finds a running room.
    pub fn find(&self, identity: &RoomIdentity) -> Option<RoomLink> {
        self.find_local(identity).map(RoomLink::Local)
    }

    fn find_local(&self, identity: &RoomIdentity) -> Option<RoomHandle> {
        let entry = self.shared.rooms.get(identity)?;
        Some(entry.value().clone()).filter(|handle| !handle.is_closed())
    }

    /// The rooms that run now.
    pub fn running(&self) -> Vec<(RoomIdentity, RoomLink)> {
        let rooms = self.shared.rooms.iter();
        rooms
            .map(|entry| (entry.key().clone(), RoomLink::Local(entry.value().clone())))
            .collect()
    }

    /// Notes that the stored data of a room has changed, and returns the room if it runs, so that the caller can tell
    /// it. A room that is being loaded is loaded again, so that it never starts from the old data.
    pub fn changed(&self, identity: &RoomIdentity) -> Option<RoomLink> {
        self.note_change(identity);
        self.find(identity)
    }

    fn note_change(&self, identity: &RoomIdentity) {
        if let Some(mut loading) = self.shared.loading.get_mut(identity) {
            loading.changes += 1;
        }
    }

    /// Lifts a ban in a room, running or not. The ban is lifted in the database already.
    ///
    /// # Errors
    /// `server.busy`
    pub async fn unban(&self, identity: &RoomIdentity, user: UserId) -> Result<(), WireError> {
        for _ in 0..ATTEMPTS {
            self.note_change(identity);
            let running = match self.shared.rooms.entry(identity.clone()) {
                Entry::Occupied(entry) if !entry.get().is_closed() => Some(entry.get().clone()),
                // The memory cannot move while this entry of the address book is held.
                Entry::Occupied(_) | Entry::Vacant(_) => {
                    if self.shared.remembered.admits(identity, &user) {
                        return Ok(());
                    }
                    None
                }
            };
            let Some(running) = running else {
                // The room may start meanwhile with the old memory.
                self.shared.remembered.unban(identity, &user).await?;
                continue;
            };
            let unban = Command::Unban { user: user.clone() };
            match running.call_surely(unban).await {
                // It has just ended, and its memory is kept here now.
                Err(CallError::Gone) => {}
                answer => return answer.map(|_| ()).map_err(WireError::from),
            }
        }
        Err(CallError::Busy.into())
    }

    /// Forgets a meeting that was over at `ended`, if its room does not run. A running room is told by the caller.
    pub fn ended(&self, identity: &RoomIdentity, ended: Timestamp) {
        self.shared.remembered.end(identity, ended);
    }

    /// Adds the memory of a meeting to a room that is only looked at.
    pub fn recall(&self, identity: &RoomIdentity, room: &mut Room) {
        if let Some(memory) = self.shared.remembered.look(identity) {
            room.recall(memory, Timestamp::now());
        }
    }

    /// How many are in a room.
    pub fn head_count(&self, identity: &RoomIdentity) -> u32 {
        self.find(identity).map_or(0, |room| room.head_count())
    }

    /// The load of this node.
    pub fn live(&self) -> Live {
        self.shared
            .rooms
            .iter()
            .fold(Live::default(), |live, entry| Live {
                rooms: live.rooms + 1,
                participants: live.participants + entry.value().head_count() as usize,
            })
    }

    /// Lets a person join a room or wait. The room is loaded and started if it does not run.
    ///
    /// # Errors
    /// What the room refuses with, `server.busy`, or what `load` failed with.
    pub async fn join<L, F>(
        &self,
        identity: &RoomIdentity,
        join: Join,
        outbox: Outbox,
        load: L,
    ) -> Result<(RoomLink, Entered), WireError>
    where
        L: Fn() -> F,
        F: Future<Output = Result<Start, WireError>>,
    {
        if self.shared.is_closing.load(Ordering::Relaxed) {
            return Err(CallError::Busy.into());
        }
        // A room that is ending answers `Gone`. The next attempt starts its successor.
        for _ in 0..ATTEMPTS {
            let handle = match self.find_local(identity) {
                Some(handle) => handle,
                None => self.load(identity, &load).await?,
            };
            match handle.join(join.clone(), outbox.clone()).await {
                Ok(entered) => return Ok((RoomLink::Local(handle), entered)),
                Err(CallError::Gone) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(CallError::Busy.into())
    }

    /// Whether a person could join a room now, or wait: for people who would leave another room for it.
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
                let mut room = load().await?.room;
                self.recall(identity, &mut room);
                let outcome = room.handle(knock, Timestamp::now());
                outcome.reply.map_err(CallError::Refused)
            }
        };
        match answer {
            // A room that is ending is started again by the join.
            Ok(_) | Err(CallError::Gone) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Loads and starts a room. Repeats that if it was changed meanwhile.
    async fn load<F>(
        &self,
        identity: &RoomIdentity,
        load: impl Fn() -> F,
    ) -> Result<RoomHandle, WireError>
    where
        F: Future<Output = Result<Start, WireError>>,
    {
        let watch = Watch::new(&self.shared.loading, identity);
        loop {
            let before = watch.changes();
            let start = load().await?;
            let is_current = || watch.changes() == before;
            if let Some(handle) = self.start(identity, start, None, is_current) {
                return Ok(handle);
            }
        }
    }

    /// Starts the task of a room, unless it runs already. None if the loaded data is not current any more. `is_current`
    /// is called while the entry in the address book is held, so a later change finds the room there.
    fn start(
        &self,
        identity: &RoomIdentity,
        mut start: Start,
        survivors: Option<Survivors>,
        is_current: impl FnOnce() -> bool,
    ) -> Option<RoomHandle> {
        let entry = match self.shared.rooms.entry(identity.clone()) {
            Entry::Occupied(entry) if !entry.get().is_closed() => {
                return Some(entry.get().clone());
            }
            free => free,
        };
        if !is_current() {
            return None;
        }
        let inbox = Inbox::new();
        let (media, reach) = match start.topology {
            Topology::Sfu => {
                let media = self.shared.media.open_room(inbox.media_sink());
                (Some(media), Reach::Media)
            }
            Topology::P2p => (None, Reach::EachOther),
        };
        if let Some(memory) = self.shared.remembered.take(identity) {
            start.room.recall(memory, Timestamp::now());
        }
        let Start {
            room,
            history,
            origin,
            safe,
            ..
        } = start;
        let (mut actor, handle) = Actor::new(Parts {
            room,
            inbox,
            media,
            relay: self.shared.ice_servers.open_room(reach),
            history,
            origin,
            saving: Saving::new(safe.clone()),
            clock: self.shared.clock.clone(),
        });
        if let Some(survivors) = survivors {
            actor.take_up(survivors);
        }
        drop(entry.insert_entry(handle.clone()));
        let (shared, identity, own) = (self.shared.clone(), identity.clone(), handle.clone());
        let span = tracing::info_span!("room", room.id = %identity);
        let run = async move {
            let forgetful = shared.clone();
            let forget = move |ending: Ending| {
                // Removes only its own entry, because a successor may be there already.
                forgetful.rooms.remove_if(&identity, |identity, listed| {
                    let is_own = listed.is_same(&own);
                    if is_own && !ending.is_sealed {
                        forgetful.rest(identity, ending.memory, safe);
                    }
                    is_own
                });
            };
            actor.run(forget).await;
            shared.closed_one.notify_waiters();
        };
        span.in_scope(|| supervise::spawn("room", run));
        Some(handle)
    }

    /// Restores a room with its participants from before a restart, unless it runs by now.
    pub fn take_up(
        &self,
        identity: &RoomIdentity,
        start: Start,
        survivors: Survivors,
    ) -> Option<RoomLink> {
        let handle = self.start(identity, start, Some(survivors), || true);
        handle.map(RoomLink::Local)
    }

    /// Restores the memory of a meeting that was empty before a restart.
    pub fn remember(&self, identity: &RoomIdentity, memory: Memory, safe: Option<Arc<dyn Safe>>) {
        let now = Timestamp::now();
        self.shared
            .remembered
            .keep(identity.clone(), memory, safe, now);
    }

    /// Stops joins, and saves every meeting for the last time, because the server goes down.
    pub async fn seal(&self) {
        self.shared.is_closing.store(true, Ordering::Relaxed);
        let rooms = self.shared.rooms.iter();
        let rooms: Vec<RoomHandle> = rooms.map(|entry| entry.value().clone()).collect();
        join_all(rooms.iter().map(RoomHandle::seal)).await;
    }

    /// Waits until no room runs, for the ordered shutdown after the sessions have left.
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

impl Shared {
    /// A room has ended. The memory of its meeting is kept and saved.
    fn rest(&self, identity: &RoomIdentity, memory: Option<Memory>, safe: Option<Arc<dyn Safe>>) {
        let now = Timestamp::now();
        match memory {
            Some(memory) => {
                remembered::save(&memory, safe.as_deref(), now);
                self.remembered.keep(identity.clone(), memory, safe, now);
            }
            None => {
                if let Some(safe) = safe {
                    safe.keep(None);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
