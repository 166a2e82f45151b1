//! One WebRTC peer: ICE, DTLS, SRTP and its session descriptions. Knows no room.

pub(super) mod arena;
pub mod benching;
pub(super) mod candidate;
pub(super) mod codec;
pub(super) mod connection;
pub(super) mod cost;
pub(super) mod describing;
#[cfg(test)]
pub(super) mod dialects;
pub(super) mod dtls;
pub(super) mod ice;
pub(super) mod identity;
pub(super) mod path;
pub(super) mod reach;
pub(super) mod sdp;
mod srtp;
pub(super) mod transport;
