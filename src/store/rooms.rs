//! Rooms: making, finding, editing, ending, deleting. Lists are in [`super::room_lists`], and settings in
//! [`super::room_settings`].
//!
//! A room is edited in a transaction that holds its row, so simultaneous edits follow each other. An edit that names a
//! version changes nothing if the room has another one. The owner of a room always exists: deleting an account deletes
//! its rooms.

use std::time::Duration;

use entity::room_basic::{ActiveModel, Column, Entity};
use entity::row_id::RowId;
use entity::user_basic;
use rand::RngExt as _;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, ExprTrait as _, PaginatorTrait as _,
    QueryFilter as _, QuerySelect as _, SelectTwo,
};

use super::db::Writing;
use super::error::taken;
use super::room_rows::{columns, room, room_with_owner, signed};
use super::room_settings::check;
use super::row::column;
use super::{
    Conflict, Limit, Missing, RoomEdit, RoomSettings, Store, StoreError, StoredUser, UserKey,
};
use crate::budgets::store;
use crate::protocol::ids::RoomIdentity;
use crate::protocol::time::Timestamp;

/// How often a new number is drawn while the drawn one is taken. A million rooms use one in 900 of the 900 million
/// numbers.
const NUMBER_ATTEMPTS: usize = 8;

/// A room's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomKey(pub(super) i64);

impl RoomKey {
    /// The row of a room that is not stored. Nothing is found under it, and nothing must be written.
    pub const NONE: Self = Self(0);

    /// A row of a database that is simulated.
    #[cfg(test)]
    pub(crate) const fn of(row: i64) -> Self {
        Self(row)
    }
}

/// A room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRoom {
    /// Its row.
    pub key: RoomKey,
    /// The identity, which links contain.
    pub identity: RoomIdentity,
    /// Nine digits for people to read out.
    pub number: String,
    /// The owner.
    pub owner: StoredUser,
    /// The settings.
    pub settings: RoomSettings,
    /// Rises with every edit.
    pub version: u64,
    /// When a host ended the meeting.
    pub ended_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whether `raw` has the form of a room number, not of an identity.
pub fn is_room_number(raw: &str) -> bool {
    raw.len() == 9 && raw.bytes().all(|b| b.is_ascii_digit())
}

impl Store {
    /// Makes a room with a new identity and a new number.
    ///
    /// # Errors
    /// [`StoreError::EndsBeforeBegin`]; [`StoreError::Recurrence`]; [`Missing::User`] when the owner is gone;
    /// [`StoreError::Limit`] when they have as many as they may; [`Conflict::Number`] when no free number was found.
    pub async fn create_room(
        &self,
        owner: UserKey,
        settings: RoomSettings,
        now: Timestamp,
    ) -> Result<StoredRoom, StoreError> {
        self.create_numbered_room(owner, settings, now, random_number)
            .await
    }

