//! How a down connection is set up in the WebRTC crate: codecs, interceptors and transceivers.

use rtc::interceptor::{Registry, Slot as ChainSlot};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_RTX, MediaEngine};
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RTCRtpHeaderExtensionCapability, RTCRtpRtxParameters, RtpCodecKind, TYPE_RTCP_FB_TRANSPORT_CC,
};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sdp::extmap::TRANSPORT_CC_URI;
use rtc::shared::error::Error as EngineError;

use super::DownSlot;
use crate::media::peer::codec;
use crate::media::peer::interceptor::{FEEDBACK_SLOT, Feedback};
use crate::protocol::object::MediaKind;

/// The codecs that are offered, with transport-wide feedback on what arrives.
pub(super) fn codecs(kind: MediaKind) -> Vec<RTCRtpCodecParameters> {
    let mut codecs = match kind {
        MediaKind::Audio => codec::audio(),
        MediaKind::Video => codec::video(),
    };
    let fed_back = codecs.iter_mut().map(|codec| &mut codec.rtp_codec);
    for codec in fed_back.filter(|codec| codec.mime_type != MIME_TYPE_RTX) {
        codec.rtcp_feedback.push(RTCPFeedback {
            typ: TYPE_RTCP_FB_TRANSPORT_CC.to_owned(),
            parameter: String::new(),
        });
    }
    codecs
}

/// No interceptor but our own: losses are repaired, packets numbered and reports written here, as the crate's
/// responder cannot follow a slot that changes its codec.
pub(super) fn engine() -> Result<(MediaEngine, Registry), EngineError> {
    let mut media = MediaEngine::default();
    let kinds = [
        (MediaKind::Audio, RtpCodecKind::Audio),
        (MediaKind::Video, RtpCodecKind::Video),
    ];
    for (kind, theirs) in kinds {
        for codec in codecs(kind) {
            media.register_codec(codec, theirs)?;
        }
        let uri = TRANSPORT_CC_URI.to_owned();
        let extension = RTCRtpHeaderExtensionCapability { uri };
        media.register_header_extension(extension, theirs, None)?;
    }
    let registry = Registry::new().with(ChainSlot::from(FEEDBACK_SLOT), Feedback::default());
    Ok((media, registry))
}

pub(super) fn add_transceiver(
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
