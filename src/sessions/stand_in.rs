//! What a simulation has in place of the handlers that need a database.

use futures_util::future::BoxFuture;

pub(crate) use super::handlers::room_view::joined;
pub(crate) use super::location::{Membership, Place};
pub(crate) use super::restart::{Fault, Records, safe, take_up_all};
pub(crate) use super::state::{Login, SessionState};
pub(crate) use super::table::Pass;
use crate::protocol::error::WireError;
use crate::protocol::frame::RequestFrame;
use crate::sessions::Services;

/// Carries requests out; none for one that the handler itself is to carry out.
pub(crate) trait StandIn: Send + Sync {
    /// Answers one.
    fn carry_out<'a>(
        &'a self,
        services: &'a Services,
        state: &'a mut SessionState,
        frame: &'a RequestFrame,
    ) -> BoxFuture<'a, Option<Result<String, WireError>>>;
}
