//! Why the server or a command failed.

use std::fmt::Display;

/// One sentence for the person at the terminal, without its full stop.
///
/// Failures of the work itself, such as a port in use or a directory that cannot be written, end the process with code
/// 1. A wrong value ends it with code 2, as a wrong setting does ([`ConfigError`](crate::config::ConfigError)).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Failure {
    sentence: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Work,
    Value,
}

impl Failure {
    /// A failure of the work.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            sentence: what.into(),
            kind: Kind::Work,
        }
    }

    /// A wrong value of an argument.
    pub fn wrong_value(what: impl Into<String>) -> Self {
        Self {
            sentence: what.into(),
            kind: Kind::Value,
        }
    }

    /// The code that the process ends with.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Work => 1,
            Kind::Value => 2,
        }
    }

    /// What failed, and why, down to the cause that the system names.
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
        Self::new(sentence.replace('\n', " "))
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
