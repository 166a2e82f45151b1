//! Coming in and going out: hello, log-in, tokens, and what ends a session.

use meeting::config::Key;
use serde_json::{Value, json};

use super::support::{PASSWORD, Server};

const LIMITED: &[(Key, &str)] = &[];

#[tokio::test]
async fn the_server_speaks_first_and_says_what_a_client_must_know() {
    let server = Server::start().await;
    let client = server.connect().await;
    let hello = &client.hello;
    assert_eq!(hello.get("seq"), None);
    let data = &hello["data"];
    assert_eq!(data["protocol"], "meeting.v1");
    assert!(data["server"].as_str().unwrap().starts_with("meeting/"));
    assert_eq!(data["session"].as_str().unwrap().len(), 22);
    assert_eq!(data["heartbeat_ms"], 15_000);
    let limits = json!({ "message_bytes": 262_144, "requests_per_second": 20, "burst": 60, "resume_ms": 30_000 });
    assert_eq!(data["limits"], limits);
    assert_eq!(data["auth"], json!(["password", "register", "guest"]));
    assert!(data["time"].as_str().unwrap().ends_with('Z'));
    let other = server.connect().await;
    assert_ne!(other.hello["data"]["session"], data["session"]);
}

#[tokio::test]
async fn before_the_log_in_everything_else_asks_for_it() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    for kind in [
        "ping",
        "room.list",
        "room.create",
        "chat.send",
        "account.update",
        "no.such",
    ] {
        assert_eq!(
            client.refused(kind, json!({})).await,
            "auth.required",
            "{kind}"
        );
    }
    for kind in ["auth.refresh", "auth.logout", "auth.such"] {
        assert_eq!(
            client.refused(kind, json!({})).await,
            "auth.required",
            "{kind}"
        );
    }
    for kind in [
        "ping",
        "room.create",
        "no.such",
        "auth.refresh",
        "auth.such",
    ] {
        for data in [json!(5), json!([]), json!("x"), json!({ "name": 7 })] {
            let refused = client.refused(kind, data.clone()).await;
            assert_eq!(refused, "auth.required", "{kind} {data}");
        }
    }
    for kind in ["auth.login", "auth.guest", "session.resume"] {
        let error = client.error(kind, json!(5)).await;
        let named = (&error["code"], &error["field"]);
        let expected = (&json!("protocol.bad_field"), &json!("data"));
        assert_eq!(named, expected, "{kind}");
    }
    let resume = json!({ "session": "s", "resume_token": "t", "last_seq": 0 });
    assert_eq!(
        client.refused("session.resume", resume).await,
        "session.gone"
    );
    client
        .ok("auth.guest", json!({ "display_name": "Bo" }))
        .await;
    client.ok("ping", json!({})).await;
}

#[tokio::test]
async fn who_does_not_log_in_within_ten_seconds_is_closed() {
    let server = Server::start().await;
    tokio::time::pause();
    let mut silent = server.connect().await;
    let before = tokio::time::Instant::now();
    assert_eq!(silent.closed().await, 4401);
    assert_eq!(before.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn after_a_logout_there_are_ten_seconds_to_log_in_again() {
    let server = Server::start().await;
    let mut client = server.guest("Bo").await;
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(12)).await;
    client.ok("ping", json!({})).await;
    tokio::time::resume();
    client.ok("auth.logout", json!({})).await;
    assert_eq!(client.refused("ping", json!({})).await, "auth.required");
    client
        .ok("auth.guest", json!({ "display_name": "Bo" }))
        .await;
    client.ok("auth.logout", json!({})).await;
    tokio::time::pause();
    assert_eq!(client.closed().await, 4401);
}

#[tokio::test]
async fn an_account_is_made_and_comes_back_by_password_and_by_token() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    let data =
        json!({ "username": "ada", "password": PASSWORD, "display_name": "  Ada Lovelace " });
    let made = client.ok("auth.register", data).await;
    let user = &made["user"];
    assert_eq!(user["username"], "ada");
    assert_eq!(user["display_name"], "Ada Lovelace");
    assert_eq!(user["kind"], "account");
    let avatar = format!("/avatars/{}.svg?n=AL", user["id"].as_str().unwrap());
    assert_eq!(user["avatar_url"], avatar);
    for field in ["token", "expires_at", "resume_token"] {
        assert!(made[field].is_string(), "{field}");
    }
    let mut again = server.connect().await;
    let by_password = again
        .ok(
            "auth.login",
            json!({ "username": "ADA", "password": PASSWORD }),
        )
        .await;
    assert_eq!(by_password["user"], *user);
    let mut third = server.connect().await;
    let by_token = third
        .ok("auth.token", json!({ "token": made["token"] }))
        .await;
    assert_eq!(by_token["user"], *user);
    assert_eq!(by_token["expires_at"], made["expires_at"]);
    assert_ne!(by_token["resume_token"], made["resume_token"]);
    third
        .ok("auth.token", json!({ "token": by_token["token"] }))
        .await;
}

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_are_answered_alike() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let wrong = ada
        .error(
            "auth.login",
            json!({ "username": "ada", "password": "wrong horse 8" }),
        )
        .await;
    let unknown = ada
        .error(
            "auth.login",
            json!({ "username": "nobody", "password": PASSWORD }),
        )
        .await;
    assert_eq!(wrong["code"], "auth.bad_credentials");
    assert_eq!(wrong, unknown);
    let long = json!({ "username": "ada", "password": "x".repeat(100_000) });
    assert_eq!(
        ada.refused("auth.login", long).await,
        "auth.bad_credentials"
    );
}

