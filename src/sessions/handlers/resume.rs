//! Taking up a session that lost its socket.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::request::SessionResume;
use crate::sessions::door::Refusal;
use crate::sessions::handover::Successor;
use crate::sessions::limits::too_fast;
use crate::sessions::services::Accounts;
use crate::sessions::session::Resume;
use crate::sessions::state::SessionState;

/// How long the present holder of the session may take to hand it over.
const PATIENCE: Duration = Duration::from_secs(5);

/// `session.resume`, the request with this id
pub async fn resume(
    accounts: &Accounts,
    state: &SessionState,
    id: u64,
    data: SessionResume,
) -> Result<Successor, WireError> {
    let client = &state.client;
    // This comes before any look-up: an attempt counts as wrong until it is known to be right.
    let attempts = &accounts.attempts;
    attempts
        .check_resume(client.address)
        .map_err(|after| after.wire())?;
    let door = match accounts.table.door_of(&data.session) {
        Some(door) if state.login.is_none() => door,
        _ => {
            attempts.resume_was_right(client.address);
            return Err(ErrorCode::SessionGone.into());
        }
    };
    let (taker, taken) = oneshot::channel();
    match door.knock(&data.resume_token, client.socket, taker, Instant::now()) {
        Ok(()) => attempts.resume_was_right(client.address),
        Err(Refusal::Wrong) => return Err(ErrorCode::SessionGone.into()),
        Err(Refusal::TooOften(wait)) => {
            attempts.resume_was_right(client.address);
            return Err(too_fast(wait));
        }
    }
    let session = match tokio::time::timeout(PATIENCE, taken).await {
        Ok(Ok(session)) => session,
        Ok(Err(_)) => return Err(ErrorCode::SessionGone.into()),
        Err(_) => return Err(WireError::from(ErrorCode::ServerBusy).retry_after(1_000)),
    };
    // Only now nobody else has the session: another socket may have used the token meanwhile.
    let token = door.redeem(&data.resume_token, client.socket);
    let resume = Resume {
        id,
        last_seq: data.last_seq,
        token: token.ok_or(ErrorCode::SessionGone)?,
    };
    Ok(Successor::new(session, resume, client.address))
}
