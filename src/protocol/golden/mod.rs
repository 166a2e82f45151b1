//! One golden file per message in `tests/golden/`, for authors of other clients: what travels, to the letter.
//!
//! `UPDATE_PROTOCOL=1` rewrites the files. Read on in [`samples`] for what they say and in [`schema`] for how they are
//! held against what is published. The pages of the
//! protocol are made of them in [`reference`], the AsyncAPI document in [`asyncapi`].

mod asyncapi;
mod entering;
mod governing;
mod layout;
mod meeting;
mod reference;
mod samples;
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Map, Value};

use self::samples::Sample;
use super::catalogue::json_schema;
use super::event::for_each_event;
use super::frame::RequestFrame;
use super::request::{Request, for_each_request};

/// The parts of each file: `request` and `answer`, `event`, `hello`, `errors`.
type Files = BTreeMap<String, Map<String, Value>>;

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn parse(frame: &str) -> Value {
    serde_json::from_str(frame).unwrap()
}

fn built() -> Files {
    let mut files = Files::new();
    let mut put = |kind: &str, part: &str, value: Value| {
        let before = files
            .entry(kind.to_owned())
            .or_default()
            .insert(part.to_owned(), value);
        assert_eq!(before, None, "{kind} has two samples of its {part}");
    };
    for sample in samples::all() {
        match sample {
            Sample::Request {
                frame,
                request,
                answer,
            } => {
                put(request.kind(), "request", frame);
                put(request.kind(), "answer", parse(&answer));
            }
            Sample::Event { kind, frame } => put(kind, "event", parse(&frame)),
            Sample::Hello(frame) => put("hello", "hello", parse(&frame)),
            Sample::Errors(frames) => {
                put(
                    "error",
                    "errors",
                    frames.iter().map(|frame| parse(frame)).collect(),
                );
            }
        }
    }
    files
}

fn read() -> Files {
    let entries = std::fs::read_dir(directory()).unwrap();
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let kind = name
            .strip_suffix(".json")
            .expect("golden files end in .json");
        let text = std::fs::read_to_string(&path).unwrap();
        (kind.to_owned(), serde_json::from_str(&text).unwrap())
    };
    entries.map(|entry| read(entry.unwrap().path())).collect()
}

fn write(files: &Files) {
    for (kind, parts) in files {
        let text = serde_json::to_string_pretty(parts).unwrap() + "\n";
        std::fs::write(directory().join(format!("{kind}.json")), text).unwrap();
    }
}

#[test]
fn every_message_has_a_golden_file_and_travels_as_it_says() {
    let built = built();
    if std::env::var_os("UPDATE_PROTOCOL").is_some() {
        write(&built);
    }
    let read = read();
    assert_eq!(
        built.keys().collect::<BTreeSet<_>>(),
        read.keys().collect::<BTreeSet<_>>(),
        "left: samples, right: files"
    );
    for (kind, parts) in &built {
        assert_eq!(
            parts, &read[kind],
            "{kind}.json is stale: run the tests with UPDATE_PROTOCOL=1"
        );
    }
}

#[test]
fn the_catalogue_and_the_golden_files_name_the_same_messages() {
    let built = built();
    let named = |part: &'static str| -> BTreeSet<&str> {
        let has = built.iter().filter(|(_, parts)| parts.contains_key(part));
        has.map(|(kind, _)| kind.as_str()).collect()
    };
    let (mut requests, mut events) = (BTreeSet::new(), BTreeSet::new());
    macro_rules! request {
        ($kind:literal, $data:ident, $answer:ident) => {
            requests.insert($kind);
        };
    }
    for_each_request!(request);
    macro_rules! event {
        ($kind:literal, $data:ident) => {
            events.insert($kind);
        };
    }
    for_each_event!(event);
    assert_eq!(named("request"), requests);
    assert_eq!(named("answer"), requests);
    assert_eq!(named("event"), events);
}

#[test]
fn every_golden_request_decodes_to_what_it_means() {
    for sample in samples::all() {
        let Sample::Request { frame, request, .. } = sample else {
            continue;
        };
        let text = frame.to_string();
        let frame = RequestFrame::decode(&text).unwrap();
        let decoded = Request::decode(&frame.kind, frame.data.as_deref());
        assert_eq!(decoded.unwrap(), *request, "{text}");
    }
}

#[test]
fn every_golden_message_is_one_of_the_published_schema() {
    let schema = json_schema();
    for (kind, parts) in built() {
        for (part, value) in parts {
            let (expected, data) = match part.as_str() {
                "request" => (&schema["requests"][&kind]["data"], &value["data"]),
                "answer" => (&schema["requests"][&kind]["answer"], &value["data"]),
                "event" => (&schema["events"][&kind]["data"], &value["data"]),
                "hello" => (&schema["hello"], &value["data"]),
                "errors" => {
                    for frame in value.as_array().unwrap() {
                        schema::check(&schema, &schema["error"], &frame["error"]).unwrap();
                    }
                    continue;
                }
                other => panic!("{kind}.json has a part {other}"),
            };
            // Data may be left out where there is nothing to say.
            let empty = Value::Object(Map::new());
            let data = if data.is_null() { &empty } else { data };
            if let Err(what) = schema::check(&schema, expected, data) {
                panic!("{kind}.json, {part}: {what}");
            }
        }
    }
}
