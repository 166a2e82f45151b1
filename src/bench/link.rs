//! A peer with its socket, and what it is for: sending one stream, or receiving slots.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant, SystemTime};

use mio::net::UdpSocket;
use quinn_udp::{UdpSockRef, UdpSocketState};
use tokio::sync::oneshot;

use super::feedback::Feedback;
use super::packets::{
    Arrivals, Clock, Content, Header, Place, Stream, asks_for_keyframe, receiver_report,
};
use super::peer::{Outgoing, Peer, Progress};

/// Reports are this far apart, as browsers' are.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// Transport-wide feedback is this far apart.
const FEEDBACK_EVERY: Duration = Duration::from_millis(100);
/// A sender this far behind gives up what it missed: the load is too slow for its rate.
const LATEST: Duration = Duration::from_millis(200);
/// The system may allow less. A receiver must not be what loses packets.
const SOCKET_BUFFER: usize = 2 * 1024 * 1024;

/// A socket that is not in use yet.
pub(super) struct Socket {
    pub io: UdpSocket,
    pub state: UdpSocketState,
    pub address: SocketAddr,
}

impl Socket {
    /// A socket on a free port of this address.
    pub fn bind(ip: IpAddr) -> io::Result<Self> {
        let io = UdpSocket::bind(SocketAddr::new(ip, 0))?;
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        // The kernel takes as much as it allows.
        let _ = state.set_recv_buffer_size(UdpSockRef::from(&io), SOCKET_BUFFER);
        let _ = state.set_send_buffer_size(UdpSockRef::from(&io), SOCKET_BUFFER);
        let address = io.local_addr()?;
        Ok(Self { io, state, address })
    }
}

/// Which person of which room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    /// The room's number, from 0.
    pub room: usize,
    /// The person's number in it, from 0; those who send come first.
    pub person: usize,
}

/// A sender's stream and its beat.
pub(super) struct Sending {
    pub stream: Stream,
    /// From one picture to the next.
    pub interval: Duration,
    /// Packets of a picture.
    pub burst: u32,
    pub next_at: Instant,
    /// What was sent before the counting.
    pub counted_from: u32,
}

impl Sending {
    pub fn new(stream: Stream, interval: Duration, burst: u32, now: Instant) -> Self {
        Self {
            stream,
            interval,
            burst,
            next_at: now,
            counted_from: 0,
        }
    }
}

/// What a receiver counts.
pub(super) struct Receiving {
    /// The payload types of sound and pictures; repairs are not counted.
    pub payload_types: Vec<u8>,
    /// One packet in so many is opened.
    pub sample: u32,
    pub streams: Vec<Arrivals>,
    /// The ages of the opened packets, in microseconds.
    pub ages: Vec<u32>,
    /// Opened packets that were not authentic, or told no time.
    pub refused: u64,
    pub feedback: Option<Feedback>,
}

impl Receiving {
    pub fn new(payload_types: Vec<u8>, sample: u32, feedback: Option<Feedback>) -> Self {
        Self {
            payload_types,
            sample,
            streams: Vec::new(),
            ages: Vec::new(),
            refused: 0,
            feedback,
        }
    }

    /// Counts a packet by its header; one in some is opened, the same one of every stream's numbers.
    fn take(&mut self, peer: &mut Peer, packet: &[u8], clock: Clock, now: Instant) {
        let Some(header) = Header::read(packet) else {
            return;
        };
        if let Some(feedback) = &mut self.feedback {
            feedback.note(packet, header.ssrc, now);
        }
        if !self.payload_types.contains(&header.payload_type) {
            return;
        }
        let known = self
            .streams
            .iter_mut()
            .find(|stream| stream.ssrc == header.ssrc);
        match known {
            Some(stream) => stream.take(header.sequence),
            None => self.streams.push(Arrivals::beginning(header)),
        }
        if u32::from(header.sequence) % self.sample == header.ssrc % self.sample {
            let opened = peer.open(packet);
            match opened.and_then(|packet| clock.age(&packet, now)) {
                Some(age) => {
                    let micros = u32::try_from(age.as_micros());
                    self.ages.push(micros.unwrap_or(u32::MAX));
                }
                None => self.refused += 1,
            }
        }
    }
}

