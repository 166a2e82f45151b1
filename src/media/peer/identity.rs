//! What all connections of this process have in common: the certificate, and the provider of cryptography.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use rtc::crypto::RTCCryptoProvider;
use rtc::dtls::crypto::Certificate;
use rtc::peer_connection::certificate::RTCCertificate;

/// Nobody looks at the dates of a certificate that is known by its fingerprint (RFC 8827 §6.5), but the crate does.
const LIFETIME: Duration = Duration::from_secs(50 * 365 * 24 * 3_600);

/// Made once; a key for each connection would cost each of them its making.
pub(in crate::media) struct Identity {
    pub certificate: RTCCertificate,
    pub provider: Arc<dyn RTCCryptoProvider>,
}

impl Identity {
    /// The one of this process; none where keys cannot be made, which then is tried again.
    pub fn of_process() -> Option<&'static Self> {
        static IDENTITY: OnceLock<Identity> = OnceLock::new();
        if IDENTITY.get().is_none() {
            let _ = IDENTITY.set(Self::make()?);
        }
        IDENTITY.get()
    }

    fn make() -> Option<Self> {
        let provider = rtc::crypto::default_provider().ok()?;
        let names = vec!["media".to_owned()];
        let certificate = Certificate::generate_self_signed(names, provider.crypto()).ok()?;
        let expires = SystemTime::now() + LIFETIME;
        Some(Self {
            certificate: RTCCertificate::from_existing(certificate, expires),
            provider,
        })
    }
}
