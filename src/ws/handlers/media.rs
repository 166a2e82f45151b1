//! The two connections to the SFU. Descriptions go from the session to the room's media worker directly; what concerns
//! the others goes through the room.

use crate::budgets::media::CHECK_SLOTS;
use crate::media::{MediaError, RoomMedia};
use crate::meeting::command::Switch;
use crate::meeting::{Command, Reply};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::TrackId;
use crate::protocol::object::IceCandidate;
use crate::protocol::request::{
    DownOffer, Empty, MediaAnswer, MediaCandidate, MediaPublish, MediaReceive, MediaRestart,
    MediaSource, MediaView, Published, TrackAnswer,
};
use crate::rooms::Origin;
use crate::ws::state::{SessionState, Stay};

/// From here on JSON numbers are not the same for everybody (RFC 8259 §6).
const EXACT_INTEGERS: u64 = 1 << 53;

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
        .map_err(refused)?;
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
    match stay.handle.call(command).await? {
        Reply::Track(track) => Ok(TrackAnswer { track }),
        _ => Err(ErrorCode::ServerInternal.into()),
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
        .map_err(refused)
}

/// `media.answer`
pub async fn answer(state: &SessionState, data: MediaAnswer) -> Result<Empty, WireError> {
    let (stay, media) = connected(state)?;
    media
        .answer(&stay.participant, data.revision, data.sdp)
        .await
        .map_err(refused)?;
    Ok(Empty {})
}

/// `media.view`
pub async fn view(state: &SessionState, data: MediaView) -> Result<Empty, WireError> {
    let (stay, media) = connected(state)?;
    media
        .view(&stay.participant, data.tiles)
        .await
        .map_err(refused)?;
    Ok(Empty {})
}

/// `media.candidate`
pub async fn candidate(state: &SessionState, data: MediaCandidate) -> Result<Empty, WireError> {
    let (stay, media) = connected(state)?;
    let candidate = data.candidate.map(IceCandidate::from);
    media
        .candidate(&stay.participant, candidate)
        .await
        .map_err(refused)?;
    Ok(Empty {})
}

/// `media.restart`
pub async fn restart(state: &SessionState, data: MediaRestart) -> Result<Empty, WireError> {
    let (stay, media) = connected(state)?;
    media
        .restart(&stay.participant, data.connection)
        .await
        .map_err(refused)?;
    Ok(Empty {})
}

/// The session's stay, and the media worker's part of its room; between peers there is none.
fn connected(state: &SessionState) -> Result<(&Stay, &RoomMedia), WireError> {
    let stay = state.stay()?;
    let media = stay.handle.media().ok_or(ErrorCode::MediaUnsupported)?;
    Ok((stay, media))
}

fn refused(error: MediaError) -> WireError {
    let refusal = WireError::with_message(error.code(), error.to_string());
    match error {
        MediaError::TooFast(wait) => refusal.retry_after(wait.as_millis() as u64 + 1),
        MediaError::Busy | MediaError::Gone => refusal.retry_after(100),
        MediaError::Silent => refusal.retry_after(1_000),
        _ => refusal,
    }
}
