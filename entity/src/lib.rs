//! The tables, one file each. Only the store reads this crate.
//!
//! Rows carry plain integers, strings and UTC times without a zone, which all three database families keep alike;
//! the store turns them into the types of the wire. `deleted_at` marks a row that no query may return again.

// The derives generate columns, keys and active models that repeat the documented model field by field.
#![allow(missing_docs)]

pub mod chat_message;
pub mod imported_row;
pub mod revoked_token;
pub mod room_ban;
pub mod room_basic;
pub mod room_invite;
pub mod room_invite_use;
pub mod room_state;
pub mod room_user;
pub mod row_id;
pub mod server_beat;
pub mod user_basic;
