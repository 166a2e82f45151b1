//! The frames that wait for the next flush (RFC 6455 §5.2).
//!
//! They are put together here and not by the WebSocket library: it keeps its buffer while nothing is written, and most
//! sockets rest.

use std::io::{Error, ErrorKind, Result};

use bytes::{BufMut as _, BytesMut};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// So many frames are gathered at most before they are flushed: the first must not wait long for the last.
const MOST_FRAMES: usize = 64;

/// The same in bytes.
const MOST_BYTES: usize = 8 * 1024;

/// The last frame of a message, which is a text.
const TEXT: u8 = 0x81;
const PING: u8 = 0x89;

/// Frames that were not written yet.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    bytes: BytesMut,
    count: usize,
}

impl Gathered {
    /// Adds a text.
    pub fn text(&mut self, text: &str) {
        self.add(TEXT, text.as_bytes());
    }

    /// Adds an empty ping.
    pub fn ping(&mut self) {
        self.add(PING, &[]);
    }

    fn add(&mut self, first: u8, payload: &[u8]) {
        const LONGEST_HEADER: usize = 10;
        self.bytes.reserve(LONGEST_HEADER + payload.len());
        self.bytes.put_u8(first);
        match payload.len() {
            size @ 0..126 => self.bytes.put_u8(size as u8),
            size @ 126..65_536 => {
                self.bytes.put_u8(126);
                self.bytes.put_u16(size as u16);
            }
            size => {
                self.bytes.put_u8(127);
                self.bytes.put_u64(size as u64);
            }
        }
        self.bytes.put_slice(payload);
        self.count += 1;
    }

    /// Whether there is nothing to be written.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether nothing more is to be added before it is written.
    pub fn is_enough(&self) -> bool {
        self.count >= MOST_FRAMES || self.bytes.len() >= MOST_BYTES
    }

    /// Forgets all of it.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Writes all of it, and keeps no memory. A caller that stops waiting can go on later where it was.
    pub async fn write_to<S: AsyncWrite + Unpin>(&mut self, stream: &mut S) -> Result<()> {
        while !self.bytes.is_empty() {
            if stream.write_buf(&mut self.bytes).await? == 0 {
                return Err(Error::from(ErrorKind::WriteZero));
            }
        }
        self.clear();
        stream.flush().await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, StreamExt as _};
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;

    #[tokio::test]
    async fn frames_of_every_size_are_read_as_they_were_written() {
        let texts = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000].map(|size| "x".repeat(size));
        let (mut ours, theirs) = tokio::io::duplex(1024 * 1024);
        let mut gathered = Gathered::default();
        gathered.ping();
        texts.iter().for_each(|text| gathered.text(text));
        gathered.write_to(&mut ours).await.unwrap();
        assert!(gathered.is_empty() && gathered.bytes.capacity() == 0);
        let mut reader = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
        let first = reader.next().await.unwrap().unwrap();
        assert_eq!(first, Message::Ping(Vec::new().into()));
        for text in texts {
            let read = reader.next().await.unwrap().unwrap();
            assert!(
                read == Message::Text(text.as_str().into()),
                "{}",
                text.len()
            );
        }
    }

    #[tokio::test]
    async fn a_writer_that_is_interrupted_goes_on_where_it_was() {
        let (mut ours, theirs) = tokio::io::duplex(1_000);
        let text: String = ('a'..='z').cycle().take(3_000).collect();
        let mut gathered = Gathered::default();
        gathered.text(&text);
        assert!(gathered.write_to(&mut ours).now_or_never().is_none());
        let mut reader = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
        let (written, read) = tokio::join!(gathered.write_to(&mut ours), reader.next());
        written.unwrap();
        assert!(read.unwrap().unwrap() == Message::Text(text.into()));
    }

    #[test]
    fn many_and_large_ones_are_not_waited_for() {
        let mut gathered = Gathered::default();
        for _ in 1..MOST_FRAMES {
            gathered.ping();
            assert!(!gathered.is_enough());
        }
        gathered.ping();
        assert!(gathered.is_enough());
        gathered.clear();
        gathered.text(&"x".repeat(MOST_BYTES));
        assert!(gathered.is_enough());
    }
}
