//! Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): what arrived of all streams of a
//! connection, and when. Read from subscribers, written to publishers.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A time in feedback is counted in these.
const TICK: Duration = Duration::from_micros(250);
/// And its first in these: 64 ms.
const TICKS_PER_REFERENCE: u64 = 256;
const LOST: u8 = 0;
const SMALL: u8 = 1;
const LARGE: u8 = 2;

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It has not come.
    Lost,
    /// It came at this time of the receiver's clock.
    Came(Duration),
    /// It came, and nobody knows when.
    CameSometime,
}

/// One feedback that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransportFeedback<'a> {
    base: u16,
    count: u16,
    reference: u32,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

impl<'a> TransportFeedback<'a> {
    /// Reads what follows the packet's first four bytes. None where it says more than it has.
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let head: &[u8; 16] = body.first_chunk()?;
        let count = u16::from_be_bytes([head[10], head[11]]);
        let rest = body.get(16..)?;
        let (mut reported, mut delta_bytes, mut chunk_bytes) = (0, 0, 0);
        while reported < usize::from(count) {
            let chunk: [u8; 2] = rest.get(chunk_bytes..chunk_bytes + 2)?.try_into().ok()?;
            let chunk = Chunk::read(u16::from_be_bytes(chunk));
            // One of no packets would be read for ever.
            let here = chunk.length.min(usize::from(count) - reported);
            if here == 0 {
                return None;
            }
            delta_bytes += chunk.delta_bytes(here);
            reported += here;
            chunk_bytes += 2;
        }
        let (chunks, deltas) = rest.split_at_checked(chunk_bytes)?;
        let deltas = deltas.get(..delta_bytes)?;
        Some(Self {
            base: u16::from_be_bytes([head[8], head[9]]),
            count,
            reference: u32::from_be_bytes([0, head[12], head[13], head[14]]),
            chunks,
            deltas,
        })
    }

    /// How many packets it tells of.
    pub fn count(&self) -> u16 {
        self.count
    }

    /// What became of each packet, by its number.
    pub fn iter(&self) -> impl Iterator<Item = (u16, Fate)> + use<'a> {
        let mut ticks = i64::from(self.reference) * TICKS_PER_REFERENCE as i64;
        let mut deltas = self.deltas;
        let chunks = self.chunks.chunks_exact(2);
        let statuses = chunks.flat_map(|chunk| {
            let chunk = Chunk::read(u16::from_be_bytes([chunk[0], chunk[1]]));
            (0..chunk.length).map(move |place| chunk.status(place))
        });
        let base = self.base;
        let numbered = statuses.take(usize::from(self.count)).enumerate();
        numbered.map(move |(place, status)| {
            let delta = match status {
                LOST => None,
                SMALL => deltas.split_off_first().map(|small| i64::from(*small)),
                LARGE => {
                    let large = deltas.split_off(..2).and_then(|two| two.first_chunk());
                    large.map(|large| i64::from(i16::from_be_bytes(*large)))
                }
                _ => None,
            };
            let fate = match (status, delta) {
                (LOST, _) => Fate::Lost,
                (_, Some(delta)) => {
                    ticks += delta;
                    Fate::Came(TICK.saturating_mul(u32::try_from(ticks).unwrap_or_default()))
                }
                (_, None) => Fate::CameSometime,
            };
            (base.wrapping_add(place as u16), fate)
        })
    }
}

/// The states of some packets in a row.
#[derive(Debug, Clone, Copy)]
struct Chunk {
    bits: u16,
    length: usize,
}

impl Chunk {
    fn read(bits: u16) -> Self {
        let length = match bits >> 14 {
            0 | 1 => usize::from(bits & 0x1fff),
            2 => 14,
            _ => 7,
        };
        Self { bits, length }
    }

    fn status(self, place: usize) -> u8 {
        match self.bits >> 14 {
            0 | 1 => (self.bits >> 13 & 3) as u8,
            2 => (self.bits >> (13 - place.min(13)) & 1) as u8,
            _ => (self.bits >> (12 - 2 * place.min(6)) & 3) as u8,
        }
    }

    fn delta_bytes(self, of: usize) -> usize {
        let bytes = |status| match status {
            SMALL => 1,
            LARGE => 2,
            _ => 0,
        };
        match self.bits >> 14 {
            0 | 1 => of * bytes(self.status(0)),
            _ => (0..of).map(|place| bytes(self.status(place))).sum(),
        }
    }
}

/// Numbers that jump farther begin anew.
const MAX_JUMP: u64 = 2_048;
/// So many are remembered after they were told, for those that come late.
const REMEMBERED: u64 = 256;
/// One report tells of no more, so that it fits into a datagram.
const MAX_TOLD: usize = 384;
const NEVER: u64 = u64::MAX;

/// What arrives, until it is told.
#[derive(Debug, Default)]
pub struct Recorder {
    origin: Option<Instant>,
    /// The number of the first that is remembered, extended.
    first: u64,
    /// When they came, in ticks.
    arrivals: VecDeque<u64>,
    /// The next report begins here.
    next: u64,
    reports: u8,
}

