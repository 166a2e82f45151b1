//! Tables of the older Meeting (Go), on MySQL or MariaDB: which of them can be taken over, and how their columns are
//! brought to hold what this server writes. Its object mapper made them, so that numbers may have a sign or none, texts
//! may have a length or none, and times may have fractions or none.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{DbBackend, QueryResult, Statement};

/// What an inherited column must be able to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// An integer of any width, with or without a sign.
    Number,
    /// Text of any length.
    Text,
    /// A point in time. It may be missing altogether, and is added then.
    Time,
    /// Text that nobody reads. It may be missing too.
    Note,
}

/// A column as the database describes it.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    /// `bigint`
    kind: String,
    /// `bigint(20) unsigned`
    pub full: String,
    /// In characters, of a text.
    length: Option<u32>,
    letters: Option<String>,
    rules: Option<String>,
    pub is_nullable: bool,
    pub has_default: bool,
    /// By the database itself.
    pub is_made: bool,
    /// Digits of a second's fraction.
    precision: Option<u32>,
}

/// What the database says of a table's columns; nothing when there is no such table, or it is no MySQL.
pub async fn columns_of(manager: &SchemaManager<'_>, table: &str) -> Result<Vec<Column>, DbErr> {
    if manager.get_database_backend() != DbBackend::MySql {
        return Ok(Vec::new());
    }
    let wanted = [
        "column_name",
        "data_type",
        "column_type",
        "character_maximum_length",
        "character_set_name",
        "collation_name",
        "is_nullable",
        "column_default",
        "extra",
        "datetime_precision",
    ]
    // Its catalogue has other types on each kind of server.
    .map(|name| format!("CAST({name} AS CHAR)"));
    let query = format!(
        "SELECT {} FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? \
         ORDER BY ordinal_position",
        wanted.join(", ")
    );
    let query = Statement::from_sql_and_values(DbBackend::MySql, query, [table.into()]);
    let rows = manager.get_connection().query_all_raw(query).await?;
    rows.iter().map(Column::read).collect()
}

impl Column {
    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        let text = |index: usize| row.try_get_by_index::<Option<String>>(index);
        let lower = |index| Ok::<_, DbErr>(text(index)?.unwrap_or_default().to_lowercase());
        let extra = lower(8)?;
        Ok(Self {
            name: text(0)?.unwrap_or_default(),
            kind: lower(1)?,
            full: lower(2)?,
            length: text(3)?.and_then(|length| length.parse().ok()),
            letters: text(4)?,
            rules: text(5)?,
            is_nullable: lower(6)? == "yes",
            has_default: text(7)?.is_some(),
            is_made: extra.contains("auto_increment") || extra.contains("generated"),
            precision: text(9)?.and_then(|digits| digits.parse().ok()),
        })
    }

    pub fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    pub fn holds(&self, what: Holds) -> bool {
        let kind = self.kind.as_str();
        match what {
            Holds::Number => matches!(
                kind,
                "tinyint" | "smallint" | "mediumint" | "int" | "bigint"
            ),
            Holds::Text | Holds::Note => {
                self.letters.is_some() && (kind.ends_with("char") || self.is_long())
            }
            Holds::Time => matches!(kind, "datetime" | "timestamp"),
        }
    }

    /// A text without a length of its own.
    fn is_long(&self) -> bool {
        self.kind.ends_with("text")
    }

    /// Whether this is the column that `wanted` describes, as `definition` has it.
    pub fn is(&self, wanted: &str) -> bool {
        let is_exact = self.letters.as_deref() == Some("utf8mb4")
            && self
                .rules
                .as_deref()
                .is_some_and(|rules| rules.ends_with("_bin"));
        match wanted.split_once(' ') {
            Some((kind, _)) => is_exact && self.full == kind,
            None => {
                let kind = wanted.split('(').next().unwrap_or(wanted);
                let is_number = matches!(kind, "bigint" | "int" | "tinyint");
                let fits = if is_number {
                    self.kind == kind
                } else {
                    self.full == wanted
                };
                fits && !self.full.contains("unsigned")
            }
        }
    }
}

