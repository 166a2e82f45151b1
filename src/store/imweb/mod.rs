//! Import from imweb: its three tables become rooms, people and memberships here.
//!
//! [`source`] reads the other database, [`plan`] decides - purely - what each row becomes or why it is left out, and
//! [`mod@write`] carries that out. What was taken is remembered row by row (`imported_row`), so that a second run changes
//! nothing, one that was interrupted is taken up where it stopped, and what was deleted here since stays deleted.
//!
//! - A meeting becomes a room of its creator, named by the meeting's id.
//! - A person becomes an account without a password, whose user name is the person's id: nobody can log in to it until
//!   an administrator sets a password.
//! - A join becomes a membership. Leaving was never written there: such a membership ends when it begins.
//! - Ids are compared without regard to case and to blanks at their ends, as its MySQL does, but with accents, as user
//!   names are here: `cafe` and `café` are two people. A user name that somebody has already, also where the database
//!   itself holds it for the same, becomes `ID-imweb`, and the report says so. Where one table spells an id in two ways,
//!   the second row is skipped: nobody gets what may be somebody else's.
//! - A row that cannot be taken whole is skipped and named; once it is mended there, the next run takes it.

mod free;
mod ids;
mod plan;
mod source;
mod write;

use serde::Serialize;

use super::{Store, StoreError};
use crate::protocol::ids::RoomIdentity;
use crate::protocol::text::{DisplayName, RoomName, Username};
use crate::protocol::time::Timestamp;

pub use plan::{Skip, Skipped};

/// Why an import ended early. Rows that were imported before stay, and are not imported again.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The other database does not answer.
    #[error("the database to import from cannot be read")]
    Source(#[source] sea_orm::DbErr),
    /// It is not of that system.
    #[error("the database to import from has no {0}")]
    Missing(String),
    /// Our own does not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether to change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// Only report what would be done.
    DryRun,
    /// Do it.
    Apply,
}

/// Where to import from.
#[derive(Debug, Clone, Copy)]
pub struct ImwebSource<'a> {
    /// `mysql://…/imweb`
    pub url: &'a str,
    /// The zone of its times, in minutes east of UTC.
    pub utc_offset_minutes: i32,
}

/// The result of an import or of a dry run.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Import {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// How many rows its tables have.
    pub found: Found,
    /// The new records.
    pub taken: Counts,
    /// What an earlier run had imported.
    pub already: Counts,
    /// The rooms that were made.
    pub rooms: Vec<ImportedRoom>,
    /// The new accounts. None of them has a password.
    pub people: Vec<ImportedPerson>,
    /// Every row that was left out, and why.
    pub skipped: Vec<Skipped>,
}

/// How many rows the tables of imweb have.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Rows of `imweb_login`: who created a meeting.
    pub imweb_login: usize,
    /// Rows of `imweb_join`: who joined one.
    pub imweb_join: usize,
    /// Rows of `imweb_status`: the roles.
    pub imweb_status: usize,
}

/// How many of each.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Rooms.
    pub rooms: usize,
    /// People.
    pub people: usize,
    /// Memberships: people who joined a room.
    pub joined: usize,
}

/// A meeting that became a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportedRoom {
    /// Its id there.
    pub meeting: String,
    /// The name.
    pub name: RoomName,
    /// The identity for links. None in a dry run.
    pub identity: Option<RoomIdentity>,
    /// Its number. None in a dry run.
    pub number: Option<String>,
    /// Its creator's id there.
    pub owner: String,
}

/// An imported account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportedPerson {
    /// Their id there.
    pub person: String,
    /// The user name of the account. It has no password yet. None in a dry run.
    pub username: Option<Username>,
    /// The display name.
    pub display_name: DisplayName,
}

impl Store {
    /// Imports the tables of imweb, or says what that would do.
    ///
    /// # Errors
    /// [`ImportError`].
    pub async fn import_imweb(
        &self,
        source: ImwebSource<'_>,
        mode: ImportMode,
        now: Timestamp,
    ) -> Result<Import, ImportError> {
        let tables = source::read(source.url).await?;
        let found = Found {
            imweb_login: tables.logins.len(),
            imweb_join: tables.joins.len(),
            imweb_status: tables.statuses.len(),
        };
        let plan = plan::Plan::make(tables, source.utc_offset_minutes);
        let mut import = Import {
            dry_run: mode == ImportMode::DryRun,
            found,
            ..Import::default()
        };
        write::Writer::new(self, mode, now)
            .await?
            .write(plan, &mut import)
            .await?;
        Ok(import)
    }
}
