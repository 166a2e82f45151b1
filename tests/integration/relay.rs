//! The relay over real sockets: whom it leads to, who may use it, and for how long. The client is one of our own, and
//! coturn's.

mod client;

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use meeting::config::Key;
use serde_json::{Value, json};

use self::client::{Came, Turn, check};
use super::support::{Server, soon};

/// Where media is, and what a check has to say: out of an offer.
fn offered(sdp: &str) -> (SocketAddr, String, String) {
    let line = |prefix: &str| {
        let found = sdp.lines().find_map(|line| line.strip_prefix(prefix));
        found.unwrap().trim_end().to_owned()
    };
    let candidate = line("a=candidate:");
    let words: Vec<&str> = candidate.split(' ').collect();
    let address = format!("{}:{}", words[4], words[5]);
    (
        address.parse().unwrap(),
        line("a=ice-ufrag:"),
        line("a=ice-pwd:"),
    )
}

fn urls(joined: &Value) -> Vec<&str> {
    let servers = joined["ice_servers"].as_array().unwrap().iter();
    servers
        .flat_map(|server| server["urls"].as_array().unwrap())
        .map(|url| url.as_str().unwrap())
        .collect()
}

/// A client by datagrams to the port of media, or by a stream.
async fn client(joined: &Value, media: SocketAddr, transport: &str) -> Turn {
    match transport {
        // Browsers are not told of it where there is media, and others may come all the same.
        "udp" => Turn::at(joined, media).await,
        _ => Turn::of(joined, transport).await,
    }
}

#[tokio::test]
async fn a_check_reaches_media_through_the_relay_and_is_answered_by_it() {
    for threads in ["1", "2", "3"] {
        let server = Server::with(&[(Key::MediaThreads, threads)]).await;
        let (mut ada, _) = server.meeting(json!({})).await;
        let slots = json!({ "audio_slots": 1, "video_slots": 1 });
        let offer = ada.ok("media.receive", slots).await;
        let (media, ufrag, password) = offered(offer["sdp"].as_str().unwrap());
        // Their datagrams come to any of the threads.
        for transport in ["udp", "udp", "udp", "udp", "tcp"] {
            let mut turn = client(&ada.joined, media, transport).await;
            let relayed = turn.allocate().await.unwrap();
            turn.permit(media).await.unwrap();
            turn.send(media, &check(&ufrag, &password)).await;
            let (from, answer) = turn.heard().await;
            assert_eq!(from, Ok(media));
            assert_eq!(Came::parse(&answer).mapped(), Some(relayed), "{transport}");
            turn.bind(0x4001, media).await.unwrap();
            turn.send_by(0x4001, &check(&ufrag, &password)).await;
            let (by, answer) = turn.heard().await;
            assert_eq!(by, Err(0x4001));
            assert_eq!(Came::parse(&answer).mapped(), Some(relayed), "{transport}");
        }
    }
}

#[tokio::test]
async fn the_relay_is_named_at_no_port_where_media_of_the_room_is() {
    // Browsers would take all that comes from there for the relay's.
    for threads in ["1", "2"] {
        let server = Server::with(&[(Key::MediaThreads, threads)]).await;
        let (ada, _) = server.meeting(json!({})).await;
        let told = urls(&ada.joined);
        let named = told.iter().filter_map(|url| url.rsplit('=').next());
        assert_eq!(named.collect::<Vec<_>>(), ["tcp"]);
    }
    let server = Server::start().await;
    let (ada, _) = server.meeting(json!({ "topology": "p2p" })).await;
    assert_eq!(urls(&ada.joined).len(), 2, "no media is there");
}

#[tokio::test]
async fn it_leads_nowhere_else() {
    let server = Server::with(&[(Key::MediaThreads, "2")]).await;
    let (mut ada, _) = server.meeting(json!({})).await;
    let offer = ada.ok("media.receive", json!({})).await;
    let (media, ..) = offered(offer["sdp"].as_str().unwrap());
    let mut turn = Turn::at(&ada.joined, media).await;
    turn.allocate().await.unwrap();
    for peer in [
        "127.0.0.2:80",
        "0.0.0.0:80",
        "10.0.0.1:80",
        "169.254.169.254:80",
        "192.0.2.1:20000",
        "255.255.255.255:9",
    ] {
        let peer: SocketAddr = peer.parse().unwrap();
        assert_eq!(turn.permit(peer).await.err(), Some(403), "{peer}");
        assert_eq!(turn.bind(0x4002, peer).await.err(), Some(403), "{peer}");
    }
    // Another port of the machine, at the address of media.
    let own = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let there = own.local_addr().unwrap();
    turn.permit(media).await.unwrap();
    assert_eq!(turn.bind(0x4003, there).await.err(), Some(403));
    turn.send(there, b"hello").await;
    turn.refresh(600).await.unwrap();
    let came = own.try_recv(&mut [0; 16]);
    assert_eq!(
        came.map_err(|error| error.kind()),
        Err(std::io::ErrorKind::WouldBlock)
    );
}

