//! The handles by which the rest of the server talks to the media workers.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{oneshot, watch};

#[cfg(test)]
use crate::media::io::shard::Fault;
use crate::media::io::shard::{Input, Opening};
use crate::media::io::sharing::{Doors, Exchange};
use crate::media::io::socket::bind_all;
use crate::media::io::tcp::Entries;
use crate::media::io::worker::{Outfit, Sending, Worker};
use crate::media::peer::cost::packet_cost;
use crate::media::room::request::{Reply, Request};
use crate::media::seats::{Seats, seats_of_thread};
use crate::media::{Census, EventSink, MediaConfig, MediaError, MediaIp, MediaStartError};
use crate::meeting::media::MediaCommand;
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::{IceCandidate, Leg, Source, SourceMid};
use crate::protocol::request::{DownOffer, Published, Tile};
use crate::turn::Relay;

/// How long a request, or a worker's end, is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a health check waits for a worker.
const HEALTH_PATIENCE: Duration = Duration::from_secs(1);

/// A handle to all media workers. They end when the last handle, of rooms too, is dropped.
#[derive(Clone)]
pub struct Media {
    shared: Arc<Shared>,
}

struct Shared {
    workers: Vec<Arc<PinnedWorker>>,
    /// Where streams come in.
    entries: Arc<Entries>,
    next_room: AtomicU64,
    /// What it took to seal and send a packet at the start.
    packet: Duration,
    /// Becomes true when a worker cannot go on.
    given_up: watch::Receiver<bool>,
    /// Leads clients here that get through in no other way.
    relay: Option<Arc<Relay>>,
}

/// A worker and how many rooms are pinned to it.
struct PinnedWorker {
    worker: Worker,
    rooms: AtomicUsize,
}

/// The answer to an up offer.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishAnswer {
    /// What the client gets.
    pub answer: Published,
    /// The sources that were negotiated, each with the name of the encoding that it will use as far as the
    /// offer tells; `MediaEvent::Format` says what really arrives.
    pub sources: Vec<(Source, Option<String>)>,
}

/// A handle to one room's media. When the last one is dropped the room is freed, `Close` or not.
#[derive(Clone)]
pub struct RoomMedia {
    media: Media,
    /// Shared by all clones, so that they follow when the room's media begins anew.
    hold: Arc<Mutex<Arc<Hold>>>,
}

