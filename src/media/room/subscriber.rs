//! The connection on which a participant receives: we offer slots once, then say by events what they carry.

mod engine;
mod line;
mod narrowing;
mod slot;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use rtc::peer_connection::message::RTCMessage;
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use rtc::rtp_transceiver::rtp_sender::RTCRtpCodecParameters;
use rtc::sdp::extmap::TRANSPORT_CC_URI;

use self::engine::{add_transceiver, codecs, engine};
use self::line::Line;
pub(in crate::media) use self::slot::DownSlot;
use crate::media::peer::connection::{Connection, Happening, Refused};
use crate::media::peer::sdp::{self, Description};
use crate::media::room::allotment::Share;
use crate::media::room::publisher::Arrival;
use crate::media::room::quality::Tally;
use crate::media::rtp::resend::Sent;
use crate::media::rtp::rewrite::Incoming;
use crate::protocol::object::MediaKind;

const NOT_ALL_OFFERED: &str = "The WebRTC engine did not offer every slot.";

/// A down connection.
pub(in crate::media) struct Down {
    /// The WebRTC connection.
    pub connection: Connection,
    /// Of the last offer.
    pub revision: u64,
    /// The last offer's text, until it is answered.
    pub unanswered: Option<String>,
    /// Whether any offer was answered.
    pub answered: bool,
    /// Its slots, in the order of the m-lines.
    pub slots: Vec<DownSlot>,
    line: Line,
    tally: Tally,
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum Forwarded {
    /// It was sent, or was too old to be.
    Done,
    /// The slot waits for a keyframe.
    NeedsKeyframe,
    /// The subscriber has no codec for it.
    Undecodable,
}

/// What a subscriber asks of us.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::media) enum Wish {
    /// Media may flow: whatever its slots carry should begin.
    Connected,
    /// A keyframe of what a slot carries, by its index.
    Keyframe(usize),
}

impl Down {
    /// Makes the connection and its first offer, whose text it gives too.
    pub fn open(
        audio_slots: usize,
        video_slots: usize,
        local: &Arc<[SocketAddr]>,
        now: Instant,
    ) -> Result<Self, Refused> {
        let (media, interceptors) = engine()?;
        let connection = Connection::new(media, interceptors, local, now)?;
        let mut down = Self {
            connection,
            revision: 0,
            unanswered: None,
            answered: false,
            slots: Vec::with_capacity(audio_slots + video_slots),
            line: Line::new(now),
            tally: Tally::default(),
        };
        down.add_slots(audio_slots, video_slots, now)?;
        down.offer(false, now)?;
        Ok(down)
    }

    /// How many more slots are wished than there are, as (sounds, pictures). None where there is nothing to add, or
    /// fewer are wished.
    pub fn wanting(&self, audio_slots: usize, video_slots: usize) -> Option<(usize, usize)> {
        let have = |kind| self.slots.iter().filter(|slot| slot.kind == kind).count();
        let more = (
            audio_slots.checked_sub(have(MediaKind::Audio))?,
            video_slots.checked_sub(have(MediaKind::Video))?,
        );
        (more != (0, 0)).then_some(more)
    }

    /// Adds slots behind those that there are, and offers them. What the others carry goes on.
    pub fn widen(
        &mut self,
        audio_slots: usize,
        video_slots: usize,
        now: Instant,
    ) -> Result<(), Refused> {
        self.add_slots(audio_slots, video_slots, now)?;
        self.offer(false, now)
    }

    fn add_slots(
        &mut self,
        audio_slots: usize,
        video_slots: usize,
        now: Instant,
    ) -> Result<(), Refused> {
        let kinds = std::iter::repeat_n(MediaKind::Video, video_slots)
            .chain(std::iter::repeat_n(MediaKind::Audio, audio_slots));
        for kind in kinds {
            let (index, slot) = (self.slots.len(), DownSlot::new(kind, &self.slots, now));
            let codecs = self.offerable(kind);
            self.connection
                .attempt(|pc| add_transceiver(pc, index, &slot, codecs))?;
            self.slots.push(slot);
        }
        Ok(())
    }

    /// What another slot can be offered with: all that we know, until the subscriber has said what it takes. The crate
    /// refuses what an answer left out.
    fn offerable(&self, kind: MediaKind) -> Vec<RTCRtpCodecParameters> {
        let mut codecs = codecs(kind);
        let answered = self
            .slots
            .iter()
            .find(|slot| slot.kind == kind && !slot.codecs.is_empty());
        if let Some(DownSlot { codecs: taken, .. }) = answered {
            codecs.retain(|codec| {
                let number = codec.payload_type;
                taken
                    .iter()
                    .any(|one| one.payload_type == number || one.repair == Some(number))
            });
        }
        codecs
    }

