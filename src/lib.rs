//! Meeting: a self-hosted video-meeting server. This page is the map.

pub mod media;
pub mod meeting;
pub mod protocol;
pub mod rooms;
pub mod store;
