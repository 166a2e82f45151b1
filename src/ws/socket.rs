//! The task of one socket: it reads frames for its session and writes what the session tells.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tracing::Instrument as _;

use super::close::{close_frame, end_of_close, goodbye};
use crate::network::Network;
use crate::sessions::{End, Frame, Instruction, Live, Services, Successor, keep};

/// How long a write may take before the client counts as too slow.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(10);

/// So many frames are gathered at most before they are flushed: the first must not wait long for the last.
const MOST_GATHERED: usize = 64;

/// Serves one upgraded socket until it closes, the client misbehaves, or the server is told to stop.
pub async fn run<S>(socket: WebSocketStream<S>, address: Network, services: Services)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut session = Live::open(address, services);
    let mut socket = Socket {
        socket,
        gathered: 0,
        is_broken: false,
    };
    loop {
        let span = tracing::info_span!("session", session.id = %session.id());
        let end = match socket.serve(&mut session).instrument(span).await {
            Outcome::Over(end) => end,
            Outcome::LetGo(end) => {
                keep(session);
                end
            }
            Outcome::HandOver => {
                if let Some(back) = session.hand_over() {
                    session = back;
                    if socket.is_broken {
                        // A write was given up for the one that asked, and is gone now.
                        session.end(End::Gone);
                    }
                    continue;
                }
                End::Replaced
            }
            Outcome::Become(successor) => {
                // The session that began with this socket is nobody's, and ends here.
                let Some(taken) = successor.take_up() else {
                    return;
                };
                session = taken;
                continue;
            }
        };
        // In a box, so that no socket holds a place for it while it is open.
        return Box::pin(goodbye(socket.socket, close_frame(end))).await;
    }
}

/// Why a socket does not serve its session any more.
enum Outcome {
    /// The session is over.
    Over(End),
    /// The session goes on without it.
    LetGo(End),
    /// Another socket takes the session.
    HandOver,
    /// It serves another session.
    Become(Successor),
}

struct Socket<S> {
    socket: WebSocketStream<S>,
    /// How many frames were written since the last flush.
    gathered: usize,
    /// Nobody reads any more.
    is_broken: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket<S> {
    /// Serves until the session is over, or has no need of this socket.
    async fn serve(&mut self, session: &mut Live) -> Outcome {
        loop {
            while let Some(instruction) = session.next_instruction() {
                match instruction {
                    Instruction::Write(text) => {
                        self.write(session, Message::Text(text.into())).await
                    }
                    Instruction::Ping => {
                        self.write(session, Message::Ping(Vec::new().into())).await
                    }
                    Instruction::Close(end) => return Outcome::Over(end),
                    Instruction::LetGo(end) => return Outcome::LetGo(end),
                    Instruction::HandOver => return Outcome::HandOver,
                    Instruction::Become(successor) => return Outcome::Become(successor),
                }
            }
            tokio::select! {
                // What rooms tell goes before what the client asks next, and a flush waits until nothing else is ready.
                biased;
                () = session.progress() => {}
                message = self.socket.next(), if session.wants_frames() => read(session, message),
                () = std::future::ready(()), if self.gathered > 0 => self.flush(session).await,
            }
        }
    }

    /// Writes a frame; it goes out with the next flush at the latest.
    async fn write(&mut self, session: &mut Live, message: Message) {
        if self.is_broken {
            return;
        }
        let fed = self.socket.feed(message);
        self.is_broken = !in_time(fed, session).await;
        self.gathered += 1;
        if self.gathered >= MOST_GATHERED {
            self.flush(session).await;
        }
    }

    async fn flush(&mut self, session: &mut Live) {
        self.gathered = 0;
        if self.is_broken {
            return;
        }
        let flushed = self.socket.flush();
        self.is_broken = !in_time(flushed, session).await;
    }
}

fn read(session: &mut Live, message: Option<Result<Message, Error>>) {
    match message {
        Some(Ok(Message::Text(text))) => session.hear(Frame::Text(&text)),
        Some(Ok(Message::Binary(_))) => session.hear(Frame::Binary),
        Some(Ok(Message::Ping(_))) => session.hear(Frame::Ping),
        Some(Ok(Message::Pong(_))) => session.hear(Frame::Pong),
        Some(Ok(Message::Frame(_))) => {}
        Some(Ok(Message::Close(frame))) => session.end(end_of_close(frame.as_ref())),
        Some(Err(error)) => session.end(error.into()),
        None => session.end(End::Gone),
    }
}

/// Whether a write was done. Should the outbox overflow meanwhile, the client does not read, and nobody waits for it; nor
/// when another socket asks for the session.
async fn in_time(write: impl Future<Output = Result<(), Error>>, session: &mut Live) -> bool {
    let end = tokio::select! {
        biased;
        written = tokio::time::timeout(WRITE_DEADLINE, write) => match written {
            Ok(Ok(())) => return true,
            Ok(Err(_)) => End::Gone,
            Err(_) => End::TooSlow,
        },
        () = session.interrupted() => return false,
    };
    session.end(end);
    false
}
