//! The relay as its users share it: one lock around the rules, and the ways out.
//!
//! Nothing here waits. A datagram that finds no room is dropped, as in a full network.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::server::{Client, Credentials, Now, Outcome, Reach, Server, ToMedia, Wrapped};
use crate::budgets::turn::UNREAD;

/// How often expired state is freed.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// A message for one of the media threads.
#[derive(Debug, PartialEq, Eq)]
pub enum Parcel {
    /// Media handles this like a received datagram.
    Media {
        /// By whose allocation.
        allocation: u64,
        /// The address of ours that it is for.
        local: SocketAddr,
        /// The relayed address: its source.
        remote: SocketAddr,
        /// The datagram.
        payload: Vec<u8>,
    },
    /// A client gets this as a datagram.
    Client {
        /// From this address of ours.
        local: SocketAddr,
        /// The client's address.
        remote: SocketAddr,
        /// The datagram.
        message: Vec<u8>,
    },
}

/// The server's media port.
pub trait Port: Send + Sync {
    /// Takes a message, or drops it if there is no room.
    fn post(&self, parcel: Parcel);
}

/// The relay. It works once it is connected to media.
pub struct Relay {
    rules: Mutex<Rules>,
    port: OnceLock<Box<dyn Port>>,
    streams: Mutex<HashMap<u64, mpsc::Sender<Vec<u8>>>>,
    next_stream: AtomicU64,
    next_room: AtomicU64,
}

struct Rules {
    server: Server,
    next_sweep: Instant,
}

/// The place of a stream at the relay. When it is dropped, the allocation of its client is freed.
pub(super) struct Stream {
    pub relay: Arc<Relay>,
    pub client: Client,
    id: u64,
}

/// No panic can leave the state under these locks half changed.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Now {
    /// The time, which the caller has read from the clock already.
    pub fn at(instant: std::time::Instant) -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            instant: Instant::from_std(instant),
            unix: unix.unwrap_or_default().as_secs(),
        }
    }

    /// This moment.
    pub fn read() -> Self {
        let instant = Instant::now();
        Self {
            instant,
            ..Self::at(instant.into_std())
        }
    }
}

impl Default for Relay {
    fn default() -> Self {
        Self::new()
    }
}

impl Relay {
    /// With a new secret. Credentials of another relay are worthless here.
    pub fn new() -> Self {
        let now = Instant::now();
        let rules = Rules {
            server: Server::new(rand::random(), now),
            next_sweep: now + SWEEP_EVERY,
        };
        Self {
            rules: Mutex::new(rules),
            port: OnceLock::new(),
            streams: Mutex::default(),
            next_stream: AtomicU64::new(1),
            next_room: AtomicU64::new(1),
        }
    }

    /// Connects media: its port and its addresses. Called once.
    pub fn connect(&self, port: Box<dyn Port>, addresses: Vec<SocketAddr>) {
        if self.port.set(port).is_err() {
            tracing::error!("the relay was connected twice: this is a fault in the server");
        }
        self.set_media(addresses);
    }

    /// From now on clients reach media at these addresses.
    pub fn set_media(&self, addresses: Vec<SocketAddr>) {
        locked(&self.rules).server.set_media(addresses);
    }

    /// Where clients reach media.
    pub fn media(&self) -> Vec<SocketAddr> {
        locked(&self.rules).server.media().to_vec()
    }

    /// Takes a whole message of a client.
    pub fn handle(&self, client: Client, message: &[u8], now: Now) -> Outcome {
        let mut rules = locked(&self.rules);
        if now.instant >= rules.next_sweep {
            rules.next_sweep = now.instant + SWEEP_EVERY;
            rules.server.sweep(now.instant);
        }
        rules.server.handle(client, message, now)
    }

    /// Wraps a datagram from media to a relayed address for its client. None if it is not permitted.
    pub fn wrap(
        &self,
        allocation: u64,
        local: SocketAddr,
        payload: &[u8],
        now: Now,
    ) -> Option<Wrapped> {
        let mut rules = locked(&self.rules);
        rules.server.wrap(allocation, local, payload, now)
    }

    /// Hands a part of a message to media.
    pub fn post_media(&self, to: &ToMedia, message: &[u8]) {
        if let Some(payload) = message.get(to.payload.clone()) {
            self.post(Parcel::Media {
                allocation: to.allocation,
                local: to.local,
                remote: to.remote,
                payload: payload.to_vec(),
            });
        }
    }

    /// Sends a message to its client.
    pub fn deliver(&self, wrapped: Wrapped) {
        match wrapped.client {
            Client::Udp { local, remote } => {
                let message = wrapped.bytes;
                self.post(Parcel::Client {
                    local,
                    remote,
                    message,
                });
            }
            Client::Stream { id, .. } => {
                let streams = locked(&self.streams);
                if let Some(stream) = streams.get(&id) {
                    // A client that reads too slowly loses datagrams.
                    let _ = stream.try_send(wrapped.bytes);
                }
            }
        }
    }

    fn post(&self, parcel: Parcel) {
        if let Some(port) = self.port.get() {
            port.post(parcel);
        }
    }

    /// How many allocations there are.
    pub fn allocations(&self) -> usize {
        locked(&self.rules).server.allocations()
    }

    /// Whether a client has an allocation.
    pub(super) fn serves(&self, client: Client, now: Instant) -> bool {
        locked(&self.rules).server.serves(client, now)
    }

    /// A place for a stream from `remote`, and the receiver of what is sent to it.
    pub(super) fn open_stream(
        self: &Arc<Self>,
        remote: SocketAddr,
    ) -> (Stream, mpsc::Receiver<Vec<u8>>) {
        let id = self.next_stream.fetch_add(1, Ordering::Relaxed);
        let (sender, queue) = mpsc::channel(UNREAD.size());
        locked(&self.streams).insert(id, sender);
        let stream = Stream {
            relay: Arc::clone(self),
            client: Client::Stream { id, remote },
            id,
        };
        (stream, queue)
    }

    /// A unique number for a room.
    pub(super) fn new_room(&self) -> u64 {
        self.next_room.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn admit(&self, participant: &str, room: u64, reach: Reach) {
        let mut rules = locked(&self.rules);
        rules.server.admit(participant, room, reach, Instant::now());
    }

    pub(super) fn dismiss(&self, participant: &str) {
        locked(&self.rules).server.dismiss(participant);
    }

    pub(super) fn close(&self, room: u64) {
        locked(&self.rules).server.close(room);
    }

    pub(super) fn credentials(&self, participant: &str, unix: u64) -> Credentials {
        locked(&self.rules).server.credentials(participant, unix)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        locked(&self.relay.streams).remove(&self.id);
        locked(&self.relay.rules).server.stream_ended(self.client);
    }
}
