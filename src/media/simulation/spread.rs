//! Threads that share a port, at the worst: the kernel gives every datagram to the wrong one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use mio::{Poll, Token, Waker};

use super::client::numbers;
use super::{SERVER, World};
use crate::media::io::shard::State;
use crate::media::io::sharing::{self, Exchange, Sharing};
use crate::media::peer::path::Path;
use crate::media::peer::reach::Reach;
use crate::media::room::paths::{Directory, Paths};
use crate::media::room::{Route, Side};

/// Longer than the client's checks are apart.
const NOTICED: Duration = Duration::from_millis(2_500);

/// The thread that has no connection and gets all datagrams, and both threads' parts in handing on.
pub(super) struct WrongThread {
    state: State,
    sharing: Sharing,
    right: Sharing,
    directory: Arc<Directory>,
    _poll: Poll,
}

impl WrongThread {
    fn beside(right: &mut State, now: Instant) -> Self {
        let exchange = Arc::new(Exchange::new(2));
        let directory = Arc::clone(&exchange.directory);
        let server = SocketAddr::from(SERVER);
        let reach = Reach::new(1, &[server.ip().into()], server.port(), &[]);
        let mut state = State::new(reach, now, SystemTime::UNIX_EPOCH);
        state.list(Arc::clone(&directory));
        right.list(Arc::clone(&directory));
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let sharing = |thread| {
            let (exchange, waker) = (Arc::clone(&exchange), Arc::clone(&waker));
            Sharing::new(exchange, thread, waker, now)
        };
        Self {
            state,
            sharing: sharing(1),
            right: sharing(0),
            directory,
            _poll: poll,
        }
    }

    /// A datagram comes to the wrong thread, and what that hands on to the right one.
    pub fn take(&mut self, right: &mut State, path: Path, bytes: &[u8], now: Instant) {
        let (state, sharing) = (&mut self.state, Some(&mut self.sharing));
        sharing::handle(state, sharing, path, &mut bytes.to_vec(), (now, now));
        self.sharing.leave();
        self.right.come(right, now);
    }
}

struct Call {
    world: World,
    up: usize,
    down: usize,
}

impl Call {
    fn new() -> Self {
        let mut world = World::new();
        world.wrong_thread = Some(WrongThread::beside(&mut world.state, world.now));
        let (ada, bo) = (world.admit(), world.admit());
        let up = world.publish(&ada);
        let down = world.receive(&bo);
        world.start_camera(&ada);
        world.run(Duration::from_millis(600));
        world.talk(up, 0..50);
        Self { world, up, down }
    }

    fn wrong_thread(&self) -> &WrongThread {
        self.world.wrong_thread.as_ref().unwrap()
    }

    /// The path of the client at this address.
    fn path(&self, client: usize) -> Path {
        Path::udp(SERVER.into(), self.world.clients[client].address)
    }

    /// How many of these arrive.
    fn arrive(&mut self, sent: std::ops::Range<u16>) -> usize {
        self.world.talk(self.up, sent.clone());
        self.world.run(Duration::from_millis(200));
        let (arrived, _) = numbers(&self.world.clients[self.down]);
        sent.filter(|number| arrived.contains(number)).count()
    }
}

#[test]
fn a_call_whose_every_datagram_comes_to_the_wrong_thread_is_as_any_other() {
    let mut call = Call::new();
    assert_eq!(call.world.state.connected(), 2);
    assert!(call.arrive(300..350) >= 48);
    let wrong = call.wrong_thread();
    let held = wrong.state.census();
    assert_eq!((held.addresses, held.ufrags), (0, 0));
    assert_eq!(wrong.directory.len(), 2);
    for client in [call.up, call.down] {
        assert_eq!(wrong.directory.thread_of(call.path(client)), Some(0));
    }
}

#[test]
fn a_client_whose_nat_gives_it_another_port_is_heard_at_once_by_whatever_thread_hears_it() {
    let mut call = Call::new();
    call.world.checks_pass = false;
    call.world.clients[call.up].address.set_port(50_001);
    assert!(call.arrive(300..350) >= 48);
    call.world.clients[call.down].address.set_port(50_002);
    // It receives nothing, so that only its reports tell, once a second.
    call.world.talk(call.up, 400..550);
    assert!(call.arrive(600..620) >= 19);
}

#[test]
fn a_client_that_moves_is_found_again() {
    let mut call = Call::new();
    for client in [call.up, call.down] {
        call.world.clients[client].address =
            SocketAddr::from(([203, 0, 113, 77], 50_000 + client as u16));
    }
    call.world.run(NOTICED + Duration::from_secs(6));
    assert!(call.arrive(300..350) >= 48);
}

#[test]
fn a_check_that_proves_nothing_leads_no_path_anywhere() {
    let mut call = Call::new();
    // Of a connection of the wrong thread, as far as its first letter tells.
    let mut forged = vec![0, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42];
    forged.extend([7; 12]);
    forged.extend([0, 6, 0, 8]);
    forged.extend(b"Bguess:x");
    for client in [call.up, call.down] {
        let victim = call.world.clients[client].address;
        for _ in 0..100 {
            call.world.strike(victim, &forged);
        }
        let path = call.path(client);
        assert_eq!(call.wrong_thread().directory.thread_of(path), Some(0));
    }
    let before = call.wrong_thread().directory.len();
    for port in 40_000..41_000 {
        let stranger = SocketAddr::from(([198, 51, 100, 1], port));
        for letter in *b"AB" {
            forged[24] = letter;
            call.world.strike(stranger, &forged);
        }
    }
    assert_eq!(call.wrong_thread().directory.len(), before);
    assert!(call.arrive(300..350) >= 48);
}

#[test]
fn not_even_a_true_check_takes_the_path_of_another_threads_connection() {
    let mut call = Call::new();
    let directory = Arc::clone(&call.wrong_thread().directory);
    // Somebody else's media comes to the other thread from where Ada will be next.
    let next = SocketAddr::from(([203, 0, 113, 78], 50_000));
    let path = Path::udp(SERVER.into(), next);
    let mut others = Paths::listed(Arc::clone(&directory), 1);
    let route = Route {
        room: 9,
        member: 1,
        side: Side::Down,
    };
    assert!(others.claim(path, route));
    call.world.clients[call.up].address = next;
    call.world.run(NOTICED);
    assert_eq!(call.arrive(300..350), 0);
    assert_eq!(directory.thread_of(path), Some(1));
    // Once that connection is over the path is free.
    others.remove(&path);
    call.world.run(NOTICED);
    assert!(call.arrive(400..450) >= 48);
    assert_eq!(directory.thread_of(path), Some(0));
}

#[test]
fn a_room_that_ends_leaves_nothing_in_the_directory() {
    let mut call = Call::new();
    call.world.state.close_all(call.world.now);
    assert_eq!(call.wrong_thread().directory.len(), 0);
}
