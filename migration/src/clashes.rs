//! What keeps the steps that were not taken yet from being taken: told before anything is changed.

use std::collections::HashSet;

use sea_orm_migration::MigrationName;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{DatabaseConnection, DbBackend};

use crate::older::{Column, Holds, columns_of};
use crate::{
    Migrator, m20261122_000001_users as users, m20261122_000002_rooms as rooms,
    m20261122_000003_chat as chat, m20261122_000004_imports as imports,
    m20261122_000005_operation as operation, m20261122_000006_governance as governance,
    m20261122_000007_time_zones as time_zones, m20261129_000001_door as door,
    m20261129_000008_keys as keys, m20261130_000001_nodes as nodes,
    m20261130_000002_room_states as room_states,
};

/// A column that stands in the way of one of this server's, or is missing: nothing can be taken over before its owner
/// has mended that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Clash {
    /// It has the name of one of this server's columns.
    #[error(
        "the table {table} has a column {column} of the type {found} already, where this server needs {wanted}"
    )]
    Foreign {
        /// Its table.
        table: &'static str,
        /// Its name.
        column: String,
        /// What it is.
        found: String,
        /// What it would have to be.
        wanted: String,
    },
    /// It is the older program's, and cannot hold what it is there for.
    #[error("the table {table} has a column {column} of the type {found}, which is no {wanted}")]
    Unfit {
        /// Its table.
        table: &'static str,
        /// Its name.
        column: &'static str,
        /// What it is.
        found: String,
        /// What it would have to be.
        wanted: &'static str,
    },
    /// Nobody knows it, and no row can be added without it.
    #[error(
        "the table {table} has a column {column} that is not this server's, must have a value and has no default"
    )]
    Required {
        /// Its table.
        table: &'static str,
        /// Its name.
        column: String,
    },
    /// The table is not what its name says.
    #[error("the table {table} has no column {column}")]
    Missing {
        /// The table.
        table: &'static str,
        /// What it lacks.
        column: String,
    },
}

