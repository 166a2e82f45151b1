//! The real binary from its command line to its exit code.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use meeting::config::Key;

pub fn meeting<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meeting"));
    for key in Key::ALL {
        command.env_remove(key.variable());
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

fn output(line: &str) -> Output {
    meeting(line.split(' ')).output().unwrap()
}

/// The exit code and the whole of standard error, which must be one line.
pub fn refusal(output: Output) -> (Option<i32>, String) {
    let text = String::from_utf8(output.stderr).unwrap();
    let mut lines = text.lines();
    let sentence = lines.next().unwrap_or_default().to_owned();
    assert_eq!(lines.next(), None, "{text}");
    assert!(output.stdout.is_empty(), "{:?}", output.stdout);
    (output.status.code(), sentence)
}

#[test]
fn a_wrong_value_ends_with_code_2_and_one_sentence() {
    let expected = "error: --media-port: 'x' is not a port number from 0 to 65535.".to_owned();
    for command in ["serve", "config check"] {
        let output = output(&format!("{command} --media-port x"));
        assert_eq!(refusal(output), (Some(2), expected.clone()), "{command}");
    }
    let output = meeting(["serve"])
        .env("MEETING_GUESTS", "perhaps")
        .output()
        .unwrap();
    let expected = "error: MEETING_GUESTS: 'perhaps' is neither on nor off.".to_owned();
    assert_eq!(refusal(output), (Some(2), expected));
}

#[test]
fn an_unknown_flag_or_command_ends_with_code_2() {
    for line in [
        "serve --prot 80",
        "served",
        "user add",
        "config check extra",
    ] {
        let output = output(line);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(!output.stderr.is_empty(), "{line}");
    }
}

#[test]
fn config_check_prints_the_configuration_that_would_hold() {
    let output =
        output("config check --listen 127.0.0.1:0 --guests off --public-url https://meet.example/");
    assert_eq!(output.status.code(), Some(0));
    let printed: toml::Table = String::from_utf8(output.stdout).unwrap().parse().unwrap();
    assert_eq!(printed["listen"].as_str(), Some("127.0.0.1:0"));
    assert_eq!(printed["guests"].as_bool(), Some(false));
    assert_eq!(printed["public-url"].as_str(), Some("https://meet.example"));
    assert_eq!(printed["data-dir"].as_str(), Some("./data"));
}

#[test]
fn config_check_makes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let status = meeting(["config", "check"])
        .current_dir(&directory)
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success());
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}

#[test]
fn config_check_notices_a_data_directory_that_cannot_be_used() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    // On a file nobody can write a directory, root neither; nor in one that the system makes.
    for unusable in [&file, &file.join("data"), Path::new("/proc/data")] {
        let mut command = meeting(["config", "check", "--data-dir"]);
        let (code, sentence) = refusal(command.arg(unusable).output().unwrap());
        let expected = format!(
            "error: cannot use the data directory {}: ",
            unusable.display()
        );
        assert_eq!(code, Some(1));
        assert!(sentence.starts_with(&expected), "{sentence}");
    }
}

#[test]
fn help_goes_to_standard_output_with_code_0() {
    for line in [
        "--help",
        "serve --help",
        "user --help",
        "config check --help",
        "--version",
    ] {
        let output = output(line);
        assert_eq!(output.status.code(), Some(0), "{line}");
        assert!(
            !output.stdout.is_empty() && output.stderr.is_empty(),
            "{line}"
        );
    }
}

/// A setting as the README's table has it.
fn readme_row(key: Key) -> String {
    let spec = key.spec();
    let value = spec.value.replace('|', "\\|");
    let help = spec.help.replace('|', "\\|");
    format!("| `--{} {value}` | {help}. | {} |", spec.name, spec.default)
}

#[test]
fn the_readme_tells_of_every_setting_what_the_help_tells() {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    for row in Key::ALL.map(readme_row) {
        assert!(
            readme.lines().any(|line| line == row),
            "README.md lacks this line:\n{row}"
        );
    }
}

