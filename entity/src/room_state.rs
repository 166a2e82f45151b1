//! Meetings as they are to be taken up after a restart.

use sea_orm::entity::prelude::*;

/// One room's meeting, as it was saved last.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "room_state")]
pub struct Model {
    /// The room's row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub rid: i64,
    /// Which server it runs on.
    pub node: i64,
    /// In which form `state` is written.
    pub version: i32,
    /// The meeting.
    #[sea_orm(column_type = "Blob")]
    pub state: Vec<u8>,
    pub saved_at: DateTime,
    /// When it is over unless somebody comes back; null while somebody is in.
    pub kept_until: Option<DateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
