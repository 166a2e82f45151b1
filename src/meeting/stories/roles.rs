//! Who governs, and who does when the host is gone.

use super::*;
use crate::meeting::permissions::Action;

fn set_role(by: &str, whom: &str, role: Role) -> Command {
    Command::SetRole {
        by: membership(by),
        whom: membership(whom),
        role,
    }
}

fn give(room: &mut Room, by: &str, whom: &str, role: Role) {
    room.handle(set_role(by, whom, role), at(1)).reply.unwrap();
}

fn roles(room: &mut Room) -> Vec<(String, Role)> {
    let Ok(Reply::Roster(people)) = room.handle(Command::Roster, at(9)).reply else {
        panic!("a roster")
    };
    people
        .into_iter()
        .map(|person| (person.user.display_name.as_str().to_owned(), person.role))
        .collect()
}

fn hosts(room: &mut Room) -> Vec<String> {
    let hosts = roles(room).into_iter();
    let hosts = hosts.filter(|(_, role)| *role == Role::Host);
    hosts.map(|(name, _)| name).collect()
}

fn guest(name: &str) -> Command {
    let mut guest = newcomer(name, name);
    guest.user.kind = UserKind::Guest;
    Command::Join(guest)
}

#[test]
fn roles_are_given_by_those_above_and_told_to_whom_they_concern() {
    let mut room = room_with(&["ada", "bo", "cy"]);
    let outcome = room.handle(set_role("ada", "bo", Role::Cohost), at(1));
    assert_eq!(
        told(&outcome.effects),
        ["all: participant.updated", "p-bo: permissions.changed"]
    );
    for (by, whom, role) in [
        ("bo", "cy", Role::Cohost),
        ("bo", "cy", Role::Host),
        ("bo", "ada", Role::Member),
        ("bo", "bo", Role::Host),
        ("cy", "cy", Role::Host),
        ("cy", "bo", Role::Member),
        ("ada", "ada", Role::Member),
    ] {
        let refused = room.handle(set_role(by, whom, role), at(2));
        assert_eq!(
            (refused.reply, refused.effects),
            (Err(ErrorCode::PermDenied), vec![]),
            "{by} {whom} {role:?}"
        );
    }
    let again = room.handle(set_role("ada", "bo", Role::Cohost), at(3));
    assert_eq!((again.reply, again.effects), (Ok(Reply::Done), vec![]));
}

#[test]
fn handing_over_makes_a_host_a_cohost_but_not_the_owner() {
    let mut room = room_with(&["ada", "bo", "cy"]);
    give(&mut room, "ada", "bo", Role::Host);
    assert_eq!(hosts(&mut room), ["ada", "bo"]);
    give(&mut room, "bo", "cy", Role::Host);
    assert_eq!(hosts(&mut room), ["ada", "cy"]);
    assert_eq!(view(&mut room, "bo").me.role, Role::Cohost);
}

#[test]
fn no_host_demotes_another() {
    let mut room = room_with(&["ada", "bo", "cy"]);
    give(&mut room, "ada", "bo", Role::Host);
    give(&mut room, "ada", "cy", Role::Host);
    let refused = room.handle(set_role("bo", "cy", Role::Member), at(2));
    assert_eq!(refused.reply, Err(ErrorCode::PermDenied));
    assert!(
        room.handle(set_role("ada", "cy", Role::Member), at(2))
            .reply
            .is_ok()
    );
}

#[test]
fn a_demoted_host_can_do_nothing_of_a_hosts_any_more() {
    let mut room = room_with(&["ada", "bo", "cy"]);
    give(&mut room, "ada", "bo", Role::Host);
    give(&mut room, "ada", "bo", Role::Member);
    for command in [
        Command::End {
            by: membership("bo"),
        },
        set_role("bo", "cy", Role::Cohost),
        Command::Authorise {
            participant: membership("bo"),
            action: Action::Secure,
        },
    ] {
        let refused = room.handle(command, at(2)).reply;
        assert_eq!(refused, Err(ErrorCode::PermDenied));
    }
}

#[test]
fn a_role_lasts_until_the_meeting_ends() {
    let mut room = room_with(&["ada", "bo"]);
    give(&mut room, "ada", "bo", Role::Cohost);
    room.handle(leave("bo"), at(2)).reply.unwrap();
    room.handle(join_as("bo", "bo2"), at(3)).reply.unwrap();
    assert_eq!(view(&mut room, "bo2").me.role, Role::Cohost);
    room.handle(
        Command::End {
            by: membership("ada"),
        },
        at(4),
    )
    .reply
    .unwrap();
    room.handle(join_as("ada", "ada2"), at(5)).reply.unwrap();
    room.handle(join_as("bo", "bo3"), at(6)).reply.unwrap();
    assert_eq!(view(&mut room, "bo3").me.role, Role::Member);
}

