//! Computed user names and passwords, and nonces that need no storage.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sha2::Sha256;

use super::REALM;

/// The life of a nonce (RFC 8489 §9.2.3 leaves it to the server).
const NONCE_SECS: u64 = 600;
/// The length of the MAC in a nonce.
const NONCE_MAC_BYTES: usize = 12;

/// The credentials of a client. Secret, so they are not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// When it expires, and whose it is.
    pub username: String,
    /// Its MAC.
    pub password: String,
}

/// The secret that they are computed from.
pub(super) struct Secret([u8; 32]);

impl Secret {
    /// It lives as long as the process, like the allocations.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn mac(&self, what: &str, parts: &[&[u8]]) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return self.0;
        };
        mac.update(what.as_bytes());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Credentials of a participant, good until then.
    pub fn credentials(&self, participant: &str, expires: u64) -> Credentials {
        let username = format!("{expires}:{participant}");
        let password = self.password(&username);
        Credentials { username, password }
    }

    fn password(&self, username: &str) -> String {
        STANDARD.encode(self.mac("password", &[username.as_bytes()]))
    }

    /// The key of a long-term credential (RFC 8489 §9.2.2).
    pub fn key(&self, username: &str) -> [u8; 16] {
        let password = self.password(username);
        Md5::digest(format!("{username}:{REALM}:{password}")).into()
    }

    /// A nonce for this client alone.
    pub fn nonce(&self, client: SocketAddr, unix: u64) -> String {
        let mut bytes = unix.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.nonce_mac(client, unix)[..NONCE_MAC_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Whether this nonce was recently given to this client.
    pub fn is_nonce_good(&self, nonce: &[u8], client: SocketAddr, unix: u64) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(nonce) else {
            return false;
        };
        let Some((at, mac)) = bytes.split_first_chunk::<8>() else {
            return false;
        };
        let at = u64::from_be_bytes(*at);
        let is_fresh = at <= unix && unix - at < NONCE_SECS;
        let right = self.nonce_mac(client, at);
        let is_ours: bool = subtle::ConstantTimeEq::ct_eq(mac, &right[..NONCE_MAC_BYTES]).into();
        is_fresh && is_ours
    }

    fn nonce_mac(&self, client: SocketAddr, at: u64) -> [u8; 32] {
        let client = client.to_string();
        self.mac("nonce", &[client.as_bytes(), &at.to_be_bytes()])
    }
}

/// The time of expiry of a user name, in seconds since 1970, and its participant.
pub(super) fn parts(username: &str) -> Option<(u64, &str)> {
    let (expires, participant) = username.split_once(':')?;
    Some((expires.parse().ok()?, participant))
}
