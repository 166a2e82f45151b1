//! The kind of a file, by its name.

/// The media type, by the end of the name. It must be right: with `nosniff`, scripts of another type do not run.
pub fn content_type(path: &str) -> &'static str {
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

/// Whether a kind of file becomes smaller by compressing it.
pub fn is_text(kind: &str) -> bool {
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
}
