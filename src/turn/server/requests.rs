//! Requests and their answers (RFC 8656 §§7 to 12, RFC 8489 §9.2).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::Instant;

use super::super::message::{Class, Message, Writer, attribute, method};
use super::allocation::{Allocation, NoPlace};
use super::allocations::Family;
use super::{Client, Now, REALM, Server, credentials};
use crate::budgets::turn::{ALLOCATIONS, ALLOCATIONS_IN_ALL};

/// The default and the longest life of an allocation (RFC 8656 §3.2).
const LIFETIME: u32 = 600;
const LONGEST_LIFETIME: u32 = 3_600;
/// The protocol number of UDP.
const UDP: u8 = 17;
/// Of a channel (RFC 8656 §12).
const CHANNELS: std::ops::RangeInclusive<u16> = 0x4000..=0x4fff;

/// Why a request is refused (RFC 8656 §19, RFC 8489 §14.8). The text of a reason is optional. Short answers are less
/// useful for attacks with forged addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    BadRequest = 400,
    Unauthenticated = 401,
    Forbidden = 403,
    UnknownAttribute = 420,
    AllocationMismatch = 437,
    StaleNonce = 438,
    FamilyNotSupported = 440,
    WrongCredentials = 441,
    TransportNotSupported = 442,
    PeerFamilyMismatch = 443,
    QuotaReached = 486,
    NoCapacity = 508,
}

/// The sender of an authenticated request.
struct Asker<'a> {
    username: &'a str,
    participant: &'a str,
    key: [u8; 16],
}

/// The attributes of an answer beside those of all answers.
type Success = Vec<(u16, Content)>;

enum Content {
    Address(SocketAddr),
    Bytes(Vec<u8>),
}

impl Server {
    pub(super) fn request(
        &mut self,
        client: Client,
        message: &Message<'_>,
        now: Now,
    ) -> Option<Vec<u8>> {
        if message.method == method::BINDING {
            let allowed = self.throttle.allows(client.remote().ip(), now.instant);
            let writer = Writer::new(method::BINDING, Class::Success, &message.transaction);
            let answer = writer.address(attribute::XOR_MAPPED_ADDRESS, client.remote());
            return allowed.then(|| answer.finish());
        }
        let asker = match self.authenticate(client, message, now) {
            Ok(asker) => asker,
            Err(refusal) => {
                let allowed = self.throttle.allows(client.remote().ip(), now.instant);
                return allowed.then(|| self.challenge(client, message, refusal, now));
            }
        };
        let result = match message.unknown(known(message.method)?) {
            Some(kind) => Err((Refusal::UnknownAttribute, Some(kind))),
            None => self
                .carry_out(client, message, &asker, now)
                .map_err(|refusal| (refusal, None)),
        };
        Some(answer(message, &asker.key, result))
    }

