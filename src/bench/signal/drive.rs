//! The loop over all sockets: it lets people in, sends what is due and counts what comes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use super::super::BenchError;
use super::client::{Client, Heard, Role, Sent, Stage};

const SCRATCH: usize = 64 * 1024;
const EVENTS: usize = 1_024;
/// It is looked at least so often whether the run is to end.
const LOOK: Duration = Duration::from_millis(100);
/// The data of every reaction that is sent.
const REACTION: &str = r#"{"emoji":"👍"}"#;

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub sent: u64,
    pub delivered: u64,
    pub refused: u64,
    /// How old messages were when they came, in microseconds.
    pub ages: Vec<u32>,
}

/// The people who came in, and those who failed.
#[derive(Debug, Default)]
pub(super) struct Entered {
    pub took: Vec<Duration>,
    pub failures: Vec<String>,
}

/// Where the server is.
pub(super) struct Address {
    pub socket: SocketAddr,
    pub host: String,
    pub path: String,
}

/// A person who is still to come.
pub(super) struct Newcomer {
    pub role: Role,
    pub room: Option<String>,
}

/// All sockets.
pub(super) struct Drive {
    poll: Poll,
    address: Address,
    stop: Arc<AtomicBool>,
    pub clients: Vec<Client>,
    newcomers: std::vec::IntoIter<Newcomer>,
    /// How many are on their way in, and how many may be.
    entering: usize,
    at_once: usize,
    pub entered: Entered,
    /// How long each sender waits between two messages; none: it does not wait.
    interval: Option<Duration>,
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    description: String,
    is_sending: bool,
    counted: Counted,
    pub closed: Vec<(usize, Option<u16>)>,
    scratch: Vec<u8>,
    heard: Vec<Heard>,
}

