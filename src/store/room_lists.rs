//! Lists of rooms, page by page.

use entity::room_basic::{Column, Entity};
use entity::room_user;
use sea_orm::sea_query::{Query, SimpleExpr};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, JoinType, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, RelationTrait as _, Select,
};
use unicode_normalization::UnicodeNormalization as _;

use super::names::is_named;
use super::room_rows::room_with_owner;
use super::rooms::{exists, living};
use super::{RoomKey, Store, StoreError, StoredRoom, UserKey};
use crate::protocol::ids::UserId;

/// The largest page.
pub const MAX_PAGE_SIZE: u32 = 100;
/// A longer keyword is cut: no name is longer.
const MAX_KEYWORD_CHARS: usize = 100;

/// Which rooms a list contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomScope {
    /// Those of this owner.
    OwnedBy(UserKey),
    /// Rooms that this person, account or guest, has been in.
    JoinedBy(UserId),
}

/// A page of a list of rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomFilter {
    /// The rooms.
    pub scope: RoomScope,
    /// A part of the name. Case does not matter, and no character is special.
    pub keyword: Option<String>,
    /// From 1; 0 is taken for 1.
    pub page: u32,
    /// Taken for the nearest of 1 to [`MAX_PAGE_SIZE`].
    pub size: u32,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRooms {
    /// The newest first.
    pub rooms: Vec<StoredRoom>,
    /// How many there are on all pages.
    pub total: u64,
}

impl Store {
    /// One page of rooms.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn list_rooms(&self, filter: &RoomFilter) -> Result<StoredRooms, StoreError> {
        let size = u64::from(filter.size.clamp(1, MAX_PAGE_SIZE));
        let skipped = u64::from(filter.page.saturating_sub(1)) * size;
        let scope = in_scope(&filter.scope);
        let newest_first = living().order_by_desc(Column::Id);
        let scope = match filter.keyword.as_deref().and_then(cleaned) {
            None => scope,
            Some(keyword) => scope.and(is_named(&keyword)),
        };
        let total = in_being().filter(scope.clone()).count(&self.db).await?;
        let page = newest_first.filter(scope).offset(skipped).limit(size);
        let rows = page.all(&self.db).await?;
        let rooms = rows
            .into_iter()
            .filter_map(|rows| room_with_owner(rows).transpose());
        Ok(StoredRooms {
            rooms: rooms.collect::<Result<_, _>>()?,
            total,
        })
    }
}

/// The rooms that exist and whose owner exists.
fn in_being() -> Select<Entity> {
    let owner = entity::room_basic::Relation::Owner.def();
    Entity::find()
        .join(JoinType::InnerJoin, owner)
        .filter(exists().and(super::users::alive()))
}

impl Store {
    /// At most `limit` rooms of all owners, made after `after`, the oldest first.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn list_every_room(
        &self,
        after: Option<RoomKey>,
        limit: u64,
    ) -> Result<Vec<StoredRoom>, StoreError> {
        let mut rooms = living();
        if let Some(RoomKey(after)) = after {
            rooms = rooms.filter(Column::Id.gt(after));
        }
        let rows = rooms
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(&self.db)
            .await?;
        let rooms = rows.into_iter();
        rooms
            .filter_map(|rows| room_with_owner(rows).transpose())
            .collect()
    }
}

fn in_scope(scope: &RoomScope) -> SimpleExpr {
    match scope {
        RoomScope::OwnedBy(owner) => Column::CreateId.eq(owner.0),
        RoomScope::JoinedBy(user) => {
            let memberships = Query::select()
                .column(room_user::Column::Rid)
                .from(room_user::Entity)
                .and_where(room_user::Column::UserIdentity.eq(user.as_str()))
                .and_where(room_user::Column::DeletedAt.is_null())
                .to_owned();
            Column::Id.in_subquery(memberships)
        }
    }
}

/// The keyword as names are stored. None if it is empty.
fn cleaned(keyword: &str) -> Option<String> {
    let keyword: String = keyword
        .nfc()
        .filter(|c| !c.is_control())
        .take(MAX_KEYWORD_CHARS)
        .collect();
    let keyword = keyword.trim();
    (!keyword.is_empty()).then(|| keyword.to_owned())
}
