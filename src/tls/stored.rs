//! The stored certificate, for code that only looks at it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::server::ParsedCertificate;
use x509_parser::parse_x509_certificate;
use x509_parser::time::ASN1Time;

use super::{TlsError, acme, files, own};
use crate::config::{Certificate, TlsConfig};

/// The files of a certificate and its key. Self-signed ones are in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl Place {
    /// The files that `config` names. None without TLS.
    pub fn of(config: &TlsConfig, data: &Path) -> Option<Self> {
        let folder = super::folder(data);
        let both = |path: PathBuf| Self {
            certificate: path.clone(),
            key: path,
        };
        Some(match config.certificate.as_ref()? {
            Certificate::Acme(acme) => both(acme::kept(&folder, acme)),
            Certificate::Files { certificate, key } => Self {
                certificate: certificate.clone(),
                key: key.clone(),
            },
            Certificate::SelfSigned => both(own::kept(&folder)),
        })
    }

    /// Reads both and checks that they belong together. None if they do not exist.
    ///
    /// # Errors
    /// What cannot be read or used.
    pub fn read(&self) -> Result<Option<Stored>, TlsError> {
        let read = |path: &Path| {
            // Who else may read the key is for the caller to judge.
            match std::fs::read(path) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                read => read
                    .map(Some)
                    .map_err(|error| TlsError::File(path.display().to_string(), error)),
            }
        };
        let (Some(certificate), Some(key)) = (read(&self.certificate)?, read(&self.key)?) else {
            return Ok(None);
        };
        let name = |path: &Path| path.display().to_string();
        let certified = files::certified(
            (&name(&self.certificate), &certificate),
            (&name(&self.key), &key),
        )?;
        let is_self_signed = files::is_self_signed(&certified);
        let first = certified.cert.into_iter().next();
        let parsed = first.as_ref().and_then(|first| {
            let (_, parsed) = parse_x509_certificate(first).ok()?;
            let validity = parsed.validity();
            Some((time(validity.not_before)?, time(validity.not_after)?))
        });
        let (Some(certificate), Some((from, until))) = (first, parsed) else {
            let why = "no certificate that can be read";
            return Err(TlsError::Content(name(&self.certificate), why));
        };
        Ok(Some(Stored {
            certificate,
            from,
            until,
            is_self_signed,
        }))
    }
}

/// A stored certificate with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    certificate: CertificateDer<'static>,
    /// It does not hold before.
    pub from: SystemTime,
    /// It does not hold after.
    pub until: SystemTime,
    /// Whether it names itself as its own authority.
    pub is_self_signed: bool,
}

impl Stored {
    /// The certificate as handshakes carry it.
    pub fn bytes(&self) -> &[u8] {
        &self.certificate
    }

    /// Whether it is valid for this name or address, as browsers check it (RFC 6125).
    pub fn is_for(&self, name: &str) -> bool {
        let (Ok(name), Ok(parsed)) = (
            ServerName::try_from(name),
            ParsedCertificate::try_from(&self.certificate),
        ) else {
            return false;
        };
        verify_server_name(&parsed, &name).is_ok()
    }
}

fn time(time: ASN1Time) -> Option<SystemTime> {
    let seconds = u64::try_from(time.timestamp()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_with_its_names_and_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let place = Place {
            certificate: path("certificate"),
            key: path("key"),
        };
        assert_eq!(place.read().unwrap(), None);
        let made = own::make(&["meet.example.org".to_owned(), "192.0.2.7".to_owned()]).unwrap();
        std::fs::write(&place.certificate, &made.certificate).unwrap();
        std::fs::write(&place.key, &made.key).unwrap();
        let stored = place.read().unwrap().unwrap();
        let now = SystemTime::now();
        assert!(stored.from < now && now < stored.until && stored.is_self_signed);
        for (name, is_named) in [
            ("meet.example.org", true),
            ("192.0.2.7", true),
            ("example.org", false),
            ("not a name", false),
        ] {
            assert_eq!(stored.is_for(name), is_named, "{name}");
        }
        let other = own::make(&["meet.example.org".to_owned()]).unwrap();
        std::fs::write(&place.key, other.key).unwrap();
        assert!(matches!(place.read(), Err(TlsError::Mismatch)));
    }
}