impl Drive {
    pub fn new(
        address: Address,
        bytes: usize,
        at_once: usize,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, BenchError> {
        Ok(Self {
            poll: Poll::new()?,
            address,
            stop,
            clients: Vec::new(),
            newcomers: Vec::new().into_iter(),
            entering: 0,
            at_once,
            entered: Entered::default(),
            interval: None,
            due: BinaryHeap::new(),
            description: description(bytes),
            is_sending: false,
            counted: Counted::default(),
            closed: Vec::new(),
            scratch: vec![0; SCRATCH],
            heard: Vec::new(),
        })
    }

    /// Lets people in, some at a time, while what is sent is sent on.
    pub fn enter(
        &mut self,
        newcomers: Vec<Newcomer>,
        within: Duration,
    ) -> Result<Entered, BenchError> {
        self.newcomers = newcomers.into_iter();
        self.until_entered(within)
    }

    /// Lets these go into a room at once; they are logged in.
    pub fn let_in(
        &mut self,
        people: impl Iterator<Item = (usize, String)>,
        within: Duration,
    ) -> Result<Entered, BenchError> {
        for (number, room) in people {
            let client = &mut self.clients[number];
            if client.stage != Stage::In {
                continue;
            }
            client.room = Some(room);
            client.join();
            self.entering += 1;
            self.flush(number);
        }
        self.until_entered(within)
    }

    fn until_entered(&mut self, within: Duration) -> Result<Entered, BenchError> {
        let deadline = Instant::now() + within;
        while (self.entering > 0 || self.newcomers.len() > 0) && Instant::now() < deadline {
            self.connect_more()?;
            self.turn(deadline)?;
        }
        let late = self.entering + self.newcomers.len();
        self.entering = 0;
        self.newcomers = Vec::new().into_iter();
        let mut entered = std::mem::take(&mut self.entered);
        let too_late = || "it took too long".to_owned();
        entered
            .failures
            .extend(std::iter::repeat_with(too_late).take(late));
        Ok(entered)
    }

    /// Sends so many messages a second in all, or as many as are answered, and counts them.
    pub fn send(&mut self, rate: Option<u32>) {
        let senders = self.senders();
        let count = senders.len().max(1) as u32;
        self.interval = rate.map(|rate| Duration::from_secs(1) * count / rate.max(1));
        self.is_sending = true;
        let now = Instant::now();
        let apart = self.interval.unwrap_or_default() / count;
        let places = (0..count).map(|place| now + apart * place);
        self.due = places.zip(senders).map(Reverse).collect();
    }

    /// Sends nothing more, and waits for what is under way.
    pub fn pause(&mut self, within: Duration) -> Result<(), BenchError> {
        self.is_sending = false;
        self.due.clear();
        let deadline = Instant::now() + within;
        while self.clients.iter().any(|client| client.sent.is_some()) && Instant::now() < deadline {
            self.turn(deadline)?;
        }
        // What is lost is not waited for in what comes next.
        self.clients
            .iter_mut()
            .for_each(|client| client.sent = None);
        Ok(())
    }

    /// Goes on for so long.
    pub fn run_for(&mut self, duration: Duration) -> Result<(), BenchError> {
        let deadline = Instant::now() + duration;
        while Instant::now() < deadline {
            self.turn(deadline)?;
        }
        Ok(())
    }

    /// What was counted since the last time.
    pub fn counted(&mut self) -> Counted {
        std::mem::take(&mut self.counted)
    }

    fn senders(&self) -> Vec<usize> {
        let sends = |client: &Client| {
            client.stage == Stage::In
                && matches!(client.role, Role::Sends { .. } | Role::Shows { .. })
        };
        let clients = self.clients.iter().enumerate();
        let senders = clients.filter(|(_, client)| sends(client));
        senders.map(|(number, _)| number).collect()
    }

    fn connect_more(&mut self) -> Result<(), BenchError> {
        while self.entering < self.at_once
            && let Some(Newcomer { role, room }) = self.newcomers.next()
        {
            let mut client = Client::connect(self.address.socket, role, room)?;
            client.shake_hands(&self.address.host, &self.address.path);
            let token = Token(self.clients.len());
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll
                .registry()
                .register(&mut client.stream, token, both)?;
            self.clients.push(client);
            self.entering += 1;
        }
        Ok(())
    }

    fn turn(&mut self, deadline: Instant) -> Result<(), BenchError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(BenchError::Interrupted);
        }
        self.send_due();
        let next = self.due.peek().map_or(deadline, |Reverse((at, _))| *at);
        let wait = next.min(deadline).saturating_duration_since(Instant::now());
        let mut events = Events::with_capacity(EVENTS);
        match self
            .poll
            .poll(&mut events, Some(whole_millis(wait.min(LOOK))))
        {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &events {
            let Token(number) = event.token();
            if event.is_readable() && !self.clients[number].is_stopped {
                self.read(number);
            }
            self.flush(number);
        }
        Ok(())
    }

    fn send_due(&mut self) {
        let now = Instant::now();
        while let Some(Reverse((at, number))) = self.due.peek().copied()
            && at <= now
        {
            self.due.pop();
            self.send_one(number, at);
        }
    }

