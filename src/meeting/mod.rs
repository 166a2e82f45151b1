//! The room core, pure: commands and time in, effects out. No socket, clock, randomness or storage.

pub mod media;
