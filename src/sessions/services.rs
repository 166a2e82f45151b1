//! What every session uses: made once, shared by all, and given to each handler in the part that it needs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use super::checks::CheckRooms;
use super::kept::Kept;
use super::reading::Reading;
use super::table::Table;
use crate::auth::{Limits, Passwords, RoomPasswords, Tokens};
use crate::budgets::auth::PASSWORDS_WAITING;
use crate::rooms::Registry;
use crate::store::{HistoryWriter, StateWriter, Store};

/// Whether people without an account come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestPolicy {
    /// By name alone.
    Admitted,
    /// Not at all.
    Refused,
}

/// Whether people make accounts themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationPolicy {
    /// Everyone can.
    Open,
    /// Only the command line can.
    Closed,
}

/// Whether sessions are held to their limits of speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimiting {
    /// As static/docs/protocol.md §5 says.
    On,
    /// For tests and load runs.
    Off,
}

/// What the operator decides about sessions.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Whether guests come in.
    pub guests: GuestPolicy,
    /// Whether accounts can be made.
    pub registration: RegistrationPolicy,
    /// Whether sessions are limited.
    pub rate_limiting: RateLimiting,
    /// How long a session without a socket is kept. Zero means that none is kept.
    pub kept_for: Duration,
    /// How many sessions without a socket are kept.
    pub most_kept: usize,
}

/// The parts that sessions need.
pub struct ServicesParts {
    /// The running rooms.
    pub registry: Registry,
    /// The database.
    pub store: Store,
    /// Writes attendance.
    pub history: HistoryWriter,
    /// Saves running meetings.
    pub states: StateWriter,
    /// Makes and checks log-in tokens.
    pub tokens: Tokens,
    /// Becomes true when the server goes down.
    pub stop: watch::Receiver<bool>,
}

/// What every session uses. Clones share it.
///
/// Only what opens or serves sessions holds the whole. Everything else takes the parts that it uses.
#[derive(Clone)]
pub struct Services {
    shared: Arc<Shared>,
}

struct Shared {
    /// What carries requests out in place of the handlers that need a database.
    #[cfg(test)]
    stand_in: std::sync::OnceLock<Arc<dyn super::stand_in::StandIn>>,
    accounts: Accounts,
    rooms: Rooms,
    policy: Policy,
    reading: Reading,
    kept: Kept,
    stop: watch::Receiver<bool>,
}

/// What logging in needs.
pub(super) struct Accounts {
    pub(super) store: Store,
    pub(super) passwords: Passwords,
    pub(super) tokens: Tokens,
    pub(super) attempts: Limits,
    pub(super) guests: GuestPolicy,
    pub(super) registration: RegistrationPolicy,
    pub(super) table: Table,
}

/// What finding, changing and entering rooms needs.
pub(super) struct Rooms {
    pub(super) store: Store,
    pub(super) registry: Registry,
    pub(super) history: HistoryWriter,
    pub(super) states: StateWriter,
    pub(super) passwords: RoomPasswords,
    pub(super) attempts: Limits,
    /// The rooms in which people try their connection.
    pub(super) checks: CheckRooms,
    /// The turn in which lists of rooms are made.
    pub(super) lists: Arc<Semaphore>,
}

impl Services {
    /// Shares `parts` among all sessions, and holds them to `policy`.
    pub fn new(parts: ServicesParts, policy: Policy) -> Self {
        let is_limited = policy.rate_limiting == RateLimiting::On;
        let attempts = match policy.rate_limiting {
            RateLimiting::On => Limits::default(),
            RateLimiting::Off => Limits::off(),
        };
        // Rooms' passwords have a lane of their own: setting many must not keep people from logging in.
        let room_passwords = Passwords::new(1, PASSWORDS_WAITING.size());
        let accounts = Accounts {
            store: parts.store.clone(),
            passwords: Passwords::default(),
            tokens: parts.tokens,
            attempts: attempts.clone(),
            guests: policy.guests,
            registration: policy.registration,
            table: Table::new(is_limited),
        };
        let rooms = Rooms {
            store: parts.store,
            registry: parts.registry,
            history: parts.history,
            states: parts.states,
            passwords: RoomPasswords::new(room_passwords),
            attempts,
            checks: CheckRooms::default(),
            lists: Arc::new(Semaphore::new(1)),
        };
        let shared = Shared {
            #[cfg(test)]
            stand_in: std::sync::OnceLock::new(),
            accounts,
            rooms,
            policy,
            reading: Reading::new(is_limited),
            kept: Kept::new(policy.most_kept, is_limited),
            stop: parts.stop,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// From now on `stand_in` is asked first.
    #[cfg(test)]
    pub(crate) fn set_stand_in(&self, stand_in: Arc<dyn super::stand_in::StandIn>) {
        assert!(self.shared.stand_in.set(stand_in).is_ok());
    }

    #[cfg(test)]
    pub(super) fn stand_in(&self) -> Option<&Arc<dyn super::stand_in::StandIn>> {
        self.shared.stand_in.get()
    }

    /// The sessions of this node.
    pub fn table(&self) -> &Table {
        &self.shared.accounts.table
    }

    /// The running rooms.
    pub fn registry(&self) -> &Registry {
        &self.shared.rooms.registry
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.shared.rooms.store
    }

    /// The writer of the attendance history.
    pub fn history(&self) -> &HistoryWriter {
        &self.shared.rooms.history
    }

    /// The writer that saves running meetings.
    pub fn states(&self) -> &StateWriter {
        &self.shared.rooms.states
    }

    /// How many runs of Argon2 have begun, for log-ins and for rooms: for tests.
    pub fn password_runs(&self) -> (usize, usize) {
        let Shared {
            accounts, rooms, ..
        } = &*self.shared;
        (accounts.passwords.runs(), rooms.passwords.runs())
    }

    /// The sessions without a socket.
    pub fn kept(&self) -> &Kept {
        &self.shared.kept
    }

    /// What each network has read, and whose turn it is.
    pub(crate) fn reading(&self) -> &Reading {
        &self.shared.reading
    }

    /// How long a session that lost its socket is kept.
    pub(super) fn kept_for(&self) -> Duration {
        self.shared.policy.kept_for
    }

    /// Whether sessions are held to their limits.
    pub fn is_rate_limited(&self) -> bool {
        self.shared.policy.rate_limiting == RateLimiting::On
    }

    pub(super) fn accounts(&self) -> &Accounts {
        &self.shared.accounts
    }

    pub(super) fn rooms(&self) -> &Rooms {
        &self.shared.rooms
    }

    /// Waits until the server goes down.
    pub(super) fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stop = self.shared.stop.clone();
        // A stop signal that can come no more is as good as one that never comes.
        async move {
            if stop.wait_for(|stop| *stop).await.is_err() {
                std::future::pending().await
            }
        }
    }
}

impl Accounts {
    /// The ways to log in, as `hello` tells them.
    pub(super) fn ways_in(&self) -> Vec<&'static str> {
        let mut ways = vec!["password"];
        if self.registration == RegistrationPolicy::Open {
            ways.push("register");
        }
        if self.guests == GuestPolicy::Admitted {
            ways.push("guest");
        }
        ways
    }
}
