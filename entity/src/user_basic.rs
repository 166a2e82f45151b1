//! Accounts.

use sea_orm::entity::prelude::*;

use crate::row_id::RowId;

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_basic")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: RowId,
    pub created_at: Option<DateTime>,
    pub updated_at: Option<DateTime>,
    pub deleted_at: Option<DateTime>,
    /// As registered; suffixed once deleted, so that the name is free again.
    #[sea_orm(unique)]
    pub username: String,
    /// A PHC string, or MD5 in hex when `password_legacy` says so.
    pub password: String,
    /// Unused; stands in tables that were adopted.
    #[sea_orm(column_type = "Text", nullable)]
    pub sdp: Option<String>,
    /// The id on the wire.
    #[sea_orm(unique)]
    pub identity: String,
    /// The user name in lower case: what must be unique.
    #[sea_orm(unique)]
    pub username_key: String,
    pub display_name: String,
    /// The password is MD5 and gives way to a new hash at the next login.
    pub password_legacy: bool,
    /// Tokens made before are void.
    pub tokens_valid_after: Option<DateTime>,
    pub disabled_at: Option<DateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(has_many = "super::room_basic::Entity")]
    Rooms,
}

impl Related<super::room_basic::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Rooms.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
