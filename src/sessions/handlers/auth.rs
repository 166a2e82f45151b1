//! Coming in: accounts, guests, tokens.

use super::{kept, people, stored};
use crate::auth::tokens::MAX_LIFETIME;
use crate::auth::{Issued, Subject, Token};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::UserId;
use crate::protocol::object::{User, UserKind};
use crate::protocol::request::{
    AuthGuest, AuthLogin, AuthRegister, AuthToken, Authenticated, Empty,
};
use crate::protocol::text::DisplayName;
use crate::protocol::time::Timestamp;
use crate::sessions::services::{Accounts, GuestPolicy, RegistrationPolicy};
use crate::sessions::state::{Login, SessionState};
use crate::sessions::table::Pass;
use crate::store::{NewUser, PasswordHash, StoredUser, UserKey};

/// `auth.register`
pub async fn register(
    accounts: &Accounts,
    state: &mut SessionState,
    data: AuthRegister,
) -> Result<Authenticated, WireError> {
    if accounts.registration == RegistrationPolicy::Closed {
        return Err(WireError::with_message(
            ErrorCode::PermDenied,
            "Accounts are made by the administrator here.",
        ));
    }
    accounts
        .attempts
        .check_registration(state.client.address)
        .map_err(|after| after.wire())?;
    crate::auth::passwords::check_strength(&data.password, data.username.as_str())
        .map_err(|error| error.wire())?;
    let display_name = match data.display_name {
        Some(name) => name,
        None => DisplayName::parse(data.username.as_str())
            .map_err(|error| WireError::bad_field("data.display_name", error))?,
    };
    let hash = accounts
        .passwords
        .hash(state.client.address, &data.password)
        .await
        .map_err(|error| error.wire())?;
    let new = NewUser {
        username: data.username,
        display_name,
        password: PasswordHash::new(hash),
    };
    let account = accounts
        .store
        .create_user(new, Timestamp::now())
        .await
        .map_err(stored)?;
    Ok(enter_account(accounts, state, &account).await)
}

/// `auth.login`
pub async fn login(
    accounts: &Accounts,
    state: &mut SessionState,
    data: AuthLogin,
) -> Result<Authenticated, WireError> {
    accounts
        .attempts
        .check_login(state.client.address, &data.username)
        .map_err(|after| after.wire())?;
    let account = accounts
        .store
        .find_user_by_name(&data.username)
        .await
        .map_err(stored)?;
    let account = verify(accounts, state, &data, account).await?;
    accounts
        .attempts
        .login_was_right(state.client.address, &data.username);
    Ok(enter_account(accounts, state, &account).await)
}

/// Checks the password. An unknown name takes as long as a known one; a disabled account answers alike.
async fn verify(
    accounts: &Accounts,
    state: &SessionState,
    data: &AuthLogin,
    account: Option<StoredUser>,
) -> Result<StoredUser, WireError> {
    let hash = account.as_ref().map(|account| &account.password);
    // An account that was never given a password is checked like one that does not exist.
    let hash = hash.filter(|hash| hash.is_set()).map(kept);
    let verified = accounts
        .passwords
        .verify(state.client.address, &data.password, hash)
        .await
        .map_err(|error| error.wire())?;
    let Some(account) = account.filter(|account| account.disabled_at.is_none()) else {
        return Err(ErrorCode::BadCredentials.into());
    };
    if let Some(rehash) = verified.rehash {
        let (old, new) = (account.password.clone(), PasswordHash::new(rehash));
        let now = Timestamp::now();
        let rehashed = accounts.store.rehash_password(account.key, &old, &new, now);
        match rehashed.await {
            Ok(()) => {}
            // The new hash waits for the next log-in; nobody is kept out for it.
            Err(error) if error.is_passing() => {}
            Err(error) => return Err(stored(error)),
        }
    }
    Ok(account)
}

/// `auth.guest`
pub async fn guest(
    accounts: &Accounts,
    state: &mut SessionState,
    data: AuthGuest,
) -> Result<Authenticated, WireError> {
    if accounts.guests == GuestPolicy::Refused {
        return Err(ErrorCode::GuestDisabled.into());
    }
    accounts
        .attempts
        .check_guest(state.client.address)
        .map_err(|after| after.wire())?;
    Ok(enter(
        accounts,
        state,
        people::guest(UserId::random(), data.display_name),
        None,
    )
    .await)
}

/// `auth.token`
pub async fn token(
    accounts: &Accounts,
    state: &mut SessionState,
    data: AuthToken,
) -> Result<Authenticated, WireError> {
    let now = Timestamp::now();
    let token = accounts
        .tokens
        .verify(&data.token, now)
        .map_err(|error| error.code())?;
    if is_revoked(accounts, &token.id).await? {
        return Err(ErrorCode::TokenInvalid.into());
    }
    let (user, account) = match token.subject.kind {
        UserKind::Account => {
            let account = account_of(accounts, &token).await?;
            (people::account(&account), Some(account.key))
        }
        UserKind::Guest => (guest_of(accounts, token.subject.clone())?, None),
    };
    let issued = Issued {
        token: data.token,
        claims: token,
    };
    let jti = issued.claims.id.clone();
    let admitted = admit(accounts, state, user, account, issued).await;
    // A log-out in between did not find this session in the directory yet.
    if is_revoked(accounts, &jti).await? {
        accounts.table.log_out(&state.client.session);
        state.login = None;
        return Err(ErrorCode::TokenInvalid.into());
    }
    Ok(admitted)
}

