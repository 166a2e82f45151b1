//! Databases of the older Meeting (Go), taken over in place.

use sea_orm::{ConnectionTrait as _, Statement};

use super::*;
use crate::auth::Passwords;
use crate::auth::passwords::StoredHash;
use crate::protocol::text::Password;

/// What the older Meeting (Go) documents: its tables and its one account. MariaDB does not know the collation that it
/// names.
pub(super) const DOCUMENTED: &str = include_str!("../../../tests/fixtures/older_meeting.sql");

/// Rows beyond the document.
const MORE: &str = "
INSERT INTO user_basic (id, deleted_at, username, password) VALUES
    (2, NULL, 'élan', 'E10ADC3949BA59ABBE56E057F20F883E'),
    (3, NULL, '小明 🎉', 'e10adc3949ba59abbe56e057f20f883e'),
    (4, '2024-08-29 09:42:53.123', 'gone', 'e10adc3949ba59abbe56e057f20f883e'),
    (5, NULL, 'plain', 'not a hash');
INSERT INTO room_basic (id, created_at, deleted_at, identity, name, begin_at, end_at, create_id) VALUES
    (1, NULL, NULL, '6a5ad3fd-7fb4-4ef8-bf9f-9b1c1a3c1b0e', '周会 🎉', '2024-08-29 09:42:53', '2024-08-29 08:00:00', 1),
    (2, '2024-08-29 09:42:53.123', NULL, '6a5ad3fd-7fb4-4ef8-bf9f-9b1c1a3c1b0f', '', NULL, NULL, 3),
    (3, NULL, '2024-08-29 09:42:53', '6a5ad3fd-7fb4-4ef8-bf9f-9b1c1a3c1b10', 'deleted', NULL, NULL, 1),
    (4, NULL, NULL, '6a5ad3fd-7fb4-4ef8-bf9f-9b1c1a3c1b11', 'orphan', NULL, NULL, 99);
INSERT INTO room_user (id, created_at, rid, uid) VALUES
    (1, '2024-08-29 09:42:53.123', 1, 3), (2, NULL, 1, 1), (3, NULL, 77, 1), (4, NULL, 1, 99);";

impl Home {
    /// A database that the older Meeting (Go) has made, with `rows` beyond its own.
    pub(super) async fn older(collation: &str, rows: &str) -> Self {
        let home = Self::mysql().await;
        let tables = DOCUMENTED.replace("utf8mb4_0900_ai_ci", collation);
        home.run(&format!("{tables}{rows}")).await;
        home
    }

    /// The first column of the first row.
    pub(super) async fn ask(&self, query: &str) -> Option<String> {
        let db = Database::connect(&self.url).await.unwrap();
        let query = Statement::from_string(db.get_database_backend(), query);
        let row = db.query_one_raw(query).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }
}

fn here() -> crate::network::Network {
    crate::network::Network::of(std::net::Ipv4Addr::LOCALHOST.into())
}

pub(super) async fn logs_in(store: &Store, name: &str, password: &str) -> bool {
    let user = store.find_user_by_name(name).await.unwrap().unwrap();
    let hash = match user.password.is_legacy() {
        true => StoredHash::LegacyMd5(user.password.reveal()),
        false => StoredHash::Argon2(user.password.reveal()),
    };
    let password = Password::new(password.to_owned());
    match Passwords::default()
        .verify(here(), &password, Some(hash))
        .await
    {
        Ok(verified) => {
            if let Some(better) = verified.rehash {
                let better = PasswordHash::new(better);
                store
                    .rehash_password(user.key, &user.password, &better, at(1))
                    .await
                    .unwrap();
            }
            true
        }
        Err(_) => false,
    }
}

#[tokio::test]
async fn the_documented_account_logs_in_once_by_md5_and_then_by_argon2id() {
    let home = Home::older("utf8mb4_general_ci", "").await;
    let store = home.open().await;
    assert!(!logs_in(&store, "root", "123456").await);
    assert!(logs_in(&store, "root", "1233456").await);
    let root = store.find_user_by_name("ROOT").await.unwrap().unwrap();
    assert!(!root.password.is_legacy());
    assert!(root.password.reveal().starts_with("$argon2id$"));
    assert!(logs_in(&store, "root", "1233456").await);
}

