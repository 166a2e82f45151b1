//! What all connections of this process have in common: the certificate, and how DTLS is set up with it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use rtc_crypto::RTCCryptoProvider;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, HandshakeConfig};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;

use super::sdp::Fingerprint;

/// The crate tells associations apart by address. Ours outlive addresses, so each has an endpoint of its own, and this
/// address stands for the peer. Port 0 would be refused.
pub(super) const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
/// The size of a handshake message's fragment in one record. The crate adds up to 41 bytes, UDP and IPv6 48. A datagram
/// that is longer than the path allows is lost, as it is not cut.
const FRAGMENT_BYTES: usize = 1_100;

/// Made once for all connections: making a key for each would cost time.
pub(in crate::media) struct Identity {
    #[cfg(test)]
    pub(super) certificate: Certificate,
    pub(super) provider: Arc<dyn RTCCryptoProvider>,
    fingerprint: Fingerprint,
    /// Towards clients that offer AES-GCM, which costs a third of the other. The crate alone would follow the client's
    /// order.
    pub(super) server_gcm: Arc<HandshakeConfig>,
    pub(super) server_counter_mode: Arc<HandshakeConfig>,
    pub(super) client: Arc<HandshakeConfig>,
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

    /// The fingerprint by which clients know us.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn make() -> Option<Self> {
        const GCM: SrtpProtectionProfile = SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm;
        const COUNTER_MODE: SrtpProtectionProfile =
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80;
        let provider = rtc_crypto::default_provider().ok()?;
        let names = vec!["media".to_owned()];
        let certificate = Certificate::generate_self_signed(names, provider.crypto()).ok()?;
        let configure = |is_client, profiles: &[SrtpProtectionProfile]| {
            let builder = ConfigBuilder::default()
                .with_crypto_provider(Arc::clone(&provider))
                .with_certificates(vec![certificate.clone()])
                .with_srtp_protection_profiles(profiles.to_vec())
                .with_client_auth(ClientAuthType::RequireAnyClientCert)
                // A client is known by the fingerprint in its description (RFC 8827 §6.5), which is compared when the
                // handshake is done; no authority vouches for it.
                .with_insecure_skip_verify(true)
                .with_mtu(FRAGMENT_BYTES);
            builder.build(is_client, Some(PEER)).ok().map(Arc::new)
        };
        Some(Self {
            fingerprint: Fingerprint::of(certificate.certificate.first()?),
            server_gcm: configure(false, &[GCM])?,
            server_counter_mode: configure(false, &[COUNTER_MODE])?,
            client: configure(true, &[GCM, COUNTER_MODE])?,
            #[cfg(test)]
            certificate,
            provider,
        })
    }
}
