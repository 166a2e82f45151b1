//! The command line: what can be asked for, and what is printed.
//!
//! Owns the arguments, exit codes and tables. Below it lie the store and the passwords; how the server is put together
//! is not known here: `main` hands it in. A wrong setting ends with code 2, work that failed with code 1, each with
//! one sentence on standard error.

mod arguments;
mod failure;
mod output;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::ArgMatches;

use crate::config::{Config, ConfigError};
use crate::telemetry;

pub use arguments::command;
pub use failure::Failure;

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
