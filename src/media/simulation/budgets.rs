//! What one participant may make a media thread do.

use std::time::Duration;

use super::World;
use crate::budgets::media::{CONNECTIONS, NEGOTIATIONS};
use crate::media::MediaError;
use crate::media::room::request::Request;
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::Leg;
use crate::protocol::request::DownOffer;

fn connect(world: &mut World, who: &ParticipantId) -> Result<DownOffer, MediaError> {
    world.try_ask(who, |reply| Request::Receive {
        audio_slots: 0,
        video_slots: 1,
        reply,
    })
}

#[test]
fn new_connections_are_few_and_come_back_with_time() {
    let mut world = World::new();
    let (ada, bo) = (world.admit(), world.admit());
    for _ in 0..CONNECTIONS.most {
        assert!(connect(&mut world, &ada).is_ok());
    }
    let wait = Duration::from_secs(10);
    for _ in 0..100 {
        let refused = connect(&mut world, &ada);
        // Negotiations are counted too, and a client that does not wait runs out of them.
        assert!(matches!(refused, Err(MediaError::TooFast(_))));
    }
    assert!(connect(&mut world, &bo).is_ok(), "everyone has their own");
    world.now += wait;
    assert!(connect(&mut world, &ada).is_ok());
    assert_eq!(
        connect(&mut world, &ada).err(),
        Some(MediaError::TooFast(wait))
    );
    world.publish(&ada);
}

#[test]
fn negotiations_of_one_participant_are_bounded() {
    let mut world = World::new();
    let ada = world.admit();
    assert!(connect(&mut world, &ada).is_ok());
    let restart = |world: &mut World| {
        world.try_ask(&ada, |reply| Request::Restart {
            leg: Leg::Down,
            reply,
        })
    };
    for _ in 1..NEGOTIATIONS.most {
        assert_eq!(restart(&mut world), Ok(()));
    }
    let wait = Duration::from_secs(1);
    assert_eq!(restart(&mut world), Err(MediaError::TooFast(wait)));
    world.now += wait;
    assert_eq!(restart(&mut world), Ok(()));
}
