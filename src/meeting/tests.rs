//! Commands, answers and events cross a wire: each is read back as it was written.

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::command::{Changes, PasswordEdit, Signal, Switch};
use super::media::MediaEvent;
use super::snapshot::tests::crossed;
use super::stories::{
    again, at, attach, detach, edited, facts, join, leave, lost, membership, newcomer, post,
    room_with, start, track, user, view,
};
use super::{Command, Reply};
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{EndReason, Event, SlotsData};
use crate::protocol::ids::MessageId;
use crate::protocol::object::{Action, BanLength, IceCandidate, Layer, Reaction, Role, Source};
use crate::protocol::passed_on::JsonString;
use crate::protocol::request::{Candidate, DownOffer, Everyone, Target, Targets};

/// The names of all variants, as the reader of `T` itself tells them.
fn variants<T: DeserializeOwned>(nonsense: &str) -> BTreeSet<String> {
    let Err(error) = serde_json::from_str::<T>(nonsense) else {
        panic!("nonsense is read");
    };
    let error = error.to_string();
    let (_, names) = error.split_once("expected one of ").unwrap();
    names
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// Each is read back as it was, and every variant is among them.
fn all_cross<T>(samples: Vec<T>)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let mut seen = BTreeSet::new();
    for sample in samples {
        assert_eq!(crossed(&sample), sample);
        seen.insert(match serde_json::to_value(&sample).unwrap() {
            Value::String(name) => name,
            Value::Object(object) => object.keys().next().unwrap().clone(),
            other => panic!("{other}"),
        });
    }
    assert_eq!(seen, variants::<T>("\"Nonsense\""));
}

fn media_events() -> Vec<MediaEvent> {
    vec![
        MediaEvent::Slots {
            to: membership("bo"),
            slots: SlotsData { slots: Vec::new() },
        },
        MediaEvent::Offer {
            to: membership("bo"),
            offer: DownOffer {
                revision: 3,
                sdp: "v=0\r\n".to_owned(),
                slots: Vec::new(),
            },
        },
        MediaEvent::Format {
            track: track("t"),
            codec: "VP8".to_owned(),
            layers: vec![Layer {
                rid: "h".to_owned(),
                width: 1280,
                height: 720,
                bitrate: 1,
            }],
        },
        MediaEvent::Demand {
            track: track("t"),
            layers: vec!["q".to_owned()],
        },
        MediaEvent::Quality {
            participant: membership("bo"),
            score: 3,
            rtt_ms: Some(20),
            loss: 0.1,
        },
        MediaEvent::Failed,
        MediaEvent::Broke {
            participant: membership("bo"),
        },
        MediaEvent::Speakers {
            participants: vec![membership("bo")],
        },
    ]
}

fn signals() -> Vec<Signal> {
    let connection = Some("file:1".to_owned());
    let sdp = JsonString::new("v=0\r\n");
    let object = IceCandidate {
        candidate: "candidate:1".to_owned(),
        sdp_mid: Some("0".to_owned()),
        sdp_m_line_index: Some(0),
        username_fragment: None,
    };
    let candidate = |candidate| Signal::Candidate {
        connection: None,
        candidate,
    };
    vec![
        Signal::Offer {
            connection: connection.clone(),
            sdp: sdp.clone(),
        },
        Signal::Answer { connection, sdp },
        candidate(None),
        candidate(Some(Candidate::Object(object))),
        candidate(Some(Candidate::Line("candidate:1".to_owned()))),
    ]
}

fn governing() -> Vec<Command> {
    let (by, whom) = (membership("ada"), membership("bo"));
    let (one, all) = (Target::One(whom.clone()), Target::Everyone(Everyone::All));
    let these = Targets::These(vec![whom.clone()]);
    vec![
        Command::Mute {
            by: by.clone(),
            whom: all,
            source: Source::Microphone,
        },
        Command::AskUnmute {
            by: by.clone(),
            whom: whom.clone(),
            source: Source::Camera,
        },
        Command::LowerHand {
            by: by.clone(),
            whom: one,
        },
        Command::Rename {
            by: by.clone(),
            whom: whom.clone(),
            display_name: user("bob").display_name,
        },
        Command::SetRole {
            by: by.clone(),
            whom: whom.clone(),
            role: Role::Cohost,
        },
        Command::ConsiderBan {
            by: by.clone(),
            whom: whom.clone(),
            until: BanLength::Forever,
        },
        Command::Remove {
            by: by.clone(),
            whom: whom.clone(),
            ban: Some(BanLength::Meeting),
        },
        Command::Unban {
            user: user("bo").id,
        },
        Command::Bans,
        Command::Admit {
            by: by.clone(),
            who: these,
        },
        Command::Deny {
            by: by.clone(),
            who: Targets::Everyone(Everyone::All),
        },
        Command::Spotlight {
            by: by.clone(),
            whom: vec![whom],
        },
        Command::SetTimer {
            by: by.clone(),
            duration_ms: Some(1_000),
        },
        Command::End { by },
    ]
}

