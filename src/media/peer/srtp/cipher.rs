//! The keys of one direction, and what is done with them in place: `AEAD_AES_128_GCM` (RFC 7714) and
//! `AES128_CM_HMAC_SHA1_80` (RFC 3711) for clients that lack it.

use aes::Aes128;
use aes::cipher::{BlockEncrypt as _, InnerIvInit as _, KeyInit as AesKeyInit, StreamCipher as _};
use aes::cipher::{StreamCipherCoreWrapper, generic_array::GenericArray};
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;
use hmac::{Hmac, KeyInit as _, Mac as _};
use ring::aead;
use sha1::Sha1;

/// The label of RFC 5764 §4.2.
pub(in crate::media::peer) const EXPORT_LABEL: &str = "EXTRACTOR-dtls_srtp";

const KEY_BYTES: usize = 16;
/// The part of an SRTCP packet that is never encrypted: header and SSRC.
const CLEAR_BYTES: usize = 8;
const TRAILER_BYTES: usize = 4;
/// The E flag before the SRTCP index (RFC 3711 §3.4).
const ENCRYPTED: u32 = 1 << 31;

/// How packets are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media::peer) enum Profile {
    /// `SRTP_AEAD_AES_128_GCM`.
    Gcm,
    /// `SRTP_AES128_CM_HMAC_SHA1_80`.
    CounterMode,
}

impl Profile {
    const fn salt_bytes(self) -> usize {
        match self {
            Self::Gcm => 12,
            Self::CounterMode => 14,
        }
    }

    /// How much DTLS exports for both directions (RFC 5764 §4.2).
    pub const fn exported_bytes(self) -> usize {
        2 * (KEY_BYTES + self.salt_bytes())
    }

    /// What an RTP packet grows by.
    pub const fn tag_bytes(self) -> usize {
        match self {
            Self::Gcm => 16,
            Self::CounterMode => 10,
        }
    }
}

/// The keys of one direction. A secret: it is not printed.
pub(in crate::media::peer) enum Cipher {
    Gcm {
        rtp: Box<Sealing>,
        rtcp: Box<Sealing>,
    },
    CounterMode {
        rtp: Box<Keys>,
        rtcp: Box<Keys>,
    },
}

/// A key of AES-GCM and its salt.
pub(in crate::media::peer) struct Sealing {
    key: aead::LessSafeKey,
    salt: [u8; 12],
}

/// The keys of AES in counter mode with HMAC-SHA1.
pub(in crate::media::peer) struct Keys {
    block: Aes128,
    salt: [u8; 14],
    /// Its first block has been done: what remains to do is copied for each packet.
    mac: Hmac<Sha1>,
}

/// Where an RTP packet's payload begins, and what its nonce is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The length of header, CSRCs and extension.
    pub header: usize,
    pub ssrc: u32,
    /// Roll-over count and number.
    pub index: u64,
}

/// What DTLS exported, for both directions: the client's and the server's. `None` if it is too short.
pub(in crate::media::peer) fn ciphers(
    profile: Profile,
    exported: &[u8],
) -> Option<(Cipher, Cipher)> {
    let (keys, salts) = exported.split_at_checked(2 * KEY_BYTES)?;
    let (client, server) = salts.split_at_checked(profile.salt_bytes())?;
    let client = Cipher::new(profile, &keys[..KEY_BYTES], client)?;
    Some((client, Cipher::new(profile, &keys[KEY_BYTES..], server)?))
}

impl Cipher {
    /// From a master key and its salt.
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Option<Self> {
        let salt = salt.get(..profile.salt_bytes())?;
        let derivation = Derivation::new(key, salt)?;
        // Labels 0 to 2 are RTP's, 3 to 5 RTCP's: encryption, authentication, salt (RFC 3711 §4.3.2).
        Some(match profile {
            Profile::Gcm => Self::Gcm {
                rtp: Box::new(Sealing::new(&derivation, 0)?),
                rtcp: Box::new(Sealing::new(&derivation, 3)?),
            },
            Profile::CounterMode => Self::CounterMode {
                rtp: Box::new(Keys::new(&derivation, 0)?),
                rtcp: Box::new(Keys::new(&derivation, 3)?),
            },
        })
    }

    pub const fn profile(&self) -> Profile {
        match self {
            Self::Gcm { .. } => Profile::Gcm,
            Self::CounterMode { .. } => Profile::CounterMode,
        }
    }

    /// Seals the RTP packet in place; it ends with as much room as the tag needs.
    ///
    /// One stream's index must not be sealed twice: two packets under one nonce give both away.
    #[must_use]
    pub(super) fn seal_rtp(&self, packet: &mut [u8], place: Place) -> bool {
        let Some(length) = packet.len().checked_sub(self.profile().tag_bytes()) else {
            return false;
        };
        let (text, tag) = packet.split_at_mut(length);
        match self {
            Self::Gcm { rtp, .. } => {
                let (header, payload) = text.split_at_mut(place.header);
                let sealed = rtp.seal(nonce(&rtp.salt, place.ssrc, place.index), header, payload);
                sealed.is_some_and(|sealed| {
                    tag.copy_from_slice(&sealed);
                    true
                })
            }
            Self::CounterMode { rtp, .. } => {
                rtp.crypt(place.ssrc, place.index, &mut text[place.header..]);
                let mac = rtp.rtp_mac(text, place.index).finalize().into_bytes();
                tag.copy_from_slice(&mac[..tag.len()]);
                true
            }
        }
    }

