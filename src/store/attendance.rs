//! Attendance: who was in a room, when, how long and in which role. Written by [`super::memberships`], or taken over
//! from another system.

use std::collections::HashMap;

use entity::room_user::{Column, Entity, Model};
use entity::row_id::RowId;
use sea_orm::prelude::DateTime;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};

use super::row::{named, parsed, stamp};
use super::{RoomKey, Store, StoreError};
use crate::protocol::event::LeaveReason;
use crate::protocol::ids::{ParticipantId, UserId};
use crate::protocol::object::Role;
use crate::protocol::text::DisplayName;
use crate::protocol::time::Timestamp;

/// The largest page of memberships.
pub const MAX_MEMBERSHIPS: u32 = 500;
/// The largest page of memberships that clients ask for.
pub const MAX_MEMBERSHIPS_SHOWN: u32 = 1_000;
/// The most people in the list of members of a room.
pub const MAX_MEMBERS: u64 = 1_000;

/// The row of a membership, which marks the end of a page. Opaque to clients, who may send it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MembershipKey(i64);

impl MembershipKey {
    /// The number of the row.
    pub fn number(self) -> i64 {
        self.0
    }

    /// The row of this number. It need not exist.
    pub fn from_number(number: i64) -> Self {
        Self(number)
    }
}

/// What is known of the earlier memberships of a person in a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KnownIn {
    /// The highest role from an import of another system. None if it is not above a member. Roles from meetings here
    /// end with the meeting.
    pub imported_role: Option<Role>,
    /// When they joined for the first time, as far as it is recorded.
    pub first_joined_at: Option<Timestamp>,
}

/// A membership as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMembership {
    /// The id of the membership. None in rows that were taken over or imported.
    pub participant: Option<ParticipantId>,
    /// The user.
    pub user: UserId,
    /// The display name.
    pub display_name: DisplayName,
    /// The role.
    pub role: Role,
    /// When they joined. None if an older system did not record it.
    pub joined_at: Option<Timestamp>,
    /// When they left, and why. None while they are in. For rows of older systems, which did not record it, it is the
    /// time of joining.
    pub left: Option<(Timestamp, LeaveReason)>,
}

impl StoredMembership {
    /// The duration at `now`, in milliseconds. None if the time of joining is unknown.
    pub fn duration_ms(&self, now: Timestamp) -> Option<u64> {
        let until = self.left.map_or(now, |(at, _)| at);
        let lasted = until.unix_millis() - self.joined_at?.unix_millis();
        Some(u64::try_from(lasted).unwrap_or(0))
    }
}

/// One page of memberships.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMemberships {
    /// In the order in which they were written, which is that of joining.
    pub memberships: Vec<StoredMembership>,
    /// The start of the next page. None on the last page.
    pub next: Option<MembershipKey>,
}

/// A person who has been in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The user.
    pub user: UserId,
    /// Their last display name.
    pub display_name: DisplayName,
    /// The highest role that they ever had there.
    pub role: Role,
    /// When they joined first. None if an older system did not record it.
    pub first_joined_at: Option<Timestamp>,
    /// How often they came.
    pub memberships: u64,
    /// Whether they are in it now.
    pub is_in: bool,
}

