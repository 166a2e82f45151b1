//! People who come, publish, lose their sockets, come back and go, for as long as one likes: what the server holds in the
//! end is what it held before. `make soak` does so for an hour.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use meeting::config::Key;
use serde_json::{Value, json};

use super::databases::{Process, eventually};
use super::launch::meeting;
use super::media::offer;
use super::support::{Client, Server};

/// Rooms that people go to. Their owner is in none of them, so that each run of one ends.
const ROOMS: usize = 4;
/// So many people are about at a time.
const AT_ONCE: usize = 24;
/// So much more memory the server may hold in the end: what is freed is not all given back.
const GROWTH_KIB: u64 = 12 * 1024;
/// The server opens connections to its database when they are needed, eight at most. Each is a thread and some files.
const CONNECTIONS: usize = 8;
const FILES_OF_A_CONNECTION: usize = 3;

/// How long it goes on.
fn lasts() -> Duration {
    let seconds = std::env::var("SOAK_SECONDS").ok();
    let seconds = seconds.filter(|seconds| !seconds.is_empty());
    Duration::from_secs(seconds.map_or(20, |seconds| seconds.parse().unwrap()))
}

/// Somebody comes to a room, publishes, hears and says something, and goes: in one of four ways.
async fn visit(server: SocketAddr, room: &str, offer: &str, number: usize) {
    let mut guest = guest(server, room, number).await;
    let sources =
        json!([{ "mid": "0", "source": "microphone" }, { "mid": "1", "source": "camera" }]);
    let publish = json!({ "revision": 1, "sdp": offer, "sources": sources });
    guest.ok("media.publish", publish).await;
    let begin = json!({ "source": "microphone", "active": true });
    guest.ok("media.source", begin).await;
    guest.ok("media.receive", json!({})).await;
    taken(&mut guest, "chat.send", json!({ "text": "hello" })).await;
    match number % 4 {
        0 => {
            guest.ok("room.leave", json!({})).await;
            guest.close().await;
        }
        // Lost, and never back.
        1 => drop(guest.lose()),
        // Lost, and back with all that was missed; and once more with nothing.
        way => {
            let lost = guest.lose();
            let mut back = Client::connect(server).await;
            back.resume(&lost, Some(lost.last_seq)).await;
            back.ok("participant.update", json!({ "hand": true })).await;
            if way == 2 {
                back.close().await;
            } else {
                let lost = back.lose();
                let mut anew = Client::connect(server).await;
                anew.resume(&lost, None).await;
                drop(anew.lose());
            }
        }
    }
}

async fn guest(server: SocketAddr, room: &str, number: usize) -> Client {
    let mut guest = Client::connect(server).await;
    let name = json!({ "display_name": format!("Guest {number}") });
    guest.login = guest.ok("auth.guest", name).await;
    guest.join(room).await;
    guest
}

