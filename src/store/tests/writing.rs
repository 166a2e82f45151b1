//! What is answered is committed: faults at the commit, and the one door.

use std::path::Path;

use entity::{
    chat_message, revoked_token, room_ban, room_basic, room_invite, room_invite_use, room_user,
    user_basic,
};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, EntityTrait as _};

use super::*;
use crate::protocol::event::LeaveReason;
use crate::protocol::ids::{MessageId, ParticipantId, UserId};
use crate::protocol::object::{Ban, BanLength, Role, User, UserKind};
use crate::protocol::text::ChatText;

/// Every table that the server writes to.
const TABLES: [&str; 9] = [
    "user_basic",
    "room_basic",
    "room_user",
    "room_invite",
    "room_invite_use",
    "room_ban",
    "chat_message",
    "revoked_token",
    "server_beat",
];

/// Has every commit fail that follows a change, though each statement works: by a constraint that is looked at when the
/// transaction ends.
async fn break_commits(home: &Home) {
    let statements: Vec<String> = if home.is_sqlite() {
        let tables = "CREATE TABLE IF NOT EXISTS no_row (id INTEGER PRIMARY KEY);\n\
                      CREATE TABLE IF NOT EXISTS fault (id INTEGER REFERENCES no_row (id) DEFERRABLE INITIALLY DEFERRED)";
        let triggers = each_change().map(|(change, table)| {
            format!(
                "CREATE TRIGGER fault_{change}_{table} AFTER {change} ON {table} \
                 BEGIN INSERT INTO fault VALUES (1); END"
            )
        });
        std::iter::once(tables.to_owned()).chain(triggers).collect()
    } else {
        let function = "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS \
                        'BEGIN RAISE EXCEPTION ''fault''; END'";
        let triggers = TABLES.map(|table| {
            format!(
                "CREATE CONSTRAINT TRIGGER fault AFTER INSERT OR UPDATE OR DELETE ON {table} \
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fault()"
            )
        });
        std::iter::once(function.to_owned())
            .chain(triggers)
            .collect()
    };
    home.run(&(statements.join(";\n") + ";\n")).await;
}

async fn mend_commits(home: &Home) {
    let statements: Vec<String> = if home.is_sqlite() {
        let drop = |(change, table)| format!("DROP TRIGGER fault_{change}_{table}");
        each_change().map(drop).collect()
    } else {
        vec!["DROP FUNCTION fault CASCADE".to_owned()]
    };
    home.run(&(statements.join(";\n") + ";\n")).await;
}

fn each_change() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLES.into_iter().flat_map(|table| {
        ["INSERT", "UPDATE", "DELETE"]
            .into_iter()
            .map(move |change| (change, table))
    })
}

/// Everything that the tables hold, but for when the server was last at work.
async fn contents(home: &Home) -> String {
    let db = Database::connect(&home.url).await.unwrap();
    let mut all = Vec::new();
    macro_rules! add {
        ($($table:ident),+) => {
            $(all.push(format!("{:#?}", $table::Entity::find().all(&db).await.unwrap()));)+
        };
    }
    add!(
        user_basic,
        room_basic,
        room_user,
        room_invite,
        room_invite_use,
        room_ban,
        chat_message,
        revoked_token
    );
    db.close().await.unwrap();
    all.join("\n")
}

fn message(author: &UserId) -> StoredMessage {
    let name = DisplayName::parse("Bo").unwrap();
    StoredMessage {
        id: MessageId::random(),
        participant: ParticipantId::random(),
        author: ChatAuthor {
            id: author.clone(),
            kind: UserKind::Guest,
            username: None,
            display_name: name.clone(),
        },
        display_name: name,
        to: None,
        text: ChatText::parse("hello").unwrap(),
        client_id: Some("c-1".to_owned()),
        sent_at: at(1),
    }
}

fn ban(user: &UserId) -> Ban {
    let name = DisplayName::parse("Bo").unwrap();
    Ban {
        user: User {
            id: user.clone(),
            kind: UserKind::Guest,
            username: None,
            display_name: name.clone(),
            avatar_url: String::new(),
        },
        display_name: name,
        until: BanLength::Forever,
        since: at(1),
        by: UserId::random(),
    }
}

fn invite(byte: u8) -> NewInvite {
    NewInvite {
        token: TokenHash::new([byte; 32]),
        role: Role::Member,
        name: None,
        expires_at: None,
        max_uses: None,
        created_by: UserId::random(),
    }
}

