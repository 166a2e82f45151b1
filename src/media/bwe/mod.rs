//! What a line carries, pure: reports and the time in, rates out.

pub(super) mod breaker;
pub(super) mod congestion;
pub(super) mod pacer;
pub(super) mod probe;
pub(super) mod rate;
pub(super) mod repair_budget;
pub(super) mod send_history;
