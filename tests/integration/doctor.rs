//! `meeting doctor` of the real binary, beside a server, behind proxies that do what proxies do wrong; and what shells and
//! man(1) are given.

mod tls;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Output;
use std::thread;

use serde_json::{Value, json};

use super::launch::meeting;
use super::start::Running;

struct Outcome {
    code: Option<i32>,
    report: Value,
}

impl Outcome {
    /// Level and sentence of what was found about this.
    fn of(&self, check: &str) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let all = self.report["findings"].as_array().unwrap().iter();
        all.filter(|finding| finding["check"] == check)
            .map(|finding| (text(&finding["level"]), text(&finding["sentence"])))
            .collect()
    }

    fn assert(&self, check: &str, level: &str, words: &str) {
        let found = self.of(check);
        let is_there =
            |(how, sentence): &(String, String)| how == level && sentence.contains(words);
        assert!(
            found.iter().any(is_there),
            "{check} {level} {words}: {:#}",
            self.report
        );
    }
}

fn doctor(directory: &Path, more: &[&str]) -> Outcome {
    let Output {
        status,
        stdout,
        stderr,
    } = meeting(["doctor", "--json", "--data-dir"])
        .arg(directory)
        .args(more)
        .output()
        .unwrap();
    let report = serde_json::from_slice(&stdout);
    let report = report.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&stderr)));
    Outcome {
        code: status.code(),
        report,
    }
}

/// Passes on what a browser says to the server, changed.
fn proxy(server: &str, change: fn(String) -> String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = server.to_owned();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(server) = TcpStream::connect(&server) else {
                break;
            };
            thread::spawn(move || pass(client, server, change));
        }
    });
    address
}

fn pass(mut client: TcpStream, mut server: TcpStream, change: fn(String) -> String) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match client.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = change(String::from_utf8(head).unwrap());
    if server.write_all(head.as_bytes()).is_err() {
        return;
    }
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut from, &mut to));
    let _ = std::io::copy(&mut server, &mut client);
    let _ = client.shutdown(std::net::Shutdown::Both);
}

fn with_forwarded_for(head: String) -> String {
    head.replacen("\r\n", "\r\nX-Forwarded-For: 192.0.2.77\r\n", 1)
}

fn without_upgrade(head: String) -> String {
    let kept = head.split("\r\n").filter(|line| {
        let name = line
            .split(':')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        name != "upgrade" && name != "connection"
    });
    kept.collect::<Vec<_>>().join("\r\n")
}

#[test]
fn a_sound_server_is_found_sound_and_every_way_is_tried() {
    let directory = tempfile::tempdir().unwrap();
    let trusted = ["--trusted-proxy", "127.0.0.1"];
    // Behind a proxy media has a TCP port of its own.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let own = ["--media-tcp-port", &port];
    let running = Running::start(directory.path(), &[trusted, own].concat());
    let url = format!("http://{}", proxy(&running.address, with_forwarded_for));
    let more = [
        "--listen",
        &running.address,
        "--public-url",
        &url,
        "--media-ip",
        "127.0.0.1",
    ];
    let outcome = doctor(directory.path(), &[&trusted[..], &more].concat());
    outcome.assert("server", "ok", "is well");
    outcome.assert("database", "ok", "current");
    outcome.assert("data", "ok", "can be written");
    outcome.assert("public", "ok", "leads to the server");
    outcome.assert("proxy", "ok", "is believed");
    outcome.assert("websocket", "ok", "opens");
    outcome.assert("media", "ok", "answers over UDP");
    outcome.assert("media", "ok", "answers over TCP");
    // Media is announced at a loopback address here, which for others is wrong.
    outcome.assert("settings", "wrong", "loopback");
    assert_eq!(
        (outcome.code, &outcome.report["ok"]),
        (Some(1), &json!(false))
    );
}

