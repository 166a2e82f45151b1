//! Governing a meeting over real sockets: every request by every role, and what is enforced at once.

use meeting::protocol::time::Timestamp;
use serde_json::{Value, json};

use super::support::{Client, Server, soon};

/// A meeting of Ada's with a host, a co-host and two members in it.
struct Meeting {
    _server: Server,
    room: String,
    people: Vec<(&'static str, Client)>,
}

impl Meeting {
    async fn new(settings: Value) -> Self {
        let server = Server::start().await;
        let (ada, room) = server.meeting(settings).await;
        let mut people = vec![("owner", ada)];
        for role in ["host", "cohost", "member", "other"] {
            let mut person = server.account(role).await;
            person.join(&room).await;
            people.push((role, person));
        }
        let mut meeting = Self {
            _server: server,
            room,
            people,
        };
        for role in ["host", "cohost"] {
            let set = json!({ "participant": meeting.membership(role), "role": role });
            meeting.get("owner").ok("participant.set_role", set).await;
        }
        meeting
    }

    fn get(&mut self, role: &str) -> &mut Client {
        let found = self.people.iter_mut().find(|(name, _)| *name == role);
        &mut found.unwrap().1
    }

    fn membership(&mut self, role: &str) -> String {
        self.get(role).membership()
    }
}

/// Every request by which meetings are governed, aimed at the other member, and the least role that may send it.
fn requests(other: &str, room: &str) -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "participant.mute",
            json!({ "participant": other, "source": "microphone" }),
            "cohost",
        ),
        (
            "participant.mute",
            json!({ "participant": "all", "source": "camera" }),
            "cohost",
        ),
        (
            "participant.mute",
            json!({ "participant": "all", "source": "microphone", "allow_unmute": true }),
            "cohost",
        ),
        (
            "participant.ask_unmute",
            json!({ "participant": other }),
            "cohost",
        ),
        (
            "participant.lower_hand",
            json!({ "participant": "all" }),
            "cohost",
        ),
        (
            "participant.rename",
            json!({ "participant": other, "display_name": "Renamed" }),
            "cohost",
        ),
        (
            "participant.set_role",
            json!({ "participant": other, "role": "member" }),
            "host",
        ),
        ("lobby.admit", json!({ "participants": "all" }), "cohost"),
        ("lobby.deny", json!({ "participants": [] }), "cohost"),
        (
            "spotlight.set",
            json!({ "participants": [other] }),
            "cohost",
        ),
        ("timer.set", json!({ "duration_ms": 60_000 }), "cohost"),
        (
            "room.edit",
            json!({ "identity": room, "permissions": { "chat": true } }),
            "cohost",
        ),
        (
            "room.edit",
            json!({ "identity": room, "locked": false, "lobby": false }),
            "cohost",
        ),
        (
            "room.edit",
            json!({ "identity": room, "name": "Renamed" }),
            "host",
        ),
        (
            "room.edit",
            json!({ "identity": room, "lobby": false, "password": null }),
            "host",
        ),
        ("reaction.send", json!({ "emoji": "👍" }), "member"),
        (
            "participant.remove",
            json!({ "participant": "ghost" }),
            "cohost",
        ),
        (
            "participant.remove",
            json!({ "participant": other, "ban": "meeting" }),
            "host",
        ),
    ]
}

#[tokio::test]
async fn every_request_is_for_those_who_may() {
    const ROLES: [&str; 4] = ["member", "cohost", "host", "owner"];
    let mut meeting = Meeting::new(json!({})).await;
    let (other, room) = (meeting.membership("other"), meeting.room.clone());
    for (kind, data, least) in requests(&other, &room) {
        let least = ROLES.iter().position(|role| *role == least).unwrap();
        for (at, role) in ROLES.iter().enumerate() {
            let reply = meeting.get(role).ask(kind, data.clone()).await;
            let code = reply["error"]["code"].as_str().unwrap_or("ok");
            // Who may is told that there is nobody; one request removes the one it is about.
            let allowed = ["ok", "participant.not_found"].contains(&code);
            assert_eq!(allowed, at >= least, "{role}: {kind} {data} gave {code}");
            assert!(allowed || code == "perm.denied", "{role}: {kind} {code}");
        }
    }
    let delete = json!({ "identity": room });
    for role in ["member", "cohost", "host"] {
        let refused = meeting
            .get(role)
            .refused("room.delete", delete.clone())
            .await;
        assert_eq!(refused, "perm.denied", "{role}");
    }
    for role in ["member", "cohost"] {
        let refused = meeting.get(role).refused("room.end", json!({})).await;
        assert_eq!(refused, "perm.denied", "{role}");
    }
    meeting.get("host").ok("room.end", json!({})).await;
    assert_eq!(soon(meeting.get("member").closed()).await, 4404);
}

