//! Who was in which room, and when: one row per membership.

use sea_orm::entity::prelude::*;

use crate::row_id::RowId;

/// One membership.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "room_user")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: RowId,
    pub created_at: Option<DateTime>,
    pub updated_at: Option<DateTime>,
    pub deleted_at: Option<DateTime>,
    /// The room's row.
    pub rid: RowId,
    /// The account's row; 0 for guests.
    pub uid: RowId,
    /// The membership's id on the wire; null in rows that were adopted.
    #[sea_orm(unique)]
    pub participant: Option<String>,
    /// The person's id on the wire.
    pub user_identity: String,
    pub display_name: String,
    /// `host`, `cohost` or `member`.
    pub role: String,
    pub joined_at: Option<DateTime>,
    /// Null while they are in.
    pub left_at: Option<DateTime>,
    pub leave_reason: Option<String>,
    /// The server whose room it is in; null in rows from before, and in those of other programs.
    pub node: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