    /// Who asks (RFC 8489 §9.2.4).
    fn authenticate<'m>(
        &self,
        client: Client,
        message: &Message<'m>,
        now: Now,
    ) -> Result<Asker<'m>, Refusal> {
        if !message.is_signed() {
            return Err(Refusal::Unauthenticated);
        }
        let username = message.text(attribute::USERNAME);
        let realm = message.text(attribute::REALM);
        let nonce = message.value(attribute::NONCE);
        let (Some(username), Some(realm), Some(nonce)) = (username, realm, nonce) else {
            return Err(Refusal::BadRequest);
        };
        if !self.secret.is_nonce_good(nonce, client.remote(), now.unix) {
            return Err(Refusal::StaleNonce);
        }
        let known = credentials::parts(username)
            .filter(|(_, participant)| self.members.contains_key(*participant));
        let (Some((until, participant)), REALM) = (known, realm) else {
            return Err(Refusal::Unauthenticated);
        };
        // Expired credentials keep existing allocations alive, and make no new ones.
        if message.method == method::ALLOCATE && until <= now.unix {
            return Err(Refusal::Unauthenticated);
        }
        let key = self.secret.key(username);
        if !message.is_signed_by(&key) {
            return Err(Refusal::Unauthenticated);
        }
        Ok(Asker {
            username,
            participant,
            key,
        })
    }

    /// The answer to an unauthenticated request. It is not signed, because there is no key.
    fn challenge(
        &self,
        client: Client,
        message: &Message<'_>,
        refusal: Refusal,
        now: Now,
    ) -> Vec<u8> {
        let writer = Writer::new(message.method, Class::Error, &message.transaction);
        let writer = writer.attribute(attribute::ERROR_CODE, &code(refusal));
        if refusal == Refusal::BadRequest {
            return writer.finish();
        }
        let nonce = self.secret.nonce(client.remote(), now.unix);
        writer
            .attribute(attribute::REALM, REALM.as_bytes())
            .attribute(attribute::NONCE, nonce.as_bytes())
            .finish()
    }

    fn carry_out(
        &mut self,
        client: Client,
        message: &Message<'_>,
        asker: &Asker<'_>,
        now: Now,
    ) -> Result<Success, Refusal> {
        if self.live(client, now).is_none() {
            self.free_at(client);
        }
        let known = self.allocations.get(&client);
        if message.method == method::ALLOCATE {
            return self.allocate(client, message, asker, now);
        }
        let known = known.ok_or(Refusal::AllocationMismatch)?;
        if known.username != asker.username {
            return Err(Refusal::WrongCredentials);
        }
        match message.method {
            method::REFRESH => self.refresh(client, message, now.instant),
            method::CREATE_PERMISSION => self.permit(client, message, now.instant),
            method::CHANNEL_BIND => self.bind(client, message, now.instant),
            _ => Err(Refusal::BadRequest),
        }
    }

    fn allocate(
        &mut self,
        client: Client,
        message: &Message<'_>,
        asker: &Asker<'_>,
        now: Now,
    ) -> Result<Success, Refusal> {
        if let Some(known) = self.allocations.get(&client) {
            let is_repeated = known.transaction == message.transaction;
            if !is_repeated || known.username != asker.username {
                return Err(Refusal::AllocationMismatch);
            }
            let left = known.expires.saturating_duration_since(now.instant);
            return Ok(allocated(known.relayed, client, left.as_secs() as u32));
        }
        let family = requested_family(message)?;
        let lifetime = lifetime(message)?.clamp(LIFETIME, LONGEST_LIFETIME);
        if self.allocations.len() >= ALLOCATIONS_IN_ALL.in_force() {
            return Err(Refusal::NoCapacity);
        }
        let member = self.members.get(asker.participant);
        if member.is_none_or(|member| member.allocations >= ALLOCATIONS.size()) {
            return Err(Refusal::QuotaReached);
        }
        let ip = self.relay_ip(family).ok_or(Refusal::FamilyNotSupported)?;
        let is_even = message.place(attribute::EVEN_PORT).is_some();
        let relayed = self.free_address(ip, is_even);
        let relayed = relayed.ok_or(Refusal::NoCapacity)?;
        let expires = now.instant + Duration::from_secs(lifetime.into());
        let names = (asker.participant, asker.username);
        let allocation =
            Allocation::new(self.next_id, names, relayed, expires, message.transaction);
        self.next_id += 1;
        self.keep(client, allocation);
        let mut success = allocated(relayed, client, lifetime);
        if message
            .place(attribute::ADDITIONAL_ADDRESS_FAMILY)
            .is_some()
        {
            // Here an allocation has one address (RFC 8656 §7.2).
            let value = [&[2, 0], &code(Refusal::FamilyNotSupported)[2..]].concat();
            success.push((attribute::ADDRESS_ERROR_CODE, Content::Bytes(value)));
        }
        Ok(success)
    }

    fn refresh(
        &mut self,
        client: Client,
        message: &Message<'_>,
        now: Instant,
    ) -> Result<Success, Refusal> {
        let family = message.value(attribute::REQUESTED_ADDRESS_FAMILY);
        let family = family.map(|value| Family::read(value).ok_or(Refusal::BadRequest));
        let family = family.transpose()?;
        let wanted = lifetime(message)?;
        let known = self.allocations.get_mut(&client);
        let known = known.ok_or(Refusal::AllocationMismatch)?;
        if family.is_some_and(|family| family != Family::of(known.relayed.ip())) {
            return Err(Refusal::PeerFamilyMismatch);
        }
        let granted = if wanted == 0 {
            self.free_at(client);
            0
        } else {
            let granted = wanted.clamp(LIFETIME, LONGEST_LIFETIME);
            known.expires = now + Duration::from_secs(granted.into());
            granted
        };
        let value = Content::Bytes(granted.to_be_bytes().to_vec());
        Ok(vec![(attribute::LIFETIME, value)])
    }

    fn permit(
        &mut self,
        client: Client,
        message: &Message<'_>,
        now: Instant,
    ) -> Result<Success, Refusal> {
        let peers: Option<Vec<SocketAddr>> = message.peers().collect();
        let peers = peers.filter(|peers| !peers.is_empty());
        let peers = peers.ok_or(Refusal::BadRequest)?;
        for peer in &peers {
            self.check_peer(client, peer.ip())?;
        }
        let ips: Vec<IpAddr> = peers.iter().map(SocketAddr::ip).collect();
        let known = self.allocations.get_mut(&client);
        let known = known.ok_or(Refusal::AllocationMismatch)?;
        known.permit(&ips, now).map_err(|_| Refusal::NoCapacity)?;
        Ok(Vec::new())
    }

    fn bind(
        &mut self,
        client: Client,
        message: &Message<'_>,
        now: Instant,
    ) -> Result<Success, Refusal> {
        let number = message.number(attribute::CHANNEL_NUMBER);
        let number = number.ok().flatten().ok_or(Refusal::BadRequest)?;
        let number = (number >> 16) as u16;
        let peer = message.peers().next().flatten();
        let peer = peer.filter(|_| CHANNELS.contains(&number));
        let peer = peer.ok_or(Refusal::BadRequest)?;
        self.check_peer(client, peer.ip())?;
        let known = self.allocations.get(&client);
        let known = known.ok_or(Refusal::AllocationMismatch)?;
        // A channel is for one port, so a wrong one is refused here already.
        let is_legal = self.media.contains(&peer) || self.is_neighbour(&known.participant, peer);
        if !is_legal {
            return Err(Refusal::Forbidden);
        }
        let known = self.allocations.get_mut(&client);
        let known = known.ok_or(Refusal::AllocationMismatch)?;
        known.bind(number, peer, now).map_err(|why| match why {
            NoPlace::Full => Refusal::NoCapacity,
            NoPlace::Taken => Refusal::BadRequest,
        })?;
        Ok(Vec::new())
    }

    /// Checks that a permission for this address can be of use. Addresses are compared as they are written: another
    /// spelling of one of our addresses is not allowed.
    fn check_peer(&self, client: Client, ip: IpAddr) -> Result<(), Refusal> {
        let known = self.allocations.get(&client);
        let known = known.ok_or(Refusal::AllocationMismatch)?;
        if Family::of(ip) != Family::of(known.relayed.ip()) {
            return Err(Refusal::PeerFamilyMismatch);
        }
        let is_ours =
            ip == known.relayed.ip() || self.media.iter().any(|address| address.ip() == ip);
        is_ours.then_some(()).ok_or(Refusal::Forbidden)
    }
}

