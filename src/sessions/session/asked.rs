//! What becomes of a request: a new one is carried out, and one that was answered is answered again.
//!
//! A client that comes back hears the events that it has missed, and then sends again its requests without an answer. A
//! repeated answer comes after events that are newer than it is. That does no harm when the answer says what was done.
//! It does harm when the answer says how things are: a client that took it for the newest word would end with an old
//! picture. Therefore a request that changes nothing is carried out anew. A repeated `room.join` is answered with the
//! room as it is now, at its place among the events.

use std::sync::Arc;

use tokio::time::Instant;

use super::link::{Link, Standing};
use super::{Done, End, LOGIN_DEADLINE, Output, Session, State, TakeUp, frame, room_view};
use crate::meeting::effect::View;
use crate::protocol::Request;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::frame::RequestFrame;
use crate::protocol::ids::ParticipantId;
use crate::sessions::answers::{Answer, Answered, Seen};
use crate::sessions::limits::{Pace, too_fast};

/// What the request in flight is, as far as its answer is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InFlight {
    /// It changes something, or is no request at all.
    Change,
    /// It can be carried out again without harm.
    Anew,
    /// It leads into a room.
    Join,
    /// It asks for an offer of media,
    Offer,
    /// and this answers one.
    OfferAnswer,
}

/// A client that asks again how it came into a room that it is in, and is to be shown the room.
#[derive(Debug)]
pub(super) struct Showing {
    /// The request.
    id: u64,
    /// The participant that it came as.
    participant: ParticipantId,
}

impl InFlight {
    fn of(kind: &str) -> Self {
        if Request::is_asked_anew(kind) {
            Self::Anew
        } else {
            match kind {
                "room.join" => Self::Join,
                "media.receive" => Self::Offer,
                "media.answer" => Self::OfferAnswer,
                _ => Self::Change,
            }
        }
    }

    fn kept(self, answer: &Answered, came: Option<ParticipantId>) -> Answer {
        let answer = answer.in_short.as_deref().unwrap_or(&answer.text);
        match (self, came) {
            (Self::Anew, _) => Answer::Anew,
            (Self::Join, Some(participant)) => Answer::Came(answer.into(), participant),
            (Self::Offer, _) => Answer::Offered(answer.into()),
            (Self::Join, None) | (Self::Change | Self::OfferAnswer, _) => {
                Answer::Done(answer.into())
            }
        }
    }
}

