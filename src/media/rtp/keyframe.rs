//! Does this payload begin a picture that decodes on its own? Reads payload descriptors on untrusted bytes.

use crate::media::rtp::encoding::Encoding;

/// Whether the packet begins a keyframe. Sound always does.
pub(in crate::media) fn begins_keyframe(encoding: Encoding, payload: &[u8]) -> bool {
    match encoding {
        Encoding::Vp8 => vp8(payload).unwrap_or(false),
        Encoding::Vp9 => vp9(payload).unwrap_or(false),
        Encoding::H264 => h264(payload).unwrap_or(false),
        Encoding::Av1 => av1(payload),
        Encoding::Opus | Encoding::Other => true,
    }
}

/// RFC 7741 §4.2 and §4.3: the start of partition 0 of a frame whose P bit is clear.
fn vp8(payload: &[u8]) -> Option<bool> {
    let first = *payload.first()?;
    let starts = first & 0x10 != 0 && first & 0x07 == 0;
    let header = vp8_descriptor_bytes(payload)?;
    Some(starts && payload.get(header)? & 0x01 == 0)
}

/// How long the descriptor before the frame is.
pub(super) fn vp8_descriptor_bytes(payload: &[u8]) -> Option<usize> {
    let first = *payload.first()?;
    if first & 0x80 == 0 {
        return Some(1);
    }
    let extension = *payload.get(1)?;
    let mut length = 2;
    if extension & 0x80 != 0 {
        length += if payload.get(length)? & 0x80 != 0 {
            2
        } else {
            1
        };
    }
    length += usize::from(extension & 0x40 != 0);
    length += usize::from(extension & 0x30 != 0);
    Some(length)
}

/// RFC 9628 §4.2: not inter-predicted, the beginning of a frame, of the lowest spatial layer.
fn vp9(payload: &[u8]) -> Option<bool> {
    let first = *payload.first()?;
    let starts = first & 0x40 == 0 && first & 0x08 != 0;
    let mut at = 1;
    if first & 0x80 != 0 {
        at += if payload.get(1)? & 0x80 != 0 { 2 } else { 1 };
    }
    let lowest = first & 0x20 == 0 || (payload.get(at)? >> 1) & 0x07 == 0;
    Some(starts && lowest)
}

/// RFC 6184 §5: an SPS or IDR slice, alone, aggregated (STAP-A) or at the start of a fragment (FU-A).
fn h264(payload: &[u8]) -> Option<bool> {
    const IDR: u8 = 5;
    const SPS: u8 = 7;
    match payload.first()? & 0x1f {
        IDR | SPS => Some(true),
        24 => {
            let mut rest = &payload[1..];
            while let [high, low, unit, ..] = *rest {
                if matches!(unit & 0x1f, IDR | SPS) {
                    return Some(true);
                }
                rest = rest.get(2 + usize::from(u16::from_be_bytes([high, low]))..)?;
            }
            Some(false)
        }
        28 => {
            let fragment = *payload.get(1)?;
            Some(fragment & 0x80 != 0 && fragment & 0x1f == IDR)
        }
        _ => Some(false),
    }
}

/// The AV1 RTP payload format §4.4: N, the first packet of a coded video sequence.
fn av1(payload: &[u8]) -> bool {
    payload.len() > 1 && payload[0] & 0x08 != 0 && payload[0] & 0x80 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyframes_are_told_from_the_rest() {
        let table: &[(Encoding, &[u8], bool)] = &[
            (Encoding::Vp8, &[0x10, 0x00], true),
            (Encoding::Vp8, &[0x10, 0x01], false),
            (Encoding::Vp8, &[0x00, 0x00], false),
            (Encoding::Vp8, &[0x11, 0x00], false),
            (
                Encoding::Vp8,
                &[0x90, 0xe0, 0x80, 0x01, 0x05, 0x20, 0x00],
                true,
            ),
            (
                Encoding::Vp8,
                &[0x90, 0xe0, 0x80, 0x01, 0x05, 0x20, 0x01],
                false,
            ),
            (Encoding::Vp8, &[0x90, 0x80, 0x01, 0x00], true),
            (Encoding::Vp9, &[0x08], true),
            (Encoding::Vp9, &[0x48], false),
            (Encoding::Vp9, &[0x00], false),
            (Encoding::Vp9, &[0xa8, 0x81, 0x02, 0x00], true),
            (Encoding::Vp9, &[0xa8, 0x81, 0x02, 0x02], false),
            (Encoding::H264, &[0x67, 1], true),
            (Encoding::H264, &[0x65, 1], true),
            (Encoding::H264, &[0x41, 1], false),
            (Encoding::H264, &[24, 0, 1, 0x41, 0, 1, 0x67], true),
            (Encoding::H264, &[24, 0, 1, 0x41, 0, 1, 0x41], false),
            (Encoding::H264, &[28, 0x85], true),
            (Encoding::H264, &[28, 0x05], false),
            (Encoding::Av1, &[0x18, 0x0a], true),
            (Encoding::Av1, &[0x10, 0x0a], false),
            (Encoding::Opus, &[], true),
        ];
        for (encoding, payload, expected) in table {
            assert_eq!(
                begins_keyframe(*encoding, payload),
                *expected,
                "{encoding:?} {payload:x?}"
            );
        }
    }

    #[test]
    fn malformed_payloads_of_every_length_are_no_keyframes_and_no_panic() {
        let pictures = [Encoding::Vp8, Encoding::Vp9, Encoding::H264, Encoding::Av1];
        for encoding in pictures {
            assert!(!begins_keyframe(encoding, &[]), "{encoding:?}");
            for fill in [0x00, 0x18, 0x1c, 0x7f, 0x80, 0x90, 0xaa, 0xff] {
                for length in 0..32 {
                    for first in 0..=255u8 {
                        let mut payload = vec![fill; length];
                        if let Some(byte) = payload.first_mut() {
                            *byte = first;
                        }
                        let _ = begins_keyframe(encoding, &payload);
                    }
                }
            }
        }
    }
}
