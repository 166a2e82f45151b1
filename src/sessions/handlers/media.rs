//! The two connections to the SFU. Descriptions go from the session to the room's media worker directly; what concerns
//! the others goes through the room.

use crate::budgets::media::CHECK_SLOTS;
use crate::media::{MediaError, RoomMedia};
use crate::meeting::command::Switch;
use crate::meeting::{Command, Reply};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::TrackId;
use crate::protocol::object::{IceCandidate, Leg};
use crate::protocol::request::{
    DownOffer, Empty, MediaAnswer, MediaCandidate, MediaPublish, MediaReceive, MediaRestart,
    MediaSource, MediaView, Published, RefusedSource, TrackAnswer,
};
use crate::rooms::{CallError, Origin};
use crate::sessions::state::{Membership, SessionState};

/// From here on JSON numbers are not the same for everybody (RFC 8259 §6).
const EXACT_INTEGERS: u64 = 1 << 53;

const NOT_CARRIED: &str = "No m-line carries this source: the last media.publish did not name it, or its answer refused the m-line (port 0).";
const NOT_ALLOWED: &str = "The room's permissions do not let you start this source, or unmute yourself (permissions.unmute, permissions.screen).";
const BETWEEN_PEERS: &str =
    "In this room people are connected to each other (p2p): the server takes no media.";

/// `media.publish`
pub async fn publish(state: &SessionState, data: MediaPublish) -> Result<Published, WireError> {
    let (membership, media) = connected(state)?;
    let MediaPublish {
        revision,
        sdp,
        sources,
    } = data;
    if revision >= EXACT_INTEGERS {
        return Err(WireError::bad_field("data.revision", "must be below 2^53"));
    }
    let published = media
        .publish(&membership.participant, revision, sdp, sources)
        .await
        .map_err(|error| refused(membership, "media.publish", Leg::Up, error))?;
    for RefusedSource { source, reason } in &published.answer.refused {
        tracing::info!(
            room.id = %membership.room,
            participant.id = %membership.participant,
            connection = ?Leg::Up,
            source = ?source,
            reason,
            "A source's m-line was refused."
        );
    }
    let negotiated = Command::Negotiated {
        participant: membership.participant.clone(),
        sources: published.sources,
    };
    membership.handle.call(negotiated).await?;
    Ok(published.answer)
}

/// `media.source`
pub async fn source(state: &SessionState, data: MediaSource) -> Result<TrackAnswer, WireError> {
    let membership = state.membership()?;
    let switch = match data.active {
        true => Switch::On {
            track: TrackId::random(),
            muted: data.muted.unwrap_or(false),
        },
        false => Switch::Off,
    };
    let command = Command::SetSource {
        participant: membership.participant.clone(),
        source: data.source,
        switch,
    };
    match membership.handle.call(command).await {
        Ok(Reply::Track(track)) => Ok(TrackAnswer { track }),
        Ok(_) => Err(ErrorCode::ServerInternal.into()),
        Err(CallError::Refused(code @ ErrorCode::MediaUnsupported)) => {
            Err(WireError::with_message(code, NOT_CARRIED))
        }
        Err(CallError::Refused(code @ ErrorCode::PermDenied)) => {
            Err(WireError::with_message(code, NOT_ALLOWED))
        }
        Err(error) => Err(error.into()),
    }
}

/// `media.receive`
pub async fn receive(state: &SessionState, data: MediaReceive) -> Result<DownOffer, WireError> {
    let (membership, media) = connected(state)?;
    let most = match membership.handle.origin() {
        Origin::Store => u32::MAX,
        // A connection check, which is open to whoever comes by.
        Origin::Memory => CHECK_SLOTS.most as u32,
    };
    let (sounds, pictures) = (data.audio_slots.min(most), data.video_slots.min(most));
    media
        .receive(&membership.participant, sounds, pictures)
        .await
        .map_err(|error| refused(membership, "media.receive", Leg::Down, error))
}

/// `media.answer`
pub async fn answer(state: &SessionState, data: MediaAnswer) -> Result<Empty, WireError> {
    let (membership, media) = connected(state)?;
    media
        .answer(&membership.participant, data.revision, data.sdp)
        .await
        .map_err(|error| refused(membership, "media.answer", Leg::Down, error))?;
    Ok(Empty {})
}

/// `media.view`
pub async fn view(state: &SessionState, data: MediaView) -> Result<Empty, WireError> {
    let (membership, media) = connected(state)?;
    media
        .view(&membership.participant, data.tiles)
        .await
        .map_err(|error| refused(membership, "media.view", Leg::Down, error))?;
    Ok(Empty {})
}

/// `media.candidate`
pub async fn candidate(state: &SessionState, data: MediaCandidate) -> Result<Empty, WireError> {
    let (membership, media) = connected(state)?;
    let candidate = data.candidate.map(IceCandidate::from);
    media
        .candidate(&membership.participant, candidate)
        .await
        .map_err(|error| refused(membership, "media.candidate", data.connection, error))?;
    Ok(Empty {})
}

/// `media.restart`
pub async fn restart(state: &SessionState, data: MediaRestart) -> Result<Empty, WireError> {
    let (membership, media) = connected(state)?;
    media
        .restart(&membership.participant, data.connection)
        .await
        .map_err(|error| refused(membership, "media.restart", data.connection, error))?;
    Ok(Empty {})
}

/// The session's membership, and the media worker's part of its room; between peers there is none.
fn connected(state: &SessionState) -> Result<(&Membership, &RoomMedia), WireError> {
    let membership = state.membership()?;
    let media = membership
        .handle
        .media()
        .ok_or_else(|| WireError::with_message(ErrorCode::MediaUnsupported, BETWEEN_PEERS))?;
    Ok((membership, media))
}

/// What the client is told of a refusal; the log gets the same.
fn refused(
    membership: &Membership,
    request: &'static str,
    leg: Leg,
    error: MediaError,
) -> WireError {
    let code = error.code();
    tracing::info!(
        room.id = %membership.room,
        participant.id = %membership.participant,
        request,
        connection = ?leg,
        code = code.as_str(),
        reason = %error,
        "A media request was refused."
    );
    let refusal = WireError::with_message(code, error.to_string());
    match error {
        MediaError::TooFast(wait) => refusal.retry_after(wait.as_millis() as u64 + 1),
        MediaError::Busy | MediaError::Gone => refusal.retry_after(100),
        MediaError::Silent => refusal.retry_after(1_000),
        _ => refusal,
    }
}