/// What keeps a room at its worker alive.
struct Hold {
    room: u64,
    worker: Arc<PinnedWorker>,
    /// How often the room's media failed before.
    generation: u64,
    /// The worker watches it: gone means the room is to be freed.
    _alive: Arc<()>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.worker.rooms.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Media {
    /// Binds the sockets and starts the workers.
    ///
    /// # Errors
    /// A sentence for the operator who starts the server: no usable address, a port in use.
    pub fn start(config: MediaConfig) -> Result<Self, MediaStartError> {
        Self::start_with(config, None)
    }

    /// The same with a relay, whose clients reach it at the same port.
    ///
    /// # Errors
    /// As [`Media::start`].
    pub fn start_with(
        config: MediaConfig,
        relay: Option<Arc<Relay>>,
    ) -> Result<Self, MediaStartError> {
        let MediaConfig {
            ips,
            wildcards,
            port,
            threads,
            ..
        } = &config;
        let (port, threads) = (*port, (*threads).max(1));
        if ips.is_empty() {
            return Err(MediaStartError::NoAddress);
        }
        if let Some(ip) = ips
            .iter()
            .flat_map(|ip| [ip.public, ip.here()])
            .find(|ip| ip.is_unspecified() || ip.is_multicast())
        {
            return Err(MediaStartError::BadAddress(ip));
        }
        let exchange = (threads > 1).then(|| Arc::new(Exchange::new(threads)));
        let (give_up, given_up) = watch::channel(false);
        let sockets = bind_all(ips, wildcards, port, threads)?.into_iter();
        let workers = sockets.enumerate().map(|(index, sockets)| {
            let outfit = Outfit {
                sockets,
                exchange: exchange.clone(),
                relay: relay.clone(),
                given_up: give_up.clone(),
            };
            let worker = Worker::start(&config, index, outfit)?;
            Ok(Arc::new(PinnedWorker {
                worker,
                rooms: AtomicUsize::new(0),
            }))
        });
        let workers = workers.collect::<Result<Vec<_>, MediaStartError>>()?;
        let entries = workers.iter().map(|pinned| pinned.worker.entry());
        let entries = Arc::new(Entries::new(entries.collect()));
        let media = Self {
            shared: Arc::new(Shared {
                workers,
                entries,
                next_room: AtomicU64::new(1),
                packet: packet_cost(),
                given_up,
                relay,
            }),
        };
        if let Some(relay) = &media.shared.relay {
            let workers = media.shared.workers.iter();
            let letterboxes = workers.filter_map(|pinned| pinned.worker.letterbox());
            let doors = Doors {
                exchange,
                letterboxes: letterboxes.collect(),
            };
            relay.connect(Box::new(doors), media.addresses());
        }
        Ok(media)
    }

    /// Over one worker that a test turns itself.
    #[cfg(test)]
    pub(super) fn by_hand(worker: Worker) -> Self {
        let rooms = AtomicUsize::new(0);
        let entries = Arc::new(Entries::new(vec![worker.entry()]));
        Self {
            shared: Arc::new(Shared {
                entries,
                workers: vec![Arc::new(PinnedWorker { worker, rooms })],
                next_room: AtomicU64::new(1),
                packet: Duration::from_micros(1),
                given_up: watch::channel(false).1,
                relay: None,
            }),
        }
    }

    /// Where the workers take datagrams: every configured IP address with the port that they share.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let first = self.shared.workers.first();
        first.map_or_else(Vec::new, |pinned| pinned.worker.reach().udp.to_vec())
    }

    /// Tells new connections from now on to send to these addresses. Present connections stay as they are.
    pub fn announce(&self, ips: &[MediaIp]) {
        for pinned in &self.shared.workers {
            pinned.worker.announce(ips);
        }
        if let Some(relay) = &self.shared.relay {
            relay.set_media(self.addresses());
        }
    }

