//! Which certificate is shown at the moment.

use std::sync::{Arc, PoisonError, RwLock};

use rustls_acme::{ResolvesServerCertAcme, is_tls_alpn_challenge};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::files;

/// What each handshake is answered with. It may change at any time; handshakes under way keep what they began with.
#[derive(Debug)]
pub(super) struct Shown(RwLock<Now>);

#[derive(Debug)]
struct Now {
    /// Shown where the authority has given nothing yet, and where none is asked.
    certificate: Arc<CertifiedKey>,
    is_trusted: bool,
    authority: Option<Arc<ResolvesServerCertAcme>>,
}

impl Shown {
    /// A certificate that the server made; an authority will give a better one.
    pub(super) fn until_given(meanwhile: CertifiedKey) -> Self {
        Self::own(meanwhile)
    }

    /// A certificate that the server made.
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

    /// From here on what `authority` has is shown, and its proofs.
    pub(super) fn ask(&self, authority: Arc<ResolvesServerCertAcme>) {
        self.write().authority = Some(authority);
    }

    /// The authority has given a certificate.
    pub(super) fn is_given(&self) {
        self.write().is_trusted = true;
    }

    /// What is shown where no authority has given anything.
    pub(super) fn certificate_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.read().certificate)
    }

    /// Whether browsers trust it.
    pub(super) fn is_trusted(&self) -> bool {
        self.read().is_trusted
    }

    // What is written under the lock is whole before anything can panic.
    fn read(&self) -> std::sync::RwLockReadGuard<'_, Now> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Now> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Now {
    /// A certificate that has signed itself is nobody's but its maker's, wherever it comes from.
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
