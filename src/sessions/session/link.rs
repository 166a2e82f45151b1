//! How a session loses its socket and gets another.
//!
//! A client that comes back says the number of the last event that it saw. If all later ones are kept, they follow the
//! answer. If not, the room is asked for a view, which takes their place. The room puts the view among what it tells
//! the session, so that all before it is in it and nothing after it is. A view is given a number of its own. So a
//! client that has not seen the view, because the answer was lost too, is known by its last number and gets another
//! one.

use std::time::Duration;

use tokio::time::Instant;

use super::{Answers, End, Heartbeat, Output, Resume, Session, State, TakeUp, frame, room_view};
use crate::meeting::effect::View;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::{ParticipantId, RoomIdentity};
use crate::protocol::request::{Joined, Resumed, ResumedView, WaitingView};

/// The largest number that a client of any language can have seen.
const LARGEST_SEQ: u64 = 1 << 53;

/// Where a session's client is.
pub enum Link {
    /// At a socket.
    Attached,
    /// At a new socket, which has had no answer yet.
    Attaching(Box<Attaching>),
    /// Nowhere.
    Detached {
        /// So long it is waited for.
        until: Instant,
        /// How the socket ended.
        why: End,
    },
}

/// A client that comes back.
pub struct Attaching {
    resume: Resume,
    /// A view takes the place of the events.
    look: bool,
    /// The room's, once it has come.
    view: Option<(ParticipantId, Box<Joined>)>,
    stage: Stage,
    /// How long the session was waited for, and why, should it not be taken up.
    before: (Instant, End),
}

enum Stage {
    /// The room is to be asked.
    Ready,
    /// It was asked.
    Asked,
    /// It answered, and is to show itself to this participant.
    Looks(ParticipantId),
}

/// Where a client is when it comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// In no room.
    Nowhere,
    /// At the door of this one.
    Door(RoomIdentity),
    /// In a room, as this participant.
    Inside(ParticipantId),
}

impl<S: State> Session<S> {
    /// Gives the session up for another socket: nothing is written any more. The room is told only if no socket takes
    /// the session.
    pub fn hand_over(&mut self, now: Instant) {
        let before = match self.link {
            Link::Detached { until, why } => Some((until, why)),
            _ => None,
        };
        let is_told = !self.is_loss_untold;
        self.detach(End::Gone, now);
        if let Some((until, why)) = before {
            self.link = Link::Detached { until, why };
            self.is_loss_untold = !is_told;
        }
    }

    /// Whether there is a client that has been answered.
    pub fn is_attached(&self) -> bool {
        matches!(self.link, Link::Attached)
    }

    /// Goes on without a socket after a loss, if it is to be kept, and ends otherwise.
    pub(super) fn lose_or_end(&mut self, end: End, now: Instant) {
        if !end.is_loss() || !self.logged_in || self.kept_for.is_none() {
            return self.end(end);
        }
        if !matches!(self.link, Link::Detached { .. }) {
            self.detach(end, now);
            let is_nowhere = self.is_nowhere();
            self.outputs.push_back(Output::LetGo { end, is_nowhere });
        }
    }

    /// Whether it is known to be in no room.
    pub fn is_nowhere(&self) -> bool {
        self.state.as_ref().is_some_and(State::is_nowhere)
    }

    fn detach(&mut self, why: End, now: Instant) {
        let is_for_socket = |output: &Output<S>| {
            matches!(
                output,
                Output::Write(_) | Output::Ping | Output::LetGo { .. }
            )
        };
        self.outputs.retain(|output| !is_for_socket(output));
        let until = now + self.kept_for.unwrap_or(Duration::ZERO);
        self.link = Link::Detached { until, why };
        self.is_loss_untold = true;
        self.showing = None;
    }

    /// Events were lost that had no number yet.
    pub(super) fn overflowed(&mut self) -> Result<(), End> {
        self.replay.forget();
        Err(End::TooSlow)
    }

