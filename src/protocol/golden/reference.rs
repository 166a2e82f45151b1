//! The reference of every message as Markdown, `static/docs/reference.md`, and the tables of errors in
//! `static/docs/protocol.md`: made from the types' documentation, the schema and the golden samples.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::{Files, built, layout};
use crate::protocol::catalogue::{assert_current, assert_part_current, json_schema};
use crate::protocol::error::ErrorCode;
use crate::protocol::event::{Delivery, Event, for_each_event};
use crate::protocol::refusals::OF_EVERY_REQUEST;
use crate::protocol::request::{Request, for_each_request};

const HEAD: &str = "# Protocol: messages

Each request, each event and each object, with its fields, its errors and an example. The page is generated from the types
of the server. [Rules](protocol.md) says what holds for all of them; [Write a client](client-guide.md) shows them at work.

In the tables of requests a field may be left out where it says *optional*. In answers and events every field is there
unless its meaning says otherwise. Names that end in `_ms` are milliseconds. The types `Timestamp`, `UserId` and the like
are strings, see [Values](#values).
";

/// The groups in which requests are listed, by the first word of their types.
const GROUPS: [(&str, &[&str]); 9] = [
    ("Accounts and log-in", &["auth", "account"]),
    ("Session", &["session", "ping", "check"]),
    ("Rooms", &["room"]),
    ("Invite links", &["invite"]),
    ("People", &["participant", "lobby"]),
    ("Together", &["reaction", "spotlight", "timer"]),
    ("Chat", &["chat"]),
    ("Media through the server", &["media"]),
    ("Between participants", &["signal"]),
];

#[test]
fn the_reference_of_messages_is_current() {
    assert_current("static/docs/reference.md", &Reference::new().text());
}

#[test]
fn the_tables_of_errors_are_current() {
    let page = "static/docs/protocol.md";
    assert_part_current(page, "codes", &codes());
    assert_part_current(page, "refusals", &refusals());
}

#[test]
fn every_code_but_those_for_later_may_be_answered_by_some_request_or_frame() {
    let by_requests: BTreeSet<&str> = requests()
        .iter()
        .flat_map(|(kind, ..)| Request::refusals(kind))
        .map(ErrorCode::as_str)
        .collect();
    let codes = ErrorCode::ALL.iter().map(|code| code.as_str());
    let never: Vec<&str> = codes.filter(|code| !by_requests.contains(code)).collect();
    let of_frames = [
        "protocol.bad_json",
        "protocol.unknown_type",
        "protocol.binary",
        "protocol.too_large",
    ];
    let for_later = ["room.exists", "server.draining"];
    assert_eq!(never, [&of_frames[..], &for_later[..]].concat());
}

fn requests() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut all = Vec::new();
    macro_rules! request {
        ($kind:literal, $data:ident, $answer:ident) => {
            all.push(($kind, stringify!($data), stringify!($answer)));
        };
    }
    for_each_request!(request);
    all
}

fn events() -> Vec<(&'static str, &'static str)> {
    let mut all = Vec::new();
    macro_rules! event {
        ($kind:literal, $data:ident) => {
            all.push(($kind, stringify!($data)));
        };
    }
    for_each_event!(event);
    all
}

fn codes() -> String {
    let mut text = String::from("| code | meaning |\n|---|---|\n");
    for code in ErrorCode::ALL {
        let _ = writeln!(text, "| `{}` | {} |", code.as_str(), code.message());
    }
    text
}

fn refusals() -> String {
    let mut text = String::from("| request | further codes |\n|---|---|\n");
    for (kind, ..) in requests() {
        let _ = writeln!(
            text,
            "| [`{kind}`](reference.md#{}) | {} |",
            anchor(kind),
            own_codes(kind)
        );
    }
    text
}

/// The codes that are not every request's, as they stand in a table.
fn own_codes(kind: &str) -> String {
    let general =
        |code: &ErrorCode| OF_EVERY_REQUEST.contains(code) || *code == ErrorCode::AuthRequired;
    let own = Request::refusals(kind).filter(|code| !general(code));
    let own: Vec<String> = own.map(|code| format!("`{}`", code.as_str())).collect();
    if own.is_empty() {
        "none".to_owned()
    } else {
        own.join(", ")
    }
}

fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
    let kept: String = heading.chars().filter(kept).collect();
    kept.replace(' ', "-").to_lowercase()
}

/// The types of which `name` is made, itself included.
fn reach(schema: &Value, name: &str, reached: &mut BTreeSet<String>) {
    if !reached.insert(name.to_owned()) {
        return;
    }
    let text = schema["$defs"][name].to_string();
    for part in text.split("\"#/$defs/").skip(1) {
        let inner = part.split('"').next().unwrap_or_default();
        reach(schema, inner, reached);
    }
}

