//! Media over TCP through the whole server: clients that know nothing of it, behind a relay that carries their datagrams
//! in frames (RFC 4571) to the port of the page.

use std::net::SocketAddr;
use std::sync::Arc;

use meeting::config::Key;
use meeting::protocol::ids::ParticipantId;
use meeting::protocol::object::{MediaKind, SourceMid};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpStream, UdpSocket};
use tokio::task::JoinHandle;

use super::client::{Client, Signalling};
use super::{Sending, next_number};
use crate::support::{self, Server, soon};

/// Signalling whose media goes by TCP alone. Each description leads to a relay of its own.
struct OverTcp<'a> {
    client: &'a mut support::Client,
    /// They end with their streams.
    relays: Vec<JoinHandle<()>>,
    /// The letters of the media threads.
    threads: Vec<String>,
}

impl<'a> OverTcp<'a> {
    fn new(client: &'a mut support::Client) -> Self {
        Self {
            client,
            relays: Vec::new(),
            threads: Vec::new(),
        }
    }

    async fn relayed(&mut self, sdp: &str) -> String {
        let (server, others) = taken_out(sdp);
        let udp = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let port = udp.local_addr().unwrap().port();
        self.relays.push(tokio::spawn(relay(udp, server)));
        let (_, ufrag) = sdp.split_once("a=ice-ufrag:").unwrap();
        self.threads.push(ufrag[..1].to_owned());
        let relay = format!("a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host\r\n");
        others.replace(
            "a=end-of-candidates\r\n",
            &format!("{relay}a=end-of-candidates\r\n"),
        )
    }
}

/// Where the server takes streams, and the description without any of its candidates.
fn taken_out(sdp: &str) -> (SocketAddr, String) {
    let mut streams: Vec<SocketAddr> = Vec::new();
    let mut others = String::new();
    for line in sdp.split_inclusive("\r\n") {
        let Some(candidate) = line.strip_prefix("a=candidate:") else {
            others += line;
            continue;
        };
        let words: Vec<&str> = candidate.split_whitespace().collect();
        if words[2] == "tcp" {
            assert_eq!(words[6..], ["typ", "host", "tcptype", "passive"]);
            streams.push(format!("{}:{}", words[4], words[5]).parse().unwrap());
        }
    }
    streams.dedup();
    assert_eq!(streams.len(), 1, "{sdp}");
    (streams[0], others)
}

/// Carries the datagrams of one client in frames until the server ends the stream.
async fn relay(udp: Arc<UdpSocket>, server: SocketAddr) {
    let mut datagram = vec![0; 2_048];
    let (length, client) = udp.recv_from(&mut datagram).await.unwrap();
    let stream = TcpStream::connect(server).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (reader, mut writer) = stream.into_split();
    send(&mut writer, &datagram[..length]).await;
    tokio::select! {
        () = down(reader, &udp, client) => {}
        () = up(writer, &udp) => {}
    }
}

async fn send(writer: &mut OwnedWriteHalf, datagram: &[u8]) -> bool {
    let length = u16::try_from(datagram.len()).unwrap().to_be_bytes();
    let frame = [&length[..], datagram].concat();
    writer.write_all(&frame).await.is_ok()
}

async fn up(mut writer: OwnedWriteHalf, udp: &UdpSocket) {
    let mut datagram = vec![0; 2_048];
    loop {
        let (length, _) = udp.recv_from(&mut datagram).await.unwrap();
        if !send(&mut writer, &datagram[..length]).await {
            return;
        }
    }
}

async fn down(mut reader: OwnedReadHalf, udp: &UdpSocket, client: SocketAddr) {
    while let Ok(length) = reader.read_u16().await {
        let mut packet = vec![0; usize::from(length)];
        if reader.read_exact(&mut packet).await.is_err() {
            return;
        }
        udp.send_to(&packet, client).await.unwrap();
    }
}

impl Signalling for OverTcp<'_> {
    async fn publish(
        &mut self,
        who: &ParticipantId,
        offer: String,
        sources: Vec<SourceMid>,
    ) -> String {
        let answer = self.client.publish(who, offer, sources).await;
        self.relayed(&answer).await
    }

    async fn receive(&mut self, who: &ParticipantId, audio: u32, video: u32) -> (u64, String) {
        let (revision, offer) = self.client.receive(who, audio, video).await;
        let offer = self.relayed(&offer).await;
        (revision, offer)
    }

    async fn answer(&mut self, who: &ParticipantId, revision: u64, answer: String) {
        self.client.answer(who, revision, answer).await;
    }
}

/// Two people in a room of their own, both by TCP alone.
struct Pair {
    host: support::Client,
    guest: support::Client,
    sending: Sending,
    receiving: Client,
    streams: Vec<JoinHandle<()>>,
    threads: Vec<String>,
}

