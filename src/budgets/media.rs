//! Budgets of descriptions, connections, datagrams and repairs.

use std::time::Duration;

use super::{Budget, Per, Unit};

/// The budgets of this part, in the order of the documentation.
pub const ALL: &[&Budget] = &[
    &REPAIRS,
    &RESENDS,
    &KEYFRAMES,
    &KEYFRAME_REQUESTS,
    &UNACKNOWLEDGED,
    &PACED,
];

/// What a connection that receives may have sent again.
pub const REPAIRS: Budget = Budget {
    name: "media.repairs",
    per: Per::Connection,
    most: 20,
    unit: Unit::Percent,
    every: Some(Duration::from_secs(1)),
    then: "A lost packet is not sent again; a keyframe mends the picture.",
    reason: "Of what the connection is sent for the first time: a loss of 15 % can be mended, and repairs cannot fill a \
             line that is too narrow already.",
    test: "repairs_are_a_fifth_of_what_is_sent_whatever_is_asked",
};

/// How often one packet is sent again.
pub const RESENDS: Budget = Budget {
    name: "media.resends",
    per: Per::Connection,
    most: 5,
    unit: Unit::Count,
    every: None,
    then: "The packet is not sent again.",
    reason: "Of one packet, a round trip apart: whoever has not got it by then is out of reach.",
    test: "reports_of_one_loss_are_answered_once_and_not_for_ever",
};

/// Keyframes that a source is asked for in the long run, whoever asks.
pub const KEYFRAMES: Budget = Budget {
    name: "media.keyframes",
    per: Per::Participant,
    most: 1,
    unit: Unit::Count,
    every: Some(Duration::from_secs(1)),
    then: "The request waits, and is merged with those that follow.",
    reason: "Of one source: the sender's encoder takes a keyframe from the quality of what everybody else sees.",
    test: "however_many_ask_a_source_sends_a_keyframe_a_second",
};

/// Keyframe requests of one subscriber for one slot that are heard, when they do not end.
pub const KEYFRAME_REQUESTS: Budget = Budget {
    name: "media.keyframe_requests",
    per: Per::Connection,
    most: 1,
    unit: Unit::Count,
    every: Some(Duration::from_secs(8)),
    then: "The request waits, and is merged with those that follow.",
    reason: "Of one slot: a receiver asks anew while it has no picture; one that never stops must not cost the others \
             theirs.",
    test: "a_subscriber_that_keeps_asking_is_heard_less_and_less",
};

/// Packets that are remembered until the receiver tells of them.
pub const UNACKNOWLEDGED: Budget = Budget {
    name: "media.unacknowledged",
    per: Per::Connection,
    most: 4096,
    unit: Unit::Count,
    every: None,
    then: "The oldest are forgotten, and say nothing of the line any more.",
    reason: "More than a second of what one connection ever sends; feedback comes several times a second.",
    test: "numbers_count_on_over_the_wrap_and_are_told_once",
};

/// Packets of stills that wait to be sent at the pace of a narrow line.
pub const PACED: Budget = Budget {
    name: "media.paced",
    per: Per::Connection,
    most: 512,
    unit: Unit::Count,
    every: None,
    then: "The rest of the still is dropped, and the next one comes.",
    reason: "A still is a keyframe of some tens of packets; several may wait.",
    test: "a_pause_saves_up_no_burst_and_a_slot_can_be_taken_out",
};
