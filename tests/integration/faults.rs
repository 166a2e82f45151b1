//! A database that fails at the beginning of a transaction, at a statement, or at the commit: whatever writes is refused,
//! nobody hears of it, nothing is half done, and the same request works afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, Database};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::databases::{Client, Server, database_on};

/// Where it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Nowhere,
    Begin,
    Statement,
    Commit,
}

impl At {
    const FAULTS: [Self; 3] = [Self::Begin, Self::Statement, Self::Commit];
}

/// Stands between the server and its database, and cuts the connection where it is told to: what comes there reaches
/// nobody.
#[derive(Clone)]
struct Cutter(Arc<AtomicU8>);

impl Cutter {
    /// Cuts connections to the server of `url`; gives the URL by which it is reached.
    async fn before(url: &str) -> (Self, String) {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (authority, name) = rest.split_once('/').unwrap();
        let (user, address) = authority.split_once('@').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cutter = Self(Arc::new(AtomicU8::new(At::Nowhere as u8)));
        let (at, address) = (cutter.clone(), address.to_owned());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let database = TcpStream::connect(&address).await.unwrap();
                tokio::spawn(at.clone().carry(client, database));
            }
        });
        (cutter, format!("{scheme}://{user}@127.0.0.1:{port}/{name}"))
    }

    fn cut(&self, at: At) {
        self.0.store(at as u8, Ordering::SeqCst);
    }

    fn is_at(&self, at: At) -> bool {
        self.0.load(Ordering::SeqCst) == at as u8
    }

    async fn carry(self, client: TcpStream, database: TcpStream) {
        let (mut asked, mut answer) = client.into_split();
        let (mut answered, mut ask) = database.into_split();
        let questions = async {
            let mut buffer = vec![0; 65_536];
            let mut has_begun = false;
            loop {
                let Ok(count @ 1..) = asked.read(&mut buffer).await else {
                    return;
                };
                let chunk = &buffer[..count];
                let says = |word: &[u8]| chunk.windows(word.len()).any(|part| part == word);
                let is_cut = says(b"BEGIN") && self.is_at(At::Begin)
                    || has_begun && self.is_at(At::Statement)
                    || says(b"COMMIT") && self.is_at(At::Commit);
                has_begun = says(b"BEGIN") || has_begun && !says(b"COMMIT") && !says(b"ROLLBACK");
                if is_cut || ask.write_all(chunk).await.is_err() {
                    return;
                }
            }
        };
        let answers = tokio::io::copy(&mut answered, &mut answer);
        tokio::select! {
            () = questions => {}
            _ = answers => {}
        }
    }
}

/// A database that fails when it is told to.
enum Faulty {
    /// By triggers: one that refuses, one whose constraint is looked at when the transaction ends.
    Sqlite(String),
    Server(Cutter),
}

const TABLES: [&str; 8] = [
    "user_basic",
    "room_basic",
    "room_invite",
    "room_invite_use",
    "room_ban",
    "chat_message",
    "revoked_token",
    "room_state",
];

impl Faulty {
    /// Has it fail there; none where this database does not.
    async fn fail(&self, at: At) -> Option<()> {
        let url = match self {
            Self::Server(cutter) => {
                cutter.cut(at);
                return Some(());
            }
            Self::Sqlite(_) if at == At::Begin => return None,
            Self::Sqlite(url) => url,
        };
        let db = Database::connect(url).await.unwrap();
        let run = async |sql: &str| db.execute_unprepared(sql).await.unwrap();
        run("CREATE TABLE IF NOT EXISTS no_row (id INTEGER PRIMARY KEY)").await;
        run("CREATE TABLE IF NOT EXISTS fault (id INTEGER REFERENCES no_row (id) DEFERRABLE INITIALLY DEFERRED)").await;
        for table in TABLES {
            for change in ["INSERT", "UPDATE", "DELETE"] {
                run(&format!("DROP TRIGGER IF EXISTS fault_{change}_{table}")).await;
                let what = match at {
                    At::Nowhere | At::Begin => continue,
                    At::Statement => "SELECT RAISE(ABORT, 'fault')",
                    At::Commit => "INSERT INTO fault VALUES (1)",
                };
                run(&format!(
                    "CREATE TRIGGER fault_{change}_{table} AFTER {change} ON {table} BEGIN {what}; END"
                ))
                .await;
            }
        }
        db.close().await.unwrap();
        Some(())
    }
}

