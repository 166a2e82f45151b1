//! One socket of the load: its way in, its buffers, and what it hears.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpStream;
use serde_json::{Value, json};

use super::wire;

/// How far a person has come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The handshake is not answered.
    Handshake,
    /// Waits for the server's first frame.
    Hello,
    /// Waits for the answer to the log-in.
    LogIn,
    /// Waits for the answer to the join.
    Join,
    /// Where they want to be.
    In,
    /// Not any more.
    Gone,
}

/// What a person does once they are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing.
    Rests,
    /// Sends to one other person.
    Sends { to: usize },
    /// Sends reactions to so many readers, themselves among them.
    Shows { readers: u32 },
    /// Receives these reactions.
    Listens { to: usize },
}

/// Something came.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// The answer, with its text where the person's id is wanted.
    Ok(Option<String>),
    Refused(String),
    Hello,
    Relayed,
    Shown,
    Closed(Option<u16>),
}

impl Heard {
    fn of(text: &[u8], wants_text: bool) -> Option<Self> {
        let is = |start: &str| text.starts_with(start.as_bytes());
        let owned = || String::from_utf8_lossy(text).into_owned();
        Some(if is(r#"{"type":"ok""#) {
            Self::Ok(wants_text.then(owned))
        } else if is(r#"{"type":"signal.offer""#) {
            Self::Relayed
        } else if is(r#"{"type":"reaction""#) {
            Self::Shown
        } else if is(r#"{"type":"error""#) {
            Self::Refused(owned())
        } else if is(r#"{"type":"hello""#) {
            Self::Hello
        } else {
            return None;
        })
    }
}

/// A message under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub due: Instant,
    pub is_answered: bool,
    /// So many have not got it yet.
    pub awaited: u32,
}

/// A socket.
pub(super) struct Client {
    pub stream: TcpStream,
    pub stage: Stage,
    pub role: Role,
    /// Where they want to be; none stays outside.
    pub room: Option<String>,
    /// The last step of coming in began then.
    pub began: Instant,
    /// Their participant's id in the room.
    pub id: String,
    pub sent: Option<Sent>,
    /// Reads nothing.
    pub is_stopped: bool,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    last_id: u64,
}

impl Client {
    /// Begins to connect.
    pub fn connect(address: SocketAddr, role: Role, room: Option<String>) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        Ok(Self {
            stream,
            stage: Stage::Handshake,
            role,
            room,
            began: Instant::now(),
            id: String::new(),
            sent: None,
            is_stopped: false,
            inbox: Vec::new(),
            outbox: Vec::new(),
            last_id: 0,
        })
    }

    /// Asks for a WebSocket.
    pub fn shake_hands(&mut self, host: &str, path: &str) {
        let _ = self.stream.set_nodelay(true);
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        self.outbox.extend_from_slice(request.as_bytes());
    }

    /// Asks something; it goes out with the next flush.
    pub fn ask(&mut self, kind: &str, data: &Value) {
        self.ask_written(kind, &data.to_string());
    }

    /// The same with data that are JSON already.
    pub fn ask_written(&mut self, kind: &str, data: &str) {
        self.last_id += 1;
        let id = self.last_id;
        let frame = format!(r#"{{"type":"{kind}","id":{id},"data":{data}}}"#);
        wire::put(&mut self.outbox, wire::TEXT, frame.as_bytes());
    }

    /// Goes a step further after what came; what went wrong otherwise.
    pub fn come_in(&mut self, heard: &Heard, number: usize) -> Result<(), String> {
        match (self.stage, heard) {
            (Stage::Hello, Heard::Hello) => {
                let name = format!("Load {}", number + 1);
                self.ask("auth.guest", &json!({ "display_name": name }));
                self.stage = Stage::LogIn;
            }
            (Stage::LogIn, Heard::Ok(_)) => self.join(),
            (Stage::Join, Heard::Ok(text)) => {
                self.stage = Stage::In;
                // Views are large. A client that nobody writes to needs no id.
                if let Some(text) = text {
                    let answer: Value = serde_json::from_str(text).unwrap_or_default();
                    let id = answer["data"]["self"]["id"].as_str();
                    self.id = id.ok_or("a join was answered without a self")?.to_owned();
                }
            }
            (_, Heard::Refused(error)) => return Err(error.clone()),
            (_, Heard::Closed(code)) => return Err(format!("closed with {code:?}")),
            _ => {}
        }
        Ok(())
    }

    /// Goes where they want to be.
    pub fn join(&mut self) {
        let Some(room) = self.room.take() else {
            self.stage = Stage::In;
            return;
        };
        self.began = Instant::now();
        self.ask("room.join", &json!({ "identity": room }));
        self.stage = Stage::Join;
    }

    fn needs_name(&self) -> bool {
        self.stage == Stage::Join && matches!(self.role, Role::Sends { .. })
    }

    /// Writes what is to go out, as far as the system takes it.
    pub fn flush(&mut self) -> io::Result<()> {
        while !self.outbox.is_empty() {
            match self.stream.write(&self.outbox) {
                Ok(written) => drop(self.outbox.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads all that came.
    pub fn read(&mut self, scratch: &mut [u8], heard: &mut Vec<Heard>) -> io::Result<()> {
        loop {
            let count = match self.stream.read(scratch) {
                Ok(0) => {
                    heard.push(Heard::Closed(None));
                    return Ok(());
                }
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            if self.inbox.is_empty() {
                let taken = self.take_frames(&scratch[..count], heard);
                self.inbox.extend_from_slice(&scratch[taken..count]);
            } else {
                let mut inbox = std::mem::take(&mut self.inbox);
                inbox.extend_from_slice(&scratch[..count]);
                let taken = self.take_frames(&inbox, heard);
                inbox.drain(..taken);
                if !inbox.is_empty() {
                    self.inbox = inbox;
                }
            }
            // Less than there was place for: there is no more, and news of more comes (epoll(7), question 9).
            if count < scratch.len() {
                return Ok(());
            }
        }
    }

    /// Takes whole frames; how many bytes they were.
    fn take_frames(&mut self, bytes: &[u8], heard: &mut Vec<Heard>) -> usize {
        let mut taken = 0;
        if self.stage == Stage::Handshake {
            let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
                return 0;
            };
            if !bytes.starts_with(b"HTTP/1.1 101 ") {
                let line = bytes
                    .split(|byte| *byte == b'\r')
                    .next()
                    .unwrap_or_default();
                heard.push(Heard::Refused(String::from_utf8_lossy(line).into_owned()));
                return bytes.len();
            }
            self.stage = Stage::Hello;
            taken = end + 4;
        }
        while let Some((opcode, payload, size)) = wire::first(&bytes[taken..]) {
            taken += size;
            match opcode {
                wire::TEXT => heard.extend(Heard::of(payload, self.needs_name())),
                wire::PING => wire::put(&mut self.outbox, wire::PONG, payload),
                wire::CLOSE => {
                    let code = payload.first_chunk().copied().map(u16::from_be_bytes);
                    heard.push(Heard::Closed(code));
                }
                _ => {}
            }
        }
        taken
    }
}
