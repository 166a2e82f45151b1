//! What two threads hand to each other, and how much.

use std::net::SocketAddr;
use std::time::SystemTime;

use mio::{Events, Poll, Token};

use super::*;
use crate::media::io::relaying::Relaying;
use crate::media::peer::reach::Reach;
use crate::media::room::paths::Paths;
use crate::media::room::{Route, Side};
use crate::turn::Relay;

/// Some packet of media.
const PACKET: [u8; 40] = [0x80; 40];

struct Pair {
    sharings: [Sharing; 2],
    polls: [Poll; 2],
    now: Instant,
}

impl Pair {
    fn new() -> Self {
        let exchange = Arc::new(Exchange::new(2));
        let polls = [Poll::new().unwrap(), Poll::new().unwrap()];
        let now = Instant::now();
        let sharing = |thread: usize| {
            let waker = Waker::new(polls[thread].registry(), Token(0)).unwrap();
            Sharing::new(Arc::clone(&exchange), thread, Arc::new(waker), now)
        };
        Self {
            sharings: [sharing(0), sharing(1)],
            polls,
            now,
        }
    }

    /// Paths of the second thread's.
    fn paths(&self) -> Paths {
        Paths::listed(Arc::clone(&self.sharings[0].exchange.directory), 1)
    }

    /// A datagram comes to the first thread; whether it is the second one's.
    fn take(&mut self, path: Path, datagram: &[u8]) -> bool {
        self.sharings[0].take(path, datagram, self.now, self.now)
    }

    /// How often the second thread was woken.
    fn wakes(&mut self) -> usize {
        let mut events = Events::with_capacity(8);
        let none = Some(Duration::ZERO);
        self.polls[1].poll(&mut events, none).unwrap();
        events.iter().count()
    }

    /// What the second thread finds, by the ports that it came from.
    fn found(&mut self) -> Vec<(u16, Vec<u8>)> {
        let exchange = &self.sharings[1].exchange;
        let mut batch = std::mem::take(&mut *exchange.posts[1].lock());
        let datagrams = batch.datagrams();
        datagrams
            .map(|(item, bytes)| (item.path.remote().port(), bytes.to_vec()))
            .collect()
    }
}

fn path(port: u16) -> Path {
    let here = SocketAddr::from(([192, 0, 2, 1], 20_000));
    Path::udp(here, SocketAddr::from(([203, 0, 113, 9], port)))
}

fn route() -> Route {
    Route {
        room: 1,
        member: 1,
        side: Side::Down,
    }
}

/// The beginning of a check for a connection of this thread.
fn check(letter: u8) -> Vec<u8> {
    let mut check = vec![0, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42];
    check.extend([7; 12]);
    check.extend([0, 6, 0, 8, letter]);
    check.extend(b"guess:x");
    check
}

#[test]
fn what_comes_to_the_wrong_thread_is_handed_on_in_order_and_wakes_once() {
    let mut pair = Pair::new();
    let mut paths = pair.paths();
    assert!(paths.claim(path(5_000), route()));
    assert!(
        pair.take(path(5_001), &check(b'B')),
        "a check names its thread"
    );
    for number in 0..3 {
        assert!(pair.take(path(5_000), &[0x80, number]));
        pair.sharings[0].leave();
        // It has not looked yet at what it was woken for.
        assert_eq!(pair.wakes(), usize::from(number == 0));
    }
    let found = pair.found();
    let numbers = [0, 1, 2].map(|number| (5_000, vec![0x80, number]));
    assert_eq!(found[0], (5_001, check(b'B')));
    assert_eq!(found[1..], numbers);
    // It is woken again by what comes after that.
    assert!(pair.take(path(5_000), &PACKET));
    pair.sharings[0].leave();
    assert_eq!((pair.wakes(), pair.found().len()), (1, 1));
}

#[test]
fn what_is_nobodys_or_this_threads_stays() {
    let mut pair = Pair::new();
    for (from, datagram) in [
        (5_000, &check(b'A')[..]),
        (5_000, &check(b'Z')),
        (5_000, &PACKET),
        (5_000, &[22; 40]),
    ] {
        assert!(!pair.take(path(from), datagram), "{datagram:?}");
    }
    pair.sharings[0].leave();
    assert_eq!((pair.wakes(), pair.found().len()), (0, 0));
}

