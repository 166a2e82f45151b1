//! The connection on which a participant receives: we offer slots once, then say by events what they carry.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::{BufMut as _, BytesMut};
use rtc::interceptor::{Registry, Slot as ChainSlot};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::message::RTCMessage;
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters, RTCRtpRtxParameters,
    RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::shared::error::Error as EngineError;

use super::codec;
use super::connection::{Connection, Happening, Refused};
use super::interceptor::{FEEDBACK_SLOT, Feedback};
use super::quality::Tally;
use super::resend::{ResendBuffer, Sent};
use super::rewrite::{Incoming, Rewriter};
use super::sdp::{self, Codec, Description};
use super::up::{Arrival, Report};
use crate::protocol::object::{MediaKind, Slot};

const NOT_ALL_OFFERED: &str = "The WebRTC engine did not offer every slot.";

/// A down connection.
pub(super) struct Down {
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
    tally: Tally,
}

/// One m-line of a down connection.
pub(super) struct DownSlot {
    /// The m-line.
    pub mid: String,
    /// Sound or picture.
    pub kind: MediaKind,
    /// What it carries.
    pub track: Option<u64>,
    /// Whether the subscriber cannot decode what it would carry.
    pub undecodable: bool,
    ssrc: u32,
    repair_ssrc: u32,
    repair_sequence: u16,
    codecs: Vec<Codec>,
    /// The encoding that arrived last, and what carries it.
    mapped: Option<(Arc<Codec>, Option<Codec>)>,
    stream: Option<u32>,
    rewriter: Rewriter,
    buffer: ResendBuffer,
    packets: u32,
    octets: u32,
    received: Option<Received>,
    /// Packets that the subscriber missed less those that were skipped, as far as not reported yet.
    missed: i64,
    report: Option<Report>,
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

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forwarded {
    /// It was sent, or was too old to be.
    Done,
    /// The slot waits for a keyframe.
    NeedsKeyframe,
    /// The subscriber has no codec for it.
    Undecodable,
}

/// What a subscriber asks of us.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
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
            tally: Tally::default(),
        };
        down.add_slots(audio_slots, video_slots)?;
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
        self.add_slots(audio_slots, video_slots)?;
        self.offer(false, now)
    }

    fn add_slots(&mut self, audio_slots: usize, video_slots: usize) -> Result<(), Refused> {
        let kinds = std::iter::repeat_n(MediaKind::Video, video_slots)
            .chain(std::iter::repeat_n(MediaKind::Audio, audio_slots));
        for kind in kinds {
            let (index, slot) = (self.slots.len(), DownSlot::new(kind, &self.slots));
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
        let mut codecs = match kind {
            MediaKind::Audio => codec::audio(),
            MediaKind::Video => codec::video(),
        };
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
            slot.codecs = answer
                .section(&slot.mid)
                .map(|section| section.codecs.clone())
                .unwrap_or_default();
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
                    wishes.extend(self.slot_of(pli.media_ssrc).map(Wish::Keyframe));
                } else if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
                    self.note_reception(&report.reports);
                } else if let Some(fir) = packet.downcast_ref::<FullIntraRequest>() {
                    let slots = fir.fir.iter().filter_map(|entry| self.slot_of(entry.ssrc));
                    wishes.extend(slots.map(Wish::Keyframe));
                }
            }
        }
        wishes
    }

    fn note_reception(&mut self, reports: &[ReceptionReport]) {
        for report in reports {
            if let Some(slot) = self.slots.iter_mut().find(|slot| slot.ssrc == report.ssrc) {
                self.tally += slot.note_reception(report);
            }
        }
    }

    /// What the subscriber reported since this was last asked.
    pub fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    fn slot_of(&self, ssrc: u32) -> Option<usize> {
        self.slots.iter().position(|slot| slot.ssrc == ssrc)
    }

    fn repair(&mut self, nack: &TransportLayerNack, now: Instant) {
        let Some(slot) = self
            .slots
            .iter_mut()
            .find(|slot| slot.ssrc == nack.media_ssrc)
        else {
            return;
        };
        for pair in &nack.nacks {
            let following = (0..16u16)
                .filter(|bit| pair.lost_packets & (1 << bit) != 0)
                .map(|bit| bit + 1);
            for offset in std::iter::once(0).chain(following) {
                let sequence = pair.packet_id.wrapping_add(offset);
                if let Some((header, payload)) = slot.resend(sequence, now) {
                    self.connection.send_rtp(header, payload, now);
                }
            }
        }
    }

    /// Sends a packet on a slot, if it may begin or go on there.
    pub fn forward(&mut self, slot: usize, arrival: &Arrival, now: Instant) -> Forwarded {
        let (true, Some(slot)) = (self.connection.is_connected(), self.slots.get_mut(slot)) else {
            return Forwarded::Done;
        };
        slot.fit(arrival.ssrc, &arrival.codec);
        let Some(codec) = slot.mapped.as_ref().and_then(|(_, codec)| codec.as_ref()) else {
            return Forwarded::Undecodable;
        };
        if !slot.rewriter.is_anchored() && !arrival.keyframe {
            return Forwarded::NeedsKeyframe;
        }
        let (payload_type, repair) = (codec.payload_type, codec.repair);
        let incoming = Incoming {
            sequence: arrival.sequence,
            timestamp: arrival.timestamp,
            payload: &arrival.payload,
            encoding: arrival.encoding,
        };
        let Some(outgoing) = slot.rewriter.rewrite(incoming, now) else {
            return Forwarded::Done;
        };
        let sent = Sent {
            sequence: outgoing.sequence,
            timestamp: outgoing.timestamp,
            marker: arrival.marker,
            payload_type,
            repair,
            payload: outgoing.payload,
        };
        let header = slot.header(&sent);
        slot.packets = slot.packets.wrapping_add(1);
        slot.octets = slot.octets.wrapping_add(sent.payload.len() as u32);
        slot.report = arrival.report;
        let payload = sent.payload.clone();
        if slot.kind == MediaKind::Video {
            slot.buffer.keep(sent);
        }
        self.connection.send_rtp(header, payload, now);
        Forwarded::Done
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

    /// Gives a slot something else to carry, or nothing.
    pub fn carry(&mut self, slot: usize, track: Option<u64>) {
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.track = track;
            slot.undecodable = false;
            slot.release();
        }
    }
}

