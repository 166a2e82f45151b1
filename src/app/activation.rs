//! What a service manager hands over, and what it is told: listening sockets that outlive the process, and when the
//! process is ready or stops. systemd has both (sd_listen_fds(3), sd_notify(3)); without it nothing here does anything.

use std::env;

use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::net::TcpListener;

use crate::cli::Failure;

/// Where the names of the sockets stand (sd_listen_fds(3)), with a colon between two.
const NAMES: &str = "LISTEN_FDNAMES";
/// The name of the socket that redirects http to https (`FileDescriptorName=` of its unit).
const REDIRECT: &str = "http";

/// The sockets that the service manager listens on for this process.
pub(super) struct Handed {
    /// The page's.
    pub(super) page: Option<TcpListener>,
    /// The one that redirects http to https.
    pub(super) redirect: Option<TcpListener>,
}

/// What the service manager handed over, if it did.
///
/// # Errors
/// One sentence, when what was handed over is no socket that takes TCP connections.
pub(super) fn listeners() -> Result<Handed, Failure> {
    let unusable = |error| Failure::because("cannot use the socket that was handed over", &error);
    let names = env::var(NAMES).unwrap_or_default();
    let mut handed = ListenFd::from_env();
    let Roles { page, redirect } = Roles::of(handed.len(), &names);
    let known = usize::from(page.is_some()) + usize::from(redirect.is_some());
    if handed.len() > known {
        tracing::warn!(
            count = handed.len() - known,
            "more sockets were handed over than the server listens on"
        );
    }
    let mut take = |number: Option<usize>| {
        let Some(number) = number else {
            return Ok(None);
        };
        let Some(listener) = handed.take_tcp_listener(number).map_err(unusable)? else {
            return Ok(None);
        };
        listener.set_nonblocking(true).map_err(unusable)?;
        TcpListener::from_std(listener).map(Some).map_err(unusable)
    };
    Ok(Handed {
        page: take(page)?,
        redirect: take(redirect)?,
    })
}

/// Which of the sockets is which.
#[derive(Debug, PartialEq, Eq)]
struct Roles {
    page: Option<usize>,
    redirect: Option<usize>,
}

impl Roles {
    /// By their names, as systemd hands the sockets of several units over in an order of its own. Where none is named
    /// `http`, the first is the page's and the second redirects.
    fn of(count: usize, names: &str) -> Self {
        let named = names.split(':').take(count);
        let named = named.enumerate().find(|(_, name)| *name == REDIRECT);
        let named = named.map(|(number, _)| number);
        let mut others = (0..count).filter(|number| Some(*number) != named);
        let page = others.next();
        Self {
            page,
            redirect: named.or_else(|| others.next()),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_told_by_their_names_and_without_by_their_order() {
        let table = [
            (0, "", None, None),
            (1, "", Some(0), None),
            (1, "meeting.socket", Some(0), None),
            (1, "http", None, Some(0)),
            (2, "", Some(0), Some(1)),
            (2, "meeting.socket:meeting.socket", Some(0), Some(1)),
            (2, "https:http", Some(0), Some(1)),
            (2, "http:https", Some(1), Some(0)),
            (3, "https:other:http", Some(0), Some(2)),
            // Names of sockets that are not there.
            (1, "https:http", Some(0), None),
        ];
        for (count, names, page, redirect) in table {
            let told = Roles::of(count, names);
            assert_eq!(told, Roles { page, redirect }, "{count} {names}");
        }
    }
}
