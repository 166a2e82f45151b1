//! The TCP ports: the one of the page, and the one that redirects to it.

use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::activation;
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
    pub(super) async fn open(listen: &ListenConfig, tls: &TlsConfig) -> Result<Self, Failure> {
        let handed = activation::listeners()?;
        let page = match handed.page {
            Some(listener) => listener,
            None => bind(listen.address)
                .await
                .map_err(|error| refused(listen.address, &error))?,
        };
        let Some(redirect) = tls.redirect else {
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
        let redirect = match bind(address).await {
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

async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
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
