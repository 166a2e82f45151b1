//! Plain HTTP and sockets under those who mean harm: ambiguous requests, hoarded connections, floods of frames; and the
//! server below a path.

use std::net::SocketAddr;

use futures_util::StreamExt as _;
use meeting::config::{BasePath, Key};
use meeting::http::{Access, Connections, SocketLimits};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;

use super::http::{Answer, PATIENCE, Server};
use super::support::{self, soon};

/// All that comes until the server closes, whether it resets the connection or not.
async fn until_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut all))
        .await
        .expect("the connection is still open");
    all
}

#[tokio::test]
async fn an_ambiguous_request_is_refused_and_nothing_behind_it_is_answered() {
    let server = Server::plain().await;
    let table = [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: 4\r\nContent-Length: 4\r\n",
        "Content-Length: 4, 4\r\n",
        "Content-Length: +4\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "X-A: 1\r\n Transfer-Encoding: chunked\r\n",
        "X-A: 1\nX-B: 2\r\n",
        "X-A: 1\rX-B: 2\r\n",
        "Host: other.example\r\n",
    ];
    for lines in table {
        for method in ["POST", "GET"] {
            let mut stream = server.connect().await;
            let bytes = format!(
                "{method} /ping HTTP/1.1\r\nHost: x\r\n{lines}\r\n0\r\n\r\nGET /ping HTTP/1.1\r\nHost: x\r\n\r\n"
            );
            stream.write_all(bytes.as_bytes()).await.unwrap();
            let all = until_closed(&mut stream).await;
            let text = String::from_utf8_lossy(&all);
            assert!(text.starts_with("HTTP/1.1 400 "), "{lines:?}: {text}");
            let answers = text.lines().filter(|line| line.starts_with("HTTP/1.1 "));
            assert_eq!(answers.count(), 1, "{lines:?}: {text}");
        }
    }
    let bare = [
        "GET /ping HTTP/1.1\r\n\r\n",
        "GET /ping HTTP/1.1\nHost: x\n\n",
    ];
    for bytes in bare {
        let mut stream = server.connect().await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let answer = Answer::parse(&until_closed(&mut stream).await);
        assert_eq!(answer.status, 400, "{bytes:?}");
    }
}

#[tokio::test]
async fn sound_requests_follow_each_other_on_one_connection() {
    let server = Server::plain().await;
    let mut stream = server.connect().await;
    let get = "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n";
    let post = "POST /ping HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nHello";
    let last = "GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream
        .write_all(format!("{get}{get}{get}{last}").as_bytes())
        .await
        .unwrap();
    let all = String::from_utf8(until_closed(&mut stream).await).unwrap();
    assert_eq!(all.matches("HTTP/1.1 200 OK").count(), 4, "{all}");
    let mut stream = server.connect().await;
    stream.write_all(post.as_bytes()).await.unwrap();
    assert_eq!(Answer::read_head(&mut stream).await.status, 405);
}

/// A connection from an address of this machine.
async fn connect_from(address: &str, server: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket
        .bind(format!("{address}:0").parse().unwrap())
        .unwrap();
    soon(socket.connect(server)).await.unwrap()
}

const ASKED: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test]
async fn a_client_that_hoards_connections_keeps_nobody_out() {
    const PLACES: usize = 20;
    let connections = Connections::new(PLACES);
    let server = Server::with(
        Access::default(),
        SocketLimits::default(),
        BasePath::default(),
        connections.clone(),
    )
    .await;
    let mut hoard = Vec::new();
    for number in 0..PLACES {
        let mut stream = connect_from("127.0.0.1", server.address).await;
        // Some ask and do not read, some ask for half of something, some say nothing.
        let asked = match number % 3 {
            0 => ASKED,
            1 => &ASKED[..20],
            _ => b"",
        };
        stream.write_all(asked).await.unwrap();
        hoard.push(stream);
    }
    for client in ["127.0.0.2", "127.0.0.3", "127.0.0.2"] {
        let mut stream = connect_from(client, server.address).await;
        stream.write_all(ASKED).await.unwrap();
        assert_eq!(Answer::read_head(&mut stream).await.status, 200, "{client}");
        assert!(connections.open() <= PLACES);
    }
    // The hoarder's own neighbours come in as well, once one of its connections has been at rest for a moment.
    loop {
        let mut stream = connect_from("127.0.0.1", server.address).await;
        let _ = stream.write_all(ASKED).await;
        let mut begin = [0; 12];
        if soon(stream.read_exact(&mut begin)).await.is_ok() {
            assert_eq!(&begin, b"HTTP/1.1 200");
            break;
        }
    }
}

