//! `meeting room attendance`: who was in a room, when and how long.

use serde::Serialize;

use super::output::{self, Format, Row};
use super::{Failure, room};
use crate::protocol::event::LeaveReason;
use crate::protocol::ids::UserId;
use crate::protocol::object::Role;
use crate::protocol::text::DisplayName;
use crate::protocol::time::Timestamp;
use crate::store::{MAX_STAYS, Store, StoredStay};

/// How attendance is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sheet {
    /// As other lists are.
    List(Format),
    /// Comma-separated values (RFC 4180).
    Csv(ByteOrderMark),
}

/// Whether a file begins with the mark by which Excel knows UTF-8; other programs would read it as a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrderMark {
    /// It does.
    Written,
    /// It does not.
    Absent,
}

/// A stay as it is printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct AttendedStay {
    user: UserId,
    display_name: DisplayName,
    role: Role,
    joined_at: Option<Timestamp>,
    left_at: Option<Timestamp>,
    /// So far, for those who are still in.
    duration_ms: Option<u64>,
    reason: Option<LeaveReason>,
}

impl AttendedStay {
    fn new(stay: StoredStay, now: Timestamp) -> Self {
        Self {
            duration_ms: stay.duration_ms(now),
            user: stay.user,
            display_name: stay.display_name,
            role: stay.role,
            joined_at: stay.joined_at,
            left_at: stay.left.map(|(at, _)| at),
            reason: stay.left.map(|(_, reason)| reason),
        }
    }

    /// What stands in the columns; `absent` where nothing is known.
    fn texts(&self, absent: &str) -> Vec<String> {
        let or_absent = |text: Option<String>| text.unwrap_or_else(|| absent.to_owned());
        let time = |at: Option<Timestamp>| or_absent(at.map(|at| at.to_string()));
        vec![
            self.user.to_string(),
            self.display_name.to_string(),
            room::role_name(self.role).to_owned(),
            time(self.joined_at),
            time(self.left_at),
            or_absent(self.duration_ms.map(|millis| (millis / 1_000).to_string())),
            or_absent(self.reason.map(|reason| reason_name(reason).to_owned())),
        ]
    }
}

impl Row for AttendedStay {
    const HEADINGS: &'static [&'static str] = &[
        "USER", "NAME", "ROLE", "JOINED", "LEFT", "SECONDS", "REASON",
    ];

    fn cells(&self) -> Vec<String> {
        self.texts("-")
    }
}

const CSV_HEADINGS: [&str; 7] = [
    "user",
    "display_name",
    "role",
    "joined_at",
    "left_at",
    "duration_s",
    "reason",
];

fn reason_name(reason: LeaveReason) -> &'static str {
    match reason {
        LeaveReason::Left => "left",
        LeaveReason::Lost => "lost",
        LeaveReason::Removed => "removed",
        LeaveReason::Replaced => "replaced",
        LeaveReason::Ended => "ended",
    }
}

/// Prints every stay in a room, in order of joining.
pub async fn attendance(store: &Store, identity: &str, sheet: Sheet) -> Result<(), Failure> {
    let room = room::find(store, identity).await?;
    let now = Timestamp::now();
    let mut stays = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .attendance(room.key, after, MAX_STAYS)
            .await
            .map_err(|error| Failure::because("cannot read who was there", &error))?;
        stays.extend(
            page.stays
                .into_iter()
                .map(|stay| AttendedStay::new(stay, now)),
        );
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    output::print(&match sheet {
        Sheet::List(format) => output::render(&stays, format)?,
        Sheet::Csv(mark) => {
            let rows: Vec<Vec<String>> = stays.iter().map(|stay| stay.texts("")).collect();
            let text = output::csv(&CSV_HEADINGS, &rows);
            match mark {
                ByteOrderMark::Written => format!("\u{feff}{text}"),
                ByteOrderMark::Absent => text,
            }
        }
    })
}
