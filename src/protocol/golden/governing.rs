//! Samples of the messages by which a meeting is governed. Ada is its host, Bo is a member, and Cy waits at the door.

use serde_json::json;

use super::samples::{IDENTITY, Sample, at, bo, id, joined, message, name, room, sample, timer};
use crate::protocol::event::*;
use crate::protocol::frame::EncodedEvent;
use crate::protocol::object::*;
use crate::protocol::request::*;
use crate::protocol::text::RoomName;

const INVITE_TOKEN: &str = "Y0uAr3Inv1tedAaBbCcDdE";

/// One of each.
pub fn all() -> Vec<Sample> {
    let mut samples = remembered();
    samples.extend(invites());
    samples.extend(people());
    samples.extend(together());
    samples.extend(events());
    samples
}

fn cy() -> User {
    User {
        id: id("u-cy"),
        display_name: name("Cy"),
        avatar_url: "/avatars/u-cy.svg?n=C".to_owned(),
        ..bo()
    }
}

fn waiting() -> Waiting {
    Waiting {
        id: id("p-cy"),
        user: cy(),
        display_name: name("Cy"),
        since: at(20),
    }
}

fn invite() -> Invite {
    Invite {
        id: id("i-1"),
        name: Some(RoomName::parse("Speakers").unwrap()),
        role: Role::Cohost,
        expires_at: Some(at(86_400)),
        max_uses: Some(3),
        uses: 1,
        created_at: at(-60),
        created_by: id("u-ada"),
    }
}

fn remembered() -> Vec<Sample> {
    let identity = || IDENTITY.to_owned();
    vec![
        sample(
            json!({ "identity": IDENTITY, "page": 1, "size": 100 }),
            Request::RoomAttendance(RoomAttendance {
                identity: identity(),
                page: 1,
                size: 100,
            }),
            AttendancePage {
                attendance: vec![Attendance {
                    user: bo(),
                    display_name: name("陈博"),
                    role: Role::Member,
                    joined_at: at(2),
                    left_at: Some(at(602)),
                    duration_ms: 600_000,
                    reason: Some(LeaveReason::Left),
                }],
                total: 1,
            },
        ),
        sample(
            json!({ "identity": IDENTITY }),
            Request::RoomBans(RoomBans {
                identity: identity(),
            }),
            Bans {
                bans: vec![Ban {
                    user: cy(),
                    display_name: name("Cy"),
                    until: BanLength::Meeting,
                    since: at(90),
                    by: id("u-ada"),
                }],
            },
        ),
        sample(
            json!({ "identity": IDENTITY, "user": "u-cy" }),
            Request::RoomUnban(RoomUnban {
                identity: identity(),
                user: id("u-cy"),
            }),
            Empty {},
        ),
        sample(
            json!({}),
            Request::CheckBegin(CheckBegin {}),
            CheckRoom {
                identity: id("ch3ckAaBbCcDdEeFfGgHhI"),
            },
        ),
    ]
}

fn invites() -> Vec<Sample> {
    vec![
        sample(
            json!({
                "identity": IDENTITY, "role": "cohost", "name": "Speakers",
                "expires_at": "2026-02-01T09:30:00.000Z", "max_uses": 3
            }),
            Request::InviteCreate(InviteCreate {
                identity: IDENTITY.to_owned(),
                role: Some(Role::Cohost),
                name: Some(RoomName::parse("Speakers").unwrap()),
                expires_at: Some(at(86_400)),
                max_uses: Some(3),
            }),
            InviteMade {
                invite: Invite {
                    uses: 0,
                    ..invite()
                },
                token: INVITE_TOKEN.to_owned(),
            },
        ),
        sample(
            json!({ "identity": IDENTITY }),
            Request::InviteList(InviteList {
                identity: IDENTITY.to_owned(),
            }),
            Invites {
                invites: vec![invite()],
            },
        ),
        sample(
            json!({ "identity": IDENTITY, "invite": "i-1" }),
            Request::InviteRevoke(InviteRevoke {
                identity: IDENTITY.to_owned(),
                invite: id("i-1"),
            }),
            Empty {},
        ),
    ]
}