    /// The room with this identity or nine-digit number, unless it hides its number.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn find_room(
        &self,
        identity_or_number: &str,
    ) -> Result<Option<StoredRoom>, StoreError> {
        let is_number = is_room_number(identity_or_number);
        if RoomIdentity::try_from(identity_or_number.to_owned()).is_err() {
            // Some databases would reject a text that cannot be a key.
            return Ok(None);
        }
        let condition = if is_number {
            Column::Number
                .eq(identity_or_number)
                .and(Column::HideNumber.eq(false))
        } else {
            Column::Identity.eq(identity_or_number)
        };
        self.one_room(condition).await
    }

    /// The room with this identity or nine-digit number, even if it hides its number: for the operator.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn find_hidden_room(
        &self,
        identity_or_number: &str,
    ) -> Result<Option<StoredRoom>, StoreError> {
        if !is_room_number(identity_or_number) {
            return self.find_room(identity_or_number).await;
        }
        self.one_room(Column::Number.eq(identity_or_number)).await
    }

    /// The room in this row.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn find_room_by_key(&self, key: RoomKey) -> Result<Option<StoredRoom>, StoreError> {
        self.one_room(Column::Id.eq(key.0)).await
    }

    /// Edits the room and returns the new state. `version` is the version that the editor saw, if known.
    ///
    /// # Errors
    /// [`Missing::Room`]; [`Conflict::Version`] when it was edited since; [`StoreError::EndsBeforeBegin`];
    /// [`StoreError::Recurrence`].
    pub async fn edit_room(
        &self,
        key: RoomKey,
        version: Option<u64>,
        edit: RoomEdit,
        now: Timestamp,
    ) -> Result<StoredRoom, StoreError> {
        self.db
            .write(async |writing| {
                let Some(room) = held(writing, key).await? else {
                    return Err(StoreError::NotFound(Missing::Room));
                };
                if version.is_some_and(|version| version != room.version) {
                    return Err(StoreError::Conflict(Conflict::Version));
                }
                let is_planned = edit.plans();
                let mut edited = edit.apply(room.clone());
                if is_planned {
                    check(&mut edited.settings)?;
                }
                if edited == room {
                    // Nothing has changed. There is nothing to announce, and another edit of the same version stays
                    // possible.
                    return Ok(room);
                }
                replace(writing, &edited, now).await?;
                Ok(StoredRoom {
                    version: edited.version + 1,
                    ..edited
                })
            })
            .await
    }

    /// Notes that a host ended the meeting.
    ///
    /// # Errors
    /// [`Missing::Room`] when it is gone.
    pub async fn end_room(&self, key: RoomKey, now: Timestamp) -> Result<(), StoreError> {
        self.set_room_end(key, Some(EndedBy::Host), now).await
    }

    /// Notes that the operator ended the meeting. A running server looks for it.
    ///
    /// # Errors
    /// [`Missing::Room`] when it is gone.
    pub async fn close_room(&self, key: RoomKey, now: Timestamp) -> Result<(), StoreError> {
        self.set_room_end(key, Some(EndedBy::Operator), now).await
    }

    /// Removes that note: the owner opens the meeting again.
    ///
    /// # Errors
    /// [`Missing::Room`] when it is gone.
    pub async fn reopen_room(&self, key: RoomKey, now: Timestamp) -> Result<(), StoreError> {
        self.set_room_end(key, None, now).await
    }

    async fn set_room_end(
        &self,
        key: RoomKey,
        by: Option<EndedBy>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let ended = by.map(|_| column(now));
        let update = Entity::update_many()
            .col_expr(Column::UpdatedAt, SimpleExpr::from(column(now)))
            .col_expr(Column::EndedAt, SimpleExpr::from(ended))
            .col_expr(Column::EndedBy, SimpleExpr::from(by.map(EndedBy::name)))
            .filter(Column::DeletedAt.is_null().and(Column::Id.eq(key.0)));
        let write = self
            .db
            .write(async |writing| found(update.exec(writing).await?.rows_affected));
        write.await
    }

    /// Deletes the room. Its number can be used again.
    ///
    /// # Errors
    /// [`Missing::Room`] when it is gone already.
    pub async fn delete_room(&self, key: RoomKey, now: Timestamp) -> Result<(), StoreError> {
        let which = Column::Id.eq(key.0);
        let write = self
            .db
            .write(async |writing| found(delete_rooms(writing, which, now).await?));
        write.await
    }

    pub(super) async fn create_numbered_room(
        &self,
        owner: UserKey,
        mut settings: RoomSettings,
        now: Timestamp,
        mut number: impl FnMut() -> String,
    ) -> Result<StoredRoom, StoreError> {
        check(&mut settings)?;
        for _ in 0..NUMBER_ATTEMPTS {
            let number = number();
            let write = self.db.write(async |writing| {
                let owner = owner_with_room(writing, owner, now).await?;
                let row = new_row(&settings, owner.key.0, number, now)?;
                let inserted = row.insert(writing).await;
                room(inserted.map_err(taken(Conflict::Number))?, owner)
            });
            match write.await {
                Err(StoreError::Conflict(Conflict::Number)) => {}
                made => return made,
            }
        }
        Err(StoreError::Conflict(Conflict::Number))
    }

    async fn one_room(&self, condition: SimpleExpr) -> Result<Option<StoredRoom>, StoreError> {
        let found = living().filter(condition).one(&self.db).await?;
        found.map(room_with_owner).transpose().map(Option::flatten)
    }
}

