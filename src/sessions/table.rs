//! The sessions of this node by id. The table knows their logins, so that a revoked login ends at once. Each session
//! has the door at which a new socket asks for a session that lost its own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use tokio::time::Instant;

use super::door::Door;
use crate::auth::ResumeTokens;
use crate::bell::Bell;
use crate::protocol::ids::{SessionId, UserId};
use crate::protocol::object::UserKind;
use crate::protocol::time::Timestamp;

/// The sessions of this node. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Table {
    sessions: Arc<DashMap<SessionId, Entry>>,
    /// How many sockets there were.
    sockets: Arc<AtomicU64>,
    is_limited: bool,
}

/// A session.
#[derive(Debug)]
struct Entry {
    /// None before a login.
    login: Option<Pass>,
    /// Ends the session.
    revoked: Arc<Bell>,
    door: Arc<Door>,
}

/// What a session came in with.
#[derive(Debug, Clone)]
pub struct Pass {
    /// The user.
    pub user: UserId,
    /// An account, or a guest.
    pub kind: UserKind,
    /// The log-in's id, by which its tokens are revoked.
    pub jti: String,
    /// When the log-in began.
    pub logged_in_at: Timestamp,
    /// When the token was issued: what voids older ones ends the session.
    pub since: Timestamp,
}

/// A session's place in the table, given up with this at the latest.
#[derive(Debug)]
pub struct Seat {
    table: Table,
    id: SessionId,
    /// The number of the socket that opened it.
    socket: u64,
    revoked: Arc<Bell>,
    door: Arc<Door>,
}

impl Seat {
    /// The id of the session.
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// The number of the socket that opened the session; a later socket's is higher.
    pub fn socket(&self) -> u64 {
        self.socket
    }

    /// Where other sockets ask for the session.
    pub fn door(&self) -> Arc<Door> {
        self.door.clone()
    }

    /// What ends the session when its login is revoked.
    pub fn revoked(&self) -> Arc<Bell> {
        self.revoked.clone()
    }

