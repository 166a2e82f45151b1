//! A sample of each message: Ada, who owns the room, Bo, who is a guest, and what they say to the server.

use serde_json::{Value, json};

use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::event::*;
use crate::protocol::frame::{self, EncodedEvent, Hello, Limits};
use crate::protocol::object::*;
use crate::protocol::patch::Patch;
use crate::protocol::request::*;
use crate::protocol::text::{ChatText, DisplayName, Password, RoomName, Username};
use crate::protocol::time::Timestamp;
use crate::protocol::time_zone::TimeZone;

pub(super) const IDENTITY: &str = "k3v9Qx0aBcDeFgHiJkLmNo";
const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
const CANDIDATE: &str = "candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host";
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2lnbmF0dXJl";

/// One message, as it is built here and as it travels.
pub enum Sample {
    /// What a client sends, what that means, and the answer.
    Request {
        frame: Value,
        request: Request,
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
    let mut samples = vec![hello(), errors()];
    samples.extend(coming_in());
    samples.extend(rooms());
    samples.extend(meeting());
    samples.extend(media());
    samples.extend(super::governing::all());
    samples.extend(events());
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

fn berlin() -> TimeZone {
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

fn microphone() -> Track {
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

fn camera() -> Track {
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

fn host() -> Participant {
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

fn member() -> Participant {
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

fn authenticated(user: User) -> Authenticated {
    Authenticated {
        user,
        token: TOKEN.to_owned(),
        expires_at: at(43_200),
        resume_token: "r3sum3T0kenAaBbCcDdEeF".to_owned(),
    }
}

fn password(raw: &str) -> Password {
    Password::new(raw.to_owned())
}

pub(super) fn sample<T: serde::Serialize>(data: Value, request: Request, answer: T) -> Sample {
    let mut frame = json!({ "type": request.kind(), "id": 7 });
    // Where there is nothing to say, data is left out.
    if data != json!({}) {
        frame["data"] = data;
    }
    Sample::Request {
        frame,
        request,
        answer: frame::ok(7, &answer),
    }
}

fn hello() -> Sample {
    Sample::Hello(frame::hello(&Hello {
        protocol: crate::protocol::SUBPROTOCOL,
        server: "meeting/0.1.0".to_owned(),
        session: id("s3ss10nAaBbCcDdEeFfGgH"),
        heartbeat_ms: 15_000,
        limits: Limits {
            message_bytes: 262_144,
            requests_per_second: 20,
            burst: 60,
            resume_ms: 0,
        },
        auth: vec!["password", "register", "guest"],
        time: at(0),
    }))
}

fn errors() -> Sample {
    let limited = WireError::from(ErrorCode::RateLimited).retry_after(50);
    Sample::Errors(vec![
        frame::error(Some(7), &ErrorCode::RoomFull.into()),
        frame::error(Some(8), &WireError::bad_field("data.name", "is missing")),
        frame::error(Some(9), &limited),
        frame::error(None, &ErrorCode::BadJson.into()),
    ])
}

fn coming_in() -> Vec<Sample> {
    vec![
        sample(
            json!({ "username": "ada", "password": "enchantress", "display_name": "Ada Lovelace" }),
            Request::AuthRegister(AuthRegister {
                username: Username::parse("ada").unwrap(),
                password: password("enchantress"),
                display_name: Some(name("Ada Lovelace")),
            }),
            authenticated(ada()),
        ),
        sample(
            json!({ "username": "ada", "password": "enchantress" }),
            Request::AuthLogin(AuthLogin {
                username: "ada".to_owned(),
                password: password("enchantress"),
            }),
            authenticated(ada()),
        ),
        sample(
            json!({ "display_name": "陈博" }),
            Request::AuthGuest(AuthGuest {
                display_name: name("陈博"),
            }),
            authenticated(bo()),
        ),
        sample(
            json!({ "token": TOKEN }),
            Request::AuthToken(AuthToken {
                token: TOKEN.to_owned(),
            }),
            authenticated(ada()),
        ),
        sample(
            json!({}),
            Request::AuthRefresh(AuthRefresh {}),
            authenticated(ada()),
        ),
        sample(json!({}), Request::AuthLogout(AuthLogout {}), Empty {}),
        sample(
            json!({ "display_name": "Ada Lovelace", "current_password": "enchantress", "new_password": "numbers1843" }),
            Request::AccountUpdate(AccountUpdate {
                display_name: Some(name("Ada Lovelace")),
                current_password: Some(password("enchantress")),
                new_password: Some(password("numbers1843")),
            }),
            UserAnswer { user: ada() },
        ),
        sample(
            json!({ "session": "s3ss10nAaBbCcDdEeFfGgH", "resume_token": "r3sum3T0kenAaBbCcDdEeF", "last_seq": 41 }),
            Request::SessionResume(SessionResume {
                session: id("s3ss10nAaBbCcDdEeFfGgH"),
                resume_token: "r3sum3T0kenAaBbCcDdEeF".to_owned(),
                last_seq: 41,
            }),
            Resumed {
                resumed: true,
                replayed: 2,
                resume_token: "r3sum3T0kenGgHhIiJjKkL".to_owned(),
            },
        ),
        sample(
            json!({ "client_time": "2026-01-31T09:30:00.250Z" }),
            Request::Ping(Ping {
                client_time: Some(serde::de::IgnoredAny),
            }),
            Pong { time: at(0) },
        ),
    ]
}

fn rooms() -> Vec<Sample> {
    let identity = || IDENTITY.to_owned();
    let quiet = Permissions {
        chat: false,
        ..Permissions::default()
    };
    vec![
        sample(
            json!({
                "name": "Weekly review", "begin_at": "2026-01-31T09:30:00.000Z", "end_at": "2026-01-31T10:30:00+00:00",
                "password": "sesame", "lobby": false, "locked": false, "max_participants": 100, "topology": "sfu",
                "permissions": { "chat": false }, "history": "joined", "hide_number": false, "early_ms": 600_000,
                "ends_on_time": true, "recurrence": "FREQ=WEEKLY;BYDAY=SA",
                "time_zone": "Europe/Berlin", "permanent": true
            }),
            Request::RoomCreate(RoomCreate {
                name: RoomName::parse("Weekly review").unwrap(),
                begin_at: Some(at(0)),
                end_at: Some(at(3_600)),
                password: Some(password("sesame")),
                lobby: Some(false),
                locked: Some(false),
                max_participants: Some(100),
                topology: Some(Topology::Sfu),
                permissions: Some(PermissionsChange {
                    chat: Some(false),
                    ..PermissionsChange::default()
                }),
                history: Some(HistoryAccess::Joined),
                hide_number: Some(false),
                early_ms: Some(600_000),
                ends_on_time: Some(true),
                recurrence: Some("FREQ=WEEKLY;BYDAY=SA".to_owned()),
                time_zone: Some(berlin()),
                permanent: Some(true),
            }),
            RoomAnswer {
                room: Room {
                    state: RoomState::Scheduled,
                    end_at: Some(at(3_600)),
                    participants: 0,
                    permissions: quiet,
                    history: HistoryAccess::Joined,
                    ends_on_time: true,
                    next: Some(Occurrence {
                        begin_at: at(0),
                        end_at: Some(at(3_600)),
                    }),
                    version: 1,
                    ..room()
                },
            },
        ),
        sample(
            json!({ "identity": IDENTITY, "version": 2, "name": "Weekly review", "end_at": null, "password": "sesame", "recurrence": null,
                "time_zone": null }),
            Request::RoomEdit(RoomEdit {
                identity: identity(),
                version: Some(2),
                name: Some(RoomName::parse("Weekly review").unwrap()),
                begin_at: Patch::Keep,
                end_at: Patch::Clear,
                password: Patch::Set(password("sesame")),
                lobby: Patch::Keep,
                locked: Patch::Keep,
                max_participants: Patch::Keep,
                topology: Patch::Keep,
                permissions: Patch::Keep,
                history: Patch::Keep,
                hide_number: Patch::Keep,
                early_ms: Patch::Keep,
                ends_on_time: Patch::Keep,
                recurrence: Patch::Clear,
                time_zone: Patch::Clear,
                permanent: Patch::Keep,
            }),
            RoomAnswer {
                room: Room {
                    recurrence: None,
                    time_zone: None,
                    ..room()
                },
            },
        ),
        sample(
            json!({ "identity": IDENTITY }),
            Request::RoomDelete(RoomDelete {
                identity: identity(),
            }),
            Empty {},
        ),
        sample(
            json!({ "page": 1, "size": 20, "keyword": "review", "scope": "mine" }),
            Request::RoomList(RoomList {
                page: 1,
                size: 20,
                keyword: Some("review".to_owned()),
                scope: Scope::Mine,
            }),
            RoomPage {
                rooms: vec![room()],
                total: 1,
            },
        ),
        sample(
            json!({ "identity": "123456789" }),
            Request::RoomGet(RoomGet {
                identity: "123456789".to_owned(),
            }),
            RoomAnswer { room: room() },
        ),
        sample(
            json!({ "identity": IDENTITY }),
            Request::RoomRoster(RoomRoster {
                identity: identity(),
            }),
            Roster {
                participants: vec![host(), member()],
            },
        ),
        sample(
            json!({ "identity": IDENTITY, "password": "sesame", "display_name": "陈博", "invite": "Y0uAr3Inv1tedAaBbCcDdE" }),
            Request::RoomJoin(RoomJoin {
                identity: identity(),
                password: Some(password("sesame")),
                display_name: Some(name("陈博")),
                invite: Some("Y0uAr3Inv1tedAaBbCcDdE".to_owned()),
            }),
            joined(),
        ),
        sample(json!({}), Request::RoomLeave(RoomLeave {}), Empty {}),
        sample(json!({}), Request::RoomEnd(RoomEnd {}), Empty {}),
    ]
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
                sdp: OFFER.to_owned(),
            }),
            Empty {},
        ),
        sample(
            signal(OFFER),
            Request::SignalAnswer(SignalAnswer {
                to: id("p-ada"),
                connection: Some("main".to_owned()),
                sdp: OFFER.to_owned(),
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
        sdp: OFFER.to_owned(),
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
        Event::SpeakerActive(SpeakerActive {
            participants: vec![id("p-ada"), id("p-bo")],
        }),
        Event::SessionReplaced(SessionReplaced {}),
    ];
    let sample = |event: Event| Sample::Event {
        kind: event.kind(),
        frame: EncodedEvent::new(&event).frame(42),
    };
    events.into_iter().map(sample).collect()
}
