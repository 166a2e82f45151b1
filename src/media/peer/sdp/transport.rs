//! The transport that a description describes: ICE credentials, certificate fingerprints and the DTLS role.

use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::Refusal;
use crate::budgets::media::FINGERPRINTS;

const NO_UFRAG: &str = "The description has no ICE user name fragment (a=ice-ufrag).";
const NO_PASSWORD: &str = "The description has no ICE password (a=ice-pwd).";
const NO_FINGERPRINT: &str = "The description has no DTLS fingerprint (a=fingerprint).";
const NO_HASH: &str = "The fingerprint names no hash function (RFC 8122 §5).";
const WEAK_HASH: &str =
    "The fingerprint's hash function is not accepted: sha-256, sha-384 and sha-512 are.";
const NO_HEX: &str =
    "The fingerprint is not as many bytes in hexadecimal as its hash function gives (RFC 8122 §5).";
const TWO_CERTIFICATES: &str =
    "The m-lines name different certificates, and all of them share one transport.";

/// The value of `a=setup` (RFC 4145 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum Setup {
    /// The DTLS client.
    Active,
    /// The DTLS server.
    Passive,
    /// Either; the answer says which.
    Actpass,
}

/// The hash functions by which a certificate may be named (RFC 8122 §5), the stronger the greater. Functions with known
/// collisions are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::media) enum HashFunction {
    Sha256,
    Sha384,
    Sha512,
}

/// What a certificate hashes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::media) struct Fingerprint {
    pub hash: HashFunction,
    pub bytes: Vec<u8>,
}

/// What the session or one m-line says of its transport. The first of several values counts, except for fingerprints.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Transport {
    ufrag: Option<String>,
    password: Option<String>,
    fingerprints: Vec<Fingerprint>,
    /// What is wrong with the first fingerprint that cannot be used.
    unusable: Option<Refusal>,
    setup: Option<Setup>,
}

/// What a description says of the one transport that all its m-lines share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shared {
    pub ufrag: String,
    pub password: String,
    /// The fingerprints of the strongest hash function that is named. A certificate is the right one if it has any of
    /// them.
    pub fingerprints: Vec<Fingerprint>,
    pub setup: Option<Setup>,
}

impl Fingerprint {
    /// The fingerprint by SHA-256, which every client knows.
    pub fn of(certificate: &[u8]) -> Self {
        Self {
            hash: HashFunction::Sha256,
            bytes: Sha256::digest(certificate).to_vec(),
        }
    }

    /// Whether it is that of this certificate (DER).
    pub fn is_of(&self, certificate: &[u8]) -> bool {
        let bytes = match self.hash {
            HashFunction::Sha256 => Sha256::digest(certificate).to_vec(),
            HashFunction::Sha384 => Sha384::digest(certificate).to_vec(),
            HashFunction::Sha512 => Sha512::digest(certificate).to_vec(),
        };
        bytes == self.bytes
    }

    /// Reads the value of `a=fingerprint`.
    fn parse(value: &str) -> Result<Self, Refusal> {
        let (function, hex) = value.trim().split_once(' ').ok_or(NO_HASH)?;
        let (hash, length) = match function.to_ascii_lowercase().as_str() {
            "sha-256" => (HashFunction::Sha256, 32),
            "sha-384" => (HashFunction::Sha384, 48),
            "sha-512" => (HashFunction::Sha512, 64),
            _ => return Err(WEAK_HASH),
        };
        let byte = |pair: &str| {
            let is_pair = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            u8::from_str_radix(pair, 16).ok().filter(|_| is_pair)
        };
        let bytes: Option<Vec<u8>> = hex.trim().split(':').map(byte).collect();
        let bytes = bytes.filter(|bytes| bytes.len() == length).ok_or(NO_HEX)?;
        Ok(Self { hash, bytes })
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(match self.hash {
            HashFunction::Sha256 => "sha-256",
            HashFunction::Sha384 => "sha-384",
            HashFunction::Sha512 => "sha-512",
        })?;
        for (index, byte) in self.bytes.iter().enumerate() {
            write!(to, "{}{byte:02X}", if index == 0 { ' ' } else { ':' })?;
        }
        Ok(())
    }
}

