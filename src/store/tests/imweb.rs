//! What imweb has, taken into databases of every kind.

use std::collections::BTreeMap;

use super::*;
use crate::auth::Passwords;
use crate::auth::passwords::StoredHash;
use crate::protocol::event::LeaveReason;
use crate::protocol::object::Role;
use crate::protocol::text::Password;
use crate::store::imweb::{Counts, Skip};

/// What imweb documents: its tables, with their rows.
const DOCUMENTED: &str = include_str!("../../../tests/fixtures/imweb.sql");
/// Rows beyond the document.
const AWKWARD: &str = include_str!("../../../tests/fixtures/imweb_awkward.sql");

/// A database of imweb, with `more` statements run on it.
async fn imweb(more: &str) -> Home {
    let home = Home::mysql().await;
    // The server's own character set is another one, and a table of the document names none.
    let name = home.url.rsplit('/').next().unwrap();
    let charset = format!("ALTER DATABASE {name} CHARACTER SET utf8mb4;\n");
    home.run(&charset).await;
    home.run(DOCUMENTED).await;
    home.run(more).await;
    home
}

async fn take(store: &Store, source: &Home, mode: ImportMode) -> Import {
    let source = ImwebSource {
        url: &source.url,
        utc_offset_minutes: 0,
    };
    store.import_imweb(source, mode, at(0)).await.unwrap()
}

/// Every row of ours, as the database has it.
async fn everything(store: &Store) -> Vec<String> {
    use sea_orm::EntityTrait as _;
    let mut all = Vec::new();
    macro_rules! rows {
        ($($table:ident),+) => {$(
            let rows = entity::$table::Entity::find().all(&store.db).await.unwrap();
            all.extend(rows.iter().map(|row| format!("{row:?}")));
        )+};
    }
    rows!(user_basic, room_basic, room_user, imported_row);
    all
}

fn counts(rooms: usize, people: usize, joined: usize) -> Counts {
    Counts {
        rooms,
        people,
        joined,
    }
}

async fn only_room(store: &Store, owner: &StoredUser) -> StoredRoom {
    let filter = RoomFilter {
        scope: RoomScope::OwnedBy(owner.key),
        keyword: None,
        page: 1,
        size: 9,
    };
    let found = store.list_rooms(&filter).await.unwrap();
    let [room] = found.rooms.as_slice() else {
        panic!("{found:?}");
    };
    room.clone()
}

async fn the_documented_rows_become_a_room_its_people_and_their_roles(home: Home) {
    let source = imweb("").await;
    let store = home.open().await;
    let planned = take(&store, &source, ImportMode::DryRun).await;
    assert_eq!(everything(&store).await, Vec::<String>::new());
    let done = take(&store, &source, ImportMode::Apply).await;
    for import in [&planned, &done] {
        assert_eq!(import.taken, counts(1, 4, 4));
        assert_eq!(import.already, counts(0, 0, 0));
        let skipped = import.skipped.iter();
        let skipped = skipped.map(|at| (at.table, at.row.as_str(), at.reason));
        assert_eq!(
            skipped.collect::<Vec<_>>(),
            [
                ("imweb_join", "3CK4CM", Skip::NoSuchMeeting),
                ("imweb_join", "3CK4HL", Skip::NoSuchMeeting),
                ("imweb_status", "4", Skip::JoinSkipped),
                ("imweb_status", "5", Skip::JoinSkipped),
            ]
        );
    }
    assert_eq!(planned.rooms[0].identity, None);

    let owner = store.find_user_by_name("3ck98y").await.unwrap().unwrap();
    assert_eq!(owner.display_name.as_str(), "滑稽");
    let room = only_room(&store, &owner).await;
    assert_eq!(room.settings.name.as_str(), "520");
    assert_eq!(done.rooms[0].identity.as_ref(), Some(&room.identity));
    let members = store.members(room.key).await.unwrap();
    let told: BTreeMap<_, _> = members
        .iter()
        .map(|member| (member.display_name.as_str(), member.role))
        .collect();
    let expected = [
        ("张三1", Role::Host),
        ("张三2", Role::Member),
        ("张三3", Role::Member),
        ("张三6", Role::Member),
    ];
    assert_eq!(told, BTreeMap::from(expected));
    let host = members.iter().find(|member| member.role == Role::Host);
    assert_eq!(host.unwrap().user, owner.id);
    let memberships = store
        .attendance(room.key, None, 9)
        .await
        .unwrap()
        .memberships;
    for membership in &memberships {
        let joined = membership.joined_at.unwrap();
        assert_eq!(
            membership.left,
            Some((joined, LeaveReason::Lost)),
            "nobody is in"
        );
    }

    let before = everything(&store).await;
    let again = take(&store, &source, ImportMode::Apply).await;
    assert_eq!(
        (again.taken, again.already),
        (counts(0, 0, 0), counts(1, 4, 4))
    );
    assert_eq!(again.skipped, done.skipped);
    assert_eq!(
        everything(&store).await,
        before,
        "a second run changes nothing"
    );
}

