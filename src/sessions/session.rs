//! The session's task: one socket, from `hello` to its close.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tracing::Instrument as _;

use super::answers::{Answers, Seen};
use super::directory::Directory;
use super::dispatch::dispatch;
use super::end::{End, goodbye};
use super::handlers::room_view;
use super::limits::{BURST, Limits, Pace, REQUESTS_PER_SECOND, too_fast};
use super::services::Services;
use super::state::SessionState;
use crate::meeting::effect::View;
use crate::network::Network;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::event::{Delivery, Event, LeaveReason};
use crate::protocol::frame::{self, EncodedEvent, Hello, RequestFrame};
use crate::protocol::ids::{ParticipantId, SessionId};
use crate::protocol::time::Timestamp;
use crate::rooms::{OutboxItem, OutboxReader, outbox};
use crate::supervise;

/// How often the server pings; two pings unanswered end the session.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// So many pings may stay unanswered; the next one ends the session instead.
pub const MOST_PINGS_UNANSWERED: u32 = 2;

/// How long a client may take to say who it is.
const LOGIN_DEADLINE: Duration = Duration::from_secs(10);

/// How long one frame may take to be written before the client counts as too slow.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(10);

/// A request being carried out: it owns the session's state meanwhile, and gives it back with the answer.
type InFlight =
    Pin<Box<dyn Future<Output = (SessionState, u64, Result<String, WireError>)> + Send>>;

/// Serves one upgraded socket until it closes, the client misbehaves, or `services` are told to stop.
pub async fn run<S>(socket: WebSocketStream<S>, address: Network, services: Services)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let id = SessionId::random();
    let span = tracing::info_span!("session", session.id = %id);
    Session::new(socket, address, services, id)
        .run()
        .instrument(span)
        .await;
}

/// What a room has done with the session.
enum Move {
    Admitted {
        participant: ParticipantId,
        view: Box<View>,
    },
    Released(ParticipantId),
}

/// Takes a session out of the directory when it ends, in whatever way.
struct Listed {
    directory: Directory,
    id: SessionId,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.directory.leave(&self.id);
    }
}

struct Session<S> {
    socket: WebSocketStream<S>,
    services: Services,
    id: SessionId,
    _listed: Listed,
    events: OutboxReader,
    /// None while a request is in flight, which then owns it.
    state: Option<SessionState>,
    in_flight: Option<InFlight>,
    /// What rooms told while a request was in flight.
    moves: VecDeque<Move>,
    revoked: Arc<Notify>,
    answers: Answers,
    limits: Limits,
    /// The number of the last event.
    seq: u64,
    pings_unanswered: u32,
    logged_in: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    fn new(
        socket: WebSocketStream<S>,
        address: Network,
        services: Services,
        id: SessionId,
    ) -> Self {
        let (outbox, events) = outbox();
        let limits = Limits::new(services.is_rate_limited(), Instant::now());
        let state = SessionState::new(id.clone(), address, outbox);
        let revoked = state.revoked.clone();
        let listed = Listed {
            directory: services.directory().clone(),
            id: id.clone(),
        };
        Self {
            socket,
            services,
            id,
            _listed: listed,
            events,
            state: Some(state),
            in_flight: None,
            moves: VecDeque::new(),
            revoked,
            answers: Answers::default(),
            limits,
            seq: 0,
            pings_unanswered: 0,
            logged_in: false,
        }
    }

    async fn run(mut self) {
        let Err(end) = self.serve().await;
        tracing::debug!(reason = ?end, "session ends");
        self.depart(end).await;
        self.close(end).await;
    }

    /// Serves until something ends the session.
    async fn serve(&mut self) -> Result<std::convert::Infallible, End> {
        let hello = frame::hello(&self.hello());
        self.write(hello).await?;
        let mut heartbeat = tokio::time::interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let login_deadline = tokio::time::sleep(LOGIN_DEADLINE);
        tokio::pin!(login_deadline);
        let overflow = self.events.overflow();
        let revoked = self.revoked.clone();
        let stopping = self.services.stopping();
        tokio::pin!(stopping);
        loop {
            let is_idle = self.in_flight.is_none();
            tokio::select! {
                biased;
                () = &mut stopping => return Err(End::GoingAway),
                done = finished(&mut self.in_flight) => {
                    let was_logged_in = self.logged_in;
                    self.answer(done).await?;
                    if was_logged_in && !self.logged_in {
                        login_deadline.as_mut().reset(Instant::now() + LOGIN_DEADLINE);
                    }
                }
                () = overflow.happened() => return Err(End::TooSlow),
                () = revoked.notified() => return Err(End::NotAuthenticated),
                () = &mut login_deadline, if !self.logged_in && is_idle => return Err(End::NotAuthenticated),
                _ = heartbeat.tick() => self.beat().await?,
                item = self.events.next(), if !self.is_held_back() => {
                    // A room answers before it tells: an answer that is ready goes out before the event is.
                    if let Some(done) = finished(&mut self.in_flight).now_or_never() {
                        self.answer(done).await?;
                    }
                    self.take(item).await?;
                }
                // While one request is carried out the next waits in the socket: that bounds what a client can queue.
                message = self.socket.next(), if is_idle => self.read(message).await?,
            }
        }
    }

