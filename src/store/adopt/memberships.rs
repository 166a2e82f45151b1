//! Who was in which room.

use std::collections::HashMap;

use entity::room_user;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _};

use super::{
    Adoption, AdoptionMode, OldNumber, OldTime, forget_impossible_times, living, read, select,
    waiting,
};
use crate::protocol::time::Timestamp;
use crate::store::StoreError;
use crate::store::db::Db;
use crate::store::row::column;

#[derive(FromQueryResult)]
struct OldMembership {
    id: OldNumber,
    created_at: OldTime,
    deleted_at: OldTime,
    rid: OldNumber,
    uid: OldNumber,
}

#[derive(FromQueryResult)]
struct PersonRow {
    id: OldNumber,
    identity: Option<String>,
    display_name: String,
}

pub(super) async fn adopt(
    db: &Db,
    mode: AdoptionMode,
    report: &mut Adoption,
) -> Result<(), StoreError> {
    let unnamed = Expr::col("user_identity").eq("");
    let waiting = waiting(db, "room_user", "user_identity", unnamed).await?;
    let times = ["created_at", "updated_at", "deleted_at"];
    forget_impossible_times(db, mode, "room_user", &times, &waiting).await?;
    let columns = ["id", "created_at", "deleted_at", "rid", "uid"];
    let mut memberships: Vec<OldMembership> =
        read(db, &select("room_user", &columns, waiting)).await?;
    memberships.retain(|membership| membership.deleted_at.0.is_none());
    if memberships.is_empty() {
        return Ok(());
    }
    let users = living(db, "user_basic").await?;
    let rooms = living(db, "room_basic").await?;
    let (whole, broken): (Vec<_>, Vec<_>) = memberships.into_iter().partition(|membership| {
        membership.id.row().is_some()
            && users.contains(&membership.uid)
            && rooms.contains(&membership.rid)
    });
    for membership in broken {
        let remark = format!(
            "room {} or user {} does not exist, or its number is too large: it is left as it is",
            membership.rid, membership.uid
        );
        report.remark("room_user", membership.id, remark);
    }
    report.memberships += whole.len();
    if mode == AdoptionMode::DryRun {
        return Ok(());
    }
    let columns = ["id", "identity", "display_name"];
    let people: Vec<PersonRow> = read(db, &select("user_basic", &columns, None)).await?;
    let people: HashMap<OldNumber, PersonRow> =
        people.into_iter().map(|row| (row.id, row)).collect();
    let now = column(Timestamp::now());
    let write = db.write_many(async |writing| {
        for membership in whole {
            let (Some(id), Some(person)) = (membership.id.row(), people.get(&membership.uid))
            else {
                continue;
            };
            let Some(identity) = person.identity.clone() else {
                continue;
            };
            let row = room_user::ActiveModel {
                user_identity: Set(identity),
                display_name: Set(person.display_name.clone()),
                joined_at: Set(membership.created_at.0),
                left_at: Set(Some(membership.created_at.0.unwrap_or(now))),
                leave_reason: Set(Some("lost".to_owned())),
                ..Default::default()
            };
            room_user::Entity::update_many()
                .set(row)
                .filter(room_user::Column::Id.eq(id))
                .filter(room_user::Column::UserIdentity.eq(""))
                .exec(writing)
                .await?;
        }
        Ok(())
    });
    write.await
}
