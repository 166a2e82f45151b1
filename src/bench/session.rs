//! One session on the server's WebSocket: requests and their answers. Events are passed over.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::BenchError;
use super::target::Target;

/// An answer that takes longer does not come any more.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// A client's socket.
pub(super) struct Session {
    socket: WebSocketStream<TcpStream>,
    last_id: u64,
}

impl Session {
    pub async fn connect(target: &Target) -> Result<Self, BenchError> {
        let connected = async {
            let stream = TcpStream::connect(target.address).await?;
            stream.set_nodelay(true)?;
            let (socket, _) = tokio_tungstenite::client_async(&target.url, stream).await?;
            Ok::<_, BenchError>(socket)
        };
        let socket = in_time("the WebSocket", connected).await?;
        Ok(Self { socket, last_id: 0 })
    }

    /// The data of the answer.
    pub async fn ask(&mut self, kind: &str, data: Value) -> Result<Value, BenchError> {
        self.last_id += 1;
        let request = json!({ "type": kind, "id": self.last_id, "data": data });
        in_time(kind, self.exchange(request.to_string())).await
    }

    async fn exchange(&mut self, request: String) -> Result<Value, BenchError> {
        self.socket.send(Message::text(request)).await?;
        while let Some(message) = self.socket.next().await {
            let Message::Text(text) = message? else {
                continue;
            };
            let mut frame: Value = serde_json::from_str(&text).unwrap_or_default();
            if frame["re"] != self.last_id {
                continue;
            }
            if frame["type"] == "ok" {
                return Ok(frame["data"].take());
            }
            let error = &frame["error"];
            let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
            return Err(BenchError::Refused(text("code"), text("message")));
        }
        Err(BenchError::Refused(
            "closed".to_owned(),
            "The server closed the socket.".to_owned(),
        ))
    }

    /// Reads on until the socket is closed, so that the server is never kept waiting and its pings are answered.
    pub async fn linger(mut self) {
        while let Some(Ok(_)) = self.socket.next().await {}
    }
}

async fn in_time<T>(
    what: &str,
    coming: impl Future<Output = Result<T, BenchError>>,
) -> Result<T, BenchError> {
    tokio::time::timeout(ANSWERED_WITHIN, coming)
        .await
        .unwrap_or_else(|_| Err(BenchError::Late(what.to_owned())))
}
