//! Samples of the messages in a meeting: people, chat, signals, media, events.

use serde_json::{Value, json};

use super::samples::{
    IDENTITY, Sample, at, camera, host, id, member, message, microphone, name, room, sample,
};
use crate::protocol::event::*;
use crate::protocol::frame::EncodedEvent;
use crate::protocol::object::*;
use crate::protocol::passed_on::JsonString;
use crate::protocol::request::*;
use crate::protocol::text::ChatText;

/// One of each.
pub fn all() -> Vec<Sample> {
    let mut samples = meeting();
    samples.extend(media());
    samples.extend(events());
    samples
}

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
const CANDIDATE: &str = "candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host";

fn slot(mid: &str, kind: MediaKind, carries: Option<(&str, Option<&str>)>) -> Slot {
    let (track, layer) = carries.unzip();
    Slot {
        mid: mid.to_owned(),
        kind,
        track: track.map(id),
        layer: layer.flatten().map(str::to_owned),
        reason: None,
    }
}

fn down_offer() -> DownOffer {
    DownOffer {
        revision: 2,
        sdp: OFFER.to_owned(),
        slots: vec![
            slot("0", MediaKind::Audio, None),
            slot("1", MediaKind::Video, None),
        ],
    }
}

fn candidate() -> Candidate {
    Candidate::Object(IceCandidate {
        candidate: CANDIDATE.to_owned(),
        sdp_mid: Some("0".to_owned()),
        sdp_m_line_index: Some(0),
        username_fragment: Some("aBcD".to_owned()),
    })
}

fn candidate_json() -> Value {
    json!({ "candidate": CANDIDATE, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "aBcD" })
}

fn meeting() -> Vec<Sample> {
    let signal = |sdp: &str| json!({ "to": "p-ada", "connection": "main", "sdp": sdp });
    vec![
        sample(
            json!({ "display_name": "陈博", "audio": false, "video": false, "hand": true }),
            Request::ParticipantUpdate(ParticipantUpdate {
                display_name: Some(name("陈博")),
                audio: Some(false),
                video: Some(false),
                hand: Some(true),
            }),
            ParticipantAnswer {
                participant: member(),
            },
        ),
        sample(
            json!({ "text": "Hello,\nall.", "to": null, "client_id": "c-17" }),
            Request::ChatSend(ChatSend {
                text: ChatText::parse("Hello,\nall.").unwrap(),
                to: None,
                client_id: Some("c-17".to_owned()),
            }),
            MessageAnswer { message: message() },
        ),
        sample(
            json!({ "before": "m-2", "limit": 50 }),
            Request::ChatHistory(ChatHistory {
                before: Some(id("m-2")),
                limit: 50,
            }),
            ChatPage {
                messages: vec![message()],
                more: false,
            },
        ),
        sample(
            signal(OFFER),
            Request::SignalOffer(SignalOffer {
                to: id("p-ada"),
                connection: Some("main".to_owned()),
                sdp: JsonString::new(OFFER),
            }),
            Empty {},
        ),
        sample(
            signal(OFFER),
            Request::SignalAnswer(SignalAnswer {
                to: id("p-ada"),
                connection: Some("main".to_owned()),
                sdp: JsonString::new(OFFER),
            }),
            Empty {},
        ),
        sample(
            json!({ "to": "p-ada", "connection": "main", "candidate": candidate_json() }),
            Request::SignalCandidate(SignalCandidate {
                to: id("p-ada"),
                connection: Some("main".to_owned()),
                candidate: Some(candidate()),
            }),
            Empty {},
        ),
    ]
}

