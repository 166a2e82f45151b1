//! How meetings are governed: invite links, bans, decisions of rooms, messages that were taken back.

use super::*;
use crate::protocol::ids::{InviteId, MessageId, ParticipantId, UserId};
use crate::protocol::object::{Ban, BanLength, Invite, Role, User, UserKind};
use crate::protocol::patch::Patch;
use crate::protocol::text::ChatText;
use crate::protocol::time_zone::TimeZone;

fn hash(byte: u8) -> TokenHash {
    TokenHash::new([byte; 32])
}

fn invite(byte: u8, max_uses: Option<u32>) -> NewInvite {
    NewInvite {
        token: hash(byte),
        role: Role::Cohost,
        name: Some(RoomName::parse("讲者 🎉").unwrap()),
        expires_at: Some(at(1_000)),
        max_uses,
        created_by: UserId::random(),
    }
}

async fn uses(store: &Store, room: &StoredRoom, now: i64) -> Vec<u32> {
    let listed = store.list_invites(room.key, at(now)).await.unwrap();
    listed.iter().map(|invite| invite.uses).collect()
}

async fn an_invite_is_kept_as_it_was_made_without_its_token(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let [hall, other] = [
        room(&store, &ada, "Hall").await,
        room(&store, &ada, "Other").await,
    ];
    let new = invite(1, Some(2));
    let made = store
        .create_invite(hall.key, new.clone(), at(5))
        .await
        .unwrap();
    let expected = Invite {
        id: made.id.clone(),
        name: new.name.clone(),
        role: Role::Cohost,
        expires_at: Some(at(1_000)),
        max_uses: Some(2),
        uses: 0,
        created_at: at(5),
        created_by: new.created_by.clone(),
    };
    assert_eq!(made, expected);
    assert_eq!(store.list_invites(hall.key, at(6)).await.unwrap(), [made]);
    assert!(uses(&store, &other, 6).await.is_empty());
    let again = store.create_invite(other.key, new.clone(), at(5)).await;
    assert!(matches!(
        again,
        Err(StoreError::Conflict(Conflict::Identity))
    ));
    assert!(
        !format!("{new:?}").contains("0101"),
        "hashes are not printed"
    );
}

async fn an_invite_counts_a_person_once_and_gives_its_role(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let hall = room(&store, &ada, "Hall").await;
    store
        .create_invite(hall.key, invite(1, Some(2)), at(0))
        .await
        .unwrap();
    let people: Vec<_> = (0..3).map(|_| UserId::random()).collect();
    let follow = async |who: usize| {
        let token = hash(1);
        let used = store.use_invite(hall.key, &token, &people[who], at(1));
        used.await.unwrap().map(|used| used.role)
    };
    assert_eq!(follow(0).await, Some(Role::Cohost));
    assert_eq!(follow(0).await, Some(Role::Cohost));
    assert_eq!(uses(&store, &hall, 1).await, [1]);
    assert_eq!(follow(1).await, Some(Role::Cohost));
    assert_eq!(follow(2).await, None, "two were let in");
    assert_eq!(
        follow(0).await,
        Some(Role::Cohost),
        "who was let in comes again"
    );
    assert!(
        uses(&store, &hall, 1).await.is_empty(),
        "it lets in nobody else"
    );
}

async fn what_is_unknown_expired_revoked_or_of_another_room_lets_nobody_in(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let [hall, other] = [
        room(&store, &ada, "Hall").await,
        room(&store, &ada, "Other").await,
    ];
    let made = store
        .create_invite(hall.key, invite(1, None), at(0))
        .await
        .unwrap();
    let bo = UserId::random();
    let lets_in = async |room: &StoredRoom, byte, now| {
        let used = store.use_invite(room.key, &hash(byte), &bo, at(now)).await;
        used.unwrap().is_some()
    };
    assert!(!lets_in(&hall, 2, 1).await);
    assert!(!lets_in(&other, 1, 1).await);
    assert!(lets_in(&hall, 1, 999).await);
    assert!(!lets_in(&hall, 1, 1_000).await, "it has expired");
    assert!(
        !store
            .revoke_invite(other.key, &made.id, at(2))
            .await
            .unwrap()
    );
    assert!(
        lets_in(&hall, 1, 3).await,
        "another room's host revokes nothing"
    );
    for _ in 0..2 {
        assert!(
            store
                .revoke_invite(hall.key, &made.id, at(4))
                .await
                .unwrap()
        );
    }
    assert!(
        !store
            .revoke_invite(hall.key, &InviteId::random(), at(4))
            .await
            .unwrap()
    );
    assert!(
        !lets_in(&hall, 1, 5).await,
        "not even who came by it before"
    );
    assert!(uses(&store, &hall, 5).await.is_empty());
}

