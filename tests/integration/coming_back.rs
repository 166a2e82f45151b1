//! A meeting that everyone has left is kept for a while, over real sockets: for who comes back, and against who was to
//! stay away.

use meeting::protocol::time::Timestamp;
use serde_json::{Value, json};

use super::support::{Client, Server, soon};

/// Somebody at the door of Ada's room, and as whom they wait.
async fn knocking(server: &Server, name: &str, room: &str, ada: &mut Client) -> (Client, Value) {
    let mut one = server.account(name).await;
    let join = json!({ "identity": room });
    assert_eq!(one.refused("room.join", join).await, "room.waiting");
    let waiting = ada.event("lobby.waiting").await;
    (one, waiting["participant"]["id"].clone())
}

/// Ada's meeting with a waiting room: Bo is banned from it, Cy was sent away. Ada, who was alone with them, is lost.
struct Left {
    server: Server,
    room: String,
    bo: Client,
    cy: Client,
}

impl Left {
    async fn new() -> Self {
        let server = Server::forgetful().await;
        let (mut ada, room) = server.meeting(json!({ "lobby": true })).await;
        let (mut bo, bos) = knocking(&server, "bo", &room, &mut ada).await;
        let (mut cy, cys) = knocking(&server, "cy", &room, &mut ada).await;
        let ban = json!({ "participant": bos, "ban": "meeting" });
        ada.ok("participant.remove", ban).await;
        ada.ok("lobby.deny", json!({ "participants": [cys] })).await;
        for (one, reason) in [(&mut bo, "banned"), (&mut cy, "denied")] {
            assert_eq!(one.event("lobby.denied").await["reason"], reason);
        }
        drop(ada);
        soon(server.services.registry().emptied()).await;
        Self {
            server,
            room,
            bo,
            cy,
        }
    }

    /// What Bo and Cy are told when they try the door.
    async fn tried(&mut self) -> [String; 2] {
        let join = || json!({ "identity": self.room });
        [
            self.bo.refused("room.join", join()).await,
            self.cy.refused("room.join", join()).await,
        ]
    }
}

const KEPT: [&str; 2] = ["room.banned", "room.denied"];
const FORGOTTEN: [&str; 2] = ["room.waiting", "room.waiting"];

#[tokio::test]
async fn a_host_who_is_lost_for_a_moment_comes_back_to_the_same_meeting() {
    let mut left = Left::new().await;
    assert_eq!(left.tried().await, KEPT, "while nobody is in");
    let mut ada = left.server.again("ada").await;
    ada.join(&left.room).await;
    assert_eq!(left.tried().await, KEPT, "and when she is back");
    ada.ok("room.end", json!({})).await;
    ada.join(&left.room).await;
    assert_eq!(left.tried().await, FORGOTTEN, "the next meeting is another");
}

#[tokio::test]
async fn bans_are_seen_and_lifted_while_nobody_is_in() {
    let mut left = Left::new().await;
    let room = json!({ "identity": left.room });
    let mut ada = left.server.again("ada").await;
    let bans = ada.ok("room.bans", room.clone()).await["bans"].take();
    let [denial, ban] = bans.as_array().unwrap().as_slice() else {
        panic!("a ban and a refusal at the door, not {bans}")
    };
    for (kept_out, name) in [(ban, "bo"), (denial, "cy")] {
        assert_eq!(kept_out["user"]["username"], name);
        assert_eq!(kept_out["until"], "meeting");
    }
    let unban = |one: &Value| json!({ "identity": left.room, "user": one["user"]["id"] });
    let (unban_bo, unban_cy) = (unban(ban), unban(denial));
    ada.ok("room.unban", unban_bo).await;
    let after = ada.ok("room.bans", room.clone()).await["bans"].take();
    assert_eq!(after, json!([denial]));
    assert_eq!(left.tried().await, ["room.waiting", "room.denied"]);
    ada.ok("room.unban", unban_cy).await;
    assert_eq!(ada.ok("room.bans", room).await["bans"], json!([]));
    assert_eq!(left.tried().await, ["room.waiting", "room.waiting"]);
}

