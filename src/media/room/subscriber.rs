//! The connection on which a participant receives: we offer slots once, then say by events what they carry.

mod layered;
mod line;
mod narrowing;
mod nested;
mod pacing;
mod reports;
mod slot;
mod taken;

use std::time::Instant;

pub(in crate::media) use self::layered::Preferred;
use self::line::Line;
use self::nested::Fate;
pub(in crate::media) use self::reports::Feedback;
pub(in crate::media) use self::slot::DownSlot;
use self::slot::Waiting;
pub(in crate::media) use self::taken::Taken;
use crate::media::error::Refused;
use crate::media::peer::arena::Arena;
use crate::media::peer::connection::Connection;
use crate::media::peer::describing::Describing;
use crate::media::peer::dtls::DtlsRole;
use crate::media::peer::reach::Reach;
use crate::media::peer::sdp::{Codec, Description, Setup, Slot};
use crate::media::room::Tracks;
use crate::media::room::allocate::Share;
use crate::media::room::points;
use crate::media::room::publisher::Arrival;
use crate::media::room::quality::Tally;
use crate::media::rtp::history::{Incoming, Stored};
use crate::media::rtp::resend::Sent;
use crate::protocol::object::MediaKind;

/// The source's number of a packet that cannot be sent again.
const NOWHERE: u64 = u64::MAX;
/// A header with a few extensions (RFC 3550 §5.1, RFC 8285 §4.2).
const HEADER_BYTES: usize = 20;

/// A down connection.
pub(in crate::media) struct Down {
    /// The WebRTC connection.
    pub connection: Connection,
    /// The revision of the last offer.
    pub revision: u64,
    /// The last offer's text, until it is answered.
    pub unanswered: Option<String>,
    /// Whether any offer was answered.
    pub answered: bool,
    /// Its slots, in the order of the m-lines.
    pub slots: Vec<DownSlot>,
    describing: Describing,
    /// Whether the subscriber takes header extensions of both lengths (RFC 8285 §6).
    mixes_extensions: bool,
    line: Line,
    tally: Tally,
    /// The content of its slots, or the content that they should have, is new since the line was last shared out.
    pub is_touched: bool,
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum Forwarded {
    /// It was sent, or was too old to be sent.
    Done,
    /// The slot waits for a keyframe.
    NeedsKeyframe,
    /// It was sent, and the slot has left this layer for the packet's.
    Switched(usize),
    /// The subscriber has no codec for it.
    Undecodable,
}

impl Down {
    /// Makes the connection and its first offer.
    pub fn open(
        audio_slots: usize,
        video_slots: usize,
        reach: &Reach,
        now: Instant,
    ) -> Result<Self, Refused> {
        let mut down = Self {
            connection: Connection::new(reach.thread, now)?,
            revision: 0,
            unanswered: None,
            answered: false,
            slots: Vec::with_capacity(audio_slots + video_slots),
            describing: Describing::default(),
            mixes_extensions: false,
            line: Line::new(now),
            tally: Tally::default(),
            is_touched: true,
        };
        down.widen(audio_slots, video_slots, reach, now);
        Ok(down)
    }

    /// How many more slots are asked for than there are, as (sounds, pictures). None where there is nothing to add, or
    /// fewer are asked for.
    pub fn wanting(&self, audio_slots: usize, video_slots: usize) -> Option<(usize, usize)> {
        let have = |kind| self.slots.iter().filter(|slot| slot.kind == kind).count();
        let more = (
            audio_slots.checked_sub(have(MediaKind::Audio))?,
            video_slots.checked_sub(have(MediaKind::Video))?,
        );
        (more != (0, 0)).then_some(more)
    }

    /// Adds slots behind those that there are, and offers them. What the others carry goes on.
    pub fn widen(&mut self, audio_slots: usize, video_slots: usize, reach: &Reach, now: Instant) {
        let kinds = std::iter::repeat_n(MediaKind::Video, video_slots)
            .chain(std::iter::repeat_n(MediaKind::Audio, audio_slots));
        for kind in kinds {
            let slot = DownSlot::new(kind, &self.slots, now);
            self.slots.push(slot);
        }
        self.offer(reach);
    }

    /// Offers anew with other ICE credentials.
    pub fn restart(&mut self, reach: &Reach, now: Instant) {
        self.connection.restart_ice(now);
        self.offer(reach);
    }

