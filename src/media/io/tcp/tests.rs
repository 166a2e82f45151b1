//! Streams between a client and a worker, both played by the test.

use tokio::io::{DuplexStream, duplex};
use tokio::task::JoinHandle;

use super::*;
use crate::budgets::media::STREAM_UNPROVEN;
use crate::media::io::streams::Streams;
use crate::media::peer::ice::{Credentials, stun};

const USERNAME: u16 = 0x0006;

/// The frame of a check for a connection of this thread's.
fn check(thread: usize) -> Vec<u8> {
    let to = Credentials::random(thread);
    let check = stun::Writer::new(stun::BINDING_REQUEST, &[7; 12])
        .attribute(USERNAME, format!("{}:them", to.ufrag).as_bytes())
        .sign(&stun::key(&to.password));
    framed(&[&check])
}

fn framed(packets: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for packet in packets {
        frames::push(packet, &mut bytes);
    }
    bytes
}

/// A server of so many workers, and a client with a stream to it.
struct Story {
    client: DuplexStream,
    workers: Vec<mpsc::Receiver<Arrival>>,
    carrying: JoinHandle<()>,
    moved: Arc<AtomicUsize>,
    _poll: mio::Poll,
}

impl Story {
    /// The system keeps so many bytes on the way; `first` was read already.
    fn begin(kept: usize, first: &[u8]) -> Self {
        let poll = mio::Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), mio::Token(0)).unwrap());
        let (entries, workers) = (0..2).map(|_| Entry::new(Arc::clone(&waker))).unzip();
        let entries = Entries::new(entries);
        let (client, server) = duplex(kept);
        let moved = Arc::new(AtomicUsize::new(0));
        let (counting, first) = (Arc::clone(&moved), Bytes::copy_from_slice(first));
        let between = ([192, 0, 2, 1], 443).into();
        let between = (between, ([198, 51, 100, 7], 50_000).into());
        let carrying = tokio::spawn(async move {
            let moved = || {
                counting.fetch_add(1, Ordering::Relaxed);
            };
            entries.carry(server, first, between, moved).await;
        });
        Self {
            client,
            workers,
            carrying,
            moved,
            _poll: poll,
        }
    }

    async fn opened(&mut self, worker: usize) -> (Path, Outlet) {
        match self.workers[worker].recv().await {
            Some(Arrival::Opened { path, outlet }) => (path, outlet),
            _ => panic!("it is not opened"),
        }
    }

    async fn came(&mut self, worker: usize) -> Vec<Vec<u8>> {
        match self.workers[worker].recv().await {
            Some(Arrival::Frames { mut frames, .. }) => frames::packets(&mut frames)
                .map(|packet| packet.to_vec())
                .collect(),
            _ => panic!("nothing came"),
        }
    }

    async fn hears(&mut self, bytes: &[u8]) {
        let mut heard = vec![0; bytes.len()];
        self.client.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, bytes);
    }
}

#[tokio::test]
async fn packets_go_both_ways_between_a_stream_and_the_worker_of_its_first_check() {
    for worker in [0, 1] {
        let check = check(worker);
        // The door has read its beginning, to tell what it is.
        let (read, rest) = check.split_at(10);
        let mut story = Story::begin(1_000, read);
        story.client.write_all(rest).await.unwrap();
        let (path, outlet) = story.opened(worker).await;
        assert!(matches!(path, Path::Tcp { .. }));
        assert_eq!(story.came(worker).await, [check[2..].to_vec()]);

        let bytes = framed(&[b"one", b"two"]);
        story.client.write_all(&bytes[..4]).await.unwrap();
        story.client.write_all(&bytes[4..]).await.unwrap();
        let mut came = story.came(worker).await;
        while came.len() < 2 {
            came.extend(story.came(worker).await);
        }
        assert_eq!(came, [b"one", b"two"]);

        outlet.send([&b"three"[..], b"four"].into_iter());
        story.hears(&framed(&[b"three", b"four"])).await;
        assert!(story.moved.load(Ordering::Relaxed) >= 2);

        // The worker ends it, when all that it has sent is there.
        outlet.send([&b"goodbye"[..]].into_iter());
        drop(outlet);
        story.hears(&framed(&[b"goodbye"])).await;
        assert_eq!(story.client.read(&mut [0]).await.unwrap(), 0);
        story.carrying.await.unwrap();
    }
}

#[tokio::test]
async fn a_stream_that_the_client_ends_is_ended_for_the_worker() {
    let mut story = Story::begin(1_000, &check(0));
    let (_, outlet) = story.opened(0).await;
    assert!(outlet.is_open());
    drop(story.client);
    story.carrying.await.unwrap();
    assert!(!outlet.is_open());
    outlet.send([&b"too late"[..]].into_iter());
}

#[tokio::test]
async fn a_stream_that_begins_with_no_check_for_a_worker_of_ours_ends_at_once() {
    let garbage = framed(&[&[1; 100]]);
    let stranger = check(7);
    for first in [&garbage[..], &stranger, &[255, 255, 0]] {
        let mut story = Story::begin(1_000, first);
        story.carrying.await.unwrap();
        for worker in &mut story.workers {
            assert!(worker.recv().await.is_none());
        }
    }
}

