//! Budgets of rooms, their people, and what people send to each other.

use std::time::Duration;

use super::{Budget, Per, Unit};

/// The budgets of this part, in the order of the documentation.
pub const ALL: &[&Budget] = &[
    &RULE_DAYS,
    &PLANS_KEPT,
    &OUTBOX_ITEMS,
    &OUTBOX_BYTES,
    &RELAYED_ITEMS,
    &RELAYED_BYTES,
    &PAIR_BURST,
    &PAIR,
    &TALK_BURST,
    &TALK,
    &TALK_SHARE_BURST,
    &TALK_SHARE,
    &INBOX,
];

const SECOND: Option<Duration> = Some(Duration::from_secs(1));

/// Days that one search for a recurrence rule's next meeting looks at.
pub const RULE_DAYS: Budget = Budget {
    name: "rooms.rule_days",
    per: Per::Room,
    most: 100_000,
    unit: Unit::Count,
    every: None,
    then: "The search ends, and the rule counts as over.",
    reason: "A day is looked at in some nanoseconds, a usual rule looks at a few, and one that counts 1,000 Februaries at these.",
    test: "no_rule_costs_more_than_a_bounded_search",
};

/// Plans that come again of which it is kept when they come next.
pub const PLANS_KEPT: Budget = Budget {
    name: "rooms.plans_kept",
    per: Per::Server,
    most: 10_000,
    unit: Unit::Count,
    every: None,
    then: "All are looked for anew when they are asked for.",
    reason: "A list of rooms and each join ask the same again; a plan takes some 300 bytes.",
    test: "plans_are_kept_in_bounded_number",
};

/// Events that wait for one session.
pub const OUTBOX_ITEMS: Budget = Budget {
    name: "rooms.outbox_items",
    per: Per::Session,
    most: 1_024,
    unit: Unit::Count,
    every: None,
    then: "The session is closed with 4408 and may resume.",
    reason: "A thousand people may come in at once; what is newer about the same person takes no second place.",
    test: "what_must_not_be_lost_overflows_and_what_may_be_is_dropped",
};

/// Bytes that wait for one session.
pub const OUTBOX_BYTES: Budget = Budget {
    name: "rooms.outbox_bytes",
    per: Per::Session,
    most: 2 * 1024 * 1024,
    unit: Unit::Bytes,
    every: None,
    then: "The session is closed with 4408 and may resume.",
    reason: "It is some seconds of all that a room may say to a client on a poor line.",
    test: "large_events_overflow_by_their_bytes",
};

/// Descriptions and candidates of others that wait for one session.
pub const RELAYED_ITEMS: Budget = Budget {
    name: "rooms.relayed_items",
    per: Per::Session,
    most: OUTBOX_ITEMS.most / 4,
    unit: Unit::Count,
    every: None,
    then: "The sender of one more is answered rate.limited; the receiver is not closed.",
    reason: "What single people send somebody has a share of their outbox, so that none of them fills it.",
    test: "what_others_send_one_alone_has_a_share_of_the_outbox",
};

/// The same in bytes.
pub const RELAYED_BYTES: Budget = Budget {
    name: "rooms.relayed_bytes",
    per: Per::Session,
    most: OUTBOX_BYTES.most / 4,
    unit: Unit::Bytes,
    every: None,
    then: "The sender of one more is answered rate.limited; the receiver is not closed.",
    reason: "What single people send somebody has a share of their outbox, so that none of them fills it.",
    test: "what_others_send_one_alone_has_a_share_of_the_outbox",
};

/// Bytes of descriptions and candidates that one participant sends another at once.
pub const PAIR_BURST: Budget = Budget {
    name: "rooms.pair_burst",
    per: Per::Pair,
    most: 256 * 1024,
    unit: Unit::Bytes,
    every: None,
    then: "The sender is answered rate.limited.",
    reason: "Two browsers connect with two descriptions of some 10 kB and a few dozen candidates, and for files once more.",
    test: "large_descriptions_slow_their_sender_and_close_nobody",
};

/// The same in the long run.
pub const PAIR: Budget = Budget {
    name: "rooms.pair",
    per: Per::Pair,
    most: 32 * 1024,
    unit: Unit::Bytes,
    every: SECOND,
    then: "The sender is answered rate.limited.",
    reason: "A description a second is more than any renegotiation needs.",
    test: "large_descriptions_slow_their_sender_and_close_nobody",
};

/// Bytes of chat that all of a room's people send at once.
pub const TALK_BURST: Budget = Budget {
    name: "rooms.talk_burst",
    per: Per::Room,
    most: OUTBOX_BYTES.most / 4,
    unit: Unit::Bytes,
    every: None,
    then: "The sender is answered rate.limited.",
    reason: "It goes to everybody in the room, and takes a part of the outbox of those who read slowly.",
    test: "a_whole_room_that_writes_at_once_is_slowed_and_closes_nobody",
};

/// The same in the long run.
pub const TALK: Budget = Budget {
    name: "rooms.talk",
    per: Per::Room,
    most: 64 * 1024,
    unit: Unit::Bytes,
    every: SECOND,
    then: "The sender is answered rate.limited.",
    reason: "A poor line carries it beside the picture, and nobody reads five pages a second.",
    test: "a_whole_room_that_writes_at_once_is_slowed_and_closes_nobody",
};

/// What of that one person sends at once.
pub const TALK_SHARE_BURST: Budget = Budget {
    name: "rooms.talk_share_burst",
    per: Per::Participant,
    most: TALK_BURST.most / 4,
    unit: Unit::Bytes,
    every: None,
    then: "The sender is answered rate.limited; the others write on.",
    reason: "One person who sends as much as they can must not use up what all share.",
    test: "who_writes_too_much_slows_themselves_alone",
};

/// What of that one person sends in the long run.
pub const TALK_SHARE: Budget = Budget {
    name: "rooms.talk_share",
    per: Per::Participant,
    most: TALK.most / 4,
    unit: Unit::Bytes,
    every: SECOND,
    then: "The sender is answered rate.limited; the others write on.",
    reason: "Four longest messages in four seconds are more than anybody writes.",
    test: "who_writes_too_much_slows_themselves_alone",
};

/// Commands that wait for one room.
pub const INBOX: Budget = Budget {
    name: "rooms.inbox",
    per: Per::Room,
    most: 512,
    unit: Unit::Count,
    every: None,
    then: "Further ones wait in turn, at most five seconds, and are then answered server.busy.",
    reason: "A room carries thousands of commands out in a second; more than this at once is a storm that passes.",
    test: "a_room_that_does_not_answer_is_busy_and_not_waited_for_for_ever",
};
