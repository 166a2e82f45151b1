//! What another process may have changed: one cheap query for each kind of object.
//!
//! The command line works on the database beside the server. The server asks here only about its running rooms and its
//! users, and applies what it finds.
//!
//! While rooms run, the server writes every 5 s that it works. Attendance that a killed process left open ends at the
//! last such mark.

use entity::server_beat::{Column, Entity as Beats};
use entity::{room_basic, user_basic};
use sea_orm::prelude::DateTime;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _, QuerySelect as _,
};

use super::rooms::EndedBy;
use super::row::{parsed, stamp};
use super::{NodeId, Store, StoreError};
use crate::protocol::ids::{RoomIdentity, UserId};
use crate::protocol::time::Timestamp;

/// How many things one query asks about.
const BATCH: usize = 200;

/// A room that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedRoom {
    /// The room.
    pub identity: RoomIdentity,
    /// Rises with every edit.
    pub version: u64,
    /// The operator ended the meeting, and the owner has not opened it again.
    pub is_closed: bool,
}

/// An account that may be logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedUser {
    /// The user.
    pub id: UserId,
    /// Logins from before are void.
    pub tokens_valid_after: Option<Timestamp>,
}

impl Store {
    /// The existing ones of these rooms.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn watch_rooms(
        &self,
        identities: &[RoomIdentity],
    ) -> Result<Vec<WatchedRoom>, StoreError> {
        use room_basic::{Column, Entity};
        let mut found = Vec::new();
        for batch in identities.chunks(BATCH) {
            let rows: Vec<(String, i64, Option<String>)> = Entity::find()
                .select_only()
                .columns([Column::Identity, Column::Version, Column::EndedBy])
                .filter(super::rooms::exists())
                .filter(Column::Identity.is_in(batch.iter().map(RoomIdentity::as_str)))
                .into_tuple()
                .all(&self.db)
                .await?;
            for (identity, version, ended_by) in rows {
                found.push(WatchedRoom {
                    identity: parsed(identity, "room identity")?,
                    version: u64::try_from(version)
                        .map_err(|_| StoreError::Corrupt("room version"))?,
                    is_closed: ended_by.as_deref() == Some(EndedBy::Operator.name()),
                });
            }
        }
        Ok(found)
    }

    /// The ones of these accounts that exist and may log in.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn watch_users(&self, ids: &[UserId]) -> Result<Vec<WatchedUser>, StoreError> {
        use user_basic::{Column, Entity};
        let mut found = Vec::new();
        for batch in ids.chunks(BATCH) {
            let rows: Vec<(String, Option<DateTime>)> = Entity::find()
                .select_only()
                .columns([Column::Identity, Column::TokensValidAfter])
                .filter(super::users::alive().and(Column::DisabledAt.is_null()))
                .filter(Column::Identity.is_in(batch.iter().map(UserId::as_str)))
                .into_tuple()
                .all(&self.db)
                .await?;
            for (id, after) in rows {
                found.push(WatchedUser {
                    id: parsed(id, "user identity")?,
                    tokens_valid_after: after.map(stamp),
                });
            }
        }
        Ok(found)
    }

    /// Notes that the server works and has people in its rooms. If it is killed, their attendance ends at this time.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn beat(&self, now: Timestamp) -> Result<(), StoreError> {
        self.set_beat(self.node.0, now).await
    }

    /// The last such time of this node, or of the server from before nodes had names.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn last_beat(&self) -> Result<Option<Timestamp>, StoreError> {
        let own = [self.node.0, NodeId::UNNAMED.0];
        let rows = Beats::find().filter(Column::Id.is_in(own)).all(&self.db);
        Ok(rows.await?.iter().map(|row| stamp(row.beat_at)).max())
    }
}
