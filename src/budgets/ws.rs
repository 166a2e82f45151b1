//! Budgets of sessions and their frames.

use std::time::Duration;

use super::{Budget, Per, Unit};

/// The budgets of this part, in the order of the documentation.
pub const ALL: &[&Budget] = &[&REQUESTS, &BURST, &REFUSALS, &BAD_FRAMES];

const MINUTE: Option<Duration> = Some(Duration::from_secs(60));

/// Requests of a session in the long run.
pub const REQUESTS: Budget = Budget {
    name: "ws.requests",
    per: Per::Session,
    most: 20,
    unit: Unit::Count,
    every: Some(Duration::from_secs(1)),
    then: "The request is answered rate.limited, with the time to wait.",
    reason: "A person's page sends a few requests a second at its busiest moments.",
    test: "a_burst_passes_and_then_twenty_a_second",
};

/// Requests of a session at once.
pub const BURST: Budget = Budget {
    name: "ws.burst",
    per: Per::Session,
    most: 60,
    unit: Unit::Count,
    every: None,
    then: "The request is answered rate.limited, with the time to wait.",
    reason: "A join with its descriptions and candidates comes at once.",
    test: "a_burst_passes_and_then_twenty_a_second",
};

/// Refusals for speed that a session gets before it is ended.
pub const REFUSALS: Budget = Budget {
    name: "ws.refusals",
    per: Per::Session,
    most: 5_000,
    unit: Unit::Count,
    every: MINUTE,
    then: "The session is closed with 4429.",
    reason: "Whoever does not slow down after thousands of refusals is no client that will.",
    test: "two_thousand_at_once_are_refused_and_a_flood_ends_it",
};

/// Frames of a session that are no requests.
pub const BAD_FRAMES: Budget = Budget {
    name: "ws.bad_frames",
    per: Per::Session,
    most: 10,
    unit: Unit::Count,
    every: MINUTE,
    then: "The session is closed with 4400.",
    reason: "A client under development errs a few times; a scanner errs all the time.",
    test: "the_eleventh_bad_frame_in_a_minute_is_one_too_many",
};
