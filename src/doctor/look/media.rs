//! The ways of media that the running server offers.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::stun::{self, BINDING, Request};
use super::turn::Relay;
use super::web::Server;
use super::wire::{self, Stream};
use crate::config::{Config, MediaAddress};
use crate::doctor::seen::{Media, Went};
use crate::protocol::check_report::WayName;

/// How often a check is sent, and each time waited for.
const TRIES: usize = 3;
const EACH: Duration = Duration::from_millis(700);

/// Tries each way once, from this machine. Few NATs lead their own network back to itself: where it is known what a
/// public address leads to, it is tried there.
pub(super) async fn ways(server: &Server, config: &Config) -> Media {
    let media = &config.media.addresses;
    match offered(server).await {
        Ok((mut offer, relays, _session)) => {
            let mut ways = Vec::new();
            for candidate in offer.udp.iter_mut().chain(&mut offer.tcp) {
                candidate.set_ip(led(media, candidate.ip()));
            }
            for (way, candidates) in [(WayName::Udp, &offer.udp), (WayName::Tcp, &offer.tcp)] {
                if !candidates.is_empty() {
                    ways.push((way, any_answers(way, candidates, &offer).await));
                }
            }
            for (relay, username, credential) in relays {
                let relay = relay.led(|ip| led(media, ip));
                ways.push((relay.way, relay.ask(&username, &credential).await));
            }
            Media {
                not_asked: None,
                ways,
            }
        }
        Err(why) => Media {
            not_asked: Some(why),
            ways: Vec::new(),
        },
    }
}

/// Where an address leads to.
fn led(media: &[MediaAddress], ip: IpAddr) -> IpAddr {
    let pair = media.iter().find(|pair| pair.public() == Some(ip));
    pair.and_then(MediaAddress::private).unwrap_or(ip)
}

/// The transport in the description of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Offer {
    ufrag: String,
    password: String,
    udp: Vec<SocketAddr>,
    tcp: Vec<SocketAddr>,
}

impl Offer {
    /// In a bundle all m-lines share the transport of the first one (RFC 8843).
    fn read(sdp: &str) -> Self {
        let mut offer = Self::default();
        for line in sdp.lines().map(str::trim_end) {
            if let Some(ufrag) = line.strip_prefix("a=ice-ufrag:") {
                offer.ufrag = ufrag.to_owned();
            } else if let Some(password) = line.strip_prefix("a=ice-pwd:") {
                offer.password = password.to_owned();
            } else if let Some(candidate) = line.strip_prefix("a=candidate:") {
                offer.candidate(candidate);
            }
        }
        offer
    }

    /// `FOUNDATION COMPONENT TRANSPORT PRIORITY ADDRESS PORT typ host …` (RFC 8839 §5.1, RFC 6544 §4.5).
    fn candidate(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let [_, "1", transport, _, ip, port, "typ", "host", ..] = words[..] else {
            return;
        };
        let (Ok(ip), Ok(port)) = (ip.parse(), port.parse()) else {
            return;
        };
        let list = match transport.to_ascii_lowercase().as_str() {
            "udp" => &mut self.udp,
            "tcp" if words.contains(&"passive") => &mut self.tcp,
            _ => return,
        };
        let address = SocketAddr::new(ip, port);
        if !list.contains(&address) {
            list.push(address);
        }
    }
}

type Relays = Vec<(Relay, String, String)>;

/// Joins a test meeting as a guest and reads the offer. The session must be held meanwhile.
async fn offered(server: &Server) -> Result<(Offer, Relays, Session), String> {
    let opened = server.open().await;
    let mut session = Session {
        socket: opened.map_err(|_| "no WebSocket opens at --listen".to_owned())?,
        last_id: 0,
    };
    session
        .ask("auth.guest", json!({ "display_name": "Doctor" }))
        .await?;
    let room = session.ask("check.begin", json!({})).await?;
    let joined = session
        .ask("room.join", json!({ "identity": room["identity"] }))
        .await?;
    let slots = json!({ "audio_slots": 1, "video_slots": 1 });
    let received = session.ask("media.receive", slots).await?;
    let offer = Offer::read(received["sdp"].as_str().unwrap_or_default());
    if offer.ufrag.is_empty() {
        return Err("the server offered no connection".to_owned());
    }
    Ok((offer, relays(&joined["ice_servers"]), session))
}

fn relays(servers: &Value) -> Relays {
    let mut relays = Vec::new();
    for server in servers.as_array().into_iter().flatten() {
        let text = |name: &str| server[name].as_str().unwrap_or_default().to_owned();
        let urls = server["urls"].as_array().into_iter().flatten();
        for relay in urls.filter_map(Value::as_str).filter_map(Relay::parse) {
            relays.push((relay, text("username"), text("credential")));
        }
    }
    relays
}

struct Session {
    socket: WebSocketStream<Box<dyn Stream>>,
    last_id: u64,
}

impl Session {
    async fn ask(&mut self, kind: &str, data: Value) -> Result<Value, String> {
        self.last_id += 1;
        let request = json!({ "type": kind, "id": self.last_id, "data": data }).to_string();
        wire::in_time(self.exchange(kind, request)).await
    }

