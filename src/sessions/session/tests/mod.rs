//! The core in virtual time: stories, and random runs against a reference model.

mod asked_again;
mod coming_back;
mod cuts;
mod model;
mod stories;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::link::Standing;
use super::*;
use crate::meeting::command::Join;
use crate::meeting::state::chat::Chat;
use crate::meeting::{Command, Reply, Room};
use crate::network::Network;
use crate::protocol::error::WireError;
use crate::protocol::event::{RoomDeleted, SessionReplaced, SpeakerActive};
use crate::protocol::ids::{RoomIdentity, SessionId};
use crate::protocol::object::User;
use crate::protocol::time::Timestamp;
use crate::sessions::checks::CheckRoom;
use crate::sessions::handlers::check;

/// A session's state that needs no server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Someone {
    user: Option<User>,
    inside: Option<ParticipantId>,
    at_door: Option<ParticipantId>,
}

impl State for Someone {
    fn user(&self) -> Option<&User> {
        self.user.as_ref()
    }

    fn is_nowhere(&self) -> bool {
        self.inside.is_none() && self.at_door.is_none()
    }

    fn participant(&self) -> Option<&ParticipantId> {
        self.inside.as_ref().or(self.at_door.as_ref())
    }

    fn is_inside(&self, participant: &ParticipantId) -> bool {
        self.inside.as_ref() == Some(participant)
    }

    fn admit(&mut self, participant: &ParticipantId) -> bool {
        if let Some(waiting) = self.at_door.take_if(|waiting| waiting == participant) {
            self.inside = Some(waiting);
        }
        self.inside.as_ref() == Some(participant)
    }

    fn release(&mut self, participant: &ParticipantId) {
        self.inside.take_if(|inside| inside == participant);
        self.at_door.take_if(|waiting| waiting == participant);
    }
}

fn somebody() -> Option<User> {
    Some(view().me.user)
}

fn ada() -> ParticipantId {
    ParticipantId::try_from("p-ada".to_owned()).unwrap()
}

/// An event that is numbered; none of it matters but its type.
fn sure() -> OutboxItem {
    let event = Event::SessionReplaced(SessionReplaced {});
    OutboxItem::Event(EncodedEvent::new(&event))
}

fn last_word() -> OutboxItem {
    let identity = RoomIdentity::try_from("k3v9".to_owned()).unwrap();
    let event = Event::RoomDeleted(RoomDeleted { identity });
    OutboxItem::Event(EncodedEvent::new(&event))
}

fn lossy() -> OutboxItem {
    let participants = vec![ada()];
    let event = Event::SpeakerActive(SpeakerActive { participants });
    OutboxItem::Event(EncodedEvent::new(&event))
}

fn admitted() -> OutboxItem {
    OutboxItem::Admitted {
        participant: ada(),
        view: view(),
    }
}

/// A room as a participant sees it on joining.
fn view() -> Box<View> {
    let now = Timestamp::from_unix_millis(0).unwrap();
    let check = CheckRoom {
        identity: RoomIdentity::try_from("k3v9".to_owned()).unwrap(),
        since: now,
        until: now.plus_millis(1),
    };
    let facts = check::facts(&check).unwrap();
    let mut room = Room::new(facts.clone(), None, Chat::default(), Vec::new());
    let join = Join {
        participant: ada(),
        display_name: facts.owner.display_name.clone(),
        user: facts.owner,
        role: None,
        pass: false,
        address: Network::of("192.0.2.1".parse().unwrap()),
        first_joined_at: None,
    };
    match room.handle(Command::Join(join), now).reply {
        Ok(Reply::View(view)) => view,
        other => panic!("{other:?}"),
    }
}

/// What a session says that is kept for so long without a socket.
fn hello(kept_for: Duration) -> Hello {
    Hello {
        protocol: "meeting.v1",
        server: "meeting/test".to_owned(),
        session: SessionId::random(),
        heartbeat_ms: 15_000,
        limits: frame::Limits {
            message_bytes: 1,
            requests_per_second: 1,
            burst: 1,
            resume_ms: u64::try_from(kept_for.as_millis()).unwrap(),
        },
        auth: Vec::new(),
        time: Timestamp::from_unix_millis(0).unwrap(),
    }
}

fn text(id: u64) -> String {
    request(id, "ping")
}

fn request(id: u64, kind: &str) -> String {
    json!({ "type": kind, "id": id }).to_string()
}

