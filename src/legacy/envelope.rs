//! The answers of the older program: `{code, data, msg}`, always with HTTP 200.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::http::headers::NO_STORE;
use crate::protocol::error::{ErrorCode, WireError};

/// All went well.
const OK: i16 = 200;
/// The sender is not authenticated.
const UNAUTHORISED: i16 = 401;
/// Every other refusal.
const REFUSED: i16 = -1;

/// An answer, or a refusal on a relay's socket.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Envelope {
    code: i16,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    msg: Option<String>,
}

impl Envelope {
    /// It was done.
    pub fn done() -> Self {
        Self {
            code: OK,
            data: None,
            msg: Some("ok".to_owned()),
        }
    }

    /// A success with this result.
    pub fn made(data: Value) -> Self {
        Self {
            data: Some(data),
            ..Self::done()
        }
    }

    /// What was asked for.
    pub fn found(data: Value) -> Self {
        Self {
            code: OK,
            data: Some(data),
            msg: None,
        }
    }

    /// As a text frame.
    pub fn frame(&self) -> String {
        json!(self).to_string()
    }
}

impl From<WireError> for Envelope {
    /// Only the sentence is sent, with a time if another attempt makes sense: `{"retry_after_ms": 1000}`.
    fn from(error: WireError) -> Self {
        let is_unauthorised = matches!(
            error.code,
            ErrorCode::AuthRequired | ErrorCode::TokenExpired | ErrorCode::TokenInvalid
        );
        // In `meeting.v1` the names of fields begin at the root of a frame, below `data`.
        let sentence = error.message.strip_prefix("data.");
        let sentence = sentence.or_else(|| error.message.strip_prefix("data: "));
        Self {
            code: if is_unauthorised {
                UNAUTHORISED
            } else {
                REFUSED
            },
            data: error
                .retry_after_ms
                .map(|wait| json!({ "retry_after_ms": wait })),
            msg: Some(sentence.unwrap_or(&error.message).to_owned()),
        }
    }
}

impl IntoResponse for Envelope {
    fn into_response(self) -> Response {
        (NO_STORE, Json(self)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_carry_a_code_and_a_sentence() {
        let refused = |error: WireError| Envelope::from(error).frame();
        assert_eq!(
            refused(ErrorCode::TokenExpired.into()),
            r#"{"code":401,"msg":"The token has expired."}"#
        );
        assert_eq!(
            refused(WireError::bad_field(
                "data.end_at",
                "must be after begin_at"
            )),
            r#"{"code":-1,"msg":"end_at: must be after begin_at"}"#
        );
        assert_eq!(
            refused(WireError::from(ErrorCode::ServerBusy).retry_after(1_000)),
            r#"{"code":-1,"data":{"retry_after_ms":1000},"msg":"The server is busy; try again shortly."}"#
        );
    }
}
