//! `meeting user`: accounts, made and listed beside a running server or without one.

use std::io::{BufRead as _, IsTerminal as _};

use serde::Serialize;

use super::Failure;
use super::output::{self, Format, Row};
use crate::auth::Passwords;
use crate::auth::passwords::check_strength;
use crate::protocol::ids::UserId;
use crate::protocol::text::{DisplayName, MAX_PASSWORD_BYTES, Password, Username};
use crate::protocol::time::Timestamp;
use crate::store::{Conflict, NewUser, PasswordHash, Store, StoreError, StoredUser, UserKey};

/// How many accounts are read at once.
const PAGE: u64 = 500;

/// Where a password is taken from. Never from the arguments, which every process of the machine can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordSource {
    /// Asked for twice on the terminal, without showing it.
    Prompt,
    /// The first line of standard input.
    Stdin,
}

/// What `user add` is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// What it logs in with.
    pub username: Username,
    /// What others see.
    pub display_name: DisplayName,
}

impl NewAccount {
    /// Checks both names; without a display name the user name is shown.
    pub fn parse(username: &str, display_name: Option<&str>) -> Result<Self, Failure> {
        let username = parse_username(username)?;
        let display_name = DisplayName::parse(display_name.unwrap_or(username.as_str()))
            .map_err(|error| Failure::new(format!("the display name {error}")))?;
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
}

impl From<StoredUser> for Account {
    fn from(user: StoredUser) -> Self {
        Self {
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

/// What a user name must be for any command that takes one.
pub fn parse_username(raw: &str) -> Result<Username, Failure> {
    Username::parse(raw).map_err(|error| Failure::new(format!("the user name {error}")))
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
    let account = Account::from(made);
    output::print(&match format {
        Format::Table => output::render(&[account], format)?,
        Format::Json => output::json(&account)?,
    })
}

/// Prints every account.
pub async fn list(store: &Store, format: Format) -> Result<(), Failure> {
    let accounts: Vec<Account> = all(store).await?.into_iter().map(Account::from).collect();
    output::print(&output::render(&accounts, format)?)
}

/// Sets an account's password; tokens issued before are void.
pub async fn set_password(
    store: &Store,
    username: &Username,
    password: Password,
) -> Result<(), Failure> {
    let failed = |error: StoreError| Failure::because("cannot set the password", &error);
    let found = store.find_user_by_name(username.as_str()).await;
    let Some(user) = found.map_err(failed)? else {
        return Err(Failure::new(format!("there is no account {username}")));
    };
    let hash = hash(&password, username).await?;
    store
        .set_password(user.key, &hash, Timestamp::now())
        .await
        .map_err(failed)?;
    output::print("The password is set.\n")
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

async fn hash(password: &Password, username: &Username) -> Result<PasswordHash, Failure> {
    let plain = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
    check_strength(password, username.as_str()).map_err(|error| plain(&error))?;
    let hash = Passwords::default().hash(password).await;
    hash.map(PasswordHash::new).map_err(|error| plain(&error))
}

/// Takes the password from where the caller said.
pub fn read_password(source: PasswordSource) -> Result<Password, Failure> {
    match source {
        PasswordSource::Stdin => first_line(std::io::stdin().lock()),
        PasswordSource::Prompt => prompt(),
    }
}

fn prompt() -> Result<Password, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(
            "there is no terminal to ask for the password; give it with --password-stdin",
        ));
    }
    let ask = |text: &str| {
        rpassword::prompt_password(text)
            .map_err(|error| Failure::because("cannot ask for the password", &error))
    };
    let password = ask("Password: ")?;
    if ask("Once more: ")? != password {
        return Err(Failure::new("the two passwords differ"));
    }
    Ok(Password::new(password))
}

/// The first line without its end. One that is too long is cut just past the limit, and then refused as too long.
fn first_line(input: impl std::io::BufRead) -> Result<Password, Failure> {
    let limit = u64::try_from(MAX_PASSWORD_BYTES + 3).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    input
        .take(limit)
        .read_until(b'\n', &mut bytes)
        .map_err(|error| Failure::because("cannot read the password", &error))?;
    let line =
        String::from_utf8(bytes).map_err(|_| Failure::new("the password is not valid UTF-8"))?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    Ok(Password::new(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_the_first_line_as_it_stands() {
        for (input, expected) in [
            ("correct horse\nbattery", "correct horse"),
            ("  spaced \r\n", "  spaced "),
            ("no line end", "no line end"),
            ("", ""),
        ] {
            assert_eq!(first_line(input.as_bytes()).unwrap().reveal(), expected);
        }
        let endless = "x".repeat(1 << 20);
        assert!(first_line(endless.as_bytes()).unwrap().is_too_long());
        assert!(first_line(&b"\xff\xfe\n"[..]).is_err());
    }

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
