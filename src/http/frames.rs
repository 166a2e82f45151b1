//! Counts WebSocket frames (RFC 6455 §5.2) on their way in.
//!
//! The WebSocket library reports whole messages only. Fragments, and above all empty ones, pass through it unseen and
//! without end. So the headers of all frames are counted here. When there are too many, reading fails with
//! [`ErrorKind::QuotaExceeded`].

use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::budgets::{Bucket, http as budgets};

/// Whether frames are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameLimit {
    /// As the table of budgets says.
    On,
    /// For tests and load runs.
    Off,
}

/// A stream of frames, counted.
#[derive(Debug)]
pub struct Metered<S> {
    stream: S,
    frames: Frames,
    /// None if frames are not counted.
    bucket: Option<Bucket>,
}

/// Where in the frames the reader is.
#[derive(Debug, Default)]
pub(super) struct Frames {
    header: [u8; 14],
    header_len: usize,
    payload: u64,
}

impl Frames {
    /// Reads received bytes. Returns how many frames have a complete header by now.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> u64 {
        let mut begun = 0;
        loop {
            if self.payload > 0 {
                let here =
                    usize::try_from(self.payload).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.payload -= here as u64;
                bytes = &bytes[here..];
            }
            let Some((first, rest)) = bytes.split_first() else {
                return begun;
            };
            self.header[self.header_len] = *first;
            self.header_len += 1;
            bytes = rest;
            if self.header_len == self.header_size() {
                self.payload = self.payload_size();
                self.header_len = 0;
                begun += 1;
            }
        }
    }

    /// The position of the reader: bytes of a header, and missing bytes of a payload.
    #[cfg(any(test, fuzzing))]
    pub(super) fn place(&self) -> (usize, u64) {
        (self.header_len, self.payload)
    }

    /// The length of the header, as far as it is known.
    fn header_size(&self) -> usize {
        if self.header_len < 2 {
            return 2;
        }
        let length = match self.header[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if self.header[1] & 0x80 == 0 { 0 } else { 4 };
        2 + length + mask
    }

    fn payload_size(&self) -> u64 {
        let [_, second, ..] = self.header;
        match second & 0x7f {
            126 => u16::from_be_bytes([self.header[2], self.header[3]]).into(),
            127 => {
                let mut size = [0; 8];
                size.copy_from_slice(&self.header[2..10]);
                u64::from_be_bytes(size)
            }
            small => small.into(),
        }
    }
}

impl<S> Metered<S> {
    /// Counts the frames of `stream`, unless the limit is off.
    pub fn new(stream: S, limit: FrameLimit) -> Self {
        Self {
            stream,
            frames: Frames::default(),
            bucket: match limit {
                FrameLimit::On => Some(Bucket::new(
                    &budgets::FRAMES_BURST,
                    &budgets::FRAMES,
                    Instant::now(),
                )),
                FrameLimit::Off => None,
            },
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let this = &mut *self;
        if let (Poll::Ready(Ok(())), Some(bucket)) = (&outcome, &mut this.bucket) {
            let begun = this.frames.read(&buffer.filled()[before..]);
            if bucket.spend(begun, Instant::now()).is_err() {
                // The bytes are dropped with the error, so that nothing of them is processed.
                buffer.set_filled(before);
                return Poll::Ready(Err(Error::new(
                    ErrorKind::QuotaExceeded,
                    "too many WebSocket frames",
                )));
            }
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// Frames of these sizes, masked as clients send them.
    fn frames(sizes: &[usize]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for size in sizes {
            bytes.push(0x00);
            match size {
                0..126 => bytes.push(0x80 | *size as u8),
                126..65_536 => {
                    bytes.push(0x80 | 126);
                    bytes.extend_from_slice(&(*size as u16).to_be_bytes());
                }
                _ => {
                    bytes.push(0x80 | 127);
                    bytes.extend_from_slice(&(*size as u64).to_be_bytes());
                }
            }
            bytes.extend_from_slice(&[1, 2, 3, 4]);
            // A wrong count would take this for further frames.
            bytes.extend(std::iter::repeat_n(0x80, *size));
        }
        bytes
    }

    #[test]
    fn frames_are_counted_however_they_are_cut() {
        let bytes = frames(&[0, 1, 125, 126, 65_535, 65_536, 70_000, 0, 0]);
        for piece in [1, 2, 3, 7, 4_096, bytes.len()] {
            let mut counted = Frames::default();
            let count: u64 = bytes.chunks(piece).map(|piece| counted.read(piece)).sum();
            assert_eq!(
                (count, counted.header_len, counted.payload),
                (9, 0, 0),
                "{piece}"
            );
        }
        let mut unmasked = Frames::default();
        assert_eq!(unmasked.read(&[0x81, 1, b'x', 0x89, 0]), 2);
    }

    #[tokio::test]
    async fn empty_fragments_are_frames_and_a_flood_of_them_ends_the_session() {
        let flood = frames(&vec![0; budgets::FRAMES_BURST.size() + 1_000]);
        let mut limited = Metered::new(flood.as_slice(), FrameLimit::On);
        let mut came = Vec::new();
        let error = limited.read_to_end(&mut came).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::QuotaExceeded, "{error}");
        assert!(came.len() < flood.len());
        let mut free = Metered::new(flood.as_slice(), FrameLimit::Off);
        came.clear();
        assert_eq!(free.read_to_end(&mut came).await.unwrap(), flood.len());
    }
}
