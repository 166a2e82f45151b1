//! Attendance: in order, again after trouble, and never waited for.

use std::sync::{Arc, Mutex};

use super::*;
use crate::protocol::event::LeaveReason;
use crate::protocol::ids::{ParticipantId, UserId};
use crate::protocol::object::Role;

fn joined(room: RoomKey, millis: i64) -> (ParticipantId, Attendance) {
    let participant = ParticipantId::random();
    let membership = Membership {
        room,
        participant: participant.clone(),
        user: UserId::random(),
        display_name: DisplayName::parse("Bo").unwrap(),
        role: Role::Cohost,
        joined_at: at(millis),
    };
    (participant, Attendance::Joined(membership))
}

fn left(participant: &ParticipantId, millis: i64) -> Attendance {
    Attendance::Left {
        participant: participant.clone(),
        reason: LeaveReason::Removed,
        at: at(millis),
    }
}

async fn memberships_are_written_in_order_and_flushed(home: Home) {
    let store = home.open().await;
    let hall = room(&store, &user(&store, "ada").await, "Hall").await.key;
    let history = HistoryWriter::start(store.clone());
    let mut expected = Vec::new();
    for n in 0..50 {
        let (participant, fact) = joined(hall, n);
        history.record(fact);
        history.record(left(&participant, n + 1));
        // A second end changes nothing.
        history.record(left(&participant, n + 2));
        expected.push((
            Some(participant),
            Some(at(n)),
            Some((at(n + 1), LeaveReason::Removed)),
        ));
    }
    history.flush().await;
    let memberships = store.list_memberships(hall).await.unwrap();
    let written: Vec<_> = memberships
        .into_iter()
        .map(|membership| {
            (
                membership.participant,
                membership.joined_at,
                membership.left,
            )
        })
        .collect();
    assert_eq!(written, expected);
}

async fn memberships_that_a_crash_left_open_are_closed_at_the_next_start(home: Home) {
    let store = home.open().await;
    let hall = room(&store, &user(&store, "ada").await, "Hall").await.key;
    let history = HistoryWriter::start(store.clone());
    let [(gone, came), (_, stayed)] = [joined(hall, 0), joined(hall, 1)];
    for fact in [came, stayed, left(&gone, 2)] {
        history.record(fact);
    }
    history.flush().await;
    store.close().await;

    let memberships = home.open().await.list_memberships(hall).await.unwrap();
    assert_eq!(memberships[0].left, Some((at(2), LeaveReason::Removed)));
    assert!(
        matches!(memberships[1].left, Some((_, LeaveReason::Lost))),
        "{:?}",
        memberships[1]
    );
}

async fn the_time_without_a_server_counts_for_nobody(home: Home) {
    let store = home.open().await;
    let hall = room(&store, &user(&store, "ada").await, "Hall").await.key;
    let history = HistoryWriter::start(store.clone());
    let facts = [
        joined(hall, -90_000),
        joined(hall, -60_000),
        joined(hall, -50),
    ];
    let (gone, _) = &facts[0];
    history.record(facts[0].1.clone());
    history.record(left(gone, -80_000));
    for (_, fact) in &facts[1..] {
        history.record(fact.clone());
    }
    history.flush().await;
    for millis in [-70_000, -1_000] {
        store.beat(at(millis)).await.unwrap();
    }
    assert_eq!(
        store.close_open_memberships(at(3_600_000)).await.unwrap(),
        2
    );
    let memberships = store.list_memberships(hall).await.unwrap();
    let left: Vec<_> = memberships
        .iter()
        .map(|membership| membership.left)
        .collect();
    assert_eq!(
        left,
        [
            Some((at(-80_000), LeaveReason::Removed)),
            Some((at(-1_000), LeaveReason::Lost)),
            Some((at(-50), LeaveReason::Lost)),
        ],
        "until the server was last at work, but not before they came"
    );
    assert_eq!(
        store.close_open_memberships(at(3_600_000)).await.unwrap(),
        0
    );
}

