//! Saved meetings for a restart: one row for each room whose meeting is kept.
//!
//! Rooms are saved often, and each commit costs a disk write. So one task ([`StateWriter`]) writes the changes of all
//! rooms in one transaction, and of each room only the newest state.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entity::room_state::{ActiveModel, Column, Entity};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use tokio::sync::{Notify, oneshot};

use super::row::{column, stamp};
use super::{RoomKey, Store, StoreError};
use crate::budgets::store as budgets;
use crate::protocol::error::ErrorCode;
use crate::protocol::time::Timestamp;
use crate::supervise;

/// How many rooms are written in one statement.
const BATCH: usize = 50;
/// How long the writer rests after a failed attempt, unless somebody asks for another one.
const PAUSE: Duration = Duration::from_millis(500);
/// How long it rests in any case.
const LEAST_PAUSE: Duration = Duration::from_millis(20);
/// How long a caller waits if the database was away at the last attempt. A database that is back answers sooner, and
/// one that is not must not hold up a room.
const HOPE: Duration = Duration::from_millis(200);

/// A meeting as it is saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomState {
    /// The format version of `bytes`.
    pub version: u32,
    /// The meeting.
    pub bytes: Vec<u8>,
    /// When it was so.
    pub saved_at: Timestamp,
    /// When the meeting is over unless somebody comes back. None while somebody is in.
    pub kept_until: Option<Timestamp>,
}

/// The new state of a room, or none.
pub type StateChange = (RoomKey, Option<RoomState>);

impl Store {
    /// The rooms whose meetings this node has saved.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn rooms_with_state(&self) -> Result<Vec<RoomKey>, StoreError> {
        let rooms = Entity::find()
            .select_only()
            .column(Column::Rid)
            .filter(Column::Node.eq(self.node.0));
        let rooms: Vec<i64> = rooms.into_tuple().all(&self.db).await?;
        Ok(rooms.into_iter().map(RoomKey).collect())
    }

    /// The saved meeting of a room, as this node has written it.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn room_state(&self, room: RoomKey) -> Result<Option<RoomState>, StoreError> {
        let row = Entity::find_by_id(room.0).filter(Column::Node.eq(self.node.0));
        let Some(row) = row.one(&self.db).await? else {
            return Ok(None);
        };
        Ok(Some(RoomState {
            version: u32::try_from(row.version)
                .map_err(|_| StoreError::Corrupt("room state version"))?,
            bytes: row.state,
            saved_at: stamp(row.saved_at),
            kept_until: row.kept_until.map(stamp),
        }))
    }

    /// Deletes meetings that nobody came back to in time. Returns how many.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn prune_room_states(&self, now: Timestamp) -> Result<u64, StoreError> {
        let write = self.db.write(async |writing| {
            let over = Entity::delete_many().filter(Column::KeptUntil.lte(column(now)));
            Ok(over.exec(writing).await?.rows_affected)
        });
        write.await
    }

    /// Writes many states in one transaction.
    pub(super) async fn write_room_states(
        &self,
        changes: &[StateChange],
    ) -> Result<(), StoreError> {
        let over = changes.iter().filter(|(_, state)| state.is_none());
        let over: Vec<i64> = over.map(|(room, _)| room.0).collect();
        let kept = changes.iter().filter_map(|(room, state)| {
            let state = state.as_ref()?;
            Some(ActiveModel {
                rid: Set(room.0),
                node: Set(self.node.0),
                version: Set(i32::try_from(state.version).unwrap_or(i32::MAX)),
                state: Set(state.bytes.clone()),
                saved_at: Set(column(state.saved_at)),
                kept_until: Set(state.kept_until.map(column)),
            })
        });
        let mut kept: Vec<ActiveModel> = kept.collect();
        // A fixed order keeps two servers on one database from deadlocks.
        kept.sort_by_key(|row| row.rid.clone().take());
        let write = self.db.write(async |writing| {
            for batch in over.chunks(BATCH) {
                // Another node may own the room by now.
                Entity::delete_many()
                    .filter(Column::Rid.is_in(batch.iter().copied()))
                    .filter(Column::Node.eq(self.node.0))
                    .exec(writing)
                    .await?;
            }
            for batch in kept.chunks(BATCH) {
                let replace = OnConflict::column(Column::Rid)
                    .update_columns([
                        Column::Node,
                        Column::Version,
                        Column::State,
                        Column::SavedAt,
                        Column::KeptUntil,
                    ])
                    .to_owned();
                Entity::insert_many(batch.to_vec())
                    .on_conflict(replace)
                    .exec_without_returning(writing)
                    .await?;
            }
            Ok(())
        });
        write.await
    }
}

