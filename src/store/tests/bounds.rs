//! What is kept of what only grows, and what is kept once.

use sea_orm::{EntityTrait as _, PaginatorTrait as _};

use super::*;
use crate::budgets::store::{BANS, INVITE_USES, INVITES, ROOMS, ROOMS_MADE};
use crate::protocol::event::LeaveReason;
use crate::protocol::ids::{MessageId, ParticipantId, UserId};
use crate::protocol::object::{Ban, BanLength, PermissionsChange, Role, User, UserKind};
use crate::protocol::patch::Patch;
use crate::protocol::text::ChatText;
use crate::store::retention::{AT_ONCE, EVERY, forget_memberships, forget_messages};

fn message(author: &UserId, text: &str, client_id: Option<&str>) -> StoredMessage {
    let name = DisplayName::parse("Bo").unwrap();
    StoredMessage {
        id: MessageId::random(),
        participant: ParticipantId::random(),
        author: ChatAuthor {
            id: author.clone(),
            kind: UserKind::Guest,
            username: None,
            display_name: name.clone(),
        },
        display_name: name,
        to: None,
        text: ChatText::parse(text).unwrap(),
        client_id: client_id.map(str::to_owned),
        sent_at: at(1),
    }
}

async fn texts(store: &Store, room: &StoredRoom) -> Vec<String> {
    let page = store.recent_messages(room.key, 1_000).await.unwrap();
    let texts = page.messages.iter().map(|message| message.text.to_string());
    texts.collect()
}

async fn a_message_that_is_sent_again_is_kept_once(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let [hall, other] = [
        room(&store, &ada, "Hall").await,
        room(&store, &ada, "Other").await,
    ];
    let [bo, cy] = [UserId::random(), UserId::random()];
    let first = message(&bo, "hello", Some("c-1"));
    assert_eq!(
        store.insert_message(hall.key, &first).await.unwrap(),
        Kept::New
    );
    // Sent again, it has another id and membership here.
    let again = message(&bo, "hello", Some("c-1"));
    let known = Kept::Known(Box::new(first.clone()));
    assert_eq!(store.insert_message(hall.key, &again).await.unwrap(), known);
    assert_eq!(
        store.find_sent(hall.key, &bo, "c-1").await.unwrap(),
        Some(first.clone())
    );
    for (room, author, id) in [
        (&other, &bo, Some("c-1")),
        (&hall, &cy, Some("c-1")),
        (&hall, &bo, Some("c-2")),
        (&hall, &bo, Some("C-1")),
        (&hall, &bo, None),
        (&hall, &bo, None),
    ] {
        let kept = store
            .insert_message(room.key, &message(author, "hello", id))
            .await;
        assert_eq!(kept.unwrap(), Kept::New, "{id:?}");
    }
    let something_else = message(&bo, "bye", Some("c-1"));
    let refused = store
        .insert_message(hall.key, &something_else)
        .await
        .unwrap_err();
    assert_eq!(refused.wire().field.as_deref(), Some("data.client_id"));
    assert_eq!(texts(&store, &hall).await.len(), 6);
    // What was taken back is not sent anew by a repetition.
    store
        .delete_message(hall.key, &first.id, at(5))
        .await
        .unwrap();
    assert_eq!(store.insert_message(hall.key, &again).await.unwrap(), known);
    assert_eq!(texts(&store, &hall).await.len(), 5);
}

async fn a_message_that_comes_twice_at_once_is_kept_once(home: Home) {
    let store = home.open().await;
    let hall = room(&store, &user(&store, "ada").await, "Hall").await;
    let bo = UserId::random();
    for round in 0..10 {
        let id = format!("c-{round}");
        let sent: Vec<_> = (0..6).map(|_| message(&bo, "hello", Some(&id))).collect();
        let sent = sent
            .iter()
            .map(|message| store.insert_message(hall.key, message));
        let kept = futures_util::future::join_all(sent).await;
        let new = kept.iter().filter(|kept| matches!(kept, Ok(Kept::New)));
        assert_eq!(new.count(), 1, "{kept:?}");
        assert!(kept.iter().all(Result::is_ok), "{kept:?}");
    }
    assert_eq!(texts(&store, &hall).await.len(), 10);
}

