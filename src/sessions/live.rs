//! A session that lives: the core with what it cannot do itself. It waits for requests, rooms, clocks and revocation,
//! and carries requests out. It knows no socket: the task that has one gives it frames and writes what it says.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{Instant, Sleep};
use tracing::{Instrument as _, Span};

use super::dispatch::{Outcome, dispatch};
use super::door::{Door, Taker};
use super::end::End;
use super::handover::{Handed, Successor};
use super::heartbeat::HEARTBEAT;
use super::kept::{Owner, Place};
use super::limits::{BURST, Limits, REQUESTS_PER_SECOND};
use super::reading::{Presence, presence, reads_much};
use super::restart::{Revived, SessionTicket};
use super::services::Services;
use super::session::link::Standing;
use super::session::{Done, Frame, Input, Output, Resume, Session, TakeUp};
use super::state::{Client, SessionState};
use super::table::Seat;
use crate::bell::Bell;
use crate::network::Network;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::event::LeaveReason;
use crate::protocol::frame::{self, Hello, RequestFrame};
use crate::protocol::ids::SessionId;
use crate::protocol::time::Timestamp;
use crate::rooms::{OutboxReader, Overflow, outbox};
use crate::supervise;

/// How long a server that goes down gives its sockets to close.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// What a socket is to do.
#[derive(Debug)]
pub enum Instruction {
    /// Write this frame.
    Write(String),
    /// Ping the client.
    Ping,
    /// Close the socket: the session is over.
    Close(End),
    /// Close the socket: the session is [kept](super::keep).
    LetGo(End),
    /// Close the socket: another one [takes the session over](Live::hand_over).
    HandOver,
    /// Go on with this session in place of this one.
    Become(Successor),
}

/// What a session is for its requests. It is lent and given back by its address.
type Home = Box<SessionState>;

/// Work that is under way beside the core.
type Work = Pin<Box<dyn Future<Output = Finished> + Send>>;

/// What came of it.
enum Finished {
    /// A request was carried out; it gives back what it was lent.
    Request(Box<Done<Home>>),
    /// A request found another session, which goes on in place of this one.
    Found(Box<Done<Home>>, Successor),
    /// The room knows that there is no socket.
    LossAnnounced(Home),
    /// The room knows that there is a socket again.
    TakenUp(Home, Result<Standing, WireError>),
    /// The session has left its room, and is over.
    Left(End),
}

/// One session of this node.
pub struct Live {
    services: Services,
    /// It names the session in the log. It is entered only for work: a session's task is woken far more often.
    span: Span,
    /// Where its client is, or was.
    address: Network,
    /// Its place in the table.
    seat: Seat,
    /// Where other sockets ask for it.
    door: Arc<Door>,
    /// Its place among those that have no socket.
    place: Option<Place>,
    /// A socket that asks for it.
    taker: Option<Taker>,
    /// What goes on in place of this one.
    successor: Option<Successor>,
    core: Session<Home>,
    events: OutboxReader,
    overflow: Arc<Overflow>,
    revoked: Arc<Bell>,
    stopping: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Rings at the core's next deadline.
    alarm: Pin<Box<Sleep>>,
    work: Option<Work>,
    /// Its client waits for a long answer.
    presence: Option<Presence>,
    over: Option<End>,
}

impl Live {
    /// A new session of a client at `address`. Its `hello` is the first to be written.
    pub fn open(address: Network, services: Services) -> Self {
        let id = SessionId::random();
        let now = Instant::now();
        let (outbox, events) = outbox();
        let seat = services.table().open(&id);
        let client = Client {
            session: id.clone(),
            address,
            socket: seat.socket(),
        };
        let ticket = SessionTicket::new(id.clone(), services.table().clone());
        let outbox = outbox.with_ticket(Arc::new(ticket));
        let state = SessionState::new(client, outbox, now);
        let limits = Limits::new(services.is_rate_limited(), now);
        let core = Session::new(Box::new(state), &hello(&services, &id), limits, now);
        Self::with(core, address, seat, events, services)
    }

    /// A session from before a restart, which waits for its client; none when there is no place for it.
    pub(super) fn restore(revived: Revived, services: Services) -> Option<Self> {
        let Revived {
            seat,
            address,
            login,
            events,
            location,
        } = revived;
        let (id, now) = (seat.id().clone(), Instant::now());
        let client = Client {
            session: id.clone(),
            address,
            socket: seat.socket(),
        };
        let mut state = SessionState::new(client, location.outbox(), now);
        state.location = location;
        state.login = Some(login);
        let limits = Limits::new(services.is_rate_limited(), now);
        let core = Session::restored(Box::new(state), &hello(&services, &id), limits, now);
        let mut session = Self::with(core, address, seat, events, services);
        session.find_place(false).then_some(session)
    }

