//! DTLS over a bad link, and under attack.

use std::time::Duration;

use super::World;
use super::client::{Flights, SSRC};
use super::line::Chance;

/// How a client connects.
#[derive(Debug, Clone, Copy)]
enum Way {
    Up,
    Down,
    /// As DTLS server.
    Passive,
    /// The same, in answer to our offer.
    PassiveDown,
}

/// A client that repeats its flights like a browser, on a link that loses some of them; when it was connected.
fn joins(way: Way, loss_percent: u32, seed: u32) -> Option<Duration> {
    let mut world = World::new();
    world.chance = Chance(seed);
    world.handshake_loss_percent = loss_percent;
    let ada = world.admit();
    let client = match way {
        Way::Up => world.publish(&ada),
        Way::Down => world.receive(&ada),
        Way::Passive => world.publish_as(&ada, |sdp| {
            sdp.replace("a=setup:actpass", "a=setup:passive")
        }),
        Way::PassiveDown => world.receive_as_dtls_server(&ada),
    };
    world.clients[client].flights = Some(Flights::default());
    let began = world.now;
    for _ in 0..12_000 {
        world.step();
        let both = world.clients[client].connected && world.state.connected() == 1;
        if both {
            return Some(world.now - began);
        }
    }
    None
}

#[test]
fn no_handshake_hangs_however_many_datagrams_are_lost() {
    for number in 0..200 {
        let way = [Way::Up, Way::Down][number as usize % 2];
        let after = joins(way, 20, 0x9e37_79b9_u32.wrapping_mul(number + 1));
        let after = after.unwrap_or_else(|| panic!("handshake {number} hangs"));
        assert!(after < Duration::from_secs(10), "{number} {after:?}");
    }
    for number in 0..20 {
        let way = [Way::Up, Way::Down][number as usize % 2];
        let after = joins(way, 50, 0x2545_f491_u32.wrapping_mul(number + 1));
        assert!(after.is_some(), "handshake {number} hangs at 50 %");
    }
}

#[test]
fn no_handshake_hangs_where_the_server_is_the_dtls_client() {
    for number in 0..200 {
        let way = [Way::Passive, Way::PassiveDown][number as usize % 2];
        let after = joins(way, 20, 0x9e37_79b9_u32.wrapping_mul(number + 1));
        assert!(after.is_some(), "handshake {number} hangs");
    }
}

/// Each of the first datagrams in either direction lost alone.
#[test]
fn one_lost_datagram_costs_a_moment() {
    for lost in 0..12 {
        let mut world = World::new();
        let ada = world.admit();
        let client = world.publish(&ada);
        world.clients[client].flights = Some(Flights::default());
        let (began, mut count) = (world.now, 0);
        while !(world.clients[client].connected && world.state.connected() == 1) {
            assert!(
                world.now - began < Duration::from_secs(2),
                "datagram {lost} lost"
            );
            let before = world.wire.len();
            world.step();
            let fresh = world.wire.len().saturating_sub(before.saturating_sub(1));
            let at = world.wire.len() - fresh.min(world.wire.len());
            let mut place = at;
            while place < world.wire.len() {
                if matches!(world.wire[place].bytes.first(), Some(20..=63)) {
                    count += 1;
                    if count == lost + 1 {
                        world.wire.remove(place);
                        continue;
                    }
                }
                place += 1;
            }
        }
    }
}

/// One DTLS record with one handshake fragment.
fn fragment(length: u32, offset: u32) -> Vec<u8> {
    let mut bytes = vec![22, 0xfe, 0xfd, 0, 0, 0, 0];
    bytes.extend(offset.to_be_bytes());
    bytes.extend([0, 13, 1]);
    bytes.extend(&length.to_be_bytes()[1..]);
    bytes.extend([0, 0]);
    bytes.extend(&offset.to_be_bytes()[1..]);
    bytes.extend([0, 0, 1, 0]);
    bytes
}

fn hostile() -> Vec<Vec<u8>> {
    let mut datagrams: Vec<Vec<u8>> = Vec::new();
    for first in (1..28_000).step_by(50) {
        datagrams.push(
            (first..first + 50)
                .flat_map(|at| fragment(0xff_ffff, at))
                .collect(),
        );
    }
    datagrams.push(fragment(0xff_ffff, 0));
    // Records of the next epoch, and headers of nothing.
    for _ in 0..500 {
        let mut sealed = vec![22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 4, 0];
        sealed.extend([7; 1024]);
        datagrams.push(sealed);
        datagrams.push([22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0].repeat(150));
        let mut empty = fragment(0, 0);
        empty[12] = 12;
        empty[24] = 0;
        empty.pop();
        datagrams.push(empty.repeat(50));
    }
    datagrams
}

