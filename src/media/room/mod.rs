//! One room's media: its members, what they send, and what each of their slots carries.
//!
//! Requests are in `request`, the forwarding of packets in `forward`, what slots carry in `assign`, which layers of it
//! in `narrow`.

pub(super) mod allocate;
pub(super) mod allowance;
pub(super) mod assign;
pub(super) mod busy;
pub(super) mod demand;
pub(super) mod formats;
pub(super) mod forward;
pub(super) mod keyframe_limit;
pub(super) mod layers;
pub(super) mod members;
pub(super) mod narrow;
pub(super) mod negotiations;
pub(super) mod onward;
pub(super) mod outbox;
pub(super) mod pairs;
pub(super) mod paths;
pub(super) mod points;
pub(super) mod publisher;
pub(super) mod quality;
pub(super) mod request;
pub(super) mod routing;
pub(super) mod slots;
pub(super) mod speech;
pub(super) mod subscriber;
pub(super) mod tick;
pub(super) mod track;
pub(super) mod wall_clock;

use std::collections::HashMap;
use std::sync::Weak;
use std::time::Instant;

use crate::budgets::media::{CONNECTIONS, NEGOTIATIONS};
use crate::media::Census;
use crate::media::io::shard::Opening;
use crate::media::peer::arena::Arena;
use crate::media::peer::reach::Reach;
use crate::media::room::allowance::Allowance;
use crate::media::room::members::Members;
use crate::media::room::outbox::Outbox;
use crate::media::room::publisher::Up;
use crate::media::room::quality::Quality;
pub(in crate::media) use crate::media::room::routing::{Route, Routes, Side};
use crate::media::room::speech::Loudness;
use crate::media::room::subscriber::{Down, Taken};
pub(in crate::media) use crate::media::room::track::{Target, Track, Tracks};
use crate::media::room::wall_clock::WallClock;
use crate::meeting::media::{MediaCommand, MediaEvent};
use crate::protocol::event::SlotsData;
use crate::protocol::ids::{ParticipantId, TrackId};
use crate::protocol::object::{Leg, Source};
use crate::protocol::request::Tile;

/// A room has fewer offers to one participant in one life.
const REVISION_BITS: u32 = 24;

/// Names a room at its worker.
pub(super) type RoomKey = u64;
/// Names a participant or a track in its room; rises and is never used twice.
pub(super) type Key = u64;

/// What one turn of the worker works with.
pub(super) struct Turn<'a> {
    /// The time.
    pub now: Instant,
    /// When the datagram came that this turn is about. That may be some milliseconds ago, and others may have come with
    /// it.
    pub arrived: Instant,
    /// The same on our wall clock, as NTP.
    pub ntp: u64,
    /// Datagrams to be sent.
    pub out: &'a mut Arena,
    /// The worker's tables.
    pub routes: &'a mut Routes,
}

/// One room.
pub(super) struct Room {
    pub(super) key: RoomKey,
    pub(super) reach: Reach,
    pub(super) members: Members,
    pub(super) member_keys: HashMap<ParticipantId, Key>,
    pub(super) tracks: Tracks,
    track_keys: HashMap<TrackId, Key>,
    next_key: Key,
    pub(super) outbox: Outbox,
    pub(super) clocks: Clocks,
    pub(super) speakers: Vec<Key>,
    pub(super) busy: busy::Busy,
    pub(super) taken: Taken,
    /// Below the revisions of all offers: one room's go on where another one failed.
    first_revision: u64,
    alive: Weak<()>,
}

/// When a room's periodic work was last done.
pub(super) struct Clocks {
    pub speakers: Instant,
    pub layers: Instant,
    pub reports: Instant,
    pub quality: Instant,
}

/// The tracks that a participant has started, at most one of a source.
#[derive(Debug, Default)]
pub(super) struct Started(Vec<(Source, Key)>);

impl Started {
    /// The track of a source.
    pub fn get(&self, source: Source) -> Option<Key> {
        let mut all = self.iter();
        all.find_map(|(of, track)| (of == source).then_some(track))
    }

