use super::*;

/// Three spatial and three temporal layers, of which this is the pattern.
const TEMPORAL: [u8; 4] = [0, 2, 1, 2];
const TICKS: u32 = 3_000;

fn limits(spatial: u8, temporal: u8) -> Limits {
    Limits { spatial, temporal }
}

/// A publisher's pictures through one subscriber's sieve.
#[derive(Default)]
struct Show {
    sieve: Sieve,
    number: u32,
    spatial: u8,
}

/// What was sent of a picture, a frame a letter pair; `!` is the marker.
struct Sent {
    frames: String,
    asked: bool,
    arrived: bool,
}

impl Show {
    fn of(spatial: u8) -> Self {
        Self {
            spatial,
            ..Self::default()
        }
    }

    /// The parts of a picture, two packets each.
    fn parts(&self, is_key: bool, begins: Option<u8>) -> Vec<(Part, bool)> {
        let temporal = match is_key {
            true => 0,
            false => TEMPORAL[self.number as usize % 4],
        };
        let frames = (0..self.spatial).flat_map(|spatial| [(spatial, false), (spatial, true)]);
        let parts = frames.map(|(spatial, ends)| {
            let part = Part {
                spatial,
                temporal,
                is_independent: is_key || begins == Some(spatial),
                is_up_switch: temporal == 0,
                is_layer_sync: false,
                ends,
            };
            (part, ends && spatial + 1 == self.spatial)
        });
        parts.collect()
    }

    fn picture(&mut self, is_key: bool, limits: Limits) -> Sent {
        self.picture_with(is_key, None, limits)
    }

    fn picture_with(&mut self, is_key: bool, begins: Option<u8>, limits: Limits) -> Sent {
        let parts = self.parts(is_key, begins);
        self.number += 1;
        let mut sent = Sent {
            frames: String::new(),
            asked: false,
            arrived: false,
        };
        for (part, marker) in parts {
            let timestamp = self.number.wrapping_mul(TICKS).wrapping_sub(9_000);
            let verdict = self.sieve.sift(part, (timestamp, marker), limits, false);
            sent.asked |= verdict.needs_keyframe;
            sent.arrived |= verdict.has_arrived;
            if verdict.passes && part.ends {
                sent.frames += &format!("{}{}", part.spatial, part.temporal);
            }
            if verdict.marker {
                sent.frames += "!";
            }
        }
        sent
    }

    fn frames(&mut self, limits: Limits) -> String {
        self.picture(false, limits).frames
    }
}

#[test]
fn a_picture_ends_with_the_highest_layer_that_is_sent() {
    for (spatial, expected) in [(0, "00!"), (1, "0010!"), (2, "001020!"), (9, "001020!")] {
        let mut show = Show::of(3);
        let key = show.picture(true, limits(spatial, 0));
        assert_eq!(key.frames, expected);
        show.number = 4;
        let next = show.picture(false, limits(spatial, 0));
        assert_eq!(next.frames, expected);
        assert!(!next.asked, "it has all that it may");
    }
}

#[test]
fn less_is_sent_at_once_and_more_from_the_next_keyframe() {
    let mut show = Show::of(3);
    show.picture(true, Limits::NONE);
    show.number = 4;
    assert_eq!(show.frames(limits(2, 0)), "001020!");
    show.number = 8;
    let less = show.picture(false, limits(0, 0));
    assert_eq!((less.frames.as_str(), less.arrived), ("00!", true));
    show.number = 12;
    let more = show.picture(false, limits(2, 0));
    assert_eq!(more.frames, "00!", "no decoder could begin with the others");
    assert!(more.asked && !more.arrived);
    let key = show.picture(true, limits(2, 0));
    assert_eq!((key.frames.as_str(), key.asked), ("001020!", false));
    show.number = 16;
    let next = show.picture(false, limits(2, 0));
    assert_eq!(next.frames, "001020!");
    assert!(next.arrived, "the whole picture before came");
}

#[test]
fn higher_temporal_layers_begin_after_a_switching_point() {
    let mut show = Show::of(1);
    show.picture(true, limits(0, 0));
    let slow: Vec<String> = (0..4).map(|_| show.frames(limits(0, 0))).collect();
    assert_eq!(slow, ["", "", "", "00!"]);
    let more: Vec<String> = (0..5).map(|_| show.frames(limits(0, 2))).collect();
    assert_eq!(more, ["", "", "", "00!", "02!"], "from the next one on");
    let middle: Vec<String> = (0..4).map(|_| show.frames(limits(0, 1))).collect();
    assert_eq!(middle, ["01!", "", "00!", ""]);
}

