//! Writing to each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::protocol::ids::{MessageId, ParticipantId};
use crate::protocol::object::ChatMessage;
use crate::protocol::text::ChatText;

shapes! {
    /// Data of `chat.send`.
    struct ChatSend {
        /// At most 4000 characters.
        text: ChatText,
        /// Only this participant reads it.
        #[serde(default)] #[ts(optional = nullable)]
        to: Option<ParticipantId>,
        /// The client's own name for the message, at most 64 bytes; comes back with it. No two messages of one author in
        /// one room have the same: a message that is sent again is kept once and answered as the first time, and
        /// something else under the same name is refused.
        #[serde(default)] #[ts(optional = nullable)]
        client_id: Option<String>,
    }
    /// Data of `chat.history`.
    struct ChatHistory {
        /// Older than this message.
        #[serde(default)] #[ts(optional = nullable)]
        before: Option<MessageId>,
        /// 1 to 200.
        #[serde(default = "default_history")] #[ts(optional, as = "Option<u32>")]
        limit: u32,
    }
    /// Data of `chat.delete`.
    struct ChatDelete {
        /// Which message: one's own, or anyone's for those who govern the meeting.
        message: MessageId,
    }
}

answers! {
    /// Answer to `chat.send`.
    struct MessageAnswer {
        /// As everyone gets it.
        message: ChatMessage,
    }
    /// Answer to `chat.history`.
    struct ChatPage {
        /// Oldest first.
        messages: Vec<ChatMessage>,
        /// Whether there are older ones.
        more: bool,
    }
}

fn default_history() -> u32 {
    50
}
