//! A session that lives: the core with what it cannot do itself. It waits for requests, rooms, clocks and revocation, and
//! carries requests out. It knows no socket: whoever has one gives it frames and writes what it says.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

use super::dispatch::dispatch;
use super::end::End;
use super::heartbeat::HEARTBEAT;
use super::limits::{BURST, Limits, REQUESTS_PER_SECOND};
use super::services::Services;
use super::session::{Done, Frame, Input, Output, Session};
use super::state::{Client, SessionState};
use super::table::Seat;
use crate::network::Network;
use crate::protocol::error::ErrorCode;
use crate::protocol::event::LeaveReason;
use crate::protocol::frame::{self, Hello, RequestFrame};
use crate::protocol::ids::SessionId;
use crate::protocol::time::Timestamp;
use crate::rooms::{OutboxReader, Overflow, outbox};
use crate::supervise;

/// How long a server that goes down gives its sockets to close.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// What a socket is to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// Write this frame.
    Write(String),
    /// Ping the client.
    Ping,
    /// Close the socket: the session is over.
    Close(End),
}

/// Work that is under way beside the core.
type Work = Pin<Box<dyn Future<Output = Finished> + Send>>;

/// What came of it.
enum Finished {
    /// A request was carried out; it gives back what it was lent.
    Request(Box<Done<SessionState>>),
    /// The session has left its room, and is over.
    Left(End),
}

/// One session of this node.
pub struct Live {
    services: Services,
    id: SessionId,
    /// Its place in the table.
    seat: Seat,
    core: Session<SessionState>,
    events: OutboxReader,
    overflow: Arc<Overflow>,
    revoked: Arc<Notify>,
    stopping: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Rings at the core's next deadline.
    alarm: Pin<Box<Sleep>>,
    work: Option<Work>,
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
        };
        let state = SessionState::new(client, outbox, now);
        let limits = Limits::new(services.is_rate_limited(), now);
        Self {
            core: Session::new(state, &hello(&services, &id), limits, now),
            overflow: events.overflow(),
            events,
            revoked: seat.revoked(),
            stopping: Box::pin(services.stopping()),
            alarm: Box::pin(tokio::time::sleep(HEARTBEAT)),
            work: None,
            over: None,
            seat,
            id,
            services,
        }
    }

    /// Its id, as `hello` names it.
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// Whether the client's next frame may be read.
    pub fn wants_frames(&self) -> bool {
        self.core.wants_frames()
    }

    /// The client has sent something, while the session [wants frames](Self::wants_frames).
    pub fn hear(&mut self, frame: Frame<'_>) {
        self.core.handle(Input::Frame(frame), Instant::now());
    }

    /// The socket cannot be used any more, for this reason.
    pub fn end(&mut self, end: End) {
        self.core.handle(Input::End(end), Instant::now());
    }

    /// What makes everybody give up on a client that reads too slowly.
    pub fn overflow(&self) -> Arc<Overflow> {
        self.overflow.clone()
    }

    /// What is to be done next; none when there is nothing until something happens.
    pub fn next_told(&mut self) -> Option<Told> {
        while let Some(output) = self.core.next_output() {
            match output {
                Output::Write(text) => return Some(Told::Write(text)),
                Output::Ping => return Some(Told::Ping),
                Output::CarryOut { request, state } => self.carry_out(request, state),
                Output::Over { end, state } => self.leave(end, state),
            }
        }
        self.over.map(Told::Close)
    }

    /// Waits until something happens to the session beside its socket, and lets it happen. Whoever stops waiting loses
    /// nothing.
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
            () = self.overflow.happened(), if is_open => Input::End(End::TooSlow),
            () = self.revoked.notified(), if is_open => Input::End(End::NotAuthenticated),
            () = &mut self.alarm, if is_open => Input::Tick,
            item = self.events.next(), if is_open && self.core.wants_items() => {
                // A room answers before it tells: an answer that is ready goes out before the event is.
                if let Some(done) = finished(&mut self.work).now_or_never() {
                    self.settle(done);
                }
                Input::Item(item)
            }
        };
        self.core.handle(input, Instant::now());
    }

    fn settle(&mut self, done: Finished) {
        match done {
            Finished::Request(done) => self.core.handle(Input::Done(*done), Instant::now()),
            Finished::Left(end) => self.over = Some(end),
        }
    }

    fn carry_out(&mut self, request: RequestFrame, mut state: SessionState) {
        #[cfg(test)]
        assert!(request.kind != "test.panic.session", "as the test wants");
        let (services, id) = (self.services.clone(), request.id);
        self.work = Some(Box::pin(async move {
            let kind = request.kind.clone();
            let carried_out = dispatch(&services, &mut state, request);
            // What a handler leaves half done is its room's or the store's to know; a session's own state changes at once,
            // and who has come into a room for a request that failed is taken out of it again.
            let answer = supervise::caught("request", carried_out).await;
            let answer = answer.unwrap_or_else(|_| {
                tracing::error!(request = %kind.escape_debug(), "this request made a handler panic");
                Err(ErrorCode::ServerInternal.into())
            });
            Finished::Request(Box::new(Done { state, id, answer }))
        }));
    }

    /// Leaves the table and the room.
    fn leave(&mut self, end: End, mut state: SessionState) {
        tracing::debug!(reason = ?end, "session ends");
        self.seat.leave();
        self.work = Some(Box::pin(async move {
            match end {
                End::Closed => state.location.leave().await,
                End::Unloaded => state.location.vanish(LeaveReason::Left).await,
                _ => state.location.vanish(LeaveReason::Lost).await,
            }
            Finished::Left(end)
        }));
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
            // A lost session is not kept yet.
            resume_ms: 0,
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