#[test]
fn a_layer_that_its_sender_begins_is_taken_where_nothing_was_left_out() {
    let mut show = Show::of(1);
    show.picture(true, Limits::NONE);
    show.number = 4;
    assert_eq!(show.frames(Limits::NONE), "00!");
    show.spatial = 2;
    show.number = 8;
    let begun = show.picture_with(false, Some(1), Limits::NONE);
    assert_eq!((begun.frames.as_str(), begun.asked), ("0010!", false));
    show.number = 12;
    assert_eq!(show.frames(Limits::NONE), "0010!");
    // One that was missed needs a keyframe.
    show.spatial = 3;
    show.number = 16;
    let missed = show.picture(false, Limits::NONE);
    assert_eq!((missed.frames.as_str(), missed.asked), ("0010", true));
    show.number = 20;
    assert_eq!(show.frames(Limits::NONE), "0010!");
}

#[test]
fn late_packets_are_judged_by_what_was_sent_of_their_picture() {
    let mut show = Show::of(2);
    show.picture(true, Limits::NONE);
    show.number = 4;
    let late = show.parts(false, None);
    show.number = 5;
    let timestamp = 5_u32.wrapping_mul(TICKS).wrapping_sub(9_000);
    show.number = 8;
    assert_eq!(show.frames(limits(0, 0)), "00!");
    let of_late: Vec<(bool, bool)> = late
        .iter()
        .map(|(part, marker)| {
            let verdict = show
                .sieve
                .sift(*part, (timestamp, *marker), limits(0, 0), false);
            (verdict.passes, verdict.marker)
        })
        .collect();
    let expected = [(true, false), (true, false), (true, false), (true, true)];
    assert_eq!(of_late, expected);
}

#[test]
fn what_flowed_before_layers_were_known_goes_on() {
    let mut show = Show::of(2);
    show.number = 4;
    let (part, marker) = show.parts(false, None)[3];
    let all = show.sieve.sift(part, (7, marker), Limits::NONE, true);
    assert!(all.passes && all.marker && !all.needs_keyframe);
}

#[test]
fn a_temporal_layer_without_switching_points_needs_a_keyframe_at_last() {
    let mut sieve = Sieve::default();
    let part = |temporal| Part {
        spatial: 0,
        temporal,
        is_independent: false,
        is_up_switch: false,
        is_layer_sync: false,
        ends: true,
    };
    sieve.sift(part(0), (0, true), limits(0, 0), false);
    let asked = (1..200_u32).find(|number| {
        let part = part((number % 2) as u8);
        let verdict = sieve.sift(part, (*number, true), limits(0, 1), false);
        assert_eq!(verdict.passes, number % 2 == 0);
        verdict.needs_keyframe
    });
    assert_eq!(asked, Some(2 * u32::from(PATIENCE) + 1));
}

#[test]
fn a_temporal_layer_that_depends_on_the_slowest_alone_is_gone_up_to_one_by_one() {
    let mut sieve = Sieve::default();
    let part = |temporal, is_layer_sync| Part {
        spatial: 0,
        temporal,
        is_independent: false,
        is_up_switch: false,
        is_layer_sync,
        ends: false,
    };
    let mut sift = |number: u32, temporal, is_sync, most| {
        let marker = (number, true);
        sieve.sift(part(temporal, is_sync), marker, limits(0, most), true)
    };
    // Less at once.
    assert!(sift(1, 2, false, u8::MAX).passes);
    assert!(sift(2, 0, false, 0).passes);
    let left_out = [(3, 2, true), (4, 1, true)].map(|(at, layer, sync)| sift(at, layer, sync, 0));
    assert!(
        left_out
            .iter()
            .all(|verdict| !verdict.passes && !verdict.needs_keyframe)
    );
    // More from where a layer begins anew, if all below it are sent.
    let more = [
        (5, 0, false, true),
        (6, 2, true, false),
        (7, 1, false, false),
        (8, 2, false, false),
        (9, 0, false, true),
        (10, 1, true, true),
        (11, 2, false, false),
        (12, 1, false, true),
        (13, 2, true, true),
    ];
    for (number, temporal, is_sync, passes) in more {
        let verdict = sift(number, temporal, is_sync, u8::MAX);
        assert_eq!(verdict.passes, passes, "{number}");
        assert!(!verdict.needs_keyframe);
    }
    let after = [(14, 2), (15, 0), (16, 1)].map(|(at, layer)| sift(at, layer, false, u8::MAX));
    assert!(after.iter().all(|verdict| verdict.passes));
    assert!(after[1].has_arrived);
}