async fn nobody_who_was_imported_logs_in_before_they_get_a_password(home: Home) {
    let source = imweb("").await;
    let store = home.open().await;
    take(&store, &source, ImportMode::Apply).await;
    let user = store.find_user_by_name("3CK4HM").await.unwrap().unwrap();
    assert!(!user.password.is_set());
    let passwords = Passwords::default();
    let here = crate::network::Network::of(std::net::Ipv4Addr::LOCALHOST.into());
    for guess in ["", "!", "3CK4HM"] {
        let guess = Password::new(guess.to_owned());
        let hash = StoredHash::Argon2(user.password.reveal());
        assert!(passwords.verify(here, &guess, Some(hash)).await.is_err());
    }
    let hash = PasswordHash::new("$argon2id$…".to_owned());
    store.set_password(user.key, &hash, at(1)).await.unwrap();
    take(&store, &source, ImportMode::Apply).await;
    let user = store.find_user_by_key(user.key).await.unwrap().unwrap();
    assert!(user.password.is_set(), "the import leaves it alone");
}

async fn awkward_rows_are_taken_whole_or_named(home: Home) {
    let source = imweb(AWKWARD).await;
    let store = home.open().await;
    user(&store, "BOB").await;
    let done = take(&store, &source, ImportMode::Apply).await;
    let skipped = done.skipped.iter();
    let skipped = skipped.map(|at| (at.table, at.row.as_str(), at.reason));
    let mut skipped: Vec<_> = skipped.filter(|at| !at.1.starts_with("3CK")).collect();
    skipped.sort_by_key(|at| (at.0, at.1));
    let long = "o".repeat(64);
    assert_eq!(
        skipped,
        [
            ("imweb_join", "", Skip::BadId),
            ("imweb_join", "bob", Skip::DuplicateJoin),
            ("imweb_join", "ida", Skip::EmptyName),
            ("imweb_join", "jon", Skip::LongName),
            ("imweb_join", "kim", Skip::BadTime),
            ("imweb_join", "lou", Skip::BadId),
            ("imweb_join", "mae", Skip::NoSuchMeeting),
            ("imweb_join", "ned", Skip::MeetingSkipped),
            ("imweb_join", long.as_str(), Skip::BadId),
            ("imweb_login", "", Skip::BadId),
            ("imweb_login", "bob", Skip::DuplicateMeeting),
            ("imweb_login", "cat", Skip::EmptyName),
            ("imweb_login", "dan", Skip::LongName),
            ("imweb_login", "eve", Skip::BadTime),
            ("imweb_login", "fay", Skip::BadId),
            ("imweb_status", "102", Skip::DuplicateStatus),
            ("imweb_status", "103", Skip::UnknownRole),
            ("imweb_status", "104", Skip::NoSuchJoin),
            ("imweb_status", "105", Skip::BadId),
            ("imweb_status", "106", Skip::JoinSkipped),
            ("imweb_status", "107", Skip::UnknownRole),
            ("imweb_status", "4", Skip::JoinSkipped),
            ("imweb_status", "5", Skip::JoinSkipped),
        ]
    );
    assert_eq!(done.taken, counts(3, 8, 8));

    let ann = store.find_user_by_name("Ann").await.unwrap().unwrap();
    assert_eq!(ann.display_name.as_str(), "O'Hara \"A\" 🎉");
    let room = only_room(&store, &ann).await;
    assert_eq!(room.settings.name.as_str(), "周会 🎉");
    assert_eq!(room.created_at.to_string(), "2024-05-01T10:00:00.250Z");
    let memberships = store
        .attendance(room.key, None, 9)
        .await
        .unwrap()
        .memberships;
    let told = memberships
        .iter()
        .map(|membership| (membership.display_name.as_str(), membership.role));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("安", Role::Host),
            ("<b>Bob</b>", Role::Host),
            ("élan", Role::Member)
        ],
        "its maker is host, and so is everybody with that role"
    );
    let bob = store.find_user_by_name("bob-imweb").await.unwrap().unwrap();
    assert_eq!(bob.id, memberships[1].user, "the name bob was taken here");
    let gus = store.find_user_by_name("gus").await.unwrap().unwrap();
    let empty = only_room(&store, &gus).await;
    assert_eq!(store.members(empty.key).await.unwrap(), []);

    let before = everything(&store).await;
    let again = take(&store, &source, ImportMode::Apply).await;
    assert_eq!((again.taken, again.already), (counts(0, 0, 0), done.taken));
    assert_eq!(
        everything(&store).await,
        before,
        "a second run changes nothing"
    );
    source
        .run("UPDATE imweb_login SET log_username = 'Cat' WHERE log_onlyId = 'cat';\n")
        .await;
    let mended = take(&store, &source, ImportMode::Apply).await;
    assert_eq!(mended.taken, counts(1, 2, 1), "Ned's join as well");
}

