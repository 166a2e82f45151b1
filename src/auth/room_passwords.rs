//! Passwords of rooms. Many people bring the same one in the same minute.
//!
//! A correct password is remembered as a keyed hash with a random key of this process. So the next person who brings it
//! costs no run of Argon2. The hash also covers the stored hash of the room: after a change of the password nothing
//! remembered fits any more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::Rng as _;
use sha2::Sha256;

use super::passwords::{PasswordError, Passwords, StoredHash};
use crate::budgets::auth as budgets;
use crate::network::Network;
use crate::protocol::text::Password;

/// A password is forgotten when it was not used for this time.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(12 * 60 * 60);

/// HMAC-SHA-256 of the stored hash and the given password.
type Pair = [u8; 32];

/// Hashes and verifies rooms' passwords. Clones share everything.
#[derive(Clone)]
pub struct RoomPasswords {
    passwords: Passwords,
    shared: Arc<Shared>,
}

struct Shared {
    key: [u8; 32],
    /// When each was last good.
    good: Mutex<HashMap<Pair, Instant>>,
    /// Checks under way. Callers with the same pair share one check.
    checks: Mutex<HashMap<Pair, Arc<tokio::sync::Mutex<()>>>>,
}

impl RoomPasswords {
    /// Runs Argon2 by `passwords`. It must not be the one for accounts, because joins must not keep people from logging
    /// in.
    pub fn new(passwords: Passwords) -> Self {
        let mut key = [0; 32];
        rand::rng().fill_bytes(&mut key);
        Self {
            passwords,
            shared: Arc::new(Shared {
                key,
                good: Mutex::default(),
                checks: Mutex::default(),
            }),
        }
    }

    /// How many runs of Argon2 have begun.
    pub fn runs(&self) -> usize {
        self.passwords.runs()
    }

    /// A PHC string for a new password of a room, which is remembered.
    ///
    /// # Errors
    /// As [`Passwords::hash`].
    pub async fn hash(
        &self,
        network: Network,
        password: &Password,
    ) -> Result<String, PasswordError> {
        let stored = self.passwords.hash(network, password).await?;
        self.shared.remember(self.shared.pair(&stored, password));
        Ok(stored)
    }

    /// Whether `stored` was made from `password`. `None` stands for a room that does not exist. It costs as much as a
    /// wrong password.
    ///
    /// # Errors
    /// [`PasswordError::Wrong`], [`PasswordError::Busy`].
    pub async fn verify(
        &self,
        network: Network,
        password: &Password,
        stored: Option<StoredHash<'_>>,
    ) -> Result<(), PasswordError> {
        if password.is_too_long() {
            return Err(PasswordError::Wrong);
        }
        let Some(StoredHash::Argon2(phc)) = stored else {
            let verified = self.passwords.verify(network, password, stored).await;
            return verified.map(|_| ());
        };
        let pair = self.shared.pair(phc, password);
        if self.shared.knows(&pair) {
            return Ok(());
        }
        let check = self.shared.check_of(pair);
        let verdict = {
            let _one_at_a_time = check.lock().await;
            if self.shared.knows(&pair) {
                Ok(())
            } else {
                let verified = self.passwords.verify(network, password, stored).await;
                verified.map(|_| self.shared.remember(pair))
            }
        };
        drop(check);
        self.shared.checks_are_over(&pair);
        verdict
    }
}

