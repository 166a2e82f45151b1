//! A stream of messages (RFC 8656 §2.1), over TCP or in TLS. It is split on the way in, and messages are written one
//! after the other on the way out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::message::framed;
use super::relay::{Relay, Stream};
use super::server::{LONGEST, Now, Outcome, Wrapped};

/// A stream without an allocation ends after this time.
pub(super) const WITHOUT_ALLOCATION: Duration = Duration::from_secs(30);
/// The longest message: a payload with its attributes.
const LONGEST_MESSAGE: usize = LONGEST + 512;
/// What is read at once.
const READ_BYTES: usize = 8 * 1_024;
/// Messages that are written at once.
const WRITTEN_AT_ONCE: usize = 32;

/// Carries the messages of one client until either side ends it, or until it has had no allocation for too long.
/// `first` was read already. `moved` is called for each transfer.
pub async fn carry(
    relay: Arc<Relay>,
    stream: impl AsyncRead + AsyncWrite,
    first: Bytes,
    remote: SocketAddr,
    moved: impl Fn(),
) {
    let (place, queue) = relay.open_stream(remote);
    let (reader, writer) = tokio::io::split(stream);
    tokio::select! {
        () = read(&place, reader, BytesMut::from(first), &moved) => {}
        () = write(writer, queue, &moved) => {}
    }
}

async fn read(
    place: &Stream,
    mut reader: impl AsyncRead + Unpin,
    mut buffer: BytesMut,
    moved: impl Fn(),
) {
    let mut until = Instant::now() + WITHOUT_ALLOCATION;
    loop {
        loop {
            match framed(&buffer) {
                Ok(Some(length)) if length > LONGEST_MESSAGE => return,
                Ok(Some(length)) if length <= buffer.len() => {
                    take(place, &buffer.split_to(length));
                }
                Ok(_) => break,
                Err(_) => return,
            }
        }
        let now = Instant::now();
        if now >= until {
            if !place.relay.serves(place.client, now) {
                return;
            }
            until = now + WITHOUT_ALLOCATION;
        }
        buffer.reserve(READ_BYTES);
        match tokio::time::timeout_at(until, reader.read_buf(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => return,
            Ok(Ok(_)) => moved(),
            Err(_) => {}
        }
    }
}

/// Takes one message.
fn take(place: &Stream, message: &[u8]) {
    let (relay, client) = (&place.relay, place.client);
    match relay.handle(client, message, Now::read()) {
        Outcome::Nothing => {}
        Outcome::Answer(bytes) => relay.deliver(Wrapped { client, bytes }),
        Outcome::Media(to) => relay.post_media(&to, message),
        Outcome::Other(wrapped) => relay.deliver(wrapped),
    }
}

async fn write(
    mut writer: impl AsyncWrite + Unpin,
    mut queue: mpsc::Receiver<Vec<u8>>,
    moved: impl Fn(),
) {
    let (mut messages, mut bytes) = (Vec::new(), Vec::new());
    while queue.recv_many(&mut messages, WRITTEN_AT_ONCE).await > 0 {
        bytes.clear();
        for message in messages.drain(..) {
            bytes.extend_from_slice(&message);
        }
        let written = async {
            writer.write_all(&bytes).await?;
            writer.flush().await
        };
        if written.await.is_err() {
            return;
        }
        moved();
    }
}
