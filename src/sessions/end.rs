//! How a session ends: why, with which close code, and the closing handshake.

use std::io::ErrorKind;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::meeting::effect::CloseReason;

/// How long the closing handshake may take (RFC 6455 §7.1.1 asks to wait for the peer's close frame).
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// How long nothing must come before what is left of a frame counts as read.
const SILENCE: Duration = Duration::from_millis(250);

/// Why a session ends, as its close code tells (RFC 6455 §7.4 and static/docs/protocol.md §3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The socket is gone: nothing can be told.
    Gone,
    /// The client closed it: it has left.
    Closed,
    /// The client closed it as it goes away (RFC 6455 §7.4.1, 1001): a page that is closed, or loaded anew.
    Unloaded,
    /// Too many frames that were no requests.
    Abuse,
    /// Nobody said who they are, or the login was revoked.
    NotAuthenticated,
    /// The room was deleted or ended.
    RoomOver,
    /// A host removed them.
    Removed,
    /// The client reads too slowly.
    TooSlow,
    /// The room failed, which is a fault of ours.
    RoomFailed,
    /// A newer session took the place.
    Replaced,
    /// Too many requests.
    TooManyRequests,
    /// A frame was too big.
    TooBig,
    /// A text frame was not UTF-8.
    NotText,
    /// Something that is not WebSocket.
    NotWebSocket,
    /// The server is going down.
    GoingAway,
    /// Two pings stayed unanswered.
    Unresponsive,
}

impl End {
    /// What a client means by its close frame.
    pub fn of_close(frame: Option<&CloseFrame>) -> Self {
        match frame.map(|frame| frame.code) {
            None | Some(CloseCode::Normal | CloseCode::Status) => Self::Closed,
            Some(CloseCode::Away) => Self::Unloaded,
            Some(_) => Self::Gone,
        }
    }

    /// Whether the client still reads: what was asked before is answered first then.
    pub fn hears_answers(self) -> bool {
        match self {
            Self::NotAuthenticated
            | Self::RoomOver
            | Self::RoomFailed
            | Self::Removed
            | Self::Replaced
            | Self::GoingAway => true,
            Self::Gone
            | Self::Closed
            | Self::Unloaded
            | Self::Abuse
            | Self::TooSlow
            | Self::TooManyRequests
            | Self::TooBig
            | Self::NotText
            | Self::NotWebSocket
            | Self::Unresponsive => false,
        }
    }

    /// What the client is told; nothing when nobody is there to be told.
    pub fn close_frame(self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::Gone | Self::Closed | Self::Unloaded => return None,
            Self::Abuse => (4400, "protocol abuse"),
            Self::NotAuthenticated => (4401, "not authenticated"),
            Self::Removed => (4403, "removed by a host"),
            Self::RoomOver => (4404, "room deleted or ended"),
            Self::TooSlow => (4408, "too slow"),
            Self::Replaced => (4409, "replaced by a newer session"),
            Self::TooManyRequests => (4429, "too many requests"),
            Self::TooBig => (1009, "frame too big"),
            Self::NotText => (1007, "text that is not UTF-8"),
            Self::NotWebSocket => (1002, "not WebSocket"),
            Self::GoingAway => (1001, "server going away"),
            // To a client it is as if the server had gone away for a moment: whoever comes back finds the room anew.
            Self::RoomFailed => (1001, "room failed, come back"),
            Self::Unresponsive => (1001, "pings unanswered"),
        };
        Some(CloseFrame {
            code: code.into(),
            reason: reason.into(),
        })
    }
}

/// Reading a socket failed.
impl From<Error> for End {
    fn from(error: Error) -> Self {
        match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => Self::TooBig,
            Error::Utf8(_) => Self::NotText,
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Gone,
            Error::Protocol(_) => Self::NotWebSocket,
            // What counts frames below the library says so.
            Error::Io(error) if error.kind() == ErrorKind::QuotaExceeded => Self::TooManyRequests,
            _ => Self::Gone,
        }
    }
}

impl From<CloseReason> for End {
    fn from(reason: CloseReason) -> Self {
        match reason {
            CloseReason::Replaced => Self::Replaced,
            CloseReason::Ended => Self::RoomOver,
            CloseReason::Removed => Self::Removed,
            CloseReason::Failed => Self::RoomFailed,
        }
    }
}

/// Closes a socket with `frame`, or the way the client has closed it, and waits for the client to do so too, for a while.
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
            // A socket that is closed with something unread is reset, and the client might never see why: what is
            // left of the frame is read first. Silence means that the client waits for our end of the connection.
            let mut rest = [0; 4_096];
            let socket = socket.get_mut();
            while let Ok(Ok(1..)) = tokio::time::timeout(SILENCE, socket.read(&mut rest)).await {}
        }
    };
    if tokio::time::timeout(CLOSE_DEADLINE, goodbye).await.is_err() {
        tracing::debug!("the client did not answer the close in time");
    }
}
