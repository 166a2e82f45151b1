//! Chat and who may read it.

use super::*;
use crate::protocol::ids::{MessageId, ParticipantId, UserId};
use crate::protocol::object::UserKind;
use crate::protocol::text::ChatText;

fn message(author: &UserId, text: &str, to: Option<&UserId>) -> StoredMessage {
    let name = DisplayName::parse("李明 🎉").unwrap();
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
        to: to.map(|user| Recipient {
            participant: ParticipantId::random(),
            user: user.clone(),
        }),
        text: ChatText::parse(text).unwrap(),
        client_id: Some(MessageId::random().as_str().to_owned()),
        sent_at: at(123),
    }
}

async fn a_message_is_kept_as_it_was_sent(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let hall = room(&store, &ada, "Hall").await;
    let mut sent = message(&ada.id, "你好\n🎉 100% 'quoted'", Some(&UserId::random()));
    sent.author.kind = UserKind::Account;
    sent.author.username = Some(ada.username.clone());
    store.insert_message(hall.key, &sent).await.unwrap();
    let page = store
        .list_messages(hall.key, &ada.id, None, None, 50)
        .await
        .unwrap();
    assert_eq!(
        page,
        StoredPage {
            messages: vec![sent.clone()],
            more: false
        }
    );
    assert!(!format!("{sent:?}").contains("quoted"));
    sent.client_id = None;
    let again = store.insert_message(hall.key, &sent).await;
    assert!(matches!(
        again,
        Err(StoreError::Conflict(Conflict::Identity))
    ));
}

async fn private_messages_are_for_the_two_alone_even_in_a_later_membership(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let hall = room(&store, &ada, "Hall").await;
    let [bo, cy] = [UserId::random(), UserId::random()];
    for sent in [
        message(&ada.id, "all", None),
        message(&ada.id, "bo only", Some(&bo)),
    ] {
        store.insert_message(hall.key, &sent).await.unwrap();
    }
    for (viewer, expected) in [(&ada.id, 2), (&bo, 2), (&cy, 1)] {
        let page = store
            .list_messages(hall.key, viewer, None, None, 50)
            .await
            .unwrap();
        assert_eq!(page.messages.len(), expected);
    }
}

async fn history_is_read_backwards_page_by_page(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let [hall, other] = [
        room(&store, &ada, "Hall").await,
        room(&store, &ada, "Other").await,
    ];
    for n in 0..5 {
        store
            .insert_message(hall.key, &message(&ada.id, &n.to_string(), None))
            .await
            .unwrap();
        store
            .insert_message(other.key, &message(&ada.id, "elsewhere", None))
            .await
            .unwrap();
    }
    let page = async |before: Option<&MessageId>| {
        let page = store
            .list_messages(hall.key, &ada.id, before, None, 2)
            .await
            .unwrap();
        let texts: Vec<_> = page
            .messages
            .iter()
            .map(|message| message.text.to_string())
            .collect();
        (
            texts.join(","),
            page.more,
            page.messages.first().map(|message| message.id.clone()),
        )
    };
    let (texts, more, oldest) = page(None).await;
    assert_eq!((texts.as_str(), more), ("3,4", true));
    let (texts, more, oldest) = page(oldest.as_ref()).await;
    assert_eq!((texts.as_str(), more), ("1,2", true));
    let (texts, more, oldest) = page(oldest.as_ref()).await;
    assert_eq!((texts.as_str(), more), ("0", false));
    assert_eq!(page(oldest.as_ref()).await.0, "");
    assert_eq!(
        page(Some(&MessageId::random())).await,
        (String::new(), false, None)
    );
}

async fn a_message_one_may_not_read_is_no_place_to_read_from(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    let hall = room(&store, &ada, "Hall").await;
    let secret = message(&ada.id, "for bo", Some(&UserId::random()));
    store
        .insert_message(hall.key, &message(&ada.id, "all", None))
        .await
        .unwrap();
    store.insert_message(hall.key, &secret).await.unwrap();
    let page = store
        .list_messages(hall.key, &UserId::random(), Some(&secret.id), None, 50)
        .await
        .unwrap();
    assert!(page.messages.is_empty());
}

on_each_database!(
    a_message_is_kept_as_it_was_sent,
    private_messages_are_for_the_two_alone_even_in_a_later_membership,
    history_is_read_backwards_page_by_page,
    a_message_one_may_not_read_is_no_place_to_read_from,
);