impl<S: State> Session<S> {
    pub(super) fn request(&mut self, text: &str, now: Instant) -> Result<(), End> {
        let request = match RequestFrame::decode(text) {
            Ok(request) => request,
            Err(bad) => return self.refuse_frame(bad.re, &bad.error, now),
        };
        let id = request.id;
        let seen = self.answers.find(id);
        if let (Seen::Answered(Answer::Done(answer) | Answer::Offered(answer)), 1..) =
            (&seen, self.repeats)
        {
            self.repeats -= 1;
            self.write(answer.to_string());
            return Ok(());
        }
        // This is counted first: a repeated request costs an answer again.
        match self.limits.request(now) {
            Pace::Fine => {}
            Pace::Flood => return Err(End::TooManyRequests),
            Pace::TooFast(wait) => {
                let text = frame::error(Some(id), &too_fast(wait));
                // Like every answer, this one stays with its request.
                let answer = Answer::Done(text.as_str().into());
                self.answers.keep(id, answer);
                self.write(text);
                return Ok(());
            }
        }
        match seen {
            Seen::New | Seen::Answered(Answer::Anew) => self.carry_out(request),
            Seen::Answered(Answer::Done(answer) | Answer::Offered(answer)) => {
                self.write(answer.to_string());
            }
            Seen::Answered(Answer::Came(answer, participant)) => {
                self.came_before(id, &answer, participant);
            }
            Seen::Stale => {
                let error = WireError::bad_field("id", "must rise within the session");
                self.write(frame::error(Some(id), &error));
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, request: RequestFrame) {
        let Some(state) = self.state.take() else {
            unreachable!("requests are read only between two others")
        };
        self.in_flight = Some(InFlight::of(&request.kind));
        self.outputs.push_back(Output::CarryOut { request, state });
    }

    /// Refuses a frame that cannot be read as a request. A frame with an id is still a request, with an ill-typed
    /// field, and counts like any other. Too many frames without an id are abuse.
    pub(super) fn refuse_frame(
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

    pub(super) fn finish(&mut self, done: Done<S>, now: Instant) -> Result<(), End> {
        let Done { state, id, answer } = done;
        let was_logged_in = std::mem::replace(&mut self.logged_in, state.user().is_some());
        if was_logged_in && !self.logged_in {
            self.login_due = now + LOGIN_DEADLINE;
        }
        let what = self.in_flight.take().unwrap_or(InFlight::Change);
        if what == InFlight::OfferAnswer && answer.is_ok() {
            self.answers.forget_offers();
        }
        let answered = answered(id, answer);
        // This comes before the rooms' changes are followed: they may have let go of the participant who has just come.
        let came = state.participant().cloned();
        self.answers.keep(id, what.kept(&answered, came));
        // It may have come into a room that does not know that there is no socket.
        self.is_loss_untold |= matches!(self.link, Link::Detached { .. });
        self.take_back(state);
        self.write(answered.text);
        self.check_login()
    }

    /// Whether the next request must wait.
    pub(super) fn is_busy(&self) -> bool {
        self.in_flight.is_some() || self.showing.is_some() || self.state.is_none()
    }

    /// A client asks again how it came into a room, or to its door. If it is not inside, it gets the answer that is
    /// kept: it still waits, or has left since by a later request.
    fn came_before(&mut self, id: u64, answer: &Arc<str>, participant: ParticipantId) {
        let is_inside = |state: &mut S| state.is_inside(&participant);
        let Some(state) = self.state.take_if(is_inside) else {
            return self.write(answer.to_string());
        };
        self.showing = Some(Showing { id, participant });
        let (anew, look) = (false, true);
        let how = TakeUp { anew, look };
        self.outputs.push_back(Output::TakeUp { state, how });
    }

    /// The room was asked to show itself to a participant who is in it already.
    pub(super) fn is_asked_to_show(&mut self, standing: Result<Standing, WireError>) {
        let Some(showing) = &self.showing else {
            // It has shown itself, or the socket was lost.
            return;
        };
        match standing {
            Ok(Standing::Inside(id)) if id == showing.participant => self.show_no_more(),
            Ok(_) => {
                let participant = showing.participant.clone();
                self.has_let_go(&participant, ErrorCode::RoomEnded);
                self.show_nothing();
            }
            Err(error) => {
                let text = frame::error(Some(showing.id), &error);
                self.showing = None;
                self.write(text);
            }
        }
    }

    /// Shows the room to the participant for whom it was asked. What the room told before was written before.
    pub(super) fn show_again(&mut self, participant: &ParticipantId, view: View) {
        let is_theirs = |showing: &mut Showing| showing.participant == *participant;
        // A participant for whom another view was asked is gone.
        if let Some(Showing { id, .. }) = self.showing.take_if(is_theirs) {
            self.write(frame::ok(id, &room_view::joined(view)));
        }
    }

    /// A room that has let go of the participant shows itself no more.
    pub(super) fn show_no_more(&mut self) {
        if let (Some(state), Some(showing)) = (&self.state, &self.showing)
            && !state.is_inside(&showing.participant)
        {
            self.show_nothing();
        }
    }

    /// Gives the answer that is kept by now.
    fn show_nothing(&mut self) {
        let Some(Showing { id, .. }) = self.showing.take() else {
            return;
        };
        let Seen::Answered(Answer::Done(text) | Answer::Came(text, _)) = self.answers.find(id)
        else {
            return self.write(frame::error(Some(id), &ErrorCode::ServerBusy.into()));
        };
        self.write(text.to_string());
    }

    /// A room has let go of `participant`, so they cannot be told again how they came there.
    pub(super) fn has_let_go(&mut self, participant: &ParticipantId, code: ErrorCode) {
        let error = WireError::from(code);
        self.answers
            .let_go(participant, |id| frame::error(Some(id), &error));
    }
}

/// Why `participant` is not in the room that lets go of it; none when they left by themselves.
pub(super) fn why_not_in<S: State>(state: &S, participant: &ParticipantId) -> Option<ErrorCode> {
    let code = match state.is_inside(participant) {
        true => ErrorCode::RoomEnded,
        false => ErrorCode::RoomDenied,
    };
    (state.participant() == Some(participant)).then_some(code)
}

/// The frame that answers request `id`.
pub(super) fn answered(id: u64, answer: Result<Answered, WireError>) -> Answered {
    answer.unwrap_or_else(|error| frame::error(Some(id), &error).into())
}
