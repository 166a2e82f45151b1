//! What every session uses: made once, shared by all, and given to each handler in the part that it needs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use super::checks::CheckRooms;
use super::kept::Kept;
use super::reading::Reading;
use super::table::Table;
use crate::auth::{Limits, Passwords, RoomPasswords, Tokens};
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

/// What [`Services`] are made of.
pub struct ServicesParts {
    /// The running rooms.
    pub registry: Registry,
    /// What lasts.
    pub store: Store,
    /// Who was where.
    pub history: HistoryWriter,
    /// How the meetings are.
    pub states: StateWriter,
    /// Hashing of accounts' passwords, capped.
    pub passwords: Passwords,
    /// The same for rooms' passwords, in a lane of their own: setting many must not keep people from logging in.
    pub room_passwords: RoomPasswords,
    /// Logins.
    pub tokens: Tokens,
    /// Attempts at passwords, numbers and names.
    pub attempts: Limits,
    /// Whether guests come in.
    pub guests: GuestPolicy,
    /// Whether accounts can be made.
    pub registration: RegistrationPolicy,
    /// Whether sessions are limited.
    pub rate_limiting: RateLimiting,
    /// How long a session is kept whose socket is lost; it is not where this is nothing.
    pub kept_for: Duration,
    /// How many are kept.
    pub most_kept: usize,
    /// Becomes true when the server goes down.
    pub stop: watch::Receiver<bool>,
}

/// What every session uses. Clones share it.
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
    rate_limiting: RateLimiting,
    reading: Reading,
    kept_for: Duration,
    kept: Kept,
    stop: watch::Receiver<bool>,
}

/// What it takes to say who somebody is.
pub(super) struct Accounts {
    pub(super) store: Store,
    pub(super) passwords: Passwords,
    pub(super) tokens: Tokens,
    pub(super) attempts: Limits,
    pub(super) guests: GuestPolicy,
    pub(super) registration: RegistrationPolicy,
    pub(super) table: Table,
}

/// What it takes to find rooms, to change them and to come into them.
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
    /// Shares `parts` among all sessions.
    pub fn new(parts: ServicesParts) -> Self {
        let accounts = Accounts {
            store: parts.store.clone(),
            passwords: parts.passwords,
            tokens: parts.tokens,
            attempts: parts.attempts.clone(),
            guests: parts.guests,
            registration: parts.registration,
            table: Table::new(parts.rate_limiting == RateLimiting::On),
        };
        let rooms = Rooms {
            store: parts.store,
            registry: parts.registry,
            history: parts.history,
            states: parts.states,
            passwords: parts.room_passwords,
            attempts: parts.attempts,
            checks: CheckRooms::default(),
            lists: Arc::new(Semaphore::new(1)),
        };
        let shared = Shared {
            #[cfg(test)]
            stand_in: std::sync::OnceLock::new(),
            accounts,
            rooms,
            rate_limiting: parts.rate_limiting,
            reading: Reading::new(parts.rate_limiting == RateLimiting::On),
            kept_for: parts.kept_for,
            kept: Kept::new(parts.most_kept, parts.rate_limiting == RateLimiting::On),
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

    /// What lasts.
    pub fn store(&self) -> &Store {
        &self.shared.rooms.store
    }

    /// Who was where.
    pub fn history(&self) -> &HistoryWriter {
        &self.shared.rooms.history
    }

    /// How the meetings are.
    pub fn states(&self) -> &StateWriter {
        &self.shared.rooms.states
    }

    /// The sessions without a socket.
    pub fn kept(&self) -> &Kept {
        &self.shared.kept
    }

    /// What each network has read, and whose turn it is.
    pub(crate) fn reading(&self) -> &Reading {
        &self.shared.reading
    }

    /// How long a session is kept whose socket is lost.
    pub(super) fn kept_for(&self) -> Duration {
        self.shared.kept_for
    }

    /// Whether sessions are held to their limits.
    pub fn is_rate_limited(&self) -> bool {
        self.shared.rate_limiting == RateLimiting::On
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
    /// How one may come in, as `hello` tells it.
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
