//! One accepted connection as the HTTP library sees it. Received bytes are checked, and a client that does not read its
//! answers is cut off. A WebSocket has limits of its own in the session, and nothing is added here.

use std::io::{Error, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::connections::Place;
use super::door::Version;

/// A client must read [`LEAST_READ`] bytes within this time, once the buffer of the system is full.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// This is far slower than any line that can carry a meeting.
const LEAST_READ: usize = 16 * 1_024;

/// A connection with its bounds.
pub(super) struct Guarded<S> {
    stream: S,
    place: Arc<Place>,
    version: Version,
    /// The last write took nothing, because the buffer of the system is full.
    is_blocked: bool,
    slow: Option<Slow>,
}

/// A client that has let the buffer of the system fill up, and its deadline for reading.
struct Slow {
    until: Pin<Box<Sleep>>,
    owed: usize,
}

impl<S> Guarded<S> {
    /// The connection in `place`.
    pub fn new(stream: S, place: Arc<Place>, version: Version) -> Self {
        Self {
            stream,
            place,
            version,
            is_blocked: false,
            slow: None,
        }
    }

    fn written(
        &mut self,
        outcome: Poll<std::io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<std::io::Result<usize>> {
        if self.place.is_upgraded() {
            return outcome;
        }
        self.is_blocked = outcome.is_pending();
        match outcome {
            Poll::Ready(Ok(count)) => {
                self.place.moved();
                self.slow.take_if(|slow| {
                    slow.owed = slow.owed.saturating_sub(count);
                    slow.owed == 0
                });
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.owes(cx).map(Err),
        }
    }

    /// The client must read on in time, or it is cut off.
    fn owes(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let slow = self.slow.get_or_insert_with(|| Slow {
            until: Box::pin(sleep(WRITE_DEADLINE)),
            owed: LEAST_READ,
        });
        let passed = slow.until.as_mut().poll(cx);
        passed.map(|()| Error::new(ErrorKind::TimedOut, "the client does not read its answer"))
    }

    /// Bytes that wait in TLS count as unread too.
    fn finished(
        &mut self,
        outcome: Poll<std::io::Result<()>>,
        cx: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        match outcome {
            Poll::Ready(outcome) => {
                self.slow = None;
                Poll::Ready(outcome)
            }
            Poll::Pending if self.place.is_upgraded() => Poll::Pending,
            Poll::Pending => self.owes(cx).map(Err),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let is_upgraded = self.place.is_upgraded();
        // A client that does not read answers gets no further ones. The pending write wakes this task.
        if self.is_blocked && !is_upgraded {
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let came = &buffer.filled()[before..];
        if !is_upgraded && !came.is_empty() {
            self.place.moved();
            if self.version == Version::One {
                self.place.read(came);
            }
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(outcome, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(outcome, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// The library flushes after its last write. When that is done, the client owes nothing.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        self.finished(outcome, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.finished(outcome, cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::Instant;

    use super::*;
    use crate::http::connections::Connections;
    use crate::network::Network;

    fn guarded<S>(stream: S) -> Guarded<S> {
        let network = Network::of(std::net::Ipv4Addr::LOCALHOST.into());
        let held = Connections::new(1).take(network).unwrap();
        Guarded::new(stream, held.place, Version::One)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_too_slowly_is_cut_off() {
        let (client, server) = duplex(1_024);
        let (mut client, mut server) = (client, guarded(server));
        let reading = tokio::spawn(async move {
            let mut byte = [0; 100];
            while client.read_exact(&mut byte).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let began = Instant::now();
        let outcome = server.write_all(&[0; 100_000]).await;
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), WRITE_DEADLINE.as_secs());
        drop(server);
        reading.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_fast_enough_gets_it_all_however_long_it_takes() {
        let (client, server) = duplex(1_024);
        let (mut client, mut server) = (client, guarded(server));
        let reading = tokio::spawn(async move {
            let mut some = vec![0; 2_000];
            for _ in 0..100 {
                client.read_exact(&mut some).await.unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let began = Instant::now();
        server.write_all(&[0; 200_000]).await.unwrap();
        assert!(began.elapsed() > 5 * WRITE_DEADLINE);
        reading.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_owed_is_forgotten_when_all_is_written() {
        let (client, server) = duplex(1_024);
        let (mut client, mut server) = (client, guarded(server));
        for _ in 0..3 {
            let (sent, taken) = tokio::join!(server.write_all(&[0; 2_000]), async {
                tokio::time::sleep(Duration::from_secs(9)).await;
                client.read_exact(&mut [0; 2_000]).await
            });
            sent.unwrap();
            taken.unwrap();
            server.flush().await.unwrap();
        }
    }

    #[tokio::test]
    async fn nothing_more_is_read_while_answers_are_unread() {
        let (client, server) = duplex(1_024);
        let (mut client, mut server) = (client, guarded(server));
        client
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
        {
            let write = std::pin::pin!(server.write_all(&[0; 2_000]));
            assert!(futures_util::poll!(write).is_pending());
        }
        let mut byte = [0];
        assert!(futures_util::poll!(std::pin::pin!(server.read(&mut byte))).is_pending());
        client.read_exact(&mut [0; 1_024]).await.unwrap();
        server.write_all(&[0; 10]).await.unwrap();
        server.read_exact(&mut byte).await.unwrap();
        assert_eq!(&byte, b"G");
    }
}
