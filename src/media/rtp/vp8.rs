//! VP8's payload descriptor (RFC 7741 §4.2), read on untrusted bytes: which temporal layer a picture is of.

use super::encoding::Encoding;
use super::keyframe::begins_keyframe;
use super::part::Part;

/// Where a packet stands, if its descriptor names a temporal layer.
pub fn part(payload: &[u8]) -> Option<Part> {
    let [first, extension, ..] = *payload else {
        return None;
    };
    let has = |bit: u8| first & 0x80 != 0 && extension & bit != 0;
    if !has(0x20) {
        return None;
    }
    let mut at = 2;
    if has(0x80) {
        at += if payload.get(at)? & 0x80 == 0 { 1 } else { 2 };
    }
    at += usize::from(has(0x40));
    let layer = *payload.get(at)?;
    Some(Part {
        spatial: 0,
        temporal: layer >> 6,
        is_independent: begins_keyframe(Encoding::Vp8, payload),
        is_up_switch: false,
        is_layer_sync: layer & 0x20 != 0,
        // The marker says it.
        ends: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporal_layer_is_read_behind_whatever_stands_before_it() {
        let read = |payload: &[u8]| {
            let part = part(payload)?;
            Some((part.temporal, part.is_layer_sync, part.is_independent))
        };
        // A picture id of 15 bits, TL0PICIDX, TID 2 that depends on the slowest layer alone.
        let all = [0x90, 0xe0, 0x81, 0x02, 0x07, 0xa0, 0x01];
        assert_eq!(read(&all), Some((2, true, false)));
        // A picture id of seven bits, no TL0PICIDX.
        assert_eq!(
            read(&[0x90, 0xa0, 0x02, 0x40, 0x01]),
            Some((1, false, false))
        );
        // Nothing but the layer; KEYIDX beside it; a keyframe.
        assert_eq!(read(&[0x90, 0x30, 0x1f, 0x00]), Some((0, false, true)));
        // The second packet of a keyframe does not begin it.
        assert_eq!(read(&[0x80, 0x20, 0x00, 0x00]), Some((0, false, false)));
        let silent = [
            &[0x10, 0x00][..],
            &[0x90, 0xd0, 0x81, 0x02, 0x07, 0x05],
            &[0x90, 0xe0],
        ];
        assert_eq!(silent.map(read), [None; 3]);
    }

    #[test]
    fn malformed_descriptors_of_every_length_pass_without_a_panic() {
        for first in 0..=255_u8 {
            for second in 0..=255_u8 {
                for length in 0..8 {
                    let mut bytes = [first, second].repeat(4);
                    bytes.truncate(length);
                    assert!(part(&bytes).is_none_or(|part| part.temporal < 4));
                }
            }
        }
    }
}
