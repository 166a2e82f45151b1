//! The relays that clients are told of: the address and the credentials of ours, and the relays of the operator.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use super::relay::Relay;
use super::server::{CREDENTIALS_SECS, Reach};
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::IceServer;

/// All that there is. Clones share it.
#[derive(Clone, Default)]
pub struct IceServers(Arc<All>);

#[derive(Default)]
struct All {
    own: Option<(Arc<Relay>, Ways)>,
    external: External,
}

/// How our own relay is reached, beside datagrams to the media port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ways {
    /// By TCP.
    pub tcp: Tcp,
    /// In TLS.
    pub tls: Option<Tls>,
}

/// Whether the relay is named for datagrams, which it takes at the media port.
///
/// Browsers use one socket for a relay and for what they send directly, and take everything that comes from a relay's
/// address and port for the relay's: libwebrtc would never hear media that stands there. Nobody loses a way by that:
/// who reaches the relay there reaches the media as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Datagrams {
    /// It is: there is no media of the room.
    Named,
    /// It is not: the room's media stands there.
    Unnamed,
}

/// Where streams outside of TLS are taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tcp {
    /// Nowhere that clients reach.
    #[default]
    Closed,
    /// At this one address.
    At(SocketAddr),
    /// At this port of each address of media.
    Everywhere(u16),
}

/// Where streams in TLS are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The name or address in the certificate.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Servers that the operator runs beside this one.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct External {
    /// Those that ask for nothing: `stun:`.
    pub open: Vec<String>,
    /// Those that ask for credentials: `turn:` and `turns:`.
    pub guarded: Vec<String>,
    /// The secret for credentials. The other relays have it too.
    pub secret: String,
}

/// The access of one room to the relay. Its participants lose it when this is dropped.
pub struct RoomAccess {
    all: IceServers,
    room: u64,
    reach: Reach,
}

impl IceServers {
    /// Our own relay, if there is one, and others.
    pub fn new(own: Option<(Arc<Relay>, Ways)>, external: External) -> Self {
        Self(Arc::new(All { own, external }))
    }

    /// Access for a room whose people reach these.
    pub fn open_room(&self, reach: Reach) -> RoomAccess {
        let room = self.0.own.as_ref().map_or(0, |(relay, _)| relay.new_room());
        RoomAccess {
            all: self.clone(),
            room,
            reach,
        }
    }

    fn of(&self, participant: &str, unix: u64, datagrams: Datagrams) -> Vec<IceServer> {
        let External {
            open,
            guarded,
            secret,
        } = &self.0.external;
        let mut servers = Vec::new();
        if let Some((relay, ways)) = &self.0.own {
            let urls = urls(&relay.media(), ways, datagrams);
            if !urls.is_empty() {
                let credentials = relay.credentials(participant, unix);
                servers.push(IceServer {
                    urls,
                    username: Some(credentials.username),
                    credential: Some(credentials.password),
                });
            }
        }
        if !open.is_empty() {
            servers.push(IceServer {
                urls: open.clone(),
                username: None,
                credential: None,
            });
        }
        if !guarded.is_empty() {
            let username = format!("{}:{participant}", unix + CREDENTIALS_SECS);
            let credential = rest_password(secret, &username);
            servers.push(IceServer {
                urls: guarded.clone(),
                username: Some(username),
                credential: Some(credential),
            });
        }
        servers
    }
}

impl RoomAccess {
    /// Lets a participant use the relay. Doing so again changes nothing.
    pub fn admit(&self, participant: &ParticipantId) {
        if let Some((relay, _)) = &self.all.0.own {
            relay.admit(participant.as_str(), self.room, self.reach);
        }
    }

    /// Ends the access of a participant, with all their allocations.
    pub fn dismiss(&self, participant: &ParticipantId) {
        if let Some((relay, _)) = &self.all.0.own {
            relay.dismiss(participant.as_str());
        }
    }

    /// The relays for a participant. The credentials are good for an hour, and only while the participant is admitted.
    pub fn ice_servers(&self, participant: &ParticipantId, datagrams: Datagrams) -> Vec<IceServer> {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH);
        let unix = unix.unwrap_or_default().as_secs();
        self.all.of(participant.as_str(), unix, datagrams)
    }
}

impl Drop for RoomAccess {
    fn drop(&mut self) {
        if let Some((relay, _)) = &self.all.0.own {
            relay.close(self.room);
        }
    }
}

