//! Meeting: a self-hosted video-meeting server in one binary. This page is the map.
//!
//! | to find | look into |
//! |---|---|
//! | what travels over the WebSocket | [`protocol`]: wire types only |
//! | the rules of a meeting | [`meeting`]: a pure function of command and time |
//! | sound and picture | [`media`]: threads with their sockets, connections and forward tables |
//! | what outlives the process | [`store`], behind plain structs |
//! | passwords, tokens, limits on attempts | [`auth`] |
//! | what one client may use | [`budgets`]: one table of bounds with their reasons; [`allowance`] counts over time, per [`network`] |
//! | running rooms | [`rooms`]: one actor per room, the address book, outboxes |
//! | one client's session | [`sessions`]: limits, requests in order, events, end; the core is pure |
//! | one client's socket | [`ws`]: reads, writes, closes |
//! | the page, the upgrade, health, avatars | [`http`] |
//! | the routes of the older Meeting (Go) | [`legacy`] |
//! | putting it together and taking it down | [`app`] |
//! | what is the matter with an installation | [`doctor`]: gathers what is seen here, and judges it by pure functions |
//! | settings, the command line, logging | [`config`], [`cli`], [`telemetry`] |
//! | who else may read a file with a secret | [`secret_file`]: the one rule |
//! | a load of media from outside, and what it costs | [`mod@bench`]: a client, which knows nothing of the server |
//! | TLS: certificates, where they come from and how they stay valid | [`tls`] |
//! | the relay for who gets through in no other way | [`turn`]: pure rules, with virtual relayed addresses |
//! | turns at work that costs much | [`turns`]: network by network, in rotation |
//! | tasks that panic | [`supervise`]: caught, logged, ended in order or begun again |
//!
//! Imports go one way: `protocol ← meeting ← {auth, store, media} ← rooms ← sessions ← ws`. Siblings in braces never
//! meet. `http` stands beside them and knows no session, `legacy` over both, and `app` on top of all. `ARCHITECTURE.md`
//! walks one message and one packet through the house.

pub mod allowance;
pub mod app;
pub mod auth;
pub mod bell;
pub mod bench;
pub mod budgets;
pub mod cli;
pub mod config;
pub mod doctor;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod http;
pub mod legacy;
pub mod media;
pub mod meeting;
pub mod network;
pub mod protocol;
pub mod rooms;
pub mod secret_file;
pub mod sessions;
#[cfg(test)]
mod simulation;
pub mod store;
pub mod supervise;
pub mod telemetry;
pub mod tls;
pub mod turn;
pub mod turns;
pub mod ws;
