//! What everybody is told of a track: how it is encoded, and in which layers it comes.

use std::time::{Duration, Instant};

use crate::media::bwe::rate::Bitrate;
use crate::media::room::layers::Rung;
use crate::media::room::points;
use crate::media::room::track::Track;
use crate::media::room::{Key, Room};
use crate::meeting::media::MediaEvent;
use crate::protocol::object::Layer;

/// Layers begin one after another: they are told together.
const SETTLING: Duration = Duration::from_millis(500);
/// A bitrate alone is told this often at most,
const RATES_EVERY: Duration = Duration::from_secs(5);
/// and only when it is so many times what was told, or so many times less.
const RATES_APART: u64 = 2;

/// What is told of a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::media) struct Format {
    codec: String,
    layers: Vec<Layer>,
}

impl Format {
    fn of(track: &Track) -> Option<Self> {
        // With fewer pictures a layer is the same one.
        let rungs = track.ladder.rungs().iter().filter(|rung| !rung.is_slow);
        let seen = rungs.filter(|rung| {
            let carrier = track.layer(track.carrier(rung.layer));
            carrier.is_some_and(|layer| layer.stream.is_some()) && track.is_picture()
        });
        Some(Self {
            codec: track.codec.clone()?,
            layers: seen.map(|rung| reported(track, rung)).collect(),
        })
    }

    /// How long after the last report this one is to be told; never where both are about the same.
    fn due_after(&self, before: &Self) -> Option<Duration> {
        if self.codec != before.codec {
            return Some(Duration::ZERO);
        }
        let name = |layer: &Layer| (layer.rid.clone(), layer.width, layer.height);
        let names = |format: &Self| format.layers.iter().map(name).collect::<Vec<_>>();
        if names(self) != names(before) {
            return Some(SETTLING);
        }
        let mut rates = self.layers.iter().zip(&before.layers);
        let is_apart = rates.any(|(one, other)| {
            let (more, less) = (
                one.bitrate.max(other.bitrate),
                one.bitrate.min(other.bitrate),
            );
            more > less.saturating_mul(RATES_APART)
        });
        is_apart.then_some(RATES_EVERY)
    }
}

fn reported(track: &Track, rung: &Rung) -> Layer {
    let (layer, sized) = match track.is_nested {
        true => (rung.layer, points::whole(points::spatial(rung.layer))),
        false => (rung.layer, rung.layer),
    };
    let size = track.layer(sized).and_then(|layer| layer.size);
    let size = size.map(|size| (size.width.into(), size.height.into()));
    let (width, height) = size.unwrap_or_default();
    let rate = track.layer(layer).and_then(|layer| layer.known_rate);
    // The rate of a layer that needs others is what all of them take.
    let rate = rate.map(|own| if track.is_nested { rung.rate } else { own });
    Layer {
        rid: track.name(layer).unwrap_or_default(),
        width,
        height,
        bitrate: rate.map_or(0, in_bits),
    }
}

fn in_bits(rate: Bitrate) -> u64 {
    rate.bytes_in(Duration::from_secs(1)).saturating_mul(8)
}

impl Room {
    /// Tells what of the tracks arrives, where that changed noticeably.
    pub(in crate::media) fn review_formats(&mut self, now: Instant) {
        let due = self.tracks.iter().filter(|(_, track)| {
            let (Some((before, at)), Some(format)) = (&track.reported, Format::of(track)) else {
                return false;
            };
            let passed = now.saturating_duration_since(*at);
            format
                .due_after(before)
                .is_some_and(|after| passed >= after)
        });
        for key in due.map(|(key, _)| *key).collect::<Vec<_>>() {
            self.tell_format(key, now);
        }
    }

    /// Tells what of a track arrives.
    pub(in crate::media) fn tell_format(&mut self, key: Key, now: Instant) {
        let Some(track) = self.tracks.get_mut(&key) else {
            return;
        };
        let Some(format) = Format::of(track) else {
            return;
        };
        self.outbox.push(MediaEvent::Format {
            track: track.id.clone(),
            codec: format.codec.clone(),
            layers: format.layers.clone(),
        });
        track.reported = Some((format, now));
    }
}