impl Shared {
    fn pair(&self, stored: &str, password: &Password) -> Pair {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        // A PHC string has no NUL, so the NUL separates the two parts.
        mac.update(stored.as_bytes());
        mac.update(&[0]);
        mac.update(password.reveal().as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn knows(&self, pair: &Pair) -> bool {
        let now = Instant::now();
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        match good.get_mut(pair) {
            Some(used) if now.saturating_duration_since(*used) < FORGOTTEN_AFTER => {
                *used = now;
                true
            }
            Some(_) => {
                good.remove(pair);
                false
            }
            None => false,
        }
    }

    fn remember(&self, pair: Pair) {
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        good.insert(pair, Instant::now());
        if good.len() > budgets::ROOM_PASSWORDS_REMEMBERED.size()
            && let Some(oldest) = good.iter().min_by_key(|(_, used)| **used)
        {
            let oldest = *oldest.0;
            good.remove(&oldest);
        }
    }

    fn check_of(&self, pair: Pair) -> Arc<tokio::sync::Mutex<()>> {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        // This also removes checks whose callers went away.
        checks.retain(|_, check| Arc::strong_count(check) > 1);
        Arc::clone(checks.entry(pair).or_default())
    }

    fn checks_are_over(&self, pair: &Pair) {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        if checks
            .get(pair)
            .is_some_and(|check| Arc::strong_count(check) == 1)
        {
            checks.remove(pair);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network() -> Network {
        Network::of(std::net::Ipv4Addr::LOCALHOST.into())
    }

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    async fn stored(text: &str) -> String {
        let (passwords, password) = (Passwords::new(1, 8), password(text));
        passwords.hash(network(), &password).await.unwrap()
    }

    #[tokio::test]
    async fn a_class_costs_one_run() {
        let passwords = Passwords::new(1, 100);
        let rooms = RoomPasswords::new(passwords.clone());
        let stored = stored("maths").await;
        let given = password("maths");
        let class = (0..30).map(|_| {
            let stored = Some(StoredHash::Argon2(&stored));
            rooms.verify(network(), &given, stored)
        });
        let verdicts = futures_util::future::join_all(class).await;
        assert!(verdicts.iter().all(Result::is_ok));
        assert_eq!(passwords.runs(), 1);
        assert!(rooms.shared.checks.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_was_good_is_not_good_for_another_password() {
        let rooms = RoomPasswords::new(Passwords::new(1, 8));
        let old = rooms.hash(network(), &password("maths")).await.unwrap();
        let new = rooms.hash(network(), &password("physics")).await.unwrap();
        let same = rooms.hash(network(), &password("maths")).await.unwrap();
        let verdict = async |text: &str, stored: &str| {
            let stored = Some(StoredHash::Argon2(stored));
            rooms.verify(network(), &password(text), stored).await
        };
        assert_eq!(verdict("maths", &old).await, Ok(()));
        assert_eq!(verdict("maths", &new).await, Err(PasswordError::Wrong));
        assert_eq!(verdict("maths", &same).await, Ok(()));
        assert_eq!(verdict("Maths", &old).await, Err(PasswordError::Wrong));
        assert_eq!(verdict("", &old).await, Err(PasswordError::Wrong));
    }

    #[tokio::test]
    async fn nothing_is_remembered_of_a_wrong_password() {
        let rooms = RoomPasswords::new(Passwords::new(1, 8));
        let stored = stored("maths").await;
        for _ in 0..2 {
            let hash = Some(StoredHash::Argon2(&stored));
            let verdict = rooms.verify(network(), &password("guess"), hash).await;
            assert_eq!(verdict, Err(PasswordError::Wrong));
        }
        assert_eq!(rooms.passwords.runs(), 2);
        let nobody = rooms.verify(network(), &password("maths"), None).await;
        assert_eq!(nobody, Err(PasswordError::Wrong));
        assert_eq!(rooms.passwords.runs(), 3, "no room costs a run as well");
    }

    #[test]
    fn of_too_many_good_passwords_the_longest_unused_is_forgotten() {
        let rooms = RoomPasswords::new(Passwords::new(1, 8));
        let pair = |number: u64| {
            let mut pair = [0; 32];
            pair[..8].copy_from_slice(&number.to_le_bytes());
            pair
        };
        let most = budgets::ROOM_PASSWORDS_REMEMBERED.most;
        for number in 0..most {
            rooms.shared.remember(pair(number));
        }
        assert!(rooms.shared.knows(&pair(0)), "and is used again");
        rooms.shared.remember(pair(most));
        assert!(rooms.shared.knows(&pair(0)) && !rooms.shared.knows(&pair(1)));
        assert_eq!(rooms.shared.good.lock().unwrap().len() as u64, most);
    }
}
