//! Budgets of the relay.

use std::time::Duration;

use super::{Budget, Per, Unit};

/// The budgets of this part, in the order of the documentation.
pub const ALL: &[&Budget] = &[
    &UNPROVEN,
    &UNPROVEN_BURST,
    &ALLOCATIONS,
    &ALLOCATIONS_IN_ALL,
    &PERMISSIONS,
    &CHANNELS,
    &RELAYED,
    &RELAYED_BURST,
    &RELAYED_IN_ALL,
    &UNREAD,
    &PARCELS,
];

/// Requests to the relay that prove nothing, in the long run.
pub const UNPROVEN: Budget = Budget {
    name: "turn.unproven",
    per: Per::Address,
    most: 50,
    unit: Unit::Count,
    every: Some(Duration::from_secs(1)),
    then: "Further ones are dropped without an answer.",
    reason: "A client is told the realm once for each of its allocations; answers to forged addresses must not become a \
             flood.",
    test: "floods_without_credentials_are_answered_within_a_bound_and_remembered_nowhere",
};

/// The same at once.
pub const UNPROVEN_BURST: Budget = Budget {
    name: "turn.unproven.burst",
    per: Per::Address,
    most: 1_000,
    unit: Unit::Count,
    every: None,
    then: "Further ones are dropped without an answer.",
    reason: "A class behind one address comes in at once, and each of its browsers asks a dozen times.",
    test: "floods_without_credentials_are_answered_within_a_bound_and_remembered_nowhere",
};

/// Relayed addresses that one person holds.
pub const ALLOCATIONS: Budget = Budget {
    name: "turn.allocations",
    per: Per::Participant,
    most: 128,
    unit: Unit::Count,
    every: None,
    then: "Another is refused with 486 (Allocation Quota Reached).",
    reason: "A browser makes one for each way to the relay, network and connection, where people connect to each other for \
             each of the others, and new ones before it gives up the old.",
    test: "a_person_has_so_many_allocations_and_no_more",
};

/// Relayed addresses in all.
pub const ALLOCATIONS_IN_ALL: Budget = Budget {
    name: "turn.allocations.all",
    per: Per::Server,
    most: 32_768,
    unit: Unit::Count,
    every: None,
    then: "Another is refused with 508 (Insufficient Capacity).",
    reason: "A browser makes a dozen and uses one; each takes a few hundred bytes, and a number that tells it from the \
             others.",
    test: "the_server_has_so_many_allocations_and_no_more",
};

/// Peer addresses that an allocation may be reached from.
pub const PERMISSIONS: Budget = Budget {
    name: "turn.permissions",
    per: Per::Connection,
    most: 32,
    unit: Unit::Count,
    every: None,
    then: "Another is refused with 508 (Insufficient Capacity).",
    reason: "Of one allocation: legal are the server's own addresses, which are few.",
    test: "an_allocation_has_so_many_channels_and_no_more",
};

/// Channels of an allocation.
pub const CHANNELS: Budget = Budget {
    name: "turn.channels",
    per: Per::Connection,
    most: 32,
    unit: Unit::Count,
    every: None,
    then: "Another is refused with 508 (Insufficient Capacity).",
    reason: "Of one allocation: it has one for each candidate of the other side.",
    test: "an_allocation_has_so_many_channels_and_no_more",
};

/// What is relayed for one person, in both directions, in the long run.
pub const RELAYED: Budget = Budget {
    name: "turn.relayed",
    per: Per::Participant,
    most: 8 * 1024 * 1024,
    unit: Unit::Bytes,
    every: Some(Duration::from_secs(1)),
    then: "Further datagrams are dropped, as on a line that is full.",
    reason: "25 pictures and one's own in high quality take 5 MB a second.",
    test: "what_is_relayed_is_bounded_in_speed_and_in_all",
};

/// The same at once.
pub const RELAYED_BURST: Budget = Budget {
    name: "turn.relayed.burst",
    per: Per::Participant,
    most: 4 * 1024 * 1024,
    unit: Unit::Bytes,
    every: None,
    then: "Further datagrams are dropped, as on a line that is full.",
    reason: "Keyframes of many pictures come at once.",
    test: "what_is_relayed_is_bounded_in_speed_and_in_all",
};

/// What is relayed for one person while they are in a meeting.
pub const RELAYED_IN_ALL: Budget = Budget {
    name: "turn.relayed.all",
    per: Per::Participant,
    most: 256 * 1024 * 1024 * 1024,
    unit: Unit::Bytes,
    every: None,
    then: "Nothing more is relayed for them.",
    reason: "A working day at 5 MB a second is 150 GB; a person who takes more uses the relay for something else.",
    test: "what_is_relayed_is_bounded_in_speed_and_in_all",
};

/// Messages that wait for a client who is reached by a stream.
pub const UNREAD: Budget = Budget {
    name: "turn.unread",
    per: Per::Connection,
    most: 256,
    unit: Unit::Count,
    every: None,
    then: "Further ones are dropped, as on a line that is full.",
    reason: "Sound and pictures that are late are of no use, and who sends them finds out what the line carries.",
    test: "a_client_that_does_not_read_loses_what_comes_and_holds_nobody_up",
};

/// Datagrams on their way from the relay's clients to a media thread that has not read them itself.
pub const PARCELS: Budget = Budget {
    name: "turn.parcels",
    per: Per::Thread,
    most: 2_048,
    unit: Unit::Count,
    every: None,
    then: "Further ones are dropped, as by a socket that is full.",
    reason: "They wait for one turn of the thread; a second of a crowd's pictures would be of no use any more.",
    test: "what_a_busy_thread_does_not_take_is_dropped",
};