#[tokio::test]
async fn nobody_touches_their_equals_or_betters() {
    let mut meeting = Meeting::new(json!({})).await;
    for (by, whom) in [
        ("host", "owner"),
        ("cohost", "owner"),
        ("cohost", "host"),
        ("member", "other"),
        ("member", "cohost"),
        ("host", "host"),
    ] {
        let target = meeting.membership(whom);
        for (kind, data) in [
            ("participant.remove", json!({ "participant": target })),
            (
                "participant.remove",
                json!({ "participant": target, "ban": "forever" }),
            ),
            (
                "participant.set_role",
                json!({ "participant": target, "role": "member" }),
            ),
            (
                "participant.mute",
                json!({ "participant": target, "source": "microphone" }),
            ),
        ] {
            if by == whom && kind != "participant.remove" {
                continue;
            }
            let refused = meeting.get(by).refused(kind, data).await;
            assert_eq!(refused, "perm.denied", "{by} on {whom}: {kind}");
        }
    }
}

#[tokio::test]
async fn who_is_in_another_room_cannot_govern_this_one() {
    let server = Server::start().await;
    let (ada, room) = server.meeting(json!({})).await;
    let mut eve = server.account("eve").await;
    let hers = eve.create(json!({ "name": "Hers" })).await;
    eve.join(&hers).await;
    for (kind, data) in [
        (
            "participant.mute",
            json!({ "participant": ada.membership(), "source": "camera" }),
        ),
        (
            "participant.remove",
            json!({ "participant": ada.membership() }),
        ),
        (
            "participant.set_role",
            json!({ "participant": ada.membership(), "role": "member" }),
        ),
        (
            "spotlight.set",
            json!({ "participants": [ada.membership()] }),
        ),
    ] {
        let refused = eve.refused(kind, data).await;
        assert_eq!(refused, "participant.not_found", "{kind}");
    }
    let edit = json!({ "identity": room, "locked": true });
    assert_eq!(eve.refused("room.edit", edit).await, "perm.denied");
}

#[tokio::test]
async fn a_person_who_is_removed_is_closed_and_one_who_is_banned_stays_out() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.account("bo").await;
    bo.join(&room).await;
    let remove = json!({ "participant": bo.membership() });
    ada.ok("participant.remove", remove).await;
    assert_eq!(bo.closed().await, 4403);
    let left = ada.event("participant.left").await;
    assert_eq!(
        left,
        json!({ "participant": bo.membership(), "reason": "removed" })
    );
    let mut again = server.connect().await;
    again.ok("auth.token", json!({ "token": bo.token() })).await;
    again.join(&room).await;
    let ban = json!({ "participant": again.membership(), "ban": true });
    ada.ok("participant.remove", ban).await;
    assert_eq!(again.closed().await, 4403);
    let mut third = server.connect().await;
    third.ok("auth.token", json!({ "token": bo.token() })).await;
    let join = json!({ "identity": room });
    assert_eq!(
        third.refused("room.join", join.clone()).await,
        "room.banned"
    );
    assert_eq!(third.refused("room.roster", join).await, "perm.denied");
    let mut cy = server.account("cy").await;
    let roster = cy.ok("room.roster", json!({ "identity": room })).await;
    assert_eq!(
        roster["participants"].as_array().unwrap().len(),
        1,
        "the room is open to others"
    );
}

