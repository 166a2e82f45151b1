//! The places for plain HTTP connections, and which connection makes room when all are taken.
//!
//! While there is room, one address may have as many as it likes: a school is one address. When all places are taken,
//! the network with the most connections loses the one that was idle for the longest. So a network with fewer
//! connections always gets in, and an address that hoards them pushes out only its own. If no network has more than
//! another, the many networks of one IPv6 site count together.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::heads::{Ambiguous, Heads};
use crate::budgets::http as budgets;
use crate::network::Network;

/// A connection that has moved a byte within this time is in use. It gives way only to a network that has far fewer
/// connections.
const AT_REST_MS: u64 = 1_000;

/// The places. Clones share them.
#[derive(Debug, Clone)]
pub struct Connections(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    begun: Instant,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    last: u64,
    open: HashMap<u64, (Network, Arc<Place>)>,
    held: HashMap<Network, usize>,
}

/// The state of one open connection.
#[derive(Debug)]
pub struct Place {
    begun: Instant,
    /// When the last byte was moved, in milliseconds since `begun`.
    moved_ms: AtomicU64,
    /// It was upgraded to a WebSocket, which has limits of its own.
    is_upgraded: AtomicBool,
    heads: Mutex<Heads>,
    /// How many requests came.
    asked: AtomicU64,
    asked_enough: Notify,
    ended: Notify,
}

/// A place for a connection. It is given back when dropped.
#[derive(Debug, Clone)]
pub struct Held {
    /// The state of the connection.
    pub place: Arc<Place>,
    back: Arc<GiveBack>,
}

#[derive(Debug)]
struct GiveBack {
    shared: Arc<Shared>,
    number: u64,
}

impl Default for Connections {
    fn default() -> Self {
        Self::new(budgets::CONNECTIONS.size())
    }
}

impl Connections {
    /// A table of `most` places.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Shared {
            most,
            begun: Instant::now(),
            table: Mutex::default(),
        }))
    }

    /// A place for a connection from `network`. None if all are taken and none can be freed.
    pub fn take(&self, network: Network) -> Option<Held> {
        let now_ms = self.now_ms();
        let mut table = self.0.table();
        if table.open.len() >= self.0.most && !table.make_room(Some(network), now_ms) {
            return None;
        }
        table.last += 1;
        let number = table.last;
        let place = Arc::new(Place {
            begun: self.0.begun,
            moved_ms: AtomicU64::new(now_ms),
            is_upgraded: AtomicBool::new(false),
            heads: Mutex::default(),
            asked: AtomicU64::new(0),
            asked_enough: Notify::new(),
            ended: Notify::new(),
        });
        table.open.insert(number, (network, Arc::clone(&place)));
        *table.held.entry(network).or_default() += 1;
        Some(Held {
            place,
            back: Arc::new(GiveBack {
                shared: Arc::clone(&self.0),
                number,
            }),
        })
    }

    /// Ends one idle connection to free its file descriptor.
    pub fn make_room(&self) {
        self.0.table().make_room(None, self.now_ms());
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.0.table().open.len()
    }

    fn now_ms(&self) -> u64 {
        millis_since(self.0.begun)
    }
}

impl Held {
    /// From now on the connection counts for `network`: behind a proxy, for the client of its last request.
    pub fn belongs_to(&self, network: Network) {
        self.back
            .shared
            .table()
            .hand_over(self.back.number, network);
    }
}

impl Place {
    /// A byte went through.
    pub fn moved(&self) {
        self.moved_ms
            .store(millis_since(self.begun), Ordering::Relaxed);
    }

    /// From here on it speaks WebSocket.
    pub fn upgraded(&self) {
        self.is_upgraded.store(true, Ordering::Relaxed);
    }

    /// Whether it speaks WebSocket.
    pub fn is_upgraded(&self) -> bool {
        self.is_upgraded.load(Ordering::Relaxed)
    }

    /// Reads received bytes.
    pub fn read(&self, bytes: &[u8]) {
        self.heads().read(bytes);
    }

    /// The verdict on the next request.
    pub fn judge(&self) -> Result<(), Ambiguous> {
        self.heads().next()
    }

    /// One more request came.
    pub fn ask(&self) {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        if asked == budgets::STREAMS_IN_ALL.most {
            self.asked_enough.notify_one();
        }
    }

    /// How many requests came.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Waits until the connection has made as many requests as one connection of HTTP/2 may.
    pub async fn asked_enough(&self) {
        self.asked_enough.notified().await;
    }

    /// Waits until another connection needs the place more.
    pub async fn ended(&self) {
        self.ended.notified().await;
    }

    fn heads(&self) -> std::sync::MutexGuard<'_, Heads> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// No panic can leave the table half changed.
    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Ends the connection that was idle for the longest, of the network with the most. Returns whether one was ended.
    fn make_room(&mut self, newcomer: Option<Network>, now_ms: u64) -> bool {
        let of_networks = self.longest_at_rest(&self.held, |network| network, newcomer, now_ms);
        let number = of_networks.or_else(|| {
            let mut sites = HashMap::new();
            for (network, held) in &self.held {
                *sites.entry(network.site()).or_default() += held;
            }
            self.longest_at_rest(&sites, Network::site, newcomer, now_ms)
        });
        let Some(number) = number else { return false };
        if let Some((_, place)) = self.open.get(&number) {
            place.ended.notify_one();
        }
        self.remove(number);
        true
    }

