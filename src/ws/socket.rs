//! The task of one socket: it reads frames for its session and writes what the session tells.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tracing::Instrument as _;

use super::close::{close_frame, end_of_close, goodbye};
use crate::network::Network;
use crate::sessions::{End, Frame, Live, Overflow, Services, Told};

/// How long a write may take before the client counts as too slow.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(10);

/// So many frames are gathered at most before they are flushed: the first must not wait long for the last.
const MOST_GATHERED: usize = 64;

/// Serves one upgraded socket until it closes, the client misbehaves, or the server is told to stop.
pub async fn run<S>(socket: WebSocketStream<S>, address: Network, services: Services)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let session = Live::open(address, services);
    let span = tracing::info_span!("session", session.id = %session.id());
    let mut socket = Socket {
        socket,
        overflow: session.overflow(),
        session,
        gathered: 0,
        is_broken: false,
    };
    async move {
        let end = socket.serve().await;
        goodbye(socket.socket, close_frame(end)).await;
    }
    .instrument(span)
    .await;
}

struct Socket<S> {
    socket: WebSocketStream<S>,
    session: Live,
    /// Tells when the client has read too little for too long.
    overflow: Arc<Overflow>,
    /// How many frames were written since the last flush.
    gathered: usize,
    /// Nobody reads any more.
    is_broken: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket<S> {
    /// Serves until the session is over.
    async fn serve(&mut self) -> End {
        loop {
            while let Some(told) = self.session.next_told() {
                match told {
                    Told::Write(text) => self.write(Message::Text(text.into())).await,
                    Told::Ping => self.write(Message::Ping(Vec::new().into())).await,
                    Told::Close(end) => return end,
                }
            }
            tokio::select! {
                // What rooms tell goes before what the client asks next, and a flush waits until nothing else is ready.
                biased;
                () = self.session.progress() => {}
                message = self.socket.next(), if self.session.wants_frames() => self.read(message),
                () = std::future::ready(()), if self.gathered > 0 => self.flush().await,
            }
        }
    }

    fn read(&mut self, message: Option<Result<Message, Error>>) {
        match message {
            Some(Ok(Message::Text(text))) => self.session.hear(Frame::Text(&text)),
            Some(Ok(Message::Binary(_))) => self.session.hear(Frame::Binary),
            Some(Ok(Message::Ping(_))) => self.session.hear(Frame::Ping),
            Some(Ok(Message::Pong(_))) => self.session.hear(Frame::Pong),
            Some(Ok(Message::Frame(_))) => {}
            Some(Ok(Message::Close(frame))) => self.session.end(end_of_close(frame.as_ref())),
            Some(Err(error)) => self.session.end(error.into()),
            None => self.session.end(End::Gone),
        }
    }

    /// Writes a frame; it goes out with the next flush at the latest.
    async fn write(&mut self, message: Message) {
        if self.is_broken {
            return;
        }
        let fed = self.socket.feed(message);
        let written = in_time(fed, self.overflow.happened()).await;
        self.wrote(written);
        self.gathered += 1;
        if self.gathered >= MOST_GATHERED {
            self.flush().await;
        }
    }

    async fn flush(&mut self) {
        self.gathered = 0;
        if self.is_broken {
            return;
        }
        let flushed = self.socket.flush();
        let written = in_time(flushed, self.overflow.happened()).await;
        self.wrote(written);
    }

    fn wrote(&mut self, written: Result<(), End>) {
        if let Err(end) = written {
            self.is_broken = true;
            self.session.end(end);
        }
    }
}

/// Waits for a write. Should the outbox overflow meanwhile, the client does not read, and nobody waits for it.
async fn in_time(
    write: impl Future<Output = Result<(), Error>>,
    overflow: impl Future<Output = ()>,
) -> Result<(), End> {
    tokio::select! {
        biased;
        written = tokio::time::timeout(WRITE_DEADLINE, write) => match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::TooSlow),
        },
        () = overflow => Err(End::TooSlow),
    }
}
