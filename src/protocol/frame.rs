//! Frames: the envelope around requests, answers and events.
//!
//! The envelope is read flat: `type`, `id` and `data` are raw values, so that no nesting hides an id or costs a
//! stack. Typed data recurses 128 levels at most.

use std::fmt::Write as _;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use ts_rs::TS;

use super::error::{ErrorCode, WireError};
use super::event::{Delivery, Event};
use super::ids::SessionId;
use super::time::Timestamp;
use super::topic::Topic;

/// The largest request id: the integers that every JSON reader keeps exactly (RFC 8259 §6).
pub const MAX_REQUEST_ID: u64 = (1 << 53) - 1;

/// A request as it comes in, its data not yet looked at.
#[derive(Debug)]
pub struct RequestFrame {
    /// The request's type.
    pub kind: String,
    /// Rises within the session.
    pub id: u64,
    /// What it carries.
    pub data: Option<Box<RawValue>>,
}

/// A frame that is not a request, and the id that its refusal can name.
#[derive(Debug, PartialEq)]
pub struct BadFrame {
    /// The id, when there was one.
    pub re: Option<u64>,
    /// What to answer.
    pub error: WireError,
}

impl RequestFrame {
    /// Reads the envelope of one text frame: flat, however deep what is in it nests.
    ///
    /// # Errors
    /// `protocol.bad_json` when it is no JSON object, `protocol.bad_field` when `type` or `id` is none.
    pub fn decode(text: &str) -> Result<Self, BadFrame> {
        /// Raw values are skipped without recursion, and so are fields that are not ours.
        #[derive(Deserialize)]
        struct Envelope<'a> {
            #[serde(rename = "type", default, borrow)]
            kind: Option<&'a RawValue>,
            #[serde(default, borrow)]
            id: Option<&'a RawValue>,
            #[serde(default)]
            data: Option<Box<RawValue>>,
        }
        let is_object = text.trim_start().starts_with('{');
        let envelope: Envelope<'_> = match serde_json::from_str(text) {
            Ok(envelope) if is_object => envelope,
            _ => return Err(BadFrame::new(None, ErrorCode::BadJson.into())),
        };
        let bad_field = |re, field, why| Err(BadFrame::new(re, WireError::bad_field(field, why)));
        let id = match envelope.id.map(read::<u64>) {
            Some(Some(id)) if (1..=MAX_REQUEST_ID).contains(&id) => id,
            Some(_) => return bad_field(None, "id", "must be an integer from 1 to 2^53-1"),
            None => return bad_field(None, "id", "is missing"),
        };
        let kind = match envelope.kind.map(read::<String>) {
            Some(Some(kind)) => kind,
            Some(None) => return bad_field(Some(id), "type", "must be a string"),
            None => return bad_field(Some(id), "type", "is missing"),
        };
        let data = envelope.data;
        Ok(Self { kind, id, data })
    }
}

impl BadFrame {
    fn new(re: Option<u64>, error: WireError) -> Self {
        Self { re, error }
    }
}

/// A number or a string; none for everything else, which is not looked into.
fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

/// Data of `hello`, the first frame of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, TS)]
pub struct Hello {
    /// `meeting.v1`.
    pub protocol: &'static str,
    /// The server's name and version.
    pub server: String,
    /// This session.
    pub session: SessionId,
    /// How often the server pings. Two pings that stay unanswered end the session.
    #[ts(type = "number")]
    pub heartbeat_ms: u64,
    /// The limits that a client must keep to.
    pub limits: Limits,
    /// The ways to log in: `password`, `register`, `guest`.
    pub auth: Vec<&'static str>,
    /// The server's clock.
    pub time: Timestamp,
}

/// What a client must keep to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, TS)]
pub struct Limits {
    /// The largest text frame, in bytes.
    pub message_bytes: u32,
    /// How many requests a second, in the long run.
    pub requests_per_second: u32,
    /// How many requests at once.
    pub burst: u32,
    /// How long a session is kept whose socket is lost. 0: it is not kept.
    #[ts(type = "number")]
    pub resume_ms: u64,
}

/// Encodes the answer to request `re`.
pub fn ok<T: Serialize>(re: u64, data: &T) -> String {
    #[derive(Serialize)]
    struct Answer<'a, T> {
        #[serde(rename = "type")]
        kind: &'static str,
        re: u64,
        data: &'a T,
    }
    let kind = "ok";
    encode(&Answer { kind, re, data })
}

/// Encodes the refusal of request `re`, or of a frame that was no request.
pub fn error(re: Option<u64>, error: &WireError) -> String {
    format!(
        r#"{{"type":"error","re":{},"error":{}}}"#,
        encode(&re),
        encode(error)
    )
}

