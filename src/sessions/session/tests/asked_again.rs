//! What is asked again after a resumption, case by case.

use super::coming_back::{KEPT_FOR, released, shown, take_up};
use super::*;
use crate::meeting::effect::CloseReason;
use crate::sessions::answers::Answered;

const JOIN: u64 = 2;

/// A session that loses its socket while it comes into a room. It has told one event since, which the client hears when
/// it is back.
fn cut_at_the_join(answer: Result<(), ErrorCode>) -> Desk {
    let mut desk = Desk::kept_for(KEPT_FOR);
    desk.ask(1);
    desk.done(|someone| someone.user = somebody());
    desk.hear(Frame::Text(&request(JOIN, "room.join")));
    assert_eq!(desk.take(Input::End(End::Gone)), [Out::LetGo(End::Gone)]);
    let (id, mut state) = desk.lent.take().unwrap();
    match answer {
        Ok(()) => state.inside = Some(ada()),
        Err(_) => state.at_door = Some(ada()),
    }
    let answer = answer
        .map(|()| frame::ok(id, &()).into())
        .map_err(Into::into);
    assert_eq!(
        desk.take(Input::Done(Done { state, id, answer })),
        [Out::TellLoss]
    );
    desk.announced();
    desk
}

impl Desk {
    fn join_again(&mut self) -> Vec<Out> {
        self.hear(Frame::Text(&request(JOIN, "room.join")))
    }
}

fn standing() -> Result<Standing, WireError> {
    Ok(Standing::Inside(ada()))
}

/// The answer to the join is the room.
fn is_shown(out: &Out) -> bool {
    matches!(out, Out::Frame(frame) if frame["re"] == JOIN && frame["data"]["self"]["id"] == ada().as_str())
}

#[test]
fn who_asks_again_how_they_came_in_sees_the_room_at_its_place_among_the_events() {
    let mut desk = cut_at_the_join(Ok(()));
    desk.tell(sure());
    let missed = desk.back(0);
    assert_eq!(events(&missed[1..]), [("session.replaced", Some(1))]);
    assert_eq!(desk.join_again(), [take_up(false, true)]);
    assert!(!desk.core.wants_frames());
    // This was told before the room shows itself.
    assert_eq!(events(&desk.tell(sure())), [("session.replaced", Some(2))]);
    assert_eq!(desk.taken_up(standing()), []);
    assert!(!desk.core.wants_frames());
    assert_eq!(events(&desk.tell(sure())), [("session.replaced", Some(3))]);
    let outs = desk.tell(shown());
    assert!(outs.len() == 1 && is_shown(&outs[0]), "{outs:?}");
    assert_eq!(events(&desk.tell(sure())), [("session.replaced", Some(4))]);
    assert_eq!(desk.ask(3), [Out::Request(3)]);
}

#[test]
fn a_room_that_shows_itself_before_it_has_answered_is_seen_once() {
    let mut desk = cut_at_the_join(Ok(()));
    desk.back(0);
    desk.join_again();
    assert!(is_shown(&desk.tell(shown())[0]));
    assert!(!desk.core.wants_frames(), "the state is lent");
    assert_eq!(desk.taken_up(standing()), []);
    assert_eq!(desk.tell(shown()), [], "nobody has asked for it");
    assert!(desk.core.wants_frames());
}

#[test]
fn who_is_cut_off_again_asks_once_more() {
    let mut desk = cut_at_the_join(Ok(()));
    desk.back(0);
    desk.join_again();
    assert_eq!(desk.take(Input::End(End::Gone)), [Out::LetGo(End::Gone)]);
    assert_eq!(desk.taken_up(standing()), [Out::TellLoss]);
    desk.announced();
    assert_eq!(desk.tell(shown()), []);
    desk.back(0);
    desk.join_again();
    desk.taken_up(standing());
    assert!(is_shown(&desk.tell(shown())[0]));
}

#[test]
fn who_was_let_in_meanwhile_sees_the_room_and_is_not_told_that_they_wait() {
    let mut desk = cut_at_the_join(Err(ErrorCode::RoomWaiting));
    desk.tell(admitted());
    desk.announced();
    let missed = desk.back(0);
    assert_eq!(events(&missed[1..]), [("lobby.admitted", Some(1))]);
    assert_eq!(desk.join_again(), [take_up(false, true)]);
    desk.taken_up(standing());
    assert!(is_shown(&desk.tell(shown())[0]));
}

#[test]
fn who_still_waits_is_told_so_and_who_was_sent_away_is_refused() {
    let mut desk = cut_at_the_join(Err(ErrorCode::RoomWaiting));
    desk.resume(Some(0));
    let room = RoomIdentity::try_from("k3v9".to_owned()).unwrap();
    desk.taken_up(Ok(Standing::Door(room)));
    assert_eq!(code(&desk.join_again()[0]), "room.waiting");
    desk.tell(released(None));
    assert_eq!(code(&desk.join_again()[0]), "room.denied");
}

