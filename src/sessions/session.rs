//! A session's core: a pure machine. Frames, items of the outbox, finished requests, wishes to end and the time go in;
//! frames to write, requests to carry out and the end come out.
//!
//! It awaits nothing, reads no clock and knows no socket, so that all of it is tested in virtual time. What a session is
//! for its requests (who it is, where it is) is a [`State`]: the core lends it to the request in flight and gets it back
//! with the answer. [`Live`](super::Live) carries out what it decides.
//!
//! One request at a time: while a session carries one out, the next waits in the socket, which bounds what a client can
//! queue. Events go out meanwhile.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::answers::{Answers, Seen};
use super::end::End;
use super::handlers::room_view;
use super::heartbeat::{Beat, Heartbeat};
use super::limits::{Limits, Pace, too_fast};
use crate::meeting::effect::View;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::event::{Delivery, Event, ServerDraining};
use crate::protocol::frame::{self, EncodedEvent, Hello, RequestFrame};
use crate::protocol::ids::ParticipantId;
use crate::protocol::time::Timestamp;
use crate::rooms::OutboxItem;

/// How long a client may take to say who it is.
pub const LOGIN_DEADLINE: Duration = Duration::from_secs(10);

/// What a session is for its requests, as far as the core must know it.
pub trait State {
    /// Whether somebody has logged in.
    fn is_logged_in(&self) -> bool;
    /// Takes note that a room has let it in. False when it is not meant any more.
    fn admit(&mut self, participant: &ParticipantId) -> bool;
    /// Forgets a membership, or a wait at the door, that the room has ended.
    fn release(&mut self, participant: &ParticipantId);
}

/// What a client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A text: a request, if it is sound.
    Text(&'a str),
    /// What nobody should send.
    Binary,
    /// It wants to know whether the server is there.
    Ping,
    /// It is there.
    Pong,
}

/// What happens to a session.
pub enum Input<'a, S> {
    /// The client has sent something. Only while [`Session::wants_frames`].
    Frame(Frame<'a>),
    /// A room tells something. Only while [`Session::wants_items`].
    Item(OutboxItem),
    /// The request in flight is finished.
    Done(Done<S>),
    /// Time has passed: at [`Session::next_deadline`] at the latest.
    Tick,
    /// The server is going down, and closes its sockets by then.
    Drain {
        /// By when.
        deadline: Timestamp,
    },
    /// It is to end for a reason that the core does not see.
    End(End),
}

/// A request that was carried out.
pub struct Done<S> {
    /// What was lent to it.
    pub state: S,
    /// The request's id.
    pub id: u64,
    /// The frame that answers it, or why it was refused.
    pub answer: Result<String, WireError>,
}

/// What is to be done, in order.
pub enum Output<S> {
    /// Write this frame.
    Write(String),
    /// Ping the client.
    Ping,
    /// Carry this request out, and give its [`Done`] back.
    CarryOut {
        /// The request.
        request: RequestFrame,
        /// Lent to it.
        state: S,
    },
    /// It is over: leave the room, and close the socket. Nothing comes after it.
    Over {
        /// Why.
        end: End,
        /// What the session was.
        state: S,
    },
}

/// What a room has done with the session.
enum Move {
    Admitted {
        participant: ParticipantId,
        view: Box<View>,
    },
    Released(ParticipantId),
}

/// The core of one session.
pub struct Session<S> {
    /// None while a request is in flight, which then has it, and when it is over.
    state: Option<S>,
    is_in_flight: bool,
    /// What rooms have done with it while a request was in flight.
    moves: VecDeque<Move>,
    answers: Answers,
    limits: Limits,
    /// The number of the last event.
    seq: u64,
    heartbeat: Heartbeat,
    logged_in: bool,
    /// By when somebody must have logged in, while nobody has.
    login_due: Instant,
    ending: Option<End>,
    outputs: VecDeque<Output<S>>,
}

