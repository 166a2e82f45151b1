//! Simulcast: everybody gets the layer that fits their tile, their line and what comes.

pub(super) mod call;
mod temporal;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rtc::peer_connection::message::{RTCMessage, TaggedRTCMessage};
use rtc::rtcp::goodbye::Goodbye;
use rtc::sansio::Protocol as _;

use self::call::{Call, Got, PATTERN, QUEUE, TICKS, layer, three};
use crate::meeting::media::MediaCommand;
use crate::protocol::object::Source;

fn reported(layer: &str, reason: &str) -> (String, String) {
    (layer.to_owned(), reason.to_owned())
}

/// The layers of what was received, in order, each once.
fn layers_of(got: &[Got]) -> Vec<u8> {
    let mut layers: Vec<u8> = got.iter().map(|got| got.layer).collect();
    layers.dedup();
    layers
}

/// Checks that the receiver sees one stream without a gap over all switches, whose clock and counters only go on. After
/// a switch it begins with a keyframe, and every picture is whole. Returns the number of switches.
fn is_one_stream(got: &[Got]) -> usize {
    let mut switches = 0;
    let mut counted = BTreeMap::new();
    for got in got {
        *counted.entry((got.layer, got.frame)).or_insert(0) += 1;
        let whole = counted[&(got.layer, got.frame)];
        assert!(whole <= got.packets, "{got:?} came twice");
    }
    for pair in got.windows(2) {
        let [one, next] = pair else { continue };
        assert_eq!(
            next.sequence,
            one.sequence.wrapping_add(1),
            "{one:?} {next:?}"
        );
        let same = (one.layer, one.frame) == (next.layer, next.frame);
        let ticks = next.timestamp.wrapping_sub(one.timestamp);
        let pictures = next.picture.wrapping_sub(one.picture) & 0x7fff;
        if same {
            assert_eq!((ticks, pictures), (0, 0), "{one:?} {next:?}");
            continue;
        }
        assert!((1..TICKS * 40).contains(&ticks), "{one:?} {next:?}");
        assert_eq!(pictures, 1, "{one:?} {next:?}");
        let slowest = u8::from(PATTERN[next.step].temporal == 0);
        let counted_slowest = next.tl0.wrapping_sub(one.tl0);
        assert_eq!(counted_slowest, slowest, "{one:?} {next:?}");
        assert_eq!(counted[&(one.layer, one.frame)], one.packets, "{one:?}");
        if one.layer != next.layer {
            switches += 1;
            assert!(next.is_key, "{one:?} {next:?}");
        } else {
            assert_eq!(ticks, TICKS * (next.frame - one.frame), "{one:?} {next:?}");
        }
    }
    switches
}

#[test]
fn two_tiles_of_different_sizes_get_different_layers_at_once() {
    let mut call = Call::new();
    call.view(0, 180);
    call.view(1, 1080);
    call.talk(2);
    call.take_received(0);
    call.take_received(1);
    call.talk(3);
    let (small, large) = (call.take_received(0), call.take_received(1));
    assert_eq!((layers_of(&small), layers_of(&large)), (vec![0], vec![2]));
    assert_eq!((small.len(), large.len()), (60, 540));
    assert_eq!(call.last_reported(0), reported("q", ""));
    assert_eq!(call.last_reported(1), reported("f", ""));
    assert_eq!(is_one_stream(&small) + is_one_stream(&large), 0);
    call.talk(5);
    let format = call.format();
    let shape = format
        .iter()
        .map(|(rid, height, _)| (rid.as_str(), *height));
    assert_eq!(
        shape.collect::<Vec<_>>(),
        [("q", 180), ("h", 360), ("f", 720)]
    );
    assert!(
        format.iter().all(|(_, _, bitrate)| *bitrate > 100_000),
        "{format:?}"
    );
}

#[test]
fn a_switch_waits_for_a_keyframe_and_keeps_one_stream() {
    let mut call = Call::new();
    call.talk(2);
    call.take_received(0);
    let mut switches = 0;
    for height in [180, 720, 360, 180, 360, 720, 180] {
        call.view(0, height);
        call.talk_frames(17);
    }
    let got = call.take_received(0);
    switches += is_one_stream(&got);
    assert_eq!(switches, 7, "{:?}", layers_of(&got));
    // No picture was missing meanwhile.
    let frames: BTreeSet<u32> = got.iter().map(|got| got.frame).collect();
    assert!(frames.len() >= 7 * 17, "{}", frames.len());
}

