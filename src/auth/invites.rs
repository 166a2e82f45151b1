//! The tokens of invite links: shown once, never kept.
//!
//! A token is 128 random bits, of which SHA-256 is stored. One transaction counts a person and a use.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;
use sha2::{Digest as _, Sha256};

/// What an invite link carries after `#invite=`: 128 random bits. It has no `Display`, and its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteToken(String);

impl InviteToken {
    /// A new one.
    pub fn random() -> Self {
        let mut bytes = [0u8; 16];
        rand::rng().fill_bytes(&mut bytes);
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What somebody says is one; none when it cannot be.
    pub fn parse(raw: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(raw).ok()?;
        (bytes.len() == 16).then(|| Self(raw.to_owned()))
    }

    /// The token itself: for whoever made it only.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// SHA-256 of it, by which it is found again: as it cannot be guessed, no slower hash is needed.
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
