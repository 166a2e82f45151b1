//! What senders write into packets, and what receivers read of them: headers, times, gaps, reports.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::plan::Kind;
use super::sdp::{OPUS, VP8};

const RTP_HEADER: usize = 12;
/// Where the time stands in the payload: after what looks like VP8 or Opus.
const TIME_AT: usize = RTP_HEADER + 2;
/// From 1900, where NTP counts from, to 1970.
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// The clock that times in payloads are told by; one for the whole process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub fn starting(now: Instant) -> Self {
        Self(now)
    }

    fn nanos(self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.0);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    /// How long ago a packet says that it was sent.
    pub fn age(self, packet: &[u8], now: Instant) -> Option<Duration> {
        let payload = payload_at(packet)? - RTP_HEADER;
        let time = packet.get(payload + TIME_AT..payload + TIME_AT + 8)?;
        let sent = u64::from_be_bytes(time.try_into().ok()?);
        let nanos = self.nanos(now).checked_sub(sent)?;
        Some(Duration::from_nanos(nanos))
    }
}

/// Where the payload begins (RFC 3550 §5.1 and §5.3.1).
fn payload_at(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    let mut at = RTP_HEADER + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let words = packet.get(at + 2..at + 4)?;
        at += 4 + 4 * usize::from(u16::from_be_bytes(words.try_into().ok()?));
    }
    (at <= packet.len()).then_some(at)
}

/// The fields of a header that stand in the clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub payload_type: u8,
    pub sequence: u16,
    pub ssrc: u32,
}

impl Header {
    pub fn read(packet: &[u8]) -> Option<Self> {
        let bytes: &[u8; RTP_HEADER] = packet.first_chunk()?;
        Some(Self {
            payload_type: bytes[1] & 0x7f,
            sequence: u16::from_be_bytes([bytes[2], bytes[3]]),
            ssrc: u32::from_be_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]),
        })
    }
}

/// What a datagram holds (RFC 7983 §7, RFC 5761 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Media,
    Control,
    Connecting,
}

impl Content {
    pub fn of(datagram: &[u8]) -> Self {
        match datagram {
            [128..=191, 192..=223, ..] => Self::Control,
            [128..=191, ..] => Self::Media,
            _ => Self::Connecting,
        }
    }
}

/// Whether a control packet asks for a keyframe: a PLI (RFC 4585 §6.3.1) or a FIR (RFC 5104 §4.3.1).
pub(super) fn asks_for_keyframe(compound: &[u8]) -> bool {
    let mut rest = compound;
    while let [first, kind, high, low, ..] = *rest {
        if kind == 206 && matches!(first & 0x1f, 1 | 4) {
            return true;
        }
        let length = 4 * (1 + usize::from(u16::from_be_bytes([high, low])));
        rest = rest.get(length..).unwrap_or_default();
    }
    false
}

/// One stream as its sender makes it: pictures of some packets each, or sound.
#[derive(Debug)]
pub(super) struct Stream {
    kind: Kind,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    /// How much the timestamp rises from one picture to the next.
    step: u32,
    packet: Vec<u8>,
    /// The next picture is to decode on its own.
    pub keyframe_asked: bool,
    pub sent: u32,
}

impl Stream {
    /// `pictures` come each second.
    pub fn new(kind: Kind, ssrc: u32, payload: usize, pictures: f64) -> Self {
        let clock_rate = match kind {
            Kind::Audio => 48_000.0,
            Kind::Video => 90_000.0,
        };
        let mut packet = vec![0; RTP_HEADER + payload];
        packet[0] = 0x80;
        packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
        Self {
            kind,
            ssrc,
            sequence: 0,
            timestamp: 0,
            step: (clock_rate / pictures) as u32,
            packet,
            keyframe_asked: true,
            sent: 0,
        }
    }

