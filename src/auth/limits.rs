//! How often somebody may try: logins, room passwords, invite links, room numbers, new accounts, guests and plain
//! requests.
//!
//! Keys are addresses (an IPv6 network of 64 bits counts as one address: it is one household) and, together with them,
//! account names and rooms. A stranger who guesses at somebody's password is slowed down at the stranger's address and
//! cannot lock the owner out; only guessing from very many addresses meets the account's own, looser limit.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::RoomIdentity;

/// How many tries at once, and how long until the next one is earned.
struct Rate(u32, Duration);

/// A school behind one address logs in within a minute or two.
const LOGINS_PER_ADDRESS: Rate = Rate(60, Duration::from_secs(1));
const LOGINS_PER_ACCOUNT_AND_ADDRESS: Rate = Rate(10, Duration::from_secs(10));
const LOGINS_PER_ACCOUNT: Rate = Rate(100, Duration::from_secs(3));
const ROOM_PASSWORDS_PER_ROOM_AND_ADDRESS: Rate = Rate(10, Duration::from_secs(6));
/// A class behind one address follows its link within a minute. Nobody guesses 128 bits; this keeps the database calm.
const INVITES_PER_ROOM_AND_ADDRESS: Rate = Rate(60, Duration::from_secs(1));
/// Ten a minute: of 900 million numbers, a guesser with one address tries 5 million a year.
const NUMBERS_PER_ADDRESS: Rate = Rate(20, Duration::from_secs(6));
const GUESTS_PER_ADDRESS: Rate = Rate(60, Duration::from_secs(1));
const REGISTRATIONS_PER_ADDRESS: Rate = Rate(20, Duration::from_secs(30));
/// Requests over plain HTTP that carry a token or a form: a script that is in a hurry, and no flood.
const PLAIN_REQUESTS_PER_ADDRESS: Rate = Rate(300, Duration::from_millis(10));
/// Keys are looked through for idle ones after this many checks, or as many as there are keys.
const PRUNE_AFTER: usize = 1_024;

/// When to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many tries; the next one makes sense in {0} ms")]
pub struct RetryAfter(pub u64);

impl RetryAfter {
    /// What clients are told.
    pub fn wire(self) -> WireError {
        WireError::from(ErrorCode::RateLimited).retry_after(self.0)
    }
}

/// The limits of the whole server, or none. Clones share the counts.
#[derive(Clone)]
pub struct Limits(Option<Arc<Limiters>>);

struct Limiters {
    /// Names are kept as keyed hashes: short, whatever was sent as a name.
    names: RandomState,
    logins_by_address: Limiter<IpAddr>,
    logins_by_account_and_address: Limiter<(u64, IpAddr)>,
    logins_by_account: Limiter<u64>,
    room_passwords: Limiter<(RoomIdentity, IpAddr)>,
    invites: Limiter<(RoomIdentity, IpAddr)>,
    numbers: Limiter<IpAddr>,
    guests: Limiter<IpAddr>,
    registrations: Limiter<IpAddr>,
    plain_requests: Limiter<IpAddr>,
}

impl Default for Limits {
    fn default() -> Self {
        Self(Some(Arc::new(Limiters {
            names: RandomState::new(),
            logins_by_address: Limiter::new(LOGINS_PER_ADDRESS),
            logins_by_account_and_address: Limiter::new(LOGINS_PER_ACCOUNT_AND_ADDRESS),
            logins_by_account: Limiter::new(LOGINS_PER_ACCOUNT),
            room_passwords: Limiter::new(ROOM_PASSWORDS_PER_ROOM_AND_ADDRESS),
            invites: Limiter::new(INVITES_PER_ROOM_AND_ADDRESS),
            numbers: Limiter::new(NUMBERS_PER_ADDRESS),
            guests: Limiter::new(GUESTS_PER_ADDRESS),
            registrations: Limiter::new(REGISTRATIONS_PER_ADDRESS),
            plain_requests: Limiter::new(PLAIN_REQUESTS_PER_ADDRESS),
        })))
    }
}

impl Limits {
    /// No limits at all: for load tests, and where something in front keeps them.
    pub fn off() -> Self {
        Self(None)
    }

    /// One login with a password, of an account that may or may not exist; also one `current_password`.
    ///
    /// # Errors
    /// When to try again.
    pub fn check_login(&self, address: IpAddr, username: &str) -> Result<(), RetryAfter> {
        let Some(limits) = &self.0 else { return Ok(()) };
        let address = network(address);
        let account = limits.names.hash_one(username.trim().to_lowercase());
        limits.logins_by_address.check(&address)?;
        limits
            .logins_by_account_and_address
            .check(&(account, address))?;
        limits.logins_by_account.check(&account)
    }

    /// One try at a room's password.
    ///
    /// # Errors
    /// When to try again.
    pub fn check_room_password(
        &self,
        address: IpAddr,
        room: &RoomIdentity,
    ) -> Result<(), RetryAfter> {
        let Some(limits) = &self.0 else { return Ok(()) };
        limits
            .room_passwords
            .check(&(room.clone(), network(address)))
    }

    /// One try at a room's invite links.
    ///
    /// # Errors
    /// When to try again.
    pub fn check_invite(&self, address: IpAddr, room: &RoomIdentity) -> Result<(), RetryAfter> {
        let Some(limits) = &self.0 else { return Ok(()) };
        limits.invites.check(&(room.clone(), network(address)))
    }

    /// One look-up of a room by its number.
    ///
    /// # Errors
    /// When to try again.
    pub fn check_number(&self, address: IpAddr) -> Result<(), RetryAfter> {
        let Some(limits) = &self.0 else { return Ok(()) };
        limits.numbers.check(&network(address))
    }

