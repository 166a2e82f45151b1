//! What a session does, case by case.

use super::*;
use crate::meeting::effect::CloseReason;
use crate::sessions::heartbeat::HEARTBEAT;
use crate::sessions::limits::BURST;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn sure_events_are_numbered_without_gaps_and_lossy_ones_not_at_all() {
    let mut desk = Desk::logged_in();
    let mut outs = Vec::new();
    for item in [sure(), lossy(), sure(), last_word()] {
        outs.extend(desk.tell(item));
    }
    let expected = [
        ("session.replaced", Some(1)),
        ("speaker.active", None),
        ("session.replaced", Some(2)),
        ("room.deleted", Some(3)),
    ];
    assert_eq!(events(&outs), expected);
}

#[test]
fn one_request_is_carried_out_at_a_time_and_events_go_out_meanwhile() {
    let mut desk = Desk::logged_in();
    assert_eq!(desk.ask(2), [Out::Request(2)]);
    assert!(!desk.core.wants_frames());
    assert_eq!(events(&desk.tell(sure())), [("session.replaced", Some(1))]);
    let outs = desk.done(|_| {});
    assert!(is_answer(&outs[0], 2, "ok") && outs.len() == 1);
    assert!(desk.core.wants_frames());
}

#[test]
fn a_request_sent_again_gets_its_first_answer_and_is_not_carried_out_again() {
    let mut desk = Desk::logged_in();
    desk.ask(5);
    let first = desk.done(|_| {});
    assert_eq!(desk.ask(5), first);
    let stale = desk.ask(4);
    assert_eq!(code(&stale[0]), "protocol.bad_field");
    assert_eq!(desk.ask(6), [Out::Request(6)]);
}

#[test]
fn nothing_of_a_room_goes_out_before_one_is_admitted() {
    let mut desk = Desk::logged_in();
    desk.ask(2);
    desk.done(|someone| someone.at_door = Some(ada()));
    // Let in while a request is in flight, which has the state.
    desk.ask(3);
    assert_eq!(desk.tell(admitted()), []);
    assert!(!desk.core.wants_items(), "what comes next is of the room");
    let outs = desk.done(|_| {});
    assert_eq!(events(&outs[..1]), [("lobby.admitted", Some(1))]);
    assert!(is_answer(&outs[1], 3, "ok"));
    assert!(desk.core.wants_items());
    assert_eq!(events(&desk.tell(sure())), [("session.replaced", Some(2))]);
}

#[test]
fn who_has_gone_away_meanwhile_is_not_told_that_they_are_in() {
    let mut desk = Desk::logged_in();
    desk.ask(2);
    desk.done(|someone| someone.at_door = Some(ada()));
    desk.ask(3);
    desk.tell(admitted());
    let outs = desk.done(|someone| someone.at_door = None);
    assert!(is_answer(&outs[0], 3, "ok") && outs.len() == 1);
    assert!(desk.core.wants_items());
}

#[test]
fn a_room_that_lets_go_is_forgotten_at_once_or_after_the_request_in_flight() {
    let released = |close| OutboxItem::Released {
        participant: ada(),
        close,
    };
    let mut desk = Desk::logged_in();
    for is_in_flight in [false, true] {
        desk.ask(if is_in_flight { 4 } else { 2 });
        desk.done(|someone| someone.inside = Some(ada()));
        if is_in_flight {
            desk.ask(5);
            assert_eq!(desk.tell(released(None)), []);
            desk.done(|_| {});
        } else {
            assert_eq!(desk.tell(released(None)), []);
        }
        desk.ask(if is_in_flight { 6 } else { 3 });
        desk.done(|someone| assert_eq!(someone.inside, None));
    }
    for (reason, end) in [
        (CloseReason::Ended, End::RoomOver),
        (CloseReason::Removed, End::Removed),
        (CloseReason::Replaced, End::Replaced),
        (CloseReason::Failed, End::RoomFailed),
    ] {
        let mut desk = Desk::logged_in();
        assert_eq!(desk.tell(released(Some(reason))), [Out::Over(end)]);
    }
}

#[test]
fn who_does_not_log_in_has_ten_seconds_and_after_a_log_out_ten_more() {
    let mut desk = Desk::open();
    let outs = desk.ring();
    assert_eq!(
        outs,
        (LOGIN_DEADLINE, vec![Out::Over(End::NotAuthenticated)])
    );

    let mut desk = Desk::logged_in();
    desk.wait(12 * SECOND);
    desk.ask(2);
    desk.done(|someone| someone.user = None);
    // The ping is due first; the ten seconds began with the answer.
    assert_eq!(desk.ring(), (3 * SECOND, vec![Out::Ping]));
    let outs = desk.ring();
    assert_eq!(outs, (7 * SECOND, vec![Out::Over(End::NotAuthenticated)]));
}

#[test]
fn a_log_in_that_is_being_carried_out_has_its_time() {
    for succeeds in [true, false] {
        let mut desk = Desk::open();
        desk.ask(1);
        assert_eq!(desk.wait(LOGIN_DEADLINE + SECOND), []);
        let outs = desk.done(|someone| someone.user = somebody().filter(|_| succeeds));
        assert!(is_answer(&outs[0], 1, "ok"));
        let (time, outs) = desk.ring();
        match succeeds {
            true => assert_eq!(outs, [Out::Ping]),
            false => assert_eq!(
                (time, outs),
                (Duration::ZERO, vec![Out::Over(End::NotAuthenticated)])
            ),
        }
    }
}

