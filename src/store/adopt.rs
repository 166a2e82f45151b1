//! Taking over the rows of the older Meeting (Go).
//!
//! The migrations give its tables the columns that they lack; here its rows get what those columns need. Nothing is
//! removed, and a row that is not taken over stays as it is: every query leaves it out. Rows that its programs write
//! later are taken over when the store is next opened, or by `meeting db adopt`. The rules:
//!
//! - A user name that this server would refuse stays good for logging in; others see [`Username::adopted`] of it.
//! - Of user names that differ in case alone the oldest row keeps it, each other becomes `name-ROW`.
//! - A deleted user's name becomes `name#ROW`, as after any deletion here, so that it is free again.
//! - A room without an owner, or with an identity that no link could carry or that reads as a number, is left as it is.
//! - How long somebody was in a room was never written: such a stay ends when it begins.

use std::collections::{HashMap, HashSet};

use entity::row_id::RowId;
use entity::{room_basic, room_user, user_basic};
use migration::{Migrator, MigratorTrait as _, SchemaManager};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTime;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query, SelectStatement};
use sea_orm::{
    ColIdx, ColumnTrait as _, ConnectionTrait as _, DatabaseConnection, EntityTrait as _,
    FromQueryResult, QueryFilter as _, QueryResult, TransactionTrait as _, TryGetError, TryGetable,
};
use serde::Serialize;

use super::StoreError;
use super::is_room_number;
use super::row::column;
use super::users::folded;
use crate::protocol::ids::{RoomIdentity, UserId};
use crate::protocol::object::Permissions;
use crate::protocol::text::{DisplayName, RoomName, Username};
use crate::protocol::time::Timestamp;

/// How many characters of a name are kept where something is added to it.
const STEM_CHARS: usize = 48;

/// Seconds of this century, taken for milliseconds, lie before this.
const SECONDS_END_BEFORE: DateTime = chrono::DateTime::UNIX_EPOCH
    .naive_utc()
    .checked_add_signed(chrono::TimeDelta::days(365))
    .expect("a year after 1970 is a time");

/// Whether to change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdoptionMode {
    /// Only say what would be done.
    DryRun,
    /// Do it.
    Apply,
}

/// What was taken over, or would be.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Adoption {
    /// Steps of the schema.
    pub migrations: Vec<String>,
    /// Accounts.
    pub users: usize,
    /// Those of them that log in by an MD5 hash, once.
    pub legacy_passwords: usize,
    /// Rooms.
    pub rooms: usize,
    /// Stays in rooms.
    pub stays: usize,
    /// What is out of the ordinary, row by row.
    pub remarks: Vec<Remark>,
}

/// Something about one row that its owner should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// The row's table.
    pub table: &'static str,
    /// The row's number.
    pub row: i64,
    /// What is the matter, and what is done about it.
    pub remark: String,
}

/// Brings the schema up to date and takes over what waits for it; or says what that would be.
pub(super) async fn adopt(
    pool: &DatabaseConnection,
    mode: AdoptionMode,
) -> Result<Adoption, StoreError> {
    let pending = Migrator::get_pending_migrations_read_only(pool).await?;
    let mut report = Adoption {
        migrations: pending.iter().map(|step| step.name().to_owned()).collect(),
        ..Adoption::default()
    };
    if mode == AdoptionMode::Apply && !pending.is_empty() {
        Migrator::up(pool, None).await?;
    }
    let schema = SchemaManager::new(pool);
    if schema.has_table("user_basic").await? {
        adopt_users(pool, mode, &mut report).await?;
        if schema.has_table("room_basic").await? {
            adopt_rooms(pool, mode, &mut report).await?;
            if schema.has_table("room_user").await? {
                adopt_stays(pool, mode, &mut report).await?;
            }
        }
    }
    Ok(report)
}

impl Adoption {
    fn remark(&mut self, table: &'static str, row: RowId, remark: impl Into<String>) {
        self.remarks.push(Remark {
            table,
            row: row.0,
            remark: remark.into(),
        });
    }
}

