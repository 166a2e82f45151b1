//! The structure of the command line. The flags of the settings are made from the table of [`Key`].

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{bench, doctor, manual};
use crate::config::{Arity, Given, Key};

/// Names of arguments that are not settings.
pub(super) mod name {
    pub const USERNAME: &str = "username";
    pub const DISPLAY_NAME: &str = "display-name";
    pub const PASSWORD_STDIN: &str = "password-stdin";
    pub const JSON: &str = "json";
    pub const DRY_RUN: &str = "dry-run";
    pub const FILE: &str = "file";
    pub const IDENTITY: &str = "identity";
    pub const YES: &str = "yes";
    pub const CSV: &str = "csv";
    pub const BOM: &str = "bom";
    pub const FROM: &str = "from";
    pub const UTC_OFFSET: &str = "utc-offset";
}

/// The width of help texts. Longer lines are hard to read, even on a wide terminal.
const HELP_WIDTH: usize = 100;

/// The whole command line.
pub fn command() -> Command {
    Command::new("meeting")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A self-hosted video-meeting server")
        .max_term_width(HELP_WIDTH)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand(
            Command::new("serve")
                .about("Serves the page, the WebSocket and media")
                .next_line_help(true)
                .after_help(SERVE_NOTES)
                .args(settings(&Key::ALL)),
        )
        .subcommand(user())
        .subcommand(room())
        .subcommand(db())
        .subcommand(import())
        .subcommand(doctor::command(settings(&Key::ALL), json()))
        .subcommand(bench::command(json()))
        .subcommands(manual::commands())
        .subcommand(
            Command::new("config")
                .about("Looks at the configuration")
                .subcommand_required(true)
                .arg_required_else_help(true)
                .subcommand(
                    Command::new("check")
                        .about("Checks the settings of `serve` and prints what would hold; starts nothing")
                        .next_line_help(true)
                        .args(settings(&Key::ALL)),
                ),
        )
}

/// The settings that were given on the command line.
pub fn given(matches: &ArgMatches) -> Given {
    let values = |key: Key| {
        let values = matches.try_get_many::<String>(key.name()).ok()??;
        Some((key, values.cloned().collect()))
    };
    Key::ALL.into_iter().filter_map(values).collect()
}

const SERVE_NOTES: &str = "\
Every flag is also a variable in the environment (--media-ip: MEETING_MEDIA_IP, several values separated by commas) \
and a key of the file that --config names. A flag wins over a variable, a variable over the file. Once the server \
can be reached, standard output says `listening on http://ADDRESS:PORT`; the log goes to standard error.";

fn user() -> Command {
    let username = Arg::new(name::USERNAME)
        .value_name("NAME")
        .required(true)
        .help("What the account logs in with");
    let password_stdin = Arg::new(name::PASSWORD_STDIN)
        .long(name::PASSWORD_STDIN)
        .action(ArgAction::SetTrue)
        .help("Reads the password from the first line of standard input instead of asking for it");
    let display_name = Arg::new(name::DISPLAY_NAME)
        .long(name::DISPLAY_NAME)
        .value_name("TEXT")
        .help("What others see [default: the user name]");
    Command::new("user")
        .about("Makes and shows accounts")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(storage_settings())
        .subcommand(
            Command::new("add")
                .about("Makes an account")
                .args([username.clone(), display_name, password_stdin.clone()])
                .arg(json()),
        )
        .subcommand(
            Command::new("list")
                .about("Lists every account")
                .arg(json()),
        )
        .subcommand(
            Command::new("passwd")
                .about("Sets an account's password and ends its sessions")
                .args([username.clone(), password_stdin])
                .arg(json()),
        )
        .subcommand(
            Command::new("disable")
                .about("Forbids an account to log in and ends its sessions")
                .arg(username.clone())
                .arg(json()),
        )
        .subcommand(
            Command::new("enable")
                .about("Allows an account to log in again")
                .arg(username.clone())
                .arg(json()),
        )
        .subcommand(
            Command::new("delete")
                .about("Deletes an account and all of its rooms; its name can then be taken again")
                .arg(username)
                .arg(
                    Arg::new(name::YES)
                        .long(name::YES)
                        .action(ArgAction::SetTrue)
                        .help("Does not ask"),
                )
                .arg(json()),
        )
}

