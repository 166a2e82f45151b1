//! A certificate from an authority (RFC 8555), with the challenge on the https port itself (RFC 8737).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use rustls_acme::{AccountCache, AcmeConfig, CertCache, EventError, EventOk};
use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::show::Shown;
use super::{TlsError, private, provider};
use crate::config::Acme;

/// How one asks.
pub(super) struct Authority {
    acme: Acme,
    client: Arc<ClientConfig>,
    folder: PathBuf,
}

impl Authority {
    pub(super) fn new(acme: Acme, folder: PathBuf) -> Result<Self, TlsError> {
        // The crate would make new ones without a word.
        for path in [
            kept(&folder, &acme),
            account_file(&folder, acme.directory.as_str()),
        ] {
            private::read(&path)
                .map_err(|error| TlsError::File(path.display().to_string(), error))?;
        }
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        if let Some(path) = &acme.root {
            add_roots(&mut roots, path)?;
        }
        let client = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Unusable(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            acme,
            client: Arc::new(client),
            folder,
        })
    }

    /// Gets the stored certificate or a new one, and renews it after two thirds of its life. Failed attempts are
    /// repeated after growing pauses.
    pub(super) async fn keep(&self, shown: &Shown) {
        let domain = self.acme.domain.as_str();
        let contacts = &self.acme.contacts;
        let config = AcmeConfig::new_with_client_config([domain], Arc::clone(&self.client));
        let mut state = config
            .directory(self.acme.directory.as_str())
            .contact(contacts.iter().map(|mail| format!("mailto:{mail}")))
            .cache(Kept(self.folder.clone()))
            .state();
        shown.ask(state.resolver());
        if !self.has_kept() {
            tracing::warn!(
                domain,
                "there is no certificate yet: one that signs itself is served until the authority has given one"
            );
        }
        while let Some(event) = state.next().await {
            match event {
                Ok(EventOk::DeployedCachedCert) => {
                    shown.is_given();
                    tracing::info!(domain, "the kept certificate is served");
                }
                Ok(EventOk::DeployedNewCert) => {
                    shown.is_given();
                    tracing::info!(
                        domain,
                        "a certificate came from the authority and is served"
                    );
                }
                Ok(EventOk::CertCacheStore | EventOk::AccountCacheStore) => {}
                Err(error) => tell(domain, &error),
            }
        }
    }

    fn has_kept(&self) -> bool {
        kept(&self.folder, &self.acme).exists()
    }
}

fn tell(domain: &str, error: &EventError<std::io::Error, std::io::Error>) {
    match error {
        EventError::Order(error) => tracing::warn!(
            domain,
            %error,
            "the authority gave no certificate; it is asked again later. The name must point to this machine, and port 443 be open from everywhere"
        ),
        _ => tracing::warn!(domain, %error, "what is kept of the certificate cannot be used"),
    }
}

fn add_roots(roots: &mut RootCertStore, path: &Path) -> Result<(), TlsError> {
    let name = || path.display().to_string();
    let text = std::fs::read(path).map_err(|error| TlsError::File(name(), error))?;
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(&text).flatten() {
        roots
            .add(certificate)
            .map_err(|error| TlsError::Unusable(error.to_string()))?;
    }
    if roots.len() == before {
        return Err(TlsError::Content(name(), "no certificate in PEM"));
    }
    Ok(())
}

/// Account keys and certificates in the data folder.
struct Kept(PathBuf);

/// The file depends on the directory too, because each authority has its own accounts and certificates.
fn file(folder: &Path, kind: &str, parts: &[String], directory: &str) -> PathBuf {
    let mut hash = Sha256::new();
    for part in parts.iter().map(String::as_str).chain([directory]) {
        hash.update(part);
        hash.update([0]);
    }
    let mut name = format!("acme-{kind}-");
    for byte in &hash.finalize()[..8] {
        let _ = write!(name, "{byte:02x}");
    }
    folder.join(name + ".pem")
}

/// The file of a certificate and its key.
pub(super) fn kept(folder: &Path, acme: &Acme) -> PathBuf {
    let domains = [acme.domain.as_str().to_owned()];
    certificate_file(folder, &domains, acme.directory.as_str())
}

fn certificate_file(folder: &Path, domains: &[String], directory: &str) -> PathBuf {
    file(folder, "certificate", domains, directory)
}

/// One key for each authority. It does not depend on the contact address, so a new address needs no new account.
fn account_file(folder: &Path, directory: &str) -> PathBuf {
    file(folder, "account", &[], directory)
}

async fn read(path: PathBuf) -> std::io::Result<Option<Vec<u8>>> {
    let reading = tokio::task::spawn_blocking(move || private::read(&path));
    reading.await.map_err(std::io::Error::other)?
}

async fn write(path: PathBuf, bytes: &[u8]) -> std::io::Result<()> {
    let bytes = bytes.to_owned();
    let writing = tokio::task::spawn_blocking(move || private::write(&path, &bytes));
    writing.await.map_err(std::io::Error::other)?
}

#[async_trait]
impl CertCache for Kept {
    type EC = std::io::Error;

    async fn load_cert(
        &self,
        domains: &[String],
        directory: &str,
    ) -> Result<Option<Vec<u8>>, Self::EC> {
        read(certificate_file(&self.0, domains, directory)).await
    }

    async fn store_cert(
        &self,
        domains: &[String],
        directory: &str,
        certificate: &[u8],
    ) -> Result<(), Self::EC> {
        let path = certificate_file(&self.0, domains, directory);
        write(path, certificate).await
    }
}

#[async_trait]
impl AccountCache for Kept {
    type EA = std::io::Error;

    async fn load_account(
        &self,
        _contacts: &[String],
        directory: &str,
    ) -> Result<Option<Vec<u8>>, Self::EA> {
        read(account_file(&self.0, directory)).await
    }

    async fn store_account(
        &self,
        _contacts: &[String],
        directory: &str,
        account: &[u8],
    ) -> Result<(), Self::EA> {
        write(account_file(&self.0, directory), account).await
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, create_dir, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::{Certificate, Config, Given, Key};

    #[test]
    fn kept_keys_that_others_can_read_are_refused_and_not_replaced_without_a_word() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("tls");
        create_dir(&folder).unwrap();
        let domain = (Key::Domain, vec!["meet.example.org".to_owned()]);
        let config = Config::load(Given::from([domain]), |_| None).unwrap();
        let Some(Certificate::Acme(acme)) = config.tls.certificate else {
            panic!("a domain asks an authority");
        };
        for file in [
            kept(&folder, &acme),
            account_file(&folder, acme.directory.as_str()),
        ] {
            std::fs::write(&file, "key").unwrap();
            for (mode, is_taken) in [(0o644, false), (0o600, true)] {
                set_permissions(&file, Permissions::from_mode(mode)).unwrap();
                let authority = Authority::new(acme.clone(), folder.clone());
                assert_eq!(authority.is_ok(), is_taken, "{mode:o} {}", file.display());
                if let Err(refused) = authority {
                    assert!(refused.to_string().contains("run `chmod 600 "), "{refused}");
                }
            }
        }
    }
}
