//! One slot of a down connection: its streams' counters, what can be sent again of it, and what was reported of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::layered::{Lack, Preferred, Reported};
use super::taken::Taken;
use crate::media::peer::codec;
use crate::media::peer::sdp::{Codec, Section};
use crate::media::room::allocate::Share;
use crate::media::room::keyframe_limit::ViewerRequests;
use crate::media::room::onward::Losses;
use crate::media::room::publisher::Arrival;
use crate::media::room::quality::Tally;
use crate::media::rtp::clock::Pair;
use crate::media::rtp::extensions::{Extension, ExtensionIds};
use crate::media::rtp::history::{Incoming, Stored};
use crate::media::rtp::outgoing::Outgoing;
use crate::media::rtp::packet::Header;
use crate::media::rtp::resend::{ResendBuffer, Sent};
use crate::media::rtp::rewrite::Rewriter;
use crate::media::rtp::rtcp::Block;
use crate::media::rtp::sieve::Sieve;
use crate::media::rtp::timeline::Timeline;
use crate::protocol::object::MediaKind;

/// After a line turned out to be narrow its queue drains for about this long.
const DRAINING: Duration = Duration::from_millis(700);

/// The payload types of what is sent, and of its repairs.
type PayloadTypes = (u8, Option<u8>);

/// One m-line of a down connection.
pub(in crate::media) struct DownSlot {
    /// The m-line.
    pub mid: String,
    /// Sound or picture.
    pub kind: MediaKind,
    /// Its place among those of its kind. A sound and a picture of one place are a pair.
    pub pair: u8,
    /// What it carries.
    pub track: Option<u64>,
    /// Which layer of it, by its place in the offer,
    pub layer: usize,
    /// and which one instead from that one's next keyframe on.
    pub next: Option<usize>,
    /// How it is preferred.
    pub preferred: Preferred,
    /// Whether it was decided what is sent of its present track.
    pub is_planned: bool,
    /// Why it gets less than was asked for.
    pub lack: Option<Lack>,
    /// Since when its sender does not send what was asked for.
    pub(super) missed_since: Option<Instant>,
    /// That is not told yet.
    pub(super) is_coming: bool,
    /// Which layers it has use for, as bits.
    pub uses: u8,
    /// What was told of it last.
    pub(super) reported: Reported,
    /// Whether the subscriber cannot decode what it would carry.
    pub undecodable: bool,
    pub(super) ssrc: u32,
    pub(super) repair_ssrc: u32,
    repair_sequence: u16,
    pub(super) codecs: Arc<[Codec]>,
    /// The encoding that arrived last, and the payload types of what carries it and of its repairs.
    mapped: Option<(Arc<Codec>, Option<PayloadTypes>)>,
    pub(super) stream: Option<u32>,
    pub(super) rewriter: Rewriter,
    pub(super) sieve: Sieve,
    pub(super) buffer: ResendBuffer,
    pub(super) packets: u32,
    pub(super) octets: u32,
    received: Option<Received>,
    /// Packets that the subscriber missed less those that were skipped, as far as not reported yet.
    missed: i64,
    /// Where the clock of what it carries stands on our wall clock, as of the last packet.
    pub(super) clock: Option<Pair>,
    /// How much of what it carries is sent.
    pub share: Share,
    /// Its rank among the preferred ones: 0 is the first.
    pub rank: usize,
    /// The timestamp of the still that is being sent.
    still: Option<u32>,
    /// No still is begun before this, so that the queue can drain.
    pub(super) stills_from: Instant,
    /// The ids of the header extensions that the subscriber takes.
    ids: ExtensionIds,
    /// Of sound: whether each packet carries the one before it, too,
    pub is_redundant: bool,
    /// and what the subscriber loses.
    pub losses: Losses,
    /// The keyframes that the subscriber asks for.
    pub keyframes: ViewerRequests,
}

/// A packet that waits to be sent, numbered already.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub sent: Sent,
    pub packet: Stored,
}