#[test]
fn who_has_ended_their_meeting_meanwhile_is_refused_also_while_they_are_to_be_shown_it() {
    for before in [false, true] {
        let mut desk = cut_at_the_join(Ok(()));
        desk.back(0);
        assert_eq!(desk.join_again(), [take_up(false, true)]);
        let outs = if before {
            assert_eq!(desk.tell(released(None)), []);
            desk.taken_up(standing())
        } else {
            desk.taken_up(standing());
            desk.tell(released(None))
        };
        assert_eq!(code(&outs[0]), "room.ended");
        assert_eq!(code(&desk.join_again()[0]), "room.ended");
    }
}

#[test]
fn a_room_that_is_gone_or_busy_leaves_nobody_without_an_answer() {
    let mut desk = cut_at_the_join(Ok(()));
    desk.back(0);
    desk.join_again();
    let outs = desk.taken_up(Err(ErrorCode::ServerBusy.into()));
    assert_eq!(code(&outs[0]), "server.busy");
    desk.join_again();
    let (_, mut state) = desk.lent.take().unwrap();
    state.inside = None;
    let standing = Ok(Standing::Nowhere);
    let outs = desk.take(Input::TakenUp { state, standing });
    assert_eq!(code(&outs[0]), "room.ended");
}

#[test]
fn who_left_by_their_next_request_gets_the_answers_of_both() {
    let mut desk = cut_at_the_join(Ok(()));
    desk.back(0);
    desk.hear(Frame::Text(&request(3, "room.leave")));
    desk.done(|someone| someone.inside = None);
    // What the room says of it comes later.
    desk.tell(released(None));
    assert!(is_answer(&desk.join_again()[0], JOIN, "ok"));
    let leave = desk.hear(Frame::Text(&request(3, "room.leave")));
    assert!(is_answer(&leave[0], 3, "ok"));
}

#[test]
fn what_is_kept_of_a_join_is_short() {
    let mut desk = Desk::kept_for(KEPT_FOR);
    desk.ask(1);
    desk.done(|someone| someone.user = somebody());
    desk.hear(Frame::Text(&request(JOIN, "room.join")));
    let (id, mut state) = desk.lent.take().unwrap();
    state.inside = Some(ada());
    let (text, short) = (frame::ok(id, &"everybody"), frame::ok(id, &()));
    let answer = Ok(Answered {
        text: text.clone(),
        in_short: Some(short.clone()),
    });
    let frame = |text: &str| Out::Frame(serde_json::from_str(text).unwrap());
    let outs = desk.take(Input::Done(Done { state, id, answer }));
    assert_eq!(outs, [frame(&text)]);
    desk.hear(Frame::Text(&request(3, "room.leave")));
    desk.done(|someone| someone.inside = None);
    assert_eq!(desk.join_again(), [frame(&short)]);
}

#[test]
fn a_session_that_is_removed_while_it_is_to_be_shown_the_room_is_over() {
    let mut desk = cut_at_the_join(Ok(()));
    desk.back(0);
    desk.join_again();
    desk.taken_up(standing());
    let outs = desk.tell(released(Some(CloseReason::Removed)));
    assert_eq!(outs.last(), Some(&Out::Over(End::Removed)));
}

#[test]
fn what_changes_nothing_is_asked_anew_and_what_changes_something_is_not() {
    let mut desk = super::coming_back::inside();
    for (id, kind) in [(5, "chat.history"), (6, "chat.send")] {
        desk.hear(Frame::Text(&request(id, kind)));
        desk.done(|_| {});
    }
    desk.lose(End::Gone);
    desk.back(0);
    let again = desk.hear(Frame::Text(&request(5, "chat.history")));
    assert_eq!(again, [Out::Request(5)]);
    assert!(is_answer(&desk.done(|_| {})[0], 5, "ok"));
    let again = desk.hear(Frame::Text(&request(6, "chat.send")));
    assert!(is_answer(&again[0], 6, "ok"));
    assert_eq!(desk.ask(7), [Out::Request(7)], "the next is new");
}

#[test]
fn asking_anew_counts_as_a_request() {
    let mut desk = super::coming_back::inside();
    desk.hear(Frame::Text(&request(3, "room.get")));
    desk.done(|_| {});
    desk.lose(End::Gone);
    desk.back(0);
    let mut carried_out = 0;
    loop {
        let outs = desk.hear(Frame::Text(&request(3, "room.get")));
        if outs != [Out::Request(3)] {
            assert_eq!(code(&outs[0]), "rate.limited");
            break;
        }
        desk.done(|_| {});
        carried_out += 1;
    }
    assert!(
        carried_out <= crate::sessions::limits::BURST as usize,
        "{carried_out}"
    );
}
