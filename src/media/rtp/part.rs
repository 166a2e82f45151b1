//! Where a packet stands in a stream that carries layers in itself: its spatial and temporal layer, and whether a
//! decoder may begin with it. Reads payload descriptors on untrusted bytes.

use super::encoding::Encoding;
use super::size;
use super::vp8;
use super::vp9::{self, Sizes};

/// What a packet says of the frame that it is a part of. All of one picture have one timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The spatial layer, from the smallest.
    pub spatial: u8,
    /// The temporal layer, from the slowest.
    pub temporal: u8,
    /// It needs no earlier picture: a decoder that has the layer below this one may begin with it.
    pub is_independent: bool,
    /// No later picture of a higher temporal layer needs one of such a layer from before this one.
    pub is_up_switch: bool,
    /// It needs pictures of the slowest temporal layer alone: a decoder that has all layers below this one may go on with
    /// it.
    pub is_layer_sync: bool,
    /// It ends its frame.
    pub ends: bool,
}

impl Part {
    /// The part that a packet's payload names, if it names one.
    pub fn of(encoding: Encoding, payload: &[u8]) -> Option<Self> {
        match encoding {
            Encoding::Vp9 => vp9::Descriptor::read(payload)?.part(),
            Encoding::Vp8 => vp8::part(payload),
            Encoding::Av1 | Encoding::H264 | Encoding::Opus | Encoding::Other => None,
        }
    }

    /// How large the spatial layers are, where the first packet of a keyframe says so.
    pub fn sizes(encoding: Encoding, payload: &[u8]) -> Option<Sizes> {
        match encoding {
            Encoding::Vp9 => vp9::Descriptor::read(payload)?.sizes(payload),
            Encoding::Vp8 => {
                let mut sizes = Sizes::default();
                *sizes.first_mut()? = Some(size::of_keyframe(encoding, payload)?);
                Some(sizes)
            }
            _ => None,
        }
    }
}
