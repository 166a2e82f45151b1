//! Sound and picture of one person, brought together in a pair of slots.
//!
//! Of a down connection the first sound slot and the first picture slot are in one stream, the second ones in another,
//! and so on: browsers bring together what is in one stream (libwebrtc: one sound with one picture of it). So a person's
//! sound goes, where it can, into the slot beside the one that shows their picture, and the other way round. Nothing
//! that is shown is moved for that, as that costs a keyframe. A sound moves while nobody speaks.
//!
//! Where there are more people than pairs, a pair may carry the sound of one and the picture of another. Browsers bring
//! these together as well. That does little: all slots are told of on one clock, our own, and a person's instants on it
//! are when their packets would come by their quickest way ([`wall_clock`](super::wall_clock)). So one waits for the
//! other only for what they are later than that, which is mostly their encoder's time, and for no longer than a
//! [`timeline`](crate::media::rtp::timeline) believes.

use super::slots::Choice;
use crate::protocol::object::Source;

/// Below this nobody speaks. A sender that does not tell how loud it is counts as louder.
const QUIET: u8 = 40;

/// The source that goes with this one.
pub(in crate::media) fn counterpart(source: Source) -> Source {
    match source {
        Source::Microphone => Source::Camera,
        Source::Camera => Source::Microphone,
        Source::Screen => Source::ScreenAudio,
        Source::ScreenAudio => Source::Screen,
    }
}

/// How little a slot suits a track that is put into one. `beside` is what the slots of the other kind carry.
pub(in crate::media) fn cost<K: Copy + Eq>(
    choice: Option<&Choice<'_, K>>,
    beside: &[Option<K>],
    place: usize,
) -> u8 {
    let partner = choice.and_then(|choice| choice.partner);
    let is_screen = choice.is_some_and(|choice| choice.source == Source::Screen);
    let is_placed = partner.is_some() && beside.contains(&partner);
    // A pair that is empty is kept for those whose other half may come.
    let wants_pair = match is_screen {
        true => partner.is_some() && !is_placed,
        false => !is_placed,
    };
    match (beside.get(place), wants_pair) {
        (Some(Some(other)), _) if Some(*other) == partner => 0,
        (Some(None), true) | (None, false) => 1,
        (None, true) | (Some(Some(_)), false) => 2,
        (Some(Some(_)), true) | (Some(None), false) => 3,
    }
}

/// What the sound slots carry, without the sounds that may be moved beside their pictures now.
pub(in crate::media) fn loosened<K: Copy + Eq>(
    sounds: &[Option<K>],
    choices: &[Choice<'_, K>],
    beside: &[Option<K>],
) -> Vec<Option<K>> {
    let stays = |place: usize, key: K| {
        let mut choices = choices.iter();
        let Some(choice) = choices.find(|choice| choice.key == key) else {
            return true;
        };
        let partner = choice.partner;
        let beside_it = partner.and_then(|_| beside.iter().position(|other| *other == partner));
        let is_free = |place: usize| sounds.get(place).is_some_and(Option::is_none);
        let may_move = beside_it.is_some_and(|better| better != place && is_free(better));
        !(may_move && choice.loudness < QUIET)
    };
    let sounds = sounds.iter().enumerate();
    let sounds = sounds.map(|(place, sound)| sound.filter(|key| stays(place, *key)));
    sounds.collect()
}

#[cfg(test)]
mod tests {
    use super::super::slots::settle;
    use super::*;
    use crate::protocol::ids::TrackId;

    /// A sound and a picture of the same person have numbers that differ by 100; a screen and its sound are the same.
    struct People(Vec<(u32, Source, TrackId, u8)>);

    impl People {
        fn of(tracks: &[(u32, Source)]) -> Self {
            let tracks = tracks.iter();
            Self(
                tracks
                    .map(|(key, source)| (*key, *source, TrackId::random(), 0))
                    .collect(),
            )
        }

        fn choices(&self) -> Vec<Choice<'_, u32>> {
            let choices = self.0.iter().map(|(key, source, id, loudness)| {
                let other = if *key < 100 { key + 100 } else { key - 100 };
                let mut all = self.0.iter();
                Choice {
                    key: *key,
                    id,
                    source: *source,
                    loudness: *loudness,
                    partner: all.any(|(key, ..)| *key == other).then_some(other),
                }
            });
            choices.collect()
        }

        fn settle(&self, slots: &[Option<u32>], beside: &[Option<u32>]) -> Vec<Option<u32>> {
            let choices = self.choices();
            let is_picture = |source| matches!(source, Source::Camera | Source::Screen);
            let of_kind =
                |choice: &&Choice<'_, u32>| is_picture(choice.source) == (slots.len() > 4);
            let preferred: Vec<u32> = choices.iter().filter(of_kind).map(|one| one.key).collect();
            let find = |key| choices.iter().find(|choice| choice.key == key);
            settle(slots, &preferred, |key, place| {
                cost(find(key), beside, place)
            })
        }
    }

    const CAMERA: Source = Source::Camera;
    const VOICE: Source = Source::Microphone;

    #[test]
    fn a_person_who_comes_with_both_gets_a_pair_in_either_order() {
        let people = People::of(&[(1, CAMERA), (101, VOICE), (102, VOICE), (2, CAMERA)]);
        let pictures = people.settle(&[None; 9], &[None, Some(102), None, None]);
        assert_eq!(pictures[..3], [Some(1), Some(2), None]);
        let sounds = people.settle(&[None, Some(102), None, None], &pictures);
        assert_eq!(sounds, [Some(101), Some(102), None, None]);
        let sounds = people.settle(&[None; 4], &[None, Some(2), Some(1)]);
        assert_eq!(sounds, [None, Some(102), Some(101), None]);
    }

    #[test]
    fn what_has_no_sound_leaves_pairs_to_those_who_have() {
        // A screen without sound, and somebody whose sound is with another's picture already.
        let people = People::of(&[(50, Source::Screen), (1, CAMERA), (101, VOICE), (2, CAMERA)]);
        let slots = [Some(9), None, None, None, None, None];
        let sounds = [Some(101), None, None, None];
        let pictures = people.settle(&slots, &sounds);
        assert_eq!(pictures, [Some(1), Some(2), None, None, Some(50), None]);
        let mut slots = slots;
        slots[0] = Some(2);
        let pictures = people.settle(&slots, &sounds);
        assert_eq!(pictures, [Some(2), None, None, None, Some(50), Some(1)]);
    }

    #[test]
    fn a_silent_sound_moves_beside_its_picture_and_a_voice_does_not() {
        let mut people = People::of(&[(1, CAMERA), (101, VOICE), (102, VOICE)]);
        let beside = [Some(9), Some(1), None];
        let sounds = [Some(101), None, Some(102), None];
        let loosened = |people: &People| super::loosened(&sounds, &people.choices(), &beside);
        assert_eq!(loosened(&people), [None, None, Some(102), None]);
        let settled = people.settle(&loosened(&people), &beside);
        assert_eq!(settled, [None, Some(101), Some(102), None]);
        people.0[1].3 = 90;
        assert_eq!(loosened(&people), sounds);
        // Nor where the better slot is taken.
        people.0[1].3 = 0;
        let sounds = [Some(101), Some(102), None, None];
        let kept = super::loosened(&sounds, &people.choices(), &beside);
        assert_eq!(kept, sounds);
    }
}
