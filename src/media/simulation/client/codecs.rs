//! What the simulated client can encode, as the crate wants to be told.

use rtc::peer_connection::configuration::media_engine::{
    MIME_TYPE_AV1, MIME_TYPE_H264, MIME_TYPE_OPUS, MIME_TYPE_RTX, MIME_TYPE_VP8, MIME_TYPE_VP9,
};
use rtc::rtp_transceiver::rtp_sender::{RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters};

/// For sound.
pub(super) fn audio() -> Vec<RTCRtpCodecParameters> {
    let rtp_codec = RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.to_owned(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
        rtcp_feedback: vec![],
    };
    let redundant = RTCRtpCodec {
        mime_type: "audio/red".to_owned(),
        sdp_fmtp_line: "111/111".to_owned(),
        ..rtp_codec.clone()
    };
    let both = [(rtp_codec, 111), (redundant, 63)];
    let both = both.map(|(rtp_codec, payload_type)| RTCRtpCodecParameters {
        rtp_codec,
        payload_type,
    });
    both.into()
}

/// For pictures, each with its repair format (RFC 4588).
pub(super) fn video() -> Vec<RTCRtpCodecParameters> {
    let h264 = |mode: u8, profile: &str| {
        format!("level-asymmetry-allowed=1;packetization-mode={mode};profile-level-id={profile}")
    };
    let table = [
        (MIME_TYPE_VP8, 96, String::new()),
        (MIME_TYPE_VP9, 98, "profile-id=0".to_owned()),
        (MIME_TYPE_VP9, 100, "profile-id=2".to_owned()),
        (MIME_TYPE_H264, 102, h264(1, "42001f")),
        (MIME_TYPE_H264, 104, h264(0, "42001f")),
        (MIME_TYPE_H264, 106, h264(1, "42e01f")),
        (MIME_TYPE_H264, 108, h264(0, "42e01f")),
        (MIME_TYPE_H264, 112, h264(1, "64001f")),
        (MIME_TYPE_AV1, 45, "profile=0".to_owned()),
    ];
    let both = table.into_iter().flat_map(|(mime, payload_type, fmtp)| {
        let repair = format!("apt={payload_type}");
        [
            picture(mime, payload_type, fmtp),
            picture(MIME_TYPE_RTX, payload_type + 1, repair),
        ]
    });
    both.collect()
}

fn picture(mime: &str, payload_type: u8, fmtp: String) -> RTCRtpCodecParameters {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback {
        typ: typ.to_owned(),
        parameter: parameter.to_owned(),
    };
    let rtcp_feedback = if mime == MIME_TYPE_RTX {
        vec![]
    } else {
        vec![
            feedback("ccm", "fir"),
            feedback("nack", ""),
            feedback("nack", "pli"),
        ]
    };
    let rtp_codec = RTCRtpCodec {
        mime_type: mime.to_owned(),
        clock_rate: 90_000,
        channels: 0,
        sdp_fmtp_line: fmtp,
        rtcp_feedback,
    };
    RTCRtpCodecParameters {
        rtp_codec,
        payload_type,
    }
}
