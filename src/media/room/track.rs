//! A track: what is published of one source, in layers, and its subscribers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::media::bwe::rate::{Bitrate, Meter};
use crate::media::room::Key;
use crate::media::room::keyframe_limit::SourceRequests;
use crate::media::room::layers::{Ladder, MAX_LAYERS, MAX_RUNGS, Seen, seem_to_fall};
use crate::media::room::points::{self, POINTS, SIZES, SLOWER};
use crate::media::room::publisher::Arrival;
use crate::media::room::speech::Loudness;
use crate::media::rtp::history::{History, Incoming};
use crate::media::rtp::size::{self, Size};
use crate::protocol::ids::TrackId;
use crate::protocol::object::{MediaKind, Source};

/// A layer does not come any more when it was silent for so long,
const DEAD_AFTER: Duration = Duration::from_millis(600);
/// and another layer had so many pictures meanwhile.
const MISSED: u32 = 4;
/// A temporal layer comes at least this often, however few pictures there are.
const FASTER_COMES_WITHIN: Duration = Duration::from_secs(3);

/// The tracks in the order in which they were started.
pub(in crate::media) type Tracks = BTreeMap<Key, Track>;

/// One track.
pub(in crate::media) struct Track {
    pub id: TrackId,
    pub owner: Key,
    pub source: Source,
    pub muted: bool,
    pub loudness: Loudness,
    /// How it is encoded, once something came.
    pub codec: Option<String>,
    /// In the offer's order: those that were agreed, or one without a name.
    pub layers: Vec<Layer>,
    /// The layers are the [points] of one stream, which is the first layer's.
    pub is_nested: bool,
    /// The largest of them that comes.
    pub largest: usize,
    /// The layers from the smallest to the largest, as of the last review.
    pub ladder: Ladder,
    /// Something of the layers is new since then.
    pub is_news: bool,
    /// What was told of it last, and when.
    pub reported: Option<(crate::media::room::formats::Format, Instant)>,
    /// Which layers its sender was asked for last, as bits in the offer's order; none before it was.
    pub demanded: Option<u8>,
    /// How many of its layers the server has time for, from the smallest; all if not said.
    pub most_layers: Option<usize>,
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
    pub keyframe_at: Option<Instant>,
    /// How large that was.
    pub size: Option<Size>,
    /// What its sender sends of it.
    pub rate: Meter,
    /// What of it comes in each temporal layer, in simulcast.
    pub temporal: Option<Box<Temporal>>,
    /// The same when it was last worth measuring.
    pub known_rate: Option<Bitrate>,
    /// When something of it last came; none after it was ended.
    pub heard_at: Option<Instant>,
    /// Pictures of other layers since then.
    missed: u32,
    /// When a subscriber last had use for it.
    pub wanted_at: Option<Instant>,
    /// Its last packets, for subscribers that lost some.
    pub history: History,
    /// The slots that get it, or wait for its next keyframe.
    pub targets: Vec<Target>,
}

/// The temporal layers of a stream of simulcast.
#[derive(Default)]
pub(in crate::media) struct Temporal {
    /// When something of each last came.
    heard_at: [Option<Instant>; SLOWER + 1],
    /// What the sender sends of all but the fastest.
    rates: [Meter; SLOWER],
    /// The timestamp of the last keyframe.
    keyframe: Option<u32>,
}

impl Temporal {
    /// Notes a packet. Keyframes do not count: who gets less goes on without any, and one that somebody else asks for must
    /// not seem to be what each second takes.
    fn note(
        &mut self,
        layer: u8,
        (timestamp, begins_keyframe): (u32, bool),
        bytes: usize,
        now: Instant,
    ) {
        let layer = usize::from(layer).min(SLOWER);
        if begins_keyframe {
            self.keyframe = Some(timestamp);
        }
        self.heard_at[layer] = Some(now);
        let counts = self.keyframe != Some(timestamp);
        if let Some(rate) = self.rates.get_mut(layer).filter(|_| counts) {
            rate.add(bytes, now);
        }
    }

    /// What the stream takes up to each of them, where a faster one comes.
    fn measure(&mut self, now: Instant) -> [Option<Bitrate>; SLOWER] {
        let comes = |at: Option<Instant>| {
            at.is_some_and(|at| now.saturating_duration_since(at) < FASTER_COMES_WITHIN)
        };
        let fastest = self.heard_at.into_iter().rposition(comes).unwrap_or(0);
        let mut sum = Bitrate::default();
        let mut slower = [None; SLOWER];
        for (layer, rate) in slower.iter_mut().enumerate().take(fastest) {
            let Some(peak) = self.rates[layer].peak(now) else {
                break;
            };
            sum = sum + peak;
            // A layer that does not come is no step.
            *rate = (peak > Bitrate::default()).then_some(sum);
        }
        slower
    }
}

