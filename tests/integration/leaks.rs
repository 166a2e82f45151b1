//! When everyone has left, nothing of them is left.

use meeting::config::Key;
use serde_json::json;

use super::support::{Server, soon};

const PEOPLE: usize = 200;

/// Waits until so many tasks are alive, at most; every end of a task lets this one look again.
async fn tasks_end(at_most: usize) {
    let alive = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    soon(async {
        while alive() > at_most {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn two_hundred_people_come_and_go_and_leave_nothing_behind() {
    let server = Server::with(&[(Key::NoRateLimit, "on"), (Key::ResumeMs, "100")]).await;
    let mut ada = server.account("ada").await;
    let room = ada
        .create(json!({ "name": "Crowd", "max_participants": 1_000 }))
        .await;
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = tasks();
    for round in 0..2 {
        ada.join(&room).await;
        let mut people = Vec::new();
        for number in 0..PEOPLE {
            people.push(server.member(&format!("Guest {number}"), &room).await);
        }
        let live = server.services.registry().live();
        assert_eq!((live.rooms, live.participants), (1, PEOPLE + 1));
        assert_eq!(server.services.table().count(), PEOPLE + 1);
        // Ada's handshake may have been under way when the tasks were counted.
        assert!(tasks() > before + PEOPLE / 2);
        // One third each: leave the room first, close, just vanish.
        for (number, mut person) in people.into_iter().enumerate() {
            match (number + round) % 3 {
                0 => {
                    person.ok("room.leave", json!({})).await;
                    person.close().await;
                }
                1 => person.close().await,
                _ => drop(person),
            }
        }
        for _ in 0..PEOPLE {
            ada.event("participant.left").await;
        }
        ada.ok("room.leave", json!({})).await;
        soon(server.services.registry().emptied()).await;
        tasks_end(before).await;
        assert_eq!(
            server.services.registry().live(),
            meeting::rooms::Live::default()
        );
        assert_eq!(server.services.table().count(), 1, "Ada herself");
    }
}
