//! A TURN client of our own (RFC 8656), over UDP and TCP, as strict as the standard.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use serde_json::Value;
use sha1::Sha1;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use crate::support::soon;

pub const ALLOCATE: u16 = 0x003;
pub const REFRESH: u16 = 0x004;
const SEND: u16 = 0x006;
const CREATE_PERMISSION: u16 = 0x008;
const CHANNEL_BIND: u16 = 0x009;

const USERNAME: u16 = 0x0006;
const INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const CHANNEL_NUMBER: u16 = 0x000c;
const LIFETIME: u16 = 0x000d;
const PEER: u16 = 0x0012;
const DATA: u16 = 0x0013;
const REALM: u16 = 0x0014;
const NONCE: u16 = 0x0015;
const RELAYED: u16 = 0x0016;
const TRANSPORT: u16 = 0x0019;
const MAPPED: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const CONTROLLING: u16 = 0x802a;

const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

enum Carrier {
    Datagrams(UdpSocket),
    Stream(TcpStream),
}

/// One client with what it was told of the relay.
pub struct Turn {
    carrier: Carrier,
    username: String,
    password: String,
    challenge: Option<(Vec<u8>, Vec<u8>)>,
    /// Where it is seen to come from.
    pub mapped: Option<SocketAddr>,
}

/// A message as it came.
pub struct Came {
    pub kind: u16,
    attributes: Vec<(u16, Vec<u8>)>,
}

impl Came {
    pub fn parse(bytes: &[u8]) -> Self {
        assert_eq!(bytes[4..8], COOKIE, "{bytes:?}");
        let mut attributes = Vec::new();
        let mut rest = &bytes[20..];
        while let [a, b, c, d, more @ ..] = rest {
            let size = usize::from(u16::from_be_bytes([*c, *d]));
            attributes.push((u16::from_be_bytes([*a, *b]), more[..size].to_vec()));
            rest = &more[size.next_multiple_of(4)..];
        }
        let kind = u16::from_be_bytes([bytes[0], bytes[1]]);
        Self { kind, attributes }
    }

    fn value(&self, wanted: u16) -> Option<&[u8]> {
        let found = self.attributes.iter().find(|(kind, _)| *kind == wanted);
        found.map(|(_, value)| value.as_slice())
    }

    fn address(&self, wanted: u16) -> Option<SocketAddr> {
        let value = self.value(wanted)?;
        assert_eq!((value[1], value.len()), (1, 8), "an IPv4 address");
        let port = u16::from_be_bytes([value[2] ^ COOKIE[0], value[3] ^ COOKIE[1]]);
        let ip: [u8; 4] = std::array::from_fn(|at| value[4 + at] ^ COOKIE[at]);
        Some(SocketAddr::new(Ipv4Addr::from(ip).into(), port))
    }

    fn code(&self) -> Option<u16> {
        let value = self.value(ERROR_CODE)?;
        Some(u16::from(value[2]) * 100 + u16::from(value[3]))
    }

    /// Where an ICE check seemed to come from.
    pub fn mapped(&self) -> Option<SocketAddr> {
        self.address(MAPPED)
    }
}

