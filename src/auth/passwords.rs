//! Passwords: argon2id, and MD5 for old rows until their next log-in.
//!
//! A check always costs exactly one argon2id run: for an account that exists, for one that does not, and for one with
//! an MD5 hash. Runs need blocking threads and 19 MiB each. So only a few run at once, some wait in turns by network,
//! and the rest are told to come back later. The memory is kept for later runs: after a storm no more stays than was in
//! use at one time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::PasswordHash;
use md5::{Digest as _, Md5};
use subtle::ConstantTimeEq as _;

use super::argon2id::{self, Memory, Pool, is_outdated};
use crate::budgets::auth as budgets;
use crate::network::Network;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::text::{MIN_PASSWORD_CHARS, Password};
use crate::turns::{Turns, Waiting};

/// A refused caller should try again after this time.
const RETRY_AFTER_MS: u64 = 1_000;
/// The hash that is checked for an account that does not exist. The result is ignored.
const NOBODYS_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A stored password hash.
#[derive(Clone, Copy)]
pub enum StoredHash<'a> {
    /// A PHC string of argon2id.
    Argon2(&'a str),
    /// MD5 in hex, for rows that are marked as such.
    LegacyMd5(&'a str),
}

/// The password was right.
pub struct Verified {
    /// The new hash to store, if the stored one is outdated.
    pub rehash: Option<String>,
}

/// Why a password was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The password is wrong, or there is no such account.
    #[error("the user name or the password is wrong")]
    Wrong,
    /// It may not be set.
    #[error("the password must be 8 characters or more, at most 1024 bytes, and not the user name")]
    Weak,
    /// Too many are being checked.
    #[error("too many passwords are being checked")]
    Busy,
    /// Hashing itself failed.
    #[error("the password could not be hashed")]
    Failed,
}

impl PasswordError {
    /// The error for clients. For the password of a room, the caller turns `Wrong` into `room.password_wrong`.
    pub fn wire(self) -> WireError {
        match self {
            Self::Wrong => ErrorCode::BadCredentials.into(),
            Self::Weak => ErrorCode::WeakPassword.into(),
            Self::Busy => WireError::from(ErrorCode::ServerBusy).retry_after(RETRY_AFTER_MS),
            Self::Failed => ErrorCode::ServerInternal.into(),
        }
    }
}

/// Refuses a password for the account `username` that is too short, too long or the user name itself.
///
/// # Errors
/// [`PasswordError::Weak`].
pub fn check_strength(password: &Password, username: &str) -> Result<(), PasswordError> {
    let long_enough = password.reveal().chars().count() >= MIN_PASSWORD_CHARS;
    let is_name = password.reveal().trim().to_lowercase() == username.to_lowercase();
    if !long_enough || password.is_too_long() || is_name {
        Err(PasswordError::Weak)
    } else {
        Ok(())
    }
}

/// Hashes and verifies. Clones share the turns.
#[derive(Clone)]
pub struct Passwords {
    turns: Turns,
    /// The working memory of runs.
    pool: Pool,
    /// How many runs there were, for tests.
    runs: Arc<AtomicUsize>,
}

impl Default for Passwords {
    /// Runs on half of the processors, so that meetings go on during a login storm.
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self::new((processors / 2).max(1), budgets::PASSWORDS_WAITING.size())
    }
}

impl Passwords {
    /// At most `running` run at once, and `waiting` more wait. Beyond that, a caller of the network with the most
    /// waiting callers is answered [`PasswordError::Busy`].
    pub fn new(running: usize, waiting: usize) -> Self {
        Self {
            turns: Turns::new(running, Waiting::InAll(waiting)),
            pool: Pool::default(),
            runs: Arc::default(),
        }
    }