impl DownSlot {
    fn new(kind: MediaKind, others: &[Self]) -> Self {
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
        let clock_rate = if kind == MediaKind::Video {
            90_000
        } else {
            48_000
        };
        Self {
            mid: String::new(),
            kind,
            track: None,
            undecodable: false,
            ssrc,
            repair_ssrc: fresh(ssrc),
            repair_sequence: rand::random::<u16>() >> 1,
            codecs: Vec::new(),
            mapped: None,
            stream: None,
            // RFC 3550 §5.1: both begin at random; the upper half is left out so that no early packet wraps.
            rewriter: Rewriter::new(clock_rate, rand::random::<u16>() >> 1, rand::random()),
            buffer: ResendBuffer::default(),
            packets: 0,
            octets: 0,
            received: None,
            missed: 0,
            report: None,
        }
    }

    /// What was lost since the report before (RFC 3550 §6.4.1), but for what never came here to be sent: that is the
    /// publisher's loss, not this subscriber's.
    fn note_reception(&mut self, report: &ReceptionReport) -> Tally {
        let received = Received {
            highest: report.last_sequence_number,
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
        Tally {
            expected: expected.saturating_add_signed(-skipped),
            lost: lost.unsigned_abs(),
        }
    }

    /// Another stream begins anew; another encoding of it looks up its payload type.
    fn fit(&mut self, ssrc: u32, codec: &Arc<Codec>) {
        if self.stream != Some(ssrc) {
            self.release();
            self.stream = Some(ssrc);
        }
        if self
            .mapped
            .as_ref()
            .is_none_or(|(known, _)| !Arc::ptr_eq(known, codec))
        {
            let carrier = codec::carrier(codec, &self.codecs).cloned();
            self.mapped = Some((Arc::clone(codec), carrier));
        }
    }

    fn release(&mut self) {
        self.stream = None;
        self.mapped = None;
        self.report = None;
        self.rewriter.release();
        self.buffer.clear();
    }

    fn header(&self, sent: &Sent) -> rtc::rtp::Header {
        rtc::rtp::Header {
            version: 2,
            marker: sent.marker,
            payload_type: sent.payload_type,
            sequence_number: sent.sequence,
            timestamp: sent.timestamp,
            ssrc: self.ssrc,
            ..Default::default()
        }
    }

    /// A packet once more: on the repair stream (RFC 4588 §4), or as it was where none is negotiated.
    fn resend(&mut self, sequence: u16, now: Instant) -> Option<(rtc::rtp::Header, bytes::Bytes)> {
        let sent = self.buffer.take_due(sequence, now)?.clone();
        let mut header = self.header(&sent);
        let Some(repair) = sent.repair else {
            return Some((header, sent.payload));
        };
        self.repair_sequence = self.repair_sequence.wrapping_add(1);
        header.ssrc = self.repair_ssrc;
        header.payload_type = repair;
        header.sequence_number = self.repair_sequence;
        let mut payload = BytesMut::with_capacity(2 + sent.payload.len());
        payload.put_u16(sequence);
        payload.extend_from_slice(&sent.payload);
        Some((header, payload.freeze()))
    }

    fn sender_report(
        &self,
        ntp: u64,
        skews: &HashMap<u64, i64>,
        now: Instant,
    ) -> Option<SenderReport> {
        let offset = self.rewriter.timestamp_offset()?;
        let (newest, at) = self.rewriter.newest()?;
        let clock = if self.kind == MediaKind::Video {
            90_000.0
        } else {
            48_000.0
        };
        let skew = self.track.and_then(|track| skews.get(&track));
        let rtp_time = match (self.report, skew) {
            (Some(report), Some(skew)) => {
                let elapsed = ntp.wrapping_add_signed(*skew).wrapping_sub(report.ntp) as i64;
                let ticks = (elapsed as f64 / 4_294_967_296.0 * clock) as i64;
                report.rtp.wrapping_add(offset).wrapping_add(ticks as u32)
            }
            _ => newest
                .wrapping_add((now.saturating_duration_since(at).as_secs_f64() * clock) as u32),
        };
        Some(SenderReport {
            ssrc: self.ssrc,
            ntp_time: ntp,
            rtp_time,
            packet_count: self.packets,
            octet_count: self.octets,
            ..Default::default()
        })
    }

    /// What is told to the subscriber.
    pub fn told(
        &self,
        track: Option<crate::protocol::ids::TrackId>,
        layer: Option<String>,
    ) -> Slot {
        Slot {
            mid: self.mid.clone(),
            kind: self.kind,
            track: track.filter(|_| !self.undecodable),
            layer: layer.filter(|_| !self.undecodable),
            reason: self.undecodable.then(|| "codec".to_owned()),
        }
    }
}

/// The codecs that are offered. No interceptor but our own: losses are repaired and reports written here, as the
/// crate's responder cannot follow a slot that changes its codec.
fn engine() -> Result<(MediaEngine, Registry), EngineError> {
    let mut media = MediaEngine::default();
    for codec in codec::audio() {
        media.register_codec(codec, RtpCodecKind::Audio)?;
    }
    for codec in codec::video() {
        media.register_codec(codec, RtpCodecKind::Video)?;
    }
    let registry = Registry::new().with(ChainSlot::from(FEEDBACK_SLOT), Feedback::default());
    Ok((media, registry))
}

fn add_transceiver(
    pc: &mut rtc::peer_connection::RTCPeerConnection,
    index: usize,
    slot: &DownSlot,
    codecs: Vec<RTCRtpCodecParameters>,
) -> Result<(), EngineError> {
    let kind = match slot.kind {
        MediaKind::Audio => RtpCodecKind::Audio,
        MediaKind::Video => RtpCodecKind::Video,
    };
    let track = placeholder(index, slot, kind, &codecs);
    let track = track.ok_or(EngineError::ErrSenderWithNoCodecs)?;
    let init = RTCRtpTransceiverInit {
        direction: RTCRtpTransceiverDirection::Sendonly,
        ..Default::default()
    };
    let id = pc.add_transceiver_from_track(track, Some(init))?;
    let transceiver = pc.rtp_transceiver(id);
    // Without it only the track's own codec would be offered.
    transceiver
        .ok_or(EngineError::ErrPeerConnTransceiverMidNil)?
        .set_codec_preferences(codecs)
}

/// A track with no media behind it: the crate needs one to announce our SSRCs.
fn placeholder(
    index: usize,
    slot: &DownSlot,
    kind: RtpCodecKind,
    codecs: &[RTCRtpCodecParameters],
) -> Option<MediaStreamTrack> {
    let name = format!("slot-{index}");
    let rtx = (slot.kind == MediaKind::Video).then_some(RTCRtpRtxParameters {
        ssrc: slot.repair_ssrc,
    });
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(slot.ssrc),
            rtx,
            ..Default::default()
        },
        codec: codecs.first()?.rtp_codec.clone(),
        ..Default::default()
    };
    Some(MediaStreamTrack::new(
        name.clone(),
        name.clone(),
        name,
        kind,
        vec![encoding],
    ))
}