async fn of_many_who_follow_a_link_at_once_no_more_come_in_than_it_is_for(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let hall = room(&store, &ada, "Hall").await;
    store
        .create_invite(hall.key, invite(1, Some(3)), at(0))
        .await
        .unwrap();
    let people: Vec<_> = (0..8).map(|_| UserId::random()).collect();
    // Everyone comes twice at once.
    let attempts = people.iter().chain(&people).map(|user| async {
        let used = store.use_invite(hall.key, &hash(1), user, at(1)).await;
        used.unwrap().map(|_| user.clone())
    });
    let came = futures_util::future::join_all(attempts).await;
    let mut came: Vec<_> = came.into_iter().flatten().collect();
    came.sort();
    came.dedup();
    assert_eq!(came.len(), 3);
    for user in &people {
        let again = store.use_invite(hall.key, &hash(1), user, at(2)).await;
        assert_eq!(again.unwrap().is_some(), came.contains(user));
    }
}

async fn who_was_not_let_in_after_all_is_not_counted(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let hall = room(&store, &ada, "Hall").await;
    store
        .create_invite(hall.key, invite(1, Some(1)), at(0))
        .await
        .unwrap();
    let [bo, cy] = [UserId::random(), UserId::random()];
    let follow = async |user: &UserId| {
        let used = store.use_invite(hall.key, &hash(1), user, at(1)).await;
        used.unwrap()
    };
    let first = follow(&bo).await.unwrap();
    for _ in 0..2 {
        store.release_invite(&first).await.unwrap();
    }
    assert_eq!(uses(&store, &hall, 1).await, [0]);
    assert!(follow(&cy).await.is_some());
    let second = follow(&cy).await.unwrap();
    store.release_invite(&second).await.unwrap();
    assert!(
        follow(&bo).await.is_none(),
        "who came in before stays counted"
    );
}

fn ban(user: User, by: &UserId, since: i64) -> Ban {
    Ban {
        display_name: DisplayName::parse("Bo at the meeting").unwrap(),
        user,
        until: BanLength::Forever,
        since: at(since),
        by: by.clone(),
    }
}

fn person(id: &UserId) -> User {
    User {
        id: id.clone(),
        username: None,
        display_name: DisplayName::parse("Bo").unwrap(),
        avatar_url: String::new(),
        kind: UserKind::Guest,
    }
}

async fn a_ban_is_of_one_room_and_lasts_until_it_is_lifted(home: Home) {
    let store = home.open().await;
    let [ada, bo] = [user(&store, "ada").await, user(&store, "bo").await];
    let [hall, other] = [
        room(&store, &ada, "Hall").await,
        room(&store, &ada, "Other").await,
    ];
    let guest = UserId::random();
    for (who, since) in [(&guest, 1), (&bo.id, 2), (&guest, 3)] {
        store
            .ban(hall.key, &ban(person(who), &ada.id, since))
            .await
            .unwrap();
    }
    let stored = store.bans(hall.key).await.unwrap();
    let expected = |user: &UserId, account: Option<&StoredUser>, since| StoredBan {
        user: user.clone(),
        account: account.cloned(),
        display_name: DisplayName::parse("Bo at the meeting").unwrap(),
        since: at(since),
        by: ada.id.clone(),
    };
    assert_eq!(
        stored,
        [expected(&guest, None, 1), expected(&bo.id, Some(&bo), 2)]
    );
    assert!(store.bans(other.key).await.unwrap().is_empty());
    store.unban(other.key, &bo.id).await.unwrap();
    for _ in 0..2 {
        store.unban(hall.key, &guest).await.unwrap();
    }
    store.delete_user(bo.key, at(4)).await.unwrap();
    assert_eq!(
        store.bans(hall.key).await.unwrap(),
        [expected(&bo.id, None, 2)]
    );
}

