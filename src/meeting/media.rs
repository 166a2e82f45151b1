//! What a room and its media worker tell each other: plain data, so that the core stays pure.

use serde::{Deserialize, Serialize};

use crate::protocol::event::SlotsData;
use crate::protocol::ids::{ParticipantId, TrackId};
use crate::protocol::object::{Layer, Source};
use crate::protocol::request::DownOffer;

/// What a room tells its media worker, in order. The worker forwards only what these commands allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MediaCommand {
    /// A participant came in and may negotiate from now on.
    Admit {
        /// The participant.
        participant: ParticipantId,
    },
    /// A participant is gone. Frees both of their connections and everything that is forwarded from or to them.
    Dismiss {
        /// The participant.
        participant: ParticipantId,
    },
    /// A source was started: what arrives on its m-line is forwarded as this track.
    StartTrack {
        /// The participant.
        participant: ParticipantId,
        /// Its id on the wire.
        track: TrackId,
        /// The source, which stands for one of their m-lines.
        source: Source,
        /// Nothing is forwarded while true.
        muted: bool,
    },
    /// A source was stopped: nothing of it is forwarded.
    StopTrack {
        /// The track.
        track: TrackId,
    },
    /// Nothing of a muted track is forwarded, even if its sender goes on sending.
    SetMuted {
        /// The track.
        track: TrackId,
        /// Whether.
        muted: bool,
    },
    /// A participant has missed events: their slots are told again.
    TellSlots {
        /// The participant.
        participant: ParticipantId,
    },
    /// The room is over: frees everything of it.
    Close,
}

/// The events from a media worker to the room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum MediaEvent {
    /// Some of a participant's slots carry something else now.
    Slots {
        /// The participant with these slots.
        to: ParticipantId,
        /// The changed slots.
        slots: SlotsData,
    },
    /// A new offer for a participant's down connection, after `media.restart`.
    Offer {
        /// The participant.
        to: ParticipantId,
        /// The offer.
        offer: DownOffer,
    },
    /// The format in which a track really arrives.
    Format {
        /// The track.
        track: TrackId,
        /// The encoding's name, `VP8` say.
        codec: String,
        /// The encodings that have arrived, the smallest first. Without simulcast a video track has one without a name.
        /// An audio track has none.
        layers: Vec<Layer>,
    },
    /// Which simulcast encodings of a track viewers watch.
    Demand {
        /// The track.
        track: TrackId,
        /// The names of those encodings. An encoding without a name has the empty name. Empty while nobody watches.
        layers: Vec<String>,
    },
    /// How good the connection of a participant is. Sent when the score changes, and from time to time.
    Quality {
        /// The participant.
        participant: ParticipantId,
        /// 1 bad, 2 fair, 3 good.
        score: u8,
        /// The round trip to the server in milliseconds, once it is known.
        rtt_ms: Option<u32>,
        /// The fraction of packets that were lost before repair, 0 to 1, in the worse direction.
        loss: f32,
    },
    /// The media of the room was lost and begins anew without participants.
    Failed,
    /// The connection of a participant broke within the server. They have to make a new one.
    Broke {
        /// The participant.
        participant: ParticipantId,
    },
    /// The current speakers, the loudest first.
    Speakers {
        /// At most a handful.
        participants: Vec<ParticipantId>,
    },
}