async fn each_node_closes_its_own_memberships_alone(home: Home) {
    let [one, other] = [NodeId(7), NodeId(8)];
    let mut store = home.open().await;
    let hall = room(&store, &user(&store, "ada").await, "Hall").await.key;
    for (node, millis) in [(one, -60_000), (other, -59_000), (NodeId::UNNAMED, -58_000)] {
        store.node = node;
        store
            .write_attendance(joined(hall, millis).1)
            .await
            .unwrap();
        store.beat(at(millis + 10_000)).await.unwrap();
    }
    // As a row from before nodes had names.
    home.run("UPDATE room_user SET node = NULL WHERE node = 1")
        .await;
    let left = async |store: &Store| -> Vec<_> {
        let memberships = store.list_memberships(hall).await.unwrap();
        let ends = memberships.iter().map(|membership| membership.left);
        ends.map(|left| left.map(|(at, _)| at)).collect()
    };
    store.node = other;
    assert_eq!(store.close_open_memberships(at(0)).await.unwrap(), 2);
    assert_eq!(
        left(&store).await,
        [None, Some(at(-48_000)), Some(at(-48_000))]
    );
    store.node = one;
    assert_eq!(store.close_open_memberships(at(0)).await.unwrap(), 1);
    assert_eq!(left(&store).await, [Some(at(-48_000)); 3]);
}

