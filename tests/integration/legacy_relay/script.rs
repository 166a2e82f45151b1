//! A script of the older program, and somebody who watches it.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::support::{Client, Server, soon};

/// A browser's offer, as the older page sent it.
pub const SDP: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n";

/// A script of the older program.
pub struct Script {
    pub socket: WebSocketStream<TcpStream>,
    pub room: String,
    pub claimed: String,
}

/// A handshake at the relay's address, with these headers.
pub async fn handshake(
    server: &Server,
    room: &str,
    claimed: &str,
    headers: &[(&'static str, &str)],
) -> tungstenite::Result<(Script, Response)> {
    let stream = soon(TcpStream::connect(server.address)).await.unwrap();
    let url = format!("ws://{}/ws/p2p/{room}/{claimed}", server.address);
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    let (socket, response) = soon(tokio_tungstenite::client_async(request, stream)).await?;
    let script = Script {
        socket,
        room: room.to_owned(),
        claimed: claimed.to_owned(),
    };
    Ok((script, response))
}

impl Script {
    pub async fn open(server: &Server, room: &str, claimed: &str, token: &str) -> Self {
        let headers = [("authorization", token)];
        handshake(server, room, claimed, &headers).await.unwrap().0
    }

    pub async fn send(&mut self, message: impl Into<Message>) {
        soon(self.socket.send(message.into())).await.unwrap();
    }

    /// A frame as the older page made it.
    pub async fn say(&mut self, key: &str, value: Value) {
        let frame = json!({
            "user_identity": self.claimed,
            "room_identity": self.room,
            "key": key,
            "value": value,
        });
        self.send(frame.to_string()).await;
    }

    /// The next frame. Pings alone are not what is waited for.
    pub async fn hear(&mut self) -> Value {
        let text = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) => return text,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => panic!("a text frame was awaited, not {other:?}"),
                }
            }
        };
        serde_json::from_str(&soon(text).await).unwrap()
    }

    /// Waits until this script is in its room and knows who else is: a refusal comes after what was told before.
    pub async fn settle(&mut self) {
        self.send("{}").await;
        assert_eq!(self.hear().await["code"], -1);
    }

    /// The code that the server closes with.
    pub async fn closed(&mut self) -> u16 {
        loop {
            match soon(self.socket.next()).await {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("a close frame was awaited, not {other:?}"),
            }
        }
    }

    /// What is refused at the door: the envelope, and the code of the close.
    pub async fn turned_away(mut self) -> (i64, String, u16) {
        let envelope = self.hear().await;
        let code = envelope["code"].as_i64().unwrap();
        let sentence = envelope["msg"].as_str().unwrap().to_owned();
        (code, sentence, self.closed().await)
    }
}

/// Somebody on `/ws` in the room, who sees who comes and goes.
pub struct Watch {
    pub client: Client,
    pub room: String,
}

impl Watch {
    /// Ada, in a room of hers.
    pub async fn new(server: &Server, settings: Value) -> Self {
        let (client, room) = server.meeting(settings).await;
        Self { client, room }
    }

    /// A script of an account of this name that has come in, and its participant as others see it.
    pub async fn script(&mut self, server: &Server, name: &str) -> (Script, Value) {
        let token = server.account(name).await.token();
        let script = Script::open(server, &self.room, "claimed", &token).await;
        let mut joined = self.client.event("participant.joined").await;
        (script, joined["participant"].take())
    }
}

/// An account, the id that others see of it, and its token.
pub async fn account(server: &Server, name: &str) -> (String, String) {
    let client = server.account(name).await;
    let id = client.login["user"]["id"].as_str().unwrap().to_owned();
    (id, client.token())
}
