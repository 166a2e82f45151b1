//! The encodings that are forwarded, and which subscriber's payload type can carry a publisher's packets.

use rtc::peer_connection::configuration::media_engine::{
    MIME_TYPE_AV1, MIME_TYPE_H264, MIME_TYPE_OPUS, MIME_TYPE_RTX, MIME_TYPE_VP8, MIME_TYPE_VP9,
};
use rtc::rtp_transceiver::rtp_sender::{RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters};

use crate::media::peer::sdp::Codec;

/// An encoding whose payload format is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum Encoding {
    /// RFC 7587.
    Opus,
    /// RFC 7741.
    Vp8,
    /// RFC 9628.
    Vp9,
    /// RFC 6184.
    H264,
    /// The Alliance for Open Media's RTP payload format for AV1.
    Av1,
    /// Anything else: forwarded untouched.
    Other,
}

impl Encoding {
    /// By its name in SDP.
    pub fn named(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "opus" => Self::Opus,
            "vp8" => Self::Vp8,
            "vp9" => Self::Vp9,
            "h264" => Self::H264,
            "av1" => Self::Av1,
            _ => Self::Other,
        }
    }
}

/// Which of a subscriber's codecs takes what a publisher sends, if any: the best match first.
pub(in crate::media) fn carrier<'a>(sent: &Codec, taken: &'a [Codec]) -> Option<&'a Codec> {
    // Reversed, as `max_by_key` takes the last of equals and the subscriber names the preferred one first.
    let rated = taken
        .iter()
        .rev()
        .filter_map(|codec| Some((fitness(sent, codec)?, codec)));
    rated
        .max_by_key(|(fitness, _)| *fitness)
        .map(|(_, codec)| codec)
}

fn fitness(sent: &Codec, taken: &Codec) -> Option<u8> {
    if !sent.name.eq_ignore_ascii_case(&taken.name) || sent.clock_rate != taken.clock_rate {
        return None;
    }
    match Encoding::named(&sent.name) {
        Encoding::H264 => h264_fitness(sent, taken),
        Encoding::Vp9 => same(sent, taken, "profile-id", "0"),
        Encoding::Av1 => same(sent, taken, "profile", "0"),
        Encoding::Opus | Encoding::Vp8 | Encoding::Other => Some(1),
    }
}

fn same(sent: &Codec, taken: &Codec, key: &str, default: &str) -> Option<u8> {
    let equal = sent.parameter(key).unwrap_or(default) == taken.parameter(key).unwrap_or(default);
    equal.then_some(1)
}

/// RFC 6184 §8.1: the packetization mode must agree; the profile should. A baseline stream (66, `42`) decodes with
/// every profile that browsers name.
fn h264_fitness(sent: &Codec, taken: &Codec) -> Option<u8> {
    same(sent, taken, "packetization-mode", "0")?;
    let profile = |codec: &Codec| {
        let id = codec
            .parameter("profile-level-id")
            .unwrap_or("42000a")
            .to_ascii_lowercase();
        id.get(..4).unwrap_or("4200").to_owned()
    };
    let (sent, taken) = (profile(sent), profile(taken));
    if sent == taken {
        return Some(3);
    }
    if sent.get(..2) == taken.get(..2) {
        return Some(2);
    }
    sent.starts_with("42").then_some(1)
}

/// What this server negotiates for sound.
pub(in crate::media) fn audio() -> Vec<RTCRtpCodecParameters> {
    let rtp_codec = RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.to_owned(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
        rtcp_feedback: vec![],
    };
    vec![RTCRtpCodecParameters {
        rtp_codec,
        payload_type: 111,
    }]
}

/// What this server negotiates for pictures, each with its repair format (RFC 4588).
pub(in crate::media) fn video() -> Vec<RTCRtpCodecParameters> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn codec(payload_type: u8, name: &str, fmtp: &str) -> Codec {
        Codec {
            payload_type,
            name: name.to_owned(),
            clock_rate: 90_000,
            fmtp: fmtp.to_owned(),
            repair: None,
        }
    }

    #[test]
    fn the_payload_type_is_the_subscribers_own() {
        let taken = [
            codec(100, "VP9", "profile-id=2"),
            codec(98, "VP9", ""),
            codec(120, "VP8", ""),
        ];
        let number = |sent: &Codec| carrier(sent, &taken).map(|codec| codec.payload_type);
        assert_eq!(number(&codec(96, "vp8", "")), Some(120));
        assert_eq!(number(&codec(96, "VP9", "profile-id=0")), Some(98));
        assert_eq!(number(&codec(96, "VP9", "profile-id=2")), Some(100));
        assert_eq!(number(&codec(96, "AV1", "")), None);
    }

    #[test]
    fn h264_needs_its_packetization_mode_and_prefers_its_profile() {
        let taken = [
            codec(1, "H264", "packetization-mode=0;profile-level-id=42e01f"),
            codec(2, "H264", "packetization-mode=1;profile-level-id=64001f"),
            codec(3, "H264", "packetization-mode=1;profile-level-id=42e01f"),
        ];
        let number =
            |fmtp: &str| carrier(&codec(9, "H264", fmtp), &taken).map(|codec| codec.payload_type);
        assert_eq!(
            number("packetization-mode=1;profile-level-id=42e01f"),
            Some(3)
        );
        assert_eq!(
            number("packetization-mode=1;profile-level-id=42001f"),
            Some(3)
        );
        assert_eq!(number("profile-level-id=42e01f"), Some(1));
        assert_eq!(
            number("packetization-mode=1;profile-level-id=640c1f"),
            Some(2)
        );
        assert_eq!(number("packetization-mode=0;profile-level-id=640c1f"), None);
        // A profile that is none counts as baseline.
        assert_eq!(
            number("packetization-mode=1;profile-level-id=\u{e9}"),
            Some(3)
        );
    }
}
