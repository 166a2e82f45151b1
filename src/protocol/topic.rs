//! What an event is about, as far as a newer one makes it needless: for those who have not read it yet.
//!
//! An older event of the same topic that was not written yet is taken out of the outbox. A client that reads slowly is
//! told the newest state, and is not shut out for the changes in between (static/docs/protocol.md §3.5).

use super::event::Event;
use super::ids::{ParticipantId, TrackId};

/// Something of which only the newest word counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// How somebody is now.
    Participant(ParticipantId),
    /// How good somebody's connection is now.
    Quality(ParticipantId),
    /// Whether a track is muted now.
    Muted(TrackId),
    /// What of a track is watched now.
    Demand(TrackId),
    /// How the room is now.
    Room,
    /// Whom everyone is shown large now.
    Spotlight,
    /// Which timer runs now.
    Timer,
    /// Who speaks now.
    Speakers,
    /// What oneself may do now.
    Permissions,
}

impl Event {
    /// What it is about. An event with a topic tells the whole state of its topic, so a client that gets it does not
    /// need an older one of the same topic.
    pub fn topic(&self) -> Option<Topic> {
        match self {
            Self::ParticipantUpdated(data) => Some(Topic::Participant(data.participant.id.clone())),
            Self::QualityUpdate(data) => Some(Topic::Quality(data.participant.clone())),
            Self::TrackMuted(data) => Some(Topic::Muted(data.track.clone())),
            Self::MediaDemand(data) => Some(Topic::Demand(data.track.clone())),
            Self::RoomUpdated(_) => Some(Topic::Room),
            Self::SpotlightUpdated(_) => Some(Topic::Spotlight),
            Self::TimerUpdated(_) => Some(Topic::Timer),
            Self::SpeakerActive(_) => Some(Topic::Speakers),
            Self::PermissionsChanged(_) => Some(Topic::Permissions),
            // Each event of all other kinds tells something of its own.
            _ => None,
        }
    }
}
