//! Clients whose address changes in the middle of a call: a NAT forgot them, or they went from one network to another.

use std::net::SocketAddr;
use std::time::Duration;

use super::World;
use super::client::numbers;

/// Longer than the client's checks are apart.
const NOTICED: Duration = Duration::from_millis(2_500);

struct Call {
    world: World,
    up: usize,
    down: usize,
}

impl Call {
    fn new() -> Self {
        let mut world = World::new();
        let (ada, bo) = (world.admit(), world.admit());
        let up = world.publish(&ada);
        let down = world.receive(&bo);
        world.start_camera(&ada);
        world.run(Duration::from_millis(600));
        world.talk(up, 0..50);
        assert!(numbers(&world.clients[down]).0.len() >= 40);
        Self { world, up, down }
    }

    fn moves(&mut self, client: usize) {
        let number = client as u8 + 100;
        self.world.clients[client].address = SocketAddr::from(([203, 0, 113, number], 50_000));
    }

    /// Which of these arrive.
    fn arrive(&mut self, numbers_sent: std::ops::Range<u16>) -> usize {
        self.world.talk(self.up, numbers_sent.clone());
        self.world.run(Duration::from_millis(200));
        let (arrived, _) = numbers(&self.world.clients[self.down]);
        numbers_sent
            .filter(|number| arrived.contains(number))
            .count()
    }
}

#[test]
fn a_publisher_that_moves_is_heard_again_and_keeps_what_it_had() {
    let mut call = Call::new();
    let before = call.world.state.census();
    call.moves(call.up);
    call.world.run(NOTICED);
    assert!(call.arrive(300..350) >= 48);
    let after = call.world.state.census();
    assert_eq!(after.connections, before.connections);
    assert_eq!(after.slots, before.slots);
    assert_eq!(call.world.state.connected(), 2);
}

#[test]
fn a_subscriber_that_moves_is_sent_to_where_it_is() {
    let mut call = Call::new();
    call.moves(call.down);
    call.world.run(NOTICED);
    assert!(call.arrive(300..350) >= 48);
    // And once more, there and back.
    call.world.clients[call.down].address = call.world.clients[call.down].home;
    call.world.run(NOTICED + Duration::from_secs(6));
    assert!(call.arrive(400..450) >= 48);
}

#[test]
fn both_may_move_at_once() {
    let mut call = Call::new();
    call.moves(call.up);
    call.moves(call.down);
    call.world.run(NOTICED + Duration::from_secs(6));
    assert!(call.arrive(300..350) >= 48);
}

#[test]
fn who_takes_anothers_address_gets_nothing_of_theirs() {
    let mut call = Call::new();
    // A third participant, whose datagrams seem to come from where Bo is.
    let eve = call.world.admit();
    let hers = call.world.receive(&eve);
    call.world.run(Duration::from_millis(600));
    let bos = call.world.clients[call.down].address;
    let own = call.world.clients[hers].address;
    call.world.clients[hers].address = bos;
    call.world.run(Duration::from_secs(3));
    call.world.clients[hers].address = own;
    assert!(call.arrive(300..350) >= 48);
}
