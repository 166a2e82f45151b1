//! `meeting user`: accounts, beside a running server or without one.

use serde::Serialize;

use super::Failure;
use super::output::{self, Format, Row};
use crate::auth::Passwords;
use crate::auth::passwords::check_strength;
use crate::network::Network;
use crate::protocol::ids::UserId;
use crate::protocol::text::{DisplayName, Password, Username};
use crate::protocol::time::Timestamp;
use crate::store::{Conflict, NewUser, PasswordHash, Store, StoreError, StoredUser, UserKey};

/// How many accounts are read at once.
const PAGE: u64 = 500;

/// What `user add` is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// What it logs in with.
    pub username: Username,
    /// What others see.
    pub display_name: DisplayName,
}

impl NewAccount {
    /// Checks both names. The default display name is the user name.
    pub fn parse(username: &str, display_name: Option<&str>) -> Result<Self, Failure> {
        let username = parse_username(username)?;
        let display_name = DisplayName::parse(display_name.unwrap_or(username.as_str()))
            .map_err(|error| Failure::wrong_value(format!("the display name {error}")))?;
        Ok(Self {
            username,
            display_name,
        })
    }
}

/// An account as it is printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    id: UserId,
    username: Username,
    display_name: DisplayName,
    created_at: Timestamp,
    disabled_at: Option<Timestamp>,
    /// False for imported people, until `user passwd` gives them a password.
    has_password: bool,
}

impl From<StoredUser> for Account {
    fn from(user: StoredUser) -> Self {
        Self {
            has_password: user.password.is_set(),
            id: user.id,
            username: user.username,
            display_name: user.display_name,
            created_at: user.created_at,
            disabled_at: user.disabled_at,
        }
    }
}

impl Row for Account {
    const HEADINGS: &'static [&'static str] = &["ID", "CREATED", "DISABLED", "USERNAME", "NAME"];

    fn cells(&self) -> Vec<String> {
        let disabled = self.disabled_at.map_or("-".to_owned(), |at| at.to_string());
        vec![
            self.id.to_string(),
            self.created_at.to_string(),
            disabled,
            self.username.to_string(),
            self.display_name.to_string(),
        ]
    }
}

fn parse_username(raw: &str) -> Result<Username, Failure> {
    Username::parse(raw).map_err(|error| Failure::wrong_value(format!("the user name {error}")))
}

/// Makes an account and prints it.
pub async fn add(
    store: &Store,
    new: NewAccount,
    password: Password,
    format: Format,
) -> Result<(), Failure> {
    let hash = hash(&password, &new.username).await?;
    let user = NewUser {
        username: new.username.clone(),
        display_name: new.display_name,
        password: hash,
    };
    let made = store
        .create_user(user, Timestamp::now())
        .await
        .map_err(|error| match error {
            StoreError::Conflict(Conflict::Username) => {
                Failure::new(format!("the user name {} is taken", new.username))
            }
            other => Failure::because("cannot make the account", &other),
        })?;
    print(made, format)
}

/// Prints every account.
pub async fn list(store: &Store, format: Format) -> Result<(), Failure> {
    let accounts: Vec<Account> = all(store).await?.into_iter().map(Account::from).collect();
    output::print(&output::render(&accounts, format)?)
}

/// Sets the password of an account. Earlier tokens become void, and a running server ends the sessions.
pub async fn set_password(
    store: &Store,
    username: &str,
    password: Password,
    format: Format,
) -> Result<(), Failure> {
    let user = find(store, username).await?;
    let hash = hash(&password, &user.username).await?;
    store
        .set_password(user.key, &hash, Timestamp::now())
        .await
        .map_err(|error| Failure::because("cannot set the password", &error))?;
    match format {
        Format::Table => output::print("The password is set.\n"),
        Format::Json => print(user, format),
    }
}

/// Whether an account may log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It may.
    Enabled,
    /// It may not log in, and a running server ends its sessions.
    Disabled,
}

/// Disables or enables an account, and prints it. Doing so again changes nothing.
pub async fn set_access(
    store: &Store,
    username: &str,
    access: Access,
    format: Format,
) -> Result<(), Failure> {
    let mut user = find(store, username).await?;
    let now = Timestamp::now();
    let since = match access {
        Access::Enabled => None,
        Access::Disabled => Some(user.disabled_at.unwrap_or(now)),
    };
    store
        .set_user_disabled(user.key, since, now)
        .await
        .map_err(|error| Failure::because("cannot change the account", &error))?;
    user.disabled_at = since;
    print(user, format)
}

/// Deletes an account and its rooms. Asks `confirm` first, unless nobody can be asked.
pub async fn delete(
    store: &Store,
    username: &str,
    confirm: impl FnOnce(&str) -> Result<(), Failure>,
    format: Format,
) -> Result<(), Failure> {
    let user = find(store, username).await?;
    confirm(&format!(
        "This deletes the account {} and every room of it.",
        user.username
    ))?;
    let rooms = store
        .delete_user(user.key, Timestamp::now())
        .await
        .map_err(|error| Failure::because("cannot delete the account", &error))?;
    output::print(&match format {
        Format::Table => format!(
            "The account {} is deleted, and its rooms with it: {rooms}.\n",
            user.username
        ),
        Format::Json => output::json(&serde_json::json!({
            "id": user.id,
            "username": user.username,
            "deleted": true,
            "rooms_deleted": rooms,
        }))?,
    })
}

/// Finds an account by the name that its owner types to log in.
async fn find(store: &Store, username: &str) -> Result<StoredUser, Failure> {
    let found = store.find_user_by_name(username).await;
    found
        .map_err(|error| Failure::because("cannot read the accounts", &error))?
        .ok_or_else(|| Failure::new(format!("there is no account {username}")))
}

fn print(user: StoredUser, format: Format) -> Result<(), Failure> {
    let account = Account::from(user);
    output::print(&match format {
        Format::Table => output::render(&[account], format)?,
        Format::Json => output::json(&account)?,
    })
}

/// Every account, the oldest first.
pub async fn all(store: &Store) -> Result<Vec<StoredUser>, Failure> {
    let mut users: Vec<StoredUser> = Vec::new();
    loop {
        let after: Option<UserKey> = users.last().map(|user| user.key);
        let page = store
            .list_users(after, PAGE)
            .await
            .map_err(|error| Failure::because("cannot read the accounts", &error))?;
        if page.is_empty() {
            return Ok(users);
        }
        users.extend(page);
    }
}

/// This process has one caller, so any network will do.
fn here() -> Network {
    Network::of(std::net::Ipv4Addr::LOCALHOST.into())
}

async fn hash(password: &Password, username: &Username) -> Result<PasswordHash, Failure> {
    check_strength(password, username.as_str())
        .map_err(|error| Failure::wrong_value(error.to_string()))?;
    let hash = Passwords::default().hash(here(), password).await;
    hash.map(PasswordHash::new)
        .map_err(|error| Failure::new(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_before_anything_is_asked() {
        let refused = NewAccount::parse("a b", None).unwrap_err().to_string();
        assert!(refused.starts_with("the user name must be"), "{refused}");
        let refused = NewAccount::parse("ada", Some(" ")).unwrap_err().to_string();
        assert_eq!(refused, "the display name must not be empty");
        let shown = NewAccount::parse("ada", None).unwrap().display_name;
        assert_eq!(shown.as_str(), "ada");
    }
}
