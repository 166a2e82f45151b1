//! The migrations, in order; they name tables and columns themselves and never import the entities, so that an old
//! migration never changes its meaning.

use sea_orm_migration::prelude::*;
pub use sea_orm_migration::prelude::{MigratorTrait, SchemaManager};
pub use sea_orm_migration::{Migration, MigrationStatus};

mod clashes;
mod columns;
mod m20261122_000001_users;
mod m20261122_000002_rooms;
mod m20261122_000003_chat;
mod m20261122_000004_imports;
mod m20261122_000005_operation;
mod m20261122_000006_governance;
mod m20261122_000007_time_zones;
mod m20261129_000001_door;
mod m20261129_000008_keys;
mod m20261130_000001_nodes;
mod older;

pub use clashes::{Clash, clashes};
pub use older::forget_impossible_times;

/// Brings a database to the newest schema, or back.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_users::Migration),
            Box::new(m20261122_000002_rooms::Migration),
            Box::new(m20261122_000003_chat::Migration),
            Box::new(m20261122_000004_imports::Migration),
            Box::new(m20261122_000005_operation::Migration),
            Box::new(m20261122_000006_governance::Migration),
            Box::new(m20261122_000007_time_zones::Migration),
            Box::new(m20261129_000001_door::Migration),
            Box::new(m20261129_000008_keys::Migration),
            Box::new(m20261130_000001_nodes::Migration),
        ]
    }
}
