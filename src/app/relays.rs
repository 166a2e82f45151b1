//! The relays that clients are told of: that of the server, and the others of the operator.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use crate::cli::Failure;
use crate::config::{Config, IceUrl, OwnRelay, RelayConfig};
use crate::media::MediaIp;
use crate::secret_file;
use crate::turn::{External, IceServers, Relay, Tcp, Tls, Ways};

/// The own relay, if enabled, and all relays for clients. `media_port` is the separate TCP port for media, if there is
/// one.
///
/// # Errors
/// The secret of the others cannot be read.
pub(super) fn set_up(
    config: &Config,
    address: SocketAddr,
    media: &[MediaIp],
    media_port: Option<u16>,
) -> Result<(Option<Arc<Relay>>, IceServers), Failure> {
    let relay = match config.relay.own {
        OwnRelay::On => Some(Arc::new(Relay::new())),
        OwnRelay::Off => None,
    };
    let own = relay
        .clone()
        .map(|relay| (relay, ways(config, address, media, media_port)));
    Ok((relay, IceServers::new(own, external(&config.relay)?)))
}

/// How the relay is reached by streams. Usually this is the port of the page. Proxies forward only HTTP, so behind one
/// it is the port of media.
fn ways(config: &Config, address: SocketAddr, media: &[MediaIp], media_port: Option<u16>) -> Ways {
    let listen = &config.listen;
    let has_tls = config.tls.certificate.is_some();
    let origin = listen.public_url.as_ref().map(|url| &url.origin);
    let is_secured_by_another = !has_tls && origin.is_some_and(|origin| origin.is_secure());
    if is_secured_by_another || !listen.trusted_proxies.is_empty() {
        return Ways {
            tcp: media_port.map_or(Tcp::Closed, Tcp::Everywhere),
            tls: None,
        };
    }
    let port = origin.map_or(address.port(), |origin| origin.port());
    // A NAT that is known leads another address to the page's.
    let listened = address.ip().to_canonical();
    let outer = media.iter().find(|ip| ip.private == Some(listened));
    let ip = outer.map_or(address.ip(), |outer| outer.public);
    let tcp = match ip.is_unspecified() {
        true => Tcp::Everywhere(port),
        false => Tcp::At(SocketAddr::new(ip, port)),
    };
    let own_ip = if ip.is_unspecified() {
        media.first().map_or(ip, |first| first.public)
    } else {
        ip
    };
    let own_host = match own_ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    let host = origin.map_or(own_host, |origin| origin.host().to_owned());
    Ways {
        tcp,
        tls: has_tls.then_some(Tls { host, port }),
    }
}

fn external(config: &RelayConfig) -> Result<External, Failure> {
    let secret = config.secret_file.as_deref().map(read_secret).transpose()?;
    let others = config.others.iter();
    let (guarded, open): (Vec<&IceUrl>, Vec<&IceUrl>) = others.partition(|url| url.is_guarded());
    let text = |url: &IceUrl| url.as_str().to_owned();
    Ok(External {
        open: open.into_iter().map(text).collect(),
        guarded: guarded.into_iter().map(text).collect(),
        secret: secret.unwrap_or_default(),
    })
}

fn read_secret(file: &Path) -> Result<String, Failure> {
    let what = format!("cannot read the relays' secret in {}", file.display());
    let text =
        secret_file::read_text(file).map_err(|error| Failure::because(what.clone(), &error))?;
    let secret = text.trim();
    if secret.is_empty() {
        return Err(Failure::new(format!("{what}: the file is empty")));
    }
    Ok(secret.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Given, Key};

    fn ways_of(given: &[(Key, &str)], address: &str) -> Ways {
        ways_with(given, address, None)
    }

    fn ways_with(given: &[(Key, &str)], address: &str, media_port: Option<u16>) -> Ways {
        let given = given
            .iter()
            .map(|(key, value)| (*key, vec![(*value).to_owned()]));
        let config = Config::load(given.collect::<Given>(), |_| None).unwrap();
        let media = MediaIp {
            public: "192.0.2.1".parse().unwrap(),
            private: Some("10.0.0.5".parse().unwrap()),
        };
        ways(&config, address.parse().unwrap(), &[media], media_port)
    }

    fn tls(host: &str, port: u16) -> Option<Tls> {
        let host = host.to_owned();
        Some(Tls { host, port })
    }

    #[test]
    fn the_relay_is_reached_where_the_page_is() {
        let local = ways_of(&[], "127.0.0.1:8080");
        let at = Tcp::At("127.0.0.1:8080".parse().unwrap());
        assert_eq!((local.tcp, local.tls), (at, None));
        let domain = ways_of(&[(Key::Domain, "meet.example.org")], "[::]:443");
        assert_eq!(
            (domain.tcp, domain.tls),
            (Tcp::Everywhere(443), tls("meet.example.org", 443))
        );
        let own = ways_of(&[(Key::TlsSelfSigned, "on")], "0.0.0.0:8443");
        assert_eq!(
            (own.tcp, own.tls),
            (Tcp::Everywhere(8443), tls("192.0.2.1", 8443))
        );
        let behind = ways_of(&[(Key::TlsSelfSigned, "on")], "10.0.0.5:8443");
        let at = Tcp::At("192.0.2.1:8443".parse().unwrap());
        assert_eq!((behind.tcp, behind.tls), (at, tls("192.0.2.1", 8443)));
        let mapped = ways_of(
            &[(Key::PublicUrl, "http://meet.example.org")],
            "0.0.0.0:8080",
        );
        assert_eq!((mapped.tcp, mapped.tls), (Tcp::Everywhere(80), None));
    }

    #[test]
    fn behind_a_proxy_it_is_reached_where_media_is() {
        for given in [
            &[(Key::PublicUrl, "https://meet.example.org")][..],
            &[(Key::TrustedProxy, "127.0.0.1")],
            &[(Key::TlsSelfSigned, "on"), (Key::TrustedProxy, "10.0.0.1")],
        ] {
            assert_eq!(ways_of(given, "127.0.0.1:8080"), Ways::default());
            let own = ways_with(given, "127.0.0.1:8080", Some(20_000));
            assert_eq!((own.tcp, own.tls), (Tcp::Everywhere(20_000), None));
        }
    }

    #[test]
    fn the_secret_of_others_is_a_line_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let empty = read_secret(file.path()).err().unwrap().to_string();
        assert!(empty.ends_with("the file is empty"), "{empty}");
        std::fs::write(file.path(), " north\n").unwrap();
        assert_eq!(read_secret(file.path()).ok().as_deref(), Some("north"));
        assert!(read_secret(Path::new("/nowhere/secret")).is_err());
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        std::fs::set_permissions(file.path(), open).unwrap();
        let refused = read_secret(file.path()).err().unwrap().to_string();
        assert!(refused.contains("run `chmod 600 "), "{refused}");
    }
}
