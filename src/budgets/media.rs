//! Budgets of descriptions, connections, datagrams and repairs.

use std::time::Duration;

use super::{Budget, Per, Unit};

/// The budgets of this part, in the order of the documentation.
pub const ALL: &[&Budget] = &[
    &CONNECTIONS,
    &NEGOTIATIONS,
    &NEGOTIATING,
    &WAITING,
    &CHECK_SLOTS,
    &TRANSPORTS,
    &STREAMS,
    &ROAMERS,
    &HANDED_ON,
    &HANDED_ON_UNPROVEN,
    &DTLS_MESSAGE,
    &DTLS_MESSAGES,
    &DTLS_FRAGMENTS,
    &DTLS_BYTES,
    &DTLS_RECORDS,
    &DTLS_SEALED,
    &DTLS_SEALED_BYTES,
    &DTLS_ALERTS,
    &HELD,
    &STREAM_UNPROVEN,
    &STREAM_UNREAD,
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

/// What a stream of media may send before a check has shown whose it is.
pub const STREAM_UNPROVEN: Budget = Budget {
    name: "media.stream_unproven",
    per: Per::Connection,
    most: 16 * 1024,
    unit: Unit::Bytes,
    every: None,
    then: "The stream is cut off.",
    reason: "A check takes about 100 bytes, and nothing else is sent before one is answered.",
    test: "a_stream_that_goes_on_and_on_without_proving_itself_is_ended",
};

/// What waits for a client that takes media by TCP.
pub const STREAM_UNREAD: Budget = Budget {
    name: "media.stream_unread",
    per: Per::Connection,
    most: 256 * 1024,
    unit: Unit::Bytes,
    every: None,
    then: "Further packets are dropped, and a client that takes less than 16 KiB in 10 s more is cut off.",
    reason: "A keyframe of a large picture is half as much, and what waits longer comes too late.",
    test: "a_client_that_takes_media_too_slowly_loses_packets_and_then_the_stream",
};

/// New WebRTC connections of a participant, in each direction. The first ones come at once.
pub const CONNECTIONS: Budget = Budget {
    name: "media.connections",
    per: Per::Participant,
    most: 2,
    unit: Unit::Count,
    every: Some(Duration::from_secs(20)),
    then: "The request is answered rate.limited, with the time to wait.",
    reason: "A new connection costs the media thread milliseconds; a page needs one in each direction, and another when it has failed.",
    test: "new_connections_are_few_and_come_back_with_time",
};

/// Descriptions that a participant makes the server read or write.
pub const NEGOTIATIONS: Budget = Budget {
    name: "media.negotiations",
    per: Per::Participant,
    most: 20,
    unit: Unit::Count,
    every: Some(Duration::from_secs(20)),
    then: "The request is answered rate.limited, with the time to wait.",
    reason: "Each is read and written on the media thread; a page negotiates when it joins and when its network changes.",
    test: "negotiations_of_one_participant_are_bounded",
};

/// The share of a media thread that goes to negotiations while packets wait.
pub const NEGOTIATING: Budget = Budget {
    name: "media.negotiating",
    per: Per::Thread,
    most: 33,
    unit: Unit::Percent,
    every: None,
    then: "Further negotiations wait, one for each turn of the thread.",
    reason: "People who talk must not be interrupted by those who come in.",
    test: "packets_go_between_two_negotiations",
};

/// Negotiations that wait for a media thread.
pub const WAITING: Budget = Budget {
    name: "media.waiting",
    per: Per::Thread,
    most: 256,
    unit: Unit::Count,
    every: None,
    then: "The request is answered server.busy.",
    reason: "A class that comes in at once waits a few seconds; what waits longer is given up by its client.",
    test: "more_negotiations_than_may_wait_are_refused",
};

/// Slots of each kind in a connection check.
pub const CHECK_SLOTS: Budget = Budget {
    name: "media.check_slots",
    per: Per::Participant,
    most: 1,
    unit: Unit::Count,
    every: None,
    then: "No more slots are offered.",
    reason: "A check has one sender, and is open to everybody, without a log-in.",
    test: "a_check_room_offers_one_slot_of_each_kind",
};

/// Transports of an offer, each of which is a connection.
pub const TRANSPORTS: Budget = Budget {
    name: "media.transports",
    per: Per::Participant,
    most: 4,
    unit: Unit::Count,
    every: None,
    then: "The m-lines of further transports are answered with port 0.",
    reason: "A client that bundles needs one; one that does not needs one for each of its sources, of which there are four.",
    test: "there_are_so_many_transports_and_no_more",
};

/// Streams (SSRCs) of a connection that authentic packets came from.
pub const STREAMS: Budget = Budget {
    name: "media.streams",
    per: Per::Connection,
    most: 128,
    unit: Unit::Count,
    every: None,
    then: "Packets of further streams are dropped.",
    reason: "Which packets of a stream have been is kept for each, so that none counts twice; a client sends a dozen.",
    test: "an_authentic_peer_has_so_many_streams_and_no_more",
};

/// Packets from an unknown port of a participant's address that are tried whether they are the participant's.
pub const ROAMERS: Budget = Budget {
    name: "media.roamers",
    per: Per::Thread,
    most: 100,
    unit: Unit::Count,
    every: Some(Duration::from_secs(1)),
    then: "Further ones are dropped; the client's next check proves its address.",
    reason: "A NAT that gives a client another port does not tell it, and its checks are seconds apart; each try costs a decryption.",
    test: "packets_from_strange_ports_are_tried_within_a_bound",
};

/// Datagrams that other threads have received for a media thread, and that wait for it.
pub const HANDED_ON: Budget = Budget {
    name: "media.handed_on",
    per: Per::Thread,
    most: 2_048,
    unit: Unit::Count,
    every: None,
    then: "Further ones are dropped, as by a socket that is full.",
    reason: "They wait for one turn of the thread; a second of a crowd's pictures would be of no use any more.",
    test: "what_a_thread_does_not_take_in_time_is_dropped_and_strangers_take_half_the_places",
};

/// The same by paths that no connection has.
pub const HANDED_ON_UNPROVEN: Budget = Budget {
    name: "media.handed_on.unproven",
    most: 1_024,
    reason: "A class that comes in at once sends a hundred checks; a flood of forged ones must not take the places of \
             those who talk.",
    ..HANDED_ON
};

/// One DTLS handshake message.
pub const DTLS_MESSAGE: Budget = Budget {
    name: "media.dtls_message",
    per: Per::Connection,
    most: 16 * 1024 - 12,
    unit: Unit::Bytes,
    every: None,
    then: "The message is dropped.",
    reason: "It has to fit into one record of 16 KiB; certificates of browsers are below 1 KiB.",
    test: "messages_and_fragments_beyond_every_bound_reach_nothing",
};

/// DTLS handshake messages in the clear.
pub const DTLS_MESSAGES: Budget = Budget {
    name: "media.dtls_messages",
    per: Per::Connection,
    most: 8,
    unit: Unit::Count,
    every: None,
    then: "Further messages are dropped.",
    reason: "A client sends five: two hellos, its certificate, a key exchange and a signature.",
    test: "messages_and_fragments_beyond_every_bound_reach_nothing",
};

/// Gaps in one DTLS handshake message that is not whole yet.
pub const DTLS_FRAGMENTS: Budget = Budget {
    name: "media.dtls_fragments",
    per: Per::Connection,
    most: 64,
    unit: Unit::Count,
    every: None,
    then: "Fragments that would leave more gaps are dropped.",
    reason: "A message of 16 KiB comes in a dozen fragments, in any order.",
    test: "messages_and_fragments_beyond_every_bound_reach_nothing",
};

/// DTLS handshake messages of a connection, waiting or read.
pub const DTLS_BYTES: Budget = Budget {
    name: "media.dtls_bytes",
    per: Per::Connection,
    most: 64 * 1024,
    unit: Unit::Bytes,
    every: None,
    then: "Further messages are dropped.",
    reason: "A handshake has a few KiB, which the WebRTC library keeps.",
    test: "messages_and_fragments_beyond_every_bound_reach_nothing",
};

/// DTLS records that are looked at in one datagram.
pub const DTLS_RECORDS: Budget = Budget {
    name: "media.dtls_records",
    per: Per::Connection,
    most: 32,
    unit: Unit::Count,
    every: None,
    then: "Further records of the datagram are dropped.",
    reason: "A flight has less than ten; a datagram could hold hundreds.",
    test: "a_datagram_of_many_records_is_read_in_part",
};

/// DTLS records of a handshake that are sealed, or announce that what follows is.
pub const DTLS_SEALED: Budget = Budget {
    name: "media.dtls_sealed",
    per: Per::Connection,
    most: 64,
    unit: Unit::Count,
    every: None,
    then: "Further records are dropped, and all of them once the handshake is done.",
    reason: "A flight has two of them, and is repeated a dozen times at worst.",
    test: "sealed_records_are_few_and_small",
};

/// One sealed DTLS record of a handshake.
pub const DTLS_SEALED_BYTES: Budget = Budget {
    name: "media.dtls_sealed_bytes",
    per: Per::Connection,
    most: 256,
    unit: Unit::Bytes,
    every: None,
    then: "The record is dropped.",
    reason: "A Finished has about 50 bytes; what else is sealed cannot be seen.",
    test: "sealed_records_are_few_and_small",
};

/// DTLS alerts of a connection.
pub const DTLS_ALERTS: Budget = Budget {
    name: "media.dtls_alerts",
    per: Per::Connection,
    most: 32,
    unit: Unit::Count,
    every: None,
    then: "Further alerts are dropped.",
    reason: "A client says goodbye once; forged alerts cost a decryption each.",
    test: "alerts_count_only_when_sealed",
};

/// Datagrams of a handshake that wait for the client's description.
pub const HELD: Budget = Budget {
    name: "media.held",
    per: Per::Connection,
    most: 8,
    unit: Unit::Count,
    every: None,
    then: "Later ones are dropped; the client repeats them.",
    reason: "A hello may overtake the answer that says whom to expect; it comes in two datagrams.",
    test: "handshakes_that_overtake_the_description_are_held_up_to_a_bound",
};

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
    reason: "Of one packet, a round trip apart: a receiver that has not got it by then is out of reach.",
    test: "reports_of_one_loss_are_answered_once_and_not_for_ever",
};

/// Keyframes that a source is asked for in the long run, by all subscribers together.
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

/// Packets of pictures, and of stills, that wait to be sent at the pace of a narrow line.
pub const PACED: Budget = Budget {
    name: "media.paced",
    per: Per::Connection,
    most: 512,
    unit: Unit::Count,
    every: None,
    then: "Of a still the rest is dropped, and the next one comes; of other pictures the oldest packet is sent at once.",
    reason: "A keyframe has some tens of packets; several may wait.",
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
    reason: "A client that uses a new m-line for each shared screen can share some 250 times.",
    test: "m_lines_are_bounded_over_time_too",
    ..OF_DESCRIPTIONS
};