/// Where packets of a layer go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum Target {
    /// A slot of a participant's down connection.
    Slot { member: Key, slot: usize },
}

impl Layer {
    /// Whether it comes.
    fn is_alive(&self, now: Instant) -> bool {
        self.heard_at.is_some_and(|at| {
            self.missed < MISSED || now.saturating_duration_since(at) < DEAD_AFTER
        })
    }

    /// What it takes, by the most that it took lately.
    fn measure(&mut self, is_alive: bool, now: Instant) -> Option<Bitrate> {
        let peak = self.rate.peak(now).filter(|_| is_alive);
        if let Some(peak) = peak.filter(|peak| *peak > Bitrate::default()) {
            self.known_rate = Some(peak);
        }
        self.known_rate
    }
}

impl Layer {
    fn measure_slower(&mut self, now: Instant) -> [Option<Bitrate>; SLOWER] {
        let temporal = self.temporal.as_mut();
        temporal.map_or_else(Default::default, |temporal| temporal.measure(now))
    }
}

impl Track {
    /// One that nothing came of yet.
    pub fn new(id: TrackId, owner: Key, source: Source, muted: bool) -> Self {
        let mut track = Self {
            id,
            owner,
            source,
            muted,
            loudness: Loudness::default(),
            codec: None,
            layers: vec![Layer::default()],
            is_nested: false,
            largest: 0,
            ladder: Ladder::default(),
            is_news: true,
            reported: None,
            demanded: None,
            most_layers: None,
        };
        track.ladder = Ladder::of(&[Seen::default()], false);
        track
    }

    /// Takes what was agreed of its layers. Whether that is news.
    pub fn agree(&mut self, rids: &[String]) -> bool {
        let known = self.layers.iter().filter_map(|layer| layer.rid.as_ref());
        if known.eq(rids) {
            return false;
        }
        let named = |rid: &String| Layer {
            rid: Some(rid.clone()),
            ..Layer::default()
        };
        self.layers = rids.iter().take(MAX_LAYERS).map(named).collect();
        if self.layers.is_empty() {
            self.layers.push(Layer::default());
        }
        (self.is_news, self.demanded) = (true, None);
        self.is_nested = false;
        true
    }

    /// Whether it is a picture.
    pub fn is_picture(&self) -> bool {
        self.source.kind() == MediaKind::Video
    }

    /// The layer in this place of the offer.
    pub fn layer(&self, place: usize) -> Option<&Layer> {
        self.layers.get(place)
    }

    /// How clients are told of a layer.
    pub fn name(&self, place: usize) -> Option<String> {
        if self.is_nested {
            let is_one = self.ladder.rungs().len() == 1;
            return (!is_one).then(|| points::name(place));
        }
        self.layers.get(points::stream(place))?.rid.clone()
    }

    /// The layer whose stream carries this one.
    pub fn carrier(&self, layer: usize) -> usize {
        if self.is_nested {
            0
        } else {
            points::stream(layer)
        }
    }

