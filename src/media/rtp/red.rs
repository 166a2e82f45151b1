//! Sound that carries earlier sound once more (RFC 2198): a receiver that lost a packet finds its content in the next
//! one.

/// The header of a block that is not the last (RFC 2198 §3).
const HEADER: usize = 4;
/// Browsers repeat one or two packets.
const MOST_BLOCKS: usize = 9;

/// Where the newest sound begins in such a payload, which is the end of it. None where it is malformed, or carries
/// anything but `payload_type`.
pub fn newest(payload: &[u8], payload_type: u8) -> Option<usize> {
    let (mut place, mut before) = (0, 0);
    for _ in 0..MOST_BLOCKS {
        let first = *payload.get(place)?;
        if first & 0x7f != payload_type {
            return None;
        }
        if first & 0x80 == 0 {
            let newest = place + 1 + before;
            return (newest < payload.len()).then_some(newest);
        }
        let [_, _, high, low] = *payload.get(place..)?.first_chunk::<HEADER>()?;
        before += usize::from(high & 3) << 8 | usize::from(low);
        place += HEADER;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each older sound with its age, then the newest.
    fn redundant(older: &[(u16, &[u8])], newest: &[u8]) -> Vec<u8> {
        let mut payload = Vec::new();
        for (age, sound) in older {
            let both = u32::from(*age) << 10 | sound.len() as u32;
            payload.push(0x80 | 111);
            payload.extend_from_slice(&both.to_be_bytes()[1..]);
        }
        payload.push(111);
        for (_, sound) in older {
            payload.extend_from_slice(sound);
        }
        payload.extend_from_slice(newest);
        payload
    }

    #[test]
    fn the_newest_is_found_behind_the_others() {
        for older in [
            &[][..],
            &[(960, &[1; 300][..])],
            &[(1920, b"one"), (960, b"")],
        ] {
            let payload = redundant(older, b"newest");
            let place = newest(&payload, 111).unwrap();
            assert_eq!(&payload[place..], b"newest");
            assert_eq!(newest(&payload, 96), None, "of another encoding");
            for end in 0..payload.len() {
                let cut = newest(&payload[..end], 111);
                assert!(cut.is_none_or(|place| place < end), "{end}");
            }
        }
    }

    #[test]
    fn what_says_more_than_it_has_is_none() {
        for payload in [
            &b""[..],
            &[111],
            &[0xef, 0, 0],
            &[0xef, 0, 0x03, 0xff, 111, 1],
        ] {
            assert_eq!(newest(payload, 111), None, "{payload:?}");
        }
        assert_eq!(newest(&[0xef, 0, 0, 0].repeat(20), 111), None);
    }
}
