use super::*;
use crate::media::room::layers::Seen;

const VOICE: Bitrate = Bitrate::kbps(40);

/// A ladder of layers that take so much.
fn ladder(kbps: &[u64]) -> Ladder {
    let seen: Vec<Seen> = kbps
        .iter()
        .enumerate()
        .map(|(place, kbps)| Seen {
            height: Some(180 << place),
            rate: Some(Bitrate::kbps(*kbps)),
            is_known: true,
            is_alive: true,
            ..Seen::default()
        })
        .collect();
    Ladder::of(&seen, false)
}

fn class(priority: i32, is_screen: bool) -> Class {
    Class {
        priority,
        is_screen,
    }
}

/// Preferences of one class for the largest layer of each.
fn preferences(wanted: &[(&[u64], Option<Grant>)]) -> Vec<Preference> {
    let wanted = wanted.iter().enumerate();
    wanted
        .map(|(rank, (kbps, now))| {
            let ladder = ladder(kbps);
            Preference::new(Class::default(), rank, &ladder, kbps.len() - 1, *now)
        })
        .collect()
}

fn means(kbps: u64, may_grow: bool) -> Means {
    Means {
        limit: Bitrate::kbps(kbps),
        sounds: VOICE,
        may_grow,
    }
}

fn given(kbps: u64, preferences: &[Preference]) -> Vec<Grant> {
    allocate(Some(&means(kbps, true)), preferences)
}

const WHOLE: Grant = Grant::Layer(0);
const CAMERA: &[u64] = &[150, 500, 1700];

#[test]
fn the_least_important_are_held_back_first() {
    use Grant::{Nothing, Stills};
    let whole = Some(WHOLE);
    let wanted = preferences(&[(&[1500], whole), (&[600], whole), (&[600], whole)]);
    assert_eq!(given(9000, &wanted), [WHOLE, WHOLE, WHOLE]);
    assert_eq!(given(2600, &wanted), [WHOLE, WHOLE, Stills]);
    assert_eq!(given(1700, &wanted), [WHOLE, Nothing, Nothing]);
    // What does not fit makes no room for nothing: a smaller one goes on.
    assert_eq!(given(1000, &wanted), [Stills, WHOLE, Stills]);
    assert_eq!(given(250, &wanted), [Stills, Stills, Nothing]);
    assert_eq!(given(64, &wanted), [Nothing, Nothing, Nothing]);
    assert_eq!(allocate(None, &wanted), [WHOLE, WHOLE, WHOLE]);
}

#[test]
fn everybody_gets_the_smallest_layer_before_anybody_gets_a_larger_one() {
    let three = |kbps| {
        given(
            kbps,
            &preferences(&[(CAMERA, None), (CAMERA, None), (CAMERA, None)]),
        )
    };
    let layers = |places: [usize; 3]| places.map(Grant::Layer);
    assert_eq!(three(600), layers([0, 0, 0]));
    assert_eq!(three(1000), layers([1, 0, 0]));
    assert_eq!(three(1900), layers([1, 1, 1]));
    assert_eq!(three(3300), layers([2, 1, 1]));
    assert_eq!(three(9000), layers([2, 2, 2]));
    assert_eq!(three(350), [WHOLE, Grant::Stills, Grant::Nothing]);
}

#[test]
fn a_preference_of_a_higher_class_is_fulfilled_before_others_are_raised() {
    let ladder = ladder(CAMERA);
    let preference = |class, rank| Preference::new(class, rank, &ladder, 2, None);
    let wanted = [
        preference(class(0, false), 0),
        preference(class(0, true), 1),
        preference(class(7, false), 2),
    ];
    assert_eq!(given(2500, &wanted), [0, 0, 2].map(Grant::Layer));
    assert_eq!(given(4500, &wanted), [0, 2, 2].map(Grant::Layer));
    assert_eq!(given(230, &wanted), [Grant::Nothing, Grant::Nothing, WHOLE]);
}

#[test]
fn what_begins_needs_more_room_than_what_goes_on() {
    let one = |now| given(1900, &preferences(&[(&[1700], now)]));
    assert_eq!(one(Some(WHOLE)), [WHOLE]);
    assert_eq!(one(Some(Grant::Stills)), [Grant::Stills]);
    let layered = |now| given(1900, &preferences(&[(CAMERA, Some(Grant::Layer(now)))]));
    assert_eq!(layered(2), [Grant::Layer(2)]);
    assert_eq!(layered(1), [Grant::Layer(1)]);
}

