//! A track: what is published of one source, in layers, and who gets it.

use std::collections::BTreeMap;

use crate::media::bwe::rate::Meter;
use crate::media::room::Key;
use crate::media::room::keyframe_limit::SourceRequests;
use crate::media::room::speech::Loudness;
use crate::media::rtp::history::History;
use crate::protocol::ids::TrackId;
use crate::protocol::object::{MediaKind, Source};

/// In the order in which they were started.
pub(in crate::media) type Tracks = BTreeMap<Key, Track>;

/// One track.
pub(in crate::media) struct Track {
    pub id: TrackId,
    pub owner: Key,
    pub source: Source,
    pub muted: bool,
    pub loudness: Loudness,
    /// What was told of it last.
    pub format: Option<(String, Vec<String>)>,
    /// From the smallest to the largest. Today one is received and forwarded, whichever the sender sends best.
    layers: [Layer; 1],
}

/// One layer of a track.
#[derive(Default)]
pub(in crate::media) struct Layer {
    /// The SSRC that it comes on.
    pub stream: Option<u32>,
    /// Its name in simulcast.
    pub rid: Option<String>,
    pub keyframe_wanted: bool,
    pub keyframes: SourceRequests,
    /// When the last one came.
    pub keyframe_at: Option<std::time::Instant>,
    /// What its sender sends of it.
    pub rate: Meter,
    /// Its last packets, for those who lost some.
    pub history: History,
    /// Who gets it.
    pub targets: Vec<Target>,
}

/// Where packets of a layer go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum Target {
    /// On this slot of a participant's down connection.
    Slot { member: Key, slot: usize },
}

impl Track {
    /// One that nothing came of yet.
    pub fn new(id: TrackId, owner: Key, source: Source, muted: bool) -> Self {
        Self {
            id,
            owner,
            source,
            muted,
            loudness: Loudness::default(),
            format: None,
            layers: [Layer::default()],
        }
    }

    /// The layer that is forwarded.
    pub fn layer(&self) -> &Layer {
        &self.layers[0]
    }

    /// The same, to be changed.
    pub fn layer_mut(&mut self) -> &mut Layer {
        &mut self.layers[0]
    }

    /// Whether it is a picture.
    pub fn is_picture(&self) -> bool {
        self.source.kind() == MediaKind::Video
    }
}
