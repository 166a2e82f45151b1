//! A client by the book (static/docs/protocol.md §3.4): it comes back, sends again what had no answer, and holds what it
//! is told against what it must be told.

use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::line::{Line, Wire};
use super::picture::Picture;
use crate::protocol::event::{Event, SignalSdp};
use crate::protocol::ids::ParticipantId;
use crate::protocol::request::{Joined, Resumed, ResumedView};

/// The id of a resumption, which does not count among those of the session.
const RESUME: u64 = 1_000_000;

/// Where a client thinks that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Nowhere,
    Door,
    Inside,
}

/// A request that had no answer yet.
#[derive(Debug, Clone)]
pub struct Request {
    pub id: u64,
    pub kind: &'static str,
    pub data: Value,
}

impl Request {
    /// One that sets the timer.
    pub fn timer() -> Self {
        Self {
            id: 0,
            kind: "timer.set",
            data: Value::Null,
        }
    }
}

/// What a client was told.
#[derive(Debug)]
pub enum Heard {
    /// The answer: ok, or a code.
    Answer(Request, Result<(), String>),
    /// An event, already taken into the picture.
    Event,
    /// Nobody knows what became of these: the session is gone.
    Lost(Vec<Request>),
}

pub struct Client {
    pub number: usize,
    pub line: Option<Line>,
    session: Option<String>,
    token: Option<String>,
    /// The session that `hello` of the socket named.
    greeted: Option<String>,
    last_seq: u64,
    /// The page was loaded anew: it knows nothing.
    pub is_new: bool,
    is_resuming: bool,
    next_id: u64,
    pub pending: VecDeque<Request>,
    pub place: Place,
    pub picture: Option<Picture>,
    /// The number of the last that each participant sent to this one alone.
    pub whispers: BTreeMap<ParticipantId, usize>,
    /// It wants to be in the room.
    pub wants_in: bool,
    /// How it logs in.
    pub logs_in_by: &'static str,
    /// What it was told and must not be lost, and what came of it: type and data. None while nobody notes it.
    pub notes: Option<Vec<(String, Value)>>,
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    re: Option<u64>,
    seq: Option<u64>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    error: Option<Value>,
}

impl Client {
    pub fn new(number: usize) -> Self {
        Self {
            number,
            line: None,
            session: None,
            token: None,
            greeted: None,
            last_seq: 0,
            is_new: false,
            is_resuming: false,
            next_id: 1,
            pending: VecDeque::new(),
            place: Place::Nowhere,
            picture: None,
            whispers: BTreeMap::new(),
            wants_in: true,
            logs_in_by: "auth.token",
            notes: None,
        }
    }

    /// Whether it may ask for something.
    pub fn is_free(&self) -> bool {
        self.line.is_some() && self.token.is_some() && !self.is_resuming && self.greeted.is_some()
    }

    pub fn me(&self) -> Option<ParticipantId> {
        self.picture
            .as_ref()
            .map(|picture| picture.view.me.id.clone())
    }

    /// Sends a request.
    pub fn ask(&mut self, kind: &'static str, data: Value) {
        let id = self.next_id;
        self.next_id += 1;
        let request = Request { id, kind, data };
        self.send(&request);
        self.pending.push_back(request);
    }

    fn send(&mut self, request: &Request) {
        let Request { id, kind, data, .. } = request;
        let text = json!({ "type": kind, "id": id, "data": data }).to_string();
        if let Some(line) = &mut self.line {
            line.under_way.push_back(Wire::Text(text));
        }
    }

    /// The socket is gone; what it loses is gone with it.
    pub fn lose(&mut self) -> Option<Line> {
        self.greeted = None;
        self.is_resuming = false;
        self.line.take()
    }

    /// The page is loaded anew: it knows its session and the token.
    pub fn reload(&mut self) -> Heard {
        self.is_new = true;
        self.picture = None;
        Heard::Lost(self.pending.drain(..).collect())
    }

    /// Gives the session up.
    pub fn forget_session(&mut self) -> Heard {
        (self.session, self.token) = (None, None);
        (self.place, self.picture) = (Place::Nowhere, None);
        self.is_new = false;
        self.is_resuming = false;
        self.next_id = 1;
        Heard::Lost(self.pending.drain(..).collect())
    }

    /// Reads one frame, if there is one.
    pub fn read(&mut self) -> Option<Vec<Heard>> {
        match self.line.as_mut()?.read()? {
            Wire::Text(text) => Some(self.hear(&text)),
            Wire::Ping => {
                self.line.as_mut()?.under_way.push_back(Wire::Pong);
                Some(Vec::new())
            }
            Wire::Pong => Some(Vec::new()),
            Wire::Close(code) => {
                self.lose();
                match code {
                    // Removed, ended, replaced, or not to be gone on with.
                    4401 | 4403 | 4404 | 4409 => {
                        self.wants_in &= code != 4403;
                        Some(vec![self.forget_session()])
                    }
                    _ => Some(Vec::new()),
                }
            }
        }
    }

    fn hear(&mut self, text: &str) -> Vec<Heard> {
        let frame: Frame<'_> = serde_json::from_str(text).unwrap();
        match (frame.re, frame.kind) {
            (None, "hello") => self.greet(frame.data.unwrap()),
            (None, _) => {
                if let Some(seq) = frame.seq {
                    assert_eq!(seq, self.last_seq + 1, "a gap before {text}");
                    self.last_seq = seq;
                }
                self.note(frame.kind, frame.data);
                self.follow(serde_json::from_str(text).unwrap());
                vec![Heard::Event]
            }
            (Some(RESUME), "ok") => self.resumed(frame.data.unwrap()),
            (Some(RESUME), _) => self.not_resumed(&frame.error.unwrap()),
            (Some(re), kind) => {
                let request = self.pending.pop_front();
                let request = request.unwrap_or_else(|| panic!("nobody asked for {text}"));
                assert_eq!(request.id, re, "answers in their order, each once: {text}");
                let answer = match kind {
                    "ok" => Ok(()),
                    _ => Err(code(&frame.error.unwrap())),
                };
                self.answered(&request, &answer, frame.data);
                vec![Heard::Answer(request, answer)]
            }
        }
    }

