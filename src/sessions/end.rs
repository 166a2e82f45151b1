//! How a session ends: why, and with which close code.

use crate::meeting::effect::CloseReason;

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
    /// Nobody logged in in time, or the login was revoked.
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
    /// The client could not take its session up.
    NotResumed,
}

impl End {
    /// Whether the client may come back and go on: its socket is gone, but it did not mean to leave.
    pub fn is_loss(self) -> bool {
        match self {
            Self::Gone | Self::Unloaded | Self::TooSlow | Self::Unresponsive => true,
            Self::Closed
            | Self::Abuse
            | Self::NotAuthenticated
            | Self::RoomOver
            | Self::Removed
            | Self::RoomFailed
            | Self::Replaced
            | Self::TooManyRequests
            | Self::TooBig
            | Self::NotText
            | Self::NotWebSocket
            | Self::GoingAway
            | Self::NotResumed => false,
        }
    }

    /// Whether the client still reads: then earlier requests are answered first.
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
            | Self::Unresponsive
            | Self::NotResumed => false,
        }
    }

    /// What the client is told, as a code and a reason; nothing when nobody is there to be told.
    pub fn code(self) -> Option<(u16, &'static str)> {
        Some(match self {
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
            // To a client it is as if the server had gone away for a moment: a client that comes back finds the room
            // anew.
            Self::RoomFailed => (1001, "room failed, come back"),
            Self::Unresponsive => (1001, "pings unanswered"),
            Self::NotResumed => (1001, "not resumed, come back"),
        })
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
