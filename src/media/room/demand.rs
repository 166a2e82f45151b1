//! Which layers a sender is asked for: those that a subscriber has use for, and for a while those that one had.

use std::time::Duration;

use crate::media::room::track::Track;
use crate::media::room::{Room, Turn};
use crate::meeting::media::MediaEvent;

/// A layer that nobody needs any more is asked for so long: a viewer who changes their mind waits for nothing.
const KEPT_FOR: Duration = Duration::from_secs(2);

impl Room {
    /// Tells the senders what is watched of theirs, where that changed.
    pub(in crate::media) fn review_demand(&mut self, turn: &Turn<'_>) {
        let members = self.members.values();
        let slots = members.flat_map(|member| member.down.iter().flat_map(|down| &down.slots));
        for slot in slots.filter(|slot| slot.uses != 0) {
            let track = slot.track.and_then(|track| self.tracks.get_mut(&track));
            let layers = track.map(|track| track.layers.iter_mut());
            for (place, layer) in layers.into_iter().flatten().enumerate() {
                if slot.uses & 1 << place != 0 {
                    layer.wanted_at = Some(turn.now);
                }
            }
        }
        let pictures = self.tracks.values_mut();
        for track in pictures.filter(|track| track.is_picture() && !track.muted) {
            if let Some(layers) = track.take_demand(turn) {
                self.outbox.push(MediaEvent::Demand {
                    track: track.id.clone(),
                    layers,
                });
            }
        }
    }
}

impl Track {
    /// The names of the layers that are wanted, if others than before are. A sender that was told nothing sends all.
    fn take_demand(&mut self, turn: &Turn<'_>) -> Option<Vec<String>> {
        let all = (1 << self.layers.len()) - 1;
        let mut wanted = 0;
        for (place, layer) in self.layers.iter_mut().enumerate() {
            let at = *layer.wanted_at.get_or_insert(turn.now);
            if turn.now.saturating_duration_since(at) < KEPT_FOR {
                wanted |= 1 << place;
            }
        }
        if self.is_nested && wanted != 0 {
            // They come in one stream.
            wanted = all;
        }
        if self.demanded.unwrap_or(all) == wanted {
            return None;
        }
        self.demanded = Some(wanted);
        let streams = if self.is_nested { 1 } else { self.layers.len() };
        let layers = self.layers.iter().enumerate().take(streams);
        let wanted = layers.filter(|(place, _)| wanted & 1 << place != 0);
        let names = wanted.map(|(_, layer)| layer.rid.clone().unwrap_or_default());
        Some(names.collect())
    }
}
