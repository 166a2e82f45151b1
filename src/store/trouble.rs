//! What is the matter with the database: told to the log when it begins and when it is over, and to the health check
//! in between.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use sea_orm::DbErr;

use super::StoreError;

/// How long nothing may have failed before a trouble counts as over: on a disk that is nearly full small writes work
/// while larger ones fail, and each would begin it anew.
const CALM: Duration = Duration::from_secs(5);

/// What the health check says of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ailment {
    /// It does not answer, or not in time.
    Away,
    /// There is no space left where it writes.
    Full,
    /// It may only be read.
    ReadOnly,
    /// Its file is damaged, or is none of a database.
    Damaged,
}

impl Ailment {
    /// What an error says of the database as a whole; none for what is the matter with one call alone.
    pub(super) fn of(error: &StoreError) -> Option<Self> {
        match error {
            StoreError::Unavailable(_) => Some(Self::Away),
            StoreError::Full(_) => Some(Self::Full),
            StoreError::ReadOnly(_) | StoreError::ReadOnlyFolder { .. } => Some(Self::ReadOnly),
            StoreError::Damaged(_) => Some(Self::Damaged),
            _ => None,
        }
    }

    /// What is the matter, in one sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Away => "The database does not answer.",
            Self::Full => "There is no space left for the database.",
            Self::ReadOnly => "The database is read-only.",
            Self::Damaged => "The database's file is damaged.",
        }
    }
}

/// The troubles of reading, and of writing: one can be without the other.
#[derive(Debug)]
pub(super) struct Troubles {
    reading: Trouble,
    writing: Trouble,
}

impl Default for Troubles {
    fn default() -> Self {
        Self {
            reading: Trouble::new("read"),
            writing: Trouble::new("written"),
        }
    }
}

impl Troubles {
    /// Notes how a question ended.
    pub(super) fn read(&self, error: Option<&DbErr>) {
        let error = error.map(StoreError::seen);
        self.reading.note(error.as_ref(), Instant::now());
    }

    /// Notes how a transaction ended.
    pub(super) fn written(&self, error: Option<&StoreError>) {
        self.writing.note(error, Instant::now());
    }

    /// What is the matter now.
    pub(super) fn current(&self) -> Option<Ailment> {
        self.writing.current().or(self.reading.current())
    }
}

#[derive(Debug)]
struct Trouble {
    /// What cannot be done to the database.
    what: &'static str,
    state: Mutex<Option<State>>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    ailment: Ailment,
    failures: u64,
    last: Instant,
}

impl Trouble {
    fn new(what: &'static str) -> Self {
        Self {
            what,
            state: Mutex::new(None),
        }
    }

    fn current(&self) -> Option<Ailment> {
        let state = self.state.lock().unwrap_or_else(|held| held.into_inner());
        state.map(|state| state.ailment)
    }

    fn note(&self, error: Option<&StoreError>, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(|held| held.into_inner());
        let found = error.and_then(|error| Some((error, Ailment::of(error)?)));
        match (&mut *state, found) {
            (None, Some((error, ailment))) => {
                *state = Some(State {
                    ailment,
                    failures: 1,
                    last: now,
                });
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    "the database cannot be {}: callers are told to come again",
                    self.what
                );
            }
            (Some(known), Some((error, ailment))) => {
                known.failures += 1;
                known.last = now;
                if known.ailment != ailment {
                    known.ailment = ailment;
                    tracing::error!(
                        error = error as &dyn std::error::Error,
                        "the database still cannot be {}, for another reason",
                        self.what
                    );
                }
            }
            (Some(known), None) if error.is_none() && now - known.last >= CALM => {
                let failures = known.failures;
                *state = None;
                tracing::info!(failures, "the database can be {} again", self.what);
            }
            (Some(_) | None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::RuntimeErr;

    use super::*;

    fn away() -> StoreError {
        StoreError::Unavailable(DbErr::Conn(RuntimeErr::Internal("away".to_owned())))
    }

    #[test]
    fn a_trouble_is_over_when_nothing_has_failed_for_a_while() {
        let (trouble, start) = (Trouble::new("written"), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        trouble.note(None, at(0));
        assert_eq!(trouble.current(), None);
        trouble.note(Some(&away()), at(1));
        assert_eq!(trouble.current(), Some(Ailment::Away));
        // A small write may work while a larger one fails.
        for ms in [2, 4_000, 5_000] {
            trouble.note(None, at(ms));
            assert_eq!(trouble.current(), Some(Ailment::Away), "{ms}");
        }
        let full = StoreError::Full(DbErr::Custom("full".to_owned()));
        trouble.note(Some(&full), at(5_000));
        assert_eq!(trouble.current(), Some(Ailment::Full));
        trouble.note(None, at(9_999));
        assert_eq!(trouble.current(), Some(Ailment::Full));
        trouble.note(None, at(10_000));
        assert_eq!(trouble.current(), None);
    }

    #[test]
    fn what_concerns_one_call_is_no_trouble_of_the_database() {
        let trouble = Trouble::new("written");
        let taken = StoreError::Conflict(super::super::Conflict::Username);
        trouble.note(Some(&taken), Instant::now());
        assert_eq!(trouble.current(), None);
    }
}
