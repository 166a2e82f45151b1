//! The protocols on the shared port that are no HTTP: media and TURN. This module knows only how they begin.

use std::net::SocketAddr;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::connections::Held;

/// Bytes in both directions.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// A stream with or without TLS.
pub type BoxedStream = Box<dyn Duplex>;

/// Streams on the shared port that are no HTTP.
///
/// Both methods may be called at any time, must return at once, and own their arguments. `held` is the place of the
/// connection in the budgets and is kept as long as the stream. The owner of a stream ends it when [`Place::ended`]
/// resolves, because another connection needs the place more. It calls [`Place::moved`] for each transfer.
///
/// [`Place::ended`]: super::connections::Place::ended
/// [`Place::moved`]: super::connections::Place::moved
pub trait OtherStreams: Send + Sync + 'static {
    /// A stream of RFC 4571 frames: media over TCP. `first` was read from it already.
    fn media(&self, stream: BoxedStream, first: Bytes, way: Way, held: Held);

    /// A stream of TURN messages (RFC 8656 §2.1), in TLS or not. `first` was read from it already.
    fn turn(&self, stream: BoxedStream, first: Bytes, way: Way, held: Held);
}

/// Where a stream comes from and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// Our end.
    pub local: SocketAddr,
    /// The client's end.
    pub remote: SocketAddr,
    /// Whether it is in TLS.
    pub tls: bool,
}
