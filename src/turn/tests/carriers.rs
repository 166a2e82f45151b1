//! The relay as it is shared: streams, the ways to media, and people who come and go.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::*;
use crate::budgets::turn::UNREAD;
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::IceServer;
use crate::turn::stream::WITHOUT_ALLOCATION;

/// What came for media.
#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<Vec<Parcel>>>);

impl Port for Inbox {
    fn post(&self, parcel: Parcel) {
        self.0.lock().unwrap().push(parcel);
    }
}

impl Inbox {
    fn take(&self) -> Vec<Parcel> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn relay() -> (Arc<Relay>, Inbox) {
    let (relay, inbox) = (Arc::new(Relay::new()), Inbox::default());
    relay.connect(Box::new(inbox.clone()), vec![address(MEDIA)]);
    (relay, inbox)
}

fn person(name: &str) -> ParticipantId {
    ParticipantId::try_from(name.to_owned()).unwrap()
}

fn remote() -> SocketAddr {
    address("198.51.100.7:5000")
}

/// Somebody with what they were told of the relay.
fn who(servers: &[IceServer]) -> Who {
    let [own] = servers else {
        panic!("one: {servers:?}");
    };
    Who {
        client: client(5_000),
        username: own.username.clone().unwrap(),
        password: own.credential.clone().unwrap(),
        nonce: String::new(),
    }
}

/// A client at the other end of a stream.
struct Line {
    stream: DuplexStream,
    who: Who,
    carried: tokio::task::JoinHandle<()>,
    next: u8,
}

impl Line {
    /// `room` is how much the line holds that nobody has read.
    fn open(relay: &Arc<Relay>, who: Who, room: usize) -> Self {
        let (stream, theirs) = duplex(room);
        let carried = carry(Arc::clone(relay), theirs, Bytes::new(), remote(), || {});
        Self {
            stream,
            who,
            carried: tokio::spawn(carried),
            next: 0,
        }
    }

    async fn read(&mut self) -> Vec<u8> {
        let mut message = vec![0; 4];
        self.stream.read_exact(&mut message).await.unwrap();
        let length = usize::from(u16::from_be_bytes([message[2], message[3]]));
        let rest = match message[0] {
            0x40..=0x4f => length.next_multiple_of(4),
            _ => length + 16,
        };
        message.resize(4 + rest, 0);
        self.stream.read_exact(&mut message[4..]).await.unwrap();
        message
    }

    /// Asks, and once more with the nonce that it is told.
    async fn ask(&mut self, method: u16, attributes: &[(u16, Vec<u8>)], t: [u8; 12]) -> Answer {
        loop {
            let is_proven = !self.who.nonce.is_empty();
            let request = self.who.request(method, attributes, t);
            // However it is cut, it is one message.
            for part in request.chunks(7) {
                self.stream.write_all(part).await.unwrap();
            }
            let answer = Answer::read(&self.read().await);
            if is_proven {
                return answer;
            }
            self.who.nonce = answer.nonce.expect("a nonce");
        }
    }

    fn transaction(&mut self) -> [u8; 12] {
        self.next += 1;
        [self.next; 12]
    }

    async fn allocate(&mut self) -> Answer {
        let t = self.transaction();
        let attributes = [(attribute::REQUESTED_TRANSPORT, UDP.to_vec())];
        self.ask(method::ALLOCATE, &attributes, t).await
    }

