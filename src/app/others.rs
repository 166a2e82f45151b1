//! Streams on the shared port that are no HTTP, and who takes them.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use crate::http::connections::Held;
use crate::http::{BoxedStream, OtherStreams, Way};
use crate::media::Media;
use crate::supervise;
use crate::turn::{self, Relay};

/// Gives each to the part that knows it.
pub(super) struct Others {
    pub(super) media: Media,
    /// None where nothing is relayed.
    pub(super) relay: Option<Arc<Relay>>,
    /// Becomes true when the server goes down.
    pub(super) stop: watch::Receiver<bool>,
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

    fn turn(&self, stream: BoxedStream, first: Bytes, way: Way, held: Held) {
        let Some(relay) = self.relay.clone() else {
            tracing::trace!("a stream of TURN was closed: nothing is relayed here");
            return;
        };
        let mut stop = self.stop.clone();
        supervise::spawn("relaying a stream", async move {
            let carried = turn::carry(relay, stream, first, way.remote, || held.place.moved());
            tokio::select! {
                () = carried => {}
                () = held.place.ended() => {}
                // A sender that is gone has no word to wait for.
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
    }
}
