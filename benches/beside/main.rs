//! Loads another SFU, or Meeting for comparison, with the senders and receivers of `meeting bench media`, and prints the
//! same report.
//!
//! It is a tool for comparing, and no part of the program: `cargo bench --bench beside -- --help`. The other server runs
//! already, on this machine; all that differs from `meeting bench media` is how people come in.

mod galene;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use meeting::bench::{BenchError, Load, Protection, Report, Scenario, Server, run, run_through};

use galene::Galene;

/// Nobody is left without a stream for want of slots, which other servers do not have.
const SLOTS: u32 = 1_000;
/// As `meeting bench media` asks for.
const AUDIO_SLOTS: u32 = 4;
const VIDEO_SLOTS: u32 = 9;

const GALENE: &str = "galene";
const MEETING: &str = "meeting";

fn command() -> Command {
    let number = |name: &'static str| {
        let argument = Arg::new(name).long(name).value_name("NUMBER");
        argument.value_parser(value_parser!(u32))
    };
    Command::new("beside")
        .about("Loads Galene as `meeting bench media` loads Meeting")
        .arg(
            Arg::new("address")
                .long("address")
                .required(true)
                .help("HOST:PORT of its HTTP")
                .value_parser(value_parser!(SocketAddr)),
        )
        .arg(
            Arg::new("server")
                .long("server")
                .default_value(GALENE)
                .value_parser([GALENE, MEETING])
                .help("What runs there"),
        )
        .arg(
            number("pid")
                .required(true)
                .help("Its process on this machine"),
        )
        .arg(
            Arg::new("scenario")
                .long("scenario")
                .default_value(Scenario::FanOut.name()),
        )
        .arg(number("subscribers"))
        .arg(number("rooms").default_value("4"))
        .arg(number("rate"))
        .arg(number("burst").default_value("1"))
        .arg(number("payload"))
        .arg(number("duration").default_value("10"))
        .arg(number("joins-at-once").default_value("4"))
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue))
        // What cargo adds.
        .arg(
            Arg::new("bench")
                .long("bench")
                .hide(true)
                .action(ArgAction::SetTrue),
        )
}

fn main() -> ExitCode {
    let matches = command().get_matches();
    match measure(&matches) {
        Ok(report) if matches.get_flag("json") => match serde_json::to_string_pretty(&report) {
            Ok(text) => println!("{text}"),
            Err(error) => return failed(&error.to_string()),
        },
        Ok(report) => print!("{report}"),
        Err(error) => return failed(&error.to_string()),
    }
    ExitCode::SUCCESS
}

fn failed(why: &str) -> ExitCode {
    eprintln!("cannot measure: {why}");
    ExitCode::FAILURE
}

fn measure(matches: &ArgMatches) -> Result<Report, BenchError> {
    let given = |name| matches.get_one::<u32>(name).copied();
    let number = |name| given(name).unwrap_or_default();
    let scenario = matches.get_one::<String>("scenario").map(String::as_str);
    let scenario = scenario.and_then(Scenario::named);
    let mut load = Load {
        scenario: scenario
            .ok_or_else(|| BenchError::Load("there is no such scenario".to_owned()))?,
        subscribers: given("subscribers").map(|count| count as usize),
        speakers: 3,
        rooms: number("rooms") as usize,
        rate: given("rate"),
        burst: number("burst"),
        payload: given("payload").map(|bytes| bytes as usize),
        audio_slots: SLOTS,
        video_slots: SLOTS,
        duration: Duration::from_secs(number("duration").into()),
        threads: 1,
        joins_at_once: number("joins-at-once") as usize,
        sample: 17,
        protection: Protection::Gcm,
        feedback: false,
    };
    let address = matches.get_one::<SocketAddr>("address").copied();
    let address = address.ok_or_else(|| BenchError::Target("there is no address".to_owned()))?;
    let server = Server::Running {
        url: format!("http://{address}"),
        process: given("pid"),
        consent: false,
    };
    if matches
        .get_one::<String>("server")
        .is_some_and(|server| server == MEETING)
    {
        load.audio_slots = AUDIO_SLOTS;
        load.video_slots = VIDEO_SLOTS;
        return run(&load, &server);
    }
    run_through(&load, &server, &Galene::new(address))
}
