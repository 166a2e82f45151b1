//! Connections: accepting, serving and ending them.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::peer::RemoteAddress;

/// A request's head must be complete within this time, and an idle connection is kept as long.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest head of a request: a browser's cookies and more fit in.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Connections that are served at once, open WebSockets not among them; further ones wait in the listener's queue.
const MAX_CONNECTIONS: usize = 4_096;
/// Answers under way may take this long after the shutdown began.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);
/// After a failed accept (no file descriptors left, say), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` on `listener` until `shutdown` is done, then lets answers under way end for a few seconds.
///
/// Open WebSockets are not waited for: they belong to their sessions; see [`Sockets::drained`](super::Sockets::drained).
pub async fn serve(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) {
    let (ending, _) = watch::channel(());
    let connections = accept_until(listener, router, shutdown, &ending).await;
    // From here on each connection takes no further request; those that do not end in time are dropped.
    drop(ending);
    let ended = tokio::time::timeout(SHUTDOWN_GRACE, connections.join_all()).await;
    if ended.is_err() {
        tracing::debug!("Connections were still open at the end and have been closed.");
    }
}

async fn accept_until(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
    ending: &watch::Sender<()>,
) -> JoinSet<()> {
    let mut connections = JoinSet::new();
    let service = TowerToHyperService::new(router);
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut shutdown = pin!(shutdown);
    loop {
        let next = async {
            let permit = Arc::clone(&free).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = &mut shutdown => return connections,
            Some(_) = connections.join_next() => continue,
            next = next => next,
        };
        match accepted {
            Ok((stream, remote)) => {
                let serving = connection(
                    stream,
                    RemoteAddress(remote),
                    service.clone(),
                    ending.subscribe(),
                );
                let serving = async move {
                    let _permit = permit;
                    serving.await;
                };
                connections.spawn(serving.instrument(tracing::debug_span!("connection")));
            }
            Err(error) => {
                tracing::warn!(%error, "A connection could not be accepted.");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    remote: RemoteAddress,
    router: TowerToHyperService<Router>,
    mut ending: watch::Receiver<()>,
) {
    // Frames are small and somebody waits for each.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(remote);
        router.call(request)
    });
    let mut serving = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_READ_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let outcome = tokio::select! {
        outcome = &mut serving => outcome,
        _ = ending.changed() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = outcome {
        tracing::trace!(%error, "A connection ended early.");
    }
}