    /// Finds the connection that makes room. `whose` names the group that a connection counts for.
    fn longest_at_rest(
        &self,
        held: &HashMap<Network, usize>,
        whose: fn(Network) -> Network,
        newcomer: Option<Network>,
        now_ms: u64,
    ) -> Option<u64> {
        let most = held.values().copied().max()?;
        let held_by = |network: Network| held.get(&whose(network)).copied().unwrap_or(0);
        let moved = |place: &Arc<Place>| place.moved_ms.load(Ordering::Relaxed);
        let of_holders = self
            .open
            .iter()
            .filter(|(_, (network, _))| held_by(*network) == most);
        let (number, (_, place)) = of_holders.min_by_key(|(_, (_, place))| moved(place))?;
        let own = newcomer.map_or(most, held_by);
        let is_at_rest = now_ms.saturating_sub(moved(place)) >= AT_REST_MS;
        (is_at_rest || most > own + 1).then_some(*number)
    }

    fn remove(&mut self, number: u64) {
        if let Some((network, _)) = self.open.remove(&number) {
            self.let_go(network);
        }
    }

    fn let_go(&mut self, network: Network) {
        if let Some(held) = self.held.get_mut(&network) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&network);
            }
        }
    }

    fn hand_over(&mut self, number: u64, network: Network) {
        let Some((holder, _)) = self.open.get_mut(&number) else {
            return;
        };
        let before = std::mem::replace(holder, network);
        if before != network {
            self.let_go(before);
            *self.held.entry(network).or_default() += 1;
        }
    }
}

impl Drop for GiveBack {
    fn drop(&mut self) {
        self.shared.table().remove(self.number);
    }
}

fn millis_since(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn network(number: u8) -> Network {
        Network::of(std::net::Ipv4Addr::new(192, 0, 2, number).into())
    }

    fn is_ended(held: &Held) -> bool {
        held.place.ended().now_or_never().is_some()
    }

    /// Places whose clock started a while ago.
    fn places(most: usize) -> Connections {
        let begun = Instant::now()
            .checked_sub(std::time::Duration::from_secs(1_000))
            .unwrap();
        Connections(Arc::new(Shared {
            most,
            begun,
            table: Mutex::default(),
        }))
    }

    fn rest(held: &Held, seconds: u64) {
        let now = millis_since(held.place.begun);
        held.place
            .moved_ms
            .store(now - seconds * 1_000, Ordering::Relaxed);
    }

    #[test]
    fn when_all_places_are_taken_the_longest_at_rest_of_the_largest_holder_makes_room() {
        let connections = places(4);
        let own = connections.take(network(2)).unwrap();
        rest(&own, 100);
        let hoard = [5, 9, 7].map(|seconds| {
            let held = connections.take(network(1)).unwrap();
            rest(&held, seconds);
            held
        });
        let newcomer = connections.take(network(3)).unwrap();
        assert_eq!(hoard.each_ref().map(is_ended), [false, true, false]);
        assert!(!is_ended(&own) && !is_ended(&newcomer));
        assert_eq!(connections.open(), 4);
        drop(hoard);
        assert_eq!(
            connections.open(),
            2,
            "what was ended is not given back twice"
        );
    }

    #[test]
    fn a_hoarder_gives_way_even_while_its_connections_are_in_use_and_pushes_out_only_its_own() {
        let connections = places(3);
        let hoard = [1, 1, 1].map(|number| connections.take(network(number)).unwrap());
        assert!(connections.take(network(1)).is_none(), "all are in use");
        assert!(connections.take(network(2)).is_some());
        assert_eq!(hoard.iter().filter(|held| is_ended(held)).count(), 1);
        let again = connections.take(network(1)).unwrap();
        rest(&again, 2);
        assert!(connections.take(network(1)).is_some());
        assert!(is_ended(&again));
    }

    #[test]
    fn among_equals_only_what_is_at_rest_makes_room() {
        let connections = places(2);
        let [one, other] = [1, 2].map(|number| connections.take(network(number)).unwrap());
        assert!(connections.take(network(3)).is_none());
        rest(&other, 2);
        assert!(connections.take(network(3)).is_some());
        assert!(is_ended(&other) && !is_ended(&one));
    }

    #[test]
    fn a_household_with_many_networks_gives_way_like_one_with_many_connections() {
        let of = |raw: &str| Network::of(raw.parse().unwrap());
        let connections = places(3);
        let hoard = ["2001:db8:1:1::1", "2001:db8:1:2::1", "2001:db8:1:3::1"]
            .map(|address| connections.take(of(address)).unwrap());
        let another = connections.take(of("2001:db8:1:4::1"));
        assert!(another.is_none(), "all are in use");
        assert!(connections.take(network(2)).is_some());
        assert_eq!(hoard.iter().filter(|held| is_ended(held)).count(), 1);
    }

    #[test]
    fn behind_a_proxy_a_connection_counts_for_its_client() {
        let connections = places(3);
        let [first, second, third] =
            [9, 9, 9].map(|proxy| connections.take(network(proxy)).unwrap());
        first.belongs_to(network(1));
        second.belongs_to(network(1));
        third.belongs_to(network(2));
        for held in [&first, &second, &third] {
            rest(held, 5);
        }
        rest(&third, 50);
        assert!(connections.take(network(9)).is_some());
        assert!(!is_ended(&third), "the client with most gives way");
        drop((first, second, third));
        assert!(connections.0.table().held.is_empty());
    }
}
