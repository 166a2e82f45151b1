//! Rooms.

use std::collections::HashSet;

use entity::room_basic;
use entity::row_id::RowId;
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTime;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, DatabaseConnection, EntityTrait as _, FromQueryResult, QueryFilter as _,
    TransactionTrait as _,
};

use super::{Adoption, AdoptionMode, IdRow, OldTime, read, select, waiting};
use crate::protocol::ids::RoomIdentity;
use crate::protocol::object::Permissions;
use crate::protocol::text::RoomName;
use crate::store::rooms::random_number;
use crate::store::{StoreError, is_room_number};

/// Seconds of this century, taken for milliseconds, lie before this.
const SECONDS_END_BEFORE: DateTime = chrono::DateTime::UNIX_EPOCH
    .naive_utc()
    .checked_add_signed(chrono::TimeDelta::days(365))
    .expect("a year after 1970 is a time");

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

pub(super) async fn adopt(
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
        let mut number = random_number();
        while !numbers.insert(number.clone()) {
            number = random_number();
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
