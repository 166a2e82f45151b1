//! The last messages of a room. A newcomer reads the same ones as the others.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::meeting::command::Post;
use crate::protocol::ids::{MessageId, UserId};
use crate::protocol::object::ChatMessage;
use crate::protocol::request::ChatPage;
use crate::protocol::time::Timestamp;

/// How many messages a newcomer gets at once. Older ones come by `chat.history`.
pub const RECENT_MESSAGES: usize = 50;

/// The last messages.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Chat {
    recent: VecDeque<Post>,
    forgotten: bool,
    /// The time of the newest message that everybody was told of and that is not among the last any more.
    #[serde(default)]
    told_until: Option<Timestamp>,
}

impl Chat {
    /// Takes the stored messages, the oldest first. `more` says that there are older ones.
    pub fn new(posts: Vec<Post>, more: bool) -> Self {
        let mut chat = Self {
            recent: VecDeque::new(),
            forgotten: more,
            told_until: None,
        };
        if let Some(oldest) = posts.first().filter(|_| more) {
            chat.told_until = Some(oldest.message.sent_at);
        }
        posts.into_iter().for_each(|post| chat.push(post));
        chat
    }

    /// Adds the newest message. The oldest is dropped beyond [`RECENT_MESSAGES`].
    pub fn push(&mut self, post: Post) {
        if self.recent.len() == RECENT_MESSAGES {
            let oldest = self.recent.pop_front();
            self.told_until = self.told_until.max(oldest.map(|post| post.message.sent_at));
            self.forgotten = true;
        }
        self.recent.push_back(post);
    }

    /// Whether it is among the last.
    pub fn has(&self, message: &MessageId) -> bool {
        self.recent.iter().any(|post| post.message.id == *message)
    }

    /// Whether the participants got this message, and it was not deleted. A message that is not among the last counts
    /// as delivered if it is as old as those that were dropped.
    pub fn was_told(&self, message: &ChatMessage) -> bool {
        self.has(&message.id) || self.told_until >= Some(message.sent_at)
    }

    /// Removes a message, if it is among the last.
    pub fn remove(&mut self, message: &MessageId) {
        self.recent.retain(|post| post.message.id != *message);
    }

    /// The messages that `user` may read: all, or those from `since` on.
    pub fn page_for(&self, user: &UserId, since: Option<Timestamp>) -> ChatPage {
        let is_old = |post: &&Post| since.is_some_and(|since| post.message.sent_at < since);
        let readable = self.recent.iter().filter(|post| post.is_for(user));
        // Messages are in the order of their times, so the dropped ones are older than all of these.
        let more = self.forgotten && !self.recent.front().as_ref().is_some_and(is_old);
        ChatPage {
            messages: readable
                .filter(|post| !is_old(post))
                .map(|post| post.message.clone())
                .collect(),
            more,
        }
    }
}