#[tokio::test]
async fn names_that_are_taken_and_passwords_that_are_weak_are_refused() {
    let server = Server::start().await;
    let mut client = server.account("ada").await;
    for (name, password, code) in [
        ("ada", PASSWORD, "auth.username_taken"),
        ("ADA", PASSWORD, "auth.username_taken"),
        ("bo", "1234567", "auth.weak_password"),
        ("bo", "", "auth.weak_password"),
        ("bartholomew", "Bartholomew", "auth.weak_password"),
        ("a b", PASSWORD, "protocol.bad_field"),
    ] {
        let data = json!({ "username": name, "password": password });
        assert_eq!(
            client.refused("auth.register", data).await,
            code,
            "{name}, {password}"
        );
    }
    let long = json!({ "username": "bo", "password": "x".repeat(1_025) });
    assert_eq!(
        client.refused("auth.register", long).await,
        "auth.weak_password"
    );
}

#[tokio::test]
async fn guests_have_a_name_only_and_come_back_as_the_same_guest() {
    let server = Server::start().await;
    let guest = server.guest("陈博").await;
    let user = &guest.login["user"];
    assert_eq!(user["kind"], "guest");
    assert_eq!(user["username"], Value::Null);
    let mut again = server.connect().await;
    let back = again
        .ok("auth.token", json!({ "token": guest.token() }))
        .await;
    assert_eq!(back["user"], *user);
    for name in ["", "  ", "\u{202e}", &"x".repeat(65)] {
        let error = again
            .error("auth.guest", json!({ "display_name": name }))
            .await;
        assert_eq!(error["field"], "data.display_name", "{name:?}");
    }
}

#[tokio::test]
async fn a_server_may_admit_no_guests_and_take_no_accounts() {
    let server = Server::start().await;
    let token = server.guest("Bo").await.token();
    let (running, data) = server.stop();
    running.await.unwrap();
    let settings = [
        (Key::NoRateLimit, "on"),
        (Key::Guests, "off"),
        (Key::Registration, "off"),
    ];
    let server = Server::in_directory(data, &settings).await;
    let mut client = server.connect().await;
    assert_eq!(client.hello["data"]["auth"], json!(["password"]));
    let guest = json!({ "display_name": "Bo" });
    assert_eq!(
        client.refused("auth.guest", guest).await,
        "auth.guest_disabled"
    );
    let earlier = json!({ "token": token });
    assert_eq!(
        client.refused("auth.token", earlier).await,
        "auth.guest_disabled"
    );
    let account = json!({ "username": "ada", "password": PASSWORD });
    assert_eq!(
        client.refused("auth.register", account).await,
        "perm.denied"
    );
}

#[tokio::test]
async fn a_refreshed_token_logs_the_same_person_in() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let fresh = ada.ok("auth.refresh", json!({})).await;
    assert_eq!(fresh["user"], ada.login["user"]);
    let until = |login: &Value| login["expires_at"].as_str().unwrap().to_owned();
    assert!(until(&fresh) >= until(&ada.login));
    let mut again = server.connect().await;
    again
        .ok("auth.token", json!({ "token": fresh["token"] }))
        .await;
}

