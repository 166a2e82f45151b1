//! `meeting import`: imports the data of another system.

use std::str::FromStr as _;

use chrono::FixedOffset;

use super::Failure;
use super::output::{self, Format};
use crate::config::DatabaseUrl;
use crate::protocol::time::Timestamp;
use crate::store::imweb::Counts;
use crate::store::{Import, ImportMode, ImwebSource, Store};

/// What `import imweb` is told.
pub struct ImwebImport {
    from: DatabaseUrl,
    utc_offset_minutes: i32,
    mode: ImportMode,
}

impl ImwebImport {
    /// Checks the source, and the zone of its times: `+08:00`.
    pub fn parse(from: &str, utc_offset: &str, mode: ImportMode) -> Result<Self, Failure> {
        // The URL is not repeated, because it may contain a password.
        let is_mysql = |url: &DatabaseUrl| url.reveal().starts_with("mysql:");
        let from = DatabaseUrl::parse(from).ok().filter(is_mysql);
        let from = from.ok_or_else(|| {
            let what = "--from: must be a URL such as mysql://user:password@host/imweb";
            Failure::wrong_value(what)
        })?;
        let offset = FixedOffset::from_str(utc_offset).map_err(|_| {
            let what = format!("--utc-offset: '{utc_offset}' is no offset such as +08:00");
            Failure::wrong_value(what)
        })?;
        Ok(Self {
            from,
            utc_offset_minutes: offset.local_minus_utc() / 60,
            mode,
        })
    }
}

/// Imports the data of imweb, and prints what was imported, joined and skipped, or would be.
pub async fn imweb(store: &Store, wanted: &ImwebImport, format: Format) -> Result<(), Failure> {
    let source = ImwebSource {
        url: wanted.from.reveal(),
        utc_offset_minutes: wanted.utc_offset_minutes,
    };
    let import = store
        .import_imweb(source, wanted.mode, Timestamp::now())
        .await
        .map_err(|error| Failure::because(format!("cannot import {}", wanted.from), &error))?;
    output::print(&match format {
        Format::Table => told(&import),
        Format::Json => output::json(&import)?,
    })
}

fn told(import: &Import) -> String {
    let done = if import.dry_run { "would be" } else { "were" };
    let Counts {
        rooms,
        people,
        joined,
    } = import.taken;
    let already = import.already;
    let mut lines = vec![
        format!(
            "rooms that {done} taken: {rooms}; {} are here already",
            already.rooms
        ),
        format!(
            "people who {done} taken: {people}; {} are here already",
            already.people
        ),
        format!(
            "memberships that {done} joined: {joined}; {} are here already",
            already.joined
        ),
        format!("rows that {done} skipped: {}", import.skipped.len()),
    ];
    let skipped = import.skipped.iter();
    lines.extend(skipped.map(|at| format!("{} {}: {}", at.table, at.row, at.detail)));
    for room in &import.rooms {
        let number = room.number.as_deref().unwrap_or("-");
        let identity = room
            .identity
            .as_ref()
            .map_or("-", |identity| identity.as_str());
        lines.push(format!(
            "meeting {} of {}: number {number}, identity {identity}",
            room.meeting, room.owner
        ));
    }
    for person in &import.people {
        let username = person.username.as_ref().map_or("-", |name| name.as_str());
        lines.push(format!(
            "person {}: user name {username}, {}",
            person.person, person.display_name
        ));
    }
    if people > 0 {
        lines.push(
            "Nobody of them can log in before `meeting user passwd NAME` gives them a password."
                .to_owned(),
        );
    }
    lines.join("\n") + "\n"
}