#[test]
fn while_nothing_may_be_tried_a_picture_only_takes_anothers_place() {
    let wanted = preferences(&[(&[400], Some(Grant::Stills)), (&[500], Some(WHOLE))]);
    let fixed = |kbps, wanted: &[Preference]| allocate(Some(&means(kbps, false)), wanted);
    assert_eq!(given(2000, &wanted), [WHOLE, WHOLE]);
    assert_eq!(fixed(2000, &wanted)[0], WHOLE);
    let wanted = preferences(&[(&[1700], Some(Grant::Stills))]);
    assert_eq!(fixed(9000, &wanted), [Grant::Stills]);
    let wanted = preferences(&[(CAMERA, Some(WHOLE))]);
    assert_eq!(fixed(9000, &wanted), [WHOLE]);
}

#[test]
fn stills_get_what_is_left_but_always_something() {
    let left = |kbps| left_for_stills(&means(kbps, true), Bitrate::kbps(600));
    assert_eq!(left(2000), Bitrate::kbps(1060));
    assert_eq!(left(100), STILLS);
}

struct Random(u32);

impl Random {
    fn below(&mut self, below: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % below
    }
}

/// What is asked for in a random room: each picture's class, what its layers take, and which one fits.
fn random_preferences(random: &mut Random) -> Vec<(Class, Vec<u64>, usize)> {
    let shapes: [&[u64]; 5] = [CAMERA, &[600], &[100, 900], &[300, 300, 250], &[2500]];
    (0..random.below(9))
        .map(|_| {
            let shape = shapes[random.below(5) as usize];
            let class = class(random.below(3) as i32, random.below(4) == 0);
            (
                class,
                shape.to_vec(),
                random.below(shape.len() as u32) as usize,
            )
        })
        .collect()
}

fn preferred(wanted: &[(Class, Vec<u64>, usize)], now: &[Option<Grant>]) -> Vec<Preference> {
    let wanted = wanted.iter().zip(now).enumerate();
    wanted
        .map(|(rank, ((class, kbps, ideal), now))| {
            Preference::new(*class, rank, &ladder(kbps), *ideal, *now)
        })
        .collect()
}

fn takes(kbps: &[u64], grant: Grant) -> u64 {
    match grant {
        Grant::Layer(place) => kbps[place],
        Grant::Stills => 80,
        Grant::Nothing => 0,
    }
}

#[test]
fn random_rooms_on_random_lines_hold_the_rules() {
    let mut random = Random(0x9e37_79b9);
    for _ in 0..20_000 {
        let wanted = random_preferences(&mut random);
        let limit = u64::from(random.below(8000)) + 64;
        let mut now: Vec<Option<Grant>> = wanted
            .iter()
            .map(|(_, kbps, _)| match random.below(4) {
                0 => None,
                1 => Some(Grant::Stills),
                _ => Some(Grant::Layer(random.below(kbps.len() as u32) as usize)),
            })
            .collect();
        let means = means(limit, random.below(3) > 0);
        let mut grants = Vec::new();
        for round in 0..4 {
            let next = allocate(Some(&means), &preferred(&wanted, &now));
            let total: u64 = wanted
                .iter()
                .zip(&next)
                .map(|((_, kbps, _), grant)| takes(kbps, *grant))
                .sum();
            assert!(
                total == 0 || total + 40 <= limit * 95 / 100,
                "{total} of {limit}"
            );
            for (one, (class, kbps, ideal)) in wanted.iter().enumerate() {
                assert!(next[one] <= Grant::Layer(*ideal));
                for (other, (lower, same, preference)) in wanted.iter().enumerate() {
                    let comes_first = (Reverse(*class), one) < (Reverse(*lower), other);
                    if comes_first && kbps == same && ideal >= preference {
                        assert!(
                            next[one] >= next[other],
                            "{one} {other} {next:?} {wanted:?}"
                        );
                    }
                }
            }
            // What is constant comes to rest: after one step nothing moves any more.
            assert!(
                round < 2 || grants == next,
                "{grants:?} {next:?} {wanted:?}"
            );
            now = next.iter().copied().map(Some).collect();
            grants = next;
        }
    }
}
