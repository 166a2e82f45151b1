//! The command line: its arguments and its output.
//!
//! Owns the arguments, exit codes and tables. It uses the store, the passwords and `bench`. It does not know how the
//! server is put together: `main` hands that in. A wrong setting or value ends with code 2, and failed work with code
//! 1, each with one sentence on standard error.

mod arguments;
mod attendance;
mod bench;
mod db;
mod doctor;
mod failure;
mod import;
mod manual;
mod output;
mod room;
mod terminal;
mod user;

use std::ffi::OsString;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ArgMatches;

use crate::config::{Config, ConfigError, StorageConfig};
use crate::store::{AdoptionMode, ImportMode, Store, StoreError};
use crate::telemetry;

use arguments::name;
use attendance::{ByteOrderMark, Sheet};
use import::ImwebImport;
use output::Format;
use terminal::PasswordSource;
use user::{Access, NewAccount};

pub use arguments::command;
pub use failure::Failure;

/// A command does one thing after the other.
const CONNECTIONS: u32 = 1;

/// What ends a command early.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0}.")]
    Failure(#[from] Failure),
}

impl CliError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) => ExitCode::from(2),
            Self::Failure(failure) => ExitCode::from(failure.exit_code()),
        }
    }
}

/// Runs the command. `serve` runs the server until it is told to stop.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    serve: impl FnOnce(Config) -> Result<(), Failure>,
) -> ExitCode {
    let matches = match command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => {
            // Help goes to standard output with code 0. If it cannot be printed, nothing else can be printed either.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let outcome = dispatch(&matches, serve);
    telemetry::flush();
    match outcome {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            error.exit_code()
        }
    }
}

fn dispatch(
    matches: &ArgMatches,
    serve: impl FnOnce(Config) -> Result<(), Failure>,
) -> Result<ExitCode, CliError> {
    let (path, matches) = chosen(matches);
    match path.as_slice() {
        ["serve"] => {
            let config = load(matches)?;
            telemetry::init(&config.log);
            serve(config)?;
        }
        ["user", command] => user_command(command, matches)?,
        ["room", command] => room_command(command, matches)?,
        ["db", command] => db_command(command, matches)?,
        ["import", "imweb"] => import_imweb(matches)?,
        ["bench", "media"] => bench::media(matches, format(matches))?,
        ["bench", "signal"] => bench::signal::run(matches, format(matches))?,
        ["doctor"] => return Ok(doctor::run(load(matches), matches, format(matches))?),
        ["completions"] => manual::completions(matches)?,
        ["man"] => manual::man(matches)?,
        ["config", "check"] => {
            let config = load(matches)?;
            check_directory(&config.storage.data_dir)?;
            output::print(&config.to_string())?;
        }
        path => unreachable!("clap knows no command {path:?}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn user_command(command: &str, matches: &ArgMatches) -> Result<(), CliError> {
    let format = format(matches);
    let name = || required(matches, name::USERNAME);
    match command {
        "add" => {
            let new = NewAccount::parse(name(), optional(matches, name::DISPLAY_NAME))?;
            let password = terminal::read_password(password_source(matches))?;
            with_store(matches, async |store| {
                user::add(store, new, password, format).await
            })
        }
        "list" => with_store(matches, async |store| user::list(store, format).await),
        "passwd" => {
            let password = terminal::read_password(password_source(matches))?;
            with_store(matches, async |store| {
                user::set_password(store, name(), password, format).await
            })
        }
        "disable" => with_store(matches, async |store| {
            user::set_access(store, name(), Access::Disabled, format).await
        }),
        "enable" => with_store(matches, async |store| {
            user::set_access(store, name(), Access::Enabled, format).await
        }),
        "delete" => {
            let is_sure = matches.get_flag(name::YES);
            let confirm = |question: &str| {
                if is_sure {
                    Ok(())
                } else {
                    terminal::confirm(question)
                }
            };
            with_store(matches, async |store| {
                user::delete(store, name(), confirm, format).await
            })
        }
        command => unreachable!("clap knows no command user {command}"),
    }
}

fn room_command(command: &str, matches: &ArgMatches) -> Result<(), CliError> {
    let format = format(matches);
    let identity = || required(matches, name::IDENTITY);
    with_store(matches, async |store| match command {
        "list" => room::list(store, format).await,
        "show" => room::show(store, identity(), format).await,
        "end" => room::end(store, identity(), format).await,
        "delete" => room::delete(store, identity(), format).await,
        "attendance" => attendance::attendance(store, identity(), sheet(matches)).await,
        command => unreachable!("clap knows no command room {command}"),
    })
}

fn sheet(matches: &ArgMatches) -> Sheet {
    if !matches.get_flag(name::CSV) {
        Sheet::List(format(matches))
    } else if matches.get_flag(name::BOM) {
        Sheet::Csv(ByteOrderMark::Written)
    } else {
        Sheet::Csv(ByteOrderMark::Absent)
    }
}

fn db_command(command: &str, matches: &ArgMatches) -> Result<(), CliError> {
    let format = format(matches);
    with_database(matches, Opening::AsItIs, async |store| match command {
        "status" => db::status(store, format).await,
        "migrate" => db::adopt(store, AdoptionMode::Apply, format).await,
        "adopt" => {
            let mode = if matches.get_flag(name::DRY_RUN) {
                AdoptionMode::DryRun
            } else {
                AdoptionMode::Apply
            };
            db::adopt(store, mode, format).await
        }
        "backup" => {
            let file = PathBuf::from(required(matches, name::FILE));
            db::back_up(store, &file, format).await
        }
        command => unreachable!("clap knows no command db {command}"),
    })
}

fn import_imweb(matches: &ArgMatches) -> Result<(), CliError> {
    let format = format(matches);
    let mode = if matches.get_flag(name::DRY_RUN) {
        ImportMode::DryRun
    } else {
        ImportMode::Apply
    };
    let wanted = ImwebImport::parse(
        required(matches, name::FROM),
        required(matches, name::UTC_OFFSET),
        mode,
    )?;
    let opening = match mode {
        ImportMode::DryRun => Opening::AsItIsOrEmpty,
        ImportMode::Apply => Opening::Prepared,
    };
    with_database(matches, opening, async |store| {
        import::imweb(store, &wanted, format).await
    })
}

/// The names of the chosen subcommands, and the arguments of the innermost.
fn chosen(mut matches: &ArgMatches) -> (Vec<&str>, &ArgMatches) {
    let mut path = Vec::new();
    while let Some((name, below)) = matches.subcommand() {
        path.push(name);
        matches = below;
    }
    (path, matches)
}

fn load(matches: &ArgMatches) -> Result<Config, ConfigError> {
    Config::load(arguments::given(matches), |name| std::env::var_os(name))
}

/// Checks that the server can write to its data directory, or make it. Only writing there tells, so it writes something
/// and removes it again.
fn check_directory(directory: &Path) -> Result<(), Failure> {
    let absolute = std::path::absolute(directory);
    let probed = absolute.and_then(|directory| {
        let existing = directory.ancestors().find(|path| path.exists());
        let existing = existing.unwrap_or(Path::new("/"));
        let probe = existing.join(format!(".meeting-check-{}", std::process::id()));
        std::fs::create_dir(&probe)?;
        std::fs::remove_dir(&probe)
    });
    probed.map_err(|error| {
        let directory = directory.display();
        let what = match error.kind() {
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
                format!(
                    "cannot use the data directory {directory}: it is read-only for this process"
                )
            }
            _ => format!("cannot use the data directory {directory}"),
        };
        Failure::because(what, &error)
    })
}

/// Opens the database that the arguments name, does the work and closes it.
fn with_store(
    matches: &ArgMatches,
    work: impl AsyncFnOnce(&Store) -> Result<(), Failure>,
) -> Result<(), CliError> {
    with_database(matches, Opening::Prepared, work)
}

/// How a command finds the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// With its schema up to date.
    Prepared,
    /// Unchanged.
    AsItIs,
    /// Unchanged. A missing database counts as an empty one.
    AsItIsOrEmpty,
}

