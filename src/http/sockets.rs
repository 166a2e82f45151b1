//! Counts and limits the open WebSockets, in total and per client.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::peer::PeerInfo;
use crate::budgets::http as budgets;
use crate::network::Network;

/// How many sockets may be open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketLimits {
    /// The total. Each socket costs memory, so this limit always applies.
    pub total: usize,
    /// How they are shared out.
    pub sharing: Sharing,
}

/// How many of the sockets one client, [`PeerInfo::network`], may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// A client may open one more while its share of what the others leave is below the budget. So a single client gets
    /// half of all. The fuller the server, the smaller the share, and the rest stays free for clients without a socket
    /// (dynamic thresholds: Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998).
    Fair,
    /// No limit per client: when rate limits are off.
    Unlimited,
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self {
            total: budgets::SOCKETS.size(),
            sharing: Sharing::Fair,
        }
    }
}

/// Why a further socket is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SocketRefusal {
    /// The server is full.
    #[error("too many sockets are open on this server")]
    Total,
    /// This client has its share.
    #[error("too many sockets are open from this address")]
    Client,
}

/// The count of open sockets. Clones share it.
#[derive(Debug, Clone)]
pub struct Sockets(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: SocketLimits,
    held: Mutex<Held>,
    total: watch::Sender<usize>,
}

/// The open sockets, by client.
#[derive(Debug, Default)]
struct Held {
    networks: HashMap<Network, usize>,
    /// By site: otherwise each of the many IPv6 networks of a household would have a share.
    sites: HashMap<Network, usize>,
}

/// The place of one open socket in the count. It is given back when dropped.
#[derive(Debug)]
pub struct SocketPermit {
    shared: Arc<Shared>,
    network: Network,
}

impl Sockets {
    /// No socket is open yet.
    pub fn new(limits: SocketLimits) -> Self {
        Self(Arc::new(Shared {
            limits,
            held: Mutex::default(),
            total: watch::Sender::new(0),
        }))
    }

    /// Takes a place for one more socket.
    pub fn try_admit(&self, peer: PeerInfo) -> Result<SocketPermit, SocketRefusal> {
        let network = peer.network();
        let mut held = self.0.lock();
        let (limits, open) = (self.0.limits, *self.0.total.borrow());
        if open >= limits.total {
            return Err(SocketRefusal::Total);
        }
        let has_its_share = |held: usize| held >= share(held + limits.total - open);
        let (of_network, of_site) = held.of(network);
        let is_fair = limits.sharing == Sharing::Fair;
        if is_fair && (has_its_share(of_network) || has_its_share(of_site)) {
            return Err(SocketRefusal::Client);
        }
        *held.networks.entry(network).or_default() += 1;
        *held.sites.entry(network.site()).or_default() += 1;
        self.0.total.send_modify(|total| *total += 1);
        Ok(SocketPermit {
            shared: Arc::clone(&self.0),
            network,
        })
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        *self.0.total.borrow()
    }

    /// Waits until all are closed.
    pub async fn drained(&self) {
        let mut total = self.0.total.subscribe();
        // The sender lives as long as `self`, so this cannot fail.
        let _ = total.wait_for(|open| *open == 0).await;
    }
}

/// How many sockets one client may hold if the others leave so many.
fn share(left: usize) -> usize {
    (left * budgets::SOCKETS_OF_ADDRESS.size()).div_ceil(100)
}

impl Shared {
    /// No panic can leave the counts half changed.
    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// The counts of the network and of its site.
    fn of(&self, network: Network) -> (usize, usize) {
        let networks = self.networks.get(&network).copied();
        let sites = self.sites.get(&network.site()).copied();
        (networks.unwrap_or(0), sites.unwrap_or(0))
    }
}

fn give_back(counts: &mut HashMap<Network, usize>, whose: Network) {
    if let Some(count) = counts.get_mut(&whose) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&whose);
        }
    }
}

