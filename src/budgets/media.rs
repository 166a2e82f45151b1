//! Budgets of descriptions, connections, datagrams and repairs.

use std::time::Duration;

use super::{Budget, Per, Unit};

/// The budgets of this part, in the order of the documentation.
pub const ALL: &[&Budget] = &[&REPAIRS, &RESENDS, &KEYFRAMES];

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