async fn what_is_not_committed_is_no_success(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let hall = room(&store, &ada, "Hall").await;
    let bo = UserId::random();
    let link = store
        .create_invite(hall.key, invite(1), at(0))
        .await
        .unwrap();
    let token = TokenHash::new([1; 32]);
    let used = store
        .use_invite(hall.key, &token, &bo, at(1))
        .await
        .unwrap()
        .unwrap();
    let said = message(&bo);
    store.insert_message(hall.key, &said).await.unwrap();
    store.ban(hall.key, &ban(&bo)).await.unwrap();
    store.revoke_token("old", at(0)).await.unwrap();
    let membership = Membership {
        room: hall.key,
        participant: ParticipantId::random(),
        user: bo.clone(),
        display_name: DisplayName::parse("Bo").unwrap(),
        role: Role::Member,
        joined_at: at(1),
    };
    let came = Attendance::Joined(membership.clone());
    store.write_attendance(came).await.unwrap();
    store.ailment().await;
    let before = contents(&home).await;
    let renamed = || RoomEdit {
        name: Some(RoomName::parse("Saal").unwrap()),
        ..RoomEdit::default()
    };
    let newcomer = || {
        Attendance::Joined(Membership {
            participant: ParticipantId::random(),
            ..membership.clone()
        })
    };
    let gone = || Attendance::Left {
        participant: membership.participant.clone(),
        reason: LeaveReason::Left,
        at: at(9),
    };
    let name = DisplayName::parse("Ada L.").unwrap();
    let hash = PasswordHash::new("$argon2id$2".to_owned());
    /// Each with the name of what it does: whether it went well, and nothing else of its answer.
    macro_rules! each_write {
        () => {
            [
                (
                    "create_user",
                    store.create_user(new_user("bo"), at(2)).await.err(),
                ),
                (
                    "change_user",
                    store
                        .change_user(ada.key, Some(&hash), Some(&name), at(2))
                        .await
                        .err(),
                ),
                (
                    "rehash",
                    store
                        .rehash_password(ada.key, &ada.password, &hash, at(2))
                        .await
                        .err(),
                ),
                (
                    "revoke_user_tokens",
                    store.revoke_user_tokens(ada.key, at(2)).await.err(),
                ),
                (
                    "disable",
                    store
                        .set_user_disabled(ada.key, Some(at(2)), at(2))
                        .await
                        .err(),
                ),
                (
                    "enable",
                    store.set_user_disabled(ada.key, None, at(2)).await.err(),
                ),
                (
                    "create_room",
                    store
                        .create_room(ada.key, settings("New"), at(2))
                        .await
                        .err(),
                ),
                (
                    "edit_room",
                    store
                        .edit_room(hall.key, None, renamed(), at(2))
                        .await
                        .err(),
                ),
                ("end_room", store.end_room(hall.key, at(2)).await.err()),
                (
                    "reopen_room",
                    store.reopen_room(hall.key, at(2)).await.err(),
                ),
                ("close_room", store.close_room(hall.key, at(2)).await.err()),
                (
                    "create_invite",
                    store.create_invite(hall.key, invite(2), at(2)).await.err(),
                ),
                (
                    "use_invite",
                    store
                        .use_invite(hall.key, &token, &ada.id, at(2))
                        .await
                        .err(),
                ),
                ("release_invite", store.release_invite(&used).await.err()),
                (
                    "revoke_invite",
                    store.revoke_invite(hall.key, &link.id, at(2)).await.err(),
                ),
                ("ban", store.ban(hall.key, &ban(&ada.id)).await.err()),
                ("unban", store.unban(hall.key, &bo).await.err()),
                (
                    "insert_message",
                    store
                        .insert_message(hall.key, &message(&ada.id))
                        .await
                        .err(),
                ),
                (
                    "delete_message",
                    store.delete_message(hall.key, &said.id, at(2)).await.err(),
                ),
                (
                    "withdraw_message",
                    store.withdraw_message(hall.key, &said.id).await.err(),
                ),
                ("revoke_token", store.revoke_token("new", at(9)).await.err()),
                (
                    "prune_tokens",
                    store.prune_revoked_tokens(at(1)).await.err(),
                ),
                ("joined", store.write_attendance(newcomer()).await.err()),
                ("left", store.write_attendance(gone()).await.err()),
                (
                    "close_open_stays",
                    store.close_open_memberships(at(9)).await.err(),
                ),
                ("beat", store.beat(at(2)).await.err()),
                (
                    "delete_room",
                    store.delete_room(hall.key, at(3)).await.err(),
                ),
                ("delete_user", store.delete_user(ada.key, at(3)).await.err()),
            ]
        };
    }
    break_commits(&home).await;
    for (what, error) in each_write!() {
        let error = error.unwrap_or_else(|| panic!("{what} went well and was not committed"));
        assert!(
            !matches!(error, StoreError::Conflict(_) | StoreError::NotFound(_)),
            "{what}: {error:?}"
        );
    }
    assert_eq!(contents(&home).await, before, "nothing is half done");
    mend_commits(&home).await;
    // An end that was written is no open membership, so that closing those finds nothing; all else works as if nothing had been.
    for (what, error) in each_write!() {
        assert!(error.is_none(), "{what}: {error:?}");
    }
    assert_ne!(contents(&home).await, before);
}