    /// A packet that came on this stream, if it is still there.
    pub fn kept(&self, stream: u32, sequence: u64) -> Option<Incoming<'_>> {
        let mut layers = self.layers.iter();
        let layer = layers.find(|layer| layer.stream == Some(stream))?;
        layer.history.get(sequence)
    }

    /// A layer's stream was ended.
    pub fn end(&mut self, layer: usize) {
        let all = self.is_nested;
        for (place, one) in self.layers.iter_mut().enumerate() {
            if all || place == layer {
                one.heard_at = None;
                self.is_news = true;
            }
        }
    }

    /// Every subscriber that gets something of it needs a keyframe.
    pub fn refresh(&mut self) {
        for layer in &mut self.layers {
            layer.keyframe_wanted |= !layer.targets.is_empty();
        }
    }

    /// Notes a packet of a picture, and keeps it for subscribers that miss it.
    pub fn note_picture(&mut self, arrival: &Arrival<'_>, now: Instant) {
        self.note_coming(arrival, now);
        let Some(layer) = self.layers.get_mut(arrival.layer) else {
            return;
        };
        if arrival.keyframe {
            // Subscribers that waited for a keyframe have it.
            layer.keyframe_wanted = false;
            layer.keyframe_at = Some(now);
            let size = size::of_keyframe(arrival.packet.encoding, arrival.packet.payload);
            if size.is_some() && size != layer.size {
                layer.size = size;
                self.is_news = true;
            }
        }
        // Another stream counts anew.
        if layer.stream != Some(arrival.ssrc) {
            layer.history.clear();
        }
        if !layer.targets.is_empty() {
            layer.history.keep(&arrival.packet, now);
        }
    }

    /// Notes that something of a layer came.
    fn note_coming(&mut self, arrival: &Arrival<'_>, now: Instant) {
        let is_one = matches!(&self.layers[..], [one] if one.rid.is_none());
        if arrival.standing.part.is_some() && is_one {
            self.layers.resize_with(POINTS, Layer::default);
            (self.is_nested, self.is_news) = (true, true);
        }
        let standing = arrival.standing.part;
        let part = standing.filter(|_| self.is_nested);
        // A higher temporal layer comes with few pictures.
        let counts = part.is_none_or(|part| part.temporal == 0);
        if arrival.packet.marker && self.layers.len() > 1 && counts {
            for layer in &mut self.layers {
                layer.missed = layer.missed.saturating_add(1);
            }
        }
        let sizes = arrival.standing.sizes.filter(|_| self.is_nested);
        for (spatial, size) in sizes.iter().flatten().enumerate().take(SIZES) {
            let whole = &mut self.layers[points::whole(spatial)];
            self.is_news |= size.is_some() && whole.size != *size;
            whole.size = size.or(whole.size);
        }
        if let Some(layer) = self.layers.get_mut(part.map_or(arrival.layer, points::of)) {
            self.is_news |= !layer.is_alive(now);
            (layer.heard_at, layer.missed) = (Some(now), 0);
            let bytes = arrival.packet.payload.len();
            layer.rate.add(bytes, now);
            if let Some(part) = standing.filter(|_| part.is_none()) {
                let temporal = layer.temporal.get_or_insert_default();
                let picture = (arrival.packet.timestamp, arrival.keyframe);
                temporal.note(part.temporal, picture, bytes, now);
            }
        }
    }

    /// Looks at the layers anew. Whether they are in another order now, or others of them come.
    pub fn review(&mut self, now: Instant) -> bool {
        self.is_news = false;
        let mut seen = [Seen::default(); MAX_RUNGS];
        for (seen, layer) in seen.iter_mut().zip(&mut self.layers) {
            let is_alive = layer.is_alive(now);
            *seen = Seen {
                height: layer.size.map(|size| size.height.into()),
                rate: layer.measure(is_alive, now),
                slower: layer.measure_slower(now),
                is_known: layer.heard_at.is_some(),
                is_alive,
            };
        }
        let ladder = self.ladder_of(&seen);
        let before = std::mem::replace(&mut self.ladder, ladder);
        let largest = self.ladder.alive().rungs().last().map(|rung| rung.layer);
        self.largest = largest.unwrap_or_default();
        let shape = |ladder: &Ladder| {
            let mut rungs = [(0, 0, false); MAX_RUNGS];
            for (shape, rung) in rungs.iter_mut().zip(ladder.rungs()) {
                *shape = (rung.layer, rung.height, rung.is_alive);
            }
            rungs
        };
        shape(&before) != shape(&self.ladder)
    }

    fn ladder_of(&self, seen: &[Seen; MAX_RUNGS]) -> Ladder {
        if self.is_nested
            && let Some(seen) = seen.first_chunk()
        {
            let heights = std::array::from_fn(|spatial| seen[points::whole(spatial)].height);
            return Ladder::of_points(*seen, heights);
        }
        let last = self.layers.last().and_then(|layer| layer.rid.as_deref());
        let falls = last.is_some_and(seem_to_fall);
        Ladder::of(&seen[..self.layers.len().min(MAX_LAYERS)], falls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_slower_stream_takes_is_told_without_its_keyframes() {
        let (mut temporal, start) = (Temporal::default(), Instant::now());
        let at = |picture: u32| start + Duration::from_millis(u64::from(picture) * 50);
        for picture in 0..80 {
            let is_key = picture == 60;
            let layer = if picture % 4 == 0 {
                0
            } else {
                2 - (picture % 2)
            };
            for packet in 0..if is_key { 20 } else { 1 } {
                let named = (picture * 4_500, is_key && packet == 0);
                temporal.note(layer as u8, named, 1_000, at(picture));
            }
        }
        // Five pictures a second are of the slowest layer, and ten of the fastest.
        let told = temporal.measure(at(80));
        assert_eq!(told, [Some(Bitrate::kbps(40)), Some(Bitrate::kbps(120))]);
        // Once the fastest does not come any more, only one is slower than what comes.
        for picture in (80..160).filter(|picture| picture % 2 == 0) {
            temporal.note(
                u8::from(picture % 4 != 0),
                (picture, false),
                1_000,
                at(picture),
            );
        }
        let told = temporal.measure(at(160));
        assert_eq!(told, [Some(Bitrate::kbps(40)), None]);
    }
}
