//! Ways into a server: what a run needs of one, and the connections that any of them makes.
//!
//! [`run`](super::run()) comes in by the wire contract of this program. Another server's contract is another
//! [`Entrance`], by which the very same senders and receivers load that server.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::BenchError;
use super::feedback::Feedback;
use super::link::{Link, Receiving, Role, Sending, Socket, Who};
use super::load::{Command, LoadThread};
use super::packets::Stream;
use super::peer::{Identity, Peer};
use super::plan::{Plan, Room};
use super::process;
use super::sdp::{self, Description, Transport};
use super::target::{Consent, Target};

/// A connection that takes longer does not come up any more.
const CONNECTED_WITHIN: Duration = Duration::from_secs(20);

/// What keeps a person in the room; they leave when it is dropped.
pub type Stay = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How the people of a run come into a server.
pub trait Entrance {
    /// Lets a person in. When it returns, what they send is connected.
    fn join(&self, who: Who, media: &Arc<Media>) -> impl Future<Output = Result<Stay, BenchError>>;

    /// Waits, after all joins, until everybody gets what the others send.
    fn complete(&self, media: &Media) -> impl Future<Output = Result<(), BenchError>>;
}

/// Where the people of a run get their connections from.
pub struct Media {
    plan: Plan,
    identity: Arc<Identity>,
    /// The address of ours that the server sees.
    local: IpAddr,
    consent: Consent,
    pub(super) threads: Vec<LoadThread>,
    /// Ports at which the server receives media.
    ports: Mutex<BTreeSet<u16>>,
}

impl Media {
    pub(super) fn new(
        plan: &Plan,
        target: &Target,
        threads: Vec<LoadThread>,
    ) -> Result<Self, BenchError> {
        Ok(Self {
            plan: plan.clone(),
            identity: Arc::new(Identity::new(plan.protection)?),
            local: process::local_address(target.address)?,
            consent: target.consent,
            threads,
            ports: Mutex::default(),
        })
    }

    /// Whether this person sends.
    pub fn sends(&self, who: Who) -> bool {
        self.room(who).sends(who.person)
    }

    /// Whether this person gets what the others send.
    pub fn receives(&self, who: Who) -> bool {
        self.room(who).receives(who.person)
    }

    /// How many others there are whose streams this person gets.
    pub fn streams_for(&self, who: Who) -> usize {
        self.room(who).streams_for(who.person)
    }

    /// The same of all people.
    pub fn streams(&self) -> usize {
        self.plan.streams().sum()
    }

