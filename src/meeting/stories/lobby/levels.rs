//! Who waits, who may come at all, and what those who wait know.

use super::*;
use crate::protocol::event::LobbyUpdated;
use crate::protocol::object::WhoWaits;

fn waits(waiting: WhoWaits) -> object::Room {
    object::Room { waiting, ..facts() }
}

fn accounts_only() -> object::Room {
    object::Room {
        guests: false,
        ..facts()
    }
}

fn guest(name: &str) -> Join {
    let mut join = newcomer(name, name);
    join.user.kind = UserKind::Guest;
    join
}

fn knocks(room: &mut Room, join: Join) -> Result<Reply, ErrorCode> {
    room.handle(Command::Join(join), at(1)).reply
}

fn comes_in(room: &mut Room, join: Join) {
    let reply = knocks(room, join);
    assert!(matches!(reply, Ok(Reply::View(_))), "{reply:?}");
}

/// What those who wait are told, by membership.
fn told_at_the_door(effects: &[Effect]) -> Vec<(ParticipantId, bool)> {
    let told = whole_words_at_the_door(effects).into_iter();
    told.map(|(to, told)| (to, told.hosted)).collect()
}

fn whole_words_at_the_door(effects: &[Effect]) -> Vec<(ParticipantId, LobbyUpdated)> {
    let of = |effect: &Effect| match effect {
        Effect::TellWaiting { to, event } => match &**event {
            Event::LobbyUpdated(told) => {
                let told_each = to.iter().map(|to| (to.clone(), told.clone()));
                told_each.collect::<Vec<_>>()
            }
            other => panic!("who waits is told {}", other.kind()),
        },
        _ => Vec::new(),
    };
    effects.iter().flat_map(of).collect()
}

#[test]
fn accounts_come_straight_in_where_guests_wait() {
    let mut room = room_of(waits(WhoWaits::Guests), &["ada", "bo"]);
    assert_eq!(knocks(&mut room, guest("gus")), Ok(Reply::Waiting));
    comes_in(&mut room, newcomer("cy", "cy"));
    let mut invited = guest("gwen");
    invited.pass = true;
    comes_in(&mut room, invited);
    let mut helper = guest("gil");
    helper.role = Some(Role::Cohost);
    comes_in(&mut room, helper);
}

#[test]
fn a_room_for_accounts_refuses_guests_with_an_invite_too() {
    let mut room = room_of(accounts_only(), &["ada"]);
    comes_in(&mut room, newcomer("cy", "cy"));
    let mut invited = guest("gwen");
    invited.pass = true;
    for join in [guest("gus"), invited] {
        assert_eq!(
            knocks(&mut room, join.clone()),
            Err(ErrorCode::RoomAccountsOnly)
        );
        let knock = room.handle(Command::Knock(Box::new(join)), at(1)).reply;
        assert_eq!(knock, Err(ErrorCode::RoomAccountsOnly));
    }
    let mut helper = guest("gil");
    helper.role = Some(Role::Cohost);
    comes_in(&mut room, helper);
}

#[test]
fn a_looser_door_lets_in_everybody_who_need_not_wait_any_more() {
    let mut room = room_of(waits(WhoWaits::Everyone), &["ada"]);
    for join in [guest("gus"), newcomer("cy", "cy"), newcomer("dee", "dee")] {
        assert_eq!(knocks(&mut room, join), Ok(Reply::Waiting));
    }
    let mut loosen = |waiting, version| {
        let facts = object::Room {
            version,
            ..waits(waiting)
        };
        told(&room.handle(edited(facts), at(2)).effects)
    };
    let effects = loosen(WhoWaits::Guests, 2);
    assert!(effects.contains(&"admit p-cy".to_owned()), "{effects:?}");
    assert!(effects.contains(&"admit p-dee".to_owned()), "{effects:?}");
    assert!(!effects.contains(&"admit p-gus".to_owned()), "{effects:?}");
    let effects = loosen(WhoWaits::Nobody, 3);
    assert!(effects.contains(&"admit p-gus".to_owned()), "{effects:?}");
    assert_eq!(room.head_count(), 4);
}

#[test]
fn a_tighter_door_keeps_those_who_are_in() {
    let mut room = room_of(waits(WhoWaits::Nobody), &["ada", "cy"]);
    comes_in(&mut room, guest("gus"));
    let tighter = object::Room {
        version: 2,
        guests: false,
        ..waits(WhoWaits::Everyone)
    };
    let outcome = room.handle(edited(tighter), at(2));
    assert_eq!(told(&outcome.effects), ["all: room.updated"]);
    assert_eq!(room.head_count(), 3);
    // Also for a moment after they vanished, as a reload would need a host, or an account, otherwise.
    room.handle(lost("gus"), at(3)).reply.unwrap();
    comes_in(&mut room, guest("gus"));
}