/// The first frame, which the server sends unasked.
pub fn hello(data: &Hello) -> String {
    format!(r#"{{"type":"hello","data":{}}}"#, encode(data))
}

/// An event, rendered once for all who get it. Clones share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedEvent(Arc<Rendered>);

#[derive(Debug, PartialEq, Eq)]
struct Rendered {
    kind: &'static str,
    delivery: Delivery,
    topic: Option<Topic>,
    data: String,
}

/// What stands around the type and the data of an event, with the longest number.
const EVENT_FRAME_BYTES: usize = r#"{"type":"","seq":,"data":}"#.len() + 20;

impl EncodedEvent {
    /// Encodes the event's data.
    pub fn new(event: &Event) -> Self {
        let data = match event {
            Event::SignalOffer(data) | Event::SignalAnswer(data) => {
                encode_large(data, data.sdp.json_bytes() + 256)
            }
            _ => event.data(),
        };
        Self(Arc::new(Rendered {
            kind: event.kind(),
            delivery: event.delivery(),
            topic: event.topic(),
            data,
        }))
    }

    /// Its type's name.
    pub fn kind(&self) -> &'static str {
        self.0.kind
    }

    /// Whether it may be dropped.
    pub fn delivery(&self) -> Delivery {
        self.0.delivery
    }

    /// What it is the newest word about.
    pub fn topic(&self) -> Option<&Topic> {
        self.0.topic.as_ref()
    }

    /// Whether it tells of a moment only. A client that reads slowly does not get it: it would come too late.
    pub fn is_passing(&self) -> bool {
        self.0.kind == "reaction"
    }

    /// Whether it is what one participant sends another through the room.
    pub fn is_relayed(&self) -> bool {
        self.0.kind.starts_with("signal.")
    }

    /// How much its data weighs, in bytes.
    pub fn bytes(&self) -> usize {
        self.0.data.len()
    }

    /// The frame with the number that this session gives it; lossy events have none.
    pub fn frame(&self, seq: u64) -> String {
        let Rendered {
            kind,
            delivery,
            data,
            ..
        } = &*self.0;
        let mut frame = String::with_capacity(EVENT_FRAME_BYTES + kind.len() + data.len());
        frame.push_str(r#"{"type":""#);
        frame.push_str(kind);
        frame.push_str(match delivery {
            Delivery::Sure => r#"","seq":"#,
            Delivery::Lossy => r#"","data":"#,
        });
        if *delivery == Delivery::Sure {
            write!(frame, r#"{seq},"data":"#).expect("a string takes what is written");
        }
        frame.push_str(data);
        frame.push('}');
        frame
    }
}

/// What of ours is written as JSON.
pub(super) fn encode<T: Serialize>(value: &T) -> String {
    // Maps with string keys, strings and numbers only: there is nothing in our types that JSON cannot say.
    serde_json::to_string(value).expect("wire types always encode")
}

/// The same for what is large: for about so many bytes there is place from the beginning.
fn encode_large<T: Serialize>(value: &T, bytes: usize) -> String {
    let mut json = Vec::with_capacity(bytes);
    serde_json::to_writer(&mut json, value).expect("wire types always encode");
    String::from_utf8(json).expect("JSON is UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_that_are_no_requests_are_refused_by_name() {
        for (text, re, code, field) in [
            ("", None, ErrorCode::BadJson, None),
            ("[]", None, ErrorCode::BadJson, None),
            ("7", None, ErrorCode::BadJson, None),
            ("{\"type\":\"ping\"", None, ErrorCode::BadJson, None),
            (r#"{"type":"ping"}"#, None, ErrorCode::BadField, Some("id")),
            (
                r#"{"type":"ping","id":0}"#,
                None,
                ErrorCode::BadField,
                Some("id"),
            ),
            (
                r#"{"type":"ping","id":1.5}"#,
                None,
                ErrorCode::BadField,
                Some("id"),
            ),
            (
                r#"{"type":"ping","id":9007199254740992}"#,
                None,
                ErrorCode::BadField,
                Some("id"),
            ),
            (r#"{"id":3}"#, Some(3), ErrorCode::BadField, Some("type")),
            (
                r#"{"type":7,"id":3}"#,
                Some(3),
                ErrorCode::BadField,
                Some("type"),
            ),
        ] {
            let bad = RequestFrame::decode(text).unwrap_err();
            assert_eq!(
                (bad.re, bad.error.code, bad.error.field.as_deref()),
                (re, code, field),
                "{text}"
            );
        }
    }

    #[test]
    fn however_deep_a_frame_nests_its_id_is_read() {
        for levels in [1, 33, 200, 20_000] {
            let deep = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
            let data = format!(r#"{{"x":{deep}}}"#);
            let text = format!(r#"{{"more":{deep},"type":"ping","id":1,"data":{data}}}"#);
            let frame = RequestFrame::decode(&text).unwrap();
            assert_eq!((frame.kind.as_str(), frame.id), ("ping", 1));
            assert_eq!(frame.data.as_deref().map(RawValue::get), Some(&data[..]));
            let refused = |text: &str| {
                let bad = RequestFrame::decode(text).unwrap_err();
                (bad.re, bad.error.code, bad.error.field)
            };
            let field = |name: &str| Some(name.to_owned());
            let text = format!(r#"{{"type":{deep},"id":1}}"#);
            assert_eq!(
                refused(&text),
                (Some(1), ErrorCode::BadField, field("type"))
            );
            let text = format!(r#"{{"type":"ping","id":{deep}}}"#);
            assert_eq!(refused(&text), (None, ErrorCode::BadField, field("id")));
            let broken = format!(r#"{{"type":"ping","id":1,"data":[{deep}}}"#);
            assert_eq!(refused(&broken), (None, ErrorCode::BadJson, None));
        }
    }

    #[test]
    fn data_may_be_left_out() {
        for text in [
            r#"{"type":"ping","id":1}"#,
            r#" {"id":1,"type":"ping","data":null,"extra":true} "#,
        ] {
            let frame = RequestFrame::decode(text).unwrap();
            assert_eq!((frame.kind.as_str(), frame.id), ("ping", 1));
            assert!(frame.data.is_none());
        }
    }
}