/// What came out, as a test reads it.
#[derive(Debug, PartialEq)]
enum Out {
    Frame(Value),
    Ping,
    Request(u64),
    LetGo(End),
    TellLoss,
    TakeUp(TakeUp),
    Over(End),
}

/// What a state is lent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Request,
    TellLoss,
    TakeUp,
}

/// A core with a clock, and the state that it has lent.
struct Desk {
    core: Session<Someone>,
    now: Instant,
    lent: Option<(u64, Someone)>,
    lent_for: Work,
    left: Option<Someone>,
}

impl Desk {
    /// A session that has said hello, and ends with its socket.
    fn open() -> Self {
        Self::kept_for(Duration::ZERO)
    }

    /// One that is kept for so long without a socket.
    fn kept_for(time: Duration) -> Self {
        let now = Instant::now();
        let limits = Limits::new(true, now);
        let mut desk = Self {
            core: Session::new(Someone::default(), &hello(time), limits, now),
            now,
            lent: None,
            lent_for: Work::Request,
            left: None,
        };
        let outs = desk.outs();
        assert!(matches!(&outs[..], [Out::Frame(hello)] if hello["type"] == "hello"));
        desk
    }

    /// The same after a log-in with request 1.
    fn logged_in() -> Self {
        let mut desk = Self::open();
        assert_eq!(desk.ask(1), [Out::Request(1)]);
        desk.done(|someone| someone.user = somebody());
        desk
    }

    fn outs(&mut self) -> Vec<Out> {
        let mut outs = Vec::new();
        while let Some(output) = self.core.next_output() {
            outs.push(match output {
                Output::Write(text) => Out::Frame(serde_json::from_str(&text).unwrap()),
                Output::Ping => Out::Ping,
                Output::CarryOut { request, state } => {
                    self.lend(request.id, state, Work::Request);
                    Out::Request(request.id)
                }
                Output::LetGo { end, .. } => Out::LetGo(end),
                Output::TellLoss { state } => {
                    self.lend(0, state, Work::TellLoss);
                    Out::TellLoss
                }
                Output::TakeUp { state, how } => {
                    self.lend(0, state, Work::TakeUp);
                    Out::TakeUp(how)
                }
                Output::Over { end, state } => {
                    self.left = Some(state);
                    Out::Over(end)
                }
            });
        }
        outs
    }

    fn lend(&mut self, id: u64, state: Someone, work: Work) {
        self.lent = Some((id, state));
        self.lent_for = work;
    }

    fn take(&mut self, input: Input<'_, Someone>) -> Vec<Out> {
        self.core.handle(input, self.now);
        self.outs()
    }

    fn hear(&mut self, frame: Frame<'_>) -> Vec<Out> {
        assert!(self.core.wants_frames());
        self.take(Input::Frame(frame))
    }

    fn ask(&mut self, id: u64) -> Vec<Out> {
        self.hear(Frame::Text(&text(id)))
    }

    fn tell(&mut self, item: OutboxItem) -> Vec<Out> {
        assert!(self.core.wants_items());
        self.take(Input::Item(item))
    }

    /// Finishes the request in flight, which has changed what it was lent.
    fn done(&mut self, change: impl FnOnce(&mut Someone)) -> Vec<Out> {
        let (id, mut state) = self.lent.take().unwrap();
        change(&mut state);
        let answer = Ok(frame::ok(id, &()).into());
        self.take(Input::Done(Done { state, id, answer }))
    }

    fn wait(&mut self, time: Duration) -> Vec<Out> {
        self.now += time;
        self.take(Input::Tick)
    }

    /// Waits until the core wants to be told the time.
    fn ring(&mut self) -> (Duration, Vec<Out>) {
        let due = self.core.next_deadline().unwrap();
        let time = due.saturating_duration_since(self.now);
        (time, self.wait(time))
    }
}

fn is_answer(out: &Out, id: u64, kind: &str) -> bool {
    matches!(out, Out::Frame(frame) if frame["re"] == id && frame["type"] == kind)
}

fn code(out: &Out) -> &str {
    match out {
        Out::Frame(frame) => frame["error"]["code"].as_str().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// The types of events, with their numbers.
fn events(outs: &[Out]) -> Vec<(&str, Option<u64>)> {
    let events = outs.iter().map(|out| match out {
        Out::Frame(frame) => (frame["type"].as_str().unwrap(), frame["seq"].as_u64()),
        other => panic!("{other:?}"),
    });
    events.collect()
}