async fn a_room_keeps_its_newest_messages(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let [hall, other] = [
        room(&store, &ada, "Hall").await,
        room(&store, &ada, "Other").await,
    ];
    store
        .insert_message(other.key, &message(&ada.id, "other", None))
        .await
        .unwrap();
    for n in 0..8 {
        store
            .insert_message(hall.key, &message(&ada.id, &n.to_string(), None))
            .await
            .unwrap();
    }
    let forget = async |kept| {
        let write = store
            .db
            .write(async |writing| forget_messages(writing, hall.key, kept).await);
        write.await.unwrap();
    };
    forget(8).await;
    assert_eq!(texts(&store, &hall).await.len(), 8);
    forget(3).await;
    assert_eq!(texts(&store, &hall).await, ["5", "6", "7"]);
    assert_eq!(texts(&store, &other).await, ["other"]);
    // More go than come from one look to the next.
    const { assert!(AT_ONCE > EVERY) };
    let due = (0..EVERY * 3).filter(|_| store.turns.is_due()).count();
    assert_eq!(due, 3);
}

async fn a_room_keeps_its_newest_memberships(home: Home) {
    let store = home.open().await;
    let hall = room(&store, &user(&store, "ada").await, "Hall").await;
    let mut memberships = Vec::new();
    for n in 0..6 {
        let participant = ParticipantId::random();
        memberships.push(participant.clone());
        let came = Attendance::Joined(Membership {
            room: hall.key,
            participant: participant.clone(),
            user: UserId::random(),
            display_name: DisplayName::parse("Bo").unwrap(),
            role: Role::Member,
            joined_at: at(n),
        });
        store.write_attendance(came).await.unwrap();
        if n != 1 {
            let left = Attendance::Left {
                participant,
                reason: LeaveReason::Left,
                at: at(n + 1),
            };
            store.write_attendance(left).await.unwrap();
        }
    }
    let write = store
        .db
        .write(async |writing| forget_memberships(writing, hall.key, 2).await);
    write.await.unwrap();
    let kept = store.list_memberships(hall.key).await.unwrap();
    let kept: Vec<_> = kept
        .into_iter()
        .filter_map(|membership| membership.participant)
        .collect();
    assert_eq!(
        kept,
        [&memberships[1], &memberships[4], &memberships[5]].map(Clone::clone),
        "people who are in stay"
    );
}

async fn an_account_has_so_many_rooms_and_no_more(home: Home) {
    let store = home.open().await;
    let [ada, bo] = [user(&store, "ada").await, user(&store, "bo").await];
    let mut newest = None;
    for n in 0..ROOMS.most {
        newest = Some(room(&store, &ada, &format!("Room {n}")).await);
    }
    let more = async || {
        store
            .create_room(ada.key, settings("One more"), at(1))
            .await
    };
    let refused = more().await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Limit(Limit::Rooms)),
        "{refused:?}"
    );
    assert_eq!(
        refused.wire().code,
        crate::protocol::error::ErrorCode::PermDenied
    );
    room(&store, &bo, "Another's").await;
    store.delete_room(newest.unwrap().key, at(2)).await.unwrap();
    // Of several at once one is the last.
    let several = futures_util::future::join_all((0..4).map(|_| more())).await;
    assert_eq!(several.iter().filter(|made| made.is_ok()).count(), 1);
}

async fn rooms_that_are_made_and_deleted_in_turn_are_counted(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    for _ in 0..ROOMS_MADE.most {
        let made = room(&store, &ada, "Hall").await;
        store.delete_room(made.key, at(1)).await.unwrap();
    }
    let refused = store
        .create_room(ada.key, settings("Hall"), at(2))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, StoreError::Limit(Limit::RoomsMade)),
        "{refused:?}"
    );
    assert!(refused.wire().retry_after_ms.is_some());
    let next_day = at(24 * 3_600_000);
    store
        .create_room(ada.key, settings("Hall"), next_day)
        .await
        .unwrap();
}

fn invite(number: u64) -> NewInvite {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    NewInvite {
        token: TokenHash::new(digest),
        role: Role::Member,
        name: None,
        expires_at: None,
        max_uses: None,
        created_by: UserId::random(),
    }
}

