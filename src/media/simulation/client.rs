//! A client's end of one connection: the crate's, which has a whole ICE agent and knows nothing of ours.

mod chain;
mod codecs;

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use rtc::ice::candidate::CandidateConfig;
use rtc::ice::candidate::candidate_host::CandidateHostConfig;
use rtc::interceptor::{Registry, Slot as ChainSlot};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::interceptor_registry::{
    configure_nack, configure_rtcp_reports, configure_simulcast_extension_headers,
    configure_twcc_receiver_only,
};
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::event::RTCPeerConnectionEvent;
use rtc::peer_connection::message::{RTCMessage, TaggedRTCMessage};
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::peer_connection::transport::{RTCDtlsRole, RTCIceCandidate, RTCIceCandidateInit};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters, RTCRtpRtxParameters,
    RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sansio::Protocol as _;

use self::chain::{FEEDBACK_SLOT, Feedback, REPAIR_SLOT, RepairUnwrapper};
use crate::protocol::object::{MediaKind, Source};

pub(super) const SSRC: u32 = 4711;
/// The payload type of VP9.
pub(super) const VP9: u8 = 98;

pub(super) struct Client {
    /// Where the network says that it is.
    pub address: SocketAddr,
    /// Where it knows itself to be.
    pub home: SocketAddr,
    pub pc: RTCPeerConnection,
    pub keyframe_asked: bool,
    /// The streams that keyframes were asked of.
    pub asked: Vec<u32>,
    /// What was last reported of each stream: the lost share, in 1/256, and how many were lost in all.
    pub told_lost: HashMap<u32, (u8, u32)>,
    pub received: Vec<rtc::rtp::Packet>,
    pub reports: Vec<SenderReport>,
    pub connected: bool,
    /// Repeats its DTLS flights as browsers do; without it the crate's own timer does, after a second.
    pub flights: Option<Flights>,
}

/// A browser's timer for DTLS flights: 50 ms, and twice as long each time.
#[derive(Default)]
pub(super) struct Flights {
    last: Vec<(SocketAddr, BytesMut)>,
    repeat_at: Option<Instant>,
    patience: Duration,
}

impl Flights {
    fn sent(&mut self, datagrams: &[(SocketAddr, BytesMut)], now: Instant) {
        let flight = datagrams.iter().filter(|(_, bytes)| is_dtls(bytes));
        let flight: Vec<_> = flight.cloned().collect();
        if !flight.is_empty() {
            self.last = flight;
            self.patience = Duration::from_millis(50);
            self.repeat_at = Some(now + self.patience);
        }
    }

    fn due(&mut self, now: Instant) -> Vec<(SocketAddr, BytesMut)> {
        if self.repeat_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        self.patience *= 2;
        self.repeat_at = Some(now + self.patience);
        self.last.clone()
    }
}

fn is_dtls(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(20..=63))
}

impl Client {
    pub fn new(address: SocketAddr, now: Instant) -> Self {
        Self {
            address,
            home: address,
            pc: connection(now, RTCDtlsRole::Auto, Reports::Itself),
            keyframe_asked: false,
            asked: Vec::new(),
            told_lost: HashMap::new(),
            received: Vec::new(),
            reports: Vec::new(),
            connected: false,
            flights: None,
        }
    }

    /// A client that answers with `a=setup:passive`.
    pub fn dtls_server(address: SocketAddr, now: Instant) -> Self {
        Self {
            pc: connection(now, RTCDtlsRole::Server, Reports::Itself),
            ..Self::new(address, now)
        }
    }

    /// A client that sends only those reports that it is given.
    pub fn given_reports(address: SocketAddr, now: Instant) -> Self {
        Self {
            pc: connection(now, RTCDtlsRole::Auto, Reports::Given),
            ..Self::new(address, now)
        }
    }

    /// Reports where the clock of a stream stands.
    pub fn report(&mut self, ssrc: u32, ntp_time: u64, rtp_time: u32, now: Instant) {
        let report = SenderReport {
            ssrc,
            ntp_time,
            rtp_time,
            ..Default::default()
        };
        let message = RTCMessage::RtcpPacket(String::new(), vec![Box::new(report)]);
        self.pc
            .handle_write(TaggedRTCMessage { now, message })
            .unwrap();
    }

