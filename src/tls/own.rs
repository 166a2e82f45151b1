//! A self-signed certificate: for a local network, and until an authority issues one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, SanType,
};
use tokio_rustls::rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use super::show::Shown;
use super::{TlsError, files, private};

/// Its life. Some browsers refuse more than 398 days.
const LIFETIME: Duration = Duration::from_secs(390 * DAY);
/// It is renewed when less than this is left.
const RENEWED_BEFORE: Duration = Duration::from_secs(30 * DAY);
/// Clients' clocks may be behind.
const SINCE: Duration = Duration::from_secs(DAY);
const LOOK_INTERVAL: Duration = Duration::from_secs(3_600);
const DAY: u64 = 24 * 3_600;

/// A certificate and its key, as PEM.
pub(super) struct Made {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Made {
    /// As a handshake needs it.
    pub(super) fn certified(&self) -> Result<CertifiedKey, TlsError> {
        let name = "what was made";
        files::certified(
            (name, self.certificate.as_bytes()),
            (name, self.key.as_bytes()),
        )
    }
}

/// Where it is stored, and its names.
pub(super) struct Own {
    file: PathBuf,
    names: Vec<String>,
}

impl Own {
    pub(super) fn new(folder: PathBuf, names: Vec<String>) -> Self {
        Self {
            file: kept(&folder),
            names,
        }
    }

    /// The stored certificate. A new one is made if there is none, if it expires soon, or if it lacks a name.
    pub(super) fn load_or_make(&self) -> Result<CertifiedKey, TlsError> {
        let failed = |error| TlsError::File(self.file.display().to_string(), error);
        let name = self.file.display().to_string();
        if let Some(kept) = private::read(&self.file).map_err(failed)?
            && let Ok(certified) = files::certified((&name, &kept), (&name, &kept))
            && self.is_good(&certified)
        {
            return Ok(certified);
        }
        let made = make(&self.names)?;
        let text = format!("{}{}", made.key, made.certificate);
        private::write(&self.file, text.as_bytes()).map_err(failed)?;
        tracing::info!(
            names = self.names.join(" "),
            "a certificate was made that signs itself; browsers ask each person whether they trust it"
        );
        made.certified()
    }

    /// Makes it anew before it ends.
    pub(super) async fn keep(&self, shown: &Shown) {
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            if self.is_good(&shown.certificate_key()) {
                continue;
            }
            match self.load_or_make() {
                Ok(certificate) => shown.replace_own(certificate),
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the certificate that ends was not made anew"
                ),
            }
        }
    }

    fn is_good(&self, certified: &CertifiedKey) -> bool {
        let ends = files::end(certified).unwrap_or(SystemTime::UNIX_EPOCH);
        let named = named(certified);
        ends > SystemTime::now() + RENEWED_BEFORE
            && self.names.iter().all(|name| named.contains(name))
    }
}

/// The certificate and the key are in one file, so that they always belong together.
pub(super) fn kept(folder: &Path) -> PathBuf {
    folder.join("self-signed.pem")
}

/// The names of a certificate of this server: its domain, its addresses, and the local names of the machine.
pub(super) fn names(domain: Option<&str>, addresses: &[IpAddr]) -> Vec<String> {
    let mut names: Vec<String> = domain.into_iter().map(str::to_owned).collect();
    let here = [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::from(Ipv6Addr::LOCALHOST),
    ];
    let addresses = addresses.iter().copied().filter(|ip| !ip.is_unspecified());
    for name in ["localhost".to_owned()]
        .into_iter()
        .chain(addresses.chain(here).map(|ip| ip.to_string()))
    {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// A certificate with these names.
pub(super) fn make(names: &[String]) -> Result<Made, TlsError> {
    let now = SystemTime::now();
    make_for(names, now - SINCE, now + LIFETIME)
}

fn make_for(names: &[String], from: SystemTime, to: SystemTime) -> Result<Made, TlsError> {
    let unusable = |error: rcgen::Error| TlsError::Unusable(error.to_string());
    let mut params = CertificateParams::default();
    for name in names {
        params.subject_alt_names.push(match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.as_str().try_into().map_err(unusable)?),
        });
    }
    params.distinguished_name = DistinguishedName::new();
    let common = names.first().map_or("meeting", |name| name.as_str());
    params.distinguished_name.push(DnType::CommonName, common);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = from.into();
    params.not_after = to.into();
    let key = KeyPair::generate().map_err(unusable)?;
    let certificate = params.self_signed(&key).map_err(unusable)?;
    Ok(Made {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}

fn named(certified: &CertifiedKey) -> Vec<String> {
    let first = certified.cert.first();
    let Some((_, certificate)) = first.and_then(|first| parse_x509_certificate(first).ok()) else {
        return Vec::new();
    };
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes)
                .ok()
                .map(|ip| IpAddr::from(ip).to_string()),
            _ => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|ip| IpAddr::from(ip).to_string()),
        },
        _ => None,
    };
    names.value.general_names.iter().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_until_it_ends_or_names_too_little() {
        let data = tempfile::tempdir().unwrap();
        let own = |addresses: &[&str]| {
            let addresses: Vec<IpAddr> = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
            Own::new(data.path().join("tls"), names(Some("meet.lan"), &addresses))
        };
        let cert = |own: &Own| own.load_or_make().unwrap().cert[0].clone();
        let first = cert(&own(&["192.0.2.7"]));
        assert_eq!(cert(&own(&["192.0.2.7"])), first, "it was made once");
        let second = cert(&own(&["192.0.2.7", "2001:db8::7"]));
        assert_ne!(second, first, "an address was missing");
        assert_eq!(cert(&own(&["192.0.2.7"])), second, "more names do no harm");
        let soon = SystemTime::now() + RENEWED_BEFORE - Duration::from_secs(60);
        let ending = make_for(&own(&[]).names, SystemTime::now() - SINCE, soon).unwrap();
        std::fs::write(&own(&[]).file, ending.key + &ending.certificate).unwrap();
        assert!(files::end(&own(&[]).load_or_make().unwrap()).unwrap() > soon + RENEWED_BEFORE);
    }

    #[test]
    fn a_spoilt_file_is_made_anew() {
        let data = tempfile::tempdir().unwrap();
        let own = Own::new(data.path().join("tls"), names(None, &[]));
        own.load_or_make().unwrap();
        std::fs::write(&own.file, "no PEM").unwrap();
        let made = own.load_or_make().unwrap();
        assert_eq!(named(&made), ["localhost", "127.0.0.1", "::1"]);
        assert!(files::is_self_signed(&made));
    }
}