async fn is_revoked(accounts: &Accounts, jti: &str) -> Result<bool, WireError> {
    accounts.store.is_token_revoked(jti).await.map_err(stored)
}

async fn account_of(accounts: &Accounts, token: &Token) -> Result<StoredUser, WireError> {
    let account = accounts
        .store
        .find_user(&token.subject.id)
        .await
        .map_err(stored)?;
    account
        .filter(|account| account.admits_token_of(token.issued_at))
        .ok_or_else(|| ErrorCode::TokenInvalid.into())
}

fn guest_of(accounts: &Accounts, subject: Subject) -> Result<User, WireError> {
    if accounts.guests == GuestPolicy::Refused {
        return Err(ErrorCode::GuestDisabled.into());
    }
    let name = subject.name.ok_or(ErrorCode::TokenInvalid)?;
    Ok(people::guest(subject.id, name))
}

/// `auth.refresh`
pub async fn refresh(
    accounts: &Accounts,
    state: &mut SessionState,
) -> Result<Authenticated, WireError> {
    let login = state.login()?.clone();
    if let Some(account) = login.account {
        check_login_stands(accounts, state, account).await?;
    }
    let subject = subject_of(&login.user);
    let (began, now) = (login.logged_in_at, Timestamp::now());
    let renewed = accounts.tokens.renew(subject, login.jti, began, now);
    let issued = renewed.map_err(|error| error.code())?;
    Ok(admit(accounts, state, login.user, login.account, issued).await)
}

/// Whether a new token would be void at once: the account was disabled, deleted or given another password. This session
/// is about to be ended for that, and has not been told yet.
async fn check_login_stands(
    accounts: &Accounts,
    state: &SessionState,
    account: UserKey,
) -> Result<(), WireError> {
    let found = accounts.store.find_user_by_key(account).await;
    let since = accounts.table.since(&state.client.session);
    match (found.map_err(stored)?, since) {
        (Some(account), Some(since)) if account.admits_token_of(since) => Ok(()),
        _ => Err(ErrorCode::TokenInvalid.into()),
    }
}

/// `auth.logout`
pub async fn logout(accounts: &Accounts, state: &mut SessionState) -> Result<Empty, WireError> {
    let login = state.login()?.clone();
    // Another session may have refreshed this log-in's token later than this one did.
    let longest = i64::try_from(MAX_LIFETIME.as_millis()).unwrap_or(i64::MAX);
    let voided_until = Timestamp::now().plus_millis(longest);
    accounts
        .store
        .revoke_token(&login.jti, voided_until)
        .await
        .map_err(stored)?;
    accounts
        .table
        .revoke_token(&login.jti, &state.client.session);
    accounts.table.log_out(&state.client.session);
    state.location.leave().await;
    state.login = None;
    Ok(Empty {})
}

async fn enter_account(
    accounts: &Accounts,
    state: &mut SessionState,
    account: &StoredUser,
) -> Authenticated {
    enter(accounts, state, people::account(account), Some(account.key)).await
}

/// Logs a session in as `user`, with a new token.
async fn enter(
    accounts: &Accounts,
    state: &mut SessionState,
    user: User,
    account: Option<UserKey>,
) -> Authenticated {
    let issued = accounts.tokens.issue(subject_of(&user), Timestamp::now());
    admit(accounts, state, user, account, issued).await
}

fn subject_of(user: &User) -> Subject {
    Subject {
        id: user.id.clone(),
        kind: user.kind,
        name: (user.kind == UserKind::Guest).then(|| user.display_name.clone()),
    }
}

/// Gives this session to `user`. A different user does not inherit the membership in a room.
async fn admit(
    accounts: &Accounts,
    state: &mut SessionState,
    user: User,
    account: Option<UserKey>,
    issued: Issued,
) -> Authenticated {
    if state
        .login
        .as_ref()
        .is_some_and(|login| login.user.id != user.id)
    {
        state.location.leave().await;
    }
    let Issued { token, claims } = issued;
    let pass = Pass {
        user: user.id.clone(),
        kind: user.kind,
        jti: claims.id.clone(),
        logged_in_at: claims.logged_in_at,
        since: claims.issued_at,
    };
    let resume_token = accounts.table.log_in(&state.client.session, pass);
    state.login = Some(Login {
        user: user.clone(),
        account,
        jti: claims.id,
        logged_in_at: claims.logged_in_at,
    });
    Authenticated {
        user,
        token,
        expires_at: claims.expires_at,
        resume_token,
    }
}
