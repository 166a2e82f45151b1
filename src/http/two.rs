//! HTTP/2 (RFC 9113) for clients that ask for it in the TLS handshake, with limits of its own.
//!
//! The ambiguities that [`heads`](super::heads) refuses cannot occur in HTTP/2: frames mark the end of a request, and
//! the library refuses malformed requests (RFC 9113 §8). This module limits what streams add: how many are open, how
//! many are cancelled before their answer, and how long an idle connection may stay.

use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connections::Place;
use crate::budgets::http as budgets;

/// A connection without requests for this time is ended.
const IDLE: Duration = Duration::from_secs(60);
/// Answers under way may take this long once a connection is told to end.
pub(super) const LAST_ANSWERS: Duration = Duration::from_secs(30);
/// Request bodies are small.
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

/// Waits until the connection is idle for too long, or has made as many requests as one may.
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
