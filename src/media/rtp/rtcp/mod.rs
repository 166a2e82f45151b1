//! RTCP (RFC 3550 §6), read where it lies. Writing is in [`mod@write`], transport-wide feedback in [`transport`].
//!
//! Everything here takes bytes that a client wrote. A compound packet whose lengths do not agree is refused whole; one
//! report in it that is malformed is passed over. Nothing panics.

pub mod transport;
pub mod write;

use self::transport::TransportFeedback;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
/// RFC 4585 §6.2.
const TRANSPORT_FEEDBACK: u8 = 205;
/// RFC 4585 §6.3.
const PAYLOAD_FEEDBACK: u8 = 206;
/// RFC 3611.
const EXTENDED_REPORT: u8 = 207;
/// Formats of feedback.
const NACK: u8 = 1;
const TRANSPORT_WIDE: u8 = 15;
const PLI: u8 = 1;
const FIR: u8 = 4;
/// Blocks of extended reports (RFC 3611 §4.4, §4.5).
const REFERENCE_TIME: u8 = 4;
const LAST_REFERENCE_TIME: u8 = 5;

const BLOCK_BYTES: usize = 24;

/// One report of a compound packet, as far as it is acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report<'a> {
    /// RFC 3550 §6.4.1.
    Sender {
        /// The sender's stream.
        ssrc: u32,
        /// Their wall clock.
        ntp: u64,
        /// The same instant on the stream's clock.
        rtp: u32,
        /// What they received.
        blocks: Blocks<'a>,
    },
    /// RFC 3550 §6.4.2.
    Receiver {
        /// What they received.
        blocks: Blocks<'a>,
    },
    /// RFC 3550 §6.6.
    Goodbye {
        /// The streams that end.
        ssrcs: Words<'a>,
    },
    /// RFC 4585 §6.2.1.
    Nack {
        /// Of which stream.
        media: u32,
        /// What is missing.
        lost: Lost<'a>,
    },
    /// RFC 4585 §6.3.1.
    PictureLoss {
        /// Of which stream.
        media: u32,
    },
    /// RFC 5104 §4.3.1.
    FullIntra(FullIntra<'a>),
    /// What arrived of all streams, and when.
    Transport(TransportFeedback<'a>),
    /// Delays since reference times of ours (RFC 3611 §4.5).
    LastReferences(LastReferences<'a>),
}

/// What a receiver reports of one stream (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Block {
    /// The stream.
    pub ssrc: u32,
    /// The lost share of what was sent since the report before, in 1/256.
    pub fraction_lost: u8,
    /// 24 bits with a sign.
    pub lost: i32,
    /// The highest number that came, with how often the numbers began anew.
    pub highest: u32,
    /// In units of the stream's clock.
    pub jitter: u32,
    /// The middle of the last sender report's NTP time; 0 where none came.
    pub last_report: u32,
    /// How long ago that came, in 1/65536 s.
    pub delay: u32,
}

impl Block {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; BLOCK_BYTES] = bytes.try_into().ok()?;
        let lost = word(bytes, 4)? & 0x00ff_ffff;
        Some(Self {
            ssrc: word(bytes, 0)?,
            fraction_lost: bytes[4],
            lost: (lost << 8) as i32 >> 8,
            highest: word(bytes, 8)?,
            jitter: word(bytes, 12)?,
            last_report: word(bytes, 16)?,
            delay: word(bytes, 20)?,
        })
    }
}

/// The blocks of a sender or receiver report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks<'a>(&'a [u8]);

impl<'a> Blocks<'a> {
    /// One by one.
    pub fn iter(self) -> impl Iterator<Item = Block> + 'a {
        self.0.chunks_exact(BLOCK_BYTES).filter_map(Block::parse)
    }
}

/// Numbers of 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    /// One by one.
    pub fn iter(self) -> impl Iterator<Item = u32> + 'a {
        self.0.chunks_exact(4).filter_map(|bytes| word(bytes, 0))
    }
}

/// The packets that a NACK names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost<'a>(&'a [u8]);

impl<'a> Lost<'a> {
    /// Their numbers, each pair's in order.
    pub fn iter(self) -> impl Iterator<Item = u16> + 'a {
        self.0.chunks_exact(4).flat_map(|pair| {
            let first = u16::from_be_bytes([pair[0], pair[1]]);
            let following = u16::from_be_bytes([pair[2], pair[3]]);
            let after = (0..16).filter(move |bit| following & (1 << bit) != 0);
            std::iter::once(first).chain(after.map(move |bit| first.wrapping_add(bit + 1)))
        })
    }
}

/// The streams that a full intra request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FullIntra<'a>(&'a [u8]);

impl<'a> FullIntra<'a> {
    /// One by one.
    pub fn iter(self) -> impl Iterator<Item = u32> + 'a {
        self.0.chunks_exact(8).filter_map(|entry| word(entry, 0))
    }
}

/// What a receiver says of reference times that it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastReferences<'a>(&'a [u8]);

