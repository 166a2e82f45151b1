//! Avatars: the initials of a person on a colour of their own. They are drawn here, so that no outside service learns
//! who meets.

use axum::extract::{Extension, Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use unicode_segmentation::UnicodeSegmentation as _;

use super::HttpState;
use super::peer::RemoteAddress;
use super::plain::Plain;
use crate::protocol::ids::UserId;

/// An avatar depends only on its address. A new look of avatars reaches browsers after a day.
const CACHE: &str = "public, max-age=86400";
/// A picture needs no more. Opened by itself, it can do nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
/// As many as the longest emoji that fonts have: two people of two skin tones who kiss (UTS #51). A longer grapheme is a
/// stack of marks.
const MAX_GRAPHEME_CHARS: usize = 10;
const MAX_GRAPHEMES: usize = 2;

/// The query of an avatar's address.
#[derive(Debug, Default, Deserialize)]
pub struct AvatarQuery {
    #[serde(default)]
    n: String,
}

/// Draws `/avatars/{id}.svg?n=initials`.
pub async fn avatar(
    State(state): State<HttpState>,
    Extension(remote): Extension<RemoteAddress>,
    asked: HeaderMap,
    Path(file): Path<String>,
    Query(query): Query<AvatarQuery>,
) -> Response {
    let trusted = &state.gate.access.trusted_proxies;
    let limits = &state.plain;
    if let Err(refused) = limits.check(Plain::Avatar, remote, &asked, trusted) {
        return refused.into_response();
    }
    let id = file
        .strip_suffix(".svg")
        .and_then(|id| UserId::try_from(id.to_owned()).ok());
    let Some(id) = id else {
        return (StatusCode::NOT_FOUND, "There is no such picture.\n").into_response();
    };
    let headers = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CACHE_CONTROL, CACHE),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, draw(&id, &query.n)).into_response()
}

/// White on a deep tone of the hue, like `--av-l` and `--av-c` of the page.
fn draw(id: &UserId, raw_initials: &str) -> String {
    let hue = hue(id);
    let initials = initials(raw_initials);
    let size = if initials.graphemes(true).count() == 1 {
        48
    } else {
        38
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 100 100\" role=\"img\">\
         <rect width=\"100\" height=\"100\" fill=\"oklch(44% .078 {hue})\"/>\
         <text x=\"50\" y=\"50\" dy=\".35em\" text-anchor=\"middle\" fill=\"#fff\" font-size=\"{size}\" \
         font-weight=\"600\" font-family=\"-apple-system, Segoe UI, PingFang SC, Microsoft YaHei, Noto Sans CJK SC, \
         sans-serif\">{}</text></svg>",
        escape(&initials)
    )
}

/// The hue of a person in degrees, the same as in the page (`hue` in `static/js/state/text.js`). Steps of 25 keep
/// similar ids apart.
fn hue(id: &UserId) -> u32 {
    let sum = id
        .as_str()
        .bytes()
        .fold(0u32, |sum, byte| (sum * 31 + u32::from(byte)) % 9_973);
    15 + (sum % 14) * 25
}

/// At most two graphemes of the raw text, without characters that cannot be drawn or are no XML.
fn initials(raw: &str) -> String {
    let drawable =
        |c: &char| !c.is_control() && !c.is_whitespace() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    let text: String = raw.chars().filter(drawable).collect();
    let picked: String = text
        .graphemes(true)
        .filter(|grapheme| grapheme.chars().count() <= MAX_GRAPHEME_CHARS)
        .take(MAX_GRAPHEMES)
        .collect();
    if picked.is_empty() {
        "?".to_owned()
    } else {
        picked
    }
}

/// Text as XML content (XML 1.0 §2.4).
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_two_graphemes_of_whatever_comes() {
        let zalgo = format!("A{}", "\u{0301}".repeat(500));
        let table = [
            ("AL", "AL"),
            ("Ada Lovelace", "Ad"),
            ("陈", "陈"),
            ("e\u{301}x", "e\u{301}x"),
            ("👨‍👩‍👧‍👦🇨🇳x", "👨‍👩‍👧‍👦🇨🇳"),
            ("👩🏻‍❤️‍💋‍👨🏽🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👩🏻‍❤️‍💋‍👨🏽🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
            ("", "?"),
            (" \u{0}\u{7}\n", "?"),
            ("\u{ffff}B", "B"),
            (zalgo.as_str(), "?"),
        ];
        for (raw, expected) in table {
            assert_eq!(initials(raw), expected, "{raw:?}");
        }
    }

    #[test]
    fn one_letter_is_large_whatever_it_is_made_of() {
        let id = UserId::try_from("u1".to_owned()).unwrap();
        for (initials, size) in [("A", 48), ("🇩🇪", 48), ("N̈", 48), ("AL", 38), ("🇩🇪T", 38)]
        {
            let svg = draw(&id, initials);
            assert!(svg.contains(&format!("font-size=\"{size}\"")), "{svg}");
        }
    }

    #[test]
    fn hostile_initials_stay_text() {
        let id = UserId::try_from("u1".to_owned()).unwrap();
        for raw in ["<s", "</", "\"'", "&x", "]]>"] {
            let svg = draw(&id, raw);
            let text = svg
                .split_once("sans-serif\">")
                .unwrap()
                .1
                .strip_suffix("</text></svg>")
                .unwrap();
            assert!(!text.contains(['<', '>', '"', '\'']), "{raw}: {text}");
        }
    }

    #[test]
    fn the_hue_is_the_pages() {
        let hue_of = |raw: &str| hue(&UserId::try_from(raw.to_owned()).unwrap());
        // The page's own function gives these.
        assert_eq!(hue_of("a"), 340);
        assert_eq!(hue_of("k3v9-X_abc"), 215);
    }
}
