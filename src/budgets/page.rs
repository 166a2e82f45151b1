//! The table of budgets as a page for people.
//!
//! It is checked in as `static/protocol/budgets.html`, served with the page, and held current by a test. What is stored
//! stands in `static/docs/operating.md` as well.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Budget, Per, Unit, all};

const HEAD: &str = r#"<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>What one client may use</title>
    <link rel="icon" href="/icons/favicon.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="/protocol/permissions.css" />
  </head>
  <body>
    <main>
      <h1>What one client may use</h1>
      <p>
        Every client shares this server with others. Each row bounds what one of them can make it do. The page was
        generated from the table that the server uses.
      </p>
      <table>
        <thead>
          <tr><th>Budget</th><th>Counted for</th><th>At most</th><th>Then</th><th>Reason</th></tr>
        </thead>
        <tbody>
"#;

const FOOT: &str = "        </tbody>\n      </table>\n    </main>\n  </body>\n</html>\n";

/// The page.
pub fn html() -> String {
    let mut text = String::from(HEAD);
    for budget in all() {
        let _ = writeln!(
            text,
            "          <tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            budget.name,
            whose(budget.per),
            amount(budget),
            escaped(budget.then),
            escaped(budget.reason),
        );
    }
    text.push_str(FOOT);
    text
}

/// The bounds of what is stored as a table in Markdown, for the documentation.
pub fn stored_markdown() -> String {
    let mut text = String::from("| what | counted for | at most | then |\n|---|---|---|---|\n");
    for budget in super::store::ALL {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            budget.name,
            whose(budget.per),
            amount(budget),
            budget.then,
        );
    }
    text
}

fn whose(per: Per) -> &'static str {
    match per {
        Per::Session => "a session",
        Per::Address => "an address (IPv6: a /64)",
        Per::Account => "an account",
        Per::Room => "a room",
        Per::Link => "an invite link",
        Per::Participant => "a participant",
        Per::Pair => "a sender and a receiver",
        Per::Connection => "a connection",
        Per::Thread => "a media thread",
        Per::Server => "the server",
    }
}

fn amount(budget: &Budget) -> String {
    let most = match budget.unit {
        Unit::Count => grouped(budget.most),
        Unit::Bytes => bytes(budget.most),
        Unit::CpuMs => format!("{} ms of processor time", grouped(budget.most)),
        Unit::Percent => format!("{} %", budget.most),
    };
    match budget.every {
        None => most,
        Some(every) => format!("{most} in {}", time(every)),
    }
}

fn bytes(count: u64) -> String {
    const KIB: u64 = 1024;
    const MIB: u64 = KIB * KIB;
    match count {
        _ if count >= MIB && count.is_multiple_of(MIB) => format!("{} MiB", grouped(count / MIB)),
        _ if count >= KIB && count.is_multiple_of(KIB) => format!("{} KiB", grouped(count / KIB)),
        _ => format!("{} bytes", grouped(count)),
    }
}

fn time(span: Duration) -> String {
    let ms = span.as_millis();
    match ms {
        _ if ms.is_multiple_of(3_600_000) => plural(ms / 3_600_000, "hour"),
        _ if ms.is_multiple_of(60_000) => plural(ms / 60_000, "minute"),
        _ if ms.is_multiple_of(1_000) => format!("{} s", ms / 1_000),
        _ => format!("{ms} ms"),
    }
}

fn plural(count: u128, word: &str) -> String {
    if count == 1 {
        format!("1 {word}")
    } else {
        format!("{count} {word}s")
    }
}

/// 5000000 as 5,000,000.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