#[tokio::test]
async fn a_logout_voids_the_token_and_ends_the_other_sockets_that_used_it() {
    let server = Server::start().await;
    let mut here = server.account("ada").await;
    let token = json!({ "token": here.token() });
    let mut there = server.connect().await;
    there.ok("auth.token", token.clone()).await;
    let mut bo = server.guest("Bo").await;
    assert_eq!(here.ok("auth.logout", json!({})).await, json!({}));
    assert_eq!(there.closed().await, 4401);
    assert_eq!(
        here.refused("auth.token", token).await,
        "auth.token_invalid"
    );
    here.ok(
        "auth.login",
        json!({ "username": "ada", "password": PASSWORD }),
    )
    .await;
    bo.ok("ping", json!({})).await;
}

#[tokio::test]
async fn a_logout_voids_the_tokens_that_were_refreshed_before_it_too() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let first = json!({ "token": ada.token() });
    ada.ok("auth.refresh", json!({})).await;
    ada.ok("auth.logout", json!({})).await;
    assert_eq!(ada.refused("auth.token", first).await, "auth.token_invalid");
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_and_voids_their_tokens() {
    let server = Server::start().await;
    let mut here = server.account("ada").await;
    let old = json!({ "token": here.token() });
    let mut there = server.connect().await;
    there
        .ok(
            "auth.login",
            json!({ "username": "ada", "password": PASSWORD }),
        )
        .await;
    for (current, code) in [
        (
            json!({ "new_password": "numbers1843" }),
            "protocol.bad_field",
        ),
        (
            json!({ "current_password": "wrong horse", "new_password": "numbers1843" }),
            "auth.bad_credentials",
        ),
        (
            json!({ "current_password": PASSWORD, "new_password": "short" }),
            "auth.weak_password",
        ),
    ] {
        assert_eq!(here.refused("account.update", current).await, code);
    }
    there.ok("ping", json!({})).await;
    let change = json!({ "current_password": PASSWORD, "new_password": "numbers1843", "display_name": "Countess" });
    let changed = here.ok("account.update", change).await;
    assert_eq!(changed["user"]["display_name"], "Countess");
    assert_eq!(there.closed().await, 4401);
    let mut again = server.connect().await;
    assert_eq!(again.refused("auth.token", old).await, "auth.token_invalid");
    let fresh = here.ok("auth.refresh", json!({})).await;
    again
        .ok("auth.token", json!({ "token": fresh["token"] }))
        .await;
    let old_password = json!({ "username": "ada", "password": PASSWORD });
    assert_eq!(
        again.refused("auth.login", old_password).await,
        "auth.bad_credentials"
    );
    again
        .ok(
            "auth.login",
            json!({ "username": "ada", "password": "numbers1843" }),
        )
        .await;
}

