//! What goes on after a restart: meetings with their people, and the sessions that those can take up.
//!
//! Rooms are saved by [`StateWriter`] in the database. The next process of the same node reads them before it takes
//! connections. Every participant is in again, and shown as reconnecting, for as long as a session without a socket is
//! kept. Of a session nothing is known but its user and the tokens that take it up. So a client that resumes it is
//! shown the room in place of events, and its media begins anew.

mod records;
mod returning;

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::handover::keep;
use super::location::Membership;
use super::services::Services;
use crate::meeting::Room;
use crate::meeting::taking_up::TakenUp;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::time::Timestamp;
use crate::rooms::{
    Registry, Restored, SAVED_VERSION, Safe, Saved, SavedSession, Start, Survivors,
};
use crate::store::{self, RoomKey, RoomState, StateWriter};
pub(crate) use records::{Fault, Records};
use returning::Returning;
pub(super) use returning::{Revived, SessionTicket};

/// One room's place among what is saved.
struct Row {
    states: StateWriter,
    room: RoomKey,
}

/// Where a room's meeting is saved.
pub(crate) fn safe(states: &StateWriter, room: RoomKey) -> Arc<dyn Safe> {
    let states = states.clone();
    Arc::new(Row { states, room })
}

impl Safe for Row {
    fn keep(&self, meeting: Option<Saved>) {
        self.states.keep(self.room, meeting.map(state));
    }

    fn keep_surely(&self, meeting: Saved) -> BoxFuture<'static, Result<(), ErrorCode>> {
        let (states, room) = (self.states.clone(), self.room);
        async move { states.keep_surely(room, Some(state(meeting))).await }.boxed()
    }
}

fn state(meeting: Saved) -> RoomState {
    RoomState {
        version: SAVED_VERSION,
        bytes: meeting.bytes,
        saved_at: meeting.saved_at,
        kept_until: meeting.kept_until,
    }
}

/// Takes up the meetings that this node has saved. A meeting that cannot be taken up is logged, and begins anew when a
/// user joins.
///
/// # Errors
/// When the database cannot say which there are.
pub async fn take_up(services: &Services) -> Result<(), store::StoreError> {
    let alive = services.store().last_beat().await?;
    let rooms = services.store().rooms_with_state().await?;
    take_up_all(services, services.rooms(), rooms, alive).await;
    Ok(())
}

/// Takes these rooms' meetings up.
pub(crate) async fn take_up_all(
    services: &Services,
    records: &impl Records,
    rooms: Vec<RoomKey>,
    alive: Option<Timestamp>,
) {
    let mut people = 0;
    for room in rooms {
        match take_up_one(services, records, room, alive).await {
            Ok(taken) => people += taken,
            Err(error) => tracing::error!(
                room.row = ?room,
                error = &*error,
                "a meeting cannot be taken up and begins anew"
            ),
        }
    }
    if people > 0 {
        tracing::info!(people, "took up the meetings of the last run");
    }
}

/// Takes one meeting up, and says how many are in it or wait.
async fn take_up_one(
    services: &Services,
    records: &impl Records,
    room: RoomKey,
    alive: Option<Timestamp>,
) -> Result<usize, Fault> {
    let Some(state) = records.saved(room).await? else {
        return Ok(0);
    };
    if state.version != SAVED_VERSION {
        return Err(format!("it was saved in the form {}", state.version).into());
    }
    let restored = Restored::read(&state.bytes)?;
    let forget = || services.states().keep(room, None);
    let Some(start) = records.start(room).await? else {
        forget();
        return Ok(0);
    };
    let now = Timestamp::now();
    let alive = alive.map_or(state.saved_at, |beat| beat.max(state.saved_at));
    match restored {
        Restored::Memory(memory) => {
            match start.room.remembers(*memory, now) {
                Some(memory) => {
                    let identity = start.room.identity();
                    services.registry().remember(identity, memory, start.safe);
                }
                None => forget(),
            }
            Ok(0)
        }
        Restored::Room {
            room: saved,
            sessions,
        } => {
            let empty = Start {
                // Taken out of it, and put back as it is taken up.
                room: start.room.clone(),
                ..start
            };
            match start.room.take_up(*saved, alive.min(now), now) {
                Some(taken) if taken.people.is_empty() => {
                    rest(services.registry(), empty, &taken.room);
                    Ok(0)
                }
                Some(taken) => go_on((services, records), room, empty, taken, sessions).await,
                None => {
                    forget();
                    Ok(0)
                }
            }
        }
    }
}

/// Keeps the memory of a meeting that has no participants left.
fn rest(registry: &Registry, start: Start, room: &Room) {
    let Some(safe) = start.safe else { return };
    match room.memory() {
        Some(memory) => registry.remember(room.identity(), memory, Some(safe)),
        None => safe.keep(None),
    }
}

async fn go_on(
    (services, records): (&Services, &impl Records),
    key: RoomKey,
    start: Start,
    taken: TakenUp,
    sessions: Vec<SavedSession>,
) -> Result<usize, Fault> {
    let TakenUp {
        room,
        effects,
        people,
    } = taken;
    let memberships = people.iter().filter_map(|person| {
        Some(store::Membership {
            room: key,
            participant: person.participant.clone(),
            user: person.user.id.clone(),
            display_name: person.display_name.clone(),
            role: person.role?,
            joined_at: person.since,
        })
    });
    let memberships: Vec<_> = memberships.collect();
    records.note(&memberships).await?;
    let mut returning = Vec::new();
    let mut survivors = Survivors {
        effects,
        inside: Vec::new(),
        waiting: Vec::new(),
        absent: Vec::new(),
        until: Instant::now() + services.kept_for(),
    };
    for person in &people {
        let saved = sessions
            .iter()
            .find(|saved| saved.participant == person.participant);
        let session = match saved {
            Some(saved) => Returning::find(services.table(), records, person, saved).await,
            None => None,
        };
        let participant = person.participant.clone();
        match session {
            Some(session) => {
                let place = match person.role {
                    Some(_) => &mut survivors.inside,
                    None => &mut survivors.waiting,
                };
                place.push((participant, session.outbox.clone()));
                returning.push(session);
            }
            None => survivors.absent.push(participant),
        }
    }
    let identity = room.identity().clone();
    let start = Start {
        topology: room.topology(),
        room,
        ..start
    };
    let link = services.registry().take_up(&identity, start, survivors);
    let link = link.ok_or(WireError::from(ErrorCode::ServerInternal).code.as_str())?;
    for session in returning {
        let membership = Membership {
            room: identity.clone(),
            key,
            participant: session.participant.clone(),
            handle: link.clone(),
            outbox: session.outbox.clone(),
        };
        if let Some(session) = session.revive(membership, services) {
            keep(session);
        }
    }
    Ok(people.len())
}
