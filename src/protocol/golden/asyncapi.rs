//! The protocol as an AsyncAPI 3 document, `static/protocol/asyncapi.json`, for generators of clients and of pages: one
//! channel, an operation for each request with its reply, an operation for each event.

use serde_json::{Map, Value, json};

use super::{Files, built, schema};
use crate::protocol::catalogue::{assert_current, json_schema};
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{Event, for_each_event};
use crate::protocol::frame::MAX_REQUEST_ID;
use crate::protocol::request::{Request, for_each_request};

/// Where the channel's messages and the components stand.
const CHANNEL: &str = "#/channels/session";
const SCHEMAS: &str = "#/components/schemas/";

#[test]
fn the_asyncapi_document_is_current() {
    let text = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    assert_current("static/protocol/asyncapi.json", &text);
}

#[test]
fn every_reference_of_the_asyncapi_document_leads_somewhere() {
    let document = document();
    let mut count = 0;
    each(&document, &mut |value| {
        if let Some(path) = value.get("$ref").and_then(Value::as_str) {
            let target = path
                .strip_prefix('#')
                .and_then(|path| document.pointer(path));
            assert!(target.is_some(), "{path}");
            count += 1;
        }
    });
    assert!(count > 100, "only {count} references");
}

#[test]
fn every_operation_is_of_the_channel_and_every_message_is_in_one() {
    let document = document();
    let messages = document["channels"]["session"]["messages"]
        .as_object()
        .unwrap();
    let mut used = std::collections::BTreeSet::new();
    for (name, operation) in document["operations"].as_object().unwrap() {
        assert!(
            ["send", "receive"].contains(&operation["action"].as_str().unwrap()),
            "{name}"
        );
        assert_eq!(operation["channel"]["$ref"], CHANNEL, "{name}");
        let replies = operation["reply"]["messages"]
            .as_array()
            .into_iter()
            .flatten();
        let own = operation["messages"].as_array().unwrap().iter();
        for message in own.chain(replies) {
            let path = message["$ref"].as_str().unwrap();
            let message = path
                .strip_prefix("#/channels/session/messages/")
                .expect(path);
            assert!(messages.contains_key(message), "{message}");
            used.insert(message.to_owned());
        }
    }
    let all: std::collections::BTreeSet<String> = messages.keys().cloned().collect();
    assert_eq!(used, all);
    // The names of components may have these letters alone (AsyncAPI 3.0, Components Object).
    let plain = |name: &str| {
        name.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    for part in ["messages", "schemas"] {
        let names = document["components"][part].as_object().unwrap().keys();
        assert!(names.into_iter().all(|name| plain(name)));
    }
}

#[test]
fn every_example_of_the_asyncapi_document_is_of_its_schema() {
    let document = document();
    let mut count = 0;
    for (name, message) in document["components"]["messages"].as_object().unwrap() {
        for example in message["examples"].as_array().unwrap() {
            schema::check(&document, &message["payload"], &example["payload"])
                .unwrap_or_else(|what| panic!("{name}: {what}"));
            count += 1;
        }
    }
    assert!(count > 100, "only {count} examples");
}

fn each(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Object(parts) => parts.values().for_each(|part| each(part, visit)),
        Value::Array(items) => items.iter().for_each(|item| each(item, visit)),
        _ => {}
    }
}

fn document() -> Value {
    let mut parts = Parts::new();
    macro_rules! request {
        ($kind:literal, $data:ident, $answer:ident) => {
            parts.request($kind, stringify!($data), stringify!($answer));
        };
    }
    for_each_request!(request);
    macro_rules! event {
        ($kind:literal, $data:ident) => {
            parts.event($kind, stringify!($data));
        };
    }
    for_each_event!(event);
    parts.into_document()
}

struct Parts {
    schemas: Value,
    golden: Files,
    operations: Map<String, Value>,
    messages: Map<String, Value>,
}

impl Parts {
    fn new() -> Self {
        let mut parts = Self {
            schemas: moved(&json_schema()["$defs"]),
            golden: built(),
            operations: Map::new(),
            messages: Map::new(),
        };
        let hello = json!({ "type": "object", "required": ["type", "data"],
            "properties": { "type": { "const": "hello" }, "data": reference("Hello") } });
        let about = "The first frame of every session.";
        let examples = parts.examples("hello", "hello");
        parts.message("hello", about, hello, examples, None);
        parts
            .operations
            .insert("hello".to_owned(), operation("send", about, "hello"));
        let error = json!({ "type": "object", "required": ["type", "re", "error"], "properties": {
            "type": { "const": "error" }, "re": { "type": ["integer", "null"] }, "error": reference("WireError") } });
        let examples = parts.examples("error", "errors");
        let about = "The refusal of a request, or of a frame that was no request.";
        parts.message(
            "error",
            about,
            error,
            examples,
            Some("$message.payload#/re"),
        );
        parts
    }

