//! Layers with temporal layers in them: on a narrow line pictures come more seldom before they become smaller or stop.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::call::{Call, Got, PATTERN, QUEUE};
use super::{is_one_stream, layers_of, reported};
use crate::media::simulation::SERVER;

/// Checks that everything that a picture is made from came before it, as far as that is within what came. Returns how many
/// pictures there are of each temporal layer.
fn decode(got: &[Got]) -> [usize; 3] {
    let mut counts = [0; 3];
    let mut known: BTreeMap<u32, u8> = BTreeMap::new();
    let mut first = got[0];
    for got in got {
        if known.insert(got.frame, got.layer) == Some(got.layer) {
            continue;
        }
        let step = &PATTERN[got.step];
        counts[usize::from(step.temporal)] += 1;
        if got.is_key {
            first = *got;
            continue;
        }
        let references = step.references.iter().map(|back| got.frame - back);
        for reference in references.filter(|reference| *reference >= first.frame) {
            let layer = known.get(&reference);
            assert_eq!(layer, Some(&got.layer), "{got:?} is made from {reference}");
        }
    }
    counts
}

#[test]
fn a_line_too_narrow_for_the_smallest_layer_gets_half_its_pictures_and_all_when_it_is_wide_again() {
    let mut call = Call::temporal();
    call.view(0, 180);
    call.view(1, 180);
    call.talk(5);
    assert_eq!(call.last_reported(0), reported("q", ""));
    let (down, before) = (call.viewers[0].1, call.reported(1).len());
    // The smallest layer takes 165 kbit/s, half its pictures 83.
    call.world.narrow(down, 130, QUEUE);
    call.talk(20);
    assert_eq!(call.last_reported(0), reported("q", "bandwidth"));
    call.take_received(0);
    call.take_received(1);
    call.talk(10);
    let (got, other) = (call.take_received(0), call.take_received(1));
    assert_eq!(is_one_stream(&got), 0);
    let [slowest, slow, fast] = decode(&got);
    assert!(slowest >= 48 && fast < 20, "{slowest} {slow} {fast}");
    // The other viewer notices nothing.
    assert_eq!(is_one_stream(&other), 0);
    assert_eq!(decode(&other), [50, 50, 100]);
    call.world.widen(down);
    call.talk(40);
    assert_eq!(call.last_reported(0), reported("q", ""));
    let got = call.take_received(0);
    decode(&got);
    assert_eq!(is_one_stream(&got), 0);
    assert!(got.iter().all(|got| !got.is_key), "no keyframe was needed");
    call.talk(5);
    assert_eq!(decode(&call.take_received(0)), [25, 25, 50]);
    let told = call.reported(1);
    assert_eq!(told.len(), before, "{told:?}");
}

#[test]
fn between_two_layers_the_larger_one_comes_at_half_the_rate() {
    let mut call = Call::temporal();
    call.view(0, 360);
    call.view(1, 360);
    call.talk(5);
    assert_eq!(call.last_reported(0), reported("h", ""));
    let down = call.viewers[0].1;
    // The layer takes 495 kbit/s, half its pictures 250, and the smaller one 165.
    call.world.narrow(down, 400, QUEUE);
    call.talk(30);
    assert_eq!(call.last_reported(0), reported("h", "bandwidth"));
    call.take_received(0);
    call.take_received(1);
    call.talk(5);
    let (got, other) = (call.take_received(0), call.take_received(1));
    assert_eq!((is_one_stream(&got), layers_of(&got)), (0, vec![1]));
    assert_eq!(decode(&got), [25, 25, 0]);
    assert_eq!(decode(&other), [25, 25, 50]);
    // Nobody hears of a layer that is the same one with fewer pictures.
    let names: Vec<String> = call.format().into_iter().map(|(rid, ..)| rid).collect();
    assert_eq!(names, ["q", "h", "f"]);
}

#[test]
fn pictures_that_are_lost_on_their_way_in_leave_no_gap_where_they_were_to_be_left_out() {
    let mut call = Call::temporal();
    call.view(0, 180);
    call.talk(5);
    // A quarter of the pictures takes 42 kbit/s.
    let down = call.viewers[0].1;
    call.world.narrow(down, 75, QUEUE);
    call.talk(30);
    call.take_received(0);
    let server = SocketAddr::from(SERVER);
    call.world.losses.insert(server, 10);
    call.talk(20);
    call.world.losses.insert(server, 0);
    let got = call.take_received(0);
    let slowest = got.iter().filter(|got| PATTERN[got.step].temporal == 0);
    assert!(slowest.clone().count() > got.len() * 9 / 10, "{got:?}");
    let slowest: Vec<Got> = slowest.copied().collect();
    let is_gap = |pair: &&[Got]| {
        let pictures = pair[1].picture.wrapping_sub(pair[0].picture) & 0x7fff;
        pictures != u16::from(pair[1].tl0.wrapping_sub(pair[0].tl0))
    };
    // Two pictures in a row may be lost, and the repair of one of them.
    let gaps = slowest.windows(2).filter(is_gap).count();
    assert!(gaps * 50 < slowest.len(), "{gaps} of {}", slowest.len());
}
