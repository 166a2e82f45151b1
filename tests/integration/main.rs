//! Integration tests over real sockets.
#![allow(clippy::unwrap_used, reason = "a failed step fails its test")]

mod administration;
mod calendar;
mod databases;
mod endings;
mod frames;
mod governance_rooms;
mod http;
mod launch;
mod leaks;
mod legacy;
mod legacy_relay;
mod media;
mod media_descriptions;
mod media_requests;
mod meetings;
mod rooms;
mod sessions;
mod start;
mod support;
mod trace;
