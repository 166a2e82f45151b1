//! Meeting: a self-hosted video-meeting server. This page is the map.

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod http;
pub mod media;
pub mod meeting;
pub mod protocol;
pub mod rooms;
pub mod store;
pub mod telemetry;
pub mod ws;
