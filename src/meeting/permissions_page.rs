//! The table of permissions as a page for people. It is generated from the table, so it cannot differ from it.
//!
//! It is checked in as `static/protocol/permissions.html` and, for the documentation, as `static/docs/permissions.md`.
//! A test holds both current.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::permissions::{Action, Cell, Rank, Toggle, cell, sending};
use crate::protocol::object::Source;

const HEAD: &str = r#"<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>Who may do what in a meeting</title>
    <link rel="icon" href="/icons/favicon.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="/protocol/permissions.css" />
  </head>
  <body>
    <main>
      <h1>Who may do what in a meeting</h1>
      <p>
        The server decides by this table, and tells each client what it may do as <code>actions</code>. The page was
        generated from it.
      </p>
"#;

/// The text before the list of what sending needs.
const SENDING: &str = "A voice can come out of the sound of a shared screen, too. So that sound takes the right to unmute \
    as well. Somebody who loses the right to a source can no longer send it. A microphone that runs stays on until it \
    is muted.";

/// Rules that the table does not show. Names stand in backquotes.
const RULES: [&str; 11] = [
    "Nobody mutes, renames, removes or changes the role of somebody of their own rank or a higher one.",
    "The owner of a room is always a host. Nobody else can touch them.",
    "A full room keeps everyone out but its owner, who always gets in. It holds one person more then, and nobody else \
     comes in before two have left.",
    "A host who makes somebody else a host becomes a co-host, unless they are the owner.",
    "Nobody can unmute another. Somebody who is asked to unmute may do so once, even where the room does not let members \
     unmute themselves.",
    "A room may take people with an account only (`guests` is false). A guest comes in all the same when they \
     may pass the waiting room. An invite link whose role may not do that lets no guest in. Guests who are in the room \
     already stay in it when the setting changes.",
    "A meeting is over when a host or the operator ends it, when it ends on time, when its room is deleted, or half an \
     hour after the last person left. Until then, also while nobody is in, roles stay as they were given, and everybody \
     who was banned or turned away at the door stays out.",
    "People who were turned away at the door are listed beside those who are banned, until the meeting ends. Everybody \
     who may ban can let them knock again. The list holds 1000 people; beyond that the earliest may knock again.",
    "When the last host leaves, the co-host who has been in the longest becomes host, or else the member with an account \
     who has. When the owner returns, everybody gets back the role they had.",
    "Somebody who is removed with a ban stays out until the meeting ends, or for good. A guest gets a new name easily. So \
     until the meeting ends, guests who come from the same address wait until they are let in.",
    "Where media goes from browser to browser, `permissions.files` refuses the offers by which files are sent, those of \
     connections named `file:…`. It cannot keep two altered clients from sending a file over the connection of their \
     media.",
];

/// The page.
pub fn html() -> String {
    let mut text = String::from(HEAD);
    text.push_str("      <table>\n        <thead>\n          <tr>\n");
    text.push_str("            <th scope=\"col\">Action</th>\n");
    for rank in Rank::ALL {
        line(
            &mut text,
            format_args!("<th scope=\"col\">{}</th>", title(rank)),
        );
    }
    text.push_str("          </tr>\n        </thead>\n        <tbody>\n");
    let descriptions = descriptions();
    for action in Action::ALL {
        let name = name(&action);
        let meaning = &descriptions[&name];
        text.push_str("          <tr>\n");
        line(
            &mut text,
            format_args!("<th scope=\"row\">{meaning} <code>{name}</code></th>"),
        );
        for rank in Rank::ALL {
            line(
                &mut text,
                format_args!("<td>{}</td>", word(cell(rank, action))),
            );
        }
        text.push_str("          </tr>\n");
    }
    text.push_str("        </tbody>\n      </table>\n");
    let _ = write!(
        text,
        "      <h2>What sending takes</h2>\n      <p>\n        {SENDING}\n      </p>\n      <ul>\n"
    );
    for source in Source::ALL {
        let (name, needed) = (name(&source), needed(source));
        line(
            &mut text,
            format_args!("<li><code>{name}</code>: {needed}</li>"),
        );
    }
    text.push_str("      </ul>\n      <h2>On whom</h2>\n      <ul>\n");
    for rule in RULES {
        let _ = writeln!(text, "        <li>{}</li>", coded(rule));
    }
    text.push_str("      </ul>\n    </main>\n  </body>\n</html>\n");
    text
}

