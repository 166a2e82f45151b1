//! `meeting bench signal`: its arguments, and its figures on standard output.

use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Command};

use super::super::Failure;
use super::super::output::{self, Format};
use super::{failure, name, number, server, which};
use crate::bench::signal::{self, SignalLoad, Traffic};

const PEOPLE: &str = "people";
const ROOM: &str = "room";
const BYTES: &str = "bytes";
const AT_ONCE: &str = "at-once";

const NOTES: &str = "\
Which server is loaded, and how it is started, is as for `meeting bench media`.
Server and load take each other's time on the same cores. Give each its own with taskset(1):
  taskset -c 1 meeting bench signal --through 'taskset -c 0' --scenario relay
When `load` comes near one core, the figures are those of the load.";

pub(super) fn command(json: Arg) -> Command {
    Command::new("signal")
        .about(
            "Connects, relays, tells rooms and joins over WebSockets: prints processor time for each message that came, \
             its age, memory for each socket and the cost of coming in",
        )
        .next_line_help(true)
        .after_help(NOTES)
        .args(what())
        .args(which())
        .arg(json)
}

fn what() -> [Arg; 7] {
    let kinds = Traffic::ALL.map(Traffic::name);
    [
        Arg::new(name::SCENARIO)
            .long(name::SCENARIO)
            .value_name("NAME")
            .default_value(Traffic::Relay.name())
            .value_parser(PossibleValuesParser::new(kinds))
            .help(
                "sockets, people who log in and rest; relay, pairs who send each other descriptions; fan-out, one of each \
                 room shows feelings to all in it; storm, everybody comes into their room at once; stopped, one who is told \
                 everything reads nothing any more. In the last two, pairs in other rooms tell what others notice",
            ),
        number(
            PEOPLE,
            "People [default: 10000 in sockets, 2000 in relay, 1000 in fan-out and storm, 10 in stopped]",
        ),
        number(ROOM, "People of a room [default: 1000 in storm, else 10; always 2 in relay]"),
        number(
            name::RATE,
            "Messages a second of all who send [default: each sends again when its last has come; in storm and stopped 500]",
        ),
        number(BYTES, "Bytes of a relayed description").default_value("1024"),
        number(name::DURATION, "Seconds that are measured, at most 600").default_value("10"),
        number(AT_ONCE, "People who connect at once").default_value("50"),
    ]
}

/// Puts load on a server and prints the results.
pub fn run(matches: &ArgMatches, format: Format) -> Result<(), Failure> {
    let report = signal::run(&load(matches), &server(matches)).map_err(failure)?;
    output::print(&match format {
        Format::Table => report.to_string(),
        Format::Json => output::json(&report)?,
    })
}

fn load(matches: &ArgMatches) -> SignalLoad {
    let given = |name| matches.get_one::<u32>(name).copied();
    let size = |name| given(name).map(|count| count as usize);
    let scenario = matches.get_one::<String>(name::SCENARIO);
    SignalLoad {
        traffic: scenario
            .and_then(|name| Traffic::named(name))
            .unwrap_or(Traffic::Relay),
        people: size(PEOPLE),
        room: size(ROOM),
        rate: given(name::RATE),
        bytes: size(BYTES).unwrap_or_default(),
        duration: Duration::from_secs(given(name::DURATION).unwrap_or_default().into()),
        at_once: size(AT_ONCE).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_become_a_load() {
        let line = "meeting bench signal --scenario storm --people 1000 --room 5 --duration 3";
        let matches = super::super::super::command()
            .try_get_matches_from(line.split(' '))
            .unwrap();
        let (_, bench) = matches.subcommand().unwrap();
        let (_, signal) = bench.subcommand().unwrap();
        let load = load(signal);
        assert_eq!(load.traffic, Traffic::Storm);
        assert_eq!(
            (load.people, load.room, load.rate),
            (Some(1_000), Some(5), None)
        );
        assert_eq!((load.bytes, load.at_once), (1_024, 50));
    }
}