    /// The next packet of a picture, not sealed yet. The time is written last, so that nothing of ours lies between
    /// it and the sealing.
    pub fn next(&mut self, place: Place, clock: Clock, now: Instant) -> &[u8] {
        let payload_type = match self.kind {
            Kind::Audio => OPUS,
            Kind::Video => VP8,
        };
        let marker = self.kind == Kind::Video && place.is_last();
        self.packet[1] = payload_type | if marker { 0x80 } else { 0 };
        self.packet[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        self.packet[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        let [first, second] = match self.kind {
            // A table of contents that says 20 ms in stereo (RFC 6716 §3.1).
            Kind::Audio => [0xfc, 0],
            Kind::Video if place.is_first() => {
                let inter = u8::from(!std::mem::take(&mut self.keyframe_asked));
                [0x10, inter]
            }
            Kind::Video => [0, 0],
        };
        self.packet[RTP_HEADER] = first;
        self.packet[RTP_HEADER + 1] = second;
        self.packet[TIME_AT..TIME_AT + 8].copy_from_slice(&clock.nanos(now).to_be_bytes());
        self.sequence = self.sequence.wrapping_add(1);
        self.sent = self.sent.wrapping_add(1);
        if place.is_last() {
            self.timestamp = self.timestamp.wrapping_add(self.step);
        }
        &self.packet
    }

    /// A sender report (RFC 3550 §6.4.1).
    pub fn report(&self, time: SystemTime) -> [u8; 28] {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = (since.as_secs() + NTP_TO_UNIX) as u32;
        let fraction = ((u64::from(since.subsec_nanos()) << 32) / 1_000_000_000) as u32;
        let octets = self
            .sent
            .wrapping_mul((self.packet.len() - RTP_HEADER) as u32);
        let mut report = [0; 28];
        report[..4].copy_from_slice(&[0x80, 200, 0, 6]);
        let words = [
            self.ssrc,
            seconds,
            fraction,
            self.timestamp,
            self.sent,
            octets,
        ];
        for (at, word) in report[4..].chunks_exact_mut(4).zip(words) {
            at.copy_from_slice(&word.to_be_bytes());
        }
        report
    }
}

/// Which of a picture's packets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub index: u32,
    pub of: u32,
}

impl Place {
    fn is_first(self) -> bool {
        self.index == 0
    }

    fn is_last(self) -> bool {
        self.index + 1 == self.of
    }
}

/// What came of one stream, by its sequence numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrivals {
    pub ssrc: u32,
    first: i64,
    highest: i64,
    received: u64,
    /// The highest number and the count at the last report, to tell what was lost since.
    reported: (i64, u64),
}

impl Arrivals {
    pub fn beginning(header: Header) -> Self {
        let sequence = i64::from(header.sequence);
        Self {
            ssrc: header.ssrc,
            first: sequence,
            highest: sequence,
            received: 1,
            reported: (sequence - 1, 0),
        }
    }

    pub fn take(&mut self, sequence: u16) {
        // The nearest number with these low bits.
        let ahead = sequence.wrapping_sub(self.highest as u16) as i16;
        self.highest = self.highest.max(self.highest + i64::from(ahead));
        self.received += 1;
    }

    pub fn received(&self) -> u64 {
        self.received
    }

    /// Numbers that were passed over.
    pub fn lost(&self) -> u64 {
        let expected = u64::try_from(self.highest - self.first + 1).unwrap_or_default();
        expected.saturating_sub(self.received)
    }

    /// A block of a receiver report (RFC 3550 §6.4.1).
    fn report(&mut self) -> [u8; 24] {
        let (highest, received) = self.reported;
        let expected = u64::try_from(self.highest - highest).unwrap_or_default();
        let lost = expected.saturating_sub(self.received - received);
        let fraction = (lost * 256).checked_div(expected).unwrap_or(0).min(255);
        self.reported = (self.highest, self.received);
        let mut block = [0; 24];
        block[..4].copy_from_slice(&self.ssrc.to_be_bytes());
        let all = self.lost().min(0x7f_ffff) as u32;
        block[4..8].copy_from_slice(&all.to_be_bytes());
        block[4] = fraction as u8;
        block[8..12].copy_from_slice(&(self.highest as u32).to_be_bytes());
        block
    }
}

