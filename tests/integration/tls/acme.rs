//! A certificate from a real authority: Debian's `pebble`, an ACME server for tests, with name servers of its own.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use meeting::config::Key;
use tempfile::TempDir;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::super::support::{Server, soon};
use super::client::{Files, Roots, certificate_files, connect, get};

const NAME: &str = "meet.example.org";
/// So long a certificate of this authority holds; it is renewed after two thirds.
const LIFETIME_SECONDS: u64 = 15;

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The authority, its name server, and what its own https is signed with.
struct Authority {
    folder: TempDir,
    own: Files,
    address: SocketAddr,
    management: SocketAddr,
    names: SocketAddr,
    _name_server: Running,
}

impl Authority {
    fn new() -> Self {
        let [address, management, names, steering] = free_ports();
        let mut name_server = Command::new("pebble-challtestsrv");
        name_server
            .args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""])
            .args(["-http01", "", "-https01", "", "-tlsalpn01", ""])
            .args(["-dns01", &names.to_string()])
            .args(["-management", &steering.to_string()]);
        Self {
            folder: tempfile::tempdir().unwrap(),
            own: certificate_files("localhost"),
            address,
            management,
            names,
            _name_server: run(name_server),
        }
    }

    /// It comes to `port` for the proof.
    fn start(&self, port: u16) -> Running {
        let (certificate, key) = self.own.paths();
        let config = serde_json::json!({ "pebble": {
            "listenAddress": self.address,
            "managementListenAddress": self.management,
            "certificate": certificate,
            "privateKey": key,
            "httpPort": 1,
            "tlsPort": port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
            "certificateValidityPeriod": LIFETIME_SECONDS,
        }});
        let path = self.folder.path().join("pebble.json");
        std::fs::write(&path, config.to_string()).unwrap();
        let mut pebble = Command::new("pebble");
        pebble
            .arg("-config")
            .arg(path)
            .args(["-dnsserver", &self.names.to_string()])
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_WFE_NONCEREJECT", "0");
        run(pebble)
    }

    fn root(&self) -> String {
        let path = self.folder.path().join("root.pem");
        std::fs::write(&path, self.own.root_pem()).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn run(mut command: Command) -> Running {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let running = command.spawn();
    Running(running.unwrap_or_else(|error| {
        panic!("{command:?}: {error}; tests/setup.sh installs what is missing")
    }))
}

/// Free at the moment: all are held until all are known.
fn free_ports<const COUNT: usize>() -> [SocketAddr; COUNT] {
    let held = [(); COUNT].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.each_ref().map(|port| port.local_addr().unwrap())
}

async fn shown(address: SocketAddr) -> CertificateDer<'static> {
    let stream = connect(address, Roots::Any, &[b"http/1.1"]).await;
    stream.get_ref().1.peer_certificates().unwrap()[0]
        .clone()
        .into_owned()
}

/// The certificate that comes after another.
async fn after(address: SocketAddr, before: &CertificateDer<'static>) -> CertificateDer<'static> {
    soon(async {
        loop {
            let now = shown(address).await;
            if now != *before {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
    .await
}

#[tokio::test]
async fn an_authority_gives_a_certificate_that_is_kept_and_renewed() {
    let authority = Authority::new();
    let directory = format!("https://localhost:{}/dir", authority.address.port());
    let root = authority.root();
    let settings = [
        (Key::Domain, NAME),
        (Key::HttpPort, "off"),
        (Key::AcmeDirectory, directory.as_str()),
        (Key::AcmeContact, "admin@example.org"),
        (Key::AcmeRoot, root.as_str()),
    ];
    let server = Server::with(&settings).await;
    let address = server.address;
    let meanwhile = shown(address).await;
    let answer = get(connect(address, Roots::Any, &[b"http/1.1"]).await, "/ping").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(!answer.contains("strict-transport-security"), "{answer}");
    // The first attempt found nobody; it is made again.
    let running = authority.start(address.port());
    let given = after(address, &meanwhile).await;
    let answer = get(connect(address, Roots::Any, &[b"http/1.1"]).await, "/ping").await;
    assert!(answer.contains("strict-transport-security"), "{answer}");
    // Without the authority, what is kept is served at once.
    drop(running);
    let (stopped, data) = server.stop();
    soon(stopped).await.unwrap();
    let listen = address.to_string();
    let again = [&settings[..], &[(Key::Listen, listen.as_str())]].concat();
    let server = Server::in_directory(data, &again).await;
    soon(async {
        while shown(server.address).await != given {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let files: Vec<_> = server.data.path().join("tls").read_dir().unwrap().collect();
    assert_eq!(files.len(), 2, "an account and a certificate");
    for file in files {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // It is renewed by itself.
    let _running = authority.start(address.port());
    after(server.address, &given).await;
}
