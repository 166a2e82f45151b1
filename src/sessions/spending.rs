//! What a session's requests cost others. What goes to everybody in a room, or to one of them, takes a place in their
//! outboxes. A session that sends more than people do is told to wait, before anything is done or stored.

use std::time::Duration;

use tokio::time::Instant;

use super::limits::too_fast;
use super::state::SessionState;
use crate::budgets::{Bucket, ws as budgets};
use crate::protocol::Request;
use crate::protocol::error::WireError;

/// What a session may still send others.
#[derive(Debug)]
pub struct Spending {
    chat: Bucket,
    relay: Bucket,
    joins: Bucket,
    switches: Bucket,
}

impl Spending {
    /// Nothing is spent yet.
    pub fn new(now: Instant) -> Self {
        Self {
            chat: Bucket::new(&budgets::CHAT_BURST, &budgets::CHAT, now),
            relay: Bucket::new(&budgets::RELAY_BURST, &budgets::RELAY, now),
            joins: Bucket::new(&budgets::JOIN_BURST, &budgets::JOINS, now),
            switches: Bucket::new(&budgets::SWITCH_BURST, &budgets::SWITCHES, now),
        }
    }

    fn spend(&mut self, request: &Request, now: Instant) -> Result<(), Duration> {
        match request {
            Request::ChatSend(data) => self.chat.spend(weight(data.text.as_str().len()), now),
            Request::SignalOffer(data) => self.relay.spend(weight(data.sdp.bytes()), now),
            Request::SignalAnswer(data) => self.relay.spend(weight(data.sdp.bytes()), now),
            Request::SignalCandidate(data) => {
                let bytes = data.candidate.as_ref().map_or(0, |data| data.bytes());
                self.relay.spend(weight(bytes), now)
            }
            Request::RoomJoin(_) => self.joins.spend(1, now),
            Request::MediaSource(_) => self.switches.spend(1, now),
            // Other requests cost others nothing, or only the newest one waits for a participant who reads slowly.
            _ => Ok(()),
        }
    }
}

/// About how many bytes a request of so many bytes takes in a participant's outbox. The event names its author too.
fn weight(bytes: usize) -> u64 {
    const ABOUT_IT: u64 = 512;
    ABOUT_IT + bytes as u64
}

/// Takes a request into account.
///
/// # Errors
/// `rate.limited`; nothing is done then.
pub fn spend(state: &mut SessionState, request: &Request, now: Instant) -> Result<(), WireError> {
    let slow = |wait| too_fast(wait);
    state.spending.spend(request, now).map_err(slow)?;
    if let (Request::ChatSend(data), Some(membership), Some(login)) =
        (request, state.location.inside(), &state.login)
        && data.to.is_none()
    {
        let bytes = weight(data.text.as_str().len());
        membership.handle.say(&login.user.id, bytes).map_err(slow)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budgets::Budget;

    fn request(kind: &str, data: serde_json::Value) -> Request {
        let raw = serde_json::value::to_raw_value(&data).unwrap();
        Request::decode(kind, Some(&raw)).unwrap()
    }

    /// How many of a request pass at once, and after how long the next one does.
    fn passing(request: &Request) -> (u64, Duration) {
        let now = Instant::now();
        let mut spending = Spending::new(now);
        let mut passed = 0;
        loop {
            match spending.spend(request, now) {
                Ok(()) => passed += 1,
                Err(wait) => {
                    let later = now + wait + Duration::from_millis(1);
                    assert!(spending.spend(request, later).is_ok());
                    return (passed, wait);
                }
            }
        }
    }

    fn is_held(kind: &str, data: serde_json::Value, bytes: u64, burst: &Budget) {
        let (passed, wait) = passing(&request(kind, data));
        assert_eq!(passed, burst.most / bytes, "{kind}");
        assert!(wait > Duration::ZERO, "{kind}");
    }

    #[test]
    fn what_goes_to_others_is_bounded_by_its_bytes() {
        let text = "字".repeat(4_000);
        let bytes = weight(text.len());
        let chat = serde_json::json!({ "text": text });
        is_held("chat.send", chat, bytes, &budgets::CHAT_BURST);
        let sdp = "x".repeat(30_000);
        let bytes = weight(sdp.len());
        for kind in ["signal.offer", "signal.answer"] {
            let data = serde_json::json!({ "to": "p1", "sdp": sdp });
            is_held(kind, data, bytes, &budgets::RELAY_BURST);
        }
        let line = serde_json::json!({ "to": "p1", "candidate": "candidate:1" });
        is_held("signal.candidate", line, weight(11), &budgets::RELAY_BURST);
    }

    #[test]
    fn coming_and_going_is_bounded() {
        let join = serde_json::json!({ "identity": "k3v9" });
        is_held("room.join", join, 1, &budgets::JOIN_BURST);
        let switch = serde_json::json!({ "source": "microphone", "active": true });
        is_held("media.source", switch, 1, &budgets::SWITCH_BURST);
    }
}
