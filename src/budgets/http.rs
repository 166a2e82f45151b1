//! Budgets of plain HTTP: connections, requests, files.

use std::time::Duration;

use super::{Budget, Per, Unit};

/// The budgets of this part, in the order of the documentation.
pub const ALL: &[&Budget] = &[
    &WAITING,
    &CONNECTIONS,
    &UNREAD_BYTES,
    &HEAD_BYTES,
    &HANDSHAKES,
    &HANDSHAKES_BURST,
    &HANDSHAKES_AT_ONCE,
    &STREAMS,
    &STREAMS_TAKEN_BACK,
    &STREAMS_IN_ALL,
    &REQUESTS,
    &REQUESTS_BURST,
    &BYTES,
    &BYTES_BURST,
    &LOOK_UPS,
    &LOOK_UPS_BURST,
    &SOCKETS,
    &SOCKETS_OF_ADDRESS,
    &FRAMES,
    &FRAMES_BURST,
    &CALENDAR_BURST,
    &CALENDARS,
    &CALENDARS_KEPT,
    &AVATAR_BURST,
    &AVATARS,
    &CHECK_REPORT_BYTES,
    &CHECK_REPORT_BURST,
    &CHECK_REPORTS,
    &CHECK_REPORTS_KEPT,
];

const SECOND: Option<Duration> = Some(Duration::from_secs(1));

/// Connections that the system has made and that are not taken in yet.
pub const WAITING: Budget = Budget {
    name: "http.waiting",
    per: Per::Server,
    most: 4_096,
    unit: Unit::Count,
    every: None,
    then: "The system drops the first packet of a further one, which repeats it after a second, or allows fewer \
           (net.core.somaxconn).",
    reason: "A crowd of connections at once is taken in one by one, some thousands a second; who comes behind it waits \
             for those before them, and not for a packet that was dropped.",
    test: "a_crowd_at_the_door_waits_in_the_systems_queue",
};

/// Connections of plain HTTP, open WebSockets not among them.
pub const CONNECTIONS: Budget = Budget {
    name: "http.connections",
    per: Per::Server,
    most: 4_096,
    unit: Unit::Count,
    every: None,
    then: "The address that holds most of them loses the one that has been at rest for longest.",
    reason: "A browser opens six to load the page; while nobody else wants them, one address may have all.",
    test: "when_all_places_are_taken_the_longest_at_rest_of_the_largest_holder_makes_room",
};

/// What of an answer waits in the system for a client to read it.
pub const UNREAD_BYTES: Budget = Budget {
    name: "http.unread_bytes",
    per: Per::Connection,
    most: 64 * 1_024,
    unit: Unit::Bytes,
    every: None,
    then: "No further request is read, and a client that takes less than 16 KiB in 10 s more is cut off.",
    reason: "A client that asks and does not read would hold the answers' memory; the page's largest file is about as large.",
    test: "a_client_that_reads_too_slowly_is_cut_off",
};

/// A request's head, with all that was sent ahead of its answer.
pub const HEAD_BYTES: Budget = Budget {
    name: "http.head_bytes",
    per: Per::Connection,
    most: 16 * 1_024,
    unit: Unit::Bytes,
    every: None,
    then: "The request is answered 431, and the connection is closed.",
    reason: "No cookie is set here; a token takes at most 4 KiB.",
    test: "a_head_without_end_is_refused",
};

/// Handshakes of TLS in the long run.
pub const HANDSHAKES: Budget = Budget {
    name: "http.handshakes",
    per: Per::Address,
    most: 200,
    unit: Unit::Count,
    every: SECOND,
    then: "The handshake is held back, at most 5 s; beyond that the connection is closed.",
    reason: "Each costs a signature, a fifth of a millisecond of a processor; a browser makes one or two.",
    test: "handshakes_of_one_network_are_held_back_and_then_refused",
};

/// Handshakes of TLS at once.
pub const HANDSHAKES_BURST: Budget = Budget {
    name: "http.handshakes.burst",
    most: 4_000,
    every: None,
    reason: "A school of a thousand behind one address opens the page and its sockets within a minute.",
    ..HANDSHAKES
};

