//! What is written of RTCP.

use super::transport::Recorder;
use super::{
    BLOCK_BYTES, Block, EXTENDED_REPORT, FIR, GOODBYE, NACK, PAYLOAD_FEEDBACK, PLI,
    RECEIVER_REPORT, REFERENCE_TIME, SENDER_REPORT, SOURCE_DESCRIPTION, TRANSPORT_FEEDBACK,
};

/// As many blocks as a report can count (RFC 3550 §6.4.1).
pub const MAX_BLOCKS: usize = 31;
/// RFC 3550 §6.5.1.
const CNAME: u8 = 1;

/// Appends packets to one compound.
#[derive(Debug)]
pub struct Writer<'a> {
    into: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    /// Behind what is there.
    pub fn new(into: &'a mut Vec<u8>) -> Self {
        Self { into }
    }

    /// RFC 3550 §6.4.1. Of the blocks the first [`MAX_BLOCKS`].
    pub fn sender_report(
        &mut self,
        ssrc: u32,
        ntp: u64,
        rtp: u32,
        packets: u32,
        octets: u32,
        blocks: &[Block],
    ) {
        let blocks = most(blocks);
        self.packet(SENDER_REPORT, blocks.len() as u8, |into| {
            into.extend_from_slice(&ssrc.to_be_bytes());
            into.extend_from_slice(&ntp.to_be_bytes());
            for word in [rtp, packets, octets] {
                into.extend_from_slice(&word.to_be_bytes());
            }
            write_blocks(into, blocks);
        });
    }

    /// RFC 3550 §6.4.2. Of the blocks the first [`MAX_BLOCKS`].
    pub fn receiver_report(&mut self, ssrc: u32, blocks: &[Block]) {
        let blocks = most(blocks);
        self.packet(RECEIVER_REPORT, blocks.len() as u8, |into| {
            into.extend_from_slice(&ssrc.to_be_bytes());
            write_blocks(into, blocks);
        });
    }

    /// The name that all streams of one sender have in common (RFC 3550 §6.5.1), of at most 255 bytes.
    pub fn name(&mut self, ssrc: u32, name: &str) {
        let name = name.as_bytes();
        let name = name.get(..name.len().min(255)).unwrap_or_default();
        self.packet(SOURCE_DESCRIPTION, 1, |into| {
            into.extend_from_slice(&ssrc.to_be_bytes());
            into.extend_from_slice(&[CNAME, name.len() as u8]);
            into.extend_from_slice(name);
            // One null byte ends the list; the rest is padding.
            into.push(0);
        });
    }

    /// RFC 3550 §6.6.
    pub fn goodbye(&mut self, ssrcs: &[u32]) {
        let ssrcs = ssrcs.get(..ssrcs.len().min(MAX_BLOCKS)).unwrap_or_default();
        self.packet(GOODBYE, ssrcs.len() as u8, |into| {
            for ssrc in ssrcs {
                into.extend_from_slice(&ssrc.to_be_bytes());
            }
        });
    }

    /// RFC 4585 §6.3.1.
    pub fn picture_loss(&mut self, sender: u32, media: u32) {
        self.feedback(PAYLOAD_FEEDBACK, PLI, sender, media, |_| {});
    }

    /// RFC 5104 §4.3.1; `number` counts the requests.
    pub fn full_intra(&mut self, sender: u32, media: u32, number: u8) {
        self.feedback(PAYLOAD_FEEDBACK, FIR, sender, 0, |into| {
            into.extend_from_slice(&media.to_be_bytes());
            into.extend_from_slice(&[number, 0, 0, 0]);
        });
    }

    /// RFC 4585 §6.2.1. The numbers rise.
    pub fn nack(&mut self, sender: u32, media: u32, lost: impl IntoIterator<Item = u16>) {
        self.feedback(TRANSPORT_FEEDBACK, NACK, sender, media, |into| {
            let mut pair: Option<(u16, u16)> = None;
            let mut close = |pair: Option<(u16, u16)>| {
                for half in pair.into_iter().flat_map(|(first, after)| [first, after]) {
                    into.extend_from_slice(&half.to_be_bytes());
                }
            };
            for number in lost {
                match &mut pair {
                    Some((first, after)) if (1..=16).contains(&number.wrapping_sub(*first)) => {
                        *after |= 1 << (number.wrapping_sub(*first) - 1);
                    }
                    _ => close(pair.replace((number, 0))),
                }
            }
            close(pair);
        });
    }

    /// Our wall clock, for a receiver that tells how long ago it came (RFC 3611 §4.4).
    pub fn reference_time(&mut self, sender: u32, ntp: u64) {
        self.packet(EXTENDED_REPORT, 0, |into| {
            into.extend_from_slice(&sender.to_be_bytes());
            into.extend_from_slice(&[REFERENCE_TIME, 0, 0, 2]);
            into.extend_from_slice(&ntp.to_be_bytes());
        });
    }

    /// What arrived since it was last told; nothing where nothing did. Whether there is more to be told.
    pub fn transport(&mut self, sender: u32, media: u32, recorder: &mut Recorder) -> bool {
        let Some(reported) = recorder.next_report() else {
            return false;
        };
        self.feedback(
            TRANSPORT_FEEDBACK,
            super::TRANSPORT_WIDE,
            sender,
            media,
            |into| reported.write(into),
        );
        recorder.has_news()
    }

    fn feedback(
        &mut self,
        kind: u8,
        format: u8,
        sender: u32,
        media: u32,
        body: impl FnOnce(&mut Vec<u8>),
    ) {
        self.packet(kind, format, |into| {
            into.extend_from_slice(&sender.to_be_bytes());
            into.extend_from_slice(&media.to_be_bytes());
            body(into);
        });
    }

    fn packet(&mut self, kind: u8, count: u8, body: impl FnOnce(&mut Vec<u8>)) {
        let begin = self.into.len();
        self.into.extend_from_slice(&[0x80 | count, kind, 0, 0]);
        body(self.into);
        while !(self.into.len() - begin).is_multiple_of(4) {
            self.into.push(0);
        }
        let words = ((self.into.len() - begin) / 4 - 1) as u16;
        if let Some(place) = self.into.get_mut(begin + 2..begin + 4) {
            place.copy_from_slice(&words.to_be_bytes());
        }
    }
}

