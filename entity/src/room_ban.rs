//! Who is kept out of which room for good.

use sea_orm::entity::prelude::*;

/// One person who is kept out of one room.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "room_ban")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The room's row.
    pub rid: i64,
    /// The person's id on the wire; one row per room and person.
    pub user_identity: String,
    /// What they were called in the meeting.
    pub display_name: String,
    pub since: DateTime,
    /// The id on the wire of the person who banned them.
    pub banned_by: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