impl Store {
    /// One page of the memberships of a room: at most `limit`, 1 to [`MAX_MEMBERSHIPS`], after the row `after` or from
    /// the start. People who are in now are included, with `left` none.
    ///
    /// This checks no permission: the caller must.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn attendance(
        &self,
        room: RoomKey,
        after: Option<MembershipKey>,
        limit: u32,
    ) -> Result<StoredMemberships, StoreError> {
        let limit = u64::from(limit.clamp(1, MAX_MEMBERSHIPS));
        let mut rows = memberships_in(room)
            .filter(Column::Id.gt(after.map_or(i64::MIN, |key| key.0)))
            .order_by_asc(Column::Id)
            .limit(limit + 1)
            .all(&self.db)
            .await?;
        let has_more = rows.len() as u64 > limit;
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let last = rows.last().map(|row| MembershipKey(row.id.0));
        Ok(StoredMemberships {
            next: last.filter(|_| has_more),
            memberships: rows
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Page `page`, from 1, of the memberships of a room, the newest first, with `size` on a page (1 to
    /// [`MAX_MEMBERSHIPS_SHOWN`]), and their total number: for `room.attendance`. The page after the last is empty.
    /// Memberships without a time of joining, from older systems, are left out.
    ///
    /// This checks no permission: the caller must.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn newest_attendance(
        &self,
        room: RoomKey,
        page: u32,
        size: u32,
    ) -> Result<(Vec<StoredMembership>, u64), StoreError> {
        let size = u64::from(size.clamp(1, MAX_MEMBERSHIPS_SHOWN));
        let skipped = u64::from(page.saturating_sub(1)) * size;
        let memberships = memberships_in(room).filter(Column::JoinedAt.is_not_null());
        let total = memberships.clone().count(&self.db).await?;
        let rows = memberships
            .order_by_desc(Column::JoinedAt)
            .order_by_desc(Column::Id)
            .offset(skipped)
            .limit(size)
            .all(&self.db)
            .await?;
        let memberships = rows.into_iter().map(TryInto::try_into);
        Ok((memberships.collect::<Result<_, _>>()?, total))
    }

    /// Everybody who has ever been in a room, each once, in order of first joining. The first [`MAX_MEMBERS`] of them.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn members(&self, room: RoomKey) -> Result<Vec<Member>, StoreError> {
        type Row = (String, String, RowId, RowId, Option<DateTime>, i64, i64);
        let rows: Vec<Row> = memberships_in(room)
            .select_only()
            .columns([Column::UserIdentity, Column::Role])
            .column_as(Column::Id.min(), "first_row")
            .column_as(Column::Id.max(), "last_row")
            .column_as(Column::JoinedAt.min(), "first_joined_at")
            .column_as(Column::Id.count(), "memberships")
            .column_as(Column::LeftAt.count(), "ends")
            .group_by(Column::UserIdentity)
            .group_by(Column::Role)
            .order_by_asc(Column::Id.min())
            .limit(MAX_MEMBERS)
            .into_tuple()
            .all(&self.db)
            .await?;
        let names = self.names_in(rows.iter().map(|row| row.3.0)).await?;
        let mut members: Vec<(i64, Member)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (id, role, _, RowId(last_row), joined, memberships, ends) in rows {
            let role: Role = named(&role, "role")?;
            let joined = joined.map(stamp);
            let name = names.get(&last_row).cloned().unwrap_or_default();
            let is_in = ends < memberships;
            let memberships = u64::try_from(memberships).unwrap_or(0);
            if let Some(place) = places.get(&id) {
                let (known_row, member) = &mut members[*place];
                member.role = highest(member.role, role);
                member.memberships += memberships;
                member.is_in |= is_in;
                member.first_joined_at = earliest(member.first_joined_at, joined);
                if last_row > *known_row {
                    *known_row = last_row;
                    member.display_name = parsed(name, "display name")?;
                }
                continue;
            }
            places.insert(id.clone(), members.len());
            let member = Member {
                user: parsed(id, "user identity")?,
                display_name: parsed(name, "display name")?,
                role,
                first_joined_at: joined,
                memberships,
                is_in,
            };
            members.push((last_row, member));
        }
        Ok(members.into_iter().map(|(_, member)| member).collect())
    }

    /// Reads the earlier memberships of a person in a room with one query.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn known_in(&self, room: RoomKey, user: &UserId) -> Result<KnownIn, StoreError> {
        let rows: Vec<(String, i64, i64, Option<DateTime>)> = memberships_in(room)
            .filter(Column::UserIdentity.eq(user.as_str()))
            .select_only()
            .column(Column::Role)
            .column_as(Column::Id.count(), "memberships")
            .column_as(Column::Participant.count(), "own")
            .column_as(Column::JoinedAt.min(), "first_joined_at")
            .group_by(Column::Role)
            .into_tuple()
            .all(&self.db)
            .await?;
        let mut known = KnownIn::default();
        for (role, memberships, own, first) in rows {
            let first = first.map(stamp);
            known.first_joined_at = match known.first_joined_at {
                Some(known) => Some(first.map_or(known, |first| known.min(first))),
                None => first,
            };
            // Imported rows have no participant.
            if memberships > own && role != "member" {
                let role = named(&role, "role")?;
                let higher = |known| highest(known, role);
                known.imported_role = Some(known.imported_role.map_or(role, higher));
            }
        }
        Ok(known)
    }

    /// The display names in these rows.
    async fn names_in(
        &self,
        rows: impl Iterator<Item = i64>,
    ) -> Result<HashMap<i64, String>, StoreError> {
        let rows: Vec<(RowId, String)> = Entity::find()
            .select_only()
            .columns([Column::Id, Column::DisplayName])
            .filter(Column::Id.is_in(rows))
            .into_tuple()
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(|(row, name)| (row.0, name)).collect())
    }

    /// All memberships of a room, in order of joining.
    #[cfg(test)]
    pub(super) async fn list_memberships(
        &self,
        room: RoomKey,
    ) -> Result<Vec<StoredMembership>, StoreError> {
        Ok(self
            .attendance(room, None, MAX_MEMBERSHIPS)
            .await?
            .memberships)
    }
}

impl Store {
    /// The last membership of one person in each of these rooms.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn last_memberships(
        &self,
        user: &UserId,
        rooms: &[RoomKey],
    ) -> Result<HashMap<RoomKey, StoredMembership>, StoreError> {
        let newest: Vec<RowId> = Entity::find()
            .select_only()
            .column_as(Column::Id.max(), "last_row")
            .filter(Column::DeletedAt.is_null())
            .filter(Column::UserIdentity.eq(user.as_str()))
            .filter(Column::Rid.is_in(rooms.iter().map(|room| room.0)))
            .group_by(Column::Rid)
            .into_tuple()
            .all(&self.db)
            .await?;
        let rows = Entity::find()
            .filter(Column::Id.is_in(newest))
            .all(&self.db)
            .await?;
        let keyed = |row: Model| Ok((RoomKey(row.rid.0), row.try_into()?));
        rows.into_iter().map(keyed).collect()
    }
}

fn memberships_in(room: RoomKey) -> Select<Entity> {
    Entity::find()
        .filter(Column::DeletedAt.is_null())
        .filter(Column::Rid.eq(room.0))
        // A row without a person waits to be taken over.
        .filter(Column::UserIdentity.ne(""))
}

fn highest(one: Role, other: Role) -> Role {
    let rank = |role| match role {
        Role::Host => 2,
        Role::Cohost => 1,
        Role::Member => 0,
    };
    if rank(other) > rank(one) { other } else { one }
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

impl TryFrom<Model> for StoredMembership {
    type Error = StoreError;
    fn try_from(row: Model) -> Result<Self, StoreError> {
        let reason = row.leave_reason.as_deref().unwrap_or("lost");
        let reason = named(reason, "leave reason")?;
        Ok(Self {
            participant: row
                .participant
                .map(|id| parsed(id, "participant"))
                .transpose()?,
            user: parsed(row.user_identity, "user identity")?,
            display_name: parsed(row.display_name, "display name")?,
            role: named(&row.role, "role")?,
            joined_at: row.joined_at.map(stamp),
            left: row.left_at.map(|at| (stamp(at), reason)),
        })
    }
}
