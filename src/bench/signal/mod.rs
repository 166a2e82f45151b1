//! `meeting bench signal`: loads a server's WebSocket, and measures what that costs it.
//!
//! One thread with one `epoll` owns all sockets of the load and speaks WebSocket by itself, so that it costs much less
//! than the server does. It tells frames apart by how they begin, and parses nothing that is measured. Frames of the
//! load are masked with zeros; the server takes the mask off all the same.
//!
//! | to find | look into |
//! |---|---|
//! | what is asked of a run, and its bounds | [`plan`] |
//! | one socket | [`client`], its frames [`wire`] |
//! | the loop over all sockets: coming in, sending, receiving | [`drive`] |
//! | a run from its start to its report | [`mod@run`] |
//! | the figures | [`report`] |
//!
//! **What the figures are.** A message's age goes from when it was due to the read of the receiver's socket. So the
//! delay of a load that falls behind its own beat is in it. Without a rate each sender sends again as soon as its
//! message has come and is answered. Processor time is the scheduler's count for all of the server's threads.

mod client;
mod drive;
mod plan;
mod report;
mod run;
mod wire;

pub use plan::{SignalLoad, Traffic};
pub use report::SignalReport;
pub use run::run;
