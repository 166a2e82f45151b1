//! Starting the whole server, database, secret and media included: what fails is one sentence, and nothing is half-made.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::launch::{meeting, refusal};
use super::tls::client::certificate_files;

fn serve_in(directory: &Path, more: &[&str]) -> Command {
    let mut command = meeting([
        "serve",
        "--log",
        "off",
        "--listen",
        "127.0.0.1:0",
        "--media-ip",
        "127.0.0.1",
    ]);
    command.arg("--data-dir").arg(directory).args(more);
    command
}

/// A server that listens; killed when the test is over.
pub struct Running {
    pub server: Child,
    pub address: String,
}

impl Running {
    pub fn start(directory: &Path, more: &[&str]) -> Self {
        Self::of(serve_in(directory, more))
    }

    pub fn of(mut serve: Command) -> Self {
        let mut server = serve.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .strip_prefix("listening on ")
            .and_then(|url| url.split_once("://"))
            .unwrap()
            .1
            .to_owned();
        Self { server, address }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn a_media_port_in_use_ends_with_code_1_and_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let holder = UdpSocket::bind("0.0.0.0:0").unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let more = ["--media-port", &port, "--media-threads", "1"];
    let (code, sentence) = refusal(serve_in(directory.path(), &more).output().unwrap());
    assert_eq!(code, Some(1));
    assert!(sentence.contains(&port), "{sentence}");
}

#[test]
fn a_second_server_at_the_port_of_several_media_threads_ends_with_code_1() {
    let folders = [0, 1].map(|_| tempfile::tempdir().unwrap());
    let probe = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = probe.local_addr().unwrap().port().to_string();
    drop(probe);
    let more = ["--media-port", &port, "--media-threads", "2"];
    let first = Running::start(folders[0].path(), &more);
    // It has another folder and another port for its page, so that nothing but media is in its way.
    let (code, sentence) = refusal(serve_in(folders[1].path(), &more).output().unwrap());
    assert_eq!(code, Some(1));
    assert!(sentence.contains(&port), "{sentence}");
    drop(first);
    let again = Running::start(folders[1].path(), &more);
    assert!(again.get("/healthz").starts_with("HTTP/1.1 200"));
}

/// Writes a file that its owner alone can read.
fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}

#[test]
fn a_secret_that_could_be_guessed_ends_with_code_1() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    for guessable in ["meeting", "changeme", "short", ""] {
        write_private(&secret, guessable);
        let (code, sentence) = refusal(serve_in(directory.path(), &[]).output().unwrap());
        assert_eq!(code, Some(1), "{sentence}");
        assert!(sentence.contains("secret"), "{sentence}");
        assert_eq!(
            std::fs::read_to_string(&secret).unwrap(),
            guessable,
            "it is left as it was"
        );
    }
}

#[test]
fn a_database_that_cannot_be_opened_ends_with_code_1() {
    let directory = tempfile::tempdir().unwrap();
    // A directory is no database file.
    let url = format!("sqlite:{}", directory.path().display());
    let (code, sentence) = refusal(
        serve_in(directory.path(), &["--database-url", &url])
            .output()
            .unwrap(),
    );
    assert_eq!(code, Some(1));
    assert!(sentence.contains("database"), "{sentence}");
}

#[cfg(unix)]
#[test]
fn the_first_run_makes_a_secret_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let secret = data.join("secret");
    drop(Running::start(&data, &[]));
    let made = std::fs::read(&secret).unwrap();
    assert_eq!(secret.metadata().unwrap().permissions().mode() & 0o077, 0);
    drop(Running::start(&data, &[]));
    assert_eq!(
        std::fs::read(&secret).unwrap(),
        made,
        "the second run uses the same"
    );
}

#[test]
fn a_running_server_is_healthy() {
    let directory = tempfile::tempdir().unwrap();
    let server = Running::start(directory.path(), &[]);
    let health = server.get("/healthz");
    assert!(
        health.contains(r#""status":"ok""#) && health.contains(r#""database":"ok""#),
        "{health}"
    );
}

#[test]
fn a_second_server_on_the_same_data_is_refused_and_a_command_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = Running::start(directory.path(), &[]);
    let (code, sentence) = refusal(serve_in(directory.path(), &[]).output().unwrap());
    assert_eq!(code, Some(1));
    assert!(
        sentence.contains("another server is running on"),
        "{sentence}"
    );
    assert!(
        sentence.contains(directory.path().to_str().unwrap()),
        "{sentence}"
    );
    // Another folder with the same database.
    let other = tempfile::tempdir().unwrap();
    let url = format!(
        "sqlite:{}",
        directory.path().join("meeting.sqlite").display()
    );
    let (code, sentence) = refusal(
        serve_in(other.path(), &["--database-url", &url])
            .output()
            .unwrap(),
    );
    assert_eq!(code, Some(1));
    assert!(sentence.contains("meeting.sqlite"), "{sentence}");
    let mut list = meeting(["user", "list", "--data-dir"]);
    assert!(
        list.arg(directory.path())
            .output()
            .unwrap()
            .status
            .success()
    );
    assert!(
        first.get("/healthz").contains(r#""status":"ok""#),
        "the first goes on"
    );
    // Killed, it leaves nothing that would keep out the next.
    first.server.kill().unwrap();
    first.server.wait().unwrap();
    drop(Running::start(directory.path(), &[]));
}

#[test]
fn a_secret_that_others_can_read_ends_with_code_1_and_says_what_to_do() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    drop(Running::start(directory.path(), &[]));
    let secret = directory.path().join("secret");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, sentence) = refusal(serve_in(directory.path(), &[]).output().unwrap());
    assert_eq!(code, Some(1));
    assert!(
        sentence.contains(&format!("chmod 600 {}", secret.display())),
        "{sentence}"
    );
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    drop(Running::start(directory.path(), &[]));
}

