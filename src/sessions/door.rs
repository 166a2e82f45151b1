//! The door of a session, at which a new socket asks for it: the tokens, and the number of the newest socket.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::handover::Handed;
use crate::auth::ResumeTokens;
use crate::bell::Bell;
use crate::budgets::{Bucket, ws as budgets};

/// A socket that may have the session. The task that holds the session sends it over, and lets go of its own client.
pub type Taker = oneshot::Sender<Handed>;

/// Why a socket is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The token is not good, or the socket is older than the one that has the session.
    Wrong,
    /// The session was taken up too often; it can be again after this time.
    TooOften(Duration),
}

/// How one session is asked for.
#[derive(Debug)]
pub struct Door {
    inner: Mutex<Inner>,
    knocked: Bell,
}

#[derive(Debug)]
struct Inner {
    tokens: ResumeTokens,
    /// The number of the newest socket that had the session. What an older one still asks for came late: its client has
    /// given it up.
    newest: u64,
    /// How often the session may still be taken up; none where that is not limited.
    uses: Option<Bucket>,
    /// The newest socket wins: the others are refused.
    waiting: Option<(u64, Taker)>,
}

impl Door {
    /// The door of a session that socket number `socket` opens.
    pub fn new(socket: u64, is_limited: bool, now: Instant) -> Self {
        let uses = || Bucket::new(&budgets::RESUME_BURST, &budgets::RESUMES, now);
        let inner = Inner {
            tokens: ResumeTokens::default(),
            newest: socket,
            uses: is_limited.then(uses),
            waiting: None,
        };
        Self {
            inner: Mutex::new(inner),
            knocked: Bell::default(),
        }
    }

    /// Takes up the tokens that were kept over a restart.
    pub fn restore(&self, tokens: &[String]) {
        self.lock().tokens = ResumeTokens::restored(tokens);
    }

    /// What is to be kept of the tokens over a restart.
    pub fn tokens(&self) -> Vec<String> {
        self.lock().tokens.kept()
    }

    /// Gives out the first token of a log-in.
    pub fn begin(&self) -> String {
        self.lock().tokens.begin()
    }

    /// Gives out a further token of the same log-in.
    pub fn issue(&self) -> String {
        self.lock().tokens.issue()
    }

    /// Nobody takes the session up any more.
    pub fn shut(&self) {
        let mut inner = self.lock();
        inner.tokens.clear();
        inner.waiting = None;
    }

    /// Asks for the session with a token. `taker` gets the session when the task that holds it lets go.
    ///
    /// # Errors
    /// [`Refusal`]
    pub fn knock(
        &self,
        token: &str,
        socket: u64,
        taker: Taker,
        now: Instant,
    ) -> Result<(), Refusal> {
        let mut inner = self.lock();
        if !inner.admits(token, socket) {
            return Err(Refusal::Wrong);
        }
        if let Some(uses) = &mut inner.uses {
            uses.spend(1, now).map_err(Refusal::TooOften)?;
        }
        inner.waiting = Some((socket, taker));
        drop(inner);
        self.knocked.ring();
        Ok(())
    }

    /// Uses the token and returns the one that follows it. Only the task that holds the session calls this. None when
    /// the token is void by now.
    pub fn redeem(&self, token: &str, socket: u64) -> Option<String> {
        let mut inner = self.lock();
        if !inner.admits(token, socket) {
            return None;
        }
        inner.newest = socket;
        inner.tokens.redeem(token)
    }

    /// Waits until a socket asks for the session.
    pub async fn knocked(&self) -> Taker {
        loop {
            if let Some((_, taker)) = self.lock().waiting.take() {
                return taker;
            }
            self.knocked.heard().await;
        }
    }

    /// Each change is whole before anything can panic.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn admits(&self, token: &str, socket: u64) -> bool {
        let is_newer = |waiting: &(u64, Taker)| socket >= waiting.0;
        self.tokens.admits(token)
            && socket > self.newest
            && self.waiting.as_ref().is_none_or(is_newer)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn knock(door: &Door, token: &str, socket: u64) -> Result<(), Refusal> {
        let (taker, _) = oneshot::channel();
        door.knock(token, socket, taker, Instant::now())
    }

    #[test]
    fn who_has_the_token_is_let_in_and_nobody_else_is_heard() {
        let door = Door::new(1, true, Instant::now());
        let token = door.begin();
        assert_eq!(knock(&door, "nonsense", 2), Err(Refusal::Wrong));
        assert!(door.knocked().now_or_never().is_none());
        assert_eq!(knock(&door, &token, 2), Ok(()));
        assert!(door.knocked().now_or_never().is_some());
        door.shut();
        assert_eq!(knock(&door, &token, 3), Err(Refusal::Wrong));
    }

    #[test]
    fn what_an_older_socket_asks_came_late() {
        let door = Door::new(1, true, Instant::now());
        let token = door.begin();
        // Socket 2 asked, and its client gave it up and asked on socket 3 before socket 2 was read.
        assert_eq!(knock(&door, &token, 3), Ok(()));
        assert!(door.redeem(&token, 3).is_some());
        assert_eq!(knock(&door, &token, 2), Err(Refusal::Wrong));
        assert!(door.redeem(&token, 2).is_none());
        assert_eq!(knock(&door, &token, 4), Ok(()), "its answer may be lost");
    }

    #[test]
    fn the_newest_that_asks_wins() {
        let door = Door::new(1, true, Instant::now());
        let token = door.begin();
        let now = Instant::now();
        let (first, mut lost) = oneshot::channel();
        door.knock(&token, 2, first, now).unwrap();
        let (second, _kept) = oneshot::channel();
        door.knock(&token, 3, second, now).unwrap();
        assert!(lost.try_recv().is_err());
        assert_eq!(knock(&door, &token, 2), Err(Refusal::Wrong), "it came late");
        assert!(door.knocked().now_or_never().is_some());
    }

    #[test]
    fn a_session_is_taken_up_only_so_often() {
        let now = Instant::now();
        let door = Door::new(1, true, now);
        let token = door.begin();
        let socket = std::cell::Cell::new(1);
        let at = |now| {
            let (taker, _) = oneshot::channel();
            socket.set(socket.get() + 1);
            door.knock(&token, socket.get(), taker, now)
        };
        for _ in 0..budgets::RESUME_BURST.most {
            assert_eq!(at(now), Ok(()));
        }
        let Err(Refusal::TooOften(wait)) = at(now) else {
            panic!("one more than there may be")
        };
        assert_eq!(at(now + wait), Ok(()));
    }
}
