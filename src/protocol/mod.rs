//! The wire types of `meeting.v1`: ids, frames, requests, replies, events and error codes.
//!
//! Owns what travels; knows nothing of rooms, storage or sockets, and imports nothing of this crate. A frame's way
//! in is [`frame::RequestFrame`] → [`Request::decode`]; its way out is [`frame`]'s encoders. What is documented for
//! client authors (JSON Schema, TypeScript) is generated from these types by [`catalogue`].

pub mod catalogue;
pub mod check_report;
pub mod error;
pub mod event;
pub mod frame;
#[cfg(test)]
mod golden;
mod governance;
pub mod ids;
pub mod object;
pub mod passed_on;
pub mod patch;
pub mod refusals;
pub mod request;
mod strict;
pub mod text;
pub mod time;
pub mod time_zone;
pub mod topic;

pub use error::{ErrorCode, WireError};
pub use event::Event;
pub use request::Request;

/// The WebSocket sub-protocol (RFC 6455 §1.9) that this version of the protocol goes by.
pub const SUBPROTOCOL: &str = "meeting.v1";
