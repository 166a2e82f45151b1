//! Budgets of descriptions, connections, datagrams and repairs.

use super::{Budget, Per, Unit};

/// The budgets of this part, in the order of the documentation.
pub const ALL: &[&Budget] = &[
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
