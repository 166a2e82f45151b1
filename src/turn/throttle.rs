//! Limits the answers to unauthenticated clients, in a table of fixed size, because addresses can be forged.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;

use tokio::time::Instant;

use crate::budgets::Bucket;
use crate::budgets::turn::{UNPROVEN, UNPROVEN_BURST};
use crate::network::Network;

/// Networks with the same hash share a bucket. Nobody can cause that on purpose, because the hash is keyed.
const BUCKETS: usize = 1_024;

/// The buckets of all networks.
pub(super) struct Throttle {
    hashes: RandomState,
    buckets: Vec<Bucket>,
}

impl Throttle {
    /// Nobody has asked yet.
    pub fn new(now: Instant) -> Self {
        Self {
            hashes: RandomState::new(),
            buckets: vec![Bucket::new(&UNPROVEN_BURST, &UNPROVEN, now); BUCKETS],
        }
    }

    /// Whether this address may still be answered.
    pub fn allows(&mut self, address: IpAddr, now: Instant) -> bool {
        let hash = self.hashes.hash_one(Network::of(address));
        let at = hash as usize % BUCKETS;
        let bucket = self.buckets.get_mut(at);
        bucket.is_some_and(|bucket| bucket.spend(1, now).is_ok())
    }
}