struct Reference {
    schema: Value,
    golden: Files,
    /// Types that stand at their one message, and not among the objects.
    of_messages: BTreeSet<&'static str>,
    /// Objects that clients send: what is not required there may be left out.
    asked: BTreeSet<String>,
}

impl Reference {
    fn new() -> Self {
        let mut of_messages = BTreeSet::from(["Hello", "WireError"]);
        for (_, data, answer) in requests() {
            of_messages.extend([data, answer]);
        }
        of_messages.extend(events().into_iter().map(|(_, data)| data));
        let schema = json_schema();
        let mut asked = BTreeSet::new();
        for (_, data, _) in requests() {
            reach(&schema, data, &mut asked);
        }
        Self {
            schema,
            golden: built(),
            of_messages,
            asked,
        }
    }

    fn text(&self) -> String {
        let mut text = String::from(HEAD);
        text.push_str("\n## Hello\n\nThe first frame of every session. The server sends it unasked; it has no `seq`.\n");
        self.fields(&mut text, "Hello", false);
        self.example(&mut text, "hello", &["hello"]);
        text.push_str("\n## Errors\n\nThe object `error` of a refusal. [Rules](protocol.md#4-errors) lists the codes.\n");
        self.fields(&mut text, "WireError", false);
        self.example(&mut text, "error", &["errors"]);
        let mut listed = 0;
        for (title, words) in GROUPS {
            let _ = write!(text, "\n## Requests: {title}\n");
            let of_group = |kind: &str| words.contains(&kind.split('.').next().unwrap_or_default());
            for (kind, data, answer) in requests().into_iter().filter(|(kind, ..)| of_group(kind)) {
                self.request(&mut text, kind, data, answer);
                listed += 1;
            }
        }
        assert_eq!(listed, requests().len(), "a request belongs to no group");
        text.push_str("\n## Events\n");
        for (kind, data) in events() {
            self.event(&mut text, kind, data);
        }
        self.definitions(&mut text);
        text
    }

    fn request(&self, text: &mut String, kind: &str, data: &str, answer: &str) {
        let meaning = Request::meaning(kind).unwrap_or_default();
        let _ = write!(text, "\n### `{kind}`\n\n{meaning}\n");
        let about = self.definition(data)["description"]
            .as_str()
            .unwrap_or_default();
        let usual = format!("Data of `{kind}`");
        let more = about
            .strip_prefix(&usual)
            .unwrap_or_default()
            .trim_start_matches(['.', ',', ';', ':', ' ']);
        if !more.is_empty() {
            let _ = write!(text, "\n{}\n", capital(more));
        }
        self.fields(text, data, true);
        if answer == "Empty" {
            text.push_str("\nThe answer is empty: `{}`.\n");
        } else {
            text.push_str("\nThe answer:\n");
            self.fields(text, answer, false);
        }
        let _ = write!(
            text,
            "\nErrors beside [those of every request](protocol.md#43-errors-of-each-request): {}.\n",
            own_codes(kind)
        );
        self.example(text, kind, &["request", "answer"]);
    }

    fn event(&self, text: &mut String, kind: &str, data: &str) {
        let (meaning, delivery) = Event::meaning(kind).unwrap();
        let _ = write!(text, "\n### Event `{kind}`\n\n{meaning}\n");
        if delivery == Delivery::Lossy {
            text.push_str("\nLossy: it has no `seq`, and only the newest counts.\n");
        }
        self.fields(text, data, false);
        self.example(text, kind, &["event"]);
    }

    fn definition(&self, name: &str) -> &Value {
        &self.schema["$defs"][name]
    }

    /// The table of a type's fields.
    fn fields(&self, text: &mut String, name: &str, is_asked: bool) {
        let definition = self.definition(name);
        let Some(fields) = definition["properties"].as_object() else {
            text.push_str("\nNo fields.\n");
            return;
        };
        text.push_str("\n| field | type | meaning |\n|---|---|---|\n");
        let required = definition["required"].as_array();
        let is_required =
            |field: &str| required.is_some_and(|all| all.iter().any(|one| one == field));
        let (needed, others): (Vec<_>, Vec<_>) =
            fields.iter().partition(|(field, _)| is_required(field));
        for (field, schema) in needed.into_iter().chain(others) {
            let mut kind = self.kind(schema);
            if is_asked && !is_required(field) {
                kind.push_str(", *optional*");
                match &schema["default"] {
                    Value::Null => {}
                    default => {
                        let _ = write!(kind, ", else `{default}`");
                    }
                }
            }
            let _ = writeln!(text, "| `{field}` | {kind} | {} |", sentence(schema));
        }
    }

