//! What dimpl, the DTLS of str0m, computes with: ring, one cipher suite, two groups.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use aes::Aes128;
use aes::cipher::{BlockEncrypt as _, KeyInit as _};
use dimpl::crypto::{
    Aad, ActiveKeyExchange, Buf, Cipher, CryptoProvider, Dtls12CipherSuite, Dtls13CipherSuite,
    HashAlgorithm, HashContext, HashProvider, HmacProvider, KeyProvider, NamedGroup, Nonce,
    SecureRandom, SignatureAlgorithm, SignatureVerifier, SigningKey, SupportedDtls12CipherSuite,
    SupportedDtls13CipherSuite, SupportedKxGroup, TmpBuf,
};
use dimpl::{CryptoError, CryptoOperation};
use ring::rand::SecureRandom as _;
use ring::signature::EcdsaKeyPair;
use ring::{aead, agreement, digest, hmac, rand, signature};
use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion,
};

/// DTLS for str0m.
#[derive(Debug)]
pub struct Dtls;

impl DtlsProvider for Dtls {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        let made = rcgen::generate_simple_self_signed(vec!["str0m.test".to_owned()]).ok()?;
        Some(DtlsCert {
            certificate: made.cert.der().to_vec(),
            private_key: made.signing_key.serialize_der(),
        })
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        _: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, str0m::crypto::CryptoError> {
        assert_eq!(version, DtlsVersion::Dtls12, "what str0m begins with");
        let config = dimpl::Config::builder()
            .use_server_cookie(false)
            .with_crypto_provider(provider())
            .build()?;
        let dtls = dimpl::Dtls::new_12(Arc::new(config), cert.clone(), now);
        Ok(Box::new(Instance(dtls)))
    }
}

struct Instance(dimpl::Dtls);

impl DtlsInstance for Instance {
    fn set_active(&mut self, active: bool) {
        self.0.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        self.0.poll_output(buf)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.0.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.0.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.0.close()
    }
}

fn provider() -> CryptoProvider {
    CryptoProvider {
        kx_groups: &[&Group::X25519, &Group::P256],
        signature_verification: &Ring,
        key_provider: &Ring,
        secure_random: &Ring,
        hash_provider: &Ring,
        hmac_provider: &Ring,
        cipher_suites: &[&Ring],
        dtls13_cipher_suites: &[&Ring],
    }
}

fn failed(operation: CryptoOperation) -> CryptoError {
    CryptoError::OperationFailed(operation)
}

/// Everything that needs no state.
#[derive(Debug)]
struct Ring;

impl SupportedDtls12CipherSuite for Ring {
    fn suite(&self) -> Dtls12CipherSuite {
        Dtls12CipherSuite::ECDHE_ECDSA_AES128_GCM_SHA256
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        HashAlgorithm::SHA256
    }

    fn key_lengths(&self) -> (usize, usize, usize) {
        (0, 16, 4)
    }

    fn explicit_nonce_len(&self) -> usize {
        8
    }

    fn tag_len(&self) -> usize {
        16
    }

    fn create_cipher(&self, key: &[u8]) -> Result<Box<dyn Cipher>, CryptoError> {
        Gcm::new(key)
    }
}

/// dimpl wants one of DTLS 1.3 too, though it is not spoken here.
impl SupportedDtls13CipherSuite for Ring {
    fn suite(&self) -> Dtls13CipherSuite {
        Dtls13CipherSuite::AES_128_GCM_SHA256
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        HashAlgorithm::SHA256
    }

    fn key_len(&self) -> usize {
        16
    }

    fn iv_len(&self) -> usize {
        12
    }

    fn tag_len(&self) -> usize {
        16
    }

    fn create_cipher(&self, key: &[u8]) -> Result<Box<dyn Cipher>, CryptoError> {
        Gcm::new(key)
    }

    fn encrypt_sn(&self, sn_key: &[u8], sample: &[u8; 16]) -> [u8; 16] {
        let mut block = (*sample).into();
        Aes128::new_from_slice(sn_key)
            .unwrap()
            .encrypt_block(&mut block);
        block.into()
    }
}

impl SignatureVerifier for Ring {
    fn verify_signature(
        &self,
        cert_der: &[u8],
        data: &[u8],
        signature: &[u8],
        hash: HashAlgorithm,
        algorithm: SignatureAlgorithm,
    ) -> Result<(), CryptoError> {
        let (_, certificate) = x509_parser::parse_x509_certificate(cert_der)
            .map_err(|_| CryptoError::CertificateParseFailed)?;
        let key = &certificate.public_key().subject_public_key.data;
        let scheme = (algorithm, hash) == (SignatureAlgorithm::ECDSA, HashAlgorithm::SHA256);
        assert!(scheme, "{algorithm:?} with {hash:?}");
        signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, key)
            .verify(data, signature)
            .map_err(|_| failed(CryptoOperation::VerifySignature))
    }
}

impl KeyProvider for Ring {
    fn load_private_key(&self, key_der: &[u8]) -> Result<Box<dyn SigningKey>, CryptoError> {
        let algorithm = &signature::ECDSA_P256_SHA256_ASN1_SIGNING;
        let key = EcdsaKeyPair::from_pkcs8(algorithm, key_der, &rand::SystemRandom::new());
        Ok(Box::new(Key(
            key.map_err(|_| failed(CryptoOperation::LoadPrivateKey))?
        )))
    }
}