    fn with(
        core: Session<Home>,
        address: Network,
        seat: Seat,
        events: OutboxReader,
        services: Services,
    ) -> Self {
        Self {
            core,
            span: tracing::info_span!(parent: None, "session", session.id = %seat.id()),
            overflow: events.overflow(),
            events,
            revoked: seat.revoked(),
            address,
            door: seat.door(),
            place: None,
            taker: None,
            successor: None,
            stopping: Box::pin(services.stopping()),
            alarm: Box::pin(tokio::time::sleep(HEARTBEAT)),
            work: None,
            presence: None,
            over: None,
            seat,
            services,
        }
    }

    /// Whether the client's next frame may be read.
    pub fn wants_frames(&self) -> bool {
        self.core.wants_frames()
    }

    /// Whether its request waits in line. The client's next frame is not wanted yet, but if the client leaves, the
    /// place is free.
    pub fn is_in_line(&self) -> bool {
        self.presence.as_ref().is_some_and(Presence::matters)
    }

    /// The client has sent something, while the session [wants frames](Self::wants_frames).
    pub fn hear(&mut self, frame: Frame<'_>) {
        self.core.handle(Input::Frame(frame), Instant::now());
    }

    /// The socket cannot be used any more, for this reason.
    pub fn end(&mut self, end: End) {
        self.core.handle(Input::End(end), Instant::now());
    }

    /// Waits for a reason to give up a write that takes long: the client reads too slowly, or another socket asks for
    /// the session.
    pub async fn interrupted(&mut self) {
        tokio::select! {
            biased;
            () = self.overflow.happened() => self.overflowed(),
            taker = self.door.knocked() => self.taker = Some(taker),
        }
    }

    /// What the room has told since is lost.
    fn overflowed(&mut self) {
        self.core.handle(Input::Overflowed, Instant::now());
        self.events.reopen();
    }

    /// A client takes it up at `address`.
    pub(super) fn resume(&mut self, resume: Resume, address: Network) {
        self.address = address;
        self.place = None;
        self.core.handle(Input::Resume(resume), Instant::now());
    }

    /// Begins to wait without a socket, if there is a place for it.
    pub(super) fn wait_for_socket(&mut self) {
        let input = match self.place.is_some() || self.find_place(self.core.is_nowhere()) {
            // The room may have to be told.
            true => Input::Tick,
            false => Input::Unkept,
        };
        self.core.handle(input, Instant::now());
    }

    /// Gives the session to the socket that asked for it. Returns the session when that socket is gone too.
    pub fn hand_over(mut self) -> Option<Self> {
        let Some(taker) = self.taker.take() else {
            return Some(self);
        };
        if taker.is_closed() {
            return Some(self);
        }
        self.core.hand_over(Instant::now());
        // If the receiver is gone by now, the returned session is kept.
        drop(taker.send(Handed::new(self)));
        None
    }

    /// What is to be done next; none when there is nothing until something happens.
    pub fn next_instruction(&mut self) -> Option<Instruction> {
        if !self.core.is_listened_to() {
            self.presence = None;
        }
        while let Some(output) = self.core.next_output() {
            match output {
                Output::Write(text) => return Some(Instruction::Write(text)),
                Output::Ping => return Some(Instruction::Ping),
                Output::CarryOut { request, state } => self.carry_out(request, state),
                Output::TellLoss { state } => self.tell_loss(state),
                Output::TakeUp { state, how } => self.take_up(state, how),
                Output::LetGo { end, is_nowhere } => {
                    if self.find_place(is_nowhere) {
                        return Some(Instruction::LetGo(end));
                    }
                    self.core.handle(Input::Unkept, Instant::now());
                }
                Output::Over { end, state } => self.leave(end, state),
            }
        }
        if let Some(end) = self.over {
            return Some(Instruction::Close(end));
        }
        if self.taker.is_some() {
            return Some(Instruction::HandOver);
        }
        self.successor.take().map(Instruction::Become)
    }

    fn find_place(&mut self, is_nowhere: bool) -> bool {
        let user = self.services.table().user(self.seat.id());
        self.place = user.and_then(|user| {
            self.services.kept().take(Owner {
                address: self.address,
                user,
                is_nowhere,
            })
        });
        self.place.is_some()
    }

    /// Waits until something happens to the session beside its socket, and lets it happen. A caller may stop waiting
    /// and loses nothing.
    pub async fn progress(&mut self) {
        let is_open = !self.core.is_ending();
        if let Some(deadline) = self.core.next_deadline()
            && deadline != self.alarm.deadline()
        {
            self.alarm.as_mut().reset(deadline);
        }
        let input = tokio::select! {
            biased;
            () = &mut self.stopping, if is_open => Input::Drain { deadline: drained_by() },
            done = finished(&mut self.work) => return self.settle(done),
            () = self.overflow.happened(), if is_open => return self.overflowed(),
            taker = self.door.knocked(), if is_open && self.taker.is_none() => {
                self.taker = Some(taker);
                return;
            }
            () = self.revoked.heard(), if is_open => Input::End(End::NotAuthenticated),
            () = &mut self.alarm, if is_open => Input::Tick,
            item = self.events.next(), if is_open && self.core.wants_items() => {
                // A room answers before it tells: an answer that is ready goes out before the event is.
                self.settle_what_is_done();
                Input::Item(item)
            }
        };
        self.core.handle(input, Instant::now());
    }

