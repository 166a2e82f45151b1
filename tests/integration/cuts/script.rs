//! A meeting in which every request is made, over a line that is cut: each is answered as without a cut, and both sides
//! are told the same.

use std::collections::BTreeSet;

use meeting::config::Key;
use serde_json::{Value, json};

use super::super::media::offer;
use super::super::support::{Client, PASSWORD, Server};
use super::{Cut, Stubborn};

/// Of these only the newest counts, or the media thread tells them: how many there are, and when, is not the script's.
const UNSCRIPTED: [&str; 8] = [
    "participant.updated",
    "room.updated",
    "timer.updated",
    "spotlight.updated",
    "permissions.changed",
    "media.track.muted",
    "media.slots",
    "media.offer",
];

/// What came of a meeting: each answer by its type and code, and the types of what each of both was told.
#[derive(Debug, PartialEq)]
struct Outcome {
    answers: Vec<String>,
    told: Vec<String>,
    others: Vec<String>,
}

/// Somebody who asks, and notes what comes of it.
struct Host<'a> {
    client: Stubborn<'a>,
    answers: Vec<String>,
    asked: BTreeSet<String>,
}

impl Host<'_> {
    async fn ask(&mut self, kind: &str, data: Value) -> Value {
        let mut answer = self.client.ask(kind, data).await;
        let code = answer["error"]["code"].as_str().unwrap_or("ok");
        self.answers.push(format!("{kind}: {code}"));
        self.asked.insert(kind.to_owned());
        answer["data"].take()
    }

    /// What says of a room how it is, and is asked for beside it.
    async fn plan(&mut self, room: &str) {
        let identity = || json!({ "identity": room });
        for kind in [
            "room.get",
            "room.roster",
            "room.attendance",
            "room.bans",
            "invite.list",
        ] {
            self.ask(kind, identity()).await;
        }
        self.ask("room.list", json!({})).await;
        self.ask("room.edit", json!({ "identity": room, "name": "Anew" }))
            .await;
        let made = self.ask("invite.create", json!({ "identity": room })).await;
        let revoke = json!({ "identity": room, "invite": made["invite"]["id"] });
        self.ask("invite.revoke", revoke).await;
        self.ask("check.begin", json!({})).await;
        self.ask("auth.refresh", json!({})).await;
        self.ask("account.update", json!({ "display_name": "Bo the Host" }))
            .await;
    }

    async fn govern(&mut self, other: &str) {
        let one = || json!({ "participant": other });
        let with = |field: &str, value: Value| {
            let mut data = one();
            data[field] = value;
            data
        };
        self.ask("participant.update", json!({ "hand": true }))
            .await;
        self.ask("participant.lower_hand", json!({ "participant": "all" }))
            .await;
        self.ask("participant.mute", with("source", json!("microphone")))
            .await;
        self.ask(
            "participant.ask_unmute",
            with("source", json!("microphone")),
        )
        .await;
        self.ask("participant.rename", with("display_name", json!("Ada L.")))
            .await;
        self.ask("participant.set_role", with("role", json!("cohost")))
            .await;
        self.ask("spotlight.set", json!({ "participants": [other] }))
            .await;
        self.ask("timer.set", json!({ "duration_ms": 60_000 }))
            .await;
        self.ask("reaction.send", json!({ "emoji": "👍" })).await;
    }

    async fn talk(&mut self, other: &str) {
        let said = self.ask("chat.send", json!({ "text": "hello" })).await;
        self.ask("chat.send", json!({ "text": "for you", "to": other }))
            .await;
        let message = json!({ "message": said["message"]["id"] });
        self.ask("chat.delete", message).await;
        self.ask("chat.history", json!({})).await;
        let sdp = json!({ "to": other, "sdp": "v=0" });
        self.ask("signal.offer", sdp.clone()).await;
        self.ask("signal.answer", sdp).await;
        let end = json!({ "to": other, "candidate": null });
        self.ask("signal.candidate", end).await;
        self.ask("ping", json!({})).await;
    }

    async fn connect(&mut self, offer: &str) {
        let sources = json!([{ "mid": "0", "source": "microphone" }]);
        let publish = json!({ "revision": 1, "sdp": offer, "sources": sources });
        self.ask("media.publish", publish).await;
        let begin = json!({ "source": "microphone", "active": true });
        self.ask("media.source", begin).await;
        self.ask("media.receive", json!({})).await;
        self.ask("media.answer", json!({ "revision": 1, "sdp": "" }))
            .await;
        self.ask("media.view", json!({ "tiles": [] })).await;
        let end = json!({ "connection": "up", "candidate": null });
        self.ask("media.candidate", end).await;
        self.ask("media.restart", json!({ "connection": "down" }))
            .await;
    }

    /// Lets one in, sends one away, removes one and lets them come again.
    async fn mind_the_door(&mut self, server: &Server, room: &str) {
        let waiting = json!({ "identity": room, "waiting": "guests" });
        self.ask("room.edit", waiting).await;
        let mut ids = Vec::new();
        let mut people = Vec::new();
        for name in ["Cy", "Dee"] {
            let mut guest = server.guest(name).await;
            let join = json!({ "identity": room });
            assert_eq!(guest.refused("room.join", join).await, "room.waiting");
            people.push(guest);
            let is_them = |data: &Value| data["participant"]["display_name"] == name;
            let waiting = self.client.until("lobby.waiting", is_them).await;
            ids.push(waiting["participant"].clone());
        }
        self.ask("lobby.admit", json!({ "participants": [ids[0]["id"]] }))
            .await;
        self.ask("lobby.deny", json!({ "participants": [ids[1]["id"]] }))
            .await;
        let remove = json!({ "participant": ids[0]["id"], "ban": "meeting" });
        self.ask("participant.remove", remove).await;
        let unban = json!({ "identity": room, "user": ids[0]["user"]["id"] });
        self.ask("room.unban", unban).await;
    }
}