#[tokio::test]
async fn rows_nobody_expected_are_taken_over_or_named() {
    let home = Home::older("utf8mb4_unicode_ci", MORE).await;
    let look = Store::look(&home.url).await.unwrap();
    let planned = look.adopt(AdoptionMode::DryRun).await.unwrap();
    assert_eq!(
        (
            planned.users,
            planned.legacy_passwords,
            planned.rooms,
            planned.memberships
        ),
        (4, 3, 2, 2)
    );
    let remarks: Vec<_> = planned.remarks.iter().map(|r| (r.table, r.row)).collect();
    assert_eq!(
        remarks,
        [
            ("user_basic", 3),
            ("user_basic", 5),
            ("room_basic", 2),
            ("room_basic", 4),
            ("room_user", 3),
            ("room_user", 4),
        ]
    );
    let columns = "SELECT CAST(COUNT(*) AS CHAR) FROM information_schema.columns \
                   WHERE table_schema = DATABASE() AND column_name = 'username_key'";
    assert_eq!(
        home.ask(columns).await.unwrap(),
        "0",
        "a dry run changes nothing"
    );

    let done = look.adopt(AdoptionMode::Apply).await.unwrap();
    assert_eq!(done, planned);
    let store = home.open().await;
    assert!(
        store
            .migrations()
            .await
            .unwrap()
            .iter()
            .all(|(_, taken)| *taken)
    );
    assert!(logs_in(&store, "Élan", "123456").await);
    assert!(
        logs_in(&store, "小明 🎉", "123456").await,
        "by the old name"
    );
    let ming = store.find_user_by_name("小明 🎉").await.unwrap().unwrap();
    assert_eq!(ming.display_name.as_str(), "小明 🎉");
    assert!(
        logs_in(&store, ming.username.as_str(), "123456").await,
        "by the new one"
    );
    assert!(!logs_in(&store, "plain", "not a hash").await);
    assert_eq!(store.find_user_by_name("gone").await.unwrap(), None);
    user(&store, "gone").await;

    let root = store.find_user_by_name("root").await.unwrap().unwrap();
    let rooms = async |scope| {
        let filter = RoomFilter {
            scope,
            keyword: None,
            page: 1,
            size: 9,
        };
        let found = store.list_rooms(&filter).await.unwrap();
        assert_eq!(found.rooms.len() as u64, found.total);
        found.rooms
    };
    let owned = rooms(RoomScope::OwnedBy(root.key)).await;
    let [meeting] = owned.as_slice() else {
        panic!("{owned:?}");
    };
    assert_eq!(
        meeting.identity.as_str(),
        "6a5ad3fd-7fb4-4ef8-bf9f-9b1c1a3c1b0e"
    );
    assert_eq!(meeting.settings.name.as_str(), "周会 🎉");
    assert_eq!(
        meeting.settings.begin_at.unwrap().to_string(),
        "2024-08-29T09:42:53.000Z"
    );
    assert_eq!(rooms(RoomScope::JoinedBy(ming.id.clone())).await, owned);
    let unnamed = rooms(RoomScope::OwnedBy(ming.key)).await;
    assert_eq!(unnamed[0].settings.name.as_str(), unnamed[0].number);
    let lock = RoomEdit {
        locked: Some(true),
        ..Default::default()
    };
    store
        .edit_room(meeting.key, None, lock, at(2))
        .await
        .unwrap();
    let memberships = store.list_memberships(meeting.key).await.unwrap();
    assert_eq!(memberships.len(), 2);
    assert!(
        memberships
            .iter()
            .all(|membership| membership.left.is_some())
    );
    let members = store.members(meeting.key).await.unwrap();
    let told = members.iter().map(|member| (&member.user, member.is_in));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [(&ming.id, false), (&root.id, false)]
    );
    let watched = store.watch_rooms(std::slice::from_ref(&meeting.identity));
    assert_eq!(watched.await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_the_old_program_reads_and_writes_goes_on() {
    let home = Home::older("utf8mb4_general_ci", "").await;
    drop(home.open().await);
    home.run(
        "INSERT INTO user_basic (created_at, updated_at, deleted_at, username, password, sdp) VALUES \
         (NOW(3), NOW(3), NULL, 'late', 'e10adc3949ba59abbe56e057f20f883e', '');\n\
         INSERT INTO room_basic (created_at, updated_at, deleted_at, identity, name, begin_at, end_at, create_id) \
         VALUES (NOW(3), NOW(3), NULL, '6a5ad3fd-7fb4-4ef8-bf9f-9b1c1a3c1b0e', 'late', NOW(), NOW(), 2);\n\
         INSERT INTO room_user (created_at, updated_at, deleted_at, rid, uid) VALUES (NOW(3), NOW(3), NULL, 1, 2)",
    )
    .await;
    let types = "SELECT GROUP_CONCAT(column_type ORDER BY table_name, ordinal_position) \
                 FROM information_schema.columns WHERE table_schema = DATABASE() \
                 AND column_name IN ('id', 'create_id', 'rid', 'uid') AND table_name IN ('user_basic', 'room_basic', 'room_user')";
    assert_eq!(
        home.ask(types)
            .await
            .unwrap()
            .replace("(20)", "")
            .replace("(11)", ""),
        "bigint unsigned,int,bigint unsigned,int,int,bigint unsigned"
    );
    assert_eq!(
        home.ask("SELECT username FROM user_basic WHERE id = 1")
            .await
            .unwrap(),
        "root"
    );
    let store = home.open().await;
    assert!(logs_in(&store, "late", "123456").await);
    let late = store.find_user_by_name("late").await.unwrap().unwrap();
    let ours = room(&store, &late, "Ours").await;
    assert_eq!(store.find_room(&ours.number).await.unwrap(), Some(ours));
    let filter = RoomFilter {
        scope: RoomScope::OwnedBy(late.key),
        keyword: Some("é".to_owned()),
        page: 1,
        size: 9,
    };
    assert_eq!(
        store.list_rooms(&filter).await.unwrap().total,
        0,
        "é is no e in 'late'"
    );
    let again = store.adopt(AdoptionMode::Apply).await.unwrap();
    assert_eq!(again, Adoption::default(), "a second time changes nothing");
}

#[tokio::test]
async fn times_that_nobody_can_read_become_absent() {
    let rows = "SET SESSION sql_mode = '';\n\
                INSERT INTO user_basic (id, created_at, deleted_at, username, password) VALUES \
                (2, '2024-00-15', NULL, 'bo', 'x'), (3, '0000-00-00', NULL, 'cy', 'x'), (4, NULL, '2024-01-00', 'dee', 'x');\n\
                INSERT INTO room_basic (id, identity, name, begin_at, end_at, create_id) VALUES \
                (1, 'zero', 'Zero', '0000-00-00', '2024-00-00', 1), \
                (2, 'seconds', 'Seconds', '1970-01-20 23:06:06', '1970-01-20 23:06:09', 1), \
                (3, '123456789', 'Number', NULL, NULL, 1)";
    let home = Home::older("utf8mb4_general_ci", rows).await;
    let look = Store::look(&home.url).await.unwrap();
    let planned = look.adopt(AdoptionMode::DryRun).await.unwrap();
    let done = look.adopt(AdoptionMode::Apply).await.unwrap();
    assert_eq!(done, planned);
    let store = home.open().await;
    let users = store.list_users(None, 9).await.unwrap();
    let names = users.iter().map(|user| user.username.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["root", "bo", "cy", "dee"]);
    let zero = store.find_room("zero").await.unwrap().unwrap();
    assert_eq!((zero.settings.begin_at, zero.settings.end_at), (None, None));
    let remarks = done
        .remarks
        .iter()
        .filter(|told| told.table == "room_basic");
    let remarks: Vec<_> = remarks
        .map(|told| (told.row, told.remark.as_str()))
        .collect();
    assert_eq!((remarks[0].0, remarks[1].0), (2, 3));
    assert!(remarks[0].1.contains("1970"), "{remarks:?}");
    assert!(
        remarks[1].1.contains("cannot stand in a link"),
        "{remarks:?}"
    );
}

#[tokio::test]
async fn tables_of_few_letters_learn_the_others() {
    for (letters, rules) in [
        ("latin1", "latin1_swedish_ci"),
        ("utf8mb3", "utf8mb3_general_ci"),
        ("gbk", "gbk_bin"),
    ] {
        let home = Home::mysql().await;
        let tables = DOCUMENTED
            .replace("utf8mb4_0900_ai_ci", rules)
            .replace("CHARSET=utf8mb4", &format!("CHARSET={letters}"));
        home.run(&tables).await;
        let store = home.open().await;
        assert!(logs_in(&store, "root", "1233456").await, "{letters}");
        let ming = user(&store, "小明").await;
        let made = room(&store, &ming, "周会 🎉").await;
        let found = store.find_room(&made.number).await.unwrap();
        assert_eq!(found, Some(made), "{letters}");
        let named = "SELECT COUNT(*) FROM user_basic WHERE username = 'ROOT'";
        let named = format!("SELECT CAST(({named}) AS CHAR)");
        let compared = if rules.ends_with("_bin") { "0" } else { "1" };
        assert_eq!(home.ask(&named).await.unwrap(), compared, "{letters}");
    }
}

#[tokio::test]
async fn names_that_differ_in_case_alone_are_told_apart_by_their_rows() {
    let rows = "INSERT INTO user_basic (id, username, password) VALUES \
                (7, 'Root', 'e10adc3949ba59abbe56e057f20f883e'), (8, 'Root-7', 'e10adc3949ba59abbe56e057f20f883e')";
    let home = Home::older("utf8mb4_bin", rows).await;
    let store = home.open().await;
    assert!(
        logs_in(&store, "ROOT", "1233456").await,
        "the oldest keeps its name"
    );
    assert!(logs_in(&store, "root-7", "123456").await);
    assert!(
        logs_in(&store, "root-7-", "123456").await,
        "7 is renamed, and not to 8"
    );
}

#[tokio::test]
async fn tables_that_were_taken_over_are_never_dropped() {
    use migration::{Migrator, MigratorTrait as _};
    let home = Home::older("utf8mb4_general_ci", "").await;
    let store = home.open().await;
    // What was added to them beside can go and come again.
    Migrator::down(store.db.pool(), Some(2)).await.unwrap();
    Migrator::up(store.db.pool(), None).await.unwrap();
    assert!(Migrator::down(store.db.pool(), None).await.is_err());
    assert!(store.find_user_by_name("root").await.unwrap().is_some());
}
