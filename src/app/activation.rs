//! Talks to a service manager: it hands over listening sockets that outlive the process, and is told when the process
//! is ready or stops. systemd does both (sd_listen_fds(3), sd_notify(3)). Without one, nothing here has an effect.

use std::env;

use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::net::TcpListener;

use crate::cli::Failure;

/// The variable with the names of the sockets (sd_listen_fds(3)), separated by colons.
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

/// The sockets that the service manager handed over, if any.
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

/// The roles of the sockets.
#[derive(Debug, PartialEq, Eq)]
struct Roles {
    page: Option<usize>,
    redirect: Option<usize>,
}

impl Roles {
    /// Assigns roles by names, because systemd passes the sockets of several units in an order of its own. If none is
    /// named `http`, the first is for the page and the second redirects.
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
    // Without a service manager this does nothing, which is no error.
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
