//! Whether a client is still there: pings, as long as pongs come.

use std::time::Duration;

use tokio::time::Instant;

/// How often the server pings; two pings unanswered end the session.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

/// So many pings may stay unanswered; the next one ends the session instead.
pub const MOST_PINGS_UNANSWERED: u32 = 2;

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Nothing.
    Rest,
    /// A ping.
    Ping,
    /// Too many pings stayed unanswered.
    Lost,
}

/// The pings of one socket.
#[derive(Debug)]
pub struct Heartbeat {
    due: Instant,
    unanswered: u32,
}

impl Heartbeat {
    /// The first ping is due after [`HEARTBEAT`].
    pub fn new(now: Instant) -> Self {
        Self {
            due: now + HEARTBEAT,
            unanswered: 0,
        }
    }

    /// When the next ping is due.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// What is due now. A process that slept does not catch up on pings.
    pub fn tick(&mut self, now: Instant) -> Beat {
        if now < self.due {
            return Beat::Rest;
        }
        self.due = now + HEARTBEAT;
        if self.unanswered >= MOST_PINGS_UNANSWERED {
            return Beat::Lost;
        }
        self.unanswered += 1;
        Beat::Ping
    }

    /// The client is there.
    pub fn answered(&mut self) {
        self.unanswered = 0;
    }
}
