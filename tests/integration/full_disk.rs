//! The whole server on a disk that fills, that is nearly full, and that can only be read.
//!
//! Each server gets a file system of its own, a few MiB of memory in a mount namespace (mount_namespaces(7)): nothing has
//! to be unmounted, and it is looked into by way of /proc.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::databases::{Client, Process, Server, column, eventually};
use super::launch::{meeting, refusal};

/// A server on a small disk.
struct Disk {
    server: Server,
    id: u32,
    folder: TempDir,
    log: TempDir,
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

/// A shell with a file system of `size` at `folder`, and what it runs there with these arguments behind it.
fn namespaced(folder: &TempDir, size: &str, script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.arg(if is_root() { "-m" } else { "-rm" });
    let mount = format!("mount -t tmpfs -o size={size},mode=700 small \"$0\" && {script}");
    command.args(["sh", "-c", &mount]).arg(folder.path());
    command
}

impl Disk {
    fn start(size: &str) -> Self {
        let (folder, log) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut command = namespaced(&folder, size, "exec \"$@\"");
        let serve = meeting(["serve", "--log", "info", "--listen", "127.0.0.1:0"]);
        command
            .arg(serve.get_program())
            .args(serve.get_args())
            .args(["--media-ip", "127.0.0.1", "--media-threads", "1"])
            .args(["--no-rate-limit", "on", "--data-dir"])
            .arg(folder.path().join("data"))
            .stdout(Stdio::piped())
            .stderr(File::create(log.path().join("log")).unwrap());
        let mut process = Process(command.spawn().unwrap());
        let id = process.0.id();
        let mut line = String::new();
        let output = process.0.stdout.as_mut().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        Self {
            server: Server::listening(process, &line),
            id,
            folder,
            log,
        }
    }

    /// A path below the disk, as it is seen from outside.
    fn path(&self, below: &str) -> PathBuf {
        let inside = self.folder.path().strip_prefix("/").unwrap();
        PathBuf::from(format!("/proc/{}/root", self.id))
            .join(inside)
            .join(below)
    }

    fn signal(&self, signal: &str) {
        let id = self.id.to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// A whole column, as the database has it on this disk: read from a copy that is made while the server stands still,
    /// as SQLite would look for the file outside of the namespace.
    async fn column(&self, query: &str) -> BTreeSet<String> {
        self.signal("-STOP");
        let threads = format!("/proc/{}/task", self.id);
        eventually("every thread stands still", async || {
            std::fs::read_dir(&threads).unwrap().all(|thread| {
                let status = thread.unwrap().path().join("stat");
                let status = std::fs::read_to_string(status).unwrap_or_default();
                // proc_pid_stat(5): the state stands behind the name, which is in brackets.
                let state = status.rsplit_once(") ");
                state.is_none_or(|(_, state)| state.starts_with('T'))
            })
        })
        .await;
        let copy = tempfile::tempdir().unwrap();
        for name in ["meeting.sqlite", "meeting.sqlite-wal"] {
            let copied = std::fs::copy(self.path("data").join(name), copy.path().join(name));
            // The log is gone while no connection is open: one that could not commit is closed.
            let is_log = name.ends_with("-wal");
            assert!(copied.is_ok() || is_log, "{name}: {copied:?}");
        }
        self.signal("-CONT");
        let file = copy.path().join("meeting.sqlite");
        column(&format!("sqlite://{}", file.display()), query).await
    }

    /// Leaves so many bytes of it free.
    fn fill(&self, free: u64) {
        let mut file = File::create(self.path("filler")).unwrap();
        let block = [1; 4_096];
        while file.write_all(&block).is_ok() {}
        let size = file.metadata().unwrap().len();
        file.set_len(size.saturating_sub(free)).unwrap();
    }

    fn free(&self) {
        std::fs::remove_file(self.path("filler")).unwrap();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.log.path().join("log")).unwrap()
    }

