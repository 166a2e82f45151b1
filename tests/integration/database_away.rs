//! A meeting whose database goes away and comes back.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use sea_orm::{ConnectionTrait as _, Database};
use serde_json::json;
use tempfile::TempDir;

use super::databases::{Process, Server, column, eventually};

/// A database server that can be stopped and started again.
struct DatabaseServer {
    kind: Kind,
    folder: TempDir,
    port: u16,
    process: Option<Process>,
}

enum Kind {
    MariaDb,
    /// Its programs' folder.
    Postgres(PathBuf),
}

/// A free port below those that systems give away by themselves: it is still free when the server comes back.
fn lasting_port() -> u16 {
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut ports = std::iter::repeat_with(|| rand::random_range(20_000..30_000));
    ports.find(free).unwrap()
}

/// The user who runs the test.
fn account() -> String {
    let id = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim().to_owned()
}

/// A program of PostgreSQL, which refuses to run as root.
fn as_postgres(program: PathBuf) -> Command {
    if account() != "root" {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args([
            "--reuid",
            "postgres",
            "--regid",
            "postgres",
            "--init-groups",
        ])
        .arg(program);
    command
}

fn run(command: &mut Command) {
    let made = command.output().unwrap();
    assert!(made.status.success(), "{made:?}");
}

impl DatabaseServer {
    fn new(kind: Kind) -> Self {
        let server = Self {
            kind,
            folder: tempfile::tempdir().unwrap(),
            port: lasting_port(),
            process: None,
        };
        match &server.kind {
            Kind::MariaDb => run(Command::new("mariadb-install-db")
                .args(["--no-defaults", "--auth-root-authentication-method=normal"])
                .args(["--skip-test-db", "--skip-name-resolve"])
                .arg(format!("--user={}", account()))
                .arg(format!("--datadir={}", server.below("data")))),
            Kind::Postgres(programs) => {
                if account() == "root" {
                    run(Command::new("chown")
                        .arg("postgres")
                        .arg(server.folder.path()));
                }
                run(as_postgres(programs.join("initdb"))
                    .args(["--username=postgres", "--auth=trust", "--encoding=UTF8"])
                    .args(["--locale=C.UTF-8", "--no-sync"])
                    .arg(format!("--pgdata={}", server.below("data"))));
            }
        }
        server
    }

    fn mariadb() -> Self {
        Self::new(Kind::MariaDb)
    }

    /// The newest that is installed.
    fn postgres() -> Self {
        let versions = std::fs::read_dir("/usr/lib/postgresql").unwrap();
        let newest = versions
            .map(|version| version.unwrap().path().join("bin"))
            .max();
        Self::new(Kind::Postgres(newest.unwrap()))
    }

    fn below(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn url(&self, name: &str) -> String {
        let user = match self.kind {
            Kind::MariaDb => "mysql://root",
            Kind::Postgres(_) => "postgres://postgres",
        };
        format!("{user}@127.0.0.1:{}/{name}", self.port)
    }

    fn admin_url(&self) -> String {
        match self.kind {
            Kind::MariaDb => self.url(""),
            Kind::Postgres(_) => self.url("postgres"),
        }
    }

    fn signal(&self, signal: &str) {
        let id = self.process.as_ref().unwrap().0.id().to_string();
        run(Command::new("kill").args([signal, &id]));
    }

    /// Every thread of it: one that still runs may answer yet.
    async fn freeze(&self) {
        self.signal("-STOP");
        let id = self.process.as_ref().unwrap().0.id();
        let threads = format!("/proc/{id}/task");
        eventually("every thread of the database is stopped", async || {
            std::fs::read_dir(&threads).unwrap().all(|thread| {
                let status = thread.unwrap().path().join("stat");
                let status = std::fs::read_to_string(status).unwrap_or_default();
                // proc_pid_stat(5): the state stands behind the name, which is in brackets.
                status
                    .rsplit_once(") ")
                    .is_none_or(|(_, state)| state.starts_with('T'))
            })
        })
        .await;
    }

    /// At once, without saying goodbye to anybody.
    fn stop(&mut self) {
        match self.kind {
            Kind::MariaDb => self.signal("-KILL"),
            // Killed, it would leave its children behind.
            Kind::Postgres(_) => self.signal("-QUIT"),
        }
        self.process.take().unwrap().0.wait().unwrap();
    }

    async fn start(&mut self) {
        let mut command = match &self.kind {
            Kind::MariaDb => {
                let mut command = Command::new("mariadbd");
                command
                    .args(["--no-defaults", "--bind-address=127.0.0.1"])
                    .arg(format!("--user={}", account()))
                    .arg(format!("--datadir={}", self.below("data")))
                    .arg(format!("--socket={}", self.below("socket")))
                    .arg(format!("--pid-file={}", self.below("pid")))
                    .arg(format!("--port={}", self.port));
                command
            }
            Kind::Postgres(programs) => {
                let mut command = as_postgres(programs.join("postgres"));
                command
                    .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
                    .args(["-D", &self.below("data")])
                    .args(["-k", &self.below("")]);
                command
            }
        };
        let server = command.stderr(Stdio::null()).stdout(Stdio::null()).spawn();
        self.process = Some(Process(server.unwrap()));
        let url = self.admin_url();
        eventually("the database server answers", async || {
            Database::connect(&url).await.is_ok()
        })
        .await;
    }
}

impl Drop for DatabaseServer {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.stop();
        }
    }
}

