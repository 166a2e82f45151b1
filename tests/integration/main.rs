//! Integration tests over real sockets.
#![allow(clippy::unwrap_used, reason = "a failed step fails its test")]

mod http;
mod launch;
mod media;
mod start;
