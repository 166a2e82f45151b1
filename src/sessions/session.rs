//! A session's core: a pure machine. Frames, items of the outbox, finished requests, requests to end and the time go
//! in. Frames to write, requests to carry out and the end come out.
//!
//! It awaits nothing, reads no clock and knows no socket, so that all of it is tested in virtual time. What a session
//! is for its requests (its user, its room) is a [`State`]: the core lends it to the request in flight and gets it back
//! with the answer. [`Live`](super::Live) carries out what it decides.
//!
//! One request at a time: while a session carries one out, the next waits in the socket, which bounds what a client can
//! queue. Events go out meanwhile.
//!
//! A session outlives its socket for a while. Without one it goes on: what rooms tell is numbered and kept, and
//! requests are carried out and their answers kept. A client that takes it up hears what it missed, each event once;
//! see [`link`]. [`traffic`] has what goes in and comes out, [`asked`] what becomes of requests.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use self::asked::{InFlight, Showing};
use self::link::Link;
pub use self::traffic::{Done, Frame, Input, Output, Resume, State, TakeUp};
use super::answers::Answers;
use super::end::End;
use super::handlers::room_view;
use super::heartbeat::{Beat, Heartbeat};
use super::limits::{Limits, Pace};
use super::replay::Replay;
use crate::meeting::effect::View;
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{Delivery, Event, ServerDraining};
use crate::protocol::frame::{self, EncodedEvent, Hello};
use crate::protocol::ids::ParticipantId;
use crate::rooms::OutboxItem;

/// How long a client may take to log in.
pub const LOGIN_DEADLINE: Duration = Duration::from_secs(10);

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
    /// None while it is lent, and when it is over.
    state: Option<S>,
    /// The request that is carried out.
    in_flight: Option<InFlight>,
    /// A client asks again how it came into a room, and is to be shown the room.
    showing: Option<Showing>,
    link: Link,
    /// How long it is kept without a socket; none when it is not.
    kept_for: Option<Duration>,
    replay: Replay,
    /// The room is to be told that there is no socket.
    is_loss_untold: bool,
    /// So many answers may be asked for again without being counted: those of before a resumption.
    repeats: usize,
    /// What rooms have done with it while a request was in flight.
    moves: VecDeque<Move>,
    answers: Answers,
    limits: Limits,
    /// The number of the last event.
    seq: u64,
    /// It is from before a restart, and nobody has taken it up since.
    is_restored: bool,
    heartbeat: Heartbeat,
    logged_in: bool,
    /// The deadline for a login, while there is none.
    login_due: Instant,
    ending: Option<End>,
    outputs: VecDeque<Output<S>>,
}

impl<S: State> Session<S> {
    /// A session without a login, whose first frame is `hello`. It is kept without a socket for as long as `hello`
    /// says.
    pub fn new(state: S, hello: &Hello, limits: Limits, now: Instant) -> Self {
        let kept_for = Duration::from_millis(hello.limits.resume_ms);
        Self {
            logged_in: state.user().is_some(),
            state: Some(state),
            in_flight: None,
            showing: None,
            link: Link::Attached,
            kept_for: (!kept_for.is_zero()).then_some(kept_for),
            replay: Replay::new(),
            is_loss_untold: false,
            repeats: 0,
            moves: VecDeque::new(),
            answers: Answers::default(),
            limits,
            seq: 0,
            is_restored: false,
            heartbeat: Heartbeat::new(now),
            login_due: now + LOGIN_DEADLINE,
            ending: None,
            outputs: VecDeque::from([Output::Write(frame::hello(hello))]),
        }
    }

    /// A session from before a restart, whose client is waited for as if its socket had been lost just now. What was
    /// told is not known any more: a view takes its place, and the number of the last event is what the client says.
    pub fn restored(state: S, hello: &Hello, limits: Limits, now: Instant) -> Self {
        let mut session = Self::new(state, hello, limits, now);
        session.outputs.clear();
        session.replay.forget();
        session.is_restored = true;
        session.link = Link::Detached {
            until: now + session.kept_for.unwrap_or(Duration::ZERO),
            why: End::Gone,
        };
        session
    }