    /// A command on the data of the running server.
    fn command(&self, line: &str) -> Output {
        let command = meeting(line.split(' '));
        let mut entered = Command::new("nsenter");
        if !is_root() {
            entered.args(["-U", "--preserve-credentials"]);
        }
        entered.args(["-m", "-t"]);
        entered.arg(self.id.to_string());
        entered.arg(command.get_program()).args(command.get_args());
        entered
            .arg("--data-dir")
            .arg(self.folder.path().join("data"));
        entered.stdin(Stdio::null()).output().unwrap()
    }
}

/// Four characters of it are sixteen bytes.
fn long_text(number: usize) -> String {
    format!("{number} {}", "🎉".repeat(3_500))
}

/// What was answered, by what it was: what must be there, and how many were refused.
#[derive(Default)]
struct Answered {
    accounts: BTreeSet<String>,
    rooms: BTreeSet<String>,
    invites: BTreeSet<String>,
    messages: BTreeSet<String>,
    refused: usize,
}

impl Answered {
    fn note(&mut self, reply: Value) -> Option<Value> {
        if reply["type"] == "ok" {
            return Some(reply["data"].clone());
        }
        assert_eq!(reply["error"]["code"], "server.busy", "{reply}");
        let message = reply["error"]["message"].as_str().unwrap();
        // The room itself may be busy as well: it waits for the disk.
        let says_why = message.contains("store") || message.contains("busy");
        assert!(says_why, "{message}");
        assert!(reply["error"]["retry_after_ms"].as_u64() > Some(0));
        self.refused += 1;
        None
    }

    async fn try_each(&mut self, disk: &Disk, ada: &mut Client, room: &Value, number: usize) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let said = json!({ "text": long_text(number) });
        if let Some(data) = self.note(ada.ask("chat.send", said).await) {
            self.messages.insert(text(&data["message"]["id"]));
        }
        let named = json!({ "name": format!("{number} {}", "会".repeat(50)) });
        if let Some(data) = self.note(ada.ask("room.create", named).await) {
            self.rooms.insert(text(&data["room"]["identity"]));
        }
        let of_room = json!({ "identity": room });
        if let Some(data) = self.note(ada.ask("invite.create", of_room).await) {
            self.invites.insert(text(&data["invite"]["id"]));
        }
        let mut newcomer = disk.server.connect().await;
        let account = json!({ "username": format!("n{number}"), "password": "correct horse" });
        if let Some(data) = self.note(newcomer.ask("auth.register", account).await) {
            self.accounts.insert(text(&data["user"]["id"]));
        }
    }

    async fn check(&self, disk: &Disk) {
        for (what, table) in [
            (&self.accounts, "user_basic"),
            (&self.rooms, "room_basic"),
            (&self.invites, "room_invite"),
            (&self.messages, "chat_message"),
        ] {
            let kept = disk.column(&format!("SELECT identity FROM {table}")).await;
            let lost: Vec<_> = what.difference(&kept).collect();
            assert!(
                lost.is_empty(),
                "{table}: {lost:?} were answered and are gone"
            );
        }
    }
}

async fn meeting_on(disk: &Disk) -> (Client, Client, Value, Value) {
    let mut eve = disk.server.connect().await;
    let account = json!({ "username": "eve", "password": "correct horse" });
    eve.ok("auth.register", account).await;
    let mut ada = disk.server.connect().await;
    let account = json!({ "username": "ada", "password": "correct horse" });
    ada.ok("auth.register", account).await;
    let room = ada.ok("room.create", json!({ "name": "Hall" })).await;
    let room = room["room"]["identity"].clone();
    ada.ok("room.join", json!({ "identity": room })).await;
    let mut bo = disk.server.connect().await;
    bo.ok("auth.guest", json!({ "display_name": "Bo" })).await;
    let joined = bo.ok("room.join", json!({ "identity": room })).await;
    (ada, bo, room, joined["self"]["id"].clone())
}

