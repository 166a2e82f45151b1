//! The way into Galene (version 2 of its protocol): a person joins a group, offers one stream, and answers the server's
//! offers, of which one comes for each stream of the others.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use meeting::bench::{BenchError, Entrance, Media, Stay, Who, host_over_udp};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// What was asked, or shown, in vain is asked or shown again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

type Socket = WebSocketStream<TcpStream>;

/// A server whose groups `load-1`, `load-2` and so on let everybody present.
pub struct Galene {
    address: SocketAddr,
    everybody: watch::Sender<Progress>,
}

/// How far one person is, or all of them together.
#[derive(Debug, Default)]
struct Progress {
    /// The server has let them in.
    joined: usize,
    /// Connections that stand.
    sending: usize,
    receiving: usize,
    failure: Option<String>,
}

impl Galene {
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            everybody: watch::Sender::default(),
        }
    }
}

impl Entrance for Galene {
    async fn join(&self, who: Who, media: &Arc<Media>) -> Result<Stay, BenchError> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let url = format!("ws://{}/ws", self.address);
        let (socket, _) = tokio_tungstenite::client_async(&url, stream).await?;
        let (says, said) = mpsc::unbounded_channel();
        let noted = Noted {
            person: watch::Sender::default(),
            everybody: self.everybody.clone(),
        };
        let mut progress = noted.person.subscribe();
        let person = Person {
            who,
            id: format!("load-{}-{}", who.room + 1, who.person + 1),
            media: Arc::clone(media),
            says,
            told: HashMap::new(),
            connecting: JoinSet::new(),
            progress: Arc::new(noted),
        };
        let mut staying = JoinSet::new();
        staying.spawn(person.stay(socket, said));
        let sending = usize::from(media.sends(who));
        // Who only watches waits for what is sent; who sends cannot wait for those who come later.
        let receiving = if media.sends(who) {
            0
        } else {
            media.streams_for(who)
        };
        reached(&mut progress, |progress| {
            progress.joined == 1 && progress.sending >= sending && progress.receiving >= receiving
        })
        .await?;
        Ok(Box::pin(async move {
            while staying.join_next().await.is_some() {}
        }))
    }

    async fn complete(&self, media: &Media) -> Result<(), BenchError> {
        let wanted = media.streams();
        let mut everybody = self.everybody.subscribe();
        reached(&mut everybody, |progress| progress.receiving >= wanted).await
    }
}

/// A person's progress, which is a part of everybody's.
struct Noted {
    person: watch::Sender<Progress>,
    everybody: watch::Sender<Progress>,
}

impl Noted {
    fn note(&self, change: fn(&mut Progress)) {
        self.person.send_modify(change);
        self.everybody.send_modify(change);
    }

    fn failed(&self, why: String) {
        for progress in [&self.person, &self.everybody] {
            progress.send_modify(|progress| {
                progress.failure.get_or_insert_with(|| why.clone());
            });
        }
    }
}

async fn reached(
    progress: &mut watch::Receiver<Progress>,
    is_far_enough: impl Fn(&Progress) -> bool,
) -> Result<(), BenchError> {
    let over = |progress: &Progress| progress.failure.is_some() || is_far_enough(progress);
    let failure = match progress.wait_for(|progress| over(progress)).await {
        Ok(progress) => progress.failure.clone(),
        Err(_) => Some("the server closed the socket".to_owned()),
    };
    match failure {
        Some(why) => Err(BenchError::Refused("join".to_owned(), why)),
        None => Ok(()),
    }
}

/// One person's session. It reads on until the end, as offers come at any time.
struct Person {
    who: Who,
    id: String,
    media: Arc<Media>,
    /// What is to be said; the connections say it as well.
    says: mpsc::UnboundedSender<Value>,
    /// What the server tells of each connection.
    told: HashMap<String, watch::Sender<Told>>,
    connecting: JoinSet<()>,
    progress: Arc<Noted>,
}

/// What the server tells of a connection, at any time before or after the connection waits for it.
#[derive(Default)]
struct Told {
    answer: Option<String>,
    candidates: Vec<SocketAddr>,
}