#[test]
fn a_low_limit_of_open_files_is_raised_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let serve = serve_in(directory.path(), &[]);
    let mut lowered = Command::new("sh");
    lowered
        .args(["-c", r#"ulimit -Sn 256; exec "$@""#, "sh"])
        .arg(serve.get_program())
        .args(serve.get_args());
    let running = Running::of(lowered);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", running.server.id())).unwrap();
    let files = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .unwrap();
    let files: Vec<&str> = files.split_whitespace().collect();
    assert_ne!(files[0], "256", "{limits}");
    assert_eq!(files[0], files[1], "{limits}");
}

#[test]
fn every_file_with_a_secret_is_refused_while_others_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let allow = |path: &str, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let files = certificate_files("meet.example.org");
    let (certificate, key) = files.paths();
    let relays = directory.path().join("turn-secret");
    std::fs::write(&relays, "north\n").unwrap();
    let relays = relays.to_str().unwrap();
    // A start with a certificate of its own leaves that one behind.
    drop(Running::start(directory.path(), &["--tls-self-signed"]));
    let own = directory.path().join("tls/self-signed.pem");
    let turn = ["--ice-server", "turn:turn.example.org"];
    for (file, settings) in [
        (&*key, &["--tls-cert", &certificate, "--tls-key", &key][..]),
        (
            relays,
            &[turn[0], turn[1], "--ice-server-secret-file", relays],
        ),
        (own.to_str().unwrap(), &["--tls-self-signed"]),
    ] {
        allow(file, 0o604);
        let (code, sentence) = refusal(serve_in(directory.path(), settings).output().unwrap());
        assert_eq!(code, Some(1), "{sentence}");
        let remedy = format!("run `chmod 600 {file}`");
        assert!(sentence.contains(&remedy), "{sentence}");
        // As a service manager hands it over.
        allow(file, 0o440);
        drop(Running::start(directory.path(), settings));
    }
}

#[test]
fn two_servers_on_loopback_do_not_get_in_each_others_way() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = Running::start(one.path(), &[]);
    let second = Running::start(two.path(), &[]);
    assert_ne!(first.address, second.address);
}

/// How a service manager starts `serve`: the socket is descriptor 3 of the process.
fn activated(serve: &Command, listener: &TcpListener, notify: &Path) -> Command {
    let socket = OwnedFd::from(listener.try_clone().unwrap());
    let hand_over = r#"export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@" 3<&0 </dev/null"#;
    let mut command = Command::new("sh");
    command
        .args(["-c", hand_over, "sh"])
        .arg(serve.get_program())
        .args(serve.get_args())
        .env("NOTIFY_SOCKET", notify)
        .stdin(socket)
        .stdout(Stdio::piped());
    command
}

#[test]
fn a_service_manager_hands_the_socket_over_and_is_told_when_the_server_is_ready() {
    let directory = tempfile::tempdir().unwrap();
    let notify = directory.path().join("notify");
    let told = UnixDatagram::bind(&notify).unwrap();
    told.set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let tell = || {
        let mut message = [0; 64];
        let length = told.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length])
            .trim()
            .to_owned()
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // Somebody asks before there is a server, and is not refused.
    let mut early = TcpStream::connect(&address).unwrap();
    write!(
        early,
        "GET /ping HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let data = directory.path().join("data");
    let serve = serve_in(&data, &["--media-threads", "1"]);
    let server = activated(&serve, &listener, &notify).spawn().unwrap();
    let mut running = Running {
        server,
        address: address.clone(),
    };
    assert_eq!(tell(), "READY=1");
    let mut line = String::new();
    BufReader::new(running.server.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line.trim(), format!("listening on http://{address}"));
    let mut answer = String::new();
    early.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("pong"), "{answer}");
    let id = running.server.id().to_string();
    assert!(Command::new("kill").arg(&id).status().unwrap().success());
    assert_eq!(tell(), "STOPPING=1");
    assert_eq!(running.server.wait().unwrap().code(), Some(0));
}
