//! The streams of a publisher, told apart by SSRC, and which of an m-line's is forwarded.

use std::time::{Duration, Instant};

use crate::media::peer::sdp;
use crate::media::rtp::history::History;
use crate::media::rtp::missing::Missing;
use crate::media::rtp::reception::{LastReport, Reception};
use crate::media::rtp::sequence::SequenceWindow;

/// Streams of one connection; more are ignored.
const MAX_STREAMS: usize = 64;
/// A layer that is silent for this long gives way to another.
const LAYER_SILENT_AFTER: Duration = Duration::from_millis(700);

/// A sender report's clock pair (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Report {
    /// The sender's wall clock, as NTP.
    pub ntp: u64,
    /// The same instant on the stream's clock.
    pub rtp: u32,
    /// When it came.
    pub at: Instant,
}

/// One SSRC that arrives on an m-line.
pub(super) struct Stream {
    pub ssrc: u32,
    pub line: usize,
    pub rid: Option<String>,
    /// What it repairs, if it carries repairs (RFC 4588).
    pub repairs: Option<u32>,
    pub window: SequenceWindow,
    pub reception: Reception,
    pub missing: Missing,
    pub history: History,
    pub report: Option<Report>,
    /// The highest number that came, for counting losses.
    pub counted: Option<u16>,
    pub heard_at: Instant,
    /// Something of it came.
    pub heard: bool,
    bytes: u64,
    rate: u64,
}

impl Stream {
    fn new(ssrc: u32, line: usize, now: Instant) -> Self {
        Self {
            ssrc,
            line,
            rid: None,
            repairs: None,
            window: SequenceWindow::default(),
            reception: Reception::default(),
            missing: Missing::default(),
            history: History::default(),
            report: None,
            counted: None,
            heard_at: now,
            heard: false,
            bytes: 0,
            rate: 0,
        }
    }

    /// Notes that so much of it came.
    pub fn hear(&mut self, bytes: usize, now: Instant) {
        self.heard = true;
        self.heard_at = now;
        self.bytes += bytes as u64;
    }

    /// The middle of its last report, and when that came.
    pub fn last_report(&self) -> Option<LastReport> {
        let report = self.report?;
        Some(((report.ntp >> 16) as u32, report.at))
    }
}

/// All of a connection's. There are a dozen; a walk over them is quicker than a table.
#[derive(Default)]
pub(super) struct Streams(Vec<Stream>);

impl Streams {
    /// Takes the streams that an m-line's description declares.
    pub fn declare(&mut self, line: usize, declared: &sdp::Streams, now: Instant) {
        for ssrc in declared.media() {
            self.place(ssrc, line, now);
        }
        for (repair, of) in &declared.repairs {
            if let Some(place) = self.place(*repair, line, now) {
                self.0[place].repairs = Some(*of);
            }
        }
    }

    /// The place of this stream on this m-line, made if need be; none where there are too many.
    pub fn place(&mut self, ssrc: u32, line: usize, now: Instant) -> Option<usize> {
        let place = self.find(ssrc).or_else(|| {
            let room = self.0.len() < MAX_STREAMS;
            room.then(|| {
                self.0.push(Stream::new(ssrc, line, now));
                self.0.len() - 1
            })
        })?;
        self.0[place].line = line;
        Some(place)
    }

    /// Where this stream stands, if it is known.
    pub fn find(&self, ssrc: u32) -> Option<usize> {
        self.0.iter().position(|stream| stream.ssrc == ssrc)
    }

    pub fn get(&self, ssrc: u32) -> Option<&Stream> {
        self.0.iter().find(|stream| stream.ssrc == ssrc)
    }

    pub fn at(&mut self, place: usize) -> Option<&mut Stream> {
        self.0.get_mut(place)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.0.iter_mut()
    }

    /// Whether nothing has come.
    pub fn is_empty(&self) -> bool {
        !self.0.iter().any(|stream| stream.heard)
    }

    /// The stream of this layer.
    pub fn of_layer(&self, line: usize, rid: &str) -> Option<u32> {
        let of_line = self.of_line(line);
        let mut layer = of_line.filter(|stream| stream.rid.as_deref() == Some(rid));
        layer.next().map(|stream| stream.ssrc)
    }

    /// Those of an m-line that came and carry media of their own.
    fn of_line(&self, line: usize) -> impl Iterator<Item = &Stream> {
        self.0
            .iter()
            .filter(move |stream| stream.line == line && stream.heard && stream.repairs.is_none())
    }

    /// The layers of an m-line that were seen.
    pub fn layers(&self, line: usize) -> Vec<String> {
        let on_line = self.of_line(line);
        let mut rids: Vec<String> = on_line.filter_map(|stream| stream.rid.clone()).collect();
        rids.sort();
        rids
    }

    /// Whether this stream of an m-line is still the one to forward: it is not silent.
    pub fn is_alive(&self, ssrc: u32, now: Instant) -> bool {
        self.get(ssrc).is_some_and(|stream| {
            now.saturating_duration_since(stream.heard_at) < LAYER_SILENT_AFTER
        })
    }

    /// Measures all bitrates.
    pub fn measure(&mut self) {
        for stream in &mut self.0 {
            stream.rate = std::mem::take(&mut stream.bytes);
        }
    }

    /// The layer of an m-line that should be forwarded in place of this one.
    pub fn better_layer(&self, line: usize, current: Option<u32>) -> Option<u32> {
        let layers = self.of_line(line).filter(|stream| stream.rid.is_some());
        let best = layers.max_by_key(|stream| stream.rate)?;
        let current = current.and_then(|ssrc| self.get(ssrc));
        let rate = current.map_or(0, |stream| stream.rate);
        // A quarter more, so that two layers of about one rate do not take turns.
        (best.rate * 4 > rate * 5).then_some(best.ssrc)
    }
}
