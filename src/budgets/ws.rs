//! Budgets of sessions and their frames.

use std::time::Duration;

use super::{Budget, Per, Unit};

/// The budgets of this part, in the order of the documentation.
pub const ALL: &[&Budget] = &[
    &REQUESTS,
    &BURST,
    &REFUSALS,
    &BAD_FRAMES,
    &CHAT_BURST,
    &CHAT,
    &RELAY_BURST,
    &RELAY,
    &DESCRIPTION,
    &CANDIDATE,
    &JOIN_BURST,
    &JOINS,
    &SWITCH_BURST,
    &SWITCHES,
    &LISTS_BURST,
    &LISTS,
    &LISTS_AT_ONCE,
    &LISTS_WAITING,
    &REPLAY_EVENTS,
    &REPLAY_BYTES,
    &RESUME_BURST,
    &RESUMES,
    &KEPT,
    &KEPT_OF_ADDRESS,
    &KEPT_OF_ACCOUNT,
    &KEPT_NOWHERE,
];

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
    reason: "A client that has not slowed down after thousands of refusals never will.",
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

/// Bytes of chat of a session at once.
pub const CHAT_BURST: Budget = Budget {
    name: "ws.chat_burst",
    per: Per::Session,
    most: 64 * 1024,
    unit: Unit::Bytes,
    every: None,
    then: "The request is answered rate.limited, with the time to wait.",
    reason: "Some long texts are pasted one after the other; each goes to everybody in the room.",
    test: "what_goes_to_others_is_bounded_by_its_bytes",
};

/// The same in the long run.
pub const CHAT: Budget = Budget {
    name: "ws.chat",
    per: Per::Session,
    most: 8 * 1024,
    unit: Unit::Bytes,
    every: Some(Duration::from_secs(1)),
    then: "The request is answered rate.limited, with the time to wait.",
    reason: "Two pages a second are more than anybody types or reads.",
    test: "what_goes_to_others_is_bounded_by_its_bytes",
};

/// Bytes of descriptions and candidates that a session sends to others at once.
pub const RELAY_BURST: Budget = Budget {
    name: "ws.relay_burst",
    per: Per::Session,
    most: 1024 * 1024,
    unit: Unit::Bytes,
    every: None,
    then: "The request is answered rate.limited, with the time to wait.",
    reason: "In a meeting between browsers a newcomer offers a connection to each of some dozens.",
    test: "what_goes_to_others_is_bounded_by_its_bytes",
};

/// The same in the long run.
pub const RELAY: Budget = Budget {
    name: "ws.relay",
    per: Per::Session,
    most: 128 * 1024,
    unit: Unit::Bytes,
    every: Some(Duration::from_secs(1)),
    then: "The request is answered rate.limited, with the time to wait.",
    reason: "A few connections are negotiated anew in a second at most.",
    test: "what_goes_to_others_is_bounded_by_its_bytes",
};

/// A description that is relayed.
pub const DESCRIPTION: Budget = Budget {
    name: "ws.description",
    per: Per::Session,
    most: 32 * 1024,
    unit: Unit::Bytes,
    every: None,
    then: "The request is answered protocol.bad_field.",
    reason: "A browser's own with four sources takes some 10 kB.",
    test: "descriptions_and_candidates_beyond_their_size_are_refused",
};

/// A candidate that is relayed.
pub const CANDIDATE: Budget = Budget {
    name: "ws.candidate",
    per: Per::Session,
    most: 4 * 1024,
    unit: Unit::Bytes,
    every: None,
    then: "The request is answered protocol.bad_field.",
    reason: "A line with an address takes some 200 bytes.",
    test: "descriptions_and_candidates_beyond_their_size_are_refused",
};

/// Rooms that a session comes into at once.
pub const JOIN_BURST: Budget = Budget {
    name: "ws.join_burst",
    per: Per::Session,
    most: 20,
    unit: Unit::Count,
    every: None,
    then: "The request is answered rate.limited, with the time to wait.",
    reason: "A page tries with and without a password or an invite; everybody in the room is told of each coming.",
    test: "coming_and_going_is_bounded",
};

/// The same in the long run.
pub const JOINS: Budget = Budget {
    name: "ws.joins",
    per: Per::Session,
    most: 1,
    unit: Unit::Count,
    every: Some(Duration::from_secs(1)),
    then: "The request is answered rate.limited, with the time to wait.",
    reason: "Nobody comes and goes faster, and a program that tries again waits longer.",
    test: "coming_and_going_is_bounded",
};

/// Sources that a session starts and stops at once.
pub const SWITCH_BURST: Budget = Budget {
    name: "ws.switch_burst",
    per: Per::Session,
    most: 40,
    unit: Unit::Count,
    every: None,
    then: "The request is answered rate.limited, with the time to wait.",
    reason: "A page that negotiates anew starts all of its sources again; each is told to everybody in the room.",
    test: "coming_and_going_is_bounded",
};

/// The same in the long run.
pub const SWITCHES: Budget = Budget {
    name: "ws.switches",
    per: Per::Session,
    most: 4,
    unit: Unit::Count,
    every: Some(Duration::from_secs(1)),
    then: "The request is answered rate.limited, with the time to wait.",
    reason: "Nobody switches faster, and a key that is held is a fault.",
    test: "coming_and_going_is_bounded",
};

