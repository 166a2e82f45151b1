//! Bytes in and out: threads, sockets, and the machine that each thread runs. Knows no WebRTC.

pub(super) mod frames;
pub(super) mod inbox;
pub(super) mod relaying;
pub(super) mod shard;
pub(super) mod sharing;
pub(super) mod socket;
pub(super) mod streams;
pub(super) mod tcp;
pub(super) mod watch;
pub(super) mod worker;