/// Handshakes of TLS under way.
pub const HANDSHAKES_AT_ONCE: Budget = Budget {
    name: "http.handshakes_at_once",
    per: Per::Address,
    most: 256,
    unit: Unit::Count,
    every: None,
    then: "The next one waits for its turn, as long as a handshake may take.",
    reason: "A handshake that is left half made keeps memory; a sound one takes two round trips.",
    test: "one_network_waits_for_its_own_handshakes_and_nobody_else_does",
};

/// Requests of one HTTP/2 connection under way.
pub const STREAMS: Budget = Budget {
    name: "http.streams",
    per: Per::Connection,
    most: 100,
    unit: Unit::Count,
    every: None,
    then: "Further ones are refused with REFUSED_STREAM.",
    reason: "A browser asks for the whole page at once, and RFC 9113 advises no fewer than 100.",
    test: "streams_of_one_connection_are_bounded",
};

/// Requests of one HTTP/2 connection that are taken back before they are looked at.
pub const STREAMS_TAKEN_BACK: Budget = Budget {
    name: "http.streams_taken_back",
    per: Per::Connection,
    most: 20,
    unit: Unit::Count,
    every: None,
    then: "The connection is closed with ENHANCE_YOUR_CALM.",
    reason: "Asking and taking back at once costs the client nothing; a browser does so when a page is left.",
    test: "requests_taken_back_at_once_end_the_connection",
};

/// Requests of one HTTP/2 connection in all.
pub const STREAMS_IN_ALL: Budget = Budget {
    name: "http.streams_in_all",
    per: Per::Connection,
    most: 1_000,
    unit: Unit::Count,
    every: None,
    then: "The connection ends when what is under way is answered; browsers open another.",
    reason: "A cold browser asks for about 150 files; what a connection has grown to does not stay for ever.",
    test: "a_connection_ends_after_its_requests",
};

/// Requests in the long run.
pub const REQUESTS: Budget = Budget {
    name: "http.requests",
    per: Per::Address,
    most: 2_000,
    unit: Unit::Count,
    every: SECOND,
    then: "The answer is held back, at most 5 s; beyond that it is 429.",
    reason: "A cold browser asks for about 150 files; they cost a fifth of a processor at this rate.",
    test: "requests_and_bytes_of_one_address_are_held_back_and_then_refused",
};

/// Requests at once.
pub const REQUESTS_BURST: Budget = Budget {
    name: "http.requests.burst",
    most: 40_000,
    every: None,
    reason: "A school of a thousand cold browsers behind one address has the page within a minute.",
    ..REQUESTS
};

/// Bytes of answers in the long run.
pub const BYTES: Budget = Budget {
    name: "http.bytes",
    per: Per::Address,
    most: 20 * 1_024 * 1_024,
    unit: Unit::Bytes,
    every: SECOND,
    then: "The answer is held back, at most 5 s; beyond that it is 429.",
    reason: "One address must not fill the line that everybody's sound and picture take.",
    test: "requests_and_bytes_of_one_address_are_held_back_and_then_refused",
};

/// Bytes of answers at once.
pub const BYTES_BURST: Budget = Budget {
    name: "http.bytes.burst",
    most: 256 * 1_024 * 1_024,
    every: None,
    reason: "The page for a school of a thousand, with a room's parts, takes 250 MB compressed.",
    ..BYTES
};

/// Requests that ask the database or the whole server: health, and the older program's routes.
pub const LOOK_UPS: Budget = Budget {
    name: "http.look_ups",
    per: Per::Address,
    most: 100,
    unit: Unit::Count,
    every: SECOND,
    then: "The request is answered 429, or as rate.limited by the older program's routes.",
    reason: "A script in a hurry, and no flood: each costs a query.",
    test: "look_ups_of_one_address_are_limited",
};

/// The same at once.
pub const LOOK_UPS_BURST: Budget = Budget {
    name: "http.look_ups.burst",
    most: 300,
    every: None,
    reason: "Several scripts of one school begin at the same minute.",
    ..LOOK_UPS
};