#[test]
fn a_packet_from_a_strange_port_goes_to_the_threads_that_have_its_address_within_a_bound() {
    let mut pair = Pair::new();
    let mut paths = pair.paths();
    assert!(paths.claim(path(5_000), route()));
    for port in 6_000..6_000 + 2 * ROAMERS.most as u16 {
        assert!(
            !pair.take(path(port), &PACKET),
            "it may be this thread's as well"
        );
    }
    // What is no media is nobody's.
    assert!(!pair.take(path(7_000), &[22; 40]));
    pair.sharings[0].leave();
    assert_eq!(pair.found().len(), ROAMERS.size());
}

#[test]
fn what_a_thread_does_not_take_in_time_is_dropped_and_strangers_take_half_the_places() {
    let mut pair = Pair::new();
    let mut paths = pair.paths();
    assert!(paths.claim(path(5_000), route()));
    // All at once, and piece by piece.
    for at_once in [usize::MAX, 100] {
        for number in 0..2 * HANDED_ON.size() {
            pair.take(path(5_001), &check(b'B'));
            if number % at_once == 0 {
                pair.sharings[0].leave();
            }
        }
        for number in 0..2 * HANDED_ON.size() {
            pair.take(path(5_000), &PACKET);
            if number % at_once == 0 {
                pair.sharings[0].leave();
            }
        }
        pair.sharings[0].leave();
        let found = pair.found();
        let strangers = found.iter().filter(|(port, _)| *port == 5_001).count();
        assert_eq!(strangers, HANDED_ON_UNPROVEN.size());
        assert_eq!(found.len(), HANDED_ON.size());
    }
}

#[test]
fn drops_are_counted_and_told_once_in_a_while() {
    let mut pair = Pair::new();
    let mut state = State::new(Reach::new(1, &[], 0, &[]), pair.now, SystemTime::now());
    for _ in 0..HANDED_ON_UNPROVEN.size() + 3 {
        pair.take(path(5_001), &check(b'B'));
    }
    pair.sharings[0].leave();
    let now = pair.now;
    let second = &mut pair.sharings[1];
    assert!(second.come(&mut state, now));
    assert_eq!((second.dropped, second.told_at), (0, Some(now)));
    second.dropped = 3;
    assert!(!second.come(&mut state, now + TOLD_EVERY / 2));
    assert_eq!((second.dropped, second.told_at), (3, Some(now)));
    second.come(&mut state, now + TOLD_EVERY);
    assert_eq!(second.dropped, 0);
}

#[test]
fn what_streams_bring_for_media_goes_to_the_thread_that_has_it() {
    let pair = Pair::new();
    let mut paths = pair.paths();
    let Path::Udp { local, remote } = path(5_000) else {
        unreachable!("it is one of datagrams");
    };
    let through = Path::Relayed {
        allocation: 3,
        local,
        remote,
    };
    assert!(paths.claim(through, route()));
    let exchange = Arc::clone(&pair.sharings[0].exchange);
    let poll = Poll::new().unwrap();
    let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
    let both = [0, 1].map(|_| Relaying::new(Arc::new(Relay::new()), Arc::clone(&waker)));
    let [(one, to_one), (other, to_other)] = both;
    let doors = Doors {
        exchange: Some(exchange),
        letterboxes: vec![to_one, to_other],
    };
    let media = |allocation, payload: &[u8]| Parcel::Media {
        allocation,
        local,
        remote,
        payload: payload.to_vec(),
    };
    for parcel in [
        media(3, &PACKET),
        media(4, &check(b'B')),
        media(4, &check(b'A')),
        // Nobody's.
        media(4, &PACKET),
        media(4, &check(b'Z')),
    ] {
        doors.post(parcel);
    }
    assert_eq!((one.waiting(), other.waiting()), (1, 2));
    let alone = Doors {
        exchange: None,
        letterboxes: doors.letterboxes,
    };
    alone.post(media(4, &PACKET));
    assert_eq!(one.waiting(), 1);
}
