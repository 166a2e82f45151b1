//! Which connection a datagram is for: the tables of a worker, and how a connection's paths get into them.

use std::collections::HashMap;
use std::time::Duration;

use crate::media::peer::connection::Connection;
use crate::media::peer::path::Path;
use crate::media::room::paths::Paths;
use crate::media::room::{Key, Room, RoomKey, Turn};
use crate::meeting::media::MediaEvent;
use crate::protocol::object::Leg;

/// A path changes hands only when its connection was silent for this long: a forged source cannot take it.
const PATH_HELD_FOR: Duration = Duration::from_secs(6);

/// One connection of a participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::media) enum Side {
    /// A connection on which they send, by its number.
    Up(u32),
    /// The connection on which they receive.
    Down,
}

impl Side {
    /// Its direction.
    pub fn leg(self) -> Leg {
        match self {
            Self::Up(_) => Leg::Up,
            Self::Down => Leg::Down,
        }
    }
}

/// Where a datagram belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Route {
    pub room: RoomKey,
    pub member: Key,
    pub side: Side,
}

/// How datagrams find their connection. Every entry is one that a living connection lists itself, so the tables are
/// bounded by the connections: at most eight paths and two fragments each.
#[derive(Default)]
pub(in crate::media) struct Routes {
    pub paths: Paths,
    pub ufrags: HashMap<String, Route>,
}

impl Room {
    /// Whether this packet, which came by an unknown path, belongs to the connection.
    pub fn vouch(&mut self, route: Route, path: Path, packet: &[u8], turn: &mut Turn<'_>) -> bool {
        let Some(connection) = self.connection_of(route.member, route.side) else {
            return false;
        };
        let vouched = connection.vouch(path, packet, turn.now);
        if vouched {
            self.note_paths(route, turn);
        }
        vouched
    }

    /// Gives up a path that has ended; media goes by another one, if the connection has any.
    pub fn forget(&mut self, route: Route, path: Path) {
        if let Some(connection) = self.connection_of(route.member, route.side) {
            connection.remove_path(path);
        }
    }

    /// Sends what a connection has to send, takes its new paths into the table, closes it if it is over.
    pub(in crate::media) fn settle_connection(
        &mut self,
        key: Key,
        side: Side,
        turn: &mut Turn<'_>,
    ) {
        let Some(connection) = self.connection_of(key, side) else {
            return;
        };
        connection.poll_transmit(turn.out);
        if connection.is_over(turn.now) {
            let panicked = connection.has_panicked();
            self.close_side(key, side, turn);
            self.reassign(turn);
            if let Some(member) = self.members.get(&key).filter(|_| panicked) {
                let participant = member.id.clone();
                self.outbox.push(MediaEvent::Broke { participant });
            }
            return;
        }
        let route = Route {
            room: self.key,
            member: key,
            side,
        };
        self.note_paths(route, turn);
        self.note_ufrags(route, turn);
    }

    fn connection_of(&mut self, key: Key, side: Side) -> Option<&mut Connection> {
        self.members.get_mut(&key)?.connection(side)
    }

    fn note_paths(&mut self, route: Route, turn: &mut Turn<'_>) {
        let Some(connection) = self.connection_of(route.member, route.side) else {
            return;
        };
        for path in connection.take_dropped() {
            if turn.routes.paths.get(&path) == Some(&route) {
                turn.routes.paths.remove(&path);
            }
        }
        for path in connection.take_proven() {
            let is_taken = self.may_take(route, path, turn) && turn.routes.paths.claim(path, route);
            if is_taken {
                continue;
            }
            if let Some(connection) = self.connection_of(route.member, route.side) {
                connection.remove_path(path);
            }
        }
    }

    /// A path of another connection is taken over only when that connection was silent for a while. A path of another
    /// room, be it of this thread or of another, is not taken over at all: it is freed when that room's connection ends.
    fn may_take(&mut self, route: Route, path: Path, turn: &Turn<'_>) -> bool {
        let Some(holder) = turn.routes.paths.get(&path).copied() else {
            return true;
        };
        if holder == route {
            return true;
        }
        if holder.room != route.room {
            return false;
        }
        let Some(connection) = self.connection_of(holder.member, holder.side) else {
            return true;
        };
        let silent = turn.now.saturating_duration_since(connection.heard_at()) >= PATH_HELD_FOR;
        if silent {
            connection.remove_path(path);
        }
        silent
    }

    fn note_ufrags(&mut self, route: Route, turn: &mut Turn<'_>) {
        let Some(connection) = self.connection_of(route.member, route.side) else {
            return;
        };
        for ufrag in connection.take_stale_ufrags() {
            turn.routes.ufrags.remove(&ufrag);
        }
        for ufrag in connection.ufrags() {
            if !turn.routes.ufrags.contains_key(ufrag) {
                turn.routes.ufrags.insert(ufrag.to_owned(), route);
            }
        }
    }
}
