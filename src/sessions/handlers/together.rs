//! What people do together beside talking and writing.

use super::asking;
use crate::meeting::together::MAX_SPOTLIGHT;
use crate::meeting::{Command, Reply};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::request::{Empty, ReactionSend, SpotlightSet, TimerAnswer, TimerSet};
use crate::sessions::state::SessionState;

/// How long a timer may run, in milliseconds.
const TIMER_MS: std::ops::RangeInclusive<u64> = 1_000..=86_400_000;

/// `reaction.send`
pub async fn react(state: &SessionState, data: ReactionSend) -> Result<Empty, WireError> {
    let emoji = data.emoji;
    asking::command(state, |by| Command::React { by, emoji }).await
}

/// `spotlight.set`
pub async fn spotlight(state: &SessionState, data: SpotlightSet) -> Result<Empty, WireError> {
    let whom = data.participants;
    if whom.len() > MAX_SPOTLIGHT {
        let why = "must name at most 4";
        return Err(WireError::bad_field("data.participants", why));
    }
    asking::command(state, |by| Command::Spotlight { by, whom }).await
}

/// `timer.set`
pub async fn timer(state: &SessionState, data: TimerSet) -> Result<TimerAnswer, WireError> {
    let membership = state.membership()?;
    let duration_ms = data.duration_ms;
    if duration_ms.is_some_and(|duration| !TIMER_MS.contains(&duration)) {
        let why = "must be from 1000 to 86400000";
        return Err(WireError::bad_field("data.duration_ms", why));
    }
    let by = membership.participant.clone();
    let set = Command::SetTimer { by, duration_ms };
    match membership.handle.call(set).await? {
        Reply::Timer(timer) => Ok(TimerAnswer { timer }),
        _ => Err(ErrorCode::ServerInternal.into()),
    }
}
