//! Which sessions are logged in as whom, so that a revoked login ends at once.

use std::collections::HashSet;
use std::sync::Arc;

use dashmap::DashMap;
use tokio::sync::Notify;

use crate::protocol::ids::{SessionId, UserId};
use crate::protocol::object::UserKind;
use crate::protocol::time::Timestamp;

/// The logged-in sessions of this node.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    sessions: Arc<DashMap<SessionId, Entry>>,
}

/// A session's login.
#[derive(Debug)]
pub struct Entry {
    /// Who.
    pub user: UserId,
    /// An account, or a guest.
    pub kind: UserKind,
    /// The log-in's id, by which its tokens are revoked.
    pub jti: String,
    /// When the token it came in with was issued: what voids older ones ends it.
    pub since: Timestamp,
    /// Ends the session.
    pub revoked: Arc<Notify>,
}

impl Directory {
    /// Enters a session, or corrects its entry after a new login.
    pub fn enter(&self, session: &SessionId, entry: Entry) {
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

    /// The accounts that are logged in, each once.
    pub fn accounts(&self) -> Vec<UserId> {
        let accounts = self.sessions.iter();
        let accounts = accounts.filter(|entry| entry.kind == UserKind::Account);
        let accounts: HashSet<UserId> = accounts.map(|entry| entry.user.clone()).collect();
        accounts.into_iter().collect()
    }

    /// When the token that this session came in with was issued.
    pub fn since(&self, session: &SessionId) -> Option<Timestamp> {
        self.sessions.get(session).map(|entry| entry.since)
    }

    /// Lets this session outlive what voids logins from before `since`: it is about to do that itself.
    pub fn renew(&self, session: &SessionId, since: Timestamp) {
        if let Some(mut entry) = self.sessions.get_mut(session) {
            entry.since = entry.since.max(since);
        }
    }

    /// Ends every other session that came in with this token.
    pub fn revoke_token(&self, jti: &str, but: &SessionId) {
        self.revoke(|session, entry| session != but && entry.jti == jti);
    }

    /// Ends every other session of this user.
    pub fn revoke_user(&self, user: &UserId, but: &SessionId) {
        self.revoke(|session, entry| session != but && entry.user == *user);
    }

    /// Ends every session of this account.
    pub fn end_account(&self, user: &UserId) {
        self.revoke(|_, entry| entry.user == *user);
    }

    /// Ends every session of this account that is older than `after`.
    pub fn end_older(&self, user: &UserId, after: Timestamp) {
        self.revoke(|_, entry| entry.user == *user && entry.since < after);
    }

    fn revoke(&self, concerned: impl Fn(&SessionId, &Entry) -> bool) {
        for entry in self.sessions.iter() {
            if concerned(entry.key(), entry.value()) {
                entry.value().revoked.notify_one();
            }
        }
    }
}