    fn request(&mut self, kind: &str, data: &str, answer: &str) {
        let about = Request::meaning(kind).unwrap();
        let (asked, told) = (format!("request.{kind}"), format!("answer.{kind}"));
        let required = match self.schemas[data].get("required") {
            Some(_) => json!(["type", "id", "data"]),
            None => json!(["type", "id"]),
        };
        let payload = json!({ "type": "object", "required": required, "properties": {
            "type": { "const": kind },
            "id": { "type": "integer", "minimum": 1, "maximum": MAX_REQUEST_ID },
            "data": reference(data) } });
        let examples = self.examples(kind, "request");
        self.message(
            &asked,
            about,
            payload,
            examples,
            Some("$message.payload#/id"),
        );
        let payload = json!({ "type": "object", "required": ["type", "re", "data"], "properties": {
            "type": { "const": "ok" }, "re": { "type": "integer" }, "data": reference(answer) } });
        let examples = self.examples(kind, "answer");
        let answers = format!("The answer to {kind}.");
        self.message(
            &told,
            &answers,
            payload,
            examples,
            Some("$message.payload#/re"),
        );
        let mut operation = operation("receive", about, &asked);
        operation["reply"] = json!({ "channel": { "$ref": CHANNEL }, "messages": [of_channel(&told), of_channel("error")] });
        let codes: Vec<&str> = Request::refusals(kind).map(ErrorCode::as_str).collect();
        operation["x-error-codes"] = json!(codes);
        self.operations.insert(asked, operation);
    }

    fn event(&mut self, kind: &str, data: &str) {
        let (about, _) = Event::meaning(kind).unwrap();
        let name = format!("event.{kind}");
        let payload = json!({ "type": "object", "required": ["type", "data"], "properties": {
            "type": { "const": kind }, "seq": { "type": "integer", "minimum": 1 }, "data": reference(data) } });
        let examples = self.examples(kind, "event");
        self.message(&name, about, payload, examples, None);
        self.operations
            .insert(name.clone(), operation("send", about, &name));
    }

    fn message(
        &mut self,
        name: &str,
        about: &str,
        payload: Value,
        examples: Value,
        id: Option<&str>,
    ) {
        let mut message =
            json!({ "name": name, "summary": about, "payload": payload, "examples": examples });
        if let Some(location) = id {
            message["correlationId"] = json!({ "location": location });
        }
        self.messages.insert(name.to_owned(), message);
    }

    fn examples(&self, kind: &str, part: &str) -> Value {
        let frames = match &self.golden[kind][part] {
            Value::Array(frames) => frames.clone(),
            frame => vec![frame.clone()],
        };
        frames
            .into_iter()
            .map(|frame| json!({ "payload": frame }))
            .collect()
    }

    fn into_document(self) -> Value {
        let names = self.messages.keys();
        let of_components =
            |name: &String| json!({ "$ref": format!("#/components/messages/{name}") });
        let of_channel: Map<String, Value> = names
            .map(|name| (name.clone(), of_components(name)))
            .collect();
        json!({
            "asyncapi": "3.0.0",
            "info": {
                "title": "Meeting",
                "version": "1.0.0",
                "description": "meeting.v1, the protocol of a Meeting server. Its rules are at /docs/protocol.",
                "license": { "name": "MIT OR Apache-2.0" },
            },
            "defaultContentType": "application/json",
            "servers": { "own": { "host": "localhost:8080", "protocol": "ws", "description": "As `meeting serve` starts it." } },
            "channels": { "session": {
                "address": "/ws",
                "description": "A WebSocket with the sub-protocol meeting.v1. Each text frame is one message.",
                "messages": of_channel,
            } },
            "operations": self.operations,
            "components": { "messages": self.messages, "schemas": self.schemas },
        })
    }
}

fn operation(action: &str, about: &str, message: &str) -> Value {
    json!({ "action": action, "channel": { "$ref": CHANNEL }, "summary": about, "messages": [of_channel(message)] })
}

fn of_channel(message: &str) -> Value {
    json!({ "$ref": format!("{CHANNEL}/messages/{message}") })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("{SCHEMAS}{name}") })
}

/// The definitions with their references as they stand here.
fn moved(definitions: &Value) -> Value {
    let text = definitions.to_string().replace("#/$defs/", SCHEMAS);
    serde_json::from_str(&text).unwrap()
}
