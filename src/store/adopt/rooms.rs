//! Rooms.

use std::collections::HashSet;

use entity::room_basic;
use entity::row_id::RowId;
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTime;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _};

use super::{
    Adoption, AdoptionMode, OldNumber, OldTime, forget_impossible_times, living, read, select,
    waiting,
};
use crate::protocol::ids::RoomIdentity;
use crate::protocol::object::Permissions;
use crate::protocol::text::RoomName;
use crate::store::db::Db;
use crate::store::rooms::random_number;
use crate::store::{StoreError, is_room_number};

/// A time before this was stored in seconds and read as milliseconds.
const SECONDS_END_BEFORE: DateTime = chrono::DateTime::UNIX_EPOCH
    .naive_utc()
    .checked_add_signed(chrono::TimeDelta::days(365))
    .expect("a year after 1970 is a time");

#[derive(FromQueryResult)]
struct OldRoom {
    id: OldNumber,
    deleted_at: OldTime,
    identity: Option<String>,
    name: Option<String>,
    end_at: OldTime,
    create_id: OldNumber,
}

#[derive(FromQueryResult)]
struct KnownRoom {
    number: String,
    identity: String,
}

pub(super) async fn adopt(
    db: &Db,
    mode: AdoptionMode,
    report: &mut Adoption,
) -> Result<(), StoreError> {
    let times = [
        "created_at",
        "updated_at",
        "deleted_at",
        "begin_at",
        "end_at",
    ];
    let waiting = waiting(db, "room_basic", "number", Expr::col("number").is_null()).await?;
    forget_impossible_times(db, mode, "room_basic", &times, &waiting).await?;
    let columns = [
        "id",
        "deleted_at",
        "identity",
        "name",
        "end_at",
        "create_id",
    ];
    let mut rooms: Vec<OldRoom> =
        read(db, &select("room_basic", &columns, waiting.clone())).await?;
    rooms.retain(|room| room.deleted_at.0.is_none());
    if rooms.is_empty() {
        return Ok(());
    }
    let owners = living(db, "user_basic").await?;
    let (mut numbers, mut identities) = (HashSet::new(), HashSet::new());
    if waiting.is_some() {
        let known = Some(Expr::col("number").is_not_null());
        let known: Vec<KnownRoom> =
            read(db, &select("room_basic", &["number", "identity"], known)).await?;
        for room in known {
            identities.insert(room.identity.to_lowercase());
            numbers.insert(room.number);
        }
    }
    let fit: Vec<_> = rooms
        .into_iter()
        .filter_map(|room| Some((is_fit(&room, &owners, &mut identities, report)?, room)))
        .collect();
    report.rooms += fit.len();
    if mode == AdoptionMode::DryRun {
        return Ok(());
    }
    let permissions = serde_json::to_string(&Permissions::default())
        .map_err(|_| StoreError::Corrupt("permissions"))?;
    let write = db.write_many(async |writing| {
        for (id, room) in fit {
            let mut number = random_number();
            while !numbers.insert(number.clone()) {
                number = random_number();
            }
            let mut row = room_basic::ActiveModel {
                number: Set(Some(number)),
                permissions: Set(permissions.clone()),
                ..Default::default()
            };
            if room.name.is_none() {
                row.name = Set(String::new());
            }
            room_basic::Entity::update_many()
                .set(row)
                .filter(room_basic::Column::Id.eq(id))
                .filter(room_basic::Column::Number.is_null())
                .exec(writing)
                .await?;
        }
        Ok(())
    });
    write.await
}

/// The room's row, if it can be shown.
fn is_fit(
    room: &OldRoom,
    owners: &HashSet<OldNumber>,
    identities: &mut HashSet<String>,
    report: &mut Adoption,
) -> Option<RowId> {
    const LEFT: &str = "it is left as it is and shown to nobody";
    let mut leave = |why: &str| report.remark("room_basic", room.id, format!("{why}: {LEFT}"));
    let Some(id) = room.id.row() else {
        leave("its number is too large");
        return None;
    };
    if !owners.contains(&room.create_id) {
        leave(&format!(
            "its owner, user {}, does not exist",
            room.create_id
        ));
        return None;
    }
    let identity = room.identity.clone().unwrap_or_default();
    if RoomIdentity::try_from(identity.clone()).is_err() || is_room_number(&identity) {
        leave("its identity cannot stand in a link");
        return None;
    }
    if !identities.insert(identity.to_lowercase()) {
        leave("its identity is that of another room");
        return None;
    }
    let name = room.name.as_deref().unwrap_or_default();
    if RoomName::parse(name).is_err() {
        let shown = RoomName::cut(name).map_or("its number".to_owned(), |name| name.to_string());
        let remark = format!("its name is empty or too long; shown is {shown}");
        report.remark("room_basic", room.id, remark);
    }
    if room.end_at.0.is_some_and(|end| end < SECONDS_END_BEFORE) {
        let remark = "it ended in 1970, as seconds that were taken for milliseconds do: until it is planned anew only \
                      its owner comes in";
        report.remark("room_basic", room.id, remark);
    }
    Some(id)
}
