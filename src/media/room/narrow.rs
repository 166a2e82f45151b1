//! Fits what every subscriber gets to what their line carries, from tick to tick.

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

    /// To be called at every tick.
    pub(in crate::media) fn narrow(&mut self, turn: &mut Turn<'_>) {
        let mut changed: Vec<(Key, usize)> = Vec::new();
        let mut keyframes: Vec<Key> = Vec::new();
        let Self {
            members, tracks, ..
        } = self;
        for (key, member) in members.iter_mut() {
            let Some(down) = member.down.as_mut() else {
                continue;
            };
            let narrowed = down.narrow(tracks, turn.out, turn.now);
            let track_of = |slot: usize| down.slots.get(slot).and_then(|slot| slot.track);
            keyframes.extend(narrowed.keyframes.into_iter().filter_map(track_of));
            let stills = narrowed.stills.into_iter().filter_map(track_of);
            keyframes.extend(stills.filter(|track| {
                let track = tracks.get(track);
                let layer = track.map(|track| track.layer());
                let last = layer.and_then(|layer| layer.keyframe_at.max(layer.keyframes.last()));
                last.is_none_or(|at| turn.now.saturating_duration_since(at) >= STILL_EVERY)
            }));
            changed.extend(narrowed.changed.into_iter().map(|slot| (key, slot)));
        }
        for (subscriber, slot) in changed {
            self.tell_slot(subscriber, slot);
        }
        for track in keyframes {
            self.want_keyframe(track, turn);
        }
    }
}
