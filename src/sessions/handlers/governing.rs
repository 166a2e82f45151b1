//! What those who govern a meeting do with others.

use super::{asking, stored};
use crate::meeting::command::PasswordEdit;
use crate::meeting::permissions::Action;
use crate::meeting::{Command, Reply};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::object::{BanLength, PermissionsChange, Source};
use crate::protocol::patch::Patch;
use crate::protocol::request::{
    Empty, ParticipantAskUnmute, ParticipantLowerHand, ParticipantMute, ParticipantRemove,
    ParticipantRename, ParticipantSetRole, Target,
};
use crate::protocol::time::Timestamp;
use crate::sessions::services::Services;
use crate::sessions::state::{Membership, SessionState};

/// `participant.mute`
pub async fn mute(
    services: &Services,
    state: &SessionState,
    data: ParticipantMute,
) -> Result<Empty, WireError> {
    let ParticipantMute {
        participant: whom,
        source,
        allow_unmute,
    } = data;
    if let Some(allow) = allow_unmute {
        if !matches!(whom, Target::Everyone(_)) || source != Source::Microphone {
            let why = "goes only with everyone's microphones";
            return Err(WireError::bad_field("data.allow_unmute", why));
        }
        let membership = state.membership()?;
        asking::authorised(membership, Action::Mute).await?;
        asking::authorised(membership, Action::Secure).await?;
        allow_unmuting(services, membership, allow).await?;
    }
    asking::command(state, |by| Command::Mute { by, whom, source }).await
}

/// Stores whether members may unmute themselves, and tells the room.
async fn allow_unmuting(
    services: &Services,
    membership: &Membership,
    allow: bool,
) -> Result<(), WireError> {
    let change = PermissionsChange {
        unmute: Some(allow),
        ..PermissionsChange::default()
    };
    let edit = crate::store::RoomEdit {
        permissions: Patch::Set(change),
        ..crate::store::RoomEdit::default()
    };
    let edited = services
        .store
        .edit_room(membership.key, None, edit, Timestamp::now());
    let edited = edited.await.map_err(stored)?;
    asking::tell_of_edit(services, &edited, PasswordEdit::Kept).await
}

/// `participant.ask_unmute`
pub async fn ask_unmute(
    state: &SessionState,
    data: ParticipantAskUnmute,
) -> Result<Empty, WireError> {
    let source = data.source.unwrap_or(Source::Microphone);
    if matches!(source, Source::Screen | Source::ScreenAudio) {
        let why = "must be microphone or camera";
        return Err(WireError::bad_field("data.source", why));
    }
    let whom = data.participant;
    asking::command(state, |by| Command::AskUnmute { by, whom, source }).await
}

/// `participant.lower_hand`
pub async fn lower_hand(
    state: &SessionState,
    data: ParticipantLowerHand,
) -> Result<Empty, WireError> {
    let whom = data.participant;
    asking::command(state, |by| Command::LowerHand { by, whom }).await
}

/// `participant.rename`
pub async fn rename(state: &SessionState, data: ParticipantRename) -> Result<Empty, WireError> {
    let ParticipantRename {
        participant: whom,
        display_name,
    } = data;
    let rename = |by| Command::Rename {
        by,
        whom,
        display_name,
    };
    asking::command(state, rename).await
}

/// `participant.set_role`
pub async fn set_role(state: &SessionState, data: ParticipantSetRole) -> Result<Empty, WireError> {
    let ParticipantSetRole {
        participant: whom,
        role,
    } = data;
    asking::command(state, |by| Command::SetRole { by, whom, role }).await
}

/// `participant.remove`; a ban that is for good is stored first.
pub async fn remove(
    services: &Services,
    state: &SessionState,
    data: ParticipantRemove,
) -> Result<Empty, WireError> {
    let whom = data.participant;
    let ban = data.ban.and_then(|ban| ban.length());
    if ban == Some(BanLength::Forever) {
        let membership = state.membership()?;
        let consider = Command::ConsiderBan {
            by: membership.participant.clone(),
            whom: whom.clone(),
            until: BanLength::Forever,
        };
        let Reply::Ban(ban) = membership.handle.call(consider).await? else {
            return Err(ErrorCode::ServerInternal.into());
        };
        services
            .store
            .ban(membership.key, &ban)
            .await
            .map_err(stored)?;
    }
    asking::command(state, |by| Command::Remove { by, whom, ban }).await
}
