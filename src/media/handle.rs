//! The handles by which the rest of the server talks to the media workers.

use std::future::Future;
use std::net::SocketAddr;

use super::{Census, EventSink, MediaConfig, MediaError, MediaStartError};
use crate::meeting::media::MediaCommand;
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::{IceCandidate, Leg, Source, SourceMid};
use crate::protocol::request::{DownOffer, Published, Tile};

/// A handle to all media workers.
#[derive(Clone)]
pub struct Media {}

/// The answer to an up offer.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishAnswer {
    /// What the client gets.
    pub answer: Published,
    /// The sources that were negotiated, each with the name of the encoding that it will use as far as the
    /// offer tells; `MediaEvent::Format` says what really arrives.
    pub sources: Vec<(Source, Option<String>)>,
}

/// A handle to one room's media. When the last one is dropped the room is freed, `Close` or not.
#[derive(Clone)]
pub struct RoomMedia {}

#[allow(clippy::unimplemented, unused_variables)]
impl Media {
    /// Binds the sockets and starts the workers.
    ///
    /// # Errors
    /// A sentence for whoever starts the server: no usable address, a port in use.
    pub fn start(config: MediaConfig) -> Result<Self, MediaStartError> {
        unimplemented!()
    }
    /// Where the workers listen: every configured IP address with every worker's port.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        unimplemented!()
    }
    /// Opens a room on the least loaded worker.
    pub fn open_room(&self, events: EventSink) -> RoomMedia {
        unimplemented!()
    }
    /// Counts what all workers hold.
    pub fn census(&self) -> impl Future<Output = Census> + Send + 'static {
        async { Census::default() }
    }
    /// Closes every room and ends the workers; waits for them, but not for ever.
    pub async fn shutdown(&self) {}
}

#[allow(clippy::unimplemented, unused_variables)]
impl RoomMedia {
    /// Queues a command; commands and requests of one room are carried out in the order in which they came.
    ///
    /// # Errors
    /// Gives the command back when the worker's inbox is full.
    pub fn try_command(&self, command: MediaCommand) -> Result<(), MediaCommand> {
        unimplemented!()
    }
    /// Takes an up offer and answers it.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn publish(
        &self,
        participant: &ParticipantId,
        revision: u64,
        sdp: String,
        sources: Vec<SourceMid>,
    ) -> Result<PublishAnswer, MediaError> {
        unimplemented!()
    }
    /// Makes the down connection's offer.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn receive(
        &self,
        participant: &ParticipantId,
        audio_slots: u32,
        video_slots: u32,
    ) -> Result<DownOffer, MediaError> {
        unimplemented!()
    }
    /// Takes the answer to the down offer.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn answer(
        &self,
        participant: &ParticipantId,
        revision: u64,
        sdp: String,
    ) -> Result<(), MediaError> {
        unimplemented!()
    }
    /// Replaces what the participant wishes to see.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn view(
        &self,
        participant: &ParticipantId,
        tiles: Vec<Tile>,
    ) -> Result<(), MediaError> {
        unimplemented!()
    }
    /// Takes a remote ICE candidate; `None` ends them.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn candidate(
        &self,
        participant: &ParticipantId,
        leg: Leg,
        candidate: Option<IceCandidate>,
    ) -> Result<(), MediaError> {
        unimplemented!()
    }
    /// Restarts ICE: on down a `MediaEvent::Offer` follows, on up the client offers next.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn restart(&self, participant: &ParticipantId, leg: Leg) -> Result<(), MediaError> {
        unimplemented!()
    }
}
