//! Media through the workers over real loopback sockets, with clients of another WebRTC stack's API.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod client;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use meeting::media::{Census, Media, MediaConfig, MediaError, MediaStartError, RoomMedia};
use meeting::meeting::media::{MediaCommand, MediaEvent};
use meeting::protocol::ids::{ParticipantId, TrackId};
use meeting::protocol::object::{Leg, MediaKind, Slot, Source, SourceMid};
use rtc::peer_connection::RTCPeerConnectionBuilder;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use tokio::sync::mpsc;

use self::client::{Client, PATIENCE};

/// A room on a server of its own.
struct Fixture {
    media: Media,
    room: RoomMedia,
    events: mpsc::Receiver<MediaEvent>,
}

impl Fixture {
    fn start() -> Self {
        let media = start(1);
        let (room, events) = open(&media);
        Self {
            media,
            room,
            events,
        }
    }

    fn command(&self, command: MediaCommand) {
        self.room.try_command(command).expect("the inbox has room");
    }

    fn admit(&self, participant: &ParticipantId) {
        self.command(MediaCommand::Admit {
            participant: participant.clone(),
        });
    }

    fn dismiss(&self, participant: &ParticipantId) {
        self.command(MediaCommand::Dismiss {
            participant: participant.clone(),
        });
    }

    fn start_track(&self, participant: &ParticipantId, source: Source) -> TrackId {
        let track = TrackId::random();
        self.command(MediaCommand::StartTrack {
            participant: participant.clone(),
            track: track.clone(),
            source,
            muted: false,
        });
        track
    }

    async fn join(&self) -> Client {
        let mut client = Client::new();
        self.admit(&client.id);
        client.publish(&self.room).await;
        client.receive(&self.room, 2, 3).await;
        client
    }

    /// Waits until somebody's slot carries a track.
    async fn carried(&mut self, to: &ParticipantId, track: &TrackId) -> Slot {
        loop {
            let MediaEvent::Slots { to: told, slots } = self.event().await else {
                continue;
            };
            let slot = slots
                .slots
                .into_iter()
                .find(|slot| slot.track.as_ref() == Some(track));
            if let Some(slot) = slot.filter(|_| told == *to) {
                return slot;
            }
        }
    }

    async fn event(&mut self) -> MediaEvent {
        let event = tokio::time::timeout(PATIENCE, self.events.recv()).await;
        event
            .expect("no event came")
            .expect("the worker holds the sink")
    }

    /// Waits until nothing is left.
    async fn empties(&self) {
        let emptied = async {
            while self.media.census().await != Census::default() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, emptied)
            .await
            .expect("something leaked");
    }
}

fn start(threads: usize) -> Media {
    let ips = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    Media::start(MediaConfig {
        ips,
        port: 0,
        threads,
    })
    .expect("loopback has free ports")
}

fn open(media: &Media) -> (RoomMedia, mpsc::Receiver<MediaEvent>) {
    let (sink, events) = mpsc::channel(256);
    let sink = move |event| {
        sink.try_send(event)
            .map_err(mpsc::error::TrySendError::into_inner)
    };
    (media.open_room(Box::new(sink)), events)
}

/// A VP8 payload that begins a keyframe, and says which it is.
fn picture(number: u32) -> Bytes {
    Bytes::from([&[0x10, 0x00][..], &number.to_be_bytes()].concat())
}

/// Something that could be Opus, and says which it is.
fn sound(number: u32) -> Bytes {
    Bytes::from([&[0xfc][..], &number.to_be_bytes()].concat())
}

/// Sends a picture and a sound every 20 ms until it is dropped.
struct Sending(tokio::task::JoinHandle<Client>, Arc<tokio::sync::Notify>);

impl Sending {
    fn start(client: Client) -> Self {
        let stop = Arc::new(tokio::sync::Notify::new());
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut every = tokio::time::interval(Duration::from_millis(20));
            for number in 0.. {
                tokio::select! {
                    _ = every.tick() => {}
                    () = stopped.notified() => break,
                }
                client.send(MediaKind::Video, picture(number)).await;
                client.send(MediaKind::Audio, sound(number)).await;
            }
            client
        });
        Self(task, stop)
    }

    async fn stop(self) -> Client {
        self.1.notify_one();
        self.0.await.expect("sending does not panic")
    }
}

