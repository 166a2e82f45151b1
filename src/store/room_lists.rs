//! Lists of rooms, page by page.

use entity::room_basic::{Column, Entity};
use entity::room_user;
use sea_orm::sea_query::{Expr, Func, LikeExpr, Query, SimpleExpr};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DbBackend, EntityTrait as _, ExprTrait as _, JoinType,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, RelationTrait as _,
};
use unicode_normalization::UnicodeNormalization as _;

use super::room_rows::room_with_owner;
use super::rooms::{exists, living};
use super::{RoomKey, Store, StoreError, StoredRoom, UserKey};
use crate::protocol::ids::UserId;

/// The largest page.
pub const MAX_PAGE_SIZE: u32 = 100;
/// Beyond this many characters a keyword is cut: no name is longer.
const MAX_KEYWORD_CHARS: usize = 100;
/// Makes the character after it mean itself. Not the backslash, which MySQL would have to be told twice.
const ESCAPE: char = '!';

/// Which rooms a list is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomScope {
    /// Those of this owner.
    OwnedBy(UserKey),
    /// Those this person, account or guest, has been in.
    JoinedBy(UserId),
}

/// Which page of which rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomFilter {
    /// Which rooms.
    pub scope: RoomScope,
    /// Part of the name. Every character means itself; case does not matter where the database knows its letters.
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
        let mut condition = in_scope(&filter.scope);
        if let Some(keyword) = filter.keyword.as_deref().and_then(cleaned) {
            condition = condition.and(name_contains(&keyword, self.db.get_database_backend()));
        }
        let size = u64::from(filter.size.clamp(1, MAX_PAGE_SIZE));
        let skipped = u64::from(filter.page.saturating_sub(1)) * size;
        let total = Entity::find()
            .join(
                JoinType::InnerJoin,
                entity::room_basic::Relation::Owner.def(),
            )
            .filter(exists().and(super::users::alive()))
            .filter(condition.clone())
            .count(&self.db)
            .await?;
        let rows = living()
            .filter(condition)
            .order_by_desc(Column::Id)
            .offset(skipped)
            .limit(size)
            .all(&self.db)
            .await?;
        let rooms = rows
            .into_iter()
            .filter_map(|rows| room_with_owner(rows).transpose());
        Ok(StoredRooms {
            rooms: rooms.collect::<Result<_, _>>()?,
            total,
        })
    }
}

impl Store {
    /// At most `limit` rooms made after `after`, the oldest first, whoever they belong to.
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
            let stays = Query::select()
                .column(room_user::Column::Rid)
                .from(room_user::Entity)
                .and_where(room_user::Column::UserIdentity.eq(user.as_str()))
                .and_where(room_user::Column::DeletedAt.is_null())
                .to_owned();
            Column::Id.in_subquery(stays)
        }
    }
}

/// As typed, or both in lower case: databases differ in what LIKE and LOWER know of letters beyond ASCII.
fn name_contains(keyword: &str, backend: DbBackend) -> SimpleExpr {
    let name = || match backend {
        // In a table that was taken over, MySQL may hold é for e and any emoji for any other.
        DbBackend::MySql => {
            Expr::cust("CONVERT(`room_basic`.`name` USING utf8mb4) COLLATE utf8mb4_bin")
        }
        _ => Expr::col((Entity, Column::Name)),
    };
    let like = |keyword: &str| LikeExpr::new(pattern(keyword)).escape(ESCAPE);
    name()
        .like(like(keyword))
        .or(Func::lower(name()).like(like(&keyword.to_lowercase())))
}

fn pattern(keyword: &str) -> String {
    let mut pattern = String::from("%");
    for c in keyword.chars() {
        if matches!(c, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// The keyword as names are stored; nothing when it is empty.
fn cleaned(keyword: &str) -> Option<String> {
    let keyword: String = keyword
        .nfc()
        .filter(|c| !c.is_control())
        .take(MAX_KEYWORD_CHARS)
        .collect();
    let keyword = keyword.trim();
    (!keyword.is_empty()).then(|| keyword.to_owned())
}