#[test]
fn guests_who_wait_are_sent_away_when_the_room_takes_accounts_only() {
    let mut room = room_of(waits(WhoWaits::Everyone), &["ada"]);
    for join in [guest("gus"), newcomer("cy", "cy")] {
        assert_eq!(knocks(&mut room, join), Ok(Reply::Waiting));
    }
    let only = object::Room {
        version: 2,
        guests: false,
        ..waits(WhoWaits::Everyone)
    };
    let outcome = room.handle(edited(only), at(2));
    assert_eq!(
        denials(&outcome.effects),
        [(membership("gus"), LobbyDenial::AccountsOnly)]
    );
    assert_eq!(waiting(&mut room), ["cy"]);
    // It was no refusal of the person: they may knock again when guests may.
    let again = object::Room {
        version: 3,
        ..waits(WhoWaits::Everyone)
    };
    room.handle(edited(again), at(3)).reply.unwrap();
    assert_eq!(knocks(&mut room, guest("gus")), Ok(Reply::Waiting));
}

#[test]
fn who_waits_knows_whether_somebody_is_there_to_let_them_in() {
    let mut room = Room::new(waits(WhoWaits::Everyone), None, Chat::default(), Vec::new());
    let knock = room.handle(join("cy"), at(1));
    assert_eq!(knock.reply, Ok(Reply::Waiting));
    assert_eq!(
        told_at_the_door(&knock.effects),
        [(membership("cy"), false)]
    );
    let knock = room.handle(join("dee"), at(1));
    assert_eq!(
        told_at_the_door(&knock.effects),
        [(membership("dee"), false)]
    );
    // Somebody who may not let in changes nothing for them.
    let mut invited = newcomer("bo", "bo");
    invited.pass = true;
    invited.user.kind = UserKind::Guest;
    let enters = room.handle(Command::Join(invited), at(2));
    assert_eq!(told_at_the_door(&enters.effects), []);
    let both = |hosted| [(membership("cy"), hosted), (membership("dee"), hosted)];
    let enters = room.handle(join("ada"), at(3));
    assert_eq!(told_at_the_door(&enters.effects), both(true));
    let knock = room.handle(join("eve"), at(3));
    assert_eq!(
        told_at_the_door(&knock.effects),
        [(membership("eve"), true)]
    );
    room.handle(leave("eve"), at(3)).reply.unwrap();
    let leaves = room.handle(leave("ada"), at(4));
    assert_eq!(told_at_the_door(&leaves.effects), both(false));
}

#[test]
fn a_host_whose_connection_is_lost_is_not_there() {
    let mut room = room_of(waits(WhoWaits::Everyone), &["ada"]);
    assert_eq!(room.handle(join("cy"), at(1)).reply, Ok(Reply::Waiting));
    let says = |hosted, reconnecting| {
        let told = LobbyUpdated {
            hosted,
            reconnecting,
        };
        [(membership("cy"), told)]
    };
    let lost = room.handle(detach("ada"), at(2));
    assert_eq!(whole_words_at_the_door(&lost.effects), says(false, true));
    let knock = room.handle(join("dee"), at(2));
    assert_eq!(
        told_at_the_door(&knock.effects),
        [(membership("dee"), false)]
    );
    room.handle(leave("dee"), at(2)).reply.unwrap();
    let back = room.handle(attach("ada", false, false), at(3));
    assert_eq!(whole_words_at_the_door(&back.effects), says(true, false));
    // One who is there is enough.
    let mut cohost = newcomer("bo", "bo");
    cohost.pass = true;
    room.handle(Command::Join(cohost), at(4)).reply.unwrap();
    let set_role = Command::SetRole {
        by: membership("ada"),
        whom: membership("bo"),
        role: Role::Cohost,
    };
    room.handle(set_role, at(4)).reply.unwrap();
    let lost = room.handle(detach("ada"), at(5));
    assert_eq!(whole_words_at_the_door(&lost.effects), []);
    let lost = room.handle(detach("bo"), at(6));
    assert_eq!(whole_words_at_the_door(&lost.effects), says(false, true));
    room.handle(leave("ada"), at(7)).reply.unwrap();
    let gone = room.handle(leave("bo"), at(7));
    assert_eq!(whole_words_at_the_door(&gone.effects), says(false, false));
}

#[test]
fn a_host_who_is_let_in_from_the_waiting_room_is_one_to_let_in() {
    let mut room = room_of(waits(WhoWaits::Everyone), &["ada"]);
    for name in ["cy", "dee"] {
        assert_eq!(room.handle(join(name), at(1)).reply, Ok(Reply::Waiting));
    }
    let admitted = room.handle(admit("ada", these(&["cy"])), at(2));
    assert_eq!(told_at_the_door(&admitted.effects), [], "nothing changed");
    // Cy has an account and follows the last host.
    let leaves = room.handle(leave("ada"), at(3));
    assert_eq!(told_at_the_door(&leaves.effects), [], "somebody still may");
}
