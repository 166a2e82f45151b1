//! Packet arithmetic: RTP and RTCP read and written, streams counted, fitted together, kept and repaired. Pure: bytes
//! and the time in, bytes and verdicts out. It knows no connection and no room, and imports nothing else of media.

pub(super) mod clock;
pub(super) mod counters;
pub(super) mod dependency;
pub(super) mod encoding;
pub(super) mod extensions;
pub(super) mod history;
pub(super) mod keyframe;
pub(super) mod missing;
pub(super) mod outgoing;
pub(super) mod packet;
pub(super) mod part;
pub(super) mod pictures;
pub(super) mod reception;
pub(super) mod red;
pub(super) mod resend;
pub(super) mod rewrite;
pub(super) mod rtcp;
pub(super) mod sequence;
pub(super) mod sieve;
pub(super) mod size;
pub(super) mod skips;
pub(super) mod timeline;
pub(super) mod vp8;
pub(super) mod vp9;
