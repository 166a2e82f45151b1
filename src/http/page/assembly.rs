//! Assembles what a browser loads first: two packs of modules, one style sheet, and a head that names every file by its
//! hash.
//!
//! `static/index.html` also works unchanged, with plain names. The assembled page needs fewer requests: files whose
//! names contain a hash are never asked for again. An import map leads from the plain names in the imports of modules
//! to those names. The build script includes this file, to compress the results.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::pack::{Packed, Sources, pack};

/// The page's files by their paths.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Where the modules are, and the packs.
const SCRIPTS: &str = "js";
/// The packs, each with the modules that it is made for. A later pack does not repeat modules of an earlier one.
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
/// The one style sheet that replaces those of the head.
const STYLES: &str = "css/first.css";
/// How many bytes of a hash a name contains: enough to tell the versions of one file apart.
pub const NAME_BYTES: usize = 6;

/// The assembled page.
#[derive(Debug)]
pub struct Assembly {
    /// The page.
    pub html: String,
    /// Generated files, by their paths without a hash.
    pub made: BTreeMap<String, String>,
}

impl Assembly {
    /// Assembles the page for a server whose addresses begin with `prefix`, which ends with a slash.
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

/// Whether the page requests such a file by a name with a hash: modules, texts, drawings.
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

/// The head of the page with one style sheet, the import map before the first script, and every address with its hash
/// below `prefix`.
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

/// The import map in JSON: from the address of every module to the name that it is served under. Paths contain no
/// character that JSON or HTML escapes.
fn import_map(prefix: &str, names: &BTreeMap<String, String>) -> String {
    let entries: Vec<String> = (names.iter())
        .map(|(path, name)| format!("\"{prefix}{path}\":\"{prefix}{name}\""))
        .collect();
    format!("{{\"imports\":{{{}}}}}", entries.join(","))
}

/// Replaces the absolute addresses in a line by their names below `prefix`.
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
