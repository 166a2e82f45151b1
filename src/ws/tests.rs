//! Sessions that fail, and sessions that are told to go.

mod frames;
mod turns;
mod writes;

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::run;
use crate::auth::{Secret, Tokens, tokens::DEFAULT_LIFETIME};
use crate::media::{Media, MediaConfig};
use crate::network::Network;
use crate::rooms::Registry;
use crate::sessions::{
    GuestPolicy, Live, Policy, RateLimiting, RegistrationPolicy, Services, ServicesParts,
};
use crate::store::{HistoryWriter, NodeId, StateWriter, Store};
use crate::supervise;

const PATIENCE: Duration = Duration::from_secs(30);

fn network(number: u8) -> Network {
    Network::of(std::net::Ipv4Addr::new(192, 0, 2, number).into())
}

struct Server {
    services: Services,
    stop: watch::Sender<bool>,
    _data: tempfile::TempDir,
}

impl Server {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/meeting.sqlite?mode=rwc", data.path().display());
        let store = Store::open(&url, NodeId::UNNAMED, 4).await.unwrap();
        let secret = Secret::load_or_create(&data.path().join("secret")).unwrap();
        let media = MediaConfig {
            ips: vec![std::net::IpAddr::from([127, 0, 0, 1]).into()],
            port: 0,
            threads: 1,
            wildcards: Vec::new(),
            listeners: Vec::new(),
        };
        let (stop, stopping) = watch::channel(false);
        let parts = ServicesParts {
            registry: Registry::new(Media::start(media).unwrap()),
            history: HistoryWriter::start(store.clone()),
            states: StateWriter::start(store.clone()),
            store,
            tokens: Tokens::new(&secret, DEFAULT_LIFETIME),
            stop: stopping,
        };
        let policy = Policy {
            guests: GuestPolicy::Admitted,
            registration: RegistrationPolicy::Open,
            rate_limiting: RateLimiting::On,
            kept_for: Duration::from_secs(30),
            most_kept: 100,
        };
        Self {
            services: Services::new(parts, policy),
            stop,
            _data: data,
        }
    }

    async fn connect(&self) -> Client {
        self.connect_from(1).await
    }

    async fn connect_from(&self, number: u8) -> Client {
        let (ours, theirs) = tokio::io::duplex(1024 * 1024);
        self.serve_at(network(number), ours, theirs).await
    }

    async fn serve<S>(&self, ours: S, theirs: DuplexStream) -> Client
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.serve_at(network(1), ours, theirs).await
    }

    async fn serve_at<S>(&self, address: Network, ours: S, theirs: DuplexStream) -> Client
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let socket = WebSocketStream::from_raw_socket(ours, Role::Server, None).await;
        let session = run(socket, Live::open(address, self.services.clone()));
        let mut client = Client {
            socket: WebSocketStream::from_raw_socket(theirs, Role::Client, None).await,
            session: supervise::spawn("session", session),
            name: Value::Null,
            last_id: 0,
            events: Vec::new(),
        };
        let hello = client.frame().await.unwrap();
        assert_eq!(hello["type"], "hello");
        client.name = hello["data"]["session"].clone();
        client
    }

    async fn guest(&self, name: &str) -> Client {
        let mut client = self.connect().await;
        client
            .ok("auth.guest", json!({ "display_name": name }))
            .await;
        client
    }

    /// A room with its owner in it.
    async fn meeting(&self) -> (Client, String) {
        let mut ada = self.connect().await;
        let account = json!({ "username": "ada", "password": "correct horse 7" });
        ada.ok("auth.register", account).await;
        let made = json!({ "name": "Weekly", "topology": "p2p" });
        let room = ada.ok("room.create", made).await["room"]["identity"].take();
        let room = room.as_str().unwrap().to_owned();
        ada.ok("room.join", json!({ "identity": room })).await;
        (ada, room)
    }
}

struct Client {
    socket: WebSocketStream<DuplexStream>,
    session: JoinHandle<()>,
    /// The session's id.
    name: Value,
    last_id: u64,
    events: Vec<Value>,
}

