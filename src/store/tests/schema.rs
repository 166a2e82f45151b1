//! The schema, restarts and what happens without a database.

use migration::{Migrator, MigratorTrait as _};

use super::*;
use crate::protocol::object::WhoWaits;

async fn migrations_go_up_down_and_up_again(home: Home) {
    let store = home.open().await;
    user(&store, "ada").await;
    let alone = Store::look(&home.url).await.unwrap();
    Migrator::down(alone.db.pool(), None).await.unwrap();
    assert!(
        store.list_users(None, 1).await.is_err(),
        "the tables are gone"
    );
    Migrator::up(alone.db.pool(), None).await.unwrap();
    Migrator::up(alone.db.pool(), None).await.unwrap();
    assert!(store.list_users(None, 1).await.unwrap().is_empty());
    let ada = user(&store, "ada").await;
    room(&store, &ada, "Hall").await;
}

/// Rooms of a server that knew only whether everyone waits.
async fn where_everyone_waited_everyone_goes_on_waiting(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let mut rooms = Vec::new();
    for waiting in [WhoWaits::Nobody, WhoWaits::Guests, WhoWaits::Everyone] {
        let wanted = RoomSettings {
            waiting,
            ..settings("Hall")
        };
        let room = store.create_room(ada.key, wanted, at(0)).await.unwrap();
        rooms.push((room.key, waiting));
    }
    store.close().await;
    let alone = Store::look(&home.url).await.unwrap();
    let steps = Migrator::migrations();
    let door = steps.iter().position(|step| step.name().ends_with("_door"));
    let after = u32::try_from(steps.len() - door.unwrap()).unwrap();
    Migrator::down(alone.db.pool(), Some(after)).await.unwrap();
    Migrator::up(alone.db.pool(), None).await.unwrap();
    alone.close().await;
    let store = home.open().await;
    for (key, before) in rooms {
        let settings = store.find_room_by_key(key).await.unwrap().unwrap().settings;
        let since = WhoWaits::from(before.is_on());
        assert_eq!((settings.waiting, settings.guests), (since, true));
        assert!(!settings.start_muted && !settings.start_camera_off);
    }
}

async fn a_restart_keeps_everything(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let hall = room(&store, &ada, "Hall").await;
    store.revoke_token("one", at(10)).await.unwrap();
    store.close().await;

    let store = home.open().await;
    assert_eq!(store.find_user_by_name("ada").await.unwrap(), Some(ada));
    assert_eq!(store.find_room(&hall.number).await.unwrap(), Some(hall));
    assert!(store.is_token_revoked("one").await.unwrap());
}

async fn a_closed_store_says_that_it_is_unavailable(home: Home) {
    let store = home.open().await;
    assert_eq!(store.ailment().await, None);
    store.close().await;
    let error = store.beat(at(0)).await.unwrap_err();
    assert!(error.is_passing());
    let error = store.find_user_by_name("ada").await.unwrap_err();
    assert_eq!(error.wire().retry_after_ms, Some(1_000));
}

#[tokio::test]
async fn a_database_in_memory_is_good_for_trying_out() {
    let store = Store::open("sqlite::memory:", NodeId::UNNAMED, 4)
        .await
        .unwrap();
    let ada = user(&store, "ada").await;
    assert_eq!(store.find_user(&ada.id).await.unwrap(), Some(ada));
}

#[tokio::test]
async fn other_databases_are_refused_and_no_password_is_named() {
    let Err(error) = Store::open(
        "oracle://root:hunter2@localhost/meeting",
        NodeId::UNNAMED,
        4,
    )
    .await
    else {
        panic!("this server does not speak that");
    };
    assert!(matches!(error, StoreError::UnknownDatabase));
    for scheme in ["mysql", "postgres"] {
        let url = format!("{scheme}://root:hunter2@127.0.0.1:1/meeting");
        let Err(error) = Store::open(&url, NodeId::UNNAMED, 4).await else {
            panic!("nobody listens there");
        };
        assert!(error.is_passing(), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}

async fn a_backup_is_a_whole_database(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("copy.sqlite");
    if home.directory.is_none() {
        let refused = store.back_up(&copy).await.unwrap_err();
        assert!(matches!(refused, StoreError::BackupTool(_)), "{refused:?}");
        return;
    }
    store.back_up(&copy).await.unwrap();
    assert!(matches!(
        store.back_up(&copy).await,
        Err(StoreError::File(_))
    ));
    user(&store, "bo").await;
    let copied = Store::open(&format!("sqlite://{}", copy.display()), NodeId::UNNAMED, 1)
        .await
        .unwrap();
    assert_eq!(copied.list_users(None, 9).await.unwrap(), [ada]);
}

#[cfg(unix)]
#[tokio::test]
async fn made_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::sqlite();
    let _store = home.open().await;
    let mode = |path| {
        std::fs::metadata(home.directory.as_ref().unwrap().path().join(path))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("data"), 0o700);
    for file in ["data/meeting.db", "data/meeting.db-wal"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}

on_each_database!(
    migrations_go_up_down_and_up_again,
    where_everyone_waited_everyone_goes_on_waiting,
    a_restart_keeps_everything,
    a_closed_store_says_that_it_is_unavailable,
    a_backup_is_a_whole_database,
);
