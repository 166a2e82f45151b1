//! A media worker that a test turns by hand, in virtual time: the machine is the real one, and there is no network.

use std::net::IpAddr;
use std::time::{Instant, SystemTime};

use crate::media::Media;
use crate::media::io::inbox::Inbox;
use crate::media::io::shard::State;
use crate::media::io::worker::Worker;
use crate::media::peer::arena::Arena;
use crate::media::peer::reach::Reach;
use crate::media::room::negotiations::Negotiations;
use crate::protocol::ids::{ParticipantId, TrackId};

/// The machine, and what it was sent.
pub(crate) struct ByHand {
    state: State,
    inbox: Inbox,
    negotiations: Negotiations,
    out: Arena,
}

/// What it knows of one room.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RoomSeen {
    /// The participants who may negotiate.
    pub participants: Vec<ParticipantId>,
    /// The running tracks: each with its mute state and its owner.
    pub tracks: Vec<(TrackId, bool, ParticipantId)>,
}

impl ByHand {
    /// A machine, and the handle by which rooms reach it.
    pub fn new(now: Instant) -> (Media, Self) {
        let (worker, inbox) = Worker::by_hand();
        let by_hand = Self {
            state: State::new(
                Reach::new(0, &[IpAddr::from([192, 0, 2, 1]).into()], 5000, &[]),
                now,
                SystemTime::UNIX_EPOCH,
            ),
            inbox,
            negotiations: Negotiations::default(),
            out: Arena::default(),
        };
        (Media::by_hand(worker), by_hand)
    }

    /// One turn, as a worker's thread does it.
    pub fn turn(&mut self, now: Instant) {
        let (state, negotiations) = (&mut self.state, &mut self.negotiations);
        self.inbox.hand_on(state, negotiations, usize::MAX, || now);
        self.state.handle_timeout(now);
        if let Some(input) = self.negotiations.next(now, false) {
            self.state.handle_input(input, now);
            self.negotiations.spent(now, now);
        }
        self.state.take_transmits(&mut self.out);
        self.out.clear();
    }

    /// What it knows of the rooms.
    pub fn rooms(&self) -> Vec<RoomSeen> {
        let rooms = self.state.rooms().map(|room| {
            let mut seen = RoomSeen::default();
            for member in room.members.values() {
                seen.participants.push(member.id.clone());
                for (_, key) in member.started.iter() {
                    if let Some(track) = room.tracks.get(&key) {
                        let owner = member.id.clone();
                        seen.tracks.push((track.id.clone(), track.muted, owner));
                    }
                }
            }
            seen.participants.sort();
            seen.tracks.sort();
            seen
        });
        rooms.collect()
    }
}
