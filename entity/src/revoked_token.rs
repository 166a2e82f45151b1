//! Tokens that were logged out before their time.

use sea_orm::entity::prelude::*;

/// One token.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "revoked_token")]
pub struct Model {
    /// The token's id (RFC 7519 §4.1.7).
    #[sea_orm(primary_key, auto_increment = false)]
    pub jti: String,
    /// From here on the token is void anyway and the row may go.
    pub expires_at: DateTime,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