/// What a run says, but for what only a real one knows.
fn told(mut import: Import) -> Import {
    import.dry_run = true;
    import
        .people
        .sort_by(|one, other| one.person.cmp(&other.person));
    for person in &mut import.people {
        person.username = None;
    }
    for room in &mut import.rooms {
        (room.identity, room.number) = (None, None);
    }
    import
}

async fn a_dry_run_says_what_the_real_one_does(home: Home) {
    let source = imweb(AWKWARD).await;
    let store = home.open().await;
    let both = async || {
        let planned = take(&store, &source, ImportMode::DryRun).await;
        let before = everything(&store).await;
        let done = take(&store, &source, ImportMode::Apply).await;
        assert_eq!(told(planned), told(done.clone()));
        (before, done)
    };
    let (before, _) = both().await;
    assert_eq!(before, Vec::<String>::new());
    // People and rooms that were deleted here since, and more rows there.
    let ann = store.find_user_by_name("Ann").await.unwrap().unwrap();
    store.delete_user(ann.key, at(1)).await.unwrap();
    let bob = store.find_user_by_name("bob").await.unwrap().unwrap();
    store.delete_user(bob.key, at(1)).await.unwrap();
    let rows = "INSERT INTO imweb_login VALUES \
                ('bob', '200', 'of bob', '', '', '', 'Bob', '2024-05-02 10:00:00'), \
                ('new', '200', 'of new', '', '', '', 'New', '2024-05-02 10:00:00');\n\
                INSERT INTO imweb_join VALUES \
                ('bob', 'of new', '', 'Bob', '2024-05-02 10:00:00'), ('zed', 'of new', '', 'Zed', '2024-05-02 10:00:00'), \
                ('zed', 'of bob', '', 'Zed', '2024-05-02 10:00:00'), ('yan', '周会 🎉', '', 'Yan', '2024-05-02 10:00:00');\n";
    source.run(rows).await;
    let (_, done) = both().await;
    assert_eq!(done.taken, counts(1, 2, 1));
    let deleted = done.skipped.iter();
    let deleted = deleted.filter(|at| at.reason == Skip::DeletedHere);
    assert_eq!(deleted.count(), 4);
    let (_, done) = both().await;
    assert_eq!(done.taken, counts(0, 0, 0));
}