fn message(kind: u16, attributes: &[(u16, Vec<u8>)], key: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = kind.to_be_bytes().to_vec();
    bytes.extend([0, 0]);
    bytes.extend(COOKIE);
    bytes.extend(rand::random::<[u8; 12]>());
    let mut add = |kind: u16, value: &[u8]| {
        bytes.extend(kind.to_be_bytes());
        bytes.extend((value.len() as u16).to_be_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let length = (bytes.len() - 20) as u16;
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        bytes.clone()
    };
    let mut whole = Vec::new();
    for (kind, value) in attributes {
        whole = add(*kind, value);
    }
    let Some(key) = key else {
        return if whole.is_empty() { bytes } else { whole };
    };
    // The length counts the signature, and what is signed does not hold it.
    let with = add(INTEGRITY, &[0; 20]);
    let signed = &with[..with.len() - 24];
    let mac = Hmac::<Sha1>::new_from_slice(key).unwrap();
    let tag = mac.chain_update(signed).finalize().into_bytes();
    [signed, &with[with.len() - 24..with.len() - 20], &tag].concat()
}

/// An ICE check of the controlling side (RFC 8445 §7.1), as the description's credentials allow it.
pub fn check(ufrag: &str, password: &str) -> Vec<u8> {
    let username = format!("{ufrag}:test").into_bytes();
    let attributes = [
        (USERNAME, username),
        (PRIORITY, vec![0x40, 0, 0, 1]),
        (CONTROLLING, vec![1; 8]),
    ];
    message(0x0001, &attributes, Some(password.as_bytes()))
}

fn xor(peer: SocketAddr) -> Vec<u8> {
    let IpAddr::V4(ip) = peer.ip() else {
        panic!("an IPv4 address: {peer}");
    };
    let port = peer.port().to_be_bytes();
    let mut value = vec![0, 1, port[0] ^ COOKIE[0], port[1] ^ COOKIE[1]];
    value.extend(
        ip.octets()
            .iter()
            .zip(COOKIE)
            .map(|(byte, mask)| byte ^ mask),
    );
    value
}

impl Turn {
    /// A client of the relay that somebody was told of who joined, by `udp` or `tcp`.
    pub async fn of(joined: &Value, transport: &str) -> Self {
        let end = format!("?transport={transport}");
        let urls = joined["ice_servers"][0]["urls"].as_array().unwrap().iter();
        let mut urls = urls.map(|url| url.as_str().unwrap());
        let url = urls.find(|url| url.starts_with("turn:") && url.ends_with(&end));
        let address = url.unwrap().trim_start_matches("turn:");
        let address = address.trim_end_matches(&end).parse().unwrap();
        if transport == "udp" {
            return Self::at(joined, address).await;
        }
        let stream = TcpStream::connect(address).await.unwrap();
        Self::by(joined, Carrier::Stream(stream))
    }

    /// The same by datagrams to this address, whether or not the relay is named there.
    pub async fn at(joined: &Value, address: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(address).await.unwrap();
        Self::by(joined, Carrier::Datagrams(socket))
    }

    fn by(joined: &Value, carrier: Carrier) -> Self {
        let server = &joined["ice_servers"][0];
        let text = |name: &str| server[name].as_str().unwrap().to_owned();
        Self {
            carrier,
            username: text("username"),
            password: text("credential"),
            challenge: None,
            mapped: None,
        }
    }

    /// From now on it shows this password.
    pub fn set_password(&mut self, password: &str) {
        self.password = password.to_owned();
    }

    async fn write(&mut self, bytes: &[u8]) {
        match &mut self.carrier {
            Carrier::Datagrams(socket) => {
                socket.send(bytes).await.unwrap();
            }
            Carrier::Stream(stream) => {
                let mut padded = bytes.to_vec();
                padded.resize(bytes.len().next_multiple_of(4), 0);
                stream.write_all(&padded).await.unwrap();
            }
        }
    }

    /// The next whole message.
    pub async fn read(&mut self) -> Vec<u8> {
        match &mut self.carrier {
            Carrier::Datagrams(socket) => {
                let mut buffer = [0; 2_048];
                let length = soon(socket.recv(&mut buffer)).await.unwrap();
                buffer[..length].to_vec()
            }
            Carrier::Stream(stream) => {
                let mut whole = vec![0; 4];
                soon(stream.read_exact(&mut whole)).await.unwrap();
                let length = usize::from(u16::from_be_bytes([whole[2], whole[3]]));
                let rest = match whole[0] {
                    0x40..=0x4f => length.next_multiple_of(4),
                    _ => length + 16,
                };
                whole.resize(4 + rest, 0);
                soon(stream.read_exact(&mut whole[4..])).await.unwrap();
                whole
            }
        }
    }

    fn key(&self, realm: &[u8]) -> Vec<u8> {
        let parts = [
            self.username.as_bytes(),
            b":",
            realm,
            b":",
            self.password.as_bytes(),
        ];
        Md5::digest(parts.concat()).to_vec()
    }

    /// Asks, and once more when it is told who asks for what.
    pub async fn ask(&mut self, method: u16, attributes: &[(u16, Vec<u8>)]) -> Result<Came, u16> {
        loop {
            let request = match &self.challenge {
                None => message(method, attributes, None),
                Some((realm, nonce)) => {
                    let mut all = attributes.to_vec();
                    all.push((USERNAME, self.username.clone().into_bytes()));
                    all.push((REALM, realm.clone()));
                    all.push((NONCE, nonce.clone()));
                    message(method, &all, Some(&self.key(realm)))
                }
            };
            self.write(&request).await;
            let came = loop {
                let bytes = self.read().await;
                // What is relayed may come between.
                if bytes.get(8..20) == request.get(8..20) && bytes[0] < 0x40 {
                    break Came::parse(&bytes);
                }
            };
            let first = self.challenge.is_none();
            match came.code() {
                None => {
                    assert_eq!(came.kind, method | 0x100);
                    return Ok(came);
                }
                Some(401) if first => {
                    let value = |kind| came.value(kind).unwrap().to_vec();
                    self.challenge = Some((value(REALM), value(NONCE)));
                }
                Some(code) => return Err(code),
            }
        }
    }

    /// Asks for a relayed address.
    pub async fn allocate(&mut self) -> Result<SocketAddr, u16> {
        let transport = [(TRANSPORT, vec![17, 0, 0, 0])];
        let came = self.ask(ALLOCATE, &transport).await?;
        self.mapped = came.address(MAPPED);
        Ok(came.address(RELAYED).unwrap())
    }

    pub async fn refresh(&mut self, seconds: u32) -> Result<Came, u16> {
        let lifetime = [(LIFETIME, seconds.to_be_bytes().to_vec())];
        self.ask(REFRESH, &lifetime).await
    }

    pub async fn permit(&mut self, peer: SocketAddr) -> Result<Came, u16> {
        self.ask(CREATE_PERMISSION, &[(PEER, xor(peer))]).await
    }

    pub async fn bind(&mut self, number: u16, peer: SocketAddr) -> Result<Came, u16> {
        let number = [&number.to_be_bytes()[..], &[0, 0]].concat();
        let attributes = [(CHANNEL_NUMBER, number), (PEER, xor(peer))];
        self.ask(CHANNEL_BIND, &attributes).await
    }

    /// Sends to a peer in an indication.
    pub async fn send(&mut self, peer: SocketAddr, payload: &[u8]) {
        let attributes = [(PEER, xor(peer)), (DATA, payload.to_vec())];
        let indication = message(SEND | 0x010, &attributes, None);
        self.write(&indication).await;
    }

    /// Sends by a channel.
    pub async fn send_by(&mut self, number: u16, payload: &[u8]) {
        let length = payload.len() as u16;
        let message = [&number.to_be_bytes()[..], &length.to_be_bytes(), payload].concat();
        self.write(&message).await;
    }

    /// What comes next from a peer, and from whom or by which channel.
    pub async fn heard(&mut self) -> (Result<SocketAddr, u16>, Vec<u8>) {
        let bytes = self.read().await;
        if bytes[0] >= 0x40 {
            let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
            let number = u16::from_be_bytes([bytes[0], bytes[1]]);
            return (Err(number), bytes[4..4 + length].to_vec());
        }
        let came = Came::parse(&bytes);
        assert_eq!(came.kind, 0x0017, "a Data indication");
        let payload = came.value(DATA).unwrap().to_vec();
        (Ok(came.address(PEER).unwrap()), payload)
    }
}
