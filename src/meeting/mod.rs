//! The room core, pure: [`Room::handle`] takes a command and the time, and returns what to answer and what to do.
//!
//! Owns the rules of a meeting: who is in, in which role, what runs, and what is allowed. It uses no socket, clock,
//! randomness or storage. Ids and times come with the commands, and effects are returned as data. So it is tested,
//! replayed and fuzzed as a plain function. Its shell is `rooms`.

mod admission;
mod coming_back;
pub mod command;
pub mod durability;
pub mod effect;
mod governing;
mod lobby;
pub mod media;
pub mod pause;
pub mod permissions;
pub mod permissions_page;
mod presence;
pub mod recurrence;
mod roles;
pub mod room;
pub mod schedule;
pub mod snapshot;
mod sources;
pub mod state;
pub mod taking_up;
mod time;
pub mod together;

#[cfg(test)]
mod model;
#[cfg(test)]
mod model_governing;
#[cfg(test)]
pub(crate) mod stories;
#[cfg(test)]
mod tests;

pub use command::Command;
pub use effect::{Effect, Outcome, Reply};
pub use room::Room;
