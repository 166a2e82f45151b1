//! Tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256, and nothing else.
//!
//! A token says who its holder is, and until when. The store knows whether it was logged out, and whether the tokens of
//! the account were made void. [`Token::id`] and [`Token::issued_at`] are what to ask it with.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::{Secret, hs256};
use crate::protocol::error::ErrorCode;
use crate::protocol::ids::{SessionId, UserId};
use crate::protocol::object::UserKind;
use crate::protocol::text::DisplayName;
use crate::protocol::time::Timestamp;

/// The longest token that is read, in bytes.
pub const MAX_TOKEN_BYTES: usize = 4_096;
/// The longest life of a log-in. No token of it is good for longer, however often it is refreshed and however the
/// server is configured.
pub const MAX_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The life of a token unless configured otherwise.
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
const ISSUER: &str = "meeting";

/// The holder of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Their id.
    pub id: UserId,
    /// Account or guest.
    pub kind: UserKind,
    /// The name of a guest, which is stored nowhere else. None for accounts.
    pub name: Option<DisplayName>,
}

/// A token that was just made.
#[derive(Clone)]
pub struct Issued {
    /// As it travels.
    pub token: String,
    /// The claims.
    pub claims: Token,
}

/// The content of a good token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The holder.
    pub subject: Subject,
    /// The id of the log-in, by which it is logged out: the claim `jti`. A refreshed token keeps it.
    pub id: String,
    /// To the millisecond, so that it can be told from one made just before a change of password.
    pub issued_at: Timestamp,
    /// When its holder logged in: with a password, or by name as a guest. A refreshed token keeps it.
    pub logged_in_at: Timestamp,
    /// From here on it is void.
    pub expires_at: Timestamp,
}

/// Why a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It was good once.
    #[error("the token has expired")]
    Expired,
    /// Every other fault. The client does not learn which.
    #[error("the token is not valid here")]
    Invalid,
}

impl TokenError {
    /// The error for clients.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Expired => ErrorCode::TokenExpired,
            Self::Invalid => ErrorCode::TokenInvalid,
        }
    }
}

/// Issues and verifies tokens.
#[derive(Clone)]
pub struct Tokens {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    lifetime: Duration,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: UserId,
    kind: UserKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<DisplayName>,
    jti: String,
    iat: i64,
    /// `iat` to the millisecond.
    iat_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    /// When the log-in began (OpenID Connect Core 1.0 §2). Old tokens lack it, and `iat` counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    exp: i64,
}

impl Tokens {
    /// Signs with `secret`. Tokens live for `lifetime`, between a second and [`MAX_LIFETIME`].
    pub fn new(secret: &Secret, lifetime: Duration) -> Self {
        hs256::install();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        // Checked below, against the clock of the caller.
        validation.validate_exp = false;
        Self {
            signing: EncodingKey::from_secret(secret.reveal()).expect("a secret is never empty"),
            verifying: DecodingKey::from_secret(secret.reveal()).expect("a secret is never empty"),
            validation,
            lifetime: lifetime.clamp(Duration::from_secs(1), MAX_LIFETIME),
        }
    }

    /// A new token for `subject`, the first of a log-in.
    pub fn issue(&self, subject: Subject, now: Timestamp) -> Issued {
        let id = SessionId::random().as_str().to_owned();
        let lifetime = seconds(self.lifetime);
        self.sign(subject, id, whole_seconds(now), lifetime, now)
    }

    /// A later token of the log-in `id`, which began at `logged_in_at`. A log-out voids all tokens of a log-in, and
    /// none outlives it.
    ///
    /// # Errors
    /// [`TokenError::Expired`] when the log-in is over.
    pub fn renew(
        &self,
        subject: Subject,
        id: String,
        logged_in_at: Timestamp,
        now: Timestamp,
    ) -> Result<Issued, TokenError> {
        // If the clock was set back since, the log-in still does not get longer.
        let began = whole_seconds(logged_in_at).min(whole_seconds(now));
        let left = began + seconds(MAX_LIFETIME) - whole_seconds(now);
        if left <= 0 {
            return Err(TokenError::Expired);
        }
        let lifetime = seconds(self.lifetime).min(left);
        Ok(self.sign(subject, id, began, lifetime, now))
    }

    fn sign(
        &self,
        subject: Subject,
        id: String,
        began: i64,
        lifetime: i64,
        now: Timestamp,
    ) -> Issued {
        let iat = whole_seconds(now);
        let exp = iat + lifetime;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: subject.id,
            kind: subject.kind,
            name: subject.name,
            jti: id,
            iat,
            iat_ms: now.unix_millis(),
            nbf: None,
            auth_time: Some(began),
            exp,
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
            .expect("claims of strings and integers can be signed");
        let claims = claims.read(now).expect("a token is good when it is made");
        Issued { token, claims }
    }

    /// Reads `token`, if this server signed it and it is good at `now`.
    ///
    /// # Errors
    /// [`TokenError`]; expired only when it was good before.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Token, TokenError> {
        if token.len() > MAX_TOKEN_BYTES || !has_our_header(token) {
            return Err(TokenError::Invalid);
        }
        let data = jsonwebtoken::decode::<Claims>(token, &self.verifying, &self.validation);
        data.map_err(|_| TokenError::Invalid)?.claims.read(now)
    }
}

impl Claims {
    fn read(self, now: Timestamp) -> Result<Token, TokenError> {
        let moment = |seconds: i64| {
            seconds
                .checked_mul(1_000)
                .and_then(Timestamp::from_unix_millis)
        };
        let issued_at = Timestamp::from_unix_millis(self.iat_ms).ok_or(TokenError::Invalid)?;
        let expires_at = moment(self.exp).ok_or(TokenError::Invalid)?;
        let not_before = moment(self.nbf.unwrap_or(self.iat)).ok_or(TokenError::Invalid)?;
        let life = self.exp.checked_sub(self.iat).ok_or(TokenError::Invalid)?;
        let began = self.auth_time.unwrap_or(self.iat);
        let whole_life = self.exp.checked_sub(began).ok_or(TokenError::Invalid)?;
        // The log-in must begin before the token, and the token must end before the log-in.
        let bounded = life >= 1 && (life..=seconds(MAX_LIFETIME)).contains(&whole_life);
        let same_time = self.iat_ms.div_euclid(1_000) == self.iat;
        let named = self.name.is_some() == (self.kind == UserKind::Guest);
        // If the clock was set back since, tokens stay good. Only `nbf` makes a token good later.
        let early = self.nbf.is_some() && now < not_before;
        if !bounded || !same_time || !named || early || self.jti.is_empty() || self.jti.len() > 64 {
            return Err(TokenError::Invalid);
        }
        if now >= expires_at {
            return Err(TokenError::Expired);
        }
        let subject = Subject {
            id: self.sub,
            kind: self.kind,
            name: self.name,
        };
        Ok(Token {
            subject,
            id: self.jti,
            issued_at,
            logged_in_at: moment(began).ok_or(TokenError::Invalid)?,
            expires_at,
        })
    }
}

/// Our headers name the algorithm and nothing else. A header that names or contains a key is not ours.
fn has_our_header(token: &str) -> bool {
    jsonwebtoken::decode_header(token).is_ok_and(|header| header == Header::new(Algorithm::HS256))
}

/// The seconds of the calendar that are over.
fn whole_seconds(at: Timestamp) -> i64 {
    at.unix_millis().div_euclid(1_000)
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
