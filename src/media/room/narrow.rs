//! Fits what every subscriber gets to what they ask for, to what is sent and to their bandwidth, from tick to tick.

use std::time::Duration;

use crate::media::room::{Key, Room, Turn};

/// Stills are this far apart: each costs the sender a keyframe, which takes from what everybody else sees.
const STILL_EVERY: Duration = Duration::from_secs(4);

impl Room {
    /// Sends what has waited until now.
    pub(in crate::media) fn pace(&mut self, turn: &mut Turn<'_>) {
        let members = self.members.values_mut();
        for down in members.filter_map(|member| member.down.as_mut()) {
            down.pace(turn.out, turn.now);
        }
    }

    /// Looks at the layers of those tracks of which something is new, or of all of them.
    pub(in crate::media) fn review_layers(&mut self, all: bool, turn: &mut Turn<'_>) {
        let mut is_news = false;
        let pictures = self.tracks.values_mut().filter(|track| track.is_picture());
        for track in pictures.filter(|track| all || track.is_news) {
            is_news |= track.review(turn.now);
        }
        if is_news {
            let members = self.members.values_mut();
            for down in members.filter_map(|member| member.down.as_mut()) {
                down.is_touched = true;
            }
        }
        if all {
            self.review_formats(turn.now);
        }
    }

    /// To be called at every tick.
    pub(in crate::media) fn narrow(&mut self, turn: &mut Turn<'_>) {
        let mut is_changed = false;
        let mut reported: Vec<Key> = Vec::new();
        let mut keyframes: Vec<(Key, usize)> = Vec::new();
        let Self {
            members, tracks, ..
        } = self;
        for (key, member) in members.iter_mut() {
            let Some(down) = member.down.as_mut() else {
                continue;
            };
            let narrowed = down.narrow(tracks, turn.out, turn.now);
            is_changed |= narrowed.is_changed;
            if narrowed.is_shared_out {
                reported.push(key);
            }
            let preferred = narrowed.keyframes.into_iter();
            keyframes.extend(preferred.filter_map(|slot| down.layer_of(slot)));
            let stills = narrowed.stills.into_iter();
            let stills = stills.filter_map(|slot| down.layer_of(slot));
            keyframes.extend(stills.filter(|(track, layer)| {
                let track = tracks.get(track);
                let layer = track.and_then(|track| track.layer(track.carrier(*layer)));
                let last = layer.and_then(|layer| layer.keyframe_at.max(layer.keyframes.last()));
                last.is_none_or(|at| turn.now.saturating_duration_since(at) >= STILL_EVERY)
            }));
        }
        for key in reported {
            self.tell_slots(key);
        }
        if is_changed {
            self.rebuild_targets();
            self.review_demand(turn);
        }
        for (track, layer) in keyframes {
            self.want_keyframe(track, layer, turn);
        }
    }
}