#[test]
fn what_is_lost_around_switches_is_repaired_from_the_layer_that_it_was_of() {
    let mut call = Call::new();
    call.view(0, 720);
    call.talk(2);
    call.take_received(0);
    let down = call.viewers[0].1;
    let viewer = call.world.clients[down].address;
    call.world.losses.insert(viewer, 6);
    let mut all = Vec::new();
    for height in [180, 720, 360, 720, 180, 720, 360, 720] {
        call.view(0, height);
        call.talk(2);
        all.extend(call.take_received(0));
    }
    call.world.losses.insert(viewer, 0);
    call.talk(1);
    all.extend(call.take_received(0));
    let mut missing = 0;
    for pair in all.windows(2) {
        missing += usize::from(pair[1].sequence.wrapping_sub(pair[0].sequence)) - 1;
        let ticks = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert!(ticks < TICKS * 40, "{pair:?}");
        let is_switch = pair[0].layer != pair[1].layer;
        let follows = pair[1].sequence == pair[0].sequence.wrapping_add(1);
        assert!(!is_switch || !follows || pair[1].is_key, "{pair:?}");
    }
    assert!(missing * 100 < all.len(), "{missing} of {}", all.len());
}

#[test]
fn a_narrow_line_gets_a_smaller_layer_and_the_larger_one_when_it_is_wide_again() {
    let mut call = Call::new();
    call.view(0, 720);
    call.view(1, 720);
    call.talk(5);
    assert_eq!(call.last_reported(0), reported("f", ""));
    call.take_received(0);
    call.take_received(1);
    let down = call.viewers[0].1;
    call.world.narrow(down, 800, QUEUE);
    call.talk(6);
    let (layer, reason) = call.last_reported(0);
    assert_ne!(layer, "f");
    assert_eq!(reason, "bandwidth");
    call.take_received(0);
    call.talk(10);
    let got = call.take_received(0);
    assert!(is_one_stream(&got) <= 1, "{:?}", layers_of(&got));
    let frames: BTreeSet<u32> = got.iter().map(|got| got.frame).collect();
    assert!(frames.len() >= 195, "{}: it is no slide show", frames.len());
    // The other viewer notices nothing.
    let other = call.take_received(1);
    assert_eq!(layers_of(&other), [2]);
    call.world.widen(down);
    call.talk(40);
    assert_eq!(call.last_reported(0), reported("f", ""));
    assert_eq!(call.reported(1).len(), 1, "{:?}", call.reported(1));
}

#[test]
fn a_layer_that_its_sender_stops_is_replaced_and_taken_up_again() {
    let mut call = Call::new();
    call.view(0, 720);
    call.talk(3);
    assert_eq!(call.last_reported(0), reported("f", ""));
    call.take_received(0);
    call.layers[2].is_sent = false;
    call.talk_frames(24);
    assert_eq!(call.last_reported(0), reported("h", ""));
    call.talk(3);
    assert_eq!(call.last_reported(0), reported("h", "sender"));
    let got = call.take_received(0);
    assert_eq!((is_one_stream(&got), layers_of(&got)), (0, vec![1]));
    assert!(got[0].is_key);
    let frames: BTreeSet<u32> = got.iter().map(|got| got.frame).collect();
    assert!(frames.len() >= 68, "{} of 84", frames.len());
    call.layers[2].is_sent = true;
    call.talk(1);
    assert_eq!(call.last_reported(0), reported("f", ""));
    let got = call.take_received(0);
    assert_eq!(is_one_stream(&got), 1, "{:?}", layers_of(&got));
    // A picture that stands still has not ended.
    call.layers
        .iter_mut()
        .for_each(|layer| layer.is_sent = false);
    call.talk(5);
    assert_eq!(call.last_reported(0), reported("f", ""));
}

#[test]
fn a_layer_that_says_goodbye_is_not_waited_for() {
    let mut call = Call::new();
    call.view(0, 720);
    call.talk(3);
    call.layers[2].is_sent = false;
    let goodbye = Goodbye {
        sources: vec![call.layers[2].ssrc],
        ..Default::default()
    };
    let message = TaggedRTCMessage {
        now: call.world.now,
        message: RTCMessage::RtcpPacket(String::new(), vec![Box::new(goodbye)]),
    };
    call.world.clients[call.up]
        .pc
        .handle_write(message)
        .unwrap();
    call.talk_frames(6);
    assert_eq!(call.last_reported(0), reported("h", ""));
}

