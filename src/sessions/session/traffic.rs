//! What goes into a session's core, and what comes out of it.

use super::link::Standing;
use crate::protocol::error::WireError;
use crate::protocol::frame::RequestFrame;
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::User;
use crate::protocol::time::Timestamp;
use crate::rooms::OutboxItem;
use crate::sessions::answers::Answered;
use crate::sessions::end::End;

/// What a session is for its requests, as far as the core must know it.
pub trait State {
    /// The user who has logged in.
    fn user(&self) -> Option<&User>;
    /// Whether it is in no room and waits at no door.
    fn is_nowhere(&self) -> bool;
    /// Its participant in the room that it is in, or at the door where it waits.
    fn participant(&self) -> Option<&ParticipantId>;
    /// Whether it is in a room as `participant`.
    fn is_inside(&self, participant: &ParticipantId) -> bool;
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
    /// The client has sent something. Only while [`Session::wants_frames`](super::Session::wants_frames).
    Frame(Frame<'a>),
    /// A room tells something. Only while [`Session::wants_items`](super::Session::wants_items).
    Item(OutboxItem),
    /// The request in flight is finished.
    Done(Done<S>),
    /// The room has been told that the socket is gone.
    LossAnnounced(S),
    /// A new socket takes the session up. Only without one.
    Resume(Resume),
    /// What the room says to that.
    TakenUp {
        /// What was lent.
        state: S,
        /// Where it is, or why it is not taken up.
        standing: Result<Standing, WireError>,
    },
    /// Events found no room in the outbox, because the client reads too slowly: they are lost.
    Overflowed,
    /// There is no place for a session without a socket.
    Unkept,
    /// Time has passed: at [`Session::next_deadline`](super::Session::next_deadline) at the latest.
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
    pub answer: Result<Answered, WireError>,
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
    /// Let go of the socket, and close it. The session goes on without one, if there is a place for it.
    LetGo {
        /// How it is closed.
        end: End,
        /// It is in no room.
        is_nowhere: bool,
    },
    /// Tell the room that the socket is gone, and give the state back by [`Input::LossAnnounced`].
    TellLoss {
        /// Lent to it.
        state: S,
    },
    /// Tell the room that there is a socket again, and give the state back by [`Input::TakenUp`].
    TakeUp {
        /// Lent to it.
        state: S,
        /// How.
        how: TakeUp,
    },
    /// It is over: leave the room, and close the socket. Nothing comes after it.
    Over {
        /// Why.
        end: End,
        /// What the session was.
        state: S,
    },
}

/// A client that comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// The id of its request.
    pub id: u64,
    /// The number of the last event that it has seen; none when it knows nothing any more.
    pub last_seq: Option<u64>,
    /// The token that takes the session up the next time.
    pub token: String,
}

/// What a room is asked for a session that is taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakeUp {
    /// The client knows nothing any more: its media begins anew.
    pub anew: bool,
    /// The room is to show itself by [`OutboxItem::View`].
    pub look: bool,
}
