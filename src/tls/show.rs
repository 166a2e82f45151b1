//! The current certificate.

use std::sync::{Arc, PoisonError, RwLock};

use rustls_acme::{ResolvesServerCertAcme, is_tls_alpn_challenge};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::files;

/// The certificate for handshakes. It may change at any time. Handshakes under way keep the one that they began with.
#[derive(Debug)]
pub(super) struct Shown(RwLock<Now>);

#[derive(Debug)]
struct Now {
    /// Shown without an authority, and until the authority has issued a certificate.
    certificate: Arc<CertifiedKey>,
    is_trusted: bool,
    authority: Option<Arc<ResolvesServerCertAcme>>,
}

impl Shown {
    /// Starts with a self-signed certificate until an authority issues a better one.
    pub(super) fn until_given(meanwhile: CertifiedKey) -> Self {
        Self::own(meanwhile)
    }

    /// Shows a self-signed certificate.
    pub(super) fn own(certificate: CertifiedKey) -> Self {
        Self(RwLock::new(Now {
            certificate: Arc::new(certificate),
            is_trusted: false,
            authority: None,
        }))
    }

    /// A certificate that somebody else gave.
    pub(super) fn given(certificate: CertifiedKey) -> Self {
        let shown = Self::own(certificate);
        shown.write().judge();
        shown
    }

    /// Shows another one that somebody else gave.
    pub(super) fn replace(&self, certificate: CertifiedKey) {
        let mut now = self.write();
        now.certificate = Arc::new(certificate);
        now.judge();
    }

    /// Shows another one that the server made.
    pub(super) fn replace_own(&self, certificate: CertifiedKey) {
        self.write().certificate = Arc::new(certificate);
    }

    /// From now on shows the certificates and the challenges of `authority`.
    pub(super) fn ask(&self, authority: Arc<ResolvesServerCertAcme>) {
        self.write().authority = Some(authority);
    }

    /// The authority has given a certificate.
    pub(super) fn is_given(&self) {
        self.write().is_trusted = true;
    }

    /// The certificate that is shown without one from an authority.
    pub(super) fn certificate_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.read().certificate)
    }

    /// Whether browsers trust it.
    pub(super) fn is_trusted(&self) -> bool {
        self.read().is_trusted
    }

    // No panic can leave the value half changed.
    fn read(&self) -> std::sync::RwLockReadGuard<'_, Now> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Now> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Now {
    /// No browser trusts a self-signed certificate, wherever it comes from.
    fn judge(&mut self) {
        self.is_trusted = !files::is_self_signed(&self.certificate);
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let (authority, certificate) = {
            let now = self.read();
            (now.authority.clone(), Arc::clone(&now.certificate))
        };
        let wants_proof = is_tls_alpn_challenge(&hello);
        let given = authority.and_then(|authority| authority.resolve(hello));
        given.or_else(|| (!wants_proof).then_some(certificate))
    }
}