impl Client {
    /// The next frame, or the code that the socket is closed with; none where it is just gone.
    async fn frame(&mut self) -> Result<Value, Option<u16>> {
        loop {
            match tokio::time::timeout(PATIENCE, self.socket.next())
                .await
                .unwrap()
            {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    async fn send(&mut self, kind: &str, data: Value) -> u64 {
        self.last_id += 1;
        let frame = json!({ "type": kind, "id": self.last_id, "data": data }).to_string();
        self.socket.send(Message::Text(frame.into())).await.unwrap();
        self.last_id
    }

    async fn answer(&mut self) -> Result<Value, Option<u16>> {
        loop {
            let frame = self.frame().await?;
            if frame.get("re").is_some() {
                return Ok(frame);
            }
            self.events.push(frame);
        }
    }

    async fn ok(&mut self, kind: &str, data: Value) -> Value {
        self.send(kind, data).await;
        let mut answer = self.answer().await.unwrap();
        assert_eq!(answer["type"], "ok", "{kind}: {answer}");
        answer["data"].take()
    }

    async fn event(&mut self, kind: &str) -> Value {
        loop {
            if let Some(at) = self.events.iter().position(|event| event["type"] == kind) {
                return self.events.remove(at)["data"].take();
            }
            let frame = self.frame().await.unwrap();
            self.events.push(frame);
        }
    }
}

#[tokio::test]
async fn a_handler_that_fails_answers_and_its_session_goes_on() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting().await;
    for kind in ["test.panic", "test.panic.later"] {
        let id = ada.send(kind, json!({})).await;
        let answer = ada.answer().await.unwrap();
        assert_eq!(answer["re"], id);
        assert_eq!(answer["error"]["code"], "server.internal", "{kind}");
    }
    // The session keeps its user and its room. A request that it sends again is not carried out again.
    ada.last_id -= 1;
    ada.send("test.panic.later", json!({})).await;
    assert_eq!(
        ada.answer().await.unwrap()["error"]["code"],
        "server.internal"
    );
    let roster = ada.ok("room.roster", json!({ "identity": room })).await;
    assert_eq!(roster["participants"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_that_fails_leaves_no_ghost() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting().await;
    let mut bo = server.guest("Bo").await;
    bo.ok("room.join", json!({ "identity": room })).await;
    ada.event("participant.joined").await;
    assert_eq!(server.services.table().count(), 2);
    // A request after it is not carried out: the session's own task is gone.
    bo.send("test.panic.session", json!({})).await;
    let left = ada.event("participant.left").await;
    assert_eq!(left["reason"], "lost");
    bo.session.await.unwrap();
    assert_eq!(server.services.table().count(), 1);
    let roster = ada.ok("room.roster", json!({ "identity": room })).await;
    assert_eq!(roster["participants"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn who_reads_too_much_is_told_to_wait_also_in_another_session() {
    crate::budgets::lowered::set(&[("ws.lists_burst", 64 * 1024), ("ws.lists", 1024)]);
    let server = Server::start().await;
    let (mut ada, room) = server.meeting().await;
    for _ in 0..20 {
        let text = "x".repeat(2_000);
        ada.ok("chat.send", json!({ "text": text })).await;
    }
    let mut bo = server.guest("Bo").await;
    for _ in 0..2 {
        ada.ok("chat.history", json!({})).await;
    }
    bo.send("room.get", json!({ "identity": room })).await;
    let refused = bo.answer().await.unwrap();
    assert_eq!(refused["error"]["code"], "rate.limited", "{refused}");
    assert!(refused["error"]["retry_after_ms"].as_u64() > Some(0));
    bo.ok("room.join", json!({ "identity": room })).await;
}

#[tokio::test]
async fn a_socket_whose_writes_hang_gives_way_to_a_new_one_at_once() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting().await;
    let (ours, theirs) = tokio::io::duplex(8 * 1024);
    let mut bo = server.serve(ours, theirs).await;
    let login = bo.ok("auth.guest", json!({ "display_name": "Bo" })).await;
    bo.ok("room.join", json!({ "identity": room })).await;
    // This is more than the line takes, and less than may wait for it: nobody has given the socket up yet.
    for _ in 0..20 {
        let text = "x".repeat(2_000);
        ada.ok("chat.send", json!({ "text": text })).await;
    }
    let mut newer = server.connect().await;
    let resume =
        json!({ "session": bo.name, "resume_token": login["resume_token"], "last_seq": 0 });
    let answer = newer.ok("session.resume", resume).await;
    assert_eq!(answer["replayed"], 20);
    for _ in 0..20 {
        newer.event("chat.message").await;
    }
    newer.ok("chat.send", json!({ "text": "on" })).await;
}

#[tokio::test]
async fn a_client_that_is_gone_before_it_gets_its_session_leaves_it_to_the_next() {
    let server = Server::start().await;
    let mut bo = server.guest("Bo").await;
    let refreshed = bo.ok("auth.refresh", json!({})).await;
    let resume = json!({ "session": bo.name, "resume_token": refreshed["resume_token"],
        "last_seq": 0 });
    for _ in 0..50 {
        let mut gone = server.connect().await;
        gone.send("session.resume", resume.clone()).await;
        drop(gone.socket);
    }
    let mut last = server.connect().await;
    last.ok("session.resume", resume).await;
    assert_eq!(server.services.table().count(), 1);
}

#[tokio::test]
async fn what_is_in_flight_is_answered_before_a_server_goes_away() {
    let server = Server::start().await;
    let mut busy = server.guest("Bo").await;
    let mut idle = server.connect().await;
    let id = busy.send("test.slow", json!({})).await;
    while server.services.table().count() > 0 {
        tokio::task::yield_now().await;
    }
    server.stop.send_replace(true);
    let answer = busy.answer().await.unwrap();
    assert_eq!((&answer["re"], &answer["type"]), (&json!(id), &json!("ok")));
    for client in [&mut busy, &mut idle] {
        client.event("server.draining").await;
        assert_eq!(client.frame().await.unwrap_err(), Some(1001));
    }
}

#[tokio::test]
async fn descriptions_and_candidates_beyond_their_size_are_refused() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting().await;
    let mut bo = server.guest("Bo").await;
    let joined = bo.ok("room.join", json!({ "identity": room })).await;
    let to = joined["participants"][0]["id"].clone();
    let most = crate::budgets::ws::DESCRIPTION.size();
    for (kind, field, size) in [
        ("signal.offer", "sdp", most),
        ("signal.answer", "sdp", most),
        (
            "signal.candidate",
            "candidate",
            crate::budgets::ws::CANDIDATE.size(),
        ),
    ] {
        let of = |size: usize| json!({ "to": to, field: "x".repeat(size) });
        bo.ok(kind, of(size)).await;
        assert_eq!(ada.event(kind).await[field].as_str().unwrap().len(), size);
        bo.send(kind, of(size + 1)).await;
        let refused = bo.answer().await.unwrap();
        assert_eq!(refused["error"]["code"], "protocol.bad_field", "{kind}");
        assert_eq!(refused["error"]["field"], format!("data.{field}"));
    }
}

#[tokio::test]
async fn a_person_who_is_refused_by_another_room_stays_where_they_are() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting().await;
    let made = json!({ "name": "Full", "topology": "p2p", "max_participants": 1 });
    let full = ada.ok("room.create", made).await["room"]["identity"].take();
    let mut cy = server.guest("Cy").await;
    cy.ok("room.join", json!({ "identity": full })).await;
    let mut bo = server.guest("Bo").await;
    bo.ok("room.join", json!({ "identity": room })).await;
    ada.event("participant.joined").await;
    bo.send("room.join", json!({ "identity": full })).await;
    assert_eq!(bo.answer().await.unwrap()["error"]["code"], "room.full");
    bo.ok("chat.send", json!({ "text": "still here" })).await;
    for client in [&mut ada, &mut bo] {
        let heard = client.event("chat.message").await;
        assert_eq!(heard["message"]["text"], "still here");
    }
    // A participant whom the other room takes leaves this one, and hears no more of it.
    let made = json!({ "name": "Free", "topology": "p2p" });
    let free = ada.ok("room.create", made).await["room"]["identity"].take();
    let joined = bo.ok("room.join", json!({ "identity": free })).await;
    assert_eq!(joined["participants"].as_array().unwrap().len(), 1);
    assert_eq!(ada.event("participant.left").await["reason"], "left");
    ada.ok("chat.send", json!({ "text": "gone?" })).await;
    bo.ok("chat.send", json!({ "text": "elsewhere" })).await;
    assert_eq!(
        bo.event("chat.message").await["message"]["text"],
        "elsewhere"
    );
}