/// The whole meeting, with Bo's line cut like this.
async fn meet(server: &Server, ada: &mut Client, offer: &str, cuts: &[Cut]) -> (Outcome, bool) {
    let mut host = Host {
        client: Stubborn::again(server, "bo", cuts).await,
        answers: Vec::new(),
        asked: BTreeSet::new(),
    };
    host.client.begin();
    let made = host.ask("room.create", json!({ "name": "Cut" })).await;
    let room = made["room"]["identity"].as_str().unwrap().to_owned();
    host.ask("room.join", json!({ "identity": room })).await;
    ada.join(&room).await;
    let other = ada.membership();
    host.plan(&room).await;
    host.talk(&other).await;
    host.connect(offer).await;
    host.govern(&other).await;
    host.mind_the_door(server, &room).await;
    host.ask("room.leave", json!({})).await;
    host.ask("room.join", json!({ "identity": room })).await;
    let others = scripted(ada.events().await);
    ada.ok("room.leave", json!({})).await;
    let is_ada = |data: &Value| data["participant"] == other.as_str();
    host.client.until("participant.left", is_ada).await;
    host.ask("room.end", json!({})).await;
    host.client.until("room.ended", |_| true).await;
    host.ask("room.delete", json!({ "identity": room })).await;
    assert_eq!(host.asked, all_requests());
    let heard = host.client.heard.iter();
    let told = heard.map(|event| event["type"].as_str().unwrap().to_owned());
    let outcome = Outcome {
        answers: host.answers,
        told: scripted(told.collect()),
        others,
    };
    (outcome, host.client.lost == cuts.len())
}

/// All requests of the protocol but for some.
fn all_requests() -> BTreeSet<String> {
    let schema = include_str!("../../../static/protocol/meeting.v1.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let all = schema["requests"].as_object().unwrap().keys();
    all.filter(|kind| !ELSEWHERE.contains(&kind.as_str()))
        .cloned()
        .collect()
}

/// These come before a session can be resumed, end it, or do so themselves.
const ELSEWHERE: [&str; 6] = [
    "auth.register",
    "auth.login",
    "auth.guest",
    "auth.token",
    "auth.logout",
    "session.resume",
];

fn scripted(mut kinds: Vec<String>) -> Vec<String> {
    kinds.retain(|kind| !UNSCRIPTED.contains(&kind.as_str()));
    kinds
}

/// How far a cut is from the next one, in bytes: it meets every part of every kind of frame in some of the runs.
const STRIDE: usize = 499;

#[tokio::test]
async fn every_request_is_answered_and_told_alike_wherever_the_line_is_cut() {
    let server = Server::with(&[(Key::NoRateLimit, "on")]).await;
    server.account("bo").await.close().await;
    let mut ada = server.account("ada").await;
    let offer = offer();
    let (uncut, _) = meet(&server, &mut ada, &offer, &[]).await;
    for direction in [Cut::Down as fn(usize) -> Cut, Cut::Up] {
        let mut bytes = STRIDE;
        loop {
            let (outcome, is_cut) = meet(&server, &mut ada, &offer, &[direction(bytes)]).await;
            assert_eq!(outcome, uncut, "cut after {bytes} bytes");
            if !is_cut {
                break;
            }
            bytes += STRIDE;
        }
    }
    let again = json!({ "username": "bo", "password": PASSWORD });
    server.connect().await.ok("auth.login", again).await;
}
