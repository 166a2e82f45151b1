//! Integration tests over real sockets.

mod media;
