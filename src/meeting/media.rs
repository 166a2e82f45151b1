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
        /// Who.
        participant: ParticipantId,
    },
    /// A participant is gone. Frees both of their connections and everything that is forwarded from or to them.
    Dismiss {
        /// Who.
        participant: ParticipantId,
    },
    /// A source was started: what arrives on its m-line is forwarded as this track.
    StartTrack {
        /// Whose.
        participant: ParticipantId,
        /// Its id on the wire.
        track: TrackId,
        /// Which of their m-lines.
        source: Source,
        /// Nothing is forwarded while true.
        muted: bool,
    },
    /// A source was stopped: nothing of it is forwarded.
    StopTrack {
        /// Which.
        track: TrackId,
    },
    /// Nothing of a muted track is forwarded, even if its sender goes on sending.
    SetMuted {
        /// Which.
        track: TrackId,
        /// Whether.
        muted: bool,
    },
    /// A participant has missed events: their slots are told again.
    TellSlots {
        /// Whose.
        participant: ParticipantId,
    },
    /// The room is over: frees everything of it.
    Close,
}

/// What a media worker tells the room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum MediaEvent {
    /// Some of a participant's slots carry something else now.
    Slots {
        /// Whose slots.
        to: ParticipantId,
        /// Those that changed.
        slots: SlotsData,
    },
    /// A new offer for a participant's down connection, after `media.restart`.
    Offer {
        /// Whose.
        to: ParticipantId,
        /// The offer.
        offer: DownOffer,
    },
    /// The format in which a track really arrives.
    Format {
        /// Which.
        track: TrackId,
        /// The encoding's name, `VP8` say.
        codec: String,
        /// The encodings that have arrived, the smallest first. Without simulcast a video track has one without a name.
        /// An audio track has none.
        layers: Vec<Layer>,
    },
    /// Which simulcast encodings of a track viewers watch.
    Demand {
        /// Which track.
        track: TrackId,
        /// The names of those encodings. An encoding without a name has the empty name. Empty while nobody watches.
        layers: Vec<String>,
    },
    /// How good the connection of a participant is. Sent when the score changes, and from time to time.
    Quality {
        /// Whose.
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
        /// Whose.
        participant: ParticipantId,
    },
    /// Who speaks now, the loudest first.
    Speakers {
        /// At most a handful.
        participants: Vec<ParticipantId>,
    },
}
