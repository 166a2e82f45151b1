//! How a session's end looks on a socket: what a client's close frame or a failed read means, the code it is told, and
//! the closing handshake.

use std::io::ErrorKind;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::sessions::End;

/// How long the closing handshake may take (RFC 6455 §7.1.1 asks to wait for the peer's close frame).
pub(super) const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// How long nothing must come before what is left of a frame counts as read.
const SILENCE: Duration = Duration::from_millis(250);

/// What a client means by its close frame.
pub(super) fn end_of_close(frame: Option<&CloseFrame>) -> End {
    match frame.map(|frame| frame.code) {
        None | Some(CloseCode::Normal | CloseCode::Status) => End::Closed,
        Some(CloseCode::Away) => End::Unloaded,
        Some(_) => End::Gone,
    }
}

/// What the client is told; nothing when nobody is there to be told.
pub fn close_frame(end: End) -> Option<CloseFrame> {
    let (code, reason) = end.code()?;
    Some(CloseFrame {
        code: code.into(),
        reason: reason.into(),
    })
}

/// Reading a socket failed.
impl From<Error> for End {
    fn from(error: Error) -> Self {
        match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => Self::TooBig,
            Error::Utf8(_) => Self::NotText,
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Gone,
            Error::Protocol(_) => Self::NotWebSocket,
            // The reader that counts frames below the library reports this error.
            Error::Io(error) if error.kind() == ErrorKind::QuotaExceeded => Self::TooManyRequests,
            _ => Self::Gone,
        }
    }
}

/// Closes a socket with `frame`, or as the client has closed it. Then waits a while for the client to close it too.
pub async fn goodbye<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: WebSocketStream<S>,
    frame: Option<CloseFrame>,
) {
    let is_too_big = frame
        .as_ref()
        .is_some_and(|frame| frame.code == CloseCode::Size);
    let goodbye = async {
        if frame.is_some() && socket.close(frame).await.is_err() {
            return;
        }
        // Reading on answers the client's own close frame (RFC 6455 §5.5.1).
        while let Some(Ok(_)) = socket.next().await {}
        if is_too_big {
            // A socket that is closed with something unread is reset, and the client might never see the reason. So the
            // rest of the frame is read first. Silence means that the client waits for our end of the connection.
            let mut rest = vec![0; 4_096];
            let socket = socket.get_mut();
            while let Ok(Ok(1..)) = tokio::time::timeout(SILENCE, socket.read(&mut rest[..])).await
            {
            }
        }
    };
    if tokio::time::timeout(CLOSE_DEADLINE, goodbye).await.is_err() {
        tracing::debug!("the client did not answer the close in time");
    }
}
