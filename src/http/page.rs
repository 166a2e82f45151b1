//! The page: files that are part of the binary, served with a tag of their content.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use super::{HttpState, docs};
use crate::config::BasePath;

/// Release builds carry the files; debug builds read them anew for each request.
#[derive(RustEmbed)]
#[folder = "static"]
pub(super) struct Files;

const INDEX: &str = "index.html";
/// Files have no version in their names, so that a browser asks each time; the tag makes that cheap.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");
/// Below this, the headers weigh more than what compression saves.
const MIN_GZIP_BYTES: usize = 1_024;

/// The SHA-256 of a file's content.
type ContentHash = [u8; 32];

/// The page's files as they are served below a path. Clones share what was compressed.
#[derive(Debug, Clone)]
pub struct Page(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    prefix: BasePath,
    /// What was compressed, and the hash of what it was made from. At most one entry per file.
    gzipped: Mutex<HashMap<String, Compressed>>,
}

/// What a content became, once it was asked for, and the hash of that content.
type Compressed = (ContentHash, Arc<OnceCell<Bytes>>);

/// A file's content with its hash.
struct Content {
    bytes: Bytes,
    hash: ContentHash,
}

impl Page {
    /// The page below `prefix`.
    pub fn new(prefix: BasePath) -> Self {
        Self(Arc::new(Shared {
            prefix,
            gzipped: Mutex::default(),
        }))
    }

    /// The path below which the page is.
    pub fn prefix(&self) -> &BasePath {
        &self.0.prefix
    }

    pub(super) async fn answer(
        &self,
        path: &str,
        status: StatusCode,
        asked: &HeaderMap,
    ) -> Response {
        let Some(content) = self.find(path) else {
            return (StatusCode::NOT_FOUND, "There is nothing at this address.\n").into_response();
        };
        let tag = tag(&content.hash);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, REVALIDATE);
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(ETAG, tag);
        }
        if status == StatusCode::OK && is_known(asked, &tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        let kind = content_type(path);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if is_text(kind) && content.bytes.len() >= MIN_GZIP_BYTES && takes_gzip(asked) {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            *response.body_mut() = Body::from(self.gzipped(path, content).await);
        } else {
            *response.body_mut() = Body::from(content.bytes);
        }
        response
    }

    /// Only plain names are looked up: a debug build would follow `..` on the disk.
    fn find(&self, path: &str) -> Option<Content> {
        let plain = path
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.') && !part.contains('\\'));
        if let Some(html) = docs::html(path) {
            let bytes = Bytes::from(moved(&html, &self.0.prefix));
            let hash = Sha256::digest(&bytes).into();
            return Some(Content { bytes, hash });
        }
        let file = if plain {
            Files::get(path)?
        } else {
            return None;
        };
        if !self.0.prefix.is_root() && path.ends_with(".html") {
            let text = String::from_utf8_lossy(&file.data);
            let bytes = Bytes::from(moved(&text, &self.0.prefix));
            let hash = Sha256::digest(&bytes).into();
            return Some(Content { bytes, hash });
        }
        Some(Content {
            hash: file.metadata.sha256_hash(),
            bytes: match file.data {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => Bytes::from(bytes),
            },
        })
    }

    /// The content compressed, once per content however many ask, and by a thread that may take its time.
    async fn gzipped(&self, path: &str, content: Content) -> Bytes {
        let cell = {
            let gzipped = self.0.gzipped.lock();
            let mut gzipped = gzipped.unwrap_or_else(PoisonError::into_inner);
            let entry = gzipped.entry(path.to_owned());
            let (hash, cell) = entry.or_insert_with(|| (content.hash, Arc::default()));
            if *hash != content.hash {
                (*hash, *cell) = (content.hash, Arc::default());
            }
            Arc::clone(cell)
        };
        let bytes = content.bytes;
        let compressing = || async {
            let compressing = tokio::task::spawn_blocking(move || gzip(&bytes));
            compressing.await.expect("compressing does not panic")
        };
        cell.get_or_init(compressing).await.clone()
    }
}

/// The page's own addresses in `html`, which begin at the root, below `prefix`.
fn moved(html: &str, prefix: &BasePath) -> String {
    ["href", "src"]
        .into_iter()
        .fold(html.to_owned(), |html, name| {
            html.replace(&format!("{name}=\"/"), &format!("{name}=\"{prefix}"))
        })
}

/// The page itself, for the start and for every room's link.
pub async fn index(State(state): State<HttpState>, headers: HeaderMap) -> Response {
    state.page.answer(INDEX, StatusCode::OK, &headers).await
}

/// One of the page's files. Where there is nothing, people get the page, which says so, and programs a sentence.
pub async fn file(
    State(state): State<HttpState>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let page = state.page;
    // Names are compared as they stand: no decoding, so no way around the list of embedded files.
    let path = uri.path().trim_start_matches('/');
    let is_reading = method == Method::GET || method == Method::HEAD;
    if !is_reading && page.find(path).is_some() {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")]).into_response();
    }
    if is_reading && takes_pages(&headers) && page.find(path).is_none() {
        return page.answer(INDEX, StatusCode::NOT_FOUND, &headers).await;
    }
    page.answer(path, StatusCode::OK, &headers).await
}

