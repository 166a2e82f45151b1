//! Where a packet stands in a stream that carries layers in itself.

use super::Up;
use crate::media::rtp::dependency::{Described, Targets};
use crate::media::rtp::encoding::Encoding;
use crate::media::rtp::extensions::Extension;
use crate::media::rtp::packet::View;
use crate::media::rtp::part::Part;
use crate::media::rtp::vp9::Sizes;

/// What a packet says of that.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::media) struct Standing {
    /// Its layer, where the packet names one.
    pub part: Option<Part>,
    /// How large the spatial layers are.
    pub sizes: Option<Sizes>,
    /// What can be decoded of the stream.
    pub targets: Option<Targets>,
}

impl Up {
    /// Read from its payload, or from its dependency descriptor where the payload is silent.
    pub(super) fn standing(
        &mut self,
        place: usize,
        view: &View<'_>,
        (encoding, payload, keyframe): (Encoding, &[u8], bool),
    ) -> Standing {
        let is_simulcast = !self.lines[self.streams[place].line].layers.is_empty();
        match encoding {
            Encoding::Vp8 => {}
            Encoding::Vp9 | Encoding::Av1 if !is_simulcast => {}
            _ => return Standing::default(),
        }
        let described = self.described(place, view);
        let sizes = keyframe.then(|| Part::sizes(encoding, payload)).flatten();
        Standing {
            part: Part::of(encoding, payload).or(described.map(|described| described.part)),
            // In simulcast a stream has one size.
            sizes: sizes
                .or(described.and_then(|described| described.sizes))
                .filter(|_| !is_simulcast),
            targets: described.map(|described| described.targets),
        }
    }

    fn described(&mut self, place: usize, view: &View<'_>) -> Option<Described> {
        let descriptor = self.value(view, Extension::Dependencies)?;
        let stream = &mut self.streams[place];
        stream.descriptors.read(descriptor, view.header.timestamp)
    }
}
