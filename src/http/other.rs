//! What comes on the shared port and is no HTTP: media and TURN, of which nothing is known here but how they begin.

use std::net::SocketAddr;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::connections::Held;

/// Bytes in both directions.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// A stream of any kind: bare, or in TLS.
pub type BoxedStream = Box<dyn Duplex>;

/// Streams on the shared port that are no HTTP.
///
/// Both may be called at any time, must return at once, and own what they are given: `held` is the connection's place
/// in the budgets and is kept as long as the stream. Whoever keeps a stream ends it when [`Place::ended`] says that
/// somebody else needs the place more, and tells [`Place::moved`] of what goes through.
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
