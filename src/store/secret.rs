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

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}
