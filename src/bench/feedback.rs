//! Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01): when each packet arrived, as browsers
//! tell it.

use std::time::{Duration, Instant};

/// The header extension that carries a packet's number.
pub(super) const EXTENSION: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// Deltas are told in these; the reference time in 256 of them.
const TICK: Duration = Duration::from_micros(250);
const REFERENCE: i64 = 256;
/// Two bits of each packet, seven packets in a chunk (§3.1.4).
const PACKETS_OF_CHUNK: usize = 7;
const NOT_RECEIVED: u8 = 0;
const SMALL_DELTA: u8 = 1;
const LARGE_DELTA: u8 = 2;
/// No receiver would send a report on more numbers than this.
const MOST_NUMBERS: i16 = 4_096;

/// What arrived since the last report.
#[derive(Debug)]
pub(super) struct Feedback {
    /// The extension's number on this connection.
    id: u8,
    origin: Instant,
    ssrc: u32,
    arrivals: Vec<(u16, Instant)>,
    reports: u8,
}

impl Feedback {
    pub fn new(id: u8, origin: Instant) -> Self {
        Self {
            id,
            origin,
            ssrc: 0,
            arrivals: Vec::new(),
            reports: 0,
        }
    }

    /// Takes a packet's number from its header, which stands in the clear.
    pub fn note(&mut self, packet: &[u8], ssrc: u32, now: Instant) {
        if let Some(number) = number(packet, self.id) {
            self.ssrc = ssrc;
            self.arrivals.push((number, now));
        }
    }

    /// The report on them; `None` when nothing arrived.
    pub fn report(&mut self) -> Option<Vec<u8>> {
        let arrivals = std::mem::take(&mut self.arrivals);
        let (around, _) = *arrivals.first()?;
        // Numbers wrap; what came late lies before the first.
        let mut offsets: Vec<(i16, i64)> = arrivals
            .iter()
            .map(|(number, at)| (number.wrapping_sub(around) as i16, self.ticks(*at)))
            .collect();
        offsets.sort_unstable();
        offsets.dedup_by_key(|(offset, _)| *offset);
        let (first, first_at) = *offsets.first()?;
        offsets.retain(|(offset, _)| offset.saturating_sub(first) < MOST_NUMBERS);
        let reference = first_at / REFERENCE;
        let (mut symbols, mut deltas) = (Vec::new(), Vec::new());
        let mut last = reference * REFERENCE;
        for (offset, at) in offsets {
            symbols.resize((offset - first) as usize, NOT_RECEIVED);
            let delta = at - last;
            last = at;
            if let Ok(small) = u8::try_from(delta) {
                symbols.push(SMALL_DELTA);
                deltas.push(small);
            } else {
                symbols.push(LARGE_DELTA);
                let large = delta.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
                deltas.extend_from_slice(&large.to_be_bytes());
            }
        }
        let base = around.wrapping_add(first as u16);
        Some(self.write(base, reference, &symbols, &deltas))
    }

    fn write(&mut self, base: u16, reference: i64, symbols: &[u8], deltas: &[u8]) -> Vec<u8> {
        let mut report = vec![0x8f, 205, 0, 0];
        report.extend_from_slice(&1u32.to_be_bytes());
        report.extend_from_slice(&self.ssrc.to_be_bytes());
        report.extend_from_slice(&base.to_be_bytes());
        report.extend_from_slice(&(symbols.len() as u16).to_be_bytes());
        let [_, time @ ..] = (reference as u32).to_be_bytes();
        report.extend_from_slice(&time);
        report.push(self.reports);
        self.reports = self.reports.wrapping_add(1);
        for chunk in symbols.chunks(PACKETS_OF_CHUNK) {
            let shifts = (0..14u16).step_by(2).rev();
            let bits = chunk.iter().zip(shifts);
            let bits = bits.fold(0xc000, |bits, (symbol, shift)| {
                bits | (u16::from(*symbol) << shift)
            });
            report.extend_from_slice(&bits.to_be_bytes());
        }
        report.extend_from_slice(deltas);
        report.resize(report.len().next_multiple_of(4), 0);
        let words = (report.len() / 4 - 1) as u16;
        report[2..4].copy_from_slice(&words.to_be_bytes());
        report
    }

    fn ticks(&self, at: Instant) -> i64 {
        let since = at.saturating_duration_since(self.origin).as_nanos();
        i64::try_from(since / TICK.as_nanos()).unwrap_or(i64::MAX)
    }
}

/// Of an extension with one-byte headers (RFC 8285 §4.2).
fn number(packet: &[u8], id: u8) -> Option<u16> {
    let first = *packet.first()?;
    if first & 0x10 == 0 {
        return None;
    }
    let at = 12 + 4 * usize::from(first & 0x0f);
    let [0xbe, 0xde, high, low] = *packet.get(at..)?.first_chunk()? else {
        return None;
    };
    let length = 4 * usize::from(u16::from_be_bytes([high, low]));
    let mut rest = packet.get(at + 4..at + 4 + length)?;
    while let [head, after @ ..] = rest {
        if *head == 0 {
            rest = after;
            continue;
        }
        let length = usize::from(head & 0x0f) + 1;
        if head >> 4 == id {
            return Some(u16::from_be_bytes(*after.first_chunk()?));
        }
        rest = after.get(length..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(number: u16) -> Vec<u8> {
        let mut packet = vec![0; 12];
        packet[0] = 0x90;
        // Another extension of two bytes and a byte of padding go before it.
        packet.extend_from_slice(&[0xbe, 0xde, 0, 2, 0x11, 7, 7, 0, 0x51]);
        packet.extend_from_slice(&number.to_be_bytes());
        packet.push(0);
        packet
    }

    #[test]
    fn a_number_is_found_among_extensions() {
        assert_eq!(number(&packet(0x1234), 5), Some(0x1234));
        assert_eq!(number(&packet(0x1234), 6), None);
        assert_eq!(number(&packet(1)[..20], 5), None);
        assert_eq!(number(&[0x80; 12], 5), None);
    }

    #[test]
    fn a_report_tells_arrivals_gaps_and_order() {
        let origin = Instant::now();
        let mut feedback = Feedback::new(5, origin);
        assert_eq!(feedback.report(), None);
        for (number, millis) in [(0xffff, 65), (1, 66), (0, 67), (3, 200)] {
            feedback.note(&packet(number), 9, origin + Duration::from_millis(millis));
        }
        let report = feedback.report().unwrap();
        let expected = [
            &[0x8f, 205, 0, 6][..],
            &[0, 0, 0, 1, 0, 0, 0, 9],
            // From 65,535 five numbers, the first at 64 ms, the first report.
            &[0xff, 0xff, 0, 5, 0, 0, 1, 0],
            // Small, small, large (a step back), none, large.
            &[0b1101_0110, 0b0010_0000],
            &[4, 8],
            &(-4i16).to_be_bytes(),
            &536u16.to_be_bytes(),
        ]
        .concat();
        assert_eq!(report, expected);
        assert_eq!(feedback.report(), None);
    }
}
