//! Cleans a text that a user has written.

use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// Bidirectional controls (UAX #9 §2) and invisible characters that let one text pose as another. The joiners stay:
/// emoji and some scripts need them.
fn deceives(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{200b}' | '\u{00ad}' | '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}')
}

/// Characters that show nothing: Hangul fillers, the braille blank, variation selectors and others that are ignored
/// (Unicode 17 §5.21). Within a text they may mean something; a text of them alone is none.
fn is_blank(c: char) -> bool {
    matches!(c, '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{206a}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// The tags of which flags of regions are made (UTS #51 §3.6); anywhere else they are text that nobody sees.
fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// What most marks one letter carries in writing of today: Hebrew with points and accents, Tibetan stacks.
pub(super) const MAX_MARKS: usize = 4;
/// A variation selector and a joiner, as in emoji of several parts.
pub(super) const MAX_BLANKS: usize = 2;
/// The longest flag of a region.
const MAX_TAGS: usize = 7;

/// Whether a joiner after this character does something to it: in emoji, and where letters join (Arabic and its
/// relatives, the scripts of India and south-east Asia). Between other letters it is only a way to make two equal names
/// differ.
fn can_be_joined(c: char) -> bool {
    matches!(c, '\u{0600}'..='\u{08ff}' | '\u{0900}'..='\u{0fff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{18af}'
        | '\u{a840}'..='\u{abff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}' | '\u{10a00}'..='\u{11fff}'
        | '\u{1e900}'..='\u{1e95f}' | '\u{203c}'..='\u{3299}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}')
}

/// What may follow what is there already: marks only on a letter and only a few, and few characters that show nothing.
#[derive(Default)]
struct Following {
    last: Option<char>,
    has_base: bool,
    marks: usize,
    blanks: usize,
    tags: Option<usize>,
}

impl Following {
    fn takes(&mut self, c: char) -> bool {
        let takes = if is_plain(c) {
            self.begin(c);
            true
        } else if is_tag(c) {
            let tags = self.tags.map(|tags| tags + 1);
            self.tags = tags;
            tags.is_some_and(|tags| tags <= MAX_TAGS)
        } else if is_joiner(c) || is_blank(c) {
            let joins = !is_joiner(c) || self.last.is_some_and(can_be_joined);
            self.blanks += usize::from(joins);
            joins && self.has_base && self.blanks <= MAX_BLANKS
        } else if is_combining_mark(c) {
            self.marks += 1;
            self.has_base && self.marks <= MAX_MARKS
        } else {
            self.begin(c);
            true
        };
        if takes {
            self.last = Some(c);
        }
        takes
    }

    fn begin(&mut self, c: char) {
        *self = Self {
            has_base: !c.is_whitespace(),
            // The black flag, which tags make a region's.
            tags: (c == '\u{1f3f4}').then_some(0),
            ..Self::default()
        };
    }
}

/// What stands for itself, whatever is beside it: most letters, pictures, and the signs of a keyboard. Others may as well;
/// this is about what is written most.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{2ff}' | '\u{400}'..='\u{482}' | '\u{3041}'..='\u{3096}'
        | '\u{30a1}'..='\u{30fa}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{1f300}'..='\u{1faff}')
}

fn is_kept(c: char, keep_lines: bool) -> bool {
    !deceives(c) && (!c.is_control() || keep_lines && matches!(c, '\n' | '\t'))
}

fn shows(c: char) -> bool {
    !(c.is_whitespace() || is_joiner(c) || is_blank(c))
}

fn is_trimmed(c: char) -> bool {
    c.is_whitespace() || is_joiner(c)
}

/// Cleans text; what is left is empty when nothing of it shows.
pub(super) fn clean(raw: &str, keep_lines: bool) -> String {
    match is_clean(raw, keep_lines) {
        true => raw.to_owned(),
        false => thoroughly(raw, keep_lines),
    }
}

/// Whether cleaning would surely change nothing. What is read from the database was cleaned before: to make it anew took
/// most of the time that a page of long messages took: 35 times as much as writing it as JSON.
fn is_clean(raw: &str, keep_lines: bool) -> bool {
    let mut following = Following::default();
    let (mut is_shown, mut is_plain_text) = (false, true);
    for c in raw.chars() {
        let is_plain = is_plain(c);
        if !(is_plain || is_kept(c, keep_lines)) || !following.takes(c) {
            return false;
        }
        is_shown = is_shown || shows(c);
        is_plain_text &= is_plain;
    }
    is_shown
        && !raw.starts_with(is_trimmed)
        && !raw.ends_with(is_trimmed)
        && (is_plain_text || is_normal(raw))
}

/// Whether it is surely composed. A plain character between others only makes it easier for them: without it less is taken
/// for normal.
fn is_normal(raw: &str) -> bool {
    let others = raw.chars().filter(|c| !is_plain(*c));
    is_nfc_quick(others) == IsNormalized::Yes
}

fn thoroughly(raw: &str, keep_lines: bool) -> String {
    // Composed first: a composed letter carries no mark.
    let normal = raw.chars().filter(|c| is_kept(*c, keep_lines)).nfc();
    let mut following = Following::default();
    let taken: String = normal.filter(|c| following.takes(*c)).collect();
    // The character between a letter and its accent may be gone.
    let text: String = taken.nfc().collect();
    if !text.contains(shows) {
        return String::new();
    }
    text.trim_matches(is_trimmed).to_owned()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _};
    use unicode_normalization::char::canonical_combining_class;

    use super::*;

    #[test]
    fn what_is_plain_is_nothing_else() {
        let plain: Vec<char> = ('\0'..=char::MAX).filter(|c| is_plain(*c)).collect();
        assert!(plain.len() > 40_000, "{}", plain.len());
        for c in plain {
            let is_special = deceives(c)
                || c.is_control()
                || is_blank(c)
                || is_joiner(c)
                || is_tag(c)
                || is_combining_mark(c);
            assert!(!is_special, "{c:?}");
            assert_eq!(canonical_combining_class(c), 0, "{c:?}");
            assert_eq!(is_nfc_quick([c].into_iter()), IsNormalized::Yes, "{c:?}");
        }
    }

    #[test]
    fn what_is_taken_for_clean_stays_as_it_is() {
        let signs: Vec<char> = "aez \n\u{7}\u{ad}é会가\u{1100}\u{1161}\u{11a8}🎉🏴\u{e0067}\u{e007f}\u{200d}\u{200c}\u{fe0f}\
                               \u{3164}\u{301}\u{323}\u{308}\u{202e}ש\u{5b8}مक\u{93c}\u{2126}\u{212b}\u{2028}"
            .chars()
            .collect();
        let mut random = rand::rngs::StdRng::seed_from_u64(7);
        let (mut clean_ones, mut others) = (0, 0);
        for _ in 0..60_000 {
            let length = random.random_range(0..7);
            let raw: String = (0..length)
                .map(|_| signs[random.random_range(0..signs.len())])
                .collect();
            for keep_lines in [false, true] {
                let cleaned = thoroughly(&raw, keep_lines);
                assert_eq!(clean(&raw, keep_lines), cleaned, "{raw:?}");
                match is_clean(&raw, keep_lines) {
                    true => clean_ones += 1,
                    false => others += 1,
                }
            }
        }
        assert!(
            clean_ones > 5_000 && others > 5_000,
            "{clean_ones} {others}"
        );
        for raw in ["Hello!\n\tAda", "会议室 🎉", "schöne Grüße", "👩‍👩‍👧‍👦", "שָׁלוֹם"]
        {
            assert!(is_clean(raw, true), "{raw}");
        }
    }
}
