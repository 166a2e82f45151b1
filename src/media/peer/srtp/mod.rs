//! SRTP and SRTCP (RFC 3711) of one peer, in place.
//!
//! A replay list and a highest index move only when a packet was authentic (RFC 3711 §3.3). Nothing is kept for a
//! stream that had no authentic packet. So a forged packet changes nothing. On our side no call can seal one index of a
//! stream twice: two packets under one nonce would give both away.

mod cipher;
#[cfg(test)]
mod tests;
mod window;

use self::cipher::Place;
pub(super) use self::cipher::{Cipher, EXPORT_LABEL, Profile, ciphers};
use self::window::Window;
use crate::budgets::media::STREAMS;

const FIXED_HEADER_BYTES: usize = 12;
const SRTCP_INDEX: u32 = 0x7fff_ffff;

/// The windows of a direction's streams, found by SSRC. There are a few dozen; a walk over their numbers is quick.
#[derive(Default)]
struct Windows {
    ssrcs: Vec<u32>,
    windows: Vec<Window>,
}

impl Windows {
    fn of(&mut self, ssrc: u32) -> Option<&mut Window> {
        let at = self.ssrcs.iter().position(|known| *known == ssrc)?;
        self.windows.get_mut(at)
    }

    /// Notes an authentic packet, or one of ours.
    fn mark(&mut self, ssrc: u32, index: u64) {
        match self.of(ssrc) {
            Some(window) => window.mark(index),
            None => {
                self.ssrcs.push(ssrc);
                self.windows.push(Window::starting_at(index));
            }
        }
    }

    /// The index of a stream's packet that was not there before.
    fn next(&mut self, ssrc: u32, number: u16) -> Option<u64> {
        let Some(window) = self.of(ssrc) else {
            return Some(u64::from(number));
        };
        let index = window.index_of(number)?;
        window.accepts(index).then_some(index)
    }
}

/// Opens what a peer sends.
pub(super) struct Inbound {
    cipher: Cipher,
    rtp: Windows,
    rtcp: Windows,
}

impl Inbound {
    /// With the peer's keys.
    pub fn new(cipher: Cipher) -> Self {
        Self {
            cipher,
            rtp: Windows::default(),
            rtcp: Windows::default(),
        }
    }

    /// Opens an RTP packet in place: its plain length and its index, if it is authentic and no replay.
    pub fn open_rtp(&mut self, packet: &mut [u8]) -> Option<(usize, u64)> {
        let (header, ssrc, number) = rtp_header(packet)?;
        let length = packet
            .len()
            .checked_sub(self.cipher.profile().tag_bytes())?;
        let known = self.rtp.of(ssrc).is_some();
        if header > length || (!known && self.rtp.ssrcs.len() >= STREAMS.size()) {
            return None;
        }
        let index = self.rtp.next(ssrc, number)?;
        let place = Place {
            header,
            ssrc,
            index,
        };
        if !self.cipher.open_rtp(packet, place) {
            return None;
        }
        self.rtp.mark(ssrc, index);
        Some((length, index))
    }

    /// Whether [`Inbound::open_rtp`] would open this packet now, for a stream that was heard before, or
    /// [`Inbound::open_rtcp`], for a sender that was. Nothing moves.
    pub fn would_open(&mut self, packet: &[u8], is_rtcp: bool) -> bool {
        if is_rtcp {
            return self.would_open_rtcp(packet);
        }
        let Some((header, ssrc, number)) = rtp_header(packet) else {
            return false;
        };
        let known = self.rtp.of(ssrc).is_some();
        let length = packet.len().checked_sub(self.cipher.profile().tag_bytes());
        let Some(index) = self.rtp.next(ssrc, number) else {
            return false;
        };
        let place = Place {
            header,
            ssrc,
            index,
        };
        let whole = length.is_some_and(|length| header <= length);
        known && whole && self.cipher.open_rtp(&mut packet.to_vec(), place)
    }

    fn would_open_rtcp(&mut self, packet: &[u8]) -> bool {
        let Some((ssrc, trailer)) = self.cipher.rtcp_trailer(packet) else {
            return false;
        };
        let index = u64::from(trailer & SRTCP_INDEX);
        let window = self.rtcp.of(ssrc);
        let is_new = window.is_some_and(|window| window.accepts(index));
        let opened = || self.cipher.open_rtcp(&mut packet.to_vec(), ssrc, trailer);
        is_new && opened().is_some()
    }

