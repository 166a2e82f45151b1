//! Media through the workers over real loopback sockets, with clients of another WebRTC stack's API.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod cheats;
mod client;
mod limits;
mod one_port;
mod str0m_client;
mod tcp;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use meeting::media::{Census, Media, MediaConfig, RoomMedia};
use meeting::meeting::media::{MediaCommand, MediaEvent};
use meeting::protocol::ids::{ParticipantId, TrackId};
use meeting::protocol::object::{MediaKind, Slot, Source};
use tokio::sync::{Notify, mpsc};

use self::client::{Client, PATIENCE, Received};
pub use self::limits::offer;

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
        client.publish(&mut self.room.clone()).await;
        client.receive(&mut self.room.clone(), 2, 3).await;
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
    let ips = vec![IpAddr::V4(Ipv4Addr::LOCALHOST).into()];
    Media::start(MediaConfig {
        ips,
        port: 0,
        threads,
        wildcards: Vec::new(),
        listeners: Vec::new(),
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

/// Sends a picture and a sound of one number every 20 ms until it is stopped.
struct Sending {
    task: tokio::task::JoinHandle<Client>,
    stop: Arc<Notify>,
    next: Arc<AtomicU32>,
}

impl Sending {
    fn start(client: Client) -> Self {
        Self::numbered(client, 0)
    }

    /// The numbers begin here.
    fn numbered(client: Client, first: u32) -> Self {
        let stop = Arc::new(Notify::new());
        let next = Arc::new(AtomicU32::new(first));
        let (stopped, counter) = (Arc::clone(&stop), Arc::clone(&next));
        let task = tokio::spawn(async move {
            let mut every = tokio::time::interval(Duration::from_millis(20));
            loop {
                tokio::select! {
                    _ = every.tick() => {}
                    () = stopped.notified() => break,
                }
                let number = counter.fetch_add(1, Ordering::SeqCst);
                client.send(MediaKind::Video, picture(number)).await;
                client.send(MediaKind::Audio, sound(number)).await;
            }
            client
        });
        Self { task, stop, next }
    }

    /// The number that is sent next: it and what follows are sent after this call.
    fn next(&self) -> u32 {
        self.next.load(Ordering::SeqCst)
    }

    async fn stop(self) -> Client {
        self.stop.notify_one();
        self.task.await.expect("sending does not panic")
    }
}

/// The next packet of a kind, with its number.
async fn next_number(client: &mut Client, kind: MediaKind) -> (u32, u16) {
    loop {
        let received = client.next().await;
        if received.kind == kind {
            return (received.number(), received.sequence);
        }
    }
}

/// So many packets of what may pass are waited for, before it is believed that the rest does not.
const WITNESSES: usize = 25;

/// Sees that of what comes nothing is forbidden, while packets come that witness that the way is open.
async fn nothing_forbidden(
    client: &mut Client,
    is_forbidden: impl Fn(&Received) -> bool,
    is_witness: impl Fn(&Received) -> bool,
) {
    let mut witnesses = 0;
    while witnesses < WITNESSES {
        let received = client.next().await;
        assert!(!is_forbidden(&received), "{received:?}");
        witnesses += usize::from(is_witness(&received));
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
    meeting.start_track(&ada.id, Source::Microphone);
    let ada = Sending::start(ada);
    next_number(&mut bo, MediaKind::Video).await;

    let mute = |muted| MediaCommand::SetMuted {
        track: camera.clone(),
        muted,
    };
    meeting.command(mute(true));
    no_pictures(&meeting, &ada, &mut bo).await;
    meeting.command(mute(false));
    let (_, before) = next_number(&mut bo, MediaKind::Video).await;
    meeting.command(MediaCommand::StopTrack { track: camera });
    no_pictures(&meeting, &ada, &mut bo).await;

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

/// Once the commands so far are carried out no picture comes any more, though the sounds of that time do.
async fn no_pictures(meeting: &Fixture, ada: &Sending, bo: &mut Client) {
    // The census is answered after the command.
    meeting.media.census().await;
    let from = ada.next();
    let later = |received: &Received, kind| received.kind == kind && received.number() >= from;
    nothing_forbidden(
        bo,
        |received| later(received, MediaKind::Video),
        |received| later(received, MediaKind::Audio),
    )
    .await;
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
    bo.receive(&mut meeting.room.clone(), 1, 1).await;
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