/// The messages that a client was shown until now.
async fn shown(client: &mut Client) -> BTreeSet<String> {
    let events = client.heard().await;
    let messages = events
        .iter()
        .filter(|event| event["type"] == "chat.message");
    messages
        .map(|event| event["data"]["message"]["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_ok_that_is_not_there() {
    let disk = Disk::start("6m");
    let (mut ada, mut bo, room, bo_id) = meeting_on(&disk).await;
    let mut answered = Answered::default();
    disk.fill(0);
    let mut seen = BTreeSet::new();
    for number in 0..60 {
        answered.try_each(&disk, &mut ada, &room, number).await;
        seen.append(&mut shown(&mut bo).await);
    }
    assert!(answered.refused > 100, "{}", answered.refused);
    let banned = json!({ "participant": bo_id, "ban": "forever" });
    if answered
        .note(ada.ask("participant.remove", banned.clone()).await)
        .is_none()
    {
        let present = ada.ok("room.roster", json!({ "identity": room })).await;
        assert_eq!(
            present["participants"].as_array().unwrap().len(),
            2,
            "Bo stays"
        );
    }
    let disabled = disk.command("user disable eve");
    let sentence = String::from_utf8(disabled.stderr).unwrap();
    let rows = "SELECT username FROM user_basic WHERE disabled_at IS NOT NULL";
    let is_disabled = disk.column(rows).await.contains("eve");
    assert_eq!(disabled.status.success(), is_disabled, "{sentence}");
    assert!(
        is_disabled || sentence.contains("no space left"),
        "{sentence}"
    );
    assert_eq!(seen, answered.messages, "shown is what was answered");
    answered.check(&disk).await;
    let health = disk.server.health();
    assert!(health.starts_with("HTTP/1.1 503"), "{health}");
    assert!(
        health.contains("There is no space left for the database."),
        "{health}"
    );
    let said = || disk.log().matches("the database cannot be written").count();
    eventually("it is logged", async || said() > 0).await;
    assert!(said() <= 2, "{}", disk.log());

    disk.free();
    eventually("the server is healthy", async || {
        disk.server.health().starts_with("HTTP/1.1 200")
    })
    .await;
    eventually("that is logged", async || {
        disk.log().contains("the database can be written again")
    })
    .await;
    let refused = answered.refused;
    answered.try_each(&disk, &mut ada, &room, 1_000).await;
    assert_eq!(answered.refused, refused, "all is well");
    ada.ok("participant.remove", banned).await;
    answered.check(&disk).await;
}

#[tokio::test]
async fn a_disk_that_fills_in_the_middle_of_a_transaction_keeps_none_of_it() {
    let disk = Disk::start("8m");
    let (mut ada, mut bo, room, _) = meeting_on(&disk).await;
    let mut answered = Answered::default();
    let mut seen = BTreeSet::new();
    // From no page free to more than one of these takes.
    for pages in (0..24).chain((0..24).rev()) {
        disk.fill(pages * 4_096);
        let number = answered.refused + answered.messages.len() * 10_000;
        answered.try_each(&disk, &mut ada, &room, number).await;
        seen.append(&mut shown(&mut bo).await);
        answered.check(&disk).await;
    }
    assert!(answered.refused > 10, "{}", answered.refused);
    assert!(!answered.messages.is_empty());
    assert_eq!(seen, answered.messages);
    // Of an account that was refused nothing was stored.
    let made = disk.column("SELECT identity FROM user_basic").await;
    assert_eq!(made.len(), answered.accounts.len() + 2);
    let made = disk.column("SELECT identity FROM chat_message").await;
    assert_eq!(made, answered.messages);
    let sound = disk.column("PRAGMA integrity_check").await;
    assert_eq!(sound, BTreeSet::from(["ok".to_owned()]));
}

/// `meeting` on a file system that can only be read, after `before` ran on it.
fn on_read_only(before: &str, line: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let script =
        format!("{before} mount -o remount,ro \"$0\" && exec \"$@\" --data-dir \"$0/data\"");
    let command = meeting(line.split(' '));
    let mut entered = namespaced(&folder, "8m", &script);
    entered.arg(command.get_program()).args(command.get_args());
    entered.stdin(Stdio::null());
    refusal(entered.output().unwrap())
}

#[test]
fn a_data_folder_that_can_only_be_read_is_told_as_such() {
    let made = "\"$1\" user list --data-dir \"$0/data\" >/dev/null 2>&1 &&";
    for before in ["", "mkdir \"$0/data\" &&", made] {
        for line in ["serve --listen 127.0.0.1:0", "config check", "user list"] {
            let (code, sentence) = on_read_only(before, line);
            assert_eq!(code, Some(1), "{before} {line}: {sentence}");
            assert!(
                sentence.contains("read-only"),
                "{before} {line}: {sentence}"
            );
            assert!(sentence.contains("/data"), "{before} {line}: {sentence}");
        }
    }
}
