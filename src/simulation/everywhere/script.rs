//! What the two do: each act begins and ends with both in the room.

use std::time::Duration;

use serde_json::json;

use super::meeting::{ADA, BO, Meeting};
use crate::meeting::media::MediaEvent;
use crate::protocol::event::SlotsData;
use crate::protocol::object::Source;
use crate::protocol::request::DownOffer;

/// A part of the meeting, and its name.
pub type Act = (&'static str, fn(&mut Meeting));

/// The whole meeting.
pub const ACTS: [Act; 12] = [
    ("they talk", talk),
    ("they send pictures", send_pictures),
    ("they look around", look_around),
    ("ada governs", govern),
    ("bo goes and comes", go_and_come),
    ("bo waits at the door", wait_at_the_door),
    ("bo logs in", log_in),
    ("they are reminded of the end", wait_for_the_reminder),
    ("bo opens another page", open_another_page),
    ("ada ends the meeting", end),
    ("ada deletes the room", delete),
    ("the server is started again", restart),
];

fn talk(meeting: &mut Meeting) {
    for (who, text) in [(ADA, "one"), (BO, "two")] {
        meeting.ok(who, "chat.send", json!({ "text": text, "client_id": text }));
    }
    let first = meeting.people[ADA].picture.as_ref().unwrap().view.chat[0].clone();
    meeting.ok(BO, "chat.history", json!({}));
    meeting.ok(ADA, "chat.delete", json!({ "message": first.id }));
    meeting.ok(BO, "reaction.send", json!({ "emoji": "👍" }));
    meeting.ok(BO, "participant.update", json!({ "hand": true }));
    let to = meeting.id(ADA);
    let sdp = json!({ "to": to, "sdp": "v=0", "connection": "file:1" });
    meeting.ok(BO, "signal.offer", sdp.clone());
    meeting.ok(BO, "signal.answer", sdp);
    let end = json!({ "to": to, "candidate": null, "connection": "file:1" });
    meeting.ok(BO, "signal.candidate", end);
    meeting.ok(ADA, "ping", json!({}));
}

/// Much happens while one comes in.
pub fn come_in_while_much_happens(meeting: &mut Meeting) {
    let (ada, bo) = (meeting.id(ADA), meeting.id(BO));
    meeting.ok(BO, "room.leave", json!({}));
    let said = |text: &str| json!({ "text": text, "client_id": text });
    meeting.ask_at_once(vec![
        (BO, "room.join", json!({ "identity": "room" })),
        (BO, "participant.update", json!({ "hand": true })),
        (ADA, "chat.send", said("one")),
        (ADA, "timer.set", json!({ "duration_ms": 60_000 })),
        (ADA, "participant.update", json!({ "hand": true })),
        (ADA, "spotlight.set", json!({ "participants": [ada] })),
        (ADA, "timer.set", json!({ "duration_ms": null })),
        (ADA, "participant.update", json!({ "hand": false })),
        (ADA, "spotlight.set", json!({ "participants": [] })),
        (ADA, "chat.send", said("two")),
    ]);
    assert_ne!(meeting.id(BO), bo);
}

fn send_pictures(meeting: &mut Meeting) {
    meeting.ok(BO, "media.publish", json!({}));
    for source in ["microphone", "camera"] {
        let begin = json!({ "source": source, "active": true });
        meeting.ok(BO, "media.source", begin);
    }
    meeting.ok(ADA, "media.receive", json!({}));
    meeting.ask(ADA, "media.answer", json!({ "revision": 1, "sdp": "" }));
    meeting.ok(ADA, "media.view", json!({ "tiles": [] }));
    let end = json!({ "connection": "down", "candidate": null });
    meeting.ok(ADA, "media.candidate", end);
    meeting.ok(ADA, "media.restart", json!({ "connection": "down" }));
    what_the_media_worker_tells(meeting);
    let muted = json!({ "participant": meeting.id(BO), "source": "microphone" });
    meeting.ok(ADA, "participant.mute", muted);
    let end = json!({ "source": "camera", "active": false });
    meeting.ok(BO, "media.source", end);
}

fn what_the_media_worker_tells(meeting: &mut Meeting) {
    let (ada, bo) = (meeting.id(ADA), meeting.id(BO));
    let people = &meeting.people[BO]
        .picture
        .as_ref()
        .unwrap()
        .view
        .participants;
    let mut tracks = people.iter().flat_map(|person| &person.tracks);
    let camera = tracks.rfind(|track| track.source == Source::Camera);
    let track = camera.unwrap().id.clone();
    let offer = DownOffer {
        revision: 9,
        sdp: "v=0".to_owned(),
        slots: Vec::new(),
    };
    for event in [
        MediaEvent::Slots {
            to: ada.clone(),
            slots: SlotsData { slots: Vec::new() },
        },
        MediaEvent::Offer { to: ada, offer },
        MediaEvent::Demand {
            track,
            layers: vec!["h".to_owned()],
        },
        MediaEvent::Speakers {
            participants: vec![bo.clone()],
        },
        MediaEvent::Quality {
            participant: bo.clone(),
            score: 2,
            rtt_ms: None,
            loss: 0.1,
        },
        MediaEvent::Broke { participant: bo },
    ] {
        meeting.media_tells(event);
    }
}

fn look_around(meeting: &mut Meeting) {
    let room = || json!({ "identity": "room" });
    for kind in [
        "room.get",
        "room.roster",
        "room.attendance",
        "room.bans",
        "invite.create",
        "invite.list",
        "invite.revoke",
    ] {
        meeting.ok(ADA, kind, room());
    }
    for kind in ["room.create", "room.list", "check.begin", "auth.refresh"] {
        meeting.ok(BO, kind, json!({}));
    }
    let name = json!({ "display_name": "Bo the Second" });
    meeting.ok(BO, "account.update", name);
    meeting.ok(ADA, "room.edit", json!({ "locked": true }));
    meeting.ok(BO, "auth.refresh", json!({}));
    meeting.ok(ADA, "room.edit", json!({ "locked": false }));
}

fn govern(meeting: &mut Meeting) {
    let bo = meeting.id(BO);
    meeting.ok(BO, "participant.update", json!({ "hand": true }));
    for (kind, field, value) in [
        ("participant.lower_hand", "participant", json!("all")),
        ("participant.ask_unmute", "source", json!("microphone")),
        ("participant.rename", "display_name", json!("Bob")),
        ("participant.set_role", "role", json!("cohost")),
        ("participant.set_role", "role", json!("member")),
    ] {
        let mut data = json!({ "participant": bo });
        data[field] = value;
        meeting.ok(ADA, kind, data);
    }
    meeting.ok(ADA, "spotlight.set", json!({ "participants": [bo] }));
    meeting.ok(ADA, "timer.set", json!({ "duration_ms": 60_000 }));
}

fn go_and_come(meeting: &mut Meeting) {
    meeting.ok(BO, "room.leave", json!({}));
    meeting.ok(BO, "room.join", json!({ "identity": "room" }));
}

fn wait_at_the_door(meeting: &mut Meeting) {
    let user = meeting.people[BO]
        .picture
        .as_ref()
        .unwrap()
        .view
        .me
        .user
        .id
        .clone();
    meeting.ok(BO, "room.leave", json!({}));
    meeting.ok(ADA, "room.edit", json!({ "waiting": "everyone" }));
    for kind in ["lobby.deny", "lobby.admit"] {
        let code = meeting.ask(BO, "room.join", json!({ "identity": "room" }));
        assert_eq!(code.as_deref(), Some("room.waiting"));
        let at_door = &meeting.people[ADA].picture.as_ref().unwrap().view.lobby;
        let [visitor] = &at_door[..] else {
            panic!("one waits: {at_door:?}");
        };
        let who = json!({ "participants": [visitor.id] });
        meeting.ok(ADA, kind, who);
        if kind == "lobby.deny" {
            let user = json!({ "identity": "room", "user": user });
            meeting.ok(ADA, "room.unban", user);
        }
    }
    meeting.ok(ADA, "room.edit", json!({ "waiting": "nobody" }));
    let removed = json!({ "participant": meeting.id(BO) });
    meeting.ok(ADA, "participant.remove", removed);
    meeting.gather();
}

fn log_in(meeting: &mut Meeting) {
    for kind in ["auth.register", "auth.login", "auth.guest", "auth.token"] {
        meeting.log_in_by(BO, kind);
    }
    meeting.ask(BO, "auth.logout", json!({}));
    meeting.gather();
}

fn wait_for_the_reminder(meeting: &mut Meeting) {
    meeting.wait(Duration::from_secs(40));
}

fn open_another_page(meeting: &mut Meeting) {
    meeting.open_another_page(BO);
    meeting.gather();
}

fn end(meeting: &mut Meeting) {
    meeting.ok(ADA, "room.end", json!({}));
    meeting.gather();
}

fn delete(meeting: &mut Meeting) {
    meeting.ok(ADA, "room.delete", json!({}));
    meeting.gather();
}

fn restart(meeting: &mut Meeting) {
    meeting.ok(BO, "participant.update", json!({ "hand": true }));
    meeting.restart();
    meeting.gather();
    meeting.ok(
        BO,
        "chat.send",
        json!({ "text": "back", "client_id": "back" }),
    );
}
