//! `meeting doctor`: its arguments, and its findings on standard output.

use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::Failure;
use super::output::{self, Format};
use crate::config::{Config, ConfigError};
use crate::doctor::{self, Finding, Level, Questions, Report};
use crate::telemetry;

mod name {
    pub const PATIENT: &str = "patient";
    pub const CODE: &str = "code";
}

const NOTES: &str = "\
Give it the settings of the server, and run it as the server's user. It changes nothing, and asks nobody but this \
machine, the server on it and the address of --public-url. It ends with code 1 when something is wrong, with 0 otherwise.

The other half of the test is the page /check, in the browser of the person who cannot connect. It shows a code, and \
--code puts its verdict into the same report.";

/// The command and its arguments.
pub(super) fn command(settings: impl Iterator<Item = Arg>, json: Arg) -> Command {
    Command::new("doctor")
        .about("Says what is wrong with this installation, and what to do")
        .next_line_help(true)
        .after_help(NOTES)
        .arg(
            Arg::new(name::CODE)
                .long(name::CODE)
                .value_name("CODE")
                .help("Adds the verdict that the page /check has left under this code"),
        )
        .arg(
            Arg::new(name::PATIENT)
                .long(name::PATIENT)
                .action(ArgAction::SetTrue)
                .help("Holds a WebSocket through the public address open for 90 s, to find time-outs that are too short"),
        )
        .arg(json)
        .args(settings)
}

/// Examines the installation and prints the findings.
pub(super) fn run(
    config: Result<Config, ConfigError>,
    matches: &ArgMatches,
    format: Format,
) -> Result<ExitCode, Failure> {
    let report = match config {
        Err(error) => Report::new(vec![Finding::unreadable(&error)], None),
        Ok(config) => {
            telemetry::init(&config.log);
            let questions = Questions {
                patient: matches.get_flag(name::PATIENT),
                code: matches.get_one::<String>(name::CODE).cloned(),
            };
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| Failure::because("cannot start the runtime", &error))?;
            runtime.block_on(doctor::examine(&config, &questions))
        }
    };
    output::print(&match format {
        Format::Table => text(&report),
        Format::Json => output::json(&report)?,
    })?;
    Ok(match report.ok {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let word = match finding.level {
            Level::Ok => "ok   ",
            Level::Note => "note ",
            Level::Wrong => "WRONG",
        };
        text += &format!("{word}  {:<11}  {}\n", finding.check, finding.sentence);
        if let Some(remedy) = &finding.remedy {
            text += &format!("{:20}-> {remedy}\n", "");
        }
    }
    let count = |level| {
        report
            .findings
            .iter()
            .filter(|finding| finding.level == level)
            .count()
    };
    text + &match (count(Level::Wrong), count(Level::Note)) {
        (0, 0) => "\nNothing is wrong.\n".to_owned(),
        (0, notes) => format!("\nNothing is wrong; {notes} to know.\n"),
        (wrong, _) => format!("\n{wrong} wrong.\n"),
    }
}
