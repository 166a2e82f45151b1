//! Several media threads at one UDP port: whatever thread the kernel gives a datagram to, it reaches its room.

use std::net::SocketAddr;
use std::sync::Arc;

use meeting::media::{MediaConfig, MediaIp, RoomMedia};
use meeting::protocol::ids::ParticipantId;
use meeting::protocol::object::SourceMid;
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::client::Signalling;
use super::*;

/// A room of four with a camera and a microphone, to be heard by the three others.
async fn room_of_four(media: &Media) -> (Fixture, Sending, Vec<Client>) {
    let (room, events) = open(media);
    let meeting = Fixture {
        media: media.clone(),
        room,
        events,
    };
    let (ada, bo, cy, di) = tokio::join!(
        meeting.join(),
        meeting.join(),
        meeting.join(),
        meeting.join()
    );
    meeting.start_track(&ada.id, Source::Microphone);
    meeting.start_track(&ada.id, Source::Camera);
    (meeting, Sending::start(ada), vec![bo, cy, di])
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_and_hears_their_room_whatever_thread_it_is_on() {
    let media = start(2);
    let mut addresses = media.addresses();
    addresses.dedup();
    assert_eq!(addresses.len(), 1, "one port");
    let rooms = tokio::join!(
        room_of_four(&media),
        room_of_four(&media),
        room_of_four(&media)
    );
    let mut rooms = [rooms.0, rooms.1, rooms.2];
    for (_, _, listeners) in &mut rooms {
        for listener in listeners {
            for kind in [MediaKind::Video, MediaKind::Audio] {
                let (first, began) = next_number(listener, kind).await;
                let (mut last, mut ended) = (first, began);
                for _ in 0..20 {
                    (last, ended) = next_number(listener, kind).await;
                }
                let sequence = u32::from(ended.wrapping_sub(began));
                assert_eq!(last - first, sequence, "numbers keep step");
            }
        }
    }
    let census = media.census().await;
    assert_eq!((census.rooms, census.connections), (3, 24));
    assert!(census.addresses >= 24, "each has its path: {census:?}");
    let mut last = None;
    for (meeting, sending, listeners) in rooms {
        sending.stop().await.close().await;
        for listener in listeners {
            listener.close().await;
        }
        meeting.command(MediaCommand::Close);
        last = Some(meeting);
    }
    last.unwrap().empties().await;
    media.shutdown().await;
}

/// Signalling whose media passes a NAT that gives the client another port whenever it is told to.
struct BehindNat {
    room: RoomMedia,
    server: SocketAddr,
    renumber: Arc<Notify>,
    nats: Vec<JoinHandle<()>>,
}

impl BehindNat {
    async fn translated(&mut self, sdp: &str) -> String {
        let inside = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let nat = format!(" {} typ", inside.local_addr().unwrap().port());
        let (server, renumber) = (self.server, Arc::clone(&self.renumber));
        self.nats
            .push(tokio::spawn(translate(inside, server, renumber)));
        let direct = format!(" {} typ", self.server.port());
        assert!(sdp.contains(&direct), "{sdp}");
        sdp.replace(&direct, &nat)
    }
}

async fn translate(inside: UdpSocket, server: SocketAddr, renumber: Arc<Notify>) {
    let mut outside = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut client = None;
    let (mut out, mut back) = ([0; 2_048], [0; 2_048]);
    loop {
        tokio::select! {
            came = inside.recv_from(&mut out) => {
                let (length, from) = came.unwrap();
                client = Some(from);
                outside.send_to(&out[..length], server).await.unwrap();
            }
            came = outside.recv_from(&mut back) => {
                let (length, _) = came.unwrap();
                if let Some(client) = client {
                    inside.send_to(&back[..length], client).await.unwrap();
                }
            }
            () = renumber.notified() => outside = UdpSocket::bind("127.0.0.1:0").await.unwrap(),
        }
    }
}

impl Signalling for BehindNat {
    async fn publish(
        &mut self,
        who: &ParticipantId,
        offer: String,
        sources: Vec<SourceMid>,
    ) -> String {
        let answer = Signalling::publish(&mut self.room, who, offer, sources).await;
        self.translated(&answer).await
    }

    async fn receive(&mut self, who: &ParticipantId, audio: u32, video: u32) -> (u64, String) {
        let (revision, offer) = Signalling::receive(&mut self.room, who, audio, video).await;
        let offer = self.translated(&offer).await;
        (revision, offer)
    }

    async fn answer(&mut self, who: &ParticipantId, revision: u64, answer: String) {
        Signalling::answer(&mut self.room, who, revision, answer).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_gets_another_port_goes_on_sending_and_receiving() {
    let media = start(2);
    let (room, events) = open(&media);
    let mut nat = BehindNat {
        room: room.clone(),
        server: media.addresses()[0],
        renumber: Arc::default(),
        nats: Vec::new(),
    };
    let meeting = Fixture {
        media: media.clone(),
        room,
        events,
    };
    let (mut ada, mut bo) = (Client::new(), Client::new());
    for client in [&mut ada, &mut bo] {
        meeting.admit(&client.id);
        client.publish(&mut nat).await;
        client.receive(&mut nat, 2, 3).await;
    }
    meeting.start_track(&ada.id, Source::Microphone);
    meeting.start_track(&ada.id, Source::Camera);
    let ada = Sending::start(ada);
    next_number(&mut bo, MediaKind::Audio).await;
    // Each port may lead to another thread's socket.
    for _ in 0..6 {
        nat.renumber.notify_waiters();
        let after = ada.next();
        while next_number(&mut bo, MediaKind::Audio).await.0 < after + 5 {}
    }
    ada.stop().await.close().await;
    bo.close().await;
    for nat in nat.nats {
        nat.abort();
    }
    media.shutdown().await;
}

#[tokio::test]
async fn a_second_server_at_the_same_port_is_refused_until_the_first_has_ended() {
    let loopback = MediaIp::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let at = |port, threads| {
        Media::start(MediaConfig {
            ips: vec![loopback],
            port,
            wildcards: Vec::new(),
            threads,
            listeners: Vec::new(),
        })
    };
    let first = at(0, 2).unwrap();
    let address = first.addresses()[0];
    for threads in [1, 2] {
        let refused = at(address.port(), threads).err().unwrap().to_string();
        assert!(refused.contains(&address.to_string()), "{refused}");
    }
    first.shutdown().await;
    let next = at(address.port(), 2).unwrap();
    assert_eq!(next.addresses(), [address]);
    next.shutdown().await;
}