mod commits {
    #[tokio::test]
    async fn sqlite() {
        super::what_is_not_committed_is_no_success(super::Home::sqlite()).await;
    }
    #[tokio::test]
    async fn postgres() {
        super::what_is_not_committed_is_no_success(super::Home::postgres().await).await;
    }
}

/// Why there is a door at all. When this fails the library tells of such a commit, and the door is still good for work of
/// several statements.
#[tokio::test]
async fn an_insert_on_its_own_hides_that_its_commit_failed() {
    let home = Home::sqlite();
    let store = home.open().await;
    let hall = room(&store, &user(&store, "ada").await, "Hall").await;
    break_commits(&home).await;
    let row = room_ban::ActiveModel {
        rid: Set(hall.key.0),
        user_identity: Set("somebody".to_owned()),
        display_name: Set("Bo".to_owned()),
        since: Set(at(0).utc().naive_utc()),
        banned_by: Set("ada".to_owned()),
        ..Default::default()
    };
    let inserted = row.clone().insert(store.db.pool()).await;
    assert!(inserted.is_ok(), "{inserted:?}");
    assert!(store.bans(hall.key).await.unwrap().is_empty());
    let written = store
        .db
        .write(async |writing| Ok(row.insert(writing).await?));
    assert!(matches!(written.await, Err(StoreError::Internal(_))));
}

#[tokio::test]
#[should_panic(expected = "past the one door")]
async fn nothing_is_written_past_the_door() {
    let store = Store::open("sqlite::memory:", NodeId::UNNAMED, 1)
        .await
        .unwrap();
    let all = revoked_token::Entity::delete_many();
    let _ = all.exec(&store.db).await;
}

/// What the types leave open is read in the source: only what is handed out by the door is written with, and only the
/// schema's own work and the door have the pool.
#[test]
fn every_writer_goes_through_the_door() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for (path, source) in sources(&folder) {
        let in_store = path.starts_with("store/");
        for (number, line) in source.lines().enumerate() {
            let place = format!("src/{path}:{}: {line}", number + 1);
            for call in [
                ".exec(",
                ".exec_without_returning(",
                ".exec_with_returning(",
                ".save(",
            ] {
                for argument in line.split(call).skip(1) {
                    seen += 1;
                    assert!(in_store && argument.starts_with("writing)"), "{place}");
                }
            }
            if in_store {
                for argument in line.split(".insert(").skip(1) {
                    let is_map = argument.contains(',') || !argument.contains("db");
                    assert!(argument.starts_with("writing)") || is_map, "{place}");
                }
                let has_pool = [
                    "store/db.rs",
                    "store/mod.rs",
                    "store/adopt.rs",
                    "store/imweb/write.rs",
                ];
                assert!(
                    !line.contains(".pool()") || has_pool.contains(&path.as_str()),
                    "{place}"
                );
                let begins = line.contains(".begin") && !line.contains("begin_at");
                let may_begin = ["store/db.rs", "store/imweb/source.rs"];
                assert!(!begins || may_begin.contains(&path.as_str()), "{place}");
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

/// The server's own sources, without tests.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .strip_prefix(folder)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            if path.is_dir() {
                if !name.ends_with("tests") {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
                found.push((name, std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

#[tokio::test]
async fn a_health_check_writes_once_however_many_ask() {
    let home = Home::sqlite();
    let store = home.open().await;
    // What is written is counted by the database itself.
    home.run(
        "CREATE TABLE counted (id INTEGER PRIMARY KEY);\n\
         CREATE TRIGGER count_i AFTER INSERT ON server_beat BEGIN INSERT INTO counted VALUES (NULL); END;\n\
         CREATE TRIGGER count_u AFTER UPDATE ON server_beat BEGIN INSERT INTO counted VALUES (NULL); END;\n",
    )
    .await;
    let asked = std::time::Instant::now();
    let all = futures_util::future::join_all((0..200).map(|_| store.ailment())).await;
    assert!(all.iter().all(Option::is_none));
    let seconds = asked.elapsed().as_secs();
    let db = Database::connect(&home.url).await.unwrap();
    let count = sea_orm::Statement::from_string(DbBackend::Sqlite, "SELECT COUNT(*) FROM counted");
    let row = db.query_one_raw(count).await.unwrap().unwrap();
    let count: i64 = row.try_get_by_index(0).unwrap();
    assert!(
        (1..=1 + i64::try_from(seconds).unwrap()).contains(&count),
        "{count}"
    );
}
