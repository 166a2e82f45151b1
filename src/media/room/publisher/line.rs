//! The m-lines of a connection on which a participant sends, and which stream belongs to which.

use std::sync::Arc;

use crate::media::peer::sdp::{Codec, MAX_LAYERS, Section, Why};
use crate::media::rtp::encoding::Encoding;
use crate::media::rtp::extensions::{Extension, ExtensionIds};
use crate::media::rtp::packet::View;
use crate::protocol::object::{MediaKind, Source};

/// One m-line.
pub(super) struct Line {
    pub mid: String,
    pub source: Option<Source>,
    /// Why it carries nothing since the last answer, if it does not.
    pub declined: Option<Why>,
    /// Those that were agreed.
    pub codecs: Vec<Arc<Codec>>,
    /// Those that its description declares, by SSRC, without their repairs.
    pub declared: Vec<u32>,
    /// The names of the layers that were agreed, in the offer's order; none where there is one alone, without a name.
    pub layers: Vec<String>,
    /// Whether what is missing may be asked for.
    pub repairs: bool,
    /// What listeners lose of it that nothing repairs, in 1/256.
    pub onward_loss: u8,
    /// The stream of each layer.
    pub current: [Option<u32>; MAX_LAYERS],
}

/// What a packet is, by its payload type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Media,
    /// A repair of packets of this payload type (RFC 4588).
    Repair(u8),
    /// Sound of this payload type, with what came before it (RFC 2198).
    Redundant(u8),
}

impl Line {
    pub fn new(mid: &str) -> Self {
        Self {
            mid: mid.to_owned(),
            source: None,
            declined: None,
            codecs: Vec::new(),
            declared: Vec::new(),
            layers: Vec::new(),
            repairs: false,
            onward_loss: 0,
            current: [None; MAX_LAYERS],
        }
    }

    /// It carries nothing.
    pub fn decline(&mut self, why: Why) {
        self.declined = Some(why);
        self.codecs.clear();
        self.declared.clear();
    }

    /// It carries what was agreed of this.
    pub fn agree(&mut self, section: &Section) {
        self.declined = None;
        self.codecs = section.negotiated().cloned().map(Arc::new).collect();
        self.declared = section.streams.media().collect();
        let layers = section.streams.layers().map(str::to_owned);
        let layers: Vec<String> = layers.collect();
        if layers != self.layers {
            self.current = [None; MAX_LAYERS];
            self.layers = layers;
        }
        let is_picture = section.kind == MediaKind::Video;
        self.repairs = is_picture && self.codecs.iter().any(|codec| codec.feedback.nack);
    }

    pub fn codec(&self, payload_type: u8) -> Option<&Arc<Codec>> {
        let mut codecs = self.codecs.iter();
        codecs.find(|codec| codec.payload_type == payload_type)
    }

    /// What a packet of that payload type is.
    pub fn kind(&self, payload_type: u8) -> Option<Kind> {
        self.codecs.iter().find_map(|codec| {
            if codec.payload_type == payload_type {
                Some(Kind::Media)
            } else if codec.repair == Some(payload_type) {
                Some(match codec.encoding {
                    Encoding::Opus => Kind::Redundant(codec.payload_type),
                    _ => Kind::Repair(codec.payload_type),
                })
            } else {
                None
            }
        })
    }

    /// The place of the layer of this name, if it was agreed.
    pub fn place(&self, name: &[u8]) -> Option<usize> {
        let mut layers = self.layers.iter();
        layers.position(|layer| layer.as_bytes() == name)
    }

    /// The place of the layer that a stream without a name belongs to: some clients declare their layers' SSRCs in
    /// the order of their names.
    pub fn place_of_unnamed(&self, ssrc: u32) -> usize {
        let place = self.declared.iter().position(|known| *known == ssrc);
        let place = place.filter(|_| self.declared.len() == self.layers.len());
        place.unwrap_or_default()
    }

    /// The clock of what it carries.
    pub fn clock_rate(&self) -> u32 {
        let first = self.codecs.first();
        first.map_or(90_000, |codec| codec.clock_rate)
    }

    /// Whether its sender understands only full intra requests as requests for a keyframe.
    pub fn takes_intra_requests_only(&self) -> bool {
        let mut codecs = self.codecs.iter().map(|codec| codec.feedback);
        codecs.any(|one| one.full_intra && !one.picture_loss)
    }

    /// How its first encoding is called.
    pub fn first_codec(&self) -> Option<String> {
        self.codecs.first().map(|codec| codec.name.clone())
    }
}

/// The m-line that a packet of an unknown stream belongs to (RFC 9143 §9.2): the one that declares it, or that it
/// names, or the only one with its payload type.
pub(super) fn line_of(lines: &[Line], ids: &ExtensionIds, packet: &View<'_>) -> Option<usize> {
    let ssrc = packet.header.ssrc;
    let declared = lines.iter().position(|line| line.declared.contains(&ssrc));
    if declared.is_some() {
        return declared;
    }
    let tag = ids
        .get(Extension::Mid)
        .and_then(|id| packet.extensions.get(id));
    if let Some(tag) = tag {
        return lines.iter().position(|line| line.mid.as_bytes() == tag);
    }
    let kind = packet.header.payload_type;
    let mut taking = lines.iter().enumerate();
    let (only, _) = taking.find(|(_, line)| line.kind(kind).is_some())?;
    let others = taking.any(|(_, line)| line.kind(kind).is_some());
    (!others).then_some(only)
}
