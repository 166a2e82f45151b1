//! The address book: which room runs where.
//!
//! A room never begins as it was. Whoever stores a change asks [`Registry::changed`] for the running room. A room
//! that is just being loaded is loaded again, and an edit that comes late undoes nothing newer.

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

/// How often a room that ends just now is asked again: the next run answers then.
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
    /// What is remembered of meetings whose rooms do not run. It is given to a room, and taken back, while the room's
    /// place in the address book is held.
    remembered: Remembered,
    media: Media,
    ice_servers: IceServers,
    /// The server goes down: nobody comes in.
    is_closing: AtomicBool,
    closed_one: Notify,
    clock: Clock,
}

/// How much is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Live {
    /// Rooms with somebody in them.
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

    /// Takes note that what is stored of a room has changed, and finds the room if it runs: it is to be told. One that
    /// is being loaded is loaded anew, so that it never begins as it was before the change.
    pub fn changed(&self, identity: &RoomIdentity) -> Option<RoomLink> {
        self.note_change(identity);
        self.find(identity)
    }

    fn note_change(&self, identity: &RoomIdentity) {
        if let Some(mut loading) = self.shared.loading.get_mut(identity) {
            loading.changes += 1;
        }
    }

    /// Lets somebody into a room again, also into one that is not running. The ban is lifted in the database already.
    ///
    /// # Errors
    /// `server.busy`
    pub async fn unban(&self, identity: &RoomIdentity, user: UserId) -> Result<(), WireError> {
        for _ in 0..ATTEMPTS {
            self.note_change(identity);
            let running = match self.shared.rooms.entry(identity.clone()) {
                Entry::Occupied(entry) if !entry.get().is_closed() => Some(entry.get().clone()),
                // What is remembered is beside the address book while this place in it is held.
                Entry::Occupied(_) | Entry::Vacant(_) => {
                    if self.shared.remembered.admits(identity, &user) {
                        return Ok(());
                    }
                    None
                }
            };
            let Some(running) = running else {
                // The room may begin meanwhile, with what was remembered before.
                self.shared.remembered.unban(identity, &user).await?;
                continue;
            };
            let unban = Command::Unban { user: user.clone() };
            match running.call_surely(unban).await {
                // It has just closed, and what it remembers stands beside the address book.
                Err(CallError::Gone) => {}
                answer => return answer.map(|_| ()).map_err(WireError::from),
            }
        }
        Err(CallError::Busy.into())
    }

    /// Forgets a meeting that was over at `ended`, if its room does not run; one that does is told.
    pub fn ended(&self, identity: &RoomIdentity, ended: Timestamp) {
        self.shared.remembered.end(identity, ended);
    }

    /// Takes what is remembered of a meeting up into a room that is only looked at.
    pub fn recall(&self, identity: &RoomIdentity, room: &mut Room) {
        if let Some(memory) = self.shared.remembered.look(identity) {
            room.recall(memory, Timestamp::now());
        }
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
    ) -> Result<(RoomLink, Entered), WireError>
    where
        L: Fn() -> F,
        F: Future<Output = Result<Start, WireError>>,
    {
        if self.shared.is_closing.load(Ordering::Relaxed) {
            return Err(CallError::Busy.into());
        }
        // A room that closes just now answers `Gone`; its successor is started at the next try.
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
                let mut room = load().await?.room;
                self.recall(identity, &mut room);
                let outcome = room.handle(knock, Timestamp::now());
                outcome.reply.map_err(CallError::Refused)
            }
        };
        match answer {
            // A room that closes just now is started anew by the join.
            Ok(_) | Err(CallError::Gone) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Loads and starts a room; again when it was changed while it was loaded.
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

    /// Starts a room's task, unless somebody else did meanwhile; none when what was loaded `is_current` no more. It is
    /// asked while the room's place in the address book is held: whoever makes a change later finds the room there.
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
                // Only its own entry: a successor may stand there already.
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

    /// Goes on with a room whose people were there before a restart, unless it runs by now.
    pub fn take_up(
        &self,
        identity: &RoomIdentity,
        start: Start,
        survivors: Survivors,
    ) -> Option<RoomLink> {
        let handle = self.start(identity, start, Some(survivors), || true);
        handle.map(RoomLink::Local)
    }

    /// Takes up what is remembered of a meeting that had emptied before a restart.
    pub fn remember(&self, identity: &RoomIdentity, memory: Memory, safe: Option<Arc<dyn Safe>>) {
        let now = Timestamp::now();
        self.shared
            .remembered
            .keep(identity.clone(), memory, safe, now);
    }

    /// Lets nobody in any more, and saves every meeting for the last time: the server goes down.
    pub async fn seal(&self) {
        self.shared.is_closing.store(true, Ordering::Relaxed);
        let rooms = self.shared.rooms.iter();
        let rooms: Vec<RoomHandle> = rooms.map(|entry| entry.value().clone()).collect();
        join_all(rooms.iter().map(RoomHandle::seal)).await;
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

impl Shared {
    /// A room does not run any more: what is to be known of its meeting is remembered and saved.
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
