//! Removing and banning.

use super::*;

#[test]
fn a_removed_person_is_told_and_may_come_again_unless_banned() {
    let mut room = governed();
    let outcome = room.handle(remove("cora", "bo", None), at(3));
    assert_eq!(
        told(&outcome.effects),
        ["release p-bo Some(Removed)", "all: participant.left"]
    );
    assert!(room.handle(join_as("bo", "bo2"), at(4)).reply.is_ok());
    let ban = room.handle(remove("cora", "bo2", Some(BanLength::Meeting)), at(5));
    assert_eq!(
        ban.reply,
        Err(ErrorCode::PermDenied),
        "co-hosts keep nobody out"
    );
    room.handle(remove("hal", "bo2", Some(BanLength::Meeting)), at(6))
        .reply
        .unwrap();
    let again = room.handle(join_as("bo", "bo3"), at(7));
    assert_eq!(again.reply, Err(ErrorCode::RoomBanned));
    let user = user("bo").id;
    room.handle(Command::Unban { user }, at(8)).reply.unwrap();
    assert!(room.handle(join_as("bo", "bo4"), at(9)).reply.is_ok());
}

#[test]
fn a_ban_lasts_as_long_as_it_says() {
    for (until, comes_again) in [(BanLength::Meeting, true), (BanLength::Forever, false)] {
        let mut room = room_with(&["ada", "bo"]);
        room.handle(remove("ada", "bo", Some(until)), at(1))
            .reply
            .unwrap();
        let Ok(Reply::Bans(bans)) = room.handle(Command::Bans, at(2)).reply else {
            panic!("the bans")
        };
        assert_eq!(bans.len(), 1);
        assert_eq!((bans[0].until, &bans[0].by), (until, &user("ada").id));
        room.handle(
            Command::End {
                by: membership("ada"),
            },
            at(3),
        )
        .reply
        .unwrap();
        room.handle(join_as("ada", "ada2"), at(4)).reply.unwrap();
        let again = room.handle(join_as("bo", "bo2"), at(5));
        assert_eq!(again.reply.is_ok(), comes_again, "{until:?}");
    }
}

#[test]
fn what_would_be_banned_is_told_before_it_is() {
    let mut room = governed();
    let consider = |by: &str, whom: &str| Command::ConsiderBan {
        by: membership(by),
        whom: membership(whom),
        until: BanLength::Forever,
    };
    let Ok(Reply::Ban(ban)) = room.handle(consider("hal", "bo"), at(3)).reply else {
        panic!("a ban")
    };
    assert_eq!((&ban.user, ban.since), (&user("bo"), at(3)));
    for (by, whom) in [("hal", "ada"), ("cora", "bo"), ("bo", "mia")] {
        let refused = room.handle(consider(by, whom), at(4)).reply;
        assert_eq!(refused, Err(ErrorCode::PermDenied), "{by} {whom}");
    }
    assert!(room.handle(join_as("bo", "bo2"), at(5)).reply.is_ok());
}

#[test]
fn a_stored_ban_keeps_out_everyone_but_the_owner() {
    let ban = |name: &str| object::Ban {
        user: user(name),
        display_name: DisplayName::parse(name).unwrap(),
        until: BanLength::Forever,
        since: at(0),
        by: user("ada").id,
    };
    let bans = vec![ban("ada"), ban("bo")];
    let mut room = Room::new(facts(), None, Chat::default(), bans);
    assert_eq!(
        room.handle(join("bo"), at(1)).reply,
        Err(ErrorCode::RoomBanned)
    );
    let knock = Command::Knock(Box::new(newcomer("bo", "bo")));
    assert_eq!(room.handle(knock, at(1)).reply, Err(ErrorCode::RoomBanned));
    assert!(room.handle(join("ada"), at(2)).reply.is_ok());
}

#[test]
fn guests_from_where_a_banned_guest_was_wait_to_be_let_in() {
    let guest = |name: &str, number: u8| {
        let mut guest = newcomer(name, name);
        guest.user.kind = UserKind::Guest;
        guest.address = address(number);
        guest
    };
    let mut room = room_with(&["ada"]);
    let bad = room.handle(Command::Join(guest("bad", 7)), at(1));
    bad.reply.unwrap();
    room.handle(remove("ada", "bad", Some(BanLength::Meeting)), at(2))
        .reply
        .unwrap();
    let invited = object::Room::clone(&view(&mut room, "ada").room);
    assert!(!invited.lobby);
    let mut renamed = guest("good", 7);
    renamed.pass = true;
    let waits = room.handle(Command::Join(renamed), at(3));
    assert_eq!(waits.reply, Ok(Reply::Waiting), "an invite does not help");
    let other = room.handle(Command::Join(guest("other", 8)), at(4));
    assert!(matches!(other.reply, Ok(Reply::View(_))));
    let mut account = newcomer("acc", "acc");
    account.address = address(7);
    let account = room.handle(Command::Join(account), at(5));
    assert!(matches!(account.reply, Ok(Reply::View(_))));
}