/// The room in this row, locked until the transaction ends.
pub(super) async fn held(
    writing: &Writing,
    key: RoomKey,
) -> Result<Option<StoredRoom>, StoreError> {
    // Only its own row: some databases refuse to lock rows of an outer join.
    let row = Entity::find_by_id(RowId(key.0))
        .lock_exclusive()
        .one(writing)
        .await?;
    if row.is_none() {
        return Ok(None);
    }
    let found = living().filter(Column::Id.eq(key.0)).one(writing).await?;
    found.map(room_with_owner).transpose().map(Option::flatten)
}

/// The account that is to own one more room, if it may. Its row is locked, so that two rooms made at once are both
/// counted.
async fn owner_with_room(
    writing: &Writing,
    owner: UserKey,
    now: Timestamp,
) -> Result<StoredUser, StoreError> {
    let alive = user_basic::Entity::find_by_id(RowId(owner.0)).filter(super::users::alive());
    let Some(row) = alive.lock_exclusive().one(writing).await? else {
        return Err(StoreError::NotFound(Missing::User));
    };
    let owned = Entity::find().filter(Column::CreateId.eq(owner.0));
    let live = owned.clone().filter(exists()).count(writing).await?;
    if live >= store::ROOMS.most {
        return Err(StoreError::Limit(Limit::Rooms));
    }
    let since = now.plus_millis(-millis(store::ROOMS_MADE.every));
    let made = owned.filter(Column::CreatedAt.gt(column(since)));
    if made.count(writing).await? >= store::ROOMS_MADE.most {
        return Err(StoreError::Limit(Limit::RoomsMade));
    }
    row.try_into()
}

fn millis(span: Option<Duration>) -> i64 {
    i64::try_from(span.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

/// Writes a room that is held.
async fn replace(writing: &Writing, edited: &StoredRoom, now: Timestamp) -> Result<(), StoreError> {
    let mut row = columns(&edited.settings)?;
    row.updated_at = Set(Some(column(now)));
    if edited.ended_at.is_none() {
        row.ended_at = Set(None);
        row.ended_by = Set(None);
    }
    row.version = Set(signed(edited.version + 1)?);
    let updated = Entity::update_many()
        .set(row)
        .filter(Column::DeletedAt.is_null().and(Column::Id.eq(edited.key.0)))
        .exec(writing)
        .await?;
    found(updated.rows_affected)
}

/// Who ended a meeting, as stored in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndedBy {
    Host,
    Operator,
}

impl EndedBy {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Operator => "operator",
        }
    }
}

/// Every room that exists, with its owner.
pub(super) fn living() -> SelectTwo<Entity, user_basic::Entity> {
    Entity::find()
        .find_also_related(user_basic::Entity)
        .filter(exists().and(super::users::alive()))
}

/// The condition under which a room exists. A row without a number that is not deleted waits to be taken over.
pub(super) fn exists() -> SimpleExpr {
    Column::DeletedAt
        .is_null()
        .and(Column::Number.is_not_null())
}

/// Deletes an account's rooms with it.
pub(super) async fn delete_rooms_of(
    writing: &Writing,
    owner: UserKey,
    now: Timestamp,
) -> Result<u64, StoreError> {
    delete_rooms(writing, Column::CreateId.eq(owner.0), now).await
}

async fn delete_rooms(
    writing: &Writing,
    condition: SimpleExpr,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let deleted = Entity::update_many()
        .col_expr(Column::DeletedAt, SimpleExpr::from(column(now)))
        .col_expr(Column::Number, SimpleExpr::from(None::<String>))
        .filter(Column::DeletedAt.is_null().and(condition))
        .exec(writing)
        .await?;
    Ok(deleted.rows_affected)
}

fn found(rows: u64) -> Result<(), StoreError> {
    if rows == 0 {
        Err(StoreError::NotFound(Missing::Room))
    } else {
        Ok(())
    }
}

/// A room as it is first written.
pub(super) fn new_row(
    settings: &RoomSettings,
    owner: i64,
    number: String,
    now: Timestamp,
) -> Result<ActiveModel, StoreError> {
    Ok(ActiveModel {
        created_at: Set(Some(column(now))),
        updated_at: Set(Some(column(now))),
        identity: Set(RoomIdentity::random().as_str().to_owned()),
        number: Set(Some(number)),
        create_id: Set(RowId(owner)),
        version: Set(1),
        ..columns(settings)?
    })
}

pub(super) fn random_number() -> String {
    rand::rng()
        .random_range(100_000_000..1_000_000_000u32)
        .to_string()
}
