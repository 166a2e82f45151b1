//! What people are called, and who decides it.

use super::*;

#[test]
fn a_person_who_may_not_rename_themselves_comes_in_under_their_own_name() {
    let strict = Permissions {
        rename: false,
        ..Permissions::default()
    };
    let mut room = room_of(
        object::Room {
            permissions: strict,
            ..facts()
        },
        &["ada"],
    );
    let posing = Command::Join(Join {
        display_name: DisplayName::parse("Ada").unwrap(),
        ..newcomer("bo", "bo")
    });
    room.handle(posing, at(1)).reply.unwrap();
    assert_eq!(view(&mut room, "bo").me.display_name.as_str(), "bo");
}

#[test]
fn a_new_name_of_an_account_is_seen_where_people_may_rename_themselves() {
    for may_rename in [true, false] {
        let permissions = Permissions {
            rename: may_rename,
            ..Permissions::default()
        };
        let facts = object::Room {
            permissions,
            ..facts()
        };
        let mut room = room_of(facts, &["ada", "bo"]);
        let renamed = Command::Renamed {
            participant: membership("bo"),
            user: Box::new(User {
                display_name: DisplayName::parse("Bob").unwrap(),
                ..user("bo")
            }),
        };
        let effects = room.handle(renamed, at(1)).effects;
        let expected: &[&str] = match may_rename {
            true => &["all: participant.updated"],
            false => &[],
        };
        assert_eq!(told(&effects), expected);
        let name = view(&mut room, "bo").me.display_name;
        assert_eq!(name.as_str() == "Bob", may_rename);
    }
}

#[test]
fn where_nobody_may_rename_themselves_leaving_gives_no_new_name() {
    let name = |raw| DisplayName::parse(raw).unwrap();
    for may_rename in [true, false] {
        let facts = object::Room {
            permissions: Permissions {
                rename: may_rename,
                ..Permissions::default()
            },
            ..facts()
        };
        let mut room = room_of(facts, &["ada", "bo", "cy"]);
        let given = Command::Rename {
            by: membership("ada"),
            whom: membership("bo"),
            display_name: name("Given"),
        };
        room.handle(given, at(1)).reply.unwrap();
        for (who, before) in [("bo", "Given"), ("cy", "cy")] {
            room.handle(leave(who), at(2)).reply.unwrap();
            let mut again = newcomer(who, who);
            again.user.display_name = name("Host");
            again.display_name = name("Host");
            room.handle(Command::Join(again), at(3)).reply.unwrap();
            let expected = if may_rename { "Host" } else { before };
            assert_eq!(view(&mut room, who).me.display_name, name(expected));
        }
    }
}

#[test]
fn names_are_kept_of_so_many_people_and_who_left_the_longest_ago_is_forgotten() {
    let facts = object::Room {
        permissions: Permissions {
            rename: false,
            ..Permissions::default()
        },
        ..facts()
    };
    let mut room = room_of(facts, &["ada", "bo", "cy"]);
    for whom in ["bo", "cy"] {
        let given = Command::Rename {
            by: membership("ada"),
            whom: membership(whom),
            display_name: DisplayName::parse("Given").unwrap(),
        };
        room.handle(given, at(1)).reply.unwrap();
        room.handle(leave(whom), at(2)).reply.unwrap();
    }
    let mut come_and_go = |name: &str| {
        room.handle(join(name), at(3)).reply.unwrap();
        let called = view(&mut room, name).me.display_name;
        room.handle(leave(name), at(4)).reply.unwrap();
        called.as_str().to_owned()
    };
    for number in 1..crate::meeting::state::recent::MAX_RECENT {
        come_and_go(&format!("n{number}"));
    }
    assert_eq!(come_and_go("cy"), "Given");
    assert_eq!(come_and_go("bo"), "bo");
}
