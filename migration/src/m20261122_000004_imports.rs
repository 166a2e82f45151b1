//! What was imported from other systems: which of their rows became which of ours.

use sea_orm_migration::prelude::*;

use crate::columns::{drop, id, moment, string, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(imports(manager)).await?;
        unique(manager, "imported_row", "origin").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "imported_row").await
    }
}

/// Which row of another system became which of ours.
pub fn imports(manager: &SchemaManager<'_>) -> TableCreateStatement {
    let mut imports = Table::create();
    imports
        .table("imported_row")
        .if_not_exists()
        .col(id())
        .col(string(manager, "origin", 191))
        .col(ColumnDef::new("row_id").big_integer().not_null())
        .col(moment(manager, "created_at").not_null());
    imports
}
