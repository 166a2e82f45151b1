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
    &DESCRIPTION,
    &DESCRIPTION_LINES,
    &LINE,
    &M_LINES,
    &BUNDLES,
    &FINGERPRINTS,
    &TAG,
    &FORMATS,
    &EXTENSIONS,
    &SSRC_LINES,
    &LAYERS,
    &LINES_OVER_TIME,
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

const OF_DESCRIPTIONS: Budget = Budget {
    name: "",
    per: Per::Connection,
    most: 0,
    unit: Unit::Count,
    every: None,
    then: "The description is refused as media.bad_sdp.",
    reason: "",
    test: "hostile_descriptions_are_refused",
};

/// Bytes of a session description.
pub const DESCRIPTION: Budget = Budget {
    name: "media.description",
    most: 256 * 1024,
    unit: Unit::Bytes,
    reason: "A browser's offer of four sources has 20 KiB; a frame brings no more than this.",
    ..OF_DESCRIPTIONS
};

/// Lines of a session description.
pub const DESCRIPTION_LINES: Budget = Budget {
    name: "media.description.lines",
    most: 8192,
    reason: "A browser's offer of 33 m-lines has about 4000.",
    ..OF_DESCRIPTIONS
};

/// Bytes of one line of a session description.
pub const LINE: Budget = Budget {
    name: "media.description.line",
    most: 4096,
    unit: Unit::Bytes,
    reason: "Format parameters with whole parameter sets in them have some hundred bytes.",
    ..OF_DESCRIPTIONS
};

/// m-lines of a session description.
pub const M_LINES: Budget = Budget {
    name: "media.description.m_lines",
    most: 33,
    reason: "The server itself offers 8 sounds and 25 pictures at most.",
    ..OF_DESCRIPTIONS
};

/// Bundles of a session description.
pub const BUNDLES: Budget = Budget {
    name: "media.description.bundles",
    most: 8,
    then: "Further bundles are not looked at.",
    reason: "There is one transport, so that one is used.",
    test: "only_the_first_bundles_count",
    ..OF_DESCRIPTIONS
};

/// Fingerprints of the session or of one m-line.
pub const FINGERPRINTS: Budget = Budget {
    name: "media.description.fingerprints",
    most: 8,
    then: "Further fingerprints are not looked at.",
    reason: "A certificate has one for each of the three hash functions that are accepted.",
    test: "only_the_first_fingerprints_count",
    ..OF_DESCRIPTIONS
};

/// Bytes of the name of an m-line or of a simulcast layer.
pub const TAG: Budget = Budget {
    name: "media.description.tag",
    most: 255,
    unit: Unit::Bytes,
    reason: "No longer one fits into a header extension (RFC 8285 §4.3).",
    ..OF_DESCRIPTIONS
};

/// Encodings of one m-line.
pub const FORMATS: Budget = Budget {
    name: "media.description.formats",
    most: 128,
    reason: "There are no more payload types.",
    ..OF_DESCRIPTIONS
};

/// Header extensions of the session or of one m-line.
pub const EXTENSIONS: Budget = Budget {
    name: "media.description.extensions",
    most: 64,
    reason: "Browsers offer about a dozen.",
    ..OF_DESCRIPTIONS
};

/// Lines about streams (SSRCs) of one m-line.
pub const SSRC_LINES: Budget = Budget {
    name: "media.description.ssrc_lines",
    most: 64,
    reason: "Three layers with repair streams have 4 lines each for 6 streams, and 4 groups.",
    ..OF_DESCRIPTIONS
};

/// Simulcast layers of one m-line.
pub const LAYERS: Budget = Budget {
    name: "media.description.layers",
    most: 8,
    reason: "Browsers send three.",
    ..OF_DESCRIPTIONS
};

/// m-lines that an up connection has had, with those that were given up.
pub const LINES_OVER_TIME: Budget = Budget {
    name: "media.m_lines_over_time",
    most: 256,
    reason: "Who starts and stops a screen with an m-line of its own each time does so 250 times.",
    test: "m_lines_are_bounded_over_time_too",
    ..OF_DESCRIPTIONS
};