#[test]
fn the_sender_is_told_what_is_watched() {
    let mut call = Call::new();
    call.view(0, 180);
    call.view(1, 360);
    call.talk(3);
    assert_eq!(call.demands(), ["q h"]);
    call.layers[2].is_sent = false;
    call.talk(2);
    // At once, while it is shown smaller until it comes.
    call.view(0, 720);
    call.world.run(Duration::from_millis(40));
    assert_eq!(call.demands()[1..], ["q h f"]);
    call.talk_frames(4);
    call.layers[2].is_sent = true;
    call.talk(1);
    assert_eq!(call.last_reported(0), reported("f", ""));
    call.take_received(0);
    call.view_tiles(0, Vec::new());
    call.view_tiles(1, Vec::new());
    call.talk_frames(36);
    assert_eq!(call.demands().len(), 2, "{:?}", call.demands());
    call.talk_frames(6);
    assert_eq!(call.demands().last().unwrap(), "");
    call.view(1, 180);
    call.world.run(Duration::from_millis(40));
    assert_eq!(call.demands().last().unwrap(), "q");
    let gone = call.viewers[1].0.clone();
    call.world
        .command(MediaCommand::Dismiss { participant: gone });
    call.talk(3);
    assert_eq!(call.demands().last().unwrap(), "");
}

/// Senders that are held by their line begin with the small layers, and learn by those that they have room for more.
#[test]
fn while_the_largest_layer_does_not_come_the_ones_below_are_asked_for() {
    let mut call = Call::new();
    call.view(0, 180);
    call.view(1, 180);
    call.talk(4);
    assert_eq!(call.demands().last().unwrap(), "q");
    let before = call.demands().len();
    for place in [1, 2] {
        call.layers[place].is_sent = false;
    }
    call.view(0, 720);
    call.talk(2);
    assert_eq!(call.demands()[before..], ["q f"]);
    call.talk(2);
    assert_eq!(call.demands()[before + 1..], ["q h f"]);
    call.layers[1].is_sent = true;
    call.talk(3);
    assert_eq!(call.last_reported(0), reported("h", "sender"));
    call.talk(10);
    assert_eq!(call.demands().len(), before + 2, "{:?}", call.demands());
    call.layers[2].is_sent = true;
    call.talk(5);
    assert_eq!(call.last_reported(0), reported("f", ""));
    assert_eq!(call.demands()[before + 2..], ["q f"]);
}

#[test]
fn layers_have_their_senders_names_and_order() {
    let layers = vec![layer("high", 7000, 2), layer("7", 8000, 0)];
    let mut call = Call::of(layers, |sdp| sdp);
    call.view(0, 180);
    call.view(1, 720);
    call.talk(3);
    assert_eq!(call.last_reported(0), reported("7", ""));
    assert_eq!(call.last_reported(1), reported("high", ""));
    let names: Vec<String> = call.format().into_iter().map(|(rid, ..)| rid).collect();
    assert_eq!(names, ["7", "high"]);
}

#[test]
fn a_layer_goes_on_under_another_ssrc() {
    let mut call = Call::new();
    call.view(0, 720);
    call.talk(2);
    call.take_received(0);
    let layer = &mut call.layers[2];
    (layer.ssrc, layer.sequence, layer.base) = (4000, 17, 5);
    layer.wants_keyframe = true;
    call.talk(2);
    let got = call.take_received(0);
    assert_eq!(layers_of(&got), [2]);
    let frames: BTreeSet<u32> = got.iter().map(|got| got.frame).collect();
    assert!(frames.len() >= 39, "{}", frames.len());
    assert_eq!(call.last_reported(0), reported("f", ""));
}

#[test]
fn layers_may_be_negotiated_anew() {
    let mut call = Call::new();
    call.view(0, 180);
    call.view(1, 720);
    call.talk(2);
    assert_eq!(call.last_reported(0), reported("q", ""));
    let ada = call.ada.clone();
    let fewer = |sdp: String| sdp.replace("a=simulcast:send q;h;f", "a=simulcast:send h;f");
    call.world.offer(&ada, call.up, 2, &[Source::Camera], fewer);
    call.talk(2);
    assert_eq!(call.last_reported(0), reported("h", ""));
    assert_eq!(call.last_reported(1), reported("f", ""));
    call.take_received(0);
    call.take_received(1);
    call.talk(1);
    let both = [0, 1].map(|viewer| layers_of(&call.take_received(viewer)));
    assert_eq!(both, [[1], [2]]);
}

/// Some clients name their layers by SSRCs in the description alone, in the order of the rids.
#[test]
fn declared_ssrcs_need_no_names_in_packets() {
    let declared = "a=ssrc:1000 cname:a\r\na=ssrc:2000 cname:a\r\na=ssrc:3000 cname:a\r\n";
    let mut call = Call::of(three(), |sdp| sdp + declared);
    call.named = false;
    call.view(0, 180);
    call.view(1, 720);
    call.talk(3);
    assert_eq!(call.last_reported(0), reported("q", ""));
    assert_eq!(call.last_reported(1), reported("f", ""));
}
