//! What every session uses: made once, shared by all.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use super::checks::CheckRooms;
use super::directory::Directory;
use crate::auth::{Limits, Passwords, RoomPasswords, Tokens};
use crate::rooms::Registry;
use crate::store::{HistoryWriter, Store};

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
    /// As the contract says.
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
    /// Becomes true when the server goes down.
    pub stop: watch::Receiver<bool>,
}

/// What every session uses. Clones share it.
#[derive(Clone)]
pub struct Services {
    parts: Arc<ServicesParts>,
    directory: Directory,
    checks: CheckRooms,
    lists: Arc<Semaphore>,
}

impl Services {
    /// Shares `parts` among all sessions.
    pub fn new(parts: ServicesParts) -> Self {
        Self {
            parts: Arc::new(parts),
            directory: Directory::default(),
            checks: CheckRooms::default(),
            lists: Arc::new(Semaphore::new(1)),
        }
    }

    /// Who is logged in.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The rooms in which people try their connection.
    pub(super) fn checks(&self) -> &CheckRooms {
        &self.checks
    }

    /// The turn in which lists of rooms are made.
    pub(super) fn lists(&self) -> Arc<Semaphore> {
        Arc::clone(&self.lists)
    }

    /// Whether sessions are held to their limits.
    pub fn is_rate_limited(&self) -> bool {
        self.rate_limiting == RateLimiting::On
    }

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

    /// Waits until the server goes down.
    pub(super) fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stop = self.stop.clone();
        // A stop signal that can come no more is as good as one that never comes.
        async move {
            if stop.wait_for(|stop| *stop).await.is_err() {
                std::future::pending().await
            }
        }
    }
}

impl std::ops::Deref for Services {
    type Target = ServicesParts;
    fn deref(&self) -> &ServicesParts {
        &self.parts
    }
}
