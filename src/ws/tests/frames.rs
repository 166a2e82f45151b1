//! A frame that comes in part is no frame. To its reader, a line that is cut within a frame is as if it was cut before
//! it. So a proof for cuts between frames holds for every byte (`simulation::everywhere`).

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::sessions::End;

/// A frame as it travels. The server's reader gets masked ones, the client's others.
async fn written(by: Role, message: Message) -> Vec<u8> {
    let (near, mut far) = tokio::io::duplex(1024 * 1024);
    let mut socket = WebSocketStream::from_raw_socket(near, by, None).await;
    socket.send(message).await.unwrap();
    drop(socket);
    let mut bytes = Vec::new();
    far.read_to_end(&mut bytes).await.unwrap();
    bytes
}

/// What is read of these bytes when nothing comes after them, and what the end is to a session.
async fn read(by: Role, bytes: &[u8]) -> (Vec<Message>, End) {
    let (near, mut far) = tokio::io::duplex(bytes.len().max(1));
    far.write_all(bytes).await.unwrap();
    drop(far);
    let mut socket = WebSocketStream::from_raw_socket(near, by, None).await;
    let mut messages = Vec::new();
    loop {
        match socket.next().await {
            Some(Ok(message)) => messages.push(message),
            Some(Err(error)) => return (messages, error.into()),
            None => return (messages, End::Gone),
        }
    }
}

/// Every byte of a short frame; of a long one those of its head, some of its middle and the last.
fn places(length: usize) -> impl Iterator<Item = usize> {
    let is_looked_at =
        move |at: &usize| length < 1_000 || *at < 32 || at.is_multiple_of(499) || *at + 32 > length;
    (0..length).filter(is_looked_at)
}

#[tokio::test]
async fn a_line_that_is_cut_within_a_frame_is_to_its_reader_as_if_it_was_cut_before_it() {
    for (writer, reader) in [(Role::Client, Role::Server), (Role::Server, Role::Client)] {
        // Each form of the length (RFC 6455 §5.2): in 7, 16 and 64 bits.
        for length in [0, 1, 125, 126, 300, 65_535, 65_536] {
            let message = Message::text("x".repeat(length));
            let frame = written(writer, message.clone()).await;
            for cut in places(frame.len()) {
                let cut_off = read(reader, &frame[..cut]).await;
                assert_eq!(cut_off, (Vec::new(), End::Gone), "{cut} of {length}");
                if length < 1_000 {
                    let after_another = [&frame[..], &frame[..cut]].concat();
                    let cut_off = read(reader, &after_another).await;
                    assert_eq!(
                        cut_off,
                        (vec![message.clone()], End::Gone),
                        "{cut} of {length}"
                    );
                }
            }
            assert_eq!(read(reader, &frame).await, (vec![message], End::Gone));
        }
        let ping = written(writer, Message::Ping(vec![1, 2, 3].into())).await;
        for cut in 0..ping.len() {
            let cut_off = read(reader, &ping[..cut]).await;
            assert_eq!(cut_off, (Vec::new(), End::Gone), "{cut} of a ping");
        }
    }
}
