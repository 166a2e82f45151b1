//! A media thread that has too much to do: what is given up, in which order, and what everybody is told.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::World;
use super::layers::call::Call;
use crate::media::io::watch::{Gauge, Watch};
use crate::media::room::request::Request;
use crate::media::seats::Step;
use crate::meeting::media::MediaEvent;
use crate::protocol::object::Source;

fn reported(layer: &str, reason: &str) -> (String, String) {
    (layer.to_owned(), reason.to_owned())
}

#[test]
fn quality_steps_down_with_its_reason_and_comes_back() {
    let mut call = Call::new();
    call.view(0, 720);
    call.view(1, 180);
    call.talk(3);
    assert_eq!(call.last_reported(0), reported("f", ""));
    for (step, large, small) in [
        (Step::NoLargest, reported("h", "server"), reported("q", "")),
        (
            Step::SmallOthers,
            reported("q", "server"),
            reported("q", ""),
        ),
        (
            Step::SpeakersOnly,
            reported("", "server"),
            reported("", "server"),
        ),
        (Step::Everything, reported("f", ""), reported("q", "")),
    ] {
        call.world.state.step(step);
        call.talk(2);
        assert_eq!(call.last_reported(0), large, "{step:?}");
        assert_eq!(call.last_reported(1), small, "{step:?}");
        call.take_received(0);
        call.talk(1);
        let layers: BTreeSet<u8> = call.take_received(0).iter().map(|got| got.layer).collect();
        let expected: &[u8] = match step {
            Step::NoLargest => &[1],
            Step::SmallOthers => &[0],
            Step::SpeakersOnly => &[],
            Step::Everything => &[2],
        };
        assert!(layers.iter().eq(expected), "{step:?}: {layers:?}");
    }
}

/// From what a thread was seen to do to what people are told.
#[test]
fn too_much_work_is_told_to_everybody_and_keeps_nobody_out() {
    let mut call = Call::new();
    call.view(0, 720);
    call.view(1, 360);
    call.talk(2);
    let gauge = Arc::new(Gauge::default());
    let mut watch = Watch::new(Arc::clone(&gauge), call.world.now);
    let mut worked = Duration::ZERO;
    // The thread ran for so long of each second, and never rested: other programs had the processor for the rest.
    for (millis, seconds, told, step) in [
        (100, 10, [reported("f", ""), reported("h", "")], 0),
        (600, 4, [reported("h", "server"), reported("h", "")], 1),
        (
            600,
            4,
            [reported("q", "server"), reported("q", "server")],
            2,
        ),
    ] {
        for _ in 0..seconds {
            call.talk(1);
            worked += Duration::from_millis(millis);
            let now = call.world.now;
            watch.rested(Duration::ZERO, || worked, &mut call.world.state, now);
        }
        call.talk_frames(4);
        assert_eq!([0, 1].map(|viewer| call.last_reported(viewer)), told);
        assert_eq!(gauge.read().2, step);
    }
    let newcomer = call.world.admit();
    let down = call.world.receive(&newcomer);
    call.talk(3);
    assert!(!call.world.clients[down].received.is_empty());
}

#[test]
fn the_last_speaker_keeps_a_picture() {
    let mut call = Call::new();
    call.view(0, 720);
    call.talk(2);
    let ada = call.ada.clone();
    call.world.spoke(&ada);
    call.world.state.step(Step::SpeakersOnly);
    call.talk(2);
    assert_eq!(call.last_reported(0), reported("h", "server"));
}

/// A line that is narrow, too, is told as such, and is not probed for what the server holds back.
#[test]
fn a_narrow_line_is_still_told_as_the_reason() {
    let mut call = Call::new();
    call.view(0, 720);
    call.talk(2);
    let down = call.viewers[0].1;
    call.world.state.step(Step::NoLargest);
    call.world.narrow(down, 300, super::layers::call::QUEUE);
    call.talk(6);
    assert_eq!(call.last_reported(0).1, "bandwidth");
    call.world.widen(down);
    call.talk(12);
    assert_eq!(call.last_reported(0), reported("h", "server"));
}

#[test]
fn screens_and_sounds_go_on_whatever_step_holds() {
    let mut world = World::new();
    let (ada, bo) = (world.admit(), world.admit());
    let up = world.client();
    world.clients[up].add_source(Source::Screen, super::client::SSRC);
    world.offer(&ada, up, 1, &[Source::Screen], |sdp| sdp);
    let down = world.receive(&bo);
    world.start(&ada, Source::Screen);
    world.run(std::time::Duration::from_millis(600));
    world.state.step(Step::SpeakersOnly);
    world.talk(up, 0..100);
    world.run(std::time::Duration::from_millis(200));
    let (received, _) = super::client::numbers(&world.clients[down]);
    assert!(received.len() >= 95, "{}", received.len());
    world.ask(&bo, |reply| Request::View {
        tiles: Vec::new(),
        reply,
    });
    let events = world.events.lock().unwrap();
    let mut slots = events.iter().filter_map(|event| match event {
        MediaEvent::Slots { slots, .. } => Some(&slots.slots),
        _ => None,
    });
    assert!(slots.all(|slots| slots.iter().all(|slot| slot.reason.is_none())));
}
