//! What waits for a session that does not read.

use futures_util::FutureExt as _;

use super::*;
use crate::meeting::stories::newcomer;
use crate::protocol::event::{
    Event, ParticipantData, QualityUpdate, ReactionData, RoomDeleted, SessionReplaced, SignalSdp,
    SpeakerActive,
};
use crate::protocol::object::{Reaction, Role};
use crate::protocol::passed_on::JsonString;
use crate::protocol::time::Timestamp;

fn event(event: Event) -> OutboxItem {
    OutboxItem::Event(EncodedEvent::new(&event))
}

fn sure() -> OutboxItem {
    event(Event::SessionReplaced(SessionReplaced {}))
}

fn passing() -> OutboxItem {
    event(Event::Reaction(ReactionData {
        participant: ParticipantId::random(),
        emoji: Reaction::Applause,
    }))
}

fn signal(bytes: usize) -> OutboxItem {
    event(Event::SignalOffer(SignalSdp {
        from: ParticipantId::random(),
        connection: None,
        sdp: JsonString::new(&"x".repeat(bytes)),
    }))
}

/// How somebody is whose hand went up at `second`.
fn updated(name: &str, second: i64) -> OutboxItem {
    let at = Timestamp::from_unix_millis(second * 1_000);
    let person =
        crate::meeting::state::roster::Person::new(newcomer(name, name), Role::Member, at.unwrap());
    event(Event::ParticipantUpdated(ParticipantData {
        participant: person.seen,
    }))
}

fn waiting(reader: &OutboxReader) -> usize {
    reader.shared.lock().count
}

async fn drain(reader: &mut OutboxReader) -> Vec<OutboxItem> {
    let mut items = Vec::new();
    while let Some(item) = reader.next().now_or_never() {
        items.push(item);
    }
    items
}

fn has_overflowed(reader: &OutboxReader) -> bool {
    reader.overflow().happened().now_or_never().is_some()
}

#[tokio::test]
async fn large_events_overflow_by_their_bytes() {
    let (outbox, mut reader) = outbox();
    let large = || {
        event(Event::RoomDeleted(RoomDeleted {
            identity: "x".repeat(64).try_into().unwrap(),
        }))
    };
    for _ in 0..3 * OUTBOX_CAPACITY {
        assert_eq!(outbox.push(large()), Pushed::Kept);
        reader.next().await;
    }
    let large = || signal(OUTBOX_BYTES / 4 - ITEM_BYTES - 128);
    for _ in 0..4 {
        assert_eq!(outbox.push(large()), Pushed::Kept);
    }
    assert!(!has_overflowed(&reader));
    assert_eq!(outbox.push(large()), Pushed::Overflowed);
    reader.overflow().happened().await;
}

#[tokio::test]
async fn what_must_not_be_lost_overflows_and_what_may_be_is_dropped() {
    let (outbox, mut reader) = outbox();
    for _ in 0..OUTBOX_CAPACITY * 2 {
        outbox.push(passing());
    }
    assert_eq!(waiting(&reader), LOSSY_LIMIT, "half of it stays free");
    for _ in LOSSY_LIMIT..OUTBOX_CAPACITY {
        assert_eq!(outbox.push(sure()), Pushed::Kept);
    }
    outbox.push(passing());
    assert!(!has_overflowed(&reader));
    assert_eq!(outbox.push(sure()), Pushed::Overflowed);
    reader.overflow().happened().await;
    assert_eq!(drain(&mut reader).await.len(), OUTBOX_CAPACITY);
}

