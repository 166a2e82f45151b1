//! The media threads, the relay, and the addresses at which clients reach them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;

use super::addresses::{self, MediaAddresses};
use super::ports::MediaPort;
use super::relays;
use crate::cli::Failure;
use crate::config::Config;
use crate::media::{Media, MediaConfig};
use crate::turn::{IceServers, Relay};

/// Everything that carries sound and picture.
pub(super) struct MediaPlane {
    pub(super) media: Media,
    /// None if there is no relay.
    pub(super) relay: Option<Arc<Relay>>,
    /// The relays that clients are told of.
    pub(super) ice_servers: IceServers,
    /// Takes streams of media if the page's port cannot.
    pub(super) listener: Option<TcpListener>,
    pub(super) addresses: MediaAddresses,
}

impl MediaPlane {
    /// Starts the threads. The page listens at `page`.
    ///
    /// # Errors
    /// A media address cannot be found, a port cannot be bound, or the relays' secret cannot be read.
    pub(super) async fn start(config: &Config, page: SocketAddr) -> Result<Self, Failure> {
        let ips = addresses::all(&config.media.addresses).await?;
        let port = MediaPort::open(&config.media, &config.listen, page, &ips)?;
        let (relay, ice_servers) = relays::set_up(config, page, &ips, port.own())?;
        let threads = MediaConfig {
            ips: ips.clone(),
            wildcards: config.media.wildcards.clone(),
            port: config.media.port,
            threads: config.media.threads.get(),
            listeners: port.known,
        };
        let media = Media::start_with(threads, relay.clone())
            .map_err(|error| Failure::because("cannot start media", &error))?;
        Ok(Self {
            media,
            relay,
            ice_servers,
            listener: port.listener,
            addresses: MediaAddresses {
                given: config.media.addresses.clone(),
                listen: (!config.media.wildcards.is_empty()).then(|| config.listen.address.ip()),
                known: ips,
            },
        })
    }

    /// The addresses that clients send media to.
    pub(super) fn public_ips(&self) -> Vec<IpAddr> {
        self.addresses.known.iter().map(|ip| ip.public).collect()
    }
}