    /// Makes a new offer; with `restart`, of new ICE credentials.
    pub fn offer(&mut self, restart: bool, now: Instant) -> Result<(), Refused> {
        let sdp = self.connection.offer(restart, now)?;
        let described = Description::parse(&sdp)?;
        if described.sections.len() != self.slots.len() {
            return Err(Refused::because(NOT_ALL_OFFERED));
        }
        for (slot, section) in self.slots.iter_mut().zip(described.sections) {
            slot.mid = section.mid;
        }
        self.unanswered = Some(sdp);
        Ok(())
    }

    /// Takes the answer: from it come the payload types that the subscriber takes.
    ///
    /// # Errors
    /// Why it is no answer to the last offer.
    pub fn accept(&mut self, answer: &Description, sdp: &str, now: Instant) -> Result<(), Refused> {
        let text = sdp::answer_for_engine(answer, sdp, &self.lines());
        let named = &answer.origin.fingerprints;
        self.connection.accept(text, named, now)?;
        for slot in &mut self.slots {
            let section = answer.section(&slot.mid);
            slot.codecs = section
                .map(|section| section.codecs.clone())
                .unwrap_or_default();
            slot.transport_id = section.and_then(|section| section.extension(TRANSPORT_CC_URI));
            slot.mapped = None;
        }
        self.unanswered = None;
        self.answered = true;
        Ok(())
    }

    /// The last offer's m-lines in their order.
    pub fn lines(&self) -> Vec<(&str, MediaKind)> {
        let slots = self.slots.iter();
        slots.map(|slot| (slot.mid.as_str(), slot.kind)).collect()
    }

