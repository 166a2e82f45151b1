//! HTTPS on the shared port: certificates, HTTP/1.1 and HTTP/2, and those who mean harm.

mod acme;
pub mod client;
mod process;

use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use meeting::budgets::http as budgets;
use meeting::config::Key;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::support::{Client, PASSWORD, Server, soon};
use client::{Roots, certificate_files, clear, connect, get, get_two, opening, two};

const LAN: (Key, &str) = (Key::TlsSelfSigned, "on");

async fn lan() -> Server {
    Server::with(&[(Key::NoRateLimit, "on"), LAN]).await
}

#[tokio::test]
async fn a_self_signed_server_serves_the_page_and_makes_its_certificate_once() {
    let server = lan().await;
    let first = connect(server.address, Roots::Any, &[b"http/1.1"]).await;
    let shown =
        |stream: &client::Stream| stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    let certificate = shown(&first);
    let answer = get(first, "/ping").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(
        !answer.to_lowercase().contains("strict-transport-security"),
        "nobody trusts it: {answer}"
    );
    let (stopped, data) = server.stop();
    soon(stopped).await.unwrap();
    let server = Server::in_directory(data, &[LAN]).await;
    let again = connect(server.address, Roots::Any, &[b"http/1.1"]).await;
    assert_eq!(shown(&again), certificate);
}

#[tokio::test]
async fn http_2_serves_the_page_too() {
    let server = lan().await;
    let mut two = two(server.address).await;
    let (status, body) = get_two(&mut two, "/ping").await;
    assert_eq!(status, 200);
    assert!(body > 0);
    // A WebSocket is not opened so.
    assert_eq!(get_two(&mut two, "/ws").await.0, 426);
}

#[tokio::test]
async fn streams_of_one_connection_are_bounded() {
    let server = lan().await;
    let mut stream = connect(server.address, Roots::Any, &[b"h2"]).await;
    stream.write_all(client::PREFACE).await.unwrap();
    // The server's first frame says how many streams it takes (RFC 9113 §6.5.2).
    let frame = soon(client::frame(&mut stream)).await;
    assert_eq!(frame.kind, 4);
    let settings = frame.payload.chunks(6).map(|setting| {
        let id = u16::from_be_bytes([setting[0], setting[1]]);
        let value = u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]]);
        (id, u64::from(value))
    });
    let settings: Vec<_> = settings.collect();
    assert!(
        settings.contains(&(3, budgets::STREAMS.most)),
        "{settings:?}"
    );
    assert!(
        settings.contains(&(6, budgets::HEAD_BYTES.most)),
        "{settings:?}"
    );
}

#[tokio::test]
async fn requests_taken_back_at_once_end_the_connection() {
    let server = lan().await;
    let mut stream = connect(server.address, Roots::Any, &[b"h2"]).await;
    stream.write_all(client::PREFACE).await.unwrap();
    let mut flood = Vec::new();
    for number in 0..10 * budgets::STREAMS_TAKEN_BACK.most {
        let id = u32::try_from(2 * number + 1).unwrap();
        flood.extend(client::ask_and_take_back(id));
    }
    stream.write_all(&flood).await.unwrap();
    loop {
        let frame = soon(client::frame(&mut stream)).await;
        if frame.kind == 7 {
            // ENHANCE_YOUR_CALM (RFC 9113 §7).
            assert_eq!(frame.payload[4..8], 11_u32.to_be_bytes());
            return;
        }
    }
}

#[tokio::test]
async fn a_connection_ends_after_its_requests() {
    let server = lan().await;
    let mut two = two(server.address).await;
    let mut answered = 0;
    while two.ready().await.is_ok() && answered <= budgets::STREAMS_IN_ALL.most {
        assert_eq!(get_two(&mut two, "/ping").await.0, 200);
        answered += 1;
    }
    assert!(
        answered.abs_diff(budgets::STREAMS_IN_ALL.most) <= 1,
        "{answered}"
    );
}

#[tokio::test]
async fn silent_and_slow_and_nonsensical_clients_keep_nobody_out() {
    let server = lan().await;
    let mut rude = Vec::new();
    for said in [
        &b""[..],
        &[22],
        &[22, 3, 1, 2, 0, 1],
        &[22; 5],
        &[0, 100, 0, 1],
        b"\x00\x01",
    ] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(said).await.unwrap();
            rude.push(stream);
        }
    }
    let began = std::time::Instant::now();
    let stream = connect(server.address, Roots::Any, &[b"http/1.1"]).await;
    assert!(get(stream, "/ping").await.starts_with("HTTP/1.1 200 "));
    assert!(began.elapsed() < Duration::from_secs(3));
    // Media over TCP has nobody to take it: such streams are closed.
    let mut media = TcpStream::connect(server.address).await.unwrap();
    media
        .write_all(&[0, 20, 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42])
        .await
        .unwrap();
    let mut byte = [0];
    assert!(matches!(soon(media.read(&mut byte)).await, Ok(0) | Err(_)));
    drop(rude);
}