/// A receiver report on all these streams, as browsers send them; `None` where there are none.
pub(super) fn receiver_report(streams: &mut [Arrivals]) -> Option<Vec<u8>> {
    // Five bits count the blocks.
    let count = streams.len().min(31);
    if count == 0 {
        return None;
    }
    let words = (1 + 6 * count) as u16;
    let mut report = vec![0x80 | count as u8, 201];
    report.extend_from_slice(&words.to_be_bytes());
    report.extend_from_slice(&1u32.to_be_bytes());
    for stream in streams.iter_mut().take(count) {
        report.extend_from_slice(&stream.report());
    }
    Some(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(sequence: u16) -> Header {
        Header {
            payload_type: VP8,
            sequence,
            ssrc: 7,
        }
    }

    #[test]
    fn gaps_are_lost_also_over_the_wrap() {
        let mut arrivals = Arrivals::beginning(header(65_533));
        for sequence in [65_534, 0, 1, 3] {
            arrivals.take(sequence);
        }
        assert_eq!((arrivals.received(), arrivals.lost()), (5, 2));
        // What comes late fills its gap.
        arrivals.take(65_535);
        assert_eq!((arrivals.received(), arrivals.lost()), (6, 1));
    }

    #[test]
    fn a_packet_says_when_it_was_sent() {
        let start = Instant::now();
        let clock = Clock::starting(start);
        let at = |millis| start + Duration::from_millis(millis);
        let mut stream = Stream::new(Kind::Video, 7, 100, 30.0);
        let place = Place { index: 0, of: 1 };
        let packet = stream.next(place, clock, at(5)).to_vec();
        assert_eq!(Header::read(&packet), Some(header(0)));
        assert_eq!(packet.len(), 112);
        assert_eq!(clock.age(&packet, at(8)), Some(Duration::from_millis(3)));
        // With an extension of one word that the server may add.
        let mut extended = packet[..12].to_vec();
        extended[0] |= 0x10;
        extended.extend_from_slice(&[0xbe, 0xde, 0, 1, 0, 0, 0, 0]);
        extended.extend_from_slice(&packet[12..]);
        assert_eq!(clock.age(&extended, at(8)), Some(Duration::from_millis(3)));
        assert_eq!(clock.age(&packet[..20], at(8)), None);
    }

    #[test]
    fn a_picture_is_several_packets_of_one_time() {
        let start = Instant::now();
        let clock = Clock::starting(start);
        let mut stream = Stream::new(Kind::Video, 7, 20, 30.0);
        let places = (0..6).map(|index| Place {
            index: index % 3,
            of: 3,
        });
        let packets: Vec<(bool, u32, [u8; 2])> = places
            .map(|place| {
                let packet = stream.next(place, clock, start);
                let timestamp = u32::from_be_bytes(packet[4..8].try_into().unwrap());
                (packet[1] & 0x80 != 0, timestamp, [packet[12], packet[13]])
            })
            .collect();
        let expected = [
            (false, 0, [0x10, 0]),
            (false, 0, [0, 0]),
            (true, 0, [0, 0]),
            (false, 3_000, [0x10, 1]),
            (false, 3_000, [0, 0]),
            (true, 3_000, [0, 0]),
        ];
        assert_eq!(packets, expected);
    }

    #[test]
    fn a_request_for_a_keyframe_is_found_behind_a_report() {
        let report = Stream::new(Kind::Video, 7, 20, 30.0).report(UNIX_EPOCH);
        assert!(!asks_for_keyframe(&report));
        let pli = [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 7];
        assert!(asks_for_keyframe(&[&report[..], &pli[..]].concat()));
        assert!(!asks_for_keyframe(&[0x80, 201, 0xff, 0xff]));
    }

    #[test]
    fn a_report_says_what_was_lost_since_the_last() {
        let mut arrivals = [Arrivals::beginning(header(10))];
        arrivals[0].take(13);
        let first = receiver_report(&mut arrivals).unwrap();
        assert_eq!(first[..4], [0x81, 201, 0, 7]);
        assert_eq!(first[8..20], [0, 0, 0, 7, 128, 0, 0, 2, 0, 0, 0, 13]);
        arrivals[0].take(14);
        let second = receiver_report(&mut arrivals).unwrap();
        assert_eq!(second[12..16], [0, 0, 0, 2]);
        assert_eq!(receiver_report(&mut []), None);
    }
}