    /// Nobody came back in time, or there was no place.
    pub(super) fn unkept(&mut self) {
        if let Link::Detached { why, .. } = self.link {
            self.end(why);
        }
    }

    pub(super) fn resume(&mut self, resume: Resume, now: Instant) {
        let Link::Detached { until, why } = self.link else {
            return;
        };
        let is_kept = |last| self.replay.reaches(last);
        let look = !resume.last_seq.is_some_and(is_kept);
        if look {
            self.replay.forget();
        }
        if let Some(last) = resume.last_seq.filter(|_| self.is_restored) {
            self.seq = last.min(LARGEST_SEQ);
        }
        self.heartbeat = Heartbeat::new(now);
        self.is_loss_untold = false;
        self.link = Link::Attaching(Box::new(Attaching {
            resume,
            look,
            view: None,
            stage: Stage::Ready,
            before: (until, why),
        }));
    }

    /// Tells the room what it does not know yet, as soon as the state is at home.
    pub(super) fn tell_room(&mut self) {
        if self.is_ending() {
            return;
        }
        match &mut self.link {
            Link::Attached => {}
            Link::Detached { .. } => {
                if self.is_loss_untold
                    && let Some(state) = self.state.take()
                {
                    self.is_loss_untold = false;
                    self.outputs.push_back(Output::TellLoss { state });
                }
            }
            Link::Attaching(attaching) => {
                if matches!(attaching.stage, Stage::Ready)
                    && let Some(state) = self.state.take()
                {
                    attaching.stage = Stage::Asked;
                    let anew = attaching.resume.last_seq.is_none();
                    let look = attaching.look;
                    let how = TakeUp { anew, look };
                    self.outputs.push_back(Output::TakeUp { state, how });
                }
            }
        }
    }

    /// What was lent to tell a loss, if nobody has begun to.
    pub(super) fn take_untold(&mut self) -> Option<S> {
        let is_untold = |output: &Output<S>| matches!(output, Output::TellLoss { .. });
        let at = self.outputs.iter().position(is_untold)?;
        match self.outputs.remove(at) {
            Some(Output::TellLoss { state }) => Some(state),
            _ => None,
        }
    }

    pub(super) fn taken_up(
        &mut self,
        state: S,
        standing: Result<Standing, WireError>,
    ) -> Result<(), End> {
        self.take_back(state);
        let Link::Attaching(attaching) = &mut self.link else {
            // The new socket was lost as well. Or there is one, and its client is to be shown the room.
            self.is_asked_to_show(standing);
            return Ok(());
        };
        if matches!(attaching.stage, Stage::Ready) {
            // This was for an earlier try.
            return Ok(());
        }
        match standing {
            Err(error) => self.refuse(&error),
            Ok(standing) if attaching.look => self.look(standing),
            Ok(_) => self.replay_missed(),
        }
        Ok(())
    }

    /// Waits for the room to show itself, or says that there is none.
    fn look(&mut self, standing: Standing) {
        let is_inside = |id: &ParticipantId| self.state.as_ref().is_some_and(|s| s.is_inside(id));
        let Link::Attaching(attaching) = &mut self.link else {
            return;
        };
        match standing {
            Standing::Inside(id) if is_inside(&id) => match attaching.view.take() {
                Some((shown, view)) if shown == id => {
                    self.answer_with_view(Some(ResumedView::Room(view)));
                }
                _ => {
                    attaching.stage = Stage::Looks(id);
                    self.replay.forget();
                }
            },
            Standing::Door(room) => {
                self.begin_after_view();
                let door = WaitingView { waiting: room };
                self.answer_with_view(Some(ResumedView::Door(door)));
            }
            // It may just have been let go.
            Standing::Inside(_) | Standing::Nowhere => {
                self.begin_after_view();
                self.answer_with_view(None);
            }
        }
    }

