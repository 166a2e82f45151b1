//! Tables that the older Meeting (Go) could have made otherwise than its document shows, and those that are in the way.

use super::adopt::{DOCUMENTED, logs_in};
use super::*;

const HASH: &str = "e10adc3949ba59abbe56e057f20f883e";

/// Its tables with other types, by what its object mapper makes of a number, of a number that points elsewhere, of a
/// short and a long text, and of a time; `keys` says whether names and identities are unique.
struct Mapped {
    id: &'static str,
    pointer: &'static str,
    text: &'static str,
    time: &'static str,
    keys: bool,
}

impl Mapped {
    fn tables(&self) -> String {
        let Self {
            id,
            pointer,
            text,
            time,
            keys,
        } = self;
        let key = |table: &str, column: &str| match keys {
            true => format!(", UNIQUE KEY uix_{table}_{column} ({column})"),
            false => String::new(),
        };
        let head = format!(
            "id {id} AUTO_INCREMENT, created_at {time}, updated_at {time}, deleted_at {time}, PRIMARY KEY (id)"
        );
        format!(
            "CREATE TABLE user_basic ({head}, username {text}, password {text}{});\n\
             CREATE TABLE room_basic ({head}, identity {text}, name {text}, begin_at {time}, end_at {time}, \
             create_id {pointer}{});\n\
             CREATE TABLE room_user ({head}, rid {pointer}, uid {pointer});\n",
            key("user_basic", "username"),
            key("room_basic", "identity"),
        )
    }
}

const MAPPED: [Mapped; 5] = [
    // Version 1.
    Mapped {
        id: "int(10) unsigned NOT NULL",
        pointer: "int(11) DEFAULT NULL",
        text: "varchar(255) CHARACTER SET latin1 DEFAULT NULL",
        time: "timestamp NULL DEFAULT NULL",
        keys: true,
    },
    // Version 2, by default.
    Mapped {
        id: "bigint unsigned NOT NULL",
        pointer: "bigint unsigned DEFAULT NULL",
        text: "longtext CHARACTER SET utf8mb4",
        time: "datetime(3) DEFAULT NULL",
        keys: false,
    },
    Mapped {
        id: "bigint NOT NULL",
        pointer: "bigint NOT NULL",
        text: "varchar(191) CHARACTER SET utf8mb4 NOT NULL",
        time: "datetime DEFAULT NULL",
        keys: true,
    },
    Mapped {
        id: "int NOT NULL",
        pointer: "int unsigned NOT NULL",
        text: "varchar(64) CHARACTER SET utf8mb3 NOT NULL",
        time: "datetime(6) DEFAULT NULL",
        keys: true,
    },
    Mapped {
        id: "int unsigned NOT NULL",
        pointer: "mediumint DEFAULT NULL",
        text: "text CHARACTER SET latin1",
        time: "timestamp(3) NULL DEFAULT NULL",
        keys: false,
    },
];

#[tokio::test]
async fn whatever_its_mapper_makes_of_numbers_texts_and_times_is_taken_over() {
    for mapped in &MAPPED {
        let tables = mapped.tables();
        let home = Home::mysql().await;
        home.run(&tables).await;
        let deleted = "2024-08-29 09:42:53";
        home.run(&format!(
            "INSERT INTO user_basic (id, username, password) VALUES (1, 'root', '{HASH}'), (2, 'bo', '{HASH}');\n\
             INSERT INTO user_basic (id, deleted_at, username, password) VALUES (3, '{deleted}', 'gone', '{HASH}');\n\
             INSERT INTO room_basic (id, deleted_at, identity, name, begin_at, create_id) VALUES \
             (1, NULL, 'room-one', 'One', '{deleted}', 1), (2, '{deleted}', 'room-two', 'Two', NULL, 1);\n\
             INSERT INTO room_user (id, created_at, rid, uid) VALUES (1, '{deleted}', 1, 2), (2, NULL, 2, 2);\n"
        ))
        .await;
        let look = Store::look(&home.url).await.unwrap();
        let planned = look.adopt(AdoptionMode::DryRun).await.unwrap();
        assert_eq!(
            (planned.users, planned.rooms, planned.memberships),
            (2, 1, 1),
            "{tables}"
        );
        let done = look.adopt(AdoptionMode::Apply).await.unwrap();
        assert_eq!(done, planned, "{tables}");

        let store = home.open().await;
        assert!(logs_in(&store, "root", "123456").await, "{tables}");
        let root = store.find_user_by_name("root").await.unwrap().unwrap();
        assert!(!root.password.is_legacy(), "the column holds the new hash");
        let one = store.find_room("room-one").await.unwrap().unwrap();
        let begin = one.settings.begin_at.unwrap().to_string();
        assert_eq!(begin, "2024-08-29T09:42:53.000Z", "{tables}");
        assert_eq!(store.list_memberships(one.key).await.unwrap().len(), 1);
        // What is made here beside it comes back as it is.
        let ming = user(&store, "小明").await;
        let mut plan = settings("周会 🎉");
        plan.begin_at = Some(at(123));
        let made = store.create_room(ming.key, plan, at(0)).await.unwrap();
        let found = store.find_room(made.identity.as_str()).await.unwrap();
        assert_eq!(found, Some(made), "{tables}");
        // Its own numbers are as they were, so that its program goes on.
        let kind = format!(
            "SELECT CAST(COUNT(*) AS CHAR) FROM information_schema.columns WHERE table_schema = DATABASE() \
             AND table_name IN ('user_basic', 'room_basic', 'room_user') AND column_name = 'id' \
             AND column_type LIKE '{}%' AND (column_type LIKE '%unsigned') = {}",
            mapped.id.split(['(', ' ']).next().unwrap(),
            mapped.id.contains("unsigned"),
        );
        assert_eq!(home.ask(&kind).await.unwrap(), "3", "{tables}");
        use migration::{Migrator, MigratorTrait as _};
        assert!(
            Migrator::down(store.db.pool(), None).await.is_err(),
            "never dropped: {tables}"
        );
    }
}

