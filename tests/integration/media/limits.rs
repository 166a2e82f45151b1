//! What cannot be negotiated, what cannot be started, and that nothing is left of what was.

use std::net::{IpAddr, Ipv4Addr};

use meeting::media::{Census, Media, MediaConfig, MediaError, MediaIp, MediaStartError};
use meeting::meeting::media::MediaCommand;
use meeting::protocol::ids::{ParticipantId, TrackId};
use meeting::protocol::object::{Leg, MediaKind, Source, SourceMid};
use rtc::peer_connection::RTCPeerConnectionBuilder;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};

use super::{Fixture, client, open, start};

/// An offer of a microphone and a camera, without a socket.
pub fn offer() -> String {
    let now = std::time::Instant::now();
    let mut media = MediaEngine::default();
    media.register_default_codecs().unwrap();
    let builder = RTCPeerConnectionBuilder::new().with_media_engine(media);
    let mut pc = builder.build(now).unwrap();
    for (ssrc, kind) in [(7, MediaKind::Audio), (8, MediaKind::Video)] {
        let direction = RTCRtpTransceiverDirection::Sendonly;
        let init = RTCRtpTransceiverInit {
            direction,
            ..Default::default()
        };
        pc.add_transceiver_from_track(client::track("x", kind, ssrc), Some(init))
            .unwrap();
    }
    let offer = pc.create_offer(None).unwrap();
    offer.sdp
}

fn sources() -> Vec<SourceMid> {
    let both = [("0", Source::Microphone), ("1", Source::Camera)];
    both.map(|(mid, source)| SourceMid {
        mid: mid.to_owned(),
        source,
    })
    .to_vec()
}

#[tokio::test]
async fn what_cannot_be_negotiated_is_refused() {
    let meeting = Fixture::start();
    let (ada, stranger) = (ParticipantId::random(), ParticipantId::random());
    meeting.admit(&ada);
    let room = &meeting.room;
    let publish = |who: &ParticipantId, revision, sdp: &str, sources: Vec<SourceMid>| {
        let (who, sdp, room) = (who.clone(), sdp.to_owned(), room.clone());
        async move {
            room.publish(&who, revision, sdp, sources)
                .await
                .map(|answer| answer.answer.revision)
        }
    };
    let offer = offer();
    let source = |mid: &str, source| SourceMid {
        mid: mid.to_owned(),
        source,
    };

    assert_eq!(
        publish(&stranger, 1, &offer, sources()).await,
        Err(MediaError::NotAdmitted)
    );
    for sdp in [
        "",
        "v=0",
        "hello",
        &offer[..offer.len() / 2],
        &"x".repeat(300_000),
    ] {
        let refused = publish(&ada, 1, sdp, sources()).await;
        assert!(matches!(refused, Err(MediaError::BadSdp(_))), "{refused:?}");
    }
    for wrong in [
        vec![source("7", Source::Camera)],
        vec![source("0", Source::Camera)],
        vec![source("1", Source::Camera), source("1", Source::Screen)],
        vec![source("1", Source::Camera), source("1", Source::Camera)],
    ] {
        let refused = publish(&ada, 1, &offer, wrong).await;
        assert!(matches!(refused, Err(MediaError::BadSdp(_))), "{refused:?}");
    }
    assert_eq!(publish(&ada, 3, &offer, sources()).await, Ok(3));
    assert_eq!(
        publish(&ada, 3, &offer, sources()).await,
        Err(MediaError::Stale)
    );
    for sdp in [offer.as_str(), "garbage"] {
        assert_eq!(
            publish(&ada, 2, sdp, sources()).await,
            Err(MediaError::Stale)
        );
    }

    let refused = room.receive(&ada, 9, 1).await;
    assert!(matches!(refused, Err(MediaError::Limit(_))));
    let refused = room.receive(&ada, 1, 26).await;
    assert!(matches!(refused, Err(MediaError::Limit(_))));
    assert_eq!(
        room.answer(&ada, 1, offer.clone()).await,
        Err(MediaError::Stale)
    );
    let down = room.receive(&ada, 8, 25).await.unwrap();
    assert_eq!(down.slots.len(), 33);
    assert!(matches!(
        room.answer(&ada, down.revision, offer.clone()).await,
        Err(MediaError::BadSdp(_))
    ));
    assert_eq!(
        room.answer(&ada, down.revision + 1, down.sdp.clone()).await,
        Err(MediaError::Stale)
    );
    assert_eq!(
        room.restart(&stranger, Leg::Down).await,
        Err(MediaError::NotAdmitted)
    );
    meeting.media.shutdown().await;
    assert_eq!(room.receive(&ada, 1, 1).await, Err(MediaError::Gone));
}