#[tokio::test]
async fn of_one_topic_only_the_newest_waits() {
    let (outbox, mut reader) = outbox();
    outbox.push(sure());
    for second in 0..10 * OUTBOX_CAPACITY as i64 {
        outbox.push(updated("ada", second));
        outbox.push(updated("bo", second));
        for event in [
            Event::SpeakerActive(SpeakerActive {
                participants: vec![],
            }),
            Event::QualityUpdate(QualityUpdate {
                participant: ParticipantId::random(),
                score: 3,
                rtt_ms: None,
                loss: 0.0,
            }),
        ] {
            if second < 10 {
                outbox.push(self::event(event));
            }
        }
    }
    assert!(!has_overflowed(&reader));
    assert!(
        reader.shared.lock().items.len() <= 2 * OUTBOX_CAPACITY,
        "what became needless takes no place"
    );
    let items = drain(&mut reader).await;
    let last = 10 * OUTBOX_CAPACITY as i64 - 1;
    // One of its own, one with the speakers, ten qualities, and both people as they are now.
    assert_eq!(items.len(), 1 + 1 + 10 + 2);
    assert_eq!(items[0], sure());
    assert_eq!(items[12..], [updated("ada", last), updated("bo", last)]);
    // What was read is not looked for any more.
    outbox.push(updated("ada", 0));
    assert_eq!(drain(&mut reader).await, [updated("ada", 0)]);
}

#[tokio::test]
async fn what_others_send_one_alone_has_a_share_of_the_outbox() {
    let (outbox, mut reader) = outbox();
    let mut taken = 0;
    while outbox.has_place_for_relayed(32 * 1024) {
        outbox.push(signal(30 * 1024));
        taken += 1;
    }
    assert!(taken > 4);
    assert!(reader.shared.lock().bytes <= OUTBOX_BYTES / 4 + 64 * 1024);
    assert!(!has_overflowed(&reader));
    // What is read makes place again, of which small ones take so many.
    assert_eq!(drain(&mut reader).await.len(), taken);
    let mut taken = 0;
    while outbox.has_place_for_relayed(1) {
        outbox.push(signal(1));
        taken += 1;
    }
    assert_eq!(taken, OUTBOX_CAPACITY / 4);
    assert!(!has_overflowed(&reader));
}

#[tokio::test]
async fn a_membership_that_was_left_tells_nothing_more() {
    let (outbox, mut reader) = outbox();
    let (before, after) = (outbox.for_membership(), outbox.for_membership());
    before.push(updated("ada", 1));
    after.push(updated("bo", 2));
    before.leave();
    assert_eq!(before.push(sure()), Pushed::Kept);
    assert_eq!(drain(&mut reader).await, [updated("bo", 2)]);
}

#[tokio::test]
async fn nobody_reads_any_more() {
    let (outbox, reader) = outbox();
    outbox.push(sure());
    assert!(!outbox.is_closed());
    drop(reader);
    assert!(outbox.is_closed());
    assert_eq!(outbox.push(sure()), Pushed::Closed);
}

#[tokio::test]
async fn an_outbox_that_overflowed_takes_in_new_events_when_it_is_opened_again() {
    let (outbox, mut reader) = outbox();
    let released = || OutboxItem::Released {
        participant: ParticipantId::try_from("p-ada".to_owned()).unwrap(),
        close: None,
    };
    while outbox.push(sure()) == Pushed::Kept {}
    // What a room does with the session is told all the same.
    assert_eq!(outbox.push(released()), Pushed::Kept);
    assert_eq!(outbox.push(updated("ada", 1)), Pushed::Overflowed);
    reader.reopen();
    assert!(!has_overflowed(&reader));
    outbox.push(updated("ada", 2));
    let kept = [released(), updated("ada", 2)];
    assert_eq!(drain(&mut reader).await, kept, "and no event from before");
    assert_eq!(waiting(&reader), 0);
}

#[tokio::test]
async fn an_outbox_in_which_much_waited_gives_its_memory_back() {
    let (outbox, mut reader) = outbox();
    let names: Vec<String> = (0..100).map(|number| format!("p{number}")).collect();
    for name in &names {
        outbox.push(updated(name, 1));
    }
    assert_eq!(drain(&mut reader).await.len(), names.len());
    let queue = reader.shared.lock();
    assert!(queue.items.capacity() <= PLACES_KEPT && queue.topics.capacity() <= PLACES_KEPT);
}