#[tokio::test]
async fn a_column_that_is_in_the_way_is_named_and_nothing_is_changed() {
    for (change, sentence) in [
        (
            "ALTER TABLE room_basic ADD COLUMN number int NOT NULL DEFAULT 0",
            "the table room_basic has a column number of the type int",
        ),
        (
            "ALTER TABLE room_basic ADD COLUMN password varchar(255) DEFAULT NULL",
            "the table room_basic has a column password of the type varchar(255) already, where this server needs \
             varchar(255)",
        ),
        (
            "ALTER TABLE user_basic ADD COLUMN identity varchar(36) NOT NULL DEFAULT ''",
            "the table user_basic has a column identity of the type varchar(36) already, where this server needs \
             varchar(64)",
        ),
        (
            "ALTER TABLE room_user ADD COLUMN role tinyint DEFAULT NULL",
            "the table room_user has a column role of the type tinyint",
        ),
        (
            "ALTER TABLE room_basic ADD COLUMN ended_by bigint DEFAULT NULL",
            "the table room_basic has a column ended_by of the type bigint",
        ),
        (
            "ALTER TABLE room_basic ADD COLUMN Permanent varchar(3) DEFAULT NULL",
            "the table room_basic has a column permanent of the type varchar(3)",
        ),
        (
            "ALTER TABLE room_basic MODIFY begin_at bigint DEFAULT NULL",
            "the table room_basic has a column begin_at of the type bigint",
        ),
        (
            "ALTER TABLE user_basic MODIFY id varchar(36) NOT NULL",
            "the table user_basic has a column id of the type varchar(36), which is no number",
        ),
        (
            "ALTER TABLE room_user MODIFY deleted_at datetime NOT NULL",
            "the table room_user has a column deleted_at of the type datetime not null, which is no time that may be \
             absent",
        ),
        (
            "ALTER TABLE user_basic DROP COLUMN password",
            "the table user_basic has no column password",
        ),
        (
            "ALTER TABLE user_basic ADD COLUMN phone varchar(20) NOT NULL",
            "the table user_basic has a column phone that is not this server's, must have a value and has no default",
        ),
        (
            "CREATE TABLE chat_message (id bigint PRIMARY KEY, identity text)",
            "the table chat_message has a column identity of the type text",
        ),
        (
            "CREATE TABLE room_ban (id bigint PRIMARY KEY)",
            "the table room_ban has no column rid",
        ),
    ] {
        let home = Home::older("utf8mb4_general_ci", &format!("{change};\n")).await;
        let shape = "SELECT GROUP_CONCAT(CONCAT(table_name, column_name, column_type) ORDER BY table_name, \
                     ordinal_position) FROM information_schema.columns WHERE table_schema = DATABASE()";
        let before = home.ask(shape).await.unwrap();
        let look = Store::look(&home.url).await.unwrap();
        for mode in [AdoptionMode::DryRun, AdoptionMode::Apply] {
            let refused = look.adopt(mode).await.unwrap_err();
            assert!(matches!(refused, StoreError::Clash(_)), "{refused:?}");
            assert!(
                refused.to_string().starts_with(sentence),
                "{change}: {refused}"
            );
        }
        assert!(Store::open(&home.url, NodeId::UNNAMED, 2).await.is_err());
        assert_eq!(home.ask(shape).await.unwrap(), before, "{change}");
    }
    // What is nobody's business, and what a step that broke off has made already.
    let home = Home::older(
        "utf8mb4_general_ci",
        "ALTER TABLE user_basic ADD COLUMN avatar varchar(200) NOT NULL DEFAULT '', ADD COLUMN phone int NULL;\n\
         ALTER TABLE room_basic ADD COLUMN number varchar(9) CHARACTER SET utf8mb4 BINARY NULL, \
         ADD COLUMN locked bool NOT NULL DEFAULT false, ADD COLUMN ended_at datetime(3) NULL;\n\
         ALTER TABLE user_basic DROP COLUMN sdp, DROP COLUMN updated_at;\n",
    )
    .await;
    let store = home.open().await;
    assert!(logs_in(&store, "root", "1233456").await);
    user(&store, "bo").await;
}

