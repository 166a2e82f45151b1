//! Checks whether the database can be written, for the health check.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use entity::server_beat::{ActiveModel, Column, Entity};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::error::taken;
use super::row::column;
use super::trouble::Ailment;
use super::{Conflict, Store, StoreError};
use crate::protocol::time::Timestamp;

/// How long an answer is reused. So frequent health checks cause one small write in this time.
const FRESH: Duration = Duration::from_secs(1);
/// How long the database may take.
const DEADLINE: Duration = Duration::from_secs(2);
/// The number of the row that is written. The other rows are the beats of servers ([`super::watch`]).
const ROW: i64 = 2;

/// The last answer. All callers share it.
#[derive(Clone)]
pub(super) struct Probe {
    /// One caller checks at a time. The others wait for its answer.
    turn: Arc<Semaphore>,
    last: Arc<Mutex<Option<Answer>>>,
}

#[derive(Clone, Copy)]
struct Answer {
    at: Instant,
    ailment: Option<Ailment>,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            turn: Arc::new(Semaphore::new(1)),
            last: Arc::default(),
        }
    }
}

impl Probe {
    fn fresh(&self) -> Option<Answer> {
        let last = self.last.lock().unwrap_or_else(|held| held.into_inner());
        last.filter(|answer| answer.at.elapsed() < FRESH)
    }

    fn keep(&self, ailment: Option<Ailment>) {
        let at = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(|held| held.into_inner());
        *last = Some(Answer { at, ailment });
    }
}

impl Store {
    /// What is wrong with the database, if anything is. A row is written and committed, at most once a second however
    /// many callers there are. Failures of the last moments count too.
    pub async fn ailment(&self) -> Option<Ailment> {
        // The semaphore is never closed.
        let _turn = self.probe.turn.acquire().await.ok()?;
        if let Some(answer) = self.probe.fresh() {
            return answer.ailment;
        }
        let written = tokio::time::timeout(DEADLINE, self.write_probe(Timestamp::now())).await;
        let ailment = match written {
            Ok(Ok(())) => self.db.troubles().current(),
            Ok(Err(error)) => Some(Ailment::of(&error).unwrap_or(Ailment::Away)),
            Err(_) => Some(Ailment::Away),
        };
        self.probe.keep(ailment);
        ailment
    }

    async fn write_probe(&self, now: Timestamp) -> Result<(), StoreError> {
        self.set_beat(ROW, now).await
    }

    /// Writes a time into one row of the server's own.
    pub(super) async fn set_beat(&self, row: i64, now: Timestamp) -> Result<(), StoreError> {
        let write = self.db.write(async |writing| {
            let updated = Entity::update_many()
                .col_expr(Column::BeatAt, SimpleExpr::from(column(now)))
                .filter(Column::Id.eq(row))
                .exec(writing)
                .await?;
            if updated.rows_affected == 0 {
                let first = ActiveModel {
                    id: Set(row),
                    beat_at: Set(column(now)),
                };
                let inserted = Entity::insert(first).exec_without_returning(writing).await;
                inserted.map_err(taken(Conflict::Identity))?;
            }
            Ok(())
        });
        match write.await {
            // Another server was first.
            Ok(()) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