async fn attendance_comes_page_by_page_and_members_once(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let [hall, other] = [
        room(&store, &ada, "Hall").await,
        room(&store, &ada, "Other").await,
    ];
    assert_eq!(store.members(hall.key).await.unwrap(), []);
    let empty = store.attendance(hall.key, None, 9).await.unwrap();
    assert_eq!((empty.memberships, empty.next), (vec![], None));
    let bo = UserId::random();
    let membership = |room: &StoredRoom, user: &UserId, name: &str, role, millis| Membership {
        room: room.key,
        participant: ParticipantId::random(),
        user: user.clone(),
        display_name: DisplayName::parse(name).unwrap(),
        role,
        joined_at: at(millis),
    };
    let memberships = [
        membership(&hall, &ada.id, "Ada", Role::Host, 0),
        membership(&hall, &bo, "Bo", Role::Member, 1),
        membership(&other, &bo, "Bo", Role::Host, 2),
        membership(&hall, &bo, "波", Role::Cohost, 3),
        membership(&hall, &bo, "Bo", Role::Member, 4),
    ];
    let history = HistoryWriter::start(store.clone());
    for membership in &memberships {
        history.record(Attendance::Joined(membership.clone()));
    }
    for membership in [&memberships[0], &memberships[1], &memberships[3]] {
        history.record(left(&membership.participant, 10));
    }
    history.flush().await;
    let last = store.last_memberships(&bo, &[hall.key, other.key]).await;
    let mut last: Vec<_> = last.unwrap().into_iter().collect();
    last.sort_by_key(|(room, _)| room.0);
    let last = last
        .iter()
        .map(|(room, last)| (*room, last.role, last.joined_at));
    assert_eq!(
        last.collect::<Vec<_>>(),
        [
            (hall.key, Role::Member, Some(at(4))),
            (other.key, Role::Host, Some(at(2)))
        ]
    );
    let none = store.last_memberships(&ada.id, &[other.key]).await.unwrap();
    assert!(none.is_empty());

    let (mut after, mut pages) = (None, Vec::new());
    loop {
        let page = store.attendance(hall.key, after, 3).await.unwrap();
        let names = page
            .memberships
            .iter()
            .map(|membership| membership.display_name.to_string());
        pages.push(names.collect::<Vec<_>>());
        let Some(next) = page.next else { break };
        after = Some(MembershipKey::from_number(next.number()));
    }
    assert_eq!(pages, [vec!["Ada", "Bo", "波"], vec!["Bo"]]);
    let page = store.attendance(hall.key, None, 0).await.unwrap();
    assert_eq!(page.memberships.len(), 1, "at least one");
    assert_eq!(page.memberships[0].duration_ms(at(99)), Some(10));
    let last = store
        .attendance(hall.key, after, 3)
        .await
        .unwrap()
        .memberships;
    assert_eq!(last[0].duration_ms(at(99)), Some(95), "still in");

    for (page, size, names) in [
        (1, 3, vec!["Bo", "波", "Bo"]),
        (2, 3, vec!["Ada"]),
        (3, 3, vec![]),
        (0, 0, vec!["Bo"]),
        (u32::MAX, u32::MAX, vec![]),
    ] {
        let newest = store.newest_attendance(hall.key, page, size);
        let (memberships, total) = newest.await.unwrap();
        let told = memberships
            .iter()
            .map(|membership| membership.display_name.as_str());
        assert_eq!((told.collect::<Vec<_>>(), total), (names, 4), "{page}");
    }

    let members = store.members(hall.key).await.unwrap();
    let member = |user: &UserId, name: &str, role, joined, memberships, is_in| Member {
        user: user.clone(),
        display_name: DisplayName::parse(name).unwrap(),
        role,
        first_joined_at: Some(at(joined)),
        memberships,
        is_in,
    };
    assert_eq!(
        members,
        [
            member(&ada.id, "Ada", Role::Host, 0, 1, false),
            member(&bo, "Bo", Role::Cohost, 1, 3, true),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn while_the_database_is_away_writing_is_tried_again_in_order() {
    let hall = RoomKey(1);
    let away = sea_orm::DbErr::Conn(sea_orm::RuntimeErr::Internal("away".to_owned()));
    let written = Arc::new(Mutex::new(Vec::new()));
    let mut failures = 20;
    let history = HistoryWriter::start_with(8, {
        let written = Arc::clone(&written);
        move |fact| {
            failures -= 1;
            let result = if failures > 0 {
                Err(away.clone().into())
            } else {
                Ok(())
            };
            if result.is_ok() {
                written.lock().unwrap().push(fact);
            }
            async move { result }
        }
    });
    let facts: Vec<_> = (0..3).map(|n| joined(hall, n).1).collect();
    facts.iter().cloned().for_each(|fact| history.record(fact));
    history.flush().await;
    assert_eq!(*written.lock().unwrap(), facts);
}

#[tokio::test]
async fn a_full_queue_keeps_the_oldest_and_a_refused_fact_stops_nothing() {
    let hall = RoomKey(1);
    let written = Arc::new(Mutex::new(Vec::new()));
    let history = HistoryWriter::start_with(2, {
        let written = Arc::clone(&written);
        move |fact| {
            let mut written = written.lock().unwrap();
            written.push(fact);
            let result = if written.len() == 1 {
                Err(StoreError::Corrupt("test"))
            } else {
                Ok(())
            };
            async move { result }
        }
    });
    let facts: Vec<_> = (0..3).map(|n| joined(hall, n).1).collect();
    // The task has had no chance to run yet: the queue takes two.
    facts.iter().cloned().for_each(|fact| history.record(fact));
    history.flush().await;
    assert_eq!(*written.lock().unwrap(), facts[..2]);
}

#[tokio::test]
async fn an_entry_whose_writing_panics_is_lost_alone() {
    let hall = RoomKey(1);
    let written = Arc::new(Mutex::new(Vec::new()));
    let history = HistoryWriter::start_with(8, {
        let written = Arc::clone(&written);
        move |fact| {
            let written = Arc::clone(&written);
            let is_first = written.lock().unwrap().is_empty();
            written.lock().unwrap().push(fact);
            async move {
                assert!(!is_first, "as the test wants");
                Ok(())
            }
        }
    });
    let facts: Vec<_> = (0..3).map(|n| joined(hall, n).1).collect();
    facts.iter().cloned().for_each(|fact| history.record(fact));
    history.flush().await;
    assert_eq!(*written.lock().unwrap(), facts);
}

on_each_database!(
    memberships_are_written_in_order_and_flushed,
    memberships_that_a_crash_left_open_are_closed_at_the_next_start,
    the_time_without_a_server_counts_for_nobody,
    each_node_closes_its_own_memberships_alone,
    attendance_comes_page_by_page_and_members_once,
);
