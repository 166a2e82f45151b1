//! The pure rules of the relay: they take messages, memberships and the time, and return what to send.

mod allocation;
mod allocations;
mod credentials;
mod requests;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::Range;

use tokio::time::Instant;

use self::allocation::Allocation;
pub use self::credentials::Credentials;
use self::credentials::Secret;
use super::message::{Class, Message, attribute, method};
use super::throttle::Throttle;
use crate::budgets::Bucket;
use crate::budgets::turn::{RELAYED, RELAYED_BURST, RELAYED_IN_ALL};

/// Credentials are asked for in this name's realm.
pub(super) const REALM: &str = "meeting";
/// How long credentials are good for new allocations. Existing allocations live while their participant is in the room.
pub(super) const CREDENTIALS_SECS: u64 = 3_600;
/// The longest relayed datagram. Media fits into one Ethernet frame.
pub(super) const LONGEST: usize = 2_048;

/// The time on both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For what lasts.
    pub instant: Instant,
    /// Seconds since 1970, for expiry times.
    pub unix: u64,
}

/// The address of a client: the 5-tuple of RFC 8656.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Client {
    /// By datagrams.
    Udp {
        /// Our end.
        local: SocketAddr,
        /// Its end.
        remote: SocketAddr,
    },
    /// By a stream, in TLS or not.
    Stream {
        /// Which.
        id: u64,
        /// Its end.
        remote: SocketAddr,
    },
}

impl Client {
    /// The client's end.
    pub fn remote(&self) -> SocketAddr {
        match self {
            Self::Udp { remote, .. } | Self::Stream { remote, .. } => *remote,
        }
    }
}

/// The allowed peers of the participants of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The server's media.
    Media,
    /// Each other's relayed addresses as well.
    EachOther,
}

/// What follows from a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing.
    Nothing,
    /// The client is sent this.
    Answer(Vec<u8>),
    /// Media gets a part of the message.
    Media(ToMedia),
    /// Another client is sent this.
    Other(Wrapped),
}

/// A part of a message that media gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToMedia {
    /// By whose allocation.
    pub allocation: u64,
    /// The address of ours that it is for.
    pub local: SocketAddr,
    /// The relayed address: its source.
    pub remote: SocketAddr,
    /// The part.
    pub payload: Range<usize>,
}

/// An unrequested message for a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// Whose.
    pub client: Client,
    /// The message.
    pub bytes: Vec<u8>,
}

/// Somebody in a room.
struct Member {
    room: u64,
    reach: Reach,
    allocations: usize,
    rate: Bucket,
    relayed: u64,
}

impl Member {
    /// Whether so many more bytes may be relayed for them.
    fn spend(&mut self, bytes: usize, now: Instant) -> bool {
        let bytes = bytes as u64;
        if self.relayed.saturating_add(bytes) > RELAYED_IN_ALL.most {
            return false;
        }
        let is_within = self.rate.spend(bytes, now).is_ok();
        if is_within {
            self.relayed += bytes;
        }
        is_within
    }
}

/// The relay's state.
pub struct Server {
    secret: Secret,
    /// The media addresses of the server, as clients know them.
    media: Vec<SocketAddr>,
    members: HashMap<String, Member>,
    allocations: HashMap<Client, Allocation>,
    /// The client of each relayed address.
    relayed: HashMap<SocketAddr, Client>,
    by_id: HashMap<u64, Client>,
    next_id: u64,
    next_port: u16,
    throttle: Throttle,
}

impl Server {
    /// A relay without users, with this secret.
    pub fn new(secret: [u8; 32], now: Instant) -> Self {
        Self {
            secret: Secret::new(secret),
            media: Vec::new(),
            members: HashMap::new(),
            allocations: HashMap::new(),
            relayed: HashMap::new(),
            by_id: HashMap::new(),
            next_id: 1,
            next_port: 0,
            throttle: Throttle::new(now),
        }
    }

    /// Sets the media addresses of the server. Allocations keep their relayed addresses.
    pub fn set_media(&mut self, media: Vec<SocketAddr>) {
        self.media = media;
    }

    /// The addresses of our own media.
    pub fn media(&self) -> &[SocketAddr] {
        &self.media
    }

    /// Lets a participant use the relay. Doing so again changes nothing.
    pub fn admit(&mut self, participant: &str, room: u64, reach: Reach, now: Instant) {
        let known = self.members.get(participant);
        if known.is_some_and(|member| member.room == room) {
            return;
        }
        self.dismiss(participant);
        let member = Member {
            room,
            reach,
            allocations: 0,
            rate: Bucket::new(&RELAYED_BURST, &RELAYED, now),
            relayed: 0,
        };
        self.members.insert(participant.to_owned(), member);
    }

    /// Ends the access of a participant with all their allocations.
    pub fn dismiss(&mut self, participant: &str) {
        if self.members.remove(participant).is_none() {
            return;
        }
        self.free(|allocation| allocation.participant == participant);
    }

    /// Takes it away from everybody in a room.
    pub fn close(&mut self, room: u64) {
        let members = self.members.iter();
        let gone: Vec<String> = members
            .filter(|(_, member)| member.room == room)
            .map(|(participant, _)| participant.clone())
            .collect();
        for participant in gone {
            self.dismiss(&participant);
        }
    }

    /// The credentials of a participant. They are worthless while the participant is not admitted.
    pub fn credentials(&self, participant: &str, unix: u64) -> Credentials {
        self.secret
            .credentials(participant, unix + CREDENTIALS_SECS)
    }

    /// Frees what has expired.
    pub fn sweep(&mut self, now: Instant) {
        self.free(|allocation| allocation.expires <= now);
    }