impl<'a> LastReferences<'a> {
    /// The middle of each time, and how long ago it came, in 1/65536 s.
    pub fn iter(self) -> impl Iterator<Item = (u32, u32)> + 'a {
        let entries = self.0.chunks_exact(12);
        entries.filter_map(|entry| Some((word(entry, 4)?, word(entry, 8)?)))
    }
}

/// A compound packet whose lengths agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compound<'a>(&'a [u8]);

impl<'a> Compound<'a> {
    /// Reads one, also of reduced size (RFC 5506). None where it is malformed.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (packet, after) = first(rest)?;
            // RFC 3550 §6.4.1: only the last may be padded.
            if packet.padded && !after.is_empty() {
                return None;
            }
            rest = after;
        }
        (!bytes.is_empty()).then_some(Self(bytes))
    }

    /// Its reports in order, without those that nothing here acts on.
    pub fn iter(self) -> impl Iterator<Item = Report<'a>> {
        let mut rest = self.0;
        let packets = std::iter::from_fn(move || {
            let (packet, after) = first(rest)?;
            rest = after;
            Some(packet)
        });
        packets.flat_map(Packet::reports)
    }
}

/// One packet of a compound.
struct Packet<'a> {
    kind: u8,
    /// A count or a format.
    count: u8,
    padded: bool,
    body: &'a [u8],
}

/// The first packet and what follows it.
fn first(bytes: &[u8]) -> Option<(Packet<'_>, &[u8])> {
    let [first, kind, high, low] = *bytes.first_chunk()?;
    let length = 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
    let (packet, rest) = bytes.split_at_checked(length)?;
    if first >> 6 != 2 {
        return None;
    }
    let mut body = packet.get(4..)?;
    let padded = first & 0x20 != 0;
    if padded {
        let padding = usize::from(*body.last()?);
        let end = body.len().checked_sub(padding)?;
        body = body.get(..end).filter(|_| padding > 0)?;
    }
    let count = first & 0x1f;
    Some((
        Packet {
            kind,
            count,
            padded,
            body,
        },
        rest,
    ))
}

impl<'a> Packet<'a> {
    fn reports(self) -> impl Iterator<Item = Report<'a>> {
        let extended = (self.kind == EXTENDED_REPORT).then(|| self.extended());
        let plain = self.plain();
        plain.into_iter().chain(extended.into_iter().flatten())
    }

    fn plain(&self) -> Option<Report<'a>> {
        let Self { count, body, .. } = *self;
        match (self.kind, count) {
            (SENDER_REPORT, _) => Some(Report::Sender {
                ssrc: word(body, 0)?,
                ntp: u64::from(word(body, 4)?) << 32 | u64::from(word(body, 8)?),
                rtp: word(body, 12)?,
                blocks: self.blocks(24)?,
            }),
            (RECEIVER_REPORT, _) => Some(Report::Receiver {
                blocks: self.blocks(4)?,
            }),
            (GOODBYE, _) => {
                let ssrcs = body.get(..4 * usize::from(count))?;
                Some(Report::Goodbye {
                    ssrcs: Words(ssrcs),
                })
            }
            (TRANSPORT_FEEDBACK, NACK) => Some(Report::Nack {
                media: word(body, 4)?,
                lost: Lost(body.get(8..)?),
            }),
            (TRANSPORT_FEEDBACK, TRANSPORT_WIDE) => {
                TransportFeedback::parse(body).map(Report::Transport)
            }
            (PAYLOAD_FEEDBACK, PLI) => Some(Report::PictureLoss {
                media: word(body, 4)?,
            }),
            (PAYLOAD_FEEDBACK, FIR) => Some(Report::FullIntra(FullIntra(body.get(8..)?))),
            // Source descriptions tell names that nobody needs, REMB an estimate that is made here.
            _ => None,
        }
    }

    fn blocks(&self, at: usize) -> Option<Blocks<'a>> {
        let length = BLOCK_BYTES * usize::from(self.count);
        Some(Blocks(self.body.get(at..at.checked_add(length)?)?))
    }

    fn extended(&self) -> impl Iterator<Item = Report<'a>> + use<'a> {
        let mut rest = self.body.get(4..).unwrap_or_default();
        std::iter::from_fn(move || {
            loop {
                let [kind, _, high, low] = *rest.first_chunk()?;
                let length = 4 * usize::from(u16::from_be_bytes([high, low]));
                let (block, after) = rest.get(4..)?.split_at_checked(length)?;
                rest = after;
                if kind == LAST_REFERENCE_TIME {
                    return Some(Report::LastReferences(LastReferences(block)));
                }
            }
        })
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(word.try_into().ok()?))
}

/// The round trip time, by a report on something of ours that was sent at `last`. `now` and `last` are the middles of
/// NTP times (RFC 3550 §6.4.1).
pub fn round_trip(now: u32, last: u32, delay: u32) -> Option<std::time::Duration> {
    if last == 0 {
        return None;
    }
    let ticks = now.wrapping_sub(last).wrapping_sub(delay);
    // Clocks that run apart may make it a little negative. The upper half of all values stands for negative ones.
    let ticks = if ticks > u32::MAX / 2 { 0 } else { ticks };
    let nanos = u64::from(ticks) * 1_000_000_000 / 65_536;
    Some(std::time::Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests;