    /// One guest.
    ///
    /// # Errors
    /// When to try again.
    pub fn check_guest(&self, address: IpAddr) -> Result<(), RetryAfter> {
        let Some(limits) = &self.0 else { return Ok(()) };
        limits.guests.check(&network(address))
    }

    /// One new account.
    ///
    /// # Errors
    /// When to try again.
    pub fn check_registration(&self, address: IpAddr) -> Result<(), RetryAfter> {
        let Some(limits) = &self.0 else { return Ok(()) };
        limits.registrations.check(&network(address))
    }

    /// One request outside of a session, whose requests are counted by itself.
    ///
    /// # Errors
    /// When to try again.
    pub fn check_plain_request(&self, address: IpAddr) -> Result<(), RetryAfter> {
        let Some(limits) = &self.0 else { return Ok(()) };
        limits.plain_requests.check(&network(address))
    }
}

/// The address, or the network that counts as one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }
}

struct Limiter<K: Hash + Eq + Clone, C: Clock = DefaultClock> {
    limiter: RateLimiter<K, DashMapStateStore<K>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    checks: AtomicUsize,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    fn new(rate: Rate) -> Self {
        Self::with_clock(rate, DefaultClock::default())
    }
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> Limiter<K, C> {
    fn with_clock(Rate(burst, period): Rate, clock: C) -> Self {
        let burst = NonZeroU32::new(burst).expect("a constant above zero");
        let quota = Quota::with_period(period)
            .expect("a constant above zero")
            .allow_burst(burst);
        let limiter = RateLimiter::new(quota, DashMapStateStore::default(), clock.clone());
        Self {
            limiter,
            clock,
            checks: AtomicUsize::new(0),
        }
    }

    fn check(&self, key: &K) -> Result<(), RetryAfter> {
        self.prune_when_due();
        self.limiter.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now()).as_millis();
            RetryAfter(u64::try_from(wait).unwrap_or(u64::MAX).saturating_add(1))
        })
    }

    /// Forgets keys that have all their tries again; as rare as keys are many, so that a check stays cheap.
    fn prune_when_due(&self) {
        let checks = self.checks.fetch_add(1, Ordering::Relaxed);
        if checks >= PRUNE_AFTER && checks >= self.limiter.len() {
            self.checks.store(0, Ordering::Relaxed);
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    const STRANGER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OWNER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn tries(mut check: impl FnMut() -> Result<(), RetryAfter>) -> usize {
        (0..1_000).take_while(|_| check().is_ok()).count()
    }

    #[test]
    fn a_stranger_cannot_lock_the_owner_out() {
        let limits = Limits::default();
        assert_eq!(tries(|| limits.check_login(STRANGER, "ada")), 10);
        assert_eq!(
            tries(|| limits.check_login(STRANGER, "ADA ")),
            0,
            "another spelling is the same account"
        );
        assert!(limits.check_login(OWNER, "ada").is_ok());
    }

    #[test]
    fn one_address_cannot_go_through_many_accounts() {
        let limits = Limits::default();
        let mut number = 0;
        let made = tries(|| {
            number += 1;
            limits.check_login(STRANGER, &format!("user{number}"))
        });
        assert!((60..62).contains(&made), "{made}");
    }

    #[test]
    fn numbers_rooms_guests_and_accounts_are_limited_each_on_their_own() {
        let limits = Limits::default();
        let room = RoomIdentity::random();
        assert_eq!(tries(|| limits.check_number(STRANGER)), 20);
        assert_eq!(tries(|| limits.check_room_password(STRANGER, &room)), 10);
        assert_eq!(tries(|| limits.check_registration(STRANGER)), 20);
        assert!(limits.check_guest(STRANGER).is_ok());
        assert!(
            limits
                .check_room_password(STRANGER, &RoomIdentity::random())
                .is_ok()
        );
        assert!(limits.check_room_password(OWNER, &room).is_ok());
    }

    #[test]
    fn a_household_counts_as_one_address_however_it_is_written() {
        let address = |text: &str| network(text.parse().unwrap());
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff::9"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_eq!(address("::ffff:192.0.2.1"), STRANGER);
    }

    #[test]
    fn limits_that_are_off_refuse_nothing() {
        let limits = Limits::off();
        assert_eq!(tries(|| limits.check_login(STRANGER, "ada")), 1_000);
    }

    #[test]
    fn tries_are_earned_again_at_the_time_that_was_named() {
        let clock = FakeRelativeClock::default();
        let limiter = Limiter::with_clock(Rate(2, Duration::from_secs(10)), clock.clone());
        assert_eq!(tries(|| limiter.check(&STRANGER)), 2);
        let RetryAfter(wait) = limiter.check(&STRANGER).unwrap_err();
        assert!((9_000..=10_001).contains(&wait), "{wait}");
        clock.advance(Duration::from_millis(wait));
        assert_eq!(tries(|| limiter.check(&STRANGER)), 1);
    }

    #[test]
    fn keys_that_are_idle_are_forgotten() {
        let clock = FakeRelativeClock::default();
        let limiter = Limiter::with_clock(Rate(2, Duration::from_secs(1)), clock.clone());
        for key in 0..PRUNE_AFTER {
            limiter.check(&key).unwrap();
        }
        clock.advance(Duration::from_secs(60));
        limiter.check(&PRUNE_AFTER).unwrap();
        assert!(limiter.limiter.len() <= 1, "{}", limiter.limiter.len());
    }
}