    fn hello(&self) -> Hello {
        Hello {
            protocol: crate::protocol::SUBPROTOCOL,
            server: concat!("meeting/", env!("CARGO_PKG_VERSION")).to_owned(),
            session: self.id.clone(),
            heartbeat_ms: u64::try_from(HEARTBEAT.as_millis()).unwrap_or(u64::MAX),
            limits: frame::Limits {
                message_bytes: u32::try_from(super::MESSAGE_BYTES).unwrap_or(u32::MAX),
                requests_per_second: REQUESTS_PER_SECOND,
                burst: BURST,
                // A lost session is not kept yet.
                resume_ms: 0,
            },
            auth: self.services.ways_in(),
            time: Timestamp::now(),
        }
    }

    async fn read(&mut self, message: Option<Result<Message, Error>>) -> Result<(), End> {
        match message {
            Some(Ok(Message::Text(text))) => self.request(&text).await,
            Some(Ok(Message::Binary(_))) => self.refuse_frame(None, ErrorCode::Binary.into()).await,
            Some(Ok(Message::Pong(_))) => {
                self.pings_unanswered = 0;
                self.control_frame()
            }
            Some(Ok(Message::Ping(_))) => self.control_frame(),
            Some(Ok(Message::Frame(_))) => Ok(()),
            Some(Ok(Message::Close(frame))) => Err(End::of_close(frame.as_ref())),
            None => Err(End::Gone),
            Some(Err(error)) => {
                let end = End::from(error);
                if end == End::TooBig {
                    let text = frame::error(None, &ErrorCode::TooLarge.into());
                    self.write(text).await?;
                }
                Err(end)
            }
        }
    }

    /// Pings and pongs cost little and are answered or dropped unasked, but without end they are a flood as well.
    fn control_frame(&mut self) -> Result<(), End> {
        self.count(Instant::now())
    }

    /// Counts what costs little to answer: only a flood of it is too much.
    fn count(&mut self, now: Instant) -> Result<(), End> {
        match self.limits.request(now) {
            Pace::Fine | Pace::TooFast(_) => Ok(()),
            Pace::Flood => Err(End::TooManyRequests),
        }
    }

    async fn request(&mut self, text: &str) -> Result<(), End> {
        let request = match RequestFrame::decode(text) {
            Ok(request) => request,
            Err(bad) => return self.refuse_frame(bad.re, bad.error).await,
        };
        #[cfg(test)]
        assert!(request.kind != "test.panic.session", "as the test wants");
        let id = request.id;
        let seen = self.answers.find(id);
        // Counted before anything else: what was answered already costs an answer again.
        match self.limits.request(Instant::now()) {
            Pace::Fine => {}
            Pace::Flood => return Err(End::TooManyRequests),
            Pace::TooFast(wait) => {
                // Like every answer this one memberships its request's.
                let text = frame::error(Some(id), &too_fast(wait));
                if seen == Seen::New {
                    self.answers.keep(id, text.as_str().into());
                }
                return self.write(text).await;
            }
        }
        match seen {
            Seen::New => {}
            Seen::Answered(answer) => return self.write(answer.to_string()).await,
            Seen::Stale => {
                let error = WireError::bad_field("id", "must rise within the session");
                return self.write(frame::error(Some(id), &error)).await;
            }
        }
        let Some(state) = self.state.take() else {
            unreachable!("requests are read only between two others")
        };
        let services = self.services.clone();
        self.in_flight = Some(Box::pin(async move {
            let mut state = state;
            let kind = request.kind.clone();
            let carried_out = dispatch(&services, &mut state, request);
            // What a handler leaves half done is its room's or the store's to know; a session's own state changes at once,
            // and who has come into a room for a request that failed is taken out of it again.
            let answer = supervise::caught("request", carried_out).await;
            let answer = answer.unwrap_or_else(|_| {
                tracing::error!(request = %kind.escape_debug(), "this request made a handler panic");
                Err(ErrorCode::ServerInternal.into())
            });
            (state, id, answer)
        }));
        Ok(())
    }

