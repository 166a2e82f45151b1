//! Long answers are made a few at once, network by network.

use serde_json::{Value, json};

use super::{Client, PATIENCE, Server, network};
use crate::turns::Turn;

/// Makes one long answer at once, and lets so many of a network wait. Another network has the turn as long as it is
/// held.
async fn server(waiting: usize) -> (Server, String, Turn) {
    crate::budgets::lowered::set(&[("ws.lists_at_once", 1), ("ws.lists_waiting", waiting)]);
    let server = Server::start().await;
    let (_, room) = server.meeting().await;
    let held = server.services.reading().turn(network(9)).await;
    let held = held.unwrap_or_else(|error| panic!("{error:?}"));
    (server, room, held)
}

impl Server {
    /// A guest of network `number` in a room, and the answer to their log-in.
    async fn reader(&self, room: &str, number: u8) -> (Client, Value) {
        let mut reader = self.connect_from(number).await;
        let login = json!({ "display_name": "Reader" });
        let login = reader.ok("auth.guest", login).await;
        reader.ok("room.join", json!({ "identity": room })).await;
        (reader, login)
    }

    /// So many guests of this network. Each has asked for the history and waits in line.
    async fn readers(&self, room: &str, number: u8, count: usize) -> Vec<Client> {
        let mut readers = Vec::new();
        for _ in 0..count {
            let (mut reader, _) = self.reader(room, number).await;
            reader.send("chat.history", json!({})).await;
            readers.push(reader);
            self.waiting_are(number, readers.len()).await;
        }
        readers
    }

    async fn waiting_are(&self, number: u8, count: usize) {
        let reading = self.services.reading();
        let counted = async {
            while reading.count_waiting(network(number)) != count {
                tokio::task::yield_now().await;
            }
        };
        let counted = tokio::time::timeout(PATIENCE, counted).await;
        counted.unwrap_or_else(|_| panic!("{count} of network {number} do not wait"));
    }
}

impl Client {
    async fn has_history(&mut self) {
        let answer = self.answer().await.unwrap();
        assert_eq!(answer["data"]["more"], false, "{answer}");
    }
}

#[tokio::test]
async fn one_reader_is_served_before_the_line_of_another_network() {
    let (server, room, held) = server(100).await;
    let mut many = server.readers(&room, 1, 6).await;
    let [mut one] = <[Client; 1]>::try_from(server.readers(&room, 2, 1).await)
        .ok()
        .unwrap();
    // Other requests are answered meanwhile.
    let mut other = server.connect_from(1).await;
    other
        .ok("auth.guest", json!({ "display_name": "Other" }))
        .await;
    other.ok("room.get", json!({ "identity": room })).await;
    let (last, ()) = tokio::join!(server.services.reading().turn(network(3)), async {
        drop(held);
    });
    // The line stands still again: each network has had one turn.
    let last = last.ok().unwrap();
    server.waiting_are(1, many.len() - 1).await;
    one.has_history().await;
    many[0].has_history().await;
    drop(last);
    for reader in &mut many[1..] {
        reader.has_history().await;
    }
}

#[tokio::test]
async fn more_readers_than_may_wait_are_told_to_come_again() {
    let (server, room, held) = server(2).await;
    let mut waiting = server.readers(&room, 1, 2).await;
    let (mut late, _) = server.reader(&room, 1).await;
    late.send("chat.history", json!({})).await;
    let refused = late.answer().await.unwrap();
    assert_eq!(refused["error"]["code"], "rate.limited", "{refused}");
    assert!(refused["error"]["retry_after_ms"].as_u64() > Some(0));
    // Other networks have places of their own.
    let mut others = server.readers(&room, 2, 2).await;
    drop(held);
    for reader in waiting.iter_mut().chain(&mut others) {
        reader.has_history().await;
    }
    late.send("chat.history", json!({})).await;
    late.has_history().await;
}

#[tokio::test]
async fn who_leaves_the_line_makes_room_and_may_come_back() {
    let (server, room, held) = server(1).await;
    let (mut reader, login) = server.reader(&room, 1).await;
    let id = reader.send("chat.history", json!({})).await;
    server.waiting_are(1, 1).await;
    drop(reader.socket);
    server.waiting_are(1, 0).await;
    let mut second = server.readers(&room, 1, 1).await;
    second[0].socket.close(None).await.unwrap();
    server.waiting_are(1, 0).await;
    let mut third = server.readers(&room, 1, 1).await;
    drop(held);
    third[0].has_history().await;
    let mut back = server.connect_from(1).await;
    let resume = json!({ "session": reader.name, "resume_token": login["resume_token"],
        "last_seq": 0 });
    back.ok("session.resume", resume).await;
    back.last_id = id - 1;
    assert_eq!(back.send("chat.history", json!({})).await, id);
    back.has_history().await;
}

#[tokio::test]
async fn what_is_asked_behind_a_request_in_line_is_answered_after_it() {
    let (server, room, held) = server(1).await;
    let mut readers = server.readers(&room, 1, 1).await;
    let mut expected = vec![readers[0].last_id];
    for _ in 0..3 {
        expected.push(readers[0].send("ping", json!({})).await);
    }
    // The first of them is read ahead by now.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    drop(held);
    for id in expected {
        let answer = readers[0].answer().await.unwrap();
        assert_eq!((&answer["re"], &answer["type"]), (&json!(id), &json!("ok")));
    }
}

#[tokio::test]
async fn who_waits_too_long_is_told_that_the_server_is_busy() {
    let (server, room, _held) = server(1).await;
    let mut readers = server.readers(&room, 1, 1).await;
    tokio::time::pause();
    let refused = readers[0].answer().await.unwrap();
    assert_eq!(refused["error"]["code"], "server.busy", "{refused}");
    server.waiting_are(1, 0).await;
}
