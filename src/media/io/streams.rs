//! A worker's streams: what came by them, where packets leave, and which of them lead to a connection.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::sync::mpsc;

use crate::budgets::media::STREAM_UNPROVEN;
use crate::media::io::tcp::{Arrival, Outlet};
use crate::media::peer::path::Path;

/// A stream whose checks have not proven it by then is ended.
const PROVEN_WITHIN: Duration = Duration::from_secs(10);
/// How often it is looked which streams have ended, and which lead nowhere any more.
const LOOKED_EVERY: Duration = Duration::from_millis(250);

/// The streams of one worker.
pub(in crate::media) struct Streams {
    arrivals: mpsc::Receiver<Arrival>,
    open: HashMap<u64, Stream>,
    looked_at: Instant,
}

struct Stream {
    path: Path,
    outlet: Outlet,
    since: Instant,
    is_proven: bool,
    /// Bytes that came before the stream was proven.
    unproven: usize,
}

impl Streams {
    /// The streams that come in there.
    pub fn new(arrivals: mpsc::Receiver<Arrival>, now: Instant) -> Self {
        Self {
            arrivals,
            open: HashMap::new(),
            looked_at: now,
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.open.len()
    }

    /// Whole frames that came, with their path and time; none when there are no more. `leads` tells whether a path
    /// leads to a connection by now.
    pub fn next(
        &mut self,
        now: Instant,
        leads: impl Fn(Path) -> bool,
    ) -> Option<(Path, BytesMut, Instant)> {
        loop {
            match self.arrivals.try_recv().ok()? {
                Arrival::Opened { path, outlet } => self.take(path, outlet, now),
                Arrival::Frames { path, frames, at } => {
                    if self.hears(path, frames.len(), &leads) {
                        return Some((path, frames, at));
                    }
                }
            }
        }
    }

    fn take(&mut self, path: Path, outlet: Outlet, now: Instant) {
        if let Path::Tcp { connection, .. } = path {
            let stream = Stream {
                path,
                outlet,
                since: now,
                is_proven: false,
                unproven: 0,
            };
            self.open.insert(connection, stream);
        }
    }

    /// Whether so many bytes are looked at. A stream that was ended here may still deliver something. A stream that has
    /// not proven itself is ended when it sends on and on.
    fn hears(&mut self, path: Path, bytes: usize, leads: impl Fn(Path) -> bool) -> bool {
        let Path::Tcp { connection, .. } = path else {
            return false;
        };
        let Some(stream) = self.open.get_mut(&connection) else {
            return false;
        };
        stream.is_proven = stream.is_proven || leads(path);
        if stream.is_proven {
            return true;
        }
        stream.unproven += bytes;
        let is_heard = stream.unproven <= STREAM_UNPROVEN.size();
        if !is_heard {
            self.open.remove(&connection);
        }
        is_heard
    }

    /// Sends by one of them.
    pub fn send<'a>(&self, connection: u64, packets: impl Iterator<Item = &'a [u8]>) {
        if let Some(stream) = self.open.get(&connection) {
            stream.outlet.send(packets);
        }
    }

    /// When [`Streams::look`] wants to be called, if at all.
    pub fn due(&self) -> Option<Instant> {
        (!self.open.is_empty()).then_some(self.looked_at + LOOKED_EVERY)
    }

    /// Ends those that lead to no connection any more, or did not in time. Gives the paths that are no more.
    pub fn look(&mut self, now: Instant, leads: impl Fn(Path) -> bool) -> Vec<Path> {
        if self.due().is_none_or(|due| now < due) {
            return Vec::new();
        }
        self.looked_at = now;
        let ended = self.open.extract_if(|_, stream| {
            let is_late = now.saturating_duration_since(stream.since) >= PROVEN_WITHIN;
            let leads = leads(stream.path);
            let is_over = !leads && (stream.is_proven || is_late);
            stream.is_proven |= leads;
            is_over || !stream.outlet.is_open()
        });
        ended.map(|(_, stream)| stream.path).collect()
    }

    /// Ends all of them.
    pub fn end(&mut self) {
        self.open.clear();
    }
}
