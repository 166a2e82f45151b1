//! Events: what a client is told without having asked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::ids::{ParticipantId, RoomIdentity, TrackId};
use super::object::{ChatMessage, Participant, Room, Slot, Track};
use super::request::{Candidate, DownOffer};

/// Whether an event may be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Numbered; none is lost.
    Sure,
    /// Not numbered; only the newest counts.
    Lossy,
}

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident($data:ident) $kind:literal $delivery:ident;)*) => {
        /// An event.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum Event {
            $($(#[$doc])* $variant($data),)*
        }

        impl Event {
            /// The event type's name on the wire.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind,)* }
            }

            /// Whether it may be dropped.
            pub fn delivery(&self) -> Delivery {
                match self { $(Self::$variant(_) => Delivery::$delivery,)* }
            }
        }

        /// Calls `visit!` with every event's wire name and data type.
        macro_rules! for_each_event {
            ($visit:ident) => { $($visit!($kind, $data);)* };
        }
        pub(super) use for_each_event;
    };
}

events! {
    /// Somebody came in.
    ParticipantJoined(ParticipantData) "participant.joined" Sure;
    /// Something about somebody changed.
    ParticipantUpdated(ParticipantData) "participant.updated" Sure;
    /// Somebody is gone.
    ParticipantLeft(ParticipantLeft) "participant.left" Sure;
    /// The room was edited.
    RoomUpdated(RoomData) "room.updated" Sure;
    /// The meeting is over.
    RoomEnded(RoomEnded) "room.ended" Sure;
    /// The room is no more.
    RoomDeleted(RoomDeleted) "room.deleted" Sure;
    /// Somebody wrote.
    ChatMessage(ChatData) "chat.message" Sure;
    /// An SDP offer from a participant.
    SignalOffer(SignalSdp) "signal.offer" Sure;
    /// An SDP answer from a participant.
    SignalAnswer(SignalSdp) "signal.answer" Sure;
    /// An ICE candidate from a participant.
    SignalCandidate(SignalCandidateData) "signal.candidate" Sure;
    /// The server offers the down connection anew.
    MediaOffer(DownOffer) "media.offer" Sure;
    /// Somebody started a source.
    TrackPublished(TrackData) "media.track.published" Sure;
    /// Somebody stopped a source.
    TrackUnpublished(TrackUnpublished) "media.track.unpublished" Sure;
    /// Somebody muted or unmuted a source.
    TrackMuted(TrackMuted) "media.track.muted" Sure;
    /// Slots carry something else now.
    MediaSlots(SlotsData) "media.slots" Sure;
    /// Who speaks.
    SpeakerActive(SpeakerActive) "speaker.active" Lossy;
    /// A newer session of the same user took one's place.
    SessionReplaced(SessionReplaced) "session.replaced" Sure;
}

/// Why somebody is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// They went.
    Left,
    /// Their socket was lost.
    Lost,
    /// A host removed them.
    Removed,
    /// A newer session of theirs came.
    Replaced,
    /// The meeting ended.
    Ended,
}

/// Why a meeting is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// A host ended it.
    Host,
    /// Its time was up.
    Time,
    /// Whoever runs the server ended it.
    Operator,
}

macro_rules! data {
    ($($(#[$meta:meta])* struct $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, TS)]
        pub struct $name { $($(#[$fmeta])* pub $field: $type,)* }
    )*};
}

data! {
    /// Data of `participant.joined` and `participant.updated`.
    struct ParticipantData {
        /// As they are now.
        participant: Participant,
    }
    /// Data of `participant.left`.
    struct ParticipantLeft {
        /// Who.
        participant: ParticipantId,
        /// Why.
        reason: LeaveReason,
    }
    /// Data of `room.updated`.
    struct RoomData {
        /// As it is now.
        room: Room,
    }
    /// Data of `room.ended`.
    struct RoomEnded {
        /// Which room.
        identity: RoomIdentity,
        /// Why.
        reason: EndReason,
    }
    /// Data of `room.deleted`.
    struct RoomDeleted {
        /// Which room.
        identity: RoomIdentity,
    }
    /// Data of `chat.message`.
    struct ChatData {
        /// What was written.
        message: ChatMessage,
    }
    /// Data of `signal.offer` and `signal.answer`.
    struct SignalSdp {
        /// Whose it is.
        from: ParticipantId,
        /// As the sender named it.
        connection: Option<String>,
        /// The session description.
        sdp: String,
    }
    /// Data of `signal.candidate`.
    struct SignalCandidateData {
        /// Whose it is.
        from: ParticipantId,
        /// As the sender named it.
        connection: Option<String>,
        /// Null for the end of candidates.
        candidate: Option<Candidate>,
    }
    /// Data of `media.track.published`.
    struct TrackData {
        /// As it is now.
        track: Track,
    }
    /// Data of `media.track.unpublished`.
    struct TrackUnpublished {
        /// Which track.
        track: TrackId,
        /// Whose it was.
        participant: ParticipantId,
    }
    /// Data of `media.track.muted`.
    struct TrackMuted {
        /// Which track.
        track: TrackId,
        /// Whose it is.
        participant: ParticipantId,
        /// Whether nothing of it is forwarded now.
        muted: bool,
    }
    /// Data of `media.slots`.
    struct SlotsData {
        /// Those that changed.
        slots: Vec<Slot>,
    }
    /// Data of `speaker.active`.
    struct SpeakerActive {
        /// The loudest first.
        participants: Vec<ParticipantId>,
    }
    /// Data of `session.replaced`.
    struct SessionReplaced {}
}
