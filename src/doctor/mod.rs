//! `meeting doctor`: what is the matter with this installation, each finding in one sentence with what to do.
//!
//! In two halves. [`look`] gathers what can be seen from here into plain data, [`seen::Seen`]; [`judge()`] is a pure function
//! of that data. It asks this machine, the server that runs on it, and the address that people reach it by. It asks no
//! stranger, changes nothing and needs no running server. The half that only a browser sees is the page's `/check`,
//! which leaves its verdict at the server under a code ([`CheckReport`]).

mod judge;
mod look;
pub mod seen;

use serde::Serialize;

use crate::config::Config;
use crate::protocol::check_report::CheckReport;

pub use judge::judge;

/// How a finding is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works; the sentence says for whom it may not, or what was not looked at.
    Note,
    /// It does not work.
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, in one word.
    pub check: &'static str,
    /// How it is.
    pub level: Level,
    /// What was found, with its full stop.
    pub sentence: String,
    /// What to do, with its full stop; nothing where nothing is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            check,
            level: Level::Ok,
            sentence: sentence.into(),
            remedy: None,
        }
    }

    fn note(check: &'static str, sentence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            level: Level::Note,
            remedy: Some(remedy.into()),
            ..Self::ok(check, sentence)
        }
    }

    fn wrong(check: &'static str, sentence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            level: Level::Wrong,
            ..Self::note(check, sentence, remedy)
        }
    }

    /// Settings that cannot be read: nothing else can be looked at then.
    pub fn unreadable(error: &crate::config::ConfigError) -> Self {
        Self::wrong(
            "settings",
            error.to_string(),
            "Correct this setting; `meeting config check` reads them again.",
        )
    }
}

/// What is asked for beside the settings.
#[derive(Debug, Clone, Default)]
pub struct Questions {
    /// Holds a socket through the public address open for longer than proxies' usual time-outs.
    pub patient: bool,
    /// The code of a verdict that the page has left at the server.
    pub code: Option<String>,
}

/// Both halves.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whether nothing is wrong.
    pub ok: bool,
    /// This half.
    pub findings: Vec<Finding>,
    /// The page's half, when it was asked for and is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<CheckReport>,
}

impl Report {
    /// The report of these findings.
    pub fn new(findings: Vec<Finding>, page: Option<CheckReport>) -> Self {
        let ok = !findings.iter().any(|finding| finding.level == Level::Wrong);
        Self { ok, findings, page }
    }
}

/// Looks at everything and says what was found.
pub async fn examine(config: &Config, questions: &Questions) -> Report {
    let seen = look::everything(config, questions).await;
    let findings = judge(&seen);
    Report::new(findings, seen.page)
}
