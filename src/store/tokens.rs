//! Tokens that were logged out before their time.

use entity::revoked_token::{ActiveModel, Column, Entity};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::error::taken;
use super::row::column;
use super::{Conflict, Store, StoreError};
use crate::protocol::time::Timestamp;

impl Store {
    /// Makes the token of id `jti` void. Doing so again changes nothing.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn revoke_token(&self, jti: &str, expires_at: Timestamp) -> Result<(), StoreError> {
        let row = ActiveModel {
            jti: Set(jti.to_owned()),
            expires_at: Set(column(expires_at)),
        };
        let write = self.db.write(async |writing| {
            let inserted = Entity::insert(row).exec_without_returning(writing).await;
            inserted.map_err(taken(Conflict::Identity))
        });
        match write.await {
            Ok(_) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether the token of id `jti` is void.
    ///
    /// # Errors
    /// When the database cannot answer. Then the token must not let anybody in.
    pub async fn is_token_revoked(&self, jti: &str) -> Result<bool, StoreError> {
        Ok(Entity::find_by_id(jti).one(&self.db).await?.is_some())
    }

    /// Deletes expired tokens. Returns how many.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn prune_revoked_tokens(&self, now: Timestamp) -> Result<u64, StoreError> {
        let write = self.db.write(async |writing| {
            let expired = Entity::delete_many().filter(Column::ExpiresAt.lte(column(now)));
            Ok(expired.exec(writing).await?.rows_affected)
        });
        write.await
    }
}
