//! Writes who joins and leaves which room: one row per membership. [`super::attendance`] reads them.
//!
//! Rooms never wait. So attendance goes through a queue to one task, which writes it in order and tries again while the
//! database is away. Records that must be stored before a command goes on do not use this queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entity::room_user::{ActiveModel, Column, Entity};
use entity::row_id::RowId;
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTime;
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QuerySelect as _,
};
use tokio::sync::{mpsc, oneshot};

use super::error::taken;
use super::retention::forget_memberships;
use super::row::{column, name};
use super::{Conflict, RoomKey, Store, StoreError};
use crate::budgets::store;
use crate::protocol::event::LeaveReason;
use crate::protocol::ids::{ParticipantId, UserId};
use crate::protocol::object::Role;
use crate::protocol::text::DisplayName;
use crate::protocol::time::Timestamp;
use crate::supervise;

/// The most records that wait while the database is slow or away. When it is full, the oldest are kept, new ones are
/// refused and one line is logged. A membership whose end was refused is closed when the store is opened the next time.
const QUEUE_CAPACITY: usize = 4_096;
/// The first pause before another attempt. It doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The beginning of a membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Where.
    pub room: RoomKey,
    /// The membership's id.
    pub participant: ParticipantId,
    /// The user.
    pub user: UserId,
    /// The display name.
    pub display_name: DisplayName,
    /// The role.
    pub role: Role,
    /// Since when.
    pub joined_at: Timestamp,
}

/// A fact for the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attendance {
    /// A person joined.
    Joined(Membership),
    /// A participant left.
    Left {
        /// The participant.
        participant: ParticipantId,
        /// Why.
        reason: LeaveReason,
        /// When.
        at: Timestamp,
    },
}

enum Item {
    Fact(Attendance),
    Flush(oneshot::Sender<()>),
}

/// Writes attendance in the background. Clones share the queue. The task ends when the last clone is dropped and
/// everything is written.
#[derive(Clone)]
pub struct HistoryWriter {
    queue: mpsc::Sender<Item>,
    refusing: Arc<AtomicBool>,
}

impl HistoryWriter {
    /// Starts the writing task on the current tokio runtime.
    pub fn start(store: Store) -> Self {
        Self::start_with(QUEUE_CAPACITY, move |fact| {
            let store = store.clone();
            async move { store.write_attendance(fact).await }
        })
    }

    /// Queues a fact; never waits.
    pub fn record(&self, fact: Attendance) {
        let refused = self.queue.try_send(Item::Fact(fact)).is_err();
        let refused_before = self.refusing.swap(refused, Ordering::Relaxed);
        if refused && !refused_before {
            tracing::error!(
                "the attendance queue is full: newer entries are lost until the database keeps up"
            );
        }
    }

    /// Waits until everything recorded before is written. Use a deadline: it waits as long as the database is away.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.queue.send(Item::Flush(done)).await.is_ok() {
            // An error means that the task ended with the runtime. There is nothing to wait for then.
            let _ = written.await;
        }
    }

    pub(super) fn start_with<F, W>(capacity: usize, write: F) -> Self
    where
        F: FnMut(Attendance) -> W + Send + 'static,
        W: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        let (queue, items) = mpsc::channel(capacity);
        let span = tracing::info_span!("history");
        span.in_scope(|| supervise::spawn("attendance", run(items, write)));
        Self {
            queue,
            refusing: Arc::default(),
        }
    }
}

async fn run<F, W>(mut items: mpsc::Receiver<Item>, mut write: F)
where
    F: FnMut(Attendance) -> W,
    W: Future<Output = Result<(), StoreError>>,
{
    while let Some(item) = items.recv().await {
        match item {
            Item::Fact(fact) => {
                let written = write_surely(fact, &mut write);
                // The queue goes on without it.
                if supervise::caught("attendance", written).await.is_err() {
                    tracing::error!("an attendance entry is lost: writing it panicked");
                }
            }
            // The receiver may be gone.
            Item::Flush(done) => drop(done.send(())),
        }
    }
}

/// Tries until the record is written, or refused for good.
async fn write_surely<F, W>(fact: Attendance, write: &mut F)
where
    F: FnMut(Attendance) -> W,
    W: Future<Output = Result<(), StoreError>>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        match write(fact.clone()).await {
            Ok(()) => return,
            Err(error) if error.is_passing() => {
                // The store has logged the reason already.
                if pause == FIRST_PAUSE {
                    tracing::debug!(error = ?error, "attendance cannot be written now; trying again");
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => {
                tracing::error!(error = ?error, "an attendance entry was refused and is lost");
                return;
            }
        }
    }
}