async fn who_may_be_somebody_else_is_told_and_gets_nothing_of_theirs(home: Home) {
    let rows = "ALTER TABLE imweb_join CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\n\
                INSERT INTO imweb_join VALUES \
                ('Ann', '520', '', 'Ann', '2024-05-01 10:00:00'), ('ann', '520', '', 'Another', '2024-05-01 10:00:01'), \
                (' Ann', '520', '', 'A third', '2024-05-01 10:00:02'), ('cafe', '520', '', 'Cafe', '2024-05-01 10:00:03'), \
                ('café', '520', '', 'Café', '2024-05-01 10:00:04');\n\
                ALTER TABLE imweb_status CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\n\
                INSERT INTO imweb_status (status_onlyId, status_userId, status_type) VALUES \
                (101, 'ann', '主持人'), (102, 'café', '主持人');\n";
    let source = imweb(rows).await;
    let store = home.open().await;
    user(&store, "CAFÉ").await;
    let done = take(&store, &source, ImportMode::Apply).await;
    let other = done.skipped.iter();
    let other = other.filter(|at| at.reason == Skip::SpelledOtherwise);
    let other: Vec<_> = other.map(|at| (at.table, at.row.as_str())).collect();
    let expected = [
        ("imweb_status", "101"),
        ("imweb_join", "ann"),
        ("imweb_join", "Ann"),
    ];
    assert_eq!(other, expected);
    assert_eq!(done.taken, counts(1, 7, 7));
    let owner = store.find_user_by_name("3CK98Y").await.unwrap().unwrap();
    let room = only_room(&store, &owner).await;
    let members = store.members(room.key).await.unwrap();
    let hosts = members.iter().filter(|member| member.role == Role::Host);
    let mut hosts: Vec<_> = hosts.map(|member| member.display_name.as_str()).collect();
    hosts.sort_unstable();
    assert_eq!(hosts, ["Café", "张三1"]);
    let person = |id: &str| {
        let person = done.people.iter().find(|person| person.person == id);
        person.unwrap().username.as_ref().unwrap().to_string()
    };
    assert_eq!(
        (person("cafe"), person("café")),
        ("cafe".to_owned(), "café-imweb".to_owned())
    );
}

async fn an_interrupted_import_is_taken_up_where_it_stopped(home: Home) {
    let source = imweb("").await;
    let store = home.open().await;
    let move_away = |from: &str, to: &str| format!("ALTER TABLE {from} RENAME TO {to};\n");
    home.run(&move_away("room_user", "elsewhere")).await;
    let from = ImwebSource {
        url: &source.url,
        utc_offset_minutes: 480,
    };
    let failed = store.import_imweb(from, ImportMode::Apply, at(0)).await;
    assert!(matches!(failed, Err(ImportError::Store(_))), "{failed:?}");
    home.run(&move_away("elsewhere", "room_user")).await;
    let rest = store.import_imweb(from, ImportMode::Apply, at(0)).await;
    let rest = rest.unwrap();
    assert_eq!(
        (rest.taken, rest.already),
        (counts(0, 3, 4), counts(1, 1, 0)),
        "the room and its owner were written, and are not written again"
    );
    let again = take(&store, &source, ImportMode::Apply).await;
    assert_eq!(again.already, counts(1, 4, 4));
}

async fn what_was_deleted_here_stays_deleted(home: Home) {
    let source = imweb("").await;
    let store = home.open().await;
    take(&store, &source, ImportMode::Apply).await;
    let gone = store.find_user_by_name("3CK4HM").await.unwrap().unwrap();
    store.delete_user(gone.key, at(1)).await.unwrap();
    let again = take(&store, &source, ImportMode::Apply).await;
    assert_eq!(
        (again.taken, again.already),
        (counts(0, 0, 0), counts(1, 4, 4))
    );
    assert_eq!(store.find_user_by_name("3CK4HM").await.unwrap(), None);
    source
        .run(
            "INSERT INTO imweb_join VALUES ('new', '520', '', 'New', '2024-05-01 10:00:00');\n\
             INSERT INTO imweb_login VALUES ('3ck4hm', '200', '521', '', '', '', 'Gone', '2024-05-01 10:00:00');\n",
        )
        .await;
    let owner = store.find_user_by_name("3CK98Y").await.unwrap().unwrap();
    let room = only_room(&store, &owner).await;
    store.delete_room(room.key, at(2)).await.unwrap();
    let again = take(&store, &source, ImportMode::Apply).await;
    assert_eq!(again.taken, counts(0, 0, 0));
    let deleted = again.skipped.iter();
    let deleted = deleted.filter(|at| at.reason == Skip::DeletedHere);
    let deleted: Vec<_> = deleted.map(|at| (at.table, at.row.as_str())).collect();
    assert_eq!(deleted, [("imweb_login", "3ck4hm"), ("imweb_join", "new")]);
}

