//! Events: what a client is told without a request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::ids::{MessageId, ParticipantId, RoomIdentity, TrackId};
use super::object::{
    Action, ChatMessage, Participant, Permissions, Reaction, Role, Room, Slot, Source, Timer,
    Track, Waiting,
};
use super::passed_on::JsonString;
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
    ($($(#[doc = $doc:literal])* $variant:ident($data:ident) $kind:literal $delivery:ident;)*) => {
        /// An event. As data of its own it carries its type; [`Event::data`] is what clients get beside that.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type", content = "data")]
        #[expect(clippy::large_enum_variant, reason = "effects carry events in boxes")]
        pub enum Event {
            $($(#[doc = $doc])* #[serde(rename = $kind)] $variant($data),)*
        }

        impl Event {
            /// Its data as it travels, in JSON.
            pub fn data(&self) -> String {
                match self { $(Self::$variant(data) => super::frame::encode(data),)* }
            }

            /// The event type's name on the wire.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind,)* }
            }

            /// What an event of type `kind` tells, in a few sentences, and whether it may be dropped.
            pub fn meaning(kind: &str) -> Option<(&'static str, Delivery)> {
                match kind {
                    $($kind => Some((concat!($($doc),*).trim_ascii_start(), Delivery::$delivery)),)*
                    _ => None,
                }
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
    /// Something about a participant changed.
    ParticipantUpdated(ParticipantData) "participant.updated" Sure;
    /// A participant is gone.
    ParticipantLeft(ParticipantLeft) "participant.left" Sure;
    /// A host or co-host asks you to unmute. You may unmute that source once, whatever the room's permissions say.
    AskUnmute(AskUnmute) "participant.ask_unmute" Sure;
    /// What you may do changed.
    PermissionsChanged(PermissionsChanged) "permissions.changed" Sure;
    /// Somebody waits to be let in. Only those who may let people in are told.
    LobbyWaiting(LobbyWaiting) "lobby.waiting" Sure;
    /// Tells those who wait whether somebody is in the room who may let them in: once at first, then at each change.
    LobbyUpdated(LobbyUpdated) "lobby.updated" Sure;
    /// Somebody waits no more. Only those who may let people in are told.
    LobbyLeft(LobbyLeft) "lobby.left" Sure;
    /// You were let in. The data are those of the answer to `room.join`.
    LobbyAdmitted(Joined) "lobby.admitted" Sure;
    /// You were not let in.
    LobbyDenied(LobbyDenied) "lobby.denied" Sure;
    /// Somebody shows a reaction.
    Reaction(ReactionData) "reaction" Sure;
    /// Tells whom everyone is shown large.
    SpotlightUpdated(SpotlightUpdated) "spotlight.updated" Sure;
    /// The timer was started or stopped.
    TimerUpdated(TimerUpdated) "timer.updated" Sure;
    /// The room was edited.
    RoomUpdated(RoomData) "room.updated" Sure;
    /// The meeting is over. The socket is closed with 4404 next.
    RoomEnded(RoomEnded) "room.ended" Sure;
    /// The meeting ends soon.
    RoomReminder(RoomReminder) "room.reminder" Sure;
    /// The room was deleted. The socket is closed with 4404 next.
    RoomDeleted(RoomDeleted) "room.deleted" Sure;
    /// A message was written.
    ChatMessage(ChatData) "chat.message" Sure;
    /// A message was taken back.
    ChatDeleted(ChatDeleted) "chat.deleted" Sure;
    /// A participant sends you an SDP offer.
    SignalOffer(SignalSdp) "signal.offer" Sure;
    /// A participant sends you an SDP answer.
    SignalAnswer(SignalSdp) "signal.answer" Sure;
    /// A participant sends you an ICE candidate.
    SignalCandidate(SignalCandidateData) "signal.candidate" Sure;
    /// The server offers the down connection again. Answer with `media.answer`.
    MediaOffer(DownOffer) "media.offer" Sure;
    /// The server lost your connections, or those of the whole room. Make both anew, by `media.publish` and
    /// `media.receive`. Sources that ran go on then.
    MediaFailed(MediaFailed) "media.failed" Sure;
    /// Somebody started a source.
    TrackPublished(TrackData) "media.track.published" Sure;
    /// Somebody stopped a source.
    TrackUnpublished(TrackUnpublished) "media.track.unpublished" Sure;
    /// A source was muted or unmuted.
    TrackMuted(TrackMuted) "media.track.muted" Sure;
    /// Slots carry something else now.
    MediaSlots(SlotsData) "media.slots" Sure;
    /// Tells which encodings of a picture of yours somebody watches. You need not send the others: they are asked for
    /// again as soon as somebody needs them.
    MediaDemand(MediaDemand) "media.demand" Sure;
    /// Tells who speaks.
    SpeakerActive(SpeakerActive) "speaker.active" Lossy;
    /// Tells how good a participant's connection is.
    QualityUpdate(QualityUpdate) "quality.update" Lossy;
    /// A newer session of yours took this one's place. The socket is closed with 4409 next.
    SessionReplaced(SessionReplaced) "session.replaced" Sure;
    /// The server goes down. The socket is closed with 1001 next. Connect again after the restart, and join again.
    ServerDraining(ServerDraining) "server.draining" Sure;
}

/// Why somebody is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// They went.
    Left,
    /// Their socket was lost, and they did not come back in time.
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
    /// The operator of the server ended it.
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
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
        pub struct $name { $($(#[$fmeta])* pub $field: $type,)* }
    )*};
}

data! {
    /// Data of `participant.joined` and `participant.updated`.
    struct ParticipantData {
        /// The participant as they are now.
        participant: Participant,
    }
    /// Data of `participant.left`.
    struct ParticipantLeft {
        /// Who is gone.
        participant: ParticipantId,
        /// Why.
        reason: LeaveReason,
    }
    /// Data of `room.updated`.
    struct RoomData {
        /// The room as it is now.
        room: Room,
    }
    /// Data of `room.ended`.
    struct RoomEnded {
        /// The room.
        identity: RoomIdentity,
        /// Why it ended.
        reason: EndReason,
    }
    /// Data of `room.deleted`.
    struct RoomDeleted {
        /// The room.
        identity: RoomIdentity,
    }
    /// Data of `room.reminder`.
    struct RoomReminder {
        /// The room.
        identity: RoomIdentity,
        /// When the meeting ends.
        ends_at: Timestamp,
        /// How long it still runs.
        #[ts(type = "number")]
        remaining_ms: u64,
    }
    /// Data of `participant.ask_unmute`.
    struct AskUnmute {
        /// Who asks.
        by: ParticipantId,
        /// What you are asked to switch on.
        source: Source,
    }
    /// Data of `permissions.changed`.
    struct PermissionsChanged {
        /// Your role now.
        role: Role,
        /// What you may do, as far as the room's permissions decide it.
        permissions: Permissions,
        /// Everything that you may do now.
        actions: Vec<Action>,
        /// Who waits to be let in. Empty when you may not let people in.
        lobby: Vec<Waiting>,
    }
    /// Data of `lobby.waiting`.
    struct LobbyWaiting {
        /// Who waits.
        participant: Waiting,
    }
    /// Data of `lobby.updated`.
    struct LobbyUpdated {
        /// Whether somebody is there who may let people in.
        hosted: bool,
        /// Whether somebody is in who may, and nobody of them is there: their connection is lost and may come back.
        reconnecting: bool,
    }
    /// Data of `lobby.left`.
    struct LobbyLeft {
        /// Who waits no more.
        participant: ParticipantId,
        /// Why.
        reason: LobbyLeaveReason,
    }
    /// Data of `lobby.denied`.
    struct LobbyDenied {
        /// Why you were not let in.
        reason: LobbyDenial,
    }
    /// Data of `reaction`.
    struct ReactionData {
        /// Who shows it.
        participant: ParticipantId,
        /// The reaction.
        emoji: Reaction,
    }
    /// Data of `spotlight.updated`.
    struct SpotlightUpdated {
        /// Who is shown large. Nobody when empty.
        participants: Vec<ParticipantId>,
    }
    /// Data of `timer.updated`.
    struct TimerUpdated {
        /// The timer that runs now. Null when it was stopped.
        timer: Option<Timer>,
    }
    /// Data of `chat.deleted`.
    struct ChatDeleted {
        /// The message.
        message: MessageId,
    }
    /// Data of `quality.update`.
    struct QualityUpdate {
        /// Whose connection it is.
        participant: ParticipantId,
        /// 3 is good, 2 is weak, 1 is bad.
        score: u8,
        /// The round-trip time to this server. Null while it is unknown.
        #[ts(type = "number | null")]
        rtt_ms: Option<u32>,
        /// The share of packets lost on the way, 0 to 1.
        loss: f32,
    }
    /// Data of `chat.message`.
    struct ChatData {
        /// The message.
        message: ChatMessage,
    }
    /// Data of `signal.offer` and `signal.answer`.
    struct SignalSdp {
        /// Who sent it.
        from: ParticipantId,
        /// The connection's name, as the sender gave it.
        connection: Option<String>,
        /// The session description.
        #[serde(deserialize_with = "JsonString::from_string")]
        #[ts(type = "string")]
        sdp: JsonString,
    }
    /// Data of `signal.candidate`.
    struct SignalCandidateData {
        /// Who sent it.
        from: ParticipantId,
        /// The connection's name, as the sender gave it.
        connection: Option<String>,
        /// The candidate. Null ends the candidates.
        candidate: Option<Candidate>,
    }
    /// Data of `media.track.published`.
    struct TrackData {
        /// The track as it is now.
        track: Track,
    }
    /// Data of `media.track.unpublished`.
    struct TrackUnpublished {
        /// The track.
        track: TrackId,
        /// Whose it was.
        participant: ParticipantId,
    }
    /// Data of `media.track.muted`.
    struct TrackMuted {
        /// The track.
        track: TrackId,
        /// Whose it is.
        participant: ParticipantId,
        /// Whether nothing of it is forwarded now.
        muted: bool,
        /// Who did it. Null when it was the participant.
        by: Option<ParticipantId>,
    }
    /// Data of `media.slots`.
    struct SlotsData {
        /// The slots that changed.
        slots: Vec<Slot>,
    }
    /// Data of `media.demand`.
    struct MediaDemand {
        /// Your track.
        track: TrackId,
        /// The rids of the encodings that are watched, an empty name for one without a rid. Empty while nobody watches.
        layers: Vec<String>,
    }
    /// Data of `media.failed`.
    struct MediaFailed {}
    /// Data of `speaker.active`.
    struct SpeakerActive {
        /// Who speaks, the loudest first.
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