    /// Carries media over a stream of frames (RFC 4571) between these two addresses, ours first, until the stream or
    /// its connection ends. `first` was read from the stream already. Tells `moved` of each read and write. It keeps no
    /// worker alive.
    pub fn carry<S>(
        &self,
        stream: S,
        first: Bytes,
        between: (SocketAddr, SocketAddr),
        moved: impl Fn() + Send + Sync + 'static,
    ) -> impl Future<Output = ()> + Send + 'static
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let entries = Arc::clone(&self.shared.entries);
        async move { entries.carry(stream, first, between, moved).await }
    }

    /// Opens a room on the least loaded worker.
    ///
    /// # Panics
    /// Never: there is at least one worker.
    pub fn open_room(&self, events: EventSink) -> RoomMedia {
        RoomMedia {
            media: self.clone(),
            hold: Arc::new(Mutex::new(self.open(events, 0))),
        }
    }

    fn open(&self, events: EventSink, generation: u64) -> Arc<Hold> {
        let workers = self.shared.workers.iter();
        let load = |pinned: &&Arc<PinnedWorker>| {
            let rooms = pinned.rooms.load(Ordering::Relaxed);
            (!pinned.worker.is_alive(), rooms)
        };
        let worker = Arc::clone(
            workers
                .min_by_key(load)
                .expect("there is at least one worker"),
        );
        worker.rooms.fetch_add(1, Ordering::Relaxed);
        let room = self.shared.next_room.fetch_add(1, Ordering::Relaxed);
        let alive = Arc::new(());
        let watch: Weak<()> = Arc::downgrade(&alive);
        worker.worker.open(Opening {
            room,
            events,
            alive: watch,
            generation,
        });
        Arc::new(Hold {
            room,
            worker,
            generation,
            _alive: alive,
        })
    }

    /// Ends when a worker cannot go on: then there is no media for its rooms, and the process has to end too.
    pub fn failed(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut given_up = self.shared.given_up.clone();
        async move {
            if given_up.wait_for(|given_up| *given_up).await.is_err() {
                // All workers have ended as they were told.
                std::future::pending().await
            }
        }
    }

    /// How many people there is room for.
    pub fn seats(&self) -> Seats {
        let mut seats = Seats::default();
        for pinned in &self.shared.workers {
            let (load, people, steps) = pinned.worker.gauge().read();
            let total = seats_of_thread(self.shared.packet, load, people);
            seats.total = seats.total.saturating_add(total);
            seats.free = seats.free.saturating_add(total.saturating_sub(people));
            seats.steps_down = seats.steps_down.max(steps);
        }
        seats
    }

    /// Whether a worker cannot go on.
    pub fn has_failed(&self) -> bool {
        *self.shared.given_up.borrow()
    }

    /// Whether every worker does its work: asks each of them, and waits a second at most.
    pub fn is_well(&self) -> impl Future<Output = bool> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        async move {
            let asked: Vec<_> = shared
                .workers
                .iter()
                .map(|pinned| pinned.worker.census())
                .collect();
            let all = async {
                for answer in asked {
                    let Some(answer) = answer else { return false };
                    if answer.await.is_err() {
                        return false;
                    }
                }
                true
            };
            let answered = tokio::time::timeout(HEALTH_PATIENCE, all).await;
            answered.unwrap_or(false)
        }
    }

    /// Counts what all workers hold. One that is too busy to answer counts nothing.
    pub fn census(&self) -> impl Future<Output = Census> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        async move {
            let mut census = Census::default();
            for pinned in &shared.workers {
                if let Some(answer) = pinned.worker.census()
                    && let Ok(Ok(counted)) = tokio::time::timeout(PATIENCE, answer).await
                {
                    census += counted;
                }
            }
            census
        }
    }

    /// Closes every room and ends the workers; waits for them, but not for ever.
    pub async fn shutdown(&self) {
        let threads: Vec<_> = self
            .shared
            .workers
            .iter()
            .filter_map(|pinned| pinned.worker.stop())
            .collect();
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                // A worker that panicked has logged it.
                let _ = thread.join();
            }
        });
        if tokio::time::timeout(PATIENCE, joined).await.is_err() {
            tracing::warn!("a media worker did not end in time");
        }
    }
}