#[tokio::test]
async fn both_older_systems_move_into_one_database() {
    let rows = "INSERT INTO imweb_login VALUES \
                ('root', '200', '530', '', '', '', 'Root 🎉', '2024-05-01 10:00:00');\n";
    let wider = "ALTER TABLE imweb_login CONVERT TO CHARACTER SET utf8mb4;\n";
    let source = imweb(&format!("{wider}{rows}")).await;
    let home = Home::older("utf8mb4_general_ci", "").await;
    let store = home.open().await;
    let root = store.find_user_by_name("root").await.unwrap().unwrap();
    let done = take(&store, &source, ImportMode::Apply).await;
    assert_eq!(done.taken, counts(2, 6, 5));
    let other = store
        .find_user_by_name("root-imweb")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(other.display_name.as_str(), "Root 🎉");
    assert_eq!(
        only_room(&store, &other).await.settings.name.as_str(),
        "530"
    );
    assert_eq!(store.find_user_by_name("root").await.unwrap(), Some(root));
    let again = take(&store, &source, ImportMode::Apply).await;
    assert_eq!((again.taken, again.already), (counts(0, 0, 0), done.taken));
}

#[tokio::test]
async fn names_that_the_database_holds_for_the_same_are_told_apart() {
    let source =
        imweb("INSERT INTO imweb_join VALUES ('ROÖT', '520', '', 'Röt', '2024-05-01 10:00:00');\n")
            .await;
    let home = Home::older("utf8mb4_general_ci", "").await;
    let store = home.open().await;
    let done = take(&store, &source, ImportMode::Apply).await;
    let person = done.people.iter().find(|person| person.person == "ROÖT");
    assert_eq!(
        person.unwrap().username.as_ref().unwrap().as_str(),
        "ROÖT-imweb"
    );
    let root = store.find_user_by_name("root").await.unwrap().unwrap();
    assert_eq!(root.display_name.as_str(), "root");
}

#[tokio::test]
async fn a_database_that_is_no_imweb_is_named_and_changes_nothing() {
    let home = Home::sqlite();
    let store = home.open().await;
    let refusal = async |url: &str| {
        let source = ImwebSource {
            url,
            utc_offset_minutes: 0,
        };
        let refused = store.import_imweb(source, ImportMode::Apply, at(0)).await;
        refused.unwrap_err().to_string()
    };
    let source = imweb("DROP TABLE imweb_join;\n").await;
    let missing = "the database to import from has no";
    assert_eq!(
        refusal(&source.url).await,
        format!("{missing} table imweb_join")
    );
    let source = imweb("ALTER TABLE imweb_status DROP COLUMN status_type;\n").await;
    let column = format!("{missing} column imweb_status.status_type");
    assert_eq!(refusal(&source.url).await, column);
    assert_eq!(
        refusal("mysql://root:hunter2@127.0.0.1:1/imweb").await,
        "the database to import from cannot be read"
    );
    assert_eq!(everything(&store).await, Vec::<String>::new());
}

on_each_database!(
    the_documented_rows_become_a_room_its_people_and_their_roles,
    nobody_who_was_imported_logs_in_before_they_get_a_password,
    awkward_rows_are_taken_whole_or_named,
    a_dry_run_says_what_the_real_one_does,
    who_may_be_somebody_else_is_told_and_gets_nothing_of_theirs,
    an_interrupted_import_is_taken_up_where_it_stopped,
    what_was_deleted_here_stays_deleted,
);
