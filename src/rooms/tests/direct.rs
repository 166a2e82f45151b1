//! What goes from one participant to another without the room looks as if the room had done it.

use super::*;

fn offer(connection: Option<&str>) -> Signal {
    Signal::Offer {
        connection: connection.map(str::to_owned),
        sdp: JsonString::new("x"),
    }
}

/// The kinds of events that have come.
fn heard(reader: &mut OutboxReader) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    while let Some(item) = reader.next().now_or_never() {
        if let OutboxItem::Event(event) = item {
            kinds.push(event.kind());
        }
    }
    kinds
}

#[tokio::test(start_paused = true)]
async fn what_needs_no_rule_of_the_room_does_not_wait_for_it() {
    let (registry, lines) = (Registry::new(media()), Lines::default());
    let facts = room(Topology::P2p);
    let (handle, _ada) = enter(&registry, &facts, &lines, "ada").await;
    let (_, mut bo) = enter(&registry, &facts, &lines, "bo").await;
    let (ada, bo_id) = (membership("ada"), membership("bo"));
    let relay = |signal| handle.relay(&ada, bo_id.clone(), signal);
    assert_eq!(relay(offer(None)).now_or_never(), Some(Ok(())));
    assert_eq!(heard(&mut bo), ["signal.offer"]);
    // Files are not for everybody: the room is asked.
    let mut for_files = Box::pin(relay(offer(Some("file:1"))));
    assert_eq!((&mut for_files).now_or_never(), None);
    assert_eq!(for_files.await, Ok(()));
    assert_eq!(heard(&mut bo), ["signal.offer"]);
}

/// A client that hears of something may send at once, while others have not heard of it yet.
#[tokio::test(start_paused = true)]
async fn nothing_overtakes_what_the_room_is_telling() {
    let registry = Registry::new(media());
    let facts = room(Topology::P2p);
    let way: Arc<Mutex<Option<RoomHandle>>> = Arc::default();
    let relayed: Arc<Mutex<Vec<_>>> = Arc::default();
    // Called in the midst of what the room tells when somebody comes in.
    let overtake = || {
        let (handle, results) = (way.clone(), relayed.clone());
        move |_: History| {
            if let Some(handle) = &*handle.lock().unwrap() {
                let ada = membership("ada");
                let relay = handle.relay(&ada, membership("bo"), offer(None));
                results.lock().unwrap().push(relay.now_or_never());
            }
        }
    };
    let load = || async {
        Ok(Start {
            history: Box::new(overtake()),
            ..start(facts.clone(), &Lines::default())
        })
    };
    let (outbox, _ada) = outbox();
    let joined = registry.join(&facts.identity, newcomer("ada", "ada"), outbox, load);
    joined.await.unwrap();
    let (room, mut bo) = enter(&registry, &facts, &Lines::default(), "bo").await;
    *way.lock().unwrap() = Some(room.clone());
    let (_, _cy) = enter(&registry, &facts, &Lines::default(), "cy").await;
    *way.lock().unwrap() = None;
    room.call(Command::Roster).await.unwrap();
    assert_eq!(*relayed.lock().unwrap(), [None], "the room is asked");
    assert_eq!(heard(&mut bo), ["participant.joined", "signal.offer"]);
}

#[tokio::test(start_paused = true)]
async fn a_person_who_is_removed_sends_and_is_sent_nothing_more() {
    let (registry, lines) = (Registry::new(media()), Lines::default());
    let facts = room(Topology::P2p);
    let (handle, mut ada) = enter(&registry, &facts, &lines, "ada").await;
    let (_, mut bo) = enter(&registry, &facts, &lines, "bo").await;
    let (ada_id, bo_id) = (membership("ada"), membership("bo"));
    assert_eq!(
        handle.relay(&bo_id, ada_id.clone(), offer(None)).await,
        Ok(())
    );
    let remove = Command::Remove {
        by: ada_id.clone(),
        whom: bo_id.clone(),
        ban: None,
    };
    handle.call(remove).await.unwrap();
    let refused = |code| Err(CallError::Refused(code));
    let more = handle.relay(&bo_id, ada_id.clone(), offer(None)).await;
    assert_eq!(more, refused(ErrorCode::RoomNotJoined));
    let more = handle.relay(&ada_id, bo_id, offer(None)).await;
    assert_eq!(more, refused(ErrorCode::SignalNotFound));
    let (kinds, _) = until_released(&mut bo).await;
    assert!(!kinds.contains(&"signal.offer"), "{kinds:?}");
    let last = ["participant.joined", "signal.offer", "participant.left"];
    assert_eq!(heard(&mut ada), last);
}