    pub fn described(&mut self) -> String {
        let candidate = host_candidate(self.home).unwrap();
        self.pc.add_local_candidate(candidate).unwrap();
        self.pc
            .add_local_candidate(RTCIceCandidateInit::default())
            .unwrap();
        self.pc.local_description().unwrap().sdp
    }

    pub fn turn(&mut self, now: Instant) -> Vec<(SocketAddr, BytesMut)> {
        if self.pc.poll_timeout().is_some_and(|due| due <= now) {
            // The crate gives its flights up after some repeats.
            let gave_up = self.pc.handle_timeout(now).is_err();
            assert!(!gave_up || self.flights.is_some());
        }
        while let Some(event) = self.pc.poll_event() {
            if let RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) = event {
                self.connected = state == RTCPeerConnectionState::Connected;
            }
        }
        while let Some(message) = self.pc.poll_read() {
            match message.message {
                RTCMessage::RtpPacket(_, packet) => self.received.push(packet),
                RTCMessage::RtcpPacket(_, reports) => {
                    let clocks = reports.iter();
                    let clocks = clocks.filter_map(|one| one.as_any().downcast_ref().cloned());
                    self.reports.extend(clocks);
                    let asked = reports.iter().filter_map(|report| {
                        let asked = report.as_any().downcast_ref::<PictureLossIndication>()?;
                        Some(asked.media_ssrc)
                    });
                    let before = self.asked.len();
                    self.asked.extend(asked);
                    self.keyframe_asked |= self.asked.len() > before;
                    let reports = reports.iter();
                    let received = reports.filter_map(|report| report.as_any().downcast_ref());
                    for block in received.flat_map(|one: &ReceiverReport| &one.reports) {
                        let told = (block.fraction_lost, block.total_lost);
                        self.told_lost.insert(block.ssrc, told);
                    }
                }
                _ => {}
            }
        }
        let mut out = Vec::new();
        while let Some(datagram) = self.pc.poll_write() {
            out.push((datagram.transport.peer_addr, datagram.message));
        }
        if let Some(flights) = &mut self.flights {
            flights.sent(&out, now);
            if !self.connected {
                out.extend(flights.due(now));
            }
        }
        out
    }

    /// Offers to send this source on an m-line of its own.
    pub fn add_source(&mut self, source: Source, ssrc: u32) {
        self.add_track(track(source, ssrc));
    }

    /// Offers to send a camera as VP9 alone.
    pub fn add_vp9(&mut self, ssrc: u32) {
        let mut codecs = codecs::video().into_iter();
        let vp9 = codecs.find(|codec| codec.payload_type == VP9);
        self.add_track(track_as(Source::Camera, ssrc, vp9.unwrap()));
    }

    fn add_track(&mut self, track: MediaStreamTrack) {
        let init = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Sendonly,
            ..Default::default()
        };
        self.pc
            .add_transceiver_from_track(track, Some(init))
            .unwrap();
    }

    /// Offers to send a camera in layers of these names and SSRCs.
    pub fn add_simulcast(&mut self, layers: &[(&str, u32)]) {
        let init = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Sendonly,
            ..Default::default()
        };
        let encodings = layers.iter().map(|(rid, ssrc)| encoding(rid, *ssrc));
        let (name, kind) = ("camera".to_owned(), RtpCodecKind::Video);
        let encodings = encodings.collect();
        let track = MediaStreamTrack::new(name.clone(), name.clone(), name, kind, encodings);
        self.pc
            .add_transceiver_from_track(track, Some(init))
            .unwrap();
    }

    /// Sends one VP8 packet that says which it is; a keyframe where one was asked for.
    pub fn send(&mut self, number: u16, now: Instant) {
        let inter = u8::from(!std::mem::take(&mut self.keyframe_asked));
        let [high, low] = number.to_be_bytes();
        let header = rtc::rtp::Header {
            version: 2,
            payload_type: 96,
            sequence_number: number,
            timestamp: u32::from(number) * 1800,
            ssrc: SSRC,
            ..Default::default()
        };
        self.send_packet(header, Bytes::from(vec![0x10, inter, high, low]), now);
    }

    /// Sends a packet, also one that was not negotiated.
    pub fn send_packet(&mut self, header: rtc::rtp::Header, payload: Bytes, now: Instant) {
        let message = RTCMessage::RtpPacket(String::new(), rtc::rtp::Packet { header, payload });
        self.pc
            .handle_write(TaggedRTCMessage { now, message })
            .unwrap();
    }
}

