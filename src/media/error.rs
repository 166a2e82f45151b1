//! What can go wrong with media, for clients and for the operator who starts the server.

use std::borrow::Cow;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::protocol::error::ErrorCode;

/// Why something was refused: a sentence for people who read logs. Every refusal has one. It never repeats what stood
/// in a description, as it goes into the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{0}")]
pub struct Refused(Cow<'static, str>);

impl Refused {
    /// With this sentence.
    pub fn because(reason: &'static str) -> Self {
        Self(Cow::Borrowed(reason))
    }
}

impl From<&'static str> for Refused {
    fn from(reason: &'static str) -> Self {
        Self::because(reason)
    }
}

/// Why a participant's media request was refused. It may be told by another process than that of the session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum MediaError {
    /// The participant was never admitted, or is gone.
    #[error("Join a room first.")]
    NotAdmitted,
    /// The session description or candidate cannot be used; says why.
    #[error("{0}")]
    BadSdp(Refused),
    /// The revision is not the one that is awaited.
    #[error("The revision is not the one that is awaited.")]
    Stale,
    /// This cannot be negotiated here, or not now; says why.
    #[error("{0}")]
    Unsupported(Refused),
    /// More than the server forwards; says of what.
    #[error("{0}")]
    Limit(Refused),
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
    /// The description or candidate cannot be used.
    pub(super) fn bad_sdp(reason: &'static str) -> Self {
        Self::BadSdp(Refused::because(reason))
    }

    /// This cannot be negotiated.
    pub(super) fn unsupported(reason: &'static str) -> Self {
        Self::Unsupported(Refused::because(reason))
    }

    /// The code that clients are told.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotAdmitted => ErrorCode::RoomNotJoined,
            Self::BadSdp(_) => ErrorCode::MediaBadSdp,
            Self::Stale => ErrorCode::MediaStale,
            Self::Unsupported(_) => ErrorCode::MediaUnsupported,
            Self::Limit(_) => ErrorCode::MediaLimit,
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
    /// Another program has the port, or it is not ours to take.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_is_the_same_on_the_other_side_of_a_wire() {
        let all = [
            MediaError::NotAdmitted,
            MediaError::bad_sdp("It has no m-line."),
            MediaError::Stale,
            MediaError::unsupported("It cannot be had."),
            MediaError::Limit(Refused::because("Too many of them.")),
            MediaError::Busy,
            MediaError::TooFast(Duration::from_millis(1_500)),
            MediaError::Silent,
            MediaError::Gone,
        ];
        let mut written = std::collections::HashSet::new();
        for error in all {
            let text = serde_json::to_string(&error).unwrap();
            let read: MediaError = serde_json::from_str(&text).unwrap();
            assert_eq!(read, error);
            assert_eq!(
                (read.to_string(), read.code()),
                (error.to_string(), error.code())
            );
            assert!(written.insert(text), "two refusals are written alike");
        }
    }
}
