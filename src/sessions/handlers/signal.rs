//! What participants send each other to connect directly. The server relays it to one participant, and does not
//! interpret it.

use crate::budgets::{Budget, ws as budgets};
use crate::meeting::command::Signal;
use crate::protocol::error::WireError;
use crate::protocol::ids::{MAX_ID_BYTES, ParticipantId};
use crate::protocol::request::{Empty, SignalAnswer, SignalCandidate, SignalOffer};
use crate::sessions::location::Location;

/// `signal.offer`
pub async fn offer(location: &Location, data: SignalOffer) -> Result<Empty, WireError> {
    let SignalOffer {
        to,
        connection,
        sdp,
    } = data;
    relay(
        location,
        to,
        Signal::Offer {
            connection: named(connection)?,
            sdp,
        },
    )
    .await
}

/// `signal.answer`
pub async fn answer(location: &Location, data: SignalAnswer) -> Result<Empty, WireError> {
    let SignalAnswer {
        to,
        connection,
        sdp,
    } = data;
    relay(
        location,
        to,
        Signal::Answer {
            connection: named(connection)?,
            sdp,
        },
    )
    .await
}

/// `signal.candidate`
pub async fn candidate(location: &Location, data: SignalCandidate) -> Result<Empty, WireError> {
    let SignalCandidate {
        to,
        connection,
        candidate,
    } = data;
    relay(
        location,
        to,
        Signal::Candidate {
            connection: named(connection)?,
            candidate,
        },
    )
    .await
}

async fn relay(location: &Location, to: ParticipantId, signal: Signal) -> Result<Empty, WireError> {
    let membership = location.membership()?;
    let (field, most) = match &signal {
        Signal::Offer { .. } | Signal::Answer { .. } => ("data.sdp", &budgets::DESCRIPTION),
        Signal::Candidate { .. } => ("data.candidate", &budgets::CANDIDATE),
    };
    is_small(&signal, field, most)?;
    let from = &membership.participant;
    membership.handle.relay(from, to, signal).await?;
    Ok(Empty {})
}

/// The server holds what one participant sends another until they read it.
fn is_small(signal: &Signal, field: &str, most: &Budget) -> Result<(), WireError> {
    if signal.bytes() <= most.size() {
        return Ok(());
    }
    let why = format!("must be at most {} bytes long", most.most);
    Err(WireError::bad_field(field, why))
}

fn named(connection: Option<String>) -> Result<Option<String>, WireError> {
    match &connection {
        Some(name) if name.len() > MAX_ID_BYTES => Err(WireError::bad_field(
            "data.connection",
            "must be at most 64 bytes long",
        )),
        _ => Ok(connection),
    }
}