/// Asks while the database fails at each place in turn, which must be refused without anybody hearing of it; and then
/// again, which must work.
async fn surely(
    database: &Faulty,
    who: &mut Client,
    witness: &mut Client,
    kind: &str,
    data: Value,
) -> Value {
    witness.heard().await;
    for at in At::FAULTS {
        if database.fail(at).await.is_none() {
            continue;
        }
        let reply = who.ask(kind, data.clone()).await;
        database.fail(At::Nowhere).await;
        assert_eq!(reply["type"], "error", "{kind} at {at:?}: {reply}");
        let code = reply["error"]["code"].as_str().unwrap();
        assert!(
            matches!(code, "server.busy" | "server.internal"),
            "{kind} at {at:?}: {reply}"
        );
        let heard = witness.heard().await;
        assert!(heard.is_empty(), "{kind} at {at:?} was heard of: {heard:?}");
    }
    // What governs a meeting is refused until the server has seen that the database is back.
    for _ in 0..50 {
        let reply = who.ask(kind, data.clone()).await;
        if reply["type"] == "ok" {
            return reply["data"].clone();
        }
        assert_eq!(reply["error"]["code"], "server.busy", "{kind}: {reply}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{kind} is refused for ever");
}

async fn whatever_fails_is_refused(database: Faulty, url: &str) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), url);
    let mut bo = server.connect().await;
    bo.ok("auth.guest", json!({ "display_name": "Bo" })).await;
    let mut ada = server.connect().await;
    let account = json!({ "username": "ada", "password": "correct horse" });
    let mut ask = async |who: &mut Client, kind: &str, data| {
        surely(&database, who, &mut bo, kind, data).await
    };
    // Bo is in no room yet: that nobody hears of an account is no news.
    ask(&mut ada, "auth.register", account).await;
    let made = ask(&mut ada, "room.create", json!({ "name": "Hall" })).await;
    let room = made["room"]["identity"].clone();
    let of_room = json!({ "identity": room });
    ada.ok("room.join", of_room.clone()).await;
    let mut bo_joins = server.connect().await;
    bo_joins
        .ok("auth.guest", json!({ "display_name": "Bo" }))
        .await;
    let joined = bo_joins.ok("room.join", of_room.clone()).await;
    let mut witness = server.connect().await;
    witness
        .ok("auth.guest", json!({ "display_name": "Cy" }))
        .await;
    witness.ok("room.join", of_room.clone()).await;
    let mut ask = async |who: &mut Client, kind: &str, data| {
        surely(&database, who, &mut witness, kind, data).await
    };
    let renamed = json!({ "identity": room, "name": "Saal" });
    let edited = ask(&mut ada, "room.edit", renamed).await;
    assert_eq!(edited["room"]["version"], 2);
    let change = json!({
        "display_name": "Ada L.", "current_password": "correct horse", "new_password": "battery staple",
    });
    ask(&mut ada, "account.update", change).await;
    let muted = json!({ "participant": "all", "source": "microphone", "allow_unmute": false });
    ask(&mut ada, "participant.mute", muted).await;
    let said = json!({ "text": "hello", "client_id": "c-1" });
    let said = ask(&mut bo_joins, "chat.send", said).await;
    ask(&mut ada, "chat.send", json!({ "text": "no name" })).await;
    ask(
        &mut ada,
        "chat.delete",
        json!({ "message": said["message"]["id"] }),
    )
    .await;
    let invite = ask(&mut ada, "invite.create", of_room.clone()).await;
    let mut guest = server.connect().await;
    guest
        .ok("auth.guest", json!({ "display_name": "Di" }))
        .await;
    let follows = json!({ "identity": room, "invite": invite["token"] });
    ask(&mut guest, "room.join", follows).await;
    let revoked = json!({ "identity": room, "invite": invite["invite"]["id"] });
    ask(&mut ada, "invite.revoke", revoked).await;
    let bo_id = &joined["self"]["id"];
    for (kind, data) in [
        (
            "participant.rename",
            json!({ "participant": bo_id, "display_name": "Bo B." }),
        ),
        (
            "participant.set_role",
            json!({ "participant": bo_id, "role": "cohost" }),
        ),
        (
            "participant.set_role",
            json!({ "participant": bo_id, "role": "member" }),
        ),
        ("spotlight.set", json!({ "participants": [bo_id] })),
        ("timer.set", json!({ "duration_ms": 600_000 })),
        ("participant.ask_unmute", json!({ "participant": bo_id })),
    ] {
        ask(&mut ada, kind, data).await;
    }
    ada.ok("room.edit", json!({ "identity": room, "lobby": true }))
        .await;
    for (name, kind) in [("Ed", "lobby.admit"), ("Flo", "lobby.deny")] {
        let mut knocks = server.connect().await;
        knocks
            .ok("auth.guest", json!({ "display_name": name }))
            .await;
        let reply = knocks.ask("room.join", of_room.clone()).await;
        assert_eq!(reply["error"]["code"], "room.waiting", "{reply}");
        let waits = ada.until(|frame| frame["type"] == "lobby.waiting").await;
        let who = json!({ "participants": [waits["data"]["participant"]["id"]] });
        ask(&mut ada, kind, who).await;
        if kind == "lobby.admit" {
            knocks.ok("room.leave", json!({})).await;
        }
    }
    ada.ok("room.edit", json!({ "identity": room, "lobby": false }))
        .await;
    let banned = json!({ "participant": bo_id, "ban": "forever" });
    ask(&mut ada, "participant.remove", banned).await;
    let lifted = json!({ "identity": room, "user": joined["self"]["user"]["id"] });
    ask(&mut ada, "room.unban", lifted).await;
    ask(&mut guest, "auth.logout", json!({})).await;
    let chat = ada.ok("chat.history", json!({})).await;
    assert_eq!(chat["messages"].as_array().unwrap().len(), 1, "{chat}");
    let listed = ada.ok("room.list", json!({})).await;
    assert_eq!(listed["total"], 1, "{listed}");
    // A client that is told that the meeting is over is out of it.
    ask(&mut ada, "room.end", json!({})).await;
    let mut ada = server.connect().await;
    let account = json!({ "username": "ada", "password": "battery staple" });
    ada.ok("auth.login", account).await;
    let mut witness = server.connect().await;
    witness
        .ok("auth.guest", json!({ "display_name": "Ed" }))
        .await;
    surely(&database, &mut ada, &mut witness, "room.delete", of_room).await;
    let health = server.health();
    assert!(health.contains(r#""database""#), "{health}");
}

// A test waits for the server to start by a blocking read, while the way to its database must go on working.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_that_fails_is_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!(
        "sqlite://{}",
        folder.path().join("meeting.sqlite").display()
    );
    whatever_fails_is_refused(Faulty::Sqlite(url.clone()), &url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_that_fails_is_no_success() {
    let url = database_on("MEETING_TEST_MYSQL", "").await;
    let (cutter, url) = Cutter::before(&url).await;
    whatever_fails_is_refused(Faulty::Server(cutter), &url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_that_fails_is_no_success() {
    let url = database_on("MEETING_TEST_POSTGRES", "postgres").await;
    let (cutter, url) = Cutter::before(&url).await;
    whatever_fails_is_refused(Faulty::Server(cutter), &url).await;
}
