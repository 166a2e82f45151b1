//! JSON as people read it: short things on one line, what leads a frame first.

use serde_json::{Map, Value};

/// One frame.
pub fn of_frame(frame: &Value) -> String {
    laid_out(&ordered(frame), 0)
}

/// The frame with what leads it first: maps are sorted by name, and nobody reads `answer, data, type`.
fn ordered(frame: &Value) -> Vec<(String, Value)> {
    let mut parts: Map<String, Value> = frame.as_object().unwrap().clone();
    let mut ordered = Vec::new();
    for name in ["type", "id", "re", "seq", "data", "error"] {
        ordered.extend(parts.remove(name).map(|part| (name.to_owned(), part)));
    }
    ordered.extend(parts);
    ordered
}

/// JSON on one line where it is short, otherwise a line for each part.
fn laid_out(parts: &[(String, Value)], depth: usize) -> String {
    const WIDTH: usize = 100;
    let line: Vec<String> = parts
        .iter()
        .map(|(name, part)| format!("{name:?}: {}", on_one_line(part)))
        .collect();
    let line = format!("{{{}}}", line.join(", "));
    if line.chars().count() + depth <= WIDTH {
        return line;
    }
    let inner = " ".repeat(depth + 2);
    let lines: Vec<String> = parts
        .iter()
        .map(|(name, part)| format!("{inner}{name:?}: {}", part_laid_out(part, depth + 2)))
        .collect();
    format!("{{\n{}\n{}}}", lines.join(",\n"), " ".repeat(depth))
}

fn part_laid_out(part: &Value, depth: usize) -> String {
    match part {
        Value::Object(parts) => {
            let parts: Vec<_> = parts
                .iter()
                .map(|(name, part)| (name.clone(), part.clone()))
                .collect();
            laid_out(&parts, depth)
        }
        Value::Array(items) if on_one_line(part).chars().count() + depth > 100 => {
            let inner = " ".repeat(depth + 2);
            let items: Vec<String> = items
                .iter()
                .map(|item| format!("{inner}{}", part_laid_out(item, depth + 2)))
                .collect();
            format!("[\n{}\n{}]", items.join(",\n"), " ".repeat(depth))
        }
        short => on_one_line(short),
    }
}

fn on_one_line(value: &Value) -> String {
    match value {
        Value::Object(parts) => {
            let parts: Vec<String> = parts
                .iter()
                .map(|(name, part)| format!("{name:?}: {}", on_one_line(part)))
                .collect();
            format!("{{{}}}", parts.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(on_one_line).collect();
            format!("[{}]", items.join(", "))
        }
        plain => plain.to_string(),
    }
}
