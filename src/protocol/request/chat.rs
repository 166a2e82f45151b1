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
        /// What is written: at most 4000 characters.
        text: ChatText,
        /// The only participant who reads it. Everybody when left out.
        #[serde(default)] #[ts(optional = nullable)]
        to: Option<ParticipantId>,
        /// Your own name for the message, at most 64 bytes. It comes back with the message. Sent again under the same
        /// name, a message is kept once and answered as the first time; something else under the same name is
        /// refused.
        #[serde(default)] #[ts(optional = nullable)]
        client_id: Option<String>,
    }
    /// Data of `chat.history`.
    struct ChatHistory {
        /// Only messages older than this one.
        #[serde(default)] #[ts(optional = nullable)]
        before: Option<MessageId>,
        /// How many messages: 1 to 200.
        #[serde(default = "default_history")] #[ts(optional, as = "Option<u32>")]
        limit: u32,
    }
    /// Data of `chat.delete`.
    struct ChatDelete {
        /// The message: one of your own, or anyone's for those who govern the meeting.
        message: MessageId,
    }
}

answers! {
    /// Answer to `chat.send`.
    struct MessageAnswer {
        /// The message as everybody gets it.
        message: ChatMessage,
    }
    /// Answer to `chat.history`.
    struct ChatPage {
        /// The messages, the oldest first.
        messages: Vec<ChatMessage>,
        /// Whether there are older ones.
        more: bool,
    }
}

fn default_history() -> u32 {
    50
}
