//! Clients whose address changes in the middle of a call: a NAT forgot them, or they went from one network to another.

use std::net::SocketAddr;
use std::time::Duration;

use super::World;
use super::client::{SSRC, numbers};
use crate::budgets::media::ROAMERS;

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
fn a_publisher_whose_nat_gives_it_another_port_is_heard_at_once() {
    let mut call = Call::new();
    call.world.clients[call.up].address.set_port(50_001);
    assert!(call.arrive(300..350) >= 48);
}

#[test]
fn a_subscriber_whose_nat_gives_it_another_port_is_sent_to_before_its_next_check() {
    let mut call = Call::new();
    call.world.checks_pass = false;
    call.world.clients[call.down].address.set_port(50_001);
    // It receives nothing, so that only its reports tell, once a second.
    call.world.talk(call.up, 300..450);
    assert!(call.arrive(500..520) >= 19);
}

#[test]
fn packets_from_strange_ports_are_tried_within_a_bound() {
    let mut call = Call::new();
    let mut stranger = call.world.clients[call.up].address;
    stranger.set_port(50_002);
    let before = call.world.state.census();
    let mut packet = vec![0x80, 96, 0, 7, 0, 0, 0, 0];
    packet.extend(SSRC.to_be_bytes());
    packet.extend([0; 60]);
    for _ in 0..10 * ROAMERS.most {
        call.world.strike(stranger, &packet);
    }
    assert_eq!(call.world.state.census().addresses, before.addresses);
    // Now even a genuine packet is not tried; the client's next check proves where it is.
    let (now, moved) = (call.world.now, SocketAddr::new(stranger.ip(), 50_003));
    call.world.clients[call.up].address = moved;
    call.world.clients[call.up].send(200, now);
    for (_, bytes) in call.world.clients[call.up].turn(now) {
        call.world.strike(moved, &bytes);
    }
    assert_eq!(call.world.state.census().addresses, before.addresses);
    call.world.run(NOTICED);
    assert!(call.arrive(300..350) >= 48);
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
    // A third participant. Her datagrams seem to come from Bo's address.
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
