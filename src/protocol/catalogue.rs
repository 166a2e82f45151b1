//! What client authors read: JSON Schema and TypeScript of every message, generated from the types.
//!
//! Both are checked in under `static/protocol/` and `static/js/client/` and served with the page; a test compares them
//! with what the types give, and rewrites them when `UPDATE_PROTOCOL=1` is set.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use ts_rs::{Config, TS, TypeVisitor};

use super::error::{ErrorCode, WireError};
use super::event::*;
use super::frame::Hello;
use super::request::*;

/// The JSON Schema (draft 2020-12) of every request's data and answer and of every event's data.
pub fn json_schema() -> Value {
    let mut generator = SchemaGenerator::new(SchemaSettings::draft2020_12());
    let mut requests = Map::new();
    macro_rules! request {
        ($kind:literal, $data:ident, $answer:ident) => {
            let data = generator.subschema_for::<$data>();
            let answer = generator.subschema_for::<$answer>();
            let errors: Vec<&str> = Request::refusals($kind).map(ErrorCode::as_str).collect();
            let about = Request::meaning($kind);
            requests.insert(
                $kind.to_owned(),
                json!({ "description": about, "data": data, "answer": answer, "errors": errors }),
            );
        };
    }
    for_each_request!(request);
    let mut events = Map::new();
    macro_rules! event {
        ($kind:literal, $data:ident) => {
            let data = generator.subschema_for::<$data>();
            let about = Event::meaning($kind).map(|(meaning, _)| meaning);
            events.insert(
                $kind.to_owned(),
                json!({ "description": about, "data": data }),
            );
        };
    }
    for_each_event!(event);
    let hello = generator.subschema_for::<Hello>();
    let error = generator.subschema_for::<WireError>();
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": super::SUBPROTOCOL,
        "requests": requests,
        "events": events,
        "hello": hello,
        "error": error,
        "error_codes": codes,
        "$defs": generator.take_definitions(true),
    })
}

/// The TypeScript declarations of the same, with `Requests` and `Events` as the maps from type to data.
pub fn typescript() -> String {
    let mut declarations = Declarations::default();
    let config = Config::default();
    let (mut requests, mut events) = (String::new(), String::new());
    macro_rules! request {
        ($kind:literal, $data:ident, $answer:ident) => {
            declarations.visit::<$data>();
            declarations.visit::<$answer>();
            let (data, answer) = (<$data as TS>::name(&config), <$answer as TS>::name(&config));
            writeln!(
                requests,
                "  {:?}: {{ data: {data}; answer: {answer} }};",
                $kind
            )
            .expect("a String takes all");
        };
    }
    for_each_request!(request);
    macro_rules! event {
        ($kind:literal, $data:ident) => {
            declarations.visit::<$data>();
            let data = <$data as TS>::name(&config);
            writeln!(events, "  {:?}: {data};", $kind).expect("a String takes all");
        };
    }
    for_each_event!(event);
    declarations.visit::<Hello>();
    declarations.visit::<WireError>();
    let mut text = String::from("// Generated from the server's types: do not edit.\n\n");
    for declaration in declarations.0.values() {
        writeln!(text, "export {declaration}\n").expect("a String takes all");
    }
    write!(
        text,
        "export interface Requests {{\n{requests}}}\n\nexport interface Events {{\n{events}}}\n"
    )
    .expect("a String takes all");
    text
}

/// The declarations of types and of all that they are made of, by name.
#[derive(Default)]
struct Declarations(BTreeMap<String, String>);

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // Only types of our own have an output path; numbers, strings and lists have none.
        let config = Config::default();
        if T::output_path().is_some() && !self.0.contains_key(&T::ident(&config)) {
            self.0.insert(T::ident(&config), T::decl(&config));
            T::visit_dependencies(self);
        }
    }
}

/// Compares a generated file with the one checked in, or writes it when `UPDATE_PROTOCOL` is set.
#[cfg(test)]
pub(crate) fn assert_current(path: &str, generated: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_PROTOCOL").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        // Other tests may be reading it.
        let new = path.with_extension("new");
        std::fs::write(&new, generated).unwrap();
        std::fs::rename(new, &path).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == generated,
        "{} is stale: run the tests with UPDATE_PROTOCOL=1",
        path.display()
    );
}

/// Compares one part of a Markdown file, between `<!-- generated: NAME -->` and `<!-- end -->`, with what it should be,
/// or writes it when `UPDATE_PROTOCOL` is set.
#[cfg(test)]
pub(crate) fn assert_part_current(path: &str, name: &str, generated: &str) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    // Several parts of one file are compared by tests that run at once.
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    let text = std::fs::read_to_string(file).unwrap();
    let mark = format!("<!-- generated: {name} -->\n");
    let (before, rest) = text.split_once(&mark).expect(&mark);
    let (_, after) = rest.split_once("<!-- end -->").expect("<!-- end -->");
    assert_current(
        path,
        &format!("{before}{mark}{generated}<!-- end -->{after}"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_schema_that_is_served_is_current() {
        let text = serde_json::to_string_pretty(&json_schema()).unwrap() + "\n";
        assert_current("static/protocol/meeting.v1.schema.json", &text);
    }

    #[test]
    fn the_typescript_that_is_served_is_current() {
        assert_current("static/js/client/protocol.d.ts", &typescript());
    }
}