/// The addresses of our relay (RFC 7065), the fastest way first. Browsers use each of them, and complain about five or
/// more. So there is one address of each family for datagrams, the first that is reachable from elsewhere, and one for
/// streams.
fn urls(media: &[SocketAddr], ways: &Ways, datagrams: Datagrams) -> Vec<String> {
    let mut urls = Vec::new();
    let firsts = firsts(media);
    if datagrams == Datagrams::Named {
        let named = firsts.iter();
        urls.extend(named.map(|address| format!("turn:{address}?transport=udp")));
    }
    match ways.tcp {
        Tcp::Closed => {}
        Tcp::At(address) => urls.push(format!("turn:{address}?transport=tcp")),
        Tcp::Everywhere(port) => {
            let first = firsts.first();
            let address = first.map(|address| SocketAddr::new(address.ip(), port));
            urls.extend(address.map(|address| format!("turn:{address}?transport=tcp")));
        }
    }
    if let Some(Tls { host, port }) = &ways.tls {
        urls.push(format!("turns:{host}:{port}?transport=tcp"));
    }
    urls
}

fn firsts(media: &[SocketAddr]) -> Vec<SocketAddr> {
    let first = |is_of: fn(&IpAddr) -> bool| {
        let of_family = || media.iter().filter(move |address| is_of(&address.ip()));
        let far = of_family().find(|address| !address.ip().is_loopback());
        far.or_else(|| of_family().next()).copied()
    };
    [first(IpAddr::is_ipv4), first(IpAddr::is_ipv6)]
        .into_iter()
        .flatten()
        .collect()
}

/// The password of a user name, for servers that share a secret with us (draft-uberti-behave-turn-rest).
fn rest_password(secret: &str, username: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(username.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn each_way_is_named_and_the_quickest_comes_first() {
        let media = addresses(&[
            "127.0.0.1:20000",
            "192.0.2.1:20000",
            "192.0.2.2:20000",
            "[2001:db8::1]:20000",
        ]);
        let ways = Ways {
            tcp: Tcp::Everywhere(443),
            tls: Some(Tls {
                host: "meet.example.org".to_owned(),
                port: 443,
            }),
        };
        assert_eq!(
            urls(&media, &ways, Datagrams::Named),
            [
                "turn:192.0.2.1:20000?transport=udp",
                "turn:[2001:db8::1]:20000?transport=udp",
                "turn:192.0.2.1:443?transport=tcp",
                "turns:meet.example.org:443?transport=tcp",
            ]
        );
        let local = addresses(&["127.0.0.1:20000"]);
        let ways = Ways {
            tcp: Tcp::At("127.0.0.1:8080".parse().unwrap()),
            tls: None,
        };
        assert_eq!(
            urls(&local, &ways, Datagrams::Named),
            [
                "turn:127.0.0.1:20000?transport=udp",
                "turn:127.0.0.1:8080?transport=tcp"
            ]
        );
        assert_eq!(urls(&local, &Ways::default(), Datagrams::Named).len(), 1);
    }

    #[test]
    fn no_datagrams_go_to_the_relay_where_media_of_the_room_comes_from() {
        let media = addresses(&["192.0.2.1:20000", "[2001:db8::1]:20000"]);
        let ways = Ways {
            tcp: Tcp::Everywhere(443),
            tls: None,
        };
        let by_streams = ["turn:192.0.2.1:443?transport=tcp"];
        assert_eq!(urls(&media, &ways, Datagrams::Unnamed), by_streams);
        assert_eq!(urls(&media, &ways, Datagrams::Named).len(), 3);
        assert_eq!(urls(&media, &Ways::default(), Datagrams::Unnamed).len(), 0);
    }

    #[test]
    fn the_operators_servers_stand_beside_ours_with_credentials_that_expire() {
        let external = External {
            open: vec!["stun:stun.example.org".to_owned()],
            guarded: vec!["turns:turn.example.org".to_owned()],
            secret: "north".to_owned(),
        };
        let [open, guarded] =
            &IceServers::new(None, external).of("p1", 1_000, Datagrams::Named)[..]
        else {
            panic!("two");
        };
        assert_eq!(open.urls, ["stun:stun.example.org"]);
        assert_eq!((&open.username, &open.credential), (&None, &None));
        assert_eq!(guarded.urls, ["turns:turn.example.org"]);
        assert_eq!(guarded.username.as_deref(), Some("4600:p1"));
        // printf 4600:p1 | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(
            guarded.credential.as_deref(),
            Some("pYPhVEv1DQY+bIdNGExV0cCgPEE=")
        );
        assert!(
            IceServers::default()
                .of("p1", 1_000, Datagrams::Named)
                .is_empty()
        );
    }
}
