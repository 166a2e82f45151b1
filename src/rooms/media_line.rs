//! What a room tells its media worker, in order, also while the worker has no room for more; and the relay, at once.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;

use super::handle::{Message, media_sink};
use crate::media::RoomMedia;
use crate::meeting::media::MediaCommand;
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::IceServer;
use crate::turn::RoomAccess;

/// How often commands are offered again to a media worker whose inbox was full.
pub(super) const MEDIA_RETRY: Duration = Duration::from_millis(10);

/// How often the end of the room is offered to a media worker.
const MEDIA_CLOSE_ATTEMPTS: usize = 500;

/// The line to a room's media worker; where media goes from peer to peer nobody is at its other end.
pub(super) struct MediaLine {
    media: Option<RoomMedia>,
    /// The relay's users are those who are in.
    relay: RoomAccess,
    /// Where the media worker reports.
    reports: mpsc::WeakSender<Message>,
    /// Commands that the media worker had no room for, in order. Its length is bounded by what people can do while
    /// one worker turn lasts: every entry came through the bounded inbox.
    backlog: VecDeque<MediaCommand>,
}

impl MediaLine {
    pub fn new(
        media: Option<RoomMedia>,
        relay: RoomAccess,
        reports: mpsc::WeakSender<Message>,
    ) -> Self {
        Self {
            media,
            relay,
            reports,
            backlog: VecDeque::new(),
        }
    }

    /// Whether something waits to be told.
    pub fn is_behind(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// The relays that somebody who is in may use.
    pub fn ice_servers(&self, participant: &ParticipantId) -> Vec<IceServer> {
        self.relay.ice_servers(participant)
    }

    /// Tells the worker, after all that waits.
    pub fn tell(&mut self, command: MediaCommand) {
        match &command {
            MediaCommand::Admit { participant } => self.relay.admit(participant),
            MediaCommand::Dismiss { participant } => self.relay.dismiss(participant),
            MediaCommand::StartTrack { .. }
            | MediaCommand::StopTrack { .. }
            | MediaCommand::SetMuted { .. }
            | MediaCommand::TellSlots { .. }
            // The room gives its access back by itself.
            | MediaCommand::Close => {}
        }
        self.backlog.push_back(command);
        self.flush();
    }

    /// The media worker lost the room. It gets a new one; the core then tells it everything.
    pub fn begin_anew(&mut self) {
        let Some(media) = &self.media else { return };
        tracing::warn!("a room's media was lost and begins anew");
        media.begin_anew(media_sink(self.reports.clone()));
        self.backlog.clear();
    }

    /// Tells what waits, as far as the worker has room.
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

    /// Tells the worker that the room is over. Should the worker not take it in time, dropping the last handle says it.
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
