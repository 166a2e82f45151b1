//! Asks a relay for an allocation, and frees it again (RFC 8656). A client that gets one can be relayed.

use std::net::{IpAddr, SocketAddr};

use md5::{Digest as _, Md5};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UdpSocket;

use super::stun::{self, ALLOCATE, Answer, REFRESH, Request, Transaction};
use super::wire::{self, Place, Stream};
use crate::doctor::seen::Went;
use crate::protocol::check_report::WayName;

/// A relay as a server names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relay {
    pub way: WayName,
    host: String,
    port: u16,
    /// Where it is tried, if not at its host.
    at: Option<IpAddr>,
}

impl Relay {
    /// Reads `turn:host[:port][?transport=udp|tcp]` or `turns:` (RFC 7065). None for `stun:` and everything else.
    pub fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once(':')?;
        let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
        let way = match (scheme, query) {
            ("turn", "" | "transport=udp") => WayName::TurnUdp,
            ("turn", "transport=tcp") => WayName::TurnTcp,
            ("turns", "" | "transport=tcp") => WayName::TurnTls,
            _ => return None,
        };
        let port_at = authority
            .rfind(':')
            .filter(|at| authority.rfind(']').is_none_or(|end| end < *at));
        let (host, port) = match port_at {
            Some(at) => (&authority[..at], authority[at + 1..].parse().ok()?),
            None => (
                authority,
                if way == WayName::TurnTls {
                    5_349
                } else {
                    3_478
                },
            ),
        };
        (!host.is_empty()).then(|| Self {
            way,
            host: host.to_owned(),
            port,
            at: None,
        })
    }

    /// Tries it where its address leads to, which may be an address of this machine.
    pub fn led(mut self, leads: impl Fn(IpAddr) -> IpAddr) -> Self {
        self.at = self.host.trim_matches(['[', ']']).parse().ok().map(leads);
        self
    }

    /// Tries it.
    pub async fn ask(&self, username: &str, password: &str) -> Went {
        let asked = wire::in_time(async {
            let mut carrier = self.connect().await?;
            allocate(&mut carrier, username, password).await
        });
        match asked.await {
            Ok(()) => Went::Answered,
            Err(why) if why == "no answer came in time" => Went::Silent,
            Err(why) if why == DISTRUSTED => Went::Distrusted,
            Err(why) => Went::Refused(why),
        }
    }

    async fn connect(&self) -> Result<Carrier, String> {
        let authority = match self.at {
            Some(ip) => SocketAddr::new(ip, self.port).to_string(),
            None => format!("{}:{}", self.host, self.port),
        };
        if self.way == WayName::TurnUdp {
            let address = wire::look_up(&authority)
                .await
                .ok_or("its name is not found")?;
            let from = if address.is_ipv4() {
                "0.0.0.0:0"
            } else {
                "[::]:0"
            };
            let socket = UdpSocket::bind(from)
                .await
                .map_err(|error| error.to_string())?;
            socket
                .connect(address)
                .await
                .map_err(|error| error.to_string())?;
            return Ok(Carrier::Datagrams(socket));
        }
        let tls =
            (self.way == WayName::TurnTls).then(|| self.host.trim_matches(['[', ']']).to_owned());
        let connected = wire::connect(&Place { authority, tls }).await?;
        let refused = connected
            .certificate
            .and_then(|certificate| certificate.refused);
        if refused.is_some() {
            return Err(DISTRUSTED.to_owned());
        }
        Ok(Carrier::Stream(connected.stream))
    }
}

/// Nothing more is asked there.
const DISTRUSTED: &str = "browsers refuse its certificate";

/// What carries the messages.
enum Carrier {
    Datagrams(UdpSocket),
    Stream(Box<dyn Stream>),
}

impl Carrier {
    async fn exchange(
        &mut self,
        kind: u16,
        transaction: &Transaction,
        message: &[u8],
    ) -> Result<Answer, String> {
        loop {
            let bytes = match self {
                Self::Datagrams(socket) => {
                    let mut buffer = [0; 1_500];
                    socket
                        .send(message)
                        .await
                        .map_err(|error| error.to_string())?;
                    // A datagram may be lost. The repetition has the same id.
                    let again = std::time::Duration::from_millis(700);
                    match tokio::time::timeout(again, socket.recv(&mut buffer)).await {
                        Ok(got) => buffer[..got.map_err(|error| error.to_string())?].to_vec(),
                        Err(_) => continue,
                    }
                }
                Self::Stream(stream) => {
                    stream
                        .write_all(message)
                        .await
                        .map_err(|error| error.to_string())?;
                    stream.flush().await.map_err(|error| error.to_string())?;
                    let mut head = [0; 4];
                    stream
                        .read_exact(&mut head)
                        .await
                        .map_err(|error| error.to_string())?;
                    let mut whole = head.to_vec();
                    whole.resize(stun::length(&head), 0);
                    stream
                        .read_exact(&mut whole[4..])
                        .await
                        .map_err(|error| error.to_string())?;
                    whole
                }
            };
            if let Some(answer) = stun::answer(&bytes, kind, transaction) {
                return Ok(answer);
            }
            if matches!(self, Self::Stream(_)) {
                return Err("what answers is no relay".to_owned());
            }
        }
    }
}

async fn allocate(carrier: &mut Carrier, username: &str, password: &str) -> Result<(), String> {
    let transaction = rand::random();
    let question = Request::new(ALLOCATE, &transaction).for_datagrams().plain();
    let challenge = match carrier.exchange(ALLOCATE, &transaction, &question).await? {
        Answer::Error(401, challenge) => challenge,
        Answer::Error(code, _) => return Err(format!("error {code}")),
        Answer::Success => return Err("it relays for everybody, without credentials".to_owned()),
    };
    let mut key = Md5::new();
    for part in [
        username.as_bytes(),
        b":",
        &challenge.realm,
        b":",
        password.as_bytes(),
    ] {
        key.update(part);
    }
    let key = key.finalize();
    let transaction = rand::random();
    let question = Request::new(ALLOCATE, &transaction)
        .for_datagrams()
        .by(username, &challenge);
    match carrier
        .exchange(ALLOCATE, &transaction, &question.sign(&key))
        .await?
    {
        Answer::Success => {}
        Answer::Error(code, _) => return Err(format!("error {code}")),
    }
    let transaction = rand::random();
    let back = Request::new(REFRESH, &transaction)
        .for_no_longer()
        .by(username, &challenge);
    // The answer does not matter, because the allocation expires by itself.
    let _ = carrier
        .exchange(REFRESH, &transaction, &back.sign(&key))
        .await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relays_address_says_how_it_is_reached() {
        let read = |url: &str| Relay::parse(url).map(|relay| (relay.way, relay.host, relay.port));
        let is = |way, host: &str, port| Some((way, host.to_owned(), port));
        assert_eq!(
            read("turn:meet.example"),
            is(WayName::TurnUdp, "meet.example", 3_478)
        );
        assert_eq!(
            read("turn:192.0.2.1:443?transport=tcp"),
            is(WayName::TurnTcp, "192.0.2.1", 443)
        );
        assert_eq!(
            read("turns:[2001:db8::1]?transport=tcp"),
            is(WayName::TurnTls, "[2001:db8::1]", 5_349)
        );
        for other in [
            "stun:meet.example",
            "turn:meet.example?transport=sctp",
            "turn::1",
            "turn",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