#[tokio::test]
async fn a_server_says_why_it_cannot_start() {
    let start = |ips, port, threads| {
        let config = MediaConfig {
            ips,
            port,
            threads,
            wildcards: Vec::new(),
            listeners: Vec::new(),
        };
        Media::start(config).map(drop)
    };
    let loopback = MediaIp::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let any = MediaIp::from(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    assert!(matches!(
        start(vec![], 0, 1),
        Err(MediaStartError::NoAddress)
    ));
    assert!(matches!(
        start(vec![any], 0, 1),
        Err(MediaStartError::BadAddress(_))
    ));
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = start(vec![loopback], port, 1).unwrap_err().to_string();
    assert!(error.contains(&format!("127.0.0.1:{port}")), "{error}");
}

#[tokio::test]
async fn a_room_is_freed_with_its_last_handle() {
    let meeting = Fixture::start();
    let ada = ParticipantId::random();
    meeting.admit(&ada);
    meeting.room.receive(&ada, 1, 1).await.unwrap();
    let counted = meeting.media.census().await;
    assert_eq!(
        (counted.rooms, counted.connections, counted.ufrags),
        (1, 1, 1)
    );
    let Fixture {
        media,
        room,
        events,
    } = meeting;
    drop(room);
    let (room, _events) = open(&media);
    let rest = Fixture {
        media,
        room: room.clone(),
        events,
    };
    rest.command(MediaCommand::Close);
    rest.empties().await;
}

fn entries(directory: &str) -> usize {
    std::fs::read_dir(directory).map_or(0, Iterator::count)
}

#[tokio::test]
async fn two_hundred_people_come_and_go_without_a_trace() {
    let media = start(2);
    let (sockets, threads) = (entries("/proc/self/fd"), entries("/proc/self/task"));
    let (room, mut events) = open(&media);
    let offer = offer();
    for round in 0..2 {
        let people: Vec<ParticipantId> = (0..100).map(|_| ParticipantId::random()).collect();
        for person in &people {
            let admit = MediaCommand::Admit {
                participant: person.clone(),
            };
            room.try_command(admit).expect("the inbox has room");
            room.publish(person, 1, offer.clone(), sources())
                .await
                .unwrap();
            room.receive(person, 2, 2).await.unwrap();
            for source in [Source::Microphone, Source::Camera] {
                let (participant, track) = (person.clone(), TrackId::random());
                let start = MediaCommand::StartTrack {
                    participant,
                    track,
                    source,
                    muted: false,
                };
                room.try_command(start).expect("the inbox has room");
            }
        }
        let full = media.census().await;
        let counts = (
            full.participants,
            full.connections,
            full.tracks,
            full.slots,
            full.ufrags,
        );
        assert_eq!(counts, (100, 200, 200, 400, 200), "round {round}");
        for person in &people {
            let dismiss = MediaCommand::Dismiss {
                participant: person.clone(),
            };
            room.try_command(dismiss).expect("the inbox has room");
        }
        let empty = Census {
            rooms: 1,
            ..Census::default()
        };
        assert_eq!(media.census().await, empty, "round {round}");
    }
    while events.try_recv().is_ok() {}
    // Other tests run beside this one; a leak would show a hundredfold.
    assert!(entries("/proc/self/fd") < sockets + 100);
    assert!(entries("/proc/self/task") < threads + 100);
    room.try_command(MediaCommand::Close)
        .expect("the inbox has room");
    assert_eq!(media.census().await, Census::default());
    media.shutdown().await;
}