#[tokio::test]
async fn a_certificate_from_files_is_trusted_and_read_again() {
    let files = certificate_files("meet.example.org");
    let (certificate, key) = files.paths();
    let server = Server::with(&[
        (Key::Domain, "meet.example.org"),
        (Key::TlsCert, &certificate),
        (Key::TlsKey, &key),
        (Key::HttpPort, "0"),
    ])
    .await;
    let stream = connect(server.address, Roots::Of(files.root()), &[b"http/1.1"]).await;
    let before = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    let answer = get(stream, "/ping").await.to_lowercase();
    assert!(
        answer.contains("strict-transport-security: max-age="),
        "{answer}"
    );
    files.renew("meet.example.org");
    soon(async {
        loop {
            let stream = connect(server.address, Roots::Of(files.root()), &[b"http/1.1"]).await;
            if stream.get_ref().1.peer_certificates().unwrap()[0] != before {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
    .await;
    let redirect = server.redirect_address.unwrap();
    for (method, status) in [("GET", "308"), ("HEAD", "308"), ("POST", "307")] {
        let asked = format!(
            "{method} /r/a?b=c HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
        );
        let answer = clear(redirect, &asked).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(
            answer.contains("location: https://meet.example.org/r/a?b=c\r\n"),
            "{answer}"
        );
    }
}

/// An address of this machine that is no loopback address; asking for the way there sends nothing.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket
        .connect("192.0.2.1:9")
        .expect("this test needs a network interface beside loopback");
    socket.local_addr().unwrap().ip()
}

#[tokio::test]
async fn in_the_clear_nobody_but_this_machine_is_answered() {
    let settings = [(Key::NoRateLimit, "on"), LAN, (Key::Listen, "0.0.0.0:0")];
    let server = Server::with(&settings).await;
    let (port, ip) = (server.address.port(), own_address());
    assert!(!ip.is_loopback());
    let host = format!("{ip}:{port}");
    let socket = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (begin, more, status) in [
        ("GET /r/a?b=c", "", "308"),
        ("HEAD /r/a?b=c", "", "308"),
        ("GET /ws", socket, "400"),
        ("POST /check/report", "Content-Length: 4\r\n", "400"),
    ] {
        // The server closes although nobody asks it to.
        let asked = format!("{begin} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n");
        let answer = clear((ip, port).into(), &asked).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{begin}: {answer}"
        );
        let location = format!("location: https://{host}/r/a?b=c\r\n");
        assert_eq!(answer.contains(&location), status == "308", "{answer}");
        assert!(!answer.contains("hello"), "{answer}");
    }
    let here = format!("GET /ping HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    let answer = clear(([127, 0, 0, 1], port).into(), &here).await;
    assert!(answer.contains("pong"), "{answer}");
}

#[tokio::test]
async fn a_page_that_came_in_the_clear_opens_no_socket_in_tls() {
    let server = lan().await;
    let stream = connect(server.address, Roots::Any, &[b"http/1.1"]).await;
    let request = opening(server.address, &format!("http://{}", server.address));
    let opened = soon(tokio_tungstenite::client_async(request, stream)).await;
    let Err(refused) = opened else {
        panic!("it is opened");
    };
    assert!(refused.to_string().contains("403"), "{refused}");
}

#[tokio::test]
async fn people_meet_and_come_back_in_tls() {
    let server = lan().await;
    let origin = format!("https://{}", server.address);
    let open = async || {
        let stream = connect(server.address, Roots::Any, &[b"http/1.1"]).await;
        Client::over(Box::new(stream), opening(server.address, &origin)).await
    };
    let mut ada = open().await;
    let account = json!({ "username": "ada", "password": PASSWORD });
    let login = ada.ok("auth.register", account).await;
    let room = ada.create(json!({ "name": "Weekly review" })).await;
    ada.join(&room).await;
    let mut bo = open().await;
    bo.ok("auth.guest", json!({ "display_name": "Bo" })).await;
    bo.join(&room).await;
    let came = ada.event("participant.joined").await;
    assert_eq!(came["participant"]["display_name"], "Bo");
    bo.ok("chat.send", json!({ "text": "hello" })).await;
    assert_eq!(ada.event("chat.message").await["message"]["text"], "hello");
    // Another socket of the same account, by its token.
    let mut again = open().await;
    let known = again
        .ok("auth.token", json!({ "token": login["token"] }))
        .await;
    assert_eq!(known["user"]["username"], "ada");
}