    /// How many runs of Argon2 have begun.
    pub fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }

    /// A PHC string for a new password.
    ///
    /// # Errors
    /// [`PasswordError::Weak`] when it is empty or longer than is read, [`PasswordError::Busy`].
    pub async fn hash(
        &self,
        network: Network,
        password: &Password,
    ) -> Result<String, PasswordError> {
        if password.reveal().is_empty() || password.is_too_long() {
            return Err(PasswordError::Weak);
        }
        let password = password.clone();
        self.in_turn(network, move |memory| hash(&password, memory))
            .await
    }

    /// Whether `password` is the one `stored` was made from; `None` stands for an account that does not exist.
    ///
    /// # Errors
    /// [`PasswordError::Wrong`], [`PasswordError::Busy`].
    pub async fn verify(
        &self,
        network: Network,
        password: &Password,
        stored: Option<StoredHash<'_>>,
    ) -> Result<Verified, PasswordError> {
        if password.is_too_long() {
            return Err(PasswordError::Wrong);
        }
        let password = password.clone();
        match stored {
            Some(StoredHash::Argon2(stored)) => {
                let stored = stored.to_owned();
                self.in_turn(network, move |memory| verify(&password, &stored, memory))
                    .await
            }
            Some(StoredHash::LegacyMd5(stored)) if md5_matches(&password, stored) => {
                self.in_turn(network, move |memory| {
                    hash(&password, memory).map(|rehash| Verified {
                        rehash: Some(rehash),
                    })
                })
                .await
            }
            Some(StoredHash::LegacyMd5(_)) | None => {
                self.in_turn(network, move |memory| refuse(&password, memory))
                    .await
            }
        }
    }

    /// Runs `work` on a blocking thread when its turn comes. If the caller goes away, the turn is still held until the
    /// work is done.
    async fn in_turn<T, W>(&self, network: Network, work: W) -> Result<T, PasswordError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Memory) -> Result<T, PasswordError> + Send + 'static,
    {
        let turn = self.turns.take(network).await;
        let turn = turn.map_err(|_| PasswordError::Busy)?;
        self.runs.fetch_add(1, Ordering::Relaxed);
        let pool = self.pool.clone();
        let run = tokio::task::spawn_blocking(move || {
            let _held = turn;
            pool.with(work)
        });
        run.await.unwrap_or(Err(PasswordError::Failed))
    }
}

fn hash(password: &Password, memory: &mut Memory) -> Result<String, PasswordError> {
    argon2id::hash(password.reveal().as_bytes(), memory).map_err(|_| PasswordError::Failed)
}

fn verify(
    password: &Password,
    stored: &str,
    memory: &mut Memory,
) -> Result<Verified, PasswordError> {
    let parsed = PasswordHash::new(stored).ok();
    let verdict = parsed.as_ref().and_then(|parsed| {
        let password = password.reveal().as_bytes();
        argon2id::matches(password, parsed, memory).ok()
    });
    let (Some(parsed), Some(is_right)) = (parsed, verdict) else {
        tracing::error!("a stored password hash cannot be read; its account cannot log in");
        return refuse(password, memory);
    };
    if !is_right {
        return Err(PasswordError::Wrong);
    }
    let rehash = if is_outdated(&parsed) {
        Some(hash(password, memory)?)
    } else {
        None
    };
    Ok(Verified { rehash })
}

/// Takes as long as every check, and always fails.
fn refuse(password: &Password, memory: &mut Memory) -> Result<Verified, PasswordError> {
    let nobody = PasswordHash::new(NOBODYS_HASH).map_err(|_| PasswordError::Failed)?;
    let _ = argon2id::matches(password.reveal().as_bytes(), &nobody, memory);
    Err(PasswordError::Wrong)
}

fn md5_matches(password: &Password, stored: &str) -> bool {
    md5_hex(password.reveal())
        .as_bytes()
        .ct_eq(stored.to_ascii_lowercase().as_bytes())
        .into()
}

