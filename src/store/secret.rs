//! Password hashes: never printed.

/// What stands in for a password in the database.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    text: String,
    legacy: bool,
}

/// Stands where a hash would: the hash of no password, under any scheme.
const UNSET: &str = "!";

impl PasswordHash {
    /// A PHC string, as the passwords' module makes it.
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

    /// None: the account has no password, and no password is right for it until one is set.
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

    /// Whether it is MD5 and must give way at the next login.
    pub fn is_legacy(&self) -> bool {
        self.legacy
    }
}

/// SHA-256 of an invite link's token: what is stored in its place. A token of 128 random bits needs no slower hash.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenHash(String);

impl TokenHash {
    /// The hash of these bytes.
    pub fn new(digest: [u8; 32]) -> Self {
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The hash in hex, as its column takes it.
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