#[tokio::test]
async fn what_a_removed_socket_had_asked_for_brings_nobody_back() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    let remove = json!({ "participant": bo.membership(), "ban": true });
    // Bo's requests are under way while the removal is.
    for (kind, data) in [
        ("room.join", json!({ "identity": room })),
        ("chat.send", json!({ "text": "still here" })),
        ("room.join", json!({ "identity": room })),
    ] {
        let id = bo.next_id();
        let request = json!({ "type": kind, "id": id, "data": data });
        bo.send(request.to_string()).await;
    }
    ada.ok("participant.remove", remove).await;
    assert_eq!(soon(close_code(&mut bo)).await, 4403);
    soon(async {
        loop {
            let seen = ada.ok("room.get", json!({ "identity": room })).await;
            if seen["room"]["participants"] == 1 {
                return;
            }
        }
    })
    .await;
}

/// The code of the close, whatever comes before it.
async fn close_code(client: &mut Client) -> u16 {
    use futures_util::StreamExt as _;
    use tokio_tungstenite::tungstenite::Message;
    loop {
        match client.socket.next().await {
            Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
            Some(Ok(_)) => {}
            other => panic!("a close frame was awaited, not {other:?}"),
        }
    }
}

#[tokio::test]
async fn members_who_may_not_unmute_are_told_and_held_to_it() {
    let mut meeting = Meeting::new(json!({})).await;
    let mute = json!({ "participant": "all", "source": "microphone", "allow_unmute": false });
    meeting.get("cohost").ok("participant.mute", mute).await;
    let changed = meeting.get("member").event("permissions.changed").await;
    assert_eq!(changed["permissions"]["unmute"], false);
    let actions = changed["actions"].as_array().unwrap();
    assert!(!actions.contains(&json!("unmute")));
    let unmute = json!({ "audio": true });
    let refused = meeting
        .get("member")
        .refused("participant.update", unmute.clone())
        .await;
    assert_eq!(refused, "perm.denied");
    let member = meeting.membership("member");
    let ask = json!({ "participant": member });
    meeting.get("host").ok("participant.ask_unmute", ask).await;
    let asked = meeting.get("member").event("participant.ask_unmute").await;
    assert_eq!(asked["source"], "microphone");
    meeting.get("member").ok("participant.update", unmute).await;
    let room = json!({ "identity": meeting.room });
    let seen = meeting.get("owner").ok("room.get", room).await;
    assert_eq!(seen["room"]["permissions"]["unmute"], false, "it is stored");
}

#[tokio::test]
async fn a_host_who_was_demoted_meanwhile_ends_nothing() {
    let mut meeting = Meeting::new(json!({})).await;
    let host = meeting.membership("host");
    let demote = json!({ "participant": host, "role": "member" });
    meeting
        .get("owner")
        .ok("participant.set_role", demote)
        .await;
    let changed = meeting.get("host").event("permissions.changed").await;
    // Twice: first they became host, then they were none any more.
    assert_eq!(changed["role"], "host");
    let changed = meeting.get("host").event("permissions.changed").await;
    assert_eq!(changed["role"], "member");
    assert_eq!(
        meeting.get("host").refused("room.end", json!({})).await,
        "perm.denied"
    );
}

#[tokio::test]
async fn what_is_shown_to_everyone_is_in_the_view_of_newcomers() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let spotlight = json!({ "participants": [ada.membership()] });
    ada.ok("spotlight.set", spotlight.clone()).await;
    let timer = ada
        .ok("timer.set", json!({ "duration_ms": 3_600_000 }))
        .await;
    let mut bo = server.guest("Bo").await;
    let joined = bo.join(&room).await;
    assert_eq!(joined["spotlight"], spotlight["participants"]);
    assert_eq!(joined["timer"], timer["timer"]);
    let may: Vec<&str> = joined["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|action| action.as_str().unwrap())
        .collect();
    let expected = [
        "unmute",
        "camera",
        "screen",
        "chat",
        "private_chat",
        "files",
        "rename",
        "react",
    ];
    assert_eq!(may, expected);
    for (kind, data, field) in [
        (
            "timer.set",
            json!({ "duration_ms": 999 }),
            "data.duration_ms",
        ),
        (
            "spotlight.set",
            json!({ "participants": ["1", "2", "3", "4", "5"] }),
            "data.participants",
        ),
        (
            "participant.ask_unmute",
            json!({ "participant": "x", "source": "screen" }),
            "data.source",
        ),
        (
            "participant.mute",
            json!({ "participant": "x", "source": "microphone", "allow_unmute": true }),
            "data.allow_unmute",
        ),
    ] {
        assert_eq!(ada.error(kind, data).await["field"], field, "{kind}");
    }
}

