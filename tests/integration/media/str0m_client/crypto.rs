//! What str0m computes with beside DTLS: hashes and the ciphers of SRTP, by crates that are here already. Those that
//! str0m chooses itself are in C and take a minute to compile.

use aes::cipher::{BlockEncrypt as _, KeyInit as _, KeyIvInit as _, StreamCipher as _};
use aes::{Aes128, Aes256};
use ring::{aead, digest, hmac};
use str0m::crypto::{
    AeadAes128GcmCipher, AeadAes256GcmCipher, Aes128CmSha1_80Cipher, CryptoError, CryptoProvider,
    Sha1HmacProvider, Sha1Provider, Sha256Provider, SrtpProvider, SupportedAeadAes128Gcm,
    SupportedAeadAes256Gcm, SupportedAes128CmSha1_80,
};

use super::dtls::Dtls;

pub fn provider() -> CryptoProvider {
    CryptoProvider {
        srtp_provider: &Ring,
        sha1_hmac_provider: &Ring,
        sha1_provider: &Ring,
        sha256_provider: &Ring,
        dtls_provider: &Dtls,
    }
}

/// Everything that needs no state.
#[derive(Debug)]
struct Ring;

impl Sha1HmacProvider for Ring {
    fn sha1_hmac(&self, key: &[u8], payloads: &[&[u8]]) -> [u8; 20] {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
        let mut context = hmac::Context::with_key(&key);
        for payload in payloads {
            context.update(payload);
        }
        context.sign().as_ref().try_into().unwrap()
    }
}

impl Sha1Provider for Ring {
    fn sha1(&self, data: &[u8]) -> [u8; 20] {
        let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, data);
        digest.as_ref().try_into().unwrap()
    }
}

impl Sha256Provider for Ring {
    fn sha256(&self, data: &[u8]) -> [u8; 32] {
        let digest = digest::digest(&digest::SHA256, data);
        digest.as_ref().try_into().unwrap()
    }
}

impl SrtpProvider for Ring {
    fn aes_128_cm_sha1_80(&self) -> &'static dyn SupportedAes128CmSha1_80 {
        &Ring
    }

    fn aead_aes_128_gcm(&self) -> &'static dyn SupportedAeadAes128Gcm {
        &Ring
    }

    fn aead_aes_256_gcm(&self) -> &'static dyn SupportedAeadAes256Gcm {
        &Ring
    }

    fn srtp_aes_128_ecb_round(&self, key: &[u8], input: &[u8], output: &mut [u8]) {
        let mut block = *aes::Block::from_slice(&input[..16]);
        Aes128::new_from_slice(key)
            .unwrap()
            .encrypt_block(&mut block);
        output[..16].copy_from_slice(&block);
    }

    fn srtp_aes_256_ecb_round(&self, key: &[u8], input: &[u8], output: &mut [u8]) {
        let mut block = *aes::Block::from_slice(&input[..16]);
        Aes256::new_from_slice(key)
            .unwrap()
            .encrypt_block(&mut block);
        output[..16].copy_from_slice(&block);
    }
}

impl SupportedAes128CmSha1_80 for Ring {
    fn create_cipher(&self, key: [u8; 16], _: bool) -> Box<dyn Aes128CmSha1_80Cipher> {
        Box::new(Counter(key))
    }
}

impl SupportedAeadAes128Gcm for Ring {
    fn create_cipher(&self, key: [u8; 16], _: bool) -> Box<dyn AeadAes128GcmCipher> {
        Box::new(Gcm::new(&aead::AES_128_GCM, &key))
    }
}

impl SupportedAeadAes256Gcm for Ring {
    fn create_cipher(&self, key: [u8; 32], _: bool) -> Box<dyn AeadAes256GcmCipher> {
        Box::new(Gcm::new(&aead::AES_256_GCM, &key))
    }
}

#[derive(Debug)]
struct Counter([u8; 16]);

impl Aes128CmSha1_80Cipher for Counter {
    fn encrypt(
        &mut self,
        iv: &[u8; 16],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), CryptoError> {
        let output = &mut output[..input.len()];
        output.copy_from_slice(input);
        ctr::Ctr128BE::<Aes128>::new(&self.0.into(), iv.into()).apply_keystream(output);
        Ok(())
    }

    fn decrypt(
        &mut self,
        iv: &[u8; 16],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), CryptoError> {
        self.encrypt(iv, input, output)
    }
}

#[derive(Debug)]
struct Gcm(aead::LessSafeKey);

impl Gcm {
    fn new(algorithm: &'static aead::Algorithm, key: &[u8]) -> Self {
        Self(aead::LessSafeKey::new(
            aead::UnboundKey::new(algorithm, key).unwrap(),
        ))
    }

    fn seal(
        &self,
        iv: [u8; 12],
        aad: &[u8],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), CryptoError> {
        let (sealed, tag) = output.split_at_mut(input.len());
        sealed.copy_from_slice(input);
        let nonce = aead::Nonce::assume_unique_for_key(iv);
        let made = self
            .0
            .seal_in_place_separate_tag(nonce, aead::Aad::from(aad), sealed)
            .map_err(|_| CryptoError::Other("not sealed".to_owned()))?;
        tag[..16].copy_from_slice(made.as_ref());
        Ok(())
    }

    fn open(
        &self,
        iv: [u8; 12],
        aads: &[&[u8]],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, CryptoError> {
        let mut sealed = input.to_vec();
        let nonce = aead::Nonce::assume_unique_for_key(iv);
        let opened = self
            .0
            .open_in_place(nonce, aead::Aad::from(aads.concat()), &mut sealed)
            .map_err(|_| CryptoError::Other("not authentic".to_owned()))?;
        output[..opened.len()].copy_from_slice(opened);
        Ok(opened.len())
    }
}

macro_rules! gcm {
    ($cipher:ident) => {
        impl $cipher for Gcm {
            fn encrypt(
                &mut self,
                iv: &[u8; 12],
                aad: &[u8],
                input: &[u8],
                output: &mut [u8],
            ) -> Result<(), CryptoError> {
                self.seal(*iv, aad, input, output)
            }

            fn decrypt(
                &mut self,
                iv: &[u8; 12],
                aads: &[&[u8]],
                input: &[u8],
                output: &mut [u8],
            ) -> Result<usize, CryptoError> {
                self.open(*iv, aads, input, output)
            }
        }
    };
}
gcm!(AeadAes128GcmCipher);
gcm!(AeadAes256GcmCipher);
