//! The whole server in this process on free ports, and clients that speak frames with it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use meeting::app::App;
use meeting::config::{Config, Given, Key};
use meeting::http::BoxedStream;
use meeting::sessions::Services;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;

/// A bound on every wait, far beyond what any of them takes.
pub const PATIENCE: Duration = Duration::from_secs(30);
pub const PASSWORD: &str = "correct horse 7";

/// Waits for what must come.
pub async fn soon<T>(coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, coming)
        .await
        .expect("what was waited for did not come")
}

/// The server, with limits of speed off unless a test wants them.
pub struct Server {
    pub address: SocketAddr,
    pub redirect_address: Option<SocketAddr>,
    pub services: Services,
    pub data: TempDir,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Server {
    pub async fn start() -> Self {
        Self::with(&[(Key::NoRateLimit, "on")]).await
    }

    /// A server that keeps nobody whose socket is lost.
    pub async fn forgetful() -> Self {
        Self::with(&[(Key::NoRateLimit, "on"), (Key::ResumeMs, "0")]).await
    }

    /// A server with these settings beside those that every test needs.
    pub async fn with(settings: &[(Key, &str)]) -> Self {
        Self::in_directory(tempfile::tempdir().unwrap(), settings).await
    }

    pub async fn in_directory(data: TempDir, settings: &[(Key, &str)]) -> Self {
        let app = App::start(config(data.path(), settings)).await;
        let app = app.unwrap_or_else(|failure| panic!("{failure}"));
        let (address, services) = (app.address, app.services().clone());
        let redirect_address = app.redirect_address;
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move {
            // A server whose test is over is not stopped but dropped with its runtime.
            if stopped.await.is_err() {
                std::future::pending().await
            }
        };
        Self {
            address,
            redirect_address,
            services,
            data,
            stop,
            running: tokio::spawn(app.run(stopped)),
        }
    }

    /// Tells the server to stop, as SIGTERM does; what it returns ends with the server.
    pub fn stop(self) -> (JoinHandle<()>, TempDir) {
        self.stop.send(()).unwrap();
        (self.running, self.data)
    }

    pub async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    /// A client with an account of its own.
    pub async fn account(&self, name: &str) -> Client {
        let mut client = self.connect().await;
        let login = client
            .ok(
                "auth.register",
                json!({ "username": name, "password": PASSWORD }),
            )
            .await;
        client.login = login;
        client
    }

    /// Another session of somebody with an account.
    pub async fn again(&self, name: &str) -> Client {
        let mut client = self.connect().await;
        let login = json!({ "username": name, "password": PASSWORD });
        client.login = client.ok("auth.login", login).await;
        client
    }

    pub async fn guest(&self, name: &str) -> Client {
        let mut client = self.connect().await;
        client.login = client
            .ok("auth.guest", json!({ "display_name": name }))
            .await;
        client
    }

    /// A room of Ada's with Ada in it, and its identity.
    pub async fn meeting(&self, mut settings: Value) -> (Client, String) {
        let mut ada = self.account("ada").await;
        settings["name"] = json!("Weekly review");
        let room = ada.create(settings).await;
        ada.join(&room).await;
        (ada, room)
    }

    /// A guest who has joined the room.
    pub async fn member(&self, name: &str, room: &str) -> Client {
        let mut guest = self.guest(name).await;
        guest.join(room).await;
        guest
    }
}

fn config(data: &Path, settings: &[(Key, &str)]) -> Config {
    let data = data.to_str().unwrap();
    let common = [
        (Key::Listen, "127.0.0.1:0"),
        (Key::DataDir, data),
        (Key::MediaIp, "127.0.0.1"),
        (Key::MediaPort, "0"),
        (Key::MediaThreads, "1"),
    ];
    let mut given = Given::new();
    for (key, value) in common.iter().chain(settings) {
        given.insert(*key, vec![(*value).to_owned()]);
    }
    Config::load(given, |_| None).unwrap()
}

/// One socket and what came from it. Every event's number is checked as it comes.
pub struct Client {
    pub socket: WebSocketStream<BoxedStream>,
    pub hello: Value,
    /// The answer to the log-in.
    pub login: Value,
    /// The answer to the last join.
    pub joined: Value,
    last_id: u64,
    last_seq: u64,
    resume_token: String,
    heard: VecDeque<Value>,
}

/// What is left of a client whose socket is lost.
pub struct Lost {
    pub session: Value,
    pub token: String,
    pub last_seq: u64,
    pub last_id: u64,
    pub login: Value,
    pub joined: Value,
}

impl Lost {
    /// On a new socket, with all that was missed.
    pub async fn back(&self, server: &Server) -> (Client, Value) {
        let mut client = server.connect().await;
        let answer = client.resume(self, Some(self.last_seq)).await;
        (client, answer)
    }

