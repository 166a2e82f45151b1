//! Password hashes: never printed.

/// The stored hash of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    text: String,
    legacy: bool,
}

/// Stored in place of a hash. No scheme gives this as the hash of a password.
const UNSET: &str = "!";

impl PasswordHash {
    /// A PHC string from the passwords module.
    pub fn new(text: String) -> Self {
        Self {
            text,
            legacy: false,
        }
    }

    /// MD5 in hex, from a database that was taken over.
    pub fn legacy_md5(text: String) -> Self {
        Self { text, legacy: true }
    }

    /// No password: no password is right for the account until one is set.
    pub fn unset() -> Self {
        Self::new(UNSET.to_owned())
    }

    /// Whether there is a password at all.
    pub fn is_set(&self) -> bool {
        self.text != UNSET
    }

    /// The hash itself: for verifying only.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Whether it is MD5 and must be replaced at the next log-in.
    pub fn is_legacy(&self) -> bool {
        self.legacy
    }
}

/// SHA-256 of the token of an invite link, stored in its place. A token of 128 random bits needs no slower hash.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenHash(String);

impl TokenHash {
    /// The hash of these bytes.
    pub fn new(digest: [u8; 32]) -> Self {
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The hash in hex, as it is stored.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}
