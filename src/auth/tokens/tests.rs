//! What is a token, and all that is none.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_800_000_000_123;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(NOW + millis).unwrap()
}

fn secret() -> Secret {
    Secret::parse("kX9!vQ2mZ7#pL4wT8rB1nC6yD3fG5hJ0").unwrap()
}

fn tokens() -> Tokens {
    Tokens::new(&secret(), Duration::from_secs(60))
}

fn account() -> Subject {
    Subject {
        id: UserId::random(),
        kind: UserKind::Account,
        name: None,
    }
}

/// Claims of a good token, with `change` laid over; null takes a claim away.
fn claims(change: Value) -> Value {
    let mut claims = json!({
        "iss": "meeting", "sub": "u1", "kind": "account", "jti": "j1",
        "iat": NOW / 1_000, "iat_ms": NOW, "exp": NOW / 1_000 + 60,
    });
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    claims
}

/// A token with this header and these claims, signed with our key.
fn signed(header: Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(&header), encode(claims));
    hs256::install();
    let key = EncodingKey::from_secret(secret().reveal()).unwrap();
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

fn header() -> Value {
    json!({"alg": "HS256", "typ": "JWT"})
}

#[test]
fn a_token_says_what_it_was_issued_for() {
    let guest = Subject {
        id: UserId::random(),
        kind: UserKind::Guest,
        name: Some(DisplayName::parse("李明 🎉").unwrap()),
    };
    for subject in [account(), guest] {
        let issued = tokens().issue(subject.clone(), at(0));
        let token = tokens().verify(&issued.token, at(0)).unwrap();
        assert_eq!(token, issued.claims);
        assert_eq!((token.subject, token.issued_at), (subject, at(0)));
        assert_eq!(token.expires_at.unix_millis(), (NOW / 1_000 + 60) * 1_000);
    }
}

#[test]
fn every_token_has_an_id_of_its_own() {
    let subject = account();
    let [one, two] = [0, 0].map(|_| tokens().issue(subject.clone(), at(0)));
    assert_ne!(one.claims.id, two.claims.id);
}

#[test]
fn an_expired_token_is_told_from_an_invalid_one() {
    let issued = tokens().issue(account(), at(0));
    assert!(tokens().verify(&issued.token, at(59_876)).is_ok());
    assert_eq!(
        tokens().verify(&issued.token, at(59_877)),
        Err(TokenError::Expired)
    );
    let forged = format!("{}A", &issued.token[..issued.token.len() - 2]);
    assert_eq!(
        tokens().verify(&forged, at(60_000_000)),
        Err(TokenError::Invalid)
    );
}

#[test]
fn a_clock_set_back_voids_no_token() {
    let issued = tokens().issue(account(), at(0));
    assert!(tokens().verify(&issued.token, at(-3_600_000)).is_ok());
}

#[test]
fn the_base_of_the_table_of_refusals_is_good() {
    assert!(
        tokens()
            .verify(&signed(header(), &claims(json!({}))), at(0))
            .is_ok()
    );
}

#[test]
fn claims_that_are_missing_or_out_of_bounds_are_refused() {
    for change in [
        json!({"exp": null}),
        json!({"exp": "1900000000"}),
        json!({"exp": NOW / 1_000 + 40 * 86_400}),
        json!({"exp": i64::MAX}),
        json!({"exp": u64::MAX}),
        json!({"exp": 1e300}),
        json!({"exp": 0}),
        json!({"iat": i64::MIN, "iat_ms": i64::MIN}),
        json!({"iat": null}),
        json!({"iat_ms": null}),
        json!({"auth_time": NOW / 1_000 + 1}),
        json!({"auth_time": NOW / 1_000 - 30 * 86_400}),
        json!({"auth_time": i64::MIN}),
        json!({"auth_time": "yesterday"}),
        json!({"iat_ms": NOW + 5_000}),
        json!({"nbf": NOW / 1_000 + 30}),
        json!({"iss": null}),
        json!({"iss": "somebody"}),
        json!({"aud": "somebody"}),
        json!({"sub": null}),
        json!({"sub": ""}),
        json!({"sub": "x".repeat(65)}),
        json!({"jti": null}),
        json!({"jti": ""}),
        json!({"kind": "root"}),
        json!({"kind": "guest"}),
        json!({"name": "Ada"}),
        json!({"kind": "guest", "name": "\u{202e}"}),
    ] {
        let token = signed(header(), &claims(change.clone()));
        assert_eq!(
            tokens().verify(&token, at(0)),
            Err(TokenError::Invalid),
            "{change}"
        );
    }
}

