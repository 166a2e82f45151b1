//! How a session reaches a room, independent of where the room runs.

use serde::{Deserialize, Serialize};

use super::handle::{CallError, RoomHandle};
use super::start::Origin;
use crate::media::{MediaError, RoomMedia};
use crate::meeting::command::Signal;
use crate::meeting::{Command, Reply};
use crate::protocol::ids::{ParticipantId, UserId};
use crate::protocol::object::{IceCandidate, Leg, Source, SourceMid, Topology};
use crate::protocol::request::{DownOffer, Published, Tile};

/// The only way from a session to a room. Commands, answers and descriptions are plain data, so they could also cross a
/// network.
#[derive(Clone)]
pub enum RoomLink {
    /// The room runs in this process.
    Local(RoomHandle),
}

/// Something about one participant's connections to the room's media.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Description {
    /// An offer for what the participant sends.
    Publish {
        /// Rises with every offer.
        revision: u64,
        /// The offer.
        sdp: String,
        /// Which m-line carries what.
        sources: Vec<SourceMid>,
    },
    /// The participant asks to receive.
    Receive {
        /// How many audio slots.
        audio_slots: u32,
        /// How many video slots.
        video_slots: u32,
    },
    /// The answer to the offer for what the participant receives.
    Answer {
        /// The revision of the offer.
        revision: u64,
        /// The answer.
        sdp: String,
    },
    /// What the participant asks to see.
    View {
        /// All of it.
        tiles: Vec<Tile>,
    },
    /// An ICE candidate. None marks the end of candidates.
    Candidate {
        /// The candidate.
        candidate: Option<IceCandidate>,
    },
    /// A connection restarts ICE.
    Restart {
        /// Which.
        leg: Leg,
    },
}

/// The answer of the media of the room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Described {
    /// Nothing more to say.
    Done,
    /// The answer to an offer.
    Published {
        /// What the client gets.
        answer: Published,
        /// The negotiated sources, each with its encoding if it is known.
        sources: Vec<(Source, Option<String>)>,
    },
    /// The offer for what the participant receives.
    Offer(DownOffer),
}

/// Why a description was not answered.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub enum DescribeError {
    /// The room has no media of its own, because participants connect to each other.
    #[error("the server takes no media in this room")]
    BetweenPeers,
    /// The media worker refused.
    #[error(transparent)]
    Refused(#[from] MediaError),
}

impl RoomLink {
    /// Sends a command and waits for the answer of the room, in turn with all others, within a time limit.
    ///
    /// # Errors
    /// [`CallError`]; only `Refused` comes from the room itself.
    pub async fn call(&self, command: Command) -> Result<Reply, CallError> {
        match self {
            Self::Local(handle) => handle.call(command).await,
        }
    }

    /// The same with a longer wait, for commands that must not fail, such as leaving.
    ///
    /// # Errors
    /// As [`RoomLink::call`].
    pub async fn call_surely(&self, command: Command) -> Result<Reply, CallError> {
        match self {
            Self::Local(handle) => handle.call_surely(command).await,
        }
    }

    /// Delivers a message to another participant.
    ///
    /// # Errors
    /// [`CallError`]; only `Refused` comes from the room itself.
    pub async fn relay(
        &self,
        from: &ParticipantId,
        to: ParticipantId,
        signal: Signal,
    ) -> Result<(), CallError> {
        match self {
            Self::Local(handle) => handle.relay(from, to, signal).await,
        }
    }

    /// Sends a command whose answer does not matter, without waiting.
    pub fn tell(&self, command: Command) {
        match self {
            Self::Local(handle) => handle.tell(command),
        }
    }

    /// Sends the media of the room a description of the connections of a participant. It does not go through the core.
    ///
    /// # Errors
    /// [`DescribeError`]
    pub async fn describe(
        &self,
        participant: &ParticipantId,
        description: Description,
    ) -> Result<Described, DescribeError> {
        match self {
            Self::Local(handle) => {
                let media = handle.media().ok_or(DescribeError::BetweenPeers)?;
                Ok(describe(media, participant, description).await?)
            }
        }
    }

    /// Counts a message to everybody against the amount of the participants.
    ///
    /// # Errors
    /// The time after which there is enough again.
    pub fn say(&self, who: &UserId, bytes: u64) -> Result<(), std::time::Duration> {
        match self {
            Self::Local(handle) => handle.say(who, bytes),
        }
    }

    /// How many are in.
    pub fn head_count(&self) -> u32 {
        match self {
            Self::Local(handle) => handle.head_count(),
        }
    }

    /// Its topology, which edits do not change while it runs.
    pub fn topology(&self) -> Topology {
        match self {
            Self::Local(handle) => handle.topology(),
        }
    }

    /// Where it was loaded from.
    pub fn origin(&self) -> Origin {
        match self {
            Self::Local(handle) => handle.origin(),
        }
    }

    /// Whether both lead to the same run of a room.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Local(handle), Self::Local(other)) => handle.is_same(other),
        }
    }

    /// The room itself, for tests within this process.
    #[cfg(test)]
    pub(super) fn local(&self) -> &RoomHandle {
        match self {
            Self::Local(handle) => handle,
        }
    }
}

async fn describe(
    media: &RoomMedia,
    participant: &ParticipantId,
    description: Description,
) -> Result<Described, MediaError> {
    match description {
        Description::Publish {
            revision,
            sdp,
            sources,
        } => {
            let published = media.publish(participant, revision, sdp, sources).await?;
            Ok(Described::Published {
                answer: published.answer,
                sources: published.sources,
            })
        }
        Description::Receive {
            audio_slots,
            video_slots,
        } => {
            let offer = media.receive(participant, audio_slots, video_slots);
            offer.await.map(Described::Offer)
        }
        Description::Answer { revision, sdp } => {
            media.answer(participant, revision, sdp).await?;
            Ok(Described::Done)
        }
        Description::View { tiles } => {
            media.view(participant, tiles).await?;
            Ok(Described::Done)
        }
        Description::Candidate { candidate } => {
            media.candidate(participant, candidate).await?;
            Ok(Described::Done)
        }
        Description::Restart { leg } => {
            media.restart(participant, leg).await?;
            Ok(Described::Done)
        }
    }
}
