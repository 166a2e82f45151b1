//! The task of one socket: it reads frames for its session and writes what the session tells.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::close::{CLOSE_DEADLINE, close_frame, end_of_close, goodbye};
use super::gathered::Gathered;
use crate::sessions::{End, Frame, Instruction, Live, Successor, keep};

/// How long a write may take before the client counts as too slow.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(10);

/// Serves `session` on one upgraded socket until it closes, the client misbehaves, or the server is told to stop.
pub fn run<S>(socket: WebSocketStream<S>, mut session: Live) -> impl Future<Output = ()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut socket = Socket {
        socket,
        ahead: None,
        gathered: Gathered::default(),
        is_due: false,
        is_broken: false,
    };
    // No `async fn`: it would hold its parameters twice, for each open socket.
    async move {
        loop {
            let end = match socket.serve(&mut session).await {
                Outcome::Over(end) => end,
                Outcome::LetGo(end) => {
                    keep(session);
                    end
                }
                Outcome::HandOver => {
                    if let Some(back) = session.hand_over() {
                        session = back;
                        if socket.is_broken {
                            // A write was given up for the socket that asked, and that socket is gone now.
                            session.end(End::Gone);
                        }
                        continue;
                    }
                    End::Replaced
                }
                Outcome::Become(successor) => {
                    // The session that began with this socket has no login, and ends here.
                    let Some(taken) = successor.take_up() else {
                        return;
                    };
                    session = taken;
                    continue;
                }
            };
            // In a box, so that no socket holds a place for it while it is open.
            return Box::pin(socket.close(end)).await;
        }
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
    /// The frame behind a request that waits in line: it was read to see whether the client is still there.
    ahead: Option<Box<Message>>,
    /// What was written since the last flush.
    gathered: Gathered,
    /// It waits no more.
    is_due: bool,
    /// Nobody reads any more.
    is_broken: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket<S> {
    /// Serves until the session is over, or has no need of this socket.
    async fn serve(&mut self, session: &mut Live) -> Outcome {
        loop {
            while let Some(instruction) = session.next_instruction() {
                match instruction {
                    Instruction::Write(_) | Instruction::Ping if self.is_broken => {}
                    Instruction::Write(text) => self.gathered.text(&text),
                    Instruction::Ping => self.gathered.ping(),
                    Instruction::Close(end) => return Outcome::Over(end),
                    Instruction::LetGo(end) => return Outcome::LetGo(end),
                    Instruction::HandOver => return Outcome::HandOver,
                    Instruction::Become(successor) => return Outcome::Become(successor),
                }
                if self.gathered.is_enough() && !self.is_broken {
                    self.flush(session).await;
                }
            }
            let may_look = session.is_in_line() && self.ahead.is_none();
            tokio::select! {
                // What rooms tell goes before the client's next request. A flush waits until nothing else is ready
                // here. Answers alone wait for the other tasks as well, which may be about to tell this client
                // something.
                biased;
                () = session.progress() => self.is_due = true,
                message = next(&mut self.ahead, &mut self.socket), if session.wants_frames() || may_look => {
                    self.read(session, message);
                }
                () = a_turn(&mut self.is_due), if self.is_to_flush() => self.flush(session).await,
            }
        }
    }

    fn read(&mut self, session: &mut Live, message: Option<Result<Message, Error>>) {
        match message {
            Some(Ok(message)) if !session.wants_frames() && !message.is_close() => {
                self.ahead = Some(Box::new(message));
            }
            Some(Ok(Message::Text(text))) => session.hear(Frame::Text(&text)),
            Some(Ok(Message::Binary(_))) => session.hear(Frame::Binary),
            Some(Ok(Message::Ping(_))) => session.hear(Frame::Ping),
            Some(Ok(Message::Pong(_))) => session.hear(Frame::Pong),
            Some(Ok(Message::Frame(_))) => {}
            Some(Ok(Message::Close(frame))) => {
                // Nothing may follow the answer to it (RFC 6455 §5.5.1).
                self.is_broken = true;
                self.gathered.clear();
                session.end(end_of_close(frame.as_ref()));
            }
            Some(Err(error)) => session.end(error.into()),
            None => session.end(End::Gone),
        }
    }

    fn is_to_flush(&self) -> bool {
        !self.gathered.is_empty() && !self.is_broken
    }

    async fn flush(&mut self, session: &mut Live) {
        self.is_due = false;
        self.is_broken = !in_time(self.write(), session).await;
    }

    /// Writes what is gathered.
    async fn write(&mut self) -> Result<(), Error> {
        // A frame that the library answers by itself must not be torn apart.
        self.socket.flush().await?;
        Ok(self.gathered.write_to(self.socket.get_mut()).await?)
    }

    /// Closes the socket after what is left to be written.
    async fn close(mut self, end: End) {
        if !self.gathered.is_empty() {
            let written = tokio::time::timeout(CLOSE_DEADLINE, self.write()).await;
            if !matches!(written, Ok(Ok(()))) {
                return;
            }
        }
        goodbye(self.socket, close_frame(end)).await;
    }
}

/// The next frame, in the order in which they came. A caller that stops waiting has read nothing.
async fn next<S: AsyncRead + AsyncWrite + Unpin>(
    ahead: &mut Option<Box<Message>>,
    socket: &mut WebSocketStream<S>,
) -> Option<Result<Message, Error>> {
    match ahead.take() {
        Some(message) => Some(Ok(*message)),
        None => socket.next().await,
    }
}

/// Lets every other task that is ready have a turn, if they have not had one already. It does not ask the system what
/// else is ready, as [`tokio::task::yield_now`] does.
fn a_turn(is_due: &mut bool) -> impl Future<Output = ()> {
    std::future::poll_fn(|context| {
        if std::mem::replace(is_due, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

/// Whether a write was done. It is given up when the outbox overflows, as the client does not read then, and when
/// another socket asks for the session.
async fn in_time(write: impl Future<Output = Result<(), Error>>, session: &mut Live) -> bool {
    let mut write = std::pin::pin!(write);
    // Most writes are done at once, and need no clock.
    let at_once = std::future::poll_fn(|context| Poll::Ready(write.as_mut().poll(context)));
    let written = match at_once.await {
        Poll::Ready(written) => written.map_err(|_| End::Gone),
        // In a box, so that no socket holds a place for it while nothing is slow.
        Poll::Pending => match Box::pin(slowly(write, session)).await {
            Some(written) => written,
            None => return false,
        },
    };
    if let Err(end) = written {
        session.end(end);
    }
    written.is_ok()
}

/// Waits for a write; none when it is given up.
async fn slowly(
    write: Pin<&mut impl Future<Output = Result<(), Error>>>,
    session: &mut Live,
) -> Option<Result<(), End>> {
    tokio::select! {
        biased;
        written = tokio::time::timeout(WRITE_DEADLINE, write) => Some(match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::TooSlow),
        }),
        () = session.interrupted() => None,
    }
}