#[test]
fn two_pings_may_stay_unanswered() {
    let mut desk = Desk::logged_in();
    assert_eq!(desk.ring(), (HEARTBEAT, vec![Out::Ping]));
    assert_eq!(desk.ring().1, [Out::Ping]);
    // A late answer is an answer.
    assert_eq!(desk.hear(Frame::Pong), []);
    for _ in 0..2 {
        assert_eq!(desk.ring().1, [Out::Ping]);
    }
    assert_eq!(desk.ring(), (HEARTBEAT, vec![Out::Over(End::Unresponsive)]));
}

#[test]
fn a_process_that_slept_does_not_catch_up_on_pings() {
    let mut desk = Desk::logged_in();
    assert_eq!(desk.wait(100 * HEARTBEAT), [Out::Ping]);
    assert_eq!(desk.ring(), (HEARTBEAT, vec![Out::Ping]));
}

#[test]
fn who_asks_too_fast_is_told_to_wait_and_gets_no_other_answer_to_that() {
    let mut desk = Desk::logged_in();
    let mut id = 1;
    for _ in 1..BURST {
        id += 1;
        desk.ask(id);
        desk.done(|_| {});
    }
    let refused = desk.ask(id + 1);
    assert_eq!(code(&refused[0]), "rate.limited");
    desk.now += 5 * SECOND;
    assert_eq!(desk.ask(id + 1), refused);
    assert_eq!(desk.ask(id + 2), [Out::Request(id + 2)]);
}

#[test]
fn a_flood_ends_it_whatever_it_is_made_of() {
    for frame in [
        Frame::Ping,
        Frame::Pong,
        Frame::Text(r#"{"type":"ping","id":1}"#),
        Frame::Text(r#"{"type":7,"id":1}"#),
    ] {
        let mut desk = Desk::logged_in();
        let ended = (0..6_000).find_map(|_| {
            let outs = desk.hear(frame);
            let last = outs.into_iter().last();
            last.filter(|out| matches!(out, Out::Over(_)))
        });
        assert_eq!(ended, Some(Out::Over(End::TooManyRequests)), "{frame:?}");
    }
}

#[test]
fn frames_that_are_no_requests_are_refused_and_the_eleventh_in_a_minute_is_abuse() {
    let mut desk = Desk::logged_in();
    for round in 0..10 {
        let (frame, refusal) = match round % 2 {
            0 => (Frame::Binary, "protocol.binary"),
            _ => (Frame::Text("{"), "protocol.bad_json"),
        };
        assert_eq!(code(&desk.hear(frame)[0]), refusal);
    }
    assert_eq!(desk.hear(Frame::Text("[]")), [Out::Over(End::Abuse)]);
}

#[test]
fn what_is_in_flight_is_answered_before_the_end_to_a_client_that_still_reads() {
    for (end, hears) in [
        (End::NotAuthenticated, true),
        (End::GoingAway, true),
        (End::TooSlow, false),
        (End::Gone, false),
        (End::Closed, false),
    ] {
        let mut desk = Desk::logged_in();
        desk.ask(2);
        assert_eq!(desk.take(Input::End(end)), []);
        assert!(!desk.core.wants_frames() && !desk.core.wants_items());
        assert_eq!(desk.core.next_deadline(), None);
        // Nothing else is told any more, and a second reason changes nothing.
        assert_eq!(desk.take(Input::End(End::Abuse)), []);
        let mut outs = desk.done(|someone| someone.inside = Some(ada()));
        assert_eq!(outs.pop(), Some(Out::Over(end)));
        assert_eq!(outs.len(), usize::from(hears), "{end:?}");
        assert!(outs.iter().all(|out| is_answer(out, 2, "ok")));
        // It is left with where it has just come to.
        assert_eq!(desk.left.unwrap().inside, Some(ada()));
    }
}

#[test]
fn a_server_that_goes_down_says_so_first() {
    let deadline = Timestamp::from_unix_millis(5_000).unwrap();
    for is_busy in [false, true] {
        let mut desk = Desk::logged_in();
        desk.tell(sure());
        if is_busy {
            desk.ask(2);
        }
        let mut outs = desk.take(Input::Drain { deadline });
        if is_busy {
            outs.extend(desk.done(|_| {}));
            assert!(is_answer(&outs.remove(1), 2, "ok"));
        }
        let expected = json!({
            "type": "server.draining",
            "seq": 2,
            "data": { "deadline": "1970-01-01T00:00:05.000Z" },
        });
        assert_eq!(outs, [Out::Frame(expected), Out::Over(End::GoingAway)]);
    }
}

#[test]
fn a_frame_that_is_too_big_is_named_before_the_close() {
    let mut desk = Desk::logged_in();
    let outs = desk.take(Input::End(End::TooBig));
    assert_eq!(code(&outs[0]), "protocol.too_large");
    assert_eq!(outs[1], Out::Over(End::TooBig));
}
