//! A session that loses its socket, case by case.

use super::*;
use crate::meeting::effect::CloseReason;
use crate::protocol::error::ErrorCode;

pub(super) const KEPT_FOR: Duration = Duration::from_secs(30);

/// A session in a room, with request 2.
pub(super) fn inside() -> Desk {
    let mut desk = Desk::kept_for(KEPT_FOR);
    desk.ask(1);
    desk.done(|someone| someone.user = somebody());
    desk.ask(2);
    desk.done(|someone| someone.inside = Some(ada()));
    desk
}

/// The same without a socket, which the room knows.
pub(super) fn lost() -> Desk {
    let mut desk = inside();
    desk.lose(End::Gone);
    desk
}

impl Desk {
    pub(super) fn lose(&mut self, end: End) {
        assert_eq!(self.take(Input::End(end)), [Out::LetGo(end), Out::TellLoss]);
        assert_eq!(self.announced(), []);
    }

    /// The room knows that there is no socket.
    pub(super) fn announced(&mut self) -> Vec<Out> {
        let (_, state) = self.lent.take().unwrap();
        self.take(Input::LossAnnounced(state))
    }

    pub(super) fn resume(&mut self, last_seq: Option<u64>) -> Vec<Out> {
        let token = "t".to_owned();
        let id = 77;
        self.take(Input::Resume(Resume {
            id,
            last_seq,
            token,
        }))
    }

    pub(super) fn taken_up(&mut self, standing: Result<Standing, WireError>) -> Vec<Out> {
        let (_, state) = self.lent.take().unwrap();
        self.take(Input::TakenUp { state, standing })
    }

    /// Resumes inside the room, without a view.
    pub(super) fn back(&mut self, last_seq: u64) -> Vec<Out> {
        assert_eq!(self.resume(Some(last_seq)), [take_up(false, false)]);
        self.taken_up(Ok(Standing::Inside(ada())))
    }
}

pub(super) fn take_up(anew: bool, look: bool) -> Out {
    Out::TakeUp(TakeUp { anew, look })
}

pub(super) fn shown() -> OutboxItem {
    let (participant, view) = (ada(), view());
    OutboxItem::View { participant, view }
}

pub(super) fn released(close: Option<CloseReason>) -> OutboxItem {
    let participant = ada();
    OutboxItem::Released { participant, close }
}

