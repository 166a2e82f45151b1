//! A worker's state machine: datagrams, inputs and timeouts in, datagrams and events out. It reads no clock and no
//! socket, so tests run it in virtual time.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;

use crate::budgets::media::ROAMERS;
use crate::media::error::MediaError;
use crate::media::peer::arena::Arena;
use crate::media::peer::ice::stun;
use crate::media::peer::path::{Path, may_be_peer};
use crate::media::peer::reach::Reach;
use crate::media::room::allowance::Allowance;
use crate::media::room::paths::{Directory, Paths};
use crate::media::room::request::Request;
use crate::media::room::tick::ntp_duration;
use crate::media::room::{Room, RoomKey, Route, Routes, Turn};
use crate::media::seats::Step;
use crate::media::{Census, EventSink};
use crate::meeting::media::{MediaCommand, MediaEvent};
use crate::protocol::ids::ParticipantId;

/// The grain of all timers while there are rooms.
const TICK: Duration = Duration::from_millis(20);
/// The grain of what is sent at a pace, while something is (libwebrtc's pacer has the same).
const PACE: Duration = Duration::from_millis(5);
/// From the NTP epoch, 1900, to the Unix epoch (RFC 5905 §6).
const NTP_TO_UNIX_SECS: u64 = 2_208_988_800;
/// The largest datagram that is looked at; media fits in one Ethernet frame.
const MAX_DATAGRAM: usize = 2048;

/// A room to be opened.
pub(in crate::media) struct Opening {
    pub room: RoomKey,
    pub events: EventSink,
    /// The room is freed when nobody holds it any more.
    pub alive: Weak<()>,
    /// How often its media failed before.
    pub generation: u64,
}

/// What the handles tell a worker.
pub(in crate::media) enum Input {
    Command {
        room: RoomKey,
        command: MediaCommand,
    },
    Request {
        room: RoomKey,
        participant: ParticipantId,
        request: Request,
    },
    Census(oneshot::Sender<Census>),
    /// Something goes wrong.
    #[cfg(test)]
    Fault(Fault),
}

/// What a test lets go wrong.
#[cfg(test)]
pub(crate) enum Fault {
    /// A panic in a room.
    Room(RoomKey),
    /// A panic in each connection of a room.
    Connections(RoomKey),
    /// A panic in the worker, outside of every room.
    Worker,
    /// The worker does nothing more until the other end is dropped.
    Stall(std::sync::mpsc::Receiver<()>),
}

/// Everything that one worker holds.
pub(in crate::media) struct State {
    rooms: HashMap<RoomKey, Room>,
    routes: Routes,
    /// How many streams lead here.
    streams: usize,
    out: Arena,
    reach: Reach,
    started: Instant,
    started_ntp: u64,
    next_tick: Instant,
    /// Rooms that have something to send at a pace, and when.
    pacing: Vec<RoomKey>,
    next_pace: Option<Instant>,
    roamers: Allowance,
    /// Where rooms are reported whose media failed, until they have heard it.
    failed: Vec<EventSink>,
    /// What is given up in all rooms.
    step: Step,
}

impl State {
    /// A worker that clients reach so; `wall` is the wall clock's time at `now`.
    pub fn new(reach: Reach, now: Instant, wall: SystemTime) -> Self {
        let unix = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let started_ntp = ntp_duration(unix + Duration::from_secs(NTP_TO_UNIX_SECS));
        Self {
            rooms: HashMap::new(),
            routes: Routes::default(),
            streams: 0,
            out: Arena::default(),
            reach,
            started: now,
            started_ntp,
            next_tick: now,
            pacing: Vec::new(),
            next_pace: None,
            roamers: Allowance::new(&ROAMERS, now),
            failed: Vec::new(),
            step: Step::default(),
        }
    }

    /// From now on other threads that share its port find its paths in the directory.
    pub fn list(&mut self, directory: Arc<Directory>) {
        self.routes.paths = Paths::listed(directory, self.reach.thread);
    }

    /// Ends without a goodbye, after a failure that cannot be mended. Returns a new machine, which tells all rooms.
    pub fn begin_anew(self, now: Instant, wall: SystemTime) -> Self {
        let mut anew = Self::new(self.reach.clone(), now, wall);
        anew.routes.paths = self.routes.paths.begin_anew();
        anew.failed = self.failed;
        for (_, room) in self.rooms {
            anew.failed.extend(sink_of(room));
        }
        anew.tell_failed();
        anew
    }

    /// From now on new connections are told that clients reach this worker at these addresses.
    pub fn announce(&mut self, reach: Reach) {
        for room in self.rooms.values_mut() {
            room.reach = reach.clone();
        }
        self.reach = reach;
    }

    /// Whether a path leads to a connection.
    pub fn knows(&self, path: Path) -> bool {
        self.routes.paths.get(&path).is_some()
    }

