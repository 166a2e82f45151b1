//! The frames of the relay, `{user_identity, room_identity, key, value}`, and the matching signals of `meeting.v1`.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::{ParticipantId, RoomIdentity, UserId};
use crate::protocol::request::{Candidate, decode_data};

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// A description that offers.
    OfferSdp,
    /// A candidate of the offering side.
    OfferCandidate,
    /// A description that answers.
    AnswerSdp,
    /// A candidate of the answering side.
    AnswerCandidate,
}

/// The side of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The one who offered.
    Offerer,
    /// The one who answered.
    Answerer,
}

/// The dialect of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    /// That of `meeting.v1`.
    Own,
    /// That of the older program.
    Older,
}

impl Key {
    const ALL: [Self; 4] = [
        Self::OfferSdp,
        Self::OfferCandidate,
        Self::AnswerSdp,
        Self::AnswerCandidate,
    ];

    /// As it travels.
    pub fn name(self) -> &'static str {
        match self {
            Self::OfferSdp => "offer_sdp",
            Self::OfferCandidate => "offer_candidate",
            Self::AnswerSdp => "answer_sdp",
            Self::AnswerCandidate => "answer_candidate",
        }
    }

    /// The request that carries it. The event has the same name.
    pub fn request(self) -> &'static str {
        match self {
            Self::OfferSdp => "signal.offer",
            Self::AnswerSdp => "signal.answer",
            Self::OfferCandidate | Self::AnswerCandidate => "signal.candidate",
        }
    }

    /// The side that the sender of a description has from then on.
    pub fn side(self) -> Option<Side> {
        match self {
            Self::OfferSdp => Some(Side::Offerer),
            Self::AnswerSdp => Some(Side::Answerer),
            Self::OfferCandidate | Self::AnswerCandidate => None,
        }
    }

    /// The `connection` by which a relay tells another one that a value was not translated.
    fn mark(self) -> String {
        format!("legacy.{}", self.name())
    }
}

impl Side {
    /// The other end.
    pub fn opposite(self) -> Self {
        match self {
            Self::Offerer => Self::Answerer,
            Self::Answerer => Self::Offerer,
        }
    }
}

/// A valid frame from the client. Its sender and its room are ignored.
#[derive(Debug)]
pub struct Frame {
    /// What it carries.
    pub key: Key,
    /// As it came.
    value: Box<RawValue>,
    /// Its value for a client of `meeting.v1`.
    meaning: Value,
}

/// A description from a client: the object of the browser, or the SDP alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Description {
    Object { sdp: String },
    Text(String),
}

impl Frame {
    /// Reads one text frame.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn decode(text: &str) -> Result<Self, WireError> {
        #[derive(Deserialize)]
        struct Envelope {
            key: Key,
            value: Box<RawValue>,
        }
        if !text.trim_start().starts_with('{') || serde_json::from_str::<&RawValue>(text).is_err() {
            return Err(ErrorCode::BadJson.into());
        }
        let Envelope { key, value } = decode_data(text)?;
        let unfit = |expected| WireError::bad_field("value", expected);
        let meaning = if key.side().is_some() {
            let description = serde_json::from_str(value.get())
                .map_err(|_| unfit("must be a session description: {type, sdp}, or the SDP"))?;
            match description {
                Description::Object { sdp } | Description::Text(sdp) => json!(sdp),
            }
        } else {
            let candidate: Option<Candidate> = serde_json::from_str(value.get()).map_err(|_| {
                unfit("must be a candidate: {candidate, sdpMid, …}, its line, or null")
            })?;
            json!(candidate)
        };
        Ok(Self {
            key,
            value,
            meaning,
        })
    }

    /// The data of the request to a participant.
    pub fn data(&self, to: &ParticipantId, tongue: Tongue) -> Value {
        let content = if self.key.side().is_some() {
            "sdp"
        } else {
            "candidate"
        };
        match tongue {
            Tongue::Own => json!({ "to": to, content: self.meaning }),
            Tongue::Older => {
                json!({ "to": to, "connection": self.key.mark(), content: self.value.get() })
            }
        }
    }
}

/// A signal for the client of a relay.
#[derive(Debug, Deserialize)]
pub struct Signal {
    /// Whose it is.
    pub from: ParticipantId,
    connection: Option<String>,
    sdp: Option<String>,
    candidate: Option<Value>,
}

impl Signal {
    /// Its key and value, for an event of type `kind` from a participant on `side`. None for what the older program
    /// does not have: the end of candidates.
    pub fn translated(self, kind: &str, side: Side) -> Option<(Key, Value)> {
        let carried = |key: &Key| {
            key.request() == kind && self.connection.as_deref() == Some(key.mark().as_str())
        };
        let marked = Key::ALL.into_iter().find(carried);
        let content = match self.sdp {
            Some(sdp) => Value::String(sdp),
            None => self.candidate.filter(|candidate| !candidate.is_null())?,
        };
        if let Some(key) = marked
            && let Some(text) = content.as_str()
        {
            let value = serde_json::from_str(text).ok()?;
            return Some((key, value));
        }
        Some(match (kind, side) {
            ("signal.offer", _) => (Key::OfferSdp, json!({ "type": "offer", "sdp": content })),
            ("signal.answer", _) => (Key::AnswerSdp, json!({ "type": "answer", "sdp": content })),
            (_, Side::Offerer) => (Key::OfferCandidate, content),
            (_, Side::Answerer) => (Key::AnswerCandidate, content),
        })
    }
}