    async fn answer(
        &mut self,
        done: (SessionState, u64, Result<String, WireError>),
    ) -> Result<(), End> {
        let (state, id, answer) = done;
        self.logged_in = state.login.is_some();
        self.state = Some(state);
        while let Some(change) = self.moves.pop_front() {
            self.follow(change).await?;
        }
        let text = answered(id, answer);
        self.answers.keep(id, text.as_str().into());
        self.write(text).await
    }

    /// Refuses a frame that cannot be read as a request. One with an id is a request all the same, with an ill-typed
    /// field, and counts like any other; too many without are abuse.
    async fn refuse_frame(&mut self, re: Option<u64>, error: WireError) -> Result<(), End> {
        let now = Instant::now();
        if re.is_some() {
            self.count(now)?;
        } else if self.limits.bad_frame_is_one_too_many(now) {
            return Err(End::Abuse);
        }
        self.write(frame::error(re, &error)).await
    }

    async fn take(&mut self, item: OutboxItem) -> Result<(), End> {
        match item {
            OutboxItem::Event(event) => {
                if event.delivery() == Delivery::Sure {
                    self.seq += 1;
                }
                self.write(event.frame(self.seq)).await
            }
            OutboxItem::Admitted { participant, view } => {
                self.follow(Move::Admitted { participant, view }).await
            }
            OutboxItem::Released { participant, close } => {
                self.follow(Move::Released(participant)).await?;
                close.map_or(Ok(()), |reason| Err(reason.into()))
            }
        }
    }

    /// Follows what a room has done with this session. While a request is in flight, which owns the state, it waits.
    async fn follow(&mut self, change: Move) -> Result<(), End> {
        let Some(state) = &mut self.state else {
            self.moves.push_back(change);
            return Ok(());
        };
        match change {
            Move::Released(participant) => state.release(&participant),
            Move::Admitted { participant, view } => {
                // Who has gone away meanwhile hears nothing of it.
                if state.admit(&participant) {
                    let event = Event::LobbyAdmitted(room_view::joined(*view));
                    self.seq += 1;
                    return self.write(EncodedEvent::new(&event).frame(self.seq)).await;
                }
            }
        }
        Ok(())
    }

    /// Whether the next event must wait for the request in flight: nothing of a room goes out before its
    /// `lobby.admitted`.
    fn is_held_back(&self) -> bool {
        let is_admission = |change: &Move| matches!(change, Move::Admitted { .. });
        self.moves.iter().any(is_admission)
    }

    async fn beat(&mut self) -> Result<(), End> {
        if self.pings_unanswered >= MOST_PINGS_UNANSWERED {
            return Err(End::Unresponsive);
        }
        self.pings_unanswered += 1;
        self.send(Message::Ping(Vec::new().into())).await
    }

    async fn write(&mut self, text: String) -> Result<(), End> {
        self.send(Message::Text(text.into())).await
    }

    /// Writes one frame. Should the outbox overflow meanwhile, the client does not read, and nobody waits for it.
    async fn send(&mut self, message: Message) -> Result<(), End> {
        let overflow = self.events.overflow();
        let sent = tokio::time::timeout(WRITE_DEADLINE, self.socket.send(message));
        tokio::select! {
            biased;
            sent = sent => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(End::Gone),
                Err(_) => Err(End::TooSlow),
            },
            () = overflow.happened() => Err(End::TooSlow),
        }
    }

    /// Leaves the room and the directory. A request in flight is finished first: it may be just coming in, and what it has
    /// done is told to whoever still reads, so that they need not guess.
    async fn depart(&mut self, end: End) {
        if let Some(in_flight) = self.in_flight.take() {
            let (state, id, answer) = in_flight.await;
            self.state = Some(state);
            if end.hears_answers() && self.write(answered(id, answer)).await.is_err() {
                tracing::debug!("the last answer was not read");
            }
        }
        self.services.directory().leave(&self.id);
        if let Some(mut state) = self.state.take() {
            match end {
                End::Closed => state.leave().await,
                End::Unloaded => state.vanish(LeaveReason::Left).await,
                _ => state.vanish(LeaveReason::Lost).await,
            }
        }
    }

    async fn close(self, end: End) {
        goodbye(self.socket, end.close_frame()).await;
    }
}

fn answered(id: u64, answer: Result<String, WireError>) -> String {
    answer.unwrap_or_else(|error| frame::error(Some(id), &error))
}

/// Waits for the request in flight; for ever when there is none.
async fn finished(
    in_flight: &mut Option<InFlight>,
) -> (SessionState, u64, Result<String, WireError>) {
    match in_flight {
        Some(future) => {
            let done = future.await;
            *in_flight = None;
            done
        }
        None => std::future::pending().await,
    }
}