    /// Takes one in place of the one before, which it gives back.
    fn insert(&mut self, source: Source, track: Key) -> Option<Key> {
        let before = self.get(source);
        self.0.retain(|(of, _)| *of != source);
        self.0.push((source, track));
        before
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (Source, Key)> {
        self.0.iter().copied()
    }
}

/// One participant.
pub(super) struct Member {
    pub id: ParticipantId,
    /// What they send comes on these: one, but where the client bundles nothing.
    pub ups: Vec<Up>,
    pub down: Option<Down>,
    /// The last ones that were used, also by connections that are gone.
    pub up_revision: u64,
    pub down_revision: u64,
    pub view: Option<Vec<Tile>>,
    pub started: Started,
    /// What is known of their wall clock.
    pub wall: WallClock,
    pub quality: Quality,
    /// How many new connections they may make, up and down.
    pub connections: [Allowance; 2],
    /// How often they may negotiate.
    pub negotiations: Allowance,
}

impl Room {
    /// An empty room, which lives as long as there is a handle to it.
    pub fn new(key: RoomKey, opening: Opening, reach: Reach, now: Instant) -> Self {
        let Opening {
            events,
            alive,
            generation,
            ..
        } = opening;
        Self {
            key,
            reach,
            members: Members::default(),
            member_keys: HashMap::new(),
            tracks: Tracks::new(),
            track_keys: HashMap::new(),
            next_key: 1,
            outbox: Outbox::new(events),
            clocks: Clocks {
                speakers: now,
                layers: now,
                reports: now,
                quality: now,
            },
            speakers: Vec::new(),
            busy: busy::Busy::default(),
            taken: Taken::default(),
            first_revision: generation << REVISION_BITS,
            alive,
        }
    }

    /// Whether nobody holds a handle to it any more.
    pub fn is_abandoned(&self) -> bool {
        self.alive.strong_count() == 0
    }

    /// Carries out a command of the room's, except `Close`, which the worker does.
    pub fn command(&mut self, command: MediaCommand, turn: &mut Turn<'_>) {
        match command {
            MediaCommand::Admit { participant } => self.admit(participant, turn.now),
            MediaCommand::Dismiss { participant } => self.dismiss(&participant, turn),
            MediaCommand::StartTrack {
                participant,
                track,
                source,
                muted,
            } => {
                self.start(&participant, track, source, muted, turn);
            }
            MediaCommand::StopTrack { track } => self.stop(&track, turn),
            MediaCommand::SetMuted { track, muted } => self.set_muted(&track, muted, turn),
            MediaCommand::TellSlots { participant } => self.tell_slots_anew(&participant),
            MediaCommand::Close => self.close(turn),
        }
    }

    /// Tells a participant all of their slots, also those told before.
    fn tell_slots_anew(&mut self, id: &ParticipantId) {
        let key = self.member_keys.get(id);
        let member = key.and_then(|key| self.members.get_mut(key));
        let Some(down) = member.and_then(|member| member.down.as_mut()) else {
            return;
        };
        let slots = down.slots.iter_mut();
        let slots: Vec<_> = slots.map(|slot| slot.tell(&self.tracks)).collect();
        if slots.is_empty() {
            return;
        }
        self.outbox.push(MediaEvent::Slots {
            to: id.clone(),
            slots: SlotsData { slots },
        });
    }

    fn next_key(&mut self) -> Key {
        self.next_key += 1;
        self.next_key
    }

    fn admit(&mut self, id: ParticipantId, now: Instant) {
        if self.member_keys.contains_key(&id) {
            return;
        }
        let member = Member {
            id: id.clone(),
            ups: Vec::new(),
            down: None,
            up_revision: 0,
            down_revision: self.first_revision,
            view: None,
            started: Started::default(),
            wall: WallClock::default(),
            quality: Quality::default(),
            connections: [Allowance::new(&CONNECTIONS, now); 2],
            negotiations: Allowance::new(&NEGOTIATIONS, now),
        };
        let key = self.members.insert(member);
        self.member_keys.insert(id, key);
    }

    fn dismiss(&mut self, id: &ParticipantId, turn: &mut Turn<'_>) {
        let Some(key) = self.member_keys.remove(id) else {
            return;
        };
        self.close_leg(key, Leg::Up, turn);
        self.close_leg(key, Leg::Down, turn);
        if let Some(member) = self.members.remove(&key) {
            for (_, track) in member.started.iter() {
                self.forget_track(track);
            }
        }
        self.speakers.retain(|speaker| *speaker != key);
        self.busy.forget(key);
        self.outbox.retain(|event| match event {
            MediaEvent::Slots { to, .. }
            | MediaEvent::Offer { to, .. }
            | MediaEvent::Broke { participant: to }
            | MediaEvent::Quality {
                participant: to, ..
            } => to != id,
            MediaEvent::Format { .. }
            | MediaEvent::Demand { .. }
            | MediaEvent::Speakers { .. }
            | MediaEvent::Failed => true,
        });
        self.reassign(turn);
    }