    /// Gives the place up.
    pub fn leave(&self) {
        self.table.sessions.remove(&self.id);
        // A socket that waits at the door is refused at once.
        self.door.shut();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Table {
    /// An empty one; whether it is limited how often a session is taken up.
    pub fn new(is_limited: bool) -> Self {
        Self {
            is_limited,
            ..Self::default()
        }
    }

    /// Takes in a session without a login.
    pub fn open(&self, session: &SessionId) -> Seat {
        let socket = self.sockets.fetch_add(1, Ordering::Relaxed);
        let door = Arc::new(Door::new(socket, self.is_limited, Instant::now()));
        let revoked = Arc::default();
        let entry = Entry {
            login: None,
            revoked: Arc::clone(&revoked),
            door: Arc::clone(&door),
        };
        self.sessions.insert(session.clone(), entry);
        Seat {
            table: self.clone(),
            id: session.clone(),
            socket,
            revoked,
            door,
        }
    }

    /// The door of a session that has a login.
    pub fn door_of(&self, session: &SessionId) -> Option<Arc<Door>> {
        let entry = self.sessions.get(session)?;
        entry.login.as_ref().map(|_| entry.door.clone())
    }

    /// Takes note of a session's login, also after a new log-in, and gives out a token that takes the session up again.
    /// Tokens of an earlier log-in are void; earlier tokens of this one are not.
    pub fn log_in(&self, session: &SessionId, pass: Pass) -> String {
        let Some(mut entry) = self.sessions.get_mut(session) else {
            // It has just ended, so that nothing takes it up.
            return ResumeTokens::default().begin();
        };
        let before = entry.login.replace(pass);
        let goes_on = before.is_some_and(|before| {
            let now = entry.login.as_ref();
            now.is_some_and(|now| before.user == now.user && before.jti == now.jti)
        });
        match goes_on {
            true => entry.door.issue(),
            false => entry.door.begin(),
        }
    }

    /// Takes up a session that had a login before a restart.
    pub fn restore(&self, session: &SessionId, pass: Pass, tokens: &[String]) {
        if let Some(mut entry) = self.sessions.get_mut(session) {
            entry.login = Some(pass);
            entry.door.restore(tokens);
        }
    }

    /// What a session came in with, and its tokens; none when it cannot be taken up.
    pub fn pass(&self, session: &SessionId) -> Option<(Pass, Vec<String>)> {
        let entry = self.sessions.get(session)?;
        let tokens = entry.door.tokens();
        let pass = entry.login.clone().filter(|_| !tokens.is_empty())?;
        Some((pass, tokens))
    }

    /// The session has no login any more.
    pub fn log_out(&self, session: &SessionId) {
        if let Some(mut entry) = self.sessions.get_mut(session) {
            entry.login = None;
            entry.door.shut();
        }
    }

    /// How many sessions are logged in.
    pub fn count(&self) -> usize {
        let sessions = self.sessions.iter();
        sessions.filter(|entry| entry.login.is_some()).count()
    }

    /// The accounts that are logged in, each once.
    pub fn accounts(&self) -> HashSet<UserId> {
        let sessions = self.sessions.iter();
        let accounts = sessions.filter_map(|entry| {
            let account = |pass: &&Pass| pass.kind == UserKind::Account;
            let pass = entry.login.as_ref().filter(account)?;
            Some(pass.user.clone())
        });
        accounts.collect()
    }

    /// The user who has logged in to a session.
    pub fn user(&self, session: &SessionId) -> Option<UserId> {
        let entry = self.sessions.get(session)?;
        entry.login.as_ref().map(|pass| pass.user.clone())
    }

    /// When the token that this session came in with was issued.
    pub fn since(&self, session: &SessionId) -> Option<Timestamp> {
        let entry = self.sessions.get(session)?;
        entry.login.as_ref().map(|pass| pass.since)
    }

    /// Lets this session outlive the end of all logins from before `since`, which it is about to cause.
    pub fn renew(&self, session: &SessionId, since: Timestamp) {
        if let Some(mut entry) = self.sessions.get_mut(session)
            && let Some(pass) = &mut entry.login
        {
            pass.since = pass.since.max(since);
        }
    }

    /// Ends every other session that came in with this token.
    pub fn revoke_token(&self, jti: &str, but: &SessionId) {
        self.revoke(|session, pass| session != but && pass.jti == jti);
    }

    /// Ends every other session of this user.
    pub fn revoke_user(&self, user: &UserId, but: &SessionId) {
        self.revoke(|session, pass| session != but && pass.user == *user);
    }

    /// Ends sessions of accounts as the database has them now. Of `asked`, it ends those that are not `found` any more,
    /// and those that came in with a token from before what is found. It looks at each session once, for any number of
    /// accounts.
    pub fn end_void(&self, asked: &HashSet<UserId>, found: &HashMap<UserId, Option<Timestamp>>) {
        self.revoke(|_, pass| {
            pass.kind == UserKind::Account
                && asked.contains(&pass.user)
                && match found.get(&pass.user) {
                    None => true,
                    Some(after) => after.is_some_and(|after| pass.since < after),
                }
        });
    }

    fn revoke(&self, concerned: impl Fn(&SessionId, &Pass) -> bool) {
        for entry in self.sessions.iter() {
            let pass = entry.login.as_ref();
            if pass.is_some_and(|pass| concerned(entry.key(), pass)) {
                entry.revoked.ring();
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

    fn pass(user: &UserId, kind: UserKind, since: i64) -> Pass {
        Pass {
            user: user.clone(),
            kind,
            jti: String::new(),
            logged_in_at: at(0),
            since: at(since),
        }
    }

    #[tokio::test]
    async fn what_the_database_voids_ends_and_nothing_else_does() {
        let table = Table::default();
        let [kept, older, gone, late, guest] = std::array::from_fn(|_| UserId::random());
        let enter = |user: &UserId, kind, since| {
            let session = SessionId::random();
            let seat = table.open(&session);
            table.log_in(&session, pass(user, kind, since));
            seat
        };
        let account = UserKind::Account;
        let sessions = [
            enter(&kept, account, 5),
            enter(&older, account, 10),
            enter(&guest, UserKind::Guest, 5),
            table.open(&SessionId::random()),
        ];
        let ends = [enter(&older, account, 9), enter(&gone, account, 5)];
        let asked = table.accounts();
        assert!(asked.len() == 3 && !asked.contains(&guest));
        // A session that came in after the question is judged by the next one.
        let sessions = sessions.into_iter().chain([enter(&late, account, 5)]);
        let found = HashMap::from([(kept, None), (older, Some(at(10)))]);
        table.end_void(&asked, &found);
        for ended in ends {
            ended.revoked().heard().await;
        }
        for kept in sessions {
            let waited = futures_util::FutureExt::now_or_never(kept.revoked().heard());
            assert!(waited.is_none());
        }
    }

    #[test]
    fn who_has_given_the_place_up_is_not_in_the_table() {
        let (table, session) = (Table::default(), SessionId::random());
        let seat = table.open(&session);
        assert_eq!((table.count(), table.since(&session)), (0, None));
        let ada = UserId::random();
        table.log_in(&session, pass(&ada, UserKind::Account, 1));
        table.renew(&session, at(2));
        assert_eq!((table.count(), table.since(&session)), (1, Some(at(2))));
        table.log_out(&session);
        assert_eq!((table.count(), table.accounts().len()), (0, 0));
        drop(seat);
        table.log_in(&session, pass(&ada, UserKind::Account, 3));
        assert_eq!(table.count(), 0);
    }
}
