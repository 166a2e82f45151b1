//! Whom a link has let in.

use sea_orm::entity::prelude::*;

/// One person whom one link has let in.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "room_invite_use")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The link's row.
    pub invite: i64,
    /// The person's id on the wire; one row per link and person.
    pub user_identity: String,
    pub used_at: DateTime,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
