//! Accounts.
//!
//! User names are unique regardless of case. Beside the name there is a key with a unique index: the name in lower case
//! (the simple rules of Unicode, the same in Rust for every database). The index decides races.

use std::collections::{BTreeSet, HashMap};

use entity::user_basic::{ActiveModel, Column, Entity, Model};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, EntityTrait as _, ExprTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Select, Value,
};
use unicode_normalization::UnicodeNormalization as _;

use super::error::taken;
use super::row::{column, made, parsed, stamp};
use super::{Conflict, Missing, PasswordHash, Store, StoreError};
use crate::protocol::ids::UserId;
use crate::protocol::text::{DisplayName, Username};
use crate::protocol::time::Timestamp;

/// How many ids one query asks about.
const IDS_AT_ONCE: usize = 200;

/// An account's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserKey(pub(super) i64);

/// The data of a new account.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The name for logging in.
    pub username: Username,
    /// The display name.
    pub display_name: DisplayName,
    /// Of its password.
    pub password: PasswordHash,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUser {
    /// Its row.
    pub key: UserKey,
    /// Its id on the wire.
    pub id: UserId,
    /// The name for logging in.
    pub username: Username,
    /// The display name.
    pub display_name: DisplayName,
    /// Of its password.
    pub password: PasswordHash,
    /// Tokens issued before this are void.
    pub tokens_valid_after: Option<Timestamp>,
    /// Since when it may not log in.
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl StoredUser {
    /// Whether a token from `issued_at` is still good for this account.
    pub fn admits_token_of(&self, issued_at: Timestamp) -> bool {
        self.disabled_at.is_none()
            && self
                .tokens_valid_after
                .is_none_or(|after| issued_at >= after)
    }
}

impl Store {
    /// Makes an account. Of several simultaneous ones with the same name, exactly one is made.
    ///
    /// # Errors
    /// [`Conflict::Username`] when the name is taken, in any case.
    pub async fn create_user(
        &self,
        new: NewUser,
        now: Timestamp,
    ) -> Result<StoredUser, StoreError> {
        let row = ActiveModel {
            created_at: Set(Some(column(now))),
            updated_at: Set(Some(column(now))),
            username_key: Set(folded(new.username.as_str())),
            username: Set(new.username.as_str().to_owned()),
            identity: Set(UserId::random().as_str().to_owned()),
            display_name: Set(new.display_name.as_str().to_owned()),
            password: Set(new.password.reveal().to_owned()),
            password_legacy: Set(new.password.is_legacy()),
            ..Default::default()
        };
        let write = self.db.write(async |writing| {
            let inserted = row.insert(writing).await;
            inserted.map_err(taken(Conflict::Username))
        });
        write.await?.try_into()
    }

    /// The account with the name `username`, in any case.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn find_user_by_name(
        &self,
        username: &str,
    ) -> Result<Option<StoredUser>, StoreError> {
        // A name that this server would refuse can only come from a database that was taken over.
        let key = folded(Username::adopted(username).as_str());
        self.one_user(living().filter(Column::UsernameKey.eq(key)))
            .await
    }

    /// The account with this wire id.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn find_user(&self, id: &UserId) -> Result<Option<StoredUser>, StoreError> {
        self.one_user(living().filter(Column::Identity.eq(id.as_str())))
            .await
    }

    /// The account in this row.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn find_user_by_key(&self, key: UserKey) -> Result<Option<StoredUser>, StoreError> {
        self.one_user(living().filter(Column::Id.eq(key.0))).await
    }

    /// At most `limit` accounts made after `after`, the oldest first.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn list_users(
        &self,
        after: Option<UserKey>,
        limit: u64,
    ) -> Result<Vec<StoredUser>, StoreError> {
        // Tables that were taken over may have numbers below 1.
        let after = after.map(|key| Column::Id.gt(key.0));
        let rows = living()
            .filter(Condition::all().add_option(after))
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(&self.db)
            .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Sets a new password and voids every token from before `now`.
    ///
    /// # Errors
    /// [`Missing::User`] when the account is gone.
    pub async fn set_password(
        &self,
        key: UserKey,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change_user(key, Some(hash), None, now).await
    }

    /// Replaces the hash of an unchanged password by a better one. Tokens stay good. Does nothing if the password was
    /// changed since `old` was read.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn rehash_password(
        &self,
        key: UserKey,
        old: &PasswordHash,
        new: &PasswordHash,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut update =
            Entity::update_many().col_expr(Column::UpdatedAt, SimpleExpr::from(column(now)));
        for (column, value) in password_columns(new) {
            update = update.col_expr(column, SimpleExpr::from(value));
        }
        let unchanged = Column::Password.eq(old.reveal());
        let update = update.filter(alive().and(Column::Id.eq(key.0)).and(unchanged));
        let write = self.db.write(async |writing| {
            update.exec(writing).await?;
            Ok(())
        });
        write.await
    }

    /// Sets a new password as [`Store::set_password`] does, the display name, or both, in one transaction.
    ///
    /// # Errors
    /// [`Missing::User`] when the account is gone.
    pub async fn change_user(
        &self,
        key: UserKey,
        password: Option<&PasswordHash>,
        display_name: Option<&DisplayName>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut changes = Vec::new();
        if let Some(hash) = password {
            changes.extend(password_columns(hash));
            changes.push((Column::TokensValidAfter, column(now).into()));
        }
        if let Some(name) = display_name {
            changes.push((Column::DisplayName, name.as_str().into()));
        }
        self.update_user(key, changes, now).await
    }

    /// Voids every token of the account from before `now`.
    ///
    /// # Errors
    /// [`Missing::User`] when the account is gone.
    pub async fn revoke_user_tokens(&self, key: UserKey, now: Timestamp) -> Result<(), StoreError> {
        self.update_user(
            key,
            vec![(Column::TokensValidAfter, column(now).into())],
            now,
        )
        .await
    }

    /// Disables the account from `since` on, or enables it again.
    ///
    /// # Errors
    /// [`Missing::User`] when the account is gone.
    pub async fn set_user_disabled(
        &self,
        key: UserKey,
        since: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.update_user(
            key,
            vec![(Column::DisabledAt, since.map(column).into())],
            now,
        )
        .await
    }

    /// Deletes the account and its rooms. Returns the number of rooms. Its name can be used again. Its messages stay.
    ///
    /// # Errors
    /// [`Missing::User`] when the account is gone already.
    pub async fn delete_user(&self, key: UserKey, now: Timestamp) -> Result<u64, StoreError> {
        let Some(user) = self.find_user_by_key(key).await? else {
            return Err(StoreError::NotFound(Missing::User));
        };
        // No user name contains '#', so the new name of the row clashes with none.
        let freed = |name: &str| format!("{name}#{}", key.0);
        let (name, name_key) = (
            freed(user.username.as_str()),
            freed(&folded(user.username.as_str())),
        );
        let write = self.db.write(async |writing| {
            let deleted = Entity::update_many()
                .col_expr(Column::DeletedAt, SimpleExpr::from(column(now)))
                .col_expr(Column::Username, SimpleExpr::from(name))
                .col_expr(Column::UsernameKey, SimpleExpr::from(name_key))
                .filter(alive().and(Column::Id.eq(key.0)))
                .exec(writing)
                .await?;
            if deleted.rows_affected == 0 {
                return Err(StoreError::NotFound(Missing::User));
            }
            super::rooms::delete_rooms_of(writing, key, now).await
        });
        write.await
    }

    /// The existing accounts with these ids. The other ids belong to guests or deleted accounts.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn find_users(
        &self,
        ids: impl Iterator<Item = &UserId>,
    ) -> Result<HashMap<UserId, StoredUser>, StoreError> {
        let ids: BTreeSet<&str> = ids.map(UserId::as_str).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let mut found = HashMap::new();
        for batch in ids.chunks(IDS_AT_ONCE) {
            let named = Column::Identity.is_in(batch.iter().copied());
            for row in living().filter(named).all(&self.db).await? {
                let user: StoredUser = row.try_into()?;
                found.insert(user.id.clone(), user);
            }
        }
        Ok(found)
    }

    async fn one_user(&self, select: Select<Entity>) -> Result<Option<StoredUser>, StoreError> {
        select
            .one(&self.db)
            .await?
            .map(TryInto::try_into)
            .transpose()
    }

    async fn update_user(
        &self,
        key: UserKey,
        changes: Vec<(Column, Value)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut update =
            Entity::update_many().col_expr(Column::UpdatedAt, SimpleExpr::from(column(now)));
        for (column, value) in changes {
            update = update.col_expr(column, SimpleExpr::from(value));
        }
        let update = update.filter(alive().and(Column::Id.eq(key.0)));
        let write = self.db.write(async |writing| {
            if update.exec(writing).await?.rows_affected == 0 {
                return Err(StoreError::NotFound(Missing::User));
            }
            Ok(())
        });
        write.await
    }
}