/// Whether it is a person's browser that goes to an address: scripts, styles and pictures are not asked for as HTML.
fn takes_pages(asked: &HeaderMap) -> bool {
    asked
        .get_all(ACCEPT)
        .iter()
        .flat_map(|line| line.to_str().unwrap_or_default().split(','))
        .filter_map(|entry| entry.split(';').next())
        .any(|kind| kind.trim().eq_ignore_ascii_case("text/html"))
}

/// The tag of a content, weak (RFC 9110 §8.8.1) as it is the same for both encodings.
fn tag(hash: &ContentHash) -> String {
    let hex: String = hash[..12]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("W/\"{hex}\"")
}

/// Whether If-None-Match (RFC 9110 §13.1.2) names the tag.
fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    let opaque = |raw: &str| raw.trim().trim_start_matches("W/").to_owned();
    asked
        .get_all(IF_NONE_MATCH)
        .iter()
        .flat_map(|line| line.to_str().unwrap_or_default().split(','))
        .any(|known| known.trim() == "*" || opaque(known) == opaque(tag))
}

/// Whether Accept-Encoding (RFC 9110 §12.5.3) takes gzip.
fn takes_gzip(asked: &HeaderMap) -> bool {
    asked
        .get_all(ACCEPT_ENCODING)
        .iter()
        .flat_map(|line| line.to_str().unwrap_or_default().split(','))
        .any(|entry| {
            let mut parts = entry.split(';').map(str::trim);
            let names_gzip = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
            let refused = parts
                .filter_map(|part| part.strip_prefix("q="))
                .any(|weight| weight.parse() == Ok(0.0));
            names_gzip && !refused
        })
}

fn gzip(data: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(data)
        .and_then(|()| encoder.finish())
        .map(Bytes::from)
        .expect("writing into memory does not fail")
}

/// The media type by the end of the name. Scripts would not run under a wrong one, as `nosniff` is set.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, end)| end) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "ts" => "application/typescript; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "woff2" => "font/woff2",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        _ => "application/octet-stream",
    }
}

fn is_text(kind: &str) -> bool {
    let other = [
        "image/svg+xml",
        "application/json",
        "application/manifest+json",
        "application/wasm",
    ];
    kind.starts_with("text/") || kind.starts_with("application/typescript") || other.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_file_has_its_media_type() {
        let table = [
            ("index.html", "text/html; charset=utf-8"),
            ("js/client/index.js", "text/javascript; charset=utf-8"),
            (
                "js/client/index.d.ts",
                "application/typescript; charset=utf-8",
            ),
            ("css/a.b.css", "text/css; charset=utf-8"),
            ("icons.svg", "image/svg+xml"),
            ("docs/schema.json", "application/json"),
            ("font.woff2", "font/woff2"),
            ("README", "application/octet-stream"),
        ];
        for (path, expected) in table {
            assert_eq!(content_type(path), expected, "{path}");
        }
    }

    #[test]
    fn gzip_is_used_where_it_is_taken() {
        let table = [
            ("gzip, deflate, br", true),
            ("GZIP;q=0.5", true),
            ("br", false),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false),
            ("", false),
        ];
        for (line, expected) in table {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, line.parse().unwrap())]);
            assert_eq!(takes_gzip(&headers), expected, "{line}");
        }
    }

    #[test]
    fn a_tag_is_known_in_any_place_and_strength() {
        let table = [
            ("W/\"ab\"", true),
            ("\"ab\"", true),
            ("\"x\", W/\"ab\"", true),
            ("*", true),
            ("\"abc\"", false),
        ];
        for (line, expected) in table {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, line.parse().unwrap())]);
            assert_eq!(is_known(&headers, "W/\"ab\""), expected, "{line}");
        }
    }

    #[test]
    fn no_name_leads_out_of_the_page() {
        let page = Page::new(BasePath::default());
        for path in [
            "../Cargo.toml",
            "js/../../Cargo.toml",
            "/etc/passwd",
            ".git/config",
            "",
            "js//a",
            "..\\a",
        ] {
            assert!(page.find(path).is_none(), "{path}");
        }
        assert!(page.find(INDEX).is_some());
    }

    #[test]
    fn below_a_path_no_address_of_the_page_begins_at_the_root() {
        let page = Page::new(BasePath::parse("/meet/").unwrap());
        for name in Files::iter().filter(|name| name.ends_with(".html")) {
            let content = page.find(&name).unwrap();
            let html = String::from_utf8(content.bytes.to_vec()).unwrap();
            assert!(html.contains("=\"/meet/"), "{name}");
            for part in html.split("=\"/").skip(1) {
                assert!(part.starts_with("meet/"), "{name}: {}", &part[..20]);
            }
        }
    }

    #[tokio::test]
    async fn a_file_is_compressed_once_however_many_ask() {
        let page = Page::new(BasePath::default());
        let asked = HeaderMap::from_iter([(ACCEPT_ENCODING, "gzip".parse().unwrap())]);
        let answers = (0..20).map(|_| page.answer(INDEX, StatusCode::OK, &asked));
        let answers = futures_util::future::join_all(answers).await;
        let zipped = |response: &Response| response.headers().get(CONTENT_ENCODING).cloned();
        assert!(answers.iter().all(|answer| zipped(answer).is_some()));
        assert_eq!(page.0.gzipped.lock().unwrap().len(), 1);
    }
}