/// The comprehension-required attributes that a method understands.
fn known(wanted: u16) -> Option<&'static [u16]> {
    use attribute::{
        CHANNEL_NUMBER, EVEN_PORT, LIFETIME, NONCE, REALM, REQUESTED_ADDRESS_FAMILY,
        REQUESTED_TRANSPORT, RESERVATION_TOKEN, USERNAME, XOR_PEER_ADDRESS,
    };
    match wanted {
        // DONT-FRAGMENT is missing, because nothing here is sent as separate IP packets (RFC 8656 §7.2).
        method::ALLOCATE => Some(&[
            USERNAME,
            REALM,
            NONCE,
            LIFETIME,
            REQUESTED_ADDRESS_FAMILY,
            EVEN_PORT,
            REQUESTED_TRANSPORT,
            RESERVATION_TOKEN,
        ]),
        method::REFRESH => Some(&[USERNAME, REALM, NONCE, LIFETIME, REQUESTED_ADDRESS_FAMILY]),
        method::CREATE_PERMISSION => Some(&[USERNAME, REALM, NONCE, XOR_PEER_ADDRESS]),
        method::CHANNEL_BIND => Some(&[USERNAME, REALM, NONCE, CHANNEL_NUMBER, XOR_PEER_ADDRESS]),
        _ => None,
    }
}