impl Transport {
    /// Takes one attribute, if it is one of a transport's.
    pub fn attribute(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        let value = value.trim();
        match name {
            "ice-ufrag" => {
                // RFC 8839 §5.4: 4 to 256 ice-chars.
                if !(4..=256).contains(&value.len()) || !value.bytes().all(is_ice_char) {
                    return Err("The ICE user name fragment is malformed.");
                }
                self.ufrag.get_or_insert_with(|| value.to_owned());
            }
            "ice-pwd" => {
                if value.is_empty() {
                    return Err("The ICE password is empty.");
                }
                if value.len() > 256 || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Err("The ICE password is malformed.");
                }
                self.password.get_or_insert_with(|| value.to_owned());
            }
            "fingerprint" => match Fingerprint::parse(value) {
                Ok(_) if self.fingerprints.len() >= FINGERPRINTS.size() => {}
                Ok(fingerprint) => self.fingerprints.push(fingerprint),
                Err(refusal) => {
                    self.unusable.get_or_insert(refusal);
                }
            },
            "setup" => {
                let setup = match value.to_ascii_lowercase().as_str() {
                    "active" => Setup::Active,
                    "passive" => Setup::Passive,
                    "actpass" => Setup::Actpass,
                    _ => return Err("An a=setup line says neither active, passive nor actpass."),
                };
                self.setup.get_or_insert(setup);
            }
            _ => {}
        }
        Ok(())
    }

    /// Those that count (RFC 8122 §5: of the hash function that is liked best).
    fn strongest(&self) -> Vec<Fingerprint> {
        let best = self.fingerprints.iter().map(|one| one.hash).max();
        let kept = self.fingerprints.iter();
        kept.filter(|one| Some(one.hash) == best).cloned().collect()
    }
}

impl Shared {
    /// What these levels say together, of which the earlier count more: the m-lines that are kept, the session, and
    /// the m-lines that are not kept but in one bundle with them, for an m-line that is bundled need not say it again
    /// (RFC 9143 §7.1.3).
    pub fn of(
        kept: &[&Transport],
        session: &Transport,
        others: &[&Transport],
    ) -> Result<Self, Refusal> {
        let named: Vec<_> = kept.iter().map(|level| level.strongest()).collect();
        let mut named = named.iter().filter(|prints| !prints.is_empty());
        if let Some(first) = named.next()
            && named.any(|other| other != first)
        {
            return Err(TWO_CERTIFICATES);
        }
        let levels = || {
            let kept = kept.iter().copied();
            kept.chain([session]).chain(others.iter().copied())
        };
        let ice = levels().find_map(|level| Some((level.ufrag.as_ref()?, level)));
        let (ufrag, of) = ice.ok_or(NO_UFRAG)?;
        // The two belong together; only one that stands alone is looked for elsewhere.
        let password = of.password.as_ref();
        let password = password.or_else(|| levels().find_map(|level| level.password.as_ref()));
        let fingerprints = levels().find(|level| !level.fingerprints.is_empty());
        let Some(fingerprints) = fingerprints.map(Transport::strongest) else {
            let unusable = levels().find_map(|level| level.unusable);
            return Err(unusable.unwrap_or(NO_FINGERPRINT));
        };
        Ok(Self {
            ufrag: ufrag.clone(),
            password: password.ok_or(NO_PASSWORD)?.clone(),
            fingerprints,
            setup: levels().find_map(|level| level.setup),
        })
    }
}

fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte == b'+'
        || byte == b'/'
        || byte == b'-'
        || byte == b'_'
        || byte == b'='
}
