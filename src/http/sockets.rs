//! How many WebSockets are open, in all and per client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::peer::PeerInfo;

/// How many sockets may be open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketLimits {
    /// In all. Each costs memory, so that this limit always holds.
    pub total: usize,
    /// Per client, [`PeerInfo::network`]; none when rate limits are off.
    pub per_client: Option<usize>,
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self {
            total: 5_000,
            per_client: Some(200),
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
    per_client: Mutex<HashMap<IpAddr, usize>>,
    total: watch::Sender<usize>,
}

/// One open socket's place in the count; given back when dropped.
#[derive(Debug)]
pub struct SocketPermit {
    shared: Arc<Shared>,
    network: IpAddr,
}

impl Sockets {
    /// No socket is open yet.
    pub fn new(limits: SocketLimits) -> Self {
        Self(Arc::new(Shared {
            limits,
            per_client: Mutex::default(),
            total: watch::Sender::new(0),
        }))
    }

    /// Takes a place for one more socket.
    pub fn try_admit(&self, peer: PeerInfo) -> Result<SocketPermit, SocketRefusal> {
        let network = peer.network();
        let mut per_client = self.0.lock();
        if *self.0.total.borrow() >= self.0.limits.total {
            return Err(SocketRefusal::Total);
        }
        let count = per_client.entry(network).or_default();
        // A client at its limit has other entries in the map, so nothing empty is left behind.
        if self
            .0
            .limits
            .per_client
            .is_some_and(|limit| *count >= limit)
        {
            return Err(SocketRefusal::Client);
        }
        *count += 1;
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

    /// Waits until none is open any more.
    pub async fn drained(&self) {
        let mut total = self.0.total.subscribe();
        // The sender lives as long as `self`, so waiting can only end in success.
        let _ = total.wait_for(|open| *open == 0).await;
    }
}

impl Shared {
    /// Counting cannot fail half-way, so what a panicked thread left is sound.
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.per_client
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SocketPermit {
    fn drop(&mut self) {
        let mut per_client = self.shared.lock();
        if let Some(count) = per_client.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                per_client.remove(&self.network);
            }
        }
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

    #[test]
    fn a_client_has_its_share_and_the_server_its_limit() {
        let sockets = Sockets::new(SocketLimits {
            total: 3,
            per_client: Some(2),
        });
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
        assert!(sockets.try_admit(peer("192.0.2.1")).is_ok());
    }

    #[test]
    fn neighbours_in_an_ipv6_network_share_one_share() {
        let sockets = Sockets::new(SocketLimits {
            total: 9,
            per_client: Some(1),
        });
        let _one = sockets.try_admit(peer("2001:db8::1")).unwrap();
        assert_eq!(
            sockets.try_admit(peer("2001:db8::2")).err(),
            Some(SocketRefusal::Client)
        );
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
        assert!(sockets.0.lock().is_empty());
    }
}
