//! Ids of imweb: how they are compared, and when two equal ids may belong to two people.

use std::collections::HashMap;

use super::plan::Skip;
use crate::protocol::text::{DisplayName, MAX_NAME_CHARS};

/// An id in the form for comparison.
pub(super) type Key = String;

/// Why a row is left out, for programs and in words.
pub(super) type Refusal = (Skip, String);

/// An id in the form for comparison, and as it is written.
pub(super) fn id(raw: &Option<String>, whose: &str) -> Result<(Key, String), Refusal> {
    let refused = |what: &str| (Skip::BadId, format!("the {whose}'s id {what}"));
    let text = raw.as_deref().unwrap_or_default().trim();
    if text.is_empty() {
        return Err(refused("is empty"));
    }
    let key = text.to_lowercase();
    // Lower case can be longer: 'İ' becomes two characters.
    if text.chars().count().max(key.chars().count()) > MAX_NAME_CHARS {
        return Err(refused("is too long"));
    }
    if text.chars().any(char::is_control) {
        return Err(refused("cannot be read"));
    }
    Ok((key, text.to_owned()))
}

/// The first spelling of each id in a table, and whether there is another one.
pub(super) type Spellings = HashMap<Key, (String, bool)>;

/// The spellings of the ids of one table.
pub(super) fn spellings<'a>(ids: impl Iterator<Item = &'a Option<String>>) -> Spellings {
    let mut spellings = Spellings::new();
    for raw in ids {
        if let Ok((key, _)) = id(raw, "person") {
            let spelled = spelled(raw);
            let (first, is_ambiguous) = spellings
                .entry(key)
                .or_insert_with(|| (spelled.to_owned(), false));
            *is_ambiguous |= first != spelled;
        }
    }
    spellings
}

/// An id as it is written. Its MySQL ignores trailing blanks.
fn spelled(raw: &Option<String>) -> &str {
    raw.as_deref().unwrap_or_default().trim_end_matches(' ')
}

/// Refuses an id that is spelled otherwise than the first one, because it may belong to another person.
pub(super) fn is_spelled_so(raw: &Option<String>, spellings: &Spellings) -> Result<(), Refusal> {
    let (key, _) = id(raw, "person")?;
    match spellings.get(&key) {
        Some((first, true)) if first != spelled(raw) => {
            let detail = format!(
                "{} and {} may be two people",
                legible(raw),
                legible(&Some(first.clone()))
            );
            Err((Skip::SpelledOtherwise, detail))
        }
        _ => Ok(()),
    }
}

/// A foreign text, reduced to what can be printed anywhere.
pub(super) fn legible(raw: &Option<String>) -> String {
    let shown = DisplayName::cut(raw.as_deref().unwrap_or_default());
    shown.map_or_else(String::new, |shown| shown.to_string())
}
