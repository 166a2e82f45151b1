//! The server on this machine, and the way to it from outside.

use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use futures_util::StreamExt as _;
use serde_json::Value;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Error as SocketError, Message};

use super::machine::ahead_ms;
use super::wire::{self, ANSWERS_WITHIN, Answered, Connected, Place, Stream};
use crate::config::{Config, MediaAddress, PublicUrl};
use crate::doctor::seen::{Answer, Certificate, Name, Public, Rest, Socket, Via};
use crate::network::is_here;
use crate::protocol::check_report::CheckReport;

/// Longer than the default time-outs of proxies (nginx: 60 s, HAProxy: 50 s).
const REST: Duration = Duration::from_secs(90);

/// A server, at its own address or at the public one.
#[derive(Debug, Clone)]
pub(super) struct Server {
    place: Place,
    /// The `Host` header, as a browser sends it.
    host: String,
    /// Of pages that may open a WebSocket.
    origin: String,
    /// The base path, without the slash at its end.
    path: String,
}

impl Server {
    /// The server of these settings on this machine.
    pub fn here(config: &Config) -> Self {
        let mut address = config.listen.address;
        if address.ip().is_unspecified() {
            let loopback: IpAddr = match address.ip() {
                IpAddr::V4(_) => [127, 0, 0, 1].into(),
                IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            };
            address.set_ip(loopback);
        }
        let scheme = match config.tls.certificate {
            Some(_) => "https",
            None => "http",
        };
        Self {
            place: Place {
                authority: address.to_string(),
                tls: config.tls.certificate.as_ref().map(|_| own_name(config)),
            },
            host: address.to_string(),
            origin: format!("{scheme}://{address}"),
            path: String::new(),
        }
    }

    /// The server at the public address.
    fn outside(url: &PublicUrl) -> Self {
        let origin = url.origin.to_string();
        let (scheme, host) = origin.split_once("://").unwrap_or(("http", &origin));
        let is_secure = scheme == "https";
        let (name, has_port) = bare(host);
        let port = if is_secure { 443 } else { 80 };
        Self {
            place: Place {
                authority: if has_port {
                    host.to_owned()
                } else {
                    format!("{host}:{port}")
                },
                tls: is_secure.then(|| name.to_owned()),
            },
            host: host.to_owned(),
            origin: origin.clone(),
            path: url.path.without_slash().to_owned(),
        }
    }

    async fn get(&self, path: &str) -> Result<(Answered, Option<Certificate>), String> {
        wire::get(&self.place, &self.host, &format!("{}{path}", self.path)).await
    }

    /// Its own health report, and its certificate. None if nobody answers.
    pub async fn health(&self) -> Option<(Answer, Option<Certificate>)> {
        let (answered, certificate) = self.get("/healthz").await.ok()?;
        Some((answer(&answered), certificate))
    }

    /// The page's verdict under this code.
    pub async fn verdict(&self, code: &str) -> Option<CheckReport> {
        let is_plain = code
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_plain {
            return None;
        }
        let (answered, _) = self.get(&format!("/check/report/{code}")).await.ok()?;
        let report: CheckReport = serde_json::from_str(&answered.body).ok()?;
        report.is_sound().then_some(report)
    }

    /// Opens a WebSocket, as the page does.
    pub async fn open(&self) -> Result<WebSocketStream<Box<dyn Stream>>, Socket> {
        let Connected { stream, .. } = wire::connect(&self.place)
            .await
            .map_err(|_| Socket::Failed)?;
        let uri = format!("ws://{}{}/ws", self.host, self.path);
        let uri = uri.parse().map_err(|_| Socket::Failed)?;
        let request = ClientRequestBuilder::new(uri)
            .with_header("Origin", &self.origin)
            .with_sub_protocol("meeting.v1");
        let opening = tokio_tungstenite::client_async(request, stream);
        match tokio::time::timeout(ANSWERS_WITHIN, opening).await {
            Ok(Ok((socket, _))) => Ok(socket),
            Ok(Err(SocketError::Http(answer))) => Err(Socket::Refused(answer.status().as_u16())),
            Ok(Err(_)) | Err(_) => Err(Socket::Failed),
        }
    }
}

/// The name that people ask the server by.
pub(super) fn own_name(config: &Config) -> String {
    let public = config.listen.public_url.as_ref();
    let name = match (&config.tls.domain, public) {
        (Some(domain), _) => domain.as_str(),
        (None, Some(url)) => url.origin.host(),
        (None, None) => "localhost",
    };
    name.trim_matches(['[', ']']).to_owned()
}