/// A masked frame without payload (RFC 6455 §5.2).
const EMPTY_CONTINUATION: [u8; 6] = [0x00, 0x80, 1, 2, 3, 4];
/// The beginning of a text message: one letter, and more to come.
const BEGINNING: [u8; 7] = [0x01, 0x81, 0, 0, 0, 0, b'{'];

#[tokio::test]
async fn a_flood_of_empty_fragments_is_closed_as_too_many_requests() {
    let server = support::Server::with(&[]).await;
    let mut client = server.connect().await;
    let raw = client.socket.get_mut();
    raw.write_all(&BEGINNING).await.unwrap();
    let flood = EMPTY_CONTINUATION.repeat(1_000);
    for _ in 0..30 {
        if raw.write_all(&flood).await.is_err() {
            break;
        }
    }
    let code = loop {
        match soon(client.socket.next()).await {
            Some(Ok(Message::Close(frame))) => break frame.map(|frame| u16::from(frame.code)),
            Some(Ok(_)) => {}
            other => panic!("no close frame came but {other:?}"),
        }
    };
    assert_eq!(code, Some(4429));
}

#[tokio::test]
async fn a_message_in_a_few_pieces_is_a_message() {
    let server = support::Server::with(&[]).await;
    let mut client = server.connect().await;
    let text =
        json!({ "type": "auth.guest", "id": 1, "data": { "display_name": "Bo" } }).to_string();
    let raw = client.socket.get_mut();
    for (number, letter) in text.bytes().enumerate() {
        let first = if number == 0 { 0x01 } else { 0x00 };
        let last = if number + 1 == text.len() { 0x80 } else { 0x00 };
        raw.write_all(&[first | last, 0x81, 0, 0, 0, 0, letter])
            .await
            .unwrap();
    }
    assert_eq!(client.reply().await["type"], "ok");
}

#[tokio::test]
async fn below_a_path_everything_answers_with_it_and_without() {
    let server = Server::with(
        Access::default(),
        SocketLimits::default(),
        BasePath::parse("/meet").unwrap(),
        Connections::default(),
    )
    .await;
    let start = server.get("/meet/").await;
    assert!(
        start.text().contains("src=\"/meet/js/first."),
        "{}",
        start.text()
    );
    for (path, status) in [
        ("/", 200),
        ("/meet/r/k3v9?x=1", 200),
        ("/r/k3v9", 200),
        ("/meet/check", 200),
        ("/meet/js/app.js", 200),
        ("/js/app.js", 200),
        ("/meet/ping", 200),
        ("/meet/healthz", 503),
        ("/meet/avatars/u1.svg?n=AL", 200),
        ("/meet/r/k3v9/calendar.ics", 503),
        ("/meet/ws", 426),
        ("/meet/nothing", 404),
        ("/meet/meet/", 404),
        ("/meetings", 404),
    ] {
        assert_eq!(server.get(path).await.status, status, "{path}");
    }
    let moved = server.get("/meet?x=1").await;
    assert_eq!(
        (moved.status, moved.header("location")),
        (308, "/meet/?x=1")
    );
    let url = format!("ws://{}/meet/ws", server.address);
    assert!(tokio_tungstenite::connect_async(url).await.is_ok());
}

