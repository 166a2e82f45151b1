//! Links that let people in.

use super::room::{find, may};
use super::stored;
use crate::auth::InviteToken;
use crate::meeting::permissions::Action;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::object::Role;
use crate::protocol::request::{
    Empty, InviteCreate, InviteList, InviteMade, InviteRevoke, Invites,
};
use crate::protocol::time::Timestamp;
use crate::sessions::services::Rooms;
use crate::sessions::state::Asker;
use crate::store::{InviteUse, NewInvite, Store, StoredRoom, TokenHash};

/// How many people a link may let in.
const USES: std::ops::RangeInclusive<u32> = 1..=10_000;

/// `invite.create`
pub async fn create(
    rooms: &Rooms,
    asker: Asker<'_>,
    data: InviteCreate,
) -> Result<InviteMade, WireError> {
    let room = find(rooms, asker, &data.identity).await?;
    let role = data.role.unwrap_or(Role::Member);
    may(asker, &room, Action::Invite).await?;
    match role {
        Role::Member => {}
        Role::Cohost => may(asker, &room, Action::MakeCohost).await?,
        Role::Host => may(asker, &room, Action::MakeHost).await?,
    }
    let now = Timestamp::now();
    if data.max_uses.is_some_and(|uses| !USES.contains(&uses)) {
        return Err(WireError::bad_field(
            "data.max_uses",
            "must be from 1 to 10000",
        ));
    }
    if data.expires_at.is_some_and(|at| at <= now) {
        return Err(WireError::bad_field(
            "data.expires_at",
            "must be in the future",
        ));
    }
    let token = InviteToken::random();
    let new = NewInvite {
        token: TokenHash::new(token.digest()),
        role,
        name: data.name,
        expires_at: data.expires_at,
        max_uses: data.max_uses,
        created_by: asker.login.user.id.clone(),
    };
    let invite = rooms.store.create_invite(room.key, new, now).await;
    Ok(InviteMade {
        invite: invite.map_err(stored)?,
        token: token.reveal().to_owned(),
    })
}

/// `invite.list`
pub async fn list(rooms: &Rooms, asker: Asker<'_>, data: InviteList) -> Result<Invites, WireError> {
    let room = find(rooms, asker, &data.identity).await?;
    may(asker, &room, Action::Invite).await?;
    let invites = rooms.store.list_invites(room.key, Timestamp::now());
    Ok(Invites {
        invites: invites.await.map_err(stored)?,
    })
}

/// `invite.revoke`: participants whom the link has let in stay in.
pub async fn revoke(
    rooms: &Rooms,
    asker: Asker<'_>,
    data: InviteRevoke,
) -> Result<Empty, WireError> {
    let room = find(rooms, asker, &data.identity).await?;
    may(asker, &room, Action::Invite).await?;
    let revoked = rooms
        .store
        .revoke_invite(room.key, &data.invite, Timestamp::now());
    match revoked.await.map_err(stored)? {
        true => Ok(Empty {}),
        false => Err(WireError::bad_field(
            "data.invite",
            "is no invite of this room",
        )),
    }
}

/// Counts the session's user as let in by a link; attempts are limited per room and address.
///
/// # Errors
/// `room.denied` for everything that the link's token is not good for, `rate.limited`.
pub async fn follow(
    rooms: &Rooms,
    asker: Asker<'_>,
    room: &StoredRoom,
    token: &str,
) -> Result<InviteUse, WireError> {
    rooms
        .attempts
        .check_invite(asker.address, &room.identity)
        .map_err(|after| after.wire())?;
    let denied = || {
        WireError::with_message(
            ErrorCode::RoomDenied,
            "This invite link does not work: it was revoked, has expired or has let in everyone it is for.",
        )
    };
    let token = InviteToken::parse(token).ok_or_else(denied)?;
    let hash = TokenHash::new(token.digest());
    let user = &asker.login.user.id;
    let used = rooms
        .store
        .use_invite(room.key, &hash, user, Timestamp::now());
    used.await.map_err(stored)?.ok_or_else(denied)
}

/// Takes a use back, as the room did not let its user in. If that fails, the link lets in one user less than it could.
pub async fn release(store: &Store, used: &InviteUse) {
    if let Err(error) = store.release_invite(used).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "a use of an invite was not taken back"
        );
    }
}
