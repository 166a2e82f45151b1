//! A socket: what a client sends and reads, and the task that serves its session as `ws::socket` does.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::network::Network;
use crate::sessions::{End, Frame, Instruction, Live, Services, keep};

/// How long a write may take.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// So many frames lie in the buffers of both systems.
const BUFFERED: usize = 6;

/// What travels on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wire {
    Text(String),
    Ping,
    Pong,
    /// With its code.
    Close(u16),
}

/// A client's end. What it has sent arrives when the run lets it.
pub struct Line {
    pub under_way: VecDeque<Wire>,
    up: mpsc::Sender<Wire>,
    down: mpsc::Receiver<Wire>,
}

impl Line {
    /// Opens a socket. Called within the server's runtime.
    pub fn open(address: Network, services: &Services) -> Self {
        let (up, from_client) = mpsc::channel(256);
        let (to_client, down) = mpsc::channel(BUFFERED);
        let services = services.clone();
        tokio::spawn(async move {
            let socket = Socket {
                to_client,
                from_client,
                is_broken: false,
            };
            socket.run(address, services).await;
        });
        Self {
            under_way: VecDeque::new(),
            up,
            down,
        }
    }

    /// Lets the next frame arrive at the server.
    pub fn arrive(&mut self) {
        if let Some(frame) = self.under_way.pop_front() {
            // A server that has closed hears nothing more.
            let _ = self.up.try_send(frame);
        }
    }

    /// The next frame from the server; none while there is none.
    pub fn read(&mut self) -> Option<Wire> {
        self.down.try_recv().ok()
    }

    /// Whether the server has closed it and all was read.
    pub fn is_over(&self) -> bool {
        self.down.is_closed() && self.down.is_empty()
    }
}

struct Socket {
    to_client: mpsc::Sender<Wire>,
    from_client: mpsc::Receiver<Wire>,
    is_broken: bool,
}

enum Outcome {
    Over(End),
    HandOver,
    Become(crate::sessions::Successor),
    LetGo(End),
}

impl Socket {
    async fn run(mut self, address: Network, services: Services) {
        let mut session = Live::open(address, services);
        let end = loop {
            match self.serve(&mut session).await {
                Outcome::Over(end) => break end,
                Outcome::LetGo(end) => {
                    keep(session);
                    break end;
                }
                Outcome::HandOver => match session.hand_over() {
                    Some(back) => {
                        session = back;
                        if self.is_broken {
                            session.end(End::Gone);
                        }
                    }
                    None => break End::Replaced,
                },
                Outcome::Become(successor) => match successor.take_up() {
                    Some(taken) => session = taken,
                    None => return,
                },
            }
        };
        if let Some((code, _)) = end.code() {
            let close = self.to_client.send(Wire::Close(code));
            // Nobody is there to be told.
            let _ = tokio::time::timeout(Duration::from_secs(2), close).await;
        }
    }

    async fn serve(&mut self, session: &mut Live) -> Outcome {
        loop {
            while let Some(instruction) = session.next_instruction() {
                match instruction {
                    Instruction::Write(text) => self.write(session, Wire::Text(text)).await,
                    Instruction::Ping => self.write(session, Wire::Ping).await,
                    Instruction::Close(end) => return Outcome::Over(end),
                    Instruction::LetGo(end) => return Outcome::LetGo(end),
                    Instruction::HandOver => return Outcome::HandOver,
                    Instruction::Become(successor) => return Outcome::Become(successor),
                }
            }
            tokio::select! {
                biased;
                () = session.progress() => {}
                frame = self.from_client.recv(), if session.wants_frames() => match frame {
                    Some(Wire::Text(text)) => session.hear(Frame::Text(&text)),
                    Some(Wire::Ping) => session.hear(Frame::Ping),
                    Some(Wire::Pong) => session.hear(Frame::Pong),
                    Some(Wire::Close(1000)) => session.end(End::Closed),
                    Some(Wire::Close(1001)) => session.end(End::Unloaded),
                    Some(Wire::Close(_)) | None => session.end(End::Gone),
                },
            }
        }
    }

    async fn write(&mut self, session: &mut Live, frame: Wire) {
        if self.is_broken {
            return;
        }
        let write = tokio::time::timeout(WRITE_DEADLINE, self.to_client.send(frame));
        let end = tokio::select! {
            biased;
            written = write => match written {
                Ok(Ok(())) => return,
                Ok(Err(_)) => Some(End::Gone),
                Err(_) => Some(End::TooSlow),
            },
            () = session.interrupted() => None,
        };
        self.is_broken = true;
        if let Some(end) = end {
            session.end(end);
        }
    }
}
