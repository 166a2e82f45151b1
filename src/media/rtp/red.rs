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

/// The sounds before the newest one, which begins there, the latest first: each with its age, in units of the clock.
pub fn earlier(payload: &[u8], newest: usize) -> impl Iterator<Item = (u32, &[u8])> {
    let mut blocks = [(0, 0); MOST_BLOCKS];
    let headers = payload
        .chunks_exact(HEADER)
        .take_while(|header| header[0] & 0x80 != 0);
    let mut count = 0;
    for (block, header) in blocks.iter_mut().zip(headers) {
        let age = u32::from(header[1]) << 6 | u32::from(header[2]) >> 2;
        let length = usize::from(header[2] & 3) << 8 | usize::from(header[3]);
        (*block, count) = ((age, length), count + 1);
    }
    let mut end = newest;
    blocks
        .into_iter()
        .take(count)
        .rev()
        .map_while(move |(age, length)| {
            let sound = payload.get(end.checked_sub(length)?..end)?;
            end -= length;
            Some((age, sound))
        })
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
    fn the_others_are_found_the_latest_first() {
        for older in [
            &[][..],
            &[(960, &[1; 300][..])],
            &[(16_383, b"one"), (960, b""), (3, b"two")],
        ] {
            let payload = redundant(older, b"newest");
            let place = newest(&payload, 111).unwrap();
            let found: Vec<_> = earlier(&payload, place).collect();
            let expected = older.iter().rev();
            let expected: Vec<_> = expected
                .map(|(age, sound)| (u32::from(*age), *sound))
                .collect();
            assert_eq!(found, expected);
        }
        let payload = redundant(&[(960, b"one")], b"newest");
        assert_eq!(
            earlier(&payload, 2).count(),
            0,
            "nothing before the beginning"
        );
        assert_eq!(earlier(&[0xef; 90], 90).count(), 0);
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