    /// Nothing comes or goes by this path any more.
    pub fn forget(&mut self, path: Path, now: Instant) {
        if let Some(route) = self.routes.paths.remove(&path) {
            self.with_room(route.room, now, |room, _| room.forget(route, path));
        }
    }

    /// From now on all rooms give up so much, as there is too much to do.
    pub fn step(&mut self, step: Step) {
        self.step = step;
        for room in self.rooms.values_mut() {
            room.step(step);
        }
    }

    /// How many people are in its rooms.
    pub fn people(&self) -> usize {
        self.rooms.values().map(Room::people).sum()
    }

    /// Opens a room.
    pub fn open(&mut self, opening: Opening, now: Instant) {
        let key = opening.room;
        let mut room = Room::new(key, opening, self.reach.clone(), now);
        room.step(self.step);
        self.rooms.insert(key, room);
        self.next_tick = self.next_tick.min(now + TICK);
    }

    /// Carries out an input.
    pub fn handle_input(&mut self, input: Input, now: Instant) {
        match input {
            Input::Command {
                room,
                command: MediaCommand::Close,
            } => self.close(room, now),
            Input::Command { room, command } => {
                self.with_room(room, now, |room, turn| room.command(command, turn))
            }
            Input::Request {
                room,
                participant,
                request,
            } => {
                if self.rooms.contains_key(&room) {
                    self.with_room(room, now, |room, turn| {
                        room.request(&participant, request, turn)
                    });
                } else {
                    request.refuse(MediaError::Gone);
                }
            }
            Input::Census(reply) => drop(reply.send(self.census())),
            #[cfg(test)]
            Input::Fault(fault) => self.suffer(fault, now),
        }
    }

    /// Takes a datagram, and opens it where it lies. What belongs to no connection is dropped without an answer. It may
    /// have `arrived` some time ago.
    pub fn handle_datagram(
        &mut self,
        path: Path,
        datagram: &mut [u8],
        arrived: Instant,
        now: Instant,
    ) {
        if !self.handle_known(path, datagram, arrived, now) {
            self.handle_stray(path, datagram, arrived, now);
        }
    }

    /// The same of one whose connection is known to be here, and of one that nobody takes. Whether it was.
    pub fn handle_known(
        &mut self,
        path: Path,
        datagram: &mut [u8],
        arrived: Instant,
        now: Instant,
    ) -> bool {
        if datagram.len() > MAX_DATAGRAM || !may_be_peer(path.remote()) {
            return true;
        }
        // RFC 7983 §7. A check names its connection. Everything else comes by a path that a check has proven.
        let route = match datagram.first() {
            Some(0..=3) => stun::ufrag(datagram).and_then(|ufrag| self.routes.ufrags.get(ufrag)),
            Some(20..=63 | 128..=191) => self.routes.paths.get(&path),
            _ => return true,
        };
        let route = route.copied();
        if let Some(route) = route {
            self.receive(route, path, datagram, arrived, now);
        }
        route.is_some()
    }

    /// Takes what came by an unknown path: a packet of media may be of a client that has another address now.
    pub fn handle_stray(
        &mut self,
        path: Path,
        datagram: &mut [u8],
        arrived: Instant,
        now: Instant,
    ) {
        if !may_roam(path, datagram) {
            return;
        }
        if let Some(route) = self.roamed(path, datagram, now) {
            self.receive(route, path, datagram, arrived, now);
        }
    }

    fn receive(
        &mut self,
        route: Route,
        path: Path,
        datagram: &mut [u8],
        arrived: Instant,
        now: Instant,
    ) {
        self.with_room(route.room, now, |room, turn| {
            turn.arrived = arrived;
            room.receive(route, path, datagram, turn)
        });
    }

    /// The connection of a packet that came by an unknown path: of those at the same IP address, the one that can open
    /// it.
    fn roamed(&mut self, path: Path, packet: &[u8], now: Instant) -> Option<Route> {
        let around = self.routes.paths.around(path);
        if around.is_empty() || self.roamers.take(now).is_err() {
            return None;
        }
        around.into_iter().find(|route| {
            let mut vouched = false;
            self.with_room(route.room, now, |room, turn| {
                vouched = room.vouch(*route, path, packet, turn);
            });
            vouched
        })
    }

    /// When [`State::handle_timeout`] wants to be called; never while there is no room.
    pub fn next_timeout(&self) -> Option<Instant> {
        let idle = self.rooms.is_empty() && self.failed.is_empty();
        let due = self.next_pace.unwrap_or(self.next_tick);
        (!idle).then_some(due.min(self.next_tick))
    }

