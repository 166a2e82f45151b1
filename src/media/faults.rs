//! What becomes of rooms when a part of the media plane fails.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::media::{Fault, Media, MediaConfig, MediaError, RoomMedia};
use crate::meeting::media::{MediaCommand, MediaEvent};
use crate::protocol::ids::ParticipantId;

pub(super) type Events = mpsc::Receiver<MediaEvent>;

pub(super) fn media() -> Media {
    Media::start(MediaConfig {
        ips: vec![std::net::IpAddr::from([127, 0, 0, 1]).into()],
        port: 0,
        threads: 1,
        wildcards: Vec::new(),
        listeners: Vec::new(),
    })
    .unwrap()
}

fn sink() -> (crate::media::EventSink, Events) {
    let (reported, events) = mpsc::channel(64);
    let sink = move |event| {
        let _ = reported.try_send(event);
        Ok(())
    };
    (Box::new(sink), events)
}

pub(super) fn room(media: &Media) -> (RoomMedia, Events) {
    let (sink, events) = sink();
    (media.open_room(sink), events)
}

/// A participant comes in and asks for a connection.
async fn served(room: &RoomMedia) -> Result<u64, MediaError> {
    let participant = ParticipantId::random();
    let admit = MediaCommand::Admit {
        participant: participant.clone(),
    };
    room.try_command(admit).unwrap();
    let offer = room.receive(&participant, 0, 1).await?;
    Ok(offer.revision)
}

#[tokio::test]
async fn a_room_that_panics_is_told_and_begins_anew_and_others_go_on() {
    let media = media();
    let ((broken, mut reported), (sound, mut silent)) = (room(&media), room(&media));
    let clone = broken.clone();
    assert_eq!(served(&broken).await, Ok(1));
    broken.suffer(Fault::Room);
    assert_eq!(reported.recv().await, Some(MediaEvent::Failed));
    assert_eq!(served(&broken).await, Err(MediaError::Gone));
    let (events, mut reported) = sink();
    broken.begin_anew(events);
    let revision = served(&clone).await.unwrap();
    assert!(revision > 1_000, "offers are newer than all before");
    assert_eq!(served(&sound).await, Ok(1));
    assert!(reported.try_recv().is_err() && silent.try_recv().is_err());
    assert_eq!(media.census().await.rooms, 2);
}

#[tokio::test]
async fn who_had_a_connection_that_panics_is_told_and_makes_another() {
    let media = media();
    let (room, mut reported) = room(&media);
    let participant = ParticipantId::random();
    let admit = MediaCommand::Admit {
        participant: participant.clone(),
    };
    room.try_command(admit).unwrap();
    room.receive(&participant, 0, 1).await.unwrap();
    room.suffer(Fault::Connections);
    let broke = MediaEvent::Broke {
        participant: participant.clone(),
    };
    assert_eq!(reported.recv().await, Some(broke));
    assert_eq!(media.census().await.connections, 0);
    let again = room.receive(&participant, 0, 1).await.unwrap();
    assert_eq!(again.revision, 2);
}

#[tokio::test]
async fn a_worker_that_panics_begins_anew_and_tells_its_rooms() {
    let media = media();
    let rooms = [room(&media), room(&media)];
    rooms[0].0.suffer(|_| Fault::Worker);
    for (room, mut reported) in rooms {
        assert_eq!(reported.recv().await, Some(MediaEvent::Failed));
        let (events, _reported) = sink();
        room.begin_anew(events);
        assert!(served(&room).await.is_ok());
    }
    assert!(media.is_well().await && !media.has_failed());
}

#[tokio::test]
async fn a_worker_that_panics_again_and_again_is_given_up_and_said_to_be() {
    let media = media();
    let (room, mut reported) = room(&media);
    let failed = media.failed();
    for _ in 0..6 {
        room.suffer(|_| Fault::Worker);
    }
    assert_eq!(reported.recv().await, Some(MediaEvent::Failed));
    failed.await;
    assert!(media.has_failed() && !media.is_well().await);
    assert_eq!(served(&room).await, Err(MediaError::Gone));
    media.shutdown().await;
}

#[tokio::test]
async fn nobody_waits_for_ever_for_a_worker_that_is_stuck() {
    let media = media();
    let (room, _reported) = room(&media);
    assert!(media.is_well().await);
    let (end, until) = std::sync::mpsc::sync_channel::<()>(0);
    room.suffer(|_| Fault::Stall(until));
    // Time goes on by itself while everybody waits.
    tokio::time::pause();
    assert!(!media.is_well().await);
    let participant = ParticipantId::random();
    let admit = MediaCommand::Admit {
        participant: participant.clone(),
    };
    room.try_command(admit).unwrap();
    let began = tokio::time::Instant::now();
    let answer = room.receive(&participant, 0, 1).await;
    assert_eq!(answer, Err(MediaError::Silent));
    assert!(began.elapsed() < Duration::from_secs(10));
    tokio::time::resume();
    drop(end);
    // The server has not carried out a request that nobody waits for. A client that asks again gets the first offer.
    assert_eq!(room.receive(&participant, 0, 1).await.unwrap().revision, 1);
    assert!(media.is_well().await);
}

#[tokio::test]
async fn workers_that_are_told_to_end_have_not_failed() {
    let media = media();
    let failed = media.failed();
    media.shutdown().await;
    assert!(!media.has_failed());
    let waited = tokio::time::timeout(Duration::from_millis(20), failed).await;
    assert!(waited.is_err());
}
