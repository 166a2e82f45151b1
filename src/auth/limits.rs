//! Limits on attempts: log-ins, room passwords, invite links, room numbers, new accounts, guests.
//!
//! Attempts count per [network](Network), and also per account name and room. Correct attempts at secrets are given
//! back. So only wrong ones count, and a school behind one address gets in. A stranger who guesses a password is slowed
//! down at their own address and cannot lock the owner out. Guessing from very many addresses meets a limit per
//! account. That limit does not apply at networks where the account has logged in before.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::allowance::{Allowance, Rate};
use crate::budgets::auth as budgets;
use crate::network::Network;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::RoomIdentity;

/// When to try again, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts; the next one makes sense in {0} ms")]
pub struct RetryAfter(pub u64);

impl RetryAfter {
    /// The error for clients.
    pub fn wire(self) -> WireError {
        WireError::from(ErrorCode::RateLimited).retry_after(self.0)
    }
}

impl From<Duration> for RetryAfter {
    /// Rounds up, so that an attempt after that time passes.
    fn from(wait: Duration) -> Self {
        Self(
            u64::try_from(wait.as_millis())
                .unwrap_or(u64::MAX)
                .saturating_add(1),
        )
    }
}

/// The limits of the whole server, or none. Clones share the counts.
#[derive(Clone)]
pub struct Limits(Option<Arc<Limiters>>);

/// An account name as a keyed hash: short, however long the name from the client is.
type NameHash = u64;

struct Limiters {
    names: RandomState,
    logins: Limiter<Network>,
    wrong_logins: Limiter<Network>,
    wrong_logins_at_account: Limiter<(NameHash, Network)>,
    wrong_logins_from_everywhere: Limiter<NameHash>,
    known: Mutex<Known>,
    wrong_room_passwords: Limiter<Network>,
    wrong_passwords_at_room: Limiter<(RoomIdentity, Network)>,
    room_passwords_set: Limiter<Network>,
    wrong_numbers: Limiter<Network>,
    invites: Limiter<(RoomIdentity, Network)>,
    wrong_resumes: Limiter<Network>,
    guests: Limiter<Network>,
    registrations: Limiter<Network>,
}

impl Default for Limits {
    fn default() -> Self {
        use budgets::*;
        Self(Some(Arc::new(Limiters {
            names: RandomState::new(),
            logins: limiter(&LOGINS_BURST, &LOGINS),
            wrong_logins: limiter(&WRONG_LOGINS_BURST, &WRONG_LOGINS),
            wrong_logins_at_account: limiter(
                &WRONG_LOGINS_AT_ACCOUNT_BURST,
                &WRONG_LOGINS_AT_ACCOUNT,
            ),
            wrong_logins_from_everywhere: limiter(
                &WRONG_LOGINS_FROM_EVERYWHERE_BURST,
                &WRONG_LOGINS_FROM_EVERYWHERE,
            ),
            known: Mutex::default(),
            wrong_room_passwords: limiter(&WRONG_ROOM_PASSWORDS_BURST, &WRONG_ROOM_PASSWORDS),
            wrong_passwords_at_room: limiter(
                &WRONG_PASSWORDS_AT_ROOM_BURST,
                &WRONG_PASSWORDS_AT_ROOM,
            ),
            room_passwords_set: limiter(&ROOM_PASSWORDS_SET_BURST, &ROOM_PASSWORDS_SET),
            wrong_numbers: limiter(&WRONG_NUMBERS_BURST, &WRONG_NUMBERS),
            invites: limiter(&INVITES_BURST, &INVITES),
            wrong_resumes: limiter(&WRONG_RESUMES_BURST, &WRONG_RESUMES),
            guests: limiter(&GUESTS_BURST, &GUESTS),
            registrations: limiter(&REGISTRATIONS_BURST, &REGISTRATIONS),
        })))
    }
}

impl Limits {
    /// No limits: for load tests, and for servers behind something that limits.
    pub fn off() -> Self {
        Self(None)
    }

