//! Packet arithmetic, pure: numbers, rewriting, keyframes, what is kept for repairs.

pub(super) mod keyframe;
pub(super) mod resend;
pub(super) mod rewrite;
pub(super) mod sequence;
