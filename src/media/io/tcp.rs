//! Media over TCP (RFC 6544, passive candidates): a task for each stream, which knows frames and no media, and what
//! passes between it and the worker that has the connection.
//!
//! The first frame of a stream is a check, which tells the worker that it is for. From there on both directions are
//! bounded. A client that sends faster than the worker takes must wait, as TCP does it. A client that takes slower than
//! the worker sends loses packets, as at a full socket, and in the end the stream.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use mio::Waker;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::budgets::media::STREAM_UNREAD;
use crate::media::io::frames::{self, Frames};
use crate::media::peer::ice;
use crate::media::peer::path::Path;

/// A client that has not sent a whole check by then is let go.
const TOLD_WITHIN: Duration = Duration::from_secs(10);
/// So much is read at once.
const READ_BYTES: usize = 8 * 1_024;
/// So much is written at once. A client that does not take it [in time](DRAINED_WITHIN) is let go.
const WRITE_BYTES: usize = 16 * 1_024;
const DRAINED_WITHIN: Duration = Duration::from_secs(10);
/// What a worker has not looked at yet, of all its streams. When it is full each stream waits in turn.
const ARRIVALS: usize = 256;
/// Turns of a worker whose packets wait to be written; [`STREAM_UNREAD`] is reached before.
const CHUNKS: usize = 1_024;

/// What a stream tells its worker.
pub(in crate::media) enum Arrival {
    /// It is there, and here is where packets leave.
    Opened { path: Path, outlet: Outlet },
    /// Whole frames came, all read at this time.
    Frames {
        path: Path,
        frames: BytesMut,
        at: Instant,
    },
}

/// Where the streams of one worker come in.
#[derive(Clone)]
pub(in crate::media) struct Entry {
    arrivals: mpsc::Sender<Arrival>,
    waker: Arc<Waker>,
}

impl Entry {
    /// One that wakes its worker so, and what the worker reads from.
    pub fn new(waker: Arc<Waker>) -> (Self, mpsc::Receiver<Arrival>) {
        let (arrivals, coming) = mpsc::channel(ARRIVALS);
        (Self { arrivals, waker }, coming)
    }

    /// Waits for a place; whether the worker is still there.
    async fn send(&self, arrival: Arrival) -> bool {
        let sent = self.arrivals.send(arrival).await.is_ok();
        // It fails only when the worker is gone.
        sent && self.waker.wake().is_ok()
    }
}

/// Where packets leave by one stream.
pub(in crate::media) struct Outlet {
    chunks: mpsc::Sender<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
}

impl Outlet {
    fn new() -> (Self, Waiting) {
        let (chunks, coming) = mpsc::channel(CHUNKS);
        let waiting = Arc::new(AtomicUsize::new(0));
        let outlet = Self {
            chunks,
            waiting: Arc::clone(&waiting),
        };
        let bytes = waiting;
        (outlet, Waiting { coming, bytes })
    }

    /// Whether the stream is still there.
    pub fn is_open(&self) -> bool {
        !self.chunks.is_closed()
    }

    /// Sends what there is room for. The rest is dropped, whole packets of it, as at a full socket.
    pub fn send<'a>(&self, packets: impl Iterator<Item = &'a [u8]>) {
        let waiting = self.waiting.load(Ordering::Relaxed);
        let room = STREAM_UNREAD.size().saturating_sub(waiting);
        let mut chunk = Vec::new();
        for packet in packets {
            if chunk.len() + frames::length_of(packet) <= room {
                frames::push(packet, &mut chunk);
            }
        }
        let length = chunk.len();
        if length == 0 {
            return;
        }
        self.waiting.fetch_add(length, Ordering::Relaxed);
        if self.chunks.try_send(chunk).is_err() {
            self.waiting.fetch_sub(length, Ordering::Relaxed);
        }
    }
}

/// What waits to be written to one stream.
struct Waiting {
    coming: mpsc::Receiver<Vec<u8>>,
    bytes: Arc<AtomicUsize>,
}

/// The entries of all workers, by their numbers.
pub(in crate::media) struct Entries {
    workers: Vec<Entry>,
    next: AtomicU64,
}

impl Entries {
    pub fn new(workers: Vec<Entry>) -> Self {
        Self {
            workers,
            next: AtomicU64::new(0),
        }
    }

    /// Carries media over a stream of which `first` was read already, until it or its connection ends. Tells `moved` of
    /// each read and write.
    pub async fn carry<S>(
        &self,
        stream: S,
        first: Bytes,
        (local, remote): (SocketAddr, SocketAddr),
        moved: impl Fn(),
    ) where
        S: AsyncRead + AsyncWrite + Send + Unpin,
    {
        let (mut reader, writer) = tokio::io::split(stream);
        let mut frames = Frames::new(&first);
        let told = timeout(TOLD_WITHIN, thread(&mut reader, &mut frames)).await;
        let thread = told.ok().flatten();
        let Some(entry) = thread.and_then(|thread| self.workers.get(thread)) else {
            tracing::trace!("a stream of media began with no check for a connection of ours");
            return;
        };
        let path = Path::Tcp {
            connection: self.next.fetch_add(1, Ordering::Relaxed),
            // What listens at `::` names IPv4 addresses in its own way.
            local: canonical(local),
            remote: canonical(remote),
        };
        let (outlet, waiting) = Outlet::new();
        if !entry.send(Arrival::Opened { path, outlet }).await {
            return;
        }
        tokio::select! {
            () = read(reader, frames, path, entry, &moved) => {}
            () = write(writer, waiting, &moved) => {}
        }
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Which worker the first check is for.
async fn thread(stream: &mut (impl AsyncRead + Unpin), frames: &mut Frames) -> Option<usize> {
    loop {
        if let Some(check) = frames.first().ok()? {
            return ice::thread_of(check);
        }
        if stream.read_buf(frames.place(READ_BYTES)).await.ok()? == 0 {
            return None;
        }
    }
}

async fn read(
    mut stream: impl AsyncRead + Unpin,
    mut frames: Frames,
    path: Path,
    entry: &Entry,
    moved: &impl Fn(),
) {
    loop {
        match frames.take() {
            Ok(Some(frames)) => {
                let at = Instant::now();
                if !entry.send(Arrival::Frames { path, frames, at }).await {
                    return;
                }
            }
            Ok(None) => {}
            Err(frames::TooLong) => {
                tracing::trace!("a stream of media had a frame that is longer than any packet");
                return;
            }
        }
        match stream.read_buf(frames.place(READ_BYTES)).await {
            Ok(1..) => moved(),
            Ok(0) | Err(_) => return,
        }
    }
}

async fn write(
    mut stream: impl AsyncWrite + Unpin,
    Waiting { mut coming, bytes }: Waiting,
    moved: &impl Fn(),
) {
    while let Some(chunk) = coming.recv().await {
        for part in chunk.chunks(WRITE_BYTES) {
            let written = async {
                stream.write_all(part).await?;
                // What is in TLS may still be kept back.
                stream.flush().await
            };
            let Ok(Ok(())) = timeout(DRAINED_WITHIN, written).await else {
                return;
            };
            bytes.fetch_sub(part.len(), Ordering::Relaxed);
            moved();
        }
    }
    // The worker has no more of it: the connection is over.
    let _ = timeout(DRAINED_WITHIN, stream.shutdown()).await;
}

#[cfg(test)]
mod tests;
