//! Budgets of what is kept.

use std::time::Duration;

use super::{Budget, Per, Unit};

/// The budgets of this part, in the order of the documentation.
pub const ALL: &[&Budget] = &[
    &ROOMS,
    &ROOMS_MADE,
    &INVITES,
    &INVITE_USES,
    &BANS,
    &MESSAGES,
    &MEMBERSHIPS,
    &ROOM_STATE,
];

/// Rooms that exist.
pub const ROOMS: Budget = Budget {
    name: "store.rooms",
    per: Per::Account,
    most: 500,
    unit: Unit::Count,
    every: None,
    then: "room.create is answered perm.denied until some are deleted.",
    reason: "A teacher has a room for each class; hundreds more are a program's that forgets to delete.",
    test: "an_account_has_so_many_rooms_and_no_more",
};

/// Rooms that are made, deleted ones counted.
pub const ROOMS_MADE: Budget = Budget {
    name: "store.rooms_made",
    per: Per::Account,
    most: 1_000,
    unit: Unit::Count,
    every: Some(Duration::from_secs(86_400)),
    then: "room.create is answered rate.limited.",
    reason: "The row of a deleted room stays, so that making and deleting in turn would fill the disk.",
    test: "rooms_that_are_made_and_deleted_in_turn_are_counted",
};

/// Invite links that can be followed.
pub const INVITES: Budget = Budget {
    name: "store.invites",
    per: Per::Room,
    most: 200,
    unit: Unit::Count,
    every: None,
    then: "invite.create is answered perm.denied; of links that are over the newest as many are kept.",
    reason: "A link per guest of a large meeting, and a list that people can still read.",
    test: "a_room_has_so_many_links_and_forgets_old_ones",
};

/// People whom one link lets in that names no number itself.
pub const INVITE_USES: Budget = Budget {
    name: "store.invite_uses",
    per: Per::Link,
    most: 10_000,
    unit: Unit::Count,
    every: None,
    then: "The link lets in nobody more; whom it has let in it goes on letting in.",
    reason: "Each person is a row, and this is the largest number that a link can name.",
    test: "a_link_without_a_number_is_not_for_everybody_there_is",
};

/// Bans that are for good.
pub const BANS: Budget = Budget {
    name: "store.bans",
    per: Per::Room,
    most: 1_000,
    unit: Unit::Count,
    every: None,
    then: "The oldest ban is lifted.",
    reason: "A guest is somebody else each time, so that a list of them only grows; a room holds all of it in memory.",
    test: "the_oldest_ban_goes_when_there_are_too_many",
};

/// Messages.
pub const MESSAGES: Budget = Budget {
    name: "store.messages",
    per: Per::Room,
    most: 20_000,
    unit: Unit::Count,
    every: None,
    then: "The oldest messages are deleted, some hundreds at a time.",
    reason: "Years of a weekly meeting; a program that writes all day would fill the disk.",
    test: "a_room_keeps_its_newest_messages",
};

/// Memberships, by which attendance is told.
pub const MEMBERSHIPS: Budget = Budget {
    name: "store.memberships",
    per: Per::Room,
    most: 100_000,
    unit: Unit::Count,
    every: None,
    then: "The oldest memberships that are over are deleted, some hundreds at a time; imported ones stay.",
    reason: "Thirty people every day for ten years; joining and leaving in turn would fill the disk.",
    test: "a_room_keeps_its_newest_memberships",
};

/// A meeting as it is saved for a restart.
pub const ROOM_STATE: Budget = Budget {
    name: "store.room_state",
    per: Per::Room,
    most: 4 * 1024 * 1024,
    unit: Unit::Bytes,
    every: None,
    then: "What governs the meeting is answered server.busy and changes nothing; who comes and goes is not saved.",
    reason: "A meeting of a thousand people with every list in it full is smaller, and database servers take statements of 16 MiB.",
    test: "a_meeting_that_is_too_large_is_not_saved_and_not_changed",
};
