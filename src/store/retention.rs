//! Limits what only grows, per room: messages and memberships.
//!
//! Counting at each write would cost more than the write. So after a number of writes one room is checked, and some of
//! its oldest rows are deleted. A room may exceed its limit by that much.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use entity::row_id::RowId;
use entity::{chat_message, room_user};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::db::Writing;
use super::{RoomKey, StoreError};

/// How many writes there are between two checks.
pub(super) const EVERY: u64 = 64;
/// How many rows are deleted at a time: more than are added meanwhile, and few enough for one transaction.
pub(super) const AT_ONCE: u64 = 500;

/// Counts writes. Clones share the count.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Arc<AtomicU64>);

impl Turns {
    /// Whether it is time to look.
    pub(super) fn is_due(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) % EVERY == EVERY - 1
    }
}

/// Deletes the oldest messages of a room beyond the newest `kept`.
pub(super) async fn forget_messages(
    writing: &Writing,
    room: RoomKey,
    kept: u64,
) -> Result<(), StoreError> {
    use chat_message::{Column, Entity};
    let of_room = || {
        Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::Rid.eq(room.0))
    };
    let newest_first = of_room().order_by_desc(Column::Id).offset(kept).limit(1);
    let Some(first_beyond) = newest_first.into_tuple::<i64>().one(writing).await? else {
        return Ok(());
    };
    let oldest = of_room()
        .filter(Column::Id.lte(first_beyond))
        .order_by_asc(Column::Id)
        .limit(AT_ONCE);
    let oldest: Vec<i64> = oldest.into_tuple().all(writing).await?;
    if let Some(last) = oldest.last() {
        Entity::delete_many()
            .filter(Column::Rid.eq(room.0).and(Column::Id.lte(*last)))
            .exec(writing)
            .await?;
    }
    Ok(())
}

/// Deletes the oldest finished memberships of a room beyond the newest `kept`. Imported ones stay, because they tell
/// who was a host.
pub(super) async fn forget_memberships(
    writing: &Writing,
    room: RoomKey,
    kept: u64,
) -> Result<(), StoreError> {
    use room_user::{Column, Entity};
    let is_over = || {
        Column::Rid
            .eq(room.0)
            .and(Column::Participant.is_not_null())
            .and(Column::LeftAt.is_not_null())
    };
    let of_room = || {
        Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(is_over())
    };
    let newest_first = of_room().order_by_desc(Column::Id).offset(kept).limit(1);
    let Some(first_beyond) = newest_first.into_tuple::<RowId>().one(writing).await? else {
        return Ok(());
    };
    let oldest = of_room()
        .filter(Column::Id.lte(first_beyond))
        .order_by_asc(Column::Id)
        .limit(AT_ONCE);
    let oldest: Vec<RowId> = oldest.into_tuple().all(writing).await?;
    if let Some(last) = oldest.last() {
        Entity::delete_many()
            .filter(is_over().and(Column::Id.lte(*last)))
            .exec(writing)
            .await?;
    }
    Ok(())
}
