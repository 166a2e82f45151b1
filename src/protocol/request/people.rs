//! People in a meeting: what they do of themselves, and what those who govern it do with them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::nullable;
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::{BanLength, Participant, Reaction, Role, Source, Timer};
use crate::protocol::text::DisplayName;

shapes! {
    /// Data of `participant.update`; absent is unchanged.
    struct ParticipantUpdate {
        /// Your new name in this meeting.
        #[serde(default)] #[ts(optional = nullable)]
        display_name: Option<DisplayName>,
        /// False mutes your microphone, true unmutes it.
        #[serde(default)] #[ts(optional = nullable)]
        audio: Option<bool>,
        /// False mutes your camera, true unmutes it.
        #[serde(default)] #[ts(optional = nullable)]
        video: Option<bool>,
        /// True raises your hand, false lowers it.
        #[serde(default)] #[ts(optional = nullable)]
        hand: Option<bool>,
    }
    /// Data of `participant.mute`.
    struct ParticipantMute {
        /// The participant. `"all"` means everybody whom you may mute, and not yourself.
        participant: Target,
        /// The source. A microphone or a camera is muted, a screen is stopped.
        source: Source,
        /// With `"all"` and `microphone`: whether members may unmute themselves from now on. Unchanged when left out.
        #[serde(default)] #[ts(optional = nullable)]
        allow_unmute: Option<bool>,
    }
    /// Data of `participant.ask_unmute`.
    struct ParticipantAskUnmute {
        /// The participant. They may unmute once then, whatever the room's permissions say.
        participant: ParticipantId,
        /// `microphone` or `camera`; `microphone` when left out.
        #[serde(default)] #[ts(optional = nullable)]
        source: Option<Source>,
    }
    /// Data of `participant.lower_hand`.
    struct ParticipantLowerHand {
        /// The participant.
        participant: Target,
    }
    /// Data of `participant.rename`.
    struct ParticipantRename {
        /// The participant.
        participant: ParticipantId,
        /// The participant's name in this meeting from now on.
        display_name: DisplayName,
    }
    /// Data of `participant.set_role`.
    struct ParticipantSetRole {
        /// The participant.
        participant: ParticipantId,
        /// The role from now on.
        role: Role,
    }
    /// Data of `participant.remove`.
    struct ParticipantRemove {
        /// The participant, or somebody who waits.
        participant: ParticipantId,
        /// Whether the person is kept out: `true` or `"meeting"` until the meeting ends, `"forever"` until the ban is
        /// lifted.
        #[serde(default)] #[ts(optional = nullable)]
        ban: Option<BanRequest>,
    }
    /// Data of `lobby.admit`.
    struct LobbyAdmit {
        /// Who is let in.
        participants: Targets,
    }
    /// Data of `lobby.deny`.
    struct LobbyDeny {
        /// Who is sent away.
        participants: Targets,
    }
    /// Data of `reaction.send`.
    struct ReactionSend {
        /// The reaction.
        emoji: Reaction,
    }
    /// Data of `spotlight.set`.
    struct SpotlightSet {
        /// Who is shown large to everybody, at most 4. Nobody when empty.
        participants: Vec<ParticipantId>,
    }
    /// Data of `timer.set`.
    #[schemars(extend("required" = ["duration_ms"]))]
    struct TimerSet {
        /// How long the timer runs: 1 second to 24 hours. Null stops it. It must not be left out.
        #[serde(deserialize_with = "nullable")] #[ts(type = "number | null")]
        duration_ms: Option<u64>,
    }
}

answers! {
    /// Answer to `timer.set`.
    struct TimerAnswer {
        /// The timer that runs now.
        timer: Option<Timer>,
    }
    /// Answer to `participant.update`.
    struct ParticipantAnswer {
        /// You as others see you now.
        participant: Participant,
    }
}

/// One participant, or everyone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(untagged, expecting = "expected a participant's id or \"all\"")]
pub enum Target {
    /// Everyone.
    Everyone(Everyone),
    /// One.
    One(ParticipantId),
}

/// Some of those who wait, or all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(
    untagged,
    expecting = "expected a list of participants' ids or \"all\""
)]
pub enum Targets {
    /// Everyone.
    Everyone(Everyone),
    /// These.
    These(Vec<ParticipantId>),
}

/// The word for everyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Everyone {
    /// `"all"`.
    All,
}

/// Whether a removal keeps somebody out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(
    untagged,
    expecting = "expected true, false, \"meeting\" or \"forever\""
)]
pub enum BanRequest {
    /// True: until the meeting ends.
    Flag(bool),
    /// How long.
    Until(BanLength),
}

impl BanRequest {
    /// How long they are kept out, if at all.
    pub fn length(self) -> Option<BanLength> {
        match self {
            Self::Flag(ban) => ban.then_some(BanLength::Meeting),
            Self::Until(length) => Some(length),
        }
    }
}
