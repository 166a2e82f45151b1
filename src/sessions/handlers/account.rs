//! The user's own account.

use super::{kept, people, stored};
use crate::auth::passwords::check_strength;
use crate::meeting::Command;
use crate::network::Network;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::object::User;
use crate::protocol::request::{AccountUpdate, UserAnswer};
use crate::protocol::text::Password;
use crate::protocol::time::Timestamp;
use crate::sessions::location::Location;
use crate::sessions::services::Accounts;
use crate::sessions::state::SessionState;
use crate::store::{PasswordHash, UserKey};

/// `account.update`: all of it or nothing.
pub async fn update(
    accounts: &Accounts,
    state: &mut SessionState,
    data: AccountUpdate,
) -> Result<UserAnswer, WireError> {
    let login = state.login()?.clone();
    let Some(key) = login.account else {
        if data.new_password.is_some() {
            return Err(ErrorCode::PermDenied.into());
        }
        let name = data.display_name;
        let user = name.map_or(login.user.clone(), |name| {
            people::guest(login.user.id, name)
        });
        return Ok(changed(state, user).await);
    };
    let password = match &data.new_password {
        Some(new) => Some(
            new_hash(
                accounts,
                state.client.address,
                key,
                data.current_password,
                new,
            )
            .await?,
        ),
        None => None,
    };
    if password.is_none() && data.display_name.is_none() {
        return Ok(changed(state, login.user).await);
    }
    let now = Timestamp::now();
    if password.is_some() {
        // This comes before the change can be seen in the database: a check there must not end this session for it.
        accounts.table.renew(&state.client.session, now);
    }
    let name = data.display_name.as_ref();
    let change = accounts
        .store
        .change_user(key, password.as_ref(), name, now);
    change.await.map_err(stored)?;
    if password.is_some() {
        // Its client asks for a new token with `auth.refresh`.
        accounts
            .table
            .revoke_user(&login.user.id, &state.client.session);
    }
    let user = match data.display_name {
        Some(_) => {
            let account = accounts.store.find_user_by_key(key).await;
            let account = account.map_err(stored)?;
            people::account(&account.ok_or(ErrorCode::AuthRequired)?)
        }
        None => login.user,
    };
    Ok(changed(state, user).await)
}

/// Takes up the user's present name, here and in the room.
async fn changed(state: &mut SessionState, user: User) -> UserAnswer {
    if let Some(login) = &mut state.login {
        login.user = user.clone();
    }
    tell_of_name(&state.location, &user).await;
    UserAnswer { user }
}

/// Tells the others in the room, if people may rename themselves there.
async fn tell_of_name(location: &Location, user: &User) {
    let Some(membership) = location.inside() else {
        return;
    };
    let renamed = Command::Renamed {
        participant: membership.participant.clone(),
        user: Box::new(user.clone()),
    };
    if membership.handle.call_surely(renamed).await.is_err() {
        tracing::debug!(room.id = %membership.room, "the room was left before");
    }
}

/// The hash of a new password, if the present password was given with it.
async fn new_hash(
    accounts: &Accounts,
    address: Network,
    key: UserKey,
    current: Option<Password>,
    new: &Password,
) -> Result<PasswordHash, WireError> {
    let Some(current) = current else {
        return Err(WireError::bad_field(
            "data.current_password",
            "is needed to set a new password",
        ));
    };
    let account = accounts
        .store
        .find_user_by_key(key)
        .await
        .map_err(stored)?
        .ok_or(ErrorCode::AuthRequired)?;
    accounts
        .attempts
        .check_login(address, account.username.as_str())
        .map_err(|after| after.wire())?;
    accounts
        .passwords
        .verify(address, &current, Some(kept(&account.password)))
        .await
        .map_err(|error| error.wire())?;
    accounts
        .attempts
        .login_was_right(address, account.username.as_str());
    check_strength(new, account.username.as_str()).map_err(|error| error.wire())?;
    let hash = accounts
        .passwords
        .hash(address, new)
        .await
        .map_err(|error| error.wire())?;
    Ok(PasswordHash::new(hash))
}
