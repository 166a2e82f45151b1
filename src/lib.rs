//! Meeting: a self-hosted video-meeting server. This page is the map.
#![doc = ""]

pub mod media;
pub mod meeting;
pub mod protocol;