    fn settle(&mut self, done: Finished) {
        self.presence = None;
        match done {
            Finished::Request(done) => self.core.handle(Input::Done(*done), Instant::now()),
            // The client that asked for it may be gone.
            Finished::Found(done, _) if self.core.is_ending() => {
                self.core.handle(Input::Done(*done), Instant::now());
            }
            Finished::Found(_, successor) => self.successor = Some(successor),
            Finished::LossAnnounced(state) => {
                self.core
                    .handle(Input::LossAnnounced(state), Instant::now());
            }
            Finished::TakenUp(state, standing) => {
                self.core
                    .handle(Input::TakenUp { state, standing }, Instant::now());
            }
            Finished::Left(end) => self.over = Some(end),
        }
    }

    fn carry_out(&mut self, request: RequestFrame, mut state: Home) {
        #[cfg(test)]
        assert!(request.kind != "test.panic.session", "as the test wants");
        let (services, id) = (self.services.clone(), request.id);
        let (here, absence) = reads_much(&request.kind).then(presence).unzip();
        self.presence = here;
        self.begin(async move {
            let kind = request.kind.clone();
            let carried_out = dispatch(&services, &mut state, request, absence);
            // What a handler leaves half done is for its room or the store to know. A session's own state changes at
            // once. A participant who came into a room by a request that failed is taken out of it again.
            let answer = supervise::caught("request", carried_out).await;
            let answer = answer.unwrap_or_else(|_| {
                tracing::error!(request = %kind.escape_debug(), "this request made a handler panic");
                Err(ErrorCode::ServerInternal.into())
            });
            let (answer, successor) = match answer {
                Ok(Outcome::Answer(text)) => (Ok(text), None),
                Ok(Outcome::TakenUp(successor)) => {
                    (Err(ErrorCode::SessionGone.into()), Some(successor))
                }
                Err(error) => (Err(error), None),
            };
            let done = Box::new(Done { state, id, answer });
            match successor {
                Some(successor) => Finished::Found(done, successor),
                None => Finished::Request(done),
            }
        });
        // Many requests wait for nothing, and are done by now. One that waits is looked at again by the task that waits
        // for the session.
        self.settle_what_is_done();
    }

    fn begin(&mut self, work: impl Future<Output = Finished> + Send + 'static) {
        self.work = Some(Box::pin(work.instrument(self.span.clone())));
    }

    fn settle_what_is_done(&mut self) {
        if let Some(done) = finished(&mut self.work).now_or_never() {
            self.settle(done);
        }
    }

    fn tell_loss(&mut self, state: Home) {
        self.begin(async move {
            state.location.lose_socket().await;
            Finished::LossAnnounced(state)
        });
    }

    fn take_up(&mut self, mut state: Home, how: TakeUp) {
        let address = self.address;
        self.begin(async move {
            state.client.address = address;
            let standing = state.location.take_up(address, how).await;
            Finished::TakenUp(state, standing)
        });
    }

    /// Leaves the table and the room.
    fn leave(&mut self, end: End, mut state: Home) {
        self.span
            .in_scope(|| tracing::debug!(reason = ?end, "session ends"));
        self.seat.leave();
        self.begin(async move {
            match end {
                End::Closed => state.location.leave().await,
                End::Unloaded => state.location.vanish(LeaveReason::Left).await,
                _ => state.location.vanish(LeaveReason::Lost).await,
            }
            Finished::Left(end)
        });
    }
}

fn hello(services: &Services, id: &SessionId) -> Hello {
    Hello {
        protocol: crate::protocol::SUBPROTOCOL,
        server: concat!("meeting/", env!("CARGO_PKG_VERSION")).to_owned(),
        session: id.clone(),
        heartbeat_ms: u64::try_from(HEARTBEAT.as_millis()).unwrap_or(u64::MAX),
        limits: frame::Limits {
            message_bytes: u32::try_from(super::MESSAGE_BYTES).unwrap_or(u32::MAX),
            requests_per_second: REQUESTS_PER_SECOND,
            burst: BURST,
            resume_ms: u64::try_from(services.kept_for().as_millis()).unwrap_or(u64::MAX),
        },
        auth: services.accounts().ways_in(),
        time: Timestamp::now(),
    }
}

fn drained_by() -> Timestamp {
    let time = i64::try_from(DRAIN_TIME.as_millis()).unwrap_or(i64::MAX);
    Timestamp::now().plus_millis(time)
}

/// Waits for the work under way; for ever when there is none.
async fn finished(work: &mut Option<Work>) -> Finished {
    match work {
        Some(future) => {
            let done = future.await;
            *work = None;
            done
        }
        None => std::future::pending().await,
    }
}
