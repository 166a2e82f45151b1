//! The commands of a room to its media worker, in order, even when the inbox of the worker is full. The relay gets them
//! at once.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;

use super::handle::{Message, media_sink};
use crate::media::RoomMedia;
use crate::meeting::media::MediaCommand;
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::IceServer;
use crate::turn::{Datagrams, RoomAccess};

/// The pause between attempts to send commands to a full inbox.
pub(super) const MEDIA_RETRY: Duration = Duration::from_millis(10);

/// How often the end of the room is sent to a full inbox.
const MEDIA_CLOSE_ATTEMPTS: usize = 500;

/// The line to the media worker of a room. In a peer-to-peer room there is no worker.
pub(super) struct MediaLine {
    media: Option<RoomMedia>,
    /// The relay admits the participants of the room.
    relay: RoomAccess,
    /// Clients send to the worker without the relay if they can. In a check of the connection each way is tried alone.
    goes_straight: bool,
    /// Where the media worker reports.
    reports: mpsc::WeakSender<Message>,
    /// Commands that found no place in the inbox, in order. Their number is bounded by what people can do during one
    /// turn of the worker: every entry came through the bounded inbox of the room.
    backlog: VecDeque<MediaCommand>,
}

impl MediaLine {
    pub fn new(
        media: Option<RoomMedia>,
        relay: RoomAccess,
        goes_straight: bool,
        reports: mpsc::WeakSender<Message>,
    ) -> Self {
        Self {
            media,
            relay,
            goes_straight,
            reports,
            backlog: VecDeque::new(),
        }
    }

    /// Whether commands wait to be sent.
    pub fn is_behind(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// The relays for a participant.
    pub fn ice_servers(&self, participant: &ParticipantId) -> Vec<IceServer> {
        let datagrams = match &self.media {
            Some(_) if self.goes_straight => Datagrams::Unnamed,
            Some(_) | None => Datagrams::Named,
        };
        self.relay.ice_servers(participant, datagrams)
    }

    /// Sends a command after all that wait.
    pub fn tell(&mut self, command: MediaCommand) {
        match &command {
            MediaCommand::Admit { participant } => self.relay.admit(participant),
            MediaCommand::Dismiss { participant } => self.relay.dismiss(participant),
            MediaCommand::StartTrack { .. }
            | MediaCommand::StopTrack { .. }
            | MediaCommand::SetMuted { .. }
            | MediaCommand::TellSlots { .. }
            // The access of the room ends by itself.
            | MediaCommand::Close => {}
        }
        self.backlog.push_back(command);
        self.flush();
    }

    /// The media worker lost the room. A new one is opened, and the core then tells it everything.
    pub fn begin_anew(&mut self) {
        let Some(media) = &self.media else { return };
        tracing::warn!("a room's media was lost and begins anew");
        media.begin_anew(media_sink(self.reports.clone()));
        self.backlog.clear();
    }

    /// Sends the waiting commands, as far as the inbox has room.
    pub fn flush(&mut self) {
        let Some(media) = &self.media else {
            self.backlog.clear();
            return;
        };
        while let Some(command) = self.backlog.pop_front() {
            if let Err(command) = media.try_command(command) {
                self.backlog.push_front(command);
                return;
            }
        }
    }

    /// Tells the worker that the room is over. If the worker does not take it in time, dropping the last handle has the
    /// same effect.
    pub async fn close(&mut self) {
        self.tell(MediaCommand::Close);
        for _ in 0..MEDIA_CLOSE_ATTEMPTS {
            if !self.is_behind() {
                return;
            }
            tokio::time::sleep(MEDIA_RETRY).await;
            self.flush();
        }
    }
}