/// From the client's own address, before, within and after its handshake; on a thread with the stack of a worker.
#[test]
fn hostile_datagrams_stop_neither_the_worker_nor_the_handshake() {
    let attack = || {
        let mut world = World::new();
        let ada = world.admit();
        let up = world.publish(&ada);
        world.clients[up].flights = Some(Flights::default());
        world.start_camera(&ada);
        world.handshake_loss_percent = 100;
        world.run(Duration::from_millis(300));
        let client = world.clients[up].address;
        let datagrams = hostile();
        let strike = |world: &mut World| {
            for bytes in &datagrams {
                world.strike(client, bytes);
            }
        };
        strike(&mut world);
        world.handshake_loss_percent = 0;
        world.run(Duration::from_millis(40));
        strike(&mut world);
        world.run(Duration::from_secs(2));
        assert!(world.clients[up].connected);
        strike(&mut world);
        let bo = world.admit();
        let down = world.receive(&bo);
        world.run(Duration::from_millis(600));
        // The first packets only tell that there is a stream to ask a keyframe of.
        world.talk(up, 0..100);
        assert!(world.clients[down].received.len() >= 40);
    };
    std::thread::spawn(attack).join().unwrap();
}

/// Packets with a client's address and no key: of many streams, and of its own with numbers far away.
#[test]
fn forged_streams_before_the_first_media_do_not_mute_a_publisher() {
    let mut world = World::new();
    let (ada, bo) = (world.admit(), world.admit());
    let up = world.publish(&ada);
    let down = world.receive(&bo);
    let client = world.clients[up].address;
    let forge = |world: &mut World, kind: u8, number: u16, ssrc: u32| {
        let mut packet = vec![0x80, kind];
        packet.extend(number.to_be_bytes());
        packet.extend([0; 4]);
        if kind == 200 {
            packet.truncate(4);
        }
        packet.extend(ssrc.to_be_bytes());
        packet.extend([1; 32]);
        // As index of SRTCP, 2^30 and where AES-CM has it.
        packet.extend([0xc0, 0, 0, 0]);
        packet.extend([0; 10]);
        world.strike(client, &packet);
    };
    let flood = |world: &mut World| {
        forge(world, 96, 40_000, SSRC);
        forge(world, 200, 6, SSRC);
        for ssrc in 0..3_000 {
            forge(world, 96, 40_000, 1_000_000 + ssrc);
            forge(world, 200, 6, 2_000_000 + ssrc);
        }
    };
    flood(&mut world);
    world.run(Duration::from_millis(600));
    assert!(world.clients[up].connected);
    flood(&mut world);
    world.start_camera(&ada);
    for round in 0..4 {
        world.talk(up, round * 100..round * 100 + 100);
        flood(&mut world);
    }
    let received = world.clients[down].received.len();
    assert!(received >= 390, "{received} of 400");
}

#[test]
fn an_unsigned_check_is_not_answered() {
    let mut world = World::new();
    let ada = world.admit();
    let up = world.publish(&ada);
    world.run(Duration::from_millis(600));
    let client = world.clients[up].address;
    let ours = world.clients[up]
        .pc
        .remote_description()
        .unwrap()
        .sdp
        .clone();
    let ufrag = ours
        .lines()
        .find_map(|line| line.strip_prefix("a=ice-ufrag:"));
    let user = format!("{}:wrong", ufrag.unwrap());
    // It claims to be controlled with the lowest tie-breaker, which is settled before its password is looked at.
    let mut check = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    check.extend([9; 12]);
    check.extend([0, 6, 0, user.len() as u8]);
    check.extend(user.as_bytes());
    check.resize(check.len().next_multiple_of(4), 0);
    check.extend([0x80, 0x29, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
    check.extend([0x00, 0x24, 0, 4, 0, 0, 0, 1]);
    let length = (check.len() - 20) as u16;
    check[2..4].copy_from_slice(&length.to_be_bytes());
    world.sent();
    let stranger = std::net::SocketAddr::from(([203, 0, 113, 9], 40_000));
    for from in [client, stranger] {
        world.strike(from, &check);
    }
    assert!(world.sent().is_empty());
    assert_eq!(world.state.census().addresses, 1);
}
