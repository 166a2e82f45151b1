//! What a subscriber costs in memory, counted by the allocator; and that a packet costs none.

use std::time::Duration;

use allocation_counter::measure;

use super::client::numbers;
use super::{SERVER, World, is_rtp};
use crate::media::io::shard::State;
use crate::media::peer::path::Path;

/// As many slots as a page of nine pictures has.
const SOUNDS: u32 = 4;
const PICTURES: u32 = 9;
/// A viewer of one picture takes 28 KiB. An addition must be worth its memory to everybody in every room.
const MOST_BYTES: i64 = 30 * 1024;

/// One sends, others watch for some seconds; then what the server alone keeps of it, in bytes.
fn kept_for(subscribers: usize) -> i64 {
    let mut kept: Option<State> = None;
    let counted = measure(|| {
        let mut world = World::new();
        let ada = world.admit();
        let up = world.publish(&ada);
        world.start_camera(&ada);
        let watching: Vec<_> = (0..subscribers)
            .map(|_| {
                let who = world.admit();
                world.receive_slots(&who, SOUNDS, PICTURES)
            })
            .collect();
        world.run(Duration::from_millis(600));
        world.talk(up, 0..400);
        for index in watching {
            assert!(world.clients[index].received.len() > 300);
        }
        *world.events.lock().unwrap() = Vec::new();
        kept = Some(world.state);
    });
    drop(kept);
    counted.bytes_current
}

#[test]
fn a_subscriber_with_nine_and_four_slots_takes_little() {
    // What is made only once for the process is made here.
    kept_for(1);
    let (few, many) = (kept_for(1), kept_for(4));
    let each = (many - few) / 3;
    assert!(each <= MOST_BYTES, "{each} bytes for each, {few} with one");
}

#[test]
fn a_packet_that_is_forwarded_allocates_nothing() {
    let mut world = World::new();
    let (ada, bo) = (world.admit(), world.admit());
    let up = world.publish(&ada);
    let down = world.receive_slots(&bo, SOUNDS, PICTURES);
    world.start_camera(&ada);
    world.run(Duration::from_millis(600));
    // Histories grow until they hold a second, and what was sent is remembered for three.
    world.talk(up, 0..400);
    // Nothing is under way any more that what comes next would overtake.
    world.run(Duration::from_millis(100));
    let path = Path::udp(SERVER.into(), world.clients[up].address);
    for number in 400..500 {
        let now = world.now;
        world.clients[up].send(number, now);
        for (_, mut bytes) in world.clients[up].turn(now) {
            let state = &mut world.state;
            let counted = measure(|| state.handle_datagram(path, &mut bytes, now, now));
            assert!(counted.count_total == 0 || !is_rtp(&bytes), "{number}");
        }
        world.run(Duration::from_millis(10));
    }
    world.run(Duration::from_millis(100));
    let (arrived, _) = numbers(&world.clients[down]);
    assert_eq!(arrived.range(400..500).count(), 100);
}
