//! Accounts and void tokens.

use std::collections::HashMap;

use super::*;

async fn an_account_is_found_by_name_id_and_row(home: Home) {
    let store = home.open().await;
    let li = store.create_user(new_user("李明"), at(7)).await.unwrap();
    assert_eq!(li.created_at, at(7), "to the millisecond");
    for found in [
        store.find_user_by_name(" 李明 ").await.unwrap(),
        store.find_user(&li.id).await.unwrap(),
        store.find_user_by_key(li.key).await.unwrap(),
    ] {
        assert_eq!(found.as_ref(), Some(&li));
    }
    assert_eq!(store.find_user_by_name("李").await.unwrap(), None);
    let mut ids: Vec<_> = (0..450)
        .map(|_| crate::protocol::ids::UserId::random())
        .collect();
    ids.insert(300, li.id.clone());
    let found = store.find_users(ids.iter()).await.unwrap();
    assert_eq!(found, HashMap::from([(li.id.clone(), li)]));
    assert!(store.find_users([].iter()).await.unwrap().is_empty());
}

async fn names_differ_by_more_than_case(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "Élan").await;
    for other in ["élan", "ÉLAN", "E\u{301}lan"] {
        let refused = store.create_user(new_user(other), at(1)).await;
        assert!(
            matches!(refused, Err(StoreError::Conflict(Conflict::Username))),
            "{other}"
        );
        assert_eq!(
            store.find_user_by_name(other).await.unwrap().unwrap().key,
            ada.key
        );
    }
    assert_eq!(ada.username.as_str(), "Élan", "kept as it was typed");
}

async fn of_sixteen_at_once_one_gets_the_name(home: Home) {
    let store = home.open().await;
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            tokio::spawn({
                let store = store.clone();
                async move { store.create_user(new_user("ada"), at(0)).await }
            })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            Err(StoreError::Conflict(Conflict::Username)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(made, 1);
    assert_eq!(store.list_users(None, 100).await.unwrap().len(), 1);
}

async fn a_deleted_account_is_gone_with_its_rooms_and_frees_its_name(home: Home) {
    let store = home.open().await;
    let first = user(&store, "ada").await;
    let hall = room(&store, &first, "Hall").await;
    assert_eq!(store.delete_user(first.key, at(1)).await.unwrap(), 1);

    let second = user(&store, "Ada").await;
    assert_ne!(first.id, second.id);
    assert_eq!(store.find_user(&first.id).await.unwrap(), None);
    assert_eq!(store.find_user_by_key(first.key).await.unwrap(), None);
    assert_eq!(store.find_room(hall.identity.as_str()).await.unwrap(), None);
    assert_eq!(
        store.list_users(None, 100).await.unwrap(),
        std::slice::from_ref(&second)
    );
    for gone in [
        store.delete_user(first.key, at(2)).await.map(drop),
        store.set_password(first.key, &first.password, at(2)).await,
        store
            .change_user(first.key, None, Some(&first.display_name), at(2))
            .await,
        store.revoke_user_tokens(first.key, at(2)).await,
        store.set_user_disabled(first.key, None, at(2)).await,
    ] {
        assert!(matches!(gone, Err(StoreError::NotFound(Missing::User))));
    }
    store.delete_user(second.key, at(3)).await.unwrap();
    user(&store, "ada").await;
}

async fn a_new_password_replaces_a_legacy_one_and_voids_older_tokens(home: Home) {
    let store = home.open().await;
    let legacy = PasswordHash::legacy_md5("8017d0408f41b75489701e3fb1c3e773".to_owned());
    let root = store
        .create_user(
            NewUser {
                password: legacy.clone(),
                ..new_user("root")
            },
            at(0),
        )
        .await
        .unwrap();
    assert!(root.password.is_legacy());

    let better = PasswordHash::new("$argon2id$better".to_owned());
    store
        .rehash_password(root.key, &legacy, &better, at(1))
        .await
        .unwrap();
    let rehashed = store.find_user(&root.id).await.unwrap().unwrap();
    assert_eq!(
        (rehashed.password, rehashed.tokens_valid_after),
        (better, None)
    );

    let newest = PasswordHash::new("$argon2id$newest".to_owned());
    store.set_password(root.key, &newest, at(2)).await.unwrap();
    let late = PasswordHash::new("$argon2id$late".to_owned());
    store
        .rehash_password(root.key, &legacy, &late, at(3))
        .await
        .unwrap();
    let changed = store.find_user(&root.id).await.unwrap().unwrap();
    assert_eq!(
        (changed.password, changed.tokens_valid_after),
        (newest, Some(at(2)))
    );
}

async fn tokens_are_good_from_the_last_change_on_unless_the_account_is_disabled(home: Home) {
    let store = home.open().await;
    let ada = user(&store, "ada").await;
    assert!(ada.admits_token_of(at(-1)));
    store.revoke_user_tokens(ada.key, at(5)).await.unwrap();
    let ada = store.find_user(&ada.id).await.unwrap().unwrap();
    assert_eq!(
        [4, 5].map(|millis| ada.admits_token_of(at(millis))),
        [false, true]
    );
    store
        .set_user_disabled(ada.key, Some(at(6)), at(6))
        .await
        .unwrap();
    let ada = store.find_user(&ada.id).await.unwrap().unwrap();
    assert!(!ada.admits_token_of(at(7)));
}

async fn accounts_are_listed_page_by_page_renamed_and_disabled(home: Home) {
    let store = home.open().await;
    let [ada, bo, cy] = [
        user(&store, "ada").await,
        user(&store, "bo").await,
        user(&store, "cy").await,
    ];
    let name = DisplayName::parse("Бо 🎉").unwrap();
    store
        .change_user(bo.key, None, Some(&name), at(1))
        .await
        .unwrap();
    store
        .set_user_disabled(bo.key, Some(at(1)), at(1))
        .await
        .unwrap();
    let first = store.list_users(None, 2).await.unwrap();
    assert_eq!(first[0], ada);
    assert_eq!(
        (&first[1].display_name, first[1].disabled_at),
        (&name, Some(at(1)))
    );
    assert_eq!(store.list_users(Some(first[1].key), 2).await.unwrap(), [cy]);
}

async fn a_logged_out_token_memberships_void_until_it_expires(home: Home) {
    let store = home.open().await;
    for _ in 0..2 {
        store.revoke_token("one", at(10)).await.unwrap();
    }
    store.revoke_token("two", at(20)).await.unwrap();
    assert!(store.is_token_revoked("one").await.unwrap());
    assert!(!store.is_token_revoked("three").await.unwrap());
    assert_eq!(store.prune_revoked_tokens(at(10)).await.unwrap(), 1);
    assert!(!store.is_token_revoked("one").await.unwrap());
    assert!(store.is_token_revoked("two").await.unwrap());
}

#[test]
fn hashes_are_never_printed() {
    assert_eq!(format!("{:?}", new_user("ada").password), "PasswordHash(…)");
}

on_each_database!(
    an_account_is_found_by_name_id_and_row,
    names_differ_by_more_than_case,
    of_sixteen_at_once_one_gets_the_name,
    a_deleted_account_is_gone_with_its_rooms_and_frees_its_name,
    a_new_password_replaces_a_legacy_one_and_voids_older_tokens,
    tokens_are_good_from_the_last_change_on_unless_the_account_is_disabled,
    accounts_are_listed_page_by_page_renamed_and_disabled,
    a_logged_out_token_memberships_void_until_it_expires,
);
