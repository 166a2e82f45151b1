//! A certificate that another program writes into files. It is read again when they change.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use tokio_rustls::rustls::crypto::ring::sign::any_supported_type;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error, InconsistentKeys};
use x509_parser::parse_x509_certificate;

use super::TlsError;
use super::show::Shown;
use crate::secret_file;

/// How often the files are checked. That costs two system calls, and some file systems report no changes.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// A certificate with less time left should have been renewed long ago.
const ENDS_SOON: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Where the certificate and its key are.
pub(super) struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// The properties of a file that are known without reading it: its number, its length and its modification time.
type Trace = Option<(u64, u64, SystemTime)>;

impl Files {
    pub(super) fn new(certificate: &Path, key: &Path) -> Self {
        Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        }
    }

    /// Reads both.
    pub(super) fn load(&self) -> Result<CertifiedKey, TlsError> {
        let name = |path: &Path| path.display().to_string();
        let unreadable = |path: &Path| {
            let name = name(path);
            move |error| TlsError::File(name, error)
        };
        let certificate =
            std::fs::read(&self.certificate).map_err(unreadable(&self.certificate))?;
        let key = secret_file::read(&self.key).map_err(unreadable(&self.key))?;
        let certified = certified(
            (&name(&self.certificate), &certificate),
            (&name(&self.key), &key),
        )?;
        if let Some(ends) = end(&certified)
            && ends < SystemTime::now() + ENDS_SOON
        {
            tracing::warn!("the certificate of --tls-cert has ended or ends within days");
        }
        Ok(certified)
    }

    /// Reads the files again when they change or when `again` is notified. Unusable files change nothing.
    pub(super) async fn keep(&self, shown: &Shown, again: &Notify) {
        let mut known = self.traces();
        loop {
            let is_told = tokio::time::timeout(LOOK_INTERVAL, again.notified())
                .await
                .is_ok();
            let traces = self.traces();
            if traces == known && !is_told {
                continue;
            }
            known = traces;
            match self.load() {
                Ok(certificate) => {
                    shown.replace(certificate);
                    tracing::info!("the certificate was read again");
                }
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the new certificate cannot be used; the one before it stays"
                ),
            }
        }
    }

    fn traces(&self) -> [Trace; 2] {
        [&self.certificate, &self.key].map(|path| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.ino(), found.len(), found.modified().ok()?))
        })
    }
}

/// A chain and its key from PEM, each with the name of its source.
pub(super) fn certified(
    (certificate_name, certificate): (&str, &[u8]),
    (key_name, key): (&str, &[u8]),
) -> Result<CertifiedKey, TlsError> {
    let no_certificate = || TlsError::Content(certificate_name.to_owned(), "no certificate in PEM");
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.map_err(|_| no_certificate())?;
    if chain.is_empty() || parse_x509_certificate(&chain[0]).is_err() {
        return Err(no_certificate());
    }
    let no_key = || {
        TlsError::Content(
            key_name.to_owned(),
            "no private key in PEM that can be used",
        )
    };
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| no_key())?;
    let certified = CertifiedKey::new(chain, any_supported_type(&key).map_err(|_| no_key())?);
    match certified.keys_match() {
        // Some kinds of keys cannot be compared with a certificate.
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(_) => Err(TlsError::Mismatch),
    }
}

/// Until when a certificate holds.
pub(super) fn end(certified: &CertifiedKey) -> Option<SystemTime> {
    let (_, certificate) = parse_x509_certificate(certified.cert.first()?).ok()?;
    let seconds = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Whether a certificate is its own issuer.
pub(super) fn is_self_signed(certified: &CertifiedKey) -> bool {
    let first = certified.cert.first();
    let parsed = first.and_then(|first| parse_x509_certificate(first).ok());
    parsed.is_none_or(|(_, certificate)| certificate.issuer() == certificate.subject())
}

#[cfg(test)]
mod tests {
    use super::super::own;
    use super::*;

    fn pair() -> (String, String) {
        let made = own::make(&own::names(Some("meet.example.org"), &[])).unwrap();
        (made.certificate, made.key)
    }

    #[test]
    fn what_is_no_pair_is_refused_by_what_is_wrong() {
        let (certificate, key) = pair();
        let (_, other) = pair();
        let read = |certificate: &str, key: &str| {
            certified(("C", certificate.as_bytes()), ("K", key.as_bytes()))
                .map(|_| ())
                .map_err(|error| error.to_string())
        };
        assert_eq!(read(&certificate, &key), Ok(()));
        let no_certificate = Err("C holds no certificate in PEM".to_owned());
        let no_key = Err("K holds no private key in PEM that can be used".to_owned());
        let mismatch = Err("the private key is not the certificate's".to_owned());
        assert_eq!(read(&certificate, &other), mismatch);
        assert_eq!(read("", &key), no_certificate);
        assert_eq!(read(&key, &key), no_certificate);
        assert_eq!(read(&certificate, &certificate), no_key);
        assert_eq!(read(&certificate, "-----BEGIN PRIVATE KEY-----\n"), no_key);
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_pair_is_shown_and_half_a_pair_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["c.pem", "k.pem"].map(|name| folder.path().join(name));
        let files = Files::new(&paths[0], &paths[1]);
        let (certificate, key) = pair();
        std::fs::write(&paths[0], certificate).unwrap();
        std::fs::write(&paths[1], key).unwrap();
        let allow = |mode| {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            std::fs::set_permissions(&paths[1], mode).unwrap();
        };
        allow(0o644);
        let refused = files.load().unwrap_err().to_string();
        assert!(refused.contains("run `chmod 600 "), "{refused}");
        allow(0o600);
        let shown = Shown::given(files.load().unwrap());
        let before = shown.certificate_key().cert.clone();
        let again = Notify::new();
        let step = async |keep: std::pin::Pin<&mut dyn Future<Output = ()>>| {
            let _ = tokio::time::timeout(2 * LOOK_INTERVAL, keep).await;
        };
        let mut keep = std::pin::pin!(files.keep(&shown, &again));
        step(keep.as_mut()).await;
        let (certificate, key) = pair();
        std::fs::write(&paths[0], certificate + "\n").unwrap();
        step(keep.as_mut()).await;
        assert_eq!(
            shown.certificate_key().cert,
            before,
            "the old key's certificate stays"
        );
        std::fs::write(&paths[1], key + "\n").unwrap();
        step(keep.as_mut()).await;
        assert_ne!(shown.certificate_key().cert, before);
    }
}
