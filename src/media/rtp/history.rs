//! The last packets of a published stream as they came, from which each subscriber's losses are repaired: kept once,
//! however many receive it, and fitted to the subscriber again.

use std::time::{Duration, Instant};

use super::encoding::Encoding;
use super::extensions::ExtensionIds;
use super::packet::{Extensions, Form};

/// So many packets are kept at first; twice as many when that is less than [`KEPT_FOR`],
const FEWEST: usize = 64;
/// but no more: half a second of a fast camera.
const MOST: usize = 512;
/// What is older cannot be repaired in time.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// A packet as it came, borrowed from where it lies.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// Extended; each once.
    pub sequence: u64,
    /// On the stream's clock.
    pub timestamp: u32,
    /// The end of a picture, or the start of a talk spurt.
    pub marker: bool,
    /// How to read its payload.
    pub encoding: Encoding,
    /// Its header extensions,
    pub extensions: Extensions<'a>,
    /// by these ids.
    pub ids: ExtensionIds,
    /// Without padding.
    pub payload: &'a [u8],
}

impl Incoming<'_> {
    /// One without anything, in its place.
    pub fn emptied(&self) -> Self {
        Self {
            marker: false,
            extensions: Extensions::default(),
            payload: &[],
            ..*self
        }
    }
}

/// A packet that is kept.
#[derive(Debug, Clone)]
pub struct Stored {
    sequence: u64,
    timestamp: u32,
    marker: bool,
    encoding: Encoding,
    form: Form,
    ids: ExtensionIds,
    /// So many bytes of header extensions, then the payload.
    extensions: usize,
    bytes: Vec<u8>,
}

impl Stored {
    /// A copy.
    pub fn of(packet: &Incoming<'_>) -> Self {
        let mut stored = Self::empty();
        stored.fill(packet);
        stored
    }

    /// As it came.
    pub fn packet(&self) -> Incoming<'_> {
        let (extensions, payload) = self
            .bytes
            .split_at_checked(self.extensions)
            .unwrap_or_default();
        Incoming {
            sequence: self.sequence,
            timestamp: self.timestamp,
            marker: self.marker,
            encoding: self.encoding,
            extensions: Extensions {
                form: self.form,
                bytes: extensions,
            },
            ids: self.ids,
            payload,
        }
    }

    fn empty() -> Self {
        Self {
            sequence: 0,
            timestamp: 0,
            marker: false,
            encoding: Encoding::Other,
            form: Form::Other,
            ids: ExtensionIds::none(),
            extensions: 0,
            bytes: Vec::new(),
        }
    }

    fn fill(&mut self, packet: &Incoming<'_>) {
        self.sequence = packet.sequence;
        self.timestamp = packet.timestamp;
        self.marker = packet.marker;
        self.encoding = packet.encoding;
        self.form = packet.extensions.form;
        self.ids = packet.ids;
        self.extensions = packet.extensions.bytes.len();
        self.bytes.clear();
        self.bytes.extend_from_slice(packet.extensions.bytes);
        self.bytes.extend_from_slice(packet.payload);
    }
}

/// The packets of one stream. Each place keeps its memory for the next one.
#[derive(Debug, Default)]
pub struct History {
    places: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    at: Option<Instant>,
    stored: Stored,
}

impl History {
    /// Remembers a packet.
    pub fn keep(&mut self, packet: &Incoming<'_>, now: Instant) {
        let here = self.place(packet.sequence);
        let oldest = here.and_then(|place| self.places[place].at);
        let young = oldest.is_some_and(|at| now.saturating_duration_since(at) < KEPT_FOR);
        if here.is_none() || (young && self.places.len() < MOST) {
            self.grow();
        }
        if let Some(place) = self.place(packet.sequence) {
            let place = &mut self.places[place];
            place.at = Some(now);
            place.stored.fill(packet);
        }
    }

    /// The packet of this extended number, if it is still there.
    pub fn get(&self, sequence: u64) -> Option<Incoming<'_>> {
        let place = &self.places[self.place(sequence)?];
        let is_there = place.at.is_some() && place.stored.sequence == sequence;
        is_there.then(|| place.stored.packet())
    }

    /// Forgets all: another stream begins.
    pub fn clear(&mut self) {
        self.places = Vec::new();
    }

    fn place(&self, sequence: u64) -> Option<usize> {
        let place = sequence.checked_rem(self.places.len() as u64)?;
        Some(place as usize)
    }

    fn grow(&mut self) {
        let count = (self.places.len() * 2).clamp(FEWEST, MOST);
        let kept = std::mem::take(&mut self.places);
        self.places.resize_with(count, || Place {
            at: None,
            stored: Stored::empty(),
        });
        for one in kept.into_iter().filter(|one| one.at.is_some()) {
            if let Some(place) = self.place(one.stored.sequence) {
                self.places[place] = one;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(history: &mut History, sequence: u64, payload: &[u8], now: Instant) {
        let packet = Incoming {
            sequence,
            timestamp: sequence as u32 * 3,
            marker: sequence.is_multiple_of(2),
            encoding: Encoding::Vp8,
            extensions: Extensions {
                form: Form::OneByte,
                bytes: &[0x10, 9, 0, 0],
            },
            ids: ExtensionIds::none(),
            payload,
        };
        history.keep(&packet, now);
    }

    #[test]
    fn packets_are_found_as_they_came() {
        let (start, mut history) = (Instant::now(), History::default());
        assert!(history.get(5).is_none());
        keep(&mut history, 70_001, b"one", start);
        keep(&mut history, 70_000, b"", start);
        let found = history.get(70_001).unwrap();
        assert_eq!((found.payload, found.marker), (&b"one"[..], false));
        assert_eq!(found.extensions.get(1), Some(&[9][..]));
        assert_eq!(history.get(70_000).unwrap().payload, b"");
        assert!(history.get(70_002).is_none() && history.get(0).is_none());
        history.clear();
        assert!(history.get(70_001).is_none());
    }

    #[test]
    fn it_is_as_long_as_the_stream_is_fast() {
        let count = |per_second: u64| {
            let (start, mut history) = (Instant::now(), History::default());
            for sequence in 0..5_000 {
                let now = start + Duration::from_micros(sequence * 1_000_000 / per_second);
                keep(&mut history, sequence, &sequence.to_be_bytes(), now);
                let second = sequence.saturating_sub(per_second.min(MOST as u64 - 1));
                for kept in [sequence, second] {
                    let found = history.get(kept).map(|packet| packet.payload.to_vec());
                    assert_eq!(found, Some(kept.to_be_bytes().to_vec()), "{per_second}");
                }
            }
            history.places.len()
        };
        assert_eq!(count(30), 64);
        assert_eq!(count(200), 256);
        assert_eq!(count(10_000), MOST);
    }
}
