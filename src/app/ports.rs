//! The TCP ports: that of the page, the one that redirects to it, and one for media if it cannot share the page's.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

use super::activation;
use crate::budgets::http::WAITING;
use crate::cli::Failure;
use crate::config::{ListenConfig, MediaConfig, MediaTcp, PublicUrl, TlsConfig};
use crate::media::MediaIp;

/// What is listened on.
pub(super) struct Ports {
    pub(super) page: TcpListener,
    /// None where nothing redirects.
    pub(super) redirect: Option<TcpListener>,
}

impl Ports {
    /// Takes the sockets of the service manager, and binds the other ports here.
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

    /// Where the page and the redirection listen.
    ///
    /// # Errors
    /// The system does not say.
    pub(super) fn addresses(&self) -> Result<(SocketAddr, Option<SocketAddr>), Failure> {
        let address = |listener: &TcpListener| {
            let address = listener.local_addr();
            address.map_err(|error| Failure::because("cannot listen", &error))
        };
        let redirect = self.redirect.as_ref().map(address).transpose()?;
        Ok((address(&self.page)?, redirect))
    }
}

/// The TCP port for media.
#[derive(Debug, Default)]
pub(super) struct MediaPort {
    /// The addresses for clients.
    pub(super) known: Vec<SocketAddr>,
    /// The listener, if it is a separate port.
    pub(super) listener: Option<TcpListener>,
}

/// Where media is accepted by TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The page's.
    Shared,
    Own(u16),
    Nowhere,
}

impl MediaPort {
    /// The port number, if it is a separate port.
    pub(super) fn own(&self) -> Option<u16> {
        let own = self.listener.as_ref().and(self.known.first());
        own.map(SocketAddr::port)
    }

    /// Shares the port of the page if browsers reach that directly, or opens a separate one.
    ///
    /// # Errors
    /// A port that cannot be had and was asked for.
    pub(super) fn open(
        media: &MediaConfig,
        listen: &ListenConfig,
        page: SocketAddr,
        ips: &[MediaIp],
    ) -> Result<Self, Failure> {
        let shares = is_direct(listen, page) && ips.iter().any(|ip| ip.leads_to(page.ip()));
        let port = match place(media, page.port(), shares) {
            Place::Own(port) => port,
            Place::Shared => {
                return Ok(Self {
                    known: vec![page],
                    listener: None,
                });
            }
            Place::Nowhere => return Ok(Self::default()),
        };
        let all = media.wildcards.last().copied();
        let address = SocketAddr::new(all.unwrap_or_else(|| bound_to(ips)), port);
        match bind(address) {
            Ok(listener) => Ok(Self {
                known: vec![address],
                listener: Some(listener),
            }),
            Err(error) if media.tcp != MediaTcp::WhereItCan => Err(refused(address, &error)),
            Err(error) => {
                tracing::warn!(
                    port,
                    error = &error as &dyn std::error::Error,
                    "media comes by UDP alone; with --media-tcp-port off TCP is not tried"
                );
                Ok(Self::default())
            }
        }
    }
}

/// Whether browsers reach the port of the page directly, and not through a proxy.
fn is_direct(listen: &ListenConfig, page: SocketAddr) -> bool {
    let is_own = |url: &PublicUrl| url.origin.port() == page.port();
    listen.trusted_proxies.is_empty() && listen.public_url.as_ref().is_none_or(is_own)
}

/// Where media is accepted, if the port of the page can be shared, or cannot.
fn place(media: &MediaConfig, page: u16, can_share: bool) -> Place {
    match media.tcp {
        MediaTcp::Off => Place::Nowhere,
        MediaTcp::Port(port) if port.get() == page && can_share => Place::Shared,
        MediaTcp::Port(port) => Place::Own(port.get()),
        MediaTcp::WhereItCan if can_share => Place::Shared,
        MediaTcp::WhereItCan if media.port == 0 => Place::Nowhere,
        MediaTcp::WhereItCan => Place::Own(media.port),
    }
}

