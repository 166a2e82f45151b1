//! The pages are complete, lead nowhere wrong, and hold nothing that the content security policy would refuse.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::*;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn documents() -> BTreeMap<String, String> {
    let folder = root().join("static/docs");
    let files = std::fs::read_dir(folder).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let markdown = files.filter(|path| path.extension().is_some_and(|end| end == "md"));
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    markdown.map(read).collect()
}

fn anchors(markdown: &str) -> BTreeSet<String> {
    let sections = Document::read(markdown).sections;
    sections.into_iter().map(|section| section.id).collect()
}

/// Where the links of a text lead, as they stand in it.
fn links(markdown: &str) -> Vec<String> {
    Parser::new_ext(markdown, Options::ENABLE_TABLES)
        .filter_map(|event| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                Some(dest_url.into_string())
            }
            _ => None,
        })
        .collect()
}

#[test]
fn every_document_is_listed_and_has_a_title() {
    let listed: BTreeSet<String> = PAGES.map(|(name, _)| name.to_owned()).into();
    let found: BTreeSet<String> = documents().into_keys().collect();
    assert_eq!(listed, found, "left: PAGES, right: static/docs");
    for (name, markdown) in documents() {
        assert!(!Document::read(&markdown).title.is_empty(), "{name}");
    }
}

#[test]
fn headings_have_the_anchors_that_code_hosts_give_them() {
    let read = Document::read(
        "# A title\n\n## 3.4 A lost socket\n\n## `room.join`\n\n## Again\n\n## Again\n",
    );
    let ids: Vec<_> = read.sections.iter().map(|section| &section.id).collect();
    assert_eq!(ids, ["34-a-lost-socket", "roomjoin", "again", "again-1"]);
    assert_eq!(read.title, "A title");
    assert!(
        read.body.contains("<h2 id=\"again-1\">Again <a"),
        "{}",
        read.body
    );
}

#[test]
fn links_between_documents_lead_to_pages_and_no_foreign_markup_passes() {
    let read = Document::read(
        "# T\n\nText <script>x</script> [a](protocol.md#1-carrier) [b](index.md) [c](../protocol/x.json)\n\n<!-- mark -->\n",
    );
    assert!(read.body.contains("href=\"protocol#1-carrier\""));
    assert!(read.body.contains("href=\"./\""));
    assert!(read.body.contains("href=\"../protocol/x.json\""));
    assert!(!read.body.contains("<script") && !read.body.contains("mark"));
}

#[test]
fn every_link_leads_somewhere_in_the_repository_as_in_the_browser() {
    let documents = documents();
    let mut dead = Vec::new();
    let mut sources: Vec<(PathBuf, String)> = documents
        .iter()
        .map(|(name, text)| (root().join(format!("static/docs/{name}.md")), text.clone()))
        .collect();
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        ".github/CONTRIBUTING.md",
        ".github/SECURITY.md",
    ] {
        let path = root().join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        sources.push((path, text));
    }
    for (path, text) in &sources {
        let folder = path.parent().unwrap();
        for link in links(text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() {
                path.clone()
            } else {
                folder.join(file)
            };
            let leads = target.exists() && (anchor.is_empty() || has_anchor(&target, anchor));
            // What is served is `static` alone: a link of a page that leaves it is dead in the browser.
            let stays = !path.starts_with(root().join("static")) || !is_outside(&link);
            if !leads || !stays {
                dead.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert_eq!(dead, Vec::<String>::new());
}

fn has_anchor(target: &Path, anchor: &str) -> bool {
    let text = std::fs::read_to_string(target).unwrap_or_default();
    target.extension().is_some_and(|end| end == "md") && anchors(&text).contains(anchor)
}

fn is_outside(link: &str) -> bool {
    link.starts_with("../../") || link.starts_with('/')
}

#[test]
fn no_page_holds_what_the_policy_refuses() {
    for (name, _) in PAGES {
        let html = html(&format!("docs/{name}.html")).unwrap();
        for refused in ["<script", "style=", "onclick=", "javascript:", "src=\"http"] {
            assert!(!html.contains(refused), "{name} holds {refused}");
        }
        assert!(html.contains(&format!(
            "/docs/{}\" aria-current",
            name.replace("index", "")
        )));
    }
    assert!(html("docs/nothing.html").is_none());
    assert!(html("docs/../index.html").is_none());
}

/// The guide shows each program as the tests run it.
#[test]
fn the_programs_of_the_client_guide_are_current() {
    for (part, language, path) in [
        ("node", "js", "static/docs/examples/node.mjs"),
        ("python", "python", "static/docs/examples/client.py"),
        ("lasting", "python", "static/docs/examples/lasting.py"),
        ("browser", "js", "static/docs/examples/browser.js"),
        ("library", "js", "tests/client/example.mjs"),
    ] {
        let program = std::fs::read_to_string(root().join(path)).unwrap();
        let shown = format!("```{language}\n{program}```\n");
        crate::protocol::catalogue::assert_part_current(
            "static/docs/client-guide.md",
            part,
            &shown,
        );
    }
}

/// Code that follows a rule says which: `static/docs/protocol.md §3.4`.
#[test]
fn every_section_that_code_cites_exists() {
    let mut files = Vec::new();
    for folder in [
        "src",
        "entity",
        "migration",
        "static/js",
        "static/docs",
        "tests",
        "benches",
        "ARCHITECTURE.md",
        ".github",
    ] {
        collect(&root().join(folder), &mut files);
    }
    let (mut cited, mut dead) = (0, Vec::new());
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        // A citation may be broken over two lines of a comment.
        let text = text
            .replace("\n//! ", " ")
            .replace("\n/// ", " ")
            .replace("\n * ", " ");
        for (at, _) in text.match_indices("docs/") {
            let Some((name, rest)) = text[at + "docs/".len()..].split_once(".md §") else {
                continue;
            };
            if !name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
                continue;
            }
            let number: String = rest
                .chars()
                .take_while(|c| c.is_ascii_digit() || *c == '.')
                .collect();
            let number = number.trim_end_matches('.');
            cited += 1;
            if !has_section(name, number) {
                dead.push(format!("{}: {name} §{number}", path.display()));
            }
        }
    }
    assert_eq!(dead, Vec::<String>::new());
    assert!(cited > 10, "only {cited} citations were found");
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    const FOREIGN: [&str; 2] = ["node_modules", ".venv"];
    if path.is_file() {
        files.push(path.to_owned());
    } else if !FOREIGN.iter().any(|name| path.ends_with(name)) {
        let entries = std::fs::read_dir(path).into_iter().flatten();
        entries.for_each(|entry| collect(&entry.unwrap().path(), files));
    }
}

fn has_section(name: &str, number: &str) -> bool {
    let text =
        std::fs::read_to_string(root().join(format!("static/docs/{name}.md"))).unwrap_or_default();
    let sections = Document::read(&text).sections;
    let first = |section: &Section| {
        section
            .text
            .split(' ')
            .next()
            .unwrap_or_default()
            .trim_end_matches('.')
            .to_owned()
    };
    !number.is_empty() && sections.iter().any(|section| first(section) == number)
}
