//! The tokens of invite links. They are shown once and not stored.
//!
//! A token is 128 random bits. Its SHA-256 is stored. One database transaction counts a person and a use.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;
use sha2::{Digest as _, Sha256};

/// The part of an invite link after `#invite=`: 128 random bits. It has no `Display`, and its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteToken(String);

impl InviteToken {
    /// A new one.
    pub fn random() -> Self {
        let mut bytes = [0u8; 16];
        rand::rng().fill_bytes(&mut bytes);
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a token from a client. None if it cannot be one.
    pub fn parse(raw: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(raw).ok()?;
        (bytes.len() == 16).then(|| Self(raw.to_owned()))
    }

    /// The token itself. Only the person who made it may see it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Its SHA-256, by which it is found in the database. The token cannot be guessed, so no slower hash is needed.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl std::fmt::Debug for InviteToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InviteToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_digest_and_not_printed() {
        let token = InviteToken::random();
        let same = InviteToken::parse(token.reveal()).unwrap();
        assert_eq!(token.digest(), same.digest());
        assert_ne!(token.digest(), InviteToken::random().digest());
        assert_eq!(format!("{token:?}"), "InviteToken(…)");
        for wrong in [
            "",
            "short",
            "AAAAAAAAAAAAAAAAAAAAAAA",
            "' OR 1=1 -- 0123456789",
        ] {
            assert_eq!(InviteToken::parse(wrong), None, "{wrong}");
        }
    }
}
