//! What another process changes is seen.

use super::*;
use crate::protocol::ids::{RoomIdentity, UserId};

async fn rooms_that_are_ended_edited_or_deleted_are_seen(home: Home) {
    let (store, other) = (
        home.open().await,
        Store::open_beside(&home.url, 1).await.unwrap(),
    );
    let ada = user(&store, "ada").await;
    let [hall, gone] = [
        room(&store, &ada, "Hall").await,
        room(&store, &ada, "Gone").await,
    ];
    // More than one query asks about.
    let mut live: Vec<_> = (0..450).map(|_| RoomIdentity::random()).collect();
    live.extend([hall.identity.clone(), gone.identity.clone()]);
    let seen = async || {
        let mut rooms = store.watch_rooms(&live).await.unwrap();
        rooms.sort_by_key(|room| room.identity != hall.identity);
        let told = rooms.into_iter().map(|room| (room.version, room.is_closed));
        told.collect::<Vec<_>>()
    };
    assert_eq!(seen().await, [(1, false), (1, false)]);
    other.delete_room(gone.key, at(1)).await.unwrap();
    assert_eq!(seen().await, [(1, false)]);
    store.end_room(hall.key, at(2)).await.unwrap();
    assert_eq!(
        seen().await,
        [(1, false)],
        "its own host did that, in the room"
    );
    other.close_room(hall.key, at(3)).await.unwrap();
    assert_eq!(seen().await, [(1, true)]);
    store.reopen_room(hall.key, at(4)).await.unwrap();
    assert_eq!(seen().await, [(1, false)]);
    other.close_room(hall.key, at(5)).await.unwrap();
    let replanned = RoomEdit {
        begin_at: crate::protocol::patch::Patch::Set(at(9)),
        ..Default::default()
    };
    other
        .edit_room(hall.key, None, replanned, at(6))
        .await
        .unwrap();
    assert_eq!(seen().await, [(2, false)]);
    other.close_room(hall.key, at(7)).await.unwrap();
    let renamed = RoomEdit {
        name: Some(RoomName::parse("Saal").unwrap()),
        ..Default::default()
    };
    other
        .edit_room(hall.key, None, renamed, at(8))
        .await
        .unwrap();
    assert_eq!(seen().await, [(3, true)], "a new name opens nothing");
    other.delete_user(ada.key, at(9)).await.unwrap();
    assert_eq!(seen().await, []);
    assert_eq!(store.watch_rooms(&[]).await.unwrap(), []);
}

async fn accounts_that_may_not_log_in_are_not_seen(home: Home) {
    let store = home.open().await;
    let [ada, bo, cy] = [
        user(&store, "ada").await,
        user(&store, "bo").await,
        user(&store, "cy").await,
    ];
    let ids = [
        ada.id.clone(),
        bo.id.clone(),
        cy.id.clone(),
        UserId::random(),
    ];
    let seen = async || {
        let mut users = store.watch_users(&ids).await.unwrap();
        users.sort_by_key(|user| user.id != ada.id);
        let told = users
            .into_iter()
            .map(|user| (user.id, user.tokens_valid_after));
        told.collect::<Vec<_>>()
    };
    assert_eq!(seen().await.len(), 3);
    store
        .set_user_disabled(bo.key, Some(at(1)), at(1))
        .await
        .unwrap();
    store.delete_user(cy.key, at(1)).await.unwrap();
    assert_eq!(seen().await, [(ada.id.clone(), None)]);
    store
        .set_password(ada.key, &ada.password, at(2))
        .await
        .unwrap();
    store.set_user_disabled(bo.key, None, at(2)).await.unwrap();
    assert_eq!(
        seen().await,
        [(ada.id.clone(), Some(at(2))), (bo.id.clone(), None)]
    );
}

on_each_database!(
    rooms_that_are_ended_edited_or_deleted_are_seen,
    accounts_that_may_not_log_in_are_not_seen,
);
