//! Sound and picture: relayed between two browsers (`signal.*`), or through this server (`media.*`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::nullable;
use crate::protocol::ids::{ParticipantId, TrackId};
use crate::protocol::object::{IceCandidate, Leg, Slot, Source, SourceMid, Track};
use crate::protocol::passed_on::JsonString;
use crate::protocol::strict::objects_only;

shapes! {
    /// Data of `signal.offer`.
    struct SignalOffer {
        /// The participant whom it is for.
        to: ParticipantId,
        /// A name that tells several connections between the two apart, at most 64 bytes.
        #[serde(default)] #[ts(optional = nullable)]
        connection: Option<String>,
        /// The session description (RFC 8866).
        #[ts(type = "string")]
        sdp: JsonString,
    }
    /// Data of `signal.answer`.
    struct SignalAnswer {
        /// The participant whom it is for.
        to: ParticipantId,
        /// The name of the connection, as the offer has it.
        #[serde(default)] #[ts(optional = nullable)]
        connection: Option<String>,
        /// The session description (RFC 8866).
        #[ts(type = "string")]
        sdp: JsonString,
    }
    /// Data of `signal.candidate`.
    #[schemars(extend("required" = ["to", "candidate"]))]
    struct SignalCandidate {
        /// The participant whom it is for.
        to: ParticipantId,
        /// The name of the connection, as the offer has it.
        #[serde(default)] #[ts(optional = nullable)]
        connection: Option<String>,
        /// The candidate. Null ends the candidates (RFC 8838 §8.2). It must not be left out.
        #[serde(deserialize_with = "nullable")]
        candidate: Option<Candidate>,
    }
    /// Data of `media.publish`.
    struct MediaPublish {
        /// The number of the offer on this connection: 1 at first, higher with each.
        #[ts(type = "number")]
        revision: u64,
        /// The client's offer.
        sdp: String,
        /// Which m-line may carry which source. It may be empty.
        sources: Vec<SourceMid>,
    }
    /// Data of `media.source`.
    struct MediaSource {
        /// The source.
        source: Source,
        /// True starts it, false stops it.
        active: bool,
        /// Whether it starts muted.
        #[serde(default)] #[ts(optional = nullable)]
        muted: Option<bool>,
    }
    /// Data of `media.receive`.
    struct MediaReceive {
        /// How many voices to receive at once, at most 8.
        #[serde(default = "default_audio_slots")] #[ts(optional, as = "Option<u32>")]
        audio_slots: u32,
        /// How many pictures to receive at once, at most 25.
        #[serde(default = "default_video_slots")] #[ts(optional, as = "Option<u32>")]
        video_slots: u32,
    }
    /// Data of `media.answer`.
    struct MediaAnswer {
        /// The revision of the offer that is answered.
        #[ts(type = "number")]
        revision: u64,
        /// The client's answer.
        sdp: String,
    }
    /// Data of `media.view`.
    struct MediaView {
        /// Every picture that is shown, at most 256.
        tiles: Vec<Tile>,
    }
    /// Data of `media.candidate`.
    #[schemars(extend("required" = ["connection", "candidate"]))]
    struct MediaCandidate {
        /// Which of the two connections.
        connection: Leg,
        /// The candidate. Null ends the candidates (RFC 8838 §8.2). It must not be left out.
        #[serde(deserialize_with = "nullable")]
        candidate: Option<Candidate>,
    }
    /// Data of `media.restart`.
    struct MediaRestart {
        /// Which of the two connections.
        connection: Leg,
    }
    /// One picture that a client shows.
    #[derive(Serialize)]
    #[serde(remote = "Self")]
    struct Tile {
        /// The track that is shown.
        track: TrackId,
        /// How wide it is shown, in device pixels.
        width: u32,
        /// How high it is shown, in device pixels.
        height: u32,
        /// A higher one gets a slot sooner.
        #[serde(default)] #[ts(optional, as = "Option<i32>")]
        priority: i32,
    }
}

answers! {
    /// Answer to `media.publish`.
    struct Published {
        /// The revision of the offer.
        #[ts(type = "number")]
        revision: u64,
        /// The server's answer.
        sdp: String,
        /// The sources that cannot run, because their m-lines are refused in the answer. Absent when there are none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")] #[schemars(default)] #[ts(optional, as = "Option<Vec<RefusedSource>>")]
        refused: Vec<RefusedSource>,
    }
    /// A source that cannot run; `media.source` answers `media.unsupported`.
    struct RefusedSource {
        /// The source.
        source: Source,
        /// Why, in English, for logs.
        reason: String,
    }
    /// Answer to `media.source`.
    struct TrackAnswer {
        /// The track that runs now. Null when the source was stopped.
        track: Option<Track>,
    }
    /// Answer to `media.receive`, and data of `media.offer`.
    struct DownOffer {
        /// The revision, which the answer must name.
        #[ts(type = "number")]
        revision: u64,
        /// The server's offer.
        sdp: String,
        /// The slots, one for each m-line.
        slots: Vec<Slot>,
    }
}

objects_only!(both Tile);

fn default_audio_slots() -> u32 {
    4
}
fn default_video_slots() -> u32 {
    9
}

/// An ICE candidate as clients send it: the browser's object, or its candidate line alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(untagged)]
pub enum Candidate {
    /// As `RTCIceCandidate.toJSON()` gives it.
    Object(IceCandidate),
    /// The candidate-attribute alone.
    Line(String),
}

impl Candidate {
    /// How much it weighs, in bytes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Object(candidate) => {
                let more = [&candidate.sdp_mid, &candidate.username_fragment];
                let more = more.into_iter().flatten().map(String::len);
                candidate.candidate.len() + more.sum::<usize>()
            }
            Self::Line(line) => line.len(),
        }
    }
}

impl From<Candidate> for IceCandidate {
    fn from(candidate: Candidate) -> Self {
        match candidate {
            Candidate::Object(object) => object,
            Candidate::Line(candidate) => Self {
                candidate,
                sdp_mid: None,
                sdp_m_line_index: None,
                username_fragment: None,
            },
        }
    }
}