/// Rows that nobody should have, in tables that allow nearly everything.
const HOSTILE: &str = "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\n\
    ALTER TABLE user_basic DROP KEY idx_user_basic_username, MODIFY username varchar(100) NULL, \
    MODIFY password longtext NULL;\n\
    ALTER TABLE room_basic DROP KEY idx_room_basic_identity, MODIFY identity varchar(36) NULL, \
    MODIFY name longtext NULL, MODIFY create_id bigint NULL;\n\
    ALTER TABLE room_user MODIFY rid bigint NULL, MODIFY uid bigint unsigned NULL;\n\
    INSERT INTO user_basic (id, deleted_at, username, password) VALUES \
    (2, NULL, 'Root', 'E10ADC3949BA59ABBE56E057F20F883E'), (3, NULL, 'root ', 'e10adc3949ba59abbe56e057f20f883e'), \
    (4, NULL, NULL, NULL), (5, NULL, NULL, ''), (6, NULL, 'röot', 'D41D8CD98F00B204E9800998ECF8427E'), \
    (7, '2024-01-01', 'gone', 'e10adc3949ba59abbe56e057f20f883e'), (8, '0000-00-00', 'zero', 'e10adc3949ba59abbe56e057f20f883e'), \
    (0, NULL, 'nought', 'e10adc3949ba59abbe56e057f20f883e'), \
    (18446744073709551610, NULL, 'huge', 'e10adc3949ba59abbe56e057f20f883e'), \
    (9, NULL, REPEAT('名', 100), 'e10adc3949ba59abbe56e057f20f883e'), (10, NULL, '🎉', 'e10adc3949ba59abbe56e057f20f883e'), \
    (11, NULL, '\u{202e}bo\u{200b}', 'e10adc3949ba59abbe56e057f20f883e');\n\
    INSERT INTO room_basic (id, deleted_at, identity, name, begin_at, end_at, create_id) VALUES \
    (1, NULL, 'room-one', NULL, '0000-00-00', '2024-02-00', 1), (2, NULL, 'ROOM-ONE', 'again', NULL, NULL, 1), \
    (3, NULL, NULL, 'no identity', NULL, NULL, 1), (4, '0000-00-00', 'not-gone', REPEAT('x', 5000), NULL, NULL, 2), \
    (5, '2024-01-01', 'gone', 'Gone', NULL, NULL, 2), (6, NULL, 'of-gone', 'Of the gone', NULL, NULL, 7), \
    (7, NULL, 'of-nobody', 'Of nobody', NULL, NULL, NULL), (8, NULL, 'of-minus', 'Of less', NULL, NULL, -5), \
    (9, NULL, 'seconds', 'Seconds', '1970-01-20 23:06:06', '1970-01-20 23:06:06', 0), \
    (10, NULL, 'with blank', 'Blank', NULL, NULL, 1), (11, NULL, 'of-zero', '\u{200b}', NULL, NULL, 8), \
    (18446744073709551610, NULL, 'huge', 'Huge', NULL, NULL, 1);\n\
    INSERT INTO room_user (id, created_at, deleted_at, rid, uid) VALUES \
    (1, '0000-00-00', NULL, 1, 2), (2, NULL, '0000-00-00', 1, 2), (3, NULL, '2024-01-01', 1, 2), (4, NULL, NULL, NULL, 1), \
    (5, NULL, NULL, -1, 1), (6, NULL, NULL, 1, 18446744073709551610), (7, NULL, NULL, 1, 7), (8, NULL, NULL, 5, 1), \
    (9, NULL, NULL, 6, 1), (10, '2024-01-01', NULL, 4, 0), (18446744073709551610, NULL, NULL, 1, 1);\n";

