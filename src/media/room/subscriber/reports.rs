//! What a subscriber tells by RTCP and asks for, and what it is told.

use std::time::Instant;

use super::Down;
use crate::media::peer::arena::Arena;
use crate::media::peer::sdp;
use crate::media::peer::transport::PeerEvent;
use crate::media::room::allocate::Share;
use crate::media::room::quality::Tally;
use crate::media::rtp::resend::Sent;
use crate::media::rtp::rtcp::write::Writer;
use crate::media::rtp::rtcp::{Blocks, Compound, Report, round_trip};

/// Their reports fit into one datagram.
const SLOTS_PER_REPORT: usize = 16;

/// What a subscriber asks of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum Feedback {
    /// A keyframe of what a slot carries, by its index.
    Keyframe(usize),
    /// A packet of a slot that was lost.
    Retransmit(usize, Sent),
}

impl Down {
    /// Notes what happened on the connection. Returns whether media may flow, or goes by another path than before.
    pub fn note_events(&mut self) -> bool {
        let mut flows = false;
        while let Some(event) = self.connection.poll_event() {
            flows |= matches!(event, PeerEvent::Connected | PeerEvent::Moved);
        }
        flows
    }

    /// What a slot carries: the track, and which layer of it.
    pub fn layer_of(&self, slot: usize) -> Option<(u64, usize)> {
        let slot = self.slots.get(slot)?;
        Some((slot.track?, slot.layer))
    }

    /// Takes a compound packet of the subscriber's; `ntp` is our wall clock. Gives away each thing that it asks for.
    pub fn hear(
        &mut self,
        compound: &[u8],
        ntp: u64,
        now: Instant,
        mut feedback: impl FnMut(&mut Self, Feedback),
    ) {
        let Some(compound) = Compound::parse(compound) else {
            return;
        };
        for report in compound.iter() {
            match report {
                Report::Nack { media, lost } => {
                    let Some(index) = self.slot_of(media) else {
                        continue;
                    };
                    for sequence in lost.iter() {
                        if let Some(sent) = self.due(index, sequence, now) {
                            feedback(self, Feedback::Retransmit(index, sent));
                        }
                    }
                }
                Report::PictureLoss { media } => {
                    if let Some(index) = self.keyframe_requested(media, now) {
                        feedback(self, Feedback::Keyframe(index));
                    }
                }
                Report::FullIntra(asked) => {
                    for media in asked.iter() {
                        if let Some(index) = self.keyframe_requested(media, now) {
                            feedback(self, Feedback::Keyframe(index));
                        }
                    }
                }
                Report::Transport(feedback) => self.line.note_feedback(&feedback, now),
                Report::Receiver { blocks } | Report::Sender { blocks, .. } => {
                    self.note_reception(blocks, ntp, now);
                }
                Report::Goodbye { .. } | Report::LastReferences(_) => {}
            }
        }
    }

    fn slot_of(&self, ssrc: u32) -> Option<usize> {
        self.slots.iter().position(|slot| slot.ssrc == ssrc)
    }

    fn note_reception(&mut self, blocks: Blocks<'_>, ntp: u64, now: Instant) {
        let mut tally = Tally::default();
        for block in blocks.iter() {
            let Some(index) = self.slot_of(block.ssrc) else {
                continue;
            };
            tally += self.slots[index].note_reception(&block);
            if let Some(way) = round_trip((ntp >> 16) as u32, block.last_report, block.delay) {
                self.connection.note_round_trip(way);
            }
        }
        self.tally += tally;
        self.line.note_reports(tally, now);
    }

    /// A keyframe is asked for. A viewer of stills gets keyframes anyway, as often as the line allows.
    fn keyframe_requested(&mut self, ssrc: u32, now: Instant) -> Option<usize> {
        let index = self.slot_of(ssrc)?;
        let slot = &mut self.slots[index];
        let heard = slot.share == Share::Whole && slot.keyframes.ask(now);
        heard.then_some(index)
    }

    /// A packet that was lost, if it is to be sent again.
    fn due(&mut self, index: usize, sequence: u16, now: Instant) -> Option<Sent> {
        let round_trip = self.connection.round_trip();
        let repairs = &mut self.line.repairs;
        let slot = self.slots.get_mut(index)?;
        slot.buffer
            .take_due(sequence, round_trip, now, |bytes| repairs.spend(bytes, now))
    }

    /// Reports of what was sent on each slot (RFC 3550 §6.4.1). `ntp` is our wall clock at `now`.
    pub fn report(&mut self, ntp: u64, out: &mut Arena, now: Instant) {
        let slots = self.slots.iter_mut();
        let clocks = slots.filter_map(|slot| {
            let rtp = slot.sender_clock(ntp, now)?;
            Some((&*slot, rtp))
        });
        let clocks: Vec<_> = clocks.collect();
        for some in clocks.chunks(SLOTS_PER_REPORT) {
            self.connection.send_rtcp(out, |bytes| {
                let mut writer = Writer::new(bytes);
                for (slot, rtp) in some {
                    let (packets, octets) = (slot.packets, slot.octets);
                    writer.sender_report(slot.ssrc, ntp, *rtp, packets, octets, &[]);
                    writer.name(slot.ssrc, &sdp::name_of_pair(slot.pair));
                }
            });
        }
    }

    /// Ends every stream (RFC 3550 §6.6), and says goodbye.
    pub fn end(&mut self, out: &mut Arena) {
        let ssrcs: Vec<u32> = self.slots.iter().map(|slot| slot.ssrc).collect();
        if let Some(first) = ssrcs.first() {
            self.connection.send_rtcp(out, |bytes| {
                let mut writer = Writer::new(bytes);
                writer.receiver_report(*first, &[]);
                writer.name(*first, &sdp::name_of_pair(0));
                writer.goodbye(&ssrcs);
            });
        }
        self.connection.close(out);
    }
}