    /// Counts an attempt at an account password, also of an account that does not exist, and also a `current_password`.
    /// It counts as wrong until [`Limits::login_was_right`].
    ///
    /// # Errors
    /// When to try again.
    pub fn check_login(&self, network: Network, username: &str) -> Result<(), RetryAfter> {
        let Some(limits) = &self.0 else { return Ok(()) };
        let account = limits.name(username);
        limits.logins.check(&network)?;
        limits.wrong_logins.check(&network)?;
        limits.wrong_logins_at_account.check(&(account, network))?;
        if limits.known().holds(&(account, network)) {
            return Ok(());
        }
        limits.wrong_logins_from_everywhere.check(&account)
    }

    /// The password was right. The attempt does not count, and this network is now known for the account.
    pub fn login_was_right(&self, network: Network, username: &str) {
        let Some(limits) = &self.0 else { return };
        let account = limits.name(username);
        limits.wrong_logins.give_back(&network);
        limits
            .wrong_logins_at_account
            .give_back(&(account, network));
        if !limits.known().add((account, network)) {
            return;
        }
        limits.wrong_logins_from_everywhere.give_back(&account);
    }

    /// Counts an attempt at the password of a room. It counts as wrong until [`Limits::room_password_was_right`].
    ///
    /// # Errors
    /// When to try again.
    pub fn check_room_password(
        &self,
        network: Network,
        room: &RoomIdentity,
    ) -> Result<(), RetryAfter> {
        let Some(limits) = &self.0 else { return Ok(()) };
        let at_room = (room.clone(), network);
        limits.wrong_passwords_at_room.check(&at_room)?;
        let over_all = limits.wrong_room_passwords.check(&network);
        if over_all.is_err() {
            limits.wrong_passwords_at_room.give_back(&at_room);
        }
        over_all
    }

    /// The password was the room's.
    pub fn room_password_was_right(&self, network: Network, room: &RoomIdentity) {
        let Some(limits) = &self.0 else { return };
        limits.wrong_room_passwords.give_back(&network);
        let at_room = (room.clone(), network);
        limits.wrong_passwords_at_room.give_back(&at_room);
    }

    /// Counts a new password of a room.
    ///
    /// # Errors
    /// When to try again.
    pub fn check_setting_room_password(&self, network: Network) -> Result<(), RetryAfter> {
        let Some(limits) = &self.0 else { return Ok(()) };
        limits.room_passwords_set.check(&network)
    }

    /// Counts an attempt at the invite links of a room.
    ///
    /// # Errors
    /// When to try again.
    pub fn check_invite(&self, network: Network, room: &RoomIdentity) -> Result<(), RetryAfter> {
        let Some(limits) = &self.0 else { return Ok(()) };
        limits.invites.check(&(room.clone(), network))
    }

    /// Counts a look-up of a room by its number. It counts as wrong until [`Limits::number_was_right`].
    ///
    /// # Errors
    /// When to try again.
    pub fn check_number(&self, network: Network) -> Result<(), RetryAfter> {
        let Some(limits) = &self.0 else { return Ok(()) };
        limits.wrong_numbers.check(&network)
    }

    /// The number was right. The attempt of this network does not count.
    pub fn number_was_right(&self, network: Network) {
        let Some(limits) = &self.0 else { return };
        limits.wrong_numbers.give_back(&network);
    }

    /// Counts an attempt at a resume token. It counts as wrong until [`Limits::resume_was_right`].
    ///
    /// # Errors
    /// When to try again.
    pub fn check_resume(&self, network: Network) -> Result<(), RetryAfter> {
        let Some(limits) = &self.0 else { return Ok(()) };
        limits.wrong_resumes.check(&network)
    }

    /// The token was right, or there is no such session and so nothing to guess.
    pub fn resume_was_right(&self, network: Network) {
        let Some(limits) = &self.0 else { return };
        limits.wrong_resumes.give_back(&network);
    }