/// WebSockets in all, unless `--max-sockets` says otherwise.
pub const SOCKETS: Budget = Budget {
    name: "http.sockets",
    per: Per::Server,
    most: 5_000,
    unit: Unit::Count,
    every: None,
    then: "The handshake is answered 503.",
    reason: "Each is a session with its memory, and a descriptor; --max-sockets sets another number.",
    test: "a_client_has_its_share_and_the_server_its_limit",
};

/// How much of what the others leave free one address may hold.
pub const SOCKETS_OF_ADDRESS: Budget = Budget {
    name: "http.sockets_of_address",
    per: Per::Address,
    most: 50,
    unit: Unit::Percent,
    every: None,
    then: "The handshake is answered 429.",
    reason: "Per cent of the sockets that others leave: a school of a thousand fits in, and the fuller the server, the \
             smaller the share, so that there is always a place for one who has none; all networks of an IPv6 /48, which a \
             household may have, share one.",
    test: "a_share_is_large_while_the_server_is_empty_and_shrinks_as_it_fills",
};

/// WebSocket frames in the long run, whatever is in them.
pub const FRAMES: Budget = Budget {
    name: "http.frames",
    per: Per::Connection,
    most: 200,
    unit: Unit::Count,
    every: SECOND,
    then: "The session is closed with 4429.",
    reason: "Messages are counted for themselves; this counts the pieces of which they are made, empty ones too.",
    test: "empty_fragments_are_frames_and_a_flood_of_them_ends_the_session",
};

/// WebSocket frames at once.
pub const FRAMES_BURST: Budget = Budget {
    name: "http.frames.burst",
    most: 8_000,
    every: None,
    reason: "A client that sends thousands of requests at once is told to slow down before it is ended.",
    ..FRAMES
};

/// Calendar files that an address asks for at once.
pub const CALENDAR_BURST: Budget = Budget {
    name: "http.calendar_burst",
    per: Per::Address,
    most: 60,
    unit: Unit::Count,
    every: None,
    then: "The request is answered 429, with the time to wait.",
    reason: "A class behind one address puts its meeting into its calendars within a minute; each file is a question to the database.",
    test: "what_is_answered_without_a_log_in_is_bounded_for_each_address",
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
    test: "what_is_answered_without_a_log_in_is_bounded_for_each_address",
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
    test: "what_is_answered_without_a_log_in_is_bounded_for_each_address",
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
    test: "what_is_answered_without_a_log_in_is_bounded_for_each_address",
};

/// A verdict of the connection check that a page leaves.
pub const CHECK_REPORT_BYTES: Budget = Budget {
    name: "http.check_report_bytes",
    per: Per::Connection,
    most: 4_096,
    unit: Unit::Bytes,
    every: None,
    then: "The request is answered 413.",
    reason: "A verdict of the page takes some 400 bytes.",
    test: "a_verdict_is_found_by_its_code_and_what_is_none_is_refused",
};

/// Verdicts that an address leaves at once.
pub const CHECK_REPORT_BURST: Budget = Budget {
    name: "http.check_report_burst",
    per: Per::Address,
    most: 60,
    unit: Unit::Count,
    every: None,
    then: "The request is answered 429, and the page shows its verdict without a code.",
    reason: "A class behind one address checks its connections within a minute; each is a line of the log.",
    test: "what_is_answered_without_a_log_in_is_bounded_for_each_address",
};

/// The same in the long run.
pub const CHECK_REPORTS: Budget = Budget {
    name: "http.check_reports",
    most: 1,
    every: Some(Duration::from_secs(1)),
    reason: "A check takes ten seconds.",
    ..CHECK_REPORT_BURST
};

/// Verdicts that are kept, each for an hour.
pub const CHECK_REPORTS_KEPT: Budget = Budget {
    name: "http.check_reports_kept",
    per: Per::Server,
    most: 500,
    unit: Unit::Count,
    every: None,
    then: "The oldest is forgotten.",
    reason: "Each takes some 400 bytes, and the operator looks at one or two.",
    test: "the_oldest_reports_make_room",
};