async fn open(url: &str, opening: Opening) -> Result<Store, StoreError> {
    match opening {
        Opening::Prepared => Store::open_beside(url, CONNECTIONS).await,
        Opening::AsItIs => Store::look(url).await,
        Opening::AsItIsOrEmpty => match Store::look(url).await {
            Err(StoreError::File(error)) if error.kind() == ErrorKind::NotFound => {
                Store::open_beside("sqlite::memory:", CONNECTIONS).await
            }
            opened => opened,
        },
    }
}

fn with_database(
    matches: &ArgMatches,
    opening: Opening,
    work: impl AsyncFnOnce(&Store) -> Result<(), Failure>,
) -> Result<(), CliError> {
    let (storage, log) =
        StorageConfig::load(arguments::given(matches), |name| std::env::var_os(name))?;
    telemetry::init(&log);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::because("cannot start the runtime", &error))?;
    Ok(runtime.block_on(async {
        let url = storage.database_url.reveal();
        let store = open(url, opening)
            .await
            .map_err(|error| Failure::because(storage.cannot_open(), &error))?;
        let outcome = work(&store).await;
        store.close().await;
        outcome
    })?)
}

fn format(matches: &ArgMatches) -> Format {
    if matches.get_flag(name::JSON) {
        Format::Json
    } else {
        Format::Table
    }
}

fn password_source(matches: &ArgMatches) -> PasswordSource {
    if matches.get_flag(name::PASSWORD_STDIN) {
        PasswordSource::Stdin
    } else {
        PasswordSource::Prompt
    }
}

fn optional<'a>(matches: &'a ArgMatches, name: &str) -> Option<&'a str> {
    matches.get_one::<String>(name).map(String::as_str)
}

fn required<'a>(matches: &'a ArgMatches, name: &str) -> &'a str {
    optional(matches, name).expect("clap refuses a line without it")
}
