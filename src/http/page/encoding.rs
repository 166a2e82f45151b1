//! Which encoding a browser accepts, and the encoded files. A release build encodes them. Otherwise a file is encoded
//! at its first request.

use std::io::Write as _;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::ContentHash;

/// A content that the build has compressed.
struct Ready {
    hash: ContentHash,
    brotli: &'static [u8],
    gzip: &'static [u8],
}

/// Sorted by the hash. The build script writes it, and only for a release.
const READY: &[Ready] = include!(concat!(env!("OUT_DIR"), "/compressed.rs"));

/// How a content is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 7932.
    Brotli,
    /// RFC 1952.
    Gzip,
}

impl Encoding {
    /// Its name in Content-Encoding.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// The content as the build has compressed it.
    pub fn ready(self, hash: &ContentHash) -> Option<Bytes> {
        let found = READY.binary_search_by(|ready| ready.hash.cmp(hash)).ok()?;
        Some(Bytes::from_static(match self {
            Self::Brotli => READY[found].brotli,
            Self::Gzip => READY[found].gzip,
        }))
    }

    /// Whether Accept-Encoding (RFC 9110 §12.5.3) takes it.
    pub fn is_taken(self, asked: &HeaderMap) -> bool {
        asked
            .get_all(ACCEPT_ENCODING)
            .iter()
            .flat_map(|line| line.to_str().unwrap_or_default().split(','))
            .any(|entry| {
                let mut parts = entry.split(';').map(str::trim);
                let is_named = parts
                    .next()
                    .is_some_and(|name| name.eq_ignore_ascii_case(self.name()));
                let refused = parts
                    .filter_map(|part| part.strip_prefix("q="))
                    .any(|weight| weight.parse() == Ok(0.0));
                is_named && !refused
            })
    }
}

/// Compresses a file that the build did not compress.
pub fn gzip(data: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(data)
        .and_then(|()| encoder.finish())
        .map(Bytes::from)
        .expect("writing into memory does not fail")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_used_where_it_is_taken() {
        let table = [
            ("gzip, deflate, br", true, true),
            ("GZIP;q=0.5", true, false),
            ("br", false, true),
            ("gzip;q=0, br;q=1", false, true),
            ("gzip; q=0.0", false, false),
            ("", false, false),
        ];
        for (line, takes_gzip, takes_brotli) in table {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, line.parse().unwrap())]);
            assert_eq!(Encoding::Gzip.is_taken(&headers), takes_gzip, "{line}");
            assert_eq!(Encoding::Brotli.is_taken(&headers), takes_brotli, "{line}");
        }
    }
}
