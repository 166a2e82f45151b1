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
use crate::sessions::state::{SessionState, Stay};

/// From here on JSON numbers are not the same for everybody (RFC 8259 §6).
const EXACT_INTEGERS: u64 = 1 << 53;

const NOT_CARRIED: &str = "No m-line carries this source: the last media.publish did not name it, or its answer refused the m-line (port 0).";
const NOT_ALLOWED: &str = "The room's permissions do not let you start this source, or unmute yourself (permissions.unmute, permissions.screen).";
const BETWEEN_PEERS: &str =
    "In this room people are connected to each other (p2p): the server takes no media.";

/// `media.publish`
pub async fn publish(state: &SessionState, data: MediaPublish) -> Result<Published, WireError> {
    let (stay, media) = connected(state)?;
    let MediaPublish {
        revision,
        sdp,
        sources,
    } = data;
    if revision >= EXACT_INTEGERS {
        return Err(WireError::bad_field("data.revision", "must be below 2^53"));
    }
    let published = media
        .publish(&stay.participant, revision, sdp, sources)
        .await
        .map_err(|error| refused(stay, "media.publish", Leg::Up, error))?;
    for RefusedSource { source, reason } in &published.answer.refused {
        tracing::info!(
            room.id = %stay.room,
            participant.id = %stay.participant,
            connection = ?Leg::Up,
            source = ?source,
            reason,
            "A source's m-line was refused."
        );
    }
    let negotiated = Command::Negotiated {
        participant: stay.participant.clone(),
        sources: published.sources,
    };
    stay.handle.call(negotiated).await?;
    Ok(published.answer)
}

/// `media.source`
pub async fn source(state: &SessionState, data: MediaSource) -> Result<TrackAnswer, WireError> {
    let stay = state.stay()?;
    let switch = match data.active {
        true => Switch::On {
            track: TrackId::random(),
            muted: data.muted.unwrap_or(false),
        },
        false => Switch::Off,
    };
    let command = Command::SetSource {
        participant: stay.participant.clone(),
        source: data.source,
        switch,
    };
    match stay.handle.call(command).await {
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
    let (stay, media) = connected(state)?;
    let most = match stay.handle.origin() {
        Origin::Store => u32::MAX,
        // A connection check, which is open to whoever comes by.
        Origin::Memory => CHECK_SLOTS.most as u32,
    };
    let (sounds, pictures) = (data.audio_slots.min(most), data.video_slots.min(most));
    media
        .receive(&stay.participant, sounds, pictures)
        .await
        .map_err(|error| refused(stay, "media.receive", Leg::Down, error))
}

/// `media.answer`
pub async fn answer(state: &SessionState, data: MediaAnswer) -> Result<Empty, WireError> {
    let (stay, media) = connected(state)?;
    media
        .answer(&stay.participant, data.revision, data.sdp)
        .await
        .map_err(|error| refused(stay, "media.answer", Leg::Down, error))?;
    Ok(Empty {})
}

/// `media.view`
pub async fn view(state: &SessionState, data: MediaView) -> Result<Empty, WireError> {
    let (stay, media) = connected(state)?;
    media
        .view(&stay.participant, data.tiles)
        .await
        .map_err(|error| refused(stay, "media.view", Leg::Down, error))?;
    Ok(Empty {})
}

/// `media.candidate`
pub async fn candidate(state: &SessionState, data: MediaCandidate) -> Result<Empty, WireError> {
    let (stay, media) = connected(state)?;
    let candidate = data.candidate.map(IceCandidate::from);
    media
        .candidate(&stay.participant, candidate)
        .await
        .map_err(|error| refused(stay, "media.candidate", data.connection, error))?;
    Ok(Empty {})
}

/// `media.restart`
pub async fn restart(state: &SessionState, data: MediaRestart) -> Result<Empty, WireError> {
    let (stay, media) = connected(state)?;
    media
        .restart(&stay.participant, data.connection)
        .await
        .map_err(|error| refused(stay, "media.restart", data.connection, error))?;
    Ok(Empty {})
}

/// The session's stay, and the media worker's part of its room; between peers there is none.
fn connected(state: &SessionState) -> Result<(&Stay, &RoomMedia), WireError> {
    let stay = state.stay()?;
    let media = stay
        .handle
        .media()
        .ok_or_else(|| WireError::with_message(ErrorCode::MediaUnsupported, BETWEEN_PEERS))?;
    Ok((stay, media))
}

/// What the client is told of a refusal; the log gets the same.
fn refused(stay: &Stay, request: &'static str, leg: Leg, error: MediaError) -> WireError {
    let code = error.code();
    tracing::info!(
        room.id = %stay.room,
        participant.id = %stay.participant,
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
