//! The page: files that are part of the binary, served with a tag of their content.
//!
//! Every file has its plain address, where a browser asks each time whether it has changed. The head of the page names
//! files with a hash of their content ([`assembly`]). An answer under such a name is valid for ever.

mod assembly;
mod encoding;
mod kind;
mod pack;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use self::assembly::Assembly;
use self::encoding::Encoding;
use super::headers::policy_with_scripts;
use super::notice::Notice;
use super::{HttpState, docs};
use crate::config::BasePath;
use crate::protocol::ids::MAX_ID_BYTES;

/// Release builds carry the files; debug builds read them anew for each request.
#[derive(RustEmbed)]
#[folder = "static"]
pub(super) struct Files;

const INDEX: &str = "index.html";
/// The file of a plain name can change, so browsers ask each time. The tag makes that cheap.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");
/// The file of a name with a hash never changes.
const FINAL: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Smaller files are not compressed, because the headers would cost more than that saves.
const MIN_COMPRESSED_BYTES: usize = 1_024;

/// The SHA-256 of a file's content.
type ContentHash = [u8; 32];

/// The files of the page as they are served below a path. Clones share the compressed files.
#[derive(Debug, Clone)]
pub struct Page(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    prefix: BasePath,
    /// The compressed files, each with the hash of its source. At most one entry per file.
    gzipped: Mutex<HashMap<String, Compressed>>,
    /// The page as it was last assembled.
    assembled: Mutex<Option<Arc<Assembled>>>,
}

/// A compressed file, filled at its first request, and the hash of its source.
type Compressed = (ContentHash, Arc<OnceCell<Bytes>>);

/// A file's content with its hash.
#[derive(Debug, Clone)]
struct Content {
    bytes: Bytes,
    hash: ContentHash,
}

/// The head of the page, and the files that only it names.
#[derive(Debug)]
struct Assembled {
    index: Content,
    /// The policy allows the scripts in the head by their hashes.
    policy: HeaderValue,
    made: HashMap<String, Content>,
}

/// The file at an address.
struct Found {
    /// Its path by its plain name.
    path: String,
    content: Content,
    caching: HeaderValue,
    policy: Option<HeaderValue>,
}