/// What a subscriber had received of a slot at its last report, and what had been sent on it by then.
#[derive(Debug, Clone, Copy)]
struct Received {
    /// Extended, on the receiver's count.
    highest: u32,
    /// Extended, on ours.
    sent_highest: u64,
    sent_packets: u32,
}

impl DownSlot {
    pub(super) fn new(kind: MediaKind, others: &[Self], now: Instant) -> Self {
        let taken = |ssrc: u32| {
            ssrc == 0
                || others
                    .iter()
                    .any(|slot| slot.ssrc == ssrc || slot.repair_ssrc == ssrc)
        };
        let fresh = |also: u32| {
            std::iter::repeat_with(rand::random::<u32>)
                .find(|ssrc| !taken(*ssrc) && *ssrc != also)
                .unwrap_or(1)
        };
        let ssrc = fresh(0);
        // Two sounds of 20 ms must not overlap.
        let (clock_rate, least) = match kind {
            MediaKind::Video => (90_000, 1),
            MediaKind::Audio => (48_000, 960),
        };
        // RFC 3550 §5.1: both begin at random; the upper half is left out so that no early packet wraps.
        let timeline = Timeline::new(clock_rate, least, rand::random());
        let pair = others.iter().filter(|slot| slot.kind == kind).count() as u8;
        Self {
            mid: others.len().to_string(),
            kind,
            pair,
            track: None,
            layer: 0,
            next: None,
            preferred: Preferred::default(),
            is_planned: false,
            lack: None,
            missed_since: None,
            is_coming: false,
            uses: 0,
            reported: Reported::default(),
            undecodable: false,
            ssrc,
            repair_ssrc: fresh(ssrc),
            repair_sequence: rand::random::<u16>() >> 1,
            codecs: Arc::default(),
            mapped: None,
            stream: None,
            rewriter: Rewriter::new(rand::random::<u16>() >> 1, timeline),
            sieve: Sieve::default(),
            buffer: ResendBuffer::default(),
            packets: 0,
            octets: 0,
            received: None,
            missed: 0,
            clock: None,
            share: Share::Whole,
            rank: 0,
            still: None,
            stills_from: now,
            ids: ExtensionIds::none(),
            is_redundant: false,
            losses: Losses::default(),
            keyframes: ViewerRequests::default(),
        }
    }

    /// Carries something else, or nothing.
    pub(super) fn carry(&mut self, track: Option<u64>) {
        self.track = track;
        (self.layer, self.next, self.is_planned) = (0, None, false);
        (self.lack, self.missed_since, self.uses) = (None, None, 0);
        self.undecodable = false;
        self.release();
        // What it carried before must not be sent to the viewer of the new track.
        self.buffer.clear();
    }

    /// Sends another share of what it carries from now on. It goes on with a keyframe; what was sent is kept, to probe
    /// the line with.
    pub(super) fn turn_to(&mut self, share: Share, now: Instant) {
        self.share = share;
        self.still = None;
        self.stills_from = now + DRAINING;
        self.rewriter.release();
        self.keyframes = ViewerRequests::default();
    }

    /// Whether a packet belongs to a still that is sent. One begins with a keyframe, but not while the one before is
    /// on its way.
    pub(super) fn takes_still(
        &mut self,
        arrival: &Arrival,
        is_sending: impl FnOnce() -> bool,
        now: Instant,
    ) -> bool {
        let timestamp = arrival.packet.timestamp;
        let is_new = arrival.keyframe && self.still != Some(timestamp);
        if is_new && now >= self.stills_from && !is_sending() {
            self.rewriter.release();
            self.still = Some(timestamp);
        }
        self.still == Some(timestamp)
    }

