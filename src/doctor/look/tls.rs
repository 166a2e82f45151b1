//! The certificate on the disk, the one that the running server shows, and the port that redirects http to https.

use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime};

use super::machine;
use super::web::own_name;
use super::wire::{self, Place};
use crate::config::{self, Config};
use crate::doctor::seen::{Certificate, Leads, Pair, Port, Redirect, Source, Stored, Tls};
use crate::tls::{TlsError, stored};

/// Automatic renewal happens before this, or before the last quarter of a short life.
const LATE: Duration = Duration::from_secs(14 * DAY);
const DAY: u64 = 86_400;

/// Observations without a server. None if TLS is not configured.
pub(super) fn on_disk(config: &Config) -> Option<Tls> {
    let place = stored::Place::of(&config.tls, &config.storage.data_dir)?;
    let mode = |path| Some(fs::metadata(path).ok()?.permissions().mode() & 0o7777);
    let stored = match place.read() {
        Ok(None) => Stored::Missing,
        Ok(Some(stored)) => Stored::Pair(pair(config, &stored, SystemTime::now())),
        Err(TlsError::File(name, error)) if error.kind() == ErrorKind::PermissionDenied => {
            Stored::Forbidden(format!("{name}: {error}"))
        }
        Err(error) => Stored::Unusable(error.to_string()),
    };
    Some(Tls {
        source: match config.tls.certificate {
            Some(config::Certificate::Acme(_)) => Source::Authority,
            Some(config::Certificate::Files { .. }) => Source::Files,
            Some(config::Certificate::SelfSigned) | None => Source::Own,
        },
        key_mode: mode(&place.key),
        key: place.key.display().to_string(),
        stored,
        is_shown: None,
        redirect: config.tls.redirect.map(|redirect| Redirect {
            port: redirect.port,
            how: port(SocketAddr::new(config.listen.address.ip(), redirect.port)),
            leads: Leads::Nowhere,
        }),
    })
}

fn pair(config: &Config, stored: &stored::Stored, now: SystemTime) -> Pair {
    let since = |later: SystemTime, earlier: SystemTime| {
        let seconds = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
        match later.duration_since(earlier) {
            Ok(after) => seconds(after),
            Err(before) => -seconds(before.duration()),
        }
    };
    let lifetime = stored.until.duration_since(stored.from);
    let late = LATE.min(lifetime.unwrap_or_default() / 4);
    let has_name = config.tls.domain.is_some() || config.listen.public_url.is_some();
    let name = Some(own_name(config)).filter(|_| has_name);
    Pair {
        days_left: since(stored.until, now).div_euclid(DAY.cast_signed()),
        is_early: now < stored.from,
        is_late: now + late > stored.until,
        lacks: name.filter(|name| !stored.is_for(name)),
        is_self_signed: stored.is_self_signed,
    }
}

fn port(address: SocketAddr) -> Port {
    match address.port() {
        0 => Port::Any,
        _ => machine::how(TcpListener::bind(address).map(drop)),
    }
}

/// The certificate of the running server, and the target of its port for http.
pub(super) async fn running(tls: &mut Tls, config: &Config, shown: Option<Certificate>) {
    let place = stored::Place::of(&config.tls, &config.storage.data_dir);
    let stored = place.and_then(|place| place.read().ok().flatten());
    if let (Some(stored), Some(shown)) = (stored, shown) {
        tls.is_shown = Some(stored.bytes() == shown.bytes);
    }
    if let Some(redirect) = &mut tls.redirect {
        redirect.leads = leads(config, redirect.port).await;
    }
}

async fn leads(config: &Config, port: u16) -> Leads {
    let loopback: IpAddr = match config.listen.address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let place = Place {
        authority: SocketAddr::new(loopback, port).to_string(),
        tls: None,
    };
    let Ok((answered, _)) = wire::get(&place, &own_name(config), "/").await else {
        return Leads::Nowhere;
    };
    let own = config.listen.public_url.as_ref();
    let own = own.map(|url| format!("{}/", url.origin));
    match (answered.location, own) {
        (Some(location), Some(own)) if location.starts_with(&own) => Leads::Here,
        _ => Leads::Elsewhere(answered.status),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::config;
    use super::*;
    use crate::config::Key;

    #[test]
    fn a_certificate_is_looked_for_where_the_server_has_it() {
        let data = tempfile::tempdir().unwrap();
        let folder = (Key::DataDir, data.path().to_str().unwrap());
        assert!(on_disk(&config(&[folder])).is_none(), "no TLS");
        let domain = (Key::Domain, "meet.example.org");
        let of_authority = on_disk(&config(&[folder, domain])).unwrap();
        assert_eq!(
            (of_authority.source, &of_authority.stored),
            (Source::Authority, &Stored::Missing)
        );
        assert!(of_authority.key.contains("/tls/acme-certificate-"));
        assert_eq!(of_authority.redirect.unwrap().port, 80);
        let own = config(&[folder, (Key::TlsSelfSigned, "on")]);
        assert_eq!(on_disk(&own).unwrap().stored, Stored::Missing);
        let tls = crate::tls::Tls::start(&own.tls, data.path(), &[]).unwrap();
        assert!(tls.is_some());
        let made = on_disk(&own).unwrap();
        assert_eq!((made.source, made.key_mode), (Source::Own, Some(0o600)));
        let Stored::Pair(pair) = made.stored else {
            panic!("{:?}", made.stored);
        };
        assert!(pair.is_self_signed && !pair.is_early && !pair.is_late && pair.days_left > 300);
        assert_eq!(pair.lacks, None, "it has no name that it must have");
        let named = config(&[folder, (Key::TlsSelfSigned, "on"), domain]);
        let Stored::Pair(pair) = on_disk(&named).unwrap().stored else {
            panic!("it is there");
        };
        assert_eq!(pair.lacks.as_deref(), Some("meet.example.org"));
    }
}
