//! The database: what is committed outlives a crash, and it is slow or away as the run wants.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::meeting::command::Post;
use crate::meeting::effect::History;
use crate::meeting::state::chat::Chat;
use crate::meeting::{Room, stories};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::{self, Ban, User};
use crate::protocol::time::Timestamp;
use crate::rooms::{Origin, Start};
use crate::sessions::stand_in::{Fault, Records, safe};
use crate::store::{Membership, RoomKey, RoomState, StateChange, StateWriter, StoreError, UserKey};

/// The row of the only room.
pub const ROOM: RoomKey = RoomKey::of(1);

/// How the database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// It answers at once.
    Still,
    /// It answers within some milliseconds.
    Well,
    /// It takes up to some seconds.
    Slow,
    /// It refuses; what it was to store is committed all the same from time to time.
    Away,
}

/// How a membership stands in the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attended {
    Open,
    Over,
    /// A restart found it open.
    Closed,
}

/// Clones share it.
#[derive(Clone)]
pub struct Database(Arc<Mutex<Inner>>);

struct Inner {
    dice: StdRng,
    weather: Weather,
    facts: object::Room,
    states: BTreeMap<RoomKey, RoomState>,
    chat: Vec<Post>,
    bans: Vec<Ban>,
    attendance: BTreeMap<ParticipantId, Attended>,
    beat: Timestamp,
    /// A person who was banned when the server went down is taken out once more: the history keeps the first end.
    is_taken_up: bool,
    faults: Vec<String>,
}