async fn a_room_keeps_all_its_decisions(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let wanted = RoomSettings {
        begin_at: Some(at(0)),
        end_at: Some(at(3_600_000)),
        history: HistoryAccess::Joined,
        hide_number: true,
        early_ms: 86_400_000,
        ends_on_time: true,
        recurrence: Some("FREQ=DAILY;COUNT=3".to_owned()),
        time_zone: Some(zone("Europe/Berlin")),
        permanent: false,
        ..settings("Hall")
    };
    let hall = store
        .create_room(ada.key, wanted.clone(), at(0))
        .await
        .unwrap();
    assert_eq!(hall.settings, wanted);
    let found = store.find_room(hall.identity.as_str()).await.unwrap();
    assert_eq!(found.as_ref(), Some(&hall));
    assert_eq!(
        store.find_room(&hall.number).await.unwrap(),
        None,
        "a hidden number finds nothing"
    );
    let open = RoomEdit {
        history: Some(HistoryAccess::All),
        hide_number: Some(false),
        early_ms: Some(0),
        ends_on_time: Some(false),
        recurrence: Patch::Clear,
        time_zone: Patch::Clear,
        permanent: Some(true),
        ..Default::default()
    };
    let edited = store.edit_room(hall.key, None, open, at(1)).await.unwrap();
    let expected = RoomSettings {
        begin_at: wanted.begin_at,
        end_at: wanted.end_at,
        early_ms: 0,
        ..settings("Hall")
    };
    assert_eq!(edited.settings, expected);
    assert_eq!(store.find_room(&hall.number).await.unwrap(), Some(edited));
}

async fn a_room_that_comes_again_keeps_the_times_of_its_rule(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let daily = RoomSettings {
        begin_at: Some(at(0)),
        end_at: Some(at(3_600_000)),
        recurrence: Some("FREQ=DAILY".to_owned()),
        ..settings("Hall")
    };
    let hall = store
        .create_room(ada.key, daily.clone(), at(0))
        .await
        .unwrap();
    let timeless = RoomSettings {
        begin_at: None,
        ..daily
    };
    let field = |refused: Result<StoredRoom, StoreError>| refused.unwrap_err().wire().field;
    let created = store.create_room(ada.key, timeless, at(0)).await;
    assert_eq!(field(created).as_deref(), Some("data.recurrence"));
    for edit in [
        RoomEdit {
            end_at: Patch::Clear,
            ..Default::default()
        },
        RoomEdit {
            recurrence: Patch::Set("FREQ=HOURLY".to_owned()),
            ..Default::default()
        },
    ] {
        let edited = store.edit_room(hall.key, None, edit, at(1)).await;
        assert_eq!(field(edited).as_deref(), Some("data.recurrence"));
    }
}

fn zone(name: &str) -> TimeZone {
    TimeZone::try_from(name.to_owned()).unwrap()
}

async fn a_zone_alone_is_edited_only_where_the_rule_stays_true(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    // Monday 18 January 2027, 19:00 in Los Angeles; Tuesday in UTC.
    let begin = at(91 * 3_600_000);
    let weekly = RoomSettings {
        begin_at: Some(begin),
        end_at: Some(begin.plus_millis(3_600_000)),
        recurrence: Some("FREQ=WEEKLY;BYDAY=MO".to_owned()),
        time_zone: Some(zone("America/Los_Angeles")),
        ..settings("Hall")
    };
    let hall = store.create_room(ada.key, weekly, at(0)).await.unwrap();
    let move_to = |time_zone| RoomEdit {
        time_zone,
        ..Default::default()
    };
    for elsewhere in [Patch::Clear, Patch::Set(zone("Europe/Berlin"))] {
        let edited = store
            .edit_room(hall.key, None, move_to(elsewhere), at(1))
            .await;
        let wire = edited.unwrap_err().wire();
        assert_eq!(wire.field.as_deref(), Some("data.recurrence"));
    }
    let near = move_to(Patch::Set(zone("America/Denver")));
    let edited = store.edit_room(hall.key, None, near, at(1)).await.unwrap();
    assert_eq!(edited.settings.time_zone, Some(zone("America/Denver")));
}

async fn the_only_meeting_of_a_room_stays_over_until_the_room_is_permanent(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let once = RoomSettings {
        permanent: false,
        ..settings("Hall")
    };
    let hall = store.create_room(ada.key, once, at(0)).await.unwrap();
    store.end_room(hall.key, at(5)).await.unwrap();
    let plan = |permanent| RoomEdit {
        begin_at: Patch::Set(at(9_000)),
        permanent,
        ..Default::default()
    };
    let edited = store.edit_room(hall.key, None, plan(None), at(6)).await;
    assert_eq!(edited.unwrap().ended_at, Some(at(5)));
    let edited = store
        .edit_room(hall.key, None, plan(Some(true)), at(7))
        .await;
    assert_eq!(edited.unwrap().ended_at, None);
}

