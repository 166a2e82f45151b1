//! `meeting room attendance`: who was in a room, when and how long.

use serde::Serialize;

use super::output::{self, Format, Row};
use super::{Failure, room};
use crate::protocol::event::LeaveReason;
use crate::protocol::ids::UserId;
use crate::protocol::object::Role;
use crate::protocol::text::DisplayName;
use crate::protocol::time::Timestamp;
use crate::store::{MAX_MEMBERSHIPS, Store, StoredMembership};

/// How attendance is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sheet {
    /// As other lists are.
    List(Format),
    /// Comma-separated values (RFC 4180).
    Csv(ByteOrderMark),
}

/// Whether a file begins with the mark by which Excel recognises UTF-8. Other programs would read it as a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrderMark {
    /// It does.
    Written,
    /// It does not.
    Absent,
}

/// A membership as it is printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct AttendedMembership {
    user: UserId,
    display_name: DisplayName,
    role: Role,
    joined_at: Option<Timestamp>,
    left_at: Option<Timestamp>,
    /// The duration so far, for people who are still in.
    duration_ms: Option<u64>,
    reason: Option<LeaveReason>,
}

impl AttendedMembership {
    fn new(membership: StoredMembership, now: Timestamp) -> Self {
        Self {
            duration_ms: membership.duration_ms(now),
            user: membership.user,
            display_name: membership.display_name,
            role: membership.role,
            joined_at: membership.joined_at,
            left_at: membership.left.map(|(at, _)| at),
            reason: membership.left.map(|(_, reason)| reason),
        }
    }

    /// The texts of the columns. `absent` stands for unknown values.
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

impl Row for AttendedMembership {
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

/// Prints all memberships of a room, in order of joining.
pub async fn attendance(store: &Store, identity: &str, sheet: Sheet) -> Result<(), Failure> {
    let room = room::find(store, identity).await?;
    let now = Timestamp::now();
    let mut memberships = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .attendance(room.key, after, MAX_MEMBERSHIPS)
            .await
            .map_err(|error| Failure::because("cannot read who was there", &error))?;
        memberships.extend(
            page.memberships
                .into_iter()
                .map(|membership| AttendedMembership::new(membership, now)),
        );
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    output::print(&match sheet {
        Sheet::List(format) => output::render(&memberships, format)?,
        Sheet::Csv(mark) => {
            let rows: Vec<Vec<String>> = memberships
                .iter()
                .map(|membership| membership.texts(""))
                .collect();
            let text = output::csv(&CSV_HEADINGS, &rows);
            match mark {
                ByteOrderMark::Written => format!("\u{feff}{text}"),
                ByteOrderMark::Absent => text,
            }
        }
    })
}