fn md5_hex(text: &str) -> String {
    Md5::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use argon2::{Argon2, Params, PasswordHasher as _};

    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    fn network() -> Network {
        Network::of(std::net::Ipv4Addr::LOCALHOST.into())
    }

    async fn verdict(
        text: &str,
        stored: Option<StoredHash<'_>>,
    ) -> Result<Option<String>, PasswordError> {
        Passwords::default()
            .verify(network(), &password(text), stored)
            .await
            .map(|verified| verified.rehash)
    }

    #[test]
    fn md5_is_as_the_old_tables_have_it() {
        assert_eq!(md5_hex("123456"), "e10adc3949ba59abbe56e057f20f883e");
        assert_eq!(md5_hex("1233456"), "8017d0408f41b75489701e3fb1c3e773");
    }

    #[tokio::test]
    async fn a_password_is_verified_against_its_own_hash_alone() {
        let hash = Passwords::default()
            .hash(network(), &password("correct horse"))
            .await
            .unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert_eq!(
            verdict("correct horse", Some(StoredHash::Argon2(&hash))).await,
            Ok(None)
        );
        assert_eq!(
            verdict("correct horsf", Some(StoredHash::Argon2(&hash))).await,
            Err(PasswordError::Wrong)
        );
    }

    #[tokio::test]
    async fn a_legacy_row_logs_in_once_and_is_rehashed() {
        let row = StoredHash::LegacyMd5("8017d0408f41b75489701e3fb1c3e773");
        assert_eq!(
            verdict("123456", Some(row)).await,
            Err(PasswordError::Wrong)
        );
        let rehash = verdict("1233456", Some(row))
            .await
            .unwrap()
            .expect("a new hash");
        assert_eq!(
            verdict("1233456", Some(StoredHash::Argon2(&rehash))).await,
            Ok(None)
        );
    }

    #[tokio::test]
    async fn only_a_flagged_row_is_compared_by_md5_and_no_row_as_plain_text() {
        for stored in [
            "8017d0408f41b75489701e3fb1c3e773",
            "1233456",
            "",
            "$argon2id$",
        ] {
            assert_eq!(
                verdict("1233456", Some(StoredHash::Argon2(stored))).await,
                Err(PasswordError::Wrong)
            );
        }
        assert_eq!(
            verdict("1233456", Some(StoredHash::LegacyMd5("1233456"))).await,
            Err(PasswordError::Wrong)
        );
    }

    #[tokio::test]
    async fn a_hash_of_other_cost_gives_way() {
        let params = Params::new(64, 1, 1, None).unwrap();
        let stored = Argon2::from(params).hash_password(b"correct horse");
        let stored = stored.unwrap().to_string();
        let rehash = verdict("correct horse", Some(StoredHash::Argon2(&stored)))
            .await
            .unwrap()
            .expect("a new hash");
        assert!(rehash.contains("m=19456,t=2,p=1"));
    }

    #[test]
    fn nobodys_hash_costs_what_a_real_one_costs() {
        let nobody = PasswordHash::new(NOBODYS_HASH).unwrap();
        assert!(!is_outdated(&nobody));
        assert_eq!(nobody.hash.unwrap().len(), 32);
    }

    #[tokio::test]
    async fn nobody_and_the_overlong_are_simply_wrong() {
        assert_eq!(
            verdict("correct horse", None).await,
            Err(PasswordError::Wrong)
        );
        assert_eq!(
            verdict(&"x".repeat(1025), None).await,
            Err(PasswordError::Wrong)
        );
    }

    #[tokio::test]
    async fn beyond_the_line_one_is_told_to_come_again() {
        let passwords = Passwords::new(1, 1);
        let held = passwords.turns.take(network()).await.ok().unwrap();
        let secret = password("correct horse");
        let mut waiting = Box::pin(passwords.hash(network(), &secret));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        let beyond = passwords.hash(network(), &secret).await;
        assert_eq!(beyond, Err(PasswordError::Busy));
        drop(held);
        assert!(waiting.await.is_ok());
    }

    #[test]
    fn weak_passwords_are_refused() {
        for weak in ["", "1234567", "lovelace", " LoveLace ", &"x".repeat(1025)] {
            assert_eq!(
                check_strength(&password(weak), "Lovelace"),
                Err(PasswordError::Weak),
                "{weak:?}"
            );
        }
        for good in [
            "12345678",
            "密码密码密码密码",
            "correct horse",
            &"x".repeat(1024),
        ] {
            assert_eq!(
                check_strength(&password(good), "Lovelace"),
                Ok(()),
                "{good:?}"
            );
        }
    }
}
