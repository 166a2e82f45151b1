//! Who was in a room, when and how long.

use super::room::{find, may};
use super::{people, stored};
use crate::meeting::permissions::Action;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::object::{Attendance, Role};
use crate::protocol::request::{AttendancePage, RoomAttendance};
use crate::protocol::time::Timestamp;
use crate::sessions::services::Services;
use crate::sessions::state::SessionState;
use crate::store::{StoredMembership, StoredRoom, StoredUser};

/// The largest page.
const MAX_PAGE: u32 = 1_000;

/// `room.attendance`: those who are in count until now.
pub async fn page(
    services: &Services,
    state: &SessionState,
    data: RoomAttendance,
) -> Result<AttendancePage, WireError> {
    let room = find(services, state, &data.identity).await?;
    may_look(services, state, &room).await?;
    if data.page == 0 {
        return Err(WireError::bad_field("data.page", "must be 1 or more"));
    }
    if !(1..=MAX_PAGE).contains(&data.size) {
        return Err(WireError::bad_field("data.size", "must be from 1 to 1000"));
    }
    let store = &services.store;
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

/// Its owner and whom another system made its host may look from anywhere, others while they are in it; of whoever is
/// in it the room alone decides.
async fn may_look(
    services: &Services,
    state: &SessionState,
    room: &StoredRoom,
) -> Result<(), WireError> {
    let denied = match may(state, room, Action::Attendance).await {
        Err(error) if error.code == ErrorCode::PermDenied => error,
        decided => return decided,
    };
    let memberships = [&state.membership, &state.waiting];
    if memberships
        .into_iter()
        .flatten()
        .any(|membership| membership.room == room.identity)
    {
        return Err(denied);
    }
    let imported = services
        .store
        .imported_role(room.key, &state.login()?.user.id);
    match imported.await.map_err(stored)? {
        Some(Role::Host) => Ok(()),
        Some(Role::Cohost | Role::Member) | None => Err(denied),
    }
}

/// A membership as it travels; none of one whose beginning is not known.
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