fn message(author: &UserId, text: &str, sent: i64) -> StoredMessage {
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
        client_id: None,
        sent_at: at(sent),
    }
}

async fn a_message_that_was_taken_back_is_read_by_nobody(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let [hall, other] = [
        room(&store, &ada, "Hall").await,
        room(&store, &ada, "Other").await,
    ];
    let sent: Vec<_> = (0..3)
        .map(|n| message(&ada.id, &n.to_string(), n))
        .collect();
    for message in &sent {
        store.insert_message(hall.key, message).await.unwrap();
    }
    let second = &sent[1].id;
    store
        .delete_message(other.key, second, at(9))
        .await
        .unwrap();
    assert_eq!(
        store.find_message(hall.key, second).await.unwrap().as_ref(),
        Some(&sent[1])
    );
    assert_eq!(store.find_message(other.key, second).await.unwrap(), None);
    for _ in 0..2 {
        store.delete_message(hall.key, second, at(9)).await.unwrap();
    }
    assert_eq!(store.find_message(hall.key, second).await.unwrap(), None);
    let listed = store.list_messages(hall.key, &ada.id, None, None, 9).await;
    assert_eq!(listed.unwrap().messages, [sent[0].clone(), sent[2].clone()]);
    let recent = store.recent_messages(hall.key, 9).await.unwrap();
    assert_eq!(recent.messages.len(), 2);
    let older = store.list_messages(hall.key, &ada.id, Some(second), None, 9);
    assert_eq!(older.await.unwrap().messages, [sent[0].clone()]);
}

async fn who_reads_since_a_time_reads_nothing_older(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let hall = room(&store, &ada, "Hall").await;
    for n in 0..4 {
        let sent = message(&ada.id, &n.to_string(), n);
        store.insert_message(hall.key, &sent).await.unwrap();
    }
    for (limit, texts, more) in [(9, "2,3", false), (2, "2,3", false), (1, "3", true)] {
        let page = store.list_messages(hall.key, &ada.id, None, Some(at(2)), limit);
        let page = page.await.unwrap();
        let read: Vec<_> = page.messages.iter().map(|m| m.text.to_string()).collect();
        assert_eq!(
            (read.join(",").as_str(), page.more),
            (texts, more),
            "{limit}"
        );
    }
}

async fn the_first_coming_of_somebody_is_known(home: Home) {
    let store = home.open().await;
    let [ada, bo] = [user(&store, "ada").await, user(&store, "bo").await];
    let hall = room(&store, &ada, "Hall").await;
    let history = HistoryWriter::start(store.clone());
    let joined = |second| Membership {
        room: hall.key,
        participant: ParticipantId::random(),
        user: bo.id.clone(),
        display_name: bo.display_name.clone(),
        role: Role::Member,
        joined_at: at(second),
    };
    for second in [30, 10, 20] {
        history.record(Attendance::Joined(joined(second)));
    }
    history.flush().await;
    let known = async |user: &UserId| store.known_in(hall.key, user).await.unwrap();
    let of_bo = KnownIn {
        imported_role: None,
        first_joined_at: Some(at(10)),
    };
    assert_eq!(known(&bo.id).await, of_bo);
    assert_eq!(known(&ada.id).await, KnownIn::default());
    // Roles of meetings here end with them, and add nothing to what is known.
    let mut host = joined(25);
    host.role = Role::Host;
    history.record(Attendance::Joined(host));
    history.flush().await;
    assert_eq!(known(&bo.id).await, of_bo);
}

on_each_database!(
    an_invite_is_kept_as_it_was_made_without_its_token,
    an_invite_counts_a_person_once_and_gives_its_role,
    what_is_unknown_expired_revoked_or_of_another_room_lets_nobody_in,
    of_many_who_follow_a_link_at_once_no_more_come_in_than_it_is_for,
    who_was_not_let_in_after_all_is_not_counted,
    a_ban_is_of_one_room_and_lasts_until_it_is_lifted,
    a_room_keeps_all_its_decisions,
    a_room_that_comes_again_keeps_the_times_of_its_rule,
    a_zone_alone_is_edited_only_where_the_rule_stays_true,
    the_only_meeting_of_a_room_stays_over_until_the_room_is_permanent,
    a_message_that_was_taken_back_is_read_by_nobody,
    who_reads_since_a_time_reads_nothing_older,
    the_first_coming_of_somebody_is_known,
);
