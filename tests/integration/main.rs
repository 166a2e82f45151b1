//! Integration tests over real sockets.
#![allow(clippy::unwrap_used, reason = "a failed step fails its test")]

mod administration;
mod bench;
mod calendar;
mod coming_back;
mod database_away;
mod databases;
mod door;
mod endings;
mod faults;
mod frames;
mod full_disk;
mod governance_rooms;
mod governing;
mod http;
mod http_bounds;
mod imports;
mod invites;
mod launch;
mod leaks;
mod legacy;
mod legacy_relay;
mod lobby;
mod media;
mod media_descriptions;
mod media_requests;
mod meetings;
mod races;
mod repeats;
mod room_settings;
mod rooms;
mod sessions;
mod start;
mod support;
mod together;
mod trace;
