//! Security headers of every answer.

use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// Answers that are true only now.
pub const NO_STORE: [(HeaderName, &str); 1] = [(CACHE_CONTROL, "no-store")];

/// Only files of the page may run, be shown or be connected to, and no text becomes script (CSP Level 3, Trusted
/// Types).
pub const PAGE_POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; \
    media-src 'self' blob: mediastream:; connect-src 'self'; object-src 'none'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'self'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The same policy for a page with inline scripts: those with these hashes may run too.
pub fn policy_with_scripts(html: &str) -> HeaderValue {
    let scripts = html.split("<script").skip(1).filter_map(|rest| {
        let (text, _) = rest.split_once('>')?.1.split_once("</script>")?;
        (!text.is_empty()).then(|| STANDARD.encode(Sha256::digest(text)))
    });
    let allowed: String = scripts.map(|hash| format!(" 'sha256-{hash}'")).collect();
    let policy = format!("{PAGE_POLICY}; script-src 'self'{allowed}");
    HeaderValue::from_str(&policy).expect("a policy and base64 are visible ASCII")
}

/// The permissions of the device that a meeting needs, for this page only, and those that it never needs.
const PERMISSIONS: &str = "camera=(self), microphone=(self), display-capture=(self), autoplay=(self), \
    fullscreen=(self), picture-in-picture=(self), screen-wake-lock=(self), clipboard-write=(self), \
    geolocation=(), midi=(), payment=(), usb=()";

const SECURITY: [(HeaderName, HeaderValue); 6] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(PAGE_POLICY),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(PERMISSIONS),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Adds the security headers. A stricter header of a handler stays.
pub async fn secure(mut response: Response) -> Response {
    for (name, value) in SECURITY {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}
