//! What a line carries, pure: reports and the time in, rates out.
//!
//! `estimator` holds the whole together: `send_history` joins what was sent with what transport-wide feedback tells of
//! it; `congestion` judges that by the queue (`queue`), the delays (`trend`) and the losses (`losses`); `prober` finds
//! room, and `trials` says when more may be tried. `pacer` spreads bursts, `repair_budget` bounds repairs, `breaker` is
//! for clients that only report losses.
//!
//! The model is Google congestion control (draft-ietf-rmcat-gcc-02) with what libwebrtc has changed of it since, fitted
//! to a server that forwards layers: what is sent jumps from one layer's rate to the next, so that most of the time the
//! line is not full, and what is not sent can only be known by probes. Each constant names its source where it has one;
//! the others were chosen in virtual time, see `scenarios`.

pub(super) mod breaker;
pub(super) mod congestion;
pub(super) mod estimator;
pub(super) mod losses;
pub(super) mod pacer;
pub(super) mod prober;
pub(super) mod queue;
pub(super) mod rate;
pub(super) mod repair_budget;
#[cfg(test)]
mod scenarios;
pub(super) mod send_history;
pub(super) mod trend;
pub(super) mod trials;