/// HTML of a sentence with names in backquotes.
fn coded(sentence: &str) -> String {
    let parts = sentence.split('`').enumerate();
    parts
        .map(|(index, part)| match index % 2 {
            0 => part.to_owned(),
            _ => format!("<code>{part}</code>"),
        })
        .collect()
}

/// The same as Markdown, for the documentation.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Who may do what\n\nThe server decides by this table. It tells each client what it may do as `actions`. \
         The page is generated from the table.\n\n| Action |",
    );
    for rank in Rank::ALL {
        let _ = write!(text, " {} |", title(rank));
    }
    let _ = writeln!(text, "\n|---|{}", "---|".repeat(Rank::ALL.len()));
    let descriptions = descriptions();
    for action in Action::ALL {
        let name = name(&action);
        let _ = write!(text, "| {} `{name}` |", descriptions[&name]);
        for rank in Rank::ALL {
            let _ = write!(text, " {} |", backquoted(&word(cell(rank, action))));
        }
        text.push('\n');
    }
    let _ = write!(text, "\n## What sending takes\n\n{SENDING}\n\n");
    for source in Source::ALL {
        let needed = backquoted(&needed(source));
        let _ = writeln!(text, "- `{}`: {needed}", name(&source));
    }
    text.push_str("\n## On whom\n\n");
    for rule in RULES {
        let _ = writeln!(text, "- {rule}");
    }
    text
}

fn backquoted(html: &str) -> String {
    html.replace("<code>", "`").replace("</code>", "`")
}

fn line(text: &mut String, cell: std::fmt::Arguments<'_>) {
    writeln!(text, "            {cell}").expect("a String takes all");
}

fn title(rank: Rank) -> &'static str {
    match rank {
        Rank::Waiting => "Waiting",
        Rank::Member => "Member",
        Rank::Cohost => "Co-host",
        Rank::Host => "Host",
        Rank::Owner => "Owner",
    }
}

fn word(cell: Cell) -> String {
    let toggle = match cell {
        Cell::No => return "no".to_owned(),
        Cell::Yes => return "yes".to_owned(),
        Cell::If(Toggle::Unmute) => "unmute",
        Cell::If(Toggle::Camera) => "camera",
        Cell::If(Toggle::Screen) => "screen",
        Cell::If(Toggle::Chat) => "chat",
        Cell::If(Toggle::PrivateChat) => "private_chat",
        Cell::If(Toggle::Files) => "files",
        Cell::If(Toggle::Rename) => "rename",
        Cell::If(Toggle::React) => "react",
    };
    format!("with <code>permissions.{toggle}</code>")
}

/// What sending from `source` needs.
fn needed(source: Source) -> String {
    let code = |action: &Action| format!("<code>{}</code>", name(action));
    let needed: Vec<String> = sending(source).iter().map(code).collect();
    match source {
        Source::Microphone => format!("nothing while muted, {} to be heard", code(&Action::Unmute)),
        Source::Camera | Source::Screen | Source::ScreenAudio => needed.join(" and "),
    }
}

/// An action or a source as it travels.
fn name(word: &impl serde::Serialize) -> String {
    match serde_json::to_value(word) {
        Ok(serde_json::Value::String(name)) => name,
        other => unreachable!("an action travels as a word, not as {other:?}"),
    }
}

/// What each action means, as the schema tells it to authors of clients.
fn descriptions() -> BTreeMap<String, String> {
    let schema = schemars::schema_for!(Action).to_value();
    let variants = schema["oneOf"].as_array().into_iter().flatten();
    variants
        .filter_map(|variant| {
            let (name, meaning) = (variant["const"].as_str()?, variant["description"].as_str()?);
            let meaning = meaning.trim_end_matches('.');
            Some((name.to_owned(), meaning.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::catalogue::assert_current;

    #[test]
    fn the_page_that_is_served_is_current() {
        assert_current("static/protocol/permissions.html", &html());
        assert_current("static/docs/permissions.md", &markdown());
    }

    #[test]
    fn every_action_has_a_row_with_its_meaning() {
        let page = html();
        for action in Action::ALL {
            let row = format!("<code>{}</code></th>", name(&action));
            assert_eq!(page.matches(&row).count(), 1, "{action:?}");
        }
        assert_eq!(
            page.matches("<td>").count(),
            Action::ALL.len() * Rank::ALL.len()
        );
    }
}
