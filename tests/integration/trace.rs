//! The real server, alone in its process, after meetings of two hundred people: as after the first of them.

use std::time::Duration;

use serde_json::json;

use super::media::offer;
use super::start::Running;
use super::support::{Client, PASSWORD, soon};

const PEOPLE: usize = 200;
/// Rounds after the first, which shows how much a meeting takes at all.
const ROUNDS: usize = 2;
/// How much more than after the first round may stay resident, in KiB: the allocator keeps some. One person's two
/// connections take about 500, so that two rounds of people who are not let go of would show as 200,000.
const SLACK_KIB: usize = 24 * 1024;
/// How many more files and threads there may be: the pool opens connections to the database as it needs them, each
/// with a thread and three files, and keeps them. A round of people who are not let go of is 200.
const POOL: usize = 32;

/// What a process holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    files: usize,
    threads: usize,
    resident_kib: usize,
}

fn held(process: u32) -> Held {
    let entries = |name: &str| {
        std::fs::read_dir(format!("/proc/{process}/{name}"))
            .unwrap()
            .count()
    };
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.unwrap().trim().trim_end_matches(" kB");
    Held {
        files: entries("fd"),
        threads: entries("task"),
        resident_kib: resident.parse().unwrap(),
    }
}

/// Two hundred people join, publish, make ready to receive, and are gone.
async fn meet(server: &Running, room: &str, offer: &str) {
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let mut person = Client::connect(server.address.parse().unwrap()).await;
        let name = json!({ "display_name": format!("Guest {number}") });
        person.ok("auth.guest", name).await;
        person.join(room).await;
        let sources =
            json!([{ "mid": "0", "source": "microphone" }, { "mid": "1", "source": "camera" }]);
        let publish = json!({ "revision": 1, "sdp": offer, "sources": sources });
        person.ok("media.publish", publish).await;
        for source in ["microphone", "camera"] {
            let start = json!({ "source": source, "active": true });
            person.ok("media.source", start).await;
        }
        person.ok("media.receive", json!({})).await;
        people.push(person);
    }
    // Half of them say so, half are simply gone.
    for (number, mut person) in people.into_iter().enumerate() {
        if number % 2 == 0 {
            person.ok("room.leave", json!({})).await;
        }
        drop(person);
    }
}

/// Waits until nobody is in the room and the sockets of those who went are closed.
async fn emptied(server: &Running, host: &mut Client, room: &str, files: usize) -> Held {
    soon(async {
        loop {
            let room = host.ok("room.get", json!({ "identity": room })).await;
            let now = held(server.server.id());
            if room["room"]["participants"] == 0 && now.files <= files {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

#[tokio::test]
async fn two_hundred_people_who_published_leave_the_process_as_it_was() {
    let data = tempfile::tempdir().unwrap();
    // A person whose connection is lost is waited for, and then taken out.
    let settings = [
        "--no-rate-limit",
        "--media-threads",
        "1",
        "--resume-ms",
        "100",
    ];
    let server = Running::start(data.path(), &settings);
    let mut host = Client::connect(server.address.parse().unwrap()).await;
    let account = json!({ "username": "ada", "password": PASSWORD });
    host.ok("auth.register", account).await;
    let room = host
        .create(json!({ "name": "Assembly", "max_participants": PEOPLE }))
        .await;
    let offer = offer();
    meet(&server, &room, &offer).await;
    let first = emptied(&server, &mut host, &room, 2 * POOL).await;
    for _ in 0..ROUNDS {
        meet(&server, &room, &offer).await;
    }
    let last = emptied(&server, &mut host, &room, first.files + POOL).await;
    assert!(
        last.threads <= first.threads + POOL,
        "{first:?} became {last:?}"
    );
    assert!(
        last.resident_kib <= first.resident_kib + SLACK_KIB,
        "{first:?} became {last:?}"
    );
}