#[tokio::test]
async fn a_meeting_goes_on_while_mariadb_is_away() {
    a_meeting_goes_on_without_its_database(DatabaseServer::mariadb()).await;
}

#[tokio::test]
async fn a_meeting_goes_on_while_postgres_is_away() {
    a_meeting_goes_on_without_its_database(DatabaseServer::postgres()).await;
}

async fn a_meeting_goes_on_without_its_database(mut database: DatabaseServer) {
    database.start().await;
    let admin = Database::connect(database.admin_url()).await.unwrap();
    let create = "CREATE DATABASE meeting";
    admin.execute_unprepared(create).await.unwrap();
    drop(admin);
    let url = database.url("meeting");
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &url);
    let [mut ada, mut bo] = [server.connect().await, server.connect().await];
    let account = json!({ "username": "ada", "password": "correct horse" });
    ada.ok("auth.register", account).await;
    let room = ada.ok("room.create", json!({ "name": "Hall" })).await;
    let hall = json!({ "identity": room["room"]["identity"] });
    ada.ok("room.join", hall.clone()).await;
    bo.ok("auth.guest", json!({ "display_name": "Bo" })).await;
    bo.ok("room.join", hall.clone()).await;
    ada.until(|frame| frame["type"] == "participant.joined")
        .await;

    if matches!(database.kind, Kind::MariaDb) {
        // One that hangs keeps its connections open and says nothing. PostgreSQL has a process for each.
        database.freeze().await;
        ada.is_told_to_come_again().await;
        database.signal("-CONT");
        eventually("the list is there again", async || {
            ada.ask("room.list", json!({})).await["type"] == "ok"
        })
        .await;
    }

    database.stop();
    ada.is_told_to_come_again().await;
    let health = server.health();
    assert!(health.starts_with("HTTP/1.1 503"), "{health}");
    assert!(health.contains(r#""status":"degraded""#), "{health}");
    assert!(health.contains(r#""database":"unavailable""#), "{health}");
    assert!(health.contains("The database does not answer."), "{health}");
    bo.ok("participant.update", json!({ "hand": true })).await;
    ada.until(|frame| frame["type"] == "participant.updated")
        .await;
    bo.ok("room.leave", json!({})).await;
    ada.until(|frame| frame["type"] == "participant.left").await;
    let refused = ada.ask("room.create", json!({ "name": "Not yet" })).await;
    assert_eq!(refused["error"]["code"], "server.busy", "{refused}");
    assert!(refused["error"]["retry_after_ms"].as_u64().unwrap() > 0);

    database.start().await;
    eventually("the server is healthy", async || {
        server.health().contains(r#""status":"ok""#)
    })
    .await;
    let page = ada.ok("room.list", json!({})).await;
    assert_eq!(page["total"], 1);
    eventually("bo's leaving is written", async || {
        let left = "SELECT display_name FROM room_user WHERE left_at IS NOT NULL";
        column(&url, left).await.contains("Bo")
    })
    .await;
    bo.ok("room.join", hall).await;
}
