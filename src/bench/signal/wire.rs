//! WebSocket frames as far as the load needs them (RFC 6455 §5.2): servers mask nothing, and ours sends each message
//! in one frame.

/// A text.
pub(super) const TEXT: u8 = 1;
/// The end.
pub(super) const CLOSE: u8 = 8;
/// The other side wants to know whether we are there.
pub(super) const PING: u8 = 9;
/// We are.
pub(super) const PONG: u8 = 10;

const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;

/// Appends a client's frame. Its mask is zero, so that the payload stands there as it is.
pub(super) fn put(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(FINAL | opcode);
    match payload.len() {
        short @ 0..126 => out.push(MASKED | short as u8),
        middle @ 126..65_536 => {
            out.push(MASKED | 126);
            out.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

/// The first frame of what came: its opcode, its payload, and how long it is in all. None while some of it is missing.
pub(super) fn first(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (&[first, second], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match second & !MASKED {
        126 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (u64::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk::<8>()?;
            (u64::from_be_bytes(*length), rest)
        }
        short => (u64::from(short), rest),
    };
    let payload = rest.get(..usize::try_from(length).ok()?)?;
    let head = bytes.len() - rest.len();
    Some((first & 0x0f, payload, head + payload.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read_once_it_is_whole() {
        for size in [0, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; size];
            let mut masked = Vec::new();
            put(&mut masked, TEXT, &payload);
            // As a server sends it: without the mask.
            let head = masked.len() - size - 4;
            let mut frame = masked[..head].to_vec();
            frame[1] &= !MASKED;
            frame.extend_from_slice(&payload);
            assert_eq!(first(&frame), Some((TEXT, &payload[..], frame.len())));
            assert_eq!(first(&frame[..frame.len() - 1]), None, "{size}");
        }
    }
}
