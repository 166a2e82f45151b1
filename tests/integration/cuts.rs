//! A line that is cut after any byte, in either direction, also while a session is being taken up: what was said is heard
//! once, and what was asked is done once.
//!
//! The line is in memory. It carries so many bytes and is dead then, in both directions, as a network is that goes away.

mod script;

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{SinkExt as _, StreamExt as _};
use meeting::network::Network;
use meeting::sessions::Live;
use meeting::ws;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::support::{Client, PASSWORD, Server, soon};

/// How many bytes still pass a client's end of a line.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Never,
    /// After so many that the client gets.
    Down(usize),
    /// After so many that it sends.
    Up(usize),
}

/// The client's end.
struct Line {
    stream: Option<DuplexStream>,
    down: usize,
    up: usize,
}

impl Line {
    fn new(stream: DuplexStream, cut: Cut) -> Self {
        let (down, up) = match cut {
            Cut::Never => (usize::MAX, usize::MAX),
            Cut::Down(bytes) => (bytes, usize::MAX),
            Cut::Up(bytes) => (usize::MAX, bytes),
        };
        let stream = Some(stream);
        Self { stream, down, up }
    }

    /// The other end sees that nobody is there.
    fn die<T>(&mut self) -> Poll<std::io::Result<T>> {
        self.stream = None;
        Poll::Ready(Err(std::io::ErrorKind::ConnectionReset.into()))
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.down == 0 {
            return self.die();
        }
        let most = self.down.min(buffer.remaining());
        let mut part = buffer.take(most);
        let Some(stream) = &mut self.stream else {
            return self.die();
        };
        let read = Pin::new(stream).poll_read(cx, &mut part);
        let bytes = part.filled().len();
        if matches!(read, Poll::Ready(Ok(()))) {
            buffer.advance(bytes);
            self.down -= bytes.min(self.down);
        }
        read
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        if self.up == 0 {
            return self.die();
        }
        let most = self.up.min(bytes.len());
        let Some(stream) = &mut self.stream else {
            return self.die();
        };
        let written = Pin::new(stream).poll_write(cx, &bytes[..most]);
        if let Poll::Ready(Ok(bytes)) = written {
            self.up -= bytes;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match &mut self.stream {
            Some(stream) => Pin::new(stream).poll_flush(cx),
            None => self.die(),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match &mut self.stream {
            Some(stream) => Pin::new(stream).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}

/// A client by the book: it comes back by itself, and sends again what was not answered.
struct Stubborn<'a> {
    server: &'a Server,
    socket: WebSocketStream<Line>,
    /// How the lines to come are cut, one after the other.
    cuts: VecDeque<Cut>,
    session: Value,
    token: Value,
    last_seq: u64,
    last_id: u64,
    /// Every event that must not be lost.
    heard: Vec<Value>,
    lost: usize,
}

type Dead = ();

impl<'a> Stubborn<'a> {
    /// A guest. From when it [begins](Self::begin) on, its lines are cut like these.
    async fn guest(server: &'a Server, name: &str, cuts: &[Cut]) -> Self {
        let login = json!({ "display_name": name });
        Self::new(server, ("auth.guest", login), cuts).await
    }

    /// Somebody with an account.
    async fn again(server: &'a Server, name: &str, cuts: &[Cut]) -> Self {
        let login = json!({ "username": name, "password": PASSWORD });
        Self::new(server, ("auth.login", login), cuts).await
    }

    async fn new(server: &'a Server, login: (&str, Value), cuts: &[Cut]) -> Self {
        let mut client = Self {
            server,
            socket: connect(server, Cut::Never).await,
            cuts: cuts.iter().copied().collect(),
            session: Value::Null,
            token: Value::Null,
            last_seq: 0,
            last_id: 0,
            heard: Vec::new(),
            lost: 0,
        };
        let hello = client.frame().await.unwrap();
        client.session = hello["data"]["session"].clone();
        let login = client.ok(login.0, login.1).await;
        client.token = login["resume_token"].clone();
        client
    }

    /// From here on the line is cut.
    fn begin(&mut self) {
        let cut = self.cuts.pop_front().unwrap_or(Cut::Never);
        let line = self.socket.get_mut();
        let before = line.stream.take().unwrap();
        *line = Line::new(before, cut);
    }

    async fn frame(&mut self) -> Result<Value, Dead> {
        loop {
            match soon(self.socket.next()).await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => panic!("the server closes it: {frame:?}"),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(()),
            }
        }
    }

    fn hear(&mut self, event: Value) {
        if let Some(seq) = event["seq"].as_u64() {
            assert_eq!(seq, self.last_seq + 1, "{event}");
            self.last_seq = seq;
            self.heard.push(event);
        }
    }

    async fn answer(&mut self, id: u64) -> Result<Value, Dead> {
        loop {
            let frame = self.frame().await?;
            if frame.get("re").is_none() {
                self.hear(frame);
            } else {
                assert_eq!(frame["re"], id, "{frame}");
                return Ok(frame);
            }
        }
    }

    async fn try_ask(&mut self, frame: &Value) -> Result<Value, Dead> {
        let text = frame.to_string();
        let sent = soon(self.socket.send(Message::text(text))).await;
        sent.map_err(|_| ())?;
        self.answer(frame["id"].as_u64().unwrap()).await
    }

    /// Asks until there is an answer, however often the line is cut.
    async fn ask(&mut self, kind: &str, data: Value) -> Value {
        self.last_id += 1;
        let frame = json!({ "type": kind, "id": self.last_id, "data": data });
        loop {
            match self.try_ask(&frame).await {
                Ok(answer) => return answer,
                Err(()) => self.come_back().await,
            }
        }
    }

    async fn ok(&mut self, kind: &str, data: Value) -> Value {
        let mut answer = self.ask(kind, data).await;
        assert_eq!(answer["type"], "ok", "{kind}: {answer}");
        answer["data"].take()
    }

    /// Until the session is taken up.
    async fn come_back(&mut self) {
        self.lost += 1;
        loop {
            let cut = self.cuts.pop_front().unwrap_or(Cut::Never);
            self.socket = connect(self.server, cut).await;
            if self.resume().await.is_ok() {
                return;
            }
            self.lost += 1;
        }
    }

    async fn resume(&mut self) -> Result<(), Dead> {
        assert_eq!(self.frame().await?["type"], "hello");
        let data = json!({ "session": self.session, "resume_token": self.token,
            "last_seq": self.last_seq });
        let resume = json!({ "type": "session.resume", "id": 9_000_000, "data": data });
        let answer = self.try_ask(&resume).await?;
        assert_eq!(answer["type"], "ok", "{answer}");
        let data = &answer["data"];
        assert_eq!(data.get("view"), None, "nothing is too much to replay");
        self.token = data["resume_token"].clone();
        Ok(())
    }

    /// Waits until an event like this has come, and gives its data.
    async fn until(&mut self, kind: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let is_like = |event: &&Value| event["type"] == kind && is_it(&event["data"]);
        loop {
            if let Some(event) = self.heard.iter().find(is_like) {
                return event["data"].clone();
            }
            match self.frame().await {
                Ok(event) => self.hear(event),
                Err(()) => self.come_back().await,
            }
        }
    }

    /// The texts of the chat, in the order in which they were heard.
    fn texts(&self) -> Vec<&str> {
        let messages = self
            .heard
            .iter()
            .filter(|one| one["type"] == "chat.message");
        messages
            .map(|one| one["data"]["message"]["text"].as_str().unwrap())
            .collect()
    }
}

async fn connect(server: &Server, cut: Cut) -> WebSocketStream<Line> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let far = WebSocketStream::from_raw_socket(far, Role::Server, None).await;
    let address = Network::of("192.0.2.1".parse().unwrap());
    let session = Live::open(address, server.services.clone());
    tokio::spawn(ws::run(far, session));
    WebSocketStream::from_raw_socket(Line::new(near, cut), Role::Client, None).await
}

/// Says and hears something over a line that is cut; whether all the cuts were made.
async fn talk(server: &Server, ada: &mut Client, room: &str, cuts: &[Cut]) -> bool {
    let mut bo = Stubborn::guest(server, "Bo", cuts).await;
    bo.ok("room.join", json!({ "identity": room })).await;
    bo.begin();
    bo.ok("chat.send", json!({ "text": "one" })).await;
    ada.ok("chat.send", json!({ "text": "two" })).await;
    bo.until("chat.message", |data| data["message"]["text"] == "two")
        .await;
    bo.ok("room.leave", json!({})).await;
    assert_eq!(bo.texts(), ["one", "two"], "{cuts:?}");
    for text in ["one", "two"] {
        let heard = ada.event("chat.message").await;
        assert_eq!(heard["message"]["text"], text, "{cuts:?}");
    }
    let left = ada.event("participant.left").await;
    assert_eq!(left["reason"], "left", "{cuts:?}");
    ada.events().await;
    bo.lost == cuts.len()
}

/// No talk takes more.
const MOST_BYTES: usize = 20_000;

/// Talks with a cut after every byte of the last of the lines, until the talk ends before the cut.
async fn cut_everywhere(server: &Server, before: &[Cut]) {
    let (mut ada, room) = server.meeting(json!({ "topology": "p2p" })).await;
    for direction in [Cut::Down as fn(usize) -> Cut, Cut::Up] {
        let mut bytes = 0;
        loop {
            let mut cuts = before.to_vec();
            cuts.push(direction(bytes));
            if !talk(server, &mut ada, &room, &cuts).await {
                break;
            }
            bytes += 1;
            assert!(bytes < MOST_BYTES, "the talk does not end");
        }
        assert!(bytes > 50, "it took {bytes} bytes only");
    }
}

#[tokio::test]
async fn a_cut_after_any_byte_loses_nothing_and_doubles_nothing() {
    cut_everywhere(&Server::start().await, &[]).await;
}

#[tokio::test]
async fn a_cut_after_any_byte_of_a_resumption_is_mended_by_another() {
    // The first line goes in the middle of an answer.
    cut_everywhere(&Server::start().await, &[Cut::Down(150)]).await;
}