#[tokio::test]
async fn a_person_who_has_left_is_relayed_no_more() {
    let server = Server::with(&[(Key::MediaThreads, "2")]).await;
    let (mut ada, room) = server.meeting(json!({})).await;
    let offer = ada.ok("media.receive", json!({})).await;
    let (media, ..) = offered(offer["sdp"].as_str().unwrap());
    let mut bo = server.member("Bo", &room).await;
    let mut turns = Vec::new();
    for transport in ["udp", "tcp"] {
        let mut turn = client(&bo.joined, media, transport).await;
        turn.allocate().await.unwrap();
        turns.push(turn);
    }
    let mut wrong = Turn::at(&bo.joined, media).await;
    wrong.set_password("guess");
    assert_eq!(wrong.allocate().await, Err(401));
    bo.ok("room.leave", json!({})).await;
    for turn in &mut turns {
        assert_eq!(turn.refresh(600).await.err(), Some(401));
    }
    let mut again = Turn::of(&bo.joined, "tcp").await;
    assert_eq!(again.allocate().await, Err(401));
    bo.join(&room).await;
    let mut fresh = Turn::of(&bo.joined, "tcp").await;
    fresh.allocate().await.unwrap();
    let removed = json!({ "participant": bo.membership() });
    ada.ok("participant.remove", removed).await;
    assert_eq!(fresh.refresh(600).await.err(), Some(401));
}

#[tokio::test]
async fn two_of_one_room_without_a_server_between_them_reach_each_other() {
    let server = Server::start().await;
    let (ada, room) = server.meeting(json!({ "topology": "p2p" })).await;
    let bo = server.member("Bo", &room).await;
    let mut far = server.account("eve").await;
    let elsewhere = far
        .create(json!({ "name": "Other", "topology": "p2p" }))
        .await;
    far.join(&elsewhere).await;
    let mut one = Turn::of(&ada.joined, "udp").await;
    let mut other = Turn::of(&bo.joined, "tcp").await;
    let mut stranger = Turn::of(&far.joined, "udp").await;
    let at_one = one.allocate().await.unwrap();
    let at_other = other.allocate().await.unwrap();
    stranger.allocate().await.unwrap();
    one.bind(0x4000, at_other).await.unwrap();
    other.permit(at_one).await.unwrap();
    one.send_by(0x4000, b"hello").await;
    assert_eq!(other.heard().await, (Ok(at_one), b"hello".to_vec()));
    other.send(at_one, b"and back").await;
    assert_eq!(one.heard().await, (Err(0x4000), b"and back".to_vec()));
    assert_eq!(stranger.bind(0x4000, at_one).await.err(), Some(403));
}

#[tokio::test]
async fn a_person_who_waits_is_told_of_no_relay_and_is_told_when_they_are_let_in() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting(json!({ "waiting": "everyone" })).await;
    let mut bo = server.guest("Bo").await;
    let waiting = bo.error("room.join", json!({ "identity": room })).await;
    assert_eq!(waiting["code"], "room.waiting");
    ada.ok("lobby.admit", json!({ "participants": "all" }))
        .await;
    let joined = bo.event("lobby.admitted").await;
    let mut turn = Turn::of(&joined, "tcp").await;
    turn.allocate().await.unwrap();
    assert_ne!(
        joined["ice_servers"][0]["username"], ada.joined["ice_servers"][0]["username"],
        "each has their own"
    );
    // Asked once more by somebody who is in, the answer has fresh credentials.
    let again = bo.ok("room.join", json!({ "identity": room })).await;
    let mut turn = Turn::of(&again, "tcp").await;
    turn.allocate().await.unwrap();
}

#[tokio::test]
async fn it_can_be_switched_off_and_others_can_stand_in_its_place() {
    let server = Server::with(&[(Key::Turn, "off")]).await;
    let (ada, _) = server.meeting(json!({})).await;
    assert_eq!(ada.joined["ice_servers"], json!([]));
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "north\n").unwrap();
    let server = Server::with(&[
        (Key::IceServer, "turns:turn.example.org"),
        (Key::IceServerSecretFile, secret.path().to_str().unwrap()),
    ])
    .await;
    let (ada, _) = server.meeting(json!({})).await;
    let told = urls(&ada.joined);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[1], "turns:turn.example.org");
    let other = &ada.joined["ice_servers"][1];
    let username = other["username"].as_str().unwrap();
    assert!(username.ends_with(&format!(":{}", ada.membership())));
}

