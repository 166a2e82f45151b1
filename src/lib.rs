//! Meeting: a self-hosted video-meeting server. This page is the map.
#![doc = ""]

pub mod auth;
pub mod meeting;
pub mod protocol;
pub mod store;
