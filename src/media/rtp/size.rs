//! How large a keyframe's picture is, where its encoding says so in clear. Reads untrusted bytes.

use super::encoding::Encoding;

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// From left to right.
    pub width: u16,
    /// From top to bottom.
    pub height: u16,
}

/// The size that the first packet of a keyframe tells.
pub fn of_keyframe(encoding: Encoding, payload: &[u8]) -> Option<Size> {
    let size = match encoding {
        Encoding::Vp8 => vp8(payload),
        Encoding::H264 => h264(payload),
        Encoding::Vp9 | Encoding::Av1 | Encoding::Opus | Encoding::Other => None,
    };
    size.filter(|size| size.width > 0 && size.height > 0)
}

/// RFC 6386 §9.1: a tag of three bytes, a start code, then 14 bits each and two of scaling.
fn vp8(payload: &[u8]) -> Option<Size> {
    let frame = payload.get(super::keyframe::vp8_descriptor_bytes(payload)?..)?;
    let [_, _, _, 0x9d, 0x01, 0x2a, w_low, w_high, h_low, h_high] = *frame.first_chunk()? else {
        return None;
    };
    Some(Size {
        width: u16::from_le_bytes([w_low, w_high]) & 0x3fff,
        height: u16::from_le_bytes([h_low, h_high]) & 0x3fff,
    })
}

/// An SPS, alone or aggregated (RFC 6184 §5.7.1).
fn h264(payload: &[u8]) -> Option<Size> {
    const SPS: u8 = 7;
    match payload.first()? & 0x1f {
        SPS => sps(payload.get(1..)?),
        24 => {
            let mut rest = payload.get(1..)?;
            while let Some(([high, low], after)) = rest.split_first_chunk() {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                let (unit, after) = after.split_at_checked(length)?;
                if unit.first()? & 0x1f == SPS {
                    return sps(unit.get(1..)?);
                }
                rest = after;
            }
            None
        }
        _ => None,
    }
}

/// ITU-T H.264 §7.3.2.1.1, as far as the cropping.
fn sps(unit: &[u8]) -> Option<Size> {
    /// Profiles whose SPS tells of the colours.
    const WITH_CHROMA: [u8; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];
    let mut bits = Bits::of(unit);
    let profile = bits.read(8)? as u8;
    bits.read(16)?;
    bits.golomb()?;
    let mut chroma = 1;
    if WITH_CHROMA.contains(&profile) {
        chroma = bits.golomb()?;
        if chroma == 3 {
            bits.read(1)?;
        }
        bits.golomb()?;
        bits.golomb()?;
        bits.read(1)?;
        if bits.read(1)? == 1 {
            // Scaling matrices, which nobody sends here.
            return None;
        }
    }
    bits.golomb()?;
    match bits.golomb()? {
        0 => drop(bits.golomb()?),
        1 => {
            bits.read(1)?;
            bits.golomb()?;
            bits.golomb()?;
            for _ in 0..bits.golomb()?.min(255) {
                bits.golomb()?;
            }
        }
        _ => {}
    }
    bits.golomb()?;
    bits.read(1)?;
    let width = (bits.golomb()?.checked_add(1)?).checked_mul(16)?;
    let units = bits.golomb()?.checked_add(1)?;
    let fields = if bits.read(1)? == 1 { 1 } else { 2 };
    let height = units.checked_mul(16)?.checked_mul(fields)?;
    if fields == 2 {
        bits.read(1)?;
    }
    bits.read(1)?;
    let mut cropped = [0; 2];
    if bits.read(1)? == 1 {
        let (across, along) = if chroma == 1 { (2, 2) } else { (1, 1) };
        for (sum, unit) in cropped.iter_mut().zip([across, along * fields]) {
            let both = bits.golomb()?.checked_add(bits.golomb()?)?;
            *sum = both.checked_mul(unit)?;
        }
    }
    Some(Size {
        width: u16::try_from(width.checked_sub(cropped[0])?).ok()?,
        height: u16::try_from(height.checked_sub(cropped[1])?).ok()?,
    })
}

/// Bits of a unit, without the bytes that keep start codes out of it (ITU-T H.264 §7.4.1).
struct Bits<'a> {
    rest: &'a [u8],
    zeros: u8,
    byte: u8,
    left: u8,
}

impl<'a> Bits<'a> {
    fn of(rest: &'a [u8]) -> Self {
        Self {
            rest,
            zeros: 0,
            byte: 0,
            left: 0,
        }
    }

    fn bit(&mut self) -> Option<u32> {
        if self.left == 0 {
            let (mut byte, mut rest) = self.rest.split_first()?;
            if self.zeros >= 2 && *byte == 3 {
                (byte, rest) = rest.split_first()?;
                self.zeros = 0;
            }
            self.zeros = if *byte == 0 { self.zeros + 1 } else { 0 };
            (self.byte, self.rest, self.left) = (*byte, rest, 8);
        }
        self.left -= 1;
        Some(u32::from(self.byte >> self.left & 1))
    }

    fn read(&mut self, bits: u8) -> Option<u32> {
        (0..bits).try_fold(0, |value, _| Some(value << 1 | self.bit()?))
    }

    /// An unsigned Exp-Golomb code (§9.1).
    fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > 16 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.read(zeros)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(width: u16, height: u16) -> Option<Size> {
        Some(Size { width, height })
    }

    #[test]
    fn vp8_keyframes_tell_their_size() {
        let frame = [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02];
        let with = |descriptor: &[u8]| [descriptor, &frame, &[1, 2, 3]].concat();
        let of = |payload: &[u8]| of_keyframe(Encoding::Vp8, payload);
        assert_eq!(of(&with(&[0x10])), size(1280, 720));
        assert_eq!(of(&with(&[0x90, 0xe0, 0x81, 2, 3, 4])), size(1280, 720));
        // The two highest bits say how it is to be scaled.
        let mut scaled = with(&[0x10]);
        scaled[8] |= 0x40;
        assert_eq!(of(&scaled), size(1280, 720));
        assert_eq!(of(&with(&[0x10])[..10]), None);
        assert_eq!(of(&[0x10, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]), None);
    }

    #[test]
    fn h264_parameter_sets_tell_their_size() {
        let of = |payload: &[u8]| of_keyframe(Encoding::H264, payload);
        // Constrained baseline; of both some lines are cropped.
        let small = [0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0x40];
        let wide = [0x67, 0x42, 0xc0, 0x1e, 0xda, 0x01, 0xe0, 0x08, 0x9f, 0x95];
        // High, 1280 × 720.
        let large = [0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb];
        assert_eq!(of(&large), size(1280, 720));
        assert_eq!(of(&small), size(640, 360));
        assert_eq!(of(&wide), size(1920, 1080));
        let aggregated = [&[24, 0, 2, 9, 0x10, 0, 10][..], &large, &[0, 1, 0x68]].concat();
        assert_eq!(of(&aggregated), size(1280, 720));
        assert_eq!(of(&[0x65, 1, 2, 3]), None);
        assert_eq!(of(&large[..6]), None);
    }

    #[test]
    fn malformed_payloads_of_every_length_are_no_panic() {
        for encoding in [Encoding::Vp8, Encoding::H264, Encoding::Vp9] {
            for fill in [0x00, 0x03, 0x18, 0x67, 0x7f, 0x9d, 0xaa, 0xff] {
                for length in 0..40 {
                    for first in 0..=255_u8 {
                        let mut payload = vec![fill; length];
                        if let Some(byte) = payload.first_mut() {
                            *byte = first;
                        }
                        let _ = of_keyframe(encoding, &payload);
                    }
                }
            }
        }
    }
}
