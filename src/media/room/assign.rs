//! What everybody's slots carry, and where packets of each layer go because of that.

use std::time::Instant;

use crate::media::room::allocate::Class;
use crate::media::room::pairs::{cost, counterpart, loosened};
use crate::media::room::slots::{Choice, preferred_pictures, preferred_sounds, settle};
use crate::media::room::subscriber::{Down, Preferred};
use crate::media::room::{Key, Room, Target, Turn};
use crate::protocol::object::{MediaKind, Source};
use crate::protocol::request::Tile;

/// Before a client says how large it shows its pictures, it gets everything of so few pictures,
const FEW_PICTURES: usize = 2;
/// and of more pictures the layers of about this height. Of screens it gets everything.
const MIDDLE_HEIGHT: u32 = 360;

impl Room {
    /// Decides anew what everybody's slots carry; tells those whose slots changed.
    pub(super) fn reassign(&mut self, turn: &mut Turn<'_>) {
        let mut wanted = Vec::new();
        let mut reported = Vec::new();
        let Self {
            members, tracks, ..
        } = self;
        let open: Vec<(Key, Choice<'_, Key>)> = tracks
            .iter()
            .filter(|(_, track)| !track.muted)
            .map(|(key, track)| {
                let loudness = track.loudness.now(turn.now) as u8;
                let owner = members.get(&track.owner);
                let partner = owner.and_then(|owner| owner.started.get(counterpart(track.source)));
                let choice = Choice {
                    key: *key,
                    id: &track.id,
                    source: track.source,
                    loudness,
                    partner,
                };
                (track.owner, choice)
            })
            .collect();
        for (key, member) in members.iter_mut() {
            let Some(down) = member.down.as_mut().filter(|down| down.answered) else {
                continue;
            };
            let choices: Vec<_> = open
                .iter()
                .filter(|(owner, _)| *owner != key)
                .map(|(_, choice)| *choice)
                .collect();
            let changed = settle_slots(down, &choices, member.view.as_deref());
            if !down.is_touched {
                continue;
            }
            down.share_out(tracks, turn.out, turn.now);
            reported.push(key);
            // Before that a keyframe would be lost, and the next could not be asked for at once.
            if !down.connection.is_connected() {
                continue;
            }
            let changed = changed.iter().filter_map(|index| down.slots.get(*index));
            let pictures = changed.filter(|slot| slot.kind == MediaKind::Video);
            wanted.extend(pictures.filter_map(|slot| Some((slot.track?, slot.layer))));
        }
        for key in reported {
            self.tell_slots(key);
        }
        self.rebuild_targets();
        self.review_demand(turn);
        for (track, layer) in wanted {
            self.want_keyframe(track, layer, turn);
        }
    }

    /// The forward table: for each layer of each track the slots that carry it, and those that wait for its next
    /// keyframe.
    pub(super) fn rebuild_targets(&mut self) {
        let tracks = self.tracks.values_mut();
        for layer in tracks.flat_map(|track| &mut track.layers) {
            layer.targets.clear();
        }
        for (member, other) in self.members.iter() {
            let slots = other.down.iter().flat_map(|down| &down.slots);
            for (slot, carried) in slots.enumerate() {
                let track = carried.track.and_then(|track| self.tracks.get_mut(&track));
                let Some(track) = track else { continue };
                let carrier = track.carrier(carried.layer);
                let next = carried.next.map(|next| track.carrier(next));
                let next = next.filter(|next| *next != carrier);
                for layer in [Some(carrier), next].into_iter().flatten() {
                    if let Some(layer) = track.layers.get_mut(layer) {
                        layer.targets.push(Target::Slot { member, slot });
                    }
                }
            }
        }
    }

    /// Takes what was agreed about the layers that a participant sends.
    pub(super) fn agree_layers(&mut self, owner: Key, now: Instant) {
        let Some(member) = self.members.get(&owner) else {
            return;
        };
        if member.ups.is_empty() {
            return;
        }
        let mut changed = Vec::new();
        for (source, key) in member.started.iter() {
            let mut ups = member.ups.iter();
            if let Some(track) = self.tracks.get_mut(&key)
                && track.agree(ups.find_map(|up| up.layers(source)).unwrap_or_default())
            {
                track.review(now);
                changed.push(key);
            }
        }
        let members = self.members.values_mut();
        for down in members.filter_map(|member| member.down.as_mut()) {
            for key in &changed {
                down.forget_layers(*key);
            }
        }
        if !changed.is_empty() {
            self.rebuild_targets();
        }
    }
}

/// Gives a down connection's slots what they carry next; the indices of those that changed.
fn settle_slots(down: &mut Down, choices: &[Choice<'_, Key>], view: Option<&[Tile]>) -> Vec<usize> {
    let mut changed = Vec::new();
    for kind in [MediaKind::Video, MediaKind::Audio] {
        let of_kind = down
            .slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.kind == kind);
        let (indices, current): (Vec<usize>, Vec<Option<Key>>) =
            of_kind.map(|(index, slot)| (index, slot.track)).unzip();
        let preferred = match kind {
            MediaKind::Video => preferred_pictures(choices, view),
            MediaKind::Audio => preferred_sounds(choices, &current),
        };
        let of_other = down.slots.iter().filter(|slot| slot.kind != kind);
        let beside: Vec<Option<Key>> = of_other.map(|slot| slot.track).collect();
        let held = match kind {
            MediaKind::Video => current.clone(),
            MediaKind::Audio => loosened(&current, choices, &beside),
        };
        let find = |key| choices.iter().find(|choice| choice.key == key);
        let next = settle(&held, &preferred, |key, place| {
            cost(find(key), &beside, place)
        });
        let pictures = preferred.len().min(indices.len());
        for (index, track) in indices.iter().zip(&next) {
            let rank = preferred
                .iter()
                .position(|preferred| Some(*preferred) == *track);
            let mut choices = choices.iter();
            let choice = choices.find(|choice| Some(choice.key) == *track);
            let preferred = choice.map(|choice| preference(choice, view, pictures));
            let (rank, preferred) = (rank.unwrap_or(usize::MAX), preferred.unwrap_or_default());
            let slot = &mut down.slots[*index];
            let is_same = (slot.rank, slot.preferred) == (rank, preferred);
            (slot.rank, slot.preferred) = (rank, preferred);
            down.is_touched |= !is_same && kind == MediaKind::Video;
        }
        for ((index, before), after) in indices.into_iter().zip(current).zip(next) {
            if before != after {
                down.carry(index, after);
                changed.push(index);
            }
        }
    }
    changed
}

/// The preference of one picture of so many.
fn preference(choice: &Choice<'_, Key>, view: Option<&[Tile]>, pictures: usize) -> Preferred {
    let is_screen = choice.source == Source::Screen;
    let Some(tiles) = view else {
        let all = is_screen || pictures <= FEW_PICTURES;
        return Preferred {
            class: Class {
                priority: 0,
                is_screen,
            },
            height: if all { u32::MAX } else { MIDDLE_HEIGHT },
        };
    };
    let shown = tiles.iter().filter(|tile| tile.track == *choice.id);
    let first = shown.max_by_key(|tile| (tile.priority, tile.height));
    Preferred {
        class: Class {
            priority: first.map_or(0, |tile| tile.priority),
            is_screen,
        },
        height: first.map_or(0, height),
    }
}

/// How high a tile is. If the tile only says its width, the height of a usual picture of that width.
fn height(tile: &Tile) -> u32 {
    match (tile.width, tile.height) {
        (0, 0) => MIDDLE_HEIGHT,
        (width, 0) => width / 16 * 9,
        (_, height) => height,
    }
}