fn most(blocks: &[Block]) -> &[Block] {
    blocks
        .get(..blocks.len().min(MAX_BLOCKS))
        .unwrap_or_default()
}

fn write_blocks(into: &mut Vec<u8>, blocks: &[Block]) {
    into.reserve(blocks.len() * BLOCK_BYTES);
    for block in blocks {
        let lost = block.lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0x00ff_ffff;
        let words = [
            block.ssrc,
            u32::from(block.fraction_lost) << 24 | lost,
            block.highest,
            block.jitter,
            block.last_report,
            block.delay,
        ];
        for word in words {
            into.extend_from_slice(&word.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Compound, Report};
    use super::*;

    #[test]
    fn a_picture_loss_is_as_the_rfc_draws_it() {
        let mut bytes = Vec::new();
        Writer::new(&mut bytes).picture_loss(1, 0x0203_0405);
        assert_eq!(bytes, [0x81, 206, 0, 2, 0, 0, 0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_name_ends_with_a_null_byte_and_is_padded() {
        for length in 0..300 {
            let mut bytes = Vec::new();
            Writer::new(&mut bytes).name(7, &"n".repeat(length));
            let kept = length.min(255);
            assert_eq!(usize::from(bytes[9]), kept);
            assert_eq!(bytes[10 + kept], 0);
            assert!(Compound::parse(&bytes).is_some(), "{length}");
        }
    }

    #[test]
    fn lost_numbers_are_folded_over_the_wrap() {
        let reported = |lost: &[u16]| {
            let mut bytes = Vec::new();
            Writer::new(&mut bytes).nack(1, 2, lost.iter().copied());
            let compound = Compound::parse(&bytes).unwrap();
            let Some(Report::Nack { lost: reported, .. }) = compound.iter().next() else {
                panic!("a NACK");
            };
            assert_eq!(reported.iter().collect::<Vec<_>>(), lost);
            (bytes.len() - 12) / 4
        };
        assert_eq!(reported(&[5]), 1);
        assert_eq!(reported(&[65_530, 65_535, 0, 10]), 1);
        assert_eq!(reported(&[65_530, 11]), 2);
        assert_eq!(reported(&(0..34).collect::<Vec<_>>()), 2);
        assert_eq!(reported(&[]), 0);
    }

    #[test]
    fn no_more_blocks_are_written_than_can_be_counted() {
        let mut bytes = Vec::new();
        Writer::new(&mut bytes).receiver_report(1, &[Block::default(); 40]);
        let compound = Compound::parse(&bytes).unwrap();
        let Some(Report::Receiver { blocks }) = compound.iter().next() else {
            panic!("a receiver report");
        };
        assert_eq!(blocks.iter().count(), MAX_BLOCKS);
    }
}
