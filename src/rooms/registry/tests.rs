//! Rooms that start, stop and start again.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::media::{Fault, MediaConfig};
use crate::meeting::state::chat::Chat;
use crate::meeting::stories::{facts, membership, newcomer, user};
use crate::network::Network;
use crate::protocol::error::ErrorCode;
use crate::protocol::object;
use crate::protocol::text::RoomName;
use crate::rooms::outbox::OutboxItem;
use crate::rooms::{Origin, outbox};

fn registry() -> Registry {
    let config = MediaConfig {
        ips: vec![std::net::IpAddr::from([127, 0, 0, 1]).into()],
        port: 0,
        threads: 1,
        wildcards: Vec::new(),
        listeners: Vec::new(),
    };
    Registry::new(Media::start(config).unwrap())
}

fn ada() -> Join {
    Join {
        participant: membership("1"),
        user: user("ada"),
        display_name: user("ada").display_name,
        role: None,
        pass: false,
        address: Network::of("192.0.2.7".parse().unwrap()),
        first_joined_at: None,
    }
}

fn called(name: &str) -> Start {
    let facts = object::Room {
        name: RoomName::parse(name).unwrap(),
        topology: Topology::P2p,
        ..facts()
    };
    Start {
        topology: facts.topology,
        room: Room::new(facts, None, Chat::default(), Vec::new()),
        history: Box::new(|_| {}),
        origin: Origin::Store,
        safe: None,
    }
}

#[tokio::test]
async fn a_room_that_is_changed_while_it_is_loaded_begins_as_it_is_after_the_change() {
    let registry = registry();
    let identity = facts().identity;
    let stored = Arc::new(AtomicUsize::new(0));
    let load = || {
        let read = stored.load(Ordering::SeqCst);
        let (registry, identity, stored) = (registry.clone(), identity.clone(), stored.clone());
        async move {
            // Somebody edits it twice after it was read.
            if read < 2 {
                stored.store(read + 1, Ordering::SeqCst);
                assert!(registry.changed(&identity).is_none());
            }
            Ok(called(&format!("Version {read}")))
        }
    };
    let (outbox, _reader) = outbox();
    let (handle, entered) = registry.join(&identity, ada(), outbox, load).await.unwrap();
    let Entered::In(view) = entered else {
        panic!("the owner comes in");
    };
    assert_eq!(view.room.name.as_str(), "Version 2");
    let told = registry.changed(&identity).unwrap();
    assert!(told.is_same(&handle), "who changes it later finds it");
    assert!(registry.shared.loading.is_empty(), "nothing is remembered");
}

#[tokio::test]
async fn a_room_that_cannot_be_loaded_is_not_remembered() {
    let registry = registry();
    let identity = facts().identity;
    let (outbox, _reader) = outbox();
    let load = || async { Err(ErrorCode::RoomNotFound.into()) };
    let refused = registry.join(&identity, ada(), outbox, load).await;
    assert_eq!(
        refused.err().map(|error| error.code),
        Some(ErrorCode::RoomNotFound)
    );
    assert!(registry.shared.loading.is_empty() && registry.shared.rooms.is_empty());
}

#[tokio::test]
async fn a_room_that_stops_running_and_starts_again_goes_on_with_its_meeting() {
    let registry = registry();
    let identity = facts().identity;
    let load = || async { Ok(called("Stand-up")) };
    let (outbox, _reader) = outbox();
    let enter = |name: &'static str, membership_name: &'static str| {
        let join = newcomer(name, membership_name);
        let (registry, identity, outbox) = (&registry, &identity, outbox.clone());
        async move { registry.join(identity, join, outbox, load).await }
    };
    let leave = Command::Leave {
        participant: membership("ada"),
    };
    let (handle, _) = enter("ada", "ada").await.unwrap();
    enter("bo", "bo").await.unwrap();
    let ban = Command::Remove {
        by: membership("ada"),
        whom: membership("bo"),
        ban: Some(object::BanLength::Meeting),
    };
    handle.call(ban).await.unwrap();
    handle.call(leave).await.unwrap();
    registry.emptied().await;
    let banned = Some(ErrorCode::RoomBanned);
    let knock = newcomer("bo", "bo");
    for _ in 0..2 {
        let refused = registry.knock(&identity, &knock, load).await;
        assert_eq!(refused.err().map(|error| error.code), banned);
        // It starts for this and stops again.
        let refused = enter("bo", "bo2").await;
        assert_eq!(refused.err().map(|error| error.code), banned);
        registry.emptied().await;
    }
    registry.unban(&identity, user("bo").id).await.unwrap();
    assert!(enter("bo", "bo3").await.is_ok());
    assert!(registry.shared.remembered.look(&identity).is_none());
}

#[tokio::test]
async fn a_room_whose_media_fails_begins_it_anew_and_tells_everyone() {
    let registry = registry();
    let identity = facts().identity;
    let load = || async {
        let mut start = called("Stand-up");
        start.topology = Topology::Sfu;
        let facts = object::Room {
            topology: Topology::Sfu,
            ..facts()
        };
        start.room = Room::new(facts, None, Chat::default(), Vec::new());
        Ok(start)
    };
    let (outbox, mut reader) = outbox();
    let (handle, _) = registry.join(&identity, ada(), outbox, load).await.unwrap();
    let media = handle.local().media().unwrap();
    let first = media.receive(&ada().participant, 0, 1).await.unwrap();
    media.suffer(Fault::Room);
    loop {
        let OutboxItem::Event(event) = reader.next().await else {
            panic!("only events are told");
        };
        if event.kind() == "media.failed" {
            break;
        }
    }
    let again = media.receive(&ada().participant, 0, 1).await.unwrap();
    assert!(again.revision > first.revision);
    assert_eq!(registry.shared.media.census().await.participants, 1);
}
