//! HTTP/2 (RFC 9113) for whoever asked for it in the handshake of TLS, with its own bounds.
//!
//! What [`heads`](super::heads) judges cannot be said in HTTP/2: a request's end is told by its frames, and the library
//! refuses what RFC 9113 §8 calls malformed. What is bounded here is what its streams add: how many are open, how many
//! are taken back before they are answered, and how long a connection may stay of which nothing is asked.

use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connections::Place;
use crate::budgets::http as budgets;

/// A connection of which nothing was asked for so long is ended.
const IDLE: Duration = Duration::from_secs(60);
/// How long answers under way may take once a connection is told to end.
pub(super) const LAST_ANSWERS: Duration = Duration::from_secs(30);
/// Of what is sent here, nothing is large.
const WINDOW_BYTES: u32 = 64 * 1_024;

/// How HTTP/2 is spoken.
pub(super) fn builder() -> http2::Builder<TokioExecutor> {
    let streams = u32::try_from(budgets::STREAMS.most).unwrap_or(u32::MAX);
    let head = u32::try_from(budgets::HEAD_BYTES.most).unwrap_or(u32::MAX);
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(streams)
        .max_header_list_size(head)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_send_buf_size(budgets::UNREAD_BYTES.size())
        .max_pending_accept_reset_streams(budgets::STREAMS_TAKEN_BACK.size())
        .max_local_error_reset_streams(budgets::STREAMS_TAKEN_BACK.size());
    builder
}

/// Waits until the connection has had its time: nothing is asked any more, or more than one connection may.
pub(super) async fn is_over(place: &Place) {
    loop {
        let asked = place.asked();
        tokio::select! {
            () = tokio::time::sleep(IDLE) => {}
            () = place.asked_enough() => return,
        }
        if place.asked() == asked {
            return;
        }
    }
}