fn room() -> Command {
    let identity = Arg::new(name::IDENTITY)
        .value_name("IDENTITY")
        .required(true)
        // One in 64 begins with a hyphen.
        .allow_hyphen_values(true)
        .help("The room's identity, as in its link, or its nine-digit number");
    let flag = |name, help| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    Command::new("room")
        .about("Shows, ends and deletes rooms")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(storage_settings())
        .subcommand(
            Command::new("list")
                .about("Lists every room with its owner")
                .arg(json()),
        )
        .subcommand(
            Command::new("show")
                .about("Shows a room and everyone who has been in it")
                .args([identity.clone(), json()]),
        )
        .subcommand(
            Command::new("attendance")
                .about("Lists who was in a room, when and how long")
                .arg(identity.clone())
                .arg(
                    flag(name::CSV, "Prints CSV (RFC 4180, UTF-8) instead of a table")
                        .conflicts_with(name::JSON),
                )
                .arg(
                    flag(
                        name::BOM,
                        "Begins the CSV with a byte order mark, by which Excel knows UTF-8",
                    )
                    .requires(name::CSV),
                )
                .arg(json()),
        )
        .subcommand(
            Command::new("end")
                .about("Ends the meeting for everyone; only the owner can take it up again")
                .args([identity.clone(), json()]),
        )
        .subcommand(
            Command::new("delete")
                .about("Deletes a room; everyone in it is sent out")
                .args([identity, json()]),
        )
}

fn db() -> Command {
    let dry_run = Arg::new(name::DRY_RUN)
        .long(name::DRY_RUN)
        .action(ArgAction::SetTrue)
        .help("Only says what would change");
    let file = Arg::new(name::FILE)
        .value_name("FILE")
        .required(true)
        .help("The copy; it must not exist yet");
    Command::new("db")
        .about("Looks after the database")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(storage_settings())
        .subcommand(
            Command::new("status")
                .about("Says which steps of the schema were taken; changes nothing")
                .arg(json()),
        )
        .subcommand(
            Command::new("migrate")
                .about("Brings the schema up to date, as `serve` does when it starts")
                .arg(json()),
        )
        .subcommand(
            Command::new("adopt")
                .about(
                    "Takes over what the older Meeting (Go) has in this database, as `serve` does when it starts",
                )
                .args([dry_run, json()]),
        )
        .subcommand(
            Command::new("backup")
                .about("Copies a SQLite database to a file, also while a server uses it")
                .args([file, json()]),
        )
}

fn import() -> Command {
    let from = Arg::new(name::FROM)
        .long(name::FROM)
        .value_name("URL")
        .required(true)
        .help("Where it is: mysql://USER:PASSWORD@HOST/imweb");
    let offset = Arg::new(name::UTC_OFFSET)
        .long(name::UTC_OFFSET)
        .value_name("+HH:MM")
        .default_value("+00:00")
        .allow_hyphen_values(true)
        .help("The zone of its times, which name none");
    let dry_run = Arg::new(name::DRY_RUN)
        .long(name::DRY_RUN)
        .action(ArgAction::SetTrue)
        .help("Only says what would be taken");
    Command::new("import")
        .about("Takes in what another system has")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(storage_settings())
        .subcommand(
            Command::new("imweb")
                .about(
                    "Takes rooms, people and memberships from the tables of imweb; can be repeated",
                )
                .args([from, offset, dry_run, json()]),
        )
}

fn json() -> Arg {
    Arg::new(name::JSON)
        .long(name::JSON)
        .action(ArgAction::SetTrue)
        .help("Prints JSON instead of a table")
}

