//! Accounts.

use std::collections::HashSet;

use entity::row_id::RowId;
use entity::user_basic;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _};

use super::{
    Adoption, AdoptionMode, OldNumber, OldTime, forget_impossible_times, read, select, waiting,
};
use crate::protocol::ids::UserId;
use crate::protocol::text::{DisplayName, Username};
use crate::store::db::Db;
use crate::store::users::folded;
use crate::store::{PasswordHash, StoreError};

/// When a row was made, changed and deleted.
const LIFE: [&str; 3] = ["created_at", "updated_at", "deleted_at"];

/// How many characters of a name are kept when something is appended.
const STEM_CHARS: usize = 48;

#[derive(FromQueryResult)]
struct OldUser {
    id: OldNumber,
    deleted_at: OldTime,
    username: Option<String>,
    password: Option<String>,
}

impl OldUser {
    fn name(&self) -> &str {
        self.username.as_deref().unwrap_or_default()
    }
}

#[derive(FromQueryResult)]
struct KeyRow {
    username_key: String,
}

pub(super) async fn adopt(
    db: &Db,
    mode: AdoptionMode,
    report: &mut Adoption,
) -> Result<(), StoreError> {
    let waiting = waiting(
        db,
        "user_basic",
        "identity",
        Expr::col("identity").is_null(),
    )
    .await?;
    forget_impossible_times(db, mode, "user_basic", &LIFE, &waiting).await?;
    let columns = ["id", "deleted_at", "username", "password"];
    let mut users: Vec<OldUser> =
        read(db, &select("user_basic", &columns, waiting.clone())).await?;
    if users.is_empty() {
        return Ok(());
    }
    let mut names = Names::default();
    if waiting.is_some() {
        let known = Some(Expr::col("username_key").is_not_null());
        let keys: Vec<KeyRow> = read(db, &select("user_basic", &["username_key"], known)).await?;
        names
            .taken
            .extend(keys.into_iter().map(|row| row.username_key));
        names.reserved.extend(names.taken.iter().cloned());
    }
    for user in &users {
        names.reserved.insert(folded(user.name()));
        names
            .reserved
            .insert(folded(Username::adopted(user.name()).as_str()));
    }
    users.sort_by_key(|user| (user.deleted_at.0.is_some(), user.id));
    let rows: Vec<_> = users
        .iter()
        .filter_map(|user| {
            let Some(row) = user.id.row() else {
                let remark = "its number is too large: it is left as it is and cannot log in";
                report.remark("user_basic", user.id, remark);
                return None;
            };
            Some((row, user_columns(user, row, &mut names, report)))
        })
        .collect();
    if mode == AdoptionMode::DryRun {
        return Ok(());
    }
    let write = db.write_many(async |writing| {
        for (id, row) in rows {
            user_basic::Entity::update_many()
                .set(row)
                .filter(user_basic::Column::Id.eq(id))
                .filter(user_basic::Column::Identity.is_null())
                .exec(writing)
                .await?;
        }
        Ok(())
    });
    write.await
}

/// Values for the new columns of an account, and for empty old columns that must not be empty.
fn user_columns(
    user: &OldUser,
    id: RowId,
    names: &mut Names,
    report: &mut Adoption,
) -> user_basic::ActiveModel {
    let name = Username::adopted(user.name());
    let is_legacy = user.password.as_deref().is_some_and(is_md5);
    let mut row = user_basic::ActiveModel {
        identity: Set(UserId::random().as_str().to_owned()),
        display_name: Set(display_name(user, &name)),
        password_legacy: Set(is_legacy),
        ..Default::default()
    };
    if user.password.is_none() {
        row.password = Set(PasswordHash::unset().reveal().to_owned());
    }
    if user.deleted_at.0.is_some() {
        let freed = names.invent(&name, '#', id);
        row.username_key = Set(folded(&freed));
        row.username = Set(freed);
        return row;
    }
    report.users += 1;
    report.legacy_passwords += usize::from(is_legacy);
    let remark = if names.taken.insert(folded(name.as_str())) {
        row.username_key = Set(folded(name.as_str()));
        if user.username.is_none() {
            row.username = Set(name.as_str().to_owned());
        }
        (name.as_str() != user.name())
            .then(|| format!("logs in by its old name; others see the user name {name}"))
    } else {
        let renamed = names.invent(&name, '-', id);
        row.username_key = Set(folded(&renamed));
        let remark = format!("the name belongs to an older account; this one is now {renamed}");
        row.username = Set(renamed);
        Some(remark)
    };
    if let Some(remark) = remark {
        report.remark("user_basic", user.id, remark);
    }
    if !is_legacy {
        let remark =
            "its password is no MD5 hash, or an empty one's: set one with `meeting user passwd`";
        report.remark("user_basic", user.id, remark);
    }
    row
}

/// Whether this is the MD5 hash of a password, in hex. The hash of an empty password is excluded.
fn is_md5(password: &str) -> bool {
    const OF_NOTHING: &str = "d41d8cd98f00b204e9800998ecf8427e";
    password.len() == 32
        && password.bytes().all(|b| b.is_ascii_hexdigit())
        && !password.eq_ignore_ascii_case(OF_NOTHING)
}

fn display_name(user: &OldUser, name: &Username) -> String {
    let shown = DisplayName::cut(user.name());
    shown.map_or_else(|| name.to_string(), |shown| shown.to_string())
}

/// The user names that are in use, in the form in which they are compared.
#[derive(Default)]
struct Names {
    /// The names of existing accounts.
    taken: HashSet<String>,
    /// Those, and all names in the table. No account is renamed to one of them.
    reserved: HashSet<String>,
}

impl Names {
    /// Makes a free name from a name and its row.
    fn invent(&mut self, name: &Username, mark: char, row: RowId) -> String {
        let stem: String = name.as_str().chars().take(STEM_CHARS).collect();
        let mut invented = format!("{stem}{mark}{}", row.0);
        while !self.reserved.insert(folded(&invented)) {
            invented.push(mark);
        }
        self.taken.insert(folded(&invented));
        invented
    }
}