#[tokio::test]
async fn a_frame_that_is_longer_than_any_packet_ends_the_stream() {
    let mut story = Story::begin(1_000, &check(0));
    let (_, outlet) = story.opened(0).await;
    story.came(0).await;
    story.client.write_all(&[255, 255]).await.unwrap();
    story.carrying.await.unwrap();
    assert!(!outlet.is_open());
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_a_whole_check_in_time_is_closed() {
    let check = check(0);
    let mut story = Story::begin(1_000, &check[..10]);
    let began = tokio::time::Instant::now();
    for byte in &check[10..15] {
        story.client.write_all(&[*byte]).await.unwrap();
        tokio::time::sleep(TOLD_WITHIN / 8).await;
    }
    story.carrying.await.unwrap();
    assert_eq!(began.elapsed(), TOLD_WITHIN);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_media_too_slowly_loses_packets_and_then_the_stream() {
    let mut story = Story::begin(1_000, &check(0));
    let (_, outlet) = story.opened(0).await;
    let packet = [9_u8; 1_198];
    let frame = framed(&[&packet]);
    for _ in 0..1_000 {
        outlet.send([&packet[..]].into_iter());
    }
    let kept = outlet.waiting.load(Ordering::Relaxed);
    assert!(kept <= STREAM_UNREAD.size() && kept + frame.len() > STREAM_UNREAD.size());
    // A client that reads on gets whole packets, and there is room again.
    for _ in 0..100 {
        story.hears(&frame).await;
    }
    let left = outlet.waiting.load(Ordering::Relaxed);
    assert!(left < kept);
    outlet.send([&packet[..]].into_iter());
    assert!(outlet.waiting.load(Ordering::Relaxed) > left);
    // A client that does not read is let go.
    let began = tokio::time::Instant::now();
    story.carrying.await.unwrap();
    assert_eq!(began.elapsed(), DRAINED_WITHIN);
    assert!(!outlet.is_open());
}

/// A worker's table, with one stream in it.
fn table(story: &mut Story, now: Instant) -> Streams {
    let arrivals = story.workers.remove(0);
    Streams::new(arrivals, now)
}

#[tokio::test]
async fn a_stream_that_leads_to_no_connection_is_ended() {
    let now = Instant::now();
    let at = |ms| now + Duration::from_millis(ms);
    // When it leads somewhere, and when it is ended.
    for (proven, until, ended) in [(0, 0, 10_000), (9_000, 20_000, 20_000), (0, 5_000, 5_000)] {
        let mut story = Story::begin(1_000, &check(0));
        while story.workers[0].len() < 2 {
            tokio::task::yield_now().await;
        }
        let mut streams = table(&mut story, now);
        let (path, ..) = streams.next(now, |_| false).unwrap();
        let next = streams.next(now, |_| false);
        assert_eq!((streams.count(), next.is_none()), (1, true));
        let leads = |ms| (proven..until).contains(&ms);
        let mut ms = 0;
        while streams.count() > 0 {
            ms += 250;
            assert!(ms <= ended, "it is still there at {ms}");
            let gone = streams.look(at(ms), |of| of == path && leads(ms));
            assert_eq!(gone, Vec::from_iter((ms == ended).then_some(path)));
        }
        story.carrying.await.unwrap();
        assert_eq!(streams.due(), None);
    }
}

#[tokio::test]
async fn what_comes_by_a_stream_that_was_ended_is_left_aside() {
    let now = Instant::now();
    let mut story = Story::begin(1_000, &check(0));
    while story.workers[0].len() < 2 {
        tokio::task::yield_now().await;
    }
    let mut streams = table(&mut story, now);
    assert!(streams.next(now, |_| true).is_some());
    story.client.write_all(&framed(&[b"more"])).await.unwrap();
    while story.moved.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    streams.end();
    assert!(streams.next(now, |_| true).is_none());
    story.carrying.await.unwrap();
}

#[tokio::test]
async fn a_stream_that_goes_on_and_on_without_proving_itself_is_ended() {
    let now = Instant::now();
    for is_proven in [false, true] {
        let mut story = Story::begin(100_000, &check(0));
        let mut streams = table(&mut story, now);
        let mut frames = check(0);
        while frames.len() <= STREAM_UNPROVEN.size() {
            frames.extend(check(0));
        }
        story.client.write_all(&frames).await.unwrap();
        let mut heard = 0;
        while heard < frames.len() && (heard == 0 || streams.count() > 0) {
            match streams.next(now, |_| is_proven) {
                Some((_, frames, _)) => heard += frames.len(),
                None => tokio::task::yield_now().await,
            }
        }
        if is_proven {
            assert_eq!((streams.count(), heard >= frames.len()), (1, true));
        } else {
            assert!(heard <= STREAM_UNPROVEN.size());
            story.carrying.await.unwrap();
        }
    }
}