fn serve_in(directory: &Path, more: &[&str]) -> Command {
    let mut command = meeting(["serve", "--log", "off", "--data-dir"]);
    command.arg(directory).args(more);
    command
}

#[test]
fn a_port_in_use_ends_with_code_1_and_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let output = serve_in(directory.path(), &["--listen", &address])
        .output()
        .unwrap();
    let (code, sentence) = refusal(output);
    assert_eq!(code, Some(1));
    assert!(
        sentence.starts_with(&format!("error: cannot listen on {address}: ")),
        "{sentence}"
    );
}

#[test]
fn a_data_directory_that_cannot_be_made_ends_with_code_1_and_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    // Below a file nobody can make a directory, root neither.
    let below = file.join("data");
    let output = serve_in(&below, &["--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    let (code, sentence) = refusal(output);
    assert_eq!(code, Some(1));
    assert!(sentence.contains(below.to_str().unwrap()), "{sentence}");
}

#[cfg(unix)]
#[test]
fn a_server_says_where_it_listens_and_ends_in_order() {
    for signal in ["-TERM", "-INT", "-HUP"] {
        let directory = tempfile::tempdir().unwrap();
        let more = ["--listen", "127.0.0.1:0", "--media-ip", "127.0.0.1"];
        let mut server = serve_in(directory.path(), &more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        let address = line.strip_prefix("listening on http://").unwrap();
        std::net::TcpStream::connect(address).unwrap();
        let id = server.id().to_string();
        let told = Command::new("kill").args([signal, &id]).status();
        assert!(told.unwrap().success());
        assert_eq!(server.wait().unwrap().code(), Some(0), "{signal}");
        assert!(
            lines.next().is_none(),
            "standard output carries one line only"
        );
    }
}

/// Runs a command on the data in `directory` with `input` as its standard input.
fn on_data(directory: &Path, line: &str, input: &str) -> Output {
    let mut command = meeting(line.split(' '));
    command.arg("--data-dir").arg(directory);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that refuses its arguments does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn printed_json(output: &Output) -> serde_json::Value {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn accounts_are_made_listed_and_given_new_passwords() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path();
    let add = "user add ada --password-stdin --json --display-name Ada";
    let made = printed_json(&on_data(data, add, "correct horse\n"));
    assert_eq!(made["username"], "ada");
    assert_eq!(made["display_name"], "Ada");
    let again = refusal(on_data(data, add, "correct horse\n"));
    assert_eq!(
        again,
        (Some(1), "error: the user name ada is taken.".to_owned())
    );
    let listed = printed_json(&on_data(data, "user list --json", ""));
    assert_eq!(listed, serde_json::json!([made]));
    let table = String::from_utf8(on_data(data, "user list", "").stdout).unwrap();
    assert_eq!(table.lines().count(), 2);
    assert!(table.ends_with("  ada       Ada\n"), "{table}");
    let set = on_data(data, "user passwd ada --password-stdin", "battery staple\n");
    assert_eq!(set.status.code(), Some(0));
    let missing = refusal(on_data(
        data,
        "user passwd bo --password-stdin",
        "battery staple\n",
    ));
    assert_eq!(
        missing,
        (Some(1), "error: there is no account bo.".to_owned())
    );
}

#[test]
fn a_weak_password_or_name_makes_no_account() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path();
    for (line, input) in [
        ("user add ada --password-stdin", "short\n"),
        ("user add ada --password-stdin", ""),
        ("user add <b> --password-stdin", "correct horse\n"),
        ("user add ada", "correct horse\n"),
    ] {
        let (code, sentence) = refusal(on_data(data, line, input));
        assert_eq!(code, Some(2), "{line}: {sentence}");
        assert!(!sentence.contains("horse"), "{sentence}");
    }
    assert_eq!(
        printed_json(&on_data(data, "user list --json", "")),
        serde_json::json!([])
    );
}

#[test]
fn rooms_are_listed_without_any() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(
        printed_json(&on_data(directory.path(), "room list --json", "")),
        serde_json::json!([])
    );
    let table = String::from_utf8(on_data(directory.path(), "room list", "").stdout).unwrap();
    assert_eq!(table, "NUMBER  IDENTITY  CREATED  ENDED  OWNER  NAME\n");
}

#[test]
fn a_database_that_cannot_be_opened_is_one_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let (code, sentence) = refusal(on_data(&file.join("below"), "user list", ""));
    assert_eq!(code, Some(1));
    assert!(
        sentence.starts_with("error: cannot open the database sqlite:"),
        "{sentence}"
    );
}

