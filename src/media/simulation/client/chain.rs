//! Links in the crate's chain of interceptors without which it would not behave as browsers do.

use std::any::TypeId;
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Instant;

use rtc::interceptor::{Attribute, Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use rtc::sansio::Protocol;
use rtc::sdp::extmap::{SDES_MID_URI, SDES_REPAIR_RTP_STREAM_ID_URI, SDES_RTP_STREAM_ID_URI};

/// Before the crate's NACK generator at 7000: what a retransmission repairs has arrived.
pub(super) const REPAIR_SLOT: usize = 6_500;
/// After everything else: what is left of RTCP then goes to us.
pub(super) const FEEDBACK_SLOT: usize = 14_000;
/// A sender that declares more layers or repair streams than this has the rest ignored.
const MAX_STREAMS: usize = 128;

/// The two queues that every link has.
#[derive(Default)]
struct Queues {
    read: VecDeque<TaggedPacket>,
    write: VecDeque<TaggedPacket>,
}

/// Passes everything but `handle_read` straight through.
macro_rules! pass_through {
    ($name:ident) => {
        impl Protocol<TaggedPacket, TaggedPacket, ()> for $name {
            type Rout = TaggedPacket;
            type Wout = TaggedPacket;
            type Eout = ();
            type Error = rtc::shared::error::Error;
            type Time = Instant;

            fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Self::Error> {
                if let Some(packet) = self.read(packet) {
                    self.queues.read.push_back(packet);
                }
                Ok(())
            }
            fn poll_read(&mut self) -> Option<TaggedPacket> {
                self.queues.read.pop_front()
            }
            fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Self::Error> {
                self.queues.write.push_back(packet);
                Ok(())
            }
            fn poll_write(&mut self) -> Option<TaggedPacket> {
                self.queues.write.pop_front()
            }
        }
    };
}

/// Turns an arriving retransmission (RFC 4588) back into the packet that it repairs, before the NACK generator
/// looks for gaps; and finds simulcast layers' repair streams by `repaired-rtp-stream-id` (RFC 8852 §3.2). The
/// crate does the first too late and the second not at all: at 5 % loss it would ask for everything for ever.
#[derive(Default)]
pub(super) struct RepairUnwrapper {
    /// Repair payload type → repaired payload type.
    repaired: HashMap<u8, u8>,
    ids: ExtensionIds,
    /// (mid, rid) → SSRC of the layer.
    layers: HashMap<(Vec<u8>, Vec<u8>), u32>,
    /// Repair SSRC → repaired SSRC.
    streams: HashMap<u32, u32>,
    queues: Queues,
}

#[derive(Default)]
struct ExtensionIds {
    mid: Option<u8>,
    rid: Option<u8>,
    repaired_rid: Option<u8>,
}

impl RepairUnwrapper {
    /// For these pairs of repair payload type and repaired payload type.
    pub fn new(repaired: HashMap<u8, u8>) -> Self {
        Self {
            repaired,
            ..Self::default()
        }
    }

    fn read(&mut self, mut packet: TaggedPacket) -> Option<TaggedPacket> {
        if let Packet::Rtp(rtp) = &mut packet.message.packet {
            match self.repaired.get(&rtp.header.payload_type).copied() {
                None => self.note_layer(&rtp.header),
                Some(payload_type) => {
                    self.note_repair(&rtp.header);
                    self.unwrap(rtp, payload_type);
                }
            }
        }
        Some(packet)
    }

    fn note_layer(&mut self, header: &rtc::rtp::Header) {
        let Some(key) = tags(header, self.ids.mid, self.ids.rid) else {
            return;
        };
        if self.layers.len() < MAX_STREAMS || self.layers.contains_key(&key) {
            self.layers.insert(key, header.ssrc);
        }
    }

    fn note_repair(&mut self, header: &rtc::rtp::Header) {
        let Some(key) = tags(header, self.ids.mid, self.ids.repaired_rid) else {
            return;
        };
        if let Some(ssrc) = self.layers.get(&key)
            && self.streams.len() < MAX_STREAMS
        {
            self.streams.insert(header.ssrc, *ssrc);
        }
    }

    /// RFC 4588 §4. One without an original sequence number is a bandwidth probe and stays as it is.
    fn unwrap(&self, rtp: &mut rtc::rtp::Packet, payload_type: u8) {
        let Some(ssrc) = self.streams.get(&rtp.header.ssrc) else {
            return;
        };
        let [high, low, _, ..] = rtp.payload[..] else {
            return;
        };
        rtp.header.ssrc = *ssrc;
        rtp.header.payload_type = payload_type;
        rtp.header.sequence_number = u16::from_be_bytes([high, low]);
        rtp.payload = rtp.payload.slice(2..);
    }
}

fn tags(header: &rtc::rtp::Header, mid: Option<u8>, rid: Option<u8>) -> Option<(Vec<u8>, Vec<u8>)> {
    Some((
        header.get_extension(mid?)?.to_vec(),
        header.get_extension(rid?)?.to_vec(),
    ))
}

pass_through!(RepairUnwrapper);

impl Interceptor for RepairUnwrapper {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}

    fn bind_remote_stream(&mut self, stream: &StreamInfo) {
        for extension in &stream.rtp_header_extensions {
            let id = u8::try_from(extension.id).ok();
            match extension.uri.as_str() {
                SDES_MID_URI => self.ids.mid = id,
                SDES_RTP_STREAM_ID_URI => self.ids.rid = id,
                SDES_REPAIR_RTP_STREAM_ID_URI => self.ids.repaired_rid = id,
                _ => {}
            }
        }
        if let Some(repair) = stream.ssrc_rtx
            && self.streams.len() < MAX_STREAMS
        {
            self.streams.insert(repair, stream.ssrc);
        }
    }

    fn unbind_remote_stream(&mut self, stream: &StreamInfo) {
        self.streams.retain(|_, ssrc| *ssrc != stream.ssrc);
    }
}

