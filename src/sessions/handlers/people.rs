//! People as they travel.

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

/// The first letters of the first and the last word; of a name in Chinese characters its last two, the given name.
fn initials(name: &str) -> String {
    let is_han = |c: char| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{323af}');
    let mut words = name.split_whitespace();
    let first = words.next().unwrap_or_default();
    match words.next_back() {
        Some(last) => first
            .chars()
            .take(1)
            .chain(last.chars().take(1))
            .flat_map(char::to_uppercase)
            .collect(),
        None if first.chars().all(is_han) => {
            let skipped = first.chars().count().saturating_sub(2);
            first.chars().skip(skipped).collect()
        }
        None => first.chars().take(1).flat_map(char::to_uppercase).collect(),
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
