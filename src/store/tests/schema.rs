//! The schema, restarts and what happens without a database.

use migration::{Migrator, MigratorTrait as _};

use super::*;

#[tokio::test]
async fn migrations_go_up_down_and_up_again() {
    let home = Home::new();
    let store = home.open().await;
    user(&store, "ada").await;
    Migrator::down(&store.db, None).await.unwrap();
    assert!(
        store.list_users(None, 1).await.is_err(),
        "the tables are gone"
    );
    Migrator::up(&store.db, None).await.unwrap();
    Migrator::up(&store.db, None).await.unwrap();
    assert!(store.list_users(None, 1).await.unwrap().is_empty());
    let ada = user(&store, "ada").await;
    room(&store, &ada, "Hall").await;
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let home = Home::new();
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

#[tokio::test]
async fn a_closed_store_says_that_it_is_unavailable() {
    let home = Home::new();
    let store = home.open().await;
    store.ping().await.unwrap();
    store.close().await;
    let error = store.ping().await.unwrap_err();
    assert!(error.is_passing());
    let error = store.find_user_by_name("ada").await.unwrap_err();
    assert_eq!(error.wire().retry_after_ms, Some(1_000));
}

#[tokio::test]
async fn a_database_in_memory_is_good_for_trying_out() {
    let store = Store::open("sqlite::memory:", 4).await.unwrap();
    let ada = user(&store, "ada").await;
    assert_eq!(store.find_user(&ada.id).await.unwrap(), Some(ada));
}

#[tokio::test]
async fn other_databases_are_refused_without_naming_their_password() {
    let Err(error) = Store::open("mysql://root:hunter2@localhost/meeting", 4).await else {
        panic!("this server speaks SQLite only");
    };
    assert!(matches!(error, StoreError::UnknownDatabase));
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[cfg(unix)]
#[tokio::test]
async fn made_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let _store = home.open().await;
    let mode = |path| {
        std::fs::metadata(home.0.path().join(path))
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
