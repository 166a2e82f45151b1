//! Which server writes what: a membership names the node whose room it is in. Rows from before name none.

use sea_orm_migration::prelude::*;

use crate::columns::{extend, retract};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        extend(manager, "room_user", own_of_membership()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        retract(manager, "room_user", "node").await
    }
}

/// What is added to a membership.
pub fn own_of_membership() -> Vec<ColumnDef> {
    vec![ColumnDef::new("node").big_integer().null().take()]
}