#[tokio::test]
async fn rows_that_nobody_should_have_are_taken_over_or_named_and_break_nothing() {
    let home = Home::older("utf8mb4_unicode_ci", HOSTILE).await;
    let look = Store::look(&home.url).await.unwrap();
    let planned = look.adopt(AdoptionMode::DryRun).await.unwrap();
    let done = look.adopt(AdoptionMode::Apply).await.unwrap();
    assert_eq!(done, planned, "a dry run says what the real one does");
    assert_eq!(
        (done.users, done.rooms, done.memberships),
        (11, 4, 4),
        "{done:#?}"
    );
    let store = home.open().await;
    let users = store.list_users(None, 99).await.unwrap();
    assert_eq!(users.len(), 11, "nought is among them");
    for (name, password) in [
        ("root", "1233456"),
        ("nought", "123456"),
        ("root-2", "123456"),
        ("root-3", "123456"),
        ("zero", "123456"),
        ("🎉", "123456"),
        ("bo", "123456"),
        (&"名".repeat(100), "123456"),
    ] {
        assert!(logs_in(&store, name, password).await, "{name}");
    }
    for (name, password) in [("röot", ""), ("", "")] {
        assert!(!logs_in(&store, name, password).await, "{name}");
    }
    for name in ["gone", "huge"] {
        assert_eq!(store.find_user_by_name(name).await.unwrap(), None, "{name}");
    }
    let rooms = store.list_every_room(None, 99).await.unwrap();
    let rooms: Vec<_> = rooms.iter().map(|room| room.identity.as_str()).collect();
    assert_eq!(rooms, ["room-one", "not-gone", "seconds", "of-zero"]);
    let one = store.find_room("room-one").await.unwrap().unwrap();
    assert_eq!(one.settings.name.as_str(), one.number, "it had none");
    assert_eq!(store.list_memberships(one.key).await.unwrap().len(), 2);
    assert_eq!(store.members(one.key).await.unwrap().len(), 1);
    store.newest_attendance(one.key, 1, 99).await.unwrap();
    let again = look.adopt(AdoptionMode::Apply).await.unwrap();
    assert_eq!(
        (again.users, again.rooms, again.memberships),
        (0, 0, 0),
        "{again:?}"
    );
}

#[tokio::test]
async fn what_the_old_program_writes_later_may_be_as_odd() {
    let home = Home::older("utf8mb4_general_ci", "").await;
    drop(home.open().await);
    let rows = format!(
        "SET SESSION sql_mode = '';\n\
         INSERT INTO user_basic (id, created_at, deleted_at, username, password) VALUES \
         (2, '0000-00-00', '0000-00-00', 'late', '{HASH}');\n\
         INSERT INTO room_basic (id, created_at, deleted_at, identity, name, begin_at, end_at, create_id) VALUES \
         (1, '0000-00-00', '0000-00-00', 'late', 'Late', '2024-00-01', '0000-00-00', 2);\n\
         INSERT INTO room_user (id, created_at, deleted_at, rid, uid) VALUES (1, '0000-00-00', '0000-00-00', 1, 2);\n"
    );
    home.run(&rows).await;
    let look = Store::look(&home.url).await.unwrap();
    let planned = look.adopt(AdoptionMode::DryRun).await.unwrap();
    let done = look.adopt(AdoptionMode::Apply).await.unwrap();
    assert_eq!(done, planned);
    assert_eq!((done.users, done.rooms, done.memberships), (1, 1, 1));
    let store = home.open().await;
    assert!(logs_in(&store, "late", "123456").await);
    let late = store.find_room("late").await.unwrap().unwrap();
    assert_eq!((late.settings.begin_at, late.settings.end_at), (None, None));
    assert_eq!(store.list_memberships(late.key).await.unwrap().len(), 1);
}

#[tokio::test]
async fn names_that_differ_in_blanks_alone_are_told_apart() {
    let tables = DOCUMENTED.replace("utf8mb4_0900_ai_ci", "utf8mb4_unicode_nopad_ci");
    let home = Home::mysql().await;
    // MySQL 8 compares blanks by default.
    let compared = "utf8mb4_unicode_nopad_ci";
    let knows = format!(
        "SELECT CAST(COUNT(*) AS CHAR) FROM information_schema.collations WHERE collation_name = '{compared}'"
    );
    let tables = match home.ask(&knows).await.as_deref() {
        Some("1") => tables,
        _ => DOCUMENTED.to_owned(),
    };
    let more =
        format!("INSERT INTO user_basic (id, username, password) VALUES (2, 'root ', '{HASH}');\n");
    home.run(&format!("{tables}{more}")).await;
    let store = home.open().await;
    assert!(logs_in(&store, "root", "1233456").await);
    assert!(logs_in(&store, "root-2", "123456").await);
}