    /// A stream has ended.
    pub fn stream_ended(&mut self, client: Client) {
        self.free_at(client);
    }

    /// How many allocations there are.
    pub fn allocations(&self) -> usize {
        self.allocations.len()
    }

    /// Whether a client has one that holds.
    pub fn serves(&self, client: Client, now: Instant) -> bool {
        let allocation = self.allocations.get(&client);
        allocation.is_some_and(|allocation| allocation.expires > now)
    }

    /// Handles a whole message of a client: a datagram, or one cut out of a stream.
    pub fn handle(&mut self, client: Client, bytes: &[u8], now: Now) -> Outcome {
        if matches!(bytes.first(), Some(0x40..=0x4f)) {
            return self
                .channel_data(client, bytes, now)
                .unwrap_or(Outcome::Nothing);
        }
        let Some(message) = Message::parse(bytes) else {
            return Outcome::Nothing;
        };
        match (message.class, message.method) {
            (Class::Request, _) => match self.request(client, &message, now) {
                Some(answer) => Outcome::Answer(answer),
                None => Outcome::Nothing,
            },
            (Class::Indication, method::SEND) => self
                .send(client, &message, bytes, now)
                .unwrap_or(Outcome::Nothing),
            _ => Outcome::Nothing,
        }
    }

    /// Wraps a datagram from media to a relayed address for its client. None if it is not permitted.
    pub fn wrap(
        &mut self,
        allocation: u64,
        local: SocketAddr,
        payload: &[u8],
        now: Now,
    ) -> Option<Wrapped> {
        let client = *self.by_id.get(&allocation)?;
        self.deliver(client, local, payload, now)
    }

    /// Leaves a participant only `left` bytes of their total.
    #[cfg(test)]
    pub(super) fn spend_all_but(&mut self, participant: &str, left: u64) {
        if let Some(member) = self.members.get_mut(participant) {
            member.relayed = RELAYED_IN_ALL.most - left;
        }
    }

    fn channel_data(&mut self, client: Client, bytes: &[u8], now: Now) -> Option<Outcome> {
        let head: &[u8; 4] = bytes.first_chunk()?;
        let number = u16::from_be_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let allocation = self.live(client, now)?;
        let peer = allocation.peer_of(number, now.instant)?;
        // A longer message contains padding, and a shorter one was truncated (RFC 8656 §12.6).
        bytes.get(4..4 + length)?;
        self.relay(client, peer, bytes, 4..4 + length, now)
    }

    fn send(
        &mut self,
        client: Client,
        message: &Message<'_>,
        bytes: &[u8],
        now: Now,
    ) -> Option<Outcome> {
        // DONT-FRAGMENT is not supported. A request that needs it is not carried out.
        let known = [attribute::XOR_PEER_ADDRESS, attribute::DATA];
        if message.unknown(&known).is_some() {
            return None;
        }
        let peer = message.peers().next()??;
        let payload = message.place(attribute::DATA)?;
        self.relay(client, peer, bytes, payload, now)
    }

    /// Relays a payload of a client to a permitted peer. Anything else is dropped silently (RFC 8656 §11.2).
    fn relay(
        &mut self,
        client: Client,
        peer: SocketAddr,
        bytes: &[u8],
        payload: Range<usize>,
        now: Now,
    ) -> Option<Outcome> {
        let allocation = self.live(client, now)?;
        let (id, from) = (allocation.id, allocation.relayed);
        let is_permitted = allocation.permits(peer.ip(), now.instant);
        if !is_permitted || payload.len() > LONGEST {
            return None;
        }
        let participant = allocation.participant.clone();
        let is_media = self.media.contains(&peer);
        if !is_media && !self.is_neighbour(&participant, peer) {
            return None;
        }
        let member = self.members.get_mut(&participant)?;
        if !member.spend(payload.len(), now.instant) {
            return None;
        }
        if is_media {
            return Some(Outcome::Media(ToMedia {
                allocation: id,
                local: peer,
                remote: from,
                payload,
            }));
        }
        let other = *self.relayed.get(&peer)?;
        let wrapped = self.deliver(other, from, bytes.get(payload)?, now)?;
        Some(Outcome::Other(wrapped))
    }

    /// Whether a relayed address belongs to a participant of the same room, and that room lets its participants reach
    /// each other.
    fn is_neighbour(&self, participant: &str, peer: SocketAddr) -> bool {
        let other = self.relayed.get(&peer);
        let other = other.and_then(|client| self.allocations.get(client));
        let other = other.and_then(|allocation| self.members.get(&allocation.participant));
        let (Some(member), Some(other)) = (self.members.get(participant), other) else {
            return false;
        };
        member.reach == Reach::EachOther && member.room == other.room
    }

    /// Wraps what a peer sent to a relayed address, for the client of that address.
    fn deliver(
        &mut self,
        client: Client,
        from: SocketAddr,
        payload: &[u8],
        now: Now,
    ) -> Option<Wrapped> {
        let allocation = self.live(client, now)?;
        if !allocation.permits(from.ip(), now.instant) {
            return None;
        }
        let bytes = allocation.wrap(from, payload, client, now.instant);
        let participant = allocation.participant.clone();
        let member = self.members.get_mut(&participant)?;
        let is_within = member.spend(payload.len(), now.instant);
        is_within.then_some(Wrapped { client, bytes })
    }

    fn live(&self, client: Client, now: Now) -> Option<&Allocation> {
        let allocation = self.allocations.get(&client)?;
        (allocation.expires > now.instant).then_some(allocation)
    }
}