/// The condition under which a row waits to be taken over; none while the schema has no place to tell.
async fn waiting(
    pool: &DatabaseConnection,
    table: &'static str,
    column: &'static str,
    condition: Expr,
) -> Result<Option<Expr>, StoreError> {
    let known = SchemaManager::new(pool).has_column(table, column).await?;
    Ok(known.then_some(condition))
}

fn select(
    table: &'static str,
    columns: &[&'static str],
    condition: Option<Expr>,
) -> SelectStatement {
    let mut query = Query::select();
    query.from(table);
    for column in columns {
        query.column(*column);
    }
    if let Some(condition) = condition {
        query.and_where(condition);
    }
    query.order_by("id", sea_orm::Order::Asc);
    query
}

async fn read<R: FromQueryResult>(
    pool: &DatabaseConnection,
    query: &SelectStatement,
) -> Result<Vec<R>, StoreError> {
    let rows = pool.query_all(query).await?;
    let rows = rows.iter().map(|row| R::from_query_result(row, ""));
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A time that may be absent; one that its MySQL could store and nobody can read counts as absent.
#[derive(Clone, Copy)]
struct OldTime(Option<DateTime>);

impl TryGetable for OldTime {
    fn try_get_by<I: ColIdx>(row: &QueryResult, column: I) -> Result<Self, TryGetError> {
        Ok(Self(DateTime::try_get_by(row, column).ok()))
    }
}

#[derive(FromQueryResult)]
struct OldUser {
    id: RowId,
    deleted_at: OldTime,
    username: String,
    password: String,
}

#[derive(FromQueryResult)]
struct KeyRow {
    username_key: String,
}

async fn adopt_users(
    pool: &DatabaseConnection,
    mode: AdoptionMode,
    report: &mut Adoption,
) -> Result<(), StoreError> {
    let waiting = waiting(
        pool,
        "user_basic",
        "identity",
        Expr::col("identity").is_null(),
    )
    .await?;
    let columns = ["id", "deleted_at", "username", "password"];
    let mut users: Vec<OldUser> =
        read(pool, &select("user_basic", &columns, waiting.clone())).await?;
    if users.is_empty() {
        return Ok(());
    }
    let mut names = Names::default();
    if waiting.is_some() {
        let known = Some(Expr::col("username_key").is_not_null());
        let keys: Vec<KeyRow> = read(pool, &select("user_basic", &["username_key"], known)).await?;
        names
            .taken
            .extend(keys.into_iter().map(|row| row.username_key));
        names.reserved.extend(names.taken.iter().cloned());
    }
    for user in &users {
        names.reserved.insert(folded(&user.username));
        names
            .reserved
            .insert(folded(Username::adopted(&user.username).as_str()));
    }
    users.sort_by_key(|user| (user.deleted_at.0.is_some(), user.id));
    let rows: Vec<_> = users
        .iter()
        .map(|user| (user.id, user_columns(user, &mut names, report)))
        .collect();
    if mode == AdoptionMode::DryRun {
        return Ok(());
    }
    let transaction = pool.begin().await?;
    for (id, row) in rows {
        user_basic::Entity::update_many()
            .set(row)
            .filter(user_basic::Column::Id.eq(id))
            .filter(user_basic::Column::Identity.is_null())
            .exec(&transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}

/// What an account's own columns get.
fn user_columns(
    user: &OldUser,
    names: &mut Names,
    report: &mut Adoption,
) -> user_basic::ActiveModel {
    let name = Username::adopted(&user.username);
    let is_legacy =
        user.password.len() == 32 && user.password.bytes().all(|b| b.is_ascii_hexdigit());
    let mut row = user_basic::ActiveModel {
        identity: Set(UserId::random().as_str().to_owned()),
        display_name: Set(display_name(user, &name)),
        password_legacy: Set(is_legacy),
        ..Default::default()
    };
    if user.deleted_at.0.is_some() {
        let freed = names.invent(&name, '#', user.id);
        row.username_key = Set(folded(&freed));
        row.username = Set(freed);
        return row;
    }
    report.users += 1;
    report.legacy_passwords += usize::from(is_legacy);
    let remark = if names.taken.insert(folded(name.as_str())) {
        row.username_key = Set(folded(name.as_str()));
        (name.as_str() != user.username)
            .then(|| format!("logs in by its old name; others see the user name {name}"))
    } else {
        let renamed = names.invent(&name, '-', user.id);
        row.username_key = Set(folded(&renamed));
        let remark = format!("the name belongs to an older account; this one is now {renamed}");
        row.username = Set(renamed);
        Some(remark)
    };
    if let Some(remark) = remark {
        report.remark("user_basic", user.id, remark);
    }
    if !is_legacy {
        let remark = "its password is no MD5 hash: set one with `meeting user passwd`";
        report.remark("user_basic", user.id, remark);
    }
    row
}

fn display_name(user: &OldUser, name: &Username) -> String {
    let shown = DisplayName::cut(&user.username);
    shown.map_or_else(|| name.to_string(), |shown| shown.to_string())
}

/// Which user names are whose, as they are compared.
#[derive(Default)]
struct Names {
    /// Those that belong to an account already.
    taken: HashSet<String>,
    /// Those, and all that stand in the table: nobody is renamed to one of them.
    reserved: HashSet<String>,
}

impl Names {
    /// A name that nobody has, made from one and its row.
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

#[derive(FromQueryResult)]
struct OldRoom {
    id: RowId,
    identity: String,
    name: String,
    end_at: OldTime,
    create_id: i64,
}

#[derive(FromQueryResult)]
struct NumberRow {
    number: String,
}

#[derive(FromQueryResult)]
struct IdRow {
    id: RowId,
}

async fn adopt_rooms(
    pool: &DatabaseConnection,
    mode: AdoptionMode,
    report: &mut Adoption,
) -> Result<(), StoreError> {
    let waiting = waiting(pool, "room_basic", "number", Expr::col("number").is_null()).await?;
    let living = || Expr::col("deleted_at").is_null();
    let condition = waiting
        .clone()
        .map_or_else(living, |waiting| living().and(waiting));
    let columns = ["id", "identity", "name", "end_at", "create_id"];
    let rooms: Vec<OldRoom> = read(pool, &select("room_basic", &columns, Some(condition))).await?;
    if rooms.is_empty() {
        return Ok(());
    }
    let owners: Vec<IdRow> = read(pool, &select("user_basic", &["id"], Some(living()))).await?;
    let owners: HashSet<i64> = owners.into_iter().map(|row| row.id.0).collect();
    let mut numbers: HashSet<String> = HashSet::new();
    if waiting.is_some() {
        let known = Some(Expr::col("number").is_not_null());
        let taken: Vec<NumberRow> = read(pool, &select("room_basic", &["number"], known)).await?;
        numbers.extend(taken.into_iter().map(|row| row.number));
    }
    let fit: Vec<_> = rooms
        .into_iter()
        .filter(|room| is_fit(room, &owners, report))
        .collect();
    report.rooms += fit.len();
    if mode == AdoptionMode::DryRun {
        return Ok(());
    }
    let permissions = serde_json::to_string(&Permissions::default())
        .map_err(|_| StoreError::Corrupt("permissions"))?;
    let transaction = pool.begin().await?;
    for room in fit {
        let mut number = super::rooms::random_number();
        while !numbers.insert(number.clone()) {
            number = super::rooms::random_number();
        }
        let row = room_basic::ActiveModel {
            number: Set(Some(number)),
            permissions: Set(permissions.clone()),
            ..Default::default()
        };
        room_basic::Entity::update_many()
            .set(row)
            .filter(room_basic::Column::Id.eq(room.id))
            .filter(room_basic::Column::Number.is_null())
            .exec(&transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}

fn is_fit(room: &OldRoom, owners: &HashSet<i64>, report: &mut Adoption) -> bool {
    if !owners.contains(&room.create_id) {
        let remark = format!(
            "its owner, user {}, does not exist: it is left as it is and shown to nobody",
            room.create_id
        );
        report.remark("room_basic", room.id, remark);
        return false;
    }
    if RoomIdentity::try_from(room.identity.clone()).is_err() || is_room_number(&room.identity) {
        let remark = "its identity cannot stand in a link: it is left as it is and shown to nobody";
        report.remark("room_basic", room.id, remark);
        return false;
    }
    if RoomName::parse(&room.name).is_err() {
        let shown =
            RoomName::cut(&room.name).map_or("its number".to_owned(), |name| name.to_string());
        let remark = format!("its name is empty or too long; shown is {shown}");
        report.remark("room_basic", room.id, remark);
    }
    if room.end_at.0.is_some_and(|end| end < SECONDS_END_BEFORE) {
        let remark = "it ended in 1970, as seconds that were taken for milliseconds do: until it is planned anew only \
                      its owner comes in";
        report.remark("room_basic", room.id, remark);
    }
    true
}

#[derive(FromQueryResult)]
struct OldStay {
    id: RowId,
    created_at: OldTime,
    rid: i64,
    uid: i64,
}

#[derive(FromQueryResult)]
struct PersonRow {
    id: RowId,
    identity: Option<String>,
    display_name: String,
}

async fn adopt_stays(
    pool: &DatabaseConnection,
    mode: AdoptionMode,
    report: &mut Adoption,
) -> Result<(), StoreError> {
    let unnamed = Expr::col("user_identity").eq("");
    let waiting = waiting(pool, "room_user", "user_identity", unnamed).await?;
    let living = || Expr::col("deleted_at").is_null();
    let condition = waiting.map_or_else(living, |waiting| living().and(waiting));
    let columns = ["id", "created_at", "rid", "uid"];
    let stays: Vec<OldStay> = read(pool, &select("room_user", &columns, Some(condition))).await?;
    if stays.is_empty() {
        return Ok(());
    }
    let ids = async |table| -> Result<HashSet<i64>, StoreError> {
        let rows: Vec<IdRow> = read(pool, &select(table, &["id"], Some(living()))).await?;
        Ok(rows.into_iter().map(|row| row.id.0).collect())
    };
    let (users, rooms) = (ids("user_basic").await?, ids("room_basic").await?);
    let (whole, broken): (Vec<_>, Vec<_>) = stays
        .into_iter()
        .partition(|stay| users.contains(&stay.uid) && rooms.contains(&stay.rid));
    for stay in broken {
        let remark = format!(
            "room {} or user {} does not exist: it is left as it is",
            stay.rid, stay.uid
        );
        report.remark("room_user", stay.id, remark);
    }
    report.stays += whole.len();
    if mode == AdoptionMode::DryRun {
        return Ok(());
    }
    let columns = ["id", "identity", "display_name"];
    let people: Vec<PersonRow> = read(pool, &select("user_basic", &columns, None)).await?;
    let people: HashMap<i64, PersonRow> = people.into_iter().map(|row| (row.id.0, row)).collect();
    let now = column(Timestamp::now());
    let transaction = pool.begin().await?;
    for stay in whole {
        let Some(person) = people.get(&stay.uid) else {
            continue;
        };
        let Some(identity) = person.identity.clone() else {
            continue;
        };
        let row = room_user::ActiveModel {
            user_identity: Set(identity),
            display_name: Set(person.display_name.clone()),
            joined_at: Set(stay.created_at.0),
            left_at: Set(Some(stay.created_at.0.unwrap_or(now))),
            leave_reason: Set(Some("lost".to_owned())),
            ..Default::default()
        };
        room_user::Entity::update_many()
            .set(row)
            .filter(room_user::Column::Id.eq(stay.id))
            .filter(room_user::Column::UserIdentity.eq(""))
            .exec(&transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}
