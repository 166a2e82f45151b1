//! The socket of the relay: a client of the older program on one side, a session of `meeting.v1` on the other.
//!
//! The session decides who the client is, whether it may join, how fast it may send and when it is gone. The relay
//! translates between frames and signals. A frame without a receiver goes to everybody else in the room: two or more,
//! as in the older program, whose clients use `key` to see what concerns them.

mod door;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::Legacy;
use super::clients::{Clients, Seat};
use super::envelope::Envelope;
use super::frames::{Frame, Side, Signal, Tongue, encode};
use super::link::{self, Heard, Link};
use crate::http::UpgradedSocket;
use crate::network::Network;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::{ParticipantId, RoomIdentity, UserId};
use crate::sessions::{End, Limits, MOST_PINGS_UNANSWERED, Pace, too_fast};
use crate::ws::{WRITE_DEADLINE, close_frame, goodbye};

/// A request to join.
pub struct Knock {
    /// The room's identity or number.
    pub room: String,
    /// The token of the user.
    pub token: Option<String>,
}

/// Why the relay ends, for the client, if it is still there.
struct Farewell(Option<CloseFrame>);

impl From<End> for Farewell {
    fn from(end: End) -> Self {
        Self(close_frame(end))
    }
}

/// Carries one socket of the older program until it closes or its session is over.
pub async fn run(socket: UpgradedSocket, address: Network, knock: Knock, legacy: Legacy) {
    let limits = Limits::new(legacy.services.is_rate_limited(), Instant::now());
    let (link, session) = link::open(legacy.services, address).await;
    let relay = async {
        let mut relay = Relay {
            client: socket,
            link,
            clients: legacy.clients,
            limits,
            paused: Duration::ZERO,
            pings_unanswered: 0,
            early: VecDeque::new(),
        };
        let Err(Farewell(frame)) = relay.serve(knock).await;
        let Relay { client, link, .. } = relay;
        tokio::join!(link.end(), goodbye(client, frame));
    };
    tokio::join!(session, relay);
}

struct Relay {
    client: UpgradedSocket,
    link: Link,
    clients: Clients,
    /// The rate limit of the client. A frame counts once, for any number of receivers.
    limits: Limits,
    /// How long the session has delayed frames. This time does not refill the limit of the client, because frames that
    /// arrive meanwhile are only read later.
    paused: Duration,
    pings_unanswered: u32,
    /// Events from before the client joined a room that are not handled yet.
    early: VecDeque<(String, Box<RawValue>)>,
}

/// The room of the client, and the others in it.
struct Membership {
    room: RoomIdentity,
    _seat: Seat,
    others: HashMap<ParticipantId, Other>,
}

/// Another participant.
struct Other {
    user: UserId,
    /// Their side of the connection to this client.
    side: Side,
}

impl From<Person> for (ParticipantId, Other) {
    fn from(person: Person) -> Self {
        // Until there is a description, a participant who sends candidates counts as the offering side.
        let other = Other {
            user: person.user.id,
            side: Side::Offerer,
        };
        (person.id, other)
    }
}

#[derive(Deserialize)]
struct Person {
    id: ParticipantId,
    user: User,
}

#[derive(Deserialize)]
struct User {
    id: UserId,
}

impl Relay {
    async fn serve(&mut self, knock: Knock) -> Result<std::convert::Infallible, Farewell> {
        let mut membership = self.enter(knock).await?;
        loop {
            tokio::select! {
                // Events from before a frame apply to it, above all those of participants.
                biased;
                heard = self.link.next() => {
                    if let Some((kind, data)) = self.heed(heard).await? {
                        self.event(&mut membership, &kind, &data).await?;
                    }
                }
                message = self.client.next() => self.read(Some(&mut membership), message).await?,
            }
        }
    }

    /// Sends one request to the session and returns the answer. Other events wait until the client is in a room.
    async fn ask(
        &mut self,
        kind: &str,
        data: serde_json::Value,
    ) -> Result<Result<Box<RawValue>, WireError>, Farewell> {
        self.link.ask(kind, &data).await;
        self.answer(None).await
    }

