//! Budgets of plain HTTP: connections, requests, files.

use std::time::Duration;

use super::{Budget, Per, Unit};

/// The budgets of this part, in the order of the documentation.
pub const ALL: &[&Budget] = &[
    &CALENDAR_BURST,
    &CALENDARS,
    &CALENDARS_KEPT,
    &AVATAR_BURST,
    &AVATARS,
];

/// Calendar files that an address asks for at once.
pub const CALENDAR_BURST: Budget = Budget {
    name: "http.calendar_burst",
    per: Per::Address,
    most: 60,
    unit: Unit::Count,
    every: None,
    then: "The request is answered 429, with the time to wait.",
    reason: "A class behind one address puts its meeting into its calendars within a minute; each file is a question to the database.",
    test: "calendars_and_avatars_are_bounded_for_each_address",
};

/// The same in the long run.
pub const CALENDARS: Budget = Budget {
    name: "http.calendars",
    per: Per::Address,
    most: 1,
    unit: Unit::Count,
    every: Some(Duration::from_secs(1)),
    then: "The request is answered 429, with the time to wait.",
    reason: "Programs that follow a calendar ask a few times an hour.",
    test: "calendars_and_avatars_are_bounded_for_each_address",
};

/// Calendar files that are kept, each as its room was last edited.
pub const CALENDARS_KEPT: Budget = Budget {
    name: "http.calendars_kept",
    per: Per::Server,
    most: 512,
    unit: Unit::Count,
    every: None,
    then: "All are made anew when they are asked for.",
    reason: "A file takes milliseconds to make and some 3 kB to keep.",
    test: "a_calendar_is_made_once_for_each_state_of_its_room",
};

/// Avatars that an address asks for at once.
pub const AVATAR_BURST: Budget = Budget {
    name: "http.avatar_burst",
    per: Per::Address,
    most: 3_000,
    unit: Unit::Count,
    every: None,
    then: "The request is answered 429, with the time to wait.",
    reason: "A class behind one address sees each other's pictures for the first time; browsers keep them for a day.",
    test: "calendars_and_avatars_are_bounded_for_each_address",
};

/// The same in the long run.
pub const AVATARS: Budget = Budget {
    name: "http.avatars",
    per: Per::Address,
    most: 100,
    unit: Unit::Count,
    every: Some(Duration::from_secs(1)),
    then: "The request is answered 429, with the time to wait.",
    reason: "A picture is drawn in microseconds; this keeps a flood of them from being a load.",
    test: "calendars_and_avatars_are_bounded_for_each_address",
};