    /// The code that a try is refused with.
    pub async fn refused(&self, server: &Server) -> String {
        let resume = json!({
            "session": self.session,
            "resume_token": self.token,
            "last_seq": self.last_seq,
        });
        let mut client = server.connect().await;
        client.refused("session.resume", resume).await
    }
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self::connect_by(address, None).await
    }

    /// A client that a trusted proxy says comes from there.
    pub async fn connect_from(address: SocketAddr, from: &str) -> Self {
        Self::connect_by(address, Some(from)).await
    }

    async fn connect_by(address: SocketAddr, from: Option<&str>) -> Self {
        let stream = soon(TcpStream::connect(address)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
        if let Some(from) = from {
            let from = from.parse().unwrap();
            request.headers_mut().insert("x-forwarded-for", from);
        }
        Self::over(Box::new(stream), request).await
    }

    /// A client on a connection that is there already, in TLS say.
    pub async fn over(stream: BoxedStream, request: Request) -> Self {
        let connected = soon(tokio_tungstenite::client_async(request, stream)).await;
        let (socket, _) = connected.unwrap();
        let mut client = Self {
            socket,
            hello: Value::Null,
            login: Value::Null,
            joined: Value::Null,
            last_id: 0,
            last_seq: 0,
            resume_token: String::new(),
            heard: VecDeque::new(),
        };
        client.hello = client.frame().await;
        assert_eq!(client.hello["type"], "hello");
        client
    }

    pub async fn send(&mut self, message: impl Into<Message>) {
        soon(self.socket.send(message.into())).await.unwrap();
    }

    /// The next message of any kind; none when the connection is over.
    async fn message(&mut self) -> Option<Message> {
        soon(self.socket.next()).await?.ok()
    }

    /// The next text frame.
    pub async fn frame(&mut self) -> Value {
        loop {
            match self.message().await {
                Some(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("a text frame was awaited, not {other:?}"),
            }
        }
    }

    /// The next answer; events before it are kept.
    pub async fn reply(&mut self) -> Value {
        loop {
            let frame = self.frame().await;
            if frame.get("re").is_some() {
                return frame;
            }
            self.hear(frame);
        }
    }

    /// The next answer, or the code that the server closes with.
    pub async fn reply_or_close(&mut self) -> Result<Value, u16> {
        loop {
            match self.message().await {
                Some(Message::Close(Some(frame))) => return Err(frame.code.into()),
                Some(Message::Text(text)) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if frame.get("re").is_some() {
                        return Ok(frame);
                    }
                    self.hear(frame);
                }
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("an answer or a close frame was awaited, not {other:?}"),
            }
        }
    }

    fn hear(&mut self, event: Value) {
        let lossy = event["type"] == "speaker.active" || event["type"] == "quality.update";
        if lossy {
            assert_eq!(event.get("seq"), None, "{event}");
        } else {
            self.last_seq += 1;
            assert_eq!(event["seq"], self.last_seq, "{event}");
        }
        self.heard.push_back(event);
    }

    /// The id that the next request will have.
    pub fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub async fn ask(&mut self, kind: &str, data: Value) -> Value {
        let id = self.next_id();
        let request = json!({ "type": kind, "id": id, "data": data });
        self.send(request.to_string()).await;
        let reply = self.reply().await;
        assert_eq!(reply["re"], id, "{reply}");
        reply
    }

    /// What a request is answered with, which must work.
    pub async fn ok(&mut self, kind: &str, data: Value) -> Value {
        let mut reply = self.ask(kind, data).await;
        assert_eq!(reply["type"], "ok", "{kind}: {reply}");
        if let Some(token) = reply["data"]["resume_token"].as_str() {
            self.resume_token = token.to_owned();
        }
        reply["data"].take()
    }

    /// The error that a request is answered with, which must not work.
    pub async fn error(&mut self, kind: &str, data: Value) -> Value {
        let mut reply = self.ask(kind, data).await;
        assert_eq!(reply["type"], "error", "{kind}: {reply}");
        reply["error"].take()
    }

    /// The code of that error.
    pub async fn refused(&mut self, kind: &str, data: Value) -> String {
        let error = self.error(kind, data).await;
        error["code"].as_str().unwrap().to_owned()
    }

    /// The data of the next event of this type; those before it of other types stay to be asked for.
    pub async fn event(&mut self, kind: &str) -> Value {
        let mut looked_at = 0;
        loop {
            let found = self.heard.iter().skip(looked_at);
            let found = found
                .enumerate()
                .find(|(_, event)| event["type"] == kind)
                .map(|(at, _)| at + looked_at);
            if let Some(mut event) = found.and_then(|at| self.heard.remove(at)) {
                return event["data"].take();
            }
            looked_at = self.heard.len();
            let frame = self.frame().await;
            assert_eq!(frame.get("re"), None, "{frame}");
            self.hear(frame);
        }
    }

    /// Whether no event has come that was not asked for. Also for clients that are in no room.
    pub fn heard_nothing(&self) -> bool {
        self.heard.is_empty()
    }

    /// The types of the events that have come and were not asked for. What the room tells this client because of a
    /// request that was answered before has come by then. Only for clients in a room.
    pub async fn events(&mut self) -> Vec<String> {
        // The first passes through the room, the second through the session after what the room told it.
        self.ok("participant.update", json!({})).await;
        self.ok("ping", json!({})).await;
        self.heard
            .drain(..)
            .map(|event| event["type"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The code that the server closes with; events before it are kept.
    pub async fn closed(&mut self) -> u16 {
        soon(self.read_to_the_end()).await
    }

    async fn read_to_the_end(&mut self) -> u16 {
        loop {
            match self.message().await {
                Some(Message::Close(Some(frame))) => return frame.code.into(),
                Some(Message::Text(text)) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if frame.get("re").is_none() {
                        self.hear(frame);
                    }
                }
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("a close frame was awaited, not {other:?}"),
            }
        }
    }

    /// Loses the socket without a word. What it was told stays with what is returned.
    pub fn lose(self) -> Lost {
        Lost {
            session: self.hello["data"]["session"].clone(),
            token: self.resume_token,
            joined: self.joined,
            last_id: self.last_id,
            last_seq: self.last_seq,
            login: self.login,
        }
    }

    /// Takes a session up on this new socket, and answers what `session.resume` is answered with.
    pub async fn resume(&mut self, lost: &Lost, last_seq: Option<u64>) -> Value {
        let resume = json!({
            "session": lost.session,
            "resume_token": lost.token,
            "last_seq": last_seq,
        });
        let answer = self.ok("session.resume", resume).await;
        assert_eq!(answer["resumed"], true);
        self.hello["data"]["session"] = lost.session.clone();
        self.resume_token = answer["resume_token"].as_str().unwrap().to_owned();
        self.login = lost.login.clone();
        self.joined = lost.joined.clone();
        self.last_id = lost.last_id;
        self.last_seq = answer["seq"].as_u64().unwrap();
        answer
    }

    /// Whether an event of this type has come and was not asked for.
    pub fn has_heard(&self, kind: &str) -> bool {
        self.heard.iter().any(|event| event["type"] == kind)
    }

    /// Closes and waits until the server has.
    pub async fn close(mut self) {
        soon(self.socket.close(None)).await.unwrap();
        while self.message().await.is_some() {}
    }

    pub async fn create(&mut self, settings: Value) -> String {
        let created = self.ok("room.create", settings).await;
        created["room"]["identity"].as_str().unwrap().to_owned()
    }

    pub async fn join(&mut self, room: &str) -> Value {
        self.joined = self.ok("room.join", json!({ "identity": room })).await;
        self.joined.clone()
    }

    /// The id of this client's membership.
    pub fn membership(&self) -> String {
        self.joined["self"]["id"].as_str().unwrap().to_owned()
    }

    pub fn token(&self) -> String {
        self.login["token"].as_str().unwrap().to_owned()
    }
}

/// The names of the people of a list of participants.
pub fn names(participants: &Value) -> Vec<&str> {
    let people = participants.as_array().unwrap().iter();
    people
        .map(|person| person["display_name"].as_str().unwrap())
        .collect()
}