#[test]
fn headers_that_bring_their_own_rules_are_refused() {
    for header in [
        json!({"alg": "none"}),
        json!({"alg": "None", "typ": "JWT"}),
        json!({"alg": "RS256", "typ": "JWT"}),
        json!({"alg": "HS384", "typ": "JWT"}),
        json!({"alg": "HS512", "typ": "JWT"}),
        json!({"alg": "ES256", "typ": "JWT"}),
        json!({"alg": ["HS256"], "typ": "JWT"}),
        json!({"typ": "JWT"}),
        json!({"alg": "HS256", "typ": "JWE"}),
        json!({"alg": "HS256", "typ": "JWT", "kid": "../../dev/null"}),
        json!({"alg": "HS256", "typ": "JWT", "kid": "1' OR '1'='1"}),
        json!({"alg": "HS256", "typ": "JWT", "jku": "https://example.org/keys"}),
        json!({"alg": "HS256", "typ": "JWT", "crit": ["exp"], "exp": 1}),
        json!({"alg": "HS256", "typ": "JWT", "jwk": {"kty": "oct", "k": "AAAA"}}),
    ] {
        let token = signed(header.clone(), &claims(json!({})));
        assert_eq!(
            tokens().verify(&token, at(0)),
            Err(TokenError::Invalid),
            "{header}"
        );
    }
}

#[test]
fn a_token_without_a_signature_is_refused() {
    let good = signed(header(), &claims(json!({})));
    let (message, _) = good.rsplit_once('.').unwrap();
    let none = signed(json!({"alg": "none"}), &claims(json!({})));
    let (unsigned, _) = none.rsplit_once('.').unwrap();
    for token in [
        message.to_owned(),
        format!("{message}."),
        unsigned.to_owned(),
        format!("{unsigned}."),
    ] {
        assert_eq!(tokens().verify(&token, at(0)), Err(TokenError::Invalid));
    }
}

#[test]
fn what_is_no_token_is_refused_without_a_fuss() {
    let huge = format!(
        "{}.{}.{}",
        "A".repeat(400_000),
        "A".repeat(400_000),
        "A".repeat(200_000)
    );
    for raw in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "é.é.é",
        "\u{0}.\u{0}.\u{0}",
        "e30.e30.",
        &huge,
    ] {
        assert_eq!(tokens().verify(raw, at(0)), Err(TokenError::Invalid));
    }
}

#[test]
fn another_servers_token_is_refused() {
    let other = Secret::parse("another-0123456789-secret-abcdefgh").unwrap();
    let issued = Tokens::new(&other, DEFAULT_LIFETIME).issue(account(), at(0));
    assert_eq!(
        tokens().verify(&issued.token, at(0)),
        Err(TokenError::Invalid)
    );
}

/// The sample of the teaching project whose database can be taken over: its key is public, and it never expires.
#[test]
fn the_old_sample_token_is_refused() {
    let sample = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpZCI6MSwibmFtZSI6InJvb3QifQ.kiFY5je3Hy_l7r41ku-eQ5PHZnsvBJ5StGP2d7bfpB0";
    assert_eq!(tokens().verify(sample, at(0)), Err(TokenError::Invalid));
}

#[test]
fn no_configured_lifetime_is_longer_than_the_bound() {
    let tokens = Tokens::new(&secret(), Duration::MAX);
    let issued = tokens.issue(account(), at(0));
    let life = issued.claims.expires_at.unix_millis() - NOW;
    assert!(
        life <= i64::try_from(MAX_LIFETIME.as_millis()).unwrap(),
        "{life}"
    );
}

#[test]
fn refreshing_makes_no_log_in_longer() {
    let tokens = Tokens::new(&secret(), Duration::from_secs(86_400));
    let (days, end) = (|days: i64| at(days * 86_400_000), 30 * 86_400 + NOW / 1_000);
    let mut last = tokens.issue(account(), at(0)).claims;
    for day in 1..30 {
        let renewed = tokens.renew(last.subject, last.id, last.logged_in_at, days(day));
        last = tokens.verify(&renewed.unwrap().token, days(day)).unwrap();
        assert!(last.expires_at.unix_millis() / 1_000 <= end, "day {day}");
    }
    assert_eq!(last.expires_at.unix_millis() / 1_000, end);
    assert_eq!(last.logged_in_at.unix_millis() / 1_000, NOW / 1_000);
    let late = tokens.renew(last.subject, last.id, last.logged_in_at, days(30));
    assert_eq!(late.err(), Some(TokenError::Expired));
}

#[test]
fn a_refreshed_token_is_of_the_same_log_in_when_the_clock_was_set_back() {
    let issued = tokens().issue(account(), at(0)).claims;
    let renewed = tokens().renew(
        issued.subject,
        issued.id,
        issued.logged_in_at,
        at(-3_600_000),
    );
    let token = tokens().verify(&renewed.unwrap().token, at(-3_600_000));
    assert!(token.unwrap().logged_in_at.unix_millis() <= NOW - 3_600_000);
}
