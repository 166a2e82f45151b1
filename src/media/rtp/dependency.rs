//! The dependency descriptor (the Alliance for Open Media's RTP payload format for AV1, appendix A): a frame's layers,
//! the frames it needs and the decode targets that need it. Reads a header extension on untrusted bytes.

use super::part::Part;
use super::size::Size;
use super::vp9::{MAX_SPATIAL, Sizes};

/// A frame's template is named by six bits,
const MAX_TEMPLATES: usize = 64;
/// and a decode target by five.
const MAX_TARGETS: usize = 32;
/// Bytes without which there is no descriptor; what follows is optional.
const MANDATORY: usize = 3;
/// What a frame is to a decode target: a decoder that has not decoded the target until now may begin with it.
const SWITCH: u64 = 2;

/// What can be decoded of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Targets {
    count: usize,
    /// The highest spatial and temporal layer of each.
    layers: [(u8, u8); MAX_TARGETS],
}

impl Targets {
    /// Those, as bits, that need nothing above these layers; and how many there are.
    pub fn within(&self, spatial: u8, temporal: u8) -> Active {
        let layers = self.layers.iter().take(self.count).enumerate();
        let active = layers.filter(|(_, layer)| layer.0 <= spatial && layer.1 <= temporal);
        Active {
            mask: active.fold(0, |mask, (target, _)| mask | 1 << target),
            count: self.count as u8,
        }
    }
}

/// The decode targets of which everything is sent, as bits, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Active {
    mask: u32,
    count: u8,
}

/// What a descriptor says of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// Where it stands.
    pub part: Part,
    /// What there is.
    pub targets: Targets,
    /// How large the spatial layers are, if this descriptor says so.
    pub sizes: Option<Sizes>,
}

/// What frames are like, as the last keyframe said.
#[derive(Debug, Clone)]
struct Structure {
    /// The number of the first template.
    first: usize,
    count: usize,
    templates: [Template; MAX_TEMPLATES],
    targets: Targets,
    sizes: Option<Sizes>,
}

/// What some frames have in common.
#[derive(Debug, Clone, Copy, Default)]
struct Template {
    spatial: u8,
    temporal: u8,
    /// What it is to each decode target, two bits each.
    indications: u64,
    /// How far back the oldest frame is that it needs.
    oldest: u16,
}

/// One stream's.
#[derive(Debug, Default)]
pub struct Descriptors {
    structure: Option<Box<Structure>>,
    /// The newest picture's timestamp, and its first frame's number.
    picture: Option<(u32, u16)>,
}

impl Descriptors {
    /// Reads the descriptor of a packet with this timestamp.
    pub fn read(&mut self, descriptor: &[u8], timestamp: u32) -> Option<Described> {
        let mut bits = Bits::of(descriptor);
        let head = Head::read(&mut bits, descriptor.len())?;
        let mut sizes = None;
        if head.has_structure {
            let structure = self.structure.get_or_insert_with(Box::default);
            let is_whole = structure.read(&mut bits).is_some();
            if !is_whole {
                self.structure = None;
                return None;
            }
            sizes = structure.sizes;
        }
        let structure = self.structure.as_deref()?;
        let frame = structure.frame(&head, &mut bits)?;
        let (targets, is_up_switch) = (structure.targets, structure.opens_faster(&frame));
        let first = self.first_of_picture(timestamp, head.frame);
        let is_inside = |first: u16| frame.oldest <= head.frame.wrapping_sub(first);
        let part = Part {
            spatial: frame.spatial,
            temporal: frame.temporal,
            is_independent: frame.oldest == 0 || first.is_some_and(is_inside),
            is_up_switch,
            is_layer_sync: false,
            ends: head.ends,
        };
        Some(Described {
            part,
            targets,
            sizes,
        })
    }

