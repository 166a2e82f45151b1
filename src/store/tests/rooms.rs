//! Rooms and their lists.

use super::*;
use crate::protocol::ids::{ParticipantId, RoomIdentity};
use crate::protocol::object::{Role, WhoWaits};
use crate::protocol::patch::Patch;

async fn names(store: &Store, scope: RoomScope, keyword: &str) -> Vec<String> {
    let filter = RoomFilter {
        scope,
        keyword: Some(keyword.to_owned()),
        page: 1,
        size: 100,
    };
    let found = store.list_rooms(&filter).await.unwrap();
    assert_eq!(found.rooms.len() as u64, found.total);
    found
        .rooms
        .iter()
        .map(|room| room.settings.name.as_str().to_owned())
        .collect()
}

async fn a_room_is_kept_as_it_was_made(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let wanted = RoomSettings {
        begin_at: Some(at(123)),
        end_at: Some(at(124)),
        password: Some(PasswordHash::new("$argon2id$room".to_owned())),
        locked: true,
        waiting: WhoWaits::Guests,
        guests: false,
        start_muted: true,
        start_camera_off: true,
        topology: Topology::P2p,
        max_participants: 2,
        permissions: Permissions {
            chat: false,
            ..Default::default()
        },
        ..settings("周会 🎉 100% _x_")
    };
    let made = store
        .create_room(ada.key, wanted.clone(), at(7))
        .await
        .unwrap();
    assert_eq!(
        (&made.settings, &made.owner, made.version, made.created_at),
        (&wanted, &ada, 1, at(7))
    );
    assert!(is_room_number(&made.number), "{}", made.number);
    for raw in [made.identity.as_str(), &made.number] {
        assert_eq!(store.find_room(raw).await.unwrap().as_ref(), Some(&made));
    }
    assert_eq!(store.find_room_by_key(made.key).await.unwrap(), Some(made));
    for unknown in [
        "",
        "123456789",
        RoomIdentity::random().as_str(),
        "' OR 1=1 --",
    ] {
        assert_eq!(store.find_room(unknown).await.unwrap(), None);
    }
}

#[test]
fn numbers_are_nine_digits() {
    for (raw, is) in [
        ("123456789", true),
        ("12345678", false),
        ("12345678a", false),
        ("１23456789", false),
    ] {
        assert_eq!(is_room_number(raw), is, "{raw}");
    }
}

async fn a_taken_number_is_drawn_again_and_a_deleted_rooms_number_is_free(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let mut drawn = ["111111111", "222222222"].into_iter().map(str::to_owned);
    let numbered = async |number: &mut (dyn FnMut() -> String + Send)| {
        store
            .create_numbered_room(ada.key, settings("Hall"), at(0), number)
            .await
    };
    let first = numbered(&mut || "111111111".to_owned()).await.unwrap();
    let second = numbered(&mut || drawn.next().unwrap()).await.unwrap();
    assert_eq!(
        (first.number.as_str(), second.number.as_str()),
        ("111111111", "222222222")
    );
    let refused = numbered(&mut || "111111111".to_owned()).await;
    assert!(matches!(
        refused,
        Err(StoreError::Conflict(Conflict::Number))
    ));
    store.delete_room(first.key, at(1)).await.unwrap();
    let third = numbered(&mut || "111111111".to_owned()).await.unwrap();
    assert_eq!(
        store.find_room("111111111").await.unwrap().unwrap().key,
        third.key
    );
}

async fn a_deleted_room_never_comes_back(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let hall = room(&store, &ada, "Hall").await;
    join(&store, &hall, &ada).await;
    store.delete_room(hall.key, at(1)).await.unwrap();
    assert_eq!(store.find_room(hall.identity.as_str()).await.unwrap(), None);
    assert_eq!(store.find_room(&hall.number).await.unwrap(), None);
    assert_eq!(store.find_room_by_key(hall.key).await.unwrap(), None);
    assert!(
        names(&store, RoomScope::OwnedBy(ada.key), "")
            .await
            .is_empty()
    );
    assert!(
        names(&store, RoomScope::JoinedBy(ada.id.clone()), "")
            .await
            .is_empty()
    );
    let gone = |result| matches!(result, Err(StoreError::NotFound(Missing::Room)));
    assert!(gone(store.delete_room(hall.key, at(2)).await));
    assert!(gone(store.end_room(hall.key, at(2)).await));
    assert!(gone(
        store
            .edit_room(hall.key, None, RoomEdit::default(), at(2))
            .await
            .map(|_| ())
    ));
    assert_eq!(
        room(&store, &ada, "Hall").await.settings.name.as_str(),
        "Hall",
        "the name is free again"
    );
}