impl Store {
    /// Closes the memberships that a crash of this node left open: nobody is in any of its rooms when it starts. They
    /// end when the node was last known to work, so downtime does not count. None ends before it began. Memberships
    /// without a node are from before nodes had names, and belong to this node too.
    pub(super) async fn close_open_memberships(&self, now: Timestamp) -> Result<u64, StoreError> {
        let until = self.last_beat().await?.unwrap_or(now).min(now);
        let own = Column::Node.eq(self.node.0).or(Column::Node.is_null());
        let open = Column::LeftAt.is_null().and(own);
        let later = Column::JoinedAt.gt(column(until));
        let short = self.end_memberships(
            open.clone().and(later),
            SimpleExpr::from(Column::JoinedAt.into_expr()),
            LeaveReason::Lost,
            now,
        );
        let short = short.await?;
        let long = self.end_memberships(
            open.and(Column::JoinedAt.is_not_null()),
            SimpleExpr::from(column(until)),
            LeaveReason::Lost,
            now,
        );
        Ok(short + long.await?)
    }

    /// Opens the memberships of people whose meeting goes on after a restart, as if the server had not been down.
    /// Memberships that a crash kept from being written are written now.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn take_up_memberships(&self, people: &[Membership]) -> Result<(), StoreError> {
        let ids = people.iter().map(|person| person.participant.as_str());
        let theirs = Column::Participant.is_in(ids);
        let known: Vec<Option<String>> = Entity::find()
            .select_only()
            .column(Column::Participant)
            .filter(theirs.clone())
            .into_tuple()
            .all(&self.db)
            .await?;
        let write = self.db.write(async |writing| {
            Entity::update_many()
                .col_expr(Column::LeftAt, SimpleExpr::from(None::<DateTime>))
                .col_expr(Column::LeaveReason, SimpleExpr::from(None::<String>))
                .filter(theirs)
                .exec(writing)
                .await?;
            Ok(())
        });
        write.await?;
        let is_known = |person: &&Membership| {
            let id = person.participant.as_str();
            known.iter().any(|known| known.as_deref() == Some(id))
        };
        for person in people.iter().filter(|person| !is_known(person)) {
            self.insert_membership(person).await?;
        }
        Ok(())
    }

    /// Writes one fact; writing it again changes nothing.
    pub(super) async fn write_attendance(&self, fact: Attendance) -> Result<(), StoreError> {
        match fact {
            Attendance::Joined(membership) => self.insert_membership(&membership).await,
            Attendance::Left {
                participant,
                reason,
                at,
            } => {
                let open = Column::LeftAt
                    .is_null()
                    .and(Column::Participant.eq(participant.as_str()));
                let end = SimpleExpr::from(column(at));
                self.end_memberships(open, end, reason, at)
                    .await
                    .map(|_| ())
            }
        }
    }

    async fn insert_membership(&self, membership: &Membership) -> Result<(), StoreError> {
        // A guest has no row; 0 is stored.
        let account = self.find_user(&membership.user).await?;
        let row = ActiveModel {
            created_at: Set(Some(column(membership.joined_at))),
            updated_at: Set(Some(column(membership.joined_at))),
            rid: Set(RowId(membership.room.0)),
            uid: Set(RowId(account.map_or(0, |account| account.key.0))),
            participant: Set(Some(membership.participant.as_str().to_owned())),
            user_identity: Set(membership.user.as_str().to_owned()),
            display_name: Set(membership.display_name.as_str().to_owned()),
            role: Set(name(&membership.role)?),
            joined_at: Set(Some(column(membership.joined_at))),
            node: Set(Some(self.node.0)),
            ..Default::default()
        };
        let is_due = self.turns.is_due();
        let write = self.db.write(async |writing| {
            let inserted = row.insert(writing).await;
            inserted.map_err(taken(Conflict::Identity))?;
            if is_due {
                forget_memberships(writing, membership.room, store::MEMBERSHIPS.most).await?;
            }
            Ok(())
        });
        match write.await {
            // An earlier attempt reached the database after all.
            Ok(()) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn end_memberships(
        &self,
        which: SimpleExpr,
        at: SimpleExpr,
        reason: LeaveReason,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let reason = name(&reason)?;
        let write = self.db.write(async |writing| {
            let closed = Entity::update_many()
                .col_expr(Column::UpdatedAt, SimpleExpr::from(column(now)))
                .col_expr(Column::LeftAt, at)
                .col_expr(Column::LeaveReason, SimpleExpr::from(reason))
                .filter(which)
                .exec(writing)
                .await?;
            Ok(closed.rows_affected)
        });
        write.await
    }
}