/// Asks until the server takes it. When its machine is not its own for an hour, it says now and then that it is busy.
async fn taken(client: &mut Client, kind: &str, data: Value) {
    for _ in 0..60 {
        let reply = client.ask(kind, data.clone()).await;
        if reply["type"] == "ok" {
            return;
        }
        assert_eq!(reply["error"]["code"], "server.busy", "{kind}: {reply}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("{kind}: the server was busy for a minute");
}

/// The rooms, of an owner who is in none of them.
async fn rooms(server: SocketAddr) -> Vec<String> {
    let mut owner = Client::connect(server).await;
    let account = json!({ "username": "owner", "password": "correct horse 7" });
    owner.ok("auth.register", account).await;
    let mut rooms = Vec::new();
    for _ in 0..ROOMS {
        let settings = json!({ "name": "Soak", "max_participants": 1_000 });
        rooms.push(owner.create(settings).await);
    }
    owner.close().await;
    rooms
}

/// People come and go until it is time, some at once; how many there were.
async fn come_and_go(server: SocketAddr, rooms: &[String], offer: &str, until: Instant) -> usize {
    let mut visits = 0;
    while Instant::now() < until {
        let together = (0..AT_ONCE).map(|number| {
            let room = &rooms[number % rooms.len()];
            visit(server, room, offer, visits + number / rooms.len())
        });
        futures_util::future::join_all(together).await;
        visits += AT_ONCE;
    }
    visits
}

/// What a process holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    memory_kib: u64,
    threads: u64,
    sockets: usize,
    descriptors: usize,
}

impl Held {
    fn by(process: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let word = line.unwrap().split_whitespace().next().unwrap();
            word.parse().unwrap()
        };
        let folder = format!("/proc/{process}/fd");
        // One that is closed meanwhile is none.
        let links = std::fs::read_dir(Path::new(&folder)).unwrap().flatten();
        let links = links.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        let links: Vec<_> = links.collect();
        let is_socket = |link: &&std::path::PathBuf| link.to_string_lossy().starts_with("socket:");
        Self {
            memory_kib: number("VmRSS:"),
            threads: number("Threads:"),
            sockets: links.iter().filter(is_socket).count(),
            descriptors: links.len(),
        }
    }

    fn has_no_more_than(&self, before: &Self) -> bool {
        self.threads <= before.threads + CONNECTIONS as u64
            && self.sockets <= before.sockets
            && self.descriptors <= before.descriptors + CONNECTIONS * FILES_OF_A_CONNECTION
            && self.memory_kib <= before.memory_kib + GROWTH_KIB
    }
}

/// A server process that waits a second for those whose sockets are lost, its number and where it listens.
fn started(data: &Path) -> (Process, u32, SocketAddr) {
    let mut command = meeting(["serve", "--log", "off", "--listen", "127.0.0.1:0"]);
    command
        .args(["--media-ip", "127.0.0.1", "--media-threads", "1"])
        .args(["--no-rate-limit", "on", "--resume-ms", "1000", "--data-dir"])
        .arg(data)
        .stdout(Stdio::piped());
    let mut process = Process(command.spawn().unwrap());
    let mut line = String::new();
    let output = process.0.stdout.as_mut().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap();
    let (number, address) = (process.0.id(), address.parse().unwrap());
    (process, number, address)
}

#[tokio::test]
async fn a_server_holds_in_the_end_what_it_held_before() {
    let data = tempfile::tempdir().unwrap();
    let (_process, number, server) = started(data.path());
    let fresh = Held::by(number);
    let (rooms, offer) = (rooms(server).await, offer());
    // What is made once is there then: threads, connections to the database, tables, caches.
    come_and_go(server, &rooms, &offer, Instant::now() + lasts() / 4).await;
    let mut before = Held::by(number);
    eventually("the first visitors are gone", async || {
        before = Held::by(number);
        before.sockets <= fresh.sockets
    })
    .await;
    let began = Instant::now();
    let visits = come_and_go(server, &rooms, &offer, began + lasts() * 3 / 4).await;
    assert!(visits > 0);
    let mut after = Held::by(number);
    eventually("nothing more is held than before", async || {
        after = Held::by(number);
        after.has_no_more_than(&before)
    })
    .await;
    println!("{visits} visits: {before:?} before, {after:?} after");
}

/// Tasks are seen from within alone.
#[tokio::test]
async fn nobody_who_came_and_went_leaves_a_task_behind() {
    let settings = [(Key::NoRateLimit, "on"), (Key::ResumeMs, "200")];
    let server = Server::with(&settings).await;
    let (rooms, offer) = (rooms(server.address).await, offer());
    let tasks = || {
        let runtime = tokio::runtime::Handle::current();
        runtime.metrics().num_alive_tasks()
    };
    let round = async |most: usize| {
        let soon = Instant::now() + Duration::from_millis(1);
        come_and_go(server.address, &rooms, &offer, soon).await;
        eventually("everybody is gone", async || {
            let is_empty = server.services.registry().live() == meeting::rooms::Live::default();
            is_empty && server.services.table().count() == 0 && tasks() <= most
        })
        .await;
    };
    // What is begun once and goes on is there after the first.
    round(usize::MAX).await;
    let before = tasks();
    round(before).await;
}
