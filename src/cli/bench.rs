//! `meeting bench media`: its arguments, and its figures on standard output.

use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::Failure;
use super::output::{self, Format};
use crate::bench::{self, BenchError, Load, Protection, Scenario, Server};

pub(super) mod signal;

mod name {
    pub const SCENARIO: &str = "scenario";
    pub const SUBSCRIBERS: &str = "subscribers";
    pub const SPEAKERS: &str = "speakers";
    pub const ROOMS: &str = "rooms";
    pub const RATE: &str = "rate";
    pub const BURST: &str = "burst";
    pub const PAYLOAD: &str = "payload";
    pub const AUDIO_SLOTS: &str = "audio-slots";
    pub const VIDEO_SLOTS: &str = "video-slots";
    pub const DURATION: &str = "duration";
    pub const THREADS: &str = "threads";
    pub const JOINS: &str = "joins-at-once";
    pub const SAMPLE: &str = "sample";
    pub const SRTP: &str = "srtp";
    pub const FEEDBACK: &str = "feedback";
    pub const MEDIA_THREADS: &str = "media-threads";
    pub const THROUGH: &str = "through";
    pub const TARGET: &str = "target";
    pub const PID: &str = "pid";
    pub const CONSENT: &str = "i-may-load-it";
}

const AES_CM: &str = "aes-cm";

const NOTES: &str = "\
Without --target a server of its own is started on loopback, from this binary, with its data in a folder that is thrown \
away and without limits of use. With --target only a server on this machine is loaded, and only its addresses on this \
machine, unless --i-may-load-it is given as well; its rooms are deleted after the run, an account named load-... stays. \
Either way a run ends by itself.

Server and load take each other's time on the same cores. Give each its own with taskset(1):

  taskset -c 1 meeting bench media --through 'taskset -c 0' --scenario fan-out --subscribers 100

Compare figures of one run on one quiet machine only, and look at `load`: when its cores come near its threads, the \
figures are those of the load. `dropped at the load` counts losses that are not the server's.";

/// The command and its arguments.
pub(super) fn command(json: Arg) -> Command {
    Command::new("bench")
        .about("Measures a server under load")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("media")
                .about(
                    "Sends and receives sound or pictures: prints processor time for each forwarded packet, losses, added \
                     latency, memory and the cost of joining",
                )
                .next_line_help(true)
                .after_help(NOTES)
                .args(what())
                .args(how())
                .args(which())
                .arg(json.clone()),
        )
        .subcommand(signal::command(json))
}

fn what() -> [Arg; 10] {
    let scenarios = Scenario::ALL.map(Scenario::name);
    [
        Arg::new(name::SCENARIO)
            .long(name::SCENARIO)
            .value_name("NAME")
            .default_value(Scenario::FanOut.name())
            .value_parser(PossibleValuesParser::new(scenarios))
            .help(
                "Who sends to whom: fan-out, one to many; meeting, everybody to everybody; rooms, many rooms of five; audio, a \
                 few who speak to many",
            ),
        number(
            name::SUBSCRIBERS,
            "People who watch or listen; in a meeting, all people [default: 100, of a meeting 10, of audio 50]",
        ),
        number(name::SPEAKERS, "People who speak, in audio").default_value("3"),
        number(name::ROOMS, "Rooms of five, in rooms").default_value("4"),
        number(
            name::RATE,
            "Packets a second of each who sends [default: 200 in fan-out, else 50]",
        ),
        number(name::BURST, "Packets of a picture, sent at once").default_value("1"),
        number(
            name::PAYLOAD,
            "Bytes of a packet's payload, 16 to 1200 [default: 1100, of audio 100]",
        ),
        number(name::VIDEO_SLOTS, "Pictures that each who receives has slots for").default_value("9"),
        number(name::AUDIO_SLOTS, "Voices that each who receives has slots for").default_value("4"),
        number(name::DURATION, "Seconds that are measured, at most 600").default_value("10"),
    ]
}

fn how() -> [Arg; 5] {
    [
        number(name::THREADS, "Threads of the load").default_value("1"),
        number(name::JOINS, "People who join at once").default_value("4"),
        number(
            name::SAMPLE,
            "Opens one packet in so many for its time and counts the others by their headers. A prime number falls on every \
             place of a picture",
        )
        .default_value("17"),
        Arg::new(name::SRTP)
            .long(name::SRTP)
            .value_name("PROFILE")
            .default_value("gcm")
            .value_parser(["gcm", AES_CM])
            .help("How packets are protected: AEAD_AES_128_GCM or AES128_CM_HMAC_SHA1_80"),
        Arg::new(name::FEEDBACK)
            .long(name::FEEDBACK)
            .action(ArgAction::SetTrue)
            .help(
                "Receivers tell when each packet arrived, as browsers do. The server then estimates their lines, and may hold \
                 pictures back on a busy machine",
            ),
    ]
}