#[tokio::test]
async fn a_meeting_that_was_ended_beside_the_server_is_another_when_it_is_taken_up() {
    let mut left = Left::new().await;
    let store = &left.server.services.store();
    let stored = store.find_room(&left.room).await.unwrap().unwrap();
    store.end_room(stored.key, Timestamp::now()).await.unwrap();
    let mut ada = left.server.again("ada").await;
    ada.join(&left.room).await;
    assert_eq!(left.tried().await, FORGOTTEN);
}

/// Waits until the server has looked at what was changed beside it, which ends what it does not find in the database.
async fn looked(server: &Server, name: &str) {
    let (mut one, store) = (server.account(name).await, &server.services.store());
    let room = one.create(json!({ "name": "Watched" })).await;
    one.join(&room).await;
    let stored = store.find_room(&room).await.unwrap().unwrap();
    store
        .delete_room(stored.key, Timestamp::now())
        .await
        .unwrap();
    assert_eq!(one.closed().await, 4404);
}

#[tokio::test]
async fn who_begins_a_second_check_stays_in_the_first_until_they_leave_it() {
    let server = Server::start().await;
    let [mut one, mut two] = [server.account("ada").await, server.again("ada").await];
    let begin = async |client: &mut Client| -> String {
        let room = client.ok("check.begin", json!({})).await["identity"].take();
        let Value::String(room) = room else {
            panic!("an identity")
        };
        room
    };
    let first = begin(&mut one).await;
    one.join(&first).await;
    two.join(&first).await;
    let second = begin(&mut one).await;
    assert_ne!(first, second);
    looked(&server, "bo").await;
    two.ok("participant.update", json!({ "hand": true })).await;
    assert_eq!(one.join(&second).await["room"]["identity"], json!(second));
    two.event("participant.left").await;
    let both = two.join(&second).await["participants"].take();
    assert_eq!(both.as_array().map(Vec::len), Some(2));
    looked(&server, "cy").await;
    for client in [&mut one, &mut two] {
        client.ok("room.leave", json!({})).await;
    }
}

#[tokio::test]
async fn a_check_room_offers_one_slot_of_each_kind() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let room = ada.ok("check.begin", json!({})).await["identity"].take();
    ada.join(room.as_str().unwrap()).await;
    let request = json!({ "audio_slots": 8, "video_slots": 25 });
    let offer = ada.ok("media.receive", request).await;
    let kinds: Vec<&serde_json::Value> = offer["slots"]
        .as_array()
        .unwrap()
        .iter()
        .map(|slot| &slot["kind"])
        .collect();
    assert_eq!(kinds, ["video", "audio"]);
}

#[tokio::test]
async fn a_person_who_loses_the_socket_comes_back_past_the_lock_and_one_who_left_does_not() {
    let server = Server::forgetful().await;
    let (mut ada, room) = server.meeting(json!({ "lobby": true })).await;
    let mut gus = server.guest("Gus").await;
    let join = || json!({ "identity": room });
    assert_eq!(gus.refused("room.join", join()).await, "room.waiting");
    ada.ok("lobby.admit", json!({ "participants": "all" }))
        .await;
    gus.event("lobby.admitted").await;
    let locked = json!({ "identity": room, "locked": true });
    ada.ok("room.edit", locked).await;
    let token = json!({ "token": gus.token() });

    drop(gus);
    assert_eq!(ada.event("participant.left").await["reason"], "lost");
    let mut gus = server.connect().await;
    gus.ok("auth.token", token).await;
    let seen = gus.ok("room.join", join()).await;
    assert_eq!(seen["participants"].as_array().unwrap().len(), 2);

    gus.ok("room.leave", json!({})).await;
    assert_eq!(gus.refused("room.join", join()).await, "room.locked");
}