#[tokio::test]
async fn tokens_that_are_not_ours_are_refused() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    let server = Server::start().await;
    let other_server = Server::start().await;
    let ada = server.account("ada").await;
    let token = ada.token();
    let [header, claims, signature]: [&str; 3] =
        token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let encode = |text: &str| BASE64.encode(text);
    let claimed: Value = serde_json::from_slice(&BASE64.decode(claims).unwrap()).unwrap();
    let with = |field: &str, value: Value| {
        let mut forged = claimed.clone();
        forged[field] = value;
        format!("{header}.{}.{signature}", encode(&forged.to_string()))
    };
    let headed = |head: &str| format!("{}.{claims}.{signature}", encode(head));
    let elsewhere = other_server.account("ada").await.token();
    let table = [
        ("nothing", String::new()),
        ("words", "not a token".to_owned()),
        ("dots", "..".to_owned()),
        (
            "alg none",
            format!("{}.{claims}.", encode(r#"{"alg":"none","typ":"JWT"}"#)),
        ),
        ("alg none, signed", headed(r#"{"alg":"none"}"#)),
        ("no alg", headed(r#"{"typ":"JWT"}"#)),
        ("RS256", headed(r#"{"alg":"RS256","typ":"JWT"}"#)),
        ("HS512", headed(r#"{"alg":"HS512","typ":"JWT"}"#)),
        (
            "a kid",
            headed(r#"{"alg":"HS256","typ":"JWT","kid":"../../dev/null"}"#),
        ),
        (
            "its own key",
            headed(r#"{"alg":"HS256","typ":"JWT","jwk":{"kty":"oct","k":"AA"}}"#),
        ),
        ("no signature", format!("{header}.{claims}.")),
        (
            "another signature",
            format!("{header}.{claims}.{}", encode(&"x".repeat(32))),
        ),
        ("another key", elsewhere),
        ("a longer life", with("exp", json!(4_000_000_000_i64))),
        ("somebody else", with("sub", json!("u-root"))),
        ("an earlier end", with("exp", json!(1))),
        ("1 MB", "x".repeat(200_000)),
    ];
    let mut client = server.connect().await;
    for (what, token) in table {
        let code = client
            .refused("auth.token", json!({ "token": token }))
            .await;
        assert_eq!(code, "auth.token_invalid", "{what}");
    }
    client.ok("auth.token", json!({ "token": token })).await;
}

#[tokio::test]
async fn a_token_whose_time_is_up_says_so() {
    use meeting::auth::{Subject, Tokens, tokens::DEFAULT_LIFETIME};
    use meeting::protocol::object::UserKind;
    use meeting::protocol::text::DisplayName;
    use meeting::protocol::time::Timestamp;
    let server = Server::start().await;
    let secret = meeting::auth::Secret::load_or_create(&server.data.path().join("secret")).unwrap();
    let tokens = Tokens::new(&secret, DEFAULT_LIFETIME);
    let subject = Subject {
        id: "u-1".to_owned().try_into().unwrap(),
        kind: UserKind::Guest,
        name: Some(DisplayName::parse("Bo").unwrap()),
    };
    let lifetime = i64::try_from(DEFAULT_LIFETIME.as_millis()).unwrap();
    let issued = |ago: i64| {
        let at = Timestamp::now().plus_millis(-ago);
        json!({ "token": tokens.issue(subject.clone(), at).token })
    };
    let mut client = server.connect().await;
    let expired = client.refused("auth.token", issued(lifetime + 1_000)).await;
    assert_eq!(expired, "auth.token_expired");
    client.ok("auth.token", issued(lifetime - 60_000)).await;
}

#[tokio::test]
async fn attempts_at_a_password_are_limited_without_locking_out_by_other_names() {
    let server = Server::with(LIMITED).await;
    let mut client = server.account("ada").await;
    let wrong = json!({ "username": "ada", "password": "wrong horse 8" });
    let mut codes = Vec::new();
    for _ in 0..12 {
        codes.push(client.error("auth.login", wrong.clone()).await);
    }
    assert_eq!(codes[0]["code"], "auth.bad_credentials");
    assert_eq!(codes[11]["code"], "rate.limited");
    assert!(codes[11]["retry_after_ms"].as_u64().unwrap() > 0);
    let other = json!({ "username": "bo", "password": "wrong horse 8" });
    assert_eq!(
        client.refused("auth.login", other).await,
        "auth.bad_credentials"
    );
}

#[tokio::test]
async fn a_request_sent_again_is_answered_as_before_and_not_carried_out_twice() {
    let server = Server::start().await;
    let mut ada = server.account("ada").await;
    let first = ada.ask("room.create", json!({ "name": "Once" })).await;
    let id = &first["re"];
    let again = json!({ "type": "room.create", "id": id, "data": { "name": "Twice" } });
    ada.send(again.to_string()).await;
    assert_eq!(ada.reply().await, first);
    assert_eq!(ada.ok("room.list", json!({})).await["total"], 1);
    let refused = ada.ask("room.delete", json!({ "identity": "gone" })).await;
    let again = json!({ "type": "room.list", "id": refused["re"] });
    ada.send(again.to_string()).await;
    assert_eq!(ada.reply().await, refused, "refusals are answers too");
}

#[tokio::test]
async fn ids_rise_and_the_last_256_answers_are_kept() {
    let server = Server::start().await;
    let mut bo = server.guest("Bo").await;
    let ask = |id: u64| json!({ "type": "ping", "id": id }).to_string();
    for id in 1_001..=1_300 {
        bo.send(ask(id)).await;
        assert_eq!(bo.reply().await["type"], "ok");
    }
    bo.send(ask(1_045)).await;
    assert_eq!(bo.reply().await["type"], "ok", "the 256th from the end");
    for lower in [1_044, 500] {
        bo.send(ask(lower)).await;
        let reply = bo.reply().await;
        assert_eq!(reply["re"], lower);
        assert_eq!(reply["error"]["field"], "id");
    }
    bo.send(ask((1 << 53) - 1)).await;
    assert_eq!(bo.reply().await["type"], "ok");
}
