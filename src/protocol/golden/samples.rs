//! A sample of each message. Ada owns the room and Bo is a guest.

use serde_json::{Value, json};

use crate::protocol::frame::{self};
use crate::protocol::object::*;
use crate::protocol::request::*;
use crate::protocol::text::{ChatText, DisplayName, RoomName, Username};
use crate::protocol::time::Timestamp;
use crate::protocol::time_zone::TimeZone;

pub(super) const IDENTITY: &str = "k3v9Qx0aBcDeFgHiJkLmNo";

/// One message, as it is built here and as it travels.
pub enum Sample {
    /// What a client sends, what that means, and the answer.
    Request {
        frame: Value,
        request: Box<Request>,
        answer: String,
    },
    /// What a client is told.
    Event { kind: &'static str, frame: String },
    /// The first frame.
    Hello(String),
    /// Refusals: plain, of a field, with a time, and of what was no request.
    Errors(Vec<String>),
}

/// One of each.
pub fn all() -> Vec<Sample> {
    let mut samples = super::entering::all();
    samples.extend(super::meeting::all());
    samples.extend(super::governing::all());
    samples
}

pub(super) fn id<T: TryFrom<String, Error: std::fmt::Debug>>(raw: &str) -> T {
    T::try_from(raw.to_owned()).unwrap()
}

pub(super) fn at(second: i64) -> Timestamp {
    // 2026-01-31T09:30:00Z and so many seconds.
    Timestamp::from_unix_millis((1_769_851_800 + second) * 1_000).unwrap()
}

pub(super) fn name(raw: &str) -> DisplayName {
    DisplayName::parse(raw).unwrap()
}

pub(super) fn ada() -> User {
    User {
        id: id("u-ada"),
        username: Some(Username::parse("ada").unwrap()),
        display_name: name("Ada Lovelace"),
        avatar_url: "/avatars/u-ada.svg?n=AL".to_owned(),
        kind: UserKind::Account,
    }
}

pub(super) fn bo() -> User {
    User {
        id: id("u-bo"),
        username: None,
        display_name: name("陈博"),
        avatar_url: "/avatars/u-bo.svg?n=%E9%99%88%E5%8D%9A".to_owned(),
        kind: UserKind::Guest,
    }
}

pub(super) fn berlin() -> TimeZone {
    TimeZone::try_from("Europe/Berlin".to_owned()).unwrap()
}

pub(super) fn room() -> Room {
    Room {
        identity: id(IDENTITY),
        number: Some("123456789".to_owned()),
        name: RoomName::parse("Weekly review").unwrap(),
        begin_at: Some(at(0)),
        end_at: None,
        owner: ada(),
        state: RoomState::Live,
        locked: false,
        has_password: true,
        lobby: false,
        waiting: WhoWaits::Nobody,
        guests: true,
        start_muted: false,
        start_camera_off: false,
        topology: Topology::Sfu,
        max_participants: 100,
        participants: 2,
        permissions: Permissions::default(),
        history: HistoryAccess::All,
        hide_number: false,
        early_ms: 600_000,
        ends_on_time: false,
        recurrence: Some("FREQ=WEEKLY;BYDAY=SA".to_owned()),
        time_zone: Some(berlin()),
        next: Some(Occurrence {
            begin_at: at(0),
            end_at: None,
        }),
        permanent: true,
        version: 3,
        created_at: at(-3_600),
    }
}

pub(super) fn microphone() -> Track {
    Track {
        id: id("t-1"),
        participant: id("p-ada"),
        kind: MediaKind::Audio,
        source: Source::Microphone,
        muted: false,
        codec: Some("opus".to_owned()),
        layers: Vec::new(),
    }
}

pub(super) fn camera() -> Track {
    let layer = |rid: &str, width, height, bitrate| Layer {
        rid: rid.to_owned(),
        width,
        height,
        bitrate,
    };
    Track {
        id: id("t-2"),
        participant: id("p-ada"),
        kind: MediaKind::Video,
        source: Source::Camera,
        muted: false,
        codec: Some("VP8".to_owned()),
        layers: vec![
            layer("q", 320, 180, 150_000),
            layer("h", 640, 360, 500_000),
            layer("f", 1_280, 720, 1_700_000),
        ],
    }
}

pub(super) fn host() -> Participant {
    Participant {
        id: id("p-ada"),
        user: ada(),
        display_name: name("Ada Lovelace"),
        role: Role::Host,
        joined_at: at(1),
        hand_raised_at: None,
        connection: Connection::Online,
        audio: true,
        video: true,
        tracks: vec![microphone(), camera()],
    }
}

pub(super) fn member() -> Participant {
    Participant {
        id: id("p-bo"),
        user: bo(),
        display_name: name("陈博"),
        role: Role::Member,
        joined_at: at(2),
        hand_raised_at: Some(at(9)),
        connection: Connection::Online,
        audio: false,
        video: false,
        tracks: Vec::new(),
    }
}

pub(super) fn message() -> ChatMessage {
    ChatMessage {
        id: id("m-1"),
        participant: id("p-bo"),
        user: bo(),
        display_name: name("陈博"),
        to: None,
        text: ChatText::parse("Hello,\nall.").unwrap(),
        client_id: Some("c-17".to_owned()),
        sent_at: at(10),
    }
}

pub(super) fn joined() -> Joined {
    Joined {
        room: room(),
        me: member(),
        participants: vec![host(), member()],
        permissions: Permissions::default(),
        actions: vec![
            Action::Unmute,
            Action::Camera,
            Action::Screen,
            Action::Chat,
            Action::PrivateChat,
            Action::Files,
            Action::Rename,
            Action::React,
        ],
        lobby: Vec::new(),
        spotlight: vec![id("p-ada")],
        timer: Some(timer()),
        ice_servers: vec![
            IceServer {
                urls: vec!["stun:meet.example:3478".to_owned()],
                username: None,
                credential: None,
            },
            IceServer {
                urls: vec!["turn:meet.example:3478?transport=udp".to_owned()],
                username: Some("1769855400:u-bo".to_owned()),
                credential: Some("c2VjcmV0".to_owned()),
            },
        ],
        chat: vec![message()],
    }
}

pub(super) fn timer() -> Timer {
    Timer {
        started_at: at(60),
        ends_at: at(360),
        duration_ms: 300_000,
        by: id("p-ada"),
    }
}

pub(super) fn sample<T: serde::Serialize>(data: Value, request: Request, answer: T) -> Sample {
    let mut frame = json!({ "type": request.kind(), "id": 7 });
    // Where there is nothing to say, data is left out.
    if data != json!({}) {
        frame["data"] = data;
    }
    Sample::Request {
        frame,
        request: Box::new(request),
        answer: frame::ok(7, &answer),
    }
}
