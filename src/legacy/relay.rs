//! The relay's socket: a client of the older program on one side, a session of `meeting.v1` on the other.
//!
//! Who somebody is, whether they may come in, how fast they may speak and when they are gone, the session decides. The
//! relay knows how a frame reads as a signal, and that a frame without addressee is for everyone else in the room: two
//! or more of them, as in the older program, whose clients look at `key` to see what concerns them.

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
use crate::sessions::{
    End, Limits, MOST_PINGS_UNANSWERED, Pace, WRITE_DEADLINE, goodbye, too_fast,
};

/// Who wants in, and where.
pub struct Knock {
    /// The room's identity or number.
    pub room: String,
    /// What proves who it is.
    pub token: Option<String>,
}

/// Why the relay ends: what the client is told, if it is there.
struct Farewell(Option<CloseFrame>);

impl From<End> for Farewell {
    fn from(end: End) -> Self {
        Self(end.close_frame())
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
    /// How fast the client speaks: a frame counts once, however many hear it.
    limits: Limits,
    /// How long the session has let frames wait. That time is no rest of the client's: what it sends meanwhile is not
    /// slower for being read later.
    paused: Duration,
    pings_unanswered: u32,
    /// What the session told before the client was in a room, and nobody has heeded yet.
    early: VecDeque<(String, Box<RawValue>)>,
}

/// Where the client is, and with whom.
struct Membership {
    room: RoomIdentity,
    _seat: Seat,
    others: HashMap<ParticipantId, Other>,
}

/// Somebody else in the room.
struct Other {
    user: UserId,
    /// Which end of the connection to this client they have.
    side: Side,
}

impl From<Person> for (ParticipantId, Other) {
    fn from(person: Person) -> Self {
        // Until they have described themselves otherwise, whoever sends candidates has offered.
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
                // What was told before a frame came counts for it: who is there, above all.
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

    /// One request to the session, and its answer. Before the client is in a room nothing else is told to it.
    async fn ask(
        &mut self,
        kind: &str,
        data: serde_json::Value,
    ) -> Result<Result<Box<RawValue>, WireError>, Farewell> {
        self.link.ask(kind, &data).await;
        self.answer(None).await
    }

    /// Waits for the answer to what was sent last, and carries out meanwhile what else the session tells.
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

    /// Does what the session wants, and gives its event if it was one.
    async fn heed(&mut self, heard: Heard) -> Result<Option<(String, Box<RawValue>)>, Farewell> {
        match heard {
            Heard::Event(kind, data) => return Ok(Some((kind, data))),
            Heard::Answer(_) | Heard::Pong => {}
            // The link answers by itself: whether the client is there, only the client can say.
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
            // The older program told its clients nothing else.
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
                // The session counts what is no request; it is shown one, and the client is told what is wrong.
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

    /// Sends a frame to everyone else, each a request of its own: to all of them, as fast as the session takes it.
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
            // They may have left while the one before was told.
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
                    // The client was not too fast: what several hear costs several requests.
                    (ErrorCode::RateLimited, Some(wait)) => self.pause(membership, wait).await?,
                    _ => return Ok(Err(error)),
                },
            }
        }
    }

    /// Carries out what the session tells until it takes requests again.
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

    /// Takes one frame of the client into account.
    fn pace(&mut self) -> Pace {
        self.limits.request(Instant::now() - self.paused)
    }

    /// Refuses a frame with `error`, or with what the session says to the `sample` that stands for it.
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

    /// Pings and pongs count as the session counts them.
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

/// What the session says is shaped as the contract has it.
fn parsed<T: DeserializeOwned>(data: &RawValue) -> Result<T, Farewell> {
    serde_json::from_str(data.get()).map_err(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a relay does not understand its session"
        );
        End::Gone.into()
    })
}
