//! Reads ahead: one system call takes all bytes that are there, even if the reader asks for few.
//!
//! The WebSocket library reads into the buffer of its next frame. A small buffer costs several calls for each frame,
//! and a large one is most of the memory of an idle socket. So bytes are read into a buffer that all sockets of a
//! thread share. A socket keeps only what is left over, while there is some.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most that is read at once, and so the most that is left over.
const AT_ONCE: usize = 8 * 1024;

thread_local! {
    static SHARED: RefCell<Box<[u8]>> = RefCell::new(vec![0; AT_ONCE].into());
}

/// A stream that is read ahead.
#[derive(Debug)]
pub struct Ahead<S> {
    stream: S,
    rest: Vec<u8>,
    /// How much of it was handed out.
    taken: usize,
}

impl<S> Ahead<S> {
    /// Reads `stream` ahead.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            rest: Vec::new(),
            taken: 0,
        }
    }

    /// Hands out the left-over bytes, as many as fit.
    fn give_rest(&mut self, buffer: &mut ReadBuf<'_>) {
        let rest = &self.rest[self.taken..];
        let count = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..count]);
        self.taken += count;
        if self.taken == self.rest.len() {
            (self.rest, self.taken) = (Vec::new(), 0);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Ahead<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = &mut *self;
        if !this.rest.is_empty() {
            this.give_rest(buffer);
            return Poll::Ready(Ok(()));
        }
        if buffer.remaining() >= AT_ONCE {
            return Pin::new(&mut this.stream).poll_read(cx, buffer);
        }
        SHARED.with_borrow_mut(|shared| {
            let mut came = ReadBuf::new(shared);
            std::task::ready!(Pin::new(&mut this.stream).poll_read(cx, &mut came))?;
            let count = came.filled().len().min(buffer.remaining());
            let (first, rest) = came.filled().split_at(count);
            buffer.put_slice(first);
            this.rest.extend_from_slice(rest);
            Poll::Ready(Ok(()))
        })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Ahead<S> {
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
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn what_is_read_is_what_came_whatever_is_asked_for() {
        let sent: Vec<u8> = (0..5 * AT_ONCE).map(|at| (at % 251) as u8).collect();
        for asked in [1, 13, 512, AT_ONCE - 1, AT_ONCE, 2 * AT_ONCE] {
            let mut stream = Ahead::new(sent.as_slice());
            let (mut read, mut place) = (Vec::new(), vec![0; asked]);
            loop {
                match stream.read(&mut place).await.unwrap() {
                    0 => break,
                    count => read.extend_from_slice(&place[..count]),
                }
                assert!(stream.rest.len() <= AT_ONCE);
            }
            assert!(read == sent, "{asked}");
            assert_eq!(stream.rest.capacity(), 0, "nothing is kept that is read");
        }
    }

    #[tokio::test]
    async fn all_that_is_there_is_taken_at_once_and_nothing_is_waited_for() {
        let (mut far, near) = tokio::io::duplex(AT_ONCE);
        let mut stream = Ahead::new(near);
        far.write_all(b"abcdef").await.unwrap();
        let mut place = [0; 2];
        assert_eq!(stream.read(&mut place).await.unwrap(), 2);
        assert_eq!(stream.rest[stream.taken..], *b"cdef");
        drop(far);
        let mut rest = Vec::new();
        assert_eq!(stream.read_to_end(&mut rest).await.unwrap(), 4);
        assert_eq!((&place[..], &rest[..]), (&b"ab"[..], &b"cdef"[..]));
    }
}