/// Saves rooms by one task. Clones share it. The task ends when the last clone is dropped.
#[derive(Clone)]
pub struct StateWriter(Arc<Desk>);

/// Where rooms leave the states that they want saved.
struct Desk(Arc<Shared>);

#[derive(Default)]
struct Shared {
    wanted: Mutex<Wanted>,
    /// Something was put down, or is to end.
    work: Notify,
    /// Wakes the resting writer, because somebody waits.
    hurry: Notify,
}

#[derive(Default)]
struct Wanted {
    /// The newest state of each room. So it is bounded by the number of rooms.
    rooms: BTreeMap<RoomKey, Entry>,
    /// The callers that wait until everything is saved.
    flushes: Vec<oneshot::Sender<()>>,
    database: Database,
    is_over: bool,
}

/// The result of the last attempt.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Database {
    #[default]
    Well,
    /// It failed, and the writer rests.
    Away,
    /// It failed, and the next one is under way.
    AwayAndAsked,
}

struct Entry {
    state: Option<RoomState>,
    /// The callers that wait for it. If it cannot be saved, they take it back.
    waiters: Vec<oneshot::Sender<Result<(), ErrorCode>>>,
    /// It must be saved even if all waiters give up.
    is_firm: bool,
}

impl Entry {
    fn is_wanted(&self) -> bool {
        self.is_firm || self.waiters.iter().any(|waiter| !waiter.is_closed())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.work.notify_one();
    }
}

impl Shared {
    /// Each change is whole before anything can panic.
    fn lock(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateWriter {
    /// Starts the writing task on the current tokio runtime.
    pub fn start(store: Store) -> Self {
        Self::start_with(move |changes: Arc<Vec<StateChange>>| {
            let store = store.clone();
            async move { store.write_room_states(&changes).await }
        })
    }

    /// The same with another way to write.
    pub(crate) fn start_with<F, W>(write: F) -> Self
    where
        F: FnMut(Arc<Vec<StateChange>>) -> W + Send + 'static,
        W: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        let shared = Arc::new(Shared::default());
        let span = tracing::info_span!("room states");
        span.in_scope(|| supervise::spawn("saving rooms", run(shared.clone(), write)));
        Self(Arc::new(Desk(shared)))
    }

    /// Saves the state of a room in the background; never waits. The writer tries until it works, or until there is a
    /// newer state.
    pub fn keep(&self, room: RoomKey, state: Option<RoomState>) {
        if is_too_large(room, state.as_ref()) {
            return;
        }
        let Desk(shared) = &*self.0;
        let mut wanted = shared.lock();
        let waiters = wanted.rooms.remove(&room).map(|entry| entry.waiters);
        let entry = Entry {
            state,
            waiters: waiters.unwrap_or_default(),
            is_firm: true,
        };
        wanted.rooms.insert(room, entry);
        drop(wanted);
        shared.work.notify_one();
    }

    /// Saves the state of a room, and returns when it is committed. A failure is not tried again: the caller then sets
    /// the valid state by [`StateWriter::keep`]. If the database was away at the last attempt, callers wait only a
    /// short time, and not at all while another attempt runs.
    ///
    /// # Errors
    /// `server.busy`
    pub async fn keep_surely(
        &self,
        room: RoomKey,
        state: Option<RoomState>,
    ) -> Result<(), ErrorCode> {
        if is_too_large(room, state.as_ref()) {
            return Err(ErrorCode::ServerBusy);
        }
        let Desk(shared) = &*self.0;
        let (waiter, written) = oneshot::channel();
        let is_well = {
            let mut wanted = shared.lock();
            if wanted.database == Database::AwayAndAsked {
                return Err(ErrorCode::ServerBusy);
            }
            let mut waiters = wanted.rooms.remove(&room).map(|entry| entry.waiters);
            waiters.get_or_insert_default().push(waiter);
            let entry = Entry {
                state,
                waiters: waiters.unwrap_or_default(),
                is_firm: false,
            };
            wanted.rooms.insert(room, entry);
            wanted.database == Database::Well
        };
        // A writer that panicked has lost it.
        let lost = Err(ErrorCode::ServerBusy);
        if is_well {
            shared.work.notify_one();
            return written.await.unwrap_or(lost);
        }
        shared.hurry.notify_one();
        // The writer may be waiting for work instead of resting.
        shared.work.notify_one();
        let written = tokio::time::timeout(HOPE, written).await;
        written.map_or(lost, |written| written.unwrap_or(lost))
    }

    /// Waits until everything is saved. Use a deadline: it waits as long as the database is away.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        let Desk(shared) = &*self.0;
        shared.lock().flushes.push(done);
        shared.work.notify_one();
        // An error means that the task ended with the runtime. There is nothing to wait for then.
        let _ = flushed.await;
    }
}

