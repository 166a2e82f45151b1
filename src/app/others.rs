//! Streams on the shared port that are no HTTP, and who takes them.

use bytes::Bytes;

use crate::http::connections::Held;
use crate::http::{BoxedStream, OtherStreams, Way};
use crate::media::Media;
use crate::supervise;

/// Gives each to the part that knows it.
pub(super) struct Others {
    pub(super) media: Media,
}

impl OtherStreams for Others {
    /// Its task ends with the stream, with its connection, or when somebody else needs the place more.
    fn media(&self, stream: BoxedStream, first: Bytes, way: Way, held: Held) {
        let place = held.place.clone();
        let moved = move || place.moved();
        let carrying = self
            .media
            .carry(stream, first, (way.local, way.remote), moved);
        supervise::spawn("media over TCP", async move {
            tokio::select! {
                () = carrying => {}
                () = held.place.ended() => {}
            }
        });
    }

    fn turn(&self, _stream: BoxedStream, _first: Bytes, _way: Way, _held: Held) {
        tracing::trace!("a stream of TURN was closed: nobody takes it here");
    }
}
