//! A client that knows the standard, and what the relay answers it.

mod abuse;
mod authentication;
mod carriers;
mod rules;

use std::net::SocketAddr;
use std::time::Duration;

use md5::{Digest as _, Md5};
use tokio::time::Instant;

use super::message::{Class, Message, Writer, attribute, method};
use super::*;

const MEDIA: &str = "192.0.2.1:20000";
const MEDIA_6: &str = "[2001:db8::1]:20000";
/// The protocol number of UDP, as REQUESTED-TRANSPORT holds it.
const UDP: [u8; 4] = [17, 0, 0, 0];

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn client(port: u16) -> Client {
    Client::Udp {
        local: address(MEDIA),
        remote: SocketAddr::new(address("198.51.100.7:0").ip(), port),
    }
}

/// A relay with two people who reach each other, two in another such room, and one who reaches media alone.
struct Stage {
    server: Server,
    now: Now,
    transaction: u8,
}

impl Stage {
    fn new() -> Self {
        let now = Now {
            instant: Instant::now(),
            unix: 1_769_855_400,
        };
        let mut server = Server::new([7; 32], now.instant);
        server.set_media(vec![
            address("127.0.0.1:20000"),
            address(MEDIA),
            address(MEDIA_6),
        ]);
        for (who, room, reach) in [
            ("ada", 1, Reach::EachOther),
            ("bo", 1, Reach::EachOther),
            ("eve", 2, Reach::EachOther),
            ("kim", 3, Reach::Media),
            ("lee", 3, Reach::Media),
        ] {
            server.admit(who, room, reach, now.instant);
        }
        Self {
            server,
            now,
            transaction: 0,
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.now.instant += Duration::from_secs(seconds);
        self.now.unix += seconds;
    }

    fn transaction(&mut self) -> [u8; 12] {
        self.transaction = self.transaction.wrapping_add(1);
        [self.transaction; 12]
    }

    /// A client at this port, with the credentials of somebody.
    fn who(&self, name: &str, port: u16) -> Who {
        let Credentials { username, password } = self.server.credentials(name, self.now.unix);
        Who {
            client: client(port),
            username,
            password,
            nonce: String::new(),
        }
    }

    fn ask(&mut self, who: &mut Who, method: u16, attributes: &[(u16, Vec<u8>)]) -> Answer {
        let transaction = self.transaction();
        self.ask_with(who, method, attributes, transaction)
    }

    /// Asks, and once more with the nonce that it is told.
    fn ask_with(
        &mut self,
        who: &mut Who,
        method: u16,
        attributes: &[(u16, Vec<u8>)],
        transaction: [u8; 12],
    ) -> Answer {
        for _ in 0..2 {
            let request = who.request(method, attributes, transaction);
            let answer = self.give(who.client, &request).expect("an answer");
            let is_stale = matches!(answer.code, Some(401 | 438));
            let Some(nonce) = answer
                .nonce
                .clone()
                .filter(|nonce| is_stale && *nonce != who.nonce)
            else {
                return answer;
            };
            who.nonce = nonce;
        }
        let request = who.request(method, attributes, transaction);
        self.give(who.client, &request).expect("an answer")
    }

    fn give(&mut self, client: Client, message: &[u8]) -> Option<Answer> {
        match self.server.handle(client, message, self.now) {
            Outcome::Answer(bytes) => Some(Answer::read(&bytes)),
            _ => None,
        }
    }

    /// Somebody with an allocation.
    fn allocated(&mut self, name: &str, port: u16) -> (Who, SocketAddr) {
        let mut who = self.who(name, port);
        let answer = self.allocate(&mut who, &[]);
        assert_eq!(answer.code, None, "{name}");
        (who, answer.relayed.unwrap())
    }

    fn allocate(&mut self, who: &mut Who, more: &[(u16, Vec<u8>)]) -> Answer {
        let transport = (attribute::REQUESTED_TRANSPORT, UDP.to_vec());
        let attributes = [&[transport], more].concat();
        self.ask(who, method::ALLOCATE, &attributes)
    }

    fn permit(&mut self, who: &mut Who, peers: &[&str]) -> Answer {
        let transaction = self.transaction();
        let peers: Vec<_> = peers.iter().map(|peer| xor(peer, &transaction)).collect();
        self.ask_with(who, method::CREATE_PERMISSION, &peers, transaction)
    }

    fn bind(&mut self, who: &mut Who, number: u16, peer: &str) -> Answer {
        let transaction = self.transaction();
        let number = [&number.to_be_bytes()[..], &[0, 0]].concat();
        let attributes = [(attribute::CHANNEL_NUMBER, number), xor(peer, &transaction)];
        self.ask_with(who, method::CHANNEL_BIND, &attributes, transaction)
    }

    fn send(&mut self, who: &Who, peer: &str, payload: &[u8]) -> (Vec<u8>, Outcome) {
        let transaction = [9; 12];
        let message = Writer::new(method::SEND, Class::Indication, &transaction)
            .attribute(attribute::XOR_PEER_ADDRESS, &xor(peer, &transaction).1)
            .attribute(attribute::DATA, payload)
            .finish();
        let outcome = self.server.handle(who.client, &message, self.now);
        (message, outcome)
    }

    fn by_channel(&mut self, who: &Who, number: u16, payload: &[u8]) -> Outcome {
        let message = channel_data(number, payload);
        self.server.handle(who.client, &message, self.now)
    }
}

fn channel_data(number: u16, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u16;
    [&number.to_be_bytes(), &length.to_be_bytes()[..], payload].concat()
}

fn xor(peer: &str, transaction: &[u8; 12]) -> (u16, Vec<u8>) {
    let message = Writer::new(0, Class::Request, transaction)
        .address(attribute::XOR_PEER_ADDRESS, address(peer))
        .finish();
    (attribute::XOR_PEER_ADDRESS, message[24..].to_vec())
}

struct Who {
    client: Client,
    username: String,
    password: String,
    nonce: String,
}

impl Who {
    fn key(&self) -> [u8; 16] {
        Md5::digest(format!("{}:meeting:{}", self.username, self.password)).into()
    }

