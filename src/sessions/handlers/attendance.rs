//! The attendance of a room: its participants, when they came and how long they stayed.

use super::room::{find, may};
use super::{people, stored};
use crate::meeting::permissions::Action;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::object::{Attendance, Role};
use crate::protocol::request::{AttendancePage, RoomAttendance};
use crate::protocol::time::Timestamp;
use crate::sessions::services::Rooms;
use crate::sessions::state::Asker;
use crate::store::{StoredMembership, StoredRoom, StoredUser};

/// The largest page.
const MAX_PAGE: u32 = 1_000;

/// `room.attendance`: present participants count until now.
pub async fn page(
    rooms: &Rooms,
    asker: Asker<'_>,
    data: RoomAttendance,
) -> Result<AttendancePage, WireError> {
    let room = find(rooms, asker, &data.identity).await?;
    may_look(rooms, asker, &room).await?;
    if data.page == 0 {
        return Err(WireError::bad_field("data.page", "must be 1 or more"));
    }
    if !(1..=MAX_PAGE).contains(&data.size) {
        return Err(WireError::bad_field("data.size", "must be from 1 to 1000"));
    }
    let store = &rooms.store;
    let found = store
        .newest_attendance(room.key, data.page, data.size)
        .await;
    let (memberships, total) = found.map_err(stored)?;
    let accounts = store
        .find_users(memberships.iter().map(|membership| &membership.user))
        .await;
    let accounts = accounts.map_err(stored)?;
    let now = Timestamp::now();
    let attendance = memberships.into_iter().filter_map(|membership| {
        let account = accounts.get(&membership.user);
        seen(membership, account, now)
    });
    Ok(AttendancePage {
        attendance: attendance.collect(),
        total,
    })
}

/// The room's owner may look from anywhere, and so may a host that another system named. Others must be in the room,
/// and for those in it the room alone decides.
async fn may_look(rooms: &Rooms, asker: Asker<'_>, room: &StoredRoom) -> Result<(), WireError> {
    let denied = match may(asker, room, Action::Attendance).await {
        Err(error) if error.code == ErrorCode::PermDenied => error,
        decided => return decided,
    };
    if asker.location.at(&room.identity).is_some() {
        return Err(denied);
    }
    let known = rooms.store.known_in(room.key, &asker.login.user.id);
    match known.await.map_err(stored)?.imported_role {
        Some(Role::Host) => Ok(()),
        Some(Role::Cohost | Role::Member) | None => Err(denied),
    }
}

/// A membership as it travels; none if its beginning is not known.
fn seen(
    membership: StoredMembership,
    account: Option<&StoredUser>,
    now: Timestamp,
) -> Option<Attendance> {
    let duration_ms = membership.duration_ms(now)?;
    let (left_at, reason) = membership.left.unzip();
    let user = match account {
        Some(account) => people::account(account),
        None => people::guest(membership.user, membership.display_name.clone()),
    };
    Some(Attendance {
        user,
        display_name: membership.display_name,
        role: membership.role,
        joined_at: membership.joined_at?,
        left_at,
        duration_ms,
        reason,
    })
}