async fn a_room_has_so_many_links_and_forgets_old_ones(home: Home) {
    let store = home.open().await;
    let hall = room(&store, &user(&store, "ada").await, "Hall").await;
    let mut numbers = 0..;
    let mut make = async || {
        let number = numbers.next().unwrap();
        store.create_invite(hall.key, invite(number), at(0)).await
    };
    let mut links = Vec::new();
    for _ in 0..INVITES.most {
        links.push(make().await.unwrap());
    }
    let refused = make().await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Limit(Limit::Invites)),
        "{refused:?}"
    );
    // Revoked ones make room, and are not kept without end either.
    for _ in 0..2 {
        for link in links.drain(..) {
            assert!(
                store
                    .revoke_invite(hall.key, &link.id, at(1))
                    .await
                    .unwrap()
            );
        }
        for _ in 0..INVITES.most {
            links.push(make().await.unwrap());
        }
    }
    let rows = entity::room_invite::Entity::find();
    let rows = rows.count(&store.db).await.unwrap();
    assert!(rows <= 2 * INVITES.most, "{rows}");
    assert_eq!(
        store.list_invites(hall.key, at(2)).await.unwrap().len() as u64,
        INVITES.most
    );
}

async fn a_link_without_a_number_is_not_for_everybody_there_is(home: Home) {
    let store = home.open().await;
    let hall = room(&store, &user(&store, "ada").await, "Hall").await;
    store
        .create_invite(hall.key, invite(1), at(0))
        .await
        .unwrap();
    let nearly = INVITE_USES.most - 1;
    home.run(&format!("UPDATE room_invite SET uses = {nearly};\n"))
        .await;
    let token = invite(1).token;
    let follow = async || {
        let used = store
            .use_invite(hall.key, &token, &UserId::random(), at(1))
            .await;
        used.unwrap().is_some()
    };
    assert!(follow().await);
    assert!(!follow().await);
}

async fn the_oldest_ban_goes_when_there_are_too_many(home: Home) {
    let store = home.open().await;
    let hall = room(&store, &user(&store, "ada").await, "Hall").await;
    let people: Vec<_> = (0..=BANS.most).map(|_| UserId::random()).collect();
    let name = DisplayName::parse("Bo").unwrap();
    for person in &people {
        let ban = Ban {
            user: User {
                id: person.clone(),
                kind: UserKind::Guest,
                username: None,
                display_name: name.clone(),
                avatar_url: String::new(),
            },
            display_name: name.clone(),
            until: BanLength::Forever,
            since: at(1),
            by: UserId::random(),
        };
        store.ban(hall.key, &ban).await.unwrap();
    }
    let rows = entity::room_ban::Entity::find();
    let rows = rows.count(&store.db).await.unwrap();
    assert_eq!(rows, BANS.most);
    let kept = store.bans(hall.key).await.unwrap();
    assert_eq!(kept.first().map(|ban| &ban.user), Some(&people[1]));
}

async fn edits_at_once_that_name_no_version_all_hold(home: Home) {
    let store = home.open().await;
    let hall = room(&store, &user(&store, "ada").await, "Hall").await;
    let change = |change| RoomEdit {
        permissions: Patch::Set(change),
        ..RoomEdit::default()
    };
    let off = Some(false);
    let mut edits = vec![
        change(PermissionsChange {
            unmute: off,
            ..Default::default()
        }),
        change(PermissionsChange {
            chat: off,
            ..Default::default()
        }),
        change(PermissionsChange {
            react: off,
            ..Default::default()
        }),
    ];
    edits.extend((2..30).map(|people| RoomEdit {
        max_participants: Some(people),
        ..RoomEdit::default()
    }));
    let edits = edits
        .into_iter()
        .map(|edit| store.edit_room(hall.key, None, edit, at(1)));
    for edited in futures_util::future::join_all(edits).await {
        edited.unwrap();
    }
    let hall = store.find_room_by_key(hall.key).await.unwrap().unwrap();
    let permissions = hall.settings.permissions;
    assert!(!permissions.unmute && !permissions.chat && !permissions.react);
    assert!(permissions.screen);
    assert_eq!(hall.version, 32, "each was one edit");
}

