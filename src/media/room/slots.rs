//! Which tracks a subscriber's slots carry: pure policy, apart from packets.

use std::collections::HashSet;
use std::hash::Hash;

use crate::protocol::ids::TrackId;
use crate::protocol::object::Source;
use crate::protocol::request::Tile;

/// A louder voice takes an occupied slot only when it is this much louder, in decibels.
const DISPLACE_BY: i32 = 10;

/// A track that may be watched or heard, in the order in which they were started. A participant's own tracks and muted
/// tracks are not among them.
#[derive(Debug, Clone, Copy)]
pub(in crate::media) struct Choice<'a, K> {
    /// The track.
    pub key: K,
    /// Its id on the wire.
    pub id: &'a TrackId,
    /// What it is.
    pub source: Source,
    /// How loud it is, 0 to 127; of pictures nothing.
    pub loudness: u8,
    /// The sound of this picture, or the picture of this sound, of the same participant.
    pub partner: Option<K>,
}

/// The pictures that a participant gets, the most wanted first: those they asked for, or before their first request the
/// screens and then the cameras.
pub(in crate::media) fn preferred_pictures<K: Copy + Eq + Hash>(
    choices: &[Choice<'_, K>],
    view: Option<&[Tile]>,
) -> Vec<K> {
    let Some(tiles) = view else {
        let of = |source| {
            choices
                .iter()
                .filter(move |choice| choice.source == source)
                .map(|choice| choice.key)
        };
        return of(Source::Screen).chain(of(Source::Camera)).collect();
    };
    let mut tiles: Vec<&Tile> = tiles.iter().collect();
    // Stable: tiles of one priority stay in the order of the list.
    tiles.sort_by_key(|tile| std::cmp::Reverse(tile.priority));
    let pictures =
        |choice: &&Choice<'_, K>| matches!(choice.source, Source::Screen | Source::Camera);
    let by_id: std::collections::HashMap<&TrackId, K> = choices
        .iter()
        .filter(pictures)
        .map(|choice| (choice.id, choice.key))
        .collect();
    let mut seen = HashSet::new();
    let preferred = tiles
        .into_iter()
        .filter_map(|tile| by_id.get(&tile.track).copied());
    preferred.filter(|key| seen.insert(*key)).collect()
}

/// The sounds that a participant gets, the most wanted first: all of them, and the loudest first when they do not fit.
/// The sound of a screen goes before the voices: it cannot be guessed, and there is rarely more than one.
pub(in crate::media) fn preferred_sounds<K: Copy + Eq>(
    choices: &[Choice<'_, K>],
    slots: &[Option<K>],
) -> Vec<K> {
    let mut sounds: Vec<&Choice<'_, K>> = choices
        .iter()
        .filter(|choice| matches!(choice.source, Source::Microphone | Source::ScreenAudio))
        .collect();
    if sounds.len() > slots.len() {
        sounds.sort_by_key(|choice| {
            let held = if slots.contains(&Some(choice.key)) {
                DISPLACE_BY
            } else {
                0
            };
            let screen = if choice.source == Source::ScreenAudio {
                256
            } else {
                0
            };
            std::cmp::Reverse(i32::from(choice.loudness) + held + screen)
        });
    }
    sounds.into_iter().map(|choice| choice.key).collect()
}

/// What the slots carry next. Of the preferred tracks the first that fit are carried; one that has a slot keeps it. One
/// that has none gets the free slot that suits it best: `cost` is lowest there.
pub(in crate::media) fn settle<K: Copy + Eq>(
    slots: &[Option<K>],
    preferred: &[K],
    cost: impl Fn(K, usize) -> u8,
) -> Vec<Option<K>> {
    let carried = &preferred[..preferred.len().min(slots.len())];
    let mut next: Vec<Option<K>> = slots
        .iter()
        .map(|slot| slot.filter(|key| carried.contains(key)))
        .collect();
    for key in carried
        .iter()
        .filter(|key| !next.contains(&Some(**key)))
        .copied()
        .collect::<Vec<_>>()
    {
        let free = (0..next.len()).filter(|place| next[*place].is_none());
        if let Some(place) = free.min_by_key(|place| cost(key, *place)) {
            next[place] = Some(key);
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> TrackId {
        TrackId::try_from(name.to_owned()).unwrap()
    }

    fn tile(name: &str, priority: i32) -> Tile {
        Tile {
            track: id(name),
            width: 320,
            height: 180,
            priority,
        }
    }

    /// The first free slot suits best.
    fn first(_: u32, _: usize) -> u8 {
        0
    }

    fn choice(key: u32, id: &TrackId, source: Source, loudness: u8) -> Choice<'_, u32> {
        Choice {
            key,
            id,
            source,
            loudness,
            partner: None,
        }
    }

    #[test]
    fn before_a_preference_screens_come_first_then_cameras_in_order() {
        let ids = ["a", "b", "c", "d"].map(id);
        let choices = [
            choice(1, &ids[0], Source::Camera, 0),
            choice(2, &ids[1], Source::Microphone, 0),
            choice(3, &ids[2], Source::Camera, 0),
            choice(4, &ids[3], Source::Screen, 0),
        ];
        assert_eq!(preferred_pictures(&choices, None), [4, 1, 3]);
    }

    #[test]
    fn a_preference_is_followed_exactly() {
        let ids = ["a", "b", "c"].map(id);
        let choices = [
            choice(1, &ids[0], Source::Camera, 0),
            choice(2, &ids[1], Source::Screen, 0),
            choice(3, &ids[2], Source::Microphone, 0),
        ];
        let preference = |tiles: &[Tile]| preferred_pictures(&choices, Some(tiles));
        assert_eq!(preference(&[tile("a", 0), tile("b", 5)]), [2, 1]);
        assert_eq!(
            preference(&[tile("a", 0), tile("b", 0), tile("a", 0)]),
            [1, 2]
        );
        assert_eq!(
            preference(&[tile("gone", 9), tile("c", 9), tile("a", -1)]),
            [1]
        );
        assert_eq!(preference(&[]), Vec::<u32>::new());
    }

    #[test]
    fn a_track_keeps_its_slot_as_long_as_it_is_preferred() {
        let slots = [None, None, None];
        let slots = settle(&slots, &[1, 2], first);
        assert_eq!(slots, [Some(1), Some(2), None]);
        let slots = settle(&slots, &[3, 2, 1], first);
        assert_eq!(slots, [Some(1), Some(2), Some(3)]);
        let slots = settle(&slots, &[4, 3], first);
        assert_eq!(slots, [Some(4), None, Some(3)]);
        assert_eq!(
            settle(&slots, &[5, 6, 7, 4], first),
            [Some(5), Some(6), Some(7)]
        );
        assert_eq!(settle::<u32>(&slots, &[], first), [None, None, None]);
        assert_eq!(settle::<u32>(&[], &[1], first), Vec::new());
    }

    #[test]
    fn all_voices_are_heard_while_they_fit_then_the_loudest() {
        let ids = ["a", "b", "c", "d"].map(id);
        let choices = |loudness: [u8; 3]| {
            [
                choice(1, &ids[0], Source::Microphone, loudness[0]),
                choice(2, &ids[1], Source::Microphone, loudness[1]),
                choice(3, &ids[2], Source::Microphone, loudness[2]),
                choice(4, &ids[3], Source::ScreenAudio, 0),
            ]
        };
        let hear = |slots: &[Option<u32>], loudness| {
            settle(slots, &preferred_sounds(&choices(loudness), slots), first)
        };
        assert_eq!(
            hear(&[None; 4], [0, 0, 0]),
            [Some(1), Some(2), Some(3), Some(4)]
        );
        let slots = hear(&[None; 2], [50, 70, 60]);
        assert_eq!(slots, [Some(4), Some(2)]);
        // A little louder is not enough to take the slot; much louder is.
        assert_eq!(hear(&slots, [50, 70, 75]), slots);
        assert_eq!(hear(&slots, [50, 70, 90]), [Some(4), Some(3)]);
    }

    /// For all preferences: every carried track is preferred, none twice, none moves, and no slot is idle in vain.
    #[test]
    fn settling_holds_its_rules_for_random_preferences() {
        let mut random = 0x9e37_79b9_u32;
        let mut next = |below: u32| {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            random % below
        };
        let mut slots = vec![None; 5];
        for _ in 0..5000 {
            let mut preferred: Vec<u32> = Vec::new();
            for _ in 0..next(9) {
                let key = next(12);
                if !preferred.contains(&key) {
                    preferred.push(key);
                }
            }
            let settled = settle(&slots, &preferred, first);
            let carried: Vec<u32> = settled.iter().flatten().copied().collect();
            assert_eq!(carried.len(), preferred.len().min(5));
            assert!(
                carried
                    .iter()
                    .all(|key| preferred[..carried.len()].contains(key))
            );
            assert_eq!(carried.iter().collect::<HashSet<_>>().len(), carried.len());
            for (before, after) in slots.iter().zip(&settled) {
                if let Some(key) = before
                    && carried.contains(key)
                {
                    assert_eq!(before, after);
                }
            }
            slots = settled;
        }
    }
}