    fn request(
        &self,
        method: u16,
        attributes: &[(u16, Vec<u8>)],
        transaction: [u8; 12],
    ) -> Vec<u8> {
        let writer = Writer::new(method, Class::Request, &transaction);
        let writer = attributes.iter().fold(writer, |writer, (kind, value)| {
            writer.attribute(*kind, value)
        });
        if self.nonce.is_empty() {
            return writer.finish();
        }
        writer
            .attribute(attribute::USERNAME, self.username.as_bytes())
            .attribute(attribute::REALM, b"meeting")
            .attribute(attribute::NONCE, self.nonce.as_bytes())
            .sign(&self.key())
    }
}

/// An answer, as a client reads it.
#[derive(Debug)]
struct Answer {
    bytes: Vec<u8>,
    code: Option<u16>,
    nonce: Option<String>,
    relayed: Option<SocketAddr>,
    lifetime: Option<u32>,
    unknown: Option<u16>,
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let message = Message::parse(bytes).unwrap();
        let code = message.value(attribute::ERROR_CODE);
        let code = code.map(|value| u16::from(value[2]) * 100 + u16::from(value[3]));
        assert_eq!(message.class == Class::Error, code.is_some());
        let unknown = message.value(attribute::UNKNOWN_ATTRIBUTES);
        Self {
            bytes: bytes.to_vec(),
            code,
            nonce: message.text(attribute::NONCE).map(str::to_owned),
            relayed: message.address(attribute::XOR_RELAYED_ADDRESS),
            lifetime: message.number(attribute::LIFETIME).unwrap(),
            unknown: unknown.map(|value| u16::from_be_bytes([value[0], value[1]])),
        }
    }
}
