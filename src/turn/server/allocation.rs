//! One allocation: its relayed address, and its permitted peers.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::Instant;

use super::super::message::{Class, Writer, attribute, method};
use super::Client;
use crate::budgets::turn::{CHANNELS, PERMISSIONS};

/// RFC 8656 §9.
const PERMISSION: Duration = Duration::from_secs(300);
/// RFC 8656 §12.
const CHANNEL: Duration = Duration::from_secs(600);

/// What one client has.
pub(super) struct Allocation {
    pub id: u64,
    /// Whose it is.
    pub participant: String,
    /// The user name that made it. Only that one may change it.
    pub username: String,
    pub relayed: SocketAddr,
    pub expires: Instant,
    /// The transaction id of the request that made it. The same id again is a repetition.
    pub transaction: [u8; 12],
    permissions: HashMap<IpAddr, Instant>,
    channels: Vec<Channel>,
}

struct Channel {
    number: u16,
    peer: SocketAddr,
    expires: Instant,
}

/// Why something has no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// There are as many as there may be.
    Full,
    /// The number or the peer is already in use.
    Taken,
}

impl Allocation {
    /// A new allocation without permissions.
    pub fn new(
        id: u64,
        (participant, username): (&str, &str),
        relayed: SocketAddr,
        expires: Instant,
        transaction: [u8; 12],
    ) -> Self {
        Self {
            id,
            participant: participant.to_owned(),
            username: username.to_owned(),
            relayed,
            expires,
            transaction,
            permissions: HashMap::new(),
            channels: Vec::new(),
        }
    }

    /// Permits all these addresses, or none of them.
    pub fn permit(&mut self, ips: &[IpAddr], now: Instant) -> Result<(), NoPlace> {
        self.permissions.retain(|_, expires| *expires > now);
        let mut fresh: Vec<&IpAddr> = ips
            .iter()
            .filter(|ip| !self.permissions.contains_key(*ip))
            .collect();
        fresh.sort();
        fresh.dedup();
        if self.permissions.len() + fresh.len() > PERMISSIONS.size() {
            return Err(NoPlace::Full);
        }
        let until = now + PERMISSION;
        self.permissions.extend(ips.iter().map(|ip| (*ip, until)));
        Ok(())
    }

    /// Whether this address is permitted, in both directions.
    pub fn permits(&self, ip: IpAddr, now: Instant) -> bool {
        self.permissions
            .get(&ip)
            .is_some_and(|expires| *expires > now)
    }

    /// Binds a channel, or keeps it bound.
    pub fn bind(&mut self, number: u16, peer: SocketAddr, now: Instant) -> Result<(), NoPlace> {
        self.channels.retain(|channel| channel.expires > now);
        let same = |channel: &&mut Channel| channel.number == number || channel.peer == peer;
        let known = self.channels.iter_mut().find(same);
        let is_other =
            known.is_some_and(|channel| channel.number != number || channel.peer != peer);
        let two = self
            .channels
            .iter()
            .filter(|channel| channel.number == number || channel.peer == peer)
            .count();
        if is_other || two > 1 {
            return Err(NoPlace::Taken);
        }
        if two == 0 && self.channels.len() >= CHANNELS.size() {
            return Err(NoPlace::Full);
        }
        self.permit(&[peer.ip()], now)?;
        self.channels.retain(|channel| channel.number != number);
        self.channels.push(Channel {
            number,
            peer,
            expires: now + CHANNEL,
        });
        Ok(())
    }

    /// The peer of a channel.
    pub fn peer_of(&self, number: u16, now: Instant) -> Option<SocketAddr> {
        let mut channels = self.channels.iter();
        let channel = channels.find(|channel| channel.number == number && channel.expires > now)?;
        Some(channel.peer)
    }

    /// Wraps a payload from a peer for the client: in its channel, or in an indication (RFC 8656 §11, §12.6).
    pub fn wrap(&self, peer: SocketAddr, payload: &[u8], client: Client, now: Instant) -> Vec<u8> {
        let mut channels = self.channels.iter();
        let channel = channels.find(|channel| channel.peer == peer && channel.expires > now);
        let Some(channel) = channel else {
            // Nobody answers an indication, so any transaction id will do.
            let transaction = [0; 12];
            return Writer::new(method::DATA, Class::Indication, &transaction)
                .address(attribute::XOR_PEER_ADDRESS, peer)
                .attribute(attribute::DATA, payload)
                .finish();
        };
        let mut bytes = Vec::with_capacity(payload.len() + 8);
        bytes.extend_from_slice(&channel.number.to_be_bytes());
        bytes.extend_from_slice(&(payload.len() as u16).to_be_bytes());
        bytes.extend_from_slice(payload);
        if let Client::Stream { .. } = client {
            // Only streams need padding (RFC 8656 §12.5).
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }
}
