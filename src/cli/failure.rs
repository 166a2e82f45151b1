//! Why the server or a command could not do its work.

use std::fmt::Display;

/// One sentence for the person at the terminal, without its full stop. The process then ends with code 1.
///
/// For what only shows when the work begins: a port in use, a directory that cannot be written. A setting that is
/// wrong in itself is a [`ConfigError`](crate::config::ConfigError), code 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(String);

impl Failure {
    /// Says what is the matter.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// Says what could not be done, and why, down to the cause that the system names.
    pub fn because(what: impl Display, error: &dyn std::error::Error) -> Self {
        let mut sentence = format!("{what}: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            // Many errors repeat their source's words.
            if !sentence.contains(&cause_text) {
                sentence.push_str(": ");
                sentence.push_str(&cause_text);
            }
            source = cause.source();
        }
        Self(sentence.replace('\n', " "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the database cannot be reached")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_failure_names_every_cause_once_in_one_line() {
        let cause = std::io::Error::other("disk\nfull");
        let failure = Failure::because("cannot open the database", &Outer(cause));
        assert_eq!(
            failure.to_string(),
            "cannot open the database: the database cannot be reached: disk full"
        );
    }
}
