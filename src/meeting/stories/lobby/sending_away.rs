//! Being sent away from the door, and back to it.

use super::*;

#[test]
fn a_changed_password_sends_those_who_wait_away() {
    let mut room = at_the_door(&["bo", "cy"]);
    let edit = Command::Edited {
        facts: Box::new(object::Room {
            has_password: true,
            version: 2,
            ..waiting_room()
        }),
        password: PasswordEdit::Changed,
    };
    let outcome = room.handle(edit, at(2));
    let expected = ["bo", "cy"].map(|name| (membership(name), LobbyDenial::Password));
    assert_eq!(denials(&outcome.effects), expected);
    assert_eq!(
        room.handle(join_as("bo", "bo2"), at(3)).reply,
        Ok(Reply::Waiting),
        "with the new one they may come again"
    );
}

#[test]
fn who_was_denied_may_not_knock_again_in_this_meeting() {
    let mut room = at_the_door(&["bo", "cy"]);
    let outcome = room.handle(deny("ada", these(&["bo"])), at(2));
    assert_eq!(
        denials(&outcome.effects),
        [(membership("bo"), LobbyDenial::Denied)]
    );
    let left = outcome.effects.iter().find_map(|effect| match effect {
        Effect::Tell { event, .. } => match &**event {
            Event::LobbyLeft(left) => Some(left.reason),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(left, Some(LobbyLeaveReason::Denied));
    assert_eq!(
        room.handle(join_as("bo", "bo2"), at(3)).reply,
        Err(ErrorCode::RoomDenied)
    );
    let mut invited = newcomer("bo", "bo2");
    invited.pass = true;
    assert_eq!(
        room.handle(Command::Join(invited), at(3)).reply,
        Err(ErrorCode::RoomDenied),
        "an invite opens no door that was closed"
    );
    room.handle(
        Command::End {
            by: membership("ada"),
        },
        at(4),
    )
    .reply
    .unwrap();
    room.handle(join_as("ada", "ada2"), at(5)).reply.unwrap();
    assert_eq!(
        room.handle(join_as("bo", "bo3"), at(6)).reply,
        Ok(Reply::Waiting),
        "another meeting"
    );
}

#[test]
fn who_was_denied_stands_among_those_kept_out_and_may_knock_again_when_it_is_lifted() {
    let mut room = at_the_door(&["bo", "cy"]);
    room.handle(deny("ada", these(&["bo"])), at(2))
        .reply
        .unwrap();
    let remove = Command::Remove {
        by: membership("ada"),
        whom: membership("cy"),
        ban: None,
    };
    room.handle(remove, at(3)).reply.unwrap();
    let kept_out = |room: &mut Room| match room.handle(Command::Bans, at(4)).reply {
        Ok(Reply::Bans(bans)) => bans,
        other => panic!("who is kept out, not {other:?}"),
    };
    let denial = |name: &str, seconds| object::Ban {
        user: user(name),
        display_name: user(name).display_name,
        until: object::BanLength::Meeting,
        since: at(seconds),
        by: user("ada").id,
    };
    assert_eq!(kept_out(&mut room), [denial("cy", 3), denial("bo", 2)]);
    let unban = Command::Unban {
        user: user("bo").id,
    };
    room.handle(unban, at(5)).reply.unwrap();
    assert_eq!(kept_out(&mut room), [denial("cy", 3)]);
    let knock = |room: &mut Room, name: &str| room.handle(join_as(name, "again"), at(6)).reply;
    assert_eq!(knock(&mut room, "bo"), Ok(Reply::Waiting));
    assert_eq!(knock(&mut room, "cy"), Err(ErrorCode::RoomDenied));
    let open = object::Room {
        version: 2,
        ..facts()
    };
    room.handle(edited(open), at(7)).reply.unwrap();
    assert_eq!(
        knock(&mut room, "cy"),
        Err(ErrorCode::RoomDenied),
        "nor when nobody need wait any more"
    );
}

#[test]
fn a_person_at_the_door_can_be_banned() {
    let mut room = at_the_door(&["bo"]);
    let ban = Command::Remove {
        by: membership("ada"),
        whom: membership("bo"),
        ban: Some(object::BanLength::Meeting),
    };
    let outcome = room.handle(ban, at(2));
    assert_eq!(
        denials(&outcome.effects),
        [(membership("bo"), LobbyDenial::Banned)]
    );
    assert_eq!(
        room.handle(join_as("bo", "bo2"), at(3)).reply,
        Err(ErrorCode::RoomBanned)
    );
}