/// Where a client's reports come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reports {
    Itself,
    Given,
}

fn connection(now: Instant, answers_as: RTCDtlsRole, reports: Reports) -> RTCPeerConnection {
    let mut media = MediaEngine::default();
    for codec in codecs::audio() {
        media.register_codec(codec, RtpCodecKind::Audio).unwrap();
    }
    for codec in codecs::video() {
        media.register_codec(codec, RtpCodecKind::Video).unwrap();
    }
    configure_simulcast_extension_headers(&mut media).unwrap();
    let registry = configure_nack(Registry::new(), &mut media);
    let registry = configure_twcc_receiver_only(registry, &mut media).unwrap();
    let registry = match reports {
        Reports::Itself => configure_rtcp_reports(registry),
        Reports::Given => registry,
    };
    let registry = registry
        .with(
            ChainSlot::from(REPAIR_SLOT),
            RepairUnwrapper::new(HashMap::from([(97, 96), (VP9 + 1, VP9)])),
        )
        .with(ChainSlot::from(FEEDBACK_SLOT), Feedback::default());
    let settings = SettingEngineBuilder::default()
        .with_include_loopback_candidate(true)
        .with_answering_dtls_role(answers_as);
    RTCPeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_interceptor_registry(registry)
        .with_setting_engine(settings.build())
        .build(now)
        .unwrap()
}

/// A track of one stream, of pictures with a repair stream after it.
fn track(source: Source, ssrc: u32) -> MediaStreamTrack {
    let mut codecs = match source.kind() {
        MediaKind::Audio => codecs::audio(),
        MediaKind::Video => codecs::video(),
    };
    track_as(source, ssrc, codecs.remove(0))
}

/// The same, in this encoding.
fn track_as(source: Source, ssrc: u32, codec: RTCRtpCodecParameters) -> MediaStreamTrack {
    let (kind, rtx) = match source.kind() {
        MediaKind::Audio => (RtpCodecKind::Audio, None),
        MediaKind::Video => {
            let rtx = RTCRtpRtxParameters { ssrc: ssrc + 1 };
            (RtpCodecKind::Video, Some(rtx))
        }
    };
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrc),
            rtx,
            ..Default::default()
        },
        codec: codec.rtp_codec,
        ..Default::default()
    };
    let name = format!("{source:?}");
    MediaStreamTrack::new(name.clone(), name.clone(), name, kind, vec![encoding])
}

/// A layer, with a repair stream after it.
fn encoding(rid: &str, ssrc: u32) -> RTCRtpEncodingParameters {
    RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            rid: rid.to_owned(),
            ssrc: Some(ssrc),
            rtx: Some(RTCRtpRtxParameters { ssrc: ssrc + 1 }),
            ..Default::default()
        },
        codec: codecs::video().remove(0).rtp_codec,
        ..Default::default()
    }
}

/// Which of the sender's packets arrived, by the number in their payloads; keyframes apart.
pub(super) fn numbers(client: &Client) -> (BTreeSet<u16>, usize) {
    let number = |packet: &rtc::rtp::Packet| {
        let payload = packet.payload.get(..4)?;
        Some(u16::from_be_bytes([payload[2], payload[3]]))
    };
    let keyframes = client
        .received
        .iter()
        .filter(|packet| packet.payload.get(1) == Some(&0));
    (
        client.received.iter().filter_map(number).collect(),
        keyframes.count(),
    )
}

/// A host candidate (RFC 8445 §5.1.1.1) at this address.
fn host_candidate(address: SocketAddr) -> Option<RTCIceCandidateInit> {
    let base_config = CandidateConfig {
        network: "udp".to_owned(),
        address: address.ip().to_string(),
        port: address.port(),
        component: 1,
        ..Default::default()
    };
    let candidate = CandidateHostConfig {
        base_config,
        ..Default::default()
    }
    .new_candidate_host()
    .ok()?;
    RTCIceCandidate::from(&candidate).to_json().ok()
}
