//! The state that is forgotten when a meeting is over.

use serde::{Deserialize, Serialize};

use super::pause::Pause;
use super::recent::Recent;
use super::roles::Roles;
use crate::protocol::ids::ParticipantId;
use crate::protocol::object::{Occurrence, Timer};
use crate::protocol::text::DisplayName;
use crate::protocol::time::Timestamp;

/// The state that is forgotten when the meeting is over. A plain record: each part keeps its own invariants.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Meeting {
    /// The roles that it gave.
    pub roles: Roles,
    /// The participants in the spotlight.
    pub spotlight: Vec<ParticipantId>,
    /// The timer that runs, or has run out.
    pub timer: Option<Timer>,
    /// The last names of people who left and may not rename themselves. Otherwise they could rename themselves by
    /// joining again. A forgotten person comes in under their own name.
    pub names: Recent<DisplayName>,
    /// From when on each person may read the chat, in rooms where newcomers read only later messages. A forgotten
    /// person reads from their newest join on.
    pub first_joined: Recent<Timestamp>,
    /// When people vanished. For a moment they may come back as if they had not been away.
    pub away: Recent<Timestamp>,
    /// The planned meeting that it is.
    pub occurrence: Option<Occurrence>,
    /// When it becomes the next planned meeting, if it still goes on then.
    pub turns: Option<Timestamp>,
    /// Everything that was due until then has been done.
    pub ticked: Option<Timestamp>,
    /// Set when everybody has left. None while somebody is in.
    pub pause: Option<Pause>,
}
