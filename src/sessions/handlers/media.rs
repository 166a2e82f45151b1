//! The two connections to the SFU. Descriptions go through the room's link to its media worker. What concerns the other
//! participants goes through the room.

use tokio::time::Instant;

use crate::budgets::media::CHECK_SLOTS;
use crate::media::MediaError;
use crate::meeting::command::Switch;
use crate::meeting::{Command, Reply};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::TrackId;
use crate::protocol::object::{IceCandidate, Leg, Topology};
use crate::protocol::request::{
    DownOffer, Empty, MediaAnswer, MediaCandidate, MediaPublish, MediaReceive, MediaRestart,
    MediaSource, MediaView, Published, RefusedSource, TrackAnswer,
};
use crate::rooms::{CallError, DescribeError, Described, Description, Origin};
use crate::sessions::location::{Location, Membership};
use crate::sessions::refusals::Refusals;

/// From here on JSON numbers are not the same for everybody (RFC 8259 §6).
const EXACT_INTEGERS: u64 = 1 << 53;

const NOT_CARRIED: &str = "No m-line carries this source: the last media.publish did not name it, or its answer refused the m-line (port 0).";
const NOT_ALLOWED: &str = "The room's permissions do not let you start this source, or unmute yourself (permissions.unmute, permissions.screen).";
const BETWEEN_PEERS: &str =
    "In this room people are connected to each other (p2p): the server takes no media.";

/// `media.publish`
pub async fn publish(
    location: &Location,
    refusals: &mut Refusals,
    data: MediaPublish,
) -> Result<Published, WireError> {
    let membership = connected(location)?;
    let MediaPublish {
        revision,
        sdp,
        sources,
    } = data;
    if revision >= EXACT_INTEGERS {
        return Err(WireError::bad_field("data.revision", "must be below 2^53"));
    }
    let publish = Description::Publish {
        revision,
        sdp,
        sources,
    };
    let published = describe(membership, refusals, ("media.publish", Leg::Up), publish).await?;
    let Described::Published { answer, sources } = published else {
        return Err(ErrorCode::ServerInternal.into());
    };
    for RefusedSource { source, reason } in &answer.refused {
        if !refusals.is_logged(Instant::now()) {
            continue;
        }
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
        sources,
    };
    membership.handle.call(negotiated).await?;
    Ok(answer)
}

/// `media.source`
pub async fn source(location: &Location, data: MediaSource) -> Result<TrackAnswer, WireError> {
    let membership = location.membership()?;
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
pub async fn receive(
    location: &Location,
    refusals: &mut Refusals,
    data: MediaReceive,
) -> Result<DownOffer, WireError> {
    let membership = connected(location)?;
    let most = match membership.handle.origin() {
        Origin::Store => u32::MAX,
        // A connection check, which is open to everybody.
        Origin::Memory => CHECK_SLOTS.most as u32,
    };
    let receive = Description::Receive {
        audio_slots: data.audio_slots.min(most),
        video_slots: data.video_slots.min(most),
    };
    match describe(membership, refusals, ("media.receive", Leg::Down), receive).await? {
        Described::Offer(offer) => Ok(offer),
        _ => Err(ErrorCode::ServerInternal.into()),
    }
}

/// `media.answer`
pub async fn answer(
    location: &Location,
    refusals: &mut Refusals,
    data: MediaAnswer,
) -> Result<Empty, WireError> {
    let membership = connected(location)?;
    let description = Description::Answer {
        revision: data.revision,
        sdp: data.sdp,
    };
    describe(
        membership,
        refusals,
        ("media.answer", Leg::Down),
        description,
    )
    .await?;
    Ok(Empty {})
}

/// `media.view`
pub async fn view(
    location: &Location,
    refusals: &mut Refusals,
    data: MediaView,
) -> Result<Empty, WireError> {
    let membership = connected(location)?;
    let description = Description::View { tiles: data.tiles };
    describe(membership, refusals, ("media.view", Leg::Down), description).await?;
    Ok(Empty {})
}

/// `media.candidate`
pub async fn candidate(
    location: &Location,
    refusals: &mut Refusals,
    data: MediaCandidate,
) -> Result<Empty, WireError> {
    let membership = connected(location)?;
    let candidate = data.candidate.map(IceCandidate::from);
    let description = Description::Candidate { candidate };
    describe(
        membership,
        refusals,
        ("media.candidate", data.connection),
        description,
    )
    .await?;
    Ok(Empty {})
}

/// `media.restart`
pub async fn restart(
    location: &Location,
    refusals: &mut Refusals,
    data: MediaRestart,
) -> Result<Empty, WireError> {
    let membership = connected(location)?;
    let description = Description::Restart {
        leg: data.connection,
    };
    describe(
        membership,
        refusals,
        ("media.restart", data.connection),
        description,
    )
    .await?;
    Ok(Empty {})
}

/// The session's membership in a room whose media goes through the server.
fn connected(location: &Location) -> Result<&Membership, WireError> {
    let membership = location.membership()?;
    match membership.handle.topology() {
        Topology::Sfu => Ok(membership),
        Topology::P2p => Err(between_peers()),
    }
}

fn between_peers() -> WireError {
    WireError::with_message(ErrorCode::MediaUnsupported, BETWEEN_PEERS)
}

/// Asks the room's media, and logs its refusals.
async fn describe(
    membership: &Membership,
    refusals: &mut Refusals,
    (request, leg): (&'static str, Leg),
    description: Description,
) -> Result<Described, WireError> {
    let participant = &membership.participant;
    match membership.handle.describe(participant, description).await {
        Ok(described) => Ok(described),
        Err(DescribeError::BetweenPeers) => Err(between_peers()),
        Err(DescribeError::Refused(error)) => {
            Err(refused(membership, refusals, (request, leg), error))
        }
    }
}

/// The error that the client is told for a refusal. The log gets the same, a limited number of times.
fn refused(
    membership: &Membership,
    refusals: &mut Refusals,
    (request, leg): (&'static str, Leg),
    error: MediaError,
) -> WireError {
    let code = error.code();
    if refusals.is_logged(Instant::now()) {
        tracing::info!(
            room.id = %membership.room,
            participant.id = %membership.participant,
            request,
            connection = ?leg,
            code = code.as_str(),
            reason = %error,
            "A media request was refused."
        );
    }
    let refusal = WireError::with_message(code, error.to_string());
    match error {
        MediaError::TooFast(wait) => refusal.retry_after(wait.as_millis() as u64 + 1),
        MediaError::Busy | MediaError::Gone => refusal.retry_after(100),
        MediaError::Silent => refusal.retry_after(1_000),
        _ => refusal,
    }
}