    /// Opens the RTP packet in place. Whether it is authentic; if not it may be scrambled.
    #[must_use]
    pub(super) fn open_rtp(&self, packet: &mut [u8], place: Place) -> bool {
        let Some(length) = packet.len().checked_sub(self.profile().tag_bytes()) else {
            return false;
        };
        let (text, tag) = packet.split_at_mut(length);
        match self {
            Self::Gcm { rtp, .. } => {
                let (header, payload) = text.split_at_mut(place.header);
                let nonce = nonce(&rtp.salt, place.ssrc, place.index);
                rtp.open(nonce, header, payload, tag)
            }
            Self::CounterMode { rtp, .. } => {
                let mac = rtp.rtp_mac(text, place.index);
                let authentic = mac.verify_truncated_left(tag).is_ok();
                if authentic {
                    rtp.crypt(place.ssrc, place.index, &mut text[place.header..]);
                }
                authentic
            }
        }
    }

    /// Seals the compound RTCP packet that stands from `start` to the end, and appends what belongs behind it. False
    /// for what is too short to be one.
    #[must_use]
    pub fn seal_rtcp(&self, bytes: &mut Vec<u8>, start: usize, index: u32) -> bool {
        let Some(ssrc) = bytes.get(start..).and_then(rtcp_ssrc) else {
            return false;
        };
        let trailer = (index | ENCRYPTED).to_be_bytes();
        let body = start + CLEAR_BYTES;
        match self {
            Self::Gcm { rtcp, .. } => {
                let aad = rtcp_aad(&bytes[start..], trailer);
                let nonce = nonce(&rtcp.salt, ssrc, u64::from(index));
                let Some(tag) = rtcp.seal(nonce, &aad, &mut bytes[body..]) else {
                    return false;
                };
                // The trailer stands behind the tag here (RFC 7714 §9.2), and before it there (RFC 3711 §3.4).
                bytes.extend_from_slice(&tag);
                bytes.extend_from_slice(&trailer);
            }
            Self::CounterMode { rtcp, .. } => {
                rtcp.crypt(ssrc, u64::from(index), &mut bytes[body..]);
                bytes.extend_from_slice(&trailer);
                let mac = rtcp.mac.clone().chain_update(&bytes[start..]);
                let tag = &mac.finalize().into_bytes()[..self.profile().tag_bytes()];
                bytes.extend_from_slice(tag);
            }
        }
        true
    }

    /// What an SRTCP packet says of itself: its SSRC, and the E flag with the index.
    pub fn rtcp_trailer(&self, packet: &[u8]) -> Option<(u32, u32)> {
        let tag = self.profile().tag_bytes();
        let behind = match self {
            Self::Gcm { .. } => 0,
            Self::CounterMode { .. } => tag,
        };
        let least = CLEAR_BYTES + TRAILER_BYTES + tag;
        let at = packet.len().checked_sub(TRAILER_BYTES + behind)?;
        let trailer = packet
            .get(at..)?
            .first_chunk()
            .filter(|_| packet.len() >= least)?;
        Some((rtcp_ssrc(packet)?, u32::from_be_bytes(*trailer)))
    }

    /// Opens the SRTCP packet in place: its plain length, if it is authentic.
    #[must_use]
    pub fn open_rtcp(&self, packet: &mut [u8], ssrc: u32, trailer: u32) -> Option<usize> {
        let index = u64::from(trailer & !ENCRYPTED);
        let encrypted = trailer & ENCRYPTED != 0;
        match self {
            Self::Gcm { rtcp, .. } => {
                // RFC 7714 §9.3 has another form for what is not encrypted; no client sends it.
                let aad = rtcp_aad(packet, trailer.to_be_bytes());
                let end = packet
                    .len()
                    .checked_sub(TRAILER_BYTES + aead::AES_128_GCM.tag_len())?;
                let (text, behind) = packet.split_at_mut_checked(end)?;
                let tag = &behind[..aead::AES_128_GCM.tag_len()];
                let nonce = nonce(&rtcp.salt, ssrc, index);
                let body = text.get_mut(CLEAR_BYTES..).filter(|_| encrypted)?;
                rtcp.open(nonce, &aad, body, tag).then_some(end)
            }
            Self::CounterMode { rtcp, .. } => {
                let tag_at = packet.len().checked_sub(self.profile().tag_bytes())?;
                let (text, tag) = packet.split_at_mut(tag_at);
                let mac = rtcp.mac.clone().chain_update(&*text);
                mac.verify_truncated_left(tag).ok()?;
                let end = tag_at.checked_sub(TRAILER_BYTES)?;
                let body = text.get_mut(CLEAR_BYTES..end)?;
                if encrypted {
                    rtcp.crypt(ssrc, index, body);
                }
                Some(end)
            }
        }
    }
}

