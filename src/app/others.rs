//! Streams on the shared port that are no HTTP, and who takes them.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use crate::http::connections::Held;
use crate::http::{BoxedStream, OtherStreams, Way};
use crate::supervise;
use crate::turn::{self, Relay};

/// Gives the relay what is its own, and closes what nobody takes.
pub(super) struct Others {
    /// None where nothing is relayed.
    pub(super) relay: Option<Arc<Relay>>,
    /// Becomes true when the server goes down.
    pub(super) stop: watch::Receiver<bool>,
}

impl OtherStreams for Others {
    fn media(&self, _stream: BoxedStream, _first: Bytes, _way: Way, _held: Held) {
        tracing::trace!("a stream of media was closed: nobody takes it here");
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
