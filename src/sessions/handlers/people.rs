//! People as they travel.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::protocol::ids::UserId;
use crate::protocol::object::{User, UserKind};
use crate::protocol::text::DisplayName;
use crate::store::StoredUser;

/// An account.
pub fn account(stored: &StoredUser) -> User {
    User {
        id: stored.id.clone(),
        username: Some(stored.username.clone()),
        display_name: stored.display_name.clone(),
        avatar_url: avatar_url(&stored.id, &stored.display_name),
        kind: UserKind::Account,
    }
}

/// A guest.
pub fn guest(id: UserId, display_name: DisplayName) -> User {
    let avatar_url = avatar_url(&id, &display_name);
    User {
        id,
        username: None,
        display_name,
        avatar_url,
        kind: UserKind::Guest,
    }
}

/// Where this server draws a user's picture: the id gives the colour, the name its initials.
fn avatar_url(id: &UserId, name: &DisplayName) -> String {
    let initials: String = initials(name.as_str()).bytes().map(escaped).collect();
    format!("/avatars/{id}.svg?n={initials}")
}

/// The first letters of the first and the last word; of a name in Chinese characters its last two, the given name. A
/// letter is what people see as one: an extended grapheme cluster (UAX #29), such as a flag or a letter with its marks.
fn initials(name: &str) -> String {
    let is_han = |c: char| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{323af}');
    let begin = |word: &str| word.graphemes(true).take(1).collect::<String>();
    let mut words = name.split_whitespace();
    let first = words.next().unwrap_or_default();
    match words.next_back() {
        Some(last) => (begin(first) + &begin(last)).to_uppercase(),
        None if first.graphemes(true).all(|one| one.starts_with(is_han)) => {
            let skipped = first.graphemes(true).count().saturating_sub(2);
            first.graphemes(true).skip(skipped).collect()
        }
        None => begin(first).to_uppercase(),
    }
}

/// Percent-encoding of everything but unreserved characters (RFC 3986 §2.3).
fn escaped(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_what_people_would_write() {
        for (name, expected) in [
            ("Ada Lovelace", "AL"),
            ("ada", "A"),
            ("陈博", "陈博"),
            ("欧阳明月", "明月"),
            ("a b c", "AC"),
            ("é", "É"),
            ("🇩🇪🇫🇷", "🇩🇪"),
            ("🇩🇪🇫🇷 team", "🇩🇪T"),
            ("👨‍👩‍👧‍👦 Bo", "👨‍👩‍👧‍👦B"),
            ("👍🏽👎🏽", "👍🏽"),
            ("n̈ona x̂i", "N̈X̂"),
            ("नियति", "नि"),
            // The second shape of one character (Unicode's ideographic variation sequences).
            ("葛\u{e0100}城", "葛\u{e0100}城"),
        ] {
            assert_eq!(initials(name), expected, "{name}");
        }
    }

    #[test]
    fn a_name_cannot_leave_the_query() {
        let id = UserId::try_from("u1".to_owned()).unwrap();
        let url = avatar_url(&id, &DisplayName::parse("& <").unwrap());
        assert_eq!(url, "/avatars/u1.svg?n=%26%3C");
    }
}
