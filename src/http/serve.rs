//! Connections: accepting, serving and ending them.

use std::pin::pin;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::header::{CONNECTION, STRICT_TRANSPORT_SECURITY};
use axum::http::{HeaderValue, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{HttpService, Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::connections::{Connections, Held, Place};
use super::door::{Door, Manner, Version};
use super::heads::Ambiguous;
use super::in_the_clear::InTheClear;
use super::other::BoxedStream;
use super::peer::RemoteAddress;
use super::stream::Guarded;
use super::two;
use crate::budgets::http as budgets;
use crate::network::Network;

/// The head of a request must be complete within this time. An idle connection is kept for as long.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// After the shutdown began, answers under way may take this long.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);
/// After a failed accept (no file descriptors left, say), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Failures to accept come in crowds, so they are logged only this often.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Browsers use only https for a year (RFC 6797 §6.1).
const HTTPS_ALONE: HeaderValue = HeaderValue::from_static("max-age=31536000");

type Io = TokioIo<Guarded<BoxedStream>>;

/// Serves `router` on `listener`, behind `door`, until `shutdown` is done. Then answers under way get a few seconds to
/// end.
///
/// Open WebSockets are not waited for: they belong to their sessions; see [`Sockets::drained`](super::Sockets::drained).
pub async fn serve(
    listener: TcpListener,
    door: Door,
    router: Router,
    connections: Connections,
    shutdown: impl Future<Output = ()>,
) {
    // Accepted connections inherit it (tcp(7)).
    if let Err(error) = SockRef::from(&listener).set_send_buffer_size(budgets::UNREAD_BYTES.size())
    {
        tracing::warn!(%error, "Clients that do not read may make the system keep more for them.");
    }
    let (ending, _) = watch::channel(());
    let (stopping, stopped) = watch::channel(());
    // This is a task of its own, so that it takes turns with the other tasks.
    let accepting = accept_until(listener, door, router, connections, stopped, ending.clone());
    let mut accepting = tokio::spawn(accepting.in_current_span());
    let accepted = tokio::select! {
        () = shutdown => {
            drop(stopping);
            accepting.await
        }
        accepted = &mut accepting => accepted,
    };
    let mut open = match accepted {
        Ok(open) => open,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => return,
        },
    };
    // From here on no connection takes a further request. Those that do not end in time are dropped.
    drop(ending);
    // One that failed has ended as well.
    let all = async { while open.join_next().await.is_some() {} };
    let ended = tokio::time::timeout(SHUTDOWN_GRACE, all).await;
    if ended.is_err() {
        tracing::debug!("Connections were still open at the end and have been closed.");
    }
}

async fn accept_until(
    listener: TcpListener,
    door: Door,
    router: Router,
    connections: Connections,
    mut stopped: watch::Receiver<()>,
    ending: watch::Sender<()>,
) -> JoinSet<()> {
    let mut open = JoinSet::new();
    let service = TowerToHyperService::new(router);
    let mut told: Option<Instant> = None;
    loop {
        let accepted = tokio::select! {
            _ = stopped.changed() => return open,
            Some(_) = open.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, remote)) => {
                // Without a place it is closed at once, before it costs anything.
                let Some(held) = connections.take(Network::of(remote.ip())) else {
                    tracing::trace!("A connection was refused, as all places are in use.");
                    continue;
                };
                let serving = connection(
                    stream,
                    RemoteAddress(remote),
                    held,
                    door.clone(),
                    service.clone(),
                    ending.subscribe(),
                );
                open.spawn(serving.instrument(tracing::debug_span!("connection")));
                // A crowd of new connections takes turns with other tasks. Otherwise all of it would be served first.
                tokio::task::yield_now().await;
            }
            Err(error) => {
                if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
                    told = Some(Instant::now());
                    tracing::warn!(%error, "A connection could not be accepted.");
                }
                // There may be no file descriptors left. An idle connection is ended to free one for a waiting client.
                connections.make_room();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    remote: RemoteAddress,
    held: Held,
    door: Door,
    router: TowerToHyperService<Router>,
    mut ending: watch::Receiver<()>,
) {
    // Frames are small and somebody waits for each.
    let _ = stream.set_nodelay(true);
    let place = held.place.clone();
    let opened = tokio::select! {
        opened = door.open(stream, remote.0, &held) => opened,
        () = place.ended() => return,
        _ = ending.changed() => return,
    };
    let visitor = match opened {
        Ok(Some(visitor)) => visitor,
        Ok(None) => return,
        Err(error) => {
            tracing::trace!(%error, "A connection went no further than the door.");
            return;
        }
    };
    let manner = visitor.manner;
    let io = TokioIo::new(Guarded::new(visitor.stream, place.clone(), manner.version));
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        answer(request, &router, remote, &held, manner)
    });
    let outcome = match manner.version {
        Version::One => speak_one(io, service, &place, ending).await,
        Version::Two => speak_two(io, service, &place, ending).await,
    };
    if let Err(error) = outcome {
        tracing::trace!(%error, "A connection ended early.");
    }
}