fn lifetime(message: &Message<'_>) -> Result<u32, Refusal> {
    let wanted = message.number(attribute::LIFETIME);
    let wanted = wanted.map_err(|()| Refusal::BadRequest)?;
    Ok(wanted.unwrap_or(LIFETIME))
}

/// The requested address family, or an error for a malformed request (RFC 8656 §7.2).
fn requested_family(message: &Message<'_>) -> Result<Family, Refusal> {
    match message.value(attribute::REQUESTED_TRANSPORT) {
        Some([UDP, ..]) => {}
        Some([_, ..]) => return Err(Refusal::TransportNotSupported),
        Some([]) | None => return Err(Refusal::BadRequest),
    }
    let token = message.place(attribute::RESERVATION_TOKEN).is_some();
    let even = message.place(attribute::EVEN_PORT).is_some();
    let family = message.value(attribute::REQUESTED_ADDRESS_FAMILY);
    let additional = message.value(attribute::ADDITIONAL_ADDRESS_FAMILY);
    if token && (even || family.is_some() || additional.is_some()) {
        return Err(Refusal::BadRequest);
    }
    if let Some(value) = additional
        && (family.is_some() || Family::read(value) != Some(Family::V6))
    {
        return Err(Refusal::BadRequest);
    }
    // Reserving the next port is not supported (RFC 8656 §18.7).
    let reserves = message.value(attribute::EVEN_PORT);
    let reserves = reserves.is_some_and(|value| value.first().is_none_or(|bits| bits & 0x80 != 0));
    if token || reserves {
        return Err(Refusal::NoCapacity);
    }
    match family {
        None => Ok(Family::V4),
        Some(value) => Family::read(value).ok_or(Refusal::FamilyNotSupported),
    }
}

fn allocated(relayed: SocketAddr, client: Client, lifetime: u32) -> Success {
    vec![
        (attribute::XOR_RELAYED_ADDRESS, Content::Address(relayed)),
        (
            attribute::LIFETIME,
            Content::Bytes(lifetime.to_be_bytes().to_vec()),
        ),
        (
            attribute::XOR_MAPPED_ADDRESS,
            Content::Address(client.remote()),
        ),
    ]
}

/// The value of ERROR-CODE, without a phrase.
fn code(refusal: Refusal) -> [u8; 4] {
    let code = refusal as u16;
    [0, 0, (code / 100) as u8, (code % 100) as u8]
}

fn answer(
    message: &Message<'_>,
    key: &[u8],
    result: Result<Success, (Refusal, Option<u16>)>,
) -> Vec<u8> {
    let begin = |class| Writer::new(message.method, class, &message.transaction);
    let writer = match result {
        Ok(success) => success.into_iter().fold(
            begin(Class::Success),
            |writer, (kind, content)| match content {
                Content::Address(address) => writer.address(kind, address),
                Content::Bytes(bytes) => writer.attribute(kind, &bytes),
            },
        ),
        Err((refusal, unknown)) => {
            let writer = begin(Class::Error).attribute(attribute::ERROR_CODE, &code(refusal));
            match unknown {
                Some(kind) => writer.attribute(attribute::UNKNOWN_ATTRIBUTES, &kind.to_be_bytes()),
                None => writer,
            }
        }
    };
    writer.sign(key)
}
