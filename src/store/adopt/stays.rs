//! Who was in which room.

use std::collections::{HashMap, HashSet};

use entity::room_user;
use entity::row_id::RowId;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, DatabaseConnection, EntityTrait as _, FromQueryResult, QueryFilter as _,
    TransactionTrait as _,
};

use super::{Adoption, AdoptionMode, IdRow, OldTime, read, select, waiting};
use crate::protocol::time::Timestamp;
use crate::store::StoreError;
use crate::store::row::column;

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

pub(super) async fn adopt(
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