    /// One guest.
    ///
    /// # Errors
    /// When to try again.
    pub fn check_guest(&self, network: Network) -> Result<(), RetryAfter> {
        let Some(limits) = &self.0 else { return Ok(()) };
        limits.guests.check(&network)
    }

    /// Counts a new account.
    ///
    /// # Errors
    /// When to try again.
    pub fn check_registration(&self, network: Network) -> Result<(), RetryAfter> {
        let Some(limits) = &self.0 else { return Ok(()) };
        limits.registrations.check(&network)
    }
}

impl Limiters {
    fn name(&self, username: &str) -> NameHash {
        self.names.hash_one(username.trim().to_lowercase())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An allowance on the machine's clock.
struct Limiter<K>(Allowance<K>);

fn limiter<K: std::hash::Hash + Eq + Clone>(
    burst: &crate::budgets::Budget,
    rate: &crate::budgets::Budget,
) -> Limiter<K> {
    Limiter(Allowance::new(Rate::of(burst, rate)))
}

impl<K: std::hash::Hash + Eq + Clone> Limiter<K> {
    fn check(&self, key: &K) -> Result<(), RetryAfter> {
        Ok(self.0.spend(key, 1, Instant::now())?)
    }

    fn give_back(&self, key: &K) {
        self.0.give_back(key, 1, Instant::now());
    }
}

/// Where accounts have logged in, the latest.
#[derive(Default)]
struct Known {
    pairs: HashSet<(NameHash, Network)>,
    in_order: VecDeque<(NameHash, Network)>,
}

impl Known {
    fn holds(&self, pair: &(NameHash, Network)) -> bool {
        self.pairs.contains(pair)
    }

    /// Whether it was new.
    fn add(&mut self, pair: (NameHash, Network)) -> bool {
        if !self.pairs.insert(pair) {
            return false;
        }
        self.in_order.push_back(pair);
        if self.in_order.len() > budgets::KNOWN_NETWORKS.size()
            && let Some(earliest) = self.in_order.pop_front()
        {
            self.pairs.remove(&earliest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(number: u32) -> Network {
        Network::of(std::net::Ipv4Addr::from_bits(0xc000_0200 + number).into())
    }

    fn stranger() -> Network {
        network(1)
    }

    fn owner() -> Network {
        network(2)
    }

    /// How many of very many attempts in a row pass. A slow machine may let a few more pass.
    fn attempts(mut check: impl FnMut() -> Result<(), RetryAfter>) -> usize {
        (0..10_000).take_while(|_| check().is_ok()).count()
    }

    #[track_caller]
    fn assert_about(passed: usize, burst: &crate::budgets::Budget) {
        let burst = burst.size();
        assert!(
            (burst..=burst + burst / 10 + 2).contains(&passed),
            "{passed} of {burst}"
        );
    }

    #[test]
    fn a_stranger_cannot_lock_the_owner_out() {
        let limits = Limits::default();
        let guesses = attempts(|| limits.check_login(stranger(), "ada"));
        assert_about(guesses, &budgets::WRONG_LOGINS_AT_ACCOUNT_BURST);
        assert!(
            limits.check_login(stranger(), "ADA ").is_err(),
            "another spelling is the same account"
        );
        assert!(limits.check_login(owner(), "ada").is_ok());
    }

    #[test]
    fn guessing_from_everywhere_does_not_lock_the_owner_out() {
        let limits = Limits::default();
        limits.check_login(owner(), "ada").unwrap();
        limits.login_was_right(owner(), "ada");
        let mut number = 100;
        let guesses = attempts(|| {
            number += 1;
            limits.check_login(network(number), "ada")
        });
        assert_about(guesses, &budgets::WRONG_LOGINS_FROM_EVERYWHERE_BURST);
        assert!(limits.check_login(owner(), "ada").is_ok());
        assert!(limits.check_login(network(99), "bo").is_ok());
    }

    #[test]
    fn of_too_many_known_addresses_the_earliest_is_forgotten() {
        let mut known = Known::default();
        for number in 0..=budgets::KNOWN_NETWORKS.most {
            assert!(known.add((number, owner())));
        }
        assert!(!known.holds(&(0, owner())) && known.holds(&(1, owner())));
        assert_eq!(known.pairs.len(), budgets::KNOWN_NETWORKS.size());
    }

    #[test]
    fn one_address_cannot_go_through_many_accounts() {
        let limits = Limits::default();
        let mut number = 0;
        let made = attempts(|| {
            number += 1;
            limits.check_login(stranger(), &format!("user{number}"))
        });
        assert_about(made, &budgets::WRONG_LOGINS_BURST);
    }

    #[test]
    fn one_address_logs_in_a_school_and_no_more() {
        let limits = Limits::default();
        let mut number = 0;
        let made = attempts(|| {
            number += 1;
            let name = format!("pupil{number}");
            limits.check_login(owner(), &name)?;
            limits.login_was_right(owner(), &name);
            Ok(())
        });
        assert_about(made, &budgets::LOGINS_BURST);
    }

    #[test]
    fn wrong_passwords_at_one_room_are_limited() {
        let (limits, room) = (Limits::default(), RoomIdentity::random());
        let wrong = attempts(|| limits.check_room_password(stranger(), &room));
        assert_about(wrong, &budgets::WRONG_PASSWORDS_AT_ROOM_BURST);
        assert!(limits.check_room_password(owner(), &room).is_ok());
    }

    #[test]
    fn wrong_room_passwords_are_counted_over_all_rooms() {
        let limits = Limits::default();
        let wrong = attempts(|| limits.check_room_password(stranger(), &RoomIdentity::random()));
        assert_about(wrong, &budgets::WRONG_ROOM_PASSWORDS_BURST);
        let room = RoomIdentity::random();
        assert!(limits.check_room_password(owner(), &room).is_ok());
    }

    #[test]
    fn right_room_passwords_do_not_count() {
        let (limits, room) = (Limits::default(), RoomIdentity::random());
        let right = attempts(|| {
            limits.check_room_password(owner(), &room)?;
            limits.room_password_was_right(owner(), &room);
            Ok(())
        });
        assert_eq!(right, 10_000);
    }

    #[test]
    fn giving_rooms_passwords_is_limited() {
        let limits = Limits::default();
        let set = attempts(|| limits.check_setting_room_password(stranger()));
        assert_about(set, &budgets::ROOM_PASSWORDS_SET_BURST);
        assert!(limits.check_setting_room_password(owner()).is_ok());
    }

    #[test]
    fn guessing_at_numbers_is_limited_and_knowing_them_is_not() {
        let limits = Limits::default();
        let known = attempts(|| {
            limits.check_number(owner())?;
            limits.number_was_right(owner());
            Ok(())
        });
        assert_eq!(known, 10_000);
        let wrong = attempts(|| limits.check_number(stranger()));
        assert_about(wrong, &budgets::WRONG_NUMBERS_BURST);
    }

    #[test]
    fn following_invites_is_limited() {
        let (limits, room) = (Limits::default(), RoomIdentity::random());
        let followed = attempts(|| limits.check_invite(stranger(), &room));
        assert_about(followed, &budgets::INVITES_BURST);
        assert!(limits.check_invite(owner(), &room).is_ok());
    }

    #[test]
    fn a_school_of_guests_comes_in_at_once() {
        let limits = Limits::default();
        assert_about(
            attempts(|| limits.check_guest(stranger())),
            &budgets::GUESTS_BURST,
        );
        assert!(limits.check_guest(owner()).is_ok());
    }

    #[test]
    fn making_accounts_is_limited() {
        let limits = Limits::default();
        let made = attempts(|| limits.check_registration(stranger()));
        assert_about(made, &budgets::REGISTRATIONS_BURST);
        assert!(limits.check_registration(owner()).is_ok());
    }

    #[test]
    fn limits_that_are_off_refuse_nothing() {
        let limits = Limits::off();
        assert_eq!(attempts(|| limits.check_login(stranger(), "ada")), 10_000);
    }
}
