//! Identifiers. On the wire they are opaque strings of at most [`MAX_ID_BYTES`] bytes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The longest identifier that is accepted or made, in bytes.
pub const MAX_ID_BYTES: usize = 64;

/// A string that cannot be an identifier: empty, too long or not printable ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 1 to 64 bytes of printable ASCII without spaces")]
pub struct InvalidId;

#[cfg(test)]
thread_local! {
    /// The next id of a simulation, whose runs must be alike, on its own thread.
    pub(crate) static COUNTED: std::cell::Cell<Option<u64>> = const { std::cell::Cell::new(None) };
}

/// 128 random bits as 22 characters of URL-safe base64 (RFC 4648 §5): unguessable, and what links carry.
fn random() -> String {
    let mut bytes = [0u8; 16];
    #[cfg(test)]
    if let Some(number) = COUNTED.get() {
        COUNTED.set(Some(number + 1));
        return format!("i{number:05}");
    }
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn check(raw: String) -> Result<String, InvalidId> {
    let printable = raw.bytes().all(|b| b.is_ascii_graphic());
    if raw.is_empty() || raw.len() > MAX_ID_BYTES || !printable {
        return Err(InvalidId);
    }
    Ok(raw)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, TS)]
        #[serde(try_from = "String")]
        #[ts(type = "string")]
        pub struct $name(#[schemars(length(min = 1, max = 64))] String);

        impl $name {
            /// A new, unguessable id of 128 random bits.
            pub fn random() -> Self {
                Self(random())
            }

            /// The id as it travels.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(raw: String) -> Result<Self, InvalidId> {
                check(raw).map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// One socket's session, named in `hello`.
    SessionId;
    /// An account or a guest.
    UserId;
    /// A room, as links carry it.
    RoomIdentity;
    /// One person's membership in one room.
    ParticipantId;
    /// One published source of one participant.
    TrackId;
    /// One chat message.
    MessageId;
    /// One invite link.
    InviteId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_ids_carry_128_bits_in_22_url_safe_characters() {
        let (one, two) = (RoomIdentity::random(), RoomIdentity::random());
        assert_eq!(one.as_str().len(), 22);
        assert!(
            one.as_str()
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
        assert_ne!(one, two);
    }

    #[test]
    fn ids_that_could_not_be_ours_are_refused() {
        for raw in ["", "a b", "a\u{0}", "é", &"x".repeat(65)] {
            assert_eq!(TrackId::try_from(raw.to_owned()), Err(InvalidId), "{raw:?}");
        }
    }
}
