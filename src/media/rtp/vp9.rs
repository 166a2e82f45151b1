//! VP9's payload descriptor (RFC 9628 §4.2), read on untrusted bytes.

use super::part::Part;
use super::size::Size;

/// A picture has no more spatial layers than three bits count.
pub const MAX_SPATIAL: usize = 8;
/// A frame refers to so many pictures at most.
const MAX_REFERENCES: usize = 3;

/// What stands before the first byte of a frame's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor {
    is_inter_predicted: bool,
    ends: bool,
    layer: Option<Layer>,
    /// Where the scalability structure begins, if there is one.
    structure: Option<usize>,
}

/// The layer indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layer {
    temporal: u8,
    is_up_switch: bool,
    spatial: u8,
}

impl Descriptor {
    /// Reads one. None where it is cut off or refers to more than it may.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let has = |bit: u8| first & bit != 0;
        let is_flexible = has(0x10);
        let mut at = 1;
        if has(0x80) {
            at += if payload.get(at)? & 0x80 == 0 { 1 } else { 2 };
        }
        let mut layer = None;
        if has(0x20) {
            let byte = *payload.get(at)?;
            layer = Some(Layer {
                temporal: byte >> 5,
                is_up_switch: byte & 0x10 != 0,
                spatial: byte >> 1 & 0x07,
            });
            // TL0PICIDX only stands in non-flexible mode.
            at += if is_flexible { 1 } else { 2 };
        }
        if is_flexible && has(0x40) {
            let references = payload.get(at..)?.iter().take(MAX_REFERENCES);
            let last = references.clone().position(|byte| byte & 1 == 0)?;
            at += last + 1;
        }
        payload.get(..at)?;
        Some(Self {
            is_inter_predicted: has(0x40),
            ends: has(0x04),
            layer,
            structure: has(0x02).then_some(at),
        })
    }

    /// The layer that it names, if it does.
    pub fn part(&self) -> Option<Part> {
        let layer = self.layer?;
        Some(Part {
            spatial: layer.spatial,
            temporal: layer.temporal,
            is_independent: !self.is_inter_predicted,
            is_up_switch: layer.is_up_switch,
            is_layer_sync: false,
            ends: self.ends,
        })
    }

    /// How large the spatial layers are, from the smallest, where the payload's scalability structure says so.
    pub fn sizes(&self, payload: &[u8]) -> Option<Sizes> {
        let (structure, rest) = payload.get(self.structure?..)?.split_first()?;
        if structure & 0x10 == 0 {
            return None;
        }
        let count = usize::from(structure >> 5) + 1;
        let mut sizes = Sizes::default();
        let told = rest.get(..count * 4)?.as_chunks::<4>().0.iter();
        for (size, [w_high, w_low, h_high, h_low]) in sizes.iter_mut().zip(told) {
            *size = Some(Size {
                width: u16::from_be_bytes([*w_high, *w_low]),
                height: u16::from_be_bytes([*h_high, *h_low]),
            })
            .filter(|size| size.width > 0 && size.height > 0);
        }
        Some(sizes)
    }
}

/// One for each spatial layer, from the smallest.
pub type Sizes = [Option<Size>; MAX_SPATIAL];

#[cfg(test)]
mod tests {
    use super::*;

    fn part(payload: &[u8]) -> Option<Part> {
        Descriptor::read(payload)?.part()
    }

    #[test]
    fn layers_are_read_in_both_modes() {
        let part_of = |spatial, temporal, is_independent, is_up_switch, ends| {
            Some(Part {
                spatial,
                temporal,
                is_independent,
                is_up_switch,
                is_layer_sync: false,
                ends,
            })
        };
        // Not flexible: a short picture id, layer indices, TL0PICIDX.
        let begin = [0xa8, 0x01, 0x00, 0x05, 0xff];
        assert_eq!(part(&begin), part_of(0, 0, true, false, false));
        let end = [0xec, 0x81, 0x02, 0x5b, 0x05, 0xff];
        assert_eq!(part(&end), part_of(5, 2, false, true, true));
        // Flexible: no TL0PICIDX, three references.
        let flexible = [0xf4, 0x01, 0x22, 0x03, 0x05, 0x06, 0xff];
        assert_eq!(part(&flexible), part_of(1, 1, false, false, true));
        let endless = [0xf4, 0x01, 0x22, 0x03, 0x05, 0x07, 0xff];
        assert_eq!(part(&endless), None);
        assert_eq!(part(&[0x88, 0x01, 0xff]), None, "it names no layer");
    }

    #[test]
    fn a_structure_tells_the_sizes() {
        let mut payload = vec![0xaa, 0x01, 0x00, 0x05];
        payload.extend_from_slice(&[0x38, 0x01, 0x40, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68]);
        payload.extend_from_slice(&[0x01, 0x04, 0x01, 0xff]);
        let sizes = |payload: &[u8]| Descriptor::read(payload)?.sizes(payload);
        let expected = [(320, 180), (640, 360)];
        let told = sizes(&payload).unwrap().into_iter().flatten();
        let told: Vec<_> = told.map(|size| (size.width, size.height)).collect();
        assert_eq!(told, expected);
        assert_eq!(sizes(&payload[..12]), None, "it is cut off");
        payload[4] = 0x28;
        assert_eq!(sizes(&payload), None, "it tells none");
        payload[0] = 0xa8;
        assert_eq!(sizes(&payload), None, "there is none");
    }

    #[test]
    fn malformed_descriptors_of_every_length_pass_without_a_panic() {
        for first in 0..=255_u8 {
            for second in [0, 0x10, 0x38, 0x7f, 0x80, 0xf9, 0xff] {
                for length in 0..24 {
                    let mut bytes = [first, second].repeat(12);
                    bytes.truncate(length);
                    let Some(descriptor) = Descriptor::read(&bytes) else {
                        continue;
                    };
                    let spatial = descriptor.part().map_or(0, |part| part.spatial);
                    assert!(usize::from(spatial) < MAX_SPATIAL);
                    let _ = descriptor.sizes(&bytes);
                }
            }
        }
    }
}
