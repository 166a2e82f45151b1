//! Text that people write: normalised (NFC), trimmed, without control or bidi-override characters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use unicode_normalization::UnicodeNormalization as _;

use self::cleaning::clean;

mod cleaning;

/// The longest name of a person or a room, in characters.
pub const MAX_NAME_CHARS: usize = 64;
/// The longest chat message, in characters.
pub const MAX_CHAT_CHARS: usize = 4_000;
/// The shortest password that can be set, in characters (NIST SP 800-63B §3.1.1.2 asks for 8 or more).
pub const MIN_PASSWORD_CHARS: usize = 8;
/// The longest password that is read, in bytes: more would only keep the hash busy.
pub const MAX_PASSWORD_BYTES: usize = 1_024;

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing is left after trimming.
    #[error("must not be empty")]
    Empty,
    /// Longer than the field takes.
    #[error("must be at most {0} characters long")]
    TooLong(usize),
    /// A user name that could not be typed back or told apart.
    #[error(
        "must be 2 to 64 letters, digits, '.', '_', '-' or '@', beginning with a letter or digit"
    )]
    Username,
}

fn sized(text: String, max_chars: usize) -> Result<String, InvalidText> {
    if text.is_empty() {
        return Err(InvalidText::Empty);
    }
    if text.chars().count() > max_chars {
        return Err(InvalidText::TooLong(max_chars));
    }
    Ok(text)
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident($max:expr) = $parse:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, TS)]
        #[serde(try_from = "String")]
        #[ts(type = "string")]
        pub struct $name(#[schemars(length(min = 1, max = $max))] String);

        impl $name {
            /// Cleans `raw` and refuses what is then empty, too long or otherwise not of this kind.
            pub fn parse(raw: &str) -> Result<Self, InvalidText> {
                let parse: fn(&str) -> Result<String, InvalidText> = $parse;
                parse(raw).map(Self)
            }

            /// As much of `raw` as fits; none when nothing of it does.
            pub fn cut(raw: &str) -> Option<Self> {
                let fitting: String = clean(raw, true).chars().take($max).collect();
                Self::parse(&fitting).ok()
            }

            /// The cleaned text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidText;
            fn try_from(raw: String) -> Result<Self, InvalidText> {
                Self::parse(&raw)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

texts! {
    /// What a person is called in a meeting.
    DisplayName(MAX_NAME_CHARS) = |raw| sized(clean(raw, false), MAX_NAME_CHARS);
    /// What a room is called.
    RoomName(MAX_NAME_CHARS) = |raw| sized(clean(raw, false), MAX_NAME_CHARS);
    /// What an account logs in with.
    Username(MAX_NAME_CHARS) = username;
    /// A chat message; line breaks stay.
    ChatText(MAX_CHAT_CHARS) = |raw| sized(clean(raw, true), MAX_CHAT_CHARS);
}

fn username(raw: &str) -> Result<String, InvalidText> {
    let name = clean(raw, false);
    let mark = |c: char| matches!(c, '.' | '_' | '-' | '@');
    let length = name.chars().count();
    let fits = (2..=MAX_NAME_CHARS).contains(&length)
        && name.starts_with(char::is_alphanumeric)
        && name.chars().all(|c| c.is_alphanumeric() || mark(c));
    if fits {
        Ok(name)
    } else {
        Err(InvalidText::Username)
    }
}

impl Username {
    /// The user name for one of an older system: itself when it fits; else what of it fits and a mark made from all of
    /// it, so that the same old name always gives the same new one.
    pub fn adopted(raw: &str) -> Self {
        /// Leaves room for the mark.
        const STEM_CHARS: usize = 48;
        if let Ok(name) = Self::parse(raw) {
            return name;
        }
        let raw = clean(raw, false);
        let stem: String = raw
            .chars()
            .filter(|c| c.is_alphanumeric())
            .take(STEM_CHARS)
            .collect();
        // An accent may have lost its letter.
        let stem = clean(&stem, false);
        let stem = if stem.is_empty() { "user" } else { &stem };
        Self(format!("{stem}-{:08x}", fnv1a(raw.as_bytes())))
    }
}

/// A short mark of some bytes (FNV-1a, 32 bits). Not for secrets.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// A password, as it came in but for the composition of its letters (NFC). Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, JsonSchema, TS)]
#[ts(type = "string")]
pub struct Password(#[schemars(length(max = MAX_PASSWORD_BYTES))] String);

impl Password {
    /// Takes `raw` in Unicode's form NFC, as keyboards of different systems compose letters differently (RFC 8265
    /// §4.2.2); else as it is, blanks and all.
    pub fn new(raw: String) -> Self {
        // A password that is refused for its length is not normalised.
        match raw.len() > MAX_PASSWORD_BYTES {
            true => Self(raw),
            false => Self(raw.nfc().collect()),
        }
    }

    /// The secret itself: for hashing and comparing only.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is too long to be hashed at all.
    pub fn is_too_long(&self) -> bool {
        self.0.len() > MAX_PASSWORD_BYTES
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::cleaning::{MAX_BLANKS, MAX_MARKS};
    use super::*;

    #[test]
    fn a_password_is_the_same_however_its_letters_are_composed() {
        let typed = |raw: &str| Password::new(raw.to_owned());
        assert!(typed(" pa\u{308}ss ") == typed(" p\u{e4}ss "));
        assert!(typed(" p\u{e4}ss ") != typed("p\u{e4}ss"));
        let read: Password = serde_json::from_str("\"pa\u{308}ss\"").unwrap();
        assert_eq!(read.reveal(), "p\u{e4}ss");
        assert!(typed(&"a\u{308}".repeat(MAX_PASSWORD_BYTES)).is_too_long());
    }

    #[test]
    fn names_are_normalised_trimmed_and_freed_of_deception() {
        let name = DisplayName::parse("  e\u{301}\u{202e}lan\u{0}\u{7}  ").unwrap();
        assert_eq!(name.as_str(), "élan");
        let split = DisplayName::parse("e\u{202e}\u{301}").unwrap();
        assert_eq!(split.as_str(), "é", "normalised after the rest is gone");
        assert_eq!(
            DisplayName::parse("\u{200b}\u{200d}"),
            Err(InvalidText::Empty)
        );
    }

    #[test]
    fn names_that_say_nothing_or_too_much_are_refused() {
        assert_eq!(RoomName::parse(" \u{202e}\t"), Err(InvalidText::Empty));
        for blank in [
            "\u{3164}",
            "\u{2800} \u{fe0f}",
            "\u{e0061}\u{200d}",
            "\u{115f}",
        ] {
            assert_eq!(
                DisplayName::parse(blank),
                Err(InvalidText::Empty),
                "{blank:?}"
            );
        }
        let heart = DisplayName::parse("\u{2764}\u{fe0f}").unwrap();
        assert_eq!(
            heart.as_str(),
            "\u{2764}\u{fe0f}",
            "what shows keeps all of itself"
        );
        assert_eq!(
            RoomName::parse(&"会".repeat(65)),
            Err(InvalidText::TooLong(64))
        );
        assert!(RoomName::parse(&"会".repeat(64)).is_ok());
    }

    #[test]
    fn a_letter_carries_a_few_marks_and_no_tower() {
        let tower = format!(
            "A{}da{}",
            "\u{0316}".repeat(60),
            "\u{0489}\u{20dd}\u{035c}".repeat(20)
        );
        let name = DisplayName::parse(&tower).unwrap();
        assert_eq!(name.as_str().chars().count(), 3 + 2 * MAX_MARKS, "{name}");
        for plain in [
            "Nguyễn Thị Ánh",
            "שָׁלוֹם",
            "བསྒྲུབས",
            "क्षत्रिय",
            "สวัสดี",
            "مُحَمَّد",
            "Ж\u{0301}",
        ] {
            let composed: String = plain.nfc().collect();
            assert_eq!(DisplayName::parse(plain).unwrap().as_str(), composed);
        }
        let stray = DisplayName::parse("\u{0301}\u{0302} \u{0303}Ada \u{0304}").unwrap();
        assert_eq!(stray.as_str(), "Ada", "a mark needs a letter");
        for marks in ["\u{0301}", " \u{20dd} \u{0489}", "\u{fe0f}\u{0301}"] {
            assert_eq!(DisplayName::parse(marks), Err(InvalidText::Empty));
            assert_eq!(RoomName::parse(marks), Err(InvalidText::Empty));
        }
    }

    #[test]
    fn what_shows_nothing_makes_no_two_names_of_one() {
        for hidden in [
            "A\u{200d}da",
            "Ada\u{200c}\u{200d}",
            "Ad\u{e0061}\u{e0062}a",
            "\u{200d}Ada",
            "\u{e0001}Ada\u{e007f}",
        ] {
            assert_eq!(
                DisplayName::parse(hidden).unwrap().as_str(),
                "Ada",
                "{hidden:?}"
            );
        }
        let padded = format!("Ada{}", "\u{3164}\u{034f}\u{fe0f}".repeat(20));
        assert!(
            DisplayName::parse(&padded)
                .unwrap()
                .as_str()
                .chars()
                .count()
                <= 3 + MAX_BLANKS
        );
        for whole in ["👩‍👩‍👧‍👦", "❤️‍🔥", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "👩🏽‍🚀", "می‌خواهم", "ක්‍රි"]
        {
            assert_eq!(DisplayName::parse(whole).unwrap().as_str(), whole);
        }
    }

    #[test]
    fn user_names_can_be_typed_back() {
        for good in ["root", "李明", "ada.l@example", "a1"] {
            assert!(Username::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "-ada", "a b", "guest:1", "<b>", &"x".repeat(65)] {
            assert_eq!(Username::parse(bad), Err(InvalidText::Username), "{bad}");
        }
    }

    #[test]
    fn an_old_user_name_that_does_not_fit_always_gives_the_same_new_one() {
        assert_eq!(Username::adopted("root").as_str(), "root");
        let long = "x".repeat(100);
        // The last one begins with an accent once its plus sign is gone.
        let odd = ["小明 🎉", "a", "🎉", "", "a b", &long, "+\u{369}"];
        let adopted = odd.map(Username::adopted);
        assert!(adopted[0].as_str().starts_with("小明-"), "{}", adopted[0]);
        for (number, name) in adopted.iter().enumerate() {
            assert_eq!(Username::parse(name.as_str()).as_ref(), Ok(name));
            assert_eq!(&Username::adopted(odd[number]), name);
            assert!(!adopted[..number].contains(name), "{name}");
        }
        assert_eq!(RoomName::cut(&long).unwrap().as_str().len(), MAX_NAME_CHARS);
        assert_eq!(RoomName::cut(" "), None);
    }

    #[test]
    fn chat_keeps_its_lines() {
        assert_eq!(
            ChatText::parse("one\ntwo\r\n").unwrap().as_str(),
            "one\ntwo"
        );
    }
}