    fn offer(&mut self, reach: &Reach) {
        let end = self.describing.end(&self.connection, reach, Setup::Actpass);
        let slots = self.slots.iter().map(|slot| Slot {
            mid: &slot.mid,
            kind: slot.kind,
            ssrc: slot.ssrc,
            repair_ssrc: slot.repair_ssrc,
            pair: slot.pair,
            taken: self.taken(slot.kind),
        });
        self.unanswered = Some(end.offer(slots));
    }

    /// What the subscriber has said that it takes of a kind.
    fn taken(&self, kind: MediaKind) -> &[Codec] {
        let slots = self.slots.iter().filter(|slot| slot.kind == kind);
        let mut codecs = slots.map(|slot| &*slot.codecs);
        codecs.find(|codecs| !codecs.is_empty()).unwrap_or_default()
    }

    /// Takes the answer: from it come the payload types that the subscriber takes.
    pub fn accept(&mut self, answer: &Description, taken: &mut Taken, now: Instant) {
        let role = match answer.setup {
            Some(Setup::Passive) => DtlsRole::Client,
            Some(Setup::Active | Setup::Actpass) | None => DtlsRole::Server,
        };
        self.connection
            .set_remote(&answer.origin.fingerprints, role, now);
        let is_other = self.mixes_extensions != answer.mixes_extensions;
        self.mixes_extensions = answer.mixes_extensions;
        for slot in &mut self.slots {
            if is_other {
                slot.buffer.clear();
            }
            slot.agree(answer.section(&slot.mid), taken);
        }
        self.line.forget_trains();
        self.unanswered = None;
        self.answered = true;
    }

    /// The last offer's m-lines in their order.
    pub fn lines(&self) -> Vec<(&str, MediaKind)> {
        let slots = self.slots.iter();
        slots.map(|slot| (slot.mid.as_str(), slot.kind)).collect()
    }

