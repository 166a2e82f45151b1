//! A server whose log goes to a full disk, to nobody, or to somebody who does not read: it serves on, and ends in order.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use serde_json::json;

use super::databases::{Process, Server};
use super::launch::meeting;

/// A server that tells all it can to `log`.
fn start(folder: &tempfile::TempDir, log: Stdio) -> Server {
    let mut serve = meeting(["serve", "--log", "trace", "--listen", "127.0.0.1:0"]);
    serve
        .args(["--media-ip", "127.0.0.1", "--media-threads", "1"])
        .args(["--no-rate-limit", "on", "--data-dir"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .stderr(log);
    let mut process = Process(serve.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(process.0.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    Server::listening(process, &line)
}

async fn serves_and_ends(mut server: Server) {
    let mut ada = server.connect().await;
    let account = json!({ "username": "ada", "password": "correct horse" });
    ada.ok("auth.register", account).await;
    let made = ada.ok("room.create", json!({ "name": "Hall" })).await;
    let of_room = json!({ "identity": made["room"]["identity"] });
    ada.ok("room.join", of_room).await;
    ada.ok("chat.send", json!({ "text": "hello" })).await;
    let health = server.health();
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    assert_eq!(server.stop(), Some(0));
}

#[tokio::test]
async fn a_log_on_a_full_disk_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    serves_and_ends(start(&folder, full.into())).await;
}

#[tokio::test]
async fn a_log_that_nobody_reads_any_more_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, log) = std::io::pipe().unwrap();
    drop(reader);
    serves_and_ends(start(&folder, log.into())).await;
}

#[tokio::test]
async fn a_log_that_is_not_read_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let (_reader, mut log) = std::io::pipe().unwrap();
    // As much as it takes (pipe(7)).
    log.write_all(&[b'x'; 65_536]).unwrap();
    serves_and_ends(start(&folder, log.into())).await;
}