/// Answers one request of any HTTP version.
fn answer(
    mut request: hyper::Request<hyper::body::Incoming>,
    router: &TowerToHyperService<Router>,
    remote: RemoteAddress,
    held: &Held,
    manner: Manner,
) -> impl Future<Output = Result<Response<Body>, std::convert::Infallible>> + use<> {
    let place = held.place.clone();
    place.ask();
    let judged = match manner.version {
        Version::One => place.judge(),
        Version::Two => Ok(()),
    };
    let answering = judged.map(|()| {
        request.extensions_mut().insert(remote);
        request.extensions_mut().insert(held.clone());
        if let Some(secured) = manner.secured {
            request.extensions_mut().insert(secured);
        }
        if manner.is_exposed {
            request.extensions_mut().insert(InTheClear);
        }
        router.call(request)
    });
    async move {
        let mut response = match answering {
            Ok(answering) => answering.await?,
            Err(why) => refused(why),
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            place.upgraded();
        }
        if manner.secured.is_some_and(|secured| secured.is_trusted) {
            response
                .headers_mut()
                .insert(STRICT_TRANSPORT_SECURITY, HTTPS_ALONE);
        }
        Ok(response)
    }
}

async fn speak_one<S>(
    io: Io,
    service: S,
    place: &Place,
    mut ending: watch::Receiver<()>,
) -> hyper::Result<()>
where
    S: HttpService<Incoming, ResBody = Body, Error = std::convert::Infallible>,
{
    let mut serving = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_READ_TIMEOUT)
            .max_buf_size(budgets::HEAD_BYTES.size())
            .serve_connection(io, service)
            .with_upgrades()
    );
    tokio::select! {
        outcome = &mut serving => outcome,
        () = place.ended() => Ok(()),
        _ = ending.changed() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    }
}

async fn speak_two<S>(
    io: Io,
    service: S,
    place: &Place,
    mut ending: watch::Receiver<()>,
) -> hyper::Result<()>
where
    S: HttpService<Incoming, ResBody = Body, Error = std::convert::Infallible>,
    S::Future: Send + 'static,
{
    let mut serving = pin!(two::builder().serve_connection(io, service));
    tokio::select! {
        outcome = &mut serving => return outcome,
        () = place.ended() => return Ok(()),
        () = two::is_over(place) => {}
        _ = ending.changed() => {}
    }
    serving.as_mut().graceful_shutdown();
    tokio::select! {
        outcome = &mut serving => outcome,
        () = place.ended() => Ok(()),
        () = tokio::time::sleep(two::LAST_ANSWERS) => Ok(()),
    }
}

/// The end of an ambiguous request is unknown, so its connection is over (RFC 9112 §6.3).
fn refused(why: Ambiguous) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{why}\n")));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
