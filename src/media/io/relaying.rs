//! A worker's part in the relay: what comes to its sockets for the relay, and what leaves by them for the relay's
//! clients. What is for the media of another thread is handed on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Instant;

use mio::Waker;

use crate::budgets::turn::PARCELS;
use crate::media::io::shard::State;
use crate::media::io::sharing::{self, Sharing};
use crate::media::peer::arena::Arena;
use crate::media::peer::path::{Path, may_be_peer};
use crate::turn::{Client, Now, Outcome, Parcel, Relay, Wrapped};

/// Parcels taken before the sockets are looked at again.
const PARCELS_PER_TURN: usize = 256;

/// The relay, as one worker sees it.
pub(in crate::media) struct Relaying {
    relay: Arc<Relay>,
    parcels: Receiver<Parcel>,
    /// What is to be sent to the relay's clients by this worker's sockets.
    pub out: Arena,
}

/// Where the relay's streams leave what is for this worker.
pub(in crate::media) struct Letterbox {
    parcels: SyncSender<Parcel>,
    waker: Arc<Waker>,
}

impl Letterbox {
    /// Leaves something there, or drops it where there is no place.
    pub fn post(&self, parcel: Parcel) {
        if self.parcels.try_send(parcel).is_ok() {
            // It fails only when the worker is gone, and then nobody is to be woken.
            let _ = self.waker.wake();
        }
    }
}

impl Relaying {
    /// A worker's part, and where others reach it.
    pub fn new(relay: Arc<Relay>, waker: Arc<Waker>) -> (Self, Letterbox) {
        let (sender, parcels) = sync_channel(PARCELS.size());
        let relaying = Self {
            relay,
            parcels,
            out: Arena::default(),
        };
        let letterbox = Letterbox {
            parcels: sender,
            waker,
        };
        (relaying, letterbox)
    }

    /// Takes a datagram of a client.
    pub fn take(
        &mut self,
        state: &mut State,
        sharing: Option<&mut Sharing>,
        path: Path,
        datagram: &mut [u8],
        (arrived, now): (Instant, Instant),
    ) {
        if !may_be_peer(path.remote()) {
            return;
        }
        let client = Client::Udp {
            local: path.local(),
            remote: path.remote(),
        };
        match self.relay.handle(client, datagram, Now::at(now)) {
            Outcome::Nothing => {}
            Outcome::Answer(bytes) => {
                self.out.push(path, |out| out.extend_from_slice(&bytes));
            }
            Outcome::Media(to) => {
                let through = Path::Relayed {
                    allocation: to.allocation,
                    local: to.local,
                    remote: to.remote,
                };
                if let Some(payload) = datagram.get_mut(to.payload) {
                    sharing::handle(state, sharing, through, payload, (arrived, now));
                }
            }
            Outcome::Other(wrapped) => self.deliver(wrapped),
        }
    }

    /// Wraps what media sends through the relay.
    pub fn wrap(&mut self, allocation: u64, local: SocketAddr, payload: &[u8], now: Instant) {
        let wrapped = self.relay.wrap(allocation, local, payload, Now::at(now));
        if let Some(wrapped) = wrapped {
            self.deliver(wrapped);
        }
    }

    /// Takes what the streams have left; whether there was something, and whether there may be more.
    pub fn take_parcels(&mut self, state: &mut State, now: Instant) -> (bool, bool) {
        for count in 0..PARCELS_PER_TURN {
            match self.parcels.try_recv() {
                Ok(Parcel::Media {
                    allocation,
                    local,
                    remote,
                    mut payload,
                }) => {
                    let through = Path::Relayed {
                        allocation,
                        local,
                        remote,
                    };
                    state.handle_datagram(through, &mut payload, now, now);
                }
                Ok(Parcel::Client {
                    local,
                    remote,
                    message,
                }) => self.out.push(Path::udp(local, remote), |out| {
                    out.extend_from_slice(&message);
                }),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return (count > 0, false),
            }
        }
        (true, true)
    }

    /// How many parcels wait; they are gone then.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.parcels.try_iter().count()
    }

    fn deliver(&mut self, wrapped: Wrapped) {
        match wrapped.client {
            // All workers send from the same port.
            Client::Udp { local, remote } => {
                self.out.push(Path::udp(local, remote), |out| {
                    out.extend_from_slice(&wrapped.bytes);
                });
            }
            Client::Stream { .. } => self.relay.deliver(wrapped),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use mio::{Poll, Token};

    use super::*;
    use crate::media::peer::reach::Reach;

    #[test]
    fn what_a_busy_thread_does_not_take_is_dropped() {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let (mut relaying, letterbox) = Relaying::new(Arc::new(Relay::new()), waker);
        let to = SocketAddr::from(([192, 0, 2, 1], 20_000));
        let most = PARCELS.size() as u32;
        for number in 0..most + 10 {
            letterbox.post(Parcel::Client {
                local: to,
                remote: to,
                message: number.to_be_bytes().to_vec(),
            });
        }
        let now = Instant::now();
        let mut state = State::new(Reach::new(0, &[], 0, &[]), now, SystemTime::now());
        while relaying.take_parcels(&mut state, now).1 {}
        let taken = relaying.out.iter().map(|(_, bytes)| bytes.to_vec());
        let expected = (0..most).map(|number| number.to_be_bytes().to_vec());
        assert!(taken.eq(expected));
    }
}