    /// The losses since the report before (RFC 3550 §6.4.1). Packets that never came here to be sent are not counted:
    /// they are the publisher's loss, not this subscriber's.
    pub(super) fn note_reception(&mut self, report: &Block) -> Tally {
        let received = Received {
            highest: report.highest,
            sent_highest: self.rewriter.highest(),
            sent_packets: self.packets,
        };
        let Some(before) = self.received.replace(received) else {
            return Tally::default();
        };
        let expected = u64::from(received.highest.wrapping_sub(before.highest));
        if expected > u64::from(u16::MAX) {
            return Tally::default();
        }
        let missing = expected * u64::from(report.fraction_lost) / 256;
        let sent = received.sent_packets.wrapping_sub(before.sent_packets);
        let numbers = received.sent_highest - before.sent_highest;
        let skipped = numbers as i64 - i64::from(sent);
        // What was skipped may be sent yet, or missed in the next report only.
        self.missed += missing as i64 - skipped;
        let lost = self.missed.max(0);
        self.missed -= lost;
        let tally = Tally {
            expected: expected.saturating_add_signed(-skipped),
            lost: lost.unsigned_abs(),
        };
        self.losses.note(tally.lost, tally.expected);
        tally
    }

    /// Takes what an answer says of it.
    pub(super) fn agree(&mut self, section: Option<&Section>, taken: &mut Taken) {
        let codecs = section.map(|section| taken.list(&section.codecs));
        let codecs = codecs.unwrap_or_default();
        let ids = section.map_or(ExtensionIds::none(), Section::extension_ids);
        if (&codecs, &ids) != (&self.codecs, &self.ids) {
            // Packets that were sent with other numbers could not be sent again as they were.
            self.buffer.clear();
        }
        (self.codecs, self.ids, self.mapped) = (codecs, ids, None);
    }

    /// Finds the payload types for a stream: the one of its packets and the one of its repairs, if the subscriber has
    /// them. A new stream of the layer begins anew, and a new encoding looks up its payload type.
    pub(super) fn fit(&mut self, ssrc: u32, codec: &Arc<Codec>) -> Option<PayloadTypes> {
        if self.stream != Some(ssrc) {
            self.release();
            self.stream = Some(ssrc);
        }
        if let Some((known, carrier)) = &self.mapped
            && Arc::ptr_eq(known, codec)
        {
            return *carrier;
        }
        let carrier = codec::carrier(codec, &self.codecs);
        let carrier = carrier.map(|carrier| (carrier.payload_type, carrier.repair));
        self.mapped = Some((Arc::clone(codec), carrier));
        carrier
    }

    pub(super) fn release(&mut self) {
        self.stream = None;
        self.mapped = None;
        self.clock = None;
        self.still = None;
        self.rewriter.release();
        self.sieve.reset();
        self.keyframes = ViewerRequests::default();
    }

    /// Whether packets on it are told of by transport-wide feedback.
    pub(super) fn is_numbered(&self) -> bool {
        self.ids.get(Extension::TransportNumber).is_some()
    }

    /// A packet as it is sent for the first time.
    pub(super) fn outgoing<'a>(
        &'a self,
        packet: &'a Incoming<'a>,
        sent: &Sent,
        mixes: bool,
    ) -> Outgoing<'a> {
        Outgoing {
            packet,
            offsets: sent.offsets,
            header: Header {
                marker: sent.marker,
                payload_type: sent.payload_type,
                sequence: sent.sequence,
                timestamp: packet.timestamp,
                ssrc: self.ssrc,
            },
            active: sent.active,
            ids: &self.ids,
            mixes,
            stamp: sent.stamp,
            original: None,
        }
    }

    /// A packet in the form of a repair (RFC 4588 §4).
    pub(super) fn repair<'a>(
        &'a mut self,
        packet: &'a Incoming<'a>,
        sent: &Sent,
        payload_type: u8,
        stamp: Option<u16>,
        mixes: bool,
    ) -> Outgoing<'a> {
        self.repair_sequence = self.repair_sequence.wrapping_add(1);
        let outgoing = self.outgoing(packet, sent, mixes);
        Outgoing {
            header: Header {
                payload_type,
                sequence: self.repair_sequence,
                ssrc: self.repair_ssrc,
                ..outgoing.header
            },
            stamp,
            original: Some(sent.sequence),
            ..outgoing
        }
    }

    /// Where the slot's clock stands at `ntp`, which is our wall clock at `now`; none while nothing is carried.
    pub(super) fn sender_clock(&mut self, ntp: u64, now: Instant) -> Option<u32> {
        self.rewriter.tell_clock(self.clock, ntp, now)
    }
}
