//! What a browser loads first, put together from the page's files: two packs of modules, one style sheet, and a head that
//! names everything by its content.
//!
//! `static/index.html` works as it stands, and names each file by its own name. What is served in its place takes fewer
//! requests: names that hold a content's hash never need to be asked for again, and an import map leads from the modules'
//! own names, which stand in their imports, to those. The build script includes this file, to compress what comes out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::pack::{Packed, Sources, pack};

/// The page's files by their paths.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Where the modules are, and the packs.
const SCRIPTS: &str = "js";
/// The packs, each with the modules that it is made for. What an earlier one has no later one repeats.
const PACKS: [(&str, &[&str]); 2] = [
    ("js/first.js", &["js/app.js"]),
    (
        "js/room.js",
        &[
            "js/views/room/room.js",
            "js/flow/inside.js",
            "js/flow/govern.js",
            "js/views/door/waiting.js",
        ],
    ),
];
/// The style sheets of the page's head as one.
const STYLES: &str = "css/first.css";
/// How many bytes of a hash stand in a name: enough to tell the versions of one file from each other.
pub const NAME_BYTES: usize = 6;

/// What was put together.
#[derive(Debug)]
pub struct Assembly {
    /// The page.
    pub html: String,
    /// Files that are made of others, by their paths without a hash.
    pub made: BTreeMap<String, String>,
}

impl Assembly {
    /// Puts the page together for a server whose addresses begin with `prefix`, a slash at its end.
    ///
    /// # Errors
    ///
    /// What cannot be put together, in words.
    pub fn new(files: &Files, prefix: &str) -> Result<Self, String> {
        let index = text_of(files, "index.html")?;
        let mut made = BTreeMap::new();
        let mut names = BTreeMap::new();
        for (path, bytes) in files.iter().filter(|(path, _)| has_name(path)) {
            names.insert(path.clone(), named(path, bytes));
        }
        for (path, Packed { text, members }) in packs(files)? {
            let name = named(path, text.as_bytes());
            names.extend(members.into_iter().map(|member| (member, name.clone())));
            made.insert(path.to_owned(), text);
        }
        let styles = styles(files, index)?;
        let style_name = named(STYLES, styles.as_bytes());
        made.insert(STYLES.to_owned(), styles);
        let html = head(index, prefix, &names, &style_name);
        Ok(Self { html, made })
    }
}

/// The start of a hash as it stands in a name.
pub fn mark(hash: &[u8]) -> String {
    let bytes = hash.iter().take(NAME_BYTES);
    bytes.fold(String::new(), |mut mark, byte| {
        let _ = write!(mark, "{byte:02x}");
        mark
    })
}

/// A path with the hash of its content in its name.
fn named(path: &str, bytes: &[u8]) -> String {
    let mark = mark(&Sha256::digest(bytes));
    match path.rsplit_once('.') {
        Some((stem, kind)) => format!("{stem}.{mark}.{kind}"),
        None => path.to_owned(),
    }
}

/// Whether the page asks for a file by a name that holds its hash: modules, words, drawings.
fn has_name(path: &str) -> bool {
    let is_script = path.starts_with("js/") && (path.ends_with(".js") || path.ends_with(".json"));
    is_script || path.starts_with("icons/")
}

fn text_of<'a>(files: &'a Files, path: &str) -> Result<&'a str, String> {
    let bytes = files
        .get(path)
        .ok_or_else(|| format!("There is no {path}."))?;
    std::str::from_utf8(bytes).map_err(|error| format!("{path} is not UTF-8: {error}"))
}

fn packs(files: &Files) -> Result<Vec<(&'static str, Packed)>, String> {
    let mut sources = Sources::new();
    for path in files.keys().filter(|path| path.ends_with(".js")) {
        sources.insert(path, text_of(files, path)?);
    }
    let mut taken = BTreeSet::new();
    let mut packs = Vec::new();
    for (path, entries) in PACKS {
        if sources.contains_key(path) {
            return Err(format!("{path} is the name of a pack."));
        }
        let packed = pack(&sources, SCRIPTS, entries, &taken)?;
        taken.extend(packed.members.iter().cloned());
        packs.push((path, packed));
    }
    Ok(packs)
}

/// The style sheets that the head names, in their order.
fn styles(files: &Files, index: &str) -> Result<String, String> {
    let mut text = String::new();
    for path in index.lines().filter_map(style_of) {
        let _ = writeln!(text, "/* {path} */\n{}", text_of(files, path)?);
    }
    Ok(text)
}

/// The style sheet that a line of the head names.
fn style_of(line: &str) -> Option<&str> {
    let rest = line
        .trim()
        .strip_prefix("<link rel=\"stylesheet\" href=\"/")?;
    rest.strip_suffix("\" />")
}

/// The page with one style sheet, the import map before the first script, and every address by its name below `prefix`.
fn head(index: &str, prefix: &str, names: &BTreeMap<String, String>, styles: &str) -> String {
    let mut html = String::new();
    let mut styled = false;
    for line in index.lines() {
        let indent = &line[..line.len() - line.trim_start().len()];
        if style_of(line).is_some() {
            if !styled {
                let _ = writeln!(
                    html,
                    "{indent}<link rel=\"stylesheet\" href=\"{prefix}{styles}\" />"
                );
            }
            styled = true;
            continue;
        }
        if line.trim_start().starts_with("<script type=\"module\"") {
            let map = import_map(prefix, names);
            let _ = writeln!(html, "{indent}<script type=\"importmap\">{map}</script>");
        }
        let _ = writeln!(html, "{}", renamed(line, prefix, names));
    }
    html
}

/// From every module's own address to the one that it is served under, JSON. Paths hold no letter that JSON or HTML escapes.
fn import_map(prefix: &str, names: &BTreeMap<String, String>) -> String {
    let entries: Vec<String> = (names.iter())
        .map(|(path, name)| format!("\"{prefix}{path}\":\"{prefix}{name}\""))
        .collect();
    format!("{{\"imports\":{{{}}}}}", entries.join(","))
}

/// A line with the page's own addresses, which begin at the root, by their names below `prefix`.
fn renamed(line: &str, prefix: &str, names: &BTreeMap<String, String>) -> String {
    ["href=\"/", "src=\"/"]
        .into_iter()
        .fold(line.to_owned(), |line, start| {
            let mut parts = line.split(start);
            let mut text = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                let (path, rest) = part.split_once('"').unwrap_or((part, ""));
                let name = names.get(path).map_or(path, String::as_str);
                let _ = write!(text, "{}{prefix}{name}\"{rest}", &start[..start.len() - 1]);
            }
            text
        })
}

#[cfg(test)]
#[path = "assembly/tests.rs"]
mod tests;