    async fn exchange(&mut self, kind: &str, request: String) -> Result<Value, String> {
        let sent = self.socket.send(Message::text(request)).await;
        sent.map_err(|error| error.to_string())?;
        while let Some(Ok(message)) = self.socket.next().await {
            let Message::Text(text) = message else {
                continue;
            };
            let mut frame: Value = serde_json::from_str(&text).unwrap_or_default();
            if frame["re"] != self.last_id {
                continue;
            }
            if frame["type"] == "ok" {
                return Ok(frame["data"].take());
            }
            let code = frame["error"]["code"].as_str().unwrap_or("an error");
            return Err(match code {
                "auth.guest_disabled" => "the server takes no guests".to_owned(),
                code => format!("{kind} was answered {code}"),
            });
        }
        Err("the server closed the WebSocket".to_owned())
    }
}

async fn any_answers(way: WayName, candidates: &[SocketAddr], offer: &Offer) -> Went {
    for candidate in candidates {
        let answers = match way {
            WayName::Udp => over_udp(*candidate, offer).await,
            _ => over_tcp(*candidate, offer).await,
        };
        if answers.is_some() {
            return Went::Answered;
        }
    }
    Went::Silent
}

/// An ICE check (RFC 8445 §7.1). Its signature needs values that only the description contains.
fn check(offer: &Offer, transaction: &stun::Transaction) -> Vec<u8> {
    Request::new(BINDING, transaction)
        .check(&format!("{}:doctor", offer.ufrag))
        .sign(offer.password.as_bytes())
}

async fn over_udp(to: SocketAddr, offer: &Offer) -> Option<()> {
    let from = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(from).await.ok()?;
    socket.connect(to).await.ok()?;
    let mut buffer = [0; 1_500];
    for _ in 0..TRIES {
        let transaction = rand::random();
        socket.send(&check(offer, &transaction)).await.ok()?;
        let Ok(Ok(got)) = tokio::time::timeout(EACH, socket.recv(&mut buffer)).await else {
            continue;
        };
        if stun::answer(&buffer[..got], BINDING, &transaction).is_some() {
            return Some(());
        }
    }
    None
}

/// In frames (RFC 4571).
async fn over_tcp(to: SocketAddr, offer: &Offer) -> Option<()> {
    let trying = async {
        let mut stream = TcpStream::connect(to).await.ok()?;
        let transaction = rand::random();
        let message = check(offer, &transaction);
        let mut frame = (message.len() as u16).to_be_bytes().to_vec();
        frame.extend(message);
        stream.write_all(&frame).await.ok()?;
        let length = stream.read_u16().await.ok()?;
        let mut answer = vec![0; usize::from(length)];
        stream.read_exact(&mut answer).await.ok()?;
        stun::answer(&answer, BINDING, &transaction).map(|_| ())
    };
    tokio::time::timeout(EACH * TRIES as u32, trying)
        .await
        .ok()?
}

#[cfg(test)]
mod tests {
    use super::super::tests::config;
    use super::*;
    use crate::config::Key;

    #[test]
    fn an_offer_is_read_by_its_ways() {
        let offer = Offer::read(
            "v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:secret\r\n\
             a=candidate:1 1 udp 2130706431 192.0.2.1 20000 typ host\r\n\
             a=candidate:1 1 udp 2130706431 192.0.2.1 20000 typ host\r\n\
             a=candidate:2 1 TCP 1671430143 192.0.2.1 443 typ host tcptype passive\r\n\
             a=candidate:3 1 tcp 1671430143 192.0.2.1 9 typ host tcptype active\r\n\
             a=candidate:4 1 udp 1 nonsense 9 typ host\r\n",
        );
        assert_eq!(
            (offer.ufrag.as_str(), offer.password.as_str()),
            ("abcd", "secret")
        );
        assert_eq!(
            offer.udp,
            ["192.0.2.1:20000".parse::<SocketAddr>().unwrap()]
        );
        assert_eq!(offer.tcp, ["192.0.2.1:443".parse::<SocketAddr>().unwrap()]);
    }

    #[test]
    fn a_public_address_is_tried_where_it_leads_to() {
        let config = config(&[(Key::MediaIp, "203.0.113.7/10.0.0.5")]);
        let led = |ip: &str| led(&config.media.addresses, ip.parse().unwrap()).to_string();
        assert_eq!(led("203.0.113.7"), "10.0.0.5");
        assert_eq!(led("10.0.0.6"), "10.0.0.6");
    }

    #[test]
    fn relays_are_found_with_what_opens_them() {
        let servers = json!([
            { "urls": ["stun:meet.example"] },
            { "urls": ["turn:meet.example", "turns:meet.example:443"], "username": "u", "credential": "c" },
        ]);
        let found = relays(&servers);
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].0.way, WayName::TurnTls);
        assert_eq!((found[1].1.as_str(), found[1].2.as_str()), ("u", "c"));
        assert!(relays(&Value::Null).is_empty());
    }
}
