//! Which sessions are logged in as whom, so that a revoked login ends at once.

use std::collections::{HashMap, HashSet};
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
    pub fn accounts(&self) -> HashSet<UserId> {
        let accounts = self.sessions.iter();
        let accounts = accounts.filter(|entry| entry.kind == UserKind::Account);
        accounts.map(|entry| entry.user.clone()).collect()
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

    /// Ends sessions of accounts as the database has them now: of `asked`, those that are not `found` there any more, and
    /// those that came in with a token from before what is found. It looks at each session once, however many accounts
    /// there are.
    pub fn end_void(&self, asked: &HashSet<UserId>, found: &HashMap<UserId, Option<Timestamp>>) {
        self.revoke(|_, entry| {
            entry.kind == UserKind::Account
                && asked.contains(&entry.user)
                && match found.get(&entry.user) {
                    None => true,
                    Some(after) => after.is_some_and(|after| entry.since < after),
                }
        });
    }

    fn revoke(&self, concerned: impl Fn(&SessionId, &Entry) -> bool) {
        for entry in self.sessions.iter() {
            if concerned(entry.key(), entry.value()) {
                entry.value().revoked.notify_one();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_millis(seconds * 1_000).unwrap()
    }

    #[tokio::test]
    async fn what_the_database_voids_ends_and_nothing_else_does() {
        let directory = Directory::default();
        let [kept, older, gone, late, guest] = std::array::from_fn(|_| UserId::random());
        let enter = |user: &UserId, kind, since| {
            let revoked = Arc::new(Notify::new());
            let entry = Entry {
                user: user.clone(),
                kind,
                jti: String::new(),
                since: at(since),
                revoked: revoked.clone(),
            };
            directory.enter(&SessionId::random(), entry);
            revoked
        };
        let account = UserKind::Account;
        let memberships = [
            enter(&kept, account, 5),
            enter(&older, account, 10),
            enter(&guest, UserKind::Guest, 5),
        ];
        let ends = [enter(&older, account, 9), enter(&gone, account, 5)];
        let asked = directory.accounts();
        assert!(asked.len() == 3 && !asked.contains(&guest));
        // Who came in after the question is judged by the next one.
        let memberships = memberships.into_iter().chain([enter(&late, account, 5)]);
        let found = HashMap::from([(kept, None), (older, Some(at(10)))]);
        directory.end_void(&asked, &found);
        for ended in ends {
            ended.notified().await;
        }
        for kept in memberships {
            let waited = futures_util::FutureExt::now_or_never(kept.notified());
            assert!(waited.is_none());
        }
    }
}