impl<S: State> Session<S> {
    /// A session of nobody yet, whose first frame is `hello`.
    pub fn new(state: S, hello: &Hello, limits: Limits, now: Instant) -> Self {
        Self {
            logged_in: state.is_logged_in(),
            state: Some(state),
            is_in_flight: false,
            moves: VecDeque::new(),
            answers: Answers::default(),
            limits,
            seq: 0,
            heartbeat: Heartbeat::new(now),
            login_due: now + LOGIN_DEADLINE,
            ending: None,
            outputs: VecDeque::from([Output::Write(frame::hello(hello))]),
        }
    }

    /// Takes in what happens.
    pub fn handle(&mut self, input: Input<'_, S>, now: Instant) {
        if let Some(end) = self.ending {
            if let Input::Done(done) = input {
                self.finish_last(end, done);
            }
            return;
        }
        let went = match input {
            Input::Frame(frame) => self.read(frame, now),
            Input::Item(item) => self.tell(item),
            Input::Done(done) => {
                self.finish(done, now);
                Ok(())
            }
            Input::Tick => self.tick(now),
            Input::Drain { deadline } => {
                self.write_event(&Event::ServerDraining(ServerDraining { deadline }));
                Err(End::GoingAway)
            }
            Input::End(end) => Err(end),
        };
        if let Err(end) = went {
            self.end(end);
        }
    }

    /// The next thing to do.
    pub fn next_output(&mut self) -> Option<Output<S>> {
        self.outputs.pop_front()
    }

    /// Whether the client's next frame may be read: while one request is carried out the next waits in the socket. That
    /// bounds what a client can queue.
    pub fn wants_frames(&self) -> bool {
        !self.is_in_flight && !self.is_ending()
    }

    /// Whether the next item of the outbox may be taken: nothing of a room goes out before its `lobby.admitted`, which
    /// waits for the request in flight.
    pub fn wants_items(&self) -> bool {
        let is_admission = |change: &Move| matches!(change, Move::Admitted { .. });
        !self.is_ending() && !self.moves.iter().any(is_admission)
    }