async fn names_are_found_however_they_are_typed(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    for name in ["Straße", "İstanbul", "ΣΊΣΥΦΟΣ", "100%", "a!b_c"] {
        room(&store, &ada, name).await;
    }
    // A row that another program has made, or that is older than the key.
    home.run("UPDATE room_basic SET name_key = NULL;\n").await;
    let store = {
        store.close().await;
        home.open().await
    };
    for (typed, found) in [
        ("STRASSE", vec!["Straße"]),
        ("istanbul", vec!["İstanbul"]),
        ("σίσυφος", vec!["ΣΊΣΥΦΟΣ"]),
        ("0%", vec!["100%"]),
        ("!B_", vec!["a!b_c"]),
        ("a_b", vec![]),
        ("!", vec!["a!b_c"]),
    ] {
        let filter = RoomFilter {
            scope: RoomScope::OwnedBy(ada.key),
            keyword: Some(typed.to_owned()),
            page: 1,
            size: 10,
        };
        let page = store.list_rooms(&filter).await.unwrap();
        let names: Vec<_> = page
            .rooms
            .iter()
            .map(|room| room.settings.name.as_str())
            .collect();
        assert_eq!(
            (names, page.total),
            (found.clone(), found.len() as u64),
            "{typed}"
        );
    }
    let renamed = RoomEdit {
        name: Some(RoomName::parse("Gasse").unwrap()),
        ..RoomEdit::default()
    };
    let filter = |keyword: &str| RoomFilter {
        scope: RoomScope::OwnedBy(ada.key),
        keyword: Some(keyword.to_owned()),
        page: 1,
        size: 10,
    };
    let street = store
        .list_rooms(&filter("straße"))
        .await
        .unwrap()
        .rooms
        .remove(0);
    store
        .edit_room(street.key, None, renamed, at(1))
        .await
        .unwrap();
    assert_eq!(store.list_rooms(&filter("straße")).await.unwrap().total, 0);
    assert_eq!(store.list_rooms(&filter("GASSE")).await.unwrap().total, 1);
}

async fn of_messages_that_were_sent_twice_before_the_first_keeps_its_name(home: Home) {
    use migration::{Migrator, MigratorTrait as _};
    let store = home.open().await;
    let hall = room(&store, &user(&store, "ada").await, "Hall").await;
    let bo = UserId::random();
    // Back to before the step that makes keys unique, and the steps after it.
    let steps = store.migrations().await.unwrap();
    let later = steps
        .iter()
        .rev()
        .take_while(|(name, _)| !name.ends_with("_keys"));
    let back = u32::try_from(later.count() + 1).unwrap();
    Migrator::down(store.db.pool(), Some(back)).await.unwrap();
    let sent: Vec<_> = (0..3).map(|_| message(&bo, "hello", Some("c-1"))).collect();
    for message in &sent {
        assert_eq!(
            store.insert_message(hall.key, message).await.unwrap(),
            Kept::New
        );
    }
    store.close().await;
    let store = home.open().await;
    let page = store.recent_messages(hall.key, 10).await.unwrap();
    let ids: Vec<_> = page
        .messages
        .iter()
        .map(|sent| sent.client_id.as_deref())
        .collect();
    assert_eq!(ids, [Some("c-1"), None, None], "nothing is lost");
    let again = store
        .insert_message(hall.key, &message(&bo, "hello", Some("c-1")))
        .await;
    assert_eq!(again.unwrap(), Kept::Known(Box::new(sent[0].clone())));
}

on_each_database!(
    a_message_that_is_sent_again_is_kept_once,
    a_message_that_comes_twice_at_once_is_kept_once,
    a_room_keeps_its_newest_messages,
    a_room_keeps_its_newest_memberships,
    an_account_has_so_many_rooms_and_no_more,
    rooms_that_are_made_and_deleted_in_turn_are_counted,
    a_room_has_so_many_links_and_forgets_old_ones,
    a_link_without_a_number_is_not_for_everybody_there_is,
    the_oldest_ban_goes_when_there_are_too_many,
    edits_at_once_that_name_no_version_all_hold,
    names_are_found_however_they_are_typed,
    of_messages_that_were_sent_twice_before_the_first_keeps_its_name,
);
