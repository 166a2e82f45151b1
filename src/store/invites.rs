//! Invite links. Only a hash of the token of a link is stored.

use entity::{room_invite, room_invite_use};
use room_invite::{ActiveModel, Column, Entity, Model};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, ExprTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::db::Writing;
use super::error::taken;
use super::row::{column, name, named, parsed, stamp};
use super::{Conflict, Limit, Missing, RoomKey, Store, StoreError, TokenHash};
use crate::budgets::store;
use crate::protocol::ids::{InviteId, UserId};
use crate::protocol::object::{Invite, Role};
use crate::protocol::text::RoomName;
use crate::protocol::time::Timestamp;

/// A link to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvite {
    /// The hash of its token.
    pub token: TokenHash,
    /// The role of people who use it.
    pub role: Role,
    /// The purpose.
    pub name: Option<RoomName>,
    /// Until when it works.
    pub expires_at: Option<Timestamp>,
    /// How many people it lets in.
    pub max_uses: Option<u32>,
    /// The user who makes it.
    pub created_by: UserId,
}

/// One person's use of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteUse {
    /// The role that they get.
    pub role: Role,
    invite: i64,
    user: UserId,
    /// Whether this is the first use by this person.
    is_first: bool,
}

impl Store {
    /// Makes an invite link of a room.
    ///
    /// # Errors
    /// [`Limit::Invites`] when the room has as many as it may; [`Missing::Room`] when it is gone.
    pub async fn create_invite(
        &self,
        room: RoomKey,
        new: NewInvite,
        now: Timestamp,
    ) -> Result<Invite, StoreError> {
        let max_uses = new.max_uses.map(i32::try_from).transpose();
        let row = ActiveModel {
            identity: Set(InviteId::random().as_str().to_owned()),
            rid: Set(room.0),
            token_hash: Set(new.token.reveal().to_owned()),
            role: Set(name(&new.role)?),
            name: Set(new.name.map(|name| name.as_str().to_owned())),
            expires_at: Set(new.expires_at.map(column)),
            max_uses: Set(max_uses.map_err(|_| StoreError::Corrupt("invite max_uses"))?),
            uses: Set(0),
            created_at: Set(column(now)),
            created_by: Set(new.created_by.as_str().to_owned()),
            ..Default::default()
        };
        let write = self.db.write(async |writing| {
            // Holding the room counts links that are made at the same time.
            if super::rooms::held(writing, room).await?.is_none() {
                return Err(StoreError::NotFound(Missing::Room));
            }
            let lets_in = Column::Rid.eq(room.0).and(works(now)).and(has_uses_left());
            let standing = Entity::find().filter(lets_in).count(writing).await?;
            if standing >= store::INVITES.most {
                return Err(StoreError::Limit(Limit::Invites));
            }
            let inserted = row.insert(writing).await;
            let made = inserted.map_err(taken(Conflict::Identity))?;
            forget_oldest(writing, room, now).await?;
            Ok(made)
        });
        write.await?.try_into()
    }

