//! The counters that encodings write into packets, and that go on where a slot turns to another source: VP8's and VP9's
//! picture ids and TL0PICIDX, and the frame numbers of dependency descriptors.

use super::encoding::Encoding;

/// What is added to the counters of a source, from where a slot began to carry it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Offsets {
    /// To timestamps.
    pub timestamp: u32,
    /// To picture ids.
    pub picture: u16,
    /// To TL0PICIDX.
    pub tl0: u8,
    /// To the frame numbers of dependency descriptors.
    pub frame: u16,
}

/// Where in a payload its picture counters stand, if anywhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Places {
    /// Offset, and whether it has 15 bits instead of 7.
    picture: Option<(usize, bool)>,
    tl0: Option<usize>,
}

impl Places {
    /// Finds them in a payload.
    pub fn find(encoding: Encoding, payload: &[u8]) -> Self {
        let found = match encoding {
            Encoding::Vp8 => Self::vp8(payload),
            Encoding::Vp9 => Self::vp9(payload),
            Encoding::Opus | Encoding::H264 | Encoding::Av1 | Encoding::Other => None,
        };
        found.unwrap_or_default()
    }

    /// RFC 7741 §4.2.
    fn vp8(payload: &[u8]) -> Option<Self> {
        if payload.first()? & 0x80 == 0 {
            return None;
        }
        let extension = *payload.get(1)?;
        let (mut at, mut places) = (2, Self::default());
        if extension & 0x80 != 0 {
            at = places.note_picture(payload, at)?;
        }
        if extension & 0x40 != 0 {
            payload.get(at)?;
            places.tl0 = Some(at);
        }
        Some(places)
    }

    /// RFC 9628 §4.2; TL0PICIDX only stands in non-flexible mode.
    fn vp9(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let (mut at, mut places) = (1, Self::default());
        if first & 0x80 != 0 {
            at = places.note_picture(payload, at)?;
        }
        if first & 0x20 != 0 && first & 0x10 == 0 {
            payload.get(at + 1)?;
            places.tl0 = Some(at + 1);
        }
        Some(places)
    }

    fn note_picture(&mut self, payload: &[u8], at: usize) -> Option<usize> {
        let long = payload.get(at)? & 0x80 != 0;
        let end = at + if long { 2 } else { 1 };
        payload.get(end - 1)?;
        self.picture = Some((at, long));
        Some(end)
    }

    /// The picture id, and as many ones as it has bits.
    pub fn picture(self, payload: &[u8]) -> Option<(u16, u16)> {
        let (at, long) = self.picture?;
        let first = u16::from(*payload.get(at)? & 0x7f);
        if long {
            Some((first << 8 | u16::from(*payload.get(at + 1)?), 0x7fff))
        } else {
            Some((first, 0x7f))
        }
    }

    /// TL0PICIDX.
    pub fn tl0(self, payload: &[u8]) -> Option<u8> {
        payload.get(self.tl0?).copied()
    }

    /// Adds to the counters where they stand.
    pub fn add(self, offsets: Offsets, payload: &mut [u8]) {
        let picture = self.picture(payload);
        let picture = picture.map(|(id, mask)| id.wrapping_add(offsets.picture) & mask);
        if let (Some((at, long)), Some(id)) = (self.picture, picture) {
            let [high, low] = id.to_be_bytes();
            match payload.get_mut(at..) {
                Some([first, second, ..]) if long => (*first, *second) = (high | 0x80, low),
                Some([first, ..]) if !long => *first = low,
                _ => {}
            }
        }
        if let Some(index) = self.tl0.and_then(|at| payload.get_mut(at)) {
            *index = index.wrapping_add(offsets.tl0);
        }
    }
}

/// The frame number of a dependency descriptor: its second and third byte.
pub fn frame_number(descriptor: &[u8]) -> Option<u16> {
    let [_, high, low, ..] = *descriptor else {
        return None;
    };
    Some(u16::from_be_bytes([high, low]))
}

/// Adds to a descriptor's frame number.
pub fn add_frame(descriptor: &mut [u8], offset: u16) {
    if let Some(number) = frame_number(descriptor)
        && let Some(place) = descriptor.get_mut(1..3)
    {
        place.copy_from_slice(&number.wrapping_add(offset).to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(encoding: Encoding, offsets: Offsets, payload: &[u8]) -> Vec<u8> {
        let mut payload = payload.to_vec();
        Places::find(encoding, &payload).add(offsets, &mut payload);
        payload
    }

    #[test]
    fn counters_keep_their_width() {
        let offsets = Offsets {
            picture: 2,
            tl0: 3,
            ..Offsets::default()
        };
        let vp8 = |payload: &[u8]| added(Encoding::Vp8, offsets, payload);
        assert_eq!(
            vp8(&[0x90, 0xe0, 0xff, 0xfe, 254, 7]),
            [0x90, 0xe0, 0x80, 0, 1, 7]
        );
        assert_eq!(vp8(&[0x90, 0x80, 0x7f, 0]), [0x90, 0x80, 1, 0]);
        assert_eq!(vp8(&[0x10, 0, 0xff]), [0x10, 0, 0xff]);
        let vp9 = |payload: &[u8]| added(Encoding::Vp9, offsets, payload);
        assert_eq!(vp9(&[0xa8, 0x81, 0, 0, 0x50]), [0xa8, 0x81, 2, 0, 0x53]);
        // Flexible mode has no TL0PICIDX.
        assert_eq!(vp9(&[0xb8, 5, 0, 0x50]), [0xb8, 7, 0, 0x50]);
    }

    #[test]
    fn malformed_payloads_of_every_length_pass_without_a_panic() {
        let offsets = Offsets {
            picture: 0x1234,
            tl0: 9,
            ..Offsets::default()
        };
        for encoding in [Encoding::Vp8, Encoding::Vp9, Encoding::H264, Encoding::Av1] {
            for first in 0..=255_u8 {
                for second in [0, 0x40, 0x80, 0xf0, 0xff] {
                    for length in 0..12 {
                        let mut bytes = [first, second].repeat(6);
                        bytes.truncate(length);
                        assert_eq!(added(encoding, offsets, &bytes).len(), length);
                    }
                }
            }
        }
    }

    #[test]
    fn a_frame_number_stands_behind_the_first_byte() {
        let mut descriptor = [0xc1, 0xff, 0xff, 5];
        add_frame(&mut descriptor, 3);
        assert_eq!(descriptor, [0xc1, 0, 2, 5]);
        let mut short = [0xc1, 0xff];
        add_frame(&mut short, 3);
        assert_eq!(short, [0xc1, 0xff]);
    }
}