impl Recorder {
    /// Notes that the packet of this number came.
    pub fn note(&mut self, number: u16, now: Instant) {
        let origin = *self.origin.get_or_insert(now);
        // Away from nothing, so that one that comes late can be there.
        let passed = now.saturating_duration_since(origin).as_micros() / TICK.as_micros();
        let ticks = TICKS_PER_REFERENCE + passed as u64;
        let number = self.extend(number);
        let end = self.first + self.arrivals.len() as u64;
        if self.arrivals.is_empty() || number > end + MAX_JUMP {
            self.arrivals.clear();
            (self.first, self.next) = (number, number);
        }
        let Some(place) = number.checked_sub(self.first) else {
            return;
        };
        let place = place as usize;
        if place >= self.arrivals.len() {
            self.arrivals.resize(place + 1, NEVER);
        }
        if let Some(arrival) = self.arrivals.get_mut(place).filter(|at| **at == NEVER) {
            *arrival = ticks;
            self.next = self.next.min(number);
        }
    }

    fn extend(&self, number: u16) -> u64 {
        if self.arrivals.is_empty() {
            // Those before it can be told from it, too.
            return 0x1_0000 + u64::from(number);
        }
        let highest = self.first + self.arrivals.len() as u64 - 1;
        let ahead = number.wrapping_sub(highest as u16) as i16;
        highest.saturating_add_signed(i64::from(ahead))
    }

    /// Whether something came that was not told.
    pub fn has_news(&self) -> bool {
        self.next < self.first + self.arrivals.len() as u64
    }

    /// What is told next.
    pub(super) fn next_report(&mut self) -> Option<Packet> {
        let skipped = self.next.saturating_sub(self.first) as usize;
        let waiting = self.arrivals.iter().skip(skipped);
        let began = *waiting.clone().find(|at| **at != NEVER)?;
        let reference = began / TICKS_PER_REFERENCE;
        let mut reported = Packet {
            base: self.next as u16,
            reference: reference as u32 & 0x00ff_ffff,
            report: self.reports,
            statuses: Vec::new(),
            deltas: Vec::new(),
        };
        let mut last = reference * TICKS_PER_REFERENCE;
        for at in waiting.take(MAX_TOLD) {
            if *at == NEVER {
                reported.statuses.push(LOST);
                continue;
            }
            let Ok(delta) = i16::try_from(*at as i64 - last as i64) else {
                break;
            };
            let small = (0..=255).contains(&delta);
            reported.statuses.push(if small { SMALL } else { LARGE });
            reported.deltas.push(delta);
            last = *at;
        }
        self.reports = self.reports.wrapping_add(1);
        self.next += reported.statuses.len() as u64;
        let old = self.next.saturating_sub(REMEMBERED + self.first);
        self.arrivals
            .drain(..(old as usize).min(self.arrivals.len()));
        self.first += old;
        Some(reported)
    }
}

/// One feedback that is written.
#[derive(Debug)]
pub(super) struct Packet {
    base: u16,
    reference: u32,
    report: u8,
    statuses: Vec<u8>,
    deltas: Vec<i16>,
}

impl Packet {
    /// Appends it without the packet's first twelve bytes.
    pub fn write(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.base.to_be_bytes());
        into.extend_from_slice(&(self.statuses.len() as u16).to_be_bytes());
        into.extend_from_slice(&(self.reference << 8 | u32::from(self.report)).to_be_bytes());
        let mut rest = self.statuses.as_slice();
        while !rest.is_empty() {
            let (chunk, after) = chunk_of(rest);
            into.extend_from_slice(&chunk.to_be_bytes());
            rest = after;
        }
        for delta in &self.deltas {
            match u8::try_from(*delta) {
                Ok(small) => into.push(small),
                Err(_) => into.extend_from_slice(&delta.to_be_bytes()),
            }
        }
    }
}

/// The chunk that tells most of these at once, and those that are left.
fn chunk_of(statuses: &[u8]) -> (u16, &[u8]) {
    let first = statuses.first().copied().unwrap_or(LOST);
    let run = statuses.iter().take_while(|one| **one == first).count();
    let of_one_bit = statuses.iter().take(14).all(|one| *one != LARGE);
    let (bits, reported) = if run >= 14 || run == statuses.len() || (run >= 7 && !of_one_bit) {
        let run = run.min(0x1fff);
        (u16::from(first) << 13 | run as u16, run)
    } else if of_one_bit {
        let marks = statuses.iter().take(14).enumerate();
        let bits = marks.fold(0x8000, |bits, (place, one)| {
            bits | u16::from(*one) << (13 - place)
        });
        (bits, 14)
    } else {
        let marks = statuses.iter().take(7).enumerate();
        let bits = marks.fold(0xc000, |bits, (place, one)| {
            bits | u16::from(*one) << (12 - 2 * place)
        });
        (bits, 7)
    };
    (bits, statuses.get(reported..).unwrap_or_default())
}

#[cfg(test)]
mod tests;
