//! The verdict of the page's connection check, as it is left at the server for the operator: figures and words of a
//! fixed list, nothing that names a person.

use serde::{Deserialize, Serialize};

/// The longest code of an error that is passed on.
const MAX_CODE_BYTES: usize = 40;

/// Where something went wrong, or right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// On the page `/check`.
    Check,
    /// In a meeting, where sound and picture did not come about.
    Meeting,
}

/// One way of sound and picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WayName {
    /// ICE over UDP.
    Udp,
    /// ICE over TCP.
    Tcp,
    /// Relayed, reached over UDP.
    TurnUdp,
    /// Relayed, reached over TCP.
    TurnTcp,
    /// Relayed, reached over TLS.
    TurnTls,
}

impl WayName {
    /// In the words of the documentation.
    pub fn words(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::TurnUdp => "TURN over UDP",
            Self::TurnTcp => "TURN over TCP",
            Self::TurnTls => "TURN over TLS",
        }
    }
}

/// How a way went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WayResult {
    /// Connected.
    Ok,
    /// Tried, and not connected.
    Failed,
    /// The server does not offer it.
    NotOffered,
}

/// A way and how it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayTried {
    /// Which.
    pub way: WayName,
    /// How.
    pub result: WayResult,
}

/// The whole verdict in one word, as the page says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Ready.
    Good,
    /// With a weak spot.
    Weak,
    /// Sound alone.
    Sound,
    /// The way is open and nothing comes.
    Silent,
    /// No way for sound and picture.
    Blocked,
    /// No WebSocket.
    Unreachable,
    /// The server takes no guests.
    Guests,
    /// Something stopped the check.
    Unfinished,
}

/// What a page leaves at the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Where.
    pub place: Place,
    /// In one word.
    pub verdict: Verdict,
    /// Each way of sound and picture.
    #[serde(default)]
    pub ways: Vec<WayTried>,
    /// Milliseconds to the server and back over the WebSocket; nothing when none opened.
    #[serde(default)]
    pub socket_ms: Option<u32>,
    /// The code of what stopped the check.
    #[serde(default)]
    pub failed: Option<String>,
    /// How many thousand bits a second went out.
    #[serde(default)]
    pub sent_kbps: Option<u32>,
    /// How many came back.
    #[serde(default)]
    pub received_kbps: Option<u32>,
    /// Per cent that was lost.
    #[serde(default)]
    pub loss_percent: Option<f32>,
}

impl CheckReport {
    /// Whether it is one that a page may have written: whatever is not goes into no log and onto no terminal.
    pub fn is_sound(&self) -> bool {
        let mut names: Vec<WayName> = self.ways.iter().map(|tried| tried.way).collect();
        names.sort_unstable();
        names.dedup();
        let is_code = |code: &String| {
            code.len() <= MAX_CODE_BYTES
                && code
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        names.len() == self.ways.len() && self.failed.iter().all(is_code)
    }

    /// The names of the ways that went so, for a sentence.
    pub fn ways_that(&self, result: WayResult) -> Vec<&'static str> {
        let ways = self.ways.iter().filter(|tried| tried.result == result);
        ways.map(|tried| tried.way.words()).collect()
    }
}

/// What the server answers to a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportCode {
    /// By which `meeting doctor --code` finds it.
    pub code: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_holds_words_of_the_list_alone() {
        let read = |text: &str| serde_json::from_str::<CheckReport>(text);
        let way = r#"{"way":"udp","result":"failed"}"#;
        let text = format!(
            r#"{{"place":"check","verdict":"blocked","ways":[{way}],"failed":"media.limit"}}"#
        );
        let report = read(&text).unwrap();
        assert!(report.is_sound());
        assert_eq!(report.ways_that(WayResult::Failed), ["UDP"]);
        for bad in [
            format!(r#"{{"place":"check","verdict":"good","ways":[{way},{way}]}}"#),
            r#"{"place":"check","verdict":"good","failed":"\u001b[31m"}"#.to_owned(),
            r#"{"place":"check","verdict":"good","failed":"a b"}"#.to_owned(),
        ] {
            assert!(!read(&bad).unwrap().is_sound(), "{bad}");
        }
        assert!(read(r#"{"place":"here","verdict":"good"}"#).is_err());
        assert!(read(r#"{"place":"check","verdict":"fine"}"#).is_err());
    }
}