/// The data of the answer to a resumption.
fn answer(out: &Out) -> Value {
    match out {
        Out::Frame(frame) if frame["re"] == 77 && frame["type"] == "ok" => frame["data"].clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_missed_follows_the_answer_each_once_and_in_order() {
    let mut desk = inside();
    desk.tell(sure());
    desk.lose(End::Gone);
    for item in [sure(), lossy(), last_word()] {
        assert_eq!(desk.tell(item), []);
    }
    let outs = desk.back(1);
    let reply = answer(&outs[0]);
    assert_eq!((&reply["replayed"], &reply["seq"]), (&json!(2), &json!(1)));
    assert_eq!(reply["resume_token"], "t");
    assert_eq!(reply.get("view"), None);
    let missed = [("session.replaced", Some(2)), ("room.deleted", Some(3))];
    assert_eq!(events(&outs[1..]), missed);
    assert_eq!(events(&desk.tell(sure())), [("session.replaced", Some(4))]);
    assert!(desk.core.wants_frames());
}

#[test]
fn who_does_not_come_back_in_time_is_lost_as_their_socket_was() {
    for end in [End::Gone, End::Unloaded, End::TooSlow, End::Unresponsive] {
        let mut desk = inside();
        desk.wait(Duration::from_secs(3));
        desk.lose(end);
        assert!(!desk.core.wants_frames() && desk.core.wants_items());
        assert_eq!(desk.ring(), (KEPT_FOR, vec![Out::Over(end)]));
        assert_eq!(desk.left.unwrap().inside, Some(ada()));
    }
}

#[test]
fn a_session_that_leaves_misbehaves_or_has_no_user_is_not_kept() {
    for end in [
        End::Closed,
        End::Abuse,
        End::Removed,
        End::RoomOver,
        End::NotText,
    ] {
        assert_eq!(inside().take(Input::End(end)), [Out::Over(end)]);
    }
    let mut nobody = Desk::kept_for(KEPT_FOR);
    assert_eq!(nobody.take(Input::End(End::Gone)), [Out::Over(End::Gone)]);
    let mut off = Desk::logged_in();
    assert_eq!(off.take(Input::End(End::Gone)), [Out::Over(End::Gone)]);
}

#[test]
fn where_there_is_no_place_it_ends_at_once_and_the_room_hears_one_thing() {
    let mut desk = inside();
    desk.core.handle(Input::End(End::Gone), desk.now);
    let Some(Output::LetGo { is_nowhere, .. }) = desk.core.next_output() else {
        panic!("the socket goes first")
    };
    assert!(!is_nowhere);
    assert_eq!(desk.take(Input::Unkept), [Out::Over(End::Gone)]);
}

#[test]
fn a_request_in_flight_is_finished_and_its_answer_waits() {
    let mut desk = inside();
    desk.ask(5);
    assert_eq!(desk.take(Input::End(End::Gone)), [Out::LetGo(End::Gone)]);
    assert_eq!(
        desk.done(|_| {}),
        [Out::TellLoss],
        "and the room is told now"
    );
    desk.announced();
    desk.back(0);
    let again = desk.ask(5);
    assert!(is_answer(&again[0], 5, "ok") && again.len() == 1);
    assert_eq!(desk.ask(6), [Out::Request(6)], "the next is new");
}

#[test]
fn answers_that_are_asked_for_again_cost_nothing_however_many() {
    let mut desk = inside();
    let mut id = 2;
    for _ in 0..200 {
        id += 1;
        desk.now += Duration::from_millis(50);
        desk.ask(id);
        desk.done(|_| {});
    }
    desk.lose(End::Gone);
    desk.back(0);
    for asked in 3..=id {
        assert!(is_answer(&desk.ask(asked)[0], asked, "ok"), "{asked}");
    }
}

#[test]
fn a_resumption_whose_answer_is_lost_is_made_again() {
    let mut desk = lost();
    desk.tell(sure());
    let first = desk.back(0);
    desk.lose(End::Gone);
    desk.tell(last_word());
    let second = desk.back(0);
    assert_eq!(events(&first[1..]), events(&second[1..2]));
    assert_eq!(events(&second[2..]), [("room.deleted", Some(2))]);
    // Lost before the room has answered: it is told once more, and nothing is answered.
    desk.lose(End::Gone);
    assert_eq!(desk.resume(Some(2)), [take_up(false, false)]);
    assert_eq!(desk.take(Input::End(End::Gone)), [Out::LetGo(End::Gone)]);
    assert_eq!(desk.taken_up(Ok(Standing::Inside(ada()))), [Out::TellLoss]);
}

#[test]
fn a_view_takes_the_place_of_what_is_before_it_and_of_nothing_else() {
    let mut desk = lost();
    desk.tell(sure());
    assert_eq!(desk.resume(None), [take_up(true, true)]);
    // The room told these before it showed itself.
    desk.tell(sure());
    assert_eq!(desk.taken_up(Ok(Standing::Inside(ada()))), []);
    desk.tell(last_word());
    let outs = desk.tell(shown());
    let reply = answer(&outs[0]);
    assert_eq!(outs.len(), 1);
    assert_eq!((&reply["replayed"], &reply["seq"]), (&json!(0), &json!(2)));
    assert_eq!(reply["view"]["self"]["id"], ada().as_str());
    assert_eq!(events(&desk.tell(sure())), [("session.replaced", Some(3))]);
}

#[test]
fn a_view_that_came_before_its_time_is_kept_with_what_follows_it() {
    let mut desk = lost();
    desk.resume(None);
    assert_eq!(desk.tell(shown()), []);
    assert_eq!(desk.tell(last_word()), []);
    let outs = desk.taken_up(Ok(Standing::Inside(ada())));
    assert!(answer(&outs[0])["view"].is_object());
    assert_eq!(events(&outs[1..]), [("room.deleted", Some(2))]);
}

#[test]
fn a_view_whose_answer_is_lost_is_given_again() {
    let mut desk = inside();
    desk.tell(sure());
    // What had no number yet is lost, so that the client's last number looks as if nothing was.
    let overflowed = [Out::LetGo(End::TooSlow), Out::TellLoss];
    assert_eq!(desk.take(Input::Overflowed), overflowed);
    desk.announced();
    for _ in 0..2 {
        assert_eq!(desk.resume(Some(1)), [take_up(false, true)]);
        desk.taken_up(Ok(Standing::Inside(ada())));
        assert!(answer(&desk.tell(shown())[0])["view"].is_object());
        desk.lose(End::Gone);
    }
    let outs = desk.back(3);
    assert_eq!(
        answer(&outs[0])["replayed"],
        0,
        "who has seen it needs no other"
    );
}

#[test]
fn who_is_in_no_room_or_at_a_door_is_told_so() {
    let mut desk = lost();
    desk.tell(released(None));
    desk.resume(None);
    let outs = desk.taken_up(Ok(Standing::Nowhere));
    let reply = answer(&outs[0]);
    assert!(reply["view"].is_null() && reply.get("view").is_some());

    let mut desk = lost();
    desk.resume(None);
    let room = RoomIdentity::try_from("k3v9".to_owned()).unwrap();
    let outs = desk.taken_up(Ok(Standing::Door(room)));
    assert_eq!(answer(&outs[0])["view"], json!({ "waiting": "k3v9" }));
}

#[test]
fn who_is_let_go_while_they_wait_for_the_view_is_nowhere() {
    for before in [false, true] {
        let mut desk = lost();
        desk.resume(None);
        let standing = Ok(Standing::Inside(ada()));
        let outs = if before {
            desk.tell(released(None));
            desk.taken_up(standing)
        } else {
            desk.taken_up(standing);
            desk.tell(released(None))
        };
        assert!(answer(&outs[0])["view"].is_null());
    }
}

#[test]
fn a_session_that_is_removed_logged_out_or_replaced_meanwhile_is_over() {
    for (reason, end) in [
        (CloseReason::Removed, End::Removed),
        (CloseReason::Ended, End::RoomOver),
        (CloseReason::Replaced, End::Replaced),
    ] {
        assert_eq!(lost().tell(released(Some(reason))), [Out::Over(end)]);
    }
    let revoked = Input::End(End::NotAuthenticated);
    assert_eq!(lost().take(revoked), [Out::Over(End::NotAuthenticated)]);
    // A log-out in flight.
    let mut desk = inside();
    desk.ask(9);
    desk.take(Input::End(End::Gone));
    let outs = desk.done(|someone| someone.user = None);
    assert_eq!(outs, [Out::Over(End::NotAuthenticated)]);
    let mut desk = inside();
    desk.ask(9);
    desk.take(Input::End(End::Gone));
    assert_eq!(desk.resume(Some(0)), []);
    let outs = desk.done(|someone| someone.user = None);
    assert_eq!(code(&outs[0]), "session.gone");
    assert_eq!(outs.last(), Some(&Out::Over(End::NotAuthenticated)));
}

#[test]
fn whom_the_room_does_not_take_is_refused_and_waited_for_as_long_as_before() {
    let mut desk = lost();
    desk.wait(KEPT_FOR / 2);
    desk.resume(Some(0));
    let outs = desk.taken_up(Err(ErrorCode::SessionGone.into()));
    assert_eq!(code(&outs[0]), "session.gone");
    assert_eq!(outs[1..], [Out::LetGo(End::NotResumed), Out::TellLoss]);
    desk.announced();
    assert_eq!(desk.ring(), (KEPT_FOR / 2, vec![Out::Over(End::Gone)]));
}

#[test]
fn a_socket_that_seems_alive_gives_way_without_the_room_hearing_of_it() {
    let mut desk = inside();
    desk.ask(3);
    desk.tell(sure());
    desk.core.hand_over(desk.now);
    assert!(
        desk.outs().is_empty(),
        "what the old socket was to write is not written"
    );
    assert_eq!(desk.resume(Some(0)), []);
    // The request in flight is finished first.
    assert_eq!(desk.done(|_| {}), [take_up(false, false)]);
    let outs = desk.taken_up(Ok(Standing::Inside(ada())));
    assert_eq!(events(&outs[1..]), [("session.replaced", Some(1))]);
    assert!(is_answer(&desk.ask(3)[0], 3, "ok"));
}

#[test]
fn what_the_room_says_to_an_earlier_socket_is_not_for_the_next() {
    let mut desk = lost();
    desk.resume(None);
    desk.core.hand_over(desk.now);
    assert_eq!(desk.resume(None), []);
    let standing = || Ok(Standing::Inside(ada()));
    assert_eq!(
        desk.taken_up(standing()),
        [take_up(true, true)],
        "it is asked again"
    );
    desk.taken_up(standing());
    assert!(answer(&desk.tell(shown())[0])["view"].is_object());
}

#[test]
fn who_is_let_in_without_a_socket_hears_of_it_when_there_is_one_and_the_room_hears_that_there_is_none()
 {
    let mut desk = Desk::kept_for(KEPT_FOR);
    desk.ask(1);
    desk.done(|someone| someone.user = somebody());
    desk.ask(2);
    desk.done(|someone| someone.at_door = Some(ada()));
    desk.lose(End::Gone);
    assert_eq!(desk.tell(admitted()), [Out::TellLoss]);
    desk.announced();
    let outs = desk.back(0);
    assert_eq!(events(&outs[1..]), [("lobby.admitted", Some(1))]);
}

#[test]
fn a_page_that_was_loaded_anew_begins_its_ids_anew() {
    let mut desk = lost();
    desk.resume(None);
    desk.taken_up(Ok(Standing::Nowhere));
    assert_eq!(desk.ask(1), [Out::Request(1)]);
}

#[test]
fn what_is_too_much_to_replay_by_the_time_of_the_answer_becomes_a_view() {
    let mut desk = lost();
    assert_eq!(desk.resume(Some(0)), [take_up(false, false)]);
    for _ in 0..=crate::budgets::ws::REPLAY_EVENTS.most {
        desk.tell(sure());
    }
    let outs = desk.taken_up(Ok(Standing::Inside(ada())));
    assert_eq!(outs, [take_up(false, true)]);
    desk.taken_up(Ok(Standing::Inside(ada())));
    assert!(answer(&desk.tell(shown())[0])["view"].is_object());
}