    /// The room shows itself as it is after all that it has told before.
    pub(super) fn shown(&mut self, participant: ParticipantId, view: View) {
        let Link::Attaching(attaching) = &mut self.link else {
            return self.show_again(&participant, view);
        };
        if !attaching.look {
            return;
        }
        let view = Box::new(room_view::joined(view));
        match &attaching.stage {
            // The view is of an earlier try. Another one comes.
            Stage::Ready => {}
            Stage::Asked => {
                attaching.view = Some((participant, view));
                self.begin_after_view();
            }
            Stage::Looks(id) if *id == participant => {
                self.begin_after_view();
                self.answer_with_view(Some(ResumedView::Room(view)));
            }
            Stage::Looks(_) => {}
        }
    }

    /// A room that has let go shows itself no more.
    pub(super) fn look_no_more(&mut self) {
        self.show_no_more();
        let Link::Attaching(attaching) = &self.link else {
            return;
        };
        let Stage::Looks(id) = &attaching.stage else {
            return;
        };
        if !self.state.as_ref().is_some_and(|state| state.is_inside(id)) {
            self.begin_after_view();
            self.answer_with_view(None);
        }
    }

    fn begin_after_view(&mut self) {
        self.seq += 1;
        self.replay.begin_after(self.seq);
    }

    fn replay_missed(&mut self) {
        let Link::Attaching(attaching) = &mut self.link else {
            return;
        };
        match attaching.resume.last_seq {
            Some(last) if self.replay.reaches(last) => self.answer(last, None),
            // Too much came while the room was asked.
            _ => {
                attaching.look = true;
                attaching.stage = Stage::Ready;
                self.replay.forget();
            }
        }
    }

    fn answer_with_view(&mut self, view: Option<ResumedView>) {
        let base = self.replay.base().unwrap_or(self.seq);
        self.answer(base, Some(view));
    }

    /// Answers, and tells what came after number `base`.
    fn answer(&mut self, base: u64, view: Option<Option<ResumedView>>) {
        let user = self.state.as_ref().and_then(State::user).cloned();
        let link = std::mem::replace(&mut self.link, Link::Attached);
        let (Link::Attaching(attaching), Some(user)) = (link, user) else {
            return;
        };
        let missed: Vec<String> = self
            .replay
            .after(base)
            .map(|(seq, event)| event.frame(seq))
            .collect();
        let answer = Resumed {
            resumed: true,
            replayed: if view.is_none() {
                missed.len() as u64
            } else {
                0
            },
            resume_token: attaching.resume.token,
            user,
            seq: base,
            view,
        };
        if attaching.resume.last_seq.is_none() {
            // It knows no ids either: they begin anew.
            self.answers = Answers::default();
        }
        self.repeats = self.answers.len();
        self.is_restored = false;
        self.write(frame::ok(attaching.resume.id, &answer));
        missed.into_iter().for_each(|event| self.write(event));
    }

    /// The session was logged out while its client had no answered socket: nobody can take it up.
    pub(super) fn check_login(&mut self) -> Result<(), End> {
        if self.logged_in || self.is_attached() {
            return Ok(());
        }
        if matches!(self.link, Link::Attaching(_)) {
            self.refuse(&ErrorCode::SessionGone.into());
        }
        Err(End::NotAuthenticated)
    }

    /// Refuses the client, and waits on for another one.
    fn refuse(&mut self, error: &WireError) {
        let Link::Attaching(attaching) = &self.link else {
            return;
        };
        let refusal = frame::error(Some(attaching.resume.id), error);
        let (until, why) = attaching.before;
        self.outputs.push_back(Output::Write(refusal));
        let (end, is_nowhere) = (End::NotResumed, self.is_nowhere());
        self.outputs.push_back(Output::LetGo { end, is_nowhere });
        self.link = Link::Detached { until, why };
        self.is_loss_untold = true;
    }
}