    /// The number of the first frame of a picture; none if it is older than the newest one.
    fn first_of_picture(&mut self, timestamp: u32, frame: u16) -> Option<u16> {
        let (newest, first) = self.picture.unwrap_or((timestamp, frame));
        let age = timestamp.wrapping_sub(newest) as i32;
        if age < 0 {
            return None;
        }
        let is_earlier = (frame.wrapping_sub(first) as i16) < 0;
        let first = if age > 0 || is_earlier { frame } else { first };
        self.picture = Some((timestamp, first));
        Some(first)
    }
}

/// What stands before the structure.
#[derive(Debug, Clone, Copy)]
struct Head {
    ends: bool,
    template: usize,
    frame: u16,
    has_structure: bool,
    has_active: bool,
    has_indications: bool,
    has_differences: bool,
}

impl Head {
    fn read(bits: &mut Bits<'_>, length: usize) -> Option<Self> {
        let (_begins, ends) = (bits.flag()?, bits.flag()?);
        let template = bits.take(6)? as usize;
        let frame = bits.take(16)? as u16;
        let mut flags = [false; 5];
        if length > MANDATORY {
            for flag in &mut flags {
                *flag = bits.flag()?;
            }
        }
        let [
            has_structure,
            has_active,
            has_indications,
            has_differences,
            _,
        ] = flags;
        Some(Self {
            ends,
            template,
            frame,
            has_structure,
            has_active,
            has_indications,
            has_differences,
        })
    }
}

impl Default for Structure {
    fn default() -> Self {
        Self {
            first: 0,
            count: 0,
            templates: [Template::default(); MAX_TEMPLATES],
            targets: Targets {
                count: 0,
                layers: [(0, 0); MAX_TARGETS],
            },
            sizes: None,
        }
    }
}

impl Structure {
    fn read(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.first = bits.take(6)? as usize;
        self.targets.count = bits.take(5)? as usize + 1;
        self.read_layers(bits)?;
        for template in self.templates.get_mut(..self.count)? {
            template.indications = 0;
            for target in 0..self.targets.count {
                template.indications |= bits.take(2)? << (2 * target);
            }
        }
        for template in self.templates.get_mut(..self.count)? {
            template.oldest = 0;
            while bits.flag()? {
                let back = bits.take(4)? as u16 + 1;
                template.oldest = template.oldest.max(back);
            }
        }
        self.skip_chains(bits)?;
        self.find_targets();
        self.sizes = None;
        if bits.flag()? {
            let last = self.templates.get(self.count.checked_sub(1)?)?.spatial;
            let mut sizes = Sizes::default();
            for size in sizes.get_mut(..=usize::from(last))? {
                let (width, height) = (bits.take(16)? as u16, bits.take(16)? as u16);
                *size = Some(Size {
                    width: width.saturating_add(1),
                    height: height.saturating_add(1),
                });
            }
            self.sizes = Some(sizes);
        }
        Some(())
    }

    fn read_layers(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        let (mut spatial, mut temporal) = (0_u8, 0_u8);
        self.count = 0;
        loop {
            let template = self.templates.get_mut(self.count)?;
            (template.spatial, template.temporal) = (spatial, temporal);
            self.count += 1;
            match bits.take(2)? {
                0 => {}
                1 => temporal += 1,
                2 => (spatial, temporal) = (spatial + 1, 0),
                _ => break,
            }
        }
        (usize::from(spatial) < MAX_SPATIAL && temporal < 8).then_some(())
    }

    fn skip_chains(&self, bits: &mut Bits<'_>) -> Option<()> {
        let chains = bits.below(self.targets.count as u64 + 1)?;
        if chains == 0 {
            return Some(());
        }
        for _ in 0..self.targets.count {
            bits.below(chains)?;
        }
        for _ in 0..self.count as u64 * chains {
            bits.take(4)?;
        }
        Some(())
    }

    fn find_targets(&mut self) {
        let templates = self.templates.iter().take(self.count);
        for (target, layer) in self.targets.layers.iter_mut().enumerate() {
            let of_it = templates
                .clone()
                .filter(|template| template.indications >> (2 * target) & 3 != 0);
            *layer = of_it.fold((0_u8, 0_u8), |(spatial, temporal), template| {
                (
                    spatial.max(template.spatial),
                    temporal.max(template.temporal),
                )
            });
        }
    }

