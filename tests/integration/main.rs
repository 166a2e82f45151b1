//! Integration tests over real sockets.
#![allow(clippy::unwrap_used, reason = "a failed step fails its test")]

mod databases;
mod http;
mod launch;
mod start;
