//! Samples of the messages before a meeting: hello, refusals, logging in, rooms.

use serde_json::json;

use super::samples::{
    IDENTITY, Sample, ada, at, berlin, bo, host, id, joined, member, name, room, sample,
};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::frame::{self, Hello, Limits};
use crate::protocol::object::*;
use crate::protocol::patch::Patch;
use crate::protocol::request::*;
use crate::protocol::text::{Password, RoomName, Username};

/// One of each.
pub fn all() -> Vec<Sample> {
    let mut samples = vec![hello(), errors()];
    samples.extend(coming_in());
    samples.extend(rooms());
    samples
}

const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2lnbmF0dXJl";

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
            resume_ms: 30_000,
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
                last_seq: Some(41),
            }),
            Resumed {
                resumed: true,
                replayed: 2,
                resume_token: "r3sum3T0kenGgHhIiJjKkL".to_owned(),
                user: ada(),
                seq: 41,
                view: None,
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
                "password": "sesame", "lobby": true, "waiting": "guests", "guests": true, "start_muted": true,
                "start_camera_off": false, "locked": false, "max_participants": 100, "topology": "sfu",
                "permissions": { "chat": false }, "history": "joined", "hide_number": false, "early_ms": 600_000,
                "ends_on_time": true, "recurrence": "FREQ=WEEKLY;BYDAY=SA",
                "time_zone": "Europe/Berlin", "permanent": true
            }),
            Request::RoomCreate(RoomCreate {
                name: RoomName::parse("Weekly review").unwrap(),
                begin_at: Some(at(0)),
                end_at: Some(at(3_600)),
                password: Some(password("sesame")),
                lobby: Some(true),
                waiting: Some(WhoWaits::Guests),
                guests: Some(true),
                start_muted: Some(true),
                start_camera_off: Some(false),
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
                    lobby: true,
                    waiting: WhoWaits::Guests,
                    start_muted: true,
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
                waiting: Patch::Keep,
                guests: Patch::Keep,
                start_muted: Patch::Keep,
                start_camera_off: Patch::Keep,
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
            json!({ "page": 1, "size": 20, "keyword": "review", "scope": "joined" }),
            Request::RoomList(RoomList {
                page: 1,
                size: 20,
                keyword: Some("review".to_owned()),
                scope: Scope::Joined,
            }),
            RoomPage {
                rooms: vec![room()],
                total: 1,
                visits: vec![Visit {
                    room: id(IDENTITY),
                    role: Role::Cohost,
                    joined_at: Some(at(0)),
                    left_at: Some(at(3_600)),
                }],
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