    /// Waits for the answer to the last request, and handles other messages of the session meanwhile.
    async fn answer(
        &mut self,
        mut membership: Option<&mut Membership>,
    ) -> Result<Result<Box<RawValue>, WireError>, Farewell> {
        loop {
            let heard = self.link.next().await;
            if let Heard::Answer(answer) = heard {
                return Ok(answer);
            }
            if let Some((kind, data)) = self.heed(heard).await? {
                self.event_at(membership.as_deref_mut(), kind, data).await?;
            }
        }
    }

    /// Handles a message of the session, and returns it if it is an event.
    async fn heed(&mut self, heard: Heard) -> Result<Option<(String, Box<RawValue>)>, Farewell> {
        match heard {
            Heard::Event(kind, data) => return Ok(Some((kind, data))),
            Heard::Answer(_) | Heard::Pong => {}
            // The link answers by itself. Only the client can say whether it is there.
            Heard::Ping if self.pings_unanswered >= MOST_PINGS_UNANSWERED => {
                return Err(End::Unresponsive.into());
            }
            Heard::Ping => {
                self.pings_unanswered += 1;
                self.write(Message::Ping(Vec::new().into())).await?;
            }
            Heard::Closed(frame) => return Err(Farewell(frame)),
        }
        Ok(None)
    }

    async fn event_at(
        &mut self,
        membership: Option<&mut Membership>,
        kind: String,
        data: Box<RawValue>,
    ) -> Result<(), Farewell> {
        match membership {
            Some(membership) => self.event(membership, &kind, &data).await,
            None => {
                self.early.push_back((kind, data));
                Ok(())
            }
        }
    }

    async fn event(
        &mut self,
        membership: &mut Membership,
        kind: &str,
        data: &RawValue,
    ) -> Result<(), Farewell> {
        #[derive(Deserialize)]
        struct Came {
            participant: Person,
        }
        #[derive(Deserialize)]
        struct Went {
            participant: ParticipantId,
        }
        match kind {
            "participant.joined" => {
                let Came { participant } = parsed(data)?;
                let (id, other) = participant.into();
                membership.others.insert(id, other);
            }
            "participant.left" => {
                let Went { participant } = parsed(data)?;
                membership.others.remove(&participant);
            }
            "signal.offer" | "signal.answer" | "signal.candidate" => {
                return self.signal(membership, kind, parsed(data)?).await;
            }
            // The older program has no other events.
            _ => {}
        }
        Ok(())
    }

    async fn signal(
        &mut self,
        membership: &mut Membership,
        kind: &str,
        signal: Signal,
    ) -> Result<(), Farewell> {
        let Some(other) = membership.others.get_mut(&signal.from) else {
            return Ok(());
        };
        let Some((key, value)) = signal.translated(kind, other.side) else {
            return Ok(());
        };
        other.side = key.side().unwrap_or(other.side);
        let frame = encode(&other.user, &membership.room, key, &value);
        self.write(Message::text(frame)).await
    }

    async fn read(
        &mut self,
        membership: Option<&mut Membership>,
        message: Option<Result<Message, Error>>,
    ) -> Result<(), Farewell> {
        let Some(message) = message else {
            return Err(End::Gone.into());
        };
        match message {
            Ok(Message::Text(text)) => match Frame::decode(&text) {
                Ok(frame) => match (self.pace(), membership) {
                    (Pace::Fine, Some(membership)) => self.relay(membership, &frame).await,
                    (Pace::Fine, None) => self.refuse(ErrorCode::RoomWaiting.into()).await,
                    (Pace::TooFast(wait), _) => self.refuse(too_fast(wait)).await,
                    (Pace::Flood, _) => Err(End::TooManyRequests.into()),
                },
                // The session must count an invalid frame. So it gets a sample, and the client gets the error.
                Err(error) => {
                    self.refuse_frame(membership, Message::text(""), Some(error))
                        .await
                }
            },
            Ok(Message::Binary(_)) => {
                let empty = Message::binary(Vec::new());
                self.refuse_frame(membership, empty, None).await
            }
            Ok(Message::Pong(_)) => {
                self.pings_unanswered = 0;
                self.control_frame(membership).await
            }
            Ok(Message::Ping(_)) => self.control_frame(membership).await,
            Ok(Message::Frame(_)) => Ok(()),
            Ok(Message::Close(_)) => Err(End::Closed.into()),
            Err(error) => {
                let end = End::from(error);
                if end == End::TooBig {
                    self.refuse(ErrorCode::TooLarge.into()).await?;
                }
                Err(end.into())
            }
        }
    }

