//! The command line: what can be asked for, and what is printed.
//!
//! Owns the arguments, exit codes and tables. Below it lie the store and the passwords; how the server is put together
//! is not known here: `main` hands it in. A wrong setting ends with code 2, work that failed with code 1, each with
//! one sentence on standard error.

mod arguments;
mod db;
mod failure;
mod output;
mod room;
mod user;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ArgMatches;

use crate::config::{Config, ConfigError, StorageConfig};
use crate::store::{AdoptionMode, Store};
use crate::telemetry;

use arguments::name;
use output::Format;
use user::{NewAccount, PasswordSource};

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
            Self::Failure(_) => ExitCode::from(1),
        }
    }
}

/// Does what the command line asks for. `serve` runs the server until it is told to stop.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    serve: impl FnOnce(Config) -> Result<(), Failure>,
) -> ExitCode {
    let matches = match command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => {
            // Help goes to standard output with code 0. Where it cannot be printed, nothing else can.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match dispatch(&matches, serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            error.exit_code()
        }
    }
}

fn dispatch(
    matches: &ArgMatches,
    serve: impl FnOnce(Config) -> Result<(), Failure>,
) -> Result<(), CliError> {
    let (path, matches) = chosen(matches);
    match path.as_slice() {
        ["serve"] => {
            let config = load(matches)?;
            telemetry::init(&config.log);
            Ok(serve(config)?)
        }
        ["user", "add"] => {
            let new = NewAccount::parse(
                required(matches, name::USERNAME),
                optional(matches, name::DISPLAY_NAME),
            )?;
            let format = format(matches);
            let password = user::read_password(password_source(matches))?;
            with_store(matches, async |store| {
                user::add(store, new, password, format).await
            })
        }
        ["user", "list"] => {
            let format = format(matches);
            with_store(matches, async |store| user::list(store, format).await)
        }
        ["user", "passwd"] => {
            let username = user::parse_username(required(matches, name::USERNAME))?;
            let password = user::read_password(password_source(matches))?;
            with_store(matches, async |store| {
                user::set_password(store, &username, password).await
            })
        }
        ["room", "list"] => {
            let format = format(matches);
            with_store(matches, async |store| room::list(store, format).await)
        }
        ["db", "status"] => {
            let format = format(matches);
            with_database(matches, Opening::AsItIs, async |store| {
                db::status(store, format).await
            })
        }
        ["db", command @ ("migrate" | "adopt")] => {
            let format = format(matches);
            let is_dry = *command == "adopt" && matches.get_flag(name::DRY_RUN);
            let mode = if is_dry {
                AdoptionMode::DryRun
            } else {
                AdoptionMode::Apply
            };
            with_database(matches, Opening::AsItIs, async |store| {
                db::adopt(store, mode, format).await
            })
        }
        ["db", "backup"] => {
            let format = format(matches);
            let file = PathBuf::from(required(matches, name::FILE));
            with_database(matches, Opening::AsItIs, async |store| {
                db::back_up(store, &file, format).await
            })
        }
        ["config", "check"] => Ok(output::print(&load(matches)?.to_string())?),
        path => unreachable!("clap knows no command {path:?}"),
    }
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
        let opened = match opening {
            Opening::Prepared => Store::open_beside(url, CONNECTIONS).await,
            Opening::AsItIs => Store::look(url).await,
        };
        let store = opened.map_err(|error| Failure::because(storage.cannot_open(), &error))?;
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