async fn an_edit_changes_what_it_names_and_nothing_else(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let timed = RoomSettings {
        begin_at: Some(at(1)),
        end_at: Some(at(2)),
        ..settings("Hall")
    };
    let hall = store
        .create_room(ada.key, timed.clone(), at(0))
        .await
        .unwrap();

    let renamed = RoomEdit {
        name: Some(RoomName::parse("Saal").unwrap()),
        ..Default::default()
    };
    let hall = store
        .edit_room(hall.key, Some(1), renamed, at(3))
        .await
        .unwrap();
    assert_eq!(
        hall.settings,
        RoomSettings {
            name: RoomName::parse("Saal").unwrap(),
            ..timed
        }
    );
    assert_eq!(hall.version, 2);

    let same = RoomEdit {
        name: Some(hall.settings.name.clone()),
        ..Default::default()
    };
    let again = store.edit_room(hall.key, Some(2), same, at(3));
    assert_eq!(again.await.unwrap(), hall, "nothing changes, no version");

    let secret = PasswordHash::new("$argon2id$room".to_owned());
    let edit = RoomEdit {
        begin_at: Patch::Clear,
        password: Patch::Set(secret.clone()),
        ..Default::default()
    };
    let hall = store.edit_room(hall.key, None, edit, at(4)).await.unwrap();
    assert_eq!(
        (hall.settings.begin_at, hall.settings.end_at),
        (None, Some(at(2)))
    );
    assert_eq!(hall.settings.password, Some(secret));
    assert_eq!(
        store.find_room_by_key(hall.key).await.unwrap(),
        Some(hall),
        "the answer is what is stored"
    );
}

async fn a_stale_edit_changes_nothing(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let hall = room(&store, &ada, "Hall").await;
    let rename = |name| RoomEdit {
        name: Some(RoomName::parse(name).unwrap()),
        ..Default::default()
    };
    store
        .edit_room(hall.key, Some(1), rename("Saal"), at(1))
        .await
        .unwrap();
    for stale in [0, 1, 3, u64::MAX] {
        let refused = store
            .edit_room(hall.key, Some(stale), rename("Sala"), at(2))
            .await;
        assert!(
            matches!(refused, Err(StoreError::Conflict(Conflict::Version))),
            "{stale}"
        );
    }
    assert_eq!(
        names(&store, RoomScope::OwnedBy(ada.key), "").await,
        ["Saal"]
    );
}

async fn of_edits_at_once_from_one_version_one_wins(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let hall = room(&store, &ada, "Hall").await;
    let edits = (0..8).map(|n| {
        let edit = RoomEdit {
            max_participants: Some(n + 1),
            ..Default::default()
        };
        store.edit_room(hall.key, Some(1), edit, at(1))
    });
    let won = futures_util::future::join_all(edits)
        .await
        .into_iter()
        .filter(Result::is_ok)
        .count();
    assert_eq!(won, 1);
    assert_eq!(
        store
            .find_room_by_key(hall.key)
            .await
            .unwrap()
            .unwrap()
            .version,
        2
    );
}

async fn no_room_ends_before_it_begins(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let backwards = RoomSettings {
        begin_at: Some(at(2)),
        end_at: Some(at(2)),
        ..settings("Hall")
    };
    let refused = store.create_room(ada.key, backwards, at(0)).await;
    assert!(matches!(refused, Err(StoreError::EndsBeforeBegin)));

    let timed = RoomSettings {
        begin_at: Some(at(2)),
        end_at: Some(at(9)),
        ..settings("Hall")
    };
    let hall = store.create_room(ada.key, timed, at(0)).await.unwrap();
    let edit = RoomEdit {
        end_at: Patch::Set(at(1)),
        ..Default::default()
    };
    let error = store
        .edit_room(hall.key, None, edit, at(3))
        .await
        .unwrap_err();
    assert_eq!(error.wire().field.as_deref(), Some("data.end_at"));
}

async fn an_ended_room_opens_again_when_it_is_planned_anew(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let hall = room(&store, &ada, "Hall").await;
    store.end_room(hall.key, at(5)).await.unwrap();
    let lock = RoomEdit {
        locked: Some(true),
        ..Default::default()
    };
    let ended = store.edit_room(hall.key, None, lock, at(6)).await.unwrap();
    assert_eq!(ended.ended_at, Some(at(5)));
    let plan = RoomEdit {
        begin_at: Patch::Set(at(9_000)),
        ..Default::default()
    };
    let planned = store.edit_room(hall.key, None, plan, at(7)).await.unwrap();
    assert_eq!(planned.ended_at, None);
    assert_eq!(
        store.find_room_by_key(hall.key).await.unwrap(),
        Some(planned)
    );
}

