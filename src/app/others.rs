//! Streams on the shared port that are no HTTP, and who takes them.

use bytes::Bytes;

use crate::http::connections::Held;
use crate::http::{BoxedStream, OtherStreams, Way};

/// Takes what nobody else takes: such a stream is closed at once.
pub(super) struct Nobody;

impl OtherStreams for Nobody {
    fn media(&self, _stream: BoxedStream, _first: Bytes, _way: Way, _held: Held) {
        tracing::trace!("a stream of media was closed: nobody takes it here");
    }

    fn turn(&self, _stream: BoxedStream, _first: Bytes, _way: Way, _held: Held) {
        tracing::trace!("a stream of TURN was closed: nobody takes it here");
    }
}