/// The next packet of a kind, with its number.
async fn next_number(client: &mut Client, kind: MediaKind) -> (u32, u16) {
    loop {
        let received = client.next().await;
        if received.kind == kind {
            let payload = &received.payload;
            let (head, number) = payload.split_at(payload.len() - 4);
            let whole = if kind == MediaKind::Video {
                &[0x10, 0x00][..]
            } else {
                &[0xfc][..]
            };
            assert_eq!(head, whole, "payloads pass unchanged");
            return (
                u32::from_be_bytes(number.try_into().unwrap()),
                received.sequence,
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_see_and_hear_each_other() {
    let mut meeting = Fixture::start();
    let (ada, mut bo) = tokio::join!(meeting.join(), meeting.join());
    let ada_id = ada.id.clone();
    let microphone = meeting.start_track(&ada.id, Source::Microphone);
    let camera = meeting.start_track(&ada.id, Source::Camera);
    let ada = Sending::start(ada);

    let slot = meeting.carried(&bo.id, &camera).await;
    assert_eq!((slot.kind, slot.reason), (MediaKind::Video, None));
    for kind in [MediaKind::Video, MediaKind::Audio] {
        let (mut number, mut sequence) = next_number(&mut bo, kind).await;
        for _ in 0..20 {
            let (next, follows) = next_number(&mut bo, kind).await;
            assert_eq!(
                next - number,
                u32::from(follows.wrapping_sub(sequence)),
                "numbers keep step"
            );
            (number, sequence) = (next, follows);
        }
    }
    let mut formats = Vec::new();
    while formats.len() < 2 {
        if let MediaEvent::Format { track, codec, .. } = meeting.event().await {
            formats.push((track, codec));
        }
    }
    assert!(formats.contains(&(microphone, "opus".to_owned())));
    assert!(formats.contains(&(camera, "VP8".to_owned())));

    let mut ada = ada.stop().await;
    assert_eq!(ada.drain(), 0, "nobody gets their own media");
    meeting.dismiss(&ada_id);
    meeting.dismiss(&bo.id);
    meeting.command(MediaCommand::Close);
    meeting.empties().await;
    ada.close().await;
    bo.close().await;
    meeting.media.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_muted_or_stopped_track_passes() {
    let mut meeting = Fixture::start();
    let (ada, mut bo) = tokio::join!(meeting.join(), meeting.join());
    let ada_id = ada.id.clone();
    let camera = meeting.start_track(&ada.id, Source::Camera);
    let ada = Sending::start(ada);
    next_number(&mut bo, MediaKind::Video).await;

    let mute = |muted| MediaCommand::SetMuted {
        track: camera.clone(),
        muted,
    };
    meeting.command(mute(true));
    // The census is answered after the command, so what comes after it was under way at most.
    meeting.media.census().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    bo.drain();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(bo.drain(), 0, "muted");

    meeting.command(mute(false));
    let (_, before) = next_number(&mut bo, MediaKind::Video).await;
    meeting.command(MediaCommand::StopTrack { track: camera });
    meeting.media.census().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    bo.drain();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(bo.drain(), 0, "stopped");

    let again = meeting.start_track(&ada_id, Source::Camera);
    meeting.carried(&bo.id, &again).await;
    let (_, after) = next_number(&mut bo, MediaKind::Video).await;
    assert!(
        after.wrapping_sub(before) < 100,
        "the slot's numbers go on: {before} then {after}"
    );
    ada.stop().await.close().await;
    bo.close().await;
    meeting.media.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_comer_sees_what_runs_already() {
    let meeting = Fixture::start();
    let ada = meeting.join().await;
    let ada_id = ada.id.clone();
    meeting.start_track(&ada.id, Source::Camera);
    let ada = Sending::start(ada);

    let mut bo = Client::new();
    meeting.admit(&bo.id);
    let began = std::time::Instant::now();
    bo.receive(&meeting.room, 1, 1).await;
    next_number(&mut bo, MediaKind::Video).await;
    println!("from joining to the first picture: {:?}", began.elapsed());

    meeting.dismiss(&ada_id);
    meeting.dismiss(&bo.id);
    let counted = meeting.media.census().await;
    let nobody = Census {
        rooms: 1,
        ..Census::default()
    };
    assert_eq!(counted, nobody, "dismissing frees everything but the room");
    ada.stop().await.close().await;
    bo.close().await;
    meeting.media.shutdown().await;
}

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

    assert_eq!(room.receive(&ada, 9, 1).await, Err(MediaError::Limit));
    assert_eq!(room.receive(&ada, 1, 26).await, Err(MediaError::Limit));
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
    let start = |ips, port, threads| Media::start(MediaConfig { ips, port, threads }).map(drop);
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    assert!(matches!(
        start(vec![], 0, 1),
        Err(MediaStartError::NoAddress)
    ));
    assert!(matches!(
        start(vec![any], 0, 1),
        Err(MediaStartError::BadAddress(_))
    ));
    assert!(matches!(
        start(vec![loopback], 65_535, 2),
        Err(MediaStartError::PortRange { .. })
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
