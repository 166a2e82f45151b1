//! Integration tests over real sockets.

mod http;
mod launch;
mod media;
mod start;
