//! Which requests may be refused with which codes: static/docs/protocol.md §4.3.
//!
//! The codes that one request alone may answer stand beside it in [`super::request`]. A client author relies on these
//! codes, so in tests each refusal is checked with [`Request::may_answer`].

use super::error::ErrorCode;
use super::request::Request;

/// What every request may answer. `rate.limited` comes before a request is carried out, `server.busy` from the
/// database, a room or a media thread, and `server.internal` from a fault of the server.
pub const OF_EVERY_REQUEST: [ErrorCode; 4] = [
    ErrorCode::BadField,
    ErrorCode::RateLimited,
    ErrorCode::ServerBusy,
    ErrorCode::ServerInternal,
];

impl Request {
    /// All codes that a request of type `kind` may be refused with.
    pub fn refusals(kind: &str) -> impl Iterator<Item = ErrorCode> {
        let before_login = (!Self::may_precede_login(kind)).then_some(ErrorCode::AuthRequired);
        let own = match Self::own_refusals(kind) {
            Some(own) => own,
            None => &[ErrorCode::UnknownType],
        };
        let general = OF_EVERY_REQUEST.into_iter().chain(before_login);
        own.iter().copied().chain(general)
    }

    /// Whether the documentation says that a request of type `kind` may be refused with `code`.
    pub fn may_answer(kind: &str, code: ErrorCode) -> bool {
        Self::refusals(kind).any(|known| known == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_in_never_asks_for_a_log_in() {
        assert!(Request::may_answer("room.join", ErrorCode::AuthRequired));
        assert!(!Request::may_answer("auth.login", ErrorCode::AuthRequired));
        assert!(Request::may_answer("room.jion", ErrorCode::UnknownType));
        assert!(!Request::may_answer("room.join", ErrorCode::UnknownType));
    }

    #[test]
    fn every_row_names_a_code_once() {
        let mut kinds = 0;
        macro_rules! request {
            ($kind:literal, $data:ident, $answer:ident) => {
                kinds += 1;
                let codes: Vec<_> = Request::refusals($kind).collect();
                let distinct: std::collections::HashSet<_> = codes.iter().collect();
                assert_eq!(codes.len(), distinct.len(), $kind);
            };
        }
        crate::protocol::request::for_each_request!(request);
        assert!(kinds > 0);
    }
}
