//! `meeting doctor`: finds the faults of an installation. Each finding is one sentence, with what to do.
//!
//! It has two halves. [`look`] gathers observations into plain data, [`seen::Seen`], and [`judge()`] is a pure function
//! of that data. It contacts this machine, the server on it, and the public address. It contacts no third party,
//! changes nothing and needs no running server. The page `/check` does the part that only a browser can. It stores its
//! result at the server under a code ([`CheckReport`]).

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
    /// It works. The sentence says for whom it may not, or what was not examined.
    Note,
    /// It does not work.
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The subject, in one word.
    pub check: &'static str,
    /// How it is.
    pub level: Level,
    /// The finding, with its full stop.
    pub sentence: String,
    /// What to do, with its full stop. None if there is nothing to do.
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

    /// The finding for unreadable settings. Nothing else can be examined then.
    pub fn unreadable(error: &crate::config::ConfigError) -> Self {
        Self::wrong(
            "settings",
            error.to_string(),
            "Correct this setting; `meeting config check` reads them again.",
        )
    }
}

/// The options beside the settings.
#[derive(Debug, Clone, Default)]
pub struct Questions {
    /// Keeps a socket through the public address open for longer than the usual time-outs of proxies.
    pub patient: bool,
    /// The code of a result that the page has stored at the server.
    pub code: Option<String>,
}

/// Both halves.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whether nothing is wrong.
    pub ok: bool,
    /// This half.
    pub findings: Vec<Finding>,
    /// The half of the page, if it was asked for and is there.
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

/// Examines everything and returns the findings.
pub async fn examine(config: &Config, questions: &Questions) -> Report {
    let seen = look::everything(config, questions).await;
    let findings = judge(&seen);
    Report::new(findings, seen.page)
}