fn people() -> Vec<Sample> {
    vec![
        sample(
            json!({ "participant": "all", "source": "microphone", "allow_unmute": false }),
            Request::ParticipantMute(ParticipantMute {
                participant: Target::Everyone(Everyone::All),
                source: Source::Microphone,
                allow_unmute: Some(false),
            }),
            Empty {},
        ),
        sample(
            json!({ "participant": "p-bo", "source": "microphone" }),
            Request::ParticipantAskUnmute(ParticipantAskUnmute {
                participant: id("p-bo"),
                source: Some(Source::Microphone),
            }),
            Empty {},
        ),
        sample(
            json!({ "participant": "p-bo" }),
            Request::ParticipantLowerHand(ParticipantLowerHand {
                participant: Target::One(id("p-bo")),
            }),
            Empty {},
        ),
        sample(
            json!({ "participant": "p-bo", "display_name": "Bo" }),
            Request::ParticipantRename(ParticipantRename {
                participant: id("p-bo"),
                display_name: name("Bo"),
            }),
            Empty {},
        ),
        sample(
            json!({ "participant": "p-bo", "role": "cohost" }),
            Request::ParticipantSetRole(ParticipantSetRole {
                participant: id("p-bo"),
                role: Role::Cohost,
            }),
            Empty {},
        ),
        sample(
            json!({ "participant": "p-bo", "ban": "meeting" }),
            Request::ParticipantRemove(ParticipantRemove {
                participant: id("p-bo"),
                ban: Some(BanRequest::Until(BanLength::Meeting)),
            }),
            Empty {},
        ),
        sample(
            json!({ "participants": ["p-cy"] }),
            Request::LobbyAdmit(LobbyAdmit {
                participants: Targets::These(vec![id("p-cy")]),
            }),
            Empty {},
        ),
        sample(
            json!({ "participants": "all" }),
            Request::LobbyDeny(LobbyDeny {
                participants: Targets::Everyone(Everyone::All),
            }),
            Empty {},
        ),
    ]
}

fn together() -> Vec<Sample> {
    vec![
        sample(
            json!({ "message": "m-1" }),
            Request::ChatDelete(ChatDelete { message: id("m-1") }),
            Empty {},
        ),
        sample(
            json!({ "emoji": "👏" }),
            Request::ReactionSend(ReactionSend {
                emoji: Reaction::Applause,
            }),
            Empty {},
        ),
        sample(
            json!({ "participants": ["p-ada"] }),
            Request::SpotlightSet(SpotlightSet {
                participants: vec![id("p-ada")],
            }),
            Empty {},
        ),
        sample(
            json!({ "duration_ms": 300_000 }),
            Request::TimerSet(TimerSet {
                duration_ms: Some(300_000),
            }),
            TimerAnswer {
                timer: Some(timer()),
            },
        ),
    ]
}

fn events() -> Vec<Sample> {
    let events = vec![
        Event::RoomReminder(RoomReminder {
            identity: room().identity,
            ends_at: at(3_600),
            remaining_ms: 300_000,
        }),
        Event::AskUnmute(AskUnmute {
            by: id("p-ada"),
            source: Source::Microphone,
        }),
        Event::PermissionsChanged(PermissionsChanged {
            role: Role::Cohost,
            permissions: Permissions::default(),
            actions: vec![Action::Unmute, Action::Admit, Action::Mute],
            lobby: vec![waiting()],
        }),
        Event::LobbyWaiting(LobbyWaiting {
            participant: waiting(),
        }),
        Event::LobbyUpdated(LobbyUpdated {
            hosted: false,
            reconnecting: true,
        }),
        Event::LobbyLeft(LobbyLeft {
            participant: id("p-cy"),
            reason: LobbyLeaveReason::Admitted,
        }),
        Event::LobbyAdmitted(joined()),
        Event::LobbyDenied(LobbyDenied {
            reason: LobbyDenial::Denied,
        }),
        Event::Reaction(ReactionData {
            participant: id("p-bo"),
            emoji: Reaction::Applause,
        }),
        Event::SpotlightUpdated(SpotlightUpdated {
            participants: vec![id("p-ada")],
        }),
        Event::TimerUpdated(TimerUpdated {
            timer: Some(timer()),
        }),
        Event::ChatDeleted(ChatDeleted {
            message: message().id,
        }),
        Event::QualityUpdate(QualityUpdate {
            participant: id("p-bo"),
            score: 2,
            rtt_ms: Some(180),
            loss: 0.0625,
        }),
    ];
    let sample = |event: Event| Sample::Event {
        kind: event.kind(),
        frame: EncodedEvent::new(&event).frame(42),
    };
    events.into_iter().map(sample).collect()
}