    /// A type in words.
    fn kind(&self, schema: &Value) -> String {
        if let Some(name) = schema["$ref"]
            .as_str()
            .and_then(|path| path.rsplit('/').next())
        {
            return self.linked(name);
        }
        if let Some(kinds) = schema["anyOf"].as_array() {
            let kinds: Vec<String> = kinds.iter().map(|one| self.kind(one)).collect();
            return kinds.join(" or ");
        }
        match &schema["type"] {
            Value::String(kind) if kind == "array" => {
                format!("list of {}", self.kind(&schema["items"]))
            }
            Value::String(kind) => plain(kind).to_owned(),
            Value::Array(kinds) => {
                let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).map(plain).collect();
                kinds.join(" or ")
            }
            _ => "anything".to_owned(),
        }
    }

    fn linked(&self, name: &str) -> String {
        // One word, which needs no section.
        if name == "Everyone" {
            return "`\"all\"`".to_owned();
        }
        // The answer to one request. Another request gives it as a part of its own answer.
        if name == "Joined" {
            return "the answer to [`room.join`](#roomjoin)".to_owned();
        }
        let to = match self.of_messages.contains(name) {
            true => panic!("{name} is the data of a message and a field's type as well"),
            false => anchor(name),
        };
        format!("[{name}](#{to})")
    }

    fn definitions(&self, text: &mut String) {
        let all = self.schema["$defs"].as_object().unwrap();
        let is_own = |name: &&String| {
            !self.of_messages.contains(name.as_str())
                && !["ErrorCode", "Everyone"].contains(&name.as_str())
        };
        let names: Vec<&String> = all.keys().filter(is_own).collect();
        let kind_of = |name: &str| Kind::of(&all[name]);
        for (kind, title) in [
            (Kind::Object, "Objects"),
            (Kind::Words, "Words"),
            (Kind::Choice, "One of several"),
            (Kind::Value, "Values"),
        ] {
            let _ = write!(text, "\n## {title}\n");
            for name in names.iter().filter(|name| kind_of(name) == kind) {
                let _ = write!(text, "\n### {name}\n\n{}\n", prose(&all[*name]));
                match kind {
                    Kind::Object => self.fields(text, name, self.asked.contains(name.as_str())),
                    Kind::Words => words(text, &all[*name]),
                    Kind::Choice => self.choices(text, &all[*name]),
                    Kind::Value => bounds(text, &all[*name]),
                }
            }
        }
        text.push_str("\n### ErrorCode\n\nSee the [list of codes](protocol.md#42-codes).\n");
    }

    fn choices(&self, text: &mut String, definition: &Value) {
        text.push('\n');
        for choice in definition["anyOf"].as_array().unwrap() {
            let _ = writeln!(text, "- {}: {}", self.kind(choice), sentence(choice));
        }
    }

    fn example(&self, text: &mut String, kind: &str, parts: &[&str]) {
        text.push_str("\n```json\n");
        for part in parts {
            let frames = match &self.golden[kind][*part] {
                Value::Array(frames) => frames.clone(),
                frame => vec![frame.clone()],
            };
            for frame in frames {
                text.push_str(&layout::of_frame(&frame));
                text.push('\n');
            }
        }
        text.push_str("```\n");
    }
}

#[derive(PartialEq)]
enum Kind {
    Object,
    Words,
    Choice,
    Value,
}

impl Kind {
    fn of(definition: &Value) -> Self {
        match definition {
            of if of["type"] == "object" => Self::Object,
            of if of["oneOf"].is_array() || of["enum"].is_array() => Self::Words,
            of if of["anyOf"].is_array() => Self::Choice,
            _ => Self::Value,
        }
    }
}

fn plain(kind: &str) -> &str {
    match kind {
        "boolean" => "true or false",
        other => other,
    }
}

fn words(text: &mut String, definition: &Value) {
    text.push_str("\n| word | meaning |\n|---|---|\n");
    for word in definition["oneOf"].as_array().unwrap() {
        let _ = writeln!(
            text,
            "| `{}` | {} |",
            word["const"].as_str().unwrap(),
            sentence(word)
        );
    }
}

fn bounds(text: &mut String, definition: &Value) {
    let (least, most) = (&definition["minLength"], &definition["maxLength"]);
    let _ = match (least.as_u64(), most.as_u64()) {
        (Some(least), Some(most)) => write!(text, "\nA string of {least} to {most} characters.\n"),
        (None, Some(most)) => write!(text, "\nA string of at most {most} characters.\n"),
        _ => write!(text, "\nA string.\n"),
    };
}

fn prose(schema: &Value) -> &str {
    schema["description"].as_str().unwrap_or_default()
}

/// A description as it stands in a table's cell.
fn sentence(schema: &Value) -> String {
    prose(schema).replace('\n', " ").replace('|', "\\|")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}