impl Drop for SocketPermit {
    fn drop(&mut self) {
        let mut held = self.shared.lock();
        give_back(&mut held.networks, self.network);
        give_back(&mut held.sites, self.network.site());
        self.shared.total.send_modify(|total| *total -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(raw: &str) -> PeerInfo {
        PeerInfo {
            address: raw.parse().unwrap(),
        }
    }

    fn fair(total: usize) -> Sockets {
        let sharing = Sharing::Fair;
        Sockets::new(SocketLimits { total, sharing })
    }

    /// As many sockets as one client gets.
    fn greedy(sockets: &Sockets, address: &str) -> Vec<SocketPermit> {
        let admitted = std::iter::from_fn(|| sockets.try_admit(peer(address)).ok());
        admitted.collect()
    }

    #[test]
    fn a_client_has_its_share_and_the_server_its_limit() {
        let sockets = fair(3);
        let first = sockets.try_admit(peer("192.0.2.1")).unwrap();
        let _second = sockets.try_admit(peer("192.0.2.1")).unwrap();
        assert_eq!(
            sockets.try_admit(peer("192.0.2.1")).err(),
            Some(SocketRefusal::Client)
        );
        let _third = sockets.try_admit(peer("192.0.2.2")).unwrap();
        assert_eq!(
            sockets.try_admit(peer("192.0.2.3")).err(),
            Some(SocketRefusal::Total)
        );
        drop(first);
        assert_eq!(sockets.open(), 2);
        assert!(sockets.try_admit(peer("192.0.2.3")).is_ok());
    }

    #[test]
    fn a_share_is_large_while_the_server_is_empty_and_shrinks_as_it_fills() {
        let sockets = Sockets::new(SocketLimits::default());
        let school = greedy(&sockets, "192.0.2.1");
        assert_eq!(school.len(), 2_500);
        let others: Vec<_> = (2..6)
            .map(|number| greedy(&sockets, &format!("192.0.2.{number}")))
            .collect();
        let held: Vec<usize> = others.iter().map(Vec::len).collect();
        assert_eq!(held, [1_250, 625, 313, 156]);
        assert!(
            sockets.try_admit(peer("192.0.2.9")).is_ok(),
            "there is a place"
        );
        drop(school);
        assert!(greedy(&sockets, "192.0.2.5").len() > 1_000);
    }

    #[test]
    fn without_rate_limits_one_client_may_have_all() {
        let sockets = Sockets::new(SocketLimits {
            total: 30,
            sharing: Sharing::Unlimited,
        });
        assert_eq!(greedy(&sockets, "192.0.2.1").len(), 30);
    }

    #[test]
    fn neighbours_in_an_ipv6_network_share_one_share() {
        let sockets = fair(2);
        let _one = sockets.try_admit(peer("2001:db8::1")).unwrap();
        assert_eq!(
            sockets.try_admit(peer("2001:db8::2")).err(),
            Some(SocketRefusal::Client)
        );
    }

    #[test]
    fn a_household_with_many_networks_has_one_share_and_leaves_a_place() {
        let sockets = fair(100);
        let household: Vec<_> = (0..256)
            .flat_map(|number| greedy(&sockets, &format!("2001:db8:1:{number:x}::1")))
            .collect();
        assert_eq!(household.len(), 50);
        assert!(sockets.try_admit(peer("2001:db8:2::1")).is_ok());
        assert!(sockets.try_admit(peer("192.0.2.1")).is_ok());
    }

    #[tokio::test]
    async fn draining_ends_with_the_last_socket() {
        let sockets = Sockets::new(SocketLimits::default());
        let permit = sockets.try_admit(peer("192.0.2.1")).unwrap();
        let waiting = tokio::spawn({
            let sockets = sockets.clone();
            async move { sockets.drained().await }
        });
        drop(permit);
        waiting.await.unwrap();
        let held = sockets.0.lock();
        assert!(held.networks.is_empty() && held.sites.is_empty());
    }
}
