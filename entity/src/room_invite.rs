//! Links that let people in.

use sea_orm::entity::prelude::*;

/// One link.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "room_invite")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The id on the wire, by which it is revoked; not the token.
    #[sea_orm(unique)]
    pub identity: String,
    /// The room's row.
    pub rid: i64,
    /// SHA-256 of the token, in hex: the token itself is nowhere.
    #[sea_orm(unique)]
    pub token_hash: String,
    /// `host`, `cohost` or `member`.
    pub role: String,
    pub name: Option<String>,
    pub expires_at: Option<DateTime>,
    pub max_uses: Option<i32>,
    /// How many people it has let in.
    pub uses: i32,
    pub created_at: DateTime,
    /// The id on the wire of the person who made it.
    pub created_by: String,
    pub revoked_at: Option<DateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
