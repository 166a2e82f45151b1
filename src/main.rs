//! The binary's entry: the command line in, an exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    meeting::cli::run(std::env::args_os(), meeting::app::serve)
}