    /// Whether it only waits for its last request.
    pub fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// By when it wants to be told the time.
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.is_ending() {
            return None;
        }
        let beat = self.heartbeat.due();
        Some(match self.waits_for_login() {
            true => beat.min(self.login_due),
            false => beat,
        })
    }

    /// A log-in that is being carried out has its time.
    fn waits_for_login(&self) -> bool {
        !self.logged_in && !self.is_in_flight
    }

    fn tick(&mut self, now: Instant) -> Result<(), End> {
        if self.waits_for_login() && now >= self.login_due {
            return Err(End::NotAuthenticated);
        }
        match self.heartbeat.tick(now) {
            Beat::Rest => {}
            Beat::Ping => self.outputs.push_back(Output::Ping),
            Beat::Lost => return Err(End::Unresponsive),
        }
        Ok(())
    }

    fn read(&mut self, frame: Frame<'_>, now: Instant) -> Result<(), End> {
        match frame {
            Frame::Text(text) => self.request(text, now),
            Frame::Binary => self.refuse_frame(None, &ErrorCode::Binary.into(), now),
            // Pings and pongs cost little and are answered or dropped by themselves, but without end they are a flood too.
            Frame::Ping => self.count(now),
            Frame::Pong => {
                self.heartbeat.answered();
                self.count(now)
            }
        }
    }

    /// Counts what costs little to answer: only a flood of it is too much.
    fn count(&mut self, now: Instant) -> Result<(), End> {
        match self.limits.request(now) {
            Pace::Fine | Pace::TooFast(_) => Ok(()),
            Pace::Flood => Err(End::TooManyRequests),
        }
    }

    fn request(&mut self, text: &str, now: Instant) -> Result<(), End> {
        let request = match RequestFrame::decode(text) {
            Ok(request) => request,
            Err(bad) => return self.refuse_frame(bad.re, &bad.error, now),
        };
        let id = request.id;
        let seen = self.answers.find(id);
        // Counted before anything else: what was answered already costs an answer again.
        match self.limits.request(now) {
            Pace::Fine => {}
            Pace::Flood => return Err(End::TooManyRequests),
            Pace::TooFast(wait) => {
                let text = frame::error(Some(id), &too_fast(wait));
                // Like every answer this one stays its request's.
                if seen == Seen::New {
                    self.answers.keep(id, text.as_str().into());
                }
                self.write(text);
                return Ok(());
            }
        }
        match seen {
            Seen::New => {
                let Some(state) = self.state.take() else {
                    unreachable!("requests are read only between two others")
                };
                self.is_in_flight = true;
                self.outputs.push_back(Output::CarryOut { request, state });
            }
            Seen::Answered(answer) => self.write(answer.to_string()),
            Seen::Stale => {
                let error = WireError::bad_field("id", "must rise within the session");
                self.write(frame::error(Some(id), &error));
            }
        }
        Ok(())
    }

    /// Refuses a frame that cannot be read as a request. One with an id is a request all the same, with an ill-typed
    /// field, and counts like any other; too many without are abuse.
    fn refuse_frame(
        &mut self,
        re: Option<u64>,
        error: &WireError,
        now: Instant,
    ) -> Result<(), End> {
        if re.is_some() {
            self.count(now)?;
        } else if self.limits.bad_frame_is_one_too_many(now) {
            return Err(End::Abuse);
        }
        self.write(frame::error(re, error));
        Ok(())
    }

    fn finish(&mut self, done: Done<S>, now: Instant) {
        let Done { state, id, answer } = done;
        let was_logged_in = std::mem::replace(&mut self.logged_in, state.is_logged_in());
        if was_logged_in && !self.logged_in {
            self.login_due = now + LOGIN_DEADLINE;
        }
        self.state = Some(state);
        self.is_in_flight = false;
        while let Some(change) = self.moves.pop_front() {
            self.follow(change);
        }
        let text = answered(id, answer);
        self.answers.keep(id, text.as_str().into());
        self.write(text);
    }

    fn tell(&mut self, item: OutboxItem) -> Result<(), End> {
        match item {
            OutboxItem::Event(event) => self.number(&event),
            OutboxItem::Admitted { participant, view } => {
                self.follow(Move::Admitted { participant, view });
            }
            OutboxItem::Released { participant, close } => {
                self.follow(Move::Released(participant));
                if let Some(reason) = close {
                    return Err(reason.into());
                }
            }
        }
        Ok(())
    }

    /// Follows what a room has done with this session. While a request is in flight, which has the state, it waits.
    fn follow(&mut self, change: Move) {
        let Some(state) = &mut self.state else {
            self.moves.push_back(change);
            return;
        };
        match change {
            Move::Released(participant) => state.release(&participant),
            Move::Admitted { participant, view } => {
                // Who has gone away meanwhile hears nothing of it.
                if state.admit(&participant) {
                    self.write_event(&Event::LobbyAdmitted(room_view::joined(*view)));
                }
            }
        }
    }

    fn write_event(&mut self, event: &Event) {
        self.number(&EncodedEvent::new(event));
    }

    fn number(&mut self, event: &EncodedEvent) {
        if event.delivery() == Delivery::Sure {
            self.seq += 1;
        }
        self.write(event.frame(self.seq));
    }

    fn write(&mut self, text: String) {
        self.outputs.push_back(Output::Write(text));
    }

    fn end(&mut self, end: End) {
        if end == End::TooBig {
            self.write(frame::error(None, &ErrorCode::TooLarge.into()));
        }
        self.ending = Some(end);
        // A request in flight is finished first: it may be just coming into a room.
        if let Some(state) = self.state.take() {
            self.outputs.push_back(Output::Over { end, state });
        }
    }

    /// What the last request has done is told to whoever still reads, so that they need not guess.
    fn finish_last(&mut self, end: End, done: Done<S>) {
        let Done { state, id, answer } = done;
        if end.hears_answers() {
            self.write(answered(id, answer));
        }
        self.outputs.push_back(Output::Over { end, state });
    }
}

fn answered(id: u64, answer: Result<String, WireError>) -> String {
    answer.unwrap_or_else(|error| frame::error(Some(id), &error))
}

#[cfg(test)]
mod tests;