/// Every column that stands in the way, or is missing, in tables that somebody else has made; nothing of them where the
/// database is no MySQL. What this server has made in a step that broke off is not in the way.
///
/// # Errors
/// When the database cannot answer.
pub async fn clashes(db: &DatabaseConnection) -> Result<Vec<Clash>, DbErr> {
    let manager = SchemaManager::new(db);
    if manager.get_database_backend() != DbBackend::MySql {
        return Ok(Vec::new());
    }
    let pending = Migrator::get_pending_migrations_read_only(db).await?;
    let pending: HashSet<String> = pending.iter().map(|step| step.name().to_owned()).collect();
    let waits = |step: &dyn MigrationName| pending.contains(step.name());
    let mut clashes = Vec::new();
    if waits(&users::Migration) {
        let found = columns_of(&manager, "user_basic").await?;
        let own = users::own_of_user(&manager);
        clashes.extend(unfit("user_basic", &found, &users::USER, &own));
    }
    if waits(&rooms::Migration) {
        let found = columns_of(&manager, "room_basic").await?;
        let mut own = rooms::own_of_room(&manager);
        own.extend(operation::own_of_room(&manager));
        own.extend(governance::own_of_room(&manager));
        own.extend(time_zones::own_of_room(&manager));
        own.extend(keys::own_of_room(&manager));
        own.extend(door::own_of_room(&manager));
        clashes.extend(unfit("room_basic", &found, &rooms::ROOM, &own));
        let found = columns_of(&manager, "room_user").await?;
        let mut own = rooms::own_of_membership(&manager);
        own.extend(nodes::own_of_membership());
        clashes.extend(unfit("room_user", &found, &rooms::STAY, &own));
    }
    for (step, own) in [
        (
            waits(&operation::Migration),
            operation::own_of_room(&manager),
        ),
        (
            waits(&governance::Migration),
            governance::own_of_room(&manager),
        ),
        (
            waits(&time_zones::Migration),
            time_zones::own_of_room(&manager),
        ),
        (waits(&keys::Migration), keys::own_of_room(&manager)),
        (waits(&door::Migration), door::own_of_room(&manager)),
    ] {
        if step && !waits(&rooms::Migration) {
            let found = columns_of(&manager, "room_basic").await?;
            clashes.extend(foreign("room_basic", &found, &own));
        }
    }
    if waits(&nodes::Migration) && !waits(&rooms::Migration) {
        let found = columns_of(&manager, "room_user").await?;
        clashes.extend(foreign("room_user", &found, &nodes::own_of_membership()));
    }
    let tables: [(bool, &'static str, TableCreateStatement); 8] = [
        (
            waits(&users::Migration),
            "revoked_token",
            users::revoked_tokens(&manager),
        ),
        (
            waits(&chat::Migration),
            "chat_message",
            chat::messages(&manager),
        ),
        (
            waits(&imports::Migration),
            "imported_row",
            imports::imports(&manager),
        ),
        (
            waits(&operation::Migration),
            "server_beat",
            operation::beats(&manager),
        ),
        (
            waits(&governance::Migration),
            "room_invite",
            governance::invites(&manager),
        ),
        (
            waits(&governance::Migration),
            "room_invite_use",
            governance::invite_uses(&manager),
        ),
        (
            waits(&governance::Migration),
            "room_ban",
            governance::bans(&manager),
        ),
        (
            waits(&room_states::Migration),
            "room_state",
            room_states::states(&manager),
        ),
    ];
    for (_, table, made) in tables.into_iter().filter(|(waits, ..)| *waits) {
        let found = columns_of(&manager, table).await?;
        clashes.extend(foreign(table, &found, made.get_columns()));
        clashes.extend(missing(table, &found, made.get_columns()));
    }
    Ok(clashes)
}

/// The type that a column is made with.
fn definition(column: &ColumnDef) -> String {
    match column.get_column_type() {
        Some(ColumnType::Custom(custom)) => custom.to_string(),
        Some(ColumnType::BigInteger) => "bigint".to_owned(),
        Some(ColumnType::Integer) => "int".to_owned(),
        Some(ColumnType::Boolean) => "tinyint(1)".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// Which columns that stand in `table` have a name of `own` and are something else.
pub fn foreign(table: &'static str, found: &[Column], own: &[ColumnDef]) -> Vec<Clash> {
    let mut clashes = Vec::new();
    for wanted in own {
        let (name, definition) = (wanted.get_column_name(), definition(wanted));
        let there = found.iter().find(|column| column.is_called(&name));
        if let Some(there) = there.filter(|there| !there.is(&definition)) {
            clashes.push(Clash::Foreign {
                table,
                column: name,
                found: there.full.clone(),
                wanted: definition.split(' ').next().unwrap_or_default().to_owned(),
            });
        }
    }
    clashes
}

/// Which of `own` a table lacks that is there and should be this server's alone.
pub fn missing(table: &'static str, found: &[Column], own: &[ColumnDef]) -> Vec<Clash> {
    let is_absent =
        |name: &String| !found.is_empty() && !found.iter().any(|column| column.is_called(name));
    let names = own.iter().map(ColumnDef::get_column_name).filter(is_absent);
    names
        .map(|column| Clash::Missing { table, column })
        .collect()
}

/// What keeps a table of the older program, with these columns, from being taken over.
pub fn unfit(
    table: &'static str,
    found: &[Column],
    inherited: &[(&'static str, Holds)],
    own: &[ColumnDef],
) -> Vec<Clash> {
    let mut clashes = Vec::new();
    if found.is_empty() {
        return clashes;
    }
    for (name, holds) in inherited {
        let there = found.iter().find(|column| column.is_called(name));
        match there {
            Some(there) if !there.holds(*holds) => clashes.push(Clash::Unfit {
                table,
                column: name,
                found: there.full.clone(),
                wanted: match holds {
                    Holds::Number => "number",
                    Holds::Text | Holds::Note => "text",
                    Holds::Time => "time",
                },
            }),
            // Its absence is how a row says that it was not deleted.
            Some(there) if *holds == Holds::Time && !there.is_nullable => {
                clashes.push(Clash::Unfit {
                    table,
                    column: name,
                    found: format!("{} not null", there.full),
                    wanted: "time that may be absent",
                });
            }
            None if matches!(holds, Holds::Number | Holds::Text) => clashes.push(Clash::Missing {
                table,
                column: (*name).to_owned(),
            }),
            Some(_) | None => {}
        }
    }
    clashes.extend(foreign(table, found, own));
    let is_known = |column: &&Column| {
        inherited.iter().any(|(name, _)| column.is_called(name))
            || own
                .iter()
                .any(|own| column.is_called(&own.get_column_name()))
    };
    let unknown = found.iter().filter(|column| !is_known(column));
    clashes.extend(
        unknown
            .filter(|column| !column.is_nullable && !column.has_default && !column.is_made)
            .map(|column| Clash::Required {
                table,
                column: column.name.clone(),
            }),
    );
    clashes
}