    fn send_one(&mut self, number: usize, due: Instant) {
        if self.clients[number].stage != Stage::In {
            return;
        }
        let awaited = match self.clients[number].role {
            Role::Sends { to } => {
                let to = self.clients[to].id.clone();
                let data = format!(r#"{{"to":"{to}","sdp":"{}"}}"#, self.description);
                self.clients[number].ask_written("signal.offer", &data);
                1
            }
            Role::Shows { readers } => {
                self.clients[number].ask_written("reaction.send", REACTION);
                readers
            }
            Role::Rests | Role::Listens { .. } => return,
        };
        self.clients[number].sent = Some(Sent {
            due,
            is_answered: false,
            awaited,
        });
        self.counted.sent += 1;
        self.flush(number);
    }

    fn flush(&mut self, number: usize) {
        if self.clients[number].flush().is_err() {
            self.lost(number, None);
        }
    }

    fn read(&mut self, number: usize) {
        let mut heard = std::mem::take(&mut self.heard);
        if self.clients[number]
            .read(&mut self.scratch, &mut heard)
            .is_err()
        {
            heard.push(Heard::Closed(None));
        }
        for item in heard.drain(..) {
            self.hear(number, item);
        }
        self.heard = heard;
    }

    fn hear(&mut self, number: usize, heard: Heard) {
        if !matches!(self.clients[number].stage, Stage::In | Stage::Gone) {
            return self.come_in(number, &heard);
        }
        match (heard, self.clients[number].role) {
            (Heard::Ok(_), _) => self.answered(number),
            (Heard::Refused(_), _) => {
                self.counted.refused += 1;
                if let Some(sent) = &mut self.clients[number].sent {
                    sent.awaited = 0;
                }
                self.answered(number);
            }
            (Heard::Relayed, Role::Sends { to }) => self.delivered(to),
            (Heard::Shown, Role::Listens { to }) => self.delivered(to),
            (Heard::Shown, Role::Shows { .. }) => self.delivered(number),
            (Heard::Closed(code), _) => self.lost(number, code),
            _ => {}
        }
    }

    fn come_in(&mut self, number: usize, heard: &Heard) {
        let client = &mut self.clients[number];
        let went = client.come_in(heard, number);
        match went {
            Ok(()) if client.stage == Stage::In => {
                self.entered.took.push(client.began.elapsed());
                self.entering = self.entering.saturating_sub(1);
            }
            Ok(()) => {}
            Err(why) => {
                client.stage = Stage::Gone;
                self.entered.failures.push(why);
                self.entering = self.entering.saturating_sub(1);
            }
        }
    }

    fn answered(&mut self, number: usize) {
        if let Some(sent) = &mut self.clients[number].sent {
            sent.is_answered = true;
            self.finished(number);
        }
    }

    fn delivered(&mut self, sender: usize) {
        if let Some(sent) = &mut self.clients[sender].sent {
            let age = sent.due.elapsed().as_micros();
            sent.awaited = sent.awaited.saturating_sub(1);
            self.counted.delivered += 1;
            self.counted
                .ages
                .push(u32::try_from(age).unwrap_or(u32::MAX));
            self.finished(sender);
        }
    }

    /// A sender whose message has reached everybody sends the next one.
    fn finished(&mut self, number: usize) {
        let client = &mut self.clients[number];
        let Some(sent) = client
            .sent
            .take_if(|sent| sent.is_answered && sent.awaited == 0)
        else {
            return;
        };
        if self.is_sending {
            match self.interval {
                Some(interval) => self.due.push(Reverse((sent.due + interval, number))),
                None => self.send_one(number, Instant::now()),
            }
        }
    }

    fn lost(&mut self, number: usize, code: Option<u16>) {
        let client = &mut self.clients[number];
        if client.stage == Stage::Gone {
            return;
        }
        if !matches!(client.stage, Stage::In) {
            self.entered.failures.push("the socket was lost".to_owned());
            self.entering = self.entering.saturating_sub(1);
        }
        client.stage = Stage::Gone;
        self.closed.push((number, code));
        let _ = self.poll.registry().deregister(&mut client.stream);
    }
}

/// The system waits for whole milliseconds and rounds up. What is due sooner is waited for by looking again and again.
/// Otherwise each message would be late by up to a millisecond before it is sent.
fn whole_millis(wait: Duration) -> Duration {
    Duration::from_millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
}

/// Lines as in a description, written as JSON has them, of so many bytes.
fn description(bytes: usize) -> String {
    const LINE: &str = r"a=candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host\r\n";
    const LINE_BYTES: usize = LINE.len() - 2;
    let mut text = LINE.repeat(bytes / LINE_BYTES);
    text.extend(std::iter::repeat_n('x', bytes % LINE_BYTES));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_late_because_the_system_waits_too_long() {
        let waits =
            [0, 999, 1_000, 1_999].map(|micros| whole_millis(Duration::from_micros(micros)));
        assert_eq!(waits.map(|wait| wait.as_micros()), [0, 0, 1_000, 1_000]);
    }

    #[test]
    fn a_description_has_the_bytes_that_were_asked_for() {
        for bytes in [1, 57, 1_024, 32_768] {
            let text = format!("\"{}\"", description(bytes));
            let read: String = serde_json::from_str(&text).unwrap();
            assert_eq!(read.len(), bytes);
        }
    }
}
