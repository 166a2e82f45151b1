//! Serves the three ports: that of the page, the one that redirects to it, and the separate one for media.

use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::others::Others;
use crate::config::Origin;
use crate::http::{self, Connections, Door, Gate, Handshakes};
use crate::supervise;
use crate::tls::Tls;

/// What the ports share.
pub(super) struct Listening {
    pub(super) connections: Connections,
    pub(super) handshakes: Handshakes,
    /// Takes the streams that are no HTTP.
    pub(super) others: Arc<Others>,
    /// The ports beside the page's close when its sender is dropped.
    pub(super) stopped: watch::Receiver<()>,
}

impl Listening {
    /// Redirects http to https at `origin`.
    pub(super) fn redirect(
        &self,
        listener: TcpListener,
        origin: &Origin,
        gate: Gate,
    ) -> JoinHandle<()> {
        let router = http::redirect::router(origin.clone(), gate);
        self.spawn("redirecting http", listener, Door::plain(), router)
    }

    /// Takes streams of media. A request for a page there is answered with 404.
    pub(super) fn take_media(&self, listener: TcpListener) -> JoinHandle<()> {
        let door = self.door(None);
        self.spawn("taking streams of media", listener, door, Router::new())
    }

    /// Serves the page until `stop` is done.
    pub(super) fn serve_page(
        &self,
        listener: TcpListener,
        tls: Option<Tls>,
        router: Router,
        stop: impl Future<Output = ()>,
    ) -> impl Future<Output = ()> {
        let connections = self.connections.clone();
        http::serve(listener, self.door(tls), router, connections, stop)
    }

    fn door(&self, tls: Option<Tls>) -> Door {
        Door::shared(tls, self.others.clone(), self.handshakes.clone())
    }

    fn spawn(
        &self,
        what: &'static str,
        listener: TcpListener,
        door: Door,
        router: Router,
    ) -> JoinHandle<()> {
        let mut stopped = self.stopped.clone();
        let stop = async move {
            // Nothing is ever sent: this waits until the sender is dropped.
            let _ = stopped.changed().await;
        };
        let serving = http::serve(listener, door, router, self.connections.clone(), stop);
        supervise::spawn(what, serving)
    }
}
