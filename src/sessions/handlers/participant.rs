//! What a participant changes about themselves.

use crate::meeting::command::Changes;
use crate::meeting::{Command, Reply};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::request::{ParticipantAnswer, ParticipantUpdate};
use crate::sessions::location::Location;

/// `participant.update`
pub async fn update(
    location: &Location,
    data: ParticipantUpdate,
) -> Result<ParticipantAnswer, WireError> {
    let membership = location.membership()?;
    let ParticipantUpdate {
        display_name,
        audio,
        video,
        hand,
    } = data;
    let changes = Changes {
        display_name,
        audio,
        video,
        hand,
    };
    match membership
        .handle
        .call(Command::Update {
            participant: membership.participant.clone(),
            changes,
        })
        .await?
    {
        Reply::Participant(participant) => Ok(ParticipantAnswer {
            participant: *participant,
        }),
        _ => Err(ErrorCode::ServerInternal.into()),
    }
}