/// Bytes of lists and histories that all sessions of a network read at once.
pub const LISTS_BURST: Budget = Budget {
    name: "ws.lists_burst",
    per: Per::Address,
    most: 64 * 1024 * 1024,
    unit: Unit::Bytes,
    every: None,
    then: "The answer is held back, at most 5 s; beyond that it is rate.limited.",
    reason: "A school of a thousand looks at its rooms and turns the chat back, each some ten kilobytes; one page may take \
             megabytes, and another session costs nothing.",
    test: "what_one_network_reads_is_bounded_by_its_bytes_over_all_its_sessions",
};

/// The same in the long run.
pub const LISTS: Budget = Budget {
    name: "ws.lists",
    most: 4 * 1024 * 1024,
    every: Some(Duration::from_secs(1)),
    reason: "Reading and writing this much costs a sixth of a processor.",
    ..LISTS_BURST
};

/// Lists and histories that are made at once.
pub const LISTS_AT_ONCE: Budget = Budget {
    name: "ws.lists_at_once",
    per: Per::Server,
    most: 4,
    unit: Unit::Count,
    every: None,
    then: "The others wait, taken address by address; after 5 s they are answered server.busy.",
    reason: "Half of the connections to the database stay free for what is short, and whatever else is asked waits for the \
             making of a few answers at most.",
    test: "one_reader_is_served_before_the_line_of_another_network",
};

/// Sessions of one network that wait for such an answer.
pub const LISTS_WAITING: Budget = Budget {
    name: "ws.lists_waiting",
    per: Per::Address,
    most: 256,
    unit: Unit::Count,
    every: None,
    then: "The request is answered rate.limited, with the time to wait.",
    reason: "So many are answered in a second or two; a longer line is made shorter by coming again.",
    test: "more_readers_than_may_wait_are_told_to_come_again",
};

/// Events that a session keeps for a client that resumes it.
pub const REPLAY_EVENTS: Budget = Budget {
    name: "ws.replay_events",
    per: Per::Session,
    most: 1_024,
    unit: Unit::Count,
    every: None,
    then: "The oldest are forgotten. A client that resumes with an older number gets a view of the room instead.",
    reason: "It is what a busy room tells in the time that a session is kept; most events are shared by all who get them.",
    test: "the_oldest_events_go_first_by_number_and_by_bytes",
};

/// The same in bytes.
pub const REPLAY_BYTES: Budget = Budget {
    name: "ws.replay_bytes",
    per: Per::Session,
    most: 1024 * 1024,
    unit: Unit::Bytes,
    every: None,
    then: "The oldest are forgotten. A client that resumes with an older number gets a view of the room instead.",
    reason: "A view of a large room weighs less than more events than these.",
    test: "the_oldest_events_go_first_by_number_and_by_bytes",
};

/// Resumptions of a session at once.
pub const RESUME_BURST: Budget = Budget {
    name: "ws.resume_burst",
    per: Per::Session,
    most: 60,
    unit: Unit::Count,
    every: None,
    then: "The request is answered rate.limited, with the time to wait.",
    reason: "A train in a valley loses its network every few seconds; each time costs a replay and is told to the room.",
    test: "a_session_is_taken_up_only_so_often",
};

/// The same in the long run.
pub const RESUMES: Budget = Budget {
    name: "ws.resumes",
    per: Per::Session,
    most: 5,
    unit: Unit::Count,
    every: Some(Duration::from_secs(1)),
    then: "The request is answered rate.limited, with the time to wait.",
    reason: "Nobody's network comes and goes faster; a hand that goes up and down tells the room as much.",
    test: "a_session_is_taken_up_only_so_often",
};

/// Sessions without a socket that are kept.
pub const KEPT: Budget = Budget {
    name: "ws.kept",
    per: Per::Server,
    most: super::http::SOCKETS.most,
    unit: Unit::Count,
    every: None,
    then: "A session that loses its socket is not kept: it leaves its room at once.",
    reason: "A network may fail for everybody at once; as many are kept as may be open, which --max-sockets says.",
    test: "an_address_an_account_and_those_in_no_room_have_their_shares",
};

/// How much of what the others leave free one address may hold.
pub const KEPT_OF_ADDRESS: Budget = Budget {
    name: "ws.kept_of_address",
    per: Per::Address,
    most: 50,
    unit: Unit::Percent,
    every: None,
    then: "A session that loses its socket is not kept: it leaves its room at once.",
    reason: "Per cent of the places that others leave, as with open sockets: an address that opens sockets and drops \
             them fills no more than that.",
    test: "an_address_an_account_and_those_in_no_room_have_their_shares",
};

/// Sessions of one account, or of one guest, that are kept.
pub const KEPT_OF_ACCOUNT: Budget = Budget {
    name: "ws.kept_of_account",
    per: Per::Account,
    most: 32,
    unit: Unit::Count,
    every: None,
    then: "A session that loses its socket is not kept: it leaves its room at once.",
    reason: "A person has a few devices and tabs; one account must not hold the places of others.",
    test: "an_address_an_account_and_those_in_no_room_have_their_shares",
};

/// How much of the places those may hold who are in no room.
pub const KEPT_NOWHERE: Budget = Budget {
    name: "ws.kept_nowhere",
    per: Per::Server,
    most: 50,
    unit: Unit::Percent,
    every: None,
    then: "A session in no room that loses its socket is not kept.",
    reason: "Per cent of all places: who is in a meeting has more to lose.",
    test: "an_address_an_account_and_those_in_no_room_have_their_shares",
};