fn which() -> [Arg; 5] {
    [
        number(name::MEDIA_THREADS, "Media threads of the server that is started")
            .default_value("1")
            .conflicts_with(name::TARGET),
        Arg::new(name::THROUGH)
            .long(name::THROUGH)
            .value_name("COMMAND")
            .conflicts_with(name::TARGET)
            .help("Starts the server through this command, such as 'taskset -c 0'; it has to become the server (exec)"),
        Arg::new(name::TARGET)
            .long(name::TARGET)
            .value_name("URL")
            .help("Loads the server that runs at http://HOST:PORT; start it with --no-rate-limit"),
        Arg::new(name::PID)
            .long(name::PID)
            .value_name("NUMBER")
            .value_parser(value_parser!(u32))
            .requires(name::TARGET)
            .help("Its process on this machine; without it neither processor nor memory is measured"),
        Arg::new(name::CONSENT)
            .long(name::CONSENT)
            .action(ArgAction::SetTrue)
            .requires(name::TARGET)
            .help("Says that the owner of the server that --target names on another machine agrees"),
    ]
}

fn number(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("NUMBER")
        .value_parser(value_parser!(u32))
        .help(help)
}

/// Puts load on a server and prints the results.
pub(super) fn media(matches: &ArgMatches, format: Format) -> Result<(), Failure> {
    let report = bench::run(&load(matches), &server(matches)).map_err(failure)?;
    output::print(&match format {
        Format::Table => report.to_string(),
        Format::Json => output::json(&report)?,
    })
}

fn failure(error: BenchError) -> Failure {
    if error.is_wrong_value() {
        Failure::wrong_value(error.to_string())
    } else {
        Failure::because("cannot measure", &error)
    }
}

fn load(matches: &ArgMatches) -> Load {
    let given = |name| matches.get_one::<u32>(name).copied();
    let number = |name| given(name).unwrap_or_default();
    let text = |name| matches.get_one::<String>(name).map(String::as_str);
    Load {
        scenario: text(name::SCENARIO)
            .and_then(Scenario::named)
            .unwrap_or(Scenario::FanOut),
        subscribers: given(name::SUBSCRIBERS).map(|count| count as usize),
        speakers: number(name::SPEAKERS) as usize,
        rooms: number(name::ROOMS) as usize,
        rate: given(name::RATE),
        burst: number(name::BURST),
        payload: given(name::PAYLOAD).map(|bytes| bytes as usize),
        audio_slots: number(name::AUDIO_SLOTS),
        video_slots: number(name::VIDEO_SLOTS),
        duration: Duration::from_secs(number(name::DURATION).into()),
        threads: number(name::THREADS) as usize,
        joins_at_once: number(name::JOINS) as usize,
        sample: number(name::SAMPLE),
        protection: if text(name::SRTP) == Some(AES_CM) {
            Protection::AesCm
        } else {
            Protection::Gcm
        },
        feedback: matches.get_flag(name::FEEDBACK),
    }
}

fn server(matches: &ArgMatches) -> Server {
    let text = |name| matches.get_one::<String>(name);
    match text(name::TARGET) {
        Some(url) => Server::Running {
            url: url.clone(),
            process: matches.get_one::<u32>(name::PID).copied(),
            consent: matches.get_flag(name::CONSENT),
        },
        None => Server::Own {
            media_threads: matches
                .get_one::<u32>(name::MEDIA_THREADS)
                .map_or(1, |count| *count as usize),
            through: text(name::THROUGH)
                .map(|command| command.split_whitespace().map(str::to_owned).collect())
                .unwrap_or_default(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(line: &str) -> Result<ArgMatches, clap::Error> {
        let words = format!("meeting bench media {line}");
        let matches = super::super::command().try_get_matches_from(words.split_whitespace())?;
        let (_, bench) = matches.subcommand().unwrap();
        let (_, media) = bench.subcommand().unwrap();
        Ok(media.clone())
    }

    #[test]
    fn arguments_become_a_load() {
        let matches = matches(
            "--scenario meeting --subscribers 7 --burst 6 --duration 3 --srtp aes-cm --sample 1",
        )
        .unwrap();
        let load = load(&matches);
        assert_eq!(load.scenario, Scenario::Meeting);
        assert_eq!((load.subscribers, load.rate), (Some(7), None));
        assert_eq!((load.burst, load.sample), (6, 1));
        assert_eq!(load.duration, Duration::from_secs(3));
        assert_eq!(load.protection, Protection::AesCm);
        assert!(matches!(
            server(&matches),
            Server::Own {
                media_threads: 1,
                ..
            }
        ));
    }

    #[test]
    fn consent_is_given_for_a_target_only() {
        assert!(matches("--i-may-load-it").is_err());
        assert!(matches("--pid 1").is_err());
        let matches = matches("--target http://h:1 --pid 5").unwrap();
        let Server::Running {
            url,
            process,
            consent,
        } = server(&matches)
        else {
            panic!("a target was given");
        };
        assert_eq!(
            (url.as_str(), process, consent),
            ("http://h:1", Some(5), false)
        );
    }

    #[test]
    fn every_scenario_can_be_asked_for() {
        for scenario in Scenario::ALL {
            let line = format!("--scenario {}", scenario.name());
            assert_eq!(load(&matches(&line).unwrap()).scenario, scenario);
        }
        assert!(matches("--scenario other").is_err());
    }
}
