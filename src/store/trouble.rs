//! Current troubles of the database. The log gets their begin and their end, and the health check asks in between.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sea_orm::DbErr;

use super::StoreError;

/// A trouble is over when nothing has failed for this time. On a nearly full disk small writes work while larger ones
/// fail, and each would start it again.
const CALM: Duration = Duration::from_secs(5);

/// The state of the database for the health check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ailment {
    /// It does not answer, or not in time.
    Away,
    /// There is no space left where it writes.
    Full,
    /// It may only be read.
    ReadOnly,
    /// Its file is damaged, or no database.
    Damaged,
}

impl Ailment {
    /// What an error tells of the whole database. None if it concerns one call only.
    pub(super) fn of(error: &StoreError) -> Option<Self> {
        match error {
            StoreError::Unavailable(_) => Some(Self::Away),
            StoreError::Full(_) => Some(Self::Full),
            StoreError::ReadOnly(_) | StoreError::ReadOnlyFolder { .. } => Some(Self::ReadOnly),
            StoreError::Damaged(_) => Some(Self::Damaged),
            _ => None,
        }
    }

    /// The trouble in one sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Away => "The database does not answer.",
            Self::Full => "There is no space left for the database.",
            Self::ReadOnly => "The database is read-only.",
            Self::Damaged => "The database's file is damaged.",
        }
    }
}

/// The troubles of reading and of writing. Each can occur without the other.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    reading: Trouble,
    writing: Trouble,
    /// Whether troubles are logged. A command of the command line prints one sentence instead.
    is_logged: AtomicBool,
}

impl Troubles {
    /// Tells the log from now on.
    pub(super) fn log(&self) {
        self.is_logged.store(true, Ordering::Relaxed);
    }

    /// Notes how a question ended.
    pub(super) fn read(&self, error: Option<&DbErr>) {
        let error = error.map(StoreError::seen);
        let change = self.reading.note(error.as_ref(), Instant::now());
        self.tell("read", change, error.as_ref());
    }

    /// Notes how a transaction ended.
    pub(super) fn written(&self, error: Option<&StoreError>) {
        let now = Instant::now();
        let change = self.writing.note(error, now);
        self.tell("written", change, error);
        if error.is_none() {
            // A database that commits can be read too. Otherwise this trouble could stay for hours without reads.
            let change = self.reading.note(None, now);
            self.tell("read", change, None);
        }
    }

    /// The current trouble.
    pub(super) fn current(&self) -> Option<Ailment> {
        self.writing.current().or(self.reading.current())
    }

    fn tell(&self, what: &str, change: Option<Change>, error: Option<&StoreError>) {
        if !self.is_logged.load(Ordering::Relaxed) {
            return;
        }
        let error = error.map(|error| error as &dyn std::error::Error);
        match change {
            Some(Change::Began) => tracing::error!(
                error,
                "the database cannot be {what}: callers are told to come again"
            ),
            Some(Change::Turned) => tracing::error!(
                error,
                "the database still cannot be {what}, now for another reason"
            ),
            Some(Change::Over { failures }) => {
                tracing::info!(failures, "the database can be {what} again");
            }
            None => {}
        }
    }
}

/// What is to be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Began,
    /// Something else is the matter than before.
    Turned,
    /// The number of calls that failed meanwhile.
    Over {
        failures: u64,
    },
}

#[derive(Debug, Default)]
struct Trouble(Mutex<Option<State>>);

#[derive(Debug, Clone, Copy)]
struct State {
    ailment: Ailment,
    failures: u64,
    last: Instant,
}

impl Trouble {
    fn current(&self) -> Option<Ailment> {
        let state = self.0.lock().unwrap_or_else(|held| held.into_inner());
        state.map(|state| state.ailment)
    }

    fn note(&self, error: Option<&StoreError>, now: Instant) -> Option<Change> {
        let mut state = self.0.lock().unwrap_or_else(|held| held.into_inner());
        match (&mut *state, error.map(Ailment::of)) {
            (None, Some(Some(ailment))) => {
                *state = Some(State {
                    ailment,
                    failures: 1,
                    last: now,
                });
                Some(Change::Began)
            }
            (Some(known), Some(Some(ailment))) => {
                known.failures += 1;
                known.last = now;
                let before = std::mem::replace(&mut known.ailment, ailment);
                (before != ailment).then_some(Change::Turned)
            }
            (Some(known), None) if now.saturating_duration_since(known.last) >= CALM => {
                let failures = known.failures;
                *state = None;
                Some(Change::Over { failures })
            }
            // An error of one call tells nothing about the database.
            (_, Some(None) | None) => None,
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
    fn a_trouble_is_told_once_and_over_when_nothing_has_failed_for_a_while() {
        let (trouble, start) = (Trouble::default(), Instant::now());
        let note =
            |error: Option<&StoreError>, ms| trouble.note(error, start + Duration::from_millis(ms));
        let full = StoreError::Full(DbErr::Custom("full".to_owned()));
        assert_eq!(note(None, 0), None);
        assert_eq!(trouble.current(), None);
        assert_eq!(note(Some(&away()), 1), Some(Change::Began));
        assert_eq!(note(Some(&away()), 2), None);
        // A small write may work while a larger one fails.
        for ms in [3, 4_000, 5_000] {
            assert_eq!(note(None, ms), None);
            assert_eq!(trouble.current(), Some(Ailment::Away), "{ms}");
        }
        assert_eq!(note(Some(&full), 5_000), Some(Change::Turned));
        assert_eq!(trouble.current(), Some(Ailment::Full));
        assert_eq!(note(None, 9_999), None);
        assert_eq!(note(None, 10_000), Some(Change::Over { failures: 3 }));
        assert_eq!(trouble.current(), None);
        assert_eq!(note(None, 10_001), None);
    }

    #[test]
    fn what_concerns_one_call_is_no_trouble_of_the_database() {
        let trouble = Trouble::default();
        let taken = StoreError::Conflict(super::super::Conflict::Username);
        assert_eq!(trouble.note(Some(&taken), Instant::now()), None);
        assert_eq!(trouble.current(), None);
    }
}