#[tokio::test]
async fn a_number_and_a_wrong_password_are_answered_as_a_number_of_nothing() {
    let server = support::Server::with(&[]).await;
    let mut ada = server.account("ada").await;
    let made = ada
        .ok(
            "room.create",
            json!({ "name": "Kept", "password": "right" }),
        )
        .await;
    let hidden = json!({ "name": "Hidden", "password": "right", "hide_number": true });
    let hidden = ada.ok("room.create", hidden).await;
    let gone = ada
        .ok(
            "room.create",
            json!({ "name": "Gone", "password": "right" }),
        )
        .await;
    ada.ok(
        "room.delete",
        json!({ "identity": gone["room"]["identity"] }),
    )
    .await;
    let mut bo = server.guest("Bo").await;
    let number = &made["room"]["number"];
    let numbers = [
        number.clone(),
        hidden["room"]["number"].clone(),
        gone["room"]["number"].clone(),
        json!("100000000"),
    ];
    let numbers: Vec<_> = numbers
        .into_iter()
        .filter(|number| number.is_string())
        .collect();
    let mut errors = Vec::new();
    for number in &numbers {
        for password in ["wrong", ""] {
            let tried = json!({ "identity": number, "password": password });
            errors.push(bo.error("room.join", tried).await);
        }
    }
    assert_eq!(errors[0]["code"], "room.not_found");
    assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
    let by_link = json!({ "identity": made["room"]["identity"], "password": "wrong" });
    assert_eq!(
        bo.refused("room.join", by_link).await,
        "room.password_wrong"
    );
    // Each of those attempts counted, and knowing one does not; the limit is the same for all of them.
    for number in numbers.iter().cycle().take(30) {
        bo.error(
            "room.join",
            json!({ "identity": number, "password": "wrong" }),
        )
        .await;
    }
    for number in &numbers {
        let tried = json!({ "identity": number, "password": "right" });
        assert_eq!(bo.refused("room.join", tried).await, "rate.limited");
    }
    let right = json!({ "identity": made["room"]["identity"], "password": "right" });
    // In a session of its own, whose pace is not used up.
    let mut cy = server.guest("Cy").await;
    cy.ok("room.join", right).await;
}

#[tokio::test]
async fn a_guess_costs_one_password_hash_whether_or_not_there_is_a_room_or_an_account() {
    let server = support::Server::start().await;
    let mut ada = server.account("ada").await;
    let made = ada
        .ok(
            "room.create",
            json!({ "name": "Hidden", "password": "right" }),
        )
        .await;
    let mut bo = server.guest("Bo").await;
    let runs = || server.services.password_runs();
    let (_, before) = runs();
    let mut costs = Vec::new();
    for number in [
        &made["room"]["number"],
        &json!("100000000"),
        &json!("100-000-001"),
    ] {
        let tried = json!({ "identity": number, "password": "wrong" });
        assert_eq!(bo.refused("room.join", tried).await, "room.not_found");
        costs.push(runs().1 - before);
    }
    assert_eq!(costs, [1, 2, 3], "of a room, and of no room twice");

    let (before, _) = runs();
    let mut costs = Vec::new();
    for username in ["ada", "nobody"] {
        let mut guest = server.connect().await;
        let tried = json!({ "username": username, "password": "a wrong guess" });
        assert_eq!(
            guest.refused("auth.login", tried).await,
            "auth.bad_credentials"
        );
        costs.push(runs().0 - before);
    }
    assert_eq!(costs, [1, 2], "of an account, and of none");
}

#[tokio::test]
async fn wrong_passwords_at_ones_own_rooms_use_up_the_attempts_at_others() {
    let server = support::Server::with(&[]).await;
    let mut eve = server.account("eve").await;
    let mut rooms = Vec::new();
    for number in 0..8 {
        let room = json!({ "name": format!("Own {number}"), "password": "mine" });
        rooms.push(eve.ok("room.create", room).await["room"]["identity"].clone());
    }
    let mut codes = Vec::new();
    for number in 0..8 {
        // Few enough for a session's own pace.
        let mut guest = server.guest(&format!("Guest {number}")).await;
        for room in rooms.iter().cycle().take(18) {
            let tried = json!({ "identity": room, "password": "wrong" });
            codes.push(guest.refused("room.join", tried).await);
        }
    }
    assert!(
        codes[..36].iter().all(|code| code == "room.password_wrong"),
        "{codes:?}"
    );
    assert!(codes.iter().any(|code| code == "rate.limited"), "{codes:?}");
}

#[tokio::test]
async fn the_limit_of_sockets_is_a_setting() {
    let server = support::Server::with(&[(Key::MaxSockets, "2")]).await;
    let _first = server.connect().await;
    let url = format!("ws://{}/ws", server.address);
    let refused = tokio_tungstenite::connect_async(url).await.unwrap_err();
    assert!(refused.to_string().contains("429"), "{refused}");
}
