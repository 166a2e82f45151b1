//! How many calls of the system writing takes.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::SinkExt as _;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio_tungstenite::tungstenite::Message;

use super::{Client, Server};

/// A stream that counts how often something is written to it.
struct Counted {
    stream: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Bo, and how often was written to him.
async fn counted(server: &Server) -> (Client, Arc<AtomicUsize>) {
    let (stream, theirs) = tokio::io::duplex(1024 * 1024);
    let writes = Arc::<AtomicUsize>::default();
    let ours = Counted {
        stream,
        writes: writes.clone(),
    };
    let mut bo = server.serve(ours, theirs).await;
    bo.ok("auth.guest", json!({ "display_name": "Bo" })).await;
    (bo, writes)
}

#[tokio::test]
async fn what_is_ready_together_goes_out_with_one_write() {
    const FRAMES: u64 = 5;
    let server = Server::start().await;
    let (mut bo, writes) = counted(&server).await;
    let before = writes.load(Ordering::SeqCst);
    for id in 2..2 + FRAMES {
        let frame = json!({ "type": "ping", "id": id }).to_string();
        bo.socket.feed(Message::Text(frame.into())).await.unwrap();
    }
    bo.socket.flush().await.unwrap();
    for id in 2..2 + FRAMES {
        assert_eq!(bo.answer().await.unwrap()["re"], id);
    }
    assert_eq!(writes.load(Ordering::SeqCst) - before, 1);
}

#[tokio::test]
async fn an_answer_goes_out_with_what_others_tell_meanwhile() {
    let server = Server::start().await;
    let (mut ada, room) = server.meeting().await;
    let (mut bo, writes) = counted(&server).await;
    let joined = bo.ok("room.join", json!({ "identity": room })).await;
    let to_ada = json!({ "to": joined["participants"][0]["id"], "sdp": "to Ada" });
    let joined = ada.event("participant.joined").await;
    let to_bo = json!({ "to": joined["participant"]["id"], "sdp": "to Bo" });
    // From here on the room is not asked.
    bo.ok("signal.offer", to_ada.clone()).await;
    ada.event("signal.offer").await;
    let before = writes.load(Ordering::SeqCst);
    bo.send("signal.offer", to_ada).await;
    ada.send("signal.offer", to_bo).await;
    assert_eq!(bo.answer().await.unwrap()["type"], "ok");
    assert_eq!(bo.event("signal.offer").await["sdp"], "to Bo");
    assert_eq!(writes.load(Ordering::SeqCst) - before, 1);
}
