//! The parts of the state of a room. Each keeps its own invariants.
//!
//! Nothing here knows a rule of the meeting. The modules beside this folder hold the rules; they read and change these
//! parts through [`Room`](super::Room). So imports go one way: rules know state, and state knows no rule.

pub mod bans;
pub mod chat;
pub(super) mod lobby;
pub(super) mod meeting;
pub mod pause;
pub(super) mod recent;
pub(super) mod roles;
pub mod roster;