impl Page {
    /// The page below `prefix`.
    pub fn new(prefix: BasePath) -> Self {
        Self(Arc::new(Shared {
            prefix,
            gzipped: Mutex::default(),
            assembled: Mutex::default(),
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
        match self.find(path) {
            Some(found) => self.send(found, status, asked).await,
            None => (StatusCode::NOT_FOUND, "There is nothing at this address.\n").into_response(),
        }
    }

    /// The page with a notice in place of its start.
    pub(super) async fn notice(
        &self,
        notice: Notice,
        status: StatusCode,
        asked: &HeaderMap,
    ) -> Response {
        let Some(name) = notice.name() else {
            return self.answer(INDEX, status, asked).await;
        };
        let assembled = self.assembled_anew();
        let html = String::from_utf8_lossy(&assembled.index.bytes);
        let html = html.replacen("<html ", &format!("<html data-notice=\"{name}\" "), 1);
        let found = Found {
            policy: Some(assembled.policy.clone()),
            ..Found::of(format!("{name}.html"), Content::new(html))
        };
        self.send(found, status, asked).await
    }

    async fn send(&self, found: Found, status: StatusCode, asked: &HeaderMap) -> Response {
        let Found {
            path,
            content,
            caching,
            policy,
        } = found;
        let tag = tag(&content.hash);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, caching);
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if let Some(policy) = policy {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(ETAG, tag);
        }
        if status == StatusCode::OK && is_known(asked, &tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        let kind = kind::content_type(&path);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        let may_shrink = kind::is_text(kind) && content.bytes.len() >= MIN_COMPRESSED_BYTES;
        let encoded = match may_shrink {
            true => self.encoded(path, &content, asked).await,
            false => None,
        };
        *response.body_mut() = match encoded {
            Some((encoding, bytes)) => {
                let name = HeaderValue::from_static(encoding.name());
                response.headers_mut().insert(CONTENT_ENCODING, name);
                Body::from(bytes)
            }
            None => Body::from(content.bytes),
        };
        response
    }

    /// Only plain names are looked up: a debug build would follow `..` on the disk.
    fn find(&self, path: &str) -> Option<Found> {
        let is_plain = path
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.') && !part.contains('\\'));
        if !is_plain {
            return None;
        }
        if let Some(found) = self.stored(path) {
            return Some(found);
        }
        let (path, mark) = unmarked(path)?;
        let made = || {
            let content = self.assembled().made.get(&path)?.clone();
            Some(Found::of(path.clone(), content))
        };
        let mut found = self.stored(&path).or_else(made)?;
        // A page from before an update gets the current file, and must not cache it under the old hash.
        if assembly::mark(&found.content.hash) == mark {
            found.caching = FINAL;
        }
        Some(found)
    }

    /// A file by its plain name.
    fn stored(&self, path: &str) -> Option<Found> {
        if path == INDEX {
            let assembled = self.assembled_anew();
            return Some(Found {
                policy: Some(assembled.policy.clone()),
                ..Found::of(path.to_owned(), assembled.index.clone())
            });
        }
        if let Some(html) = docs::html(path) {
            let content = Content::new(moved(&html, &self.0.prefix));
            return Some(Found::of(path.to_owned(), content));
        }
        let file = Files::get(path)?;
        let content = match path.ends_with(".html") && !self.0.prefix.is_root() {
            true => Content::new(moved(&String::from_utf8_lossy(&file.data), &self.0.prefix)),
            false => Content {
                hash: file.metadata.sha256_hash(),
                bytes: match file.data {
                    Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                    Cow::Owned(bytes) => Bytes::from(bytes),
                },
            },
        };
        Some(Found::of(path.to_owned(), content))
    }

    /// Puts the page together for a new visitor. In a debug build the files may have changed.
    fn assembled_anew(&self) -> Arc<Assembled> {
        if cfg!(debug_assertions) {
            *self.0.last() = None;
        }
        self.assembled()
    }

    /// The page as it was last put together: the hashes in its head belong to it.
    fn assembled(&self) -> Arc<Assembled> {
        let mut last = self.0.last();
        let made = last.get_or_insert_with(|| Arc::new(Assembled::new(&self.0.prefix)));
        Arc::clone(made)
    }

    /// The content in the best accepted encoding. None if there is none.
    async fn encoded(
        &self,
        path: String,
        content: &Content,
        asked: &HeaderMap,
    ) -> Option<(Encoding, Bytes)> {
        for encoding in [Encoding::Brotli, Encoding::Gzip] {
            let ready = || encoding.ready(&content.hash);
            if let Some(bytes) = encoding.is_taken(asked).then(ready).flatten() {
                return Some((encoding, bytes));
            }
        }
        if !Encoding::Gzip.is_taken(asked) {
            return None;
        }
        Some((Encoding::Gzip, self.gzipped(path, content.clone()).await))
    }

    /// The compressed content. Each content is compressed once, by a blocking thread.
    async fn gzipped(&self, path: String, content: Content) -> Bytes {
        let cell = {
            let gzipped = self.0.gzipped.lock();
            let mut gzipped = gzipped.unwrap_or_else(PoisonError::into_inner);
            let entry = gzipped.entry(path);
            let (hash, cell) = entry.or_insert_with(|| (content.hash, Arc::default()));
            if *hash != content.hash {
                (*hash, *cell) = (content.hash, Arc::default());
            }
            Arc::clone(cell)
        };
        let bytes = content.bytes;
        let compressing = || async {
            let compressing = tokio::task::spawn_blocking(move || encoding::gzip(&bytes));
            compressing.await.expect("compressing does not panic")
        };
        cell.get_or_init(compressing).await.clone()
    }
}

impl Shared {
    fn last(&self) -> MutexGuard<'_, Option<Arc<Assembled>>> {
        self.assembled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn new(text: String) -> Self {
        let bytes = Bytes::from(text);
        let hash = Sha256::digest(&bytes).into();
        Self { bytes, hash }
    }
}

impl Found {
    /// A file with a plain name.
    fn of(path: String, content: Content) -> Self {
        Self {
            path,
            content,
            caching: REVALIDATE,
            policy: None,
        }
    }
}

impl Assembled {
    fn new(prefix: &BasePath) -> Self {
        let read =
            |path: Cow<'static, str>| Some((path.to_string(), Files::get(&path)?.data.into()));
        let files: assembly::Files = Files::iter().filter_map(read).collect();
        let Assembly { html, made } =
            Assembly::new(&files, prefix.as_str()).unwrap_or_else(|reason| {
                // Only a file that was edited after the build can cause this. The page still works, with more requests.
                tracing::warn!(reason, "the page is served file by file");
                let index = files.get(INDEX).cloned().unwrap_or_default();
                let html = moved(&String::from_utf8_lossy(&index), prefix);
                Assembly {
                    html,
                    made: BTreeMap::new(),
                }
            });
        Self {
            policy: policy_with_scripts(&html),
            index: Content::new(html),
            made: made
                .into_iter()
                .map(|(path, text)| (path, Content::new(text)))
                .collect(),
        }
    }
}

/// Splits the hash out of a path: `js/a.0123456789ab.js` gives `js/a.js` and the hash.
fn unmarked(path: &str) -> Option<(String, &str)> {
    let (rest, kind) = path.rsplit_once('.')?;
    let (stem, mark) = rest.rsplit_once('.')?;
    let is_mark =
        mark.len() == 2 * assembly::NAME_BYTES && mark.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_mark.then(|| (format!("{stem}.{kind}"), mark))
}

/// Moves the absolute addresses in `html` below `prefix`.
fn moved(html: &str, prefix: &BasePath) -> String {
    ["href", "src"]
        .into_iter()
        .fold(html.to_owned(), |html, name| {
            html.replace(&format!("{name}=\"/"), &format!("{name}=\"{prefix}"))
        })
}

/// The page: at the root, and at the link of every room.
pub async fn index(State(state): State<HttpState>, headers: HeaderMap) -> Response {
    state.page.answer(INDEX, StatusCode::OK, &headers).await
}

/// The page at the link of a room. What cannot be a room leads nowhere.
pub async fn room(
    state: State<HttpState>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let room = uri.path().trim_start_matches("/r/").trim_end_matches('/');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if room.len() <= MAX_ID_BYTES && room.bytes().all(is_plain) {
        return index(state, headers).await;
    }
    file(state, method, uri, headers).await
}

/// A file of the page.
pub async fn file(
    State(state): State<HttpState>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let page = state.page;
    // Names are compared without decoding, so there is no way around the list of embedded files.
    let path = uri.path().trim_start_matches('/');
    let is_reading = method == Method::GET || method == Method::HEAD;
    if !is_reading && page.find(path).is_some() {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")]).into_response();
    }
    page.answer(path, StatusCode::OK, &headers).await
}

/// The tag of a content. It is weak (RFC 9110 §8.8.1), because it is the same for both encodings.
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

#[cfg(test)]
mod tests;