    /// A connection that offers one stream.
    pub fn sender(&self, who: Who) -> Result<Sender<'_>, BenchError> {
        let kind = self.plan.scenario.kind();
        let (socket, peer) = self.peer()?;
        let ssrc = rand::random::<u32>() | 1;
        let pictures = f64::from(self.plan.rate) / f64::from(self.plan.burst);
        Ok(Sender {
            offer: sdp::offer(&peer.transport("actpass"), kind, ssrc),
            media: self,
            who,
            socket,
            peer,
            stream: Stream::new(kind, ssrc, self.plan.payload, pictures),
            interval: Duration::from_secs_f64(1.0 / pictures),
        })
    }

    /// A connection that answers an offer of the server's.
    pub fn receiver(&self, who: Who, offer: &str) -> Result<Receiver<'_>, BenchError> {
        let mut offer = described(offer)?;
        if !self.plan.feedback {
            offer.decline_feedback();
        }
        let (socket, peer) = self.peer()?;
        let sections = &offer.sections;
        let payload_types = sections.iter().filter_map(|section| section.payload_type);
        let id = sections.iter().find_map(|section| section.feedback);
        let feedback = id.map(|id| Feedback::new(id, Instant::now()));
        Ok(Receiver {
            answer: sdp::answer(&offer, &peer.transport("active")),
            media: self,
            who,
            socket,
            peer,
            receiving: Receiving::new(payload_types.collect(), self.plan.sample, feedback),
            theirs: offer.transport,
        })
    }

    pub(super) fn ports(&self) -> BTreeSet<u16> {
        let ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        ports.clone()
    }

    fn room(&self, who: Who) -> Room {
        self.plan.rooms[who.room]
    }

    fn peer(&self) -> Result<(Socket, Peer), BenchError> {
        let socket = Socket::bind(self.local)?;
        let identity = Arc::clone(&self.identity);
        let peer = Peer::new(identity, socket.address, Instant::now())?;
        Ok((socket, peer))
    }

    /// Adds candidates that came apart from the description, and leaves out those that may not be loaded.
    fn permitted(
        &self,
        mut theirs: Transport,
        trickled: &[SocketAddr],
    ) -> Result<Transport, BenchError> {
        theirs.candidates.extend_from_slice(trickled);
        theirs.candidates = self.consent.permitted(&theirs.candidates);
        if theirs.candidates.is_empty() {
            return Err(BenchError::Elsewhere);
        }
        let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        ports.extend(theirs.candidates.iter().map(SocketAddr::port));
        Ok(theirs)
    }

    /// Sends one picture, or one packet of sound, of this person's. A server that forwards a stream from its first packet on
    /// needs it before others can get the stream.
    pub fn announce(&self, who: Who) {
        self.thread(who).tell(Command::Announce(who));
    }

    fn thread(&self, who: Who) -> &LoadThread {
        &self.threads[(who.room + who.person) % self.threads.len()]
    }

    /// Gives the connection to a thread and waits until it stands.
    async fn connected(
        &self,
        who: Who,
        role: Role,
        socket: Socket,
        peer: Peer,
    ) -> Result<(), BenchError> {
        let (ready, when_ready) = oneshot::channel();
        let link = Link::new(who, role, socket, peer, ready);
        self.thread(who).tell(Command::Add(Box::new(link)));
        match tokio::time::timeout(CONNECTED_WITHIN, when_ready).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(why))) => Err(BenchError::Connection(why)),
            Ok(Err(_)) | Err(_) => Err(BenchError::Late("a media connection".to_owned())),
        }
    }
}

/// A connection that offered a stream.
pub struct Sender<'a> {
    /// The description to be sent.
    pub offer: String,
    media: &'a Media,
    who: Who,
    socket: Socket,
    peer: Peer,
    stream: Stream,
    interval: Duration,
}

impl Sender<'_> {
    /// Connects, with candidates that came apart from the answer.
    pub async fn connect(
        mut self,
        answer: &str,
        trickled: &[SocketAddr],
    ) -> Result<(), BenchError> {
        let theirs = self
            .media
            .permitted(described(answer)?.transport, trickled)?;
        let now = Instant::now();
        self.peer.connect(&theirs, true, now)?;
        let sending = Sending::new(self.stream, self.interval, self.media.plan.burst, now);
        let role = Role::Sends(sending);
        self.media
            .connected(self.who, role, self.socket, self.peer)
            .await
    }
}

/// A connection that answered an offer.
pub struct Receiver<'a> {
    /// The description to be sent.
    pub answer: String,
    media: &'a Media,
    who: Who,
    socket: Socket,
    peer: Peer,
    receiving: Receiving,
    theirs: Transport,
}

impl Receiver<'_> {
    /// Connects, with candidates that came apart from the offer.
    pub async fn connect(mut self, trickled: &[SocketAddr]) -> Result<(), BenchError> {
        let theirs = self.media.permitted(self.theirs, trickled)?;
        self.peer.connect(&theirs, false, Instant::now())?;
        let role = Role::Receives(self.receiving);
        self.media
            .connected(self.who, role, self.socket, self.peer)
            .await
    }
}

fn described(text: &str) -> Result<Description, BenchError> {
    Description::read(text).ok_or(BenchError::Connection(
        "the server's description cannot be read",
    ))
}