/// Lets a text column hold every letter, and at least `length` of them. Nothing is done where it does; elsewhere its
/// names go on being compared as they were, by case or without, and may be absent if they might.
pub async fn fit_text(
    manager: &SchemaManager<'_>,
    table: &'static str,
    column: &'static str,
    length: u32,
) -> Result<(), DbErr> {
    let found = columns_of(manager, table).await?;
    let Some(found) = found.iter().find(|found| found.is_called(column)) else {
        return Ok(());
    };
    let holds_every_letter = found.letters.as_deref() == Some("utf8mb4");
    let is_long_enough = found.is_long() || found.length.is_some_and(|known| known >= length);
    if holds_every_letter && is_long_enough {
        return Ok(());
    }
    let is_exact = found
        .rules
        .as_deref()
        .is_some_and(|rules| rules.ends_with("_bin"));
    let exact = if is_exact { " BINARY" } else { "" };
    let kind = if found.is_long() {
        found.kind.clone()
    } else {
        format!(
            "varchar({})",
            Ord::max(found.length.unwrap_or(length), length)
        )
    };
    let letters = match (&found.rules, holds_every_letter) {
        // What is compared by rules of its own goes on being so.
        (Some(rules), true) => format!("CHARACTER SET utf8mb4 COLLATE {rules}"),
        _ => format!("CHARACTER SET utf8mb4{exact}"),
    };
    let mut wider = ColumnDef::new(column);
    wider.custom(format!("{kind} {letters}"));
    if !found.is_nullable {
        wider.not_null();
    }
    modify(manager, table, wider).await
}

/// What a time must keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// Whatever it keeps.
    Any,
    /// Milliseconds: a time without digits for them would be rounded.
    Millisecond,
}

/// Makes a time one that means the same in every zone that a connection may speak, and as fine as it must be.
async fn fit_time(
    manager: &SchemaManager<'_>,
    table: &'static str,
    column: &'static str,
    grain: Grain,
) -> Result<(), DbErr> {
    let found = columns_of(manager, table).await?;
    let Some(found) = found.iter().find(|found| found.is_called(column)) else {
        return Ok(());
    };
    let digits = found.precision.unwrap_or(0);
    let is_coarse = grain == Grain::Millisecond && digits < 3;
    if found.kind == "datetime" && !is_coarse {
        return Ok(());
    }
    let mut finer = ColumnDef::new(column);
    let digits = Ord::max(digits, 3);
    finer.custom(format!("datetime({digits})")).null();
    modify(manager, table, finer).await
}

async fn modify(
    manager: &SchemaManager<'_>,
    table: &'static str,
    column: ColumnDef,
) -> Result<(), DbErr> {
    let mut change = Table::alter();
    change.table(table).modify_column(column);
    manager.alter_table(change).await
}

/// Whether a column is a text without a length: no index covers all of it.
pub async fn is_long_text(
    manager: &SchemaManager<'_>,
    table: &str,
    column: &str,
) -> Result<bool, DbErr> {
    let found = columns_of(manager, table).await?;
    let found = found.iter().find(|found| found.is_called(column));
    Ok(found.is_some_and(Column::is_long))
}

/// Whether the older program has made this table: in those of this server row numbers have a sign, and what it adds to
/// others' may be absent there.
pub async fn is_inherited(manager: &SchemaManager<'_>, table: &str) -> Result<bool, DbErr> {
    if !matches!(table, "user_basic" | "room_basic" | "room_user") {
        return Ok(false);
    }
    let marks = [("user_basic", "identity"), ("room_basic", "permissions")];
    for (marked, column) in marks {
        let found = columns_of(manager, marked).await?;
        if found
            .iter()
            .any(|found| found.is_called(column) && found.is_nullable)
        {
            return Ok(true);
        }
    }
    let found = columns_of(manager, table).await?;
    let is_unsigned = |found: &Column| found.is_called("id") && found.full.contains("unsigned");
    Ok(found.iter().any(is_unsigned))
}

/// Times of a table that the older program has made, readable and in one zone.
pub async fn fit_times(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
    grain: Grain,
) -> Result<(), DbErr> {
    forget_impossible_times(manager, table, columns, None).await?;
    for column in columns {
        fit_time(manager, table, column, grain).await?;
    }
    Ok(())
}

/// Times of year 0, month 0 or day 0, which its MySQL could store and nobody can read, become absent; in every row, or
/// in those that fulfil a condition.
///
/// # Errors
/// When the database refuses.
pub async fn forget_impossible_times(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
    condition: Option<&Expr>,
) -> Result<(), DbErr> {
    for column in columns {
        let written = || Expr::cust(format!("CAST(`{column}` AS CHAR)"));
        let is_impossible = ["0000-%", "%-00-%", "%-00 %"]
            .into_iter()
            .map(|pattern| written().like(pattern))
            .reduce(Expr::or);
        let update = Query::update()
            .table(table)
            .value(*column, None::<String>)
            .and_where_option(is_impossible)
            .and_where_option(condition.cloned())
            .to_owned();
        manager.execute(update).await?;
    }
    Ok(())
}