#[tokio::test]
async fn a_new_name_of_an_account_is_seen_in_the_room() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let mut bo = server.member("Bo", &room).await;
    bo.ok("account.update", json!({ "display_name": "Robert" }))
        .await;
    let seen = ada.event("participant.updated").await;
    assert_eq!(seen["participant"]["display_name"], "Robert");
    assert_eq!(seen["participant"]["user"]["display_name"], "Robert");
}

#[tokio::test]
async fn who_comes_too_early_is_told_when_to_come_again() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let begin = Timestamp::now().plus_millis(3_600_000).to_string();
    let early = ada
        .create(json!({ "name": "Later", "begin_at": begin }))
        .await;
    let mut bo = server.guest("Bo").await;
    let refused = bo.error("room.join", json!({ "identity": early })).await;
    assert_eq!(refused["code"], "room.not_started");
    let wait = refused["retry_after_ms"].as_u64().unwrap();
    assert!((2_900_000..=3_000_000).contains(&wait), "{wait}");
    ada.join(&early).await;
    let join = json!({ "identity": early });
    assert_eq!(bo.refused("room.join", join).await, "room.not_started");
}

#[tokio::test]
async fn a_meeting_that_ends_on_time_ends_by_itself() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let now = Timestamp::now();
    let settings = json!({
        "name": "Short", "begin_at": now.to_string(), "end_at": now.plus_millis(4_000).to_string(),
        "ends_on_time": true, "lobby": true,
    });
    let room = ada.create(settings).await;
    ada.join(&room).await;
    let join = json!({ "identity": room });
    let mut bo = server.guest("Bo").await;
    assert_eq!(bo.refused("room.join", join.clone()).await, "room.waiting");
    assert_eq!(soon(ada.closed()).await, 4404);
    assert_eq!(ada.event("room.ended").await["reason"], "time");
    assert_eq!(bo.event("lobby.denied").await["reason"], "ended");
    assert_eq!(bo.refused("room.join", join).await, "room.ended");
}

#[tokio::test]
async fn a_screens_sound_is_no_way_around_being_muted() {
    let mut meeting = Meeting::new(json!({ "topology": "p2p" })).await;
    let sound = || json!({ "source": "screen_audio", "active": true });
    let picture = json!({ "source": "screen", "active": true });
    let member = meeting.get("member");
    member.ok("media.source", picture).await;
    let runs = member.ok("media.source", sound()).await;
    let mute = json!({ "participant": "all", "source": "microphone", "allow_unmute": false });
    meeting.get("cohost").ok("participant.mute", mute).await;
    for role in ["member", "other", "cohost"] {
        let gone = meeting.get(role).event("media.track.unpublished").await;
        assert_eq!(gone["track"], runs["track"]["id"], "{role} is told");
    }
    let refused = meeting.get("member").refused("media.source", sound()).await;
    assert_eq!(refused, "perm.denied");
    let member = meeting.membership("member");
    let ask = json!({ "participant": member });
    meeting.get("host").ok("participant.ask_unmute", ask).await;
    let refused = meeting.get("member").refused("media.source", sound()).await;
    assert_eq!(refused, "perm.denied", "asked for is the microphone alone");
    // The picture goes on, and who governs is not bound by it.
    let identity = json!({ "identity": meeting.room });
    let roster = meeting.get("member").ok("room.roster", identity).await;
    let people = roster["participants"].as_array().unwrap();
    let sources: Vec<&Value> = people
        .iter()
        .flat_map(|person| person["tracks"].as_array().unwrap())
        .map(|track| &track["source"])
        .collect();
    assert_eq!(sources, [&json!("screen")]);
    meeting.get("cohost").ok("media.source", sound()).await;
}