fn commands() -> Vec<Command> {
    let participant = || membership("bo");
    let mut commands = vec![
        join("bo"),
        Command::Knock(Box::new(newcomer("bo", "bo"))),
        Command::Look {
            participant: participant(),
        },
        leave("bo"),
        lost("bo"),
        detach("bo"),
        attach("bo", true, true),
        Command::Close {
            reason: EndReason::Operator,
        },
        Command::Delete {
            by: Some(participant()),
        },
        edited(facts()),
        Command::Edited {
            facts: Box::new(facts()),
            password: PasswordEdit::Changed,
        },
        Command::Roster,
        Command::Update {
            participant: participant(),
            changes: Changes {
                hand: Some(true),
                ..Changes::default()
            },
        },
        Command::Authorise {
            participant: participant(),
            action: Action::Edit,
        },
        post("ada", Some("bo"), "hello"),
        again(post("ada", Some("bo"), "hello")),
        Command::Deleted {
            message: MessageId::random(),
            between: Some((user("ada").id, user("bo").id)),
        },
        Command::Readable {
            participant: participant(),
        },
        Command::Renamed {
            participant: participant(),
            user: Box::new(user("bob")),
        },
        Command::React {
            by: participant(),
            emoji: Reaction::Applause,
        },
        Command::Negotiated {
            participant: participant(),
            sources: vec![
                (Source::Camera, Some("VP8".to_owned())),
                (Source::Screen, None),
            ],
        },
        start("bo", Source::Camera, "t"),
        Command::SetSource {
            participant: participant(),
            source: Source::Camera,
            switch: Switch::Off,
        },
        Command::Tick,
    ];
    commands.extend(governing());
    commands.extend(signals().into_iter().map(|signal| Command::Signal {
        from: membership("ada"),
        to: membership("bo"),
        signal,
    }));
    commands.extend(media_events().into_iter().map(Command::Media));
    commands
}

#[test]
fn every_command_crosses_a_wire() {
    all_cross(media_events());
    all_cross(signals());
    all_cross(commands());
}

#[test]
fn every_answer_crosses_a_wire() {
    let mut room = room_with(&["ada", "bo"]);
    let seen = view(&mut room, "ada");
    let mut answer = |command| room.handle(command, at(5)).reply.unwrap();
    let ban = Command::ConsiderBan {
        by: membership("ada"),
        whom: membership("bo"),
        until: BanLength::Forever,
    };
    let timer = Command::SetTimer {
        by: membership("ada"),
        duration_ms: Some(1_000),
    };
    let replies = vec![
        Reply::Done,
        Reply::Waiting,
        Reply::TurnedAway,
        Reply::Participant(Box::new(seen.me.clone())),
        Reply::View(Box::new(seen)),
        Reply::Track(None),
        Reply::Since(Some(at(1))),
        Reply::Bans(Vec::new()),
        answer(Command::Roster),
        answer(post("ada", None, "hello")),
        answer(ban),
        answer(timer),
    ];
    for reply in &replies {
        let decision: Result<Reply, ErrorCode> = Ok(reply.clone());
        assert_eq!(crossed(&decision), decision);
    }
    all_cross(replies);
    for code in ErrorCode::ALL {
        assert_eq!(crossed(code), *code);
    }
}

/// The samples are the golden files of what clients are told.
#[test]
fn every_event_crosses_a_wire() {
    let mut seen = BTreeSet::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for kind in variants::<Event>("{\"type\":\"nonsense\",\"data\":{}}") {
        let file = folder.join(format!("{kind}.json"));
        let golden: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let golden = &golden["event"];
        let event: Event = serde_json::from_value(golden.clone()).unwrap();
        assert_eq!(event.kind(), kind);
        let data: Value = serde_json::from_str(&event.data()).unwrap();
        assert_eq!(data, golden["data"], "{kind}");
        assert_eq!(crossed(&event), event);
        seen.insert(kind);
    }
    assert!(seen.len() > 30, "{seen:?}");
}
