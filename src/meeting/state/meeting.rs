//! What is forgotten when a meeting is over.

use super::pause::Pause;
use super::recent::Recent;
use super::roles::Roles;
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::{Occurrence, Timer};
use crate::protocol::text::DisplayName;
use crate::protocol::time::Timestamp;

/// What is forgotten when the meeting is over. A record: each part keeps itself true.
#[derive(Debug, Clone, Default)]
pub struct Meeting {
    /// The roles that it gave.
    pub roles: Roles,
    /// Whom everyone is shown large.
    pub spotlight: Vec<ParticipantId>,
    /// The timer that runs, or has run out.
    pub timer: Option<Timer>,
    /// What those were called last who left and may not rename themselves: a new name at the door would be a way to.
    /// Whoever is forgotten comes in under their own name.
    pub names: Recent<DisplayName>,
    /// Since when each may read, where newcomers read only what was written since they came. Whoever is forgotten reads
    /// what was written since they came last.
    pub first_joined: Recent<Timestamp>,
    /// When those vanished who were in: for a moment they may come back as if they had not been away.
    pub away: Recent<Timestamp>,
    /// Which planned meeting it is.
    pub occurrence: Option<Occurrence>,
    /// When it becomes the planned meeting after that one, if it still goes on.
    pub turns: Option<Timestamp>,
    /// What was due until then has been done.
    pub ticked: Option<Timestamp>,
    /// Everyone has left, and may come back; none while somebody is in.
    pub pause: Option<Pause>,
}