/// The key derivation of RFC 3711 §4.3, without re-keying.
struct Derivation {
    master: Aes128,
    /// Padded on the right where it has 96 bits (RFC 7714 §11).
    salt: [u8; 16],
}

impl Derivation {
    fn new(key: &[u8], salt: &[u8]) -> Option<Self> {
        let mut padded = [0; 16];
        padded.get_mut(..salt.len())?.copy_from_slice(salt);
        Some(Self {
            master: <Aes128 as AesKeyInit>::new_from_slice(key).ok()?,
            salt: padded,
        })
    }

    /// Two blocks of the key stream for a label: no key is longer.
    fn derive(&self, label: u8) -> [u8; 32] {
        let mut out = [0; 32];
        for (number, block) in (0..).zip(out.chunks_mut(16)) {
            block.copy_from_slice(&self.salt);
            block[7] ^= label;
            block[15] = number;
            self.master
                .encrypt_block(GenericArray::from_mut_slice(block));
        }
        out
    }
}

impl Sealing {
    fn new(derivation: &Derivation, label: u8) -> Option<Self> {
        let key = derivation.derive(label);
        let key = aead::UnboundKey::new(&aead::AES_128_GCM, &key[..KEY_BYTES]).ok()?;
        let salt = derivation.derive(label + 2);
        Some(Self {
            key: aead::LessSafeKey::new(key),
            salt: *salt.first_chunk()?,
        })
    }

    fn seal(&self, nonce: aead::Nonce, aad: &[u8], text: &mut [u8]) -> Option<[u8; 16]> {
        let aad = aead::Aad::from(aad);
        let tag = self.key.seal_in_place_separate_tag(nonce, aad, text).ok()?;
        tag.as_ref().try_into().ok()
    }

    fn open(&self, nonce: aead::Nonce, aad: &[u8], text: &mut [u8], tag: &[u8]) -> bool {
        let Ok(tag) = aead::Tag::try_from(tag) else {
            return false;
        };
        let aad = aead::Aad::from(aad);
        let opened = self
            .key
            .open_in_place_separate_tag(nonce, aad, tag, text, 0..);
        opened.is_ok()
    }
}

impl Keys {
    fn new(derivation: &Derivation, label: u8) -> Option<Self> {
        let mac = derivation.derive(label + 1);
        Some(Self {
            block: <Aes128 as AesKeyInit>::new_from_slice(&derivation.derive(label)[..KEY_BYTES])
                .ok()?,
            mac: Hmac::new_from_slice(&mac[..20]).ok()?,
            salt: *derivation.derive(label + 2).first_chunk()?,
        })
    }

    /// RFC 3711 §4.1.1.
    fn crypt(&self, ssrc: u32, index: u64, bytes: &mut [u8]) {
        let mut start = [0; 16];
        start[..14].copy_from_slice(&self.salt);
        xor(&mut start[4..8], &ssrc.to_be_bytes());
        xor(&mut start[8..14], &index.to_be_bytes()[2..]);
        let core = CtrCore::<&Aes128, Ctr128BE>::inner_iv_init(&self.block, &start.into());
        StreamCipherCoreWrapper::from_core(core).apply_keystream(bytes);
    }

    /// Over the packet and the roll-over count, which it does not carry (RFC 3711 §4.2).
    fn rtp_mac(&self, text: &[u8], index: u64) -> Hmac<Sha1> {
        let roll_overs = (index >> 16) as u32;
        let mac = self.mac.clone().chain_update(text);
        mac.chain_update(roll_overs.to_be_bytes())
    }
}

/// RFC 7714 §8.1 and §9.1: both write the SSRC to one place, and the index, of 48 or 31 bits, to the end.
fn nonce(salt: &[u8; 12], ssrc: u32, index: u64) -> aead::Nonce {
    let mut nonce = *salt;
    xor(&mut nonce[2..6], &ssrc.to_be_bytes());
    xor(&mut nonce[6..], &index.to_be_bytes()[2..]);
    aead::Nonce::assume_unique_for_key(nonce)
}

fn rtcp_ssrc(packet: &[u8]) -> Option<u32> {
    let head: &[u8; CLEAR_BYTES] = packet.first_chunk()?;
    Some(u32::from_be_bytes([head[4], head[5], head[6], head[7]]))
}

fn rtcp_aad(packet: &[u8], trailer: [u8; 4]) -> [u8; CLEAR_BYTES + TRAILER_BYTES] {
    let mut aad = [0; CLEAR_BYTES + TRAILER_BYTES];
    let clear = packet.len().min(CLEAR_BYTES);
    aad[..clear].copy_from_slice(&packet[..clear]);
    aad[CLEAR_BYTES..].copy_from_slice(&trailer);
    aad
}

fn xor(target: &mut [u8], with: &[u8]) {
    target.iter_mut().zip(with).for_each(|(a, b)| *a ^= b);
}

#[cfg(test)]
pub(super) fn derive(key: &[u8], salt: &[u8], label: u8) -> [u8; 32] {
    Derivation::new(key, salt).unwrap().derive(label)
}
