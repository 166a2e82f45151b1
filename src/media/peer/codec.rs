//! What this server negotiates, and which subscriber's payload type can carry a publisher's packets.

use std::sync::OnceLock;

use crate::media::peer::sdp::{Codec, Feedback};
use crate::media::rtp::encoding::Encoding;
use crate::protocol::object::MediaKind;

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
    match sent.encoding {
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

/// What this server offers for sounds or pictures: what it takes from publishers is what it can offer to subscribers.
pub(in crate::media) fn offered(kind: MediaKind) -> &'static [Codec] {
    static SOUNDS: OnceLock<Vec<Codec>> = OnceLock::new();
    static PICTURES: OnceLock<Vec<Codec>> = OnceLock::new();
    match kind {
        MediaKind::Audio => SOUNDS.get_or_init(sounds),
        MediaKind::Video => PICTURES.get_or_init(pictures),
    }
}

/// Whether this is an encoding that is forwarded.
pub(in crate::media) fn is_forwarded(codec: &Codec) -> bool {
    let kinds = [MediaKind::Audio, MediaKind::Video];
    codec.encoding != Encoding::Other
        && kinds
            .iter()
            .any(|kind| carrier(codec, offered(*kind)).is_some())
}

fn sounds() -> Vec<Codec> {
    vec![Codec {
        payload_type: 111,
        name: "opus".to_owned(),
        encoding: Encoding::Opus,
        clock_rate: 48_000,
        channels: Some("2".to_owned()),
        fmtp: "minptime=10;useinbandfec=1".to_owned(),
        repair: Some(63),
        feedback: Feedback {
            transport: true,
            ..Feedback::default()
        },
    }]
}

/// Each with its repair format (RFC 4588).
fn pictures() -> Vec<Codec> {
    let h264 = |mode: u8, profile: &str| {
        format!("level-asymmetry-allowed=1;packetization-mode={mode};profile-level-id={profile}")
    };
    let table = [
        ("VP8", 96, String::new()),
        ("VP9", 98, "profile-id=0".to_owned()),
        ("VP9", 100, "profile-id=2".to_owned()),
        ("H264", 102, h264(1, "42001f")),
        ("H264", 104, h264(0, "42001f")),
        ("H264", 106, h264(1, "42e01f")),
        ("H264", 108, h264(0, "42e01f")),
        ("H264", 112, h264(1, "64001f")),
        ("AV1", 45, "profile=0".to_owned()),
    ];
    let codecs = table.into_iter().map(|(name, payload_type, fmtp)| Codec {
        payload_type,
        name: name.to_owned(),
        encoding: Encoding::named(name),
        clock_rate: 90_000,
        channels: None,
        fmtp,
        repair: Some(payload_type + 1),
        feedback: Feedback {
            nack: true,
            picture_loss: true,
            full_intra: true,
            transport: true,
        },
    });
    codecs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codec(payload_type: u8, name: &str, fmtp: &str) -> Codec {
        Codec {
            payload_type,
            name: name.to_owned(),
            encoding: Encoding::named(name),
            clock_rate: 90_000,
            channels: None,
            fmtp: fmtp.to_owned(),
            repair: None,
            feedback: Feedback::default(),
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
        // An invalid profile counts as baseline.
        assert_eq!(
            number("packetization-mode=1;profile-level-id=\u{e9}"),
            Some(3)
        );
    }

    #[test]
    fn only_what_can_be_offered_on_is_forwarded() {
        assert!(is_forwarded(&codec(1, "VP8", "")));
        assert!(is_forwarded(&codec(1, "H264", "profile-level-id=42c01f")));
        assert!(!is_forwarded(&codec(1, "VP9", "profile-id=1")));
        assert!(!is_forwarded(&codec(1, "H264", "profile-level-id=f4001f")));
        assert!(!is_forwarded(&codec(1, "H265", "")));
        assert!(!is_forwarded(&codec(1, "opus", "")), "at 90 kHz");
    }
}
