//! A session of `meeting.v1` within the process, and the client side of it.
//!
//! The session is the same as on `/ws`, over a pipe in place of a connection. So its limits, its order, its events and
//! its end apply to a relay too.

use futures_util::stream::SplitStream;
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use crate::http::upgrade::socket_config;
use crate::network::Network;
use crate::protocol::error::{ErrorCode, WireError};
use crate::sessions::{self, Live, Services};
use crate::ws;

/// The capacity of the pipe in each direction, in bytes.
const PIPE_BYTES: usize = 64 * 1024;

/// The largest message from the session. The list of people in a full room is larger than any message from a client.
const MOST_HEARD_BYTES: usize = 16 * 1024 * 1024;

/// At most one message waits. The next one is sent after its answer.
const MESSAGES_WAITING: usize = 1;

/// The client's end.
pub struct Link {
    messages: mpsc::Sender<Message>,
    heard: SplitStream<WebSocketStream<DuplexStream>>,
    last_id: u64,
}

/// The messages from the session.
#[derive(Debug)]
pub enum Heard {
    /// The answer to a request, or the refusal of an invalid one.
    Answer(Result<Box<RawValue>, WireError>),
    /// An event.
    Event(String, Box<RawValue>),
    /// A ping.
    Ping,
    /// The answer to a ping.
    Pong,
    /// It is over.
    Closed(Option<CloseFrame>),
}

/// A new session, and the future that runs it. Dropping the link ends the session like a closed socket.
pub async fn open(services: Services, address: Network) -> (Link, impl Future<Output = ()>) {
    let (near, far) = tokio::io::duplex(PIPE_BYTES);
    let serving = Some(socket_config(sessions::MESSAGE_BYTES));
    let socket = WebSocketStream::from_raw_socket(far, Role::Server, serving).await;
    let hearing = Some(socket_config(MOST_HEARD_BYTES));
    let client = WebSocketStream::from_raw_socket(near, Role::Client, hearing).await;
    let (mut sink, heard) = client.split();
    let (messages, mut waiting) = mpsc::channel(MESSAGES_WAITING);
    // This runs beside the reader, because a session that writes to us does not read meanwhile.
    let pump = async move {
        while let Some(message) = waiting.recv().await {
            if sink.send(message).await.is_err() {
                return;
            }
        }
        // It may have ended already.
        let _ = sink.close().await;
    };
    let session = async move {
        let session = Live::open(address, services);
        tokio::join!(ws::run(socket, session), pump);
    };
    let link = Link {
        messages,
        heard,
        last_id: 0,
    };
    (link, session)
}

impl Link {
    /// Sends a request.
    pub async fn ask(&mut self, kind: &str, data: &Value) {
        self.last_id += 1;
        let request = json!({ "type": kind, "id": self.last_id, "data": data });
        self.send(Message::text(request.to_string())).await;
    }

    /// Sends another message. If the session is over, the next read tells.
    pub async fn send(&mut self, message: Message) {
        let _ = self.messages.send(message).await;
    }

    /// The next message. A cancelled wait loses nothing.
    pub async fn next(&mut self) -> Heard {
        loop {
            match self.heard.next().await {
                Some(Ok(Message::Text(text))) => {
                    if let Some(heard) = read(&text) {
                        return heard;
                    }
                }
                Some(Ok(Message::Ping(_))) => return Heard::Ping,
                Some(Ok(Message::Pong(_))) => return Heard::Pong,
                Some(Ok(Message::Close(frame))) => return Heard::Closed(frame),
                Some(Ok(Message::Binary(_) | Message::Frame(_))) => {}
                Some(Err(_)) | None => return Heard::Closed(None),
            }
        }
    }

    /// Ends the session and waits until it is over.
    pub async fn end(self) {
        let Self {
            messages, heard, ..
        } = self;
        drop(messages);
        heard.for_each(|_| std::future::ready(())).await;
    }
}

/// A frame of the session. None for `hello`, which contains nothing new for a relay.
fn read(text: &str) -> Option<Heard> {
    #[derive(Deserialize)]
    struct Frame {
        #[serde(rename = "type")]
        kind: String,
        data: Option<Box<RawValue>>,
        error: Option<Refusal>,
    }
    #[derive(Deserialize)]
    struct Refusal {
        code: String,
        message: String,
        retry_after_ms: Option<u64>,
    }
    let frame: Frame = serde_json::from_str(text).ok()?;
    match (frame.kind.as_str(), frame.data, frame.error) {
        ("hello", ..) => None,
        ("ok", Some(data), _) => Some(Heard::Answer(Ok(data))),
        ("error", _, Some(refusal)) => {
            let known = ErrorCode::ALL.iter();
            let code = known
                .copied()
                .find(|code| code.as_str() == refusal.code)
                .unwrap_or(ErrorCode::ServerInternal);
            let error = WireError::with_message(code, refusal.message);
            Some(Heard::Answer(Err(WireError {
                retry_after_ms: refusal.retry_after_ms,
                ..error
            })))
        }
        (_, Some(data), _) => Some(Heard::Event(frame.kind, data)),
        (_, None, _) => None,
    }
}