/// The media addresses may be those of a NAT, so all addresses of the machine are bound, unless it is said which one the
/// NAT leads to.
fn bound_to(ips: &[MediaIp]) -> IpAddr {
    let is_ours = |ip: &MediaIp| ip.private.is_some() || ip.public.is_loopback();
    let ours = ips.iter().copied().find(is_ours).map(MediaIp::here);
    match ours {
        Some(ours) if ips.iter().all(|ip| ip.here() == ours) => ours,
        _ if ips.iter().any(|ip| ip.public.is_ipv6()) => Ipv6Addr::UNSPECIFIED.into(),
        _ => Ipv4Addr::UNSPECIFIED.into(),
    }
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restarted server does not wait for the last packets of the old one.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    // The default queue of the library has 128 places.
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
    use crate::config::{Config, Given, Key};

    fn config(settings: &[(Key, &str)]) -> Config {
        let given = settings
            .iter()
            .map(|(key, value)| (*key, vec![(*value).to_owned()]));
        Config::load(Given::from_iter(given), |_| None).unwrap()
    }

    fn opened(settings: &[(Key, &str)], ip: &str) -> Result<MediaPort, String> {
        let config = config(settings);
        let page = config.listen.address;
        let ips = [ip.parse::<IpAddr>().unwrap().into()];
        let opened = MediaPort::open(&config.media, &config.listen, page, &ips);
        opened.map_err(|failure| failure.to_string())
    }

    #[test]
    fn media_shares_the_pages_port_where_that_can_be_and_has_its_own_elsewhere() {
        // What is given, whether the page's port can be shared, and where media comes in.
        let table = [
            (None, true, Place::Shared),
            (None, false, Place::Own(20_000)),
            (Some("off"), true, Place::Nowhere),
            (Some("444"), true, Place::Own(444)),
            (Some("443"), true, Place::Shared),
            (Some("443"), false, Place::Own(443)),
        ];
        for (given, can_share, expected) in table {
            let mut settings = vec![(Key::MediaPort, "20000")];
            settings.extend(given.map(|given| (Key::MediaTcpPort, given)));
            let found = place(&config(&settings).media, 443, can_share);
            assert_eq!(found, expected, "{given:?} {can_share}");
        }
        let any = config(&[(Key::MediaPort, "0")]);
        assert_eq!(place(&any.media, 443, false), Place::Nowhere);
    }

    #[test]
    fn behind_a_proxy_browsers_do_not_come_to_the_pages_port() {
        let page = "0.0.0.0:8080".parse().unwrap();
        let table: &[(&[(Key, &str)], bool)] = &[
            (&[], true),
            (&[(Key::PublicUrl, "http://meet.example.org:8080")], true),
            (&[(Key::PublicUrl, "https://meet.example.org")], false),
            (&[(Key::TrustedProxy, "10.0.0.1")], false),
        ];
        for (settings, expected) in table {
            let found = is_direct(&config(settings).listen, page);
            assert_eq!(found, *expected, "{settings:?}");
        }
    }

    #[test]
    fn a_port_of_its_own_is_bound_to_all_addresses_unless_one_is_known_to_be_the_right_one() {
        let at = |public: &str| MediaIp::from(public.parse::<IpAddr>().unwrap());
        let behind = |public: &str, private: &str| MediaIp {
            private: Some(private.parse().unwrap()),
            ..at(public)
        };
        let table = [
            (vec![at("203.0.113.7")], "0.0.0.0"),
            (vec![at("203.0.113.7"), at("2001:db8::7")], "::"),
            (vec![at("127.0.0.1")], "127.0.0.1"),
            (vec![at("127.0.0.1"), at("192.0.2.9")], "0.0.0.0"),
            (vec![behind("203.0.113.7", "10.0.0.5")], "10.0.0.5"),
            (
                vec![behind("203.0.113.7", "10.0.0.5"), at("10.0.0.5")],
                "10.0.0.5",
            ),
            (
                vec![behind("203.0.113.7", "10.0.0.5"), at("10.0.0.6")],
                "0.0.0.0",
            ),
            (
                vec![
                    behind("203.0.113.7", "10.0.0.5"),
                    behind("2001:db8::7", "fd00::5"),
                ],
                "::",
            ),
        ];
        for (ips, expected) in table {
            assert_eq!(bound_to(&ips).to_string(), expected, "{ips:?}");
        }
    }

    #[tokio::test]
    async fn a_port_that_was_asked_for_is_had_or_refused_and_one_that_was_not_is_done_without() {
        let taken = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        let port = address.port().to_string();
        let given = (Key::MediaIp, "192.0.2.1");
        let asked_for = [(Key::MediaTcpPort, port.as_str()), given];
        let refusal = opened(&asked_for, "192.0.2.1").unwrap_err();
        assert!(refusal.contains(&port), "{refusal}");
        let not_asked_for = [(Key::MediaPort, port.as_str()), given];
        let without = opened(&not_asked_for, "192.0.2.1").unwrap();
        assert!(without.known.is_empty() && without.own().is_none());
        drop(taken);
        for settings in [asked_for, not_asked_for] {
            let had = opened(&settings, "192.0.2.1").unwrap();
            assert_eq!(had.known, [address]);
            assert_eq!(had.own(), Some(address.port()));
            assert_eq!(had.listener.unwrap().local_addr().unwrap(), address);
        }
    }

    #[tokio::test]
    async fn what_is_reached_at_the_pages_port_opens_no_other() {
        let settings = [(Key::Listen, "0.0.0.0:8080"), (Key::MediaPort, "20000")];
        let shared = opened(&settings, "192.0.2.1").unwrap();
        assert_eq!(shared.known, [SocketAddr::from(([0, 0, 0, 0], 8080))]);
        assert!(shared.own().is_none());
    }

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
