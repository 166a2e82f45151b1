//! Events: what a client is told without having asked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::ids::{MessageId, ParticipantId, RoomIdentity, TrackId};
use super::object::{
    Action, ChatMessage, Participant, Permissions, Reaction, Role, Room, Slot, Source, Timer,
    Track, Waiting,
};
use super::request::{Candidate, DownOffer, Joined};
use super::time::Timestamp;

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
        #[expect(clippy::large_enum_variant, reason = "effects carry events in boxes")]
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
    /// A host asks one to unmute.
    AskUnmute(AskUnmute) "participant.ask_unmute" Sure;
    /// What oneself may do changed.
    PermissionsChanged(PermissionsChanged) "permissions.changed" Sure;
    /// Somebody waits to be let in; told to those who may let in.
    LobbyWaiting(LobbyWaiting) "lobby.waiting" Sure;
    /// Whether somebody is in who may let in; told to those who wait, first and at each change.
    LobbyUpdated(LobbyUpdated) "lobby.updated" Sure;
    /// Somebody waits no more; told to those who may let in.
    LobbyLeft(LobbyLeft) "lobby.left" Sure;
    /// One was let in; the same as the answer to `room.join`.
    LobbyAdmitted(Joined) "lobby.admitted" Sure;
    /// One was not let in.
    LobbyDenied(LobbyDenied) "lobby.denied" Sure;
    /// Somebody shows a feeling.
    Reaction(ReactionData) "reaction" Sure;
    /// Whom everyone is shown large.
    SpotlightUpdated(SpotlightUpdated) "spotlight.updated" Sure;
    /// The timer was started or stopped.
    TimerUpdated(TimerUpdated) "timer.updated" Sure;
    /// The room was edited.
    RoomUpdated(RoomData) "room.updated" Sure;
    /// The meeting is over.
    RoomEnded(RoomEnded) "room.ended" Sure;
    /// The meeting ends soon.
    RoomReminder(RoomReminder) "room.reminder" Sure;
    /// The room is no more.
    RoomDeleted(RoomDeleted) "room.deleted" Sure;
    /// Somebody wrote.
    ChatMessage(ChatData) "chat.message" Sure;
    /// A message was taken back.
    ChatDeleted(ChatDeleted) "chat.deleted" Sure;
    /// An SDP offer from a participant.
    SignalOffer(SignalSdp) "signal.offer" Sure;
    /// An SDP answer from a participant.
    SignalAnswer(SignalSdp) "signal.answer" Sure;
    /// An ICE candidate from a participant.
    SignalCandidate(SignalCandidateData) "signal.candidate" Sure;
    /// The server offers the down connection anew.
    MediaOffer(DownOffer) "media.offer" Sure;
    /// The room's media was lost, or one's own connection within the server: both connections are to be made anew, by `media.publish` and `media.receive`. What
    /// was started goes on once they are.
    MediaFailed(MediaFailed) "media.failed" Sure;
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
    /// How good somebody's connection is.
    QualityUpdate(QualityUpdate) "quality.update" Lossy;
    /// A newer session of the same user took one's place.
    SessionReplaced(SessionReplaced) "session.replaced" Sure;
    /// The server is going down: the socket is closed with 1001 next. Whoever was in a room comes back after the restart.
    ServerDraining(ServerDraining) "server.draining" Sure;
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

/// Why somebody waits no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum LobbyLeaveReason {
    /// They were let in.
    Admitted,
    /// They were sent away.
    Denied,
    /// They went, or their socket was lost.
    Left,
}

/// Why somebody was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum LobbyDenial {
    /// A host said no.
    Denied,
    /// A host keeps them out.
    Banned,
    /// The room's password changed: they must come again with the new one.
    Password,
    /// The meeting ended or the room was deleted.
    Ended,
    /// The room takes accounts only from now on.
    AccountsOnly,
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
    /// Data of `room.reminder`.
    struct RoomReminder {
        /// Which room.
        identity: RoomIdentity,
        /// When it ends.
        ends_at: Timestamp,
        /// How long it still runs.
        #[ts(type = "number")]
        remaining_ms: u64,
    }
    /// Data of `participant.ask_unmute`.
    struct AskUnmute {
        /// Who asks.
        by: ParticipantId,
        /// What is to be switched on.
        source: Source,
    }
    /// Data of `permissions.changed`.
    struct PermissionsChanged {
        /// What oneself is.
        role: Role,
        /// What oneself may do, as far as the room's permissions decide it.
        permissions: Permissions,
        /// Everything that oneself may do now.
        actions: Vec<Action>,
        /// Who waits to be let in; empty for those who may not let in.
        lobby: Vec<Waiting>,
    }
    /// Data of `lobby.waiting`.
    struct LobbyWaiting {
        /// Who.
        participant: Waiting,
    }
    /// Data of `lobby.updated`.
    struct LobbyUpdated {
        /// Somebody is in who may let in.
        hosted: bool,
    }
    /// Data of `lobby.left`.
    struct LobbyLeft {
        /// Who.
        participant: ParticipantId,
        /// Why they wait no more.
        reason: LobbyLeaveReason,
    }
    /// Data of `lobby.denied`.
    struct LobbyDenied {
        /// Why.
        reason: LobbyDenial,
    }
    /// Data of `reaction`.
    struct ReactionData {
        /// Whose.
        participant: ParticipantId,
        /// Which.
        emoji: Reaction,
    }
    /// Data of `spotlight.updated`.
    struct SpotlightUpdated {
        /// Who; nobody when empty.
        participants: Vec<ParticipantId>,
    }
    /// Data of `timer.updated`.
    struct TimerUpdated {
        /// The one that runs now.
        timer: Option<Timer>,
    }
    /// Data of `chat.deleted`.
    struct ChatDeleted {
        /// Which message.
        message: MessageId,
    }
    /// Data of `quality.update`.
    struct QualityUpdate {
        /// Whose.
        participant: ParticipantId,
        /// 3 is good, 2 is weak, 1 is bad.
        score: u8,
        /// The round-trip time to this server; null while unknown.
        #[ts(type = "number | null")]
        rtt_ms: Option<u32>,
        /// The share of packets lost on the way, 0 to 1.
        loss: f32,
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
        /// Who did it, when it was not themselves.
        by: Option<ParticipantId>,
    }
    /// Data of `media.slots`.
    struct SlotsData {
        /// Those that changed.
        slots: Vec<Slot>,
    }
    /// Data of `media.failed`.
    struct MediaFailed {}
    /// Data of `speaker.active`.
    struct SpeakerActive {
        /// The loudest first.
        participants: Vec<ParticipantId>,
    }
    /// Data of `session.replaced`.
    struct SessionReplaced {}
    /// Data of `server.draining`.
    struct ServerDraining {
        /// By when the server has closed all sockets.
        deadline: Timestamp,
    }
}