    /// Sends a frame to everybody else by one request for each, as fast as the session accepts them.
    async fn relay(&mut self, membership: &mut Membership, frame: &Frame) -> Result<(), Farewell> {
        let others: Vec<ParticipantId> = membership.others.keys().cloned().collect();
        for to in others {
            if let Err(error) = self.relay_to(membership, &to, frame).await? {
                return self.refuse(error).await;
            }
        }
        Ok(())
    }

    async fn relay_to(
        &mut self,
        membership: &mut Membership,
        to: &ParticipantId,
        frame: &Frame,
    ) -> Result<Result<(), WireError>, Farewell> {
        loop {
            // They may have left during the request before.
            let Some(other) = membership.others.get_mut(to) else {
                return Ok(Ok(()));
            };
            other.side = frame.key.side().map_or(other.side, Side::opposite);
            let is_older = self.clients.contains(to, &other.user, &membership.room);
            let tongue = if is_older { Tongue::Older } else { Tongue::Own };
            let data = frame.data(to, tongue);
            self.link.ask(frame.key.request(), &data).await;
            match self.answer(Some(membership)).await? {
                Ok(_) => return Ok(Ok(())),
                // They have just left.
                Err(error) if error.code == ErrorCode::SignalNotFound => return Ok(Ok(())),
                Err(error) => match (error.code, error.retry_after_ms) {
                    // The client was not too fast: one frame to several people costs several requests.
                    (ErrorCode::RateLimited, Some(wait)) => self.pause(membership, wait).await?,
                    _ => return Ok(Err(error)),
                },
            }
        }
    }

    /// Handles messages of the session until it accepts requests again.
    async fn pause(&mut self, membership: &mut Membership, wait_ms: u64) -> Result<(), Farewell> {
        let began = Instant::now();
        let until = began + Duration::from_millis(wait_ms);
        while let Ok(heard) = timeout_at(until, self.link.next()).await {
            if let Some((kind, data)) = self.heed(heard).await? {
                self.event(membership, &kind, &data).await?;
            }
        }
        self.paused += began.elapsed();
        Ok(())
    }

    /// Counts one frame of the client.
    fn pace(&mut self) -> Pace {
        self.limits.request(Instant::now() - self.paused)
    }

    /// Refuses a frame with `error`, or with the answer of the session to the `sample` that stands for it.
    async fn refuse_frame(
        &mut self,
        membership: Option<&mut Membership>,
        sample: Message,
        error: Option<WireError>,
    ) -> Result<(), Farewell> {
        self.link.send(sample).await;
        match self.answer(membership).await? {
            Err(told) => self.refuse(error.unwrap_or(told)).await,
            Ok(_) => Ok(()),
        }
    }

    /// Counts pings and pongs as the session does.
    async fn control_frame(
        &mut self,
        mut membership: Option<&mut Membership>,
    ) -> Result<(), Farewell> {
        self.link.send(Message::Ping(Vec::new().into())).await;
        loop {
            let heard = self.link.next().await;
            if matches!(heard, Heard::Pong) {
                return Ok(());
            }
            if let Some((kind, data)) = self.heed(heard).await? {
                self.event_at(membership.as_deref_mut(), kind, data).await?;
            }
        }
    }

    async fn refuse(&mut self, error: WireError) -> Result<(), Farewell> {
        let frame = Envelope::from(error).frame();
        self.write(Message::text(frame)).await
    }

    async fn write(&mut self, message: Message) -> Result<(), Farewell> {
        match tokio::time::timeout(WRITE_DEADLINE, self.client.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone.into()),
            Err(_) => Err(End::TooSlow.into()),
        }
    }
}

/// Reads data of the session, whose format is that of static/docs/protocol.md §2.
fn parsed<T: DeserializeOwned>(data: &RawValue) -> Result<T, Farewell> {
    serde_json::from_str(data.get()).map_err(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a relay does not understand its session"
        );
        End::Gone.into()
    })
}
