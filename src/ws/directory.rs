//! Which sessions are logged in as whom, so that a revoked login ends at once.

use std::sync::Arc;

use dashmap::DashMap;
use tokio::sync::Notify;

use crate::protocol::ids::{SessionId, UserId};

/// The logged-in sessions of this node.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    sessions: Arc<DashMap<SessionId, Entry>>,
}

#[derive(Debug)]
struct Entry {
    user: UserId,
    jti: String,
    revoked: Arc<Notify>,
}

impl Directory {
    /// Enters a session, or corrects its entry after a new login.
    pub fn enter(&self, session: &SessionId, user: &UserId, jti: &str, revoked: &Arc<Notify>) {
        let entry = Entry {
            user: user.clone(),
            jti: jti.to_owned(),
            revoked: revoked.clone(),
        };
        self.sessions.insert(session.clone(), entry);
    }

    /// Takes a session out.
    pub fn leave(&self, session: &SessionId) {
        self.sessions.remove(session);
    }

    /// How many sessions are logged in.
    pub fn count(&self) -> usize {
        self.sessions.len()
    }

    /// Ends every other session that came in with this token.
    pub fn revoke_token(&self, jti: &str, but: &SessionId) {
        self.revoke(|entry| entry.jti == jti, but);
    }

    /// Ends every other session of this user.
    pub fn revoke_user(&self, user: &UserId, but: &SessionId) {
        self.revoke(|entry| entry.user == *user, but);
    }

    fn revoke(&self, concerned: impl Fn(&Entry) -> bool, but: &SessionId) {
        for entry in self
            .sessions
            .iter()
            .filter(|entry| entry.key() != but && concerned(entry.value()))
        {
            entry.value().revoked.notify_one();
        }
    }
}
