//! One's own account.

use super::{kept, people, stored};
use crate::auth::passwords::check_strength;
use crate::meeting::Command;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::object::User;
use crate::protocol::request::{AccountUpdate, UserAnswer};
use crate::protocol::text::Password;
use crate::protocol::time::Timestamp;
use crate::store::{PasswordHash, UserKey};
use crate::ws::services::Services;
use crate::ws::state::SessionState;

/// `account.update`: all of it or nothing.
pub async fn update(
    services: &Services,
    state: &mut SessionState,
    data: AccountUpdate,
) -> Result<UserAnswer, WireError> {
    let login = state.login()?.clone();
    match (login.account, data.new_password) {
        (None, Some(_)) => return Err(ErrorCode::PermDenied.into()),
        (Some(account), Some(new)) => {
            change_password(services, state, account, data.current_password, &new).await?;
        }
        (_, None) => {}
    }
    let mut user = login.user;
    if let Some(name) = data.display_name {
        user = match login.account {
            Some(account) => {
                services
                    .store
                    .set_display_name(account, &name, Timestamp::now())
                    .await
                    .map_err(stored)?;
                let account = services
                    .store
                    .find_user_by_key(account)
                    .await
                    .map_err(stored)?;
                people::account(&account.ok_or(ErrorCode::AuthRequired)?)
            }
            None => people::guest(user.id, name),
        };
    }
    if let Some(login) = &mut state.login {
        login.user = user.clone();
    }
    tell_of_name(state, &user).await;
    Ok(UserAnswer { user })
}

/// Tells the others in the room, if people may rename themselves there.
async fn tell_of_name(state: &SessionState, user: &User) {
    let Some(stay) = &state.stay else { return };
    let renamed = Command::Renamed {
        participant: stay.participant.clone(),
        user: Box::new(user.clone()),
    };
    if stay.handle.call_surely(renamed).await.is_err() {
        tracing::debug!(room.id = %stay.room, "the room was left before");
    }
}

/// Sets a new password, voids every token issued before and ends the account's other sessions. This session stays; its
/// client asks for a new token with `auth.refresh`.
async fn change_password(
    services: &Services,
    state: &SessionState,
    key: UserKey,
    current: Option<Password>,
    new: &Password,
) -> Result<(), WireError> {
    let Some(current) = current else {
        return Err(WireError::bad_field(
            "data.current_password",
            "is needed to set a new password",
        ));
    };
    let account = services
        .store
        .find_user_by_key(key)
        .await
        .map_err(stored)?
        .ok_or(ErrorCode::AuthRequired)?;
    services
        .tries
        .check_login(state.address, account.username.as_str())
        .map_err(|after| after.wire())?;
    services
        .passwords
        .verify(&current, Some(kept(&account.password)))
        .await
        .map_err(|error| error.wire())?;
    check_strength(new, account.username.as_str()).map_err(|error| error.wire())?;
    let hash = services
        .passwords
        .hash(new)
        .await
        .map_err(|error| error.wire())?;
    let now = Timestamp::now();
    // Before it can be seen in the database: whoever looks there must not end this session for it.
    services.directory().renew(&state.id, now);
    services
        .store
        .set_password(key, &PasswordHash::new(hash), now)
        .await
        .map_err(stored)?;
    services.directory().revoke_user(&account.id, &state.id);
    Ok(())
}