impl RoomMedia {
    fn hold(&self) -> Arc<Hold> {
        Arc::clone(&self.hold.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Begins anew after `MediaEvent::Failed`, with nobody in it, for all clones of this handle. What is left of the
    /// room before is freed.
    pub fn begin_anew(&self, events: EventSink) {
        let generation = self.hold().generation + 1;
        let hold = self.media.open(events, generation);
        *self.hold.lock().unwrap_or_else(PoisonError::into_inner) = hold;
    }

    /// Queues a command; commands of one room are carried out in the order in which they came, and negotiations of one
    /// participant too. A negotiation may wait while commands that came later are carried out.
    ///
    /// # Errors
    /// Gives the command back when the worker's inbox is full. When the worker is gone there is nothing left to
    /// command, and the command is dropped.
    pub fn try_command(&self, command: MediaCommand) -> Result<(), MediaCommand> {
        let hold = self.hold();
        let input = Input::Command {
            room: hold.room,
            command,
        };
        match hold.worker.worker.try_send(input) {
            Sending::Full(Input::Command { command, .. }) => Err(command),
            _ => Ok(()),
        }
    }

    /// Takes an up offer and answers it. One from the same connection of the client renegotiates, one from a new
    /// connection replaces the one before.
    ///
    /// # Errors
    /// `Stale` unless the revision is higher than the last one; `BadSdp` for an offer or sources that cannot be used.
    pub async fn publish(
        &self,
        participant: &ParticipantId,
        revision: u64,
        sdp: String,
        sources: Vec<SourceMid>,
    ) -> Result<PublishAnswer, MediaError> {
        self.ask(participant, |reply| Request::Publish {
            revision,
            sdp,
            sources,
            reply,
        })
        .await
    }

    /// Makes a down connection and its offer. Asked again, it makes a new connection in place of the one before, and
    /// so must the client.
    ///
    /// # Errors
    /// `Limit` for more than 8 audio or 25 video slots, `TooFast` for a new connection too soon after others.
    pub async fn receive(
        &self,
        participant: &ParticipantId,
        audio_slots: u32,
        video_slots: u32,
    ) -> Result<DownOffer, MediaError> {
        self.ask(participant, |reply| Request::Receive {
            audio_slots,
            video_slots,
            reply,
        })
        .await
    }

    /// Takes the answer to the down offer. From then on slots carry something.
    ///
    /// # Errors
    /// `Stale` unless it answers the last offer, and for a second answer; `BadSdp` if it cannot be used.
    pub async fn answer(
        &self,
        participant: &ParticipantId,
        revision: u64,
        sdp: String,
    ) -> Result<(), MediaError> {
        self.ask(participant, |reply| Request::Answer {
            revision,
            sdp,
            reply,
        })
        .await
    }

    /// Replaces what the participant asks to see.
    ///
    /// # Errors
    /// `Limit` for more than 256 tiles.
    pub async fn view(
        &self,
        participant: &ParticipantId,
        tiles: Vec<Tile>,
    ) -> Result<(), MediaError> {
        self.ask(participant, |reply| Request::View { tiles, reply })
            .await
    }

    /// Takes a remote ICE candidate, of either connection; `None` ends them.
    ///
    /// # Errors
    /// `BadSdp` for one that is malformed.
    pub async fn candidate(
        &self,
        participant: &ParticipantId,
        candidate: Option<IceCandidate>,
    ) -> Result<(), MediaError> {
        self.ask(participant, |reply| Request::Candidate { candidate, reply })
            .await
    }

    /// Restarts ICE: on down a `MediaEvent::Offer` follows, on up the client offers next.
    ///
    /// # Errors
    /// `Unsupported` where there is no down connection.
    pub async fn restart(&self, participant: &ParticipantId, leg: Leg) -> Result<(), MediaError> {
        self.ask(participant, |reply| Request::Restart { leg, reply })
            .await
    }

    async fn ask<T>(
        &self,
        participant: &ParticipantId,
        request: impl FnOnce(Reply<T>) -> Request,
    ) -> Result<T, MediaError> {
        let (reply, answer) = oneshot::channel();
        let hold = self.hold();
        let input = Input::Request {
            room: hold.room,
            participant: participant.clone(),
            request: request(reply),
        };
        match hold.worker.worker.try_send(input) {
            Sending::Queued => match tokio::time::timeout(PATIENCE, answer).await {
                Ok(answered) => answered.unwrap_or(Err(MediaError::Gone)),
                // Dropped with this future, the reply tells the worker that nobody waits any more.
                Err(_) => {
                    tracing::warn!("a media worker does not answer");
                    Err(MediaError::Silent)
                }
            },
            Sending::Full(_) => Err(MediaError::Busy),
            Sending::Gone => Err(MediaError::Gone),
        }
    }

    /// Lets something go wrong with this room's worker.
    #[cfg(test)]
    pub(crate) fn suffer(&self, fault: impl FnOnce(u64) -> Fault) {
        let hold = self.hold();
        let sent = hold.worker.worker.try_send(Input::Fault(fault(hold.room)));
        assert!(matches!(sent, Sending::Queued));
    }
}