fn is_too_large(room: RoomKey, state: Option<&RoomState>) -> bool {
    let bytes = state.map_or(0, |state| state.bytes.len());
    let is_too_large = bytes > budgets::ROOM_STATE.size();
    if is_too_large {
        tracing::error!(room.row = ?room, bytes, "a meeting is too large to be saved");
    }
    is_too_large
}

async fn run<F, W>(shared: Arc<Shared>, mut write: F)
where
    F: FnMut(Arc<Vec<StateChange>>) -> W,
    W: Future<Output = Result<(), StoreError>>,
{
    loop {
        let Some(batch) = next_batch(&shared) else {
            if shared.lock().is_over {
                return;
            }
            shared.work.notified().await;
            continue;
        };
        let (changes, waiting) = batch;
        let written = supervise::caught("saving rooms", write(changes.clone())).await;
        if let Ok(Ok(())) = written {
            shared.lock().database = Database::Well;
            answer(waiting, Ok(()));
            continue;
        }
        let is_worth_another_try = match written {
            Ok(Err(error)) if !error.is_passing() => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "meetings were refused by the database and are not saved"
                );
                false
            }
            _ => true,
        };
        put_back(&shared, changes, &waiting, is_worth_another_try);
        answer(waiting, Err(ErrorCode::ServerBusy));
        rest(&shared).await;
    }
}

/// Rests after a failed attempt, until the pause is over or somebody asks for another one.
async fn rest(shared: &Shared) {
    let hurried = async {
        tokio::time::sleep(LEAST_PAUSE).await;
        shared.hurry.notified().await;
    };
    // Both outcomes mean the same here.
    let _ = tokio::time::timeout(PAUSE, hurried).await;
}

/// The waiters of each room, and whether its state must be saved even without them.
type Waiting = Vec<(Vec<oneshot::Sender<Result<(), ErrorCode>>>, bool)>;

/// Everything that is to be saved now. None if there is nothing.
fn next_batch(shared: &Shared) -> Option<(Arc<Vec<StateChange>>, Waiting)> {
    let mut wanted = shared.lock();
    let rooms = std::mem::take(&mut wanted.rooms);
    let rooms: Vec<_> = rooms
        .into_iter()
        .filter(|(_, entry)| entry.is_wanted())
        .collect();
    if rooms.is_empty() {
        for flush in wanted.flushes.drain(..) {
            // The receiver may be gone.
            let _ = flush.send(());
        }
        return None;
    }
    if wanted.database == Database::Away {
        wanted.database = Database::AwayAndAsked;
    }
    let (changes, waiting) = rooms
        .into_iter()
        .map(|(room, entry)| ((room, entry.state), (entry.waiters, entry.is_firm)))
        .unzip::<_, _, Vec<_>, Vec<_>>();
    Some((Arc::new(changes), waiting))
}

/// Puts states back for another attempt if they must be saved, unless there is a newer one.
fn put_back(
    shared: &Shared,
    changes: Arc<Vec<StateChange>>,
    waiting: &Waiting,
    is_worth_another_try: bool,
) {
    let mut wanted = shared.lock();
    wanted.database = Database::Away;
    if !is_worth_another_try {
        return;
    }
    let changes = Arc::unwrap_or_clone(changes);
    for ((room, state), (_, is_firm)) in changes.into_iter().zip(waiting) {
        if *is_firm {
            wanted.rooms.entry(room).or_insert(Entry {
                state,
                waiters: Vec::new(),
                is_firm: true,
            });
        }
    }
}

fn answer(waiting: Waiting, answer: Result<(), ErrorCode>) {
    for waiter in waiting.into_iter().flat_map(|(waiters, _)| waiters) {
        // A caller that does not wait any more has taken it back.
        let _ = waiter.send(answer);
    }
}