async fn a_keyword_means_itself(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    for name in [
        "100% sure",
        "100 sure",
        "snake_case",
        "snakeXcase",
        "back\\slash",
        "wow! 🎉",
        "每周例会",
        "Élan",
        "Школа",
    ] {
        room(&store, &ada, name).await;
    }
    for (keyword, expected) in [
        ("100%", vec!["100% sure"]),
        ("%", vec!["100% sure"]),
        ("_", vec!["snake_case"]),
        ("E_C", vec!["snake_case"]),
        ("\\", vec!["back\\slash"]),
        ("!", vec!["wow! 🎉"]),
        ("🎉", vec!["wow! 🎉"]),
        ("例会", vec!["每周例会"]),
        ("E\u{301}lan", vec!["Élan"]),
        ("éLAN", vec!["Élan"]),
        ("elan", vec![]),
        ("ШКОЛА", vec!["Школа"]),
        (" SURE ", vec!["100 sure", "100% sure"]),
        ("'; DROP TABLE room_basic; --", vec![]),
    ] {
        assert_eq!(
            names(&store, RoomScope::OwnedBy(ada.key), keyword).await,
            expected,
            "{keyword}"
        );
    }
    assert_eq!(
        names(&store, RoomScope::OwnedBy(ada.key), " \u{0} ")
            .await
            .len(),
        9,
        "nothing filters nothing"
    );
}

async fn lists_come_newest_first_in_pages_with_a_total(home: Home) {
    let store = home.open().await;
    let [ada, bo] = [user(&store, "ada").await, user(&store, "bo").await];
    for number in 0..5 {
        room(&store, &ada, &format!("Room {number}")).await;
    }
    room(&store, &bo, "Elsewhere").await;
    let page = async |page, size| {
        let filter = RoomFilter {
            scope: RoomScope::OwnedBy(ada.key),
            keyword: None,
            page,
            size,
        };
        let found = store.list_rooms(&filter).await.unwrap();
        let names: Vec<_> = found
            .rooms
            .into_iter()
            .map(|room| room.settings.name.to_string())
            .collect();
        (names.join(","), found.total)
    };
    assert_eq!(page(1, 2).await, ("Room 4,Room 3".to_owned(), 5));
    assert_eq!(page(3, 2).await, ("Room 0".to_owned(), 5));
    assert_eq!(page(4, 2).await, (String::new(), 5));
    assert_eq!(page(0, 0).await, ("Room 4".to_owned(), 5));
    assert_eq!(page(u32::MAX, u32::MAX).await, (String::new(), 5));
}

async fn one_finds_again_the_rooms_one_was_in(home: Home) {
    let store = home.open().await;
    let [ada, bo] = [user(&store, "ada").await, user(&store, "bo").await];
    let hall = room(&store, &ada, "Hall").await;
    room(&store, &ada, "Unseen").await;
    for _ in 0..2 {
        join(&store, &hall, &bo).await;
    }
    assert_eq!(
        names(&store, RoomScope::JoinedBy(bo.id.clone()), "").await,
        ["Hall"],
        "once, however often"
    );
    assert!(
        names(&store, RoomScope::JoinedBy(ada.id.clone()), "")
            .await
            .is_empty()
    );
}

/// One membership, written.
async fn join(store: &Store, room: &StoredRoom, user: &StoredUser) {
    let history = HistoryWriter::start(store.clone());
    history.record(Attendance::Joined(Membership {
        room: room.key,
        participant: ParticipantId::random(),
        user: user.id.clone(),
        display_name: user.display_name.clone(),
        role: Role::Member,
        joined_at: at(0),
    }));
    history.flush().await;
}

on_each_database!(
    a_room_is_kept_as_it_was_made,
    a_taken_number_is_drawn_again_and_a_deleted_rooms_number_is_free,
    a_deleted_room_never_comes_back,
    an_edit_changes_what_it_names_and_nothing_else,
    a_stale_edit_changes_nothing,
    of_edits_at_once_from_one_version_one_wins,
    no_room_ends_before_it_begins,
    an_ended_room_opens_again_when_it_is_planned_anew,
    a_keyword_means_itself,
    lists_come_newest_first_in_pages_with_a_total,
    one_finds_again_the_rooms_one_was_in,
);