impl SecureRandom for Ring {
    fn fill(&self, buf: &mut [u8]) -> Result<(), CryptoError> {
        let filled = rand::SystemRandom::new().fill(buf);
        filled.map_err(|_| failed(CryptoOperation::FillRandom))
    }
}

impl HashProvider for Ring {
    fn create_hash(&self, algorithm: HashAlgorithm) -> Box<dyn HashContext> {
        assert_eq!(algorithm, HashAlgorithm::SHA256);
        Box::new(Hash(digest::Context::new(&digest::SHA256)))
    }
}

impl HmacProvider for Ring {
    fn hmac(
        &self,
        hash: HashAlgorithm,
        key: &[u8],
        data: &[u8],
        out: &mut [u8],
    ) -> Result<usize, CryptoError> {
        assert_eq!(hash, HashAlgorithm::SHA256);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data);
        out[..32].copy_from_slice(tag.as_ref());
        Ok(32)
    }
}

#[derive(Debug)]
struct Gcm(aead::LessSafeKey);

impl Gcm {
    #[allow(clippy::new_ret_no_self, reason = "what a suite answers with")]
    fn new(key: &[u8]) -> Result<Box<dyn Cipher>, CryptoError> {
        let key = aead::UnboundKey::new(&aead::AES_128_GCM, key)
            .map_err(|_| failed(CryptoOperation::CreateCipher))?;
        Ok(Box::new(Self(aead::LessSafeKey::new(key))))
    }
}

impl Cipher for Gcm {
    fn encrypt(&mut self, plaintext: &mut Buf, aad: Aad, nonce: Nonce) -> Result<(), CryptoError> {
        let nonce = aead::Nonce::assume_unique_for_key(nonce.0);
        self.0
            .seal_in_place_append_tag(nonce, aead::Aad::from(&aad[..]), plaintext)
            .map_err(|_| failed(CryptoOperation::Encrypt))
    }

    fn decrypt(
        &mut self,
        ciphertext: &mut TmpBuf,
        aad: Aad,
        nonce: Nonce,
    ) -> Result<(), CryptoError> {
        let nonce = aead::Nonce::assume_unique_for_key(nonce.0);
        let length = self
            .0
            .open_in_place(nonce, aead::Aad::from(&aad[..]), ciphertext.as_mut())
            .map_err(|_| failed(CryptoOperation::Decrypt))?
            .len();
        ciphertext.truncate(length);
        Ok(())
    }
}

struct Hash(digest::Context);

impl HashContext for Hash {
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn clone_and_finalize(&self, out: &mut Buf) {
        out.clear();
        out.extend_from_slice(self.0.clone().finish().as_ref());
    }
}

#[derive(Debug)]
struct Key(EcdsaKeyPair);

impl SigningKey for Key {
    fn sign(&mut self, data: &[u8], _: HashAlgorithm, out: &mut Buf) -> Result<(), CryptoError> {
        let signed = self.0.sign(&rand::SystemRandom::new(), data);
        let signed = signed.map_err(|_| failed(CryptoOperation::Sign))?;
        out.clear();
        out.extend_from_slice(signed.as_ref());
        Ok(())
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        HashAlgorithm::SHA256
    }

    fn supported_hash_algorithms(&self) -> &[HashAlgorithm] {
        &[HashAlgorithm::SHA256]
    }
}

#[derive(Debug, Clone, Copy)]
enum Group {
    X25519,
    P256,
}

impl Group {
    fn algorithm(self) -> &'static agreement::Algorithm {
        match self {
            Self::X25519 => &agreement::X25519,
            Self::P256 => &agreement::ECDH_P256,
        }
    }
}

impl SupportedKxGroup for Group {
    fn name(&self) -> NamedGroup {
        match self {
            Self::X25519 => NamedGroup::X25519,
            Self::P256 => NamedGroup::Secp256r1,
        }
    }

    fn start_exchange(&self, _: Buf) -> Result<Box<dyn ActiveKeyExchange>, CryptoError> {
        let random = rand::SystemRandom::new();
        let private = agreement::EphemeralPrivateKey::generate(self.algorithm(), &random)
            .map_err(|_| failed(CryptoOperation::GenerateEphemeralKey))?;
        let public = private
            .compute_public_key()
            .map_err(|_| failed(CryptoOperation::ComputePublicKey))?;
        Ok(Box::new(Exchange {
            group: *self,
            private,
            public,
        }))
    }
}

#[derive(Debug)]
struct Exchange {
    group: Group,
    private: agreement::EphemeralPrivateKey,
    public: agreement::PublicKey,
}

impl ActiveKeyExchange for Exchange {
    fn pub_key(&self) -> &[u8] {
        self.public.as_ref()
    }

    fn complete(self: Box<Self>, peer_pub: &[u8], out: &mut Buf) -> Result<(), CryptoError> {
        let peer = agreement::UnparsedPublicKey::new(self.group.algorithm(), peer_pub);
        agreement::agree_ephemeral(self.private, &peer, |secret| {
            out.clear();
            out.extend_from_slice(secret);
        })
        .map_err(|_| failed(CryptoOperation::CompleteKeyExchange))
    }

    fn group(&self) -> NamedGroup {
        self.group.name()
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Instance")
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash")
    }
}
