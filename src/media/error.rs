//! What can go wrong with media, for clients and for whoever starts the server.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::protocol::error::ErrorCode;

/// Why a participant's media request was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// The participant was never admitted, or is gone.
    #[error("Join a room first.")]
    NotAdmitted,
    /// The session description or candidate cannot be used; says why.
    #[error("{0}")]
    BadSdp(&'static str),
    /// The revision is not the one that is awaited.
    #[error("The revision is not the one that is awaited.")]
    Stale,
    /// This cannot be negotiated here, or not now.
    #[error("This cannot be negotiated here.")]
    Unsupported,
    /// The client waits for checks (RFC 8445 §2.5), and so does the server: it never sends to an address that did
    /// not check it first.
    #[error("An ICE-lite client cannot be served: it must send connectivity checks.")]
    IceLite,
    /// More than the server forwards.
    #[error("More than this server forwards.")]
    Limit,
    /// The worker's inbox is full.
    #[error("The server is busy; try again shortly.")]
    Busy,
    /// Too often; says in which time once more.
    #[error("Too many negotiations; wait before the next one.")]
    TooFast(Duration),
    /// The worker did not answer in time.
    #[error("The media thread does not answer; try again shortly.")]
    Silent,
    /// The room's media was lost, and begins anew.
    #[error("This room's media begins anew; try again shortly.")]
    Gone,
}

impl MediaError {
    /// The code that clients are told.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotAdmitted => ErrorCode::RoomNotJoined,
            Self::BadSdp(_) => ErrorCode::MediaBadSdp,
            Self::Stale => ErrorCode::MediaStale,
            Self::Unsupported | Self::IceLite => ErrorCode::MediaUnsupported,
            Self::Limit => ErrorCode::MediaLimit,
            Self::TooFast(_) => ErrorCode::RateLimited,
            Self::Busy | Self::Silent | Self::Gone => ErrorCode::ServerBusy,
        }
    }
}

/// Why media could not be started.
#[derive(Debug, thiserror::Error)]
pub enum MediaStartError {
    /// No address to offer to clients.
    #[error("no media address is configured: name at least one IP address that clients can reach")]
    NoAddress,
    /// An address that nobody can send to.
    #[error("{0} cannot be a media address: name one that clients can reach")]
    BadAddress(IpAddr),
    /// The ports of all workers must exist.
    #[error("the media ports begin at {port} and {threads} are needed, which goes beyond 65535")]
    PortRange {
        /// The first port.
        port: u16,
        /// How many are needed.
        threads: usize,
    },
    /// Somebody else has the port, or it is not ours to take.
    #[error("cannot bind the media socket {address} (UDP): {source}")]
    Bind {
        /// What was tried.
        address: SocketAddr,
        /// Why it failed.
        source: io::Error,
    },
    /// The system gave no thread or poller.
    #[error("cannot start a media worker: {0}")]
    Worker(#[from] io::Error),
}