#[test]
fn a_file_that_is_no_database_is_one_sentence_and_memberships_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path();
    let garbage = "no database ".repeat(1_000);
    std::fs::write(data.join("meeting.sqlite"), &garbage).unwrap();
    for line in [
        "user list",
        "db status",
        "db migrate",
        "serve --listen 127.0.0.1:0",
    ] {
        let (code, sentence) = refusal(on_data(data, line, ""));
        assert_eq!(code, Some(1), "{line}");
        assert!(
            sentence.contains("the file is damaged or no database"),
            "{sentence}"
        );
    }
    let file = std::fs::read_to_string(data.join("meeting.sqlite")).unwrap();
    assert_eq!(file, garbage);
}

#[test]
fn a_database_is_looked_at_brought_up_to_date_and_copied() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path();
    let (code, sentence) = refusal(on_data(data, "db status", ""));
    assert_eq!(code, Some(1), "{sentence}");
    assert_eq!(data.read_dir().unwrap().count(), 0, "looking makes nothing");
    std::fs::write(data.join("meeting.sqlite"), "").unwrap();
    let taken = |steps: serde_json::Value| {
        let steps = steps.as_array().unwrap().clone();
        assert!(!steps.is_empty());
        steps.iter().all(|step| step["applied"] == true)
    };
    assert!(!taken(printed_json(&on_data(data, "db status --json", ""))));
    let planned = printed_json(&on_data(data, "db adopt --dry-run --json", ""));
    assert!(!taken(printed_json(&on_data(data, "db status --json", ""))));
    assert_eq!(
        printed_json(&on_data(data, "db migrate --json", "")),
        planned
    );
    assert!(taken(printed_json(&on_data(data, "db status --json", ""))));
    on_data(data, "user add ada --password-stdin", "correct horse\n");

    let copies = data.join("copies");
    std::fs::create_dir(&copies).unwrap();
    let copy = copies.join("meeting.sqlite");
    let backup = format!("db backup {} --json", copy.display());
    let made = printed_json(&on_data(data, &backup, ""));
    assert_eq!(made["file"].as_str(), copy.to_str());
    let (code, sentence) = refusal(on_data(data, &backup, ""));
    assert_eq!(code, Some(1), "a file that is there is never overwritten");
    assert!(sentence.contains(copy.to_str().unwrap()), "{sentence}");
    let listed = printed_json(&on_data(&copies, "user list --json", ""));
    assert_eq!(listed[0]["username"], "ada");
}

#[test]
fn no_password_of_a_database_is_printed() {
    let url = "mysql://ada:hunter2@127.0.0.1:1/meeting";
    for line in [
        "serve --listen 127.0.0.1:0 --log trace",
        "db status",
        "config check",
    ] {
        let directory = tempfile::tempdir().unwrap();
        let output = meeting(line.split(' '))
            .env("MEETING_DATABASE_URL", url)
            .arg("--data-dir")
            .arg(directory.path())
            .output()
            .unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(
            text.contains("mysql://ada:***@127.0.0.1:1/meeting"),
            "{text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
    }
}
