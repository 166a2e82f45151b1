//! `meeting bench media`: loads a running server with media, and measures what that costs it. [`signal`] does the same
//! for the WebSocket.
//!
//! It is a client of the wire contract and stands apart from the server. It imports nothing of this crate, speaks the
//! WebSocket in plain JSON, and is a full ICE agent made of the WebRTC crates. So an error of the server's own
//! transport cannot cancel out here. It is a part of its own rather than one of `cli`, because it has threads and
//! sockets; `cli` knows its arguments and prints what it finds.
//!
//! | to find | look into |
//! |---|---|
//! | what is asked of a run, and its bounds | [`plan`] |
//! | which server, and whether it may be loaded | [`target`] |
//! | the way in: session, room, two connections | [`session`], [`join`], [`sdp`] |
//! | other ways in, and what all have in common | [`entrance`] |
//! | one connection without I/O | [`peer`]; with its socket: [`link`] |
//! | threads that send and receive | [`load`], [`packets`], [`feedback`] |
//! | the server's processor and memory | [`process`] |
//! | the figures | [`report`] |
//!
//! **Receivers are light.** They decode nothing. They open one packet in some ([`Load::sample`]) for its time; the
//! others are counted by the numbers in their headers, and gaps tell losses. They send receiver reports, negotiate
//! repair and ask for none. Transport-wide feedback, which browsers send, is sent on request ([`Load::feedback`]). With
//! it the server estimates the line, and on a busy machine it holds pictures back for delays that are the machine's.
//!
//! **What the figures are.** A packet's age goes from before its sealing at the sender to the read of its receiver's
//! socket, on one clock, so the kernel's way there and back and the load's own delay are in it. Processor time is the
//! scheduler's count for each of the server's threads. Senders keep their beat within a millisecond, as that is how
//! finely threads sleep.

mod entrance;
mod feedback;
mod join;
mod link;
mod load;
mod packets;
mod peer;
mod plan;
mod process;
mod report;
mod run;
mod sdp;
mod session;
pub mod signal;
mod target;

pub use entrance::{Entrance, Media, Receiver, Sender, Stay};
pub use link::Who;
pub use plan::{Load, Protection, Scenario};
pub use report::{Cpu, Join, Latency, Memory, Own, Packets, Report, Settings};
pub use run::{run, run_through};
pub use sdp::host_over_udp;
pub use target::Server;

/// Why there is nothing to report.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// What is asked for goes beyond a bound.
    #[error("{0}")]
    Load(String),
    /// There is no such server.
    #[error("{0}")]
    Target(String),
    /// The server is on another machine.
    #[error(
        "{0} is not this machine: who loads it needs its owner's consent, and says so with --i-may-load-it"
    )]
    Consent(String),
    /// All that the server names for media is elsewhere.
    #[error("the server names no address of this machine for media")]
    Elsewhere,
    /// The process is gone, or not ours to look at.
    #[error("nothing can be read of process {0}")]
    NoProcess(u32),
    /// No server could be started.
    #[error("cannot start a server")]
    Start(#[source] std::io::Error),
    /// The server refuses a request, by code and sentence.
    #[error("the server answers {0}: {1}")]
    Refused(String, String),
    /// Something did not come in time.
    #[error("{0} did not come in time")]
    Late(String),
    /// A media connection did not come up.
    #[error("{0}")]
    Connection(&'static str),
    /// The WebRTC library refuses.
    #[error("the WebRTC library refuses: {0}")]
    WebRtc(String),
    /// The WebSocket broke.
    #[error("the WebSocket broke")]
    WebSocket(#[from] Box<tokio_tungstenite::tungstenite::Error>),
    /// The system refuses.
    #[error("the system refuses")]
    System(#[from] std::io::Error),
    /// It was told to end.
    #[error("it was told to end")]
    Interrupted,
}

impl BenchError {
    fn webrtc(error: impl std::fmt::Display) -> Self {
        Self::WebRtc(error.to_string())
    }

    /// Whether what was given is wrong in itself.
    pub fn is_wrong_value(&self) -> bool {
        matches!(self, Self::Load(_) | Self::Consent(_))
    }
}

impl From<tokio_tungstenite::tungstenite::Error> for BenchError {
    fn from(error: tokio_tungstenite::tungstenite::Error) -> Self {
        Self::WebSocket(Box::new(error))
    }
}
