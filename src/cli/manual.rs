//! `meeting completions` and `meeting man`: completions for shells and pages for man(1), made from the definition of
//! the command line.

use std::fs;
use std::path::Path;

use clap::builder::EnumValueParser;
use clap::{Arg, ArgMatches, Command};
use clap_complete::Shell;

use super::arguments::command;
use super::{Failure, output};

mod name {
    pub const SHELL: &str = "shell";
    pub const DIRECTORY: &str = "dir";
}

/// The commands and their arguments.
pub(super) fn commands() -> [Command; 2] {
    [
        Command::new("completions")
            .about("Prints what a shell needs to complete this command line")
            .arg(
                Arg::new(name::SHELL)
                    .value_name("SHELL")
                    .required(true)
                    .value_parser(EnumValueParser::<Shell>::new())
                    .help("Which shell"),
            ),
        Command::new("man")
            .about("Prints the manual page, for man(1)")
            .arg(
                Arg::new(name::DIRECTORY)
                    .long(name::DIRECTORY)
                    .value_name("DIR")
                    .help("Writes a page for each command into this directory instead"),
            ),
    ]
}

/// Prints the script of one shell.
pub(super) fn completions(matches: &ArgMatches) -> Result<(), Failure> {
    let Some(shell) = matches.get_one::<Shell>(name::SHELL) else {
        return Err(Failure::wrong_value("no shell is named"));
    };
    let mut script = Vec::new();
    clap_complete::generate(*shell, &mut command(), "meeting", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}

/// Prints the page of `meeting`, or writes those of every command.
pub(super) fn man(matches: &ArgMatches) -> Result<(), Failure> {
    let cannot = |error| Failure::because("cannot write the manual", &error);
    if let Some(directory) = matches.get_one::<String>(name::DIRECTORY) {
        fs::create_dir_all(directory).map_err(cannot)?;
        return clap_mangen::generate_to(command(), Path::new(directory)).map_err(cannot);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command())
        .render(&mut page)
        .map_err(cannot)?;
    output::print(&String::from_utf8_lossy(&page))
}
