//! A message whose commit is reported as failed though it is done: its sender hears so, and sends it again. Then
//! everybody hears of it, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::{ConnectionTrait as _, Database};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::databases::{Client, Server, column, database_on};

/// What the message says; no other statement has it in it.
const NEWS: &str = "the news of today";

/// Stands between the server and its database. When the commit of what has [`NEWS`] in it was answered, that is all: nobody
/// hears of it. Everything else passes.
#[derive(Clone)]
struct Line {
    database: String,
    is_over: Arc<AtomicBool>,
}

impl Line {
    /// To the database at `url`, and the URL by which it is reached over the line.
    async fn to(url: &str) -> (Self, String) {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (account, place) = rest.split_once('@').unwrap();
        let (database, name) = place.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let line = Self {
            database: database.to_owned(),
            is_over: Arc::default(),
        };
        let (passing, plain) = match scheme {
            "mysql" => (line.clone(), "ssl-mode=disabled"),
            _ => (line.clone(), "sslmode=disable"),
        };
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(passing.clone().pass(near));
            }
        });
        let here = format!("{scheme}://{account}@127.0.0.1:{port}/{name}?{plain}");
        (line, here)
    }

    async fn pass(self, mut near: TcpStream) {
        let mut far = TcpStream::connect(&self.database).await.unwrap();
        let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
        let mut has_news = false;
        loop {
            tokio::select! {
                read = near.read(&mut up) => {
                    let Ok(bytes @ 1..) = read else { return };
                    let part = &up[..bytes];
                    has_news |= contains(part, NEWS.as_bytes());
                    let is_last = has_news && contains(part, b"COMMIT") && !self.is_over.swap(true, Ordering::Relaxed);
                    if far.write_all(part).await.is_err() {
                        return;
                    }
                    if is_last {
                        // It is done, as the database says.
                        assert!(far.read(&mut down).await.unwrap() > 0);
                        return;
                    }
                }
                read = far.read(&mut down) => {
                    let Ok(bytes @ 1..) = read else { return };
                    if near.write_all(&down[..bytes]).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

struct Meeting {
    ada: Client,
    bo: Client,
    _server: Server,
    _data: tempfile::TempDir,
}

/// Ada and Bo in a room, in which one message was written.
async fn meeting(url: &str) -> Meeting {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), url);
    let [mut ada, mut bo] = [server.connect().await, server.connect().await];
    let account = json!({ "username": "ada", "password": "correct horse" });
    ada.ok("auth.register", account).await;
    let room = ada.ok("room.create", json!({ "name": "Hall" })).await;
    let hall = json!({ "identity": room["room"]["identity"] });
    ada.ok("room.join", hall.clone()).await;
    bo.ok("auth.guest", json!({ "display_name": "Bo" })).await;
    bo.ok("room.join", hall).await;
    let first = json!({ "text": "hello", "client_id": "c-1" });
    ada.ok("chat.send", first).await;
    for one in [&mut ada, &mut bo] {
        one.heard().await;
    }
    Meeting {
        ada,
        bo,
        _server: server,
        _data: data,
    }
}

/// The ids of the messages that somebody was told of.
async fn messages(client: &mut Client) -> Vec<Value> {
    let mut heard = client.heard().await;
    heard.retain(|event| event["type"] == "chat.message");
    heard
        .iter()
        .map(|event| event["data"]["message"]["id"].clone())
        .collect()
}

/// The message is stored, its author has heard that it is not, and nobody has heard of it.
async fn it_is_told_once(url: &str, mut meeting: Meeting) {
    let stored = column(url, "SELECT text FROM chat_message").await;
    assert!(stored.contains(NEWS), "{stored:?}");
    let Meeting { ada, bo, .. } = &mut meeting;
    assert_eq!(messages(bo).await, [Value::Null; 0]);
    let news = json!({ "text": NEWS, "client_id": "c-2" });
    let sent = ada.ok("chat.send", news.clone()).await["message"]["id"].clone();
    for one in [&mut *ada, &mut *bo] {
        assert_eq!(messages(one).await, std::slice::from_ref(&sent));
    }
    let again = ada.ok("chat.send", news).await["message"]["id"].clone();
    assert_eq!(again, sent);
    for one in [ada, bo] {
        assert_eq!(messages(one).await, [Value::Null; 0]);
        let page = one.ok("chat.history", json!({})).await;
        assert_eq!(page["messages"].as_array().unwrap().len(), 2, "{page}");
    }
}

async fn a_commit_is_cut_off(url: &str) {
    let (line, over_it) = Line::to(url).await;
    let mut meeting = meeting(&over_it).await;
    let news = json!({ "text": NEWS, "client_id": "c-2" });
    let refused = meeting.ada.ask("chat.send", news).await;
    assert_eq!(refused["error"]["code"], "server.busy", "{refused}");
    assert!(line.is_over.load(Ordering::Relaxed));
    it_is_told_once(url, meeting).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_commit_was_cut_off_is_told_once_on_mysql() {
    a_commit_is_cut_off(&database_on("MEETING_TEST_MYSQL", "").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_commit_was_cut_off_is_told_once_on_postgres() {
    a_commit_is_cut_off(&database_on("MEETING_TEST_POSTGRES", "postgres").await).await;
}

/// SQLite has no line that could be cut: what the server would have stored is stored beside it.
#[tokio::test]
async fn a_message_that_is_stored_and_was_told_to_nobody_is_told_once_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("meeting.sqlite");
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let meeting = meeting(&url).await;
    let db = Database::connect(&url).await.unwrap();
    let copied =
        "participant, user_identity, user_kind, username, user_display_name, display_name, sent_at";
    let statement = format!(
        "INSERT INTO chat_message (identity, rid, text, client_id, {copied}) \
         SELECT 'm-news', rid, '{NEWS}', 'c-2', {copied} FROM chat_message WHERE client_id = 'c-1'"
    );
    db.execute_unprepared(&statement).await.unwrap();
    db.close().await.unwrap();
    it_is_told_once(&url, meeting).await;
}