fn settings(keys: &[Key]) -> impl Iterator<Item = Arg> {
    keys.iter().copied().map(setting)
}

/// The storage settings. They may stand before or after the name of the subcommand.
fn storage_settings() -> impl Iterator<Item = Arg> {
    settings(&Key::STORAGE).map(|arg| arg.global(true))
}

fn setting(key: Key) -> Arg {
    let spec = key.spec();
    let help = format!(
        "{} [default: {}] [env: {}]",
        spec.help,
        spec.default,
        key.variable()
    );
    let arg = Arg::new(spec.name)
        .long(spec.name)
        .value_name(spec.value)
        .help(help);
    match spec.arity {
        Arity::One => arg.action(ArgAction::Set),
        Arity::Many => arg.action(ArgAction::Append),
        Arity::Switch => arg
            .action(ArgAction::Set)
            .num_args(0..=1)
            .default_missing_value("on"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given_by(line: &str) -> Given {
        let matches = command().try_get_matches_from(line.split(' ')).unwrap();
        let mut leaf = &matches;
        while let Some((_, below)) = leaf.subcommand() {
            leaf = below;
        }
        given(leaf)
    }

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn flags_become_settings() {
        let given =
            given_by("meeting serve --listen [::]:1 --media-ip a --media-ip b --guests off");
        assert_eq!(given[&Key::Listen], ["[::]:1"]);
        assert_eq!(given[&Key::MediaIp], ["a", "b"]);
        assert_eq!(given[&Key::Guests], ["off"]);
        assert_eq!(given.len(), 3);
    }

    #[test]
    fn a_bare_switch_is_on() {
        let given = given_by("meeting serve --registration --no-rate-limit --guests");
        for key in [Key::Registration, Key::NoRateLimit, Key::Guests] {
            assert_eq!(given[&key], ["on"], "{key:?}");
        }
    }

    #[test]
    fn storage_flags_stand_before_or_after_the_subcommand() {
        for line in [
            "meeting user --data-dir d list",
            "meeting user list --data-dir d",
            "meeting room list --data-dir d --json",
        ] {
            assert_eq!(given_by(line)[&Key::DataDir], ["d"], "{line}");
        }
    }

    #[test]
    fn an_identity_may_begin_like_a_flag() {
        for line in [
            "meeting room attendance -jW_9oXB0oI6q4HMxkWhnw --csv",
            "meeting room attendance --csv -jW_9oXB0oI6q4HMxkWhnw --data-dir d",
            "meeting room attendance --csv -jW_9oXB0oI6q4HMxkWhnw",
        ] {
            let matches = command().try_get_matches_from(line.split(' ')).unwrap();
            let (_, below) = matches.subcommand().unwrap();
            let (_, below) = below.subcommand().unwrap();
            let identity = below.get_one::<String>(name::IDENTITY).unwrap();
            assert_eq!(identity, "-jW_9oXB0oI6q4HMxkWhnw", "{line}");
            assert!(below.get_flag(name::CSV), "{line}");
        }
        let odd = "meeting room end --W_9oXB0oI6q4HMxkWhnw --json";
        assert!(command().try_get_matches_from(odd.split(' ')).is_ok());
    }

    #[test]
    fn no_password_can_stand_on_the_command_line() {
        for line in [
            "meeting user add ada secret",
            "meeting user add ada --password secret",
        ] {
            assert!(
                command().try_get_matches_from(line.split(' ')).is_err(),
                "{line}"
            );
        }
    }

    #[test]
    fn help_tells_of_every_setting_and_its_variable() {
        let mut command = command();
        let help = command
            .find_subcommand_mut("serve")
            .unwrap()
            .render_long_help()
            .to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for key in Key::ALL {
            assert!(help.contains(&format!("--{}", key.name())), "{key:?}");
            assert!(
                help.contains(&format!("[env: {}]", key.variable())),
                "{key:?}"
            );
        }
    }
}