#[test]
fn what_the_meeting_gave_goes_before_what_an_invite_gives() {
    let mut room = room_with(&["ada"]);
    let invited = |membership_name: &str| {
        let mut invited = newcomer("bo", membership_name);
        invited.role = Some(Role::Cohost);
        Command::Join(invited)
    };
    room.handle(invited("bo"), at(1)).reply.unwrap();
    assert_eq!(view(&mut room, "bo").me.role, Role::Cohost);
    room.handle(join_as("bo", "bo2"), at(2)).reply.unwrap();
    assert_eq!(
        view(&mut room, "bo2").me.role,
        Role::Cohost,
        "without the invite too"
    );
    give(&mut room, "ada", "bo2", Role::Member);
    room.handle(invited("bo3"), at(3)).reply.unwrap();
    assert_eq!(view(&mut room, "bo3").me.role, Role::Member);
}

#[test]
fn the_longest_present_cohost_follows_the_last_host() {
    let mut room = room_with(&["ada", "mia", "bo", "cy"]);
    give(&mut room, "ada", "cy", Role::Cohost);
    give(&mut room, "ada", "bo", Role::Cohost);
    let outcome = room.handle(leave("ada"), at(2));
    assert_eq!(hosts(&mut room), ["bo"]);
    assert_eq!(
        told(&outcome.effects),
        [
            "release p-ada None",
            "all: participant.left",
            "all: participant.updated",
            "p-bo: permissions.changed"
        ]
    );
}

#[test]
fn without_cohosts_the_longest_present_account_follows_and_never_a_guest() {
    let mut room = room_with(&["ada"]);
    room.handle(guest("gus"), at(1)).reply.unwrap();
    room.handle(join("bo"), at(2)).reply.unwrap();
    room.handle(join("cy"), at(3)).reply.unwrap();
    give(&mut room, "ada", "gus", Role::Cohost);
    room.handle(leave("ada"), at(4)).reply.unwrap();
    assert_eq!(hosts(&mut room), ["bo"]);
    for name in ["bo", "cy"] {
        room.handle(leave(name), at(5)).reply.unwrap();
    }
    assert_eq!(hosts(&mut room), [""; 0], "a guest is not made a host");
    assert!(room.handle(post("gus", None, "here"), at(6)).reply.is_ok());
}

#[test]
fn the_owners_return_gives_back_what_everyone_was() {
    let mut room = room_with(&["ada", "bo", "cy", "dee"]);
    give(&mut room, "ada", "cy", Role::Cohost);
    room.handle(leave("ada"), at(2)).reply.unwrap();
    assert_eq!(hosts(&mut room), ["cy"]);
    // What a stand-in host gives lasts until the owner is back.
    give(&mut room, "cy", "dee", Role::Host);
    assert_eq!(hosts(&mut room), ["dee"]);
    room.handle(join_as("ada", "ada2"), at(3)).reply.unwrap();
    let expected = [
        ("bo", Role::Member),
        ("cy", Role::Cohost),
        ("dee", Role::Member),
        ("ada", Role::Host),
    ];
    let expected = expected.map(|(name, role)| (name.to_owned(), role));
    assert_eq!(roles(&mut room), expected);
}

#[test]
fn who_was_made_a_host_by_the_owner_stays_one_on_their_return() {
    let mut room = room_with(&["ada", "bo", "cy"]);
    give(&mut room, "ada", "bo", Role::Host);
    room.handle(leave("ada"), at(2)).reply.unwrap();
    assert_eq!(hosts(&mut room), ["bo"]);
    room.handle(join_as("ada", "ada2"), at(3)).reply.unwrap();
    assert_eq!(hosts(&mut room), ["bo", "ada"]);
}

#[test]
fn a_stand_in_who_is_lost_for_a_moment_stands_in_again() {
    let mut room = room_with(&["ada", "bo"]);
    room.handle(guest("gus"), at(1)).reply.unwrap();
    room.handle(leave("ada"), at(2)).reply.unwrap();
    room.handle(join_as("bo", "bo2"), at(3)).reply.unwrap();
    assert_eq!(hosts(&mut room), ["bo"], "a newer session is the same host");
    room.handle(leave("bo2"), at(4)).reply.unwrap();
    room.handle(join_as("bo", "bo3"), at(5)).reply.unwrap();
    assert_eq!(hosts(&mut room), ["bo"]);
}

#[test]
fn a_host_who_steps_down_is_followed_by_another() {
    let mut room = room_with(&["bo", "cy"]);
    room.handle(join("ada"), at(1)).reply.unwrap();
    give(&mut room, "ada", "bo", Role::Host);
    room.handle(leave("ada"), at(2)).reply.unwrap();
    give(&mut room, "bo", "bo", Role::Member);
    assert_eq!(hosts(&mut room), ["cy"]);
    assert_eq!(view(&mut room, "bo").me.role, Role::Member);
}

#[test]
fn who_loses_the_right_to_share_stops_sharing() {
    let strict = object::Room {
        permissions: Permissions {
            screen: false,
            ..Permissions::default()
        },
        ..facts()
    };
    let mut room = room_of(strict, &["ada", "bo"]);
    give(&mut room, "ada", "bo", Role::Cohost);
    negotiate(&mut room, "bo");
    room.handle(start("bo", Source::Screen, "t"), at(2))
        .reply
        .unwrap();
    let demoted = room.handle(set_role("ada", "bo", Role::Member), at(3));
    let stop = MediaCommand::StopTrack { track: track("t") };
    assert_eq!(media(&demoted.effects), [stop]);
}