impl Pair {
    async fn meet(server: &Server, name: &str) -> Self {
        let mut host = server.account(name).await;
        let room = host.create(json!({ "name": name })).await;
        host.join(&room).await;
        let mut guest = server.member("Guest", &room).await;
        let (mut sending, mut receiving) = (Client::new(), Client::new());
        let mut up = OverTcp::new(&mut host);
        sending.publish(&mut up).await;
        let (mut streams, mut threads) = (up.relays, up.threads);
        let mut down = OverTcp::new(&mut guest);
        receiving.receive(&mut down, 2, 2).await;
        streams.append(&mut down.relays);
        threads.append(&mut down.threads);
        for source in ["microphone", "camera"] {
            let source = json!({ "source": source, "active": true });
            host.ok("media.source", source).await;
        }
        Self {
            host,
            guest,
            sending: Sending::start(sending),
            receiving,
            streams,
            threads,
        }
    }

    async fn see_and_hear(&mut self) {
        for kind in [MediaKind::Video, MediaKind::Audio] {
            let (mut number, mut sequence) = next_number(&mut self.receiving, kind).await;
            for _ in 0..50 {
                let (next, follows) = next_number(&mut self.receiving, kind).await;
                let step = u32::from(follows.wrapping_sub(sequence));
                assert_eq!(next - number, step, "numbers keep step");
                (number, sequence) = (next, follows);
            }
        }
    }

    /// Their streams end with their connections, and not before.
    async fn part(mut self) {
        assert!(self.streams.iter().all(|stream| !stream.is_finished()));
        for client in [&mut self.host, &mut self.guest] {
            client.ok("room.leave", json!({})).await;
        }
        for stream in self.streams {
            soon(stream).await.unwrap();
        }
        self.sending.stop().await.close().await;
        self.receiving.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_and_hear_each_other_by_tcp_alone_on_whichever_thread_they_are() {
    let server = Server::with(&[(Key::NoRateLimit, "on"), (Key::MediaThreads, "3")]).await;
    let mut pairs = Vec::new();
    for (name, thread) in [("ada", "A"), ("bo", "B"), ("cy", "C")] {
        let mut pair = Pair::meet(&server, name).await;
        assert_eq!(pair.threads, [thread, thread]);
        pair.see_and_hear().await;
        pairs.push(pair);
    }
    for pair in pairs {
        pair.part().await;
    }
}

/// A check for a connection of the first thread that there is not, in a frame.
fn stray_check() -> Vec<u8> {
    let username = b"AAAAAAAA:them";
    let mut check = vec![0, 1, 0, 20, 0x21, 0x12, 0xa4, 0x42];
    check.extend([7; 12]);
    check.extend([0, 6, 0, username.len() as u8]);
    check.extend(username);
    check.extend([0; 3]);
    [&(check.len() as u16).to_be_bytes()[..], &check].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_silent_half_there_or_full_of_nonsense_disturb_nobody() {
    let server = Server::with(&[(Key::NoRateLimit, "on"), (Key::MediaThreads, "1")]).await;
    let mut pair = Pair::meet(&server, "ada").await;
    pair.see_and_hear().await;
    let stray = stray_check();
    let connect = async || TcpStream::connect(server.address).await.unwrap();
    let mut waiting = Vec::new();
    // Silent, with half a check, with a whole one that nobody signed, and with half a frame behind it.
    let behind = [&stray[..], &[4, 0, 128]].concat();
    for first in [&[][..], &stray[..12], &stray, &behind] {
        for _ in 0..10 {
            let mut stream = connect().await;
            stream.write_all(first).await.unwrap();
            waiting.push(stream);
        }
    }
    let flood = stray.repeat(100);
    let floods = (0..10).map(async |_| {
        let mut stream = connect().await;
        // It ends while something is on its way.
        while stream.write_all(&flood).await.is_ok() {}
    });
    let watching = async {
        for _ in 0..3 {
            pair.see_and_hear().await;
        }
    };
    tokio::join!(soon(futures_util::future::join_all(floods)), watching);
    drop(waiting);
    pair.part().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_tcp_is_off_nobody_is_told_of_it() {
    let server = Server::with(&[(Key::MediaTcpPort, "off")]).await;
    let (mut ada, _) = server.meeting(json!({})).await;
    let slots = json!({ "audio_slots": 1, "video_slots": 1 });
    let offer = ada.ok("media.receive", slots).await;
    let sdp = offer["sdp"].as_str().unwrap();
    assert!(sdp.contains(" udp ") && !sdp.contains(" tcp "), "{sdp}");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_media_has_a_port_of_its_own_that_serves_no_page() {
    // One that is free now for both.
    let tcp = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = tcp.local_addr().unwrap().port();
    drop(tcp);
    let given = port.to_string();
    let public = "192.0.2.1";
    let server = Server::with(&[(Key::MediaIp, public), (Key::MediaTcpPort, &given)]).await;
    let (mut ada, _) = server.meeting(json!({})).await;
    let slots = json!({ "audio_slots": 1, "video_slots": 1 });
    let offer = ada.ok("media.receive", slots).await;
    let (address, _) = taken_out(offer["sdp"].as_str().unwrap());
    assert_eq!(address.to_string(), format!("{public}:{port}"));
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}