    /// Does what is due by now.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.pace(now);
        if now < self.next_tick {
            return;
        }
        self.next_tick = now + TICK;
        self.tell_failed();
        let keys: Vec<RoomKey> = self.rooms.keys().copied().collect();
        for key in keys {
            if self.rooms.get(&key).is_some_and(Room::is_abandoned) {
                self.close(key, now);
            } else {
                self.with_room(key, now, |room, turn| room.tick(turn));
            }
        }
    }

    fn pace(&mut self, now: Instant) {
        if self.next_pace.is_none_or(|due| now < due) {
            return;
        }
        self.next_pace = None;
        for key in std::mem::take(&mut self.pacing) {
            self.with_room(key, now, |room, turn| room.pace(turn));
        }
    }

    /// Closes every room.
    pub fn close_all(&mut self, now: Instant) {
        let keys: Vec<RoomKey> = self.rooms.keys().copied().collect();
        for key in keys {
            self.close(key, now);
        }
    }

    fn close(&mut self, key: RoomKey, now: Instant) {
        self.with_room(key, now, |room, turn| room.close(turn));
        self.rooms.remove(&key);
    }

    /// The datagrams to be sent, in order, in place of what was there.
    pub fn take_transmits(&mut self, into: &mut Arena) {
        std::mem::swap(&mut self.out, into);
        self.out.clear();
    }

    /// Sets how many streams are counted from now on.
    pub fn count_streams(&mut self, streams: usize) {
        self.streams = streams;
    }

    /// Counts what there is.
    pub fn census(&self) -> Census {
        let mut census = Census {
            addresses: self.routes.paths.len(),
            ufrags: self.routes.ufrags.len(),
            streams: self.streams,
            ..Census::default()
        };
        for room in self.rooms.values() {
            room.count(&mut census);
        }
        census
    }

    /// The rooms.
    #[cfg(test)]
    pub fn rooms(&self) -> impl Iterator<Item = &Room> {
        self.rooms.values()
    }

    /// How many connections media may flow on.
    #[cfg(test)]
    pub fn connected(&self) -> usize {
        self.connections()
            .filter(|connection| connection.is_connected())
            .count()
    }

    #[cfg(test)]
    fn connections(&self) -> impl Iterator<Item = &crate::media::peer::connection::Connection> {
        self.rooms.values().flat_map(Room::connections)
    }

    /// Runs something in a room, and gives its events away. A panic ends that room alone.
    fn with_room(
        &mut self,
        key: RoomKey,
        now: Instant,
        run: impl FnOnce(&mut Room, &mut Turn<'_>),
    ) {
        let ntp = self
            .started_ntp
            .wrapping_add(ntp_duration(now.saturating_duration_since(self.started)));
        let Self {
            rooms, routes, out, ..
        } = self;
        let Some(room) = rooms.get_mut(&key) else {
            return;
        };
        let mut turn = Turn {
            now,
            arrived: now,
            ntp,
            out,
            routes,
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            run(room, &mut turn);
            room.outbox.flush();
        }));
        if out.take_expectation() && !self.pacing.contains(&key) {
            self.pacing.push(key);
            self.next_pace.get_or_insert(now + PACE);
        }
        if outcome.is_err() {
            tracing::error!(room.key = key, "a room's media panicked and begins anew");
            self.failed
                .extend(self.rooms.remove(&key).and_then(sink_of));
            self.routes.paths.remove_room(key);
            self.routes.ufrags.retain(|_, route| route.room != key);
            self.tell_failed();
        }
    }

    /// Tells rooms that their media failed; those whose inbox is full hear it at the next tick.
    fn tell_failed(&mut self) {
        self.failed
            .retain_mut(|events| events(MediaEvent::Failed).is_err());
    }

    /// As if a participant had just spoken.
    #[cfg(test)]
    pub fn spoke(&mut self, room: RoomKey, who: &ParticipantId) {
        let room = self.rooms.get_mut(&room).expect("it is open");
        room.busy.heard(&[room.member_keys[who]]);
    }

    #[cfg(test)]
    fn suffer(&mut self, fault: Fault, now: Instant) {
        match fault {
            Fault::Room(room) => self.with_room(room, now, |_, _| panic!("a test's fault")),
            Fault::Connections(room) => {
                self.with_room(room, now, |room, turn| room.break_connections(turn));
            }
            Fault::Worker => panic!("a test's fault"),
            Fault::Stall(end) => drop(end.recv()),
        }
    }
}

/// Whether a datagram by an unknown path may be of a connection that is known: a packet of media that came as a datagram.
/// The port of a stream does not change under way. Relayed addresses share their IP address, and none of them becomes
/// another.
pub(in crate::media) fn may_roam(path: Path, datagram: &[u8]) -> bool {
    matches!(path, Path::Udp { .. }) && matches!(datagram.first(), Some(128..=191))
}

/// Where a room reports. What a panic left of it may panic once more when it is freed.
fn sink_of(room: Room) -> Option<EventSink> {
    catch_unwind(AssertUnwindSafe(|| room.outbox.into_sink())).ok()
}