    /// What a frame is like: its template, except where its descriptor says otherwise.
    fn frame(&self, head: &Head, bits: &mut Bits<'_>) -> Option<Template> {
        let place = (head.template + MAX_TEMPLATES - self.first) % MAX_TEMPLATES;
        let mut frame = *self.templates.get(..self.count)?.get(place)?;
        if head.has_active {
            bits.take(self.targets.count as u32)?;
        }
        if head.has_indications {
            frame.indications = 0;
            for target in 0..self.targets.count {
                frame.indications |= bits.take(2)? << (2 * target);
            }
        }
        if head.has_differences {
            frame.oldest = 0;
            loop {
                let size = bits.take(2)? as u32;
                if size == 0 {
                    break;
                }
                let back = bits.take(4 * size)? as u16 + 1;
                frame.oldest = frame.oldest.max(back);
            }
        }
        Some(frame)
    }

    /// Whether a decoder of a spatial layer's frame may begin with all faster temporal ones of it.
    fn opens_faster(&self, frame: &Template) -> bool {
        let layers = self.targets.layers.iter().take(self.targets.count);
        let mut faster = layers
            .enumerate()
            .filter(|(_, (spatial, temporal))| {
                *spatial == frame.spatial && *temporal > frame.temporal
            })
            .peekable();
        faster.peek().is_some()
            && faster.all(|(target, _)| frame.indications >> (2 * target) & 3 == SWITCH)
    }
}

/// Copies a descriptor with these decode targets as the active ones. How long it is then; none where it does not fit or
/// cannot be read.
pub fn activate(descriptor: &[u8], active: Active, into: &mut [u8]) -> Option<usize> {
    let mut bits = Bits::of(descriptor);
    let head = Head::read(&mut bits, descriptor.len())?;
    let begin = 8 * MANDATORY + 5;
    if head.has_structure {
        Structure::default().read(&mut bits)?;
    }
    let end_of_structure = bits.at.max(begin);
    if head.has_active {
        bits.take(active.count.into())?;
    }
    let mut out = BitsMut { into, at: 0 };
    let mut all = Bits::of(descriptor);
    for place in 0..end_of_structure {
        // Without the optional part all its flags are clear.
        let bit = match place {
            25 => true,
            _ => all.flag().unwrap_or_default(),
        };
        if place == 25 {
            all.at += 1;
        }
        out.push(bit)?;
    }
    for target in (0..active.count).rev() {
        out.push(active.mask >> target & 1 == 1)?;
    }
    while let Some(bit) = bits.flag() {
        out.push(bit)?;
    }
    let length = out.at.div_ceil(8);
    while out.at < 8 * length {
        out.push(false)?;
    }
    Some(length)
}

/// Bits that are read, the highest first.
#[derive(Debug, Clone, Copy)]
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn flag(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    fn take(&mut self, count: u32) -> Option<u64> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | u64::from(self.flag()?);
        }
        Some(value)
    }

    /// A number below `limit`, in as few bits as that takes.
    fn below(&mut self, limit: u64) -> Option<u64> {
        let bits = u64::BITS - limit.leading_zeros();
        let short = (1 << bits) - limit;
        let value = self.take(bits - 1)?;
        if value < short {
            return Some(value);
        }
        Some((value << 1 | self.take(1)?) - short)
    }
}

/// Bits that are written.
struct BitsMut<'a> {
    into: &'a mut [u8],
    at: usize,
}

impl BitsMut<'_> {
    fn push(&mut self, bit: bool) -> Option<()> {
        let byte = self.into.get_mut(self.at / 8)?;
        let place = 7 - self.at % 8;
        *byte = *byte & !(1 << place) | u8::from(bit) << place;
        self.at += 1;
        Some(())
    }
}

#[cfg(test)]
mod tests;
