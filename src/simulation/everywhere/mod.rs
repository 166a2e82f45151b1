//! A scripted meeting of two whose lines are cut everywhere: in the end both see what they would have seen without a cut,
//! they were told the same, each once and in order, and each request had one answer.
//!
//! **The meeting** ([`script`]) has every request and every event of the protocol in it, which is checked against the
//! schema that is made from the types. It runs in virtual time, over the simulation's sockets: two queues of frames with
//! the loop of `ws::socket` between them ([`line`](super::line)). The server is the product's own, as the simulation's
//! page says.
//!
//! **Every byte.** A line can go after any of its bytes. A frame that has come in part is no frame to the one who reads:
//! `ws::tests::frames` cuts a frame after each of its bytes, in both directions and for each form of its length, and
//! nothing of it is read, and the end is the same as that of a line that is cut before the frame. The one who writes does
//! not hear how much has come. So all cuts within a frame are one cut, the one before it, and here lines are cut after
//! every frame. That is what makes it cheap enough to be done for each act in four ways, and again during each
//! resumption. `tests/integration/cuts.rs` cuts real sockets after every byte of a shorter talk and of its resumption, and
//! at every 499th byte of a meeting with every request.
//!
//! **The ways.** The server may notice the cut before its client is back, or only as the client takes the session up on
//! another line. What the client has sent may arrive or be lost.
//!
//! **What is the same** ([`meeting::Outcome`]): the answers by type and code, the numbered events but for those that say
//! that somebody's socket is gone or there again, and what each of both sees in the end, which is also held against what
//! the room itself says. The last words of a session (`room.ended`, `server.draining` and the like) are heard, or the
//! client hears instead that the session is gone.

mod meeting;
mod script;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use self::meeting::{ADA, BO, Cut, Meeting, Outcome, Seen, Way};
use self::script::{ACTS, Act, come_in_while_much_happens};

/// The second line of a run is cut after so many frames at most: a greeting, the answer to the resumption, and what
/// follows.
const RESUMPTION: usize = 6;

fn run(acts: &[Act], whose: usize, cuts: &[Cut]) -> (Outcome, Seen) {
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let mut meeting = Meeting::new(whose, cuts);
        for (_, act) in acts {
            act(&mut meeting);
        }
        meeting.end()
    }));
    ran.unwrap_or_else(|_| panic!("{}, {whose} is cut: {cuts:?}", acts[0].0))
}

/// How a line may be cut after so many frames.
fn ways(way: Way, after: usize) -> impl Iterator<Item = Cut> {
    [(false, false), (false, true), (true, false), (true, true)]
        .into_iter()
        .map(move |(is_late, arrives)| Cut {
            way,
            after,
            is_late,
            arrives,
        })
}

/// All cuts of one line on which so many frames pass up and down.
fn all_cuts([up, down]: [usize; 2]) -> Vec<Cut> {
    let up = (0..=up).flat_map(|after| ways(Way::Up, after));
    let down = (0..=down).flat_map(|after| ways(Way::Down, after));
    up.chain(down).collect()
}

fn names(part: &str) -> BTreeSet<String> {
    let schema = include_str!("../../../static/protocol/meeting.v1.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    schema[part].as_object().unwrap().keys().cloned().collect()
}

/// Carries out all work on two threads.
fn share_out(work: usize, carry_out: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= work {
                        return;
                    }
                    carry_out(at);
                }
            });
        }
    });
}

#[test]
fn the_meeting_has_every_request_and_every_event_in_it() {
    let (_, mut seen) = run(&ACTS, BO, &[]);
    // A client takes its session up only when its line was cut.
    seen.requests.insert("session.resume".to_owned());
    assert_eq!(seen.requests, names("requests"));
    assert_eq!(seen.events, names("events"));
}

#[test]
fn a_line_that_is_cut_anywhere_makes_no_difference_to_any_act() {
    let mut runs = Vec::new();
    for act in ACTS {
        for whose in [ADA, BO] {
            let (uncut, seen) = run(&[act], whose, &[]);
            let uncut = std::sync::Arc::new(uncut);
            for cut in all_cuts(seen.passed) {
                runs.push((act, whose, cut, uncut.clone()));
            }
        }
    }
    println!("{} runs with one cut", runs.len());
    share_out(runs.len(), |at| {
        let (act, whose, cut, uncut) = &runs[at];
        let (outcome, _) = run(&[*act], *whose, &[*cut]);
        assert_eq!(outcome, **uncut, "{}: {whose} is cut: {cut:?}", act.0);
    });
}

#[test]
fn a_line_that_is_cut_during_the_resumption_as_well_makes_no_difference() {
    let mut runs = Vec::new();
    for act in ACTS {
        for whose in [ADA, BO] {
            let (uncut, seen) = run(&[act], whose, &[]);
            let uncut = std::sync::Arc::new(uncut);
            for (at, first) in all_cuts(seen.passed).into_iter().enumerate() {
                // One way of each place, and each way at some of the places.
                if at % 4 == (at / 4) % 4 {
                    runs.push((act, whose, first, uncut.clone()));
                }
            }
        }
    }
    println!(
        "{} runs with a cut, each with up to {} more",
        runs.len(),
        2 * RESUMPTION + 1
    );
    share_out(runs.len(), |at| {
        let (act, whose, first, uncut) = &runs[at];
        for (way, most) in [(Way::Up, RESUMPTION / 2), (Way::Down, RESUMPTION)] {
            for after in 0..=most {
                let second = Cut {
                    way,
                    after,
                    ..*first
                };
                let (outcome, seen) = run(&[*act], *whose, &[*first, second]);
                assert_eq!(
                    outcome, **uncut,
                    "{}: {whose} is cut: {first:?} {second:?}",
                    act.0
                );
                if seen.cuts < 2 {
                    break;
                }
            }
        }
    });
}

/// The order of events differs between runs, and a person who joins late does not get all of them.
#[test]
fn who_comes_in_while_much_happens_sees_all_of_it_wherever_they_are_cut() {
    let act = (
        "bo comes in while much happens",
        come_in_while_much_happens as fn(&mut Meeting),
    );
    let (uncut, seen) = run(&[act], BO, &[]);
    let cuts = all_cuts(seen.passed);
    share_out(cuts.len(), |at| {
        let cut = cuts[at];
        let (outcome, _) = run(&[act], BO, &[cut]);
        assert_eq!(outcome.sees, uncut.sees, "{cut:?}");
    });
}

#[test]
fn the_whole_meeting_is_the_same_wherever_a_line_is_cut() {
    for whose in [ADA, BO] {
        let (uncut, seen) = run(&ACTS, whose, &[]);
        let cuts = all_cuts(seen.passed);
        println!("{} frames pass the line of {whose}", cuts.len() / 4);
        share_out(cuts.len() / 4, |at| {
            let cut = cuts[4 * at + at % 4];
            let (outcome, _) = run(&ACTS, whose, &[cut]);
            assert_eq!(outcome, uncut, "{whose} is cut: {cut:?}");
        });
    }
}