fn media() -> Vec<Sample> {
    vec![
        sample(
            json!({ "revision": 1, "sdp": OFFER, "sources": [{ "mid": "0", "source": "microphone" }] }),
            Request::MediaPublish(MediaPublish {
                revision: 1,
                sdp: OFFER.to_owned(),
                sources: vec![SourceMid {
                    mid: "0".to_owned(),
                    source: Source::Microphone,
                }],
            }),
            Published {
                revision: 1,
                sdp: OFFER.to_owned(),
                refused: Vec::new(),
            },
        ),
        sample(
            json!({ "source": "camera", "active": true, "muted": false }),
            Request::MediaSource(MediaSource {
                source: Source::Camera,
                active: true,
                muted: Some(false),
            }),
            TrackAnswer {
                track: Some(camera()),
            },
        ),
        sample(
            json!({ "audio_slots": 4, "video_slots": 9 }),
            Request::MediaReceive(MediaReceive {
                audio_slots: 4,
                video_slots: 9,
            }),
            down_offer(),
        ),
        sample(
            json!({ "revision": 2, "sdp": OFFER }),
            Request::MediaAnswer(MediaAnswer {
                revision: 2,
                sdp: OFFER.to_owned(),
            }),
            Empty {},
        ),
        sample(
            json!({ "tiles": [{ "track": "t-2", "width": 640, "height": 360, "priority": 1 }] }),
            Request::MediaView(MediaView {
                tiles: vec![Tile {
                    track: id("t-2"),
                    width: 640,
                    height: 360,
                    priority: 1,
                }],
            }),
            Empty {},
        ),
        sample(
            json!({ "connection": "up", "candidate": CANDIDATE }),
            Request::MediaCandidate(MediaCandidate {
                connection: Leg::Up,
                candidate: Some(Candidate::Line(CANDIDATE.to_owned())),
            }),
            Empty {},
        ),
        sample(
            json!({ "connection": "down" }),
            Request::MediaRestart(MediaRestart {
                connection: Leg::Down,
            }),
            Empty {},
        ),
    ]
}

fn events() -> Vec<Sample> {
    let signal = || SignalSdp {
        from: id("p-bo"),
        connection: Some("main".to_owned()),
        sdp: JsonString::new(OFFER),
    };
    let events = vec![
        Event::ParticipantJoined(ParticipantData {
            participant: member(),
        }),
        Event::ParticipantUpdated(ParticipantData {
            participant: host(),
        }),
        Event::ParticipantLeft(ParticipantLeft {
            participant: id("p-bo"),
            reason: LeaveReason::Left,
        }),
        Event::RoomUpdated(RoomData { room: room() }),
        Event::RoomEnded(RoomEnded {
            identity: id(IDENTITY),
            reason: EndReason::Host,
        }),
        Event::RoomDeleted(RoomDeleted {
            identity: id(IDENTITY),
        }),
        Event::ChatMessage(ChatData { message: message() }),
        Event::SignalOffer(signal()),
        Event::SignalAnswer(signal()),
        Event::SignalCandidate(SignalCandidateData {
            from: id("p-bo"),
            connection: Some("main".to_owned()),
            candidate: Some(candidate()),
        }),
        Event::MediaOffer(down_offer()),
        Event::MediaFailed(MediaFailed {}),
        Event::TrackPublished(TrackData {
            track: microphone(),
        }),
        Event::TrackUnpublished(TrackUnpublished {
            track: id("t-2"),
            participant: id("p-ada"),
        }),
        Event::TrackMuted(TrackMuted {
            track: id("t-1"),
            participant: id("p-ada"),
            muted: true,
            by: Some(id("p-ada")),
        }),
        Event::MediaSlots(SlotsData {
            slots: vec![slot("1", MediaKind::Video, Some(("t-2", Some("h"))))],
        }),
        Event::MediaDemand(MediaDemand {
            track: id("t-2"),
            layers: vec!["q".to_owned(), "h".to_owned()],
        }),
        Event::SpeakerActive(SpeakerActive {
            participants: vec![id("p-ada"), id("p-bo")],
        }),
        Event::SessionReplaced(SessionReplaced {}),
        Event::ServerDraining(ServerDraining { deadline: at(5) }),
    ];
    let sample = |event: Event| Sample::Event {
        kind: event.kind(),
        frame: EncodedEvent::new(&event).frame(42),
    };
    events.into_iter().map(sample).collect()
}