/// A host without its port, and whether it has one.
fn bare(host: &str) -> (&str, bool) {
    if let Some(rest) = host.strip_prefix('[') {
        let name = rest.split(']').next().unwrap_or(rest);
        return (name, !host.ends_with(']'));
    }
    match host.rsplit_once(':') {
        Some((name, _)) => (name, true),
        None => (host, false),
    }
}

fn answer(answered: &Answered) -> Answer {
    let health: Value = serde_json::from_str(&answered.body).unwrap_or_default();
    let version = health["version"]
        .as_str()
        .filter(|_| health["participants"].is_u64());
    let reasons = health["reasons"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let text = |text: &str| {
        text.chars()
            .filter(|letter| !letter.is_control())
            .take(300)
            .collect()
    };
    Answer {
        status: answered.status,
        version: version.map(text),
        reasons: reasons.iter().filter_map(Value::as_str).map(text).collect(),
    }
}

pub(super) async fn name(config: &Config, url: &PublicUrl) -> Option<Name> {
    let origin = url.origin.to_string();
    let (host, _) = bare(origin.split_once("://")?.1);
    if host.parse::<IpAddr>().is_ok() {
        return None;
    }
    let looking = tokio::time::timeout(ANSWERS_WITHIN, tokio::net::lookup_host((host, 0)));
    let addresses = match looking.await {
        Err(_) => Err("no answer came".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(found)) => {
            let mut found: Vec<IpAddr> = found.map(|found| found.ip().to_canonical()).collect();
            found.sort();
            found.dedup();
            Ok(found)
        }
    };
    let media = config.media.addresses.iter();
    let media: Vec<IpAddr> = media.filter_map(MediaAddress::public).collect();
    let announced = |ip: &IpAddr| media.contains(ip);
    let ours = addresses
        .iter()
        .flatten()
        .filter(|ip| announced(ip) || is_here(**ip));
    Some(Name {
        host: host.to_owned(),
        ours: ours.count(),
        addresses,
    })
}

/// Observations at the public address, and by how much its clock is ahead.
pub(super) async fn public(url: &PublicUrl, patient: bool) -> (Public, Option<i64>) {
    let server = Server::outside(url);
    let mut public = Public {
        url: url.to_string(),
        ..Public::default()
    };
    let ahead = match server.get("/healthz").await {
        Err(why) => {
            public.unreachable = Some(why);
            return (public, None);
        }
        Ok((answered, certificate)) => {
            public.certificate = certificate;
            public.health = Some(answer(&answered));
            answered.date.map(|date| ahead_ms(date, SystemTime::now()))
        }
    };
    if public
        .health
        .as_ref()
        .is_some_and(|health| health.version.is_some())
    {
        if let Ok((answered, _)) = server.get("/check/via").await {
            public.via = serde_json::from_str::<Via>(&answered.body).ok();
        }
        public.socket = Some(match server.open().await {
            Err(why) => why,
            Ok(socket) => {
                let (how, socket) = first_word(socket).await;
                if patient && let Some(socket) = socket {
                    public.rest = Some(rest(socket, REST).await);
                }
                how
            }
        });
    }
    (public, ahead)
}

type Opened = WebSocketStream<Box<dyn Stream>>;

/// The server speaks first.
async fn first_word(mut socket: Opened) -> (Socket, Option<Opened>) {
    match tokio::time::timeout(ANSWERS_WITHIN, socket.next()).await {
        Ok(Some(Ok(Message::Text(_)))) => (Socket::Opened, Some(socket)),
        Ok(_) | Err(_) => (Socket::Silent, None),
    }
}

/// Keeps a socket idle. Pings are answered as browsers do, so that the server keeps the session.
async fn rest(mut socket: Opened, for_so_long: Duration) -> Rest {
    let began = Instant::now();
    let end = tokio::time::sleep(for_so_long);
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => return Rest::Held(for_so_long.as_secs()),
            message = socket.next() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Rest::Cut(began.elapsed().as_secs()),
                Some(Ok(_)) => {}
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outside(url: &str) -> (String, Option<String>, String, String) {
        let server = Server::outside(&PublicUrl::parse(url).unwrap());
        (
            server.place.authority,
            server.place.tls,
            server.host,
            server.path,
        )
    }

    #[test]
    fn a_public_address_is_split_into_where_who_and_below_what() {
        let text = str::to_owned;
        assert_eq!(
            outside("https://meet.example.org/m"),
            (
                text("meet.example.org:443"),
                Some(text("meet.example.org")),
                text("meet.example.org"),
                text("/m")
            )
        );
        assert_eq!(
            outside("http://[::1]:8080"),
            (text("[::1]:8080"), None, text("[::1]:8080"), String::new())
        );
        assert_eq!(bare("[2001:db8::1]"), ("2001:db8::1", false));
    }
}