/// Lets through to us the RTCP that we act on, which the crate would end in its chain: reports, losses, transport-wide
/// feedback and keyframe requests from subscribers, sender reports from publishers.
#[derive(Default)]
pub(super) struct Feedback {
    /// The SSRCs of what we send, repair apart.
    sent: HashSet<u32>,
    queues: Queues,
}

impl Feedback {
    fn read(&mut self, mut packet: TaggedPacket) -> Option<TaggedPacket> {
        let Packet::Rtcp(reports) = &mut packet.message.packet else {
            return Some(packet);
        };
        let wanted = [
            TypeId::of::<PictureLossIndication>(),
            TypeId::of::<FullIntraRequest>(),
            TypeId::of::<TransportLayerNack>(),
            TypeId::of::<TransportLayerCc>(),
            TypeId::of::<SenderReport>(),
            TypeId::of::<ReceiverReport>(),
        ];
        for report in reports.iter_mut() {
            if let Some(received) = report.as_any().downcast_ref::<ReceiverReport>() {
                *report = Box::new(self.about_sent(received));
            } else if let Some(feedback) = report.as_any().downcast_ref::<TransportLayerCc>()
                && let Some(ssrc) = self.sent.iter().next()
            {
                // It is about all streams, and names the last that was heard, be it one of repairs.
                let mut feedback = feedback.clone();
                feedback.media_ssrc = *ssrc;
                *report = Box::new(feedback);
            }
        }
        reports.retain(|report| {
            let addressed = !report.destination_ssrc().is_empty();
            addressed && wanted.contains(&report.as_any().type_id())
        });
        if reports.is_empty() {
            return None;
        }
        packet.message.add(Attribute::DeliverToApplication);
        Some(packet)
    }

    /// The crate delivers RTCP to the stream that its first packet is about, and drops all of it if there is none. A
    /// report that is empty, or begins with a repair stream, would take the keyframe requests behind it along.
    fn about_sent(&self, report: &ReceiverReport) -> ReceiverReport {
        let known = report.reports.iter();
        let known = known.filter(|about| self.sent.contains(&about.ssrc));
        ReceiverReport {
            reports: known.cloned().collect(),
            ..report.clone()
        }
    }
}

pass_through!(Feedback);

impl Interceptor for Feedback {
    fn bind_local_stream(&mut self, stream: &StreamInfo) {
        self.sent.insert(stream.ssrc);
    }
    fn unbind_local_stream(&mut self, stream: &StreamInfo) {
        self.sent.remove(&stream.ssrc);
    }
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