/// What a connection is for.
pub(super) enum Role {
    Sends(Sending),
    Receives(Receiving),
}

/// Told once when the connection is ready, or will never be.
pub(super) type Ready = oneshot::Sender<Result<(), &'static str>>;

/// One connection of the load.
pub(super) struct Link {
    pub who: Who,
    pub role: Role,
    pub socket: Socket,
    peer: Peer,
    ready: Option<Ready>,
    next_report: Instant,
    next_feedback: Instant,
    out: Vec<Outgoing>,
}

impl Link {
    pub fn new(who: Who, role: Role, socket: Socket, peer: Peer, ready: Ready) -> Self {
        Self {
            who,
            role,
            socket,
            peer,
            ready: Some(ready),
            next_report: Instant::now(),
            next_feedback: Instant::now(),
            out: Vec::new(),
        }
    }

    /// Takes a datagram that came.
    pub fn take(&mut self, datagram: &[u8], from: SocketAddr, clock: Clock, now: Instant) {
        match (Content::of(datagram), &mut self.role) {
            (Content::Connecting, _) => {
                self.peer.handle(datagram, from, now, &mut self.out);
                self.flush();
            }
            (Content::Media, Role::Receives(receiving)) => {
                receiving.take(&mut self.peer, datagram, clock, now);
            }
            (Content::Control, Role::Sends(sending)) => {
                let opened = self.peer.open_control(datagram);
                sending.stream.keyframe_asked |=
                    opened.is_some_and(|compound| asks_for_keyframe(&compound));
            }
            _ => {}
        }
    }

    /// Does what is due: checks, handshakes, reports.
    pub fn tick(&mut self, now: Instant, time: SystemTime) {
        if self.peer.next_timeout().is_some_and(|at| at <= now) {
            self.peer.handle_timeout(now, &mut self.out);
        }
        self.flush();
        if self.peer.progress() != Progress::Ready {
            return;
        }
        if now >= self.next_report {
            self.next_report = now + REPORT_EVERY;
            let report = match &mut self.role {
                Role::Sends(sending) if sending.stream.sent > 0 => {
                    Some(sending.stream.report(time).to_vec())
                }
                Role::Sends(_) => None,
                Role::Receives(receiving) => receiver_report(&mut receiving.streams),
            };
            self.send_control(report);
        }
        if now >= self.next_feedback
            && let Role::Receives(receiving) = &mut self.role
            && let Some(feedback) = &mut receiving.feedback
        {
            self.next_feedback = now + FEEDBACK_EVERY;
            let report = feedback.report();
            self.send_control(report);
        }
    }

    fn send_control(&mut self, packet: Option<Vec<u8>>) {
        let sealed = packet.and_then(|packet| self.peer.seal_control(&packet));
        if let (Some(sealed), Some(remote)) = (sealed, self.peer.remote()) {
            let _ = self.socket.io.send_to(&sealed, remote);
        }
    }

    /// Sends pictures until no more are due. Returns when the next one is due. None for receivers.
    pub fn send_due(&mut self, clock: Clock, now: Instant) -> Option<Instant> {
        let Role::Sends(sending) = &mut self.role else {
            return None;
        };
        let remote = self.peer.remote()?;
        if now.saturating_duration_since(sending.next_at) > LATEST {
            sending.next_at = now;
        }
        while sending.next_at <= now {
            sending.next_at += sending.interval;
            for index in 0..sending.burst {
                let place = Place {
                    index,
                    of: sending.burst,
                };
                let packet = sending.stream.next(place, clock, Instant::now());
                // A full socket drops, as a full network would; that is seen as a loss.
                if let Some(sealed) = self.peer.seal(packet) {
                    let _ = self.socket.io.send_to(&sealed, remote);
                }
            }
        }
        Some(sending.next_at)
    }

    fn flush(&mut self) {
        for (to, datagram) in self.out.drain(..) {
            let _ = self.socket.io.send_to(&datagram, to);
        }
        let outcome = match self.peer.progress() {
            Progress::Connecting => return,
            Progress::Ready => Ok(()),
            Progress::Over(why) => Err(why),
        };
        if let Some(ready) = self.ready.take() {
            // A caller that does not wait any more has given up.
            let _ = ready.send(outcome);
        }
    }
}