#[test]
fn a_proxy_that_takes_things_away_is_told_from_one_that_adds_too_much() {
    let directory = tempfile::tempdir().unwrap();
    let running = Running::start(directory.path(), &["--trusted-proxy", "127.0.0.1"]);
    let outcome = |change: fn(String) -> String, trusted: &str| {
        let url = format!("http://{}", proxy(&running.address, change));
        doctor(
            directory.path(),
            &[
                "--listen",
                &running.address,
                "--public-url",
                &url,
                "--trusted-proxy",
                trusted,
            ],
        )
    };
    let bare = outcome(without_upgrade, "127.0.0.1");
    bare.assert("websocket", "wrong", "takes the upgrade away");
    bare.assert("proxy", "wrong", "does not say whom it speaks for");
    let nobody = doctor(
        directory.path(),
        &[
            "--listen",
            &running.address,
            "--public-url",
            "http://127.0.0.1:9",
        ],
    );
    nobody.assert("public", "wrong", "cannot be reached");
}

#[test]
fn a_proxy_that_is_not_trusted_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let running = Running::start(directory.path(), &[]);
    let url = format!("http://{}", proxy(&running.address, with_forwarded_for));
    let outcome = doctor(
        directory.path(),
        &["--listen", &running.address, "--public-url", &url],
    );
    outcome.assert("proxy", "wrong", "is not believed");
}

#[test]
fn without_a_server_the_machine_alone_is_looked_at_and_nothing_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let outcome = doctor(&directory.path().join("data"), &["--listen", "127.0.0.1:0"]);
    outcome.assert("server", "note", "No server answers");
    outcome.assert("database", "ok", "the server makes it");
    outcome.assert("data", "ok", "can be made");
    assert_eq!(
        (outcome.code, &outcome.report["ok"]),
        (Some(0), &json!(true))
    );
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    let wrong = doctor(directory.path(), &["--media-port", "x"]);
    wrong.assert(
        "settings",
        "wrong",
        "--media-port: 'x' is not a port number",
    );
    assert_eq!(wrong.code, Some(1));
}

fn post(address: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /check/report HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{head}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    // A refused body is answered before it was read to its end.
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn a_verdict_is_found_by_its_code_and_what_is_none_is_refused() {
    const JSON: &str = "Content-Type: application/json\r\n";
    let directory = tempfile::tempdir().unwrap();
    let running = Running::start(directory.path(), &[]);
    let blocked = json!({
        "place": "check", "verdict": "blocked", "socket_ms": 12,
        "ways": [{ "way": "udp", "result": "failed" }, { "way": "tcp", "result": "failed" }],
    });
    let left = post(&running.address, JSON, &blocked.to_string());
    assert!(left.starts_with("HTTP/1.1 201"), "{left}");
    let body: Value = serde_json::from_str(left.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let code = body["code"].as_str().unwrap();
    let outcome = doctor(
        directory.path(),
        &["--listen", &running.address, "--code", code],
    );
    outcome.assert("page", "wrong", "none of these ways is open: UDP, TCP");
    assert_eq!(outcome.report["page"]["socket_ms"], 12);
    let unknown = doctor(
        directory.path(),
        &["--listen", &running.address, "--code", "AAAA-AAAA"],
    );
    unknown.assert("page", "wrong", "no verdict");

    let long =
        json!({ "place": "check", "verdict": "good", "failed": "x".repeat(5_000) }).to_string();
    for (head, body, status) in [
        ("", blocked.to_string(), "400"),
        (JSON, "{}".to_owned(), "400"),
        (
            JSON,
            json!({ "place": "check", "verdict": "fine" }).to_string(),
            "400",
        ),
        (JSON, long, "413"),
    ] {
        let refused = post(&running.address, head, &body);
        assert!(
            refused.starts_with(&format!("HTTP/1.1 {status}")),
            "{refused}"
        );
    }
}

#[test]
fn shells_and_man_are_given_every_command() {
    let printed = |line: &str| {
        let output = meeting(line.split(' ')).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{line}");
        String::from_utf8(output.stdout).unwrap()
    };
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = printed(&format!("completions {shell}"));
        for word in ["doctor", "media-port", "attendance"] {
            assert!(script.contains(word), "{shell} {word}");
        }
    }
    assert!(printed("man").starts_with(".ie"));
    let directory = tempfile::tempdir().unwrap();
    printed(&format!("man --dir {}", directory.path().display()));
    for page in [
        "meeting.1",
        "meeting-serve.1",
        "meeting-doctor.1",
        "meeting-user-add.1",
    ] {
        assert!(directory.path().join(page).exists(), "{page}");
    }
}
