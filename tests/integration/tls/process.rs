//! The real binary with TLS: files that change under a signal, and sockets that systemd hands over.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tokio_rustls::rustls::pki_types::CertificateDer;

use super::super::launch::meeting;
use super::super::support::soon;
use super::client::{Files, Roots, certificate_files, clear, connect, get};

const NAME: &str = "meet.example.org";

/// Ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    fn start(mut command: Command) -> Self {
        let started = command.stdout(Stdio::piped()).spawn();
        Self(started.unwrap_or_else(|error| {
            panic!("{command:?}: {error}; tests/setup.sh installs what is missing")
        }))
    }

    /// Where it says that it listens.
    fn address(&mut self) -> SocketAddr {
        let mut line = String::new();
        let stdout = self.0.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on https://");
        let address = address.unwrap_or_else(|| panic!("{line}"));
        address.parse().unwrap()
    }

    fn tell(&self, signal: &str) {
        let id = self.0.id().to_string();
        let told = Command::new("kill").args([signal, &id]).status();
        assert!(told.unwrap().success());
    }
}

fn serve(data: &Path, files: &Files) -> Command {
    let (certificate, key) = files.paths();
    let mut command = meeting(["serve", "--log", "off", "--media-ip", "127.0.0.1"]);
    command
        .args(["--media-port", "0", "--media-threads", "1"])
        .args(["--tls-cert", &certificate, "--tls-key", &key, "--data-dir"])
        .arg(data);
    command
}

async fn shown(address: SocketAddr, files: &Files) -> CertificateDer<'static> {
    let stream = connect(address, Roots::Of(files.root()), &[b"http/1.1"]).await;
    let shown = stream.get_ref().1.peer_certificates().unwrap();
    shown[0].clone().into_owned()
}

#[tokio::test]
async fn sighup_reads_the_certificate_again_and_ends_nothing() {
    let data = tempfile::tempdir().unwrap();
    let files = certificate_files(NAME);
    let mut command = serve(data.path(), &files);
    command.args(["--listen", "127.0.0.1:0"]);
    let mut process = Process::start(command);
    let address = process.address();
    let before = shown(address, &files).await;
    files.renew_unseen(NAME);
    process.tell("-HUP");
    soon(async {
        while shown(address, &files).await == before {
            tokio::task::yield_now().await;
        }
    })
    .await;
    process.tell("-TERM");
    assert_eq!(process.0.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn systemds_sockets_are_told_by_their_names() {
    let data = tempfile::tempdir().unwrap();
    let files = certificate_files(NAME);
    let serve = {
        let mut command = serve(data.path(), &files);
        command.args(["--domain", NAME]);
        command
    };
    let [http, https] = {
        let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        held.each_ref().map(|port| port.local_addr().unwrap())
    };
    let mut systemd = Command::new("systemd-socket-activate");
    // In the other order than without names.
    systemd
        .args(["--listen", &http.to_string()])
        .args(["--listen", &https.to_string()])
        .args(["--fdname", "http:https"])
        .arg(serve.get_program())
        .args(serve.get_args())
        .stderr(Stdio::null());
    let _process = Process::start(systemd);
    // It starts the server when somebody comes.
    soon(async {
        while tokio::net::TcpStream::connect(https).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    let stream = connect(https, Roots::Of(files.root()), &[b"http/1.1"]).await;
    assert!(get(stream, "/ping").await.starts_with("HTTP/1.1 200 "));
    let asked = "GET /r/a HTTP/1.1\r\nHost: meet.example.org\r\nConnection: close\r\n\r\n";
    let answer = clear(http, asked).await;
    assert!(
        answer.contains("location: https://meet.example.org/r/a\r\n"),
        "{answer}"
    );
}
