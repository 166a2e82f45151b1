//! What several handlers ask of rooms.

use super::room_view;
use crate::meeting::command::PasswordEdit;
use crate::meeting::permissions::Action;
use crate::meeting::{Command, Reply};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::object::Participant;
use crate::protocol::patch::Patch;
use crate::protocol::request::{Empty, RoomEdit};
use crate::rooms::{CallError, Registry};
use crate::sessions::location::{Location, Membership};
use crate::store::StoredRoom;

/// The session's participant as the others see it, if it may do `action` in its room.
///
/// # Errors
/// `perm.denied`, `room.not_joined`, or `server.busy`.
pub async fn authorised(membership: &Membership, action: Action) -> Result<Participant, WireError> {
    let authorise = Command::Authorise {
        participant: membership.participant.clone(),
        action,
    };
    match membership.handle.call(authorise).await? {
        Reply::Participant(person) => Ok(*person),
        _ => Err(ErrorCode::ServerInternal.into()),
    }
}

/// Gives a room the command that `of` makes of the asking participant. The answer says only that it worked.
///
/// # Errors
/// The room's own errors, `room.not_joined` outside of one, or `server.busy`.
pub async fn command(
    location: &Location,
    of: impl FnOnce(crate::protocol::ids::ParticipantId) -> Command,
) -> Result<Empty, WireError> {
    let membership = location.membership()?;
    membership
        .handle
        .call(of(membership.participant.clone()))
        .await?;
    Ok(Empty {})
}

/// The permission that this edit needs. Edits that only keep a meeting in order do not need the right to govern the
/// room.
pub fn edit_action(edit: &RoomEdit) -> Action {
    let RoomEdit {
        identity: _,
        version: _,
        locked: _,
        lobby: _,
        waiting: _,
        guests: _,
        start_muted: _,
        start_camera_off: _,
        permissions: _,
        name,
        begin_at,
        end_at,
        password,
        max_participants,
        topology,
        history,
        hide_number,
        early_ms,
        ends_on_time,
        recurrence,
        time_zone,
        permanent,
    } = edit;
    let is_orderly = name.is_none()
        && matches!(begin_at, Patch::Keep)
        && matches!(end_at, Patch::Keep)
        && matches!(password, Patch::Keep)
        && matches!(max_participants, Patch::Keep)
        && matches!(topology, Patch::Keep)
        && matches!(history, Patch::Keep)
        && matches!(hide_number, Patch::Keep)
        && matches!(early_ms, Patch::Keep)
        && matches!(ends_on_time, Patch::Keep)
        && matches!(recurrence, Patch::Keep)
        && matches!(time_zone, Patch::Keep)
        && matches!(permanent, Patch::Keep);
    match is_orderly {
        true => Action::Secure,
        false => Action::Edit,
    }
}

/// Tells a running room what was stored of it.
///
/// # Errors
/// Only a fault of the server: a room that closes just now need not be told.
pub async fn tell_of_edit(
    registry: &Registry,
    edited: &StoredRoom,
    password: PasswordEdit,
) -> Result<(), WireError> {
    let Some(handle) = registry.changed(&edited.identity) else {
        return Ok(());
    };
    let facts = Box::new(room_view::facts(edited));
    let result = handle.call_surely(Command::Edited { facts, password });
    gone_is_fine(result.await)
}

/// A room that closes just now need not be told.
pub fn gone_is_fine(result: Result<Reply, CallError>) -> Result<(), WireError> {
    match result {
        Ok(_) | Err(CallError::Gone) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