    /// Opens a compound RTCP packet in place: its plain length, if it is authentic and no replay.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Option<usize> {
        let (ssrc, trailer) = self.cipher.rtcp_trailer(packet)?;
        let index = u64::from(trailer & SRTCP_INDEX);
        let full = self.rtcp.ssrcs.len() >= STREAMS.size();
        match self.rtcp.of(ssrc) {
            Some(window) if !window.accepts(index) => return None,
            None if full => return None,
            _ => {}
        }
        let length = self.cipher.open_rtcp(packet, ssrc, trailer)?;
        self.rtcp.mark(ssrc, index);
        Some(length)
    }

    #[cfg(test)]
    pub fn streams(&self) -> usize {
        self.rtp.ssrcs.len() + self.rtcp.ssrcs.len()
    }
}

/// Seals what we send.
pub(super) struct Outbound {
    cipher: Cipher,
    rtp: Windows,
    /// One count for all our RTCP: the SSRC is part of the nonce as well.
    rtcp_index: u32,
}

impl Outbound {
    /// With our keys.
    pub fn new(cipher: Cipher) -> Self {
        Self {
            cipher,
            rtp: Windows::default(),
            rtcp_index: 0,
        }
    }

    /// Seals the RTP packet that stands from `start` to the end, and appends the tag. False for bytes that are no RTP
    /// packet, for a number that its stream had before, and for a number too far behind to tell.
    #[must_use]
    pub fn seal_rtp(&mut self, bytes: &mut Vec<u8>, start: usize) -> bool {
        let Some((header, ssrc, number)) = bytes.get(start..).and_then(rtp_header) else {
            return false;
        };
        let Some(index) = self.rtp.next(ssrc, number) else {
            return false;
        };
        // The index counts as used from here on, also when the packet is not sent.
        self.rtp.mark(ssrc, index);
        let place = Place {
            header,
            ssrc,
            index,
        };
        self.append_tag(bytes, start, place)
    }

    /// The same for a packet that was sealed before and is the same in every byte. Its sealed form is the same too, so
    /// nobody learns anything. A different packet must not come here. False for a packet that was never sealed, or too
    /// long ago to tell.
    #[must_use]
    pub fn seal_rtp_again(&mut self, bytes: &mut Vec<u8>, start: usize) -> bool {
        let Some((header, ssrc, number)) = bytes.get(start..).and_then(rtp_header) else {
            return false;
        };
        let window = self.rtp.of(ssrc);
        let index = window.and_then(|window| {
            let index = window.index_of(number)?;
            window.remembers(index).then_some(index)
        });
        let place = index.map(|index| Place {
            header,
            ssrc,
            index,
        });
        place.is_some_and(|place| self.append_tag(bytes, start, place))
    }

    fn append_tag(&self, bytes: &mut Vec<u8>, start: usize, place: Place) -> bool {
        bytes.resize(bytes.len() + self.cipher.profile().tag_bytes(), 0);
        self.cipher.seal_rtp(&mut bytes[start..], place)
    }

    /// The same for a compound RTCP packet. False after 2^31 of them (RFC 3711 §9.2).
    #[must_use]
    pub fn seal_rtcp(&mut self, bytes: &mut Vec<u8>, start: usize) -> bool {
        let index = self.rtcp_index;
        if index >= SRTCP_INDEX {
            return false;
        }
        self.rtcp_index += 1;
        self.cipher.seal_rtcp(bytes, start, index)
    }
}

/// The length of an RTP packet's header with all that belongs to it, its SSRC and its number (RFC 3550 §5.1).
fn rtp_header(packet: &[u8]) -> Option<(usize, u32, u16)> {
    let fixed: &[u8; FIXED_HEADER_BYTES] = packet.first_chunk()?;
    if fixed[0] >> 6 != 2 {
        return None;
    }
    let mut length = FIXED_HEADER_BYTES + 4 * usize::from(fixed[0] & 0x0f);
    if fixed[0] & 0x10 != 0 {
        let words: &[u8; 2] = packet.get(length + 2..)?.first_chunk()?;
        length += 4 + 4 * usize::from(u16::from_be_bytes(*words));
    }
    let ssrc = u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]);
    let number = u16::from_be_bytes([fixed[2], fixed[3]]);
    (length <= packet.len()).then_some((length, ssrc, number))
}
