//! Hands the streams on the shared port that are no HTTP to media or to the relay.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use crate::http::connections::Held;
use crate::http::{BoxedStream, OtherStreams, Way};
use crate::media::Media;
use crate::supervise;
use crate::turn::{self, Relay};

/// Hands each stream to the right part.
pub(super) struct Others {
    pub(super) media: Media,
    /// None if there is no relay.
    pub(super) relay: Option<Arc<Relay>>,
    /// Becomes true when the server goes down.
    pub(super) stop: watch::Receiver<bool>,
}

impl OtherStreams for Others {
    /// The task ends with the stream, with its connection, or when another connection needs the place more.
    fn media(&self, stream: BoxedStream, first: Bytes, way: Way, held: Held) {
        let place = held.place.clone();
        let moved = move || place.moved();
        let carrying = self
            .media
            .carry(stream, first, (way.local, way.remote), moved);
        supervise::spawn("media over TCP", async move {
            // This moves all of it. Otherwise the place would be given back while the stream goes on.
            let held = held;
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
            // As above.
            let held = held;
            let carried = turn::carry(relay, stream, first, way.remote, || held.place.moved());
            tokio::select! {
                () = carried => {}
                () = held.place.ended() => {}
                // A dropped sender also ends this.
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};
    use std::time::Duration;

    use super::*;
    use crate::http::Connections;
    use crate::media::MediaConfig;
    use crate::network::Network;

    type Take = fn(&Others, BoxedStream, Bytes, Way, Held);

    #[tokio::test]
    async fn a_stream_keeps_its_place_until_it_ends() {
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let media = Media::start(MediaConfig {
            ips: vec![here.into()],
            port: 0,
            threads: 1,
            wildcards: Vec::new(),
            listeners: Vec::new(),
        });
        let (_stopping, stop) = watch::channel(false);
        let others = Others {
            media: media.unwrap(),
            relay: Some(Arc::new(Relay::new())),
            stop,
        };
        let connections = Connections::default();
        for take in [Others::media as Take, Others::turn] {
            let (client, stream) = tokio::io::duplex(100);
            let address = SocketAddr::new(here, 5_000);
            let way = Way {
                local: address,
                remote: address,
                tls: false,
            };
            let held = connections.take(Network::of(here)).unwrap();
            take(&others, Box::new(stream), Bytes::new(), way, held);
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            assert_eq!(connections.open(), 1);
            drop(client);
            let given_back = async {
                while connections.open() > 0 {
                    tokio::task::yield_now().await;
                }
            };
            let waited = tokio::time::timeout(Duration::from_secs(10), given_back);
            waited.await.expect("its place is given back");
        }
        others.media.shutdown().await;
    }
}
