//! Permanent bans. Only the running room knows the bans for one meeting.

use entity::room_ban::{ActiveModel, Column, Entity, Model};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};

use super::db::Writing;
use super::error::taken;
use super::row::{column, parsed, stamp};
use super::{Conflict, RoomKey, Store, StoreError, StoredUser};
use crate::budgets::store;
use crate::protocol::ids::UserId;
use crate::protocol::object::Ban;
use crate::protocol::text::DisplayName;
use crate::protocol::time::Timestamp;

/// A permanently banned person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBan {
    /// The user.
    pub user: UserId,
    /// Their current account. None for guests and deleted accounts.
    pub account: Option<StoredUser>,
    /// Their display name in the meeting.
    pub display_name: DisplayName,
    /// Since when.
    pub since: Timestamp,
    /// The user who decided it.
    pub by: UserId,
}

impl Store {
    /// Bans a person from a room permanently. If they are banned already, nothing changes. Beyond [`store::BANS`] of
    /// one room the oldest ban is lifted.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn ban(&self, room: RoomKey, ban: &Ban) -> Result<(), StoreError> {
        let row = ActiveModel {
            rid: Set(room.0),
            user_identity: Set(ban.user.id.as_str().to_owned()),
            display_name: Set(ban.display_name.as_str().to_owned()),
            since: Set(column(ban.since)),
            banned_by: Set(ban.by.as_str().to_owned()),
            ..Default::default()
        };
        let write = self.db.write(async |writing| {
            let inserted = row.insert(writing).await;
            inserted.map_err(taken(Conflict::Identity))?;
            forget_oldest(writing, room).await
        });
        match write.await {
            Ok(()) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Lifts a ban. Doing so again changes nothing.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn unban(&self, room: RoomKey, user: &UserId) -> Result<(), StoreError> {
        let write = self.db.write(async |writing| {
            Entity::delete_many()
                .filter(Column::Rid.eq(room.0))
                .filter(Column::UserIdentity.eq(user.as_str()))
                .exec(writing)
                .await?;
            Ok(())
        });
        write.await
    }

    /// The newest [`store::BANS`] permanent bans of a room, the newest last.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn bans(&self, room: RoomKey) -> Result<Vec<StoredBan>, StoreError> {
        let rows = Entity::find()
            .filter(Column::Rid.eq(room.0))
            .order_by_desc(Column::Id)
            .limit(store::BANS.most)
            .all(&self.db)
            .await?;
        let people = rows
            .iter()
            .map(|row| parsed(row.user_identity.clone(), "user identity"));
        let people = people.collect::<Result<Vec<UserId>, _>>()?;
        let mut accounts = self.find_users(people.iter()).await?;
        let ban = |(row, user): (Model, UserId)| {
            Ok(StoredBan {
                account: accounts.remove(&user),
                user,
                display_name: parsed(row.display_name, "display name")?,
                since: stamp(row.since),
                by: parsed(row.banned_by, "user identity")?,
            })
        };
        rows.into_iter().zip(people).rev().map(ban).collect()
    }
}

/// Lifts the oldest bans of a room beyond the limit.
async fn forget_oldest(writing: &Writing, room: RoomKey) -> Result<(), StoreError> {
    let oldest: Option<i64> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Rid.eq(room.0))
        .order_by_desc(Column::Id)
        .offset(store::BANS.most)
        .limit(1)
        .into_tuple()
        .one(writing)
        .await?;
    if let Some(oldest) = oldest {
        Entity::delete_many()
            .filter(Column::Rid.eq(room.0).and(Column::Id.lte(oldest)))
            .exec(writing)
            .await?;
    }
    Ok(())
}
