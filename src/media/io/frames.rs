//! Packets in a stream, each behind its length (RFC 4571 §2). Pure.

use bytes::{Bytes, BytesMut};

/// The length stands in so many bytes.
const LENGTH: usize = 2;
/// A longer packet cannot be media: media fits in one Ethernet frame.
pub(in crate::media) const LONGEST: usize = 2_048;

/// A frame is longer than any packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct TooLong;

/// What came of a stream and was not taken yet.
#[derive(Debug, Default)]
pub(in crate::media) struct Frames {
    bytes: BytesMut,
}

impl Frames {
    /// With what was read already.
    pub fn new(first: &Bytes) -> Self {
        Self {
            bytes: BytesMut::from(&first[..]),
        }
    }

    /// Where more is read to, with place for so many bytes.
    pub fn place(&mut self, bytes: usize) -> &mut BytesMut {
        self.bytes.reserve(bytes);
        &mut self.bytes
    }

    /// The first packet, once it is whole.
    pub fn first(&self) -> Result<Option<&[u8]>, TooLong> {
        let end = end_of(&self.bytes)?;
        Ok(end.map(|end| &self.bytes[LENGTH..end]))
    }

    /// Takes all frames that are whole.
    pub fn take(&mut self) -> Result<Option<BytesMut>, TooLong> {
        let mut whole = 0;
        while let Some(end) = end_of(&self.bytes[whole..])? {
            whole += end;
        }
        Ok((whole > 0).then(|| self.bytes.split_to(whole)))
    }
}

/// Where the first frame ends, if it is whole.
fn end_of(bytes: &[u8]) -> Result<Option<usize>, TooLong> {
    let Some(length) = bytes.first_chunk::<LENGTH>() else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes(*length));
    if length > LONGEST {
        return Err(TooLong);
    }
    let end = LENGTH + length;
    Ok((bytes.len() >= end).then_some(end))
}

/// The packets in whole frames, to be opened where they lie. An empty frame has no packet (RFC 4571 §2).
pub(in crate::media) fn packets(frames: &mut [u8]) -> Packets<'_> {
    Packets { rest: frames }
}

/// See [`packets`].
pub(in crate::media) struct Packets<'a> {
    rest: &'a mut [u8],
}

impl<'a> Iterator for Packets<'a> {
    type Item = &'a mut [u8];

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let end = end_of(self.rest).ok()??;
            let (frame, rest) = std::mem::take(&mut self.rest).split_at_mut(end);
            self.rest = rest;
            if end > LENGTH {
                return Some(&mut frame[LENGTH..]);
            }
        }
    }
}

/// Appends a packet's frame. One that no length can tell is left out.
pub(in crate::media) fn push(packet: &[u8], into: &mut Vec<u8>) {
    if let Ok(length) = u16::try_from(packet.len()) {
        into.extend_from_slice(&length.to_be_bytes());
        into.extend_from_slice(packet);
    }
}

/// How long a packet's frame is.
pub(in crate::media) fn length_of(packet: &[u8]) -> usize {
    LENGTH + packet.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(packets: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for packet in packets {
            let before = bytes.len();
            push(packet, &mut bytes);
            assert_eq!(bytes.len() - before, length_of(packet));
        }
        bytes
    }

    fn read(whole: Option<BytesMut>) -> Vec<Vec<u8>> {
        let mut whole = whole.unwrap_or_default();
        packets(&mut whole).map(|packet| packet.to_vec()).collect()
    }

    #[test]
    fn packets_come_out_as_they_went_in_wherever_the_stream_is_cut() {
        let long = [7; LONGEST];
        let sent: [&[u8]; 4] = [b"check", &[], b"x", &long];
        let bytes = stream(&sent);
        let expected = [b"check".to_vec(), b"x".to_vec(), long.to_vec()];
        for cut in 0..=bytes.len() {
            let mut frames = Frames::new(&Bytes::copy_from_slice(&bytes[..cut]));
            let mut came = read(frames.take().unwrap());
            frames.place(1).extend_from_slice(&bytes[cut..]);
            came.extend(read(frames.take().unwrap()));
            assert_eq!(came, expected, "cut at {cut}");
            assert_eq!(frames.take(), Ok(None));
        }
    }

    #[test]
    fn the_first_packet_is_looked_at_once_it_is_whole_and_stays() {
        let bytes = stream(&[b"check", b"more"]);
        for cut in 0..7 {
            let frames = Frames::new(&Bytes::copy_from_slice(&bytes[..cut]));
            assert_eq!(frames.first(), Ok(None), "cut at {cut}");
        }
        let mut frames = Frames::new(&bytes.into());
        assert_eq!(frames.first(), Ok(Some(&b"check"[..])));
        assert_eq!(read(frames.take().unwrap()).len(), 2);
    }

    #[test]
    fn a_frame_that_is_longer_than_any_packet_ends_it_before_it_is_there() {
        let [high, low] = (LONGEST as u16 + 1).to_be_bytes();
        let frames = Frames::new(&Bytes::copy_from_slice(&[high, low]));
        assert_eq!(frames.first(), Err(TooLong));
        // What came before it is not lost to chance: the stream is over, and so is all in it.
        let mut frames = Frames::new(&[0, 1, 5, high, low].to_vec().into());
        assert_eq!(frames.first(), Ok(Some(&[5][..])));
        assert_eq!(frames.take(), Err(TooLong));
    }

    #[test]
    fn a_packet_that_no_length_can_tell_is_left_out() {
        let mut bytes = Vec::new();
        push(&vec![0; 65_536], &mut bytes);
        assert!(bytes.is_empty());
    }
}
