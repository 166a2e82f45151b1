//! Which row of another system became which of ours.

use sea_orm::entity::prelude::*;

/// One imported row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "imported_row")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The system, the kind of thing and its id there, such as `imweb/room/520`.
    #[sea_orm(unique)]
    pub origin: String,
    /// The row here; which table's, the kind says.
    pub row_id: i64,
    pub created_at: DateTime,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
