//! What everybody's slots carry, and where packets of each layer go because of that.

use std::time::Instant;

use crate::media::room::allocate::Class;
use crate::media::room::slots::{Choice, settle, wished_pictures, wished_sounds};
use crate::media::room::subscriber::{Down, Wished};
use crate::media::room::{Key, Room, Target, Turn};
use crate::protocol::object::{MediaKind, Source};
use crate::protocol::request::Tile;

/// Before somebody says how large they show what, they get everything of so few pictures,
const FEW_PICTURES: usize = 2;
/// and of more than that layers of about this height; of screens everything.
const MIDDLE_HEIGHT: u32 = 360;

impl Room {
    /// Decides anew what everybody's slots carry; tells those whose slots changed.
    pub(super) fn reassign(&mut self, turn: &mut Turn<'_>) {
        let mut wanted = Vec::new();
        let mut told = Vec::new();
        let Self {
            members, tracks, ..
        } = self;
        let open: Vec<(Key, Choice<'_, Key>)> = tracks
            .iter()
            .filter(|(_, track)| !track.muted)
            .map(|(key, track)| {
                let loudness = track.loudness.now(turn.now) as u8;
                let choice = Choice {
                    key: *key,
                    id: &track.id,
                    source: track.source,
                    loudness,
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
            told.push(key);
            // Before that a keyframe would be lost, and the next could not be asked for at once.
            if !down.connection.is_connected() {
                continue;
            }
            let changed = changed.iter().filter_map(|index| down.slots.get(*index));
            let pictures = changed.filter(|slot| slot.kind == MediaKind::Video);
            wanted.extend(pictures.filter_map(|slot| Some((slot.track?, slot.layer))));
        }
        for key in told {
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
                for layer in [Some(carried.layer), carried.next].into_iter().flatten() {
                    if let Some(layer) = track.layers.get_mut(layer) {
                        layer.targets.push(Target::Slot { member, slot });
                    }
                }
            }
        }
    }

    /// Takes what was agreed with somebody of the layers that they send.
    pub(super) fn agree_layers(&mut self, owner: Key, now: Instant) {
        let Some(member) = self.members.get(&owner) else {
            return;
        };
        let Some(up) = &member.up else { return };
        let mut changed = Vec::new();
        for (source, key) in member.started.iter() {
            if let Some(track) = self.tracks.get_mut(&key)
                && track.agree(up.layers(source))
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
        let wished = match kind {
            MediaKind::Video => wished_pictures(choices, view),
            MediaKind::Audio => wished_sounds(choices, &current),
        };
        let next = settle(&current, &wished);
        let pictures = wished.len().min(indices.len());
        for (index, track) in indices.iter().zip(&next) {
            let rank = wished.iter().position(|wished| Some(*wished) == *track);
            let mut choices = choices.iter();
            let choice = choices.find(|choice| Some(choice.key) == *track);
            let wished = choice.map(|choice| wish(choice, view, pictures));
            let (rank, wished) = (rank.unwrap_or(usize::MAX), wished.unwrap_or_default());
            let slot = &mut down.slots[*index];
            let is_same = (slot.rank, slot.wished) == (rank, wished);
            (slot.rank, slot.wished) = (rank, wished);
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

/// How a picture is wished for that is one of so many.
fn wish(choice: &Choice<'_, Key>, view: Option<&[Tile]>, pictures: usize) -> Wished {
    let is_screen = choice.source == Source::Screen;
    let Some(tiles) = view else {
        let all = is_screen || pictures <= FEW_PICTURES;
        return Wished {
            class: Class {
                priority: 0,
                is_screen,
            },
            height: if all { u32::MAX } else { MIDDLE_HEIGHT },
        };
    };
    let shown = tiles.iter().filter(|tile| tile.track == *choice.id);
    let first = shown.max_by_key(|tile| (tile.priority, tile.height));
    Wished {
        class: Class {
            priority: first.map_or(0, |tile| tile.priority),
            is_screen,
        },
        height: first.map_or(0, height),
    }
}

/// How high a tile is; of one that only says its width, what a usual picture is then.
fn height(tile: &Tile) -> u32 {
    match (tile.width, tile.height) {
        (0, 0) => MIDDLE_HEIGHT,
        (width, 0) => width / 16 * 9,
        (_, height) => height,
    }
}