    /// What the subscriber reported since this was last asked.
    pub fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    /// Sends a packet on a slot, if it may begin or go on there. Where its stream carries several layers, `largest` is
    /// the largest of them that comes.
    pub fn forward(
        &mut self,
        index: usize,
        (arrival, largest): (&Arrival<'_>, Option<usize>),
        out: &mut Arena,
        now: Instant,
    ) -> Forwarded {
        let (true, Some(slot)) = (self.connection.is_connected(), self.slots.get_mut(index)) else {
            return Forwarded::Done;
        };
        let mut outcome = Forwarded::Done;
        if largest.is_none() && points::stream(slot.layer) != arrival.layer {
            if slot.next.map(points::stream) != Some(arrival.layer) {
                return Forwarded::Done;
            }
            if !arrival.keyframe {
                return Forwarded::NeedsKeyframe;
            }
            outcome = Forwarded::Switched(slot.layer);
            slot.switch_to(arrival);
            // The layer that it carried until now may be of no use any more.
            self.is_touched = true;
        }
        let Some((mut payload_type, repair)) = slot.fit(arrival.ssrc, &arrival.codec) else {
            return Forwarded::Undecodable;
        };
        let mut packet = arrival.packet;
        // What is redundant names its encoding by the publisher's number.
        let redundant = repair.filter(|_| arrival.codec.payload_type == payload_type);
        if arrival.is_recovered && redundant.is_some() {
            // It is in the packet behind it.
            return Forwarded::Done;
        }
        slot.is_redundant = false;
        if let Some(newest) = arrival.newest {
            // It is twice as long. A subscriber that loses nothing goes without.
            match redundant.filter(|_| arrival.is_lossy || self.line.is_lossy(now)) {
                Some(redundant) => (payload_type, slot.is_redundant) = (redundant, true),
                None => packet.payload = packet.payload.get(newest..).unwrap_or_default(),
            }
        }
        let pacer = &self.line.pacer;
        let is_taken = match slot.share {
            Share::Whole => true,
            Share::Stills => {
                slot.takes_still(arrival, || pacer.holds(index), now) && pacer.has_room()
            }
            Share::Nothing => false,
        };
        if !is_taken {
            return Forwarded::Done;
        }
        if !slot.rewriter.is_anchored() && !arrival.keyframe {
            return Forwarded::NeedsKeyframe;
        }
        if arrival.keyframe {
            slot.keyframes.settle();
        }
        let (mut marker, mut source) = (packet.marker, packet.sequence);
        let mut active = None;
        if let Some(part) = arrival.standing.part {
            let sifted = slot.sift(arrival, part, largest);
            if let Some(from) = sifted.left {
                outcome = Forwarded::Switched(from);
                self.is_touched = true;
            }
            match sifted.fate {
                Fate::Sent {
                    ends,
                    active: named,
                } => (marker, active) = (ends, named),
                Fate::Emptied => (packet, source, marker) = (packet.emptied(), NOWHERE, false),
                Fate::LeftOut => return outcome,
                Fate::NeedsKeyframe => return Forwarded::NeedsKeyframe,
            }
        }
        let Some(fit) = slot.rewriter.rewrite(&packet, &arrival.coming) else {
            return outcome;
        };
        slot.clock = arrival.coming.clock;
        let bytes = HEADER_BYTES + packet.payload.len();
        let sent = Sent {
            stream: arrival.ssrc,
            source,
            offsets: fit.offsets,
            sequence: fit.sequence,
            marker,
            active,
            payload_type,
            repair,
            stamp: None,
            bytes: bytes as u16,
        };
        if slot.share == Share::Stills {
            let packet = Stored::of(&packet);
            self.line.pacer.push(index, bytes, Waiting { sent, packet });
            out.expect_more();
        } else if slot.kind == MediaKind::Video && self.line.must_wait(now) {
            let packet = Stored::of(&packet);
            self.wait_for_pace(index, Waiting { sent, packet }, out, now);
        } else {
            self.line.bursts.spend(bytes);
            self.send_first(index, &packet, sent, out, now);
        }
        outcome
    }

    /// Sends a packet for the first time.
    fn send_first(
        &mut self,
        index: usize,
        packet: &Incoming<'_>,
        mut sent: Sent,
        out: &mut Arena,
        now: Instant,
    ) {
        let slot = &mut self.slots[index];
        if slot.is_numbered() {
            sent.stamp = Some(self.line.stamp(sent.bytes.into(), now));
        } else {
            self.line.note_unnumbered(sent.bytes.into(), now);
        }
        self.line.note_sent(slot.kind, sent.bytes.into(), now);
        slot.packets = slot.packets.wrapping_add(1);
        slot.octets = slot.octets.wrapping_add(packet.payload.len() as u32);
        if slot.kind == MediaKind::Video {
            slot.buffer.keep(sent, now);
        }
        let outgoing = slot.outgoing(packet, &sent, self.mixes_extensions);
        self.connection.send_rtp(out, |bytes| outgoing.write(bytes));
    }

    /// Sends a packet once more: on the repair stream, or as it was where none is negotiated.
    pub fn send_again(
        &mut self,
        index: usize,
        packet: &Incoming<'_>,
        sent: &Sent,
        out: &mut Arena,
        now: Instant,
    ) {
        let Some(slot) = self.slots.get_mut(index) else {
            return;
        };
        let mixes = self.mixes_extensions;
        let Some(payload_type) = sent.repair else {
            let outgoing = slot.outgoing(packet, sent, mixes);
            self.connection
                .resend_rtp(out, |bytes| outgoing.write(bytes));
            return;
        };
        let numbered = slot.is_numbered();
        let stamp = numbered.then(|| self.line.stamp(sent.bytes.into(), now));
        let outgoing = slot.repair(packet, sent, payload_type, stamp, mixes);
        self.connection.send_rtp(out, |bytes| outgoing.write(bytes));
    }

    /// Gives a slot something else to carry, or nothing. On a narrow line it begins with the share of what was there.
    pub fn carry(&mut self, index: usize, track: Option<u64>) {
        if let Some(slot) = self.slots.get_mut(index) {
            slot.carry(track);
            self.is_touched = true;
            // What waits of the track before is not for the viewer of the new one.
            self.line.forget(index);
        }
    }

    /// The layers of a track are others now.
    pub fn forget_layers(&mut self, track: u64) {
        let slots = 0..self.slots.len();
        let carrying: Vec<usize> = slots
            .filter(|index| self.slots[*index].track == Some(track))
            .collect();
        for index in carrying {
            self.carry(index, Some(track));
            self.slots[index].forget_reported();
        }
    }

    /// What is to be told of the slots: those of which that changed since it was told last.
    pub fn take_news(&mut self, tracks: &Tracks) -> Vec<crate::protocol::object::Slot> {
        let slots = self.slots.iter_mut();
        slots.filter_map(|slot| slot.take_news(tracks)).collect()
    }
}
