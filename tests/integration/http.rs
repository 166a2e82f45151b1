//! The HTTP layer over real sockets: the handshake, the headers and hostile clients; in [`page`] what is answered.

mod page;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use meeting::config::{BasePath, Origin};
use meeting::http::headers::PAGE_POLICY;
use meeting::http::{
    self, Access, Calendars, Capacity, CheckReports, Connections, FrameLimit, Gate, Health,
    HttpState, Page, Parts, PeerInfo, PlainLimits, Sharing, SocketLimits, Sockets, Traffic,
    UpgradedSocket,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

const MESSAGE_BYTES: usize = 1_024;
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a free port whose sessions tell the client's address and then echo.
pub struct Server {
    pub address: SocketAddr,
    sockets: Sockets,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Server {
    async fn start(access: Access, limits: SocketLimits) -> Self {
        Self::with(access, limits, BasePath::default(), Connections::default()).await
    }

    /// Below `prefix`, with these places for connections.
    pub async fn with(
        access: Access,
        limits: SocketLimits,
        prefix: BasePath,
        connections: Connections,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sockets = Sockets::new(limits);
        let state = HttpState {
            gate: Gate {
                access: Arc::new(access),
                sockets: sockets.clone(),
                message_bytes: MESSAGE_BYTES,
                frames: FrameLimit::On,
                traffic: Traffic::limited(),
            },
            session: Arc::new(|socket, peer| echo(socket, peer).boxed()),
            health: Arc::new(|| {
                let parts = Parts {
                    database: Some("The database does not answer."),
                    media: None,
                };
                async move {
                    Health::new(
                        parts,
                        2,
                        7,
                        Capacity {
                            seats: 40,
                            steps_down: 0,
                        },
                    )
                }
                .boxed()
            }),
            rooms: Arc::new(|_| async { Err(http::NoCalendar::Busy) }.boxed()),
            public_url: None,
            page: Page::new(prefix),
            plain: PlainLimits::default(),
            calendars: Calendars::default(),
            check_reports: CheckReports::default(),
        };
        let router = http::router(state, axum::Router::new());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(http::serve(
            listener,
            http::Door::plain(),
            router,
            connections,
            stopped.map(|_| ()),
        ));
        Self {
            address,
            sockets,
            stop: Some(stop),
            serving,
        }
    }

    pub async fn plain() -> Self {
        Self::start(Access::default(), SocketLimits::default()).await
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// One request on a connection of its own, with `lines` after the Host header.
    pub async fn ask(&self, request_line: &str, lines: &[&str]) -> Answer {
        let mut stream = self.connect().await;
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let head = format!(
            "{request_line} HTTP/1.1\r\nHost: {}\r\n{lines}Connection: close\r\n\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes))
            .await
            .unwrap()
            .unwrap();
        Answer::parse(&bytes)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), &[]).await
    }

    /// A handshake with `lines` beside the sound ones; the connection stays open.
    pub async fn handshake(&self, lines: &[&str]) -> (Answer, TcpStream) {
        let mut stream = self.connect().await;
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let head = format!(
            "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{lines}\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        (Answer::read_head(&mut stream).await, stream)
    }

    async fn open(&self) -> Client {
        let url = format!("ws://{}/ws", self.address);
        tokio_tungstenite::connect_async(url).await.unwrap().0
    }
}

type Client = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<TcpStream>>;

async fn echo(mut socket: UpgradedSocket, peer: PeerInfo) {
    if socket
        .send(Message::text(peer.address.to_string()))
        .await
        .is_err()
    {
        return;
    }
    while let Some(Ok(message)) = socket.next().await {
        if !message.is_text() || socket.send(message).await.is_err() {
            return;
        }
    }
}

/// An answer as it came over the wire.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn parse(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|part| part == b"\r\n\r\n")
            .unwrap_or_else(|| panic!("no complete head in {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_lowercase(), value.trim().to_owned())
        };
        Self {
            status,
            headers: lines.map(header).collect(),
            body: bytes[end + 4..].to_vec(),
        }
    }

    pub async fn read_head(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            let byte = tokio::time::timeout(PATIENCE, stream.read_u8())
                .await
                .unwrap()
                .unwrap();
            bytes.push(byte);
        }
        Self::parse(&bytes)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

#[tokio::test]
async fn a_sub_protocol_is_ours_or_none() {
    let server = Server::plain().await;
    let table: &[(&[&str], u16, &str)] = &[
        (&[], 101, ""),
        (&["Sec-WebSocket-Protocol: meeting.v1"], 101, "meeting.v1"),
        (
            &["Sec-WebSocket-Protocol: chat, meeting.v1"],
            101,
            "meeting.v1",
        ),
        (
            &[
                "Sec-WebSocket-Protocol: chat",
                "Sec-WebSocket-Protocol: meeting.v1",
            ],
            101,
            "meeting.v1",
        ),
        (&["Sec-WebSocket-Protocol: chat"], 400, ""),
        (&["Sec-WebSocket-Protocol: meeting.v2"], 400, ""),
        (&["Sec-WebSocket-Protocol:"], 400, ""),
    ];
    for (lines, status, chosen) in table {
        let (answer, _stream) = server.handshake(lines).await;
        assert_eq!(answer.status, *status, "{lines:?}");
        assert_eq!(
            answer.header("sec-websocket-protocol"),
            *chosen,
            "{lines:?}"
        );
    }
}

#[tokio::test]
async fn pages_of_other_sites_may_not_connect() {
    let access = Access {
        origins: vec![Origin::parse("https://pages.example").unwrap()],
        trusted_proxies: Vec::new(),
    };
    let server = Server::start(access, SocketLimits::default()).await;
    let own = format!("Origin: http://{}", server.address);
    let table: &[(&[&str], u16)] = &[
        (&[], 101),
        (&[&own], 101),
        (&["Origin: https://pages.example"], 101),
        (&["Origin: http://pages.example"], 403),
        (&["Origin: https://evil.example"], 403),
        (&["Origin: http://127.0.0.1:1"], 403),
        (&["Origin: null"], 403),
        (
            &[
                "Origin: https://evil.example",
                "X-Forwarded-Host: evil.example",
            ],
            403,
        ),
    ];
    for (lines, status) in table {
        assert_eq!(server.handshake(lines).await.0.status, *status, "{lines:?}");
    }
}

#[tokio::test]
async fn a_request_that_is_no_handshake_is_told_what_is_wrong() {
    let server = Server::plain().await;
    let answer = server.get("/ws").await;
    assert_eq!(
        (answer.status, answer.header("upgrade")),
        (426, "websocket")
    );
    let answer = server.ask("POST /ws", &["Content-Length: 0"]).await;
    assert_eq!(answer.status, 405);
    let mut stream = server.connect().await;
    let old = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
               Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(old.as_bytes()).await.unwrap();
    let answer = Answer::read_head(&mut stream).await;
    assert_eq!(
        (answer.status, answer.header("sec-websocket-version")),
        (426, "13")
    );
}

#[tokio::test]
async fn an_open_socket_carries_messages_up_to_the_limit() {
    let server = Server::plain().await;
    let mut client = server.open().await;
    assert_eq!(
        client.next().await.unwrap().unwrap(),
        Message::text("127.0.0.1")
    );
    let fits = Message::text("x".repeat(MESSAGE_BYTES));
    client.send(fits.clone()).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), fits);
    client
        .send(Message::text("x".repeat(MESSAGE_BYTES + 1)))
        .await
        .unwrap();
    assert!(!matches!(client.next().await, Some(Ok(Message::Text(_)))));
    server.sockets.drained().await;
}

#[tokio::test]
async fn a_client_has_so_many_sockets_and_the_server_so_many() {
    let limits = SocketLimits {
        total: 3,
        sharing: Sharing::Fair,
    };
    let access = Access {
        origins: Vec::new(),
        trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
    };
    let server = Server::start(access, limits).await;
    let mut open = Vec::new();
    for (client, status) in [("1", 101), ("1", 101), ("1", 429), ("2", 101), ("3", 503)] {
        let from = format!("X-Forwarded-For: 198.51.100.{client}");
        let (answer, stream) = server.handshake(&[&from]).await;
        assert_eq!(answer.status, status, "client {client}");
        if status == 101 {
            open.push(stream);
        } else {
            assert_eq!(answer.header("retry-after"), "5");
        }
    }
    drop(open);
    server.sockets.drained().await;
    assert_eq!(server.handshake(&[]).await.0.status, 101);
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let server = Server::plain().await;
    for path in ["/", "/r/some-room", "/ping", "/healthz", "/nothing", "/ws"] {
        let answer = server.get(path).await;
        let policy = answer.header("content-security-policy");
        let scripts = policy.strip_prefix(PAGE_POLICY);
        let is_page = path == "/" || path.starts_with("/r/");
        match scripts {
            Some(scripts) if is_page => {
                assert!(scripts.starts_with("; script-src 'self' 'sha256-"))
            }
            _ => assert_eq!(policy, PAGE_POLICY, "{path}"),
        }
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(
            answer.header("cross-origin-opener-policy"),
            "same-origin",
            "{path}"
        );
        assert!(
            answer
                .header("permissions-policy")
                .contains("camera=(self)"),
            "{path}"
        );
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
}

#[tokio::test]
async fn a_head_that_drips_in_is_cut_off() {
    let server = Server::plain().await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let cut = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    assert!(cut.is_ok(), "the connection is still open");
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let server = Server::plain().await;
    let mut stream = server.connect().await;
    let line = format!("X-Long: {}\r\n", "x".repeat(1_000));
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n")
        .await
        .unwrap();
    for _ in 0..200 {
        if stream.write_all(line.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    // The server may close before everything was read, which resets the connection.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
}

#[tokio::test]
async fn the_server_ends_when_it_is_told_and_lets_answers_end() {
    let mut server = Server::plain().await;
    let idle = server.connect().await;
    server.stop.take().unwrap().send(()).unwrap();
    tokio::time::timeout(PATIENCE, &mut server.serving)
        .await
        .unwrap()
        .unwrap();
    drop(idle);
    assert!(TcpStream::connect(server.address).await.is_err());
}
