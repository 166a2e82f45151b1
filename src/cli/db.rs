//! `meeting db`: the schema, rows from older programs, and backups.

use std::path::Path;

use serde::Serialize;

use super::Failure;
use super::output::{self, Format, Row};
use crate::store::{Adoption, AdoptionMode, Store};

/// A migration as it is printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Step {
    name: String,
    applied: bool,
}

impl Row for Step {
    const HEADINGS: &'static [&'static str] = &["APPLIED", "STEP"];

    fn cells(&self) -> Vec<String> {
        let applied = if self.applied { "yes" } else { "no" };
        vec![applied.to_owned(), self.name.clone()]
    }
}

/// Prints every step of the schema.
pub async fn status(store: &Store, format: Format) -> Result<(), Failure> {
    let steps = store
        .migrations()
        .await
        .map_err(|error| Failure::because("cannot read the schema", &error))?;
    let step = |(name, applied)| Step { name, applied };
    let steps: Vec<_> = steps.into_iter().map(step).collect();
    output::print(&output::render(&steps, format)?)
}

/// Brings the schema up to date, takes over waiting rows, and prints what was done or would be done.
pub async fn adopt(store: &Store, mode: AdoptionMode, format: Format) -> Result<(), Failure> {
    let adoption = store
        .adopt(mode)
        .await
        .map_err(|error| Failure::because("cannot bring the database up to date", &error))?;
    output::print(&match format {
        Format::Table => told(&adoption, mode),
        Format::Json => output::json(&adoption)?,
    })
}

fn told(adoption: &Adoption, mode: AdoptionMode) -> String {
    let done = match mode {
        AdoptionMode::DryRun => "would be",
        AdoptionMode::Apply => "were",
    };
    let mut lines = vec![
        format!(
            "steps of the schema that {done} taken: {}",
            adoption.migrations.len()
        ),
        format!(
            "accounts that {done} taken over: {}, of them {} with an MD5 password that the next login replaces",
            adoption.users, adoption.legacy_passwords
        ),
        format!("rooms that {done} taken over: {}", adoption.rooms),
        format!(
            "memberships that {done} taken over: {}",
            adoption.memberships
        ),
    ];
    let remarks = adoption.remarks.iter();
    lines.extend(remarks.map(|at| format!("{} {}: {}", at.table, at.row, at.remark)));
    lines.join("\n") + "\n"
}

/// Copies the database to `file` and names it.
pub async fn back_up(store: &Store, file: &Path, format: Format) -> Result<(), Failure> {
    store
        .back_up(file)
        .await
        .map_err(|error| Failure::because(format!("no backup at {}", file.display()), &error))?;
    output::print(&match format {
        Format::Table => format!("{}\n", file.display()),
        Format::Json => output::json(&serde_json::json!({ "file": file }))?,
    })
}