    /// Takes in what happens.
    pub fn handle(&mut self, input: Input<'_, S>, now: Instant) {
        if let Some(end) = self.ending {
            return self.wind_up(end, input);
        }
        let went = match input {
            Input::Frame(frame) => self.read(frame, now),
            Input::Item(item) => self.tell(item),
            Input::Done(done) => self.finish(done, now),
            Input::LossAnnounced(state) => {
                self.take_back(state);
                Ok(())
            }
            Input::Resume(resume) => {
                self.resume(resume, now);
                Ok(())
            }
            Input::TakenUp { state, standing } => self.taken_up(state, standing),
            Input::Overflowed => self.overflowed(),
            Input::Tick => self.tick(now),
            Input::Drain { deadline } => {
                self.write_event(&Event::ServerDraining(ServerDraining { deadline }));
                Err(End::GoingAway)
            }
            Input::Unkept => {
                self.unkept();
                Ok(())
            }
            Input::End(end) => Err(end),
        };
        if let Err(end) = went {
            self.lose_or_end(end, now);
        }
        self.tell_room();
    }

    /// The next thing to do.
    pub fn next_output(&mut self) -> Option<Output<S>> {
        self.outputs.pop_front()
    }

    /// Whether the client's next frame may be read: while one request is carried out the next waits in the socket. That
    /// bounds what a client can queue.
    pub fn wants_frames(&self) -> bool {
        self.is_attached() && !self.is_busy() && !self.is_ending()
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

    /// Whether a client reads the answer to the request in flight.
    pub fn is_listened_to(&self) -> bool {
        self.is_attached() && self.ending.is_none_or(End::hears_answers)
    }

    /// When it wants to be told the time at the latest.
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.is_ending() {
            return None;
        }
        if let Link::Detached { until, .. } = self.link {
            return Some(until);
        }
        let beat = self.heartbeat.due();
        Some(match self.waits_for_login() {
            true => beat.min(self.login_due),
            false => beat,
        })
    }

    /// A log-in that is being carried out has its time.
    fn waits_for_login(&self) -> bool {
        !self.logged_in && self.in_flight.is_none()
    }

    fn tick(&mut self, now: Instant) -> Result<(), End> {
        if let Link::Detached { until, .. } = self.link {
            if now >= until {
                self.unkept();
            }
            return Ok(());
        }
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
            // Pings and pongs cost little and are answered or dropped by themselves. But without end they are a flood
            // too.
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

    /// Takes the state back, and follows what rooms have done meanwhile.
    fn take_back(&mut self, state: S) {
        self.state = Some(state);
        while let Some(change) = self.moves.pop_front() {
            self.follow(change);
        }
    }

    fn tell(&mut self, item: OutboxItem) -> Result<(), End> {
        match item {
            OutboxItem::Event(event) => self.number(&event),
            OutboxItem::Admitted { participant, view } => {
                self.follow(Move::Admitted { participant, view });
            }
            OutboxItem::View { participant, view } => self.shown(participant, *view),
            OutboxItem::Released { participant, close } => {
                self.follow(Move::Released(participant));
                self.look_no_more();
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
            Move::Released(participant) => {
                let code = asked::why_not_in(state, &participant);
                state.release(&participant);
                if let Some(code) = code {
                    self.has_let_go(&participant, code);
                }
            }
            Move::Admitted { participant, view } => {
                // A user who has gone away meanwhile hears nothing of it.
                if state.admit(&participant) {
                    self.is_loss_untold |= matches!(self.link, Link::Detached { .. });
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
            if self.replay.is_broken() {
                // A view will say it.
                return;
            }
            self.seq += 1;
            if self.kept_for.is_some() {
                self.replay.keep(event.clone());
            }
        }
        if self.is_attached() {
            self.write(event.frame(self.seq));
        }
    }

    /// Writes a frame, if there is a socket: an answer is kept elsewhere, and so is an event that must not be lost.
    fn write(&mut self, text: String) {
        if self.is_attached() {
            self.outputs.push_back(Output::Write(text));
        }
    }

    fn end(&mut self, end: End) {
        if end == End::TooBig {
            self.write(frame::error(None, &ErrorCode::TooLarge.into()));
        }
        self.ending = Some(end);
        // A request in flight is finished first: it may be just coming into a room.
        if let Some(state) = self.state.take().or_else(|| self.take_untold()) {
            self.outputs.push_back(Output::Over { end, state });
        }
    }

    /// Tells the outcome of the last request to a client that still reads, so that it need not guess.
    fn wind_up(&mut self, end: End, input: Input<'_, S>) {
        let state = match input {
            Input::Done(Done { state, id, answer }) => {
                if end.hears_answers() {
                    self.write(asked::answered(id, answer).text);
                }
                state
            }
            Input::LossAnnounced(state) | Input::TakenUp { state, .. } => state,
            _ => return,
        };
        self.outputs.push_back(Output::Over { end, state });
    }
}

mod asked;
pub mod link;
mod traffic;

#[cfg(test)]
mod tests;
