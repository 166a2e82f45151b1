//! What a stranger may make the server spend: each budget with its bound and its reason, in one table.
//!
//! Owns the numbers and how they are counted down ([`Bucket`]); the module that spends a budget reads its amount here.
//! The table is a page for people as well ([`page`]), so that the documentation says what holds.

pub mod auth;
mod bucket;
pub mod http;
pub mod media;
pub mod page;
pub mod rooms;
pub mod store;
pub mod turn;
pub mod ws;

use std::time::Duration;

pub use bucket::{Bucket, Buckets};

/// Whose spending is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// One WebSocket session.
    Session,
    /// One network address of a client; an IPv6 client is its /64.
    Address,
    /// One account.
    Account,
    /// One room.
    Room,
    /// One link that lets people in.
    Link,
    /// One person in a meeting.
    Participant,
    /// Two people of one room, in one direction.
    Pair,
    /// One connection: of HTTP, or of WebRTC.
    Connection,
    /// One media thread.
    Thread,
    /// The whole process.
    Server,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things: connections, requests, rooms, entries.
    Count,
    /// Bytes, of memory or on the wire.
    Bytes,
    /// Milliseconds of one processor's time.
    CpuMs,
    /// Per cent of something that the reason names.
    Percent,
}

/// One bound on what somebody can cause.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// What is bounded, as the documentation names it: `http.connections`.
    pub name: &'static str,
    /// Whose spending is counted together.
    pub per: Per,
    /// How much may be spent; at once, or within `every`.
    pub most: u64,
    /// What `most` counts.
    pub unit: Unit,
    /// Within which time `most` comes back; `None` bounds what is held at one time.
    pub every: Option<Duration>,
    /// What happens past the bound, in one sentence.
    pub then: &'static str,
    /// Why there is this bound and why it is this large, in one sentence.
    pub reason: &'static str,
    /// The function of the test that spends more than this.
    pub test: &'static str,
}

impl Budget {
    /// [`Budget::most`] as a size or a count in memory.
    pub const fn size(&self) -> usize {
        // A bound larger than this machine can count to bounds nothing here.
        if self.most > usize::MAX as u64 {
            usize::MAX
        } else {
            self.most as usize
        }
    }

    /// The size that is kept to: a simulation lowers some, so that it reaches them.
    pub fn in_force(&self) -> usize {
        #[cfg(test)]
        if let Some(lowered) = lowered::find(self.name) {
            return lowered;
        }
        self.size()
    }
}

#[cfg(test)]
pub(crate) mod lowered {
    //! Budgets that are lower for a simulation, on its own thread.

    use std::cell::RefCell;

    thread_local! {
        static LOWERED: RefCell<Vec<(&'static str, usize)>> = const { RefCell::new(Vec::new()) };
    }

    /// From now on these budgets have these sizes, and all others are as they are.
    pub fn set(sizes: &[(&'static str, usize)]) {
        LOWERED.with_borrow_mut(|lowered| *lowered = sizes.to_vec());
    }

    pub(super) fn find(name: &str) -> Option<usize> {
        LOWERED.with_borrow(|lowered| {
            let size = lowered.iter().find(|(of, _)| *of == name);
            size.map(|(_, size)| *size)
        })
    }
}

/// All budgets, by the part of the server that keeps them.
pub fn all() -> impl Iterator<Item = &'static Budget> {
    [
        http::ALL,
        ws::ALL,
        auth::ALL,
        rooms::ALL,
        store::ALL,
        media::ALL,
        turn::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

#[cfg(test)]
mod tests;
