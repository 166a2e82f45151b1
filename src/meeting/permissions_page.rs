//! The table of permissions as a page for people, generated so that it cannot say anything else than what holds.
//!
//! It is checked in as `static/protocol/permissions.html`, served with the page, and held current by a test.

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

const SENDING: &str = r#"      <h2>What sending takes</h2>
      <p>
        A voice can come out of the sound of a shared screen as well, so that it takes the right to unmute too. Whoever
        loses what a source takes is stopped sending it. A microphone that runs memberships on until it is muted.
      </p>
      <ul>
"#;

const RULES: &str = r#"      <h2>On whom</h2>
      <ul>
        <li>Nobody mutes, renames, removes or changes the role of somebody of their own rank or a higher one.</li>
        <li>The owner of a room is always a host. Nobody else can touch them.</li>
        <li>
          A full room keeps everyone out but its owner, who always gets in: it holds one person more then, and nobody else
          comes in before two have left.
        </li>
        <li>Whoever makes somebody else a host becomes a co-host, unless they are the owner.</li>
        <li>
          Nobody can unmute another. Who is asked to may unmute their microphone once, whatever the room lets members do.
        </li>
        <li>
          A room may take people with an account only (<code>guests</code> is false). Whoever may pass the waiting room comes
          in as a guest as well; an invite link that gives no such role opens no room to guests. Guests who are in membership
          when it is switched.
        </li>
        <li>
          A meeting is over when a host or the operator ends it, when it ends on time, when its room is deleted, or half
          an hour after the last one left. Until then roles membership as they were given, whoever is banned memberships out, and
          whoever was turned away at the door memberships turned away, also while nobody is in.
        </li>
        <li>
          Whoever was turned away at the door is listed beside those who are banned, until the meeting ends. Who may ban
          can let them knock again. Of more than 1000 who were turned away the earliest may knock again anyhow.
        </li>
        <li>
          When the last host leaves, the co-host who has been in the longest becomes host, or else the member who has,
          of those with an account. The owner's return gives them back what they were.
        </li>
        <li>
          Whoever is removed with a ban memberships out until the meeting ends, or for good. A guest gets a new name easily:
          until the meeting ends, guests who come from the same address wait until they are let in.
        </li>
        <li>
          Where media goes from browser to browser, <code>permissions.files</code> refuses the offers by which files are
          sent, those of connections named <code>file:…</code>, but cannot keep two altered clients from sending one over
          the connection of their media.
        </li>
      </ul>
    </main>
  </body>
</html>
"#;

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
    text.push_str(SENDING);
    for source in Source::ALL {
        let (name, needed) = (name(&source), needed(source));
        line(
            &mut text,
            format_args!("<li><code>{name}</code>: {needed}</li>"),
        );
    }
    text.push_str("      </ul>\n");
    text.push_str(RULES);
    text
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

/// What one must be allowed to send from `source`.
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
