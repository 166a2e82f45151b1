//! Ids of imweb: how they are compared, and when two that are the same may be two people's.

use std::collections::HashMap;

use super::plan::Skip;
use crate::protocol::text::{DisplayName, MAX_NAME_CHARS};

/// An id as it is compared.
pub(super) type Key = String;

/// Why a row is left out, for programs and in words.
pub(super) type Refusal = (Skip, String);

/// An id as it is compared, and as it is written.
pub(super) fn id(raw: &Option<String>, whose: &str) -> Result<(Key, String), Refusal> {
    let refused = |what: &str| (Skip::BadId, format!("the {whose}'s id {what}"));
    let text = raw.as_deref().unwrap_or_default().trim();
    if text.is_empty() {
        return Err(refused("is empty"));
    }
    let key = text.to_lowercase();
    // Lower case can be longer than the id: 'İ' becomes two characters.
    if text.chars().count().max(key.chars().count()) > MAX_NAME_CHARS {
        return Err(refused("is too long"));
    }
    if text.chars().any(char::is_control) {
        return Err(refused("cannot be read"));
    }
    Ok((key, text.to_owned()))
}

/// How a table spells each id the first time, and whether it does so in another way too.
pub(super) type Spellings = HashMap<Key, (String, bool)>;

/// How the ids of one table are spelled, the first row's first.
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

/// An id as it stands there. Blanks after it count for nothing in its MySQL.
fn spelled(raw: &Option<String>) -> &str {
    raw.as_deref().unwrap_or_default().trim_end_matches(' ')
}

/// Refuses an id that may be somebody else's than the first of its kind.
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

/// As much of a foreign text as can be printed anywhere.
pub(super) fn legible(raw: &Option<String>) -> String {
    let shown = DisplayName::cut(raw.as_deref().unwrap_or_default());
    shown.map_or_else(String::new, |shown| shown.to_string())
}