/// Runs coturn's client against the server; what it said, and whether it was content.
async fn uclient(joined: &Value, transport: &str, more: &[&str]) -> (bool, String) {
    let server = &joined["ice_servers"][0];
    let end = format!("?transport={transport}");
    let url = urls(joined).into_iter().find(|url| url.ends_with(&end));
    let address = url.unwrap().trim_start_matches("turn:");
    let address: SocketAddr = address.trim_end_matches(&end).parse().unwrap();
    let (port, ip) = (address.port().to_string(), address.ip().to_string());
    let mut command = Command::new("turnutils_uclient");
    command
        .args(["-u", server["username"].as_str().unwrap()])
        .args(["-w", server["credential"].as_str().unwrap()])
        .args(["-p", &port, "-n", "10", "-l", "300", "-c"])
        .args(if transport == "tcp" { &["-t"][..] } else { &[] })
        .args(more)
        .arg(ip)
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = soon(output).await.unwrap();
    let output = output.expect("turnutils_uclient, of coturn: tests/setup.sh installs it");
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[tokio::test]
async fn coturns_client_is_content_with_it_where_it_may_be_and_refused_elsewhere() {
    let server = Server::start().await;
    let (ada, _) = server.meeting(json!({ "topology": "p2p" })).await;
    for transport in ["udp", "tcp"] {
        // By indications: this client takes channel numbers that RFC 8656 §12 has given up, from 0x5000 on.
        let (is_content, said) = uclient(&ada.joined, transport, &["-y", "-s"]).await;
        assert!(is_content, "{transport}: {said}");
        assert!(
            said.contains("Total lost packets 0 "),
            "{transport}: {said}"
        );
    }
    // Another peer than people of the room.
    let (is_content, said) = uclient(&ada.joined, "udp", &["-s", "-e", "127.0.0.2"]).await;
    assert!(!is_content && said.contains("403"), "{said}");
    let mut forged = ada.joined.clone();
    forged["ice_servers"][0]["credential"] = json!("guess");
    let (is_content, said) = uclient(&forged, "udp", &["-y"]).await;
    assert!(!is_content, "{said}");
}

/// A program that ends with its test.
struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        // One that has ended already needs no end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that nobody has just now.
fn free_port() -> u16 {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    probe.local_addr().unwrap().port()
}

#[tokio::test]
async fn another_relay_takes_the_credentials_that_are_made_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(at("secret"), "north\n").unwrap();
    std::fs::set_permissions(at("secret"), Permissions::from_mode(0o600)).unwrap();
    let coturn = Command::new("turnserver")
        .args([
            "-n",
            "--no-cli",
            "--no-tls",
            "--no-dtls",
            "--log-file=stdout",
        ])
        .args(["--use-auth-secret", "--static-auth-secret=north"])
        .args(["--realm=relay.example", "--allow-loopback-peers"])
        .args([
            "-L",
            "127.0.0.1",
            "-E",
            "127.0.0.1",
            "-p",
            &port.to_string(),
        ])
        .args([
            &format!("--userdb={}", at("db")),
            &format!("--pidfile={}", at("pid")),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let coturn = coturn.expect("turnserver, of coturn: tests/setup.sh installs it");
    let _coturn = Stopped(coturn);
    soon(async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_err()
        {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    let url = format!("turn:127.0.0.1:{port}?transport=udp");
    let server = Server::with(&[
        (Key::Turn, "off"),
        (Key::IceServer, &url),
        (Key::IceServerSecretFile, &at("secret")),
    ])
    .await;
    let (mut ada, _) = server.meeting(json!({})).await;
    let offer = ada.ok("media.receive", json!({})).await;
    let (media, ufrag, password) = offered(offer["sdp"].as_str().unwrap());
    let mut turn = Turn::of(&ada.joined, "udp").await;
    let relayed = turn.allocate().await.unwrap();
    turn.permit(media).await.unwrap();
    turn.send(media, &check(&ufrag, &password)).await;
    let (from, answer) = turn.heard().await;
    assert_eq!(from, Ok(media));
    assert_eq!(Came::parse(&answer).mapped(), Some(relayed));
    let mut wrong = Turn::of(&ada.joined, "udp").await;
    wrong.set_password("guess");
    assert_eq!(wrong.allocate().await, Err(401));
}