impl Database {
    /// One with a room.
    pub fn new(seed: u64, facts: object::Room) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            dice: StdRng::seed_from_u64(seed ^ 0x5bd1),
            weather: Weather::Well,
            facts,
            states: BTreeMap::new(),
            chat: Vec::new(),
            bans: Vec::new(),
            attendance: BTreeMap::new(),
            beat: Timestamp::now(),
            is_taken_up: false,
            faults: Vec::new(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub fn set_weather(&self, weather: Weather) {
        self.lock().weather = weather;
    }

    pub fn is_well(&self) -> bool {
        matches!(self.lock().weather, Weather::Still | Weather::Well)
    }

    /// What went wrong in its books.
    pub fn faults(&self) -> Vec<String> {
        self.lock().faults.clone()
    }

    /// Takes its time, and says whether it works, and whether a write is committed.
    async fn work(&self) -> (bool, bool) {
        let (wait, works, commits) = {
            let Inner { dice, weather, .. } = &mut *self.lock();
            match weather {
                Weather::Still => (0, true, true),
                Weather::Well => (dice.random_range(0..4), true, true),
                Weather::Slow => (dice.random_range(0..6_000), true, true),
                Weather::Away => (dice.random_range(0..800), false, dice.random_bool(0.2)),
            }
        };
        if wait > 0 {
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        (works, commits)
    }

    async fn read(&self) -> Result<(), WireError> {
        match self.work().await {
            (true, _) => Ok(()),
            (false, _) => Err(ErrorCode::ServerBusy.into()),
        }
    }

    /// Changes what is stored, whole or not at all. It may be done though it is reported as failed.
    pub async fn write<T>(
        &self,
        change: impl FnOnce(&mut Stored<'_>) -> T,
    ) -> Result<T, WireError> {
        let (works, commits) = self.work().await;
        let inner = &mut *self.lock();
        let changed = commits.then(|| {
            change(&mut Stored {
                facts: &mut inner.facts,
                chat: &mut inner.chat,
                bans: &mut inner.bans,
            })
        });
        let changed = changed.filter(|_| works);
        changed.ok_or_else(|| ErrorCode::ServerBusy.into())
    }

    /// Writes meetings.
    pub async fn write_states(&self, changes: &[StateChange]) -> Result<(), StoreError> {
        let (works, commits) = self.work().await;
        if commits {
            let mut inner = self.lock();
            for (room, state) in changes {
                match state {
                    Some(state) => inner.states.insert(*room, state.clone()),
                    None => inner.states.remove(room),
                };
            }
            inner.beat = Timestamp::now();
        }
        works.then_some(()).ok_or_else(StoreError::away)
    }

    pub fn facts(&self) -> object::Room {
        self.lock().facts.clone()
    }

    /// What was written.
    pub fn messages(&self) -> Vec<object::ChatMessage> {
        let inner = self.lock();
        inner.chat.iter().map(|post| post.message.clone()).collect()
    }

    pub fn has_message(&self, client_id: &str) -> usize {
        let inner = self.lock();
        let is_it = |post: &&Post| post.message.client_id.as_deref() == Some(client_id);
        inner.chat.iter().filter(is_it).count()
    }

    /// Loads the room to be run.
    pub async fn load(&self, states: &StateWriter) -> Result<Start, WireError> {
        self.read().await?;
        let (facts, chat, bans) = {
            let inner = self.lock();
            (inner.facts.clone(), inner.chat.clone(), inner.bans.clone())
        };
        let books = self.clone();
        Ok(Start {
            topology: facts.topology,
            room: Room::new(facts, None, Chat::new(chat, false), bans),
            history: Box::new(move |line| books.record(line)),
            origin: Origin::Store,
            safe: Some(safe(states, ROOM)),
        })
    }

    /// Every membership ends once.
    fn record(&self, line: History) {
        let inner = &mut *self.lock();
        match line {
            History::Joined { participant, .. } => {
                if inner
                    .attendance
                    .insert(participant.clone(), Attended::Open)
                    .is_some()
                {
                    inner.faults.push(format!("{participant} came in twice"));
                }
            }
            History::Left { participant, .. } => {
                let before = inner.attendance.insert(participant.clone(), Attended::Over);
                if matches!(before, None | Some(Attended::Over)) && !inner.is_taken_up {
                    inner
                        .faults
                        .push(format!("{participant} left without having been in"));
                }
            }
        }
    }

    /// The memberships that are not over.
    pub fn open_memberships(&self) -> Vec<ParticipantId> {
        let inner = self.lock();
        let open = inner
            .attendance
            .iter()
            .filter(|(_, how)| **how == Attended::Open);
        open.map(|(id, _)| id.clone()).collect()
    }

    /// Where meetings are saved, and the memberships that are open now are closed.
    pub fn begin_anew(&self) -> (Vec<RoomKey>, Timestamp) {
        let inner = &mut *self.lock();
        inner.is_taken_up = true;
        let open = inner
            .attendance
            .values_mut()
            .filter(|how| **how == Attended::Open);
        open.for_each(|how| *how = Attended::Closed);
        (inner.states.keys().copied().collect(), inner.beat)
    }
}

/// What requests change.
pub struct Stored<'a> {
    pub facts: &'a mut object::Room,
    pub chat: &'a mut Vec<Post>,
    pub bans: &'a mut Vec<Ban>,
}

/// The database as a restart reads it.
pub struct Taken<'a>(pub &'a Database, pub &'a StateWriter);

impl Records for Taken<'_> {
    async fn saved(&self, room: RoomKey) -> Result<Option<RoomState>, Fault> {
        Ok(self.0.lock().states.get(&room).cloned())
    }

    async fn start(&self, _: RoomKey) -> Result<Option<Start>, Fault> {
        let start = self.0.load(self.1).await;
        start.map(Some).map_err(|error| error.code.as_str().into())
    }

    async fn note(&self, people: &[Membership]) -> Result<(), Fault> {
        let mut inner = self.0.lock();
        for person in people {
            inner
                .attendance
                .insert(person.participant.clone(), Attended::Open);
        }
        Ok(())
    }

    async fn account(&self, _: &User, _: &str, _: Timestamp) -> Option<Option<UserKey>> {
        Some(None)
    }
}

/// The room of a run; it belongs to the first [`person`].
pub fn facts(topology: object::Topology, waiting: object::WhoWaits) -> object::Room {
    object::Room {
        topology,
        waiting,
        lobby: waiting != object::WhoWaits::Nobody,
        owner: person(0),
        ..stories::facts()
    }
}

/// Those who take part.
pub fn person(number: usize) -> User {
    stories::user(["ada", "bo", "cy", "dee"][number])
}