impl TryFrom<Model> for StoredUser {
    type Error = StoreError;
    fn try_from(row: Model) -> Result<Self, StoreError> {
        let hash = if row.password_legacy {
            PasswordHash::legacy_md5
        } else {
            PasswordHash::new
        };
        Ok(Self {
            key: UserKey(row.id.0),
            id: parsed(row.identity, "user identity")?,
            username: Username::adopted(&row.username),
            display_name: parsed(row.display_name, "display name")?,
            password: hash(row.password),
            tokens_valid_after: row.tokens_valid_after.map(stamp),
            disabled_at: row.disabled_at.map(stamp),
            created_at: made(row.created_at),
        })
    }
}

/// The condition under which an account exists. A row without an id waits to be taken over.
pub(super) fn alive() -> SimpleExpr {
    Column::DeletedAt
        .is_null()
        .and(Column::Identity.is_not_null())
}

fn living() -> Select<Entity> {
    Entity::find().filter(alive())
}

fn password_columns(hash: &PasswordHash) -> Vec<(Column, Value)> {
    vec![
        (Column::Password, hash.reveal().into()),
        (Column::PasswordLegacy, hash.is_legacy().into()),
    ]
}

/// The part of a user name that must be unique.
pub(super) fn folded(username: &str) -> String {
    username
        .nfc()
        .collect::<String>()
        .trim()
        .to_lowercase()
        .nfc()
        .collect()
}
