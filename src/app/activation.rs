//! What a service manager hands over, and what it is told: a listening socket that outlives the process, and when the
//! process is ready or stops. systemd has both (sd_listen_fds(3), sd_notify(3)); without it nothing here does anything.

use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::net::TcpListener;

use crate::cli::Failure;

/// The sockets that the service manager listens on for this process.
pub(super) struct Handed {
    /// The first: the page's.
    pub(super) page: Option<TcpListener>,
    /// The second: the one that redirects http to https.
    pub(super) redirect: Option<TcpListener>,
}

/// What the service manager handed over, if it did.
///
/// # Errors
/// One sentence, when what was handed over is no socket that takes TCP connections.
pub(super) fn listeners() -> Result<Handed, Failure> {
    let unusable = |error| Failure::because("cannot use the socket that was handed over", &error);
    let mut handed = ListenFd::from_env();
    let mut take = |number| {
        let Some(listener) = handed.take_tcp_listener(number).map_err(unusable)? else {
            return Ok(None);
        };
        listener.set_nonblocking(true).map_err(unusable)?;
        TcpListener::from_std(listener).map(Some).map_err(unusable)
    };
    Ok(Handed {
        page: take(0)?,
        redirect: take(1)?,
    })
}

/// Connections are taken from now on.
pub(super) fn is_ready() {
    tell(NotifyState::Ready);
}

/// The process has been told to end.
pub(super) fn is_stopping() {
    tell(NotifyState::Stopping);
}

fn tell(state: NotifyState<'_>) {
    // Without a service manager there is nobody to be told, which is no error.
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager could not be told how the server is");
    }
}
