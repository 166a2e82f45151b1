//! The TCP ports: the one of the page, and the one that redirects to it.

use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

use super::activation;
use crate::budgets::http::WAITING;
use crate::cli::Failure;
use crate::config::{ListenConfig, TlsConfig};

/// What is listened on.
pub(super) struct Ports {
    pub(super) page: TcpListener,
    /// None where nothing redirects.
    pub(super) redirect: Option<TcpListener>,
}

impl Ports {
    /// What the service manager handed over; the rest is bound here.
    ///
    /// # Errors
    /// A port that cannot be had and was asked for.
    pub(super) fn open(listen: &ListenConfig, tls: &TlsConfig) -> Result<Self, Failure> {
        let handed = activation::listeners()?;
        let page = match handed.page {
            Some(listener) => listener,
            None => bind(listen.address).map_err(|error| refused(listen.address, &error))?,
        };
        let Some(redirect) = tls.redirect else {
            if handed.redirect.is_some() {
                tracing::warn!(
                    "a socket was handed over to redirect http to https, and nothing does: that needs --domain"
                );
            }
            return Ok(Self {
                page,
                redirect: None,
            });
        };
        if handed.redirect.is_some() {
            return Ok(Self {
                page,
                redirect: handed.redirect,
            });
        }
        let address = SocketAddr::new(listen.address.ip(), redirect.port);
        let redirect = match bind(address) {
            Ok(listener) => Some(listener),
            Err(error) if redirect.is_given => return Err(refused(address, &error)),
            Err(error) => {
                tracing::warn!(
                    port = redirect.port,
                    error = &error as &dyn std::error::Error,
                    "nothing redirects http to https; with --http-port off this is not tried"
                );
                None
            }
        };
        Ok(Self { page, redirect })
    }
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A server that is started anew does not wait for the last packets of the one before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    // The library's own queue is of 128.
    socket.listen(WAITING.size() as u32)
}

fn refused(address: SocketAddr, error: &std::io::Error) -> Failure {
    let what = match error.kind() {
        ErrorKind::PermissionDenied => format!(
            "cannot listen on {address}, as ports below 1024 need root or the capability CAP_NET_BIND_SERVICE"
        ),
        _ => format!("cannot listen on {address}"),
    };
    Failure::because(what, error)
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_crowd_at_the_door_waits_in_the_systems_queue() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        // Nobody is taken in meanwhile. Beyond the queue a first packet is dropped, and repeated after a second.
        let come = |_| TcpStream::connect_timeout(&address, Duration::from_millis(800));
        let crowd: Result<Vec<_>, _> = (0..400).map(come).collect();
        assert!(crowd.is_ok(), "{crowd:?}");
    }
}