    async fn bind(&mut self) -> Answer {
        let t = self.transaction();
        let number = [0x40, 0, 0, 0].to_vec();
        let attributes = [(attribute::CHANNEL_NUMBER, number), xor(MEDIA, &t)];
        self.ask(method::CHANNEL_BIND, &attributes, t).await
    }
}

#[tokio::test]
async fn a_stream_leads_to_media_and_back() {
    let (relay, inbox) = relay();
    let room = IceServers::new(
        Some((Arc::clone(&relay), Ways::default())),
        External::default(),
    )
    .open_room(Reach::Media);
    room.admit(&person("kim"));
    let mut line = Line::open(
        &relay,
        who(&room.ice_servers(&person("kim"), Datagrams::Named)),
        65_536,
    );
    let allocated = line.allocate().await;
    assert_eq!(allocated.code, None);
    assert_eq!(line.bind().await.code, None);
    let padded = [channel_data(0x4000, b"hello"), vec![0; 3]].concat();
    line.stream.write_all(&padded).await.unwrap();
    // An answer to what came later says that it has been taken.
    line.bind().await;
    let parcels = inbox.take();
    let [
        Parcel::Media {
            allocation,
            local,
            remote,
            payload,
        },
    ] = &parcels[..]
    else {
        panic!("{parcels:?}");
    };
    assert_eq!(*local, address(MEDIA));
    assert_eq!(Some(*remote), allocated.relayed);
    assert_eq!(payload, b"hello");
    let back = relay.wrap(*allocation, *local, b"world!", Now::read());
    relay.deliver(back.unwrap());
    let message = [channel_data(0x4000, b"world!"), vec![0; 2]].concat();
    assert_eq!(line.read().await, message);
    drop(line.stream);
    line.carried.await.unwrap();
    assert_eq!(relay.allocations(), 0);
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_what_comes_and_holds_nobody_up() {
    let (relay, inbox) = relay();
    let room = IceServers::new(
        Some((Arc::clone(&relay), Ways::default())),
        External::default(),
    )
    .open_room(Reach::Media);
    room.admit(&person("kim"));
    let mut line = Line::open(
        &relay,
        who(&room.ice_servers(&person("kim"), Datagrams::Named)),
        1_024,
    );
    line.allocate().await;
    line.bind().await;
    line.stream
        .write_all(&channel_data(0x4000, b"some"))
        .await
        .unwrap();
    line.bind().await;
    let Some(Parcel::Media { allocation, .. }) = inbox.take().pop() else {
        panic!("it came");
    };
    let most = UNREAD.most as usize;
    for number in 0..4 * most as u32 {
        let number = number.to_be_bytes();
        let wrapped = relay.wrap(allocation, address(MEDIA), &number, Now::read());
        relay.deliver(wrapped.unwrap());
    }
    // What waited comes in order; what found no room does not come at all.
    for number in 0..most as u32 {
        assert_eq!(line.read().await[4..], number.to_be_bytes());
    }
    assert_eq!(line.bind().await.code, None, "the next that comes");
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_an_allocation_ends() {
    let (relay, _) = relay();
    let room = IceServers::new(
        Some((Arc::clone(&relay), Ways::default())),
        External::default(),
    )
    .open_room(Reach::Media);
    room.admit(&person("kim"));
    let servers = room.ice_servers(&person("kim"), Datagrams::Named);
    let began = Instant::now();
    let silent = Line::open(&relay, who(&servers), 65_536);
    silent.carried.await.unwrap();
    let second = Duration::from_secs(1);
    assert!(began.elapsed() >= WITHOUT_ALLOCATION);
    assert!(began.elapsed() <= WITHOUT_ALLOCATION + second);
    let began = Instant::now();
    let mut chatty = Line::open(&relay, who(&servers), 65_536);
    let binding = Writer::new(method::BINDING, Class::Request, &[1; 12]).finish();
    while chatty.stream.write_all(&binding).await.is_ok() {
        tokio::time::sleep(second).await;
        if !matches!(chatty.stream.read(&mut [0; 64]).await, Ok(1..)) {
            break;
        }
    }
    assert!(began.elapsed() <= WITHOUT_ALLOCATION + 2 * second);
    let mut user = Line::open(&relay, who(&servers), 65_536);
    user.allocate().await;
    tokio::time::sleep(2 * WITHOUT_ALLOCATION).await;
    assert!(!user.carried.is_finished());
    room.dismiss(&person("kim"));
    user.carried.await.unwrap();
}

#[tokio::test]
async fn a_stream_of_something_else_ends_at_once() {
    let (relay, _) = relay();
    let long = [&[0x40, 0, 0xff, 0xff][..], &[0; 64]].concat();
    for nonsense in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x16; 64], &[0; 64], &long] {
        let (mut stream, theirs) = duplex(65_536);
        let carried = carry(
            Arc::clone(&relay),
            theirs,
            Bytes::copy_from_slice(&nonsense[..8]),
            remote(),
            || {},
        );
        stream.write_all(&nonsense[8..]).await.unwrap();
        carried.await;
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn what_people_are_told_is_of_use_while_they_are_in() {
    let (relay, _) = relay();
    let all = IceServers::new(
        Some((Arc::clone(&relay), Ways::default())),
        External::default(),
    );
    let room = all.open_room(Reach::Media);
    let other = all.open_room(Reach::Media);
    let told = room.ice_servers(&person("kim"), Datagrams::Named);
    assert_eq!(told[0].urls, ["turn:192.0.2.1:20000?transport=udp"]);
    let allocates = async |told: &[IceServer]| {
        let mut line = Line::open(&relay, who(told), 65_536);
        line.allocate().await.code
    };
    assert_eq!(allocates(&told).await, Some(401), "they are not in yet");
    room.admit(&person("kim"));
    assert_eq!(allocates(&told).await, None);
    other.admit(&person("lee"));
    drop(other);
    assert_eq!(allocates(&told).await, None, "that was another room");
    room.dismiss(&person("kim"));
    assert_eq!(allocates(&told).await, Some(401));
    room.admit(&person("kim"));
    assert_eq!(allocates(&told).await, None);
    drop(room);
    assert_eq!(allocates(&told).await, Some(401), "the room is over");
    assert_eq!(relay.allocations(), 0);
}