    /// Reads what the subscriber asks; repairs its losses.
    pub fn next_wishes(&mut self, now: Instant) -> Vec<Wish> {
        let mut wishes = Vec::new();
        while let Some(happening) = self.connection.next_happening(now) {
            if matches!(happening, Happening::Connected) {
                wishes.push(Wish::Connected);
            }
        }
        while let Some(message) = self.connection.next_message() {
            let RTCMessage::RtcpPacket(_, packets) = message else {
                continue;
            };
            for packet in packets {
                let packet = packet.as_any();
                if let Some(nack) = packet.downcast_ref::<TransportLayerNack>() {
                    self.repair(nack, now);
                } else if let Some(pli) = packet.downcast_ref::<PictureLossIndication>() {
                    wishes.extend(self.wish_keyframe(pli.media_ssrc, now));
                } else if let Some(feedback) = packet.downcast_ref::<TransportLayerCc>() {
                    self.line.note_feedback(feedback, now);
                } else if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
                    self.note_reception(&report.reports, now);
                } else if let Some(fir) = packet.downcast_ref::<FullIntraRequest>() {
                    let asked = fir.fir.iter();
                    wishes.extend(asked.filter_map(|entry| self.wish_keyframe(entry.ssrc, now)));
                }
            }
        }
        wishes
    }

    fn note_reception(&mut self, reports: &[ReceptionReport], now: Instant) {
        let mut tally = Tally::default();
        for report in reports {
            if let Some(slot) = self.slots.iter_mut().find(|slot| slot.ssrc == report.ssrc) {
                tally += slot.note_reception(report);
            }
        }
        self.tally += tally;
        self.line.note_reports(tally, now);
    }

    /// What the subscriber reported since this was last asked.
    pub fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    /// A keyframe is asked for. Whoever gets stills gets keyframes anyway, as often as the line allows.
    fn wish_keyframe(&mut self, ssrc: u32, now: Instant) -> Option<Wish> {
        let index = self.slots.iter().position(|slot| slot.ssrc == ssrc)?;
        let slot = &mut self.slots[index];
        let heard = slot.share == Share::Whole && slot.keyframes.ask(now);
        heard.then_some(Wish::Keyframe(index))
    }

    fn repair(&mut self, nack: &TransportLayerNack, now: Instant) {
        let Some(index) = self
            .slots
            .iter()
            .position(|slot| slot.ssrc == nack.media_ssrc)
        else {
            return;
        };
        let round_trip = self.connection.round_trip();
        for pair in &nack.nacks {
            let following = (0..16u16)
                .filter(|bit| pair.lost_packets & (1 << bit) != 0)
                .map(|bit| bit + 1);
            for offset in std::iter::once(0).chain(following) {
                let sequence = pair.packet_id.wrapping_add(offset);
                let repairs = &mut self.line.repairs;
                let due = self.slots[index]
                    .buffer
                    .take_due(sequence, round_trip, now, |bytes| repairs.spend(bytes, now));
                if let Some(sent) = due.cloned() {
                    self.send_again(index, &sent, None, now);
                }
            }
        }
    }

    /// Sends a packet once more: on the repair stream, or as it was where none is negotiated.
    fn send_again(&mut self, index: usize, sent: &Sent, probe: Option<u32>, now: Instant) {
        let slot = &mut self.slots[index];
        let (header, payload) = match slot.repair(sent) {
            Some((mut header, payload)) => {
                if slot.transport_id.is_some() {
                    let number = self.line.stamp(sent.bytes(), probe, now);
                    slot.stamp(&mut header, Some(number));
                }
                (header, payload)
            }
            None => (slot.header(sent), sent.payload.clone()),
        };
        self.connection.send_rtp(header, payload, now);
    }

    /// Sends a packet on a slot, if it may begin or go on there.
    pub fn forward(&mut self, index: usize, arrival: &Arrival, now: Instant) -> Forwarded {
        let (true, Some(slot)) = (self.connection.is_connected(), self.slots.get_mut(index)) else {
            return Forwarded::Done;
        };
        slot.fit(arrival.ssrc, &arrival.codec);
        let Some(codec) = slot.mapped.as_ref().and_then(|(_, codec)| codec.as_ref()) else {
            return Forwarded::Undecodable;
        };
        let (payload_type, repair) = (codec.payload_type, codec.repair);
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
        let incoming = Incoming {
            sequence: arrival.sequence,
            timestamp: arrival.timestamp,
            payload: &arrival.payload,
            encoding: arrival.encoding,
        };
        let Some(outgoing) = slot.rewriter.rewrite(incoming, now) else {
            return Forwarded::Done;
        };
        slot.report = arrival.report;
        let sent = Sent {
            sequence: outgoing.sequence,
            timestamp: outgoing.timestamp,
            marker: arrival.marker,
            payload_type,
            repair,
            stamp: None,
            payload: outgoing.payload,
        };
        if slot.share == Share::Stills {
            self.line.pacer.push(index, sent.bytes(), sent);
        } else {
            self.send_first(index, sent, now);
        }
        Forwarded::Done
    }

    /// Sends a packet for the first time.
    fn send_first(&mut self, index: usize, mut sent: Sent, now: Instant) {
        let slot = &mut self.slots[index];
        if slot.transport_id.is_some() {
            sent.stamp = Some(self.line.stamp(sent.bytes(), None, now));
        }
        self.line.note_sent(slot.kind, sent.bytes(), now);
        slot.packets = slot.packets.wrapping_add(1);
        slot.octets = slot.octets.wrapping_add(sent.payload.len() as u32);
        let (header, payload) = (slot.header(&sent), sent.payload.clone());
        if slot.kind == MediaKind::Video {
            slot.buffer.keep(sent);
        }
        self.connection.send_rtp(header, payload, now);
    }

    /// Reports of what was sent on each slot (RFC 3550 §6.4.1). `ntp` is our wall clock at `now`; `skews` gives for
    /// a track how far its sender's clock runs ahead of ours, the same for all tracks of one sender, so that they
    /// stay in step.
    pub fn report(&mut self, ntp: u64, skews: &HashMap<u64, i64>, now: Instant) {
        if !self.connection.is_connected() {
            return;
        }
        let reports = self
            .slots
            .iter()
            .filter_map(|slot| slot.sender_report(ntp, skews, now));
        let reports: Vec<Box<dyn rtc::rtcp::Packet>> =
            reports.map(|report| Box::new(report) as _).collect();
        if !reports.is_empty() {
            self.connection.send_rtcp(reports, now);
        }
    }

    /// Gives a slot something else to carry, or nothing. On a narrow line it begins with the share of what was there.
    pub fn carry(&mut self, index: usize, track: Option<u64>) {
        if let Some(slot) = self.slots.get_mut(index) {
            slot.track = track;
            slot.undecodable = false;
            slot.release();
            // What waits of the track before is not for whoever watches now.
            drop(self.line.pacer.take(index));
        }
    }
}