/// A frame for the client of the relay, with its real sender.
pub fn encode(from: &UserId, room: &RoomIdentity, key: Key, value: &Value) -> String {
    json!({
        "user_identity": from,
        "room_identity": room,
        "key": key.name(),
        "value": value,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(key: &str, value: Value) -> Result<Frame, String> {
        let frame =
            json!({ "user_identity": "x", "room_identity": "y", "key": key, "value": value });
        Frame::decode(&frame.to_string()).map_err(|error| error.message)
    }

    /// The frame in this dialect, as another relay reads it.
    fn carried(key: &str, value: Value, tongue: Tongue, side: Side) -> (Key, Value) {
        let frame = decoded(key, value).unwrap();
        let mut data = frame.data(&ParticipantId::random(), tongue);
        data["from"] = data["to"].take();
        let signal: Signal = serde_json::from_value(data).unwrap();
        signal.translated(frame.key.request(), side).unwrap()
    }

    #[test]
    fn white_space_around_a_frame_says_nothing() {
        let frame = "\n\t {\"key\": \"offer_sdp\", \"value\": \"v=0\"} \r\n";
        assert_eq!(Frame::decode(frame).unwrap().key.name(), "offer_sdp");
    }

    #[test]
    fn between_two_relays_a_value_passes_as_it_is() {
        let table = [
            ("offer_sdp", json!({ "type": "offer", "sdp": "v=0\r\n" })),
            ("offer_sdp", json!({ "sdp": "v=0", "note": [1, "é"] })),
            ("answer_sdp", json!("v=0\r\n")),
            (
                "offer_candidate",
                json!({ "candidate": "candidate:1", "sdpMid": "0", "foundation": "1" }),
            ),
            ("answer_candidate", json!("candidate:1")),
        ];
        for (key, value) in table {
            for side in [Side::Offerer, Side::Answerer] {
                let (to_key, to_value) = carried(key, value.clone(), Tongue::Older, side);
                assert_eq!((to_key.name(), to_value), (key, value.clone()));
            }
        }
    }

    #[test]
    fn a_client_of_our_own_gets_what_the_protocol_says() {
        let to = ParticipantId::random();
        let data = |key, value| decoded(key, value).unwrap().data(&to, Tongue::Own);
        let sdp = json!({ "to": to, "sdp": "v=0" });
        assert_eq!(
            data("offer_sdp", json!({ "type": "offer", "sdp": "v=0" })),
            sdp
        );
        assert_eq!(data("answer_sdp", json!("v=0")), sdp);
        let candidate = json!({ "candidate": "candidate:1", "sdpMid": "0", "sdpMLineIndex": 0 });
        let sent = data("offer_candidate", candidate);
        assert_eq!(sent["candidate"]["candidate"], "candidate:1");
        assert_eq!(sent["candidate"]["sdpMid"], "0");
        let end = data("answer_candidate", Value::Null);
        assert_eq!(end, json!({ "to": to, "candidate": null }));
    }

    #[test]
    fn what_comes_from_a_client_of_our_own_is_shaped_as_browsers_take_it() {
        for (key, side, value) in [
            (
                "offer_sdp",
                Side::Answerer,
                json!({ "type": "offer", "sdp": "v=0" }),
            ),
            (
                "answer_sdp",
                Side::Offerer,
                json!({ "type": "answer", "sdp": "v=0" }),
            ),
        ] {
            let (to_key, to_value) = carried(key, json!("v=0"), Tongue::Own, side);
            assert_eq!((to_key.name(), to_value), (key, value));
        }
        for (side, key) in [
            (Side::Offerer, "offer_candidate"),
            (Side::Answerer, "answer_candidate"),
        ] {
            let line = json!("candidate:1");
            let (to_key, to_value) = carried("offer_candidate", line.clone(), Tongue::Own, side);
            assert_eq!((to_key.name(), to_value), (key, line));
        }
        let end = json!({ "from": "p1", "connection": null, "candidate": null });
        let signal: Signal = serde_json::from_value(end).unwrap();
        assert_eq!(signal.translated("signal.candidate", Side::Offerer), None);
    }

    #[test]
    fn a_frame_that_cannot_be_used_is_refused_by_what_is_wrong() {
        for (text, reason) in [
            ("", "not a JSON object"),
            ("[\"offer_sdp\", \"v=0\"]", "not a JSON object"),
            ("{\"key\":\"offer_sdp\"", "not a JSON object"),
            ("{\"key\":\"offer_sdp\"}", "value: is missing"),
            ("{\"value\":\"v=0\"}", "key: is missing"),
            (
                "{\"key\":\"sdp\",\"value\":\"v=0\"}",
                "unknown variant `sdp`, expected one of `offer_sdp`",
            ),
            (
                "{\"key\":\"offer_sdp\",\"value\":7}",
                "must be a session description",
            ),
            (
                "{\"key\":\"offer_sdp\",\"value\":{\"sdp\":null}}",
                "must be a session description",
            ),
            (
                "{\"key\":\"offer_candidate\",\"value\":7}",
                "must be a candidate",
            ),
        ] {
            let error = Frame::decode(text).unwrap_err();
            assert!(error.message.contains(reason), "{text}: {}", error.message);
        }
    }
}