impl Person {
    async fn stay(mut self, mut socket: Socket, mut says: mpsc::UnboundedReceiver<Value>) {
        self.say(json!({ "type": "handshake", "version": ["2"], "id": self.id }));
        let group = format!("load-{}", self.who.room + 1);
        self.say(json!({
            "type": "join", "kind": "join", "group": group, "username": self.id, "password": "load"
        }));
        let failure = loop {
            tokio::select! {
                Some(message) = says.recv() => {
                    if let Err(error) = socket.send(Message::text(message.to_string())).await {
                        break error.to_string();
                    }
                }
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        let message: Value = serde_json::from_str(&text).unwrap_or_default();
                        if let Err(why) = self.hear(&message) {
                            break why;
                        }
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break error.to_string(),
                    None => break "the server closed the socket".to_owned(),
                },
            }
        };
        self.progress.failed(failure);
    }

    fn say(&self, message: Value) {
        // Who does not listen any more has said why.
        let _ = self.says.send(message);
    }

    fn hear(&mut self, message: &Value) -> Result<(), String> {
        let text = |name: &str| message[name].as_str().unwrap_or_default();
        let id = text("id");
        match (text("type"), text("kind")) {
            ("ping", _) => self.say(json!({ "type": "pong" })),
            ("joined", "join") => self.joined(),
            ("offer", _) => self.receive(id.to_owned(), text("sdp").to_owned()),
            ("answer", _) => {
                let answer = text("sdp").to_owned();
                self.of(id).send_modify(|told| told.answer = Some(answer));
            }
            ("ice", _) => {
                let candidate = message["candidate"]["candidate"].as_str();
                let candidate = candidate
                    .unwrap_or_default()
                    .trim_start_matches("candidate:");
                // Sockets of the load are of IPv4.
                if let Some(address) = host_over_udp(candidate).filter(SocketAddr::is_ipv4) {
                    self.of(id)
                        .send_modify(|told| told.candidates.push(address));
                }
            }
            // It closes streams as well that it never offered, as nothing of them had come yet.
            ("close", _) if !self.told.contains_key(id) => {}
            ("joined", "fail") | ("abort" | "close", _) | ("usermessage", "error" | "warning") => {
                return Err(message.to_string());
            }
            _ => {}
        }
        Ok(())
    }

    fn of(&mut self, id: &str) -> &watch::Sender<Told> {
        self.told.entry(id.to_owned()).or_default()
    }

    fn joined(&mut self) {
        self.progress.note(|progress| progress.joined += 1);
        if self.media.receives(self.who) {
            self.request();
        }
        if self.media.sends(self.who) {
            self.publish();
        }
    }

    /// Asks until everything came: a stream that begins just when somebody comes in is not offered to them.
    fn request(&mut self) {
        let (says, streams) = (self.says.clone(), self.media.streams_for(self.who));
        let mut progress = self.progress.person.subscribe();
        self.connecting.spawn(async move {
            let has_all = progress.wait_for(|progress| progress.receiving >= streams);
            tokio::pin!(has_all);
            loop {
                let wanted = json!({ "": ["audio", "video"] });
                let _ = says.send(json!({ "type": "request", "request": wanted }));
                if tokio::time::timeout(AGAIN_AFTER, &mut has_all)
                    .await
                    .is_ok()
                {
                    return;
                }
            }
        });
    }

    fn publish(&mut self) {
        let (who, media, says) = (self.who, Arc::clone(&self.media), self.says.clone());
        let id = format!("{}-up", self.id);
        let progress = Arc::clone(&self.progress);
        let mut told = self.of(&id).subscribe();
        let publish = async move {
            let sender = media.sender(who)?;
            let offer =
                json!({ "type": "offer", "id": id, "label": "camera", "sdp": sender.offer });
            let _ = says.send(offer);
            let is_told = |told: &Told| told.answer.is_some() && !told.candidates.is_empty();
            let (answer, candidates) = {
                let told = told.wait_for(is_told).await.map_err(|_| late())?;
                (
                    told.answer.clone().unwrap_or_default(),
                    told.candidates.clone(),
                )
            };
            sender.connect(&answer, &candidates).await?;
            progress.note(|progress| progress.sending += 1);
            // The server tells others of a stream when something of it came; what came before it had keys is lost.
            let mut everybody = progress.everybody.subscribe();
            let everything = media.streams();
            let heard = everybody.wait_for(|everybody| everybody.receiving >= everything);
            tokio::pin!(heard);
            loop {
                media.announce(who);
                if tokio::time::timeout(AGAIN_AFTER, &mut heard).await.is_ok() {
                    return Ok(());
                }
            }
        };
        self.connect(publish, |_| {});
    }

    fn receive(&mut self, id: String, offer: String) {
        let (who, media, says) = (self.who, Arc::clone(&self.media), self.says.clone());
        let mut told = self.of(&id).subscribe();
        let receive = async move {
            let receiver = media.receiver(who, &offer)?;
            let answer = json!({ "type": "answer", "id": id, "sdp": receiver.answer });
            let _ = says.send(answer);
            let is_told = |told: &Told| !told.candidates.is_empty();
            let candidates = {
                let told = told.wait_for(is_told).await.map_err(|_| late())?;
                told.candidates.clone()
            };
            receiver.connect(&candidates).await
        };
        self.connect(receive, |progress| progress.receiving += 1);
    }

    fn connect(
        &mut self,
        connecting: impl Future<Output = Result<(), BenchError>> + Send + 'static,
        then: fn(&mut Progress),
    ) {
        let progress = Arc::clone(&self.progress);
        self.connecting.spawn(async move {
            match connecting.await {
                Ok(()) => progress.note(then),
                Err(error) => progress.failed(error.to_string()),
            }
        });
    }
}

fn late() -> BenchError {
    BenchError::Late("a description or a candidate".to_owned())
}
