//! Meetings that are saved: each whole, the newest of each room, and many in one commit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;

use super::*;
use crate::budgets::store::ROOM_STATE;
use crate::protocol::error::ErrorCode;
use crate::protocol::event::LeaveReason;
use crate::protocol::ids::{ParticipantId, UserId};
use crate::protocol::object::Role;

fn state(text: &str, kept_until: Option<i64>) -> RoomState {
    RoomState {
        version: 1,
        bytes: text.as_bytes().to_vec(),
        saved_at: at(7),
        kept_until: kept_until.map(at),
    }
}

async fn a_meeting_is_kept_as_it_was_saved_last(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let [hall, attic] = [room(&store, &ada, "Hall"), room(&store, &ada, "Attic")];
    let [hall, attic] = [hall.await.key, attic.await.key];
    // More than MySQL's plain `blob` holds, and letters of every kind.
    let large = state(&"周会 🎉 \u{0} ".repeat(20_000), None);
    let write = async |changes: &[StateChange]| store.write_room_states(changes).await.unwrap();
    write(&[
        (hall, Some(state("old", Some(1)))),
        (attic, Some(state("attic", None))),
    ])
    .await;
    write(&[(hall, Some(large.clone()))]).await;
    assert_eq!(store.room_state(hall).await.unwrap(), Some(large));
    assert_eq!(store.rooms_with_state().await.unwrap().len(), 2);
    write(&[(hall, None), (attic, Some(state("newer", Some(2))))]).await;
    assert_eq!(store.room_state(hall).await.unwrap(), None);
    assert_eq!(store.rooms_with_state().await.unwrap(), [attic]);
    let kept = store.room_state(attic).await.unwrap();
    assert_eq!(kept, Some(state("newer", Some(2))));
}

async fn a_node_takes_up_its_own_meetings_alone_and_old_ones_go(home: Home) {
    let mut store = home.open().await;
    let ada = user(&store, "ada").await;
    let mut rooms = Vec::new();
    for (node, kept_until) in [(7, None), (8, Some(50)), (8, Some(60))] {
        store.node = NodeId(node);
        let room = room(&store, &ada, "Hall").await.key;
        let saved = [(room, Some(state("one", kept_until)))];
        store.write_room_states(&saved).await.unwrap();
        rooms.push(room);
    }
    assert_eq!(store.rooms_with_state().await.unwrap(), rooms[1..]);
    assert_eq!(store.room_state(rooms[0]).await.unwrap(), None);
    // Nor does it forget its neighbour's.
    store.write_room_states(&[(rooms[0], None)]).await.unwrap();
    assert_eq!(store.prune_room_states(at(50)).await.unwrap(), 1);
    assert_eq!(store.rooms_with_state().await.unwrap(), rooms[2..]);
    store.node = NodeId(7);
    assert_eq!(store.rooms_with_state().await.unwrap(), rooms[..1]);
}

async fn memberships_that_are_taken_up_have_no_gap(home: Home) {
    let store = home.open().await;
    let hall = room(&store, &user(&store, "ada").await, "Hall").await.key;
    let membership = |millis| Membership {
        room: hall,
        participant: ParticipantId::random(),
        user: UserId::random(),
        display_name: DisplayName::parse("Bo").unwrap(),
        role: Role::Member,
        joined_at: at(millis),
    };
    let [written, unwritten, gone] = [membership(1), membership(2), membership(3)];
    for one in [&written, &gone] {
        let joined = Attendance::Joined(one.clone());
        store.write_attendance(joined).await.unwrap();
    }
    store.beat(at(10)).await.unwrap();
    assert_eq!(store.close_open_memberships(at(90)).await.unwrap(), 2);
    // As the first one is known and the second was not written when the server was killed.
    let back = [written.clone(), unwritten.clone()];
    for _ in 0..2 {
        store.take_up_memberships(&back).await.unwrap();
    }
    let memberships = store.list_memberships(hall).await.unwrap();
    let seen = memberships.iter();
    let seen: Vec<_> = seen
        .map(|one| (one.participant.clone(), one.joined_at, one.left))
        .collect();
    let end = Some((at(10), LeaveReason::Lost));
    let of = |one: &Membership, left| (Some(one.participant.clone()), Some(one.joined_at), left);
    assert_eq!(
        seen,
        [of(&written, None), of(&gone, end), of(&unwritten, None)]
    );
    store.take_up_memberships(&[]).await.unwrap();
}

type Batches = Arc<Mutex<Vec<Vec<StateChange>>>>;

/// A writer to nowhere, what it has written, and whether that fails.
fn writer() -> (StateWriter, Batches, Arc<AtomicBool>) {
    let (batches, is_away) = (Batches::default(), Arc::new(AtomicBool::new(false)));
    let (written, away) = (batches.clone(), is_away.clone());
    let writer = StateWriter::start_with(move |changes: Arc<Vec<StateChange>>| {
        let (written, away) = (written.clone(), away.clone());
        async move {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            if away.load(Ordering::SeqCst) {
                let gone = sea_orm::RuntimeErr::Internal("away".to_owned());
                return Err(sea_orm::DbErr::Conn(gone).into());
            }
            let mut changes = changes.to_vec();
            changes.sort_by_key(|(room, _)| *room);
            written.lock().unwrap().push(changes);
            Ok(())
        }
    });
    (writer, batches, is_away)
}