    /// The valid links of a room, the newest first. At most [`store::INVITES`].
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn list_invites(
        &self,
        room: RoomKey,
        now: Timestamp,
    ) -> Result<Vec<Invite>, StoreError> {
        let rows = Entity::find()
            .filter(Column::Rid.eq(room.0))
            .filter(works(now).and(has_uses_left()))
            .order_by_desc(Column::Id)
            .limit(store::INVITES.most)
            .all(&self.db)
            .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Revokes a link. Returns whether the room has such a link. Doing so again changes nothing.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn revoke_invite(
        &self,
        room: RoomKey,
        invite: &InviteId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let of_room = Column::Rid
            .eq(room.0)
            .and(Column::Identity.eq(invite.as_str()));
        let known = Entity::find().filter(of_room.clone()).one(&self.db).await?;
        let write = self.db.write(async |writing| {
            Entity::update_many()
                .col_expr(Column::RevokedAt, SimpleExpr::from(column(now)))
                .filter(of_room.and(Column::RevokedAt.is_null()))
                .exec(writing)
                .await?;
            Ok(known.is_some())
        });
        write.await
    }

    /// Counts `user` as a user of the link with this token, once for each person. None if the link does not let them in
    /// any more. If many come at once, no more are counted than the link allows.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn use_invite(
        &self,
        room: RoomKey,
        token: &TokenHash,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Option<InviteUse>, StoreError> {
        let of_token = Column::Rid
            .eq(room.0)
            .and(Column::TokenHash.eq(token.reveal()));
        let found = Entity::find().filter(of_token.and(works(now)));
        let Some(invite) = found.one(&self.db).await? else {
            return Ok(None);
        };
        let role = named(&invite.role, "role")?;
        let used = |is_first| InviteUse {
            role,
            invite: invite.id,
            user: user.clone(),
            is_first,
        };
        let of_user = Self::uses_of(invite.id, user);
        if of_user.one(&self.db).await?.is_some() {
            return Ok(Some(used(false)));
        }
        match self.count_use(invite.id, user, now).await {
            Ok(true) => Ok(Some(used(true))),
            Ok(false) => Ok(None),
            // They came twice at once.
            Err(StoreError::Conflict(_)) => Ok(Some(used(false))),
            Err(error) => Err(error),
        }
    }

    /// Takes a use back, because the person was not let in after all.
    ///
    /// # Errors
    /// When the database cannot be written: then the link has let in one more than it has.
    pub async fn release_invite(&self, used: &InviteUse) -> Result<(), StoreError> {
        if !used.is_first {
            return Ok(());
        }
        let release = self.db.write(async |writing| {
            let removed = room_invite_use::Entity::delete_many()
                .filter(room_invite_use::Column::Invite.eq(used.invite))
                .filter(room_invite_use::Column::UserIdentity.eq(used.user.as_str()))
                .exec(writing)
                .await?;
            if removed.rows_affected == 1 {
                Entity::update_many()
                    .col_expr(Column::Uses, Expr::col(Column::Uses).sub(1))
                    .filter(Column::Id.eq(used.invite).and(Column::Uses.gt(0)))
                    .exec(writing)
                    .await?;
            }
            Ok(())
        });
        release.await
    }

    /// Counts one more person, if the link allows it.
    async fn count_use(
        &self,
        invite: i64,
        user: &UserId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let count = self.db.write(async |writing| {
            let row = room_invite_use::ActiveModel {
                invite: Set(invite),
                user_identity: Set(user.as_str().to_owned()),
                used_at: Set(column(now)),
                ..Default::default()
            };
            let inserted = row.insert(writing).await;
            inserted.map_err(taken(Conflict::Identity))?;
            let counted = Entity::update_many()
                .col_expr(Column::Uses, Expr::col(Column::Uses).add(1))
                .filter(Column::Id.eq(invite).and(works(now)).and(has_uses_left()))
                .exec(writing)
                .await?;
            match counted.rows_affected {
                0 => Err(StoreError::NotFound(Missing::Invite)),
                _ => Ok(()),
            }
        });
        match count.await {
            Ok(()) => Ok(true),
            // Everything of this transaction is undone.
            Err(StoreError::NotFound(Missing::Invite)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn uses_of(invite: i64, user: &UserId) -> sea_orm::Select<room_invite_use::Entity> {
        room_invite_use::Entity::find()
            .filter(room_invite_use::Column::Invite.eq(invite))
            .filter(room_invite_use::Column::UserIdentity.eq(user.as_str()))
    }
}

/// Deletes the oldest links of a room that let nobody new in, beyond the number of valid links that a room may have.
async fn forget_oldest(writing: &Writing, room: RoomKey, now: Timestamp) -> Result<(), StoreError> {
    let is_over = works(now).and(has_uses_left()).not();
    let oldest: Vec<i64> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Rid.eq(room.0).and(is_over))
        .order_by_desc(Column::Id)
        .offset(store::INVITES.most)
        .limit(store::INVITES.most)
        .into_tuple()
        .all(writing)
        .await?;
    if oldest.is_empty() {
        return Ok(());
    }
    room_invite_use::Entity::delete_many()
        .filter(room_invite_use::Column::Invite.is_in(oldest.iter().copied()))
        .exec(writing)
        .await?;
    Entity::delete_many()
        .filter(Column::Id.is_in(oldest))
        .exec(writing)
        .await?;
    Ok(())
}

/// The condition under which a link was not revoked and has not expired.
fn works(now: Timestamp) -> SimpleExpr {
    let lasts = Column::ExpiresAt
        .is_null()
        .or(Column::ExpiresAt.gt(column(now)));
    Column::RevokedAt.is_null().and(lasts)
}

/// The condition under which a link has uses left.
fn has_uses_left() -> SimpleExpr {
    let most = i32::try_from(store::INVITE_USES.most).unwrap_or(i32::MAX);
    let without_number = Column::MaxUses.is_null().and(Column::Uses.lt(most));
    without_number.or(Expr::col(Column::Uses).lt(Expr::col(Column::MaxUses)))
}

impl TryFrom<Model> for Invite {
    type Error = StoreError;
    fn try_from(row: Model) -> Result<Self, StoreError> {
        let counted =
            |number: i32, what| u32::try_from(number).map_err(|_| StoreError::Corrupt(what));
        Ok(Self {
            id: parsed(row.identity, "invite identity")?,
            name: row
                .name
                .map(|name| parsed(name, "invite name"))
                .transpose()?,
            role: named(&row.role, "role")?,
            expires_at: row.expires_at.map(stamp),
            max_uses: row
                .max_uses
                .map(|number| counted(number, "invite max_uses"))
                .transpose()?,
            uses: counted(row.uses, "invite uses")?,
            created_at: stamp(row.created_at),
            created_by: parsed(row.created_by, "user identity")?,
        })
    }
}