    /// Notes what it is told, but for what a lost socket alone changes of somebody else.
    fn note(&mut self, kind: &str, data: Option<&RawValue>) {
        let Some(notes) = &mut self.notes else { return };
        let data: Value = data.map_or(Value::Null, |data| {
            serde_json::from_str(data.get()).unwrap()
        });
        let is_news = |picture: &Picture| !picture.shows_but_for_the_socket(&data["participant"]);
        if kind != "participant.updated" || self.picture.as_ref().is_none_or(is_news) {
            notes.push((kind.to_owned(), data));
        }
    }

    fn greet(&mut self, data: &RawValue) -> Vec<Heard> {
        let hello: Value = serde_json::from_str(data.get()).unwrap();
        self.greeted = hello["session"].as_str().map(str::to_owned);
        match (&self.session, &self.token) {
            (Some(session), Some(token)) => {
                let last_seq = (!self.is_new).then_some(self.last_seq);
                let data =
                    json!({ "session": session, "resume_token": token, "last_seq": last_seq });
                self.is_resuming = true;
                self.send(&Request {
                    id: RESUME,
                    kind: "session.resume",
                    data,
                });
                Vec::new()
            }
            _ => vec![self.log_in()],
        }
    }

    fn log_in(&mut self) -> Heard {
        let lost = self.forget_session();
        self.session.clone_from(&self.greeted);
        self.last_seq = 0;
        // A resumption that was refused was a request of this socket's session.
        self.next_id = RESUME + 1;
        self.ask(self.logs_in_by, json!({ "token": self.number }));
        lost
    }

    fn resumed(&mut self, data: &RawValue) -> Vec<Heard> {
        let answer: Resumed = serde_json::from_str(data.get()).unwrap();
        self.is_resuming = false;
        self.token = Some(answer.resume_token);
        assert!(
            answer.view.is_some() || answer.seq == self.last_seq,
            "seq is where it was"
        );
        self.last_seq = answer.seq;
        match answer.view {
            None => {}
            Some(None) => (self.place, self.picture) = (Place::Nowhere, None),
            Some(Some(ResumedView::Door(_))) => (self.place, self.picture) = (Place::Door, None),
            Some(Some(ResumedView::Room(view))) => self.enter(*view),
        }
        self.is_new = false;
        for request in self.pending.clone() {
            self.send(&request);
        }
        Vec::new()
    }

    fn not_resumed(&mut self, error: &Value) -> Vec<Heard> {
        self.is_resuming = false;
        match code(error).as_str() {
            "session.gone" => vec![self.log_in()],
            // Busy: it tries again on another socket.
            _ => {
                self.lose();
                Vec::new()
            }
        }
    }

    fn answered(
        &mut self,
        request: &Request,
        answer: &Result<(), String>,
        data: Option<&RawValue>,
    ) {
        match (request.kind, answer) {
            ("auth.logout", Ok(())) => {
                (self.token, self.place, self.picture) = (None, Place::Nowhere, None);
                self.ask(self.logs_in_by, json!({ "token": self.number }));
            }
            (kind, Ok(())) if kind.starts_with("auth.") => {
                let data: Value = serde_json::from_str(data.unwrap().get()).unwrap();
                self.token = data["resume_token"].as_str().map(str::to_owned);
            }
            ("room.join", Ok(())) => {
                let view: Joined = serde_json::from_str(data.unwrap().get()).unwrap();
                self.enter(view);
            }
            ("room.join", Err(code)) => {
                if code == "room.waiting" {
                    (self.place, self.picture) = (Place::Door, None);
                }
                self.wants_in &= !matches!(code.as_str(), "room.banned" | "room.denied");
            }
            ("room.leave", _) | (_, Err(_)) if request.kind == "room.leave" => {
                (self.place, self.picture) = (Place::Nowhere, None);
            }
            _ => {}
        }
    }

    fn enter(&mut self, view: Joined) {
        self.place = Place::Inside;
        self.picture = Some(Picture::new(view));
    }

    /// Each once, in the order in which they were sent, and from somebody who is there.
    fn hear_whisper(&mut self, whisper: &SignalSdp) {
        // What carries no number is another act of the meeting.
        let Ok(number) = whisper.sdp.text().parse() else {
            return;
        };
        let from = &whisper.from;
        let before = self.whispers.insert(from.clone(), number);
        assert!(
            before < Some(number),
            "{from} sent {number} after {before:?}"
        );
        if let Some(picture) = &self.picture {
            let mut people = picture.view.participants.iter();
            assert!(
                people.any(|person| person.id == *from),
                "{from} is not in, and is heard"
            );
        }
    }

    fn follow(&mut self, event: Event) {
        match event {
            Event::LobbyAdmitted(view) => self.enter(view),
            Event::SignalAnswer(whisper) => self.hear_whisper(&whisper),
            Event::LobbyDenied(_) => self.place = Place::Nowhere,
            Event::RoomEnded(_) | Event::RoomDeleted(_) => {
                (self.place, self.picture) = (Place::Nowhere, None);
            }
            Event::SessionReplaced(_) => {}
            event => {
                if let Some(picture) = &mut self.picture {
                    picture.follow(event);
                }
            }
        }
    }
}

fn code(error: &Value) -> String {
    error["code"].as_str().unwrap_or_default().to_owned()
}