    fn start(
        &mut self,
        id: &ParticipantId,
        track: TrackId,
        source: Source,
        muted: bool,
        turn: &mut Turn<'_>,
    ) {
        let Some(owner) = self.member_keys.get(id).copied() else {
            return;
        };
        let key = self.next_key();
        let Some(member) = self.members.get_mut(&owner) else {
            return;
        };
        let replaced = member.started.insert(source, key);
        self.track_keys.insert(track.clone(), key);
        let track = Track::new(track, owner, source, muted);
        self.tracks.insert(key, track);
        self.agree_layers(owner, turn.now);
        if let Some(replaced) = replaced {
            self.forget_track(replaced);
        }
        self.reassign(turn);
    }

    fn stop(&mut self, id: &TrackId, turn: &mut Turn<'_>) {
        let Some(key) = self.track_keys.get(id).copied() else {
            return;
        };
        self.forget_track(key);
        self.reassign(turn);
    }

    fn forget_track(&mut self, key: Key) {
        let Some(track) = self.tracks.remove(&key) else {
            return;
        };
        self.track_keys.remove(&track.id);
        if let Some(owner) = self.members.get_mut(&track.owner) {
            owner.started.0.retain(|(_, started)| *started != key);
        }
        self.outbox.retain(|event| match event {
            MediaEvent::Format {
                track: reported, ..
            }
            | MediaEvent::Demand {
                track: reported, ..
            } => *reported != track.id,
            _ => true,
        });
    }

    fn set_muted(&mut self, id: &TrackId, muted: bool, turn: &mut Turn<'_>) {
        let track = self
            .track_keys
            .get(id)
            .and_then(|key| self.tracks.get_mut(key));
        if let Some(track) = track
            && track.muted != muted
        {
            track.muted = muted;
            track.loudness = Loudness::default();
            self.reassign(turn);
        }
    }

    /// Frees everything; says goodbye to everyone.
    pub fn close(&mut self, turn: &mut Turn<'_>) {
        let keys: Vec<Key> = self.members.keys().collect();
        for key in keys {
            self.close_leg(key, Leg::Up, turn);
            self.close_leg(key, Leg::Down, turn);
        }
        self.members.clear();
        self.member_keys.clear();
        self.tracks.clear();
        self.track_keys.clear();
    }

    /// Frees a participant's connections in one direction.
    pub(super) fn close_leg(&mut self, key: Key, leg: Leg, turn: &mut Turn<'_>) {
        let Some(member) = self.members.get(&key) else {
            return;
        };
        let sides: Vec<Side> = member.sides().filter(|side| side.leg() == leg).collect();
        for side in sides {
            self.close_side(key, side, turn);
        }
    }

    /// Frees one connection of a participant.
    pub(super) fn close_side(&mut self, key: Key, side: Side, turn: &mut Turn<'_>) {
        let Some(member) = self.members.get_mut(&key) else {
            return;
        };
        let connection = match side {
            Side::Up(number) => {
                let place = member.ups.iter().position(|up| up.number == number);
                place.map(|place| {
                    let mut up = member.ups.remove(place);
                    up.connection.close(turn.out);
                    up.connection
                })
            }
            Side::Down => member.down.take().map(|mut down| {
                down.end(turn.out);
                down.connection
            }),
        };
        let Some(connection) = connection else {
            return;
        };
        let route = Route {
            room: self.key,
            member: key,
            side,
        };
        for path in connection.paths() {
            if turn.routes.paths.get(&path) == Some(&route) {
                turn.routes.paths.remove(&path);
            }
        }
        for ufrag in connection.ufrags() {
            turn.routes.ufrags.remove(ufrag);
        }
    }

    /// Lets every connection panic.
    #[cfg(test)]
    pub fn break_connections(&mut self, turn: &mut Turn<'_>) {
        let members = self.members.iter_mut();
        let sides = members.flat_map(|(key, member)| {
            let sides = member.sides();
            sides.map(move |side| (key, side)).collect::<Vec<_>>()
        });
        for (key, side) in sides.collect::<Vec<_>>() {
            let member = self.members.get_mut(&key);
            if let Some(connection) = member.and_then(|member| member.connection(side)) {
                connection.break_down();
                self.settle_connection(key, side, turn);
            }
        }
    }

    /// All its connections.
    #[cfg(test)]
    pub fn connections(&self) -> impl Iterator<Item = &crate::media::peer::connection::Connection> {
        self.members.values().flat_map(|member| {
            let ups = member.ups.iter().map(|up| &up.connection);
            ups.chain(member.down.as_ref().map(|down| &down.connection))
        })
    }

    /// Adds what it holds to a count.
    pub fn count(&self, census: &mut Census) {
        census.rooms += 1;
        census.participants += self.members.len();
        census.tracks += self.tracks.len();
        for member in self.members.values() {
            census.connections += member.ups.len() + usize::from(member.down.is_some());
            census.slots += member.down.as_ref().map_or(0, |down| down.slots.len());
        }
    }
}