fn saved(text: &str) -> Option<RoomState> {
    Some(state(text, None))
}

#[tokio::test(start_paused = true)]
async fn what_many_rooms_want_meanwhile_is_one_commit() {
    let (writer, batches, _) = writer();
    let kept = (0..100).map(|room| writer.keep_surely(RoomKey(room), saved("x")));
    assert!(join_all(kept).await.iter().all(Result::is_ok));
    assert!(batches.lock().unwrap().len() <= 2, "of {} rooms", 100);
    // Of one room only what it wanted last.
    batches.lock().unwrap().clear();
    for text in ["one", "two", "three"] {
        writer.keep(RoomKey(1), saved(text));
    }
    writer.flush().await;
    let written = std::mem::take(&mut *batches.lock().unwrap());
    assert_eq!(written, [vec![(RoomKey(1), saved("three"))]]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_saved_is_said_at_once_and_what_nobody_waits_for_is_tried_again() {
    let (writer, batches, is_away) = writer();
    is_away.store(true, Ordering::SeqCst);
    let (one, other) = (RoomKey(1), RoomKey(2));
    writer.keep(one, saved("kept"));
    let busy = Err(ErrorCode::ServerBusy);
    assert_eq!(writer.keep_surely(other, saved("asked")).await, busy);
    // It is known to be away: nobody waits long for that, and nobody at all while it is asked.
    let began = tokio::time::Instant::now();
    let asked = writer.keep_surely(other, saved("asked"));
    let beside = async {
        tokio::time::sleep(std::time::Duration::from_millis(22)).await;
        let began = tokio::time::Instant::now();
        assert_eq!(writer.keep_surely(one, saved("beside")).await, busy);
        assert_eq!(began.elapsed(), std::time::Duration::ZERO);
    };
    assert_eq!(tokio::join!(asked, beside).0, busy);
    assert!(began.elapsed() < std::time::Duration::from_millis(50));
    writer.keep(other, saved("instead"));
    is_away.store(false, Ordering::SeqCst);
    writer.flush().await;
    let written = std::mem::take(&mut *batches.lock().unwrap());
    assert_eq!(
        written,
        [vec![(one, saved("kept")), (other, saved("instead"))]]
    );
    assert_eq!(writer.keep_surely(other, saved("again")).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_request_after_the_database_is_back_is_not_refused() {
    let (writer, batches, is_away) = writer();
    is_away.store(true, Ordering::SeqCst);
    let busy = Err(ErrorCode::ServerBusy);
    assert_eq!(writer.keep_surely(RoomKey(1), saved("early")).await, busy);
    is_away.store(false, Ordering::SeqCst);
    let began = tokio::time::Instant::now();
    assert_eq!(writer.keep_surely(RoomKey(1), saved("later")).await, Ok(()));
    assert!(began.elapsed() < std::time::Duration::from_millis(50));
    assert_eq!(batches.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_long_for_a_database_that_hangs() {
    let is_asked = Arc::new(AtomicBool::new(false));
    let asked = is_asked.clone();
    let writer = StateWriter::start_with(move |_| {
        let hangs = asked.swap(true, Ordering::SeqCst);
        async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            let gone = sea_orm::RuntimeErr::Internal("away".to_owned());
            Err(sea_orm::DbErr::Conn(gone).into())
        }
    });
    let busy = Err(ErrorCode::ServerBusy);
    assert_eq!(writer.keep_surely(RoomKey(1), saved("x")).await, busy);
    let began = tokio::time::Instant::now();
    assert_eq!(writer.keep_surely(RoomKey(1), saved("x")).await, busy);
    let waited = began.elapsed();
    assert!(
        waited <= std::time::Duration::from_millis(250),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_leaves_nothing_to_be_written() {
    let (writer, batches, is_away) = writer();
    is_away.store(true, Ordering::SeqCst);
    writer.keep(RoomKey(1), saved("first"));
    tokio::task::yield_now().await;
    // The first is under way, this waits behind it.
    let given_up = writer.keep_surely(RoomKey(2), saved("given up"));
    let waited = tokio::time::timeout(std::time::Duration::from_millis(1), given_up);
    assert!(waited.await.is_err());
    is_away.store(false, Ordering::SeqCst);
    writer.flush().await;
    let written = std::mem::take(&mut *batches.lock().unwrap());
    assert_eq!(written, [vec![(RoomKey(1), saved("first"))]]);
}

#[tokio::test(start_paused = true)]
async fn a_meeting_that_is_too_large_is_not_saved_and_not_changed() {
    let (writer, batches, _) = writer();
    let of = |bytes| Some(state(&"x".repeat(bytes), None));
    let refused = writer.keep_surely(RoomKey(1), of(ROOM_STATE.size() + 1));
    assert_eq!(refused.await, Err(ErrorCode::ServerBusy));
    writer.keep(RoomKey(1), of(ROOM_STATE.size() + 1));
    writer.flush().await;
    assert!(batches.lock().unwrap().is_empty());
    let fits = writer.keep_surely(RoomKey(1), of(ROOM_STATE.size()));
    assert_eq!(fits.await, Ok(()));
}

on_each_database!(
    a_meeting_is_kept_as_it_was_saved_last,
    a_node_takes_up_its_own_meetings_alone_and_old_ones_go,
    memberships_that_are_taken_up_have_no_gap,
);
